"""Measurements of multi-class and binary classification."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from derin.data.batch import Batch
from derin.tasks.metrics.counts import ClassCounts, Floats
from derin.tasks.metrics.intervals import Interval, around_auc, bootstrap, bootstrap_confusion, wilson
from derin.tasks.metrics.ranks import expit, roc_auc, roc_auc_influence
from derin.tasks.metrics.reliability import Reliability
from derin.tasks.metrics.sums import Collected, LossSum, ratio, wide_dtype
from derin.train.protocol import Outputs

CONFUSION_LIMIT = 200  # classes up to which the confusion matrix is kept; nobody reads a larger one
PER_CLASS_LIMIT = 1_000  # classes that are listed one by one; of more, the weakest of those that occur
TOP_FROM = 6  # classes from which on "among the five most probable" says something

Criterion = Callable[[Tensor, Tensor, Tensor | None], tuple[Tensor, Tensor | None]]


class ClassificationMetrics:
    """Adds up on the device, without waiting for it, what one pass over a split needs.

    Args:
        classes: their names.
        criterion: the task's loss of (logits, target, weights), without label smoothing.

    `compute` gives ``loss`` (the mean of `criterion`), ``accuracy``,
    ``top5_accuracy`` (from six classes on), ``precision_macro``, ``recall_macro``, ``f1_macro``, ``auc_macro`` (one
    against the rest, by the logits), ``ece``, ``brier``, ``per_class`` (precision, recall, f1, auc, support by name;
    of more than 1 000 classes those with the lowest F1) and, up to 200 classes, ``confusion`` (rows: truth, columns:
    predictions). What is undefined, such as the recall of a class that never
    occurs, is NaN. Only the loss is weighted.
    """

    def __init__(self, classes: Sequence[str], criterion: Criterion) -> None:
        self.classes = tuple(classes)
        self._criterion = criterion
        self._loss = LossSum()
        self._reliability = Reliability()
        self._collected = Collected()
        self._counts: Tensor | None = None  # (3, classes): right, predicted, true
        self._confusion: Tensor | None = None  # (classes · classes,)
        self._sums: Tensor | None = None  # right among the top five, squared error of the probabilities
        self._num_examples = 0

    @torch.no_grad()
    def update(self, outputs: Outputs, batch: Batch) -> None:
        """One batch of what `predict` gave.

        Shapes:
            logits and probabilities ``(B, classes)``; target ``(B,)`` int64 or ``(B, classes)`` mixed.
        """
        target = batch["target"]
        self._loss.add(*self._criterion(outputs["logits"], target, _weights(batch)), batch)
        probabilities = outputs["probabilities"]
        truth = target.argmax(dim=1) if target.ndim == 2 else target
        confidence, predicted = probabilities.max(dim=1)
        self._add(probabilities, log_odds(outputs["logits"]), truth, predicted, confidence)

    def _add(self, probabilities: Tensor, odds: Tensor, truth: Tensor, predicted: Tensor, confidence: Tensor) -> None:
        """Counts one batch; `odds` are the logarithms of p / (1 − p) of every class, ``(B, classes)``."""
        num_classes, device = len(self.classes), probabilities.device
        if self._counts is None or self._sums is None:
            self._counts = torch.zeros(3, num_classes, dtype=torch.int64, device=device)
            self._sums = torch.zeros(2, dtype=wide_dtype(device), device=device)
            if num_classes <= CONFUSION_LIMIT:
                self._confusion = torch.zeros(num_classes**2, dtype=torch.int64, device=device)
        right = predicted == truth
        ones = torch.ones_like(truth)
        # Adding at given places, unlike bincount, does not wait for the device.
        self._counts[0].scatter_add_(0, truth, right.long())
        self._counts[1].scatter_add_(0, predicted, ones)
        self._counts[2].scatter_add_(0, truth, ones)
        if self._confusion is not None:
            self._confusion.scatter_add_(0, truth * num_classes + predicted, ones)
        of_truth = probabilities.gather(1, truth[:, None])
        # Among equal probabilities the earlier class ranks first, so that a network that says nothing gets no credit.
        places = torch.arange(num_classes, device=device)
        before = (probabilities > of_truth) | ((probabilities == of_truth) & (places < truth[:, None]))
        errors = probabilities.scatter_add(1, truth[:, None], torch.full_like(of_truth, -1.0))
        squares = errors.square().sum(dtype=self._sums.dtype)
        self._sums += torch.stack([(before.sum(dim=1) < 5).sum().to(self._sums.dtype), squares])
        self._reliability.add(confidence, right)
        self._collected.add(odds, truth)
        self._num_examples += len(truth)

    def compute(self) -> dict[str, Any]:
        num_classes, num = len(self.classes), self._num_examples
        counts = np.zeros((3, num_classes)) if self._counts is None else self._counts.cpu().numpy()
        top5, squares = (0.0, 0.0) if self._sums is None else self._sums.tolist()
        per = ClassCounts(*counts.astype(np.float64))
        precision, recall, f1, auc = per.precision(), per.recall(), per.f1(), self._auc()
        result = {"loss": self._loss.mean(), "accuracy": ratio(float(counts[0].sum()), num)}
        if num_classes >= TOP_FROM:
            result["top5_accuracy"] = ratio(top5, num)
        result |= {
            "precision_macro": float(per.macro(precision)),
            "recall_macro": float(per.macro(recall)),
            "f1_macro": float(per.macro(f1)),
            "auc_macro": float("nan") if np.isnan(auc).all() else float(np.nanmean(auc)),
            "ece": self._reliability.error(),
            "brier": ratio(squares, num),
        }
        details: dict[str, Any] = {
            "per_class": {
                self.classes[i]: {
                    "precision": float(precision[i]),
                    "recall": float(recall[i]),
                    "f1": float(f1[i]),
                    "auc": float(auc[i]),
                    "support": int(counts[2][i]),
                }
                for i in _listed_classes(f1, counts[2])
            }
        }
        if num_classes <= CONFUSION_LIMIT:
            details["confusion"] = (
                np.zeros((num_classes, num_classes), dtype=int).tolist()
                if self._confusion is None
                else self._confusion.view(num_classes, num_classes).tolist()
            )
        return result | details

    def intervals(self) -> dict[str, Interval]:
        """95 % intervals by the names of `compute`: Wilson's for shares, DeLong's for the AUC, bootstrap for the rest.

        Left out is what would need more examples than are kept.
        """
        if self._counts is None or self._sums is None:
            return {}
        num, num_right = self._num_examples, int(self._counts[0].sum().item())
        result = {"accuracy": wilson(num_right, num)}
        if len(self.classes) >= TOP_FROM:
            result["top5_accuracy"] = wilson(round(self._sums[0].item()), num)
        if self._confusion is not None:
            confusion = self._confusion.view(len(self.classes), -1).cpu().numpy()
            result |= bootstrap_confusion(confusion, self._of_counts)
        arrays = self._collected.arrays()
        if arrays is not None:
            scores, truth = arrays[0].double().numpy(), arrays[1].numpy()
            result |= self._auc_interval(scores, truth)
            # p of a wrong class and 1 − p of the true one, both from the odds, so that neither loses its digits.
            scores[np.arange(num), truth] *= -1
            squares = np.square(expit(scores)).sum(axis=1)
            result |= bootstrap(squares[:, None] * self._brier_share, lambda means: {"brier": means[:, 0]})
        return result

    _brier_share = 1.0

    def _of_counts(self, confusions: Floats) -> dict[str, Floats]:
        """What follows from confusion matrices, ``(R, classes, classes)`` → ``(R,)`` each."""
        per = ClassCounts.of_confusion(confusions)
        return {
            "precision_macro": per.macro(per.precision()),
            "recall_macro": per.macro(per.recall()),
            "f1_macro": per.macro(per.f1()),
        }

    def _auc_interval(self, scores: Floats, truth: npt.NDArray[np.int64]) -> dict[str, Interval]:
        influences = [roc_auc_influence(scores[:, i], truth == i) for i in range(len(self.classes))]
        defined = [influence for influence in influences if not np.isnan(influence).any()]
        auc = self._auc()
        if not defined:
            return {}
        return {"auc_macro": around_auc(float(np.nanmean(auc)), np.mean(defined, axis=0))}

    def _auc(self) -> np.ndarray:
        """The AUC of each class against the rest; NaN where it is undefined or too much would have to be kept."""
        arrays = self._collected.arrays()
        if arrays is None:
            return np.full(len(self.classes), np.nan)
        scores, truth = arrays[0].numpy(), arrays[1].numpy()
        return np.array([roc_auc(scores[:, i], truth == i) for i in range(len(self.classes))])


def _listed_classes(f1: Floats, support: npt.NDArray[np.int64]) -> list[int]:
    """The classes that are listed one by one, in their order; of equally weak ones those with more examples."""
    if len(f1) <= PER_CLASS_LIMIT:
        return list(range(len(f1)))
    weakest = np.lexsort((-support, f1))  # what neither occurs nor is answered has no F1, and stands last
    return sorted(weakest[: min(PER_CLASS_LIMIT, int((~np.isnan(f1)).sum()))].tolist())


class BinaryMetrics(ClassificationMetrics):
    """As `ClassificationMetrics`, with ``precision``, ``recall``, ``f1`` and ``auc`` of the second class instead of
    means.

    ``brier`` is (p − t)² of that class. Predictions follow the threshold.

    Args:
        classes: the names of "no" and "yes".
        criterion: the task's loss of (logits, target, weights), without label smoothing.
        threshold: the probability of "yes" from which on the answer is yes.
    """

    _brier_share = 0.5  # both classes' squares are equal, and convention counts one

    def __init__(self, classes: Sequence[str], criterion: Criterion, threshold: float) -> None:
        super().__init__(classes, criterion)
        self.threshold = threshold

    @torch.no_grad()
    def update(self, outputs: Outputs, batch: Batch) -> None:
        """One batch of what `predict` gave.

        Shapes:
            logits ``(B,)``, probabilities ``(B, 2)``; target ``(B,)``, or ``(B, 2)`` mixed.
        """
        target = batch["target"]
        self._loss.add(*self._criterion(outputs["logits"], target, _weights(batch)), batch)
        probabilities = outputs["probabilities"]
        truth = (target[:, 1] if target.ndim == 2 else target) >= 0.5
        predicted = (probabilities[:, 1] >= self.threshold).long()
        odds = torch.stack([-outputs["logits"], outputs["logits"]], dim=1)
        self._add(probabilities, odds, truth.long(), predicted, probabilities.gather(1, predicted[:, None])[:, 0])

    def compute(self) -> dict[str, Any]:
        measured = super().compute()
        yes = measured["per_class"][self.classes[1]]
        return {
            "loss": measured["loss"],
            "accuracy": measured["accuracy"],
            "precision": yes["precision"],
            "recall": yes["recall"],
            "f1": yes["f1"],
            "auc": yes["auc"],
            "ece": measured["ece"],
            "brier": measured["brier"] * self._brier_share,
            "per_class": measured["per_class"],
            "confusion": measured["confusion"],
        }

    def _of_counts(self, confusions: Floats) -> dict[str, Floats]:
        per = ClassCounts.of_confusion(confusions)
        return {"precision": per.precision()[:, 1], "recall": per.recall()[:, 1], "f1": per.f1()[:, 1]}

    def _auc_interval(self, scores: Floats, truth: npt.NDArray[np.int64]) -> dict[str, Interval]:
        return {"auc": around_auc(float(self._auc()[1]), roc_auc_influence(scores[:, 1], truth == 1))}


def log_odds(logits: Tensor) -> Tensor:
    """ln p / (1 − p) of every class under a softmax: zₖ − ln Σ exp zⱼ over the other classes j.

    What ranks examples is this and not p, which is 1 or 0 to the last digit where a network is sure.

    Shapes:
        ``(B, classes)`` → the same.

    Example:
        >>> log_odds(torch.tensor([[40.0, 0.0], [41.0, 0.0]])).tolist()
        [[40.0, -40.0], [41.0, -41.0]]
    """
    log_p = logits.log_softmax(dim=1)
    # Below one half 1 − p keeps its digits; above it, which one class at most can be, the others are summed anew.
    odds = log_p - torch.log1p(-log_p.exp().clamp_max(0.75))
    best = logits.argmax(dim=1, keepdim=True)
    others = logits.scatter(1, best, -torch.inf).logsumexp(dim=1, keepdim=True)
    return odds.scatter(1, best, logits.gather(1, best) - others)


def _weights(batch: Batch) -> Tensor | None:
    return batch.columns.get("weight")
