"""How the cells of a column are written: words for "no value" and for true and false, and what was found out of the
rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import RefusedFileError
from derin.data.cells.amounts import is_amount_unit

Floats = npt.NDArray[np.float64]

DAY_FIRST, MONTH_FIRST, YEAR_FIRST = "DD/MM/YYYY", "MM/DD/YYYY", "YYYY-MM-DD"
# Dates that are written as one whole number, and the units of moments that are counted from 1970.
DIGIT_FORMS = ("days", "months", "minutes", "moments")
EPOCH_FORMS = ("seconds", "milliseconds", "microseconds", "nanoseconds")

MISSING_WORDS = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "null", "?", "-"})
# Words that mean "missing" among numbers and dates only: in a column of words they may be an answer.
_MISSING_AMONG_NUMBERS = frozenset(
    {"none", "nil", "nat", "missing", "unknown", "yok", "bilinmiyor", "--", ".", "*"}
    | {"#div/0!", "#num!", "#value!", "#ref!", "#name?", "#null!"}
)
_DIGITS = frozenset("0123456789")
_INFINITIES = frozenset(sign + word for sign in ("", "+", "-", "\u2212") for word in ("inf", "infinity", "∞"))
# Every word that may say that there is no value, in small letters.
GAP_WORDS = MISSING_WORDS | _MISSING_AMONG_NUMBERS | _INFINITIES
_LONGEST_AFFIX = 40
_TRUE = frozenset(
    {"true", "t", "yes", "y", "on", "evet", "doğru", "dogru", "1", "1.0"}
    | {"ja", "wahr", "oui", "vrai", "sí", "si", "sì", "sim"}
)
_FALSE = frozenset(
    {"false", "f", "no", "n", "off", "hayır", "hayir", "yanlış", "yanliş", "yanlis", "0", "0.0"}
    | {"nein", "falsch", "nee", "nej", "nei", "non", "faux", "não", "nao"}
)


@dataclass(frozen=True, kw_only=True)
class Writing:
    """How the cells of one column are written, found out once and followed from then on.

    Args:
        decimal: the sign before the decimals of a number, ``"."`` or ``","``; the other one stands between thousands.
        affix: the percent or currency sign or the unit that stands at each number, or none.
        amounts_in: the unit into which amounts with several units are turned; empty where there is one unit or none.
        order: in which order day, month and year of a date stand; empty where they are no dates.
        digits: what a date of digits alone means: one of `DIGIT_FORMS` or `EPOCH_FORMS`; empty where there is a mark
            between its parts.
        flags: whether words for true and false are numbers here, 1 and 0.
        missing: the words, in small letters, that mean "no value" beside the empty cell; None takes the usual ones.
    """

    decimal: str = "."
    affix: str = ""
    amounts_in: str = ""
    order: str = ""
    digits: str = ""
    flags: bool = False
    missing: tuple[str, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """What differs from the usual way."""
        usual = Writing()
        found = {part.name: getattr(self, part.name) for part in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in found.items()
            if value != getattr(usual, name)
        }

    @classmethod
    def from_json(cls, data: Any) -> Writing:
        """The writing that `to_json` described.

        Raises:
            RefusedFileError: something in it cannot be.
        """
        where = "The card's way of writing a column is damaged"
        choices: dict[str, Iterable[Any]] = {
            "decimal": (".", ","),
            "order": ("", DAY_FIRST, MONTH_FIRST, YEAR_FIRST),
            "digits": ("", *DIGIT_FORMS, *EPOCH_FORMS),
            "flags": (True, False),
        }
        if not isinstance(data, Mapping):
            raise RefusedFileError(f"{where}: an object is required; got {type(data).__name__}.")
        settings = dict(data)
        for name, value in data.items():
            fits = (
                any(value is choice or (isinstance(value, str) and value == choice) for choice in choices[name])
                if name in choices
                else isinstance(value, str) and len(value) <= _LONGEST_AFFIX
                if name == "affix"
                else isinstance(value, str) and is_amount_unit(value)
                if name == "amounts_in"
                else isinstance(value, list) and all(isinstance(word, str) for word in value)
                if name == "missing"
                else False
            )
            if not fits:
                raise RefusedFileError(f"{where}: {str(name)[:40]!r} cannot be {str(value)[:40]!r}.")
        if "missing" in settings:
            settings["missing"] = tuple(settings["missing"])
        return cls(**settings)

    def means_missing(self, cell: str) -> bool:
        """Whether a cell says, in a column written so, that there is no value."""
        if self.missing is None:
            return is_missing(cell)
        return not cell or cell.casefold() in self.missing

    def means_gap(self, cell: str) -> bool:
        """Whether a cell says so among numbers and dates, where more words do, and infinities."""
        if self.means_missing(cell):
            return True
        # A number ends with a digit; only what does not can be such a word.
        return cell[-1:] not in _DIGITS and (is_infinite(cell) or (self.missing is None and means_missing_number(cell)))


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value: empty, NA, N/A, NaN, null, ? or -."""
    return len(cell) < 5 and cell.casefold() in MISSING_WORDS


def means_missing_number(cell: str) -> bool:
    """Whether a word says among numbers and dates that there is no value, though it may be an answer among words."""
    return cell.casefold() in _MISSING_AMONG_NUMBERS


def is_infinite(cell: str) -> bool:
    """Whether a cell is an infinite number, with which nothing can be computed.

    Example:
        >>> is_infinite("-Infinity"), is_infinite("1e9")
        (True, False)
    """
    return len(cell) < 10 and cell.casefold() in _INFINITIES


def flag_value(cell: str) -> bool | None:
    """The truth that a word says in English, Turkish and some neighbors' languages, or as 1 and 0; None where it says
    none.

    Example:
        >>> flag_value("TRUE"), flag_value("hayır"), flag_value("Nein"), flag_value("maybe")
        (True, False, False, None)
    """
    word = cell.casefold() if len(cell) < 8 else ""
    return True if word in _TRUE else False if word in _FALSE else None


def are_flags(cells: Iterable[str]) -> bool:
    """Whether different cells are words for true and false and nothing else; 1 and 0 may stand beside them.

    Example:
        >>> are_flags(["TRUE", "false", "1"]), are_flags(["yes", "no", "maybe"]), are_flags(["1", "0"])
        (True, False, False)
    """
    found = set()
    has_words = False
    for cell in cells:
        value = flag_value(cell)
        if value is None:
            return False
        found.add(value)
        has_words = has_words or cell[:1] not in "01"
    return has_words and len(found) == 2
