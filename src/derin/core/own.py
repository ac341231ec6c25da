"""Functions and classes of the caller's own, as run.json and cards name them: ``own:module.qualified_name``."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

_MARK = "own:"


def name_of(thing: Any) -> str:
    """By which name a function, class or object of the caller's own is known again.

    Args:
        thing: a function, a class, what `functools.partial` made of one, or an object, which is known by its class.

    Example:
        >>> name_of(functools.partial), is_own(name_of(functools.partial))
        ('own:functools.partial', True)
    """
    if isinstance(thing, functools.partial):
        thing = thing.func
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    return f"{_MARK}{named.__module__}.{named.__qualname__}"


def names_of(value: Any) -> Any:
    """The names of functions, also of those under keys; what is a name already stays one."""
    if isinstance(value, Mapping):
        return {str(key): names_of(part) for key, part in value.items()}
    return name_of(value) if callable(value) else value


def is_own(value: Any) -> bool:
    """Whether a recorded value is the name of a thing of the caller's own."""
    return isinstance(value, str) and value.startswith(_MARK)
