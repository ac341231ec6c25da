"""IDX files, the form in which MNIST and its relatives are published: ``train-images-idx3-ubyte.gz`` and the like.

A file is: two zero bytes, a type code, the number of axes, each axis as a big-endian 32-bit integer, the values
(big-endian).

Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits",
    http://yann.lecun.com/exdb/mnist.
"""

from __future__ import annotations

import gzip
import io
import math
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.core.messages import Message
from derin.core.printable import shown_reason
from derin.data.report import DataReport, Outcome
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Rows, Table
from derin.readers.split_names import split_of

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
# train-images-idx3-ubyte, t10k-images.idx3-ubyte.gz, emnist-letters-test-images-idx3-ubyte
_PICTURES = re.compile(r"^(?P<stem>.*?)images(?P<gap>[-.])idx[34](?P<type>-ubyte)?(?P<gz>\.gz)?$", re.IGNORECASE)
# Deflate cannot shrink by more than this, so that a header which claims more is a lie.
_LARGEST_RATIO = 1032
_MAX_AXES = 32


def read_idx_array(path: str | Path) -> npt.NDArray[np.generic]:
    """The array in one IDX file, gzipped or not, in the machine's own byte order.

    Raises:
        DataError: the file is not IDX, is shorter or longer than its header says, or is a damaged gzip file.
    """
    path = Path(path)
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            size = raw.seek(0, io.SEEK_END)
            raw.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=raw) as file:
                    return _read(cast(BinaryIO, file), path, most=size * _LARGEST_RATIO)
            return _read(raw, path, most=size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path}: a whole gzip file is required; it is damaged or cut off ({shown_reason(error)}). Fetch it again."
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None


