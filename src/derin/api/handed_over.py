"""CSV files that people hand back: exported by a page, perhaps opened and saved by a spreadsheet in between."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from derin.core.errors import DataError
from derin.core.printable import without_spreadsheet_mark


def read_handed_over(path: Path, columns: Sequence[str], *, what: str) -> list[tuple[int, dict[str, str]]]:
    """The lines of a file, each with its number, without the marks that keep a spreadsheet from running text.

    Args:
        path: the file.
        columns: that it must have; others are read where they are there.
        what: the file holds, for errors: ``"tags"``.

    Raises:
        DataError: it cannot be read, or a column is missing.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            lines = list(reader)
            there = reader.fieldnames or ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"The {what} {path} cannot be read: {error}. Export them on the page as CSV.") from None
    for needed in columns:
        if needed not in there:
            *others, last = columns
            raise DataError(
                f"The {what} {path} need the columns {', '.join(others)} and {last}; {needed} is missing. Export them "
                "on the page as CSV."
            )
    return [
        (number, {name: without_spreadsheet_mark(line[name] or "") for name in there})
        for number, line in enumerate(lines, start=2)
    ]
