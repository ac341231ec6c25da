"""Every option of every registered model that is a number refuses what no network can have."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from derin.core.errors import UsageError
from derin.models import MODELS

OPTIONS = {MODELS[name].options: name for name in reversed(list(MODELS))}
NUMBERS = [
    (options, field)
    for options in OPTIONS
    for field in dataclasses.fields(options)
    if isinstance(field.default, int | float) and str(field.type) in ("int", "float")
]
# Options with None or a list for a default, and a value of them that is refused.
OTHERS = [
    (options, name, wrong)
    for options in OPTIONS
    for name, values in {
        "widths": [(0,), (-1,), (2**62,)],
        "depths": [(0,), (-1,), (2**62,)],
        "hidden": [(0,), (-1,), (2**62,)],
        "learned": [-1],
        "dim": [-1],
    }.items()
    for wrong in values
    if any(f.name == name and not isinstance(f.default, int) for f in dataclasses.fields(options))
]
# Nought means none of them, or that the network chooses.
NONE_OF_THEM = {"imported_dim", "filters", "hidden", "output_padding", "grid", "num_conditions"}


def identity(value: Any) -> str:
    return OPTIONS.get(value) or getattr(value, "name", None) or str(value)


@pytest.mark.parametrize(("options", "field"), NUMBERS, ids=identity)
def test_numbers_outside_their_range_are_refused(options: Any, field: dataclasses.Field[Any]) -> None:
    if isinstance(field.default, int):
        wrong: list[float] = [-1, 2**62]
        wrong += [0] if field.name not in NONE_OF_THEM else []
    else:
        wrong = [-0.5, math.nan, math.inf]
    if "dropout" in field.name or field.name == "stochastic_depth":
        wrong.append(1.0)  # nothing would be left
        assert getattr(options(**{field.name: 0.0}), field.name) == 0.0
        assert getattr(options(**{field.name: 0.99}), field.name) == 0.99
    for value in wrong:
        with pytest.raises(UsageError, match=field.name):
            options(**{field.name: value})


@pytest.mark.parametrize(("options", "name", "wrong"), OTHERS, ids=identity)
def test_sizes_that_may_be_left_open_are_checked_where_they_are_given(options: Any, name: str, wrong: Any) -> None:
    with pytest.raises(UsageError, match=name):
        options(**{name: wrong})
