"""The arithmetic in which training runs: denormal numbers are zero, on every core, in every process alike.

The average gradient that an optimizer keeps for a dead unit decays through the denormal range and stays there; a CPU
computes with such numbers up to a hundred times slower. Flushing them to zero is a mode of each thread, which new
threads take over from the one that starts them, and torch's workers start with the first parallel operation of the
thread that they work for. So training gets a thread of its own: its workers flush as it does, whatever ran before in
the process, and the caller's threads stay untouched.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import torch

T = TypeVar("T")

_SECONDS_BETWEEN_LOOKS = 0.1


def with_flushed_denormals(work: Callable[[], T], *, threads: int = 0) -> T:
    """Does the work in a thread of its own, in which denormal numbers are zero, and hands on what it returns or raises.

    Args:
        work: what to do.
        threads: CPU threads that torch uses for it; 0 keeps the caller's number.

    Example:
        >>> tiny = torch.tensor([2.0]) ** -140
        >>> with_flushed_denormals(lambda: float(tiny * 2)), float(tiny * 2) > 0
        (0.0, True)
    """
    result: list[T] = []
    failure: list[BaseException] = []
    num_threads = threads or torch.get_num_threads()
    before = torch.get_num_threads()

    def run() -> None:
        torch.set_num_threads(num_threads)
        torch.set_flush_denormal(True)
        try:
            result.append(work())
        except BaseException as error:  # noqa: BLE001 - handed on to the caller's thread, whatever it is
            failure.append(error)

    thread = threading.Thread(target=run, name="derin-training", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            # A signal may reach any thread, but its handler runs in this one, which has to wake up for it.
            thread.join(_SECONDS_BETWEEN_LOOKS)
    finally:
        torch.set_num_threads(before)
    if failure:
        raise failure[0]
    return result[0]
