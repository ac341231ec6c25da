"""Shards: files of many rows that are read one after the other, and never whole.

A tar holds rows in WebDataset's form: members that lie together and share their name up to its first dot are one row,
and what follows the dot says what a member is. Parquet files and files of JSON lines hold a row in each row and line.

Source: the form of tar shards, https://github.com/webdataset/webdataset.
"""

from __future__ import annotations

import itertools
import json
import mmap
import re
import tarfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from glob import glob
from pathlib import Path
from typing import Any

import numpy as np

from derin.core.arrays import npy_of
from derin.core.errors import DataError, MissingExtraError, RefusedFileError
from derin.core.printable import shown_reason
from derin.data.pictures.decode import gray_or_rgb, open_picture, pixels_of
from derin.data.pictures.encoded import num_decoders
from derin.data.pictures.fitting import ResizePolicy, Rule
from derin.readers.archives import ARCHIVE_ERRORS, MAX_MEMBER_BYTES, members_of, open_tar

# A row by name: its values, or why it cannot be read.
NamedRow = tuple[str, dict[str, Any] | str]

_PICTURES = frozenset(("jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "ppm", "pgm"))
_NUMBERS, _TEXTS = frozenset(("cls", "cls2", "index", "inx", "id")), frozenset(("txt", "text", "transcript"))
_PICKLES = frozenset(("pkl", "pickle", "pyd", "pth", "pt", "ten"))
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_BLOCK, _NAME, _SIZE, _TYPE, _MAGIC = 512, slice(0, 100), slice(124, 136), 156, slice(257, 262)
_AT_ONCE = 64
_ROWS_OF_PARQUET = 1_024


def is_pattern(text: str) -> bool:
    """Whether a path stands for several: ``shards/{000..099}.tar``, ``shards/*.tar``."""
    return bool(re.search(r"[*?]|\{[^{}]*(,|\.\.)[^{}]*\}", text)) and not Path(text).exists()


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


def read_shard(path: Path, *, start: int = 0, size: int = 64) -> Iterator[NamedRow]:
    """The rows of a shard in their order, each with its name.

    Args:
        path: of the file: ``.tar`` (compressed or not), ``.parquet``, ``.jsonl`` or ``.ndjson``.
        start: so many rows are passed over.
        size: height and width to which pictures are brought.

    Raises:
        DataError: the file is of no such form, or holds pickled members, which could run code.
    """
    ending = path.suffix.lower()
    if ending == ".parquet":
        yield from _parquet_rows(path, start)
    elif ending in (".jsonl", ".ndjson"):
        yield from _json_rows(path, start)
    elif ".tar" in "".join(path.suffixes[-2:]).lower() or ending == ".tgz":
        samples = itertools.islice(_samples(path), start, None)
        with ThreadPoolExecutor(num_decoders(), thread_name_prefix="derin-decode") as pool:
            while some := list(itertools.islice(samples, _AT_ONCE)):
                has_pictures = any(_PICTURES & parts.keys() for _, parts in some if isinstance(parts, dict))
                decode = partial(_decoded, size=size)
                yield from pool.map(decode, some) if has_pictures else map(decode, some)
    else:
        raise DataError(f"{path}: a shard must be .tar, .parquet or .jsonl; it ends in {ending or 'nothing'!r}.")


def _samples(path: Path) -> Iterator[NamedRow]:
    """The undecoded members of each row of a tar."""
    name, parts = "", dict[str, Any]()
    members = _members(path)
    while True:
        try:
            member, data = next(members)
        except StopIteration:
            break
        except (*ARCHIVE_ERRORS, OSError) as error:
            # What came before the damage is whole; what comes behind it cannot be found.
            if parts:
                yield f"{path.name}/{name}", parts
            yield f"{path.name}", f"damaged from here on ({shown_reason(error)})"
            return
        folder, _, file = member.rpartition("/")
        stem, _, ending = file.partition(".")
        key = f"{folder}/{stem}" if folder else stem
        ending = ending.lower()
        if ending.rpartition(".")[2] in _PICKLES:
            raise DataError(
                f"{path}: the member {member} is pickled, which is never loaded because that could run code; save it "
                "as .npy, .json or .txt."
            )
        if parts and key != name:
            yield f"{path.name}/{name}", parts
            parts = {}
        name, parts[ending] = key, data
    if parts:
        yield f"{path.name}/{name}", parts


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of a tar's plain files: out of the mapped file where its headers are plain, which is ten times
    as fast, else by `tarfile`.
    """
    passed = 0
    with path.open("rb") as file:
        is_plain = file.read(_BLOCK)[_MAGIC] == b"ustar"
        if is_plain:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                place, end = 0, len(data)
                while place + _BLOCK <= end:
                    header = data[place : place + _BLOCK]
                    kind = header[_TYPE]
                    if header[_MAGIC] != b"ustar":
                        if not header.strip(b"\0"):
                            return
                        raise tarfile.ReadError(f"no header at byte {place:,}")
                    if kind not in b"0\x005" or header[345]:
                        break  # long names and the like
                    size = int(header[_SIZE].strip(b" \0") or b"0", 8)
                    place += _BLOCK
                    if size > MAX_MEMBER_BYTES or place + size > end:
                        raise tarfile.ReadError(f"a member of {size:,} bytes is cut off at byte {place:,}")
                    passed += 1
                    if kind != 53:  # no folder
                        yield header[_NAME].rstrip(b"\0").decode("utf-8", "replace"), data[place : place + size]
                    place += -(-size // _BLOCK) * _BLOCK
                else:
                    if place:
                        raise tarfile.ReadError("its end is missing")
    with open_tar(path) as tar:
        for info in itertools.islice(members_of(tar, path), passed, None):
            if info.isreg():
                opened = tar.extractfile(info) if info.size <= MAX_MEMBER_BYTES else None
                if opened is None:
                    raise tarfile.ReadError(f"a member of {info.size:,} bytes")
                yield info.name, opened.read()


def _decoded(sample: NamedRow, size: int) -> NamedRow:
    """The values of a row, or why it has none."""
    name, parts = sample
    if isinstance(parts, str):
        return name, parts
    row: dict[str, Any] = {}
    for ending, data in parts.items():
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
                return name, f"a member of the unknown kind .{ending[:40]}"
        except (ValueError, DataError, RefusedFileError, RecursionError) as error:
            return name, f".{ending[:40]}: {shown_reason(error)}"
    return name, row


def _json_rows(path: Path, start: int) -> Iterator[NamedRow]:
    with path.open("rb") as file:
        number = 0
        for line, text in enumerate(file, start=1):
            if not text.strip():
                continue
            number += 1
            if number <= start:
                continue
            try:
                row = json.loads(text)
            except (ValueError, RecursionError) as error:
                row = shown_reason(error)
            yield f"{path.name}:{line}", row if isinstance(row, dict) else f"no JSON object: {str(row)[:60]}"


def _parquet_rows(path: Path, start: int) -> Iterator[NamedRow]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("pyarrow", "tables", "Reading a Parquet file") from None
    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for part in file.iter_batches(_ROWS_OF_PARQUET):
                if number + part.num_rows > start:
                    rows = part.slice(max(start - number, 0)).to_pylist()
                    first = number + part.num_rows - len(rows)
                    yield from ((f"{path.name}:{first + place + 1}", row) for place, row in enumerate(rows))
                number += part.num_rows
    except (pyarrow.ArrowException, OSError) as error:
        yield path.name, f"damaged from here on ({shown_reason(error)})"
