"""Randomness that is a function of integers and holds no state.

Everything random in a run is a function of ``(seed, stream, epoch, example)`` or of ``(seed, stream, step)``.
Nothing has to be saved to resume, and the batch size, the device and the number of processes change nothing.

Source: J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011 (Philox-4x32-10).
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

_MULTIPLIER_0, _MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = 0x9E3779B9, 0xBB67AE85
_LOW_32 = np.uint64(0xFFFFFFFF)
_SHIFT_32 = np.uint64(32)
_NUM_ROUNDS = 10
_MANY = 1 << 14


def philox(
    counter: tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike, npt.ArrayLike], key: tuple[int, int]
) -> npt.NDArray[np.uint32]:
    """Philox-4x32-10: four 32-bit random words for every counter.

    Args:
        counter: four words, each an integer below 2³² or an array of them; they broadcast.
        key: two integers below 2³².

    Shapes:
        four of ``(*S,)`` → ``(*S, 4)`` uint32.

    Example:
        >>> [hex(w) for w in philox((0, 0, 0, 0), (0, 0))]
        ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    c0, c1, c2, c3 = np.broadcast_arrays(*(np.asarray(word, dtype=np.uint64) for word in counter))
    k0, k1 = key
    for _ in range(_NUM_ROUNDS):
        product_0, product_1 = c0 * _MULTIPLIER_0, c2 * _MULTIPLIER_1
        c0, c1, c2, c3 = (
            (product_1 >> _SHIFT_32) ^ c1 ^ np.uint64(k0),
            product_1 & _LOW_32,
            (product_0 >> _SHIFT_32) ^ c3 ^ np.uint64(k1),
            product_0 & _LOW_32,
        )
        k0, k1 = (k0 + _WEYL_0) & 0xFFFFFFFF, (k1 + _WEYL_1) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)


def uniforms(seed: int, stream: str, epoch: int, examples: npt.ArrayLike, num: int) -> npt.NDArray[np.float32]:
    """Uniform numbers in [0, 1) that depend on nothing but the arguments.

    Args:
        seed: the seed of the run.
        stream: what the numbers are for (``"augment"``), so that two uses never share numbers.
        epoch: the pass over the data, from 0.
        examples: the row number of each example in its table.
        num: how many numbers each example gets.

    Shapes:
        examples ``(B,)`` → ``(B, num)`` float32.

    Example:
        >>> a = uniforms(0, "augment", 3, [5, 9], 6)
        >>> b = uniforms(0, "augment", 3, [9], 6)
        >>> a.shape, bool((a[1] == b[0]).all())
        ((2, 6), True)
    """
    rows = np.asarray(examples, dtype=np.uint64)
    blocks = np.arange(-(-num // 4), dtype=np.uint64)
    key = _key(seed, stream)
    drawn = np.empty((len(rows), num), dtype=np.float32)
    # Some at a time: the words on the way take dozens of times the room of the numbers.
    for start in range(0, len(rows), _MANY):
        some = rows[start : start + _MANY, None]
        counter = (some & _LOW_32, some >> _SHIFT_32, np.uint64(epoch), blocks[None, :])
        words = philox(counter, key).reshape(len(some), -1)[:, :num]
        # 24 bits are what a float32 holds exactly, so that 1.0 itself is never drawn.
        drawn[start : start + _MANY] = (words >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
    return drawn


def permutation(seed: int, stream: str, epoch: int, num: int) -> npt.NDArray[np.int64]:
    """An order of ``num`` examples as a function of (seed, stream, epoch).

    Example:
        >>> sorted(permutation(0, "order", 1, 5).tolist())
        [0, 1, 2, 3, 4]
    """
    return generator(seed, stream, epoch).permutation(num)


def generator(seed: int, stream: str, *numbers: int) -> np.random.Generator:
    """A NumPy generator that is a function of its arguments, for anything drawn on the CPU."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([*_key(seed, stream), *numbers])))


def step_seeds(seed: int, stream: str, first: int, num: int) -> list[int]:
    """The seeds that the device's own generator gets before the steps ``first`` … ``first + num - 1``: integers
    below 2⁶³.

    Example:
        >>> step_seeds(0, "dropout", 10, 3)[1:] == step_seeds(0, "dropout", 11, 2)
        True
    """
    steps = np.arange(first, first + num, dtype=np.uint64)
    words = philox((steps & _LOW_32, steps >> _SHIFT_32, 0, 0), _key(seed, stream)).astype(np.uint64)
    seeds: list[int] = ((words[:, 0] << np.uint64(31)) ^ words[:, 1]).tolist()
    return seeds


def _key(seed: int, stream: str) -> tuple[int, int]:
    """Two key words for a seed and a stream; CRC-32 spells the stream's name as a number, alike on every machine."""
    return seed & 0xFFFFFFFF, zlib.crc32(stream.encode()) ^ (seed >> 32 & 0xFFFFFFFF)
