"""Tensor files in the safetensors format, written so that equal tensors are equal files and read without trust.

A file is eight bytes with the length of its header, the header in JSON, and the tensors' bytes one after the other. All
that a header says is checked against the file before any memory is taken, and everything is read from one open
descriptor: nothing is mapped, nothing runs, and a file that is replaced meanwhile cannot be mixed in.

Source: the safetensors format, https://github.com/huggingface/safetensors.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.core.errors import RefusedFileError, UsageError
from derin.core.files import fault_point, open_atomically, open_plain
from derin.core.strict_json import dump_json, parse_json

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 64 << 20
_MAX_AXES = 32
_MAX_NAME = 1024
# The format's names of torch's types with the bytes per element, in the order in which the format lays tensors down:
# by falling alignment, so that each stays aligned where a file is mapped.
_TYPES = {
    "U64": ("uint64", 8),
    "I64": ("int64", 8),
    "F64": ("float64", 8),
    "C64": ("complex64", 8),
    "F32": ("float32", 4),
    "U32": ("uint32", 4),
    "I32": ("int32", 4),
    "BF16": ("bfloat16", 2),
    "F16": ("float16", 2),
    "U16": ("uint16", 2),
    "I16": ("int16", 2),
    "F8_E4M3": ("float8_e4m3fn", 1),
    "F8_E5M2": ("float8_e5m2", 1),
    "I8": ("int8", 1),
    "U8": ("uint8", 1),
    "BOOL": ("bool", 1),
}
_ORDER = {name: place for place, name in enumerate(_TYPES)}


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Writes tensors to a file, whole or not at all; equal tensors give equal bytes.

    Args:
        path: the file.
        tensors: by name; on any device, in any memory layout (they are stored contiguous).

    Returns:
        The file's SHA-256 in hexadecimal.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
        UsageError: a name or a type that the format does not hold.

    Example:
        >>> import tempfile, torch
        >>> path = Path(tempfile.mkdtemp()) / "a.safetensors"
        >>> len(save_tensors(path, {"weight": torch.arange(6.0).reshape(2, 3)}))
        64
        >>> load_tensors(path)["weight"].tolist()
        [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    """
    import torch

    names = {getattr(torch, kind): name for name, (kind, _) in _TYPES.items()}
    for name, tensor in tensors.items():
        if not _is_sane(name):
            raise UsageError(f"A tensor's name must be printable and at most {_MAX_NAME} long; got {name[:40]!r}.")
        if tensor.dtype not in names or tensor.layout != torch.strided:
            raise UsageError(f"The tensor {name!r} of {tensor.dtype}, {tensor.layout} cannot be saved; convert it.")
    ordered = sorted(tensors, key=lambda name: (_ORDER[names[tensors[name].dtype]], name.encode()))
    header, end = {}, 0
    for name in ordered:
        tensor = tensors[name]
        begin, end = end, end + tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": names[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
    text = dump_json(header, compact=True)
    text += b" " * (-len(text) % _LENGTH_BYTES)
    digest = hashlib.sha256()
    with open_atomically(path) as file:
        for part in (len(text).to_bytes(_LENGTH_BYTES, "little"), text):
            digest.update(part)
            file.write(part)
        for name in ordered:
            fault_point("write.part")
            if tensors[name].numel():
                data = _bytes_of(tensors[name].detach().cpu().contiguous()).numpy().data
                digest.update(data)
                file.write(data)
    return digest.hexdigest()


def load_tensors(
    path: Path, *, expected: Mapping[str, tuple[torch.dtype, tuple[int, ...]]] | None = None
) -> dict[str, Tensor]:
    """Reads a tensor file into memory of its own, on the CPU.

    Args:
        path: the file.
        expected: type and shape by name; exactly these must be in the file.

    Raises:
        RefusedFileError: the file is missing, no tensor file, damaged, hostile, or holds other tensors than expected.
    """
    path = Path(path)
    with open_plain(path) as file:
        tensors = read_tensors(file, f"The tensor file {path}")
    if expected is not None:
        found = {name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in tensors.items()}
        wanted = {name: (kind, tuple(shape)) for name, (kind, shape) in expected.items()}
        for name in sorted({*found, *wanted}):
            if found.get(name) != wanted.get(name):
                raise RefusedFileError(
                    f"The tensor file {path} is refused: {name!r} must be {_described(wanted.get(name))}; "
                    f"got {_described(found.get(name))}."
                )
    return tensors


