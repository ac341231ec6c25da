"""Tables of JSON objects, one on each line or all in one list, as records of cells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from derin.core.errors import DataError
from derin.core.messages import Message
from derin.core.printable import has_half_pairs, replace_half_pairs
from derin.data.line_findings import line_findings
from derin.data.report import Outcome
from derin.readers.column_names import LABEL_NAMES, TARGET_NAMES
from derin.readers.csv_parser import LONGEST_CELL
from derin.readers.decoding import Decoded, Utf8, head_of, lines_in, lines_of, read_text
from derin.readers.delimited import Records
from derin.readers.typed_records import value_records

JSON_ENDINGS = (".jsonl", ".jsonlines", ".ndjson")
_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,]*")
_HEAD_BYTES = 1 << 16
_MOST_HEAD = 1000
_LISTS = frozenset((*LABEL_NAMES, *TARGET_NAMES))


def is_json_lines(path: Path) -> bool:
    """Whether a file has a JSON object on each line by its name, or is `.json` and begins like that, or like a list of
    objects."""
    return path.name.lower().removesuffix(".gz").endswith(JSON_ENDINGS) or (_is_json(path) and bool(_head_lines(path)))


def object_lines(path: Path, text: str) -> list[str]:
    """The lines of a file, each of which should be an object; of a `.json` that is one list, its objects in their
    order, each as a line.

    Example:
        >>> object_lines(Path("a.json"), '[{"a": 1},\\n {"a":\\n 2}]\\n')
        ['{"a": 1}', '{"a": 2}']
    """
    if not is_one_list(path, text):
        return lines_of(text)
    found: list[str] = []
    place = _BETWEEN.match(text, text.index("[") + 1).end()  # type: ignore[union-attr]
    while place < len(text) and text[place] != "]":
        try:
            _, end = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            # What stands behind cannot be told apart any more; it is one thing that is no object.
            found.append(text[place:].replace("\n", " ").replace("\r", " "))
            break
        # Within a string no line ends as it is.
        found.append(text[place:end].replace("\n", " ").replace("\r", " "))
        place = _BETWEEN.match(text, end).end()  # type: ignore[union-attr]
    else:
        if place >= len(text):
            # The list has no end: what is missing is no object either.
            found.append("[")
    return found


def object_lines_in(path: Path, found: Utf8) -> list[str] | Iterator[str]:
    """The same of a text in UTF-8, one after the other; a list of them where the file is one list."""
    if _is_json(path):
        text = found.data[found.start :].decode("utf-8", "surrogatepass")
        if is_one_list(path, text):
            return object_lines(path, text)
    return lines_in(found)


def is_one_list(path: Path, text: str) -> bool:
    """Whether a `.json` is a list, rather than a line for each object."""
    return _is_json(path) and text.removeprefix("\ufeff").lstrip().startswith("[")


def json_records(path: Path, *, every_row: bool = False) -> Records:
    """The cells of a file with an object on each line; a key is a column, and what is nested is left out.

    Args:
        path: of the file.
        every_row: whether lines that are no object stay in their place, as records of empty cells.

    Raises:
        DataError: no line holds an object.
    """
    return _records(read_text(path), path, every_row)


def head_json_records(path: Path) -> Records:
    """The cells of the objects on the first lines of a file.

    Raises:
        DataError: no line of these holds an object.
    """
    return _records(Decoded("\n".join(_head_lines(path)), "utf-8"), path, False)


def _records(decoded: Decoded, path: Path, every_row: bool) -> Records:
    notes: list[str] = [decoded.note] if decoded.note else []
    findings = line_findings(path.name, decoded.broken_lines, Outcome.CONVERTED, Message("reading.no_text_bytes"))
    objects: list[dict[str, Any]] = []
    lines: list[int] = []
    wrong: dict[str, list[int]] = {}
    faults: dict[int, str] = {}
    if is_one_list(path, decoded.text):
        notes.append(Message("reading.json_list", file=path.name))
    for number, line in enumerate(object_lines(path, decoded.text), start=1):
        if not line.strip():
            continue
        value = parsed_line(line, number, path)
        if not isinstance(value, dict):
            key = "reading.no_json" if value is None else "reading.no_json_object"
            wrong.setdefault(key, []).append(number)
            if not every_row:
                continue
            faults[len(objects)] = Message(key)
            value = {}
        objects.append(value)
        lines.append(number)
    for key, numbers in wrong.items():
        findings += line_findings(path.name, numbers, Outcome.SKIPPED, Message(key))
    names = flat_keys(objects)
    if not names:
        raise DataError(f"{path}: a JSON object on each line, with keys and plain values, is required; none is there.")
    nested = [key for key in keys_of(objects) if key not in names]
    if nested:
        notes.append(Message("reading.keys_nested", file=path.name, keys=", ".join(map(repr, nested))))
    columns = [[_whole(_plain(value.get(name))) for value in objects] for name in names]
    records = value_records(path.name, names, columns, np.array(lines, dtype=np.int64), notes)
    records.findings += findings
    records.faults = faults
    return records


def head_objects(path: Path) -> list[dict[str, Any]]:
    """The objects on the first lines of a file; empty where there are none."""
    try:
        lines = _head_lines(path)
        values = [parsed_line(line, number, path) for number, line in enumerate(lines, start=1) if line.strip()]
    except DataError:
        return []
    return [value for value in values if isinstance(value, dict)]


def _is_json(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(".json")


def _head_lines(path: Path) -> list[str]:
    """The first lines, each of which should be an object; none of a `.json` that holds something else."""
    head = head_of(path, _HEAD_BYTES)
    lines = list(islice(object_lines(path, head), _MOST_HEAD))
    if not _is_json(path):
        return lines
    is_list = is_one_list(path, head)
    if is_list and len(lines) > 1 and not head.rstrip().endswith("]"):
        # Cut in the middle.
        lines.pop()
    # One object on one line is a setting or a card rather than data.
    of_objects = all(isinstance(parsed_line(line, 1, path), dict) for line in lines[:2])
    return lines if of_objects and (is_list or len(lines) > 1) else []


def keys_of(objects: Sequence[dict[str, Any]]) -> list[str]:
    """All keys, in the order in which they come."""
    return list(dict.fromkeys(key for value in objects for key in value))


def flat_keys(objects: Sequence[dict[str, Any]]) -> list[str]:
    """The keys under which plain values stand, and nothing nested but labels.

    Example:
        >>> flat_keys([{"a": 1, "b": None}, {"a": "x", "c": [1], "tags": ["sun", "sea"]}])
        ['a', 'b', 'tags']
    """
    nested = {
        key
        for value in objects
        for key, each in value.items()
        if isinstance(each, dict | list) and not is_label_list(key, each)
    }
    return [key for key in keys_of(objects) if key not in nested]


def is_label_list(key: str, value: Any) -> bool:
    """Whether what stands under a key is a list of labels."""
    return isinstance(value, list) and key.casefold() in _LISTS and all(isinstance(each, str) for each in value)


def list_cell(labels: Sequence[str]) -> str:
    """A list of labels as a cell."""
    return json.dumps(list(labels), ensure_ascii=False)


def parsed_line(line: str, number: int, path: Path) -> Any:
    """The value on a line, None where it is no JSON; nesting that exhausts the parser counts as that.

    Raises:
        DataError: the line is longer than one of any table may be.
    """
    if len(line) > LONGEST_CELL:
        raise DataError(
            f"{path.name}: lines of at most {LONGEST_CELL:,} characters are required; line {number:,} has "
            f"{len(line):,}. Write one object to a line."
        )
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _plain(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else list_cell(value) if isinstance(value, list) else value


def _whole(value: Any) -> Any:
    return replace_half_pairs(value) if isinstance(value, str) and has_half_pairs(value) else value
