r"""Log-mel spectrograms and mel-frequency cepstral coefficients (MFCC), a batch at a time on its device.

The power spectrum of frames under a periodic Hann window, :math:`P = |\mathrm{rfft}(w \odot x)|^2`, in triangles that
are equally wide on the mel scale, in decibels, of which the coefficients are the orthonormal discrete cosine transform.
The frames begin every `hop` samples, and the first one lies around the first sample, before which nothing is heard.

Mel scales: of HTK :math:`m = 2595 \log_{10}(1 + f / 700)`; of Slaney's Auditory Toolbox linear below 1 kHz,
:math:`m = 3 f / 200`, and logarithmic above, :math:`m = 15 + 27 \ln(f / 1000) / \ln 6.4`.

Source: S. Davis, P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition in
    continuously spoken sentences", IEEE TASSP 28(4), 1980; S. Young et al., The HTK Book, 2006, section 5.6; M. Slaney,
    Auditory Toolbox, 1998. The constants and the order of the steps are those of librosa's `melspectrogram`,
    `power_to_db` and `mfcc`, with frames filled up with zeros, as they are there by default.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import ShapeError, UnknownNameError

if TYPE_CHECKING:
    from torch import Tensor

FEATURES = ("log_mel", "mfcc")
SCALES = ("slaney", "htk")
_SLANEY_BREAK, _SLANEY_LINEAR, _SLANEY_STEP = 1000.0, 200.0 / 3, math.log(6.4) / 27
# The least power that has a logarithm, as in librosa: 100 dB below that of a full-scale sample.
_LEAST_POWER = 1e-10


@dataclass(frozen=True, kw_only=True)
class Spectrogram:
    """What is made of samples.

    Args:
        rate: samples per second.
        window: samples of a frame, a power of two.
        hop: samples from one frame to the next.
        num_mels: triangles on the mel scale.
        low, high: where the first triangle begins and the last one ends, in Hz.
        scale: ``"slaney"``, with triangles of equal area, or ``"htk"``, with triangles of height 1.
        features: ``"log_mel"`` or ``"mfcc"``.
        num_coefficients: of MFCC, the first ones.
        range_db: what lies further below the loudest place of a sound is raised to that.

    Raises:
        ShapeError: a number that cannot be.
        UnknownNameError: there is no such scale or feature.

    Example:
        >>> import torch
        >>> Spectrogram.usual(8000)(torch.zeros(2, 8000)).shape
        torch.Size([2, 40, 63])
    """

    rate: int
    window: int
    hop: int
    num_mels: int
    low: float
    high: float
    scale: str = "slaney"
    features: str = "log_mel"
    num_coefficients: int = 20
    range_db: float = 80.0

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise UnknownNameError("mel scale", str(self.scale), SCALES)
        if self.features not in FEATURES:
            raise UnknownNameError("features of sounds", str(self.features), FEATURES)
        fits = (
            self.rate >= 1
            and self.window in (1 << power for power in range(4, 15))
            and 1 <= self.hop <= self.window
            and 4 <= self.num_mels <= 512
            and 0 <= self.low < self.high <= self.rate / 2
            and 4 <= self.num_coefficients <= 512
            and 0 < self.range_db <= 400
        )
        if not fits:
            raise ShapeError(
                "Spectrogram: a window that is a power of two from 16 to 16384, a hop from 1 to the window, 4 to 512 "
                "mels and coefficients, 0 <= low < high <= half the rate and a range up to 400 dB are required; got "
                f"{self}."
            )
        if self.features == "mfcc" and self.num_coefficients > self.num_mels:
            raise ShapeError(
                f"Spectrogram: at most as many coefficients as mels can be made; got {self.num_coefficients} of "
                f"{self.num_mels}. Use more mels."
            )
        empty = int((self.filters.max(axis=1) <= 0).sum())
        if empty:
            raise ShapeError(
                f"Spectrogram: {empty} of {self.num_mels} mels lie between two frequencies of a window of "
                f"{self.window} samples and hear nothing. Use fewer mels or a longer window."
            )

    @classmethod
    def usual(cls, rate: int, **other: Any) -> Spectrogram:
        """Windows of about 32 ms, every 16 ms, and 40 mels over all frequencies, as is usual for speech; fewer below
        4 kHz.
        """
        window = 1 << max(4, min(14, round(math.log2(0.032 * rate))))
        usual = {"rate": rate, "window": window, "hop": window // 2, "num_mels": min(40, window // 4)}
        return cls(**{**usual, "low": 0.0, "high": rate / 2, **other})

    @property
    def num_rows(self) -> int:
        """Numbers of each frame."""
        return self.num_mels if self.features == "log_mel" else self.num_coefficients

    def num_frames(self, num_samples: int) -> int:
        """Frames of so many samples."""
        return 1 + num_samples // self.hop

    @property
    def filters(self) -> npt.NDArray[np.float64]:
        """The triangles, ``(num_mels, window / 2 + 1)``."""
        return mel_filters(self.rate, self.window, self.num_mels, self.low, self.high, self.scale)

    def power(self, samples: Tensor) -> Tensor:
        """The power spectrum.

        Shapes:
            ``(B, T)`` → ``(B, 1 + T // hop, window / 2 + 1)``.
        """
        import torch
        from torch.nn.functional import pad

        half = self.window // 2
        if samples.shape[0] == 0:  # of which no library has a transform
            return samples.new_zeros(0, self.num_frames(samples.shape[1]), half + 1)
        frames = pad(samples, (half, half)).unfold(-1, self.window, self.hop)
        window = torch.hann_window(self.window, device=samples.device, dtype=samples.dtype)
        spectrum = torch.view_as_real(torch.fft.rfft(frames * window))
        return spectrum.square().sum(dim=-1)

    def __call__(self, samples: Tensor) -> Tensor:
        """The features of sounds, each on its own.

        Shapes:
            ``(B, T)`` → ``(B, num_rows, 1 + T // hop)``.
        """
        filters = _constant(self.filters, samples)
        decibels = 10 * (self.power(samples) @ filters.T).clamp_min(_LEAST_POWER).log10()
        decibels = decibels.maximum(decibels.amax(dim=(1, 2), keepdim=True) - self.range_db)
        if self.features == "mfcc":
            decibels = decibels @ _constant(cosine_transform(self.num_mels)[: self.num_coefficients], samples).T
        return decibels.transpose(1, 2)


@lru_cache(maxsize=32)
def mel_filters(rate: int, window: int, num_mels: int, low: float, high: float, scale: str) -> npt.NDArray[np.float64]:
    """Triangles whose corners are equally far from each other on a mel scale.

    Shapes:
        → ``(num_mels, window / 2 + 1)``.
    """
    to_mel, to_hertz = (hertz_to_htk, htk_to_hertz) if scale == "htk" else (hertz_to_slaney, slaney_to_hertz)
    bounds = to_mel(np.array([low, high], dtype=np.float64))
    corners = to_hertz(np.linspace(bounds[0], bounds[1], num_mels + 2))
    bins = np.arange(window // 2 + 1) * (rate / window)
    slopes = corners[:, None] - bins
    widths = np.diff(corners)
    rising, falling = -slopes[:-2] / widths[:-1, None], slopes[2:] / widths[1:, None]
    found = np.maximum(0, np.minimum(rising, falling))
    if scale == "slaney":
        found *= (2 / (corners[2:] - corners[:-2]))[:, None]
    found.setflags(write=False)
    return found


def hertz_to_htk(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mels of HTK."""
    return 2595 * np.log10(1 + hertz / 700)


def htk_to_hertz(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The inverse."""
    return 700 * (10 ** (mels / 2595) - 1)


def hertz_to_slaney(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mels of the Auditory Toolbox."""
    above = _SLANEY_BREAK / _SLANEY_LINEAR + np.log(np.maximum(hertz, _SLANEY_BREAK) / _SLANEY_BREAK) / _SLANEY_STEP
    return np.where(hertz < _SLANEY_BREAK, hertz / _SLANEY_LINEAR, above)


def slaney_to_hertz(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The inverse."""
    first = _SLANEY_BREAK / _SLANEY_LINEAR
    above = _SLANEY_BREAK * np.exp(_SLANEY_STEP * (np.maximum(mels, first) - first))
    return np.where(mels < first, mels * _SLANEY_LINEAR, above)


@lru_cache(maxsize=32)
def cosine_transform(size: int) -> npt.NDArray[np.float64]:
    r"""The orthonormal DCT-II, :math:`C_{kn} = \sqrt{(2 - [k = 0]) / N} \cos(\pi k (2n + 1) / 2N)`.

    Shapes:
        → ``(size, size)``.
    """
    order, place = np.arange(size)[:, None], np.arange(size)
    found = np.sqrt(2 / size) * np.cos(np.pi * order * (2 * place + 1) / (2 * size))
    found[0] /= math.sqrt(2)
    found.setflags(write=False)
    return found


def _constant(values: npt.NDArray[np.float64], like: Tensor) -> Tensor:
    import torch

    return torch.from_numpy(np.array(values)).to(device=like.device, dtype=like.dtype)
