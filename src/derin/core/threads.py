"""How many threads torch computes with, and up to where numbers are prepared in the calling thread alone.

Torch shares out larger operations among threads that go on spinning for some milliseconds afterwards, at the expense of
whatever comes next with threads of its own, such as ONNX Runtime.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Numbers of an input, such as one picture of 224×224 with three channels, that one thread prepares in a fraction of a
# millisecond.
FEW_VALUES = 1 << 18
# Torch shares out no operation on fewer numbers than 2¹⁵ (at::internal::GRAIN_SIZE).
MOST_IN_ONE_THREAD = (1 << 15) - 1

_lock = threading.Lock()


@contextmanager
def using_threads(number: int) -> Iterator[None]:
    """Torch computes with so many CPU threads for a while where the calling thread asks it to, and nowhere else.

    Torch keeps the number for each thread, and beside it one for threads that have none yet. It sets both at once, so
    that whatever began to compute beside a training would take over its number; here the second is put back.

    Args:
        number: of threads; 0 leaves it as it is.

    Example:
        >>> import torch
        >>> before = torch.get_num_threads()
        >>> with using_threads(before + 1):
        ...     torch.get_num_threads() - before
        1
        >>> torch.get_num_threads() - before
        0
    """
    import torch

    before = torch.get_num_threads()  # the first time, a thread takes over what it would else do at its first operation
    _use_threads(number or before)
    try:
        yield
    finally:
        _use_threads(before)


def _use_threads(number: int) -> None:
    """Also where the number stays: MKL takes fewer by itself for small matrices until it is told one."""
    import torch

    with _lock:
        of_new_threads = _number_of_a_new_thread()
        torch.set_num_threads(number)
        if of_new_threads != number:
            _in_a_thread(lambda: torch.set_num_threads(of_new_threads))


def _number_of_a_new_thread() -> int:
    import torch

    found: list[int] = []
    _in_a_thread(lambda: found.append(torch.get_num_threads()))
    return found[0]


def _in_a_thread(call: Callable[[], None]) -> None:
    thread = threading.Thread(target=call, name="derin-threads")
    thread.start()
    thread.join()
