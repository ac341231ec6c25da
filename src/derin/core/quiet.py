"""Warnings of other libraries kept away where they say nothing to people, in one thread."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_lock = threading.Lock()
_here = threading.local()


def is_quiet() -> bool:
    """Whether the calling thread is within `quiet`."""
    return getattr(_here, "depth", 0) > 0


class _InAQuietThread:
    """Stands in a filter of warnings where a pattern of the text would: fits every text, but only in some threads."""

    # For whoever hands the filters to another process as texts, as scikit-learn does: this one fits nothing there.
    pattern = "(?!)"

    def match(self, text: str) -> bool:
        return is_quiet()


_FILTER: Any = ("ignore", _InAQuietThread(), Warning, None, 0)


@contextmanager
def quiet() -> Iterator[None]:
    """No warning is shown or raised that comes up within it in the calling thread; other threads hear theirs.

    The filters of ``warnings`` are the whole process's. `warnings.catch_warnings` changes them for a moment and puts
    back what it found, whatever another thread did meanwhile. Here one filter is added that stays, and that fits only
    in threads which ask for it.

    Example:
        >>> with quiet():
        ...     warnings.warn("to nobody")
    """
    with _lock:
        if warnings.filters[:1] != [_FILTER]:
            # In front of what has been put there since; whoever restores older filters may have dropped it as well.
            warnings.filters[:] = [_FILTER, *(entry for entry in warnings.filters if entry != _FILTER)]  # type: ignore[index]
    _here.depth = getattr(_here, "depth", 0) + 1
    try:
        yield
    finally:
        _here.depth -= 1
