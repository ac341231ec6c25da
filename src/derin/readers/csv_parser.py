"""Python's parser of csv, in a copy with a limit of its own to the length of a cell."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import Any

LONGEST_CELL = 1 << 24  # characters; the parser takes eight bytes for each while it grows


@cache
def csv_parser() -> Any:
    """A module like ``csv`` that is Derin's own: ``reader`` and ``Error`` are used of it.

    The longest cell that ``csv`` takes is one setting for the whole process, 128 Ki characters unless somebody changes
    it. Whoever raises it for a moment lets other threads read by another rule, and fails where one of them puts it
    back. A second copy of the module that it stands on has a setting of its own.

    Example:
        >>> import csv
        >>> [len(cell) for cell in next(csv_parser().reader(["a" * 200_000 + ",b"]))], csv.field_size_limit()
        ([200000, 1], 131072)
    """
    spec = importlib.util.find_spec("_csv")
    assert spec is not None, "every Python that has csv has it"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.field_size_limit(LONGEST_CELL)
    return module
