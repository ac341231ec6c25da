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

import atexit
import ctypes
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from derin.core.memory import start_on_main_heap
from derin.core.threads import use_threads

T = TypeVar("T")

_SECONDS_BETWEEN_LOOKS = 0.1
_PAUSE_HARD = 2  # omp_pause_hard of the OpenMP 5.0 specification: threads end, not only rest
_here = threading.local()


def in_training_thread(work: Callable[[threading.Event], T]) -> T:
    """Does the work in the training thread and hands on what it returns or raises.

    Within a training thread the work is simply done.

    Args:
        work: what to do; it gets the event that is set when Ctrl-C raises a `KeyboardInterrupt` in the caller's
            thread, to be looked at between two steps. A second one is handed on at once; the work then ends by itself
            at its next look. No handler of signals is touched: they are the program's that calls.

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
    # Not `Thread.join`, which Python 3.11 takes for done when it is interrupted.
    ended = threading.Lock()
    ended.acquire()
    num_threads = torch.get_num_threads()

    def run(interrupted: threading.Event) -> None:
        _here.interrupted = interrupted
        use_threads(num_threads)
        torch.set_flush_denormal(True)
        try:
            result.append(work(interrupted))
        except BaseException as error:  # noqa: BLE001 - handed on to the caller's thread, whatever it is
            failure.append(error)
        finally:
            ended.release()

    _send_idle_workers_away()
    interrupted = threading.Event()
    start_on_main_heap(lambda: run(interrupted), name="derin-training")
    while not (result or failure):
        try:
            while not (result or failure):
                # A signal may reach any thread, but its handler runs in the main one, which has to wake up for it.
                ended.acquire(timeout=_SECONDS_BETWEEN_LOOKS)
        except KeyboardInterrupt:
            if interrupted.is_set() and not (result or failure):
                # The step that is under way must not meet the end of the interpreter, which would abort the process.
                atexit.register(ended.acquire)
                raise
            interrupted.set()
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
