"""Memory that was freed stays with the process, for work that takes and frees the same sizes again and again."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

# mallopt's parameters, from glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_KEPT = 1 << 30  # bytes of one piece; larger ones go back to the system at once


@cache
def keep_freed_memory() -> bool:
    """Tells the C library to keep what it frees instead of giving it back to the system; once for the process.

    A network's activations are megabytes that are taken and freed at each call. Given back, each page of them is
    fetched anew and filled with zeros by the system, which took a third of a forward pass of 32 pictures. What is kept
    is at most what the process once needed at the same time.

    Returns:
        whether it was done: with glibc on Linux only; elsewhere nothing happens.

    Example:
        >>> keep_freed_memory() in (True, False)
        True

    Source: mallopt(3), M_MMAP_THRESHOLD and M_TRIM_THRESHOLD.
    """
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None)
    if not (hasattr(library, "mallopt") and hasattr(library, "gnu_get_libc_version")):
        return False
    thresholds = (_MMAP_THRESHOLD, _TRIM_THRESHOLD)
    return all(library.mallopt(parameter, _LARGEST_KEPT) == 1 for parameter in thresholds)
