"""Options of layers and models: frozen dataclasses, read from JSON or keywords, checked against their annotations."""

from __future__ import annotations

import functools
import types
from collections.abc import Hashable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from derin.core.errors import UnknownNameError, UsageError, near_matches

T = TypeVar("T")

# No network that fits a machine has a size above this; it keeps products of three sizes below 2⁶³ and hostile files
# harmless.
LARGEST_SIZE = 1_000_000


def read_options(options: type[T], given: Mapping[str, Any], *, where: str) -> T:
    """An options object from names and values, every value checked against the annotation of its field.

    Args:
        options: a frozen dataclass whose annotations are bool, int, float, str, Literal, tuples of these, or None
            beside them.
        given: values by name; a list stands for a tuple.
        where: whose options these are, for messages (``"resnet20"``).

    Raises:
        UnknownNameError: a name that is no option; lists near matches.
        UsageError: a value of another type, or one that the options themselves refuse.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True, kw_only=True)
        ... class Widths:
        ...     widths: tuple[int, ...] = (8, 16)
        >>> read_options(Widths, {"widths": [4, 2]}, where="net")
        Widths(widths=(4, 2))
    """
    hints = _hints(cast(Hashable, options))
    values = {}
    for name, value in given.items():
        if name not in hints:
            raise UnknownNameError(f"option of {where}", name, hints)
        fits, values[name] = _convert(value, hints[name])
        if not fits:
            wanted = _spell(hints[name])
            hint = ""
            if get_origin(hints[name]) is Literal and isinstance(value, str):
                hint = f"; {near_matches(value, map(str, get_args(hints[name])))}"
            raise UsageError(f"The option {name!r} of {where} must be {wanted}; got {value!r}{hint}.")
    missing = [f.name for f in fields(options) if f.init and _has_no_default(f) and f.name not in values]  # type: ignore[arg-type]
    if missing:
        raise UsageError(f"{where} needs the option {missing[0]!r}; got {', '.join(given) or 'none'}.")
    return options(**values)


def options_to_json(options: Any) -> dict[str, Any]:
    """The fields of an options object as JSON values; tuples become lists."""
    return {f.name: _plain(getattr(options, f.name)) for f in fields(options) if f.init}


def require_range(where: str, name: str, value: float, low: float, high: float = LARGEST_SIZE) -> None:
    """Refuses a number outside ``low <= value <= high`` in one sentence; NaN is outside everything.

    Raises:
        UsageError: naming the option, the range and what came.
    """
    if not low <= value <= high:
        raise UsageError(f"{where}.{name} must be between {low:,} and {high:,}; got {name}={value!r}.")


@functools.cache
def _hints(options: Any) -> dict[str, Any]:
    hints = get_type_hints(options)
    return {f.name: hints[f.name] for f in fields(options) if f.init}


def _has_no_default(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _convert(value: Any, hint: Any) -> tuple[bool, Any]:
    """Whether a value fits an annotation, and the value in the annotation's own form."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        for option in inner:
            fits, converted = _convert(value, option)
            if fits:
                return True, converted
        return False, value
    if origin is Literal:
        return value in inner and type(value) in {type(i) for i in inner}, value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            return False, value
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else list(inner)
        if len(kinds) != len(value):
            return False, value
        pairs = [_convert(v, k) for v, k in zip(value, kinds)]
        return all(fits for fits, _ in pairs), tuple(converted for _, converted in pairs)
    if hint is type(None):
        return value is None, value
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool), value
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool), value
    return isinstance(value, hint), value


def _spell(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_spell(i) for i in inner)
    if origin is Literal:
        return "one of " + ", ".join(repr(i) for i in inner)
    if origin is tuple:
        return f"a list of {_spell(inner[0])}" if inner[-1] is Ellipsis else f"{len(inner)} times {_spell(inner[0])}"
    return {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): "none"}.get(
        hint, str(hint)
    )


def _plain(value: Any) -> Any:
    return [_plain(v) for v in value] if isinstance(value, tuple) else value
