"""Memory that was freed stays with the process, for work that takes and frees the same sizes again and again."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

# mallopt's parameters, from glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MOST_ARENAS = -1, -3, -8
_LARGEST_KEPT = 1 << 30  # bytes of one piece; larger ones go back to the system at once


@cache
def keep_freed_memory() -> bool:
    """Tells the C library to keep what it frees instead of giving it back to the system; once for the process.

    A network's activations are megabytes that are taken and freed at each call. Given back, each page of them is
    fetched anew and filled with zeros by the system, which took a third of a forward pass of 32 pictures, and of a
    training step of an LSTM. What is kept is at most what the process once needed at the same time. Not all of
    it is: a large piece, or one at the end of a thread's own heap, may still be given back and fetched anew.

    Returns:
        whether it was done: with glibc on Linux only; elsewhere nothing happens.

    Example:
        >>> keep_freed_memory() in (True, False)
        True

    Source: mallopt(3), M_MMAP_THRESHOLD, M_TRIM_THRESHOLD and M_ARENA_MAX.
    """
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None)
    if not (hasattr(library, "mallopt") and hasattr(library, "gnu_get_libc_version")):
        return False
    settings = {_MMAP_THRESHOLD: _LARGEST_KEPT, _TRIM_THRESHOLD: _LARGEST_KEPT, _MOST_ARENAS: 1}
    return all(library.mallopt(parameter, value) == 1 for parameter, value in settings.items())
