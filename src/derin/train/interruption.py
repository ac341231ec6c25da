"""Ctrl-C while a network trains: the first lets the step at hand end whole, a second one ends it at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def on_first_interrupt(ask: Callable[[], None]) -> Iterator[None]:
    """Within it, the first Ctrl-C calls `ask` and any further one raises `KeyboardInterrupt`, as without it.

    The handler of before is put back. Nothing is installed outside the main thread, which gets no signals, nor where a
    program handles Ctrl-C in its own way.

    Args:
        ask: asks for the end; called between two operations of Python, wherever the main thread is.

    Example:
        >>> asked = []
        >>> with on_first_interrupt(lambda: asked.append("to end")):
        ...     signal.raise_signal(signal.SIGINT)
        >>> asked
        ['to end']
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is not signal.default_int_handler:
        yield
        return

    def first(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, before)
        ask()

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
