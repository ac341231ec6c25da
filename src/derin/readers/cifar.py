"""CIFAR-10 in its binary form, the published one that is not a pickle.

Each record is one byte of label and 3 × 32 × 32 bytes of picture, channel after channel.

Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009;
    https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from derin.core.errors import DataError
from derin.data.report import DataReport
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Table

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

_SIDE, _CHANNELS = 32, 3
_RECORD_BYTES = 1 + _CHANNELS * _SIDE * _SIDE


def is_cifar_folder(folder: Path) -> bool:
    """Whether the folder holds the binary files of CIFAR-10."""
    return (folder / "data_batch_1.bin").is_file()


def read_cifar(folder: str | Path, *, name: str) -> Table:
    """The table in ``data_batch_1.bin`` … (train) and ``test_batch.bin`` (test).

    Shapes:
        column ``picture`` ``(N, 32, 32, 3)`` uint8, column ``label`` ``(N,)`` int64.

    Raises:
        DataError: a file is cut off or holds labels that CIFAR-10 does not have.
    """
    folder = Path(folder)
    files = {"train": sorted(folder.glob("data_batch_*.bin")), "test": sorted(folder.glob("test_batch.bin"))}
    classes = _class_names(folder)
    records, splits, first = [], {}, 0
    for split, paths in files.items():
        parts = [_records(path, len(classes)) for path in paths]
        if not parts:
            continue
        splits[split] = np.arange(first, first + sum(map(len, parts)))
        first = int(splits[split][-1]) + 1
        records.extend(parts)
    if not records:
        raise DataError(f"{folder}: data_batch_1.bin and its fellows are required; they are not there.")
    whole = np.concatenate(records)
    pictures = whole[:, 1:].reshape(-1, _CHANNELS, _SIDE, _SIDE).transpose(0, 2, 3, 1)
    schema = Schema(
        (
            Column(name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=(_SIDE, _SIDE, _CHANNELS)),
            Column(name="label", kind=Kind.CATEGORY, role=Role.TARGET, classes=classes),
        )
    )
    columns = {"picture": Dense(np.ascontiguousarray(pictures)), "label": Dense(whole[:, 0].astype(np.int64))}
    return Table(name=name, schema=schema, columns=columns, splits=splits, report=DataReport(source=str(folder)))


def _class_names(folder: Path) -> tuple[str, ...]:
    """The names in ``batches.meta.txt``, one a line; without that file those of CIFAR-10."""
    try:
        lines = (folder / "batches.meta.txt").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return CIFAR10_CLASSES
    return tuple(dict.fromkeys(line.strip() for line in lines if line.strip())) or CIFAR10_CLASSES


def _records(path: Path, num_classes: int) -> np.ndarray:
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None
    if len(data) == 0 or len(data) % _RECORD_BYTES:
        raise DataError(
            f"{path}: whole records of {_RECORD_BYTES:,} bytes are required; got {len(data):,} bytes. "
            "Fetch the file again."
        )
    records = data.reshape(-1, _RECORD_BYTES)
    if records[:, 0].max() >= num_classes:
        raise DataError(
            f"{path}: labels must be 0 to {num_classes - 1}; got {records[:, 0].max()}. Check that it is CIFAR-10."
        )
    return records
