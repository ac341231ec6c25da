"""Colors as classes: the a*b* plane in squares, of which each pixel has one.

Source: R. Zhang, P. Isola, A. A. Efros, "Colorful image colorization", ECCV 2016, arXiv:1603.08511, section 2.2:
    squares of 10 within the gamut, and the annealed mean with T = 0.38. Differs: the true class is the square itself,
    without the soft encoding of five neighbors, and classes are not weighted by rarity.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from derin.data.pictures.colors import rgb_to_lab

_SIDE, _MOST = 10, 110  # of a square, and of a* and b* that sRGB has
_SAMPLES = 33  # of each channel, with which the gamut is found
_TEMPERATURE = 0.38
_WIDTH = 2 * _MOST // _SIDE + 1


@lru_cache(maxsize=1)
def _squares() -> tuple[Tensor, Tensor]:
    """The middle of each class, ``(K, 2)``, and the class of each square of the plane, ``(width²,)``."""
    with torch.inference_mode(False):
        line = torch.linspace(0, 1, _SAMPLES)
        colors = torch.cartesian_prod(line, line, line).T[None, :, :, None]
        places = (rgb_to_lab(colors)[0, 1:, :, 0] / _SIDE).round().long() + _MOST // _SIDE
        found = torch.unique(places[0] * _WIDTH + places[1])
        middles = torch.stack((found // _WIDTH, found % _WIDTH), 1)
        plane = torch.cartesian_prod(torch.arange(_WIDTH), torch.arange(_WIDTH))
        nearest = torch.cdist(plane.float(), middles.float()).argmin(1)
        return ((middles - _MOST // _SIDE) * _SIDE).float(), nearest


def num_classes() -> int:
    """How many squares hold a color of sRGB."""
    return len(_squares()[0])


def classes_of(ab: Tensor) -> Tensor:
    """The class of each pixel's color, ``(B, 2, H, W)`` → ``(B, H, W)`` int64."""
    places = (ab / _SIDE).round().long().clamp(-(_MOST // _SIDE), _MOST // _SIDE) + _MOST // _SIDE
    return _squares()[1].to(ab.device)[places[:, 0] * _WIDTH + places[:, 1]]


def colors_of(logits: Tensor) -> Tensor:
    """Between the mean, which is gray, and the likeliest, which is spotted: the mean of p^(1/T) over its sum.

    Shapes:
        ``(B, K, H, W)`` → ``(B, 2, H, W)``.
    """
    shares = (logits / _TEMPERATURE).softmax(1)
    return torch.einsum("bkhw,kc->bchw", shares, _squares()[0].to(logits))