def read_tensors(file: io.BufferedReader, where: str) -> dict[str, Tensor]:
    """As `load_tensors`, from an open file.

    Args:
        file: open at its start.
        where: what is read, as the beginning of a sentence.
    """
    import torch

    entries = _read_header(file, where)
    tensors = {}
    for entry in entries:
        buffer = torch.empty(entry.num_bytes, dtype=torch.uint8)
        if entry.num_bytes:
            if file.readinto(buffer.numpy().data) != entry.num_bytes:
                raise RefusedFileError(f"{where} is refused: it ended while it was read; restore it.")
            if entry.kind == "BOOL" and int(buffer.max()) > 1:
                raise RefusedFileError(f"{where} is refused: {entry.name!r} holds truth values other than 0 and 1.")
        tensors[entry.name] = buffer.view(getattr(torch, _TYPES[entry.kind][0])).reshape(entry.shape)
    return tensors


@dataclass(frozen=True)
class _Entry:
    name: str
    kind: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def num_bytes(self) -> int:
        return self.end - self.begin


def _read_header(file: io.BufferedReader, where: str) -> list[_Entry]:
    """The header's entries in the order of their bytes, checked to fill the file without gap or overlap."""
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
    if size < _LENGTH_BYTES or length > min(_MAX_HEADER_BYTES, size - _LENGTH_BYTES):
        raise RefusedFileError(
            f"{where} is refused: a header of {length:,} bytes does not fit its {size:,}; restore it."
        )
    header = parse_json(file.read(length), f"The header of {where[0].lower()}{where[1:]}")
    try:
        if not isinstance(header, dict):
            raise ValueError("its header is no JSON object")
        metadata = header.pop("__metadata__", {})
        if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
            raise ValueError("its metadata is not text")
        entries = sorted((_entry(name, said) for name, said in header.items()), key=lambda e: (e.begin, e.end))
        place = 0
        for entry in entries:
            if entry.begin != place:
                raise ValueError(f"the bytes of {entry.name!r} must begin at {place:,}, not at {entry.begin:,}")
            place = entry.end
        if place != size - _LENGTH_BYTES - length:
            raise ValueError(f"its tensors take {place:,} bytes where it holds {size - _LENGTH_BYTES - length:,}")
    except ValueError as error:
        raise RefusedFileError(f"{where} is refused: {error}; restore it.") from None
    return entries


def _entry(name: str, said: Any) -> _Entry:
    """One tensor as the header describes it.

    Raises:
        ValueError: the description cannot be true.
    """
    if not _is_sane(name):
        raise ValueError(f"the tensor name {name[:40]!r} is not printable or too long")
    if not isinstance(said, dict) or said.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name!r} must have a dtype, a shape and data_offsets, and nothing else")
    kind, shape, offsets = said["dtype"], said["shape"], said["data_offsets"]
    if not isinstance(kind, str) or kind not in _TYPES:
        raise ValueError(f"{name!r} is of the unknown type {str(kind)[:40]!r}")
    if not _are_counts(shape) or len(shape) > _MAX_AXES or not _are_counts(offsets) or len(offsets) != 2:
        raise ValueError(f"the shape and offsets of {name!r} must be lists of whole numbers from 0")
    # Also where one size is 0 the others must be such that strides can be computed.
    if math.prod(max(length, 1) for length in shape) * _TYPES[kind][1] >= 1 << 63:
        raise ValueError(f"the shape of {name!r} is too large")
    begin, end = offsets
    if end - begin != math.prod(shape) * _TYPES[kind][1]:
        raise ValueError(f"{name!r} has {end - begin:,} bytes where its shape {shape} of {kind} needs another number")
    return _Entry(name, kind, tuple(shape), begin, end)


def _are_counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 1 << 63 for item in value)


def _is_sane(name: str) -> bool:
    return 0 < len(name) <= _MAX_NAME and name.isprintable() and name != "__metadata__"


def _bytes_of(tensor: Tensor) -> Tensor:
    import torch

    return tensor.reshape(-1).view(torch.uint8)


def _described(entry: tuple[torch.dtype, tuple[int, ...]] | None) -> str:
    return "absent" if entry is None else f"{entry[0]} of shape {entry[1]}"
