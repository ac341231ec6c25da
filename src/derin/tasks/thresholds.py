"""The probability from which on an answer is yes, chosen on examples that were not trained on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import Tensor

from derin.core.errors import UnknownNameError, UsageError
from derin.tasks.base import BaseTask
from derin.tasks.binary import Binary
from derin.tasks.classes import checked_share
from derin.tasks.multilabel import MultiLabel
from derin.train.protocol import Outputs

CRITERIA = ("f1", "accuracy", "balanced_accuracy")


def decide_by(task: BaseTask, threshold: str | float) -> str | None:
    """Takes the probability from which on an answer is yes, or what it is to be chosen for.

    Args:
        task: whose threshold is set, for every label where it has several.
        threshold: a number from 0 to 1, also as text, or one of `CRITERIA`.

    Returns:
        the criterion that `choose_thresholds` follows once the network is trained; None where a number was given.

    Raises:
        UsageError: the task has no thresholds, or the number lies elsewhere.
        UnknownNameError: no criterion has that name.

    Example:
        >>> task = Binary(columns=["sick"], classes=["no", "yes"])
        >>> decide_by(task, "0.2"), task.threshold, decide_by(task, "f1")
        (None, 0.2, 'f1')
    """
    if not isinstance(task, Binary | MultiLabel):
        raise UsageError(
            f"threshold is of the tasks binary and multilabel, whose answers are yes or no; the task is {task.name!r}."
        )
    try:
        number = checked_share("threshold", float(threshold), below_one=False)
    except ValueError:
        if threshold not in CRITERIA:
            raise UnknownNameError("criterion of thresholds", str(threshold), CRITERIA) from None
        return str(threshold)
    _set(task, [number] * len(task.classes))
    return None


def choose_thresholds(
    task: BaseTask, outputs: Outputs, targets: Tensor, *, criterion: str = "f1"
) -> dict[str, str | int | list[float]]:
    """Sets the threshold of a binary task, or those of every label, to the best on these examples.

    Args:
        task: whose threshold is set.
        outputs: of the validation split, as `predict` gives them. Never of the test split: what is chosen on it, it can
            no longer measure.
        targets: the truth, as in a batch.
        criterion: of `CRITERIA`.

    Returns:
        ``criterion``, ``values`` and ``num_examples``, as run.json keeps them.

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
    return {"criterion": criterion, "values": values, "num_examples": len(truth)}


def _set(task: Binary | MultiLabel, values: list[float]) -> None:
    if isinstance(task, Binary):
        task.threshold = values[0]
    else:
        task.thresholds = tuple(values)


def best_threshold(
    probabilities: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_], criterion: str = "f1"
) -> float:
    """The threshold with the best criterion, in the middle between two probabilities that occur.

    Among equally good ones the one nearest to 0.5 is taken, and 0.5 where only one kind of example exists.

    Shapes:
        both ``(N,)``.
    """
    if criterion not in CRITERIA:
        raise UnknownNameError("criterion of thresholds", criterion, CRITERIA)
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
    if criterion == "f1":
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
    best = np.flatnonzero(score >= score.max() - 1e-12)
    return float(candidates[best[np.argmin(np.abs(candidates[best] - 0.5))]])
