"""Documents from files that may be damaged or hostile, each field checked before it is believed.

A *form* says what a value must be: ``str``, ``bool``, ``int`` or ``float`` (which takes whole numbers too, and neither
takes truth values), a `Within` for a number within bounds, an `Among` for one of some values, ``[form]`` for a list and
a `Listed` for one of a length, a `MapOf` for any names with values of one form, a `Maybe` for a value that may be null,
a dict for an object with these fields, of which those in a `Required` must be there. Fields that a dict does not name
are left to whoever reads them; an `Exactly` has no others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeGuard

from derin.core.errors import DerinError, RefusedFileError

_FIRST_TOO_LARGE = 1 << 1023  # a whole number that may have no form as a float
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


@dataclass(frozen=True)
class Within:
    """A number of a form, ``int`` or ``float``, within bounds; None is no bound."""

    form: Any
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None


@dataclass(frozen=True)
class Among:
    """One of these values, and of its type."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Listed:
    """A list of so many values of one form."""

    form: Any
    least: int = 0
    most: int | None = None


@dataclass(frozen=True)
class Exactly:
    """An object with these fields, of which some may be absent, and no others."""

    fields: Mapping[str, Any]
    optional: Set[str] = frozenset()


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
def refusing_misfits(where: str) -> Iterator[None]:
    """Around code that interprets a document from outside: what it raises on a value that it cannot take is one
    sentence. The error itself stays the cause, for whoever looks into it.

    Args:
        where: what is read, as the beginning of a sentence.

    Raises:
        RefusedFileError: in place of KeyError, TypeError and the like.

    Example:
        >>> with refusing_misfits("The card"):
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
        form = Listed(form[0])
    if isinstance(form, Listed):
        if not isinstance(value, list) or len(value) < form.least or (form.most is not None and len(value) > form.most):
            return name, _words(form), value
        if isinstance(form.form, type) and all(_is_plain(item, form.form) for item in value):
            return None  # a million names in a moment
        inner = ((str(place), item, form.form) for place, item in enumerate(value))
    elif isinstance(form, Exactly):
        if not isinstance(value, dict):
            return name, _words(form), value
        for field, each in form.fields.items():
            if field not in value and field not in form.optional:
                return _joined(name, field), f"there, as {_words(each)}", None
        for field in value:
            if field not in form.fields:
                return _joined(name, field), f"left out, as the fields are {', '.join(form.fields)}", value[field]
        inner = ((field, item, form.fields[field]) for field, item in value.items())
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
    """Whether a value is a number with an end, and a float can hold it; truth values are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) if isinstance(value, float) else abs(value) < _FIRST_TOO_LARGE


def _is_plain(value: Any, form: Any) -> bool:
    if form is ANY:
        return True
    if isinstance(form, Among):
        return any(type(value) is type(one) and value == one for one in form.values)
    if isinstance(form, Within):
        return _is_plain(value, form.form) and (
            (form.least is None or value >= form.least)
            and (form.most is None or value <= form.most)
            and (form.above is None or value > form.above)
            and (form.below is None or value < form.below)
        )
    return is_number(value) if form is float else type(value) is form


def _words(form: Any) -> str:
    if isinstance(form, Maybe):
        return f"{_words(form.form)} or null"
    if isinstance(form, OneOf):
        return " or ".join(map(_words, form.forms))
    if isinstance(form, Among):
        return f"one of {', '.join(map(repr, form.values))}"
    if isinstance(form, Within):
        bounds = {"of at least": form.least, "above": form.above, "of at most": form.most, "below": form.below}
        told = " and ".join(f"{word} {bound:,}" for word, bound in bounds.items() if bound is not None)
        return f"{_words(form.form)} {told}"
    if isinstance(form, Listed) and (form.least or form.most is not None):
        most = "or more" if form.most is None else f"to {form.most:,}"
        return f"a list of {form.least:,} {most}"
    if isinstance(form, list | Listed):
        return "a list"
    return "an object" if isinstance(form, dict | MapOf | Exactly) else _WORDS[form]
