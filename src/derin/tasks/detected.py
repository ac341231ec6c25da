"""What a network says about the things in a picture: boxes with a class and a probability each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from derin.data.box_drawing import draw_boxes
from derin.data.mask_colors import png


@dataclass(frozen=True)
class Box:
    """A thing in a picture.

    Args:
        label: its class.
        probability: that it is there.
        xyxy: left, top, right and bottom in pixels of the picture.
        track: the number that follows it through a video, or None.
    """

    label: str
    probability: float
    xyxy: tuple[float, float, float, float]
    track: int | None = None

    def to_json(self) -> dict[str, Any]:
        track = {} if self.track is None else {"track": self.track}
        return {"label": self.label, "probability": self.probability, "xyxy": [round(v, 2) for v in self.xyxy], **track}

    @property
    def caption(self) -> str:
        """What is written at it in a drawing."""
        return f"{self.label} {self.probability:.2f}" + ("" if self.track is None else f" #{self.track}")


@dataclass(frozen=True, eq=False)
class Detected:
    """The things in a picture, the most probable first.

    Args:
        boxes: of the things.
        classes: the names of all classes.
        picture: its pixels.
        paths: files that were written of it, by ``"boxes"``.

    Shapes:
        picture ``(H, W, 1 or 3)`` uint8.

    Example:
        >>> answer = Detected((Box("cat", 0.9, (1, 2, 5, 6)),), ("cat", "dog"), np.zeros((8, 8, 3), "u1"))
        >>> answer.to_json()
        {'boxes': [{'label': 'cat', 'probability': 0.9, 'xyxy': [1, 2, 5, 6]}]}
        >>> str(answer), len(answer)
        ('cat 0.900', 1)
    """

    boxes: tuple[Box, ...]
    classes: tuple[str, ...]
    picture: npt.NDArray[np.uint8]
    paths: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.boxes)

    def __iter__(self) -> Iterator[Box]:
        return iter(self.boxes)

    def drawn(self) -> npt.NDArray[np.uint8]:
        """The picture with its boxes, ``(H, W, 3)``."""
        corners = np.array([box.xyxy for box in self.boxes]).reshape(-1, 4)
        numbers = [self.classes.index(box.label) for box in self.boxes]
        return draw_boxes(self.picture, corners, numbers, [box.caption for box in self.boxes])

    def with_tracks(self, tracks: Sequence[int]) -> Self:
        """The same with a number for each box that follows it through a video."""
        boxes = tuple(replace(box, track=track) for box, track in zip(self.boxes, tracks, strict=True))
        return replace(self, boxes=boxes)

    def files(self) -> dict[str, bytes]:
        """What is written of it: the picture with its boxes."""
        return {"boxes": png(self.drawn())}

    def to_json(self) -> dict[str, Any]:
        paths = dict(self.paths)
        drawn = {"drawn": paths["boxes"]} if "boxes" in paths else {}
        return {"boxes": [box.to_json() for box in self.boxes], **drawn}

    def __str__(self) -> str:
        return "  ".join(f"{box.label} {box.probability:.3f}" for box in self.boxes)

    def __repr__(self) -> str:
        height, width = self.picture.shape[:2]
        return f"Detected({height} × {width}: {self})"
