"""Work that is done ahead, beside whoever wants its results."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Of results that wait: one is at work while the other makes up for what takes longer than usual.
_DEPTH = 2


def ahead(work: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result, None, None]:
    """As ``map(work, items)``, by a thread that is up to two results ahead.

    An error of the work is raised where its result would have come. The thread ends with the last result, or when the
    iterator is closed, which waits for the result that is at work.

    Args:
        work: is called in the thread, one item after the other.
        items: is gone through in the thread.

    Example:
        >>> list(ahead(abs, [-1, 2, -3]))
        [1, 2, 3]
    """
    results: deque[tuple[bool, Result | BaseException | None]] = deque()
    room, ready, stopped = threading.Semaphore(_DEPTH), threading.Semaphore(0), threading.Event()

    def put(is_result: bool, value: Result | BaseException | None) -> None:
        results.append((is_result, value))
        ready.release()

    def run() -> None:
        try:
            for item in items:
                room.acquire()
                if stopped.is_set():
                    return
                put(True, work(item))
            put(False, None)
        except BaseException as error:  # noqa: BLE001 - raised where its result is waited for
            put(False, error)

    thread = threading.Thread(target=run, name="derin-prefetch", daemon=True)
    thread.start()
    try:
        while True:
            ready.acquire()
            is_result, value = results.popleft()
            if not is_result:
                if isinstance(value, BaseException):
                    raise value
                return
            room.release()
            yield value  # type: ignore[misc]
    finally:
        stopped.set()
        room.release()
        thread.join()
