"""Strict reading of a task's part of a card: a card may come from anywhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from derin.core.errors import RefusedFileError

MOST_NAMES = 1_000_000  # more classes than any data set has; a card that claims more wants to exhaust the memory


def is_number(value: Any) -> bool:
    """A finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_numbers(value: Any) -> bool:
    """A list of finite numbers."""
    return isinstance(value, list) and len(value) <= MOST_NAMES and all(is_number(v) for v in value)


def is_name(value: Any) -> bool:
    """A string."""
    return isinstance(value, str)


def is_flag(value: Any) -> bool:
    """True or false."""
    return isinstance(value, bool)


def is_names(value: Any) -> bool:
    """A list of strings, not empty."""
    return isinstance(value, list) and 0 < len(value) <= MOST_NAMES and all(is_name(v) for v in value)


def optional(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """The check, or nothing at all."""
    return lambda value: value is None or check(value)


def checked(task: str, data: Mapping[str, Any], checks: Mapping[str, Callable[[Any], bool]]) -> dict[str, Any]:
    """The fields of a card, exactly those of `checks`, each passing its check; lists become tuples.

    Raises:
        RefusedFileError: a field is missing, unknown or of the wrong form.
    """
    if set(data) != {"name", *checks}:
        odd = sorted(map(str, set(data) ^ {"name", *checks}))
        raise RefusedFileError(
            f"The card of a {task} task must hold exactly the fields {', '.join(['name', *checks])}; "
            f"missing or unknown: {', '.join(odd)}. Use the Derin that wrote the file."
        )
    for field, check in checks.items():
        if not check(data[field]):
            shown = repr(data[field])
            raise RefusedFileError(
                f"The field {field!r} of the card's {task} task has a value of the wrong form: "
                f"{shown[:80] + ('…' if len(shown) > 80 else '')}. The file is damaged; use another copy."
            )
    return {field: tuple(v) if isinstance(v := data[field], list) else v for field in checks}
