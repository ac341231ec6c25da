"""Names that settings had in earlier versions: scripts of that time still run, and runs of that time are resumed."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

FORMER_NAMES = {"reading": "reader_options", "look_back": "context_length", "longest": "max_length"}


def named_now(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by today's names, those of the inputs too.

    Example:
        >>> named_now({"reading": {"words": "2"}, "inputs": {"look_back": 7}, "epochs": 3})
        {'reader_options': {'words': '2'}, 'inputs': {'context_length': 7}, 'epochs': 3}
    """
    named = {FORMER_NAMES.get(name, name): value for name, value in settings.items()}
    if isinstance(named.get("inputs"), Mapping):
        named["inputs"] = {FORMER_NAMES.get(name, name): value for name, value in named["inputs"].items()}
    return named


def takes_former_names(function: Callable[P, R]) -> Callable[P, R]:
    """The function, which takes keywords by their former names too and warns of them."""

    @functools.wraps(function)
    def renaming(*args: P.args, **settings: P.kwargs) -> R:
        named = named_now(settings)
        if named != settings:
            former = ", ".join(f"{name} ({FORMER_NAMES[name]})" for name in settings if name in FORMER_NAMES)
            warn_of_former_name(function.__name__, former or "a setting of inputs")
        return function(*args, **named)

    return renaming


def warn_of_former_name(where: str, names: str) -> None:
    """Tells developers, where Python shows them such warnings, that a name has changed."""
    warnings.warn(f"{where}: a former name was used: {names}. Use today's name.", DeprecationWarning, stacklevel=3)