def _read(file: BinaryIO, path: Path, most: int) -> npt.NDArray[np.generic]:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _TYPES:
        raise DataError(
            f"{path}: an IDX file starts with two zero bytes and a type code; got {head.hex(' ') or 'an empty file'}. "
            "Check that it is an IDX file."
        )
    num_axes = head[3]
    sizes = file.read(4 * num_axes)
    if len(sizes) < 4 * num_axes or not 1 <= num_axes <= _MAX_AXES:
        raise DataError(f"{path}: an IDX header with {num_axes} axes is cut off or none. Fetch the file again.")
    shape = tuple(int(n) for n in np.frombuffer(sizes, dtype=">u4"))
    dtype = np.dtype(_TYPES[head[2]])
    num_bytes = math.prod(shape) * dtype.itemsize
    # Also where one size is 0 the others must be such that strides can be computed.
    if max(num_bytes, math.prod(max(n, 1) for n in shape)) > most:
        raise DataError(
            f"{path}: the header promises {num_bytes:,} bytes of values, more than the file can hold. Fetch it again."
        )
    values = np.empty(num_bytes, dtype=np.uint8)
    window, filled = values.data, 0
    while filled < num_bytes and (got := file.readinto(window[filled:])):  # type: ignore[attr-defined]
        filled += got
    if filled < num_bytes:
        raise DataError(
            f"{path}: the header promises {num_bytes:,} bytes of values; only {filled:,} came. "
            "The file is cut off: fetch it again."
        )
    if file.read(1):
        raise DataError(
            f"{path}: the header promises {num_bytes:,} bytes of values; more came. "
            "The file is damaged: fetch it again."
        )
    return values.view(dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def is_idx_folder(folder: Path) -> bool:
    """Whether the folder holds pictures in IDX form."""
    return any(_PICTURES.match(p.name) for p in folder.iterdir())


def is_idx_file(path: Path) -> bool:
    """Whether the name is that of IDX pictures."""
    return _PICTURES.match(path.name) is not None


def read_idx(path: str | Path, *, name: str, classes: Sequence[str] | None = None) -> Table:
    """Pictures and labels in IDX form.

    Args:
        path: a folder of IDX files, whose names tell the split (``train``, ``val``, ``test`` or ``t10k``); or one
            file of pictures with its labels beside it.
        name: of the data, for people.
        classes: names of the labels 0, 1, …; without them the labels that occur are the names.

    Shapes:
        column ``picture`` ``(N, height, width, channels)`` uint8, column ``label`` ``(N,)`` int64.
    """
    path = Path(path)
    report = DataReport(source=str(path))
    if path.is_dir():
        parts = _parts(path, report)
    else:
        parts = {"": (path, _labels_beside(path))}
        report.notes.append(Message("reading.labels_beside", labels=parts[""][1].name, file=path.name))
    pictures: list[npt.NDArray[np.uint8]] = []
    labels: list[npt.NDArray[np.int64]] = []
    splits: dict[str, Rows] = {}
    first = 0
    for split, (picture_file, label_file) in parts.items():
        part, part_labels = read_idx_pair(picture_file, label_file)
        if pictures and part.shape[1:] != pictures[0].shape[1:]:
            raise DataError(
                f"{picture_file}: all pictures must have the same size; "
                f"got {part.shape[1:]} beside {pictures[0].shape[1:]}."
            )
        pictures.append(part)
        labels.append(part_labels)
        if split:
            splits[split] = np.arange(first, first + len(part))
        first += len(part)
    codes, names = _named(np.concatenate(labels), classes, path)
    values = pictures[0] if len(pictures) == 1 else np.concatenate(pictures)
    schema = Schema(
        (
            Column(
                name="picture",
                kind=Kind.PICTURE,
                role=Role.INPUT,
                shape=values.shape[1:],
                note=Message("reading.idx_pictures"),
            ),
            Column(
                name="label", kind=Kind.CATEGORY, role=Role.TARGET, classes=names, note=Message("reading.idx_labels")
            ),
        )
    )
    columns = {"picture": Dense(values), "label": Dense(codes)}
    return Table(name=name, schema=schema, columns=columns, splits=splits, report=report)


def read_idx_pair(pictures: Path, labels: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """One file of pictures and one of labels, checked against each other.

    Shapes:
        ``(N, height, width, channels)`` uint8 and ``(N,)`` int64.
    """
    values, numbers = read_idx_array(pictures), read_idx_array(labels)
    if values.dtype != np.uint8 or values.ndim not in (3, 4):
        raise DataError(
            f"{pictures}: pictures must be uint8 with 3 or 4 axes; got {values.dtype} with shape {values.shape}."
        )
    if values.ndim == 4 and values.shape[-1] not in (1, 3):
        raise DataError(f"{pictures}: pictures with 4 axes must end in 1 or 3 channels; got shape {values.shape}.")
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise DataError(
            f"{labels}: labels must be whole numbers with 1 axis; got {numbers.dtype} with shape {numbers.shape}."
        )
    if len(values) != len(numbers):
        raise DataError(
            f"{pictures.name} holds {len(values):,} pictures, but {labels.name} holds {len(numbers):,} labels; "
            "the numbers must be equal. Check that both files belong together."
        )
    pictures_4d = values if values.ndim == 4 else values[..., None]
    return cast("npt.NDArray[np.uint8]", pictures_4d), numbers.astype(np.int64)


def _labels_beside(pictures: Path) -> Path:
    """The file of labels that belongs to a file of pictures; either of them may be gzipped."""
    match = _PICTURES.match(pictures.name)
    if match is None:
        raise DataError(
            f"{pictures}: a name like train-images-idx3-ubyte is required, so that its labels can be found."
        )
    base = f"{match['stem']}labels{match['gap']}idx1{match['type'] or ''}"
    for name in (base + (match["gz"] or ""), base, base + ".gz"):
        if (labels := pictures.with_name(name)).is_file():
            return labels
    raise DataError(f"{pictures}: the labels {base} or {base}.gz are required beside it; neither is there.")


def _parts(folder: Path, report: DataReport) -> dict[str, tuple[Path, Path]]:
    """Split → files of pictures and labels; an unpacked file wins over its gzipped copy."""
    found: dict[str, tuple[Path, Path]] = {}
    for path in sorted(folder.iterdir(), key=lambda p: (p.suffix == ".gz", p.name)):
        match = _PICTURES.match(path.name)
        if match is None:
            continue
        split = "test" if "t10k" in match["stem"].lower() else split_of(match["stem"]) or ""
        if split in found:
            if path.name.removesuffix(".gz") == found[split][0].name:
                report.add(path.name, Outcome.SKIPPED, Message("reading.gzipped_copy"))
                continue
            raise DataError(
                f"{folder}: one file of pictures for a split is required; {found[split][0].name} and "
                f"{path.name} are both for {split or 'no split'}. Give each set a folder of its own, or name one file."
            )
        found[split] = (path, _labels_beside(path))
    if not found:
        raise DataError(f"{folder}: no IDX pictures (names like train-images-idx3-ubyte.gz) are there.")
    if "" in found and len(found) > 1:
        raise DataError(
            f"{folder}: {found[''][0].name} must name its split (train, val or test), as the other files do."
        )
    order = ("train", "val", "test", "")
    return {split: found[split] for split in order if split in found}


def _named(labels: npt.NDArray[np.int64], classes: Sequence[str] | None, path: Path) -> tuple[Rows, tuple[str, ...]]:
    if len(labels) == 0:
        raise DataError(f"{path}: at least one example is required; the files hold none.")
    if classes is None:
        distinct, codes = np.unique(labels, return_inverse=True)
        return codes.astype(np.int64), tuple(str(n) for n in distinct)
    if labels.min() < 0 or labels.max() >= len(classes):
        raise DataError(f"{path}: labels must be 0 to {len(classes) - 1}; got {labels.min()} to {labels.max()}.")
    return labels, tuple(classes)
