"""Shards: files of many rows that are read one after the other, and never whole.

A tar holds rows in WebDataset's form (`readers/tar_rows.py`): what follows the first dot in a name says what a member
is. Parquet files and files of JSON lines hold a row in each row and line. Rows are given out many at a time, by column;
where all rows of a tar hold arrays of one shape and whole numbers, no row is touched for itself.

Source: the form of tar shards, https://github.com/webdataset/webdataset.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from glob import glob
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from derin.core.arrays import npy_layout, npy_of
from derin.core.errors import DataError, MissingExtraError, RefusedFileError
from derin.core.printable import shown_reason
from derin.data.pictures.decode import gray_or_rgb, open_picture, pixels_of
from derin.data.pictures.encoded import num_decoders
from derin.data.pictures.fitting import ResizePolicy, Rule
from derin.data.table import Rows
from derin.readers.tar_rows import Layouts, Members, TarRows, tar_rows

# A row: its values by name, or why it cannot be read.
Row = dict[str, Any] | str
# The values of some rows: an array with a row in each, or a list.
Values = npt.NDArray[Any] | list[Any]
Wanted = Callable[[str, npt.NDArray[np.bytes_]], npt.NDArray[np.bool_]]

_PICTURES = frozenset(("jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "ppm", "pgm"))
_NUMBERS, _TEXTS = frozenset(("cls", "cls2", "index", "inx", "id")), frozenset(("txt", "text", "transcript"))
_PICKLES = frozenset(("pkl", "pickle", "pyd", "pth", "pt", "ten"))
_SHARD = re.compile(r"\.(tar(\.\w+)?|tgz|parquet|jsonl|ndjson)$", re.IGNORECASE)
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
# Of rows that are made one by one.
_AT_ONCE = 64
_ROWS_OF_PARQUET = 1_024
# No whole number of a class has more digits, and all of these fit into 64 bits.
_MOST_DIGITS = 18


def is_pattern(text: str) -> bool:
    """Whether a path stands for several: ``shards/{000..099}.tar``, ``shards/*.tar``."""
    return bool(re.search(r"[*?]|\{[^{}]*(,|\.\.)[^{}]*\}", text)) and not Path(text).exists()


def is_shard(path: Path) -> bool:
    """Whether a file is a shard by its name."""
    return bool(_SHARD.search(path.name)) and path.is_file()


def shard_paths(pattern: str | Path | Sequence[str | Path]) -> list[Path]:
    """The files that a pattern, or several, stand for: braces in the order that they say, stars in that of names.

    Raises:
        DataError: a file is not there, or a pattern fits none.

    Example:
        >>> [text for text in braces_expanded("a-{08..10}.{tar,gz}")]
        ['a-08.tar', 'a-08.gz', 'a-09.tar', 'a-09.gz', 'a-10.tar', 'a-10.gz']
    """
    patterns = [pattern] if isinstance(pattern, str | Path) else list(pattern)
    found: list[Path] = []
    for one in itertools.chain.from_iterable(braces_expanded(str(p)) for p in patterns):
        paths = sorted(map(Path, glob(one))) if re.search(r"[*?\[]", one) else [Path(one)]  # noqa: PTH207
        if not paths or not all(path.is_file() for path in paths):
            raise DataError(f"A stream needs the file {one}; there is none. Mend the pattern, or make the shard.")
        found += paths
    if not found:
        raise DataError("A stream needs at least one shard; got none.")
    return found


def braces_expanded(text: str) -> Iterator[str]:
    """All texts that ``{a,b}`` and ``{000..099}`` stand for; see `shard_paths`."""
    match = re.search(r"\{([^{}]*)\}", text)
    if match is None:
        yield text
        return
    bounds = _RANGE.fullmatch(match[1])
    if bounds:
        first, last = int(bounds[1]), int(bounds[2])
        parts = [f"{number:0{len(bounds[1])}d}" for number in range(first, last + 1)]
    else:
        parts = match[1].split(",")
    for part in parts:
        yield from braces_expanded(text[: match.start()] + part + text[match.end() :])


@dataclass(frozen=True)
class Part:
    """Rows that lie behind each other in a shard and hold values of the same names.

    Args:
        prefix: with what the names of all rows begin.
        names: of each row, what follows it.
        numbers: the place of each row in its shard, counted from 0.
        columns: the values by name.
        damaged: rows among them that cannot be read: why, by the whole name.

    Shapes:
        names ``(num,)`` bytes, numbers ``(num,)``.
    """

    prefix: str
    names: npt.NDArray[np.bytes_]
    numbers: Rows
    columns: dict[str, Values]
    damaged: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def has_arrays(self) -> bool:
        """Whether rows hold arrays or one text each, and no cells of a table."""
        return any(isinstance(v, np.ndarray) for v in self.columns.values()) or self.columns.keys() == {"txt", "cls"}

    def name(self, place: int) -> str:
        """The whole name of a row."""
        return self.prefix + bytes(self.names[place]).decode("utf-8", "replace")

    def between(self, start: int, end: int) -> Part:
        """The rows from one place to another, not copied; damage is told once."""
        here = slice(start, end)
        columns = {name: values[here] for name, values in self.columns.items()}
        return Part(self.prefix, self.names[here], self.numbers[here], columns)

    def take(self, places: Rows | npt.NDArray[np.bool_]) -> Part:
        """Some of the rows, by their places or as a mask; damage is told once."""
        if len(places) == len(self) and places.dtype == np.bool_ and places.all():
            return self
        places = np.flatnonzero(places) if places.dtype == np.bool_ else places
        columns: dict[str, Values] = {
            name: values[places] if isinstance(values, np.ndarray) else [values[place] for place in places.tolist()]
            for name, values in self.columns.items()
        }
        return Part(self.prefix, self.names[places], self.numbers[places], columns)


def read_shard(
    path: Path, *, start: int = 0, size: int = 64, wanted: Wanted | None = None, known: Layouts | None = None
) -> Iterator[Part]:
    """The rows of a shard in their order.

    Args:
        path: of the file: ``.tar`` (compressed or not), ``.parquet``, ``.jsonl`` or ``.ndjson``.
        start: so many rows are passed over.
        size: height and width to which pictures are brought.
        wanted: says by prefix and names which rows are needed, so that no other is decoded; None needs all.
        known: how the rows of a tar before lie; see `tar_rows`.

    Raises:
        DataError: the file is of no such form, or holds pickled members, which could run code.
    """
    ending = path.suffix.lower()
    if ending == ".parquet":
        for part in _parquet_parts(path, start):
            yield part if wanted is None or not len(part) else part.take(wanted(part.prefix, part.names))
    elif ending in (".jsonl", ".ndjson"):
        yield from parts_of_rows(f"{path.name}:", _json_rows(path, start), wanted)
    elif ".tar" in "".join(path.suffixes[-2:]).lower() or ending == ".tgz":
        yield from _tar_parts(path, start, size, wanted, known)
    else:
        raise DataError(f"{path}: a shard must be .tar, .parquet or .jsonl; it ends in {ending or 'nothing'!r}.")


def parts_of_rows(prefix: str, rows: Iterable[tuple[int, bytes, Row]], wanted: Wanted | None = None) -> Iterator[Part]:
    """Parts of the wanted rows among those that were made one by one: by number and name their values, or why they have
    none.
    """
    rows = iter(rows)
    while some := list(itertools.islice(rows, _AT_ONCE)):
        for form, alike in itertools.groupby(some, key=_form):
            numbers, names, values = zip(*alike)
            if form is None:
                damaged = {prefix + name.decode("utf-8", "replace"): why for name, why in zip(names, values)}
                yield Part(prefix, np.array([], dtype="S1"), np.array([], dtype=np.int64), {}, damaged)
            else:
                columns = {name: _column([row[name] for row in values]) for name in values[0]}
                part = Part(prefix, np.array(names, dtype="S"), np.array(numbers, dtype=np.int64), columns)
                yield part if wanted is None else part.take(wanted(prefix, part.names))


def _form(numbered: tuple[int, bytes, Row]) -> tuple[Any, ...] | None:
    """What rows have in common that stand side by side in arrays."""
    row = numbered[2]
    return None if isinstance(row, str) else tuple((name, getattr(value, "shape", None)) for name, value in row.items())


def _column(values: list[Any]) -> Values:
    return np.stack(values) if isinstance(values[0], np.ndarray) else values


def _tar_parts(path: Path, start: int, size: int, wanted: Wanted | None, known: Layouts | None) -> Iterator[Part]:
    prefix, number = f"{path.name}/", 0
    one_by_one = partial(_decoded_rows, path, size)
    rows = tar_rows(path, known)
    for found in rows:
        if isinstance(found, TarRows):
            numbers = np.arange(number, number + len(found.keys))
            number += len(numbers)
            needed = numbers >= start
            if wanted is not None and needed.any():
                needed &= wanted(prefix, found.keys)
            if needed.any():
                columns = _array_columns(found, needed)
                if columns is not None:
                    yield Part(prefix, found.keys[needed], numbers[needed], columns)
                else:
                    some = zip(numbers[needed].tolist(), found.keys[needed].tolist(), found.members(needed))
                    yield from parts_of_rows(prefix, one_by_one(some))
        else:
            # What is not plain goes on to the end of the shard.
            others = itertools.islice(
                enumerate(itertools.chain([found], rows), start=number), max(0, start - number), None
            )
            named = ((number, *row) for number, row in others if not isinstance(row, TarRows))
            if wanted is not None:
                named = (row for row in named if not row[1] or wanted(prefix, np.array([row[1]]))[0])
            for part in parts_of_rows(prefix, one_by_one(named)):
                yield replace(part, damaged={name.removesuffix("/"): why for name, why in part.damaged.items()})


def _array_columns(found: TarRows, needed: npt.NDArray[np.bool_]) -> dict[str, Values] | None:
    """The values of some rows, where all rows hold arrays of one form and whole numbers, each once; else None."""
    columns: dict[str, Values] = {}
    for code, ending in enumerate(found.endings):
        last = ending.rpartition(".")[2]
        chosen = np.flatnonzero(found.codes == code)
        rows = found.rows[chosen]
        if len(rows) != len(found.keys) or (rows[1:] == rows[:-1]).any():
            return None
        chosen = chosen[needed]
        values = None
        if last == "npy":
            values = _arrays(found.data, found.starts[chosen], found.sizes[chosen])
        elif last in _NUMBERS:
            values = _whole_numbers(found.data, found.starts[chosen], found.sizes[chosen])
        if values is None:
            return None
        columns[ending] = values
    return columns if any(name.rpartition(".")[2] == "npy" for name in columns) else None


def _gathered(data: npt.NDArray[np.uint8], starts: Rows, first: int, num: int) -> npt.NDArray[np.uint8]:
    """So many bytes of each member, from the `first` one on.

    Shapes:
        starts ``(B,)``, whole blocks of 512 → ``(B, num)``.
    """
    windows = as_strided(data[first:], ((len(data) - first - num) // 512 + 1, num), (512, 1), writeable=False)
    found: npt.NDArray[np.uint8] = windows[starts // 512]
    return found


def _arrays(data: npt.NDArray[np.uint8], starts: Rows, sizes: Rows) -> npt.NDArray[Any] | None:
    """The arrays of members in one; None where they are not all of one form."""
    if (sizes != sizes[0]).any():
        return None
    first = data[starts[0] : starts[0] + sizes[0]].tobytes()
    try:
        dtype, shape, fortran, begin = npy_layout(first, "The array")
    except RefusedFileError:
        return None
    headers = _gathered(data, starts, 0, begin)
    if (fortran and len(shape) > 1) or dtype.kind not in "biuf" or 0 in shape or (headers != headers[0]).any():
        return None
    values = _gathered(data, starts, begin, int(sizes[0]) - begin).view(dtype).reshape(len(starts), *shape)
    return values.astype(dtype.newbyteorder("="), copy=False)


def _whole_numbers(data: npt.NDArray[np.uint8], starts: Rows, sizes: Rows) -> npt.NDArray[np.int64] | None:
    """The numbers that members hold as text, as `int` reads them; None where some hold none."""
    width = int(sizes.max())
    if not 0 < int(sizes.min()) <= width <= _MOST_DIGITS:
        return None
    texts = _gathered(data, starts, 0, width)
    digits = texts.T - ord("0")
    is_text = np.arange(width)[:, None] < sizes
    if ((digits < 10) | ~is_text).all():
        numbers = np.zeros(len(starts), dtype=np.int64)
        for digit, is_one in zip(digits, is_text):
            numbers = np.where(is_one, 10 * numbers + digit, numbers)
        return numbers
    try:
        return np.array([int(text[:size]) for text, size in zip(map(bytes, texts), sizes.tolist())])
    except ValueError:
        return None


def _decoded_rows(
    path: Path, size: int, rows: Iterable[tuple[int, bytes, Members]]
) -> Iterator[tuple[int, bytes, Row]]:
    """The rows with their values; pictures are decoded side by side."""
    rows = iter(rows)
    with ThreadPoolExecutor(num_decoders(), thread_name_prefix="derin-decode") as pool:
        while some := list(itertools.islice(rows, _AT_ONCE)):
            members = [row for _, _, row in some]
            _refuse_pickles(path, some)
            has_pictures = any(_PICTURES & row.keys() for row in members if isinstance(row, dict))
            decode = partial(_decoded, size=size)
            for (number, name, _), row in zip(some, (pool.map if has_pictures else map)(decode, members)):
                yield number, name, row


def _refuse_pickles(path: Path, rows: Iterable[tuple[int, bytes, Members]]) -> None:
    for _, name, row in rows:
        for ending in row if isinstance(row, dict) else ():
            if ending.rpartition(".")[2] in _PICKLES:
                member = f"{name.decode('utf-8', 'replace')}.{ending}"
                raise DataError(
                    f"{path}: the member {member} is pickled, which is never loaded because that could run code; save "
                    "it as .npy, .json or .txt."
                )


def _decoded(members: Members, size: int) -> Row:
    """The values of a row, or why it has none."""
    if isinstance(members, str):
        return members
    row: dict[str, Any] = {}
    for ending, data in members.items():
        last = ending.rpartition(".")[2]
        try:
            if last == "npy":
                row[ending] = npy_of(data, "The array")
            elif last in _NUMBERS:
                row[ending] = int(data)
            elif last in _TEXTS:
                row[ending] = data.decode("utf-8")
            elif last in _PICTURES:
                image = gray_or_rgb(open_picture(data).image, [])
                pixels = pixels_of(ResizePolicy(Rule.RESIZE, size, size).apply(image))
                row[ending] = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
            elif last == "json":
                value = json.loads(data)
                row |= value if isinstance(value, dict) else {ending: value}
            else:
                return f"a member of the unknown kind .{ending[:40]}"
        except (ValueError, DataError, RefusedFileError, RecursionError) as error:
            return f".{ending[:40]}: {shown_reason(error)}"
    return row


def _json_rows(path: Path, start: int) -> Iterator[tuple[int, bytes, Row]]:
    with path.open("rb") as file:
        lines = ((line, text) for line, text in enumerate(file, start=1) if text.strip())
        for number, (line, text) in itertools.islice(enumerate(lines), start, None):
            try:
                row = json.loads(text)
            except (ValueError, RecursionError) as error:
                row = shown_reason(error)
            yield number, b"%d" % line, row if isinstance(row, dict) else f"no JSON object: {str(row)[:60]}"


def _parquet_parts(path: Path, start: int) -> Iterator[Part]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("pyarrow", "tables", "Reading a Parquet file") from None
    number, prefix = 0, f"{path.name}:"
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS_OF_PARQUET):
                rows = batch.slice(max(start - number, 0))
                numbers = np.arange(number + batch.num_rows - rows.num_rows, number + batch.num_rows)
                number += batch.num_rows
                if len(numbers):
                    columns: Mapping[str, Values] = {name: rows.column(name).to_pylist() for name in rows.schema.names}
                    yield Part(prefix, (numbers + 1).astype("S20"), numbers, dict(columns))
    except (pyarrow.ArrowException, OSError) as error:
        why = {path.name: f"damaged from here on ({shown_reason(error)})"}
        yield Part(prefix, np.array([], dtype="S1"), np.array([], dtype=np.int64), {}, why)
