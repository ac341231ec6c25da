"""NumPy's files (.npy, .npz) read without trust: what a header says is held against the file before memory is taken.

NumPy's own reader evaluates headers, takes the memory that they ask for, raises a dozen kinds of errors and answers
objects with the advice to load pickles. Here a header is a literal of three fields, types are those of plain values,
and whatever does not fit ends in one error. Nothing is unpickled.

Source: the NPY format, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
"""

from __future__ import annotations

import ast
import io
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import RefusedFileError
from derin.core.files import open_plain
from derin.core.printable import shown_reason

Array = npt.NDArray[Any]

NPY_START, ZIP_START = b"\x93NUMPY", b"PK"
_MAX_HEADER_BYTES = 10_000  # as NumPy's own limit
_MAX_AXES = 32
_MAX_MEMBERS = 100_000
_LARGEST_CODE = 0x10FFFF
# Kind and size of what a type of plain values is: numbers, truth values, bytes and text.
_TYPE = re.compile(r"[<>|=]?([biufcSU])(\d{1,9})")
_SIZES = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "c": (8, 16)}
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DEFLATE_RATIO = 1_032  # deflate cannot shrink by more, so that a member that claims more lies
_PIECE_BYTES = 1 << 20


def read_npy(path: Path, *, mapped: bool = False) -> Array:
    """The array in a .npy file.

    Args:
        path: the file.
        mapped: whether the values stay in the file until they are touched; what is written to them is kept in memory
            alone.

    Raises:
        RefusedFileError: it is missing, no such file, damaged, or holds Python objects.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "x.npy"
        >>> np.save(path, np.arange(6.0).reshape(2, 3))
        >>> read_npy(path).tolist()
        [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    """
    where = f"The file {path}"
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        dtype, shape, fortran, start = _header(file, where)
        _check_size(dtype, shape, size - start, where)
        order: Any = "F" if fortran else "C"
        if not mapped or not math.prod(shape):
            return _values(file, dtype, shape, fortran, where)
        array = np.memmap(file, dtype=dtype, mode="c", offset=start, shape=shape, order=order)
        return _checked_text(array, where)


def npy_of(data: bytes, where: str) -> Array:
    """The array in the bytes of a .npy file; it shares their memory.

    Args:
        data: the bytes.
        where: what they are, as the beginning of a sentence.

    Raises:
        RefusedFileError: they are damaged or hold Python objects.
    """
    dtype, shape, fortran, start = npy_layout(data, where)
    array = np.frombuffer(data, dtype=dtype, offset=start).reshape(shape, order="F" if fortran else "C")
    return _checked_text(array, where)


def npy_layout(data: bytes, where: str) -> tuple[np.dtype[Any], tuple[int, ...], bool, int]:
    """Of the bytes of a .npy file the type, the shape, whether its first axis is the quickest, and where values begin.

    Args:
        data: the bytes, all of them.
        where: what they are, as the beginning of a sentence.

    Raises:
        RefusedFileError: they are damaged or hold Python objects.
    """
    # The same header in a thousand small files is read once.
    found = _known_header(data[: 10 + int.from_bytes(data[8:10], "little")], where)
    dtype, shape, _, start = found
    _check_size(dtype, shape, len(data) - start, where)
    return found


@lru_cache(maxsize=64)
def _known_header(data: bytes, where: str) -> tuple[np.dtype[Any], tuple[int, ...], bool, int]:
    return _header(io.BytesIO(data), where)


def read_npz(path: Path, *, max_bytes: int, names: Collection[str] | None = None) -> dict[str, Array]:
    """The arrays in a .npz file, by name.

    Args:
        path: the file.
        max_bytes: more than this, unpacked and all arrays together, is refused.
        names: the arrays to read; None reads all.

    Raises:
        RefusedFileError: it is missing, no such file, damaged, too large, or holds Python objects or other files.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.npz"
        >>> np.savez(path, x=np.arange(3), y=np.array(["a", "b", "c"]))
        >>> {name: array.tolist() for name, array in read_npz(path, max_bytes=1 << 20).items()}
        {'x': [0, 1, 2], 'y': ['a', 'b', 'c']}
    """
    where = f"The file {path}"
    with open_plain(path) as file:
        start = file.read(len(ZIP_START))
        if start != ZIP_START:
            raise _refused(where, f"a .npz file begins with {ZIP_START!r}, this one with {start!r}")
        try:
            with zipfile.ZipFile(file) as packed:
                return _arrays(packed, where, max_bytes, names)
        except RefusedFileError:
            raise
        # What zipfile raises on damaged files.
        except (
            zipfile.BadZipFile,
            zlib.error,
            struct.error,
            OSError,
            EOFError,
            RuntimeError,
            ValueError,
            LookupError,
            ArithmeticError,
        ) as error:
            raise _refused(where, f"it cannot be read as a NumPy file ({shown_reason(error)})") from None


