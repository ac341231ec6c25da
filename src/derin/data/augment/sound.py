"""Sounds changed so that they still mean the same: moved in time, with noise beside them, with bands left out.

Source: D. Park et al., "SpecAugment: a simple data augmentation method for automatic speech recognition", Interspeech
    2019 (masks of time and frequency; the widths here are shares of the spectrogram).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from derin.core.seeds import generator

if TYPE_CHECKING:
    from torch import Tensor

Numbers = npt.NDArray[np.float64]

# Places of the one noise at which another noise begins.
_NUM_NOISES = 1 << 16
# From the least signal-to-noise ratio on, in dB: at its upper end the noise is hardly heard.
SNR_RANGE_DB = 20.0


def shift(sounds: Tensor, draws: Numbers, largest: float) -> Tensor:
    """Each sound moved earlier or later by a share of its length, silence in its place.

    Args:
        sounds: samples.
        draws: in [0, 1), one for each: from the largest move to earlier to that to later.
        largest: share of the length.

    Shapes:
        sounds ``(B, T)``, draws ``(B,)`` → ``(B, T)``.

    Example:
        >>> import torch
        >>> shift(torch.tensor([[1.0, 2, 3, 4]] * 2), np.array([0.0, 0.9]), 0.5).tolist()
        [[3.0, 4.0, 0.0, 0.0], [0.0, 0.0, 1.0, 2.0]]
    """
    import torch

    length = sounds.shape[1]
    most = int(largest * length)
    moves = np.floor(draws * (2 * most + 1)).astype(np.int64) - most
    places = torch.arange(length, device=sounds.device) - torch.from_numpy(moves).to(sounds.device)[:, None]
    inside = (places >= 0) & (places < length)
    return sounds.gather(1, places.clamp(0, length - 1)) * inside


def add_noise(sounds: Tensor, snr_db: Numbers, places: Numbers) -> Tensor:
    r"""White noise beside each sound, of power :math:`P_{noise} = P_{sound} \cdot 10^{-SNR / 10}`.

    Power is the mean square over all that the network sees, silence included. Where nothing is heard no noise is added.

    Args:
        sounds: samples.
        snr_db: signal-to-noise ratio of each, in decibels.
        places: in [0, 1), which of many noises each gets.

    Shapes:
        sounds ``(B, T)``, snr_db and places ``(B,)`` → ``(B, T)``.
    """
    import torch

    length = sounds.shape[1]
    firsts = torch.from_numpy(np.floor(places * _NUM_NOISES).astype(np.int64))
    noise = _noise(length).unfold(0, length, 1)[firsts].to(sounds.device)
    wanted = sounds.square().mean(dim=1) * torch.from_numpy(10 ** (-snr_db / 10)).to(sounds)
    return sounds + noise * (wanted / noise.square().mean(dim=1)).sqrt()[:, None]


def mask(spectrograms: Tensor, draws: Numbers, largest: float, axis: int) -> Tensor:
    """A band of each spectrogram replaced by 0, the mean where it is standardized.

    Args:
        spectrograms: ready for the network.
        draws: in [0, 1): the width as a share of the largest one, and where it lies.
        largest: share of the axis.
        axis: 2 for frequencies, 3 for time.

    Shapes:
        spectrograms ``(B, C, F, T)``, draws ``(B, 2)`` → ``(B, C, F, T)``.

    Example:
        >>> import torch
        >>> mask(torch.ones(1, 1, 2, 4), np.array([[0.99, 0.5]]), 0.5, 3)[0, 0].tolist()
        [[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0]]
    """
    import torch

    size = spectrograms.shape[axis]
    widths = np.floor(draws[:, 0] * (int(largest * size) + 1)).astype(np.int64)
    firsts = np.floor(draws[:, 1] * (size - widths + 1)).astype(np.int64)
    places = np.arange(size)
    kept = (places < firsts[:, None]) | (places >= (firsts + widths)[:, None])
    shape = [len(spectrograms), 1, 1, 1]
    shape[axis] = size
    return spectrograms * torch.from_numpy(kept).to(spectrograms.device).view(shape)


@lru_cache(maxsize=4)
def _noise(length: int) -> Tensor:
    """White noise that is long enough for a window of this length from each place."""
    import torch

    return torch.from_numpy(generator(0, "noise").standard_normal(length + _NUM_NOISES, dtype=np.float32))
