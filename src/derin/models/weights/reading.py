"""Tensors by name out of a file of published weights, in whatever of the common forms it comes; nothing in it runs."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from derin.core.arrays import read_npz
from derin.core.cache import cache_folder, describe, keep_within_limit, mark_used, work_folder
from derin.core.errors import RefusedFileError, StorageError, UsageError
from derin.core.files import sha256_file
from derin.core.folders import replace_folder, temporary_folder
from derin.core.tensors import load_tensors, save_tensors

if TYPE_CHECKING:
    from torch import Tensor

PICKLED = (".pth", ".pt", ".th", ".ckpt")
SUFFIXES = (".safetensors", ".npz", *PICKLED)

_MAX_BYTES = 8 << 30
_MAX_SECONDS = 600
_NAMESPACE = "weights"
# Raised when `importer.plain_tensors` takes other tensors out of a file than before.
_CONVERSION = 1


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors in a file, by the names that they have there.

    Args:
        path: .safetensors, .npz, or a pickled .pth, .pt, .th or .ckpt, which is read in a process of its own, once: its
            tensors are kept in the cache, by the SHA-256 of the file.

    Raises:
        UsageError: there is no such file, or it is of another form.
        RefusedFileError: the file is damaged, too large, or holds other things than tensors.
    """
    if not path.is_file():
        raise UsageError(f"There is no file of weights at {path}; `derin weights` lists what is known.")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"The weights {path} must be a file {', '.join(SUFFIXES)}; got {suffix or 'no suffix'}.")
    if path.stat().st_size > _MAX_BYTES:
        raise RefusedFileError(f"The weights {path} have {path.stat().st_size:,} bytes; at most {_MAX_BYTES:,} go.")
    if suffix == ".safetensors":
        return load_tensors(path)
    return _read_npz(path) if suffix == ".npz" else _read_pickled(path)


def _read_npz(path: Path) -> dict[str, Tensor]:
    import numpy as np
    import torch

    tensors: dict[str, Tensor] = {}
    for name, array in read_npz(path, max_bytes=_MAX_BYTES).items():
        native = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False))
        if native.dtype.kind not in "biuf":
            raise RefusedFileError(f"The weights {path} are refused: {name[:40]!r} holds no numbers but {array.dtype}.")
        tensors[name] = torch.from_numpy(native.reshape(array.shape))
    return tensors


def _read_pickled(path: Path) -> dict[str, Tensor]:
    """What the cache holds of this very file, else what a process of its own takes out of it."""
    sha256 = sha256_file(path)
    place = cache_folder() / _NAMESPACE / f"{sha256}-{_CONVERSION}"
    tensors = _read_kept(place)
    if tensors is None:
        tensors = _convert(path)
        if sha256_file(path) == sha256:  # nobody wrote to it meanwhile
            _keep(place, tensors, f"tensors of {path.name}")
    else:
        mark_used(place)
    return tensors


def _read_kept(place: Path) -> dict[str, Tensor] | None:
    """The tensors of an entry whose file has the SHA-256 that it is named by; None where there is no such entry."""
    with suppress(RefusedFileError, OSError):
        for kept in place.glob("*.safetensors"):
            if sha256_file(kept) == kept.stem:
                return load_tensors(kept)
    return None


def _keep(place: Path, tensors: dict[str, Tensor], about: str) -> None:
    """Keeps tensors in the cache. They are at hand already, so that a full disk is no reason to stop."""
    with suppress(StorageError, OSError), temporary_folder(work_folder(place)) as temporary:
        written = temporary / "tensors"
        sha256 = save_tensors(written, tensors)
        written.rename(temporary / f"{sha256}.safetensors")
        describe(temporary, about)
        replace_folder(temporary, place)
        keep_within_limit(place)


def _convert(path: Path) -> dict[str, Tensor]:
    with tempfile.TemporaryDirectory(prefix="derin-weights-") as folder:
        converted = Path(folder) / "converted.safetensors"
        # -P: a file torch.py in the current folder must not be taken for the library.
        command = [sys.executable, "-P", "-m", "derin.models.weights.importer", str(path.resolve()), str(converted)]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_MAX_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise RefusedFileError(f"The weights {path} took over {_MAX_SECONDS} seconds to read.") from None
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["the reading process died"])[-1]
            raise RefusedFileError(
                f"The weights {path} are refused, as only plain tensors are read and no code is run: {reason}"
            )
        return load_tensors(converted)
