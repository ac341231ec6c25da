"""How much each place of a picture counts for one number that a network gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """How much each place of each picture counts.

    Args:
        values: at the size of the input.
        scores: the number that is explained, for each picture.
        signed: whether there are places that speak against, below zero.
        layer: whose maps were looked at, or None where the whole network was.

    Shapes:
        values ``(B, H, W)``, scores ``(B,)``.
    """

    values: Floats
    scores: Floats
    signed: bool
    layer: str | None = None

    def peak(self, example: int) -> tuple[int, int]:
        """Row and column of the largest value of one picture.

        Example:
            >>> heat = HeatMap(values=np.eye(3, 4, 2, np.float32)[None], scores=np.zeros(1, np.float32), signed=False)
            >>> heat.peak(0)
            (0, 2)
        """
        row, column = np.unravel_index(int(self.values[example].argmax()), self.values.shape[1:])
        return int(row), int(column)


def to_numpy(values: Tensor) -> Floats:
    """Numbers on the host, as float32."""
    found: Floats = values.detach().float().cpu().numpy().astype(np.float32, copy=False)
    return found
