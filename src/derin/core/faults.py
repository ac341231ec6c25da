"""Named points at which a test kills the process or lets a write fail.

Every step of a write passes a point. Without a test they do nothing; with ``DERIN_FAULT="write.synced:3"`` in the
environment the process is killed, as by a power cut, when it passes that point for the third time, and with
``DERIN_FAULT="write.synced:3:ENOSPC"`` that step fails as if the disk were full.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

FAULT_POINTS = (
    "write.started",  # nothing is on disk yet
    "write.part",  # between two parts of a file's bytes
    "write.written",  # all bytes are in the temporary file
    "write.synced",  # and on the disk
    "write.renamed",  # the file has its name
    "write.done",  # and the folder knows it for good
    "replace.started",  # the new folder is complete under its temporary name
    "replace.aside",  # without exchange-rename only: the old folder is aside, the new one not yet in its place
    "replace.swapped",  # the new folder has its name
    "replace.removed",  # the old one is gone
    "bundle.started",
    "bundle.tensors",
    "bundle.files",
    "bundle.card",
    "bundle.done",
    "state.started",
    "state.tensors",
    "state.done",
    "log.started",
    "log.written",
    "log.done",
)

_fault: Callable[[str], None] | None = None


def fault_point(name: str) -> None:
    """Passes a named point; does nothing unless a test has installed a fault."""
    if _fault is not None:
        _fault(name)


@contextmanager
def faults(fault: Callable[[str], None]) -> Iterator[None]:
    """Calls ``fault`` with the name of every point that is passed meanwhile; what it raises is raised there."""
    global _fault
    before, _fault = _fault, fault
    try:
        yield
    finally:
        _fault = before


def parse_fault(text: str) -> Callable[[str], None]:
    """The fault that ``name:n`` or ``name:n:ERRNO`` describes.

    Example:
        >>> full = parse_fault("write.synced:2:ENOSPC")
        >>> full("write.synced"); full("write.renamed")
        >>> full("write.synced")
        Traceback (most recent call last):
        OSError: [Errno 28] No space left on device: 'write.synced'
    """
    name, _, rest = text.partition(":")
    number, _, error_name = rest.partition(":")
    if name not in FAULT_POINTS or not number.isdigit() or (error_name and not hasattr(errno, error_name)):
        raise ValueError(f"DERIN_FAULT must be name:n or name:n:ERRNO with a name of FAULT_POINTS; got {text!r}.")
    left = int(number)

    def fault(point: str) -> None:
        nonlocal left
        if point != name:
            return
        left -= 1
        if left != 0:
            return
        if not error_name:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        code = getattr(errno, error_name)
        raise OSError(code, os.strerror(code), point)

    return fault


if "DERIN_FAULT" in os.environ:
    _fault = parse_fault(os.environ["DERIN_FAULT"])
