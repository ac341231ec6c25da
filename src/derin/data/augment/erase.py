"""Cutout: a hole of the picture's mean color."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor


def cut_out(pictures: Tensor, means: Tensor, share: float, places: npt.NDArray[np.float64]) -> Tensor:
    """Fills a rectangle in each picture with a color.

    Args:
        pictures: of any dtype, which stays.
        means: the color for each picture; rounded for whole-numbered pictures.
        share: sides of the hole as a share of the picture's sides.
        places: uniform numbers for the middle of the hole, down and along.

    Shapes:
        pictures ``(B, C, H, W)``, means ``(B, C)``, places ``(B, 2)`` → ``(B, C, H, W)``, laid out in memory as before.

    Source: DeVries and Taylor 2017, section 3.
    """
    _, _, height, width = pictures.shape
    size = np.array([max(1, round(share * height)), max(1, round(share * width))])
    first = np.floor(places * [height, width]).astype(np.int64) - size // 2
    color = means if pictures.is_floating_point() else means.round().to(pictures.dtype)
    hole = rectangle(height, width, first, first + size)
    return paste(pictures, color[:, :, None, None].expand(-1, -1, 1, width), *hole)


def paste(pictures: Tensor, others: Tensor, lines: npt.NDArray[np.bool_], columns: npt.NDArray[np.bool_]) -> Tensor:
    """The pictures, with the pixels of the others where both the line and the column are chosen.

    Shapes:
        pictures ``(B, C, H, W)``, others the same or ``(B, C, 1, W)`` for equal lines, lines ``(B, H)``, columns
        ``(B, W)`` → ``(B, C, H, W)``.
    """
    import torch

    batch, channels, height, width = pictures.shape
    in_lines, in_columns = (torch.from_numpy(side).to(pictures.device, pictures.dtype) for side in (lines, columns))
    channels_last = pictures.permute(0, 2, 3, 1).is_contiguous()
    if channels_last:
        # A line of memory at a time: a mask without the channels as last axis would be read three values at a time.
        pictures, others = (
            values.permute(0, 2, 3, 1).reshape(batch, 1, values.shape[2], width * channels)
            for values in (pictures, others)
        )
        in_columns = in_columns.repeat_interleave(channels, dim=1)
    chosen = in_lines[:, None, :, None] * in_columns[:, None, None, :]
    if pictures.is_floating_point():
        result = torch.lerp(pictures, others, chosen)  # exact for weights of 0 and 1
    else:
        change = pictures - others  # unsigned numbers wrap around, and back again
        change *= chosen
        result = torch.sub(pictures, change, out=change)
    return result.view(batch, height, width, channels).permute(0, 3, 1, 2) if channels_last else result


def rectangle(
    height: int, width: int, first: npt.NDArray[np.int64], behind: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which lines and which columns of each picture belong to its rectangle, which may reach over the edge.

    Shapes:
        first and behind ``(B, 2)``: the rectangle's first line and column, and those behind its last
        → ``(B, H)``, ``(B, W)``.
    """
    down, along = np.arange(height), np.arange(width)
    in_lines = (down >= first[:, :1]) & (down < behind[:, :1])
    in_columns = (along >= first[:, 1:]) & (along < behind[:, 1:])
    return in_lines, in_columns
