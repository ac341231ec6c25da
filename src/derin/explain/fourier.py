"""Pictures as their Fourier coefficients in decorrelated color: what gradient ascent climbs on.

Along single pixels a gradient finds noise that no picture has. Here a step changes waves of all lengths alike, and
colors that natural pictures have together.
Source: C. Olah, A. Mordvintsev, L. Schubert, "Feature visualization", Distill 2017, doi:10.23915/distill.00007,
"Preconditioning and parameterization".
"""

from __future__ import annotations

import torch
from torch import Tensor

from derin.core.seeds import generator

# Square root of the covariance of the colors of ImageNet's pictures, as the authors publish it: red, green and blue
# by three independent parts.
_COLORS = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
_BEGIN = 0.01  # standard deviation of the coefficients at the start: a nearly gray picture
_EDGE = 1 / 500  # black and white would be endlessly far away


def random_spectrum(num: int, channels: int, size: tuple[int, int], seed: int) -> Tensor:
    """Small random coefficients, real and imaginary, a function of the seed and of the picture's number.

    Shapes:
        → ``(num, channels, H, W // 2 + 1, 2)``.
    """
    height, width = size
    shape = (channels, height, width // 2 + 1, 2)
    drawn = [generator(seed, "filter-pattern", number).normal(0.0, _BEGIN, shape) for number in range(num)]
    return torch.stack([torch.tensor(values, dtype=torch.float32) for values in drawn])


def picture(spectrum: Tensor, size: tuple[int, int]) -> Tensor:
    """The picture of such coefficients: each wave weighed by its length, then colors mixed, then squeezed into 0..1.

    Natural pictures have the amplitude 1/f at frequency f; so do these while all coefficients are alike.

    Shapes:
        ``(B, C, H, W // 2 + 1, 2)`` → ``(B, C, H, W)``, 0..1.

    Example:
        >>> spectrum = random_spectrum(2, 3, (9, 12), seed=0)
        >>> found = picture(spectrum, (9, 12))
        >>> found.shape, bool(found.min() > 0.45), bool(found.max() < 0.55)
        (torch.Size([2, 3, 9, 12]), True, True)
    """
    scaled = torch.view_as_complex(spectrum.contiguous()) * _amplitudes(size, spectrum.device)
    waves = torch.fft.irfft2(scaled, s=size, norm="ortho")
    return torch.sigmoid(_natural_colors(waves))


def spectrum_of(pixels: Tensor) -> Tensor:
    """The coefficients of a picture that is there: `picture` gives it back, but for values nearer than 1/500 to 0 or 1.

    Shapes:
        ``(B, C, H, W)``, 0..1 → ``(B, C, H, W // 2 + 1, 2)``.

    Example:
        >>> pixels = torch.rand(2, 3, 9, 12) * 0.9 + 0.05
        >>> bool((picture(spectrum_of(pixels), (9, 12)) - pixels).abs().max() < 1e-4)
        True
    """
    waves = torch.logit(pixels.clamp(_EDGE, 1 - _EDGE))
    if waves.shape[1] == 3:
        waves = torch.einsum("oc,bchw->bohw", torch.linalg.inv(_mixing(waves.device)), waves)
    size = (pixels.shape[2], pixels.shape[3])
    return torch.view_as_real(torch.fft.rfft2(waves, norm="ortho") / _amplitudes(size, pixels.device))


def _amplitudes(size: tuple[int, int], device: torch.device) -> Tensor:
    """1 / 4f for a frequency of f waves per pixel, at most that of one wave along the longer side; ``(H, W//2 + 1)``.

    A quarter keeps the squeezing into 0..1 away from its flat ends, as the authors do.
    """
    rows, columns = torch.fft.fftfreq(size[0], device=device), torch.fft.rfftfreq(size[1], device=device)
    frequency = (rows[:, None] ** 2 + columns[None, :] ** 2).sqrt()
    return 0.25 / frequency.clamp(min=1 / max(size))


def _natural_colors(waves: Tensor) -> Tensor:
    """Three independent parts → red, green and blue; anything but three channels stays as it is."""
    if waves.shape[1] != 3:
        return waves
    return torch.einsum("oc,bchw->bohw", _mixing(waves.device), waves)


def _mixing(device: torch.device) -> Tensor:
    mixing = torch.tensor(_COLORS, device=device)
    return mixing / mixing.norm(dim=0).max()
