"""Labels that are probably wrong, by confident learning.

What a network that never saw an example says of it is held against its label. Of each class there is a bar of its own,
the mean probability of that class among the examples that carry it: an example is counted with the class whose bar it
reaches. The counts of label against class estimate how many labels of each class are wrong, and for what.

Source: C. G. Northcutt, L. Jiang, I. L. Chuang, "Confident learning: estimating uncertainty in dataset labels",
Journal of Artificial Intelligence Research 70, 2021: equations 1 to 3, "prune by noise rate" of section 3.2, and the
self-confidence of "prune by class" for the order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import UsageError

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class LabelErrors:
    """How probably each label is wrong.

    Args:
        order: the examples, the most suspicious label first: by p(label), of equal ones by the margin. An example that
            looks like two classes has a margin as low as that of a wrong label; some probability is left to its own.
        margin: p(label) − max p(other), from −1 to 1; the lower, the more suspicious.
        self_confidence: p(label).
        suggested: the likeliest other class.
        cut: whether a label is among those that are found to be wrong.
        counts: of label (row) against class (column), confident examples alone.
        estimated: share of all labels that are wrong.

    Shapes:
        order, margin, self_confidence, suggested, cut ``(N,)``, counts ``(K, K)``.
    """

    order: Labels
    margin: Floats
    self_confidence: Floats
    suggested: Labels
    cut: npt.NDArray[np.bool_]
    counts: npt.NDArray[np.int64]
    estimated: float


def find_label_errors(probabilities: npt.NDArray[Any], labels: npt.NDArray[Any]) -> LabelErrors:
    """Ranks labels by how probably they are wrong, and cuts where the counts say.

    Of each label i and class j ≠ i, the N·Q̂ᵢⱼ examples with the largest p(j) − p(i) are cut, as far as their label is
    not the likeliest class.

    Args:
        probabilities: of each class for each example, by networks that were not trained on it.
        labels: class numbers.

    Shapes:
        probabilities ``(N, K)``, labels ``(N,)``.

    Raises:
        UsageError: the shapes or numbers do not fit.

    Example:
        >>> said = [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.95, 0.05]]
        >>> found = find_label_errors(np.array(said), np.array([0, 0, 1, 1, 1]))
        >>> int(found.order[0]), found.cut.tolist(), found.counts.tolist()
        (4, [False, False, False, False, True], [[1, 0], [1, 2]])
    """
    probabilities, labels = _checked(probabilities, labels)
    places = np.arange(len(labels))
    others = probabilities.copy()
    others[places, labels] = -np.inf
    suggested = others.argmax(axis=1)
    confidence = probabilities[places, labels]
    margin = confidence - others[places, suggested]
    counts = confident_joint(probabilities, labels)
    joint = estimate_joint(counts, labels)
    cut = np.zeros(len(labels), dtype=bool)
    for label in range(len(joint)):
        members = np.flatnonzero(labels == label)
        for other in range(len(joint)):
            num = round(joint[label, other] * len(labels))
            if other != label and num and len(members):
                leads = probabilities[members, other] - probabilities[members, label]
                cut[members[np.argsort(-leads, kind="stable")[:num]]] = True
    cut &= margin < 0
    return LabelErrors(
        order=np.lexsort((margin, confidence)),
        margin=margin,
        self_confidence=confidence,
        suggested=suggested,
        cut=cut,
        counts=counts,
        estimated=float(1 - np.trace(joint)),
    )


def confident_joint(probabilities: npt.NDArray[Any], labels: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """How many examples with each label are confidently of each class.

    tⱼ = mean of p(j) over the examples labeled j;
    Cᵢⱼ = the number of examples labeled i for which j = argmax of p(l) over the classes l with p(l) ≥ tₗ.

    Shapes:
        ``(N, K)``, ``(N,)`` → ``(K, K)``.
    """
    probabilities, labels = _checked(probabilities, labels)
    num = probabilities.shape[1]
    places = np.arange(len(labels))
    of_label = np.bincount(labels, minlength=num)
    sums = np.bincount(labels, weights=probabilities[places, labels], minlength=num)
    # A class that no label names has no bar that could be reached.
    bars = np.where(of_label > 0, sums / np.maximum(of_label, 1), np.inf)
    # The mean of equal numbers is not always that number.
    reached = np.where(probabilities >= bars * (1 - 1e-12), probabilities, -1.0)
    is_counted = reached.max(axis=1) >= 0
    counts = np.zeros((num, num), dtype=np.int64)
    np.add.at(counts, (labels[is_counted], reached.argmax(axis=1)[is_counted]), 1)
    return counts


def estimate_joint(counts: npt.NDArray[np.int64], labels: npt.NDArray[Any]) -> Floats:
    """The joint distribution of labels and true classes: the counts, each row scaled to the number of its labels.

    Q̂ᵢⱼ = Cᵢⱼ / Σⱼ Cᵢⱼ · |labeled i| / N. A class without one confident example is taken to be labeled rightly.

    Shapes:
        ``(K, K)``, ``(N,)`` → ``(K, K)``, which sums to 1.

    Example:
        >>> estimate_joint(np.array([[3, 1], [0, 2]]), np.array([0] * 8 + [1] * 2)).tolist()
        [[0.6, 0.2], [0.0, 0.2]]
    """
    counted = counts.astype(np.float64)
    empty = counted.sum(axis=1) == 0
    counted[empty, empty] = 1
    of_label = np.bincount(labels, minlength=len(counts))
    joint: Floats = counted / counted.sum(axis=1, keepdims=True) * of_label[:, None] / len(labels)
    return joint


def _checked(probabilities: npt.NDArray[Any], labels: npt.NDArray[Any]) -> tuple[Floats, Labels]:
    probabilities, labels = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    fits = probabilities.ndim == 2 and labels.shape == probabilities.shape[:1] and labels.dtype.kind in "iu"
    if not fits or not len(labels) or probabilities.shape[1] < 2:
        raise UsageError(
            "find_label_errors: probabilities (N, K) with K ≥ 2 and whole numbers (N,) as labels are required; got "
            f"{probabilities.shape} and {labels.dtype} {labels.shape}."
        )
    if not np.isfinite(probabilities).all() or labels.min() < 0 or labels.max() >= probabilities.shape[1]:
        raise UsageError(
            f"find_label_errors: finite probabilities and labels from 0 to {probabilities.shape[1] - 1} are required."
        )
    return probabilities, labels.astype(np.int64)
