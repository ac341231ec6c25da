"""What a cache entry of pictures knows about each file: written with checksums, read strictly."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import RefusedFileError
from derin.core.files import open_plain, read_json, write_bytes, write_json
from derin.core.messages import Message
from derin.core.printable import shown_reason
from derin.core.strict_json import dump_json
from derin.data.pictures.fitting import ResizePolicy
from derin.data.pictures.values import PixelValues
from derin.data.report import Outcome
from derin.readers.archives import Contents, Member

PIXELS = "pixels.bin"
_INDEX, _ARRAYS = "index.json", "files.npz"
_FORMAT = 2
HASH_BYTES = 32
_CHUNK_BYTES = 8 << 20

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class PictureIndex:
    """The files of a source as they were when it was read.

    Args:
        paths: of each file, in the order of the rows.
        sizes: bytes on disk.
        stamps: modification time in nanoseconds, or CRC-32 in a zip.
        hashes: BLAKE2b-256 of the bytes on disk.
        lengths: bytes in ``pixels.bin``; 0 for a file that could not be read.
        heights: of the picture as it is given to the network's windows.
        widths: likewise.
        natural_heights: of a picture that may be kept as it is, else 0.
        natural_widths: likewise.
        original_heights: of the picture in the file, upright.
        original_widths: likewise.
        is_gray: whether the file holds one channel, or the same three times.
        is_float: whether its values are floats.
        lows: its lowest value where it has more than 8 bits, else NaN.
        highs: its highest, likewise.
        values: by which values beyond 8 bits were read.
        fitting: how pictures were brought to their sizes.
        channels: of all pictures.
        is_encoded: whether ``pixels.bin`` holds the files' own bytes.
        findings: file number, outcome and reason.
        source_stamp: size and modification time of an archive.
        contents: what an archive holds, so that it need not be listed again.
    """

    paths: Sequence[str]
    sizes: Ints
    stamps: Ints
    hashes: npt.NDArray[np.uint8]
    lengths: Ints
    heights: Ints
    widths: Ints
    natural_heights: Ints
    natural_widths: Ints
    original_heights: Ints
    original_widths: Ints
    is_gray: Flags
    is_float: Flags
    lows: npt.NDArray[np.float64]
    highs: npt.NDArray[np.float64]
    values: PixelValues
    fitting: ResizePolicy
    channels: int
    is_encoded: bool
    findings: Sequence[tuple[int, Outcome, str]]
    source_stamp: tuple[int, int] | None = None
    contents: Contents | None = None

    @property
    def offsets(self) -> Ints:
        """Where each file's bytes begin in ``pixels.bin``, and where the last ends. Shapes: ``(N + 1,)``."""
        return np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)

    @property
    def stored(self) -> Ints:
        """The numbers of the files that hold a picture."""
        return np.flatnonzero(self.lengths)


def write_index(folder: Path, index: PictureIndex, source: str) -> None:
    """Writes the index beside a complete ``pixels.bin``.

    Args:
        folder: of the cache entry that is being made.
        index: what to write.
        source: what was read, for people.
    """
    arrays: dict[str, npt.NDArray[Any]] = {name: getattr(index, name) for name in _ARRAY_TYPES}
    arrays["paths"] = _packed(index.paths)
    listed = index.contents
    if listed is not None:
        arrays["member_paths"] = _packed([m.path for m in listed.members])
        arrays["member_sizes"] = np.array([m.size for m in listed.members], dtype=np.int64)
        arrays["member_stamps"] = np.array([m.stamp for m in listed.members], dtype=np.int64)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    packed = buffer.getvalue()
    write_bytes(folder / _ARRAYS, packed)
    status = (folder / PIXELS).stat()
    document: dict[str, Any] = {
        "format": _FORMAT,
        "decoder": decoder(),
        "source": source,
        "source_stamp": None if index.source_stamp is None else list(index.source_stamp),
        "fitting": index.fitting.to_json(),
        "values": index.values.to_json(),
        "channels": index.channels,
        "is_encoded": index.is_encoded,
        "findings": [[number, outcome.value, _plain(reason)] for number, outcome, reason in index.findings],
        "folders": None if listed is None else [_text(f) for f in listed.folders],
        "refused": None if listed is None else [[_text(name), _plain(reason)] for name, reason in listed.refused],
        "arrays_sha256": hashlib.sha256(packed).hexdigest(),
        "pixels": {
            "bytes": status.st_size,
            "mtime_ns": status.st_mtime_ns,
            "crc32": _crc32(folder / PIXELS),
        },
    }
    write_json(folder / _INDEX, {**document, "checksum": _checksum(document)})


