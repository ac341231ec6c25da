"""Tensor files in the safetensors format: equal tensors are equal files, and what a file says is not trusted.

The library of that name writes and reads; it refuses headers that lie about the bytes behind them. Around it stand
whole files in place of parts (`core/files`), and what it lets through: names that are no text for people, more axes
than a tensor has, truth values that are neither.

Source: the safetensors format, https://github.com/huggingface/safetensors.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from derin.core.errors import RefusedFileError, UsageError
from derin.core.files import fault_point, open_plain, path_atomically, sha256_file, temporary_folder
from derin.core.printable import shown_reason

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_MAX_AXES = 32
_MAX_NAME = 1024


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
    from safetensors import SafetensorError, TensorSpec, serialize_file

    stored, specs = [], {}
    for name, tensor in tensors.items():
        if not _is_sane(name):
            raise UsageError(f"A tensor's name must be printable and at most {_MAX_NAME} long; got {name[:40]!r}.")
        if tensor.layout != torch.strided:
            raise UsageError(f"The tensor {name!r} of {tensor.layout} cannot be saved; convert it.")
        data = tensor.detach().cpu().contiguous()
        stored.append(data)  # alive until its bytes, which the library reads where they lie, are in the file
        kind = str(data.dtype).removeprefix("torch.")
        try:
            specs[name] = TensorSpec(dtype=kind, shape=list(data.shape), data_ptr=data.data_ptr(), data_len=data.nbytes)
        except SafetensorError:
            raise UsageError(f"The tensor {name!r} of {kind} cannot be saved; convert it.") from None
    # The library gives its file a name and a mode of its own making: a folder of ours holds both until they are set.
    with path_atomically(path) as temporary, temporary_folder(temporary.parent) as folder:
        written = folder / "tensors"
        try:
            serialize_file(specs, written)
        except SafetensorError as error:
            raise _system_error(error) from error
        fault_point("write.part")
        written.chmod(temporary.stat().st_mode)
        written.replace(temporary)
        digest = sha256_file(temporary)
    return digest


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
    """As `load_tensors`, from a file that `open_plain` has opened.

    Args:
        file: open, wherever it has been read to.
        where: what is read, as the beginning of a sentence.
    """
    import torch
    from safetensors import SafetensorError, safe_open

    # The open file and not its name, which another file may have by now. Windows gives no open file's name away.
    place = f"/dev/fd/{file.fileno()}" if os.name == "posix" else file.name
    os.lseek(file.fileno(), 0, os.SEEK_SET)  # where that is a duplicate it begins where this one stands
    tensors = {}
    try:
        # Read and not mapped: a mapped file that is cut meanwhile kills the process.
        with safe_open(place, framework="pt", backend="pread") as stored:
            for name in stored.offset_keys():
                if not _is_sane(name):
                    raise ValueError(f"the tensor name {name[:40]!r} is not printable or too long")
                if len(stored.get_slice(name).get_shape()) > _MAX_AXES:
                    raise ValueError(f"{name!r} has more than {_MAX_AXES} axes")
                tensor = stored.get_tensor(name)
                if tensor.dtype == torch.bool and tensor.numel() and int(tensor.view(torch.uint8).max()) > 1:
                    raise ValueError(f"{name!r} holds truth values other than 0 and 1")
                # A copy, as torch lays it down: how sums are rounded can depend on how memory is aligned.
                tensors[name] = tensor.clone()
    except (SafetensorError, RuntimeError, ValueError) as error:
        raise RefusedFileError(f"{where} is refused: {shown_reason(error)}; restore it.") from None
    return tensors


def _system_error(error: Exception) -> Exception:
    """The system's own error of which the library tells in its text alone."""
    number = re.search(r"os error (\d+)", str(error))
    return OSError(int(number[1]), os.strerror(int(number[1]))) if number else error


def _is_sane(name: str) -> bool:
    return 0 < len(name) <= _MAX_NAME and name.isprintable() and name != "__metadata__"


def _described(entry: tuple[torch.dtype, tuple[int, ...]] | None) -> str:
    return "absent" if entry is None else f"{entry[0]} of shape {entry[1]}"
