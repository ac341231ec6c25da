"""Where the pixels of a moved picture come from: one affine map and one resampling, or whole pixels copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

    from derin.data.augment.settings import Augmentation, RandomDraws

_PADDING_MODE = {"zero": "zeros", "edge": "border", "reflect": "reflection"}


def move(pictures: Tensor, settings: Augmentation, draws: RandomDraws) -> Tensor:
    """Flips, zooms, shears, rotates, shifts and crops every picture by its own draws.

    Shapes:
        ``(B, C, H, W)`` → the same; whole pixels keep their dtype and come channels last in memory, resampled ones are
        float32 and come in planes.
    """
    fill = settings.fill_for(pictures.shape[1])
    if settings.only_whole_pixels:
        return _copy(pictures.permute(0, 2, 3, 1), settings, draws, fill).permute(0, 3, 1, 2)
    return _resample(pictures, inverse_maps(pictures.shape[2], pictures.shape[3], settings, draws), fill)


def inverse_maps(height: int, width: int, settings: Augmentation, draws: RandomDraws) -> npt.NDArray[np.float64]:
    r"""From a place in the moved picture to the place in the original that it shows, in pixels from the middle.

    Forward a place p = (x right, y down) goes to :math:`R K Z F p + s`: flips F, zoom Z, shear K, rotation R
    (clockwise for positive angles), shift s. The inverse is :math:`q = F Z^{-1} K^{-1} R^{-1} (o - s)`, written out
    here.

    Shapes:
        → ``(B, 2, 3)``: a linear part and, in the last column, the translation.
    """
    num = len(next(iter(draws.values())))
    angle = np.radians(_spread(draws, "rotate", settings.rotate, num))
    shear = _spread(draws, "shear", settings.shear, num)
    scale = 1 + _spread(draws, "zoom", settings.zoom, num)
    down, along = _offsets(height, width, settings, draws, num)
    flip_x, flip_y = (1.0 - 2.0 * flipped for flipped in _flips(settings, draws, num))
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.stack(
        [
            flip_x / scale * (cos + shear * sin),
            flip_x / scale * (sin - shear * cos),
            -flip_y / scale * sin,
            flip_y / scale * cos,
        ],
        axis=-1,
    ).reshape(-1, 2, 2)
    translation = -(linear[:, :, 0] * along[:, None] + linear[:, :, 1] * down[:, None])
    return np.concatenate([linear, translation[:, :, None]], axis=2)


def _resample(pictures: Tensor, maps: npt.NDArray[np.float64], fill: str) -> Tensor:
    """Bilinear values of the pictures at the places that the maps name."""
    import torch
    from torch.nn.functional import grid_sample

    _, _, height, width = pictures.shape
    # grid_sample without aligned corners measures from the middle in half sides: u pixels are 2u / side.
    half = np.array([width / 2, height / 2])
    scaled = maps / half[:, None] * np.array([*half, 1.0])
    along, down, shift = torch.from_numpy(scaled.astype(np.float32)).to(pictures.device).unbind(2)  # each (B, 2)
    from_column = along.T[:, :, None] * _middles(width, pictures)  # (2, B, W)
    from_row = down.T[:, :, None] * _middles(height, pictures) + shift.T[:, :, None]  # (2, B, H)
    grid = from_row.unsqueeze(3) + from_column.unsqueeze(2)
    return grid_sample(
        pictures.to(torch.float32),
        grid.permute(1, 2, 3, 0),
        mode="bilinear",
        padding_mode=_PADDING_MODE[fill],
        align_corners=False,
    )


def _middles(side: int, like: Tensor) -> Tensor:
    """Middles of the pixels along a side, from -1 to 1 across the whole side."""
    import torch

    return (torch.arange(side, dtype=torch.float32, device=like.device) * 2 + 1) / side - 1


def _copy(pictures: Tensor, settings: Augmentation, draws: RandomDraws, fill: str) -> Tensor:
    """The same with flips and whole pixels only: every line of a moved picture is one run of a widened line.

    The widened lines, and behind them their mirror images, lie in one buffer; a line of the result is found by its
    first element there. So each line is one copy of contiguous memory, with no work per pixel.
    """
    import torch

    batch, height, width, channels = pictures.shape
    down, along = _offsets(height, width, settings, draws, batch)
    flip_x, flip_y = _flips(settings, draws, batch)
    _, reach = _reach(height, width, settings)
    wide = width + 2 * reach
    copies = 2 if settings.flip_horizontal else 1
    # One more line, of zeros, is where lines outside the picture come from when they are to be black.
    buffer = pictures.new_zeros(copies * batch * height + 1, wide, channels)
    lines = buffer[:-1].view(copies, batch, height, wide, channels)
    lines[0, :, :, reach : reach + width] = pictures
    if reach and fill != "zero":
        places = _inside(np.arange(-reach, width + reach), width, fill)
        for strip in (slice(None, reach), slice(reach + width, None)):
            lines[0, :, :, strip] = pictures.index_select(2, _index(places[strip], pictures))
    if copies == 2:
        lines[1] = lines[0].flip(2)
    row = np.arange(height) - down[:, None]
    row = np.where(flip_y[:, None], height - 1 - row, row)
    mirrored = flip_x.astype(np.int64) * batch
    line = (np.arange(batch) + mirrored)[:, None] * height + _inside(row, height, fill)
    if fill == "zero":
        line = np.where((row >= 0) & (row < height), line, copies * batch * height)
    first = (line * wide + (reach - along)[:, None]) * channels
    starts = _index(first.reshape(-1), pictures)
    flat = buffer.view(-1)
    if flat.device.type == "cpu":
        # Every start's window as an overlapping view: on the CPU the selection copies whole windows.
        windows = flat.as_strided((flat.numel() - width * channels + 1, width * channels), (1, 1))
        moved = windows.index_select(0, starts)
    else:
        moved = flat[starts[:, None] + torch.arange(width * channels, device=flat.device)]
    return moved.view(batch, height, width, channels)


def _index(values: npt.NDArray[np.int64], like: Tensor) -> Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(values)).to(like.device)


def _inside(places: npt.NDArray[np.int64], side: int, fill: str) -> npt.NDArray[np.int64]:
    """The pixel that stands for a place outside: the nearest one, or its mirror image at the edge."""
    if fill != "reflect":
        return places.clip(0, side - 1)
    around = places % (2 * side)
    return np.minimum(around, 2 * side - 1 - around)


def _reach(height: int, width: int, settings: Augmentation) -> tuple[int, int]:
    """The most that a picture moves down and along, in pixels."""
    sides = [max(1, round(settings.shift * side)) if settings.shift else 0 for side in (height, width)]
    return sides[0] + settings.crop_padding, sides[1] + settings.crop_padding


def _offsets(height: int, width: int, settings: Augmentation, draws: RandomDraws, num: int) -> tuple[Any, Any]:
    """By how many whole pixels each picture moves down and along: ``(B,)`` int64 each."""
    total = np.zeros((num, 2), dtype=np.int64)
    if settings.shift:
        most = np.array(_reach(height, width, settings)) - settings.crop_padding
        total += np.floor(draws["shift"] * (2 * most + 1)).astype(np.int64) - most
    if settings.crop_padding:
        total += (
            np.floor(draws["crop_padding"] * (2 * settings.crop_padding + 1)).astype(np.int64) - settings.crop_padding
        )
    return total[:, 0], total[:, 1]


def _flips(settings: Augmentation, draws: RandomDraws, num: int) -> tuple[Any, Any]:
    """Whether each picture is mirrored left to right and upside down: ``(B,)`` bool each."""
    never = np.ones(num)
    horizontal = draws.get("flip_horizontal", never) < settings.flip_horizontal
    vertical = draws.get("flip_vertical", never) < settings.flip_vertical
    return horizontal, vertical


def _spread(draws: RandomDraws, name: str, most: float, num: int) -> npt.NDArray[np.float64]:
    """Values from -most to most; zeros where the setting is off."""
    return (2 * draws[name] - 1) * most if most else np.zeros(num)
