"""Texts that each belong to a class, in any form in which people keep them, as a table of text and label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from derin.core.errors import DataError
from derin.core.messages import Message
from derin.data.line_findings import line_findings
from derin.data.recipe import ReadingRecipe, ReadOptions
from derin.data.report import DataReport, Outcome
from derin.data.table import SPLITS, Table
from derin.readers.content import content_of
from derin.readers.decoding import lines_of, read_text
from derin.readers.file_names import file_ending, is_archive, visible_files
from derin.readers.input_tables import table_of_inputs
from derin.readers.json_records import JSON_ENDINGS, is_json_lines
from derin.readers.split_names import split_of
from derin.readers.table_files import ENDINGS
from derin.readers.text_folders import (
    holds_text_folders,
    labels_of,
    read_file_per_class,
    read_text_folders,
    texts_in_folder,
)
from derin.readers.text_tables import (
    TABLE_ENDINGS,
    is_text_input,
    is_text_table,
    read_text_inputs,
    read_text_tables,
)

# The subject of these texts in a recipe, and their forms beside that of tables.
TEXTS = "text"
FOLDERS, LINES = "folders", "lines"
_LISTED = 8


def read_labelled_text(
    path: str | Path | Sequence[str | Path],
    *,
    name: str,
    target: str | None = None,
    options: ReadOptions | None = None,
) -> Table:
    """Labelled texts: lines of tsv, csv or JSON, class folders of text files, or a file of lines for each class.

    Files and folders named train, val (valid, validation, dev, testa) or test (testb) are splits.

    Args:
        path: of a file, of a folder, of a zip or tar file with class folders, or of several files.
        name: of the data, for people.
        target: name of the column or key with the labels; None finds it out.
        options: how other data was read, whose part ``"text"`` is followed: the ``form`` (``table``, ``folders`` or
            ``lines``) and of tables ``text``, ``label``, ``columns``, ``ending``, ``delimiter``, ``header``,
            ``missing``, ``between`` and ``classes``; and whether texts are read to be predicted: each row of a table is
            one, each line of a plain file, each file of a folder; labels are not read, and every row stays.

    Shapes:
        column ``text`` ragged UTF-8, column ``label`` ``(N,)`` int64, of several labels ``(N, labels)`` float32.

    Raises:
        DataError: the files hold no texts with labels.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "a.tsv").write_text("so good\\tpos\\nnot so good\\tneg\\nbad\\tneg\\n")
        ...     table = read_labelled_text(Path(folder) / "a.tsv", name="reviews")
        >>> table.columns["text"].texts(), table.target().classes
        (['so good', 'not so good', 'bad'], ('neg', 'pos'))
    """
    paths = [Path(path)] if isinstance(path, str | Path) else [Path(p) for p in path]
    report = DataReport(source=", ".join(map(str, paths)))
    for each in paths:
        if not each.exists():
            raise DataError(f"{each} does not exist; a file or folder with labelled texts is required.")
    options = options or ReadOptions()
    known = options.part(TEXTS)
    if options.inputs_only:
        return _inputs(paths, name, report, known)
    part: dict[str, Any] = {"form": FOLDERS}
    asked = {"target_kind": options.target_kind, "task": options.task}
    if len(paths) == 1 and paths[0].is_file() and not is_archive(paths[0]):
        paths = _class_files_beside(paths[0]) or paths
        if len(paths) > 1:
            report.notes.append(Message("reading.class_files", files=_listed(paths)))
    files = visible_files(paths[0]) if len(paths) == 1 and paths[0].is_dir() else paths
    if len(paths) == 1 and is_archive(paths[0]):
        found, note = read_text_folders(paths[0], report)
    elif len(paths) == 1 and paths[0].is_file():
        found, note, part = read_text_tables({"": paths[0]}, report, target, known, options.missing, **asked)
    elif tables := _tables(files):
        found, note, part = read_text_tables(tables, report, target, known, options.missing, **asked)
    elif labels_of(files):
        found, note = read_file_per_class(files, report)
        part = {"form": LINES}
    elif len(paths) == 1:
        found, note = read_text_folders(paths[0], report)
    else:
        raise DataError(
            f"{name}: of several files each must name its split (train, val, test) or its class; got {_listed(paths)}."
        )
    table = found.table(name, note)
    if found.between:
        part["classes"] = list(table.target().classes or ())
    return replace(table, recipe=ReadingRecipe(found={TEXTS: part}))


def _inputs(paths: Sequence[Path], name: str, report: DataReport, known: Mapping[str, Any]) -> Table:
    """Texts alone, one for each row, in their order."""
    texts: list[str] = []
    names: list[str] = []
    unanswered: dict[int, str] = {}
    for path in paths:
        if path.is_dir() or is_archive(path):
            for place, text in texts_in_folder(path, report):
                texts.append(text)
                names.append(place)
            continue
        if is_text_input(path, known):
            found, lines, broken = read_text_inputs(path, report, known)
            unanswered |= {len(texts) + row: why for row, why in broken.items()}
        else:
            found = _lines(path, report, known.get("encoding"))
            lines = list(range(1, len(found) + 1))
        texts += found
        names += [f"{path.name} line {n}" if len(paths) > 1 else f"line {n}" for n in lines]
    if not texts:
        raise DataError(f"{paths[0]}: at least one text is required; none is there.")
    empty = Message("reading.text_empty")
    unanswered = {row: empty for row, text in enumerate(texts) if not text} | unanswered
    return table_of_inputs(name, "text", texts, row_names=names, unanswered=unanswered, report=report)


def _lines(path: Path, report: DataReport, likely: str | None) -> list[str]:
    """The lines of a plain file, empty ones among them."""
    decoded = read_text(path, likely=likely)
    if decoded.note:
        report.notes.append(decoded.note)
    replaced = Message("reading.no_text_bytes")
    report.extend(line_findings(path.name, decoded.broken_lines, Outcome.CONVERTED, replaced))
    return [line.strip() for line in lines_of(decoded.text)]


def looks_like_labelled_text(path: Path) -> bool:
    """Whether a file, folder or archive holds texts with labels; reads a few names and first lines only."""
    if path.is_file():
        return holds_text_folders(path) if is_archive(path) else is_text_table(path) or bool(_class_files_beside(path))
    files = visible_files(path)
    try:
        tables = _tables(files)
    except DataError:
        return False
    if tables:
        return all(is_text_table(file) for file in tables.values())
    return bool(labels_of(files)) or holds_text_folders(path)


def _tables(files: Sequence[Path]) -> dict[str, Path]:
    """Split → file of lines with texts and labels; empty where there is none."""
    json_lines = [p for p in files if is_json_lines(p)]
    endings = TABLE_ENDINGS[:-1] if any(file_ending(p) in TABLE_ENDINGS[:-1] for p in files) else TABLE_ENDINGS
    tables = json_lines or [p for p in files if file_ending(p) in endings]
    if len(tables) == 1:
        # One text file alone in a folder is a table only if it looks like one.
        return {"": tables[0]} if file_ending(tables[0]) != ".txt" or is_text_table(tables[0]) else {}
    by_split: dict[str, Path] = {}
    for file in tables:
        split = split_of(file.name)
        if split is None or split in by_split:
            if file_ending(file) == ".txt":
                return {}
            raise DataError(
                "Of several files of labelled texts each must name its split (train, val, test), once; "
                f"got {_listed(tables)}. Give the path of one file."
            )
        by_split[split] = file
    return {split: by_split[split] for split in SPLITS if split in by_split}


def _class_files_beside(path: Path) -> list[Path]:
    """The files of all classes where one of them was named: ``rt-polarity.pos`` has ``rt-polarity.neg`` beside it."""
    others = (*TABLE_ENDINGS, *JSON_ENDINGS, *ENDINGS)
    if file_ending(path) in others or content_of(path):
        return []
    files = [p for p in visible_files(path.parent) if p.stem == path.stem and file_ending(p) not in others]
    return files if labels_of(files) else []


def _listed(files: Sequence[Path]) -> str:
    return ", ".join(p.name for p in files[:_LISTED]) + (", …" if len(files) > _LISTED else "")
