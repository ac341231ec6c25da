"""Mixup and CutMix of neighbors in the epoch's order."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from derin.core.errors import ShapeError
from derin.data.augment.erase import paste, rectangle

if TYPE_CHECKING:
    from torch import Tensor

    from derin.data.augment.settings import Augmentation, RandomDraws

_NUM_CELLS = 4096


def mix_pairs(
    pictures: Tensor, targets: Tensor, settings: Augmentation, draws: RandomDraws, num_classes: int
) -> tuple[Tensor, Tensor]:
    r"""Joins example i with example i + 1, a function of the epoch's order alone.

    Mixup: :math:`x = \lambda x_i + (1 - \lambda) x_{i+1}`. CutMix: a rectangle of the sides
    :math:`\sqrt{1 - \lambda} H \times \sqrt{1 - \lambda} W`, its middle anywhere, comes from the next example, and λ
    becomes the share of the area that truly stayed. Targets are mixed with the same λ, drawn from Beta(α, α).

    Shapes:
        see `Augmentation.mix`.
    """
    import torch
    from torch.nn.functional import one_hot

    if targets.ndim == 1:  # class numbers, also those that a task of two classes holds as floats
        targets = one_hot(targets.long(), num_classes)
    if targets.shape != (len(pictures), num_classes):
        raise ShapeError(
            f"Mixing needs targets of shape ({len(pictures)},) or ({len(pictures)}, {num_classes}), one row for each "
            f"picture; got {tuple(targets.shape)} of {targets.dtype}."
        )
    _, _, height, width = pictures.shape
    own = np.ones(len(pictures) - 1)
    share = draws["share"][:-1]
    cuts = np.full(len(own), bool(settings.cutmix))
    if settings.mixup and settings.cutmix:
        cuts = draws["choice"][:-1] < 0.5
    first, second = pictures[:-1], pictures[1:]
    if settings.mixup:
        own = np.where(cuts, 1.0, beta_quantile(settings.mixup, share))
        weight = torch.from_numpy(own.astype(np.float32)).to(pictures).view(-1, 1, 1, 1)
        mixed = torch.lerp(second, first, weight)
    else:
        mixed = first
    if settings.cutmix:
        sides = np.sqrt(1 - beta_quantile(settings.cutmix, share))[:, None] * [height, width]
        middle = draws["cutmix"][:-1] * [height, width]
        start = np.rint(middle - sides / 2).astype(np.int64)
        behind = np.where(cuts[:, None], start + np.rint(sides).astype(np.int64), start)
        hole = rectangle(height, width, start, behind)
        own = np.where(cuts, 1 - hole[0].mean(axis=1) * hole[1].mean(axis=1), own)
        mixed = paste(mixed, second, *hole)
    weight = torch.from_numpy(own.astype(np.float32)).to(targets.device).view(-1, 1)
    chances = targets.to(torch.float32)
    return mixed, torch.lerp(chances[1:], chances[:-1], weight)


def beta_quantile(alpha: float, uniforms: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Beta(alpha, alpha) by the inverse of its distribution function, from a table with 4096 cells for each half.

    Example:
        >>> beta_quantile(1.0, np.array([0.25, 0.5])).round(6).tolist()
        [0.25, 0.5]
    """
    chance, places = _lower_half(alpha)
    lower = np.minimum(uniforms, 1 - uniforms)
    root = np.interp(lower, chance, places)
    value = root ** (1 / alpha) if alpha < 1 else root
    return np.where(uniforms <= 0.5, value, 1 - value)


@functools.cache
def _lower_half(alpha: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    r"""The distribution function on [0, 1/2], and where it was taken.

    Below α = 1 the density has a pole at 0. With :math:`t = x^\alpha` it becomes :math:`(1 - t^{1/\alpha})^{\alpha -
    1}`, which is smooth, so that integration and interpolation run over t; from α = 1 on they run over x itself.
    """
    nodes, weights = np.polynomial.legendre.leggauss(8)
    edges = np.linspace(0, 0.5 ** min(alpha, 1.0), _NUM_CELLS + 1)
    width = np.diff(edges)[:, None]
    at = edges[:-1, None] + width * (nodes + 1) / 2
    # Logarithms, because (x (1 - x))^(α - 1) underflows for large α; the largest value, at 1/2, is taken out.
    log_density = (alpha - 1) * np.log1p(-(at ** (1 / alpha))) if alpha < 1 else (alpha - 1) * np.log(4 * at * (1 - at))
    cells = (np.exp(log_density) * weights).sum(axis=1) * width[:, 0] / 2
    chance = np.concatenate([[0.0], np.cumsum(cells)])
    return chance / chance[-1] / 2, edges
