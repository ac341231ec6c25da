"""The probability from which on an answer is yes, chosen on examples that were not trained on."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from derin.core.errors import DerinWarning, UnknownNameError, UsageError
from derin.core.messages import format_number, translate
from derin.tasks.base import BaseTask
from derin.tasks.binary import Binary
from derin.tasks.classes import checked_share
from derin.tasks.multilabel import MultiLabel
from derin.train.protocol import Outputs

_ROUNDING = 1e-12  # of shares of float64
CRITERIA = Binary.threshold_criteria
PRECISION = "precision=0.9"  # how the lowest threshold of at least a precision is asked for


def decide_by(task: BaseTask, threshold: str | float) -> str | None:
    """Takes the probability from which on an answer is yes, or what it is to be chosen for.

    Args:
        task: whose threshold is set, for every label where it has several.
        threshold: a number from 0 to 1, also as text, one of the task's criteria, or a precision that is required, such
            as ``"precision=0.9"``.

    Returns:
        the criterion that is followed once the network is trained; None where a number was given.

    Raises:
        UsageError: the task has no thresholds, or the number lies elsewhere.
        UnknownNameError: no criterion has that name.

    Example:
        >>> task = Binary(columns=["sick"], classes=["no", "yes"])
        >>> decide_by(task, "0.2"), task.threshold, decide_by(task, "f1")
        (None, 0.2, 'f1')
    """
    if not task.threshold_criteria:
        raise UsageError(
            "threshold is of the tasks binary and multilabel, whose answers are yes or no, and of those that find "
            f"boxes; the task is {task.name!r}."
        )
    try:
        number = checked_share("threshold", float(threshold), below_one=False)
    except ValueError:
        if threshold not in task.threshold_criteria and required_precision(str(threshold)) is None:
            known = (*task.threshold_criteria, PRECISION)
            raise UnknownNameError("criterion of thresholds", str(threshold), known) from None
        return str(threshold)
    _set(task, [number] * len(task.classes))
    return None


def required_precision(criterion: str) -> float | None:
    """The precision that a criterion requires; None for criteria of another kind.

    Example:
        >>> required_precision("precision=0.9"), required_precision("f1")
        (0.9, None)
    """
    name, _, number = criterion.partition("=")
    if name != "precision":
        return None
    try:
        return checked_share("precision", float(number), below_one=False)
    except ValueError:
        raise UsageError(f"A required precision is a number up to 1, as in {PRECISION}; got {criterion!r}.") from None


def choose_thresholds(task: BaseTask, outputs: Outputs, targets: Tensor, *, criterion: str = "f1") -> dict[str, Any]:
    """Sets the threshold of a binary task, or those of every label, to the best on these examples.

    Args:
        task: whose threshold is set.
        outputs: of the validation split, as `predict` gives them. Never of the test split: what is chosen on it, it can
            no longer measure.
        targets: the truth, as in a batch.
        criterion: of `CRITERIA`.

    Returns:
        ``criterion``, ``values`` and ``num_examples``, as run.json keeps them; and ``unreached``, the largest precision
        by class of those that never have the required one.

    Raises:
        UsageError: the task has no thresholds.

    Example:
        >>> import torch
        >>> task = Binary(columns=["sick"], classes=["no", "yes"])
        >>> yes = torch.tensor([0.05, 0.1, 0.3, 0.4])
        >>> outputs = {"probabilities": torch.stack([1 - yes, yes], 1)}
        >>> _ = choose_thresholds(task, outputs, torch.tensor([0.0, 0, 1, 1]))
        >>> round(task.threshold, 3)
        0.2
    """
    probabilities, truth = outputs["probabilities"].double().cpu().numpy(), targets.cpu().numpy() >= 0.5
    if isinstance(task, Binary):
        probabilities, truth = probabilities[:, 1:], truth[:, None]
    elif not isinstance(task, MultiLabel):
        raise UsageError(f"Only binary and multilabel tasks have thresholds; got the task {task.name!r}.")
    values = [best_threshold(column, true, criterion) for column, true in zip(probabilities.T, truth.T, strict=True)]
    _set(task, values)
    names = task.classes[-len(values) :]
    precisions = {
        name: float(true[column >= value].mean()) if (column >= value).any() else 0.0
        for name, column, true, value in zip(names, probabilities.T, truth.T, values)
    }
    return {
        "criterion": criterion, "values": values, "num_examples": len(truth), **unreached(criterion, precisions)
    }  # fmt: skip


def unreached(criterion: str, precisions: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Under ``"unreached"`` the classes that have not the precision that a criterion requires, of which a warning says
    so; empty where there are none.

    Args:
        criterion: of thresholds.
        precisions: with them, by class.
    """
    wanted = required_precision(criterion)
    short = {name: value for name, value in precisions.items() if wanted is not None and value < wanted - _ROUNDING}
    if not short:
        return {}
    warnings.warn(unreached_text(criterion, short), DerinWarning, stacklevel=2)
    return {"unreached": short}


def unreached_text(criterion: str, short: Mapping[str, float]) -> str:
    """The sentence on classes that never have the precision that is required."""
    classes = ", ".join(f"{name} {format_number(value, '.3g')}" for name, value in short.items())
    return translate("fit.precision_unreached", precision=required_precision(criterion), classes=classes)


def _set(task: Any, values: list[float]) -> None:
    if isinstance(task, Binary):
        task.threshold = values[0]
    else:
        task.thresholds = tuple(values)


def best_threshold(
    probabilities: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_], criterion: str = "f1"
) -> float:
    """The threshold with the best criterion, in the middle between two probabilities that occur.

    Of a required precision it is the lowest threshold that has it, or the lowest with the largest precision where none
    does. Among equally good ones the one nearest to 0.5 is taken, and 0.5 where only one kind of example exists.

    Shapes:
        both ``(N,)``.
    """
    wanted = required_precision(criterion)
    if criterion not in CRITERIA and wanted is None:
        raise UnknownNameError("criterion of thresholds", criterion, (*CRITERIA, PRECISION))
    if truth.all() or not truth.any():
        return 0.5
    values, places = np.unique(probabilities, return_inverse=True)
    positives = np.bincount(places, truth, minlength=len(values))
    counts = np.bincount(places, minlength=len(values))
    # Candidate i says yes from values[i] on; the last one never says yes.
    right = np.append(np.cumsum(positives[::-1])[::-1], 0.0)
    predicted = np.append(np.cumsum(counts[::-1])[::-1], 0.0)
    num, num_positive = float(len(truth)), float(truth.sum())
    refused = (num - num_positive) - (predicted - right)
    if wanted is not None:
        precision = right / np.maximum(predicted, 1.0)
        score = np.where(precision >= min(wanted, precision.max()) - _ROUNDING, predicted, -1.0)
    elif criterion == "f1":
        score = 2 * right / (predicted + num_positive)
    elif criterion == "accuracy":
        score = (right + refused) / num
    else:
        score = (right / num_positive + refused / (num - num_positive)) / 2
    # Candidate i lies above `below[i]` and not above `above[i]`, at 0.5 where that is between them.
    below, above = np.append(0.0, values), np.append(values, 1.0)
    middle = ((below + above) / 2).astype(np.float32).astype(np.float64)  # probabilities are compared in float32
    candidates = np.where((below < 0.5) & (above >= 0.5), 0.5, np.where(middle > below, middle, above))
    if values[-1] >= 1.0:
        score[-1] = -1.0  # no threshold says no to certainty
    best = np.flatnonzero(score >= score.max() - _ROUNDING)
    return float(candidates[best[np.argmin(np.abs(candidates[best] - 0.5))]])
