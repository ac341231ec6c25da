"""A task's part of a card: a card may come from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derin.core.fields import Exactly, Listed, checked_form

_MOST = 1_000_000  # more classes than any data set has; a card that claims more wants to exhaust the memory
NAMES = Listed(str, 1, _MOST)
NUMBERS = Listed(float, 0, _MOST)


def checked(task: str, data: Mapping[str, Any], forms: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a card, exactly those of `forms` beside the name, each of its form; lists become tuples.

    Raises:
        RefusedFileError: a field is missing, unknown or of another form.
    """
    checked_form(data, Exactly({"name": str, **forms}), f"The card's {task} task")
    return {field: tuple(v) if isinstance(v := data[field], list) else v for field in forms}
