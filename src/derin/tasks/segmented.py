"""What a network says about the pixels of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.data.mask_colors import overlay, palette_png, png


@dataclass(frozen=True, eq=False)
class Segmented:
    """The class of every pixel of a picture.

    Args:
        mask: class numbers, in the size of the picture; 255 where the network did not look.
        classes: the names of the classes.
        picture: its pixels.
        paths: files that were written of it, by ``"mask"`` and ``"overlay"``.

    Shapes:
        mask ``(H, W)`` uint8; picture ``(H, W, 1 or 3)`` uint8.

    Example:
        >>> answer = Segmented(np.array([[0, 1], [1, 1]], dtype=np.uint8), ("road", "car"), np.zeros((2, 2, 3), "u1"))
        >>> answer.shares
        {'car': 0.75, 'road': 0.25}
    """

    mask: npt.NDArray[np.uint8]
    classes: tuple[str, ...]
    picture: npt.NDArray[np.uint8]
    paths: tuple[tuple[str, str], ...] = ()

    @property
    def shares(self) -> dict[str, float]:
        """The share of each class that occurs among the pixels, the largest first."""
        counts = np.bincount(self.mask.reshape(-1), minlength=256)[: len(self.classes)]
        order = [place for place in np.argsort(-counts, kind="stable").tolist() if counts[place]]
        return {self.classes[place]: float(counts[place]) / self.mask.size for place in order}

    def overlay(self) -> npt.NDArray[np.uint8]:
        """The picture with the colours of its mask, ``(H, W, 3)``."""
        return overlay(self.picture, self.mask)

    def files(self) -> dict[str, bytes]:
        """What is written of it: the mask as a PNG with a palette, and the picture with the mask over it."""
        return {"mask": palette_png(self.mask), "overlay": png(self.overlay())}

    def to_json(self) -> dict[str, Any]:
        return {"shares": self.shares, "classes": list(self.classes), **dict(self.paths)}

    def __str__(self) -> str:
        return "  ".join(f"{name} {share:.3f}" for name, share in self.shares.items())

    def __repr__(self) -> str:
        height, width = self.mask.shape
        return f"Segmented({height} × {width}: {self})"
