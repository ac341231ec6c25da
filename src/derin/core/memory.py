"""Memory that was freed stays with the process, for work that takes and frees the same sizes again and again."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

# mallopt's parameters, from glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MOST_ARENAS = -1, -3, -8
_LARGEST_KEPT = 1 << 30  # bytes of one piece; larger ones go back to the system at once
_PROBE = 1 << 16  # bytes; more than a thread's own cache of small pieces holds, far less than a heap
_MOST_TRIALS = 64  # threads; glibc makes at most eight heaps for a core


@cache
def keep_freed_memory() -> bool:
    """Tells the C library to keep what it frees instead of giving it back to the system; once for the process.

    A network's activations are megabytes that are taken and freed at each call. Given back, each page of them is
    fetched anew and filled with zeros by the system, which took a third of a forward pass of 32 pictures, and of a
    training step of an LSTM. What is kept is at most what the process once needed at the same time. It is kept in
    the process's main heap: threads that began before may have heaps of their own, of 64 MiB at most, which are given
    back (`start_on_main_heap`).

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


def start_on_main_heap(work: Callable[[], None], name: str) -> threading.Thread:
    """Starts a daemon thread that takes its memory from the process's main heap, where `keep_freed_memory` keeps it.

    The C library gives a new thread the heap of one that has ended, and nothing changes it later. So threads are
    started until one is given the main heap; the others wait, holding theirs, and then end. Where none is, as with
    another allocator, the last one does the work.

    Args:
        work: what the thread does; errors are its own to catch.
        name: the thread's name.

    Example:
        >>> done = []
        >>> start_on_main_heap(lambda: done.append("work"), name="worker").join()
        >>> done
        ['work']

    Source: "Overview of Malloc" of the GNU C Library's wiki, on arenas.
    """
    found = threading.Event()

    def attempt(decided: threading.Event, last: bool) -> None:
        mine = last or _takes_from_main_heap()
        if mine:
            found.set()
        decided.set()
        if mine:
            work()
        else:
            found.wait()

    trials = _MOST_TRIALS if keep_freed_memory() else 1
    try:
        for trial in range(1, trials + 1):
            decided = threading.Event()
            thread = threading.Thread(target=attempt, args=(decided, trial == trials), name=name, daemon=True)
            thread.start()
            decided.wait()
            if found.is_set():
                break
    finally:
        found.set()  # whatever happened, nobody waits for ever
    return thread


def _takes_from_main_heap() -> bool:
    """Whether what the calling thread allocates lies where the system shows the process's main heap."""
    library = ctypes.CDLL(None)
    library.malloc.argtypes, library.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
    library.free.argtypes, library.free.restype = [ctypes.c_void_p], None
    piece = library.malloc(_PROBE)
    try:
        for line in Path("/proc/self/maps").read_text().splitlines():
            if line.endswith("[heap]"):
                first, end = (int(address, 16) for address in line.split(maxsplit=1)[0].split("-"))
                if piece and first <= piece < end:
                    return True
        return False
    except OSError:  # no /proc here, so there is no telling
        return False
    finally:
        library.free(piece)
