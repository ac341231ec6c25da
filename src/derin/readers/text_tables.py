"""Labelled text in lines: tsv and csv with or without a header, and JSON lines; which column is which is found out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from derin.core.errors import DataError, UnknownNameError
from derin.core.messages import Message
from derin.core.printable import has_half_pairs, replace_half_pairs
from derin.data.cells.dates import looks_like_date
from derin.data.cells.numbers import looks_like_number
from derin.data.cells.packed import Block, PackedColumn, Part, Places, joined
from derin.data.cells.values import number_name, words_that_are_values
from derin.data.cells.writing import MISSING_WORDS
from derin.data.line_findings import line_findings
from derin.data.report import DataReport, Outcome
from derin.data.table import Rows
from derin.readers.cell_labels import labels_between
from derin.readers.column_names import LABEL_NAMES, TEXT_NAMES
from derin.readers.content import EXCEL, PARQUET, content_of
from derin.readers.decoding import as_utf8, head_of, lines_of, read_bytes, read_text
from derin.readers.delimited import Records, head_records, read_records
from derin.readers.file_names import file_ending
from derin.readers.json_records import (
    flat_keys,
    head_objects,
    is_json_lines,
    is_label_list,
    list_cell,
    object_lines,
    object_lines_in,
    parsed_line,
)
from derin.readers.table_files import table_records
from derin.readers.targets import labels_in_target
from derin.readers.texts import Texts

TABLE_ENDINGS = (".tsv", ".csv", ".tab", ".txt")
# The form of what was read, in the recipe.
TABLE = "table"
_HEAD_BYTES = 1 << 16
_NO_DELIMITER = "\x1f"  # stands in no text
# A text has this many words on average, or as many characters; a label has fewer.
_TEXT_WORDS, _LABEL_WORDS = 3.0, 2.5
_SAMPLE = 1000
# Objects that are held as such at a time.
_MANY_OBJECTS = 1 << 12
_DATE_WORDS = 6

Columns = Mapping[str, Sequence[str]]


def read_text_tables(
    files: Mapping[str, Path],
    report: DataReport,
    target: str | None,
    known: Mapping[str, Any],
    missing: Sequence[str] | None = None,
    *,
    target_kind: str | None = None,
    task: str | None = None,
) -> tuple[Texts, str, dict[str, Any]]:
    """The texts in files of lines, one file for each split, how their labels were found, and the recipe's part.

    Args:
        files: split → file; the split is empty where it is unknown.
        report: the report.
        target: name of the column or key with the labels; None finds it out.
        known: what was found out of other data: ``text``, ``label``, ``ending``, ``delimiter``, ``header``,
            ``missing``, ``between``, ``classes``.
        missing: the words that mean "no label", as the user says; None finds them out.
        target_kind: ``"category"`` where a cell never holds several labels.
        task: that the texts are read for, where that is known.
    """
    read: list[tuple[str, str, Rows, Sequence[str], Sequence[str]]] = []
    chosen: tuple[str, str] | None = None
    header: bool | None = None
    part: dict[str, Any] = {"form": TABLE}
    for split, path in files.items():
        if is_json_lines(path):
            columns, lines = _json_lines(path, report)
            part |= {"ending": file_ending(path)}
        else:
            # Where the first file has a header the others have one too: one file's evidence is weaker than all.
            records = _records(path, report, header, known)
            columns, lines, header = _by_name(records), records.lines, records.has_header
            part |= {"ending": file_ending(path), "delimiter": records.delimiter, "header": header}
            part |= {"encoding": records.encoding}
        if chosen is None or any(name not in columns for name in chosen):
            as_known = (known.get("text"), known.get("label"))
            follows = target is None and all(isinstance(n, str) and n in columns for n in as_known)
            chosen = (str(as_known[0]), str(as_known[1])) if follows else choose_columns(columns, target, path.name)
        text, label = chosen
        others = [name for name in columns if name not in chosen]
        if others:
            left_out = ", ".join(map(repr, others))
            report.notes.append(
                Message("reading.columns_of_texts", file=path.name, text=text, label=label, others=left_out)
            )
        read.append((split, path.name, lines, columns[text], columns[label]))
        part |= {"columns": list(columns), "text": text, "label": label}
    assert chosen is not None
    if missing is None:
        missing = known.get("missing")
        if missing is None and not known:
            missing = _words_without_label(joined([labels for *_, labels in read]), chosen[1], report)
    if missing is not None:
        part["missing"] = [word.casefold() for word in missing]
    followed = known if chosen[1] == known.get("label") else {}
    missing = None if missing is None else tuple(part["missing"])
    found = Texts(report, missing=missing, label=chosen[1], known=followed.get("classes"))
    for split, file, lines, texts, labels in read:
        found.add_lines(file, lines, texts, labels, split, named=len(files) > 1)
    found.between = followed.get("between", "")
    if not followed and target_kind is None:
        found.between = labels_in_target(chosen[1], sorted(found.used()), task, report)
    if found.between:
        part["between"] = found.between
    return found, Message("reading.from_column", column=chosen[1]), part


def read_text_inputs(
    path: Path, report: DataReport, known: Mapping[str, Any]
) -> tuple[list[str], list[int], dict[int, str]]:
    """The texts of a file whose rows are to be predicted, the line of each, and why rows are broken; labels are not
    read.

    Every row is there, in its order; a broken one is empty.

    Raises:
        DataError: the column of the texts is not there.
    """
    if is_json_lines(path):
        return _json_inputs(path, report, known)
    text = known.get("text") if known.get("header", True) else None
    wanted = () if text is None else (text,)
    settings = _settings(path, known)
    is_typed = content_of(path) in (EXCEL, PARQUET)
    if not is_typed and text is not None and first_line(path).strip('" \r') == text:
        # The one column of a file without labels needs no delimiter: whatever stands in its lines is text.
        settings = {"delimiter": _NO_DELIMITER, "header": True}
    records = _file_records(path, every_row=True, wanted=wanted, likely=known.get("encoding"), **settings)
    if not is_typed and text is not None and text not in records.names:
        # Saved anew with another delimiter.
        again = _file_records(path, every_row=True, wanted=wanted, likely=known.get("encoding"))
        records = again if text in again.names else records
    report.notes += records.notes
    report.extend(records.findings)
    columns = _by_name(records)
    cells = columns[_text_column(columns, known, path.name)]
    return list(cells), records.lines.tolist(), dict(records.faults)


def is_text_input(path: Path, known: Mapping[str, Any]) -> bool:
    """Whether a file has the form of the table that was trained on, by its name; of a .txt file also by its lines."""
    if is_json_lines(path) or file_ending(path) in TABLE_ENDINGS[:-1] or content_of(path) in (EXCEL, PARQUET):
        return True
    if file_ending(path) != known.get("ending") or "delimiter" not in known or not known.get("columns"):
        return False
    records = head_records(path)
    return records is not None and (records.delimiter, len(records.columns)) == (
        known["delimiter"],
        len(known["columns"]),
    )


def first_line(path: Path) -> str:
    """The first line of a text."""
    return next(iter(lines_of(head_of(path, _HEAD_BYTES))), "")


def _words_without_label(labels: Sequence[str], column: str, report: DataReport) -> list[str] | None:
    """The words that mean "no label", where one of the usual ones is a class; None where all mean what they do."""
    if not (kept := words_that_are_values(labels)):
        return None
    rows = sum(label in set(kept) for label in labels)
    note = Message("reading.word_is_value", words=", ".join(map(repr, kept)), rows=rows)
    report.notes.append(Message("reading.of_column", column=column, note=note))
    return sorted(MISSING_WORDS - {word.casefold() for word in kept} - {""})


def _text_column(columns: Columns, known: Mapping[str, Any], file: str) -> str:
    """The column of the texts: as in training, by its name or its place; where nothing is known, by name or length."""
    text, usual = known.get("text"), known.get("columns") or []
    if isinstance(text, str) and text in columns and (known.get("header", True) or len(columns) == len(usual)):
        return text
    if len(columns) == 1:
        return next(iter(columns))
    if isinstance(text, str):
        raise DataError(
            f"{file}: the column {text!r} with the texts is required, as in training; it has {', '.join(columns)}."
        )
    return _named(columns, TEXT_NAMES) or max(columns, key=lambda name: _mean_words(columns[name]))


def _json_inputs(
    path: Path, report: DataReport, known: Mapping[str, Any]
) -> tuple[list[str], list[int], dict[int, str]]:
    decoded = read_text(path)
    if decoded.note:
        report.notes.append(decoded.note)
    lines_read = enumerate(object_lines(path, decoded.text), start=1)
    values = [(n, parsed_line(line, n, path)) for n, line in lines_read if line.strip()]
    objects = [value for _, value in values if isinstance(value, dict)]
    if not objects:
        raise DataError(f"{path}: a JSON object on each line is required; none is there.")
    text = known.get("text")
    if not isinstance(text, str):
        keys = list(dict.fromkeys(key for value in objects for key in value))
        text = _text_column({k: [_plain(value.get(k)) for value in objects] for k in keys}, known, path.name)
    elif not any(text in value for value in objects):
        keys = list(dict.fromkeys(key for value in objects for key in value))
        raise DataError(f"{path.name}: the key {text!r} with the texts is required; there are {', '.join(keys)}.")
    cells = [_plain(value.get(text)) if isinstance(value, dict) else "" for _, value in values]
    lines = [number for number, _ in values]
    no_object = Message("reading.no_json_object")
    broken: dict[int, str] = {row: no_object for row, (_, v) in enumerate(values) if not isinstance(v, dict)}
    return cells, lines, broken


def is_text_table(path: Path) -> bool:
    """Whether the first lines of a file look like texts with labels; reads no more than these."""
    if is_json_lines(path):
        return _are_texts(head_objects(path))
    if not path.name.lower().removesuffix(".gz").endswith(TABLE_ENDINGS):
        return False
    records = head_records(path)
    if records is None or len(records.columns) < 2:
        return False
    columns = dict(zip(records.names, records.columns))
    words = {name: _mean_words(cells) for name, cells in columns.items()}
    text: str | None
    label: str | None
    if len(columns) == 2:
        text, label = sorted(columns, key=lambda name: -words[name])
    else:
        text, label = _named(columns, TEXT_NAMES), _named(columns, LABEL_NAMES)
    if text is None or label is None or words[text] < _TEXT_WORDS:
        return False
    return words[label] < _LABEL_WORDS or bool(labels_between(columns[label]))


def _are_texts(objects: Sequence[Mapping[str, Any]]) -> bool:
    """Whether objects hold a text and its label, rather than the numbers and words of a table.

    Example:
        >>> _are_texts([{"text": "good"}]), _are_texts([{"name": "Ece", "label": "tr"}]), _are_texts([{"a": 1, "y": 0}])
        (True, True, False)
    """
    columns = {
        key: [list_cell(each) if isinstance(each := value.get(key), list) else each for value in objects]
        for key in flat_keys([dict(value) for value in objects])
    }
    if not columns or _named(dict.fromkeys(columns, ()), TEXT_NAMES):
        return True
    words = {key: [v for v in values if isinstance(v, str)] for key, values in columns.items()}
    if any(2 * len(found) > len(objects) and _mean_words(found) >= _TEXT_WORDS for found in words.values()):
        return True
    label = _named(dict.fromkeys(columns, ()), LABEL_NAMES) or min(columns, key=lambda key: len({*columns[key]}))
    inputs = {key: values for key, values in columns.items() if key != label}
    # Numbers that all differ may be those of the rows.
    numbers = [
        key
        for key, values in inputs.items()
        if any(isinstance(v, float | bool) for v in values)
        or (any(isinstance(v, int) for v in values) and len(set(values)) < len(values))
    ]
    return not numbers and any(words[key] for key in inputs)


def choose_columns(columns: Columns, target: str | None, file: str) -> tuple[str, str]:
    """Names of the column of texts and of the column of labels.

    Names decide first (`TEXT_NAMES`, `LABEL_NAMES`), then content: texts have the most words, labels the fewest values.

    Raises:
        DataError: no column can be one of them.

    Example:
        >>> choose_columns({"a": ["0", "1", "0"], "b": ["so good", "not so good", "bad"]}, None, "x.tsv")
        ('b', 'a')
    """
    if len(columns) < 2:
        raise DataError(f"{file}: a column of texts and one of labels are required; got {len(columns)} column.")
    if target is not None and target not in columns:
        alike = [name for name in columns if name.casefold() == target.casefold()]
        if len(alike) != 1:
            raise UnknownNameError("column", target, columns)
        target = alike[0]
    words = {name: _mean_words(cells) for name, cells in columns.items()}
    label = target or _named(columns, LABEL_NAMES)
    free = {name: cells for name, cells in columns.items() if name != label}
    text = _named(free, TEXT_NAMES) or max(free, key=lambda name: (words[name], not _are_numbers(free[name])))
    if label is None:
        free = {name: cells for name, cells in columns.items() if name != text}
        label = min(free, key=lambda name: len(set(free[name])))
    return text, label


def _are_numbers(cells: Sequence[str]) -> bool:
    return all(map(looks_like_number, cells[:_SAMPLE]))


def _named(columns: Columns, names: Sequence[str]) -> str | None:
    lowered = {name.casefold(): name for name in columns}
    return next((lowered[name] for name in names if name in lowered), None)


def _mean_words(cells: Sequence[str]) -> float:
    sample = cells[:: max(1, len(cells) // _SAMPLE)]
    return sum(_num_words(cell) for cell in sample) / max(1, len(sample))


def _num_words(cell: str) -> int:
    """The words of a text; a date is one, though it may have a month's name and commas in it, and so is a number with
    spaces between thousands."""
    words = len(cell.split())
    is_one = 1 < words <= _DATE_WORDS and (looks_like_date(cell) or looks_like_number(cell))
    return 1 if is_one else words


def _by_name(records: Records) -> Columns:
    return dict(zip(records.names, records.columns, strict=True))


def _settings(path: Path, known: Mapping[str, Any]) -> dict[str, Any]:
    """Delimiter and header of a file of the same kind as one that was read before."""
    if file_ending(path) != known.get("ending"):
        return {}
    return {name: known[name] for name in ("delimiter", "header") if name in known}


def _records(path: Path, report: DataReport, header: bool | None, known: Mapping[str, Any]) -> Records:
    settings = _settings(path, known)
    records = _file_records(path, likely=known.get("encoding"), **({"header": header} | settings))
    if settings.get("header") and not any(known.get(part) in records.names for part in ("text", "label")):
        # Saved anew with another delimiter, or without names.
        records = _file_records(path, likely=known.get("encoding"))
    report.notes += records.notes
    report.extend(records.findings)
    return records


def _file_records(path: Path, **settings: Any) -> Records:
    """The records of a file; a text may hold any character, so that what a text is is not asked of its bytes."""
    if content_of(path) in (EXCEL, PARQUET):
        return table_records(path, **{n: v for n, v in settings.items() if n in ("header", "wanted")})
    return read_records(path, **settings)


def _json_lines(path: Path, report: DataReport) -> tuple[Columns, Rows]:
    """The objects on the lines of a file, by key; what is no such object is skipped and listed."""
    decoded = as_utf8(read_bytes(path), path.name)
    if decoded.note:
        report.notes.append(decoded.note)
    replaced = Message("reading.no_text_bytes")
    report.extend(line_findings(path.name, decoded.broken_lines, Outcome.CONVERTED, replaced))
    objects = _PackedObjects()
    lines: list[int] = []
    wrong: dict[str, list[int]] = {}
    halved: list[int] = []
    lines_read = object_lines_in(path, decoded)
    if isinstance(lines_read, list):
        report.notes.append(Message("reading.json_list", file=path.name))
    for number, line in enumerate(lines_read, start=1):
        if not line.strip():
            continue
        value = parsed_line(line, number, path)
        if isinstance(value, dict):
            if "\\u" in line and any(has_half_pairs(text) for pair in value.items() for text in map(str, pair)):
                halved.append(number)
                value = {_whole(key): _whole(item) for key, item in value.items()}
            objects.add(value)
            lines.append(number)
        else:
            wrong.setdefault("reading.no_json" if value is None else "reading.no_json_object", []).append(number)
    for key, numbers in wrong.items():
        report.extend(line_findings(path.name, numbers, Outcome.SKIPPED, Message(key)))
    report.extend(line_findings(path.name, halved, Outcome.CONVERTED, Message("reading.half_pairs")))
    if not lines:
        raise DataError(f"{path}: a JSON object on each line is required; none is there.")
    columns = objects.columns()
    if unread := [key for key in objects.keys if key not in columns]:
        keys = ", ".join(map(repr, unread))
        report.notes.append(Message("reading.keys_seldom_plain", file=path.name, keys=keys))
    return columns, np.asarray(lines, dtype=np.int64)


class _PackedObjects:
    """The plain values of many objects: as objects they take many times the memory of their lines."""

    def __init__(self) -> None:
        self._place: dict[str, int] = {}
        self._num_plain: Counter[int] = Counter()
        # Of some objects: their cells and an empty one, the key and the object of each, the number of objects.
        self._blocks: list[tuple[Block, Places, Places, int]] = []
        self._cells: list[list[str]] = []
        self._keys: list[int] = []
        self._rows: list[int] = []
        self._num = self._num_all = 0

    def add(self, value: dict[str, Any]) -> None:
        for key, item in value.items():
            place = self._place.setdefault(key, len(self._place))
            if is_label_list(key, item):
                item = list_cell(item)
            if _is_plain(item):
                self._num_plain[place] += 1
                self._cells.append([_plain(item)])
                self._keys.append(place)
                self._rows.append(self._num)
        self._num += 1
        if self._num == _MANY_OBJECTS:
            self._pack()

    @property
    def keys(self) -> list[str]:
        return list(self._place)

    def columns(self) -> Columns:
        """The cells under each key that has a plain value in most objects; empty where it has none."""
        self._pack()
        usable = [key for key, place in self._place.items() if 2 * self._num_plain[place] > self._num_all]
        return {key: PackedColumn([*self._parts(self._place[key])]) for key in usable}

    def _parts(self, place: int) -> Iterator[Part]:
        for block, keys, rows, num in self._blocks:
            here = np.flatnonzero(keys == place)
            cells = np.full(num, len(keys), dtype=np.int32)
            cells[rows[here]] = here
            yield Part(block, cells, 0)

    def _pack(self) -> None:
        if self._num:
            block = Block.of([*self._cells, [""]])
            keys, rows = (np.asarray(numbers, dtype=np.int32) for numbers in (self._keys, self._rows))
            self._blocks.append((block, keys, rows, self._num))
        self._num_all += self._num
        self._num = 0
        for some in (self._cells, self._keys, self._rows):
            some.clear()


def _whole(value: Any) -> Any:
    return replace_half_pairs(value) if isinstance(value, str) else value


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _plain(value: Any) -> str:
    """A text or label as a string; empty where it is neither."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return number_name(value) if value == value and abs(value) != float("inf") else ""
    return str(value) if isinstance(value, int) else ""
