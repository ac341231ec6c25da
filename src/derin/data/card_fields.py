"""Fields of a saved preparation, each checked as it is read: a damaged or hostile card is refused with a sentence."""

from __future__ import annotations

import math
from collections.abc import Set
from typing import Any

from derin.core.errors import RefusedFileError


def refused(rule: str, came: Any) -> RefusedFileError:
    """The error for a field that breaks a rule; a long value is cut."""
    shown = repr(came)
    return RefusedFileError(f"The card's feature preparation is damaged: {rule}; got {shown[:80]}.")


def fields_of(data: Any, names: set[str], optional: Set[str] = frozenset()) -> dict[str, Any]:
    """An object with exactly these fields, and perhaps some optional ones that newer cards have."""
    if not isinstance(data, dict) or not names <= set(data) <= names | optional:
        raise refused(f"a column must have the fields {', '.join(sorted(names))}", data)
    return data


def name_of(fields: dict[str, Any]) -> str:
    """The field ``name``, a string."""
    if not isinstance(fields["name"], str):
        raise refused("'name' must be a string", fields["name"])
    return str(fields["name"])


def list_of(fields: dict[str, Any], name: str, length: int | None = None) -> list[Any]:
    """A list, of a length where one is asked."""
    value = fields[name]
    if not isinstance(value, list) or (length is not None and len(value) != length):
        raise refused(f"{name!r} must be a list" + ("" if length is None else f" of {length} values"), value)
    return value


def flag_of(fields: dict[str, Any], name: str) -> bool:
    """True or false."""
    if not isinstance(fields[name], bool):
        raise refused(f"{name!r} must be true or false", fields[name])
    return bool(fields[name])


def whole(value: Any, name: str, low: int, high: int) -> int:
    """A whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise refused(f"{name!r} must hold whole numbers from {low} to {high}", value)
    return value


def finite(value: Any, name: str, least: float = -math.inf) -> float:
    """A finite number of at least ``least``."""
    good = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        number = float(value) if good else math.nan
    except OverflowError:
        number = math.nan
    if not math.isfinite(number) or number < least:
        raise refused(
            f"{name!r} must hold finite numbers" + (f" of at least {least}" if least > -math.inf else ""), value
        )
    return number
