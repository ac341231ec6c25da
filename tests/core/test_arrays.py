"""NumPy's files read without trust: every lie in a header or an archive ends in the documented error."""

from __future__ import annotations

import contextlib
import io
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derin.core.arrays import read_npy, read_npz
from derin.core.errors import RefusedFileError

_LARGEST = 1 << 20


def npy(array: np.ndarray[Any, Any], **swaps: str) -> bytes:
    """A .npy file; of its header, texts are swapped for others."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    data = buffer.getvalue()
    length = int.from_bytes(data[8:10], "little")
    header = data[10 : 10 + length].decode()
    for old, new in swaps.items():
        assert {"shape": "(6,)", "order": "False", "descr": "'<f8'"}[old] in header
        header = header.replace({"shape": "(6,)", "order": "False", "descr": "'<f8'"}[old], new)
    coded = header.encode()
    return data[:8] + len(coded).to_bytes(2, "little") + coded + data[10 + length :]


def npz(*members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytearray:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as packed:
        for name, data in members:
            packed.writestr(name, data)
    return bytearray(buffer.getvalue())


SIX = np.arange(6.0)
GOOD: dict[str, np.ndarray[Any, Any]] = {
    "big-endian": np.arange(6).astype(">i4").reshape(2, 3),
    "columns first": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "text": np.array([["a", "ağ"], ["", "çok"]]),
    "bytes": np.array([b"a", b"bc"]),
    "truth": np.array([True, False]),
    "one value": np.array(7),
    "empty": np.empty((0, 3), np.float32),
    "half": np.arange(3, dtype=np.float16),
    "complex": np.array([1j, 2.0]),
}


@pytest.mark.parametrize("array", GOOD.values(), ids=GOOD)
def test_what_numpy_wrote_is_read(array: np.ndarray[Any, Any], tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", array)
    np.savez_compressed(tmp_path / "x.npz", x=array)
    for found in (
        read_npy(tmp_path / "x.npy"),
        read_npy(tmp_path / "x.npy", mapped=True),
        read_npz(tmp_path / "x.npz", max_bytes=_LARGEST)["x"],
    ):
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, np.load(tmp_path / "x.npy"))
        assert found.flags.writeable


LYING_HEADERS = {
    "negative": {"shape": "(6, -1)"},
    "True as a size": {"shape": "(True,)"},
    "more than there is": {"shape": "(99999999999,)"},
    "less than there is": {"shape": "(5,)"},
    "overflow": {"shape": f"({'65536, ' * 5})"},
    "zero times much": {"shape": f"(0, {2**62}, {2**62})"},
    "many axes": {"shape": "(1," * 1 + "1, " * 40 + ")"},
    "list": {"shape": "[6]"},
    "digits": {"shape": f"({'9' * 5000},)"},
    "open bracket": {"shape": "(((("},
    "deep": {"shape": "(" * 3000},
    "a call": {"shape": "__import__('os').getpid()"},
    "order": {"order": "1"},
    "objects": {"descr": "'|O'"},
    "records": {"descr": "[('a', '<f8')]"},
    "unknown type": {"descr": "'<f7'"},
    "time": {"descr": "'<M8[s]'"},
    "no type": {"descr": "None"},
    "long": {"order": "False" + " " * 60_000},
}


@pytest.mark.parametrize("swaps", LYING_HEADERS.values(), ids=LYING_HEADERS)
def test_a_header_that_lies_is_refused(swaps: dict[str, str], tmp_path: Path) -> None:
    data = npy(SIX, **swaps)
    (tmp_path / "x.npy").write_bytes(data)
    (tmp_path / "x.npz").write_bytes(npz(("x.npy", data)))
    for read in (
        lambda: read_npy(tmp_path / "x.npy"),
        lambda: read_npy(tmp_path / "x.npy", mapped=True),
        lambda: read_npz(tmp_path / "x.npz", max_bytes=_LARGEST),
    ):
        with pytest.raises(RefusedFileError) as refusal:
            read()
        assert "allow_pickle" not in str(refusal.value)


def _changed(data: bytearray, mark: bytes, place: int, value: int) -> bytearray:
    data[data.find(mark) + place] = value
    return data


PACKED = {
    "no array": npz(("x.npy", b"junk")),
    "encrypted": _changed(npz(("x.npy", npy(SIX))), b"PK\1\2", 8, 1),
    "unknown method": _changed(npz(("x.npy", npy(SIX))), b"PK\1\2", 10, 99),
    "bzip2": npz(("x.npy", npy(SIX)), method=zipfile.ZIP_BZIP2),
    "size that lies": _changed(npz(("x.npy", npy(SIX))), b"PK\1\2", 26, 0xFF),
    "too large": npz(("x.npy", npy(np.zeros(1 << 18)))),
    "no characters": npz(("x.npy", npy(np.array(["a"] * 6)).replace(b"a\0\0\0", b"\0\0\xff\0"))),
    "no zip": bytearray(b"PK" + b"\0" * 50),
    "empty": bytearray(),
}


@pytest.mark.parametrize("data", PACKED.values(), ids=PACKED)
def test_an_archive_that_lies_is_refused(data: bytearray, tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(data)
    with pytest.raises(RefusedFileError):
        read_npz(tmp_path / "x.npz", max_bytes=_LARGEST)


def test_only_documented_errors_leave_altered_files(tmp_path: Path) -> None:
    """Bytes of a sound file are altered at random, a fixed number of times."""
    sound = bytes(npz(("x.npy", npy(SIX)), ("y.npy", npy(np.array(["a", "b"]))), method=zipfile.ZIP_DEFLATED))
    rng = random.Random(0)
    path = tmp_path / "x.npz"
    for _ in range(400):
        data = bytearray(sound)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 0x7F, 0xFF, rng.randrange(256)))
        path.write_bytes(data[: rng.choice((len(data), rng.randrange(len(data))))])
        with contextlib.suppress(RefusedFileError):
            read_npz(path, max_bytes=_LARGEST)
