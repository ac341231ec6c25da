"""Measurements of multi-label classification."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from derin.data.batch import Batch
from derin.tasks.metrics.counts import ClassCounts
from derin.tasks.metrics.intervals import Floats, Interval, around_auc, bootstrap, wilson
from derin.tasks.metrics.ranks import expit, roc_auc, roc_auc_influence
from derin.tasks.metrics.reliability import Reliability
from derin.tasks.metrics.sums import Collected, LossSum, ratio, wide_dtype
from derin.train.protocol import Outputs

Criterion = Callable[[Tensor, Tensor, Tensor | None], tuple[Tensor, Tensor | None]]


class MultiLabelMetrics:
    """Adds up on the device what a pass over examples with several labels needs.

    Args:
        classes: the names of the labels.
        criterion: the task's loss of (logits, target, weights).
        thresholds: the probability of each label from which on it is set.

    `compute` gives ``loss``, ``subset_accuracy`` (all labels right), ``hamming_loss`` (share of wrong labels),
    ``precision_macro``, ``recall_macro``, ``f1_macro`` (0 for a label that is neither set nor predicted, as in
    scikit-learn), ``f1_micro``, ``auc_macro``, ``ece`` and ``brier`` over all labels, and ``per_class``.
    """

    def __init__(self, classes: Sequence[str], criterion: Criterion, thresholds: Sequence[float]) -> None:
        self.classes = tuple(classes)
        self._criterion = criterion
        self._thresholds = torch.tensor(thresholds, dtype=torch.float32)
        self._loss = LossSum()
        self._reliability = Reliability()
        self._collected = Collected()
        self._counts: Tensor | None = None  # (3, labels): right, predicted, true
        self._sums: Tensor | None = None  # examples with all labels right, wrong labels, squared error
        self._num_examples = 0

    @torch.no_grad()
    def update(self, outputs: Outputs, batch: Batch) -> None:
        """One batch of what `predict` gave.

        Shapes:
            logits, probabilities and target ``(B, labels)``.
        """
        target = batch["target"]
        self._loss.add(*self._criterion(outputs["logits"], target, batch.columns.get("weight")), batch)
        probabilities = outputs["probabilities"]
        device = probabilities.device
        self._thresholds = self._thresholds.to(device)
        truth, predicted = target >= 0.5, probabilities >= self._thresholds
        right = truth == predicted
        counts = torch.stack([(truth & predicted).sum(dim=0), predicted.sum(dim=0), truth.sum(dim=0)])
        wide = wide_dtype(device)
        squares = (probabilities - truth.to(probabilities.dtype)).square().sum()
        sums = torch.stack([part.to(wide) for part in (right.all(dim=1).sum(), (~right).sum(), squares)])
        self._counts = counts if self._counts is None else self._counts + counts
        self._sums = sums if self._sums is None else self._sums + sums
        answers = torch.where(predicted, probabilities, 1 - probabilities)
        self._reliability.add(answers.reshape(-1), right.reshape(-1))
        self._collected.add(outputs["logits"], truth)
        self._num_examples += len(target)

    def compute(self) -> dict[str, Any]:
        num, num_labels = self._num_examples, len(self.classes)
        counts = np.zeros((3, num_labels)) if self._counts is None else self._counts.double().cpu().numpy()
        whole, wrong, squares = (0.0, 0.0, 0.0) if self._sums is None else self._sums.tolist()
        per = ClassCounts(*counts)
        precision, recall, f1, auc = per.precision(), per.recall(), per.f1(), self._auc()
        columns = zip(self.classes, precision.tolist(), recall.tolist(), f1.tolist(), auc.tolist(), counts[2].tolist())
        return {
            "loss": self._loss.mean(),
            "subset_accuracy": ratio(whole, num),
            "hamming_loss": ratio(wrong, num * num_labels),
            "precision_macro": _mean(precision, num),
            "recall_macro": _mean(recall, num),
            "f1_macro": _mean(f1, num),
            "f1_micro": ratio(2 * float(counts[0].sum()), float(counts[1].sum() + counts[2].sum())),
            "auc_macro": float("nan") if np.isnan(auc).all() else float(np.nanmean(auc)),
            "ece": self._reliability.error(),
            "brier": ratio(squares, num * num_labels),
            "per_class": {
                name: {"precision": p, "recall": r, "f1": f, "auc": a, "support": int(n)}
                for name, p, r, f, a, n in columns
            },
        }

    def intervals(self) -> dict[str, Interval]:
        """95 % intervals by the names of `compute`: Wilson's for shares, DeLong's for the AUC, bootstrap for the rest.

        Left out is what would need more examples than are kept.
        """
        arrays = self._collected.arrays()
        if self._sums is None or arrays is None:
            return {}
        scores, truth = arrays[0].double().numpy(), arrays[1].numpy()
        predicted = (arrays[0].sigmoid() >= self._thresholds.cpu()).numpy()
        right = [(truth & predicted), predicted, truth]
        # 1 − p of a label that is set, and p of one that is not, from the logits: neither loses its digits.
        squares = np.square(expit(np.where(truth, -scores, scores))).mean(axis=1)
        wrong = (truth != predicted).mean(axis=1)
        values = np.concatenate([*right, wrong[:, None], squares[:, None]], axis=1, dtype=np.float64)
        result = {"subset_accuracy": wilson(round(self._sums[0].item()), self._num_examples)}
        result |= bootstrap(values, self._of_means)
        influences = [roc_auc_influence(scores[:, i], truth[:, i]) for i in range(len(self.classes))]
        defined = [influence for influence in influences if not np.isnan(influence).any()]
        if defined:
            result["auc_macro"] = around_auc(float(np.nanmean(self._auc())), np.mean(defined, axis=0))
        return result

    def _of_means(self, means: Floats) -> dict[str, Floats]:
        """The metrics of resamples from the means of counts, wrong labels and squares, ``(R, 3 · labels + 2)``."""
        right, predicted, true = np.split(means[:, :-2], 3, axis=1)
        per = ClassCounts(right, predicted, true)
        both = (predicted + true).sum(axis=1)
        return {
            "hamming_loss": means[:, -2],
            "brier": means[:, -1],
            "precision_macro": np.nan_to_num(per.precision()).mean(axis=1),
            "recall_macro": np.nan_to_num(per.recall()).mean(axis=1),
            "f1_macro": np.nan_to_num(per.f1()).mean(axis=1),
            "f1_micro": np.divide(2 * right.sum(axis=1), both, out=np.full_like(both, np.nan), where=both > 0),
        }

    def _auc(self) -> np.ndarray:
        arrays = self._collected.arrays()
        if arrays is None:
            return np.full(len(self.classes), np.nan)
        scores, truth = arrays[0].numpy(), arrays[1].numpy()
        return np.array([roc_auc(scores[:, i], truth[:, i]) for i in range(len(self.classes))])


def _mean(values: np.ndarray, num_examples: int) -> float:
    """The mean over the labels, an undefined one counting as 0; NaN before the first example."""
    return float(np.nan_to_num(values).mean()) if num_examples else float("nan")
