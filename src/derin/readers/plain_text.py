"""Plain text for language models and word vectors: the last part of every file is kept apart to measure on."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path, PurePosixPath

import numpy as np

from derin.core.errors import DataError, UsageError
from derin.core.messages import Message
from derin.data.line_findings import line_findings
from derin.data.report import DataReport, Outcome
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import SPLITS, Ragged, Table
from derin.readers.archives import is_hidden, open_files, read_gzip
from derin.readers.decoding import check_encoding, decode, read_bytes
from derin.readers.file_names import file_ending, is_archive
from derin.readers.split_names import split_of

_TEXT_ENDINGS = (".txt", ".text")
_MOST_BYTES_IN_ALL = 8 << 30
_LISTED = 3


def read_plain_text(
    path: str | Path | Sequence[str | Path], *, name: str, encoding: str | None = None, held_out: float = 0.1
) -> Table:
    """Texts without labels, each file a text of its own.

    Of every file the first part is a row of train and the last part a row of val, cut between two characters. Where the
    names of all files or of their folders tell a split (train, val, test), these splits are kept, and train is cut only
    where there is no val. Line ends become line feeds, and letters are composed (NFC); both are said.

    Args:
        path: of a file (also .gz), a folder, a zip or tar file, or several files. Of a folder the ``.txt`` and
            ``.text`` files are read, or those of the most frequent ending where there are none.
        name: of the data, for people.
        encoding: of all files; None finds it out for each.
        held_out: share of the characters of each file that val gets.

    Shapes:
        column ``text`` ragged UTF-8.

    Raises:
        DataError: no text is there.
        UsageError: there is no such encoding, or ``held_out`` is no share.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.txt"
        >>> _ = file.write_text("0123456789" * 2, encoding="utf-8")
        >>> table = read_plain_text(file, name="digits")
        >>> table["text"].texts(), {split: rows.tolist() for split, rows in table.splits.items()}
        (['012345678901234567', '89'], {'train': [0], 'val': [1]})
    """
    if not 0 < held_out < 1:
        raise UsageError(f"read_plain_text: held_out must lie between 0 and 1; got {held_out}.")
    check_encoding(encoding, "read_plain_text")
    paths = [Path(path)] if isinstance(path, str | Path) else [Path(p) for p in path]
    report = DataReport(source=", ".join(map(str, paths)))
    is_single = len(paths) == 1 and paths[0].is_file() and not is_archive(paths[0])
    texts: dict[str, str] = {}
    line_ends: list[str] = []
    for file, data in _files(paths, report):
        try:
            text = _text(file, data, encoding, report, line_ends)
        except DataError:
            if is_single:
                raise
            report.add(file, Outcome.SKIPPED, Message("reading.no_text"))
            continue
        if text.strip():
            texts[file] = text
        elif is_single:
            raise DataError(f"{paths[0]}: a text is required; the file is empty.")
        else:
            report.add(file, Outcome.SKIPPED, Message("reading.file_empty"))
    if not texts:
        raise DataError(
            f"{', '.join(map(str, paths))}: at least one text that is not empty is required; none is there."
        )
    if line_ends:
        listed = ", ".join(line_ends[:_LISTED]) + (", …" if len(line_ends) > _LISTED else "")
        report.notes.append(Message("reading.line_ends", files=listed))
    return _table(name, texts, held_out, report)


def _table(name: str, texts: dict[str, str], held_out: float, report: DataReport) -> Table:
    given = _given_splits(texts, report)
    rows: list[str] = []
    names: list[str] = []
    splits: list[str] = []
    for file, text in texts.items():
        split = given.get(file, "train")
        is_cut = split == "train" and "val" not in given.values()
        end = min(int(len(text) * (1 - held_out)), len(text) - 1) if is_cut else len(text)
        for part, of_split, share in ((text[:end], split, "first part"), (text[end:], "val", "last part")):
            if part:
                rows.append(part)
                names.append(f"{file} ({share})" if is_cut else file)
                splits.append(of_split)
    if "train" not in splits:
        raise DataError(f"{name}: a text of two characters or more is required to train on; none is there.")
    num = sum(map(len, texts.values()))
    files = Message("reading.num_files", count=len(texts))
    how = (
        Message("reading.last_of_train" if given else "reading.last_of_each", share=held_out)
        if "val" not in given.values()
        else Message("reading.names_tell_splits")
    )
    report.notes.append(Message("reading.characters", files=files, num=num, how=how))
    schema = Schema((Column(name="text", kind=Kind.TEXT, role=Role.INPUT, shape=(-1,), note="UTF-8"),))
    found = np.asarray(splits)
    return Table(
        name=name,
        schema=schema,
        columns={"text": Ragged.from_texts(rows)},
        splits={split: where for split in SPLITS if len(where := np.flatnonzero(found == split))},
        report=report,
        row_names=names,
    )


def _given_splits(files: Sequence[str] | dict[str, str], report: DataReport) -> dict[str, str]:
    """File → split, where the names of all of them tell one and train is among them; else nothing."""
    told = {file: split for file in files if (split := _split(file)) is not None}
    if "train" in told.values() and len(told) == len(files):
        return told
    if told and len(files) > 1:
        listed = ", ".join(list(told)[:_LISTED])
        report.notes.append(Message("reading.names_tell_some", files=listed))
    return {}


def _split(file: str) -> str | None:
    """The split that the name of a file or of a folder above it tells, the nearest first."""
    *folders, own = PurePosixPath(file).parts
    return next((split for part in (own, *reversed(folders)) if (split := split_of(part)) is not None), None)


def _files(paths: Sequence[Path], report: DataReport) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file that is read."""
    for path in paths:
        if not path.exists():
            raise DataError(f"{path} does not exist; a text file, a folder of them or an archive is required.")
        if path.is_file() and not is_archive(path):
            yield path.name, read_bytes(path)
            continue
        with closing(open_files(path)) as files:
            contents = files.contents()
            for refused, reason in contents.refused:
                report.add(refused, Outcome.SKIPPED, reason)
            visible = sorted(m for m in contents.members if not any(map(is_hidden, m.path.split("/"))))
            if sum(member.size for member in visible) > _MOST_BYTES_IN_ALL:
                raise DataError(f"{path} holds more than {_MOST_BYTES_IN_ALL >> 30} GiB, which is refused.")
            wanted = _endings_read(m.path for m in visible)
            for member in visible:
                if file_ending(member.path) not in wanted:
                    report.add(member.path, Outcome.SKIPPED, Message("reading.endings_only", endings=", ".join(wanted)))
            read = dict(files.read_all([m.path for m in visible if file_ending(m.path) in wanted]))
            yield from ((file, read_gzip(read[file], file)) for file in sorted(read))


def _endings_read(names: Iterator[str]) -> tuple[str, ...]:
    counts = Counter(map(file_ending, names))
    texts = tuple(ending for ending in _TEXT_ENDINGS if ending in counts)
    return texts or tuple(ending for ending, _ in counts.most_common(1))


def _text(file: str, data: bytes, encoding: str | None, report: DataReport, line_ends: list[str]) -> str:
    """The text of a file, with line feeds and composed letters; what was found on the way is reported."""
    decoded = decode(data, file, encoding)
    if decoded.note:
        report.notes.append(decoded.note)
    replaced = Message("reading.no_text_bytes")
    report.extend(line_findings(file, decoded.broken_lines, Outcome.CONVERTED, replaced))
    text = decoded.text
    if "\r" in text:
        line_ends.append(file)
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not unicodedata.is_normalized("NFC", text):
        report.add(file, Outcome.CONVERTED, "letters with separate marks were composed (NFC)")
        text = unicodedata.normalize("NFC", text)
    return text
