"""Sounds as pictures for people: spectrograms, low frequencies at the bottom, louder is brighter."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from derin.data.sounds.spectrogram import Spectrogram

if TYPE_CHECKING:
    from torch import Tensor

_RANGE_DB = 60.0  # from dark to bright
_NUM_MELS = 48


def draw_spectrograms(sounds: Tensor, rate: int) -> npt.NDArray[np.uint8]:
    """Log-mel spectrograms in color, each as bright as its loudest place allows.

    Args:
        sounds: samples.
        rate: samples per second.

    Shapes:
        ``(B, T)`` → ``(B, 48, 1 + T // hop, 3)`` uint8, fewer rows below 6 kHz; a hop is 16 ms.
    """
    num_mels = min(_NUM_MELS, Spectrogram.usual(rate).window // 4)
    drawn = Spectrogram.usual(rate, num_mels=num_mels, scale="htk")(sounds).numpy()
    loudest = drawn.max(axis=(1, 2), keepdims=True)
    levels = np.clip((drawn - loudest) / _RANGE_DB + 1, 0, 1)
    levels[np.broadcast_to(loudest <= drawn.min(axis=(1, 2), keepdims=True), levels.shape)] = 0
    return _colors()[np.rint(levels[:, ::-1] * 255).astype(np.uint8)]


@lru_cache(maxsize=1)
def _colors() -> npt.NDArray[np.uint8]:
    from matplotlib import colormaps

    found: npt.NDArray[np.uint8] = colormaps["magma"](np.arange(256), bytes=True)[:, :3]
    return found
