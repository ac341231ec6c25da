"""The errors that Derin raises on purpose.

Every message is one sentence that says where, what is required, what came and what to do::

    DerinError                 something that the user can mend; the command line exits with 1
    ├── UsageError             a wrong argument or combination of arguments; exits with 2
    │   └── UnknownNameError   a name that a registry does not hold; lists near matches
    ├── DataError              data that cannot be used as asked
    ├── ShapeError             sizes that do not fit together
    ├── RefusedFileError       a saved file that is damaged, hostile or written by a newer Derin
    ├── StorageError           the disk is full or the folder cannot be written
    ├── BusyError              another process holds the run or the cache
    ├── MissingExtraError      an optional dependency is not installed
    └── DivergenceError        training met a NaN or an infinity
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DerinError(Exception):
    """Root of all errors that Derin raises on purpose."""

    exit_code = 1


class DerinWarning(UserWarning):
    """Something that the user should know, and that does not stop the work."""


class UsageError(DerinError, ValueError):
    """An argument, or a combination of arguments, that cannot be carried out."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name that is not registered.

    Args:
        kind: what was looked up, such as ``"model"``.
        name: the name that came.
        known: every name that exists.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name = kind, name
        clause = near_matches(str(name), known)
        super().__init__(f"There is no {kind} named {name!r}; {clause}{'?' if clause.startswith('did') else '.'}")


class DataError(DerinError):
    """Data that cannot be used as asked."""


class ShapeError(DerinError, ValueError):
    """Sizes that do not fit together."""


class RefusedFileError(DerinError):
    """A saved file that is damaged, hostile, or written by a newer Derin."""


class StorageError(DerinError, OSError):
    """The disk is full, or the folder cannot be written."""


class BusyError(DerinError):
    """Another process holds the run or the cache."""


class MissingExtraError(DerinError, ImportError):
    """An optional dependency that is not installed.

    Args:
        package: the module that could not be imported.
        extra: the extra of Derin that brings it.
        purpose: what it is needed for.
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f'{purpose} needs {package}, which is not installed; run: pip install "derin[{extra}]".')


class DivergenceError(DerinError):
    """Training met a NaN or an infinity."""


def near_matches(name: str, known: Iterable[str]) -> str:
    """A clause that names what was probably meant, or else what exists."""
    names = sorted(known)
    close = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(repr(c) for c in close)
    return "known: " + ", ".join(names) if names else "none is registered"