def _arrays(packed: zipfile.ZipFile, where: str, max_bytes: int, names: Collection[str] | None) -> dict[str, Array]:
    infos = packed.infolist()
    unpacked = sum(info.file_size for info in infos)
    if unpacked > max_bytes or len(infos) > _MAX_MEMBERS:
        raise _refused(where, f"it unpacks to {unpacked:,} bytes in {len(infos):,} arrays; at most {max_bytes:,} go")
    found: dict[str, Array] = {}
    for info in infos:
        name = info.filename.removesuffix(".npy")
        if names is not None and name not in names:
            continue
        inner = f"{where}, array {name[:40]!r},"
        if info.flag_bits & 1:
            raise _refused(inner, "it is encrypted")
        if info.compress_type not in _METHODS:
            raise _refused(inner, f"it is packed by method {info.compress_type}, which is not read")
        if info.file_size > info.compress_size * _DEFLATE_RATIO + _PIECE_BYTES:
            raise _refused(inner, f"it claims {info.file_size:,} bytes, more than its packed ones can hold")
        if name in found:
            raise _refused(inner, "it is there twice")
        with packed.open(info) as member:
            dtype, shape, fortran, start = _header(member, inner)
            _check_size(dtype, shape, info.file_size - start, inner)
            found[name] = _values(member, dtype, shape, fortran, inner)
            member.read(1)  # at the member's end its checksum is compared
    return found


def _header(file: IO[bytes], where: str) -> tuple[np.dtype[Any], tuple[int, ...], bool, int]:
    """Type, shape, whether the first axis varies fastest, and where the values begin."""
    start = file.read(len(NPY_START) + 2)
    if start[: len(NPY_START)] != NPY_START or len(start) < len(NPY_START) + 2:
        raise _refused(where, f"an array begins with {NPY_START!r}, this one with {start[:6]!r}")
    version = start[-2]
    width = {1: 2, 2: 4, 3: 4}.get(version)
    if width is None:
        raise _refused(where, f"it is of version {version} of the format, 1 to 3 are read")
    length = int.from_bytes(file.read(width), "little")
    if length > _MAX_HEADER_BYTES:
        raise _refused(where, f"its header has {length:,} bytes, at most {_MAX_HEADER_BYTES:,} are read")
    data = file.read(length)
    if len(data) < length:
        raise _refused(where, "its header is cut off")
    try:
        header = ast.literal_eval(data.decode("utf-8" if version == 3 else "latin-1").strip())
    # What the parser raises on text that is no literal, or one nested too deeply.
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise _refused(where, "its header is no description of an array") from None
    if not isinstance(header, dict) or set(header) != {"descr", "fortran_order", "shape"}:
        raise _refused(where, "its header must give descr, fortran_order and shape, and nothing else")
    shape, fortran = header["shape"], header["fortran_order"]
    if type(fortran) is not bool:
        raise _refused(where, "its fortran_order must be True or False")
    if not isinstance(shape, tuple) or len(shape) > _MAX_AXES or not all(type(n) is int and n >= 0 for n in shape):
        raise _refused(where, f"its shape must be whole numbers from 0, got {str(shape)[:60]}")
    return _dtype(header["descr"], where), shape, fortran, len(NPY_START) + 2 + width + length


def _dtype(descr: Any, where: str) -> np.dtype[Any]:
    if isinstance(descr, list):
        raise _refused(where, "it holds records; save each of their fields as an array of its own")
    if isinstance(descr, str) and "O" in descr:
        raise _refused(
            where,
            "it holds Python objects, which are never loaded because that could run code; save it as "
            "numbers or text, without dtype=object",
        )
    match = _TYPE.fullmatch(descr) if isinstance(descr, str) else None
    if match is None or int(match[2]) not in _SIZES.get(match[1], (int(match[2]),)):
        raise _refused(where, f"its type must be one of numbers or text, got {str(descr)[:40]!r}")
    return np.dtype(descr)


def _check_size(dtype: np.dtype[Any], shape: tuple[int, ...], num_bytes: int, where: str) -> None:
    needed = math.prod(shape) * dtype.itemsize
    # Also where one size is 0 the others must be such that strides can be computed.
    if math.prod(max(n, 1) for n in shape) * max(dtype.itemsize, 1) >= 1 << 62 or needed != num_bytes:
        raise _refused(
            where, f"its shape {str(shape)[:60]} of {dtype} takes {needed:,} bytes, where it holds {num_bytes:,}"
        )
    if dtype.itemsize == 0 and math.prod(shape) > _PIECE_BYTES:
        raise _refused(where, f"it claims {math.prod(shape):,} texts of no letters")


def _values(file: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...], fortran: bool, where: str) -> Array:
    buffer = bytearray(math.prod(shape) * dtype.itemsize)
    window, filled = memoryview(buffer), 0
    while filled < len(buffer):
        piece = file.read(min(_PIECE_BYTES, len(buffer) - filled))
        if not piece:
            raise _refused(where, f"{len(buffer):,} bytes of values are promised, {filled:,} came")
        window[filled : filled + len(piece)] = piece
        filled += len(piece)
    array = np.frombuffer(buffer, dtype=dtype) if dtype.itemsize else np.zeros(math.prod(shape), dtype=dtype)
    array = array.reshape(shape[::-1]).transpose() if fortran else array.reshape(shape)
    return _checked_text(array, where)


def _checked_text(array: Array, where: str) -> Array:
    """Refuses text with numbers that are no characters, which Python meets with an error of the interpreter."""
    if array.dtype.kind == "U" and array.size and array.dtype.itemsize:
        codes = np.ascontiguousarray(array).reshape(-1).view(np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
        if int(codes.max()) > _LARGEST_CODE:
            raise _refused(where, "its text holds numbers that are no characters")
    return array


def _refused(where: str, problem: str) -> RefusedFileError:
    return RefusedFileError(f"{where} is refused: {problem}. Check that it was written to its end, or save it again.")
