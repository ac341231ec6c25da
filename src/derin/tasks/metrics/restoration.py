"""How near a restored picture is to the true one.

Sources: structural similarity: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from
    error visibility to structural similarity", IEEE TIP 13(4), 2004, equation 13. Colorfulness: D. Hasler,
    S. Süsstrunk, "Measuring colourfulness in natural images", SPIE 5007, 2003, section 7.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from derin.data.batch import Batch
from derin.train.protocol import Outputs

_SIGMA, _RADIUS = 1.5, 5
_C1, _C2 = 0.01**2, 0.03**2
_BEST = 100.0  # dB, what equal pictures are said to have


def psnr(restored: Tensor, true: Tensor) -> Tensor:
    """−10 log₁₀ of the mean squared error, in decibels; 100 of equal pictures.

    Shapes:
        two of ``(B, C, H, W)`` in 0..1 → ``(B,)``.

    Example:
        >>> psnr(torch.full((1, 1, 2, 2), 0.6), torch.full((1, 1, 2, 2), 0.5)).round().tolist()
        [20.0]
    """
    error = (restored - true).double().square().flatten(1).mean(1)
    return (-10 * error.clamp(min=10 ** (-_BEST / 10)).log10()).float()


def ssim(restored: Tensor, true: Tensor) -> Tensor:
    """Structural similarity with Gaussian weights of σ = 1.5 in windows of 11 pixels, as in the paper; −1 to 1.

    The mean over all windows that lie in the picture, and over its channels; not a number where a side is below 11.

    Shapes:
        two of ``(B, C, H, W)`` in 0..1 → ``(B,)``.
    """
    if min(true.shape[2:]) < 2 * _RADIUS + 1:
        return torch.full((len(true),), float("nan"), device=true.device)
    x, y = restored.double(), true.double()
    places = torch.arange(-_RADIUS, _RADIUS + 1, dtype=x.dtype, device=x.device)
    line = (-0.5 * (places / _SIGMA) ** 2).exp()
    line = line / line.sum()

    def mean(values: Tensor) -> Tensor:
        flat = values.flatten(0, 1)[:, None]
        return F.conv2d(F.conv2d(flat, line.view(1, 1, -1, 1)), line.view(1, 1, 1, -1)).unflatten(0, x.shape[:2])

    at_x, at_y = mean(x), mean(y)
    of_x, of_y = mean(x * x) - at_x**2, mean(y * y) - at_y**2
    both = mean(x * y) - at_x * at_y
    likeness = (2 * at_x * at_y + _C1) * (2 * both + _C2) / ((at_x**2 + at_y**2 + _C1) * (of_x + of_y + _C2))
    return likeness.flatten(1).mean(1).float()


def colorfulness(pictures: Tensor) -> Tensor:
    """√(σ²_rg + σ²_yb) + 0.3 √(μ²_rg + μ²_yb) with rg = R − G and yb = (R + G)/2 − B of values in 0..255; 0 of gray.

    Shapes:
        ``(B, 3, H, W)`` in 0..1 → ``(B,)``.
    """
    red, green, blue = (pictures.float() * 255).flatten(2).unbind(1)
    rg, yb = red - green, (red + green) / 2 - blue
    spread = (rg.var(1, correction=0) + yb.var(1, correction=0)).sqrt()
    return spread + 0.3 * (rg.mean(1).square() + yb.mean(1).square()).sqrt()


class RestorationMetrics:
    """The means over pictures of what `Restoration.predict` measured on each.

    Example:
        >>> metrics = RestorationMetrics(("loss", "psnr"))
        >>> metrics.update({"loss": torch.tensor([1.0]), "psnr": torch.tensor([30.0])}, None)
        >>> metrics.update({"loss": torch.tensor([2.0]), "psnr": torch.tensor([31.0])}, None)
        >>> metrics.compute()
        {'loss': 1.5, 'psnr': 30.5}
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._values: dict[str, list[Tensor]] = defaultdict(list)

    def update(self, outputs: Outputs, batch: Batch | None) -> None:
        for name in self._names:
            self._values[name].append(outputs[name].detach())

    def compute(self) -> dict[str, Any]:
        # Pictures that are too small for a measure have none, and do not count in its mean.
        return {name: self._mean(name) for name in self._names}

    def _mean(self, name: str) -> float:
        values = self._values[name]
        return float(torch.cat(values).double().nanmean()) if values else float("nan")

    def intervals(self) -> dict[str, tuple[float, float]]:
        """None: of a handful of pictures, each with an error of its own, a mean tells little of others."""
        return {}
