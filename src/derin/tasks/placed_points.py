"""What a network says about the points of a thing in a picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from derin.data.mask_colors import png
from derin.data.point_drawing import draw_points


class Point(NamedTuple):
    """A point in a picture.

    Args:
        name: such as ``left_eye``, or its number.
        x: in pixels of the picture, from its left edge.
        y: from its upper edge.
    """

    name: str
    x: float
    y: float


@dataclass(frozen=True, eq=False)
class PlacedPoints:
    """The points of the thing in a picture; none where there is no such thing.

    Args:
        points: in the order of the training data.
        picture: its pixels.
        probability: that the thing is there; None where the network was never shown a picture without it.
        pairs: of a left and a right point, by number.
        paths: files that were written of it, by ``"points"``.

    Shapes:
        picture ``(H, W, 1 or 3)`` uint8.

    Example:
        >>> answer = PlacedPoints((Point("nose", 3.25, 4.0), Point("chin", 3, 7)), np.zeros((9, 9, 3), "u1"))
        >>> answer.points[0].x, answer.to_json()
        (3.25, {'points': [['nose', 3.25, 4.0], ['chin', 3, 7]]})
    """

    points: tuple[Point, ...]
    picture: npt.NDArray[np.uint8]
    probability: float | None = None
    pairs: tuple[tuple[int, int], ...] = ()
    paths: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[Point]:
        return iter(self.points)

    def drawn(self) -> npt.NDArray[np.uint8]:
        """The picture with its points, ``(H, W, 3)``."""
        places = np.array([(point.x, point.y) for point in self.points]).reshape(-1, 2)
        return draw_points(self.picture, places, np.ones(len(places), dtype=bool), self.pairs)

    def files(self) -> dict[str, bytes]:
        """What is written of it: the picture with its points."""
        return {"points": png(self.drawn())}

    def to_json(self) -> dict[str, Any]:
        paths = dict(self.paths)
        sure = {} if self.probability is None else {"probability": self.probability}
        drawn = {"drawn": paths["points"]} if "points" in paths else {}
        return {"points": [[p.name, round(p.x, 2), round(p.y, 2)] for p in self.points], **sure, **drawn}

    def __str__(self) -> str:
        return "  ".join(f"{point.name} {point.x:.1f} {point.y:.1f}" for point in self.points)

    def __repr__(self) -> str:
        height, width = self.picture.shape[:2]
        return f"PlacedPoints({height} × {width}: {self})"
