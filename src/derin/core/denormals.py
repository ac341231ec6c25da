"""Denormal numbers are zero for a while, in the calling thread and in torch's workers that compute for it.

The average gradient that an optimizer keeps for a dead unit decays through the denormal range and stays there; a CPU
computes with such numbers up to a hundred times slower.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_PAUSE_HARD = 2  # omp_pause_hard of the OpenMP 5.0 specification: threads end, not only rest


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Flushes denormal numbers to zero where the calling thread computes, and lets them be again afterwards.

    Flushing is a mode of each thread, which a new thread takes over from the one that starts it. So the workers that
    the calling thread has from before are sent away on both sides: whatever ran before gives the same bits, and other
    threads notice nothing.

    Example:
        >>> import torch
        >>> tiny = torch.tensor([2.0]) ** -140
        >>> with flushed_denormals():
        ...     print(float(tiny * 2))
        0.0
        >>> float(tiny * 2) > 0
        True
    """
    import torch

    were_flushed = sys.float_info.min / 2 == 0.0
    torch.set_flush_denormal(True)  # some processors cannot, which changes nothing then
    _send_idle_workers_away()
    try:
        yield
    finally:
        torch.set_flush_denormal(were_flushed)
        if not were_flushed:
            _send_idle_workers_away()


def _send_idle_workers_away() -> None:
    """Ends the workers of the calling thread, which come back when it next needs them; GNU's OpenMP only.

    Intel's and LLVM's hand the mode on at each operation, and would end the workers of all threads.
    """
    if sys.platform != "linux":
        return
    import ctypes

    library = ctypes.CDLL(None)  # torch loads its OpenMP where the whole process sees it
    if hasattr(library, "omp_pause_resource_all") and not hasattr(library, "kmp_get_blocktime"):
        library.omp_pause_resource_all(_PAUSE_HARD)
