"""A sound as a few numbers for methods that read rows: mean and deviation of its cepstral coefficients."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from derin.data.sounds.spectrogram import Spectrogram
from derin.data.table import Sounds


def mfcc_summaries(sounds: Sounds, num_coefficients: int = 20) -> npt.NDArray[np.float32]:
    """Mean and standard deviation over time of the MFCC of each whole sound, one after the other.

    Shapes:
        N sounds → ``(N, 2 · num_coefficients)``.

    Source: G. Tzanetakis, P. Cook, "Musical genre classification of audio signals", IEEE TSAP 10(5), 2002.
    """
    import torch

    num_mels = Spectrogram.usual(sounds.rate).num_mels
    features = Spectrogram.usual(sounds.rate, features="mfcc", num_coefficients=min(num_coefficients, num_mels))
    found = np.zeros((len(sounds), 2, features.num_rows), dtype=np.float32)
    for row, samples in enumerate(sounds.each()):
        frames = features(torch.from_numpy(np.array(samples))[None])[0]
        found[row] = frames.mean(dim=1).numpy(), frames.std(dim=1, correction=0).numpy()
    return found.reshape(len(found), -1)
