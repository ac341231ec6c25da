"""What the boxes of a table are: how many of each class, in each picture, and of which size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.data.schema import Kind
from derin.data.table import Boxes, Table

SIZES = ("small", "medium", "large")
# COCO's rule: squares of 32 and 96 pixels; https://cocodataset.org/#detection-eval.
_BOUNDS = (32.0**2, 96.0**2)


@dataclass(frozen=True)
class BoxStatistics:
    """Counts of boxes.

    Args:
        classes: boxes of each class in each split.
        per_picture: the least, the median and the largest number of boxes in a picture.
        empty: pictures without a box in each split.
        sizes: boxes by their area in the pixels of their pictures: up to 32², up to 96², and above.
        crowds: boxes that stand for many or are too difficult, which are neither learned nor counted.
    """

    classes: dict[str, dict[str, int]]
    per_picture: tuple[int, float, int]
    empty: dict[str, int]
    sizes: dict[str, int]
    crowds: int

    def to_json(self) -> dict[str, Any]:
        """What ``derin data --json`` gives under ``"boxes"``."""
        least, median, most = self.per_picture
        return {
            "classes": self.classes,
            "per_picture": {"least": least, "median": median, "most": most},
            "empty": self.empty,
            "sizes": self.sizes,
            "crowds": self.crowds,
        }


def box_statistics(table: Table) -> BoxStatistics | None:
    """The counts of a table's boxes; None where it has no boxes.

    Example:
        >>> from derin.data.schema import Column, Role, Schema
        >>> boxes = Boxes(np.array([[0, 0, 9, 9], [0, 0, 50, 40]], np.float32), np.array([1, 1]),
        ...               np.array([0, 2, 2]), np.array([[60, 60], [60, 60]]))
        >>> column = Column(name="boxes", kind=Kind.BOXES, role=Role.TARGET, classes=("cat", "dog"))
        >>> table = Table(name="t", schema=Schema((column,)), columns={"boxes": boxes},
        ...               splits={"train": np.array([0]), "val": np.array([1])})
        >>> found = box_statistics(table)
        >>> found.classes, found.empty
        ({'cat': {'train': 0, 'val': 0}, 'dog': {'train': 2, 'val': 0}}, {'train': 0, 'val': 1})
        >>> found.per_picture, found.sizes
        ((0, 1.0, 2), {'small': 1, 'medium': 1, 'large': 0})
    """
    column = next((c for c in table.schema if c.kind is Kind.BOXES), None)
    if column is None:
        return None
    boxes = table.columns[column.name]
    assert isinstance(boxes, Boxes)
    splits = {name: np.asarray(rows) for name, rows in table.splits.items()} or {"all": np.arange(len(table))}
    names = column.classes or ()
    counted: dict[str, npt.NDArray[np.int64]] = {}
    empty: dict[str, int] = {}
    for split, rows in splits.items():
        part = boxes.take(rows)
        counted[split] = np.bincount(part.classes, minlength=len(names))
        empty[split] = int((np.diff(part.offsets) == 0).sum())
    per_picture = np.diff(boxes.offsets)
    areas = (boxes.corners[:, 2:] - boxes.corners[:, :2]).astype(np.float64).prod(axis=1)
    of_size = np.bincount(np.digitize(areas, _BOUNDS, right=True), minlength=len(SIZES))
    return BoxStatistics(
        classes={name: {split: int(counts[n]) for split, counts in counted.items()} for n, name in enumerate(names)},
        per_picture=(int(per_picture.min()), float(np.median(per_picture)), int(per_picture.max())),
        empty=empty,
        sizes={name: int(number) for name, number in zip(SIZES, of_size)},
        crowds=int(boxes.is_crowd.sum()),
    )
