"""The thread in which training runs: denormal numbers are zero there, and Ctrl-C lets a step end whole.

The average gradient that an optimizer keeps for a dead unit decays through the denormal range and stays there; a CPU
computes with such numbers up to a hundred times slower. Flushing them to zero is a mode of each thread, which new
threads take over from the one that starts them, and torch's workers start with the first parallel operation of the
thread that they work for. So training gets a thread of its own: its workers flush as it does, whatever ran before in
the process, and the caller's threads stay untouched.

Workers wait for each other by spinning only while there are no more of them than cores; more of them sleep and wake,
with which short steps took half as long again. So the caller's idle workers are sent away first, and whatever belongs
to a training, its data and its measurement included, is best done in this one thread.
"""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch

from derin.core.memory import start_on_main_heap

T = TypeVar("T")

_SECONDS_BETWEEN_LOOKS = 0.1
_PAUSE_HARD = 2  # omp_pause_hard of the OpenMP 5.0 specification: threads end, not only rest
_here = threading.local()


def in_training_thread(work: Callable[[threading.Event], T]) -> T:
    """Does the work in the training thread and hands on what it returns or raises.

    Within a training thread the work is simply done.

    Args:
        work: what to do; it gets the event that Ctrl-C sets, to be looked at between two steps. A second Ctrl-C
            interrupts at once.

    Example:
        >>> tiny = torch.tensor([2.0]) ** -140
        >>> in_training_thread(lambda interrupted: float(tiny * 2)), float(tiny * 2) > 0
        (0.0, True)
    """
    current = getattr(_here, "interrupted", None)
    if current is not None:
        return work(current)
    result: list[T] = []
    failure: list[BaseException] = []
    num_threads = torch.get_num_threads()

    def run(interrupted: threading.Event) -> None:
        _here.interrupted = interrupted
        torch.set_num_threads(num_threads)
        torch.set_flush_denormal(True)
        try:
            result.append(work(interrupted))
        except BaseException as error:  # noqa: BLE001 - handed on to the caller's thread, whatever it is
            failure.append(error)

    _send_idle_workers_away()
    with _interruptions() as interrupted:
        thread = start_on_main_heap(lambda: run(interrupted), name="derin-training")
        try:
            while thread.is_alive():
                # A signal may reach any thread, but its handler runs in this one, which has to wake up for it.
                thread.join(_SECONDS_BETWEEN_LOOKS)
        finally:
            torch.set_num_threads(num_threads)
    if failure:
        raise failure[0]
    return result[0]


def _send_idle_workers_away() -> None:
    """Ends the workers of the calling thread, which come back when it next needs them; GNU's OpenMP only."""
    library = Path(torch.__file__).parent / "lib" / "libgomp.so.1"
    if library.exists():
        pause = getattr(ctypes.CDLL(str(library)), "omp_pause_resource_all", None)
        if pause is not None:
            pause(_PAUSE_HARD)


@contextmanager
def _interruptions() -> Iterator[threading.Event]:
    """Ctrl-C sets the event; a second one interrupts at once. Only the main thread can listen."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def note(signum: int, frame: Any) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)
