"""How many threads torch computes with, and up to where numbers are prepared in the calling thread alone.

Torch shares out larger operations among threads that go on spinning for some milliseconds afterwards, at the expense of
whatever comes next with threads of its own, such as ONNX Runtime.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

# Numbers of an input, such as one picture of 224×224 with three channels, that one thread prepares in a fraction of a
# millisecond.
FEW_VALUES = 1 << 18
# Torch shares out no operation on fewer numbers than 2¹⁵ (at::internal::GRAIN_SIZE).
MOST_IN_ONE_THREAD = (1 << 15) - 1

_lock = threading.Lock()


def use_threads(number: int) -> None:
    """Lets torch compute with so many CPU threads where the calling thread asks it to, and nowhere else.

    Torch keeps the number for each thread, and beside it one for threads that have none yet. It sets both at once, so
    that whatever began to compute beside a training would take over its number; here the second is put back.

    Args:
        number: of threads, at least 1.

    Example:
        >>> import torch
        >>> before = torch.get_num_threads()
        >>> use_threads(1)
        >>> torch.get_num_threads()
        1
        >>> use_threads(before)
    """
    import torch

    torch.get_num_threads()  # the first time, a thread takes over what it would else do at its first operation
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
