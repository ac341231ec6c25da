"""Mean and standard deviation of pictures, exact for the pictures measured."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from derin.core.seeds import permutation
from derin.data.pictures.decode import Pixels
from derin.data.table import Dense, Pictures, Rows

# So many pictures are measured, or fewer where they have many pixels: more change the third digit.
_MOST_MEASURED = 5_000
_MOST_MEASURED_BYTES = 64 << 20
_PART_BYTES = 4 << 20


def measure_channels(
    data: Dense | Pictures, rows: Rows, channels: int, *, seed: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, of values in 0..1, from counts of the 256 values.

    Args:
        data: the pictures.
        rows: which of them; of many, a part that the seed draws is measured.
        channels: of all pictures.
        seed: of the draw.

    Example:
        >>> black_and_white = Dense(np.array([[[[0], [255]]]], dtype=np.uint8))
        >>> measure_channels(black_and_white, np.array([0]), 1, seed=0)
        ((0.5,), (0.5,))
    """
    limit = min(_MOST_MEASURED, max(1, _MOST_MEASURED_BYTES // _bytes_per_picture(data)))
    if len(rows) > limit:
        rows = np.sort(rows[permutation(seed, "statistics", 0, len(rows))[:limit]])
    counts = np.zeros((channels, 256), dtype=np.int64)
    for pixels in _some(data, rows):
        for channel in range(channels):
            counts[channel] += np.bincount(pixels[:, channel], minlength=256)
    found = [_mean_and_std(of_channel.tolist()) for of_channel in counts]
    return tuple(mean for mean, _ in found), tuple(std for _, std in found)


def _mean_and_std(counts: list[int]) -> tuple[float, float]:
    """Of values 0/255, 1/255, … 1 that occur so often; in whole numbers, so that what never changes has no variance."""
    num = sum(counts)
    total = sum(value * count for value, count in enumerate(counts))
    squares = sum(value * value * count for value, count in enumerate(counts))
    variance = (num * squares - total * total) / (255 * num) ** 2
    # A channel that never changes stays zero after its mean is taken off.
    return total / (255 * num), variance**0.5 if variance > 0 else 1.0


def _bytes_per_picture(data: Dense | Pictures) -> int:
    if isinstance(data, Dense):
        return max(1, int(np.prod(data.values.shape[1:])))
    return max(1, int(np.mean(data.heights * data.widths)) * data.channels)


def _some(data: Dense | Pictures, rows: Rows) -> Iterator[Pixels]:
    """Pixels of some rows in parts. Shapes: ``(pixels, channels)``."""
    step = max(1, _PART_BYTES // _bytes_per_picture(data))
    for start in range(0, len(rows), step):
        part = data.take(rows[start : start + step])
        # Of one size they are one array, which is counted as a whole.
        for pixels in (part,) if isinstance(part, np.ndarray) else part:
            yield pixels.reshape(-1, pixels.shape[-1])
