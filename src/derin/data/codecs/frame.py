"""How pictures of any size, and all that lies in them, come to the one size that a network reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import RefusedFileError, ShapeError
from derin.data.augment.geometry import Geometry
from derin.data.pictures.fitting import ResizePolicy, Rule, stored_side

MAX_SIDE = 1 << 14
RULES = ("resize", "pad", "crop", "window")


@dataclass(frozen=True)
class Frame:
    """The size of a network's input and the rule by which pictures come to it.

    Args:
        size: height and width of the network's input.
        rule: ``"resize"`` brings a picture to exactly the size; ``"pad"`` keeps its proportions and puts black around
            it; ``"crop"`` brings its shorter side to 1.15 times the size and takes a window: anywhere in training, the
            middle otherwise; ``"window"`` leaves every pixel as it is and takes a window, mirrored over the edges of a
            smaller picture: anywhere in training, the middle otherwise; a picture that comes alone is read whole.

    Example:
        >>> Frame((8, 8), "resize").geometry(np.array([[16, 32]])).moved(np.array([[[32.0, 4.0]]])).tolist()
        [[[8.0, 2.0]]]
    """

    size: tuple[int, int]
    rule: str

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ShapeError(f"rule must be 'resize', 'pad', 'crop' or 'window'; got {self.rule!r}.")
        if len(self.size) != 2 or not all(1 <= side <= MAX_SIDE for side in self.size):
            raise ShapeError(f"size must be two numbers in 1..{MAX_SIDE}; got {self.size}.")

    @property
    def fitting(self) -> ResizePolicy:
        """How a whole picture is resized before a window is taken."""
        if self.rule == "window":
            return ResizePolicy(Rule.KEEP, *self.size)
        if self.rule != "crop":
            return ResizePolicy(Rule.RESIZE if self.rule == "resize" else Rule.PAD, *self.size)
        return ResizePolicy.shorter(stored_side(max(self.size)))

    def geometry(self, frames: npt.NDArray[np.int64], uniforms: npt.NDArray[Any] | None = None) -> Geometry:
        """How whatever lies in pictures of these sizes comes to the network's input, unclipped.

        Args:
            frames: height and width of each picture.
            uniforms: where windows lie, down and along; None takes the middle.

        Shapes:
            frames ``(B, 2)``, uniforms ``(B, 2)``.
        """
        distinct, of_row = np.unique(frames, axis=0, return_inverse=True)
        placed = [np.concatenate(self.fitting.placed(height, width)) for height, width in distinct.tolist()]
        of_frames = np.array(placed, dtype=np.int64).reshape(-1, 10)[of_row.reshape(-1)]
        shown, landed, whole = of_frames[:, :4], of_frames[:, 4:8], of_frames[:, 8:]
        cut = Geometry.window(frames, shown[:, 2:], shown[:, 0], shown[:, 1])
        resized = Geometry.resized(shown[:, 2:], landed[:, 2:])
        laid = Geometry.window(landed[:, 2:], whole, -landed[:, 0], -landed[:, 1])
        size = np.broadcast_to(np.array(self.size), whole.shape)
        tops, lefts = window_places(whole[:, 0], whole[:, 1], self.size, uniforms)
        return cut.then(resized).then(laid).then(Geometry.window(whole, size, tops, lefts))

    def to_json(self) -> dict[str, Any]:
        return {"height": self.size[0], "width": self.size[1], "rule": self.rule}

    @classmethod
    def from_json(cls, data: dict[str, Any], where: str) -> Frame:
        """The frame that a codec's fields describe, whose types were checked.

        Raises:
            RefusedFileError: it cannot be.
        """
        try:
            return cls((data["height"], data["width"]), data["rule"])
        except ShapeError as error:
            raise RefusedFileError(f"{where} is refused: {error}") from None


def window_places(
    heights: npt.NDArray[np.int64],
    widths: npt.NDArray[np.int64],
    size: tuple[int, int],
    uniforms: npt.NDArray[Any] | None,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First line and column of each window: where the uniforms say, down and along, or in the middle.

    Shapes:
        heights, widths ``(B,)``, uniforms ``(B, 2)`` → two of ``(B,)``.
    """
    down, along = heights - size[0] + 1, widths - size[1] + 1
    if uniforms is None:
        return (down - 1) // 2, (along - 1) // 2
    return (uniforms[:, 0] * down).astype(np.int64), (uniforms[:, 1] * along).astype(np.int64)


@dataclass(frozen=True)
class FramedColumn:
    """What lies in pictures, in memory, in the pixels of its own picture each.

    Args:
        values: of every row.
        frame: how pictures come to the network's input.
    """

    values: Any
    frame: Frame

    @property
    def is_random(self) -> bool:
        """Whether windows are taken of the pictures."""
        return self.frame.rule in ("crop", "window")

    def __len__(self) -> int:
        return len(self.values)
