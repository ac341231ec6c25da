"""How well embeddings tell classes apart that may never have been trained on: pairs, and one example for each class."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from derin.core.errors import DataError
from derin.core.seeds import generator
from derin.data.batch import Batch
from derin.tasks.metrics.intervals import Interval
from derin.tasks.metrics.verification import auc, crossing, equal_error_rate, pair_distances
from derin.train.protocol import Outputs

Array = npt.NDArray[Any]

_MOST_PAIRS = 500_000  # up to here all pairs are measured
_MOST_SAME = 100_000  # of more pairs so many same ones are drawn, and the rest different
_MOST_ENROLLED = 10  # examples of a class that take their turn as the one that is known of it
_NUM_RESAMPLES = 200
_FEWEST_CLASSES = 5  # below, what another choice of classes would give is not told by these
_QUERIES_AT_ONCE = 1 << 22  # distances that are held at once


class EmbeddingMetrics:
    """Collects the embeddings of a split; its figures are of pairs and of classes, never of single examples.

    ``eer`` and ``auc`` are of all pairs, or of 500 000 drawn ones; ``rank_1`` is how often the nearest of all classes,
    each known by a single example, is the right one; ``loss`` is 1 − AUC, how often a different pair is nearer than a
    same one, which is defined whatever was minimized and for classes that no training has seen.

    Args:
        target: the name of the classes in a batch.

    Example:
        >>> metrics = EmbeddingMetrics("target")
        >>> batch = Batch({"target": torch.tensor([0, 0, 1, 1])}, torch.arange(4))
        >>> metrics.update({"embedding": torch.tensor([[0.0], [0.1], [1.0], [1.1]])}, batch)
        >>> found = metrics.compute()
        >>> found["eer"], found["rank_1"]
        (0.0, 1.0)
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._embeddings: list[Tensor] = []
        self._labels: list[Tensor] = []

    def update(self, outputs: Outputs, batch: Batch) -> None:
        self._embeddings.append(outputs["embedding"].float())
        self._labels.append(batch[self._target])

    def collected(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """The embeddings and classes so far.

        Shapes:
            ``(N, D)`` and ``(N,)``.
        """
        if not self._embeddings:
            return np.zeros((0, 1), dtype=np.float32), np.zeros(0, dtype=np.int64)
        return torch.cat(self._embeddings).cpu().numpy(), torch.cat(self._labels).cpu().numpy()

    def compute(self) -> dict[str, Any]:
        points, labels = self.collected()
        distances, same, _ = measured_pairs(points, labels)
        area = auc(distances, same)
        nothing = math.isnan(area)  # one kind of pair is missing
        return {
            "loss": 1 - area,
            "eer": math.nan if nothing else equal_error_rate(distances, same),
            "auc": area,
            "rank_1": float(np.mean(list(rank_1_by_class(points, labels).values()))) if not nothing else math.nan,
        }

    def intervals(self) -> dict[str, Interval]:
        """From classes that are drawn anew with replacement, each with all of its examples: examples of one class are
        alike, and it is the choice of classes that a figure of other ones would differ by.
        """
        points, labels = self.collected()
        distances, same, pairs = measured_pairs(points, labels)
        if len(np.unique(labels)) < _FEWEST_CLASSES or same.all() or not same.any():
            return {}
        _, codes = np.unique(labels, return_inverse=True)
        order = np.argsort(distances, kind="stable")
        first, second, is_same = codes[pairs[order, 0]], codes[pairs[order, 1]], same[order]
        # Equal distances are accepted together: the curve has a point where the last of them is.
        last = np.flatnonzero(np.diff(distances[order], append=np.inf) > 0)
        by_class = rank_1_by_class(points, labels)
        recognized = np.array([by_class.get(label, math.nan) for label in np.unique(labels)])
        found: dict[str, list[float]] = {"eer": [], "auc": [], "rank_1": []}
        draw, num = generator(0, "bootstrap of classes"), int(codes.max()) + 1
        for _ in range(_NUM_RESAMPLES):
            times = np.bincount(draw.integers(0, num, num), minlength=num).astype(np.float64)
            # A pair of one class comes as often as its class, one of two as often as both meet.
            weights = np.where(is_same, times[first], times[first] * times[second])
            genuine = np.append(0.0, np.cumsum(weights * is_same)[last])
            impostor = np.append(0.0, np.cumsum(weights * ~is_same)[last])
            if not (genuine[-1] and impostor[-1]):
                continue
            fmr, fnmr = impostor / impostor[-1], 1 - genuine / genuine[-1]
            found["eer"].append(crossing(fmr, fnmr))
            found["auc"].append(float((np.diff(fmr) * (2 - fnmr[1:] - fnmr[:-1])).sum() / 2))
            known = ~np.isnan(recognized)
            if times[known].any():
                found["rank_1"].append(float(np.average(recognized[known], weights=times[known])))
        bounds = {name: np.percentile(values, [2.5, 97.5]) for name, values in found.items() if values}
        return {name: (float(low), float(high)) for name, (low, high) in bounds.items()}


def measured_pairs(points: Array, labels: Array) -> tuple[Array, Array, Array]:
    """The distances of pairs of examples, whether they are of one class, and the places of both.

    All pairs up to half a million; of more, a hundred thousand same ones and four times as many different ones, drawn
    with a fixed seed, so that the figures of two networks are of the same pairs.

    Shapes:
        ``(N, D)``, ``(N,)`` → ``(P,)`` float32, ``(P,)`` bool, ``(P, 2)`` int64.
    """
    num = len(points)
    if num * (num - 1) // 2 <= _MOST_PAIRS:
        return *pair_distances(points, labels), np.stack(np.triu_indices(num, 1), axis=1)
    draw = generator(0, "measured pairs")
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    by_class = np.argsort(codes, kind="stable")
    starts = np.cumsum(counts) - counts
    chosen = draw.choice(len(counts), _MOST_SAME, p=counts * (counts - 1) / (counts * (counts - 1)).sum())
    one = (draw.random(_MOST_SAME) * counts[chosen]).astype(np.int64)
    other = (one + 1 + (draw.random(_MOST_SAME) * (counts[chosen] - 1)).astype(np.int64)) % counts[chosen]
    same = by_class[starts[chosen][:, None] + np.stack([one, other], axis=1)]
    different = draw.integers(0, num, (_MOST_PAIRS - _MOST_SAME, 2))
    different = different[codes[different[:, 0]] != codes[different[:, 1]]]
    pairs = np.concatenate([same, different])
    distances = np.sqrt(np.square(points[pairs[:, 0]] - points[pairs[:, 1]]).sum(axis=1))
    return distances, codes[pairs[:, 0]] == codes[pairs[:, 1]], pairs


def rank_1_by_class(points: Array, labels: Array) -> dict[Any, float]:
    """Of each class, how often its examples are nearest to the one known example of it, among those of all classes.

    The first, the second, … up to the tenth example of every class take turns as the known one; the others are asked.
    A class with fewer examples than that goes on from its first. One of a single example is known and never asked.

    Shapes:
        ``(N, D)`` and ``(N,)`` → a share for each class of two examples or more.
    """
    names, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    by_class, starts = np.argsort(codes, kind="stable"), np.cumsum(counts) - counts
    right, asked = np.zeros(len(names)), np.zeros(len(names))
    for turn in range(min(int(counts.max(initial=0)), _MOST_ENROLLED)):
        enrolled = by_class[starts + turn % counts]
        nearest = _nearest(points, points[enrolled])
        is_asked = np.ones(len(points), dtype=bool)
        is_asked[enrolled] = False
        asked += np.bincount(codes[is_asked], minlength=len(names))
        right += np.bincount(codes[is_asked & (nearest == codes)], minlength=len(names))
    return {name: right[i] / asked[i] for i, name in enumerate(names.tolist()) if asked[i]}


def one_shot_accuracy(
    points: Array, labels: Array, ways: int, *, episodes: int = 1000, seed: int = 0
) -> dict[str, float | int]:
    """How often an example is told among N classes of which one example each is known: N-way one-shot classification.

    In each episode N classes are drawn, and of each a known example and another that is asked for; the answer is the
    class of the nearest known one.

    Args:
        points: embeddings.
        labels: the class of each.
        ways: N.
        episodes: how many are drawn.
        seed: of the draw.

    Returns:
        ``ways``, ``episodes``, ``num_classes`` from which was drawn, ``accuracy`` with its 95 % interval ``low`` and
        ``high`` over episodes, and what guessing reaches, ``chance``.

    Shapes:
        ``(N, D)`` and ``(N,)``.

    Raises:
        DataError: there are fewer classes of two examples or more.

    Example:
        >>> points = np.repeat(np.eye(3, dtype=np.float32), 2, axis=0)
        >>> one_shot_accuracy(points, np.repeat(np.arange(3), 2), 2, episodes=50)["accuracy"]
        1.0

    Source: B. M. Lake, R. Salakhutdinov, J. B. Tenenbaum, "Human-level concept learning through probabilistic program
        induction", Science 350, 2015.
    """
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    usable = np.flatnonzero(counts >= 2)
    if not 2 <= ways <= len(usable):
        raise DataError(
            f"{ways}-way one-shot needs from 2 ways on, and as many classes with two examples or more; there are "
            f"{len(usable)}. Ask for fewer ways, or measure on data with more classes."
        )
    by_class, starts = np.argsort(codes, kind="stable"), np.cumsum(counts) - counts
    draw = generator(seed, "episodes")
    classes = usable[np.argsort(draw.random((episodes, len(usable))), axis=1)[:, :ways]]  # (episodes, ways)
    size, chance = counts[classes], draw.random((2, episodes, ways))
    known = (chance[0] * size).astype(np.int64)
    asked = (known + 1 + (chance[1] * (size - 1)).astype(np.int64)) % size
    known, asked = by_class[starts[classes] + known], by_class[starts[classes] + asked]
    right = np.empty(episodes)
    step = max(1, _QUERIES_AT_ONCE // (ways * ways * points.shape[1]))
    for start in range(0, episodes, step):
        part = slice(start, start + step)
        away = np.square(points[asked[part]][:, :, None] - points[known[part]][:, None]).sum(axis=3)
        right[part] = (away.argmin(axis=2) == np.arange(ways)).mean(axis=1)
    half = 1.96 * right.std(ddof=1) / math.sqrt(episodes) if episodes > 1 else math.nan
    accuracy = float(right.mean())
    return {
        "ways": ways,
        "episodes": episodes,
        "num_classes": len(usable),
        "accuracy": accuracy,
        "low": max(0.0, accuracy - half),
        "high": min(1.0, accuracy + half),
        "chance": 1 / ways,
    }


def _nearest(points: Array, known: Array) -> npt.NDArray[np.int64]:
    """The place of the nearest known point to each point."""
    step = max(1, _QUERIES_AT_ONCE // max(len(known), 1))
    lengths = np.square(known).sum(axis=1)
    parts = [
        (lengths - 2 * points[start : start + step] @ known.T).argmin(axis=1) for start in range(0, len(points), step)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
