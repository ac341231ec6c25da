"""Luminance and CIE L*a*b* of pictures, on any device.

Sources: IEC 61966-2-1 (sRGB); CIE 15:2004 (L*a*b*), with the white point D65 of 2 degrees; ITU-R BT.601 (Y′).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

# Linear sRGB to XYZ, and the white that all of it together gives.
_TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
_WHITE = (0.95047, 1.0, 1.08883)
_EDGE = 6 / 29
# Y′ of BT.601 in the range of studios, 16 to 235 of 255, in which super-resolution is measured.
_STUDIO = (65.481 / 255, 128.553 / 255, 24.966 / 255)
_LUMA = (0.299, 0.587, 0.114)


def _mixed(pictures: Tensor, rows: tuple[tuple[float, ...], ...]) -> Tensor:
    """Channels as weighted sums of channels, ``(B, 3, H, W)`` → ``(B, len(rows), H, W)``."""
    return (pictures.new_tensor(rows) @ pictures.flatten(2)).unflatten(2, pictures.shape[2:])


def luminance(pictures: Tensor) -> Tensor:
    """Y′ = 0.299 R + 0.587 G + 0.114 B, as gray pictures are made of those in color.

    Shapes:
        ``(B, 1 or 3, H, W)`` → ``(B, 1, H, W)``.
    """
    return pictures if pictures.shape[1] == 1 else _mixed(pictures, (_LUMA,))


def studio_luminance(pictures: Tensor) -> Tensor:
    """Y′ as video has it, 16/255 for black and 235/255 for white: what published figures of super-resolution are of.

    Shapes:
        ``(B, 1 or 3, H, W)`` in 0..1 → ``(B, 1, H, W)``.
    """
    return (pictures * sum(_STUDIO) if pictures.shape[1] == 1 else _mixed(pictures, (_STUDIO,))) + 16 / 255


def rgb_to_lab(pictures: Tensor) -> Tensor:
    """sRGB in 0..1 as L*a*b*: lightness in 0..100, green to red, blue to yellow.

    Shapes:
        ``(B, 3, H, W)`` → the same.

    Example:
        >>> import torch
        >>> rgb_to_lab(torch.ones(1, 3, 1, 1)).flatten().abs().round().tolist()
        [100.0, 0.0, 0.0]
    """
    import torch

    linear = torch.where(pictures > 0.04045, ((pictures.clamp(min=0) + 0.055) / 1.055) ** 2.4, pictures / 12.92)
    shares = _mixed(linear, _TO_XYZ) / pictures.new_tensor(_WHITE).view(3, 1, 1)
    x, y, z = torch.where(
        shares > _EDGE**3, shares.clamp(min=_EDGE**3) ** (1 / 3), shares / (3 * _EDGE**2) + 4 / 29
    ).unbind(1)
    return torch.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), 1)


def lab_to_rgb(pictures: Tensor) -> Tensor:
    """The inverse of `rgb_to_lab`; colors that sRGB does not have are clipped to 0..1.

    Shapes:
        ``(B, 3, H, W)`` → the same.
    """
    import torch

    lightness, a, b = pictures.unbind(1)
    y = (lightness + 16) / 116
    roots = torch.stack((y + a / 500, y, (y - b / 200).clamp(min=0)), 1)
    shares = torch.where(roots > _EDGE, roots**3, 3 * _EDGE**2 * (roots - 4 / 29))
    inverse = torch.linalg.inv(pictures.new_tensor(_TO_XYZ).double()).to(pictures.dtype).tolist()
    linear = _mixed(shares * pictures.new_tensor(_WHITE).view(3, 1, 1), tuple(map(tuple, inverse)))
    curved = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, curved, linear * 12.92).clamp(0, 1)
