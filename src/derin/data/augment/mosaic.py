"""Four pictures joined in one: each example with the three that follow it in the epoch's order.

Source: A. Bochkovskiy, C.-Y. Wang, H.-Y. Liao, "YOLOv4: Optimal speed and accuracy of object detection", 2020,
arXiv:2004.10934. There the four are cropped; here they are made smaller as well, by a number that is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from derin.data.augment.geometry import Geometry

if TYPE_CHECKING:
    from torch import Tensor

PARTNERS = 3
# The middle at which the four meet lies so far from each edge, as a share of the sides.
_MARGIN = 0.25
_LEAST_SCALE = 0.5


@dataclass(frozen=True)
class Mosaic:
    """How four examples come to lie in one, for each row of a batch.

    Args:
        geometries: of the row itself and of the three that follow it, as they come into the whole.
        tiles: left, top, right and bottom of what is shown of each in the whole; nothing where right is left.

    Shapes:
        tiles ``(4, B, 4)`` int64.
    """

    geometries: tuple[Geometry, ...]
    tiles: npt.NDArray[np.int64]

    @classmethod
    def drawn(cls, probability: float, draws: npt.NDArray[np.float64], size: tuple[int, int]) -> Mosaic:
        """What is drawn for each row; a row that is none shows itself alone and whole.

        Args:
            probability: that a row is one.
            draws: numbers in [0, 1): whether, the place of the middle down and along, and the scale.
            size: height and width of the pictures.

        Shapes:
            draws ``(B, 4)``.

        Example:
            >>> found = Mosaic.drawn(1.0, np.array([[0.0, 0.5, 0.5, 0.0]]), (8, 8))
            >>> found.tiles[:, 0].tolist()
            [[0, 0, 4, 4], [4, 0, 8, 4], [0, 4, 4, 8], [4, 4, 8, 8]]
            >>> found.geometries[3].moved(np.array([[[0.0, 0.0], [8.0, 8.0]]])).tolist()
            [[[4.0, 4.0], [8.0, 8.0]]]
        """
        height, width = size
        chosen = draws[:, 0] < probability
        down, along = (
            np.where(chosen, np.rint((_MARGIN + (1 - 2 * _MARGIN) * draws[:, n]) * side).astype(np.int64), side)
            for n, side in ((1, height), (2, width))
        )
        scale = np.where(chosen, _LEAST_SCALE + (1 - _LEAST_SCALE) * draws[:, 3], 1.0)
        zero = np.zeros(len(draws), dtype=np.int64)
        frame = np.broadcast_to(np.array(size, dtype=np.int64), (len(draws), 2))
        geometries, tiles = [], []
        for is_lower, is_right in ((False, False), (False, True), (True, False), (True, True)):
            left = along if is_right else along - scale * width
            top = down if is_lower else down - scale * height
            maps = np.zeros((len(draws), 2, 3))
            maps[:, 0, 0] = maps[:, 1, 1] = 1 / scale
            maps[:, 0, 2] = (width / 2 - left) / scale - width / 2
            maps[:, 1, 2] = (height / 2 - top) / scale - height / 2
            geometries.append(Geometry(maps=maps, source=frame, target=frame))
            tile = (along if is_right else zero, down if is_lower else zero)
            ends = (zero + width if is_right else along, zero + height if is_lower else down)
            tiles.append(np.stack([*tile, *ends], axis=1))
        return cls(tuple(geometries), np.stack(tiles))

    def __len__(self) -> int:
        return self.tiles.shape[1]

    def joined(self, moved: Sequence[Tensor], empty: float) -> Tensor:
        """Each pixel from the tile in which it lies.

        Args:
            moved: the four, moved by `geometries`.
            empty: of a pixel that no tile shows.

        Shapes:
            four of ``(B, …, H, W)`` → the same.
        """
        import torch

        height, width = moved[0].shape[-2:]
        whole = torch.full_like(moved[0], empty)
        rows, columns = (torch.arange(side, device=whole.device) for side in (height, width))
        for tile, part in zip(torch.from_numpy(self.tiles).to(whole.device), moved):
            left, top, right, bottom = tile.T.unsqueeze(2)
            across, down = (columns >= left) & (columns < right), (rows >= top) & (rows < bottom)
            shown = down[:, :, None] & across[:, None, :]
            whole = torch.where(shown if whole.ndim == 3 else shown[:, None], part, whole)
        return whole
