"""Numbers of the user's own: rows from the command line or from a file."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from derin.core.errors import UsageError

Floats = npt.NDArray[np.float64]
Rows = tuple[tuple[float, ...], ...]


def read_rows(text: str, *, where: str) -> Rows:
    """Rows of numbers, written down or in a file.

    Args:
        text: rows between semicolons and numbers between commas or blanks (``"1,3; 2,5"``, ``"1/9 1/9; 1/9 1/9"``), or
            the path of a text file with one row per line.
        where: the flag, for messages.

    Raises:
        UsageError: something is no finite number, the rows differ in length, or there is none.

    Example:
        >>> read_rows("1,3; 2,5", where="--points")
        ((1.0, 3.0), (2.0, 5.0))
    """
    path = Path(text)
    # A drawn-out list of numbers is no path that the system takes, hence the limit.
    if len(text) < 1_000 and path.is_file():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise UsageError(f"{where}: the file {path} is no text; give one with a row of numbers per line.") from None
    lines = text.replace("\n", ";").split(";")
    rows = tuple(tuple(_number(word, where) for word in line.replace(",", " ").split()) for line in lines)
    rows = tuple(row for row in rows if row)
    if not rows:
        raise UsageError(f'{where} must be rows of numbers such as "1,3; 2,5", or a file of them; got none.')
    widths = sorted({len(row) for row in rows})
    if len(widths) > 1:
        raise UsageError(f"{where}: every row must have as many numbers; got rows of {widths[0]} and of {widths[-1]}.")
    return rows


def _number(word: str, where: str) -> float:
    try:
        number = float(Fraction(word)) if "/" in word else float(word)
    except (ValueError, ZeroDivisionError):
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f'{where} must be rows of numbers such as "1,3; 2,5", or a file of them; got {word!r}.')
    return number
