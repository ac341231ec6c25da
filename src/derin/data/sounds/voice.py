"""Where in a sound somebody speaks, by its energy; and sounds that were put into noise, so that the answer is known.

Source: L. R. Rabiner, M. R. Sambur, "An algorithm for determining the endpoints of isolated utterances", Bell System
    Technical Journal 54(2), 1975: thresholds from the level of the background. Here one threshold, and no counts of
    zero crossings.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from derin.core.seeds import generator
from derin.data.table import Sounds

Samples = npt.NDArray[np.float32]
Bounds = npt.NDArray[np.int64]

_FRAME_SECONDS, _GAP_SECONDS = 0.016, 0.1  # of energy; and of silence within a word
_BACKGROUND = 0.1  # quantile of the frames' levels that is taken for the background
_SHARE_OF_RANGE, _LEAST_DB = 0.35, 3.0  # above the background, toward the loudest frame
_LEAST_POWER = 1e-12


def find_voice(samples: Samples, rate: int) -> tuple[int, int]:
    """The stretch around the loudest place in which the level stays above the background's.

    A frame counts as spoken where its level in dB lies above the background by a third of what the loudest frame does,
    and by 3 dB at least; pauses of up to 0.1 s belong to a word.

    Args:
        samples: of one sound.
        rate: samples per second.

    Returns:
        first sample and the one behind the last; all of a sound in which nothing stands out.

    Shapes:
        samples ``(T,)``.

    Example:
        >>> sound = 0.01 * np.random.default_rng(0).normal(size=8000).astype(np.float32)
        >>> sound[3200:4800] += np.sin(np.arange(1600)).astype(np.float32)
        >>> find_voice(sound, 8000)
        (3200, 4864)
    """
    size = max(1, round(_FRAME_SECONDS * rate))
    num = len(samples) // size
    if num < 2:
        return 0, len(samples)
    power = np.square(samples[: num * size].reshape(num, size).astype(np.float64)).mean(axis=1)
    level = 10 * np.log10(power + _LEAST_POWER)
    background, loudest = float(np.quantile(level, _BACKGROUND)), float(level.max())
    spoken = np.flatnonzero(level > background + max(_LEAST_DB, _SHARE_OF_RANGE * (loudest - background)))
    if not len(spoken):
        return 0, len(samples)
    runs = np.split(spoken, np.flatnonzero(np.diff(spoken) * size > _GAP_SECONDS * rate + size) + 1)
    place = int(level.argmax())
    run = next(run for run in runs if run[0] <= place <= run[-1])
    return int(run[0]) * size, min(len(samples), (int(run[-1]) + 1) * size)


def in_noise(sounds: Sounds, seconds: float, snr_db: float, seed: int) -> tuple[Sounds, Bounds]:
    """Each sound somewhere in a longer stretch of white noise, and where it lies.

    Args:
        sounds: to be put there; one that is longer than the stretch fills it alone.
        seconds: of the whole stretch.
        snr_db: how much stronger the sound is than the noise, in dB of their mean power.
        seed: of places and noise.

    Returns:
        the stretches, and of each the first sample of the sound and the one behind its last.

    Shapes:
        bounds ``(N, 2)``.
    """
    length = round(seconds * sounds.rate)
    stretches, bounds = [], np.empty((len(sounds), 2), dtype=np.int64)
    for row, samples in enumerate(sounds.each()):
        drawn = generator(seed, "place in noise", row)
        whole = max(length, len(samples))
        start = int(drawn.integers(whole - len(samples) + 1))
        power = float(np.square(samples, dtype=np.float64).mean()) if len(samples) else 0.0
        stretch = drawn.normal(scale=np.sqrt(power * 10 ** (-snr_db / 10)), size=whole).astype(np.float32)
        stretch[start : start + len(samples)] += samples
        # What is louder than the loudest sample there is becomes quieter as a whole.
        stretches.append(stretch / max(1.0, float(np.abs(stretch).max(initial=0.0))))
        bounds[row] = start, start + len(samples)
    return Sounds.of(stretches, sounds.rate), bounds