def read_index(folder: Path) -> PictureIndex | None:
    """The index of a cache entry; None where there is no entry.

    Raises:
        RefusedFileError: the entry is damaged, or was made by another version.
    """
    if not folder.is_dir():
        return None
    document = read_json(folder / _INDEX)
    try:
        return _parsed(folder, document)
    except (KeyError, TypeError, ValueError, OverflowError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise RefusedFileError(f"{folder} is refused: its index is damaged ({shown_reason(error)}).") from None


def decoder() -> str:
    """What decodes pictures: another version of it may give other pixels."""
    import PIL

    return f"pillow {PIL.__version__}"


_ARRAY_TYPES: dict[str, type[np.generic]] = {
    "sizes": np.int64,
    "stamps": np.int64,
    "hashes": np.uint8,
    "lengths": np.int64,
    "heights": np.int64,
    "widths": np.int64,
    "natural_heights": np.int64,
    "natural_widths": np.int64,
    "original_heights": np.int64,
    "original_widths": np.int64,
    "is_gray": np.bool_,
    "is_float": np.bool_,
    "lows": np.float64,
    "highs": np.float64,
}


def _parsed(folder: Path, document: dict[str, Any]) -> PictureIndex:
    checksum = document.pop("checksum")
    if checksum != _checksum(document):
        raise ValueError("its checksum is wrong")
    if document["format"] != _FORMAT or document["decoder"] != decoder():
        raise ValueError(f"it was made by {document['decoder']}, format {document['format']}")
    with open_plain(folder / _ARRAYS) as file:
        packed = file.read()
    if hashlib.sha256(packed).hexdigest() != document["arrays_sha256"]:
        raise ValueError(f"the checksum of {_ARRAYS} is wrong")
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        values = {name: arrays[name] for name in _ARRAY_TYPES}
        paths = _unpacked(arrays["paths"])
        contents = None
        if document["folders"] is not None:
            members = zip(
                _unpacked(arrays["member_paths"]),
                arrays["member_sizes"].tolist(),
                arrays["member_stamps"].tolist(),
                strict=True,
            )
            refused = [(str(name), _reason(reason)) for name, reason in document["refused"]]
            contents = Contents([Member(*member) for member in members], document["folders"], refused)
    for name, kind in _ARRAY_TYPES.items():
        shape = (len(paths), HASH_BYTES) if name == "hashes" else (len(paths),)
        if values[name].dtype != kind or values[name].shape != shape:
            raise ValueError(f"{name} has the wrong form")
    stamp = document["source_stamp"]
    _check_pixels(folder / PIXELS, document["pixels"], int(values["lengths"].sum()))
    return PictureIndex(
        paths=paths,
        **values,
        fitting=ResizePolicy.from_json(document["fitting"]),
        values=PixelValues.from_json(document["values"]),
        channels=int(document["channels"]),
        is_encoded=bool(document["is_encoded"]),
        findings=[(int(number), Outcome(outcome), _reason(reason)) for number, outcome, reason in document["findings"]],
        source_stamp=None if stamp is None else (int(stamp[0]), int(stamp[1])),
        contents=contents,
    )


def _plain(reason: str) -> Any:
    return reason.to_json() if isinstance(reason, Message) else reason


def _reason(data: Any) -> str:
    return Message.from_json(data) if isinstance(data, dict) else str(data)


def _check_pixels(path: Path, recorded: dict[str, int], num_bytes: int) -> None:
    status = path.stat()
    if not status.st_size == recorded["bytes"] == num_bytes:
        raise ValueError(f"{PIXELS} has {status.st_size:,} bytes where {num_bytes:,} are expected")
    # Reading everything would take long; an unchanged time says that nothing was written since.
    if status.st_mtime_ns != recorded["mtime_ns"] and _crc32(path) != recorded["crc32"]:
        raise ValueError(f"the checksum of {PIXELS} is wrong")


def _crc32(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            value = zlib.crc32(chunk, value)
    return value


def _checksum(document: dict[str, Any]) -> str:
    return hashlib.sha256(dump_json(document)).hexdigest()


def _packed(texts: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Paths as bytes; a zero byte, which no path holds, stands between them. A name need not be valid UTF-8."""
    return np.frombuffer("".join(f"{text}\0" for text in texts).encode("utf-8", "surrogateescape"), dtype=np.uint8)


def _unpacked(data: npt.NDArray[np.uint8]) -> list[str]:
    return data.tobytes().decode("utf-8", "surrogateescape").split("\0")[:-1]


def _text(name: str) -> str:
    """A name as JSON can hold it."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
