"""Class names and class weights: what they must be, and where they come from."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, UsageError
from derin.data.schema import Column, Kind
from derin.data.table import Rows, Table
from derin.tasks.targets import class_name_of, values_of

MOST_NUMBER_CLASSES = 1000  # different whole numbers that may still be meant as classes

ClassWeights = str | Sequence[float] | None


def checked_classes(task: str, classes: Sequence[str], at_least: int) -> tuple[str, ...]:
    """The names as a tuple, when they are enough and all different."""
    if len(classes) < at_least:
        raise UsageError(f"A {task} task needs at least {at_least} classes; got {len(classes)}: {', '.join(classes)}.")
    if len(set(classes)) < len(classes):
        twice = sorted({name for name in classes if list(classes).count(name) > 1})
        raise UsageError(
            f"The classes of a {task} task must have different names; these come twice: {', '.join(twice)}."
        )
    return tuple(classes)


def checked_class_weights(weights: Sequence[float] | None, classes: Sequence[str]) -> tuple[float, ...] | None:
    """One finite weight of at least 0 for each class, not all 0; or None."""
    if weights is None:
        return None
    result = tuple(float(w) for w in weights)
    if len(result) != len(classes) or not all(math.isfinite(w) and w >= 0 for w in result) or not any(result):
        raise UsageError(
            f"class_weights must be {len(classes)} finite numbers, at least 0 and not all 0, one for each class "
            f"({', '.join(classes[:8])}{', …' if len(classes) > 8 else ''}); got {list(result)[:8]}."
        )
    return result


def checked_share(name: str, value: float, *, below_one: bool) -> float:
    """A number from 0 to 1."""
    if not (0 <= value < 1 if below_one else 0 <= value <= 1):
        raise UsageError(f"{name} must lie from 0 to {'below 1' if below_one else '1'}; got {name}={value}.")
    return float(value)


def checked_temperature(value: float) -> float:
    """The number that logits are divided by, above 0."""
    if not (math.isfinite(value) and value > 0):
        raise UsageError(f"temperature must be a finite number above 0; got temperature={value}.")
    return float(value)


def classes_of(table: Table, column: Column, task: str) -> tuple[str, ...]:
    """The class names of a target; few whole numbers may be meant as classes where the task is asked for."""
    if column.kind is Kind.CATEGORY and column.classes is not None:
        return column.classes
    if column.kind is Kind.NUMBER and column.shape == ():
        values = values_of(table, column)
        distinct = np.unique(values[~np.isnan(values)])
        if len(distinct) <= MOST_NUMBER_CLASSES and (distinct == np.round(distinct)).all():
            return tuple(class_name_of(v) for v in distinct)
    raise UsageError(
        f"The task {task!r} needs a target of classes; {column.name!r} in {table.name!r} is of kind {column.kind.value}"
        f"{' with too many different values' if column.kind is Kind.NUMBER else ''}. "
        "Use task='regression' for numbers, or another target column."
    )


def class_weights_for(
    weights: ClassWeights, numbers: npt.NDArray[np.int64], rows: Rows, num_classes: int
) -> Sequence[float] | None:
    """The weights as numbers; ``"balanced"`` gives every class that occurs in `rows` the same say: n / (classes ·
    n_class).

    A class that does not occur keeps the weight 1.
    """
    if weights is None or not isinstance(weights, str):
        return weights
    if weights != "balanced":
        raise UsageError(f"class_weights must be None, 'balanced' or one number for each class; got {weights!r}.")
    counts = np.bincount(numbers[rows][numbers[rows] >= 0], minlength=num_classes)
    if not counts.any():
        raise DataError("Balanced class weights need training examples with a class; got none.")
    occurs = counts > 0
    balanced = np.ones(num_classes)
    balanced[occurs] = counts.sum() / (occurs.sum() * counts[occurs])
    return [float(w) for w in balanced]


def frequency_weights(asked: str | None, counts: npt.NDArray[np.int64], lacking: str) -> list[float]:
    """How much each class counts where many are in one picture: by default rare ones more, by 1 / √n; ``"balanced"``
    gives all the same say.

    All together count as much as without weights; a class that does not occur counts once.

    Args:
        asked: None or ``"balanced"``.
        counts: n, of each class in the training data.
        lacking: what to say where no class occurs.

    Example:
        >>> [round(weight, 3) for weight in frequency_weights(None, np.array([900, 100]), "")]
        [0.833, 2.5]
        >>> [round(weight, 3) for weight in frequency_weights("balanced", np.array([900, 100]), "")]
        [0.556, 5.0]
    """
    if asked not in (None, "balanced"):
        raise UsageError(f"class_weights must be None, 'balanced' or one number for each class; got {asked!r}.")
    occurs = counts > 0
    if not occurs.any():
        raise DataError(lacking)
    weights = np.ones(len(counts))
    weights[occurs] = counts[occurs] ** (-1.0 if asked else -0.5)
    weights[occurs] *= counts[occurs].sum() / (weights[occurs] * counts[occurs]).sum()
    return [float(weight) for weight in weights]
