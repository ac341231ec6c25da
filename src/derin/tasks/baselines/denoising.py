"""Non-local means: each pixel becomes the mean of those whose surroundings look alike.

Source: A. Buades, B. Coll, J.-M. Morel, "A non-local algorithm for image denoising", CVPR 2005; the distance less that
    of the noise itself, and h = 0.8 σ over patches of 5 pixels and distances of 6, as scikit-image's example has it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_PATCH, _DISTANCE, _STRENGTH = 5, 6, 0.8


def non_local_means(pictures: Tensor, sigma: float) -> Tensor:
    """x̂ᵢ = Σⱼ wᵢⱼ xⱼ / Σⱼ wᵢⱼ with wᵢⱼ = exp(−max(d²ᵢⱼ − 2σ², 0) / h²), d² the mean square between patches.

    Args:
        pictures: in 0..1.
        sigma: standard deviation of the noise, of values in 0..1.

    Shapes:
        ``(B, C, H, W)`` → the same.
    """
    radius, height, width = _PATCH // 2, *pictures.shape[2:]
    border = radius + _DISTANCE
    whole = _reflected(pictures, border)
    inner = whole[:, :, _DISTANCE : _DISTANCE + height + 2 * radius, _DISTANCE : _DISTANCE + width + 2 * radius]
    total, weights = torch.zeros_like(pictures), pictures.new_zeros(len(pictures), 1, height, width)
    for down in range(2 * _DISTANCE + 1):
        for along in range(2 * _DISTANCE + 1):
            moved = whole[:, :, down : down + height + 2 * radius, along : along + width + 2 * radius]
            distance = F.avg_pool2d((inner - moved).square().mean(1, keepdim=True), _PATCH, 1)
            weight = (-(distance - 2 * sigma**2).clamp(min=0) / (_STRENGTH * sigma) ** 2).exp()
            weights += weight
            total += weight * moved[:, :, radius : radius + height, radius : radius + width]
    return total / weights


def _reflected(pictures: Tensor, border: int) -> Tensor:
    """Mirror images at all edges, also of pictures that are smaller than the border."""
    for axis in (2, 3):
        side = pictures.shape[axis]
        places = torch.arange(-border, side + border, device=pictures.device)
        period = max(1, 2 * side - 2)
        places = (places % period).abs()
        pictures = pictures.index_select(axis, torch.where(places < side, places, period - places))
    return pictures
