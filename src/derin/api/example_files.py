"""Answers to the pictures or sounds that a file holds or lists: one for each, by name, read as for evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from derin.api.load import load
from derin.api.rows import AnsweredRows, notes_of
from derin.core.errors import DataError
from derin.core.messages import Message
from derin.data.columns import INPUT
from derin.readers.archives import UnreadableFileError, is_hidden, open_files
from derin.readers.arrays import is_array_file
from derin.readers.file_kinds import FILE_KINDS, FileKind
from derin.readers.file_names import is_archive
from derin.readers.file_table_search import is_table_name
from derin.readers.file_tables import listed_files
from derin.readers.idx import is_idx_file
from derin.readers.listing import natural_key, shown
from derin.tasks.prediction import NoAnswer

if TYPE_CHECKING:
    from derin.api.model import Model

_CHUNK = 256
_PLACES_SHOWN = 3


def holds_many(path: Path) -> bool:
    """Whether a file is one of many examples by its form, and no example itself."""
    return path.is_file() and (is_archive(path) or is_table_name(path.name) or is_array_file(path) or is_idx_file(path))


def answer_examples(model: Model, path: Path) -> AnsweredRows:
    """What a network says about each picture or sound in a file.

    Args:
        model: that reads pictures or sounds.
        path: of a folder, a zip or tar, an array file, or a table that names files beside it; it may hold answers too,
            which are not looked at.

    Raises:
        DataError: the file cannot be read, or holds none.
    """
    kind = FILE_KINDS[model.preparation.medium]
    if path.is_dir() or is_archive(path):
        return _answer_files(model, _files_in(path, kind))
    if is_table_name(path.name):
        return _answer_files(model, listed_files(path, kind))
    table = load(path, recipe=model.recipe, cut=False)
    pictures = model.preparation.encode_table(table)[INPUT]  # what is to be answered may lie beside them
    answers: list[Any] = []
    for start in range(0, len(table), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(table)), dtype=np.int64)
        answers += model.row_predictions(pictures.gather(rows))
    names = table.row_names or [f"{path}:{row}" for row in range(1, len(table) + 1)]
    return AnsweredRows(list(names), answers, {}, notes_of(table))


def _files_in(path: Path, kind: FileKind) -> Iterator[tuple[str, bytes | str]]:
    """The files of a kind in a folder or an archive by name, as people count."""
    with closing(open_files(path)) as files:
        names = [n for n in files.names(1 << 40) if kind.may_be(n) and not any(map(is_hidden, n.split("/")))]
        if not names:
            raise DataError(f"{path}: a folder, zip or tar with {kind.plural} is required; it holds none.")
        for name in sorted(names, key=natural_key):
            try:
                yield shown(name), files.read(name)
            except UnreadableFileError as error:
                yield shown(name), str(error)


def _answer_files(model: Model, files: Iterator[tuple[str, bytes | str]]) -> AnsweredRows:
    """Answers to files; of one that is a sentence there is nothing to read."""
    names: list[str] = []
    answers: list[Any] = []
    unread: dict[int, str] = {}
    rows: list[Any] = []
    places: list[int] = []

    def answer() -> None:
        if rows:
            for place, said in zip(places, model.row_predictions(np.stack(rows)), strict=True):
                answers[place] = said
            rows.clear()
            places.clear()

    for name, content in files:
        place = len(names)
        names.append(name)
        answers.append(None)
        try:
            if isinstance(content, str):
                unread[place] = content
            elif model.task.answers_in_original:
                answers[place] = model.predictions(content)[0]
            else:
                rows.append(model.preparation.read(content)[0])
                places.append(place)
        except DataError as error:
            unread[place] = str(error)
        if len(rows) == _CHUNK:
            answer()
    answer()
    fields = next((tuple(found.to_json()) for found in answers if found is not None), ())
    for place, reason in unread.items():
        answers[place] = NoAnswer(reason, fields)
    notes: list[str] = []
    for reason in dict.fromkeys(unread.values()):
        where = [names[place] for place, said in unread.items() if said == reason]
        some = ", ".join(where[:_PLACES_SHOWN]) + (", …" if len(where) > _PLACES_SHOWN else "")
        notes.append(Message("predict.rows_unanswered", count=len(where), reason=reason, places=some))
    return AnsweredRows(names, answers, {}, notes)
