"""Boxes of pictures at any size, each pixel of which is the mean of what lies under it: by sums over areas.

With S(x, y) = Σ of all pixels above and to the left, the sum over a box is four values of S, however large the box. S
is linear within a pixel along both axes, so that it is exact between whole pixels too. (F. Crow, "Summed-area tables
for texture mapping", SIGGRAPH 1984.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

Array = npt.NDArray[Any]


class AreaSums:
    """The sums of a batch of pictures of one size.

    Args:
        pictures: their pixels.

    Shapes:
        pictures ``(B, C, H, W)``.

    Example:
        >>> picture = torch.arange(16.0).view(1, 1, 4, 4)
        >>> AreaSums(picture).boxes(np.array([[0.0, 0, 4, 2]]), np.array([0]), 1, 2).tolist()
        [[[[2.5, 4.5]]]]
    """

    def __init__(self, pictures: Tensor) -> None:
        num, channels, self.height, self.width = pictures.shape
        # Sums of whole numbers are several times as fast; float64 holds them without rounding too.
        fits = pictures.dtype == torch.uint8 and self.height * self.width * 255 < 1 << 31
        kind = torch.int32 if fits else torch.float64
        self._sums = torch.zeros(
            channels, num, self.height + 1, self.width + 1, dtype=torch.float64, device=pictures.device
        )
        self._sums[:, :, 1:, 1:] = pictures.transpose(0, 1).cumsum(3, dtype=kind).cumsum(2, dtype=kind)

    def boxes(self, boxes: Array, pictures: npt.NDArray[np.int64], height: int, width: int) -> Tensor:
        """Boxes of the pictures, all at one size; what lies outside of a picture is 0.

        Args:
            boxes: left, top, right, bottom, with sides above zero.
            pictures: which picture each is of.
            height, width: of the result.

        Shapes:
            boxes ``(N, 4)``, pictures ``(N,)`` → ``(N, C, height, width)`` float32.
        """
        device = self._sums.device
        left, top, right, bottom = torch.from_numpy(boxes).to(device, torch.float64).unbind(1)
        places = []
        for low, high, side, count in ((left, right, self.width, width), (top, bottom, self.height, height)):
            steps = torch.linspace(0, 1, count + 1, dtype=torch.float64, device=device)
            places.append((low[:, None] + (high - low)[:, None] * steps).clamp_(0, side))
        x, y = places
        channels, num, rows, columns = self._sums.shape
        y = y + (torch.from_numpy(pictures).to(device) * rows)[:, None]
        grid = torch.empty(len(boxes), height + 1, width + 1, 2, dtype=torch.float64, device=device)
        grid[..., 0] = (x * (2 / (columns - 1)) - 1)[:, None, :]
        grid[..., 1] = (y * (2 / (num * rows - 1)) - 1)[:, :, None]
        sums = grid_sample(
            self._sums.view(1, channels, num * rows, columns),
            grid.view(1, -1, width + 1, 2),
            align_corners=True,
            padding_mode="border",
        )
        sums = sums.view(channels, len(boxes), height + 1, width + 1).diff(dim=2).diff(dim=3).transpose(0, 1)
        areas = (right - left) * (bottom - top) / (height * width)
        return (sums / areas.view(-1, 1, 1, 1)).to(torch.float32)
