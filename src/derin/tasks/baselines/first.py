"""What a network has to beat before anything is searched over: majority or mean, a linear model, nearest neighbors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.core.quiet import quiet
from derin.data.display import displayed
from derin.data.table import Rows, Table
from derin.tasks.baselines.linear_text import linear_text_baseline
from derin.tasks.baselines.table_methods import MOST_ROWS, MOST_VALUES, candidates

if TYPE_CHECKING:
    from derin.data.batch import Source
    from derin.data.preparation import Preparation
    from derin.tasks.supervised import SupervisedTask

_LONGEST_TEXT = 100_000  # letters of a text that are counted


def first_baselines(
    task: SupervisedTask, preparation: Preparation, table: Table, source: Callable[[str, int | None], Source]
) -> dict[str, float]:
    """Accuracy, or root mean squared error, on validation of methods that take seconds; the best setting of each.

    Linear models and neighbors see what the network sees, all numbers of an example side by side; of texts the linear
    model counts n-grams and there are no neighbors.

    Args:
        task: one class or one number for each example; of other tasks nothing is measured.
        preparation: of the network.
        table: with the splits train and val.
        source: gives the examples of a split, at most so many, neither shuffled nor augmented.

    Returns:
        by name: ``"majority"`` or ``"mean"``, ``"linear"``, ``"neighbors"``.
    """
    if "val" not in table.splits or not task.has_single_answer:
        return {}
    of_classes, truths = bool(task.classes), task.single_truths(table)
    train, val = (np.asarray(table.splits[split]) for split in ("train", "val"))

    def measured(answers: npt.NDArray[Any], rows: Rows) -> float:
        errors = truths[rows] != answers if of_classes else truths[rows] - answers
        return float(1 - errors.mean()) if of_classes else float(np.sqrt(np.square(errors).mean()))

    common = np.bincount(truths[train]).argmax() if of_classes else truths[train].mean()
    found = {"majority" if of_classes else "mean": measured(np.full(len(val), common), val)}
    if of_classes and len(np.unique(truths[train])) < 2:
        return found
    if preparation.medium == "texts" and of_classes:
        column = preparation.columns[0]
        words = [displayed(table, column, rows, max_length=_LONGEST_TEXT) for rows in (train, val)]
        linear = linear_text_baseline(words[0], truths[train], words[1], truths[val])
        return {**found, "linear": measured(linear.predict(words[1]), val)}
    if not preparation.has_fixed_shape:
        return found
    width = int(np.prod(preparation.input_shape))
    inputs, rows = _inputs(task, source("train", max(1, min(MOST_ROWS, MOST_VALUES // width))))
    val_inputs, val_rows = _inputs(task, source("val", None))
    better = max if of_classes else min
    for name in ("linear", "neighbors"):
        with quiet():  # that a fit is not converged shows in what it is worth
            models = [model.fit(inputs, truths[rows]) for _, model in candidates(name, of_classes, len(rows))]
            found[name] = better(measured(model.predict(val_inputs), val_rows) for model in models)
    return found


def _inputs(task: SupervisedTask, source: Source) -> tuple[npt.NDArray[np.float32], Rows]:
    """What the network reads of each example as one row of numbers, and which rows of the table they are."""
    numbers, rows = [], []
    for batch in source.batches(0):
        numbers.append(batch[task.input].flatten(1).float().numpy(force=True))
        rows.append(batch.rows.numpy())
    return np.concatenate(numbers), np.concatenate(rows)
