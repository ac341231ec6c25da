"""What makes training and inference faster by a setting of the whole process, which only its owner may change."""

from __future__ import annotations

import sys
from functools import cache

# mallopt's parameters, from glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MOST_ARENAS = -1, -3, -8
_LARGEST_KEPT = 1 << 30  # bytes of one piece; larger ones go back to the system at once


@cache
def tune_process() -> bool:
    """Lets the C library keep the memory that is freed instead of giving it back to the system.

    A network's activations are megabytes that are taken and freed at each step. Given back, each page of them is
    fetched anew and filled with zeros by the system, which took a third of a forward pass of 32 pictures, and of a
    training step of an LSTM. What is kept is at most what the process once needed at the same time. Numbers are the
    same to the bit with and without it.

    The ``derin`` command does this at its start. In a program of your own nothing does it but you: call it once,
    before threads are started, which may have heaps of their own already, where nothing is kept.

    Returns:
        whether it was done: with glibc on Linux only; elsewhere nothing happens.

    Example:
        >>> import derin
        >>> derin.tune_process() in (True, False)
        True

    Source: mallopt(3), M_MMAP_THRESHOLD, M_TRIM_THRESHOLD and M_ARENA_MAX.
    """
    if sys.platform != "linux":
        return False
    import ctypes

    library = ctypes.CDLL(None)
    if not (hasattr(library, "mallopt") and hasattr(library, "gnu_get_libc_version")):
        return False
    settings = {_MMAP_THRESHOLD: _LARGEST_KEPT, _TRIM_THRESHOLD: _LARGEST_KEPT, _MOST_ARENAS: 1}
    return all(library.mallopt(parameter, value) == 1 for parameter, value in settings.items())
