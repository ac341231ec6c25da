"""Documents from files that may be damaged or hostile, each field checked before it is believed.

A *form* says what a value must be: ``str``, ``bool``, ``int`` or ``float`` (which takes whole numbers too, and neither
takes truth values), ``[form]`` for a list, a `MapOf` for any names with values of one form, a `Maybe` for a value that
may be null, a dict for an object with these fields, of which those in a `Required` must be there. Fields that a form
does not name are left to whoever reads them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeGuard

from derin.core.errors import DerinError, RefusedFileError

_LONGEST_SHOWN = 60  # letters of a value that is refused
_WORDS = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}
# What code raises that meets a value of another kind than it wrote.
_MISFITS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, AssertionError, RecursionError)


ANY = object  # a form that every value has


@dataclass(frozen=True)
class Maybe:
    """A value of a form, or null."""

    form: Any


@dataclass(frozen=True)
class MapOf:
    """An object with any names, all values of one form."""

    form: Any


@dataclass(frozen=True)
class Required:
    """A field that an object must have."""

    form: Any


@dataclass(frozen=True)
class OneOf:
    """A value of any of these forms."""

    forms: tuple[Any, ...]


def checked_form(document: Any, form: Any, where: str) -> Any:
    """The document, if it is of a form.

    Args:
        document: as it was parsed.
        form: see above.
        where: what is read, as the beginning of a sentence.

    Raises:
        RefusedFileError: naming the first field that is not of its form.

    Example:
        >>> form = {"epochs": int, "metrics": MapOf({"loss": Maybe(float)})}
        >>> checked_form({"epochs": 3, "metrics": {"test": {"loss": None}}, "more": "…"}, form, "It")["epochs"]
        3
        >>> checked_form({"metrics": {"test": {"loss": "low"}}}, form, "The record")
        Traceback (most recent call last):
        derin.core.errors.RefusedFileError: The record is refused: metrics.test.loss must be a number or null; got \
'low'. Restore it.
    """
    problem = _misfit(document, form, "")
    if problem is not None:
        name, wanted, came = problem
        shown = repr(came)
        shown = shown[:_LONGEST_SHOWN] + ("…" if len(shown) > _LONGEST_SHOWN else "")
        raise RefusedFileError(f"{where} is refused: {name or 'it'} must be {wanted}; got {shown}. Restore it.")
    return document


@contextmanager
def misfits_told(where: str) -> Iterator[None]:
    """Around code that interprets a document from outside: what it raises on a value that it cannot take is one
    sentence. The error itself stays the cause, for whoever looks into it.

    Args:
        where: what is read, as the beginning of a sentence.

    Raises:
        RefusedFileError: in place of KeyError, TypeError and the like.

    Example:
        >>> with misfits_told("The card"):
        ...     {}["kind"]
        Traceback (most recent call last):
        derin.core.errors.RefusedFileError: The card is refused: something in it is not as Derin writes it (KeyError: \
'kind'). Restore it.
    """
    try:
        yield
    except DerinError:
        raise
    except _MISFITS as error:
        told = f"{type(error).__name__}: {error}"[:200]
        raise RefusedFileError(
            f"{where} is refused: something in it is not as Derin writes it ({told}). Restore it."
        ) from error


def _misfit(value: Any, form: Any, name: str) -> tuple[str, str, Any] | None:
    """Name, what is wanted and what came, of the first value that is not of its form."""
    if isinstance(form, Maybe):
        return None if value is None else _misfit(value, form.form, name)
    if isinstance(form, OneOf):
        return None if any(_misfit(value, each, name) is None for each in form.forms) else (name, _words(form), value)
    inner: Iterable[tuple[str, Any, Any]]
    if isinstance(form, list):
        if not isinstance(value, list):
            return name, _words(form), value
        inner = ((str(place), item, form[0]) for place, item in enumerate(value))
    elif isinstance(form, MapOf):
        if not isinstance(value, dict):
            return name, _words(form), value
        inner = ((key, item, form.form) for key, item in value.items())
    elif isinstance(form, dict):
        if not isinstance(value, dict):
            return name, _words(form), value
        for field, each in form.items():
            if isinstance(each, Required) and field not in value:
                return _joined(name, field), f"there, as {_words(each.form)}", None
        known = ((field, each.form if isinstance(each, Required) else each) for field, each in form.items())
        inner = ((field, value[field], each) for field, each in known if field in value)
    else:
        return None if _is_plain(value, form) else (name, _words(form), value)
    for key, item, each in inner:
        problem = _misfit(item, each, _joined(name, key))
        if problem is not None:
            path, wanted, came = problem
            is_own = isinstance(each, Maybe) and path == _joined(name, key)
            return path, f"{wanted} or null" if is_own else wanted, came
    return None


def _joined(name: str, field: str) -> str:
    return f"{name}.{field[:_LONGEST_SHOWN]}" if name else field[:_LONGEST_SHOWN]


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value is a number with an end; truth values are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_plain(value: Any, form: type) -> bool:
    if form is ANY:
        return True
    if form is float:
        return is_number(value)
    return type(value) is form


def _words(form: Any) -> str:
    if isinstance(form, Maybe):
        return f"{_words(form.form)} or null"
    if isinstance(form, OneOf):
        return " or ".join(map(_words, form.forms))
    if isinstance(form, list):
        return "a list"
    return "an object" if isinstance(form, dict | MapOf) else _WORDS[form]


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
