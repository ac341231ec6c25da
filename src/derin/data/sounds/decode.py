"""One sound: from the bytes of a file, or the samples that a person hands over, to mono samples at one rate.

WAV, FLAC, OGG (Vorbis, Opus), MP3 and whatever else libsndfile reads, of any depth and number of channels. Channels are
averaged; the rate is changed by polyphase filtering with a Kaiser window (β = 5), whose cut-off is the lower of the two
Nyquist frequencies, so that nothing above it is folded down.

Source: J. O. Smith, "Digital audio resampling", 2002; the filter is that of `scipy.signal.resample_poly`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, MissingExtraError, ShapeError
from derin.core.messages import Message

Samples = npt.NDArray[np.float32]

LOWEST_RATE, HIGHEST_RATE = 1_000, 384_000
# A recording of more is none that is answered as a whole: at 48 kHz and 8 channels it would take 5 GB.
MOST_SECONDS = 3_600
_MOST_CHANNELS = 64
_MOST_VALUES = 1 << 29  # of all channels, 2 GiB as float32
# 80 dB below full scale nothing is heard beside the noise of a microphone.
SILENT_PEAK = 1e-4
# Floats beyond full scale occur where sounds were mixed; those of whole numbers that were cast are thousands.
_LOUDEST = 32.0


class UnreadableSoundError(DataError):
    """Bytes that are no sound; the message is the reason alone."""


@dataclass(frozen=True)
class Sound:
    """A sound in memory.

    Args:
        samples: mono, from -1 to 1.
        rate: samples per second.
        channels: that were averaged.

    Shapes:
        samples ``(T,)``.
    """

    samples: Samples
    rate: int
    channels: int = 1

    @property
    def is_silent(self) -> bool:
        """Whether nothing of it reaches 80 dB below full scale."""
        return not len(self.samples) or float(np.abs(self.samples).max()) < SILENT_PEAK


def decode_sound(data: bytes) -> Sound:
    """The sound in a file's bytes; its size is checked before memory is taken.

    Raises:
        UnreadableSoundError: the bytes are no sound, hold no sample, or one that is no number, or more than an hour.
        MissingExtraError: soundfile is not installed.
    """
    try:
        import soundfile
    except ImportError:
        raise MissingExtraError("soundfile", "audio", "Reading sounds") from None
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            rate, channels, frames = file.samplerate, file.channels, file.frames
            if not LOWEST_RATE <= rate <= HIGHEST_RATE:
                raise UnreadableSoundError(Message("reading.sound_rate", rate=rate))
            # A header may claim any length; no more is read than it allows, whatever follows.
            most = min(MOST_SECONDS * rate, _MOST_VALUES // channels)
            if frames > most or channels > _MOST_CHANNELS:
                raise UnreadableSoundError(
                    Message("reading.sound_too_long", seconds=round(frames / rate), channels=channels)
                )
            values = file.read(frames=min(frames, most), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, ValueError, TypeError) as error:
        raise UnreadableSoundError(
            Message("reading.no_sound", error=str(error).rpartition(": ")[2].rstrip("."))
        ) from None
    if not len(values):
        raise UnreadableSoundError(Message("reading.sound_empty"))
    if not np.isfinite(values).all():
        raise UnreadableSoundError(Message("reading.sound_not_finite"))
    return Sound(mono(values), rate, channels)


def mono(values: npt.NDArray[np.float32]) -> Samples:
    """The mean of the channels.

    Shapes:
        ``(T, channels)`` → ``(T,)``.
    """
    found: Samples = values[:, 0] if values.shape[1] == 1 else values.mean(axis=1, dtype=np.float32)
    return np.ascontiguousarray(found)


def sound_of(samples: Any, rate: Any) -> Sound:
    """A sound that a person hands over as an array with its rate.

    Args:
        samples: floats from -1 to 1, or whole numbers whose type's range is full scale; ``(T,)``, or two axes of which
            the shorter one is the channels.
        rate: samples per second.

    Raises:
        ShapeError: it is no sound.

    Example:
        >>> sound_of(np.array([[0, 16384], [0, -16384]], dtype=np.int16).T, 8000).samples.tolist()
        [0.0, 0.0]
    """
    values = np.asarray(samples.detach().cpu() if hasattr(samples, "detach") else samples)
    whole = isinstance(rate, int | np.integer) and not isinstance(rate, bool)
    if not whole or not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise ShapeError(
            f"The rate of a sound must be a whole number of samples per second from {LOWEST_RATE:,} to "
            f"{HIGHEST_RATE:,}; got {rate!r}."
        )
    if values.ndim not in (1, 2) or values.dtype.kind not in "iuf" or not values.size:
        raise ShapeError(
            "A sound must be an array of numbers, (samples,) or (samples, channels); got the type "
            f"{values.dtype} and the shape {values.shape}."
        )
    if values.ndim == 1:
        values = values[:, None]
    elif values.shape[1] > values.shape[0]:
        values = values.T
    if values.dtype.kind == "f":
        scaled = values.astype(np.float32)
    else:
        info = np.iinfo(values.dtype)
        middle = (int(info.max) + 1) // 2 if values.dtype.kind == "u" else 0
        scaled = ((values.astype(np.float64) - middle) / (int(info.max) + 1 - middle)).astype(np.float32)
    if not np.isfinite(scaled).all() or np.abs(scaled).max() > _LOUDEST:
        raise ShapeError(
            "Samples as floats must be finite and lie about -1 to 1; got a largest magnitude of "
            f"{np.abs(scaled).max():g}. Divide them by their full scale, such as 32768."
        )
    return Sound(mono(scaled), int(rate), scaled.shape[1])


def resampled(sound: Sound, rate: int) -> Samples:
    """The samples at another rate.

    Shapes:
        ``(T,)`` → ``(⌈T · rate / sound.rate⌉,)``.

    Example:
        >>> tone = Sound(np.sin(2 * np.pi * 100 * np.arange(8000) / 8000).astype(np.float32), 8000)
        >>> resampled(tone, 4000).shape
        (4000,)
    """
    if rate == sound.rate:
        return sound.samples
    from scipy.signal import resample_poly

    ratio = Fraction(rate, sound.rate)
    found = resample_poly(sound.samples, ratio.numerator, ratio.denominator)
    return np.ascontiguousarray(found, dtype=np.float32)
