"""Measurements of tagging: spans that agree in both ends and in type, and tags word by word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from derin.data.batch import Batch
from derin.data.tag_schemes import span_types
from derin.tasks.metrics.counts import ClassCounts, Floats
from derin.tasks.metrics.intervals import Interval, bootstrap
from derin.tasks.metrics.sums import LossSum, ratio
from derin.train.protocol import Outputs


def spans_of(tags: Tensor) -> tuple[Tensor, Tensor]:
    """Where spans of BIO tags end, told at the word where they begin.

    I-X after anything but B-X or I-X begins a span, as the scorer of CoNLL-2000 and seqeval's default read it.

    Args:
        tags: in the order ``O, B-X, I-X, B-Y, I-Y, …``, 0 at padding.

    Shapes:
        ``(B, T)`` int64 → two of ``(B, T)`` int64: the type's number from 1 and the last word of the span that begins
        here; 0 and -1 where none begins.

    Example:
        >>> spans_of(torch.tensor([[1, 2, 0, 4, 2]]))
        (tensor([[1, 0, 0, 2, 1]]), tensor([[ 1, -1, -1,  3,  4]]))
    """
    kinds = (tags + 1) // 2
    before = torch.nn.functional.pad(kinds[:, :-1], (1, 0))
    begins = (kinds > 0) & ((tags % 2 == 1) | (kinds != before))
    goes_on = (kinds > 0) & ~begins
    ends = (kinds > 0) & ~torch.nn.functional.pad(goes_on[:, 1:], (0, 1))
    num_words = tags.shape[1]
    place = torch.arange(num_words, device=tags.device).expand_as(tags)
    # The next end at or after each word: the least of the ends from there on.
    following = place.masked_fill(~ends, num_words).flip(1).cummin(dim=1).values.flip(1)
    return kinds.masked_fill(~begins, 0), following.masked_fill(~begins, -1)


class EntityMetrics:
    """Adds up on the device, without waiting for it, what one pass over a split needs.

    Args:
        classes: the tags: as of `data.tag_schemes.bio_classes`, or plain ones, each word then being a span of its own.

    `compute` gives ``loss`` (−log p of the true tags, in nats for each word), ``precision``, ``recall`` and ``f1`` of
    spans over all types together, ``accuracy`` of words, and ``per_class`` (precision, recall, f1, support by name).
    What is undefined, such as the recall of a type that never occurs, is NaN in `per_class`; over all types it is 0, as
    seqeval has it.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        types = span_types(classes)
        self._has_spans = types is not None
        self.types = tuple(classes) if types is None else types
        self._loss = LossSum()
        self._counts: Tensor | None = None  # (3, types + 1): right, predicted, true; the first column is no span
        self._words: Tensor | None = None  # right ones, all
        self._sentences: list[Tensor] = []  # (B, 3) each: right, predicted, true

    @torch.no_grad()
    def update(self, outputs: Outputs, batch: Batch) -> None:
        """One batch of what `predict` gave.

        Shapes:
            outputs ``tags`` ``(B, T)`` int64, ``mask`` ``(B, T)`` bool, ``loss`` ``(B,)``; target ``(B, T)`` int64.
        """
        tags, mask, target = outputs["tags"], outputs["mask"], batch["target"]
        num_words = mask.sum()
        self._loss.add(outputs["loss"].sum() / num_words, num_words, batch)
        words = torch.stack([((tags == target) & mask).sum(), num_words])
        found, found_ends = self._spans(tags, mask)
        true, true_ends = self._spans(target, mask)
        right = torch.where((found == true) & (found_ends == true_ends), true, torch.zeros_like(true))
        counts = torch.zeros(3, len(self.types) + 1, dtype=torch.int64, device=tags.device)
        for row, spans in enumerate((right, found, true)):
            places = spans.flatten()
            counts[row].scatter_add_(0, places, torch.ones_like(places))
        self._counts = counts if self._counts is None else self._counts + counts
        self._words = words if self._words is None else self._words + words
        self._sentences.append(torch.stack([(spans > 0).sum(dim=1) for spans in (right, found, true)], dim=1))

    def _spans(self, tags: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        if self._has_spans:
            return spans_of(tags.masked_fill(~mask, 0))
        return (tags + 1).masked_fill(~mask, 0), torch.zeros_like(tags)

    def compute(self) -> dict[str, Any]:
        counts = np.zeros((3, len(self.types))) if self._counts is None else self._counts[:, 1:].cpu().numpy()
        num_right, num_words = (0, 0) if self._words is None else self._words.tolist()
        per = ClassCounts(*counts.astype(np.float64))
        right, predicted, true = counts.sum(axis=1).tolist()
        columns = zip(
            self.types, per.precision().tolist(), per.recall().tolist(), per.f1().tolist(), counts[2].tolist()
        )
        return {
            "loss": self._loss.mean(),
            "precision": right / predicted if predicted else 0.0,
            "recall": right / true if true else 0.0,
            "f1": 2 * right / (predicted + true) if predicted + true else 0.0,
            "accuracy": ratio(num_right, num_words),
            "per_class": {
                name: {"precision": p, "recall": r, "f1": f, "support": int(n)} for name, p, r, f, n in columns
            },
        }

    def intervals(self) -> dict[str, Interval]:
        """95 % bootstrap intervals of ``precision``, ``recall`` and ``f1``; whole sentences are drawn."""
        if not self._sentences:
            return {}
        return bootstrap(torch.cat(self._sentences).cpu().double().numpy(), _of_sentences)


def _of_sentences(means: Floats) -> dict[str, Floats]:
    """The metrics of resamples from the mean counts of sentences, ``(R, 3)`` → ``(R,)`` each."""
    right, predicted, true = means.T
    parts = {"precision": (right, predicted), "recall": (right, true), "f1": (2 * right, predicted + true)}
    return {
        name: np.divide(part, whole, out=np.zeros_like(part), where=whole > 0) for name, (part, whole) in parts.items()
    }
