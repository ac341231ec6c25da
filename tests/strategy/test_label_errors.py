"""Confident learning against its definition, written out example by example, and on labels that were flipped."""

from __future__ import annotations

import numpy as np
import pytest

from derin.core.errors import UsageError
from derin.strategy.label_errors import confident_joint, estimate_joint, find_label_errors


def given(num: int = 60, classes: int = 4, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """A fixed matrix of probabilities, half of it sharp, with labels of which some disagree."""
    drawn = np.random.default_rng(seed)
    truth = drawn.integers(0, classes, num)
    logits = (
        drawn.normal(size=(num, classes)) + np.where(np.arange(num) % 2, 3.0, 1.0)[:, None] * np.eye(classes)[truth]
    )
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.where(drawn.random(num) < 0.2, (truth + drawn.integers(1, classes, num)) % classes, truth)
    return probabilities, labels


def counted_by_hand(probabilities: np.ndarray, labels: np.ndarray) -> list[list[int]]:
    """Equations 1 and 2 of the paper, one example after the other."""
    num, classes = probabilities.shape
    bars = []
    for j in range(classes):
        of_class = [probabilities[n][j] for n in range(num) if labels[n] == j]
        bars.append(sum(of_class) / len(of_class) if of_class else float("inf"))
    counts = [[0] * classes for _ in range(classes)]
    for n in range(num):
        reached = [j for j in range(classes) if probabilities[n][j] >= bars[j]]
        if reached:
            counts[labels[n]][max(reached, key=lambda j: probabilities[n][j])] += 1
    return counts


def cut_by_hand(probabilities: np.ndarray, labels: np.ndarray) -> set[int]:
    """Equation 3 and "prune by noise rate" of section 3.2, without labels that are the likeliest class."""
    num, classes = probabilities.shape
    counts = counted_by_hand(probabilities, labels)
    found: set[int] = set()
    for i in range(classes):
        members = [n for n in range(num) if labels[n] == i]
        for j in range(classes):
            if i != j and sum(counts[i]):
                wanted = round(counts[i][j] / sum(counts[i]) * len(members))
                by_lead = sorted(members, key=lambda n: probabilities[n][i] - probabilities[n][j])
                found |= set(by_lead[:wanted])
    return {n for n in found if labels[n] != max(range(classes), key=lambda j: probabilities[n][j])}


@pytest.mark.parametrize("seed", range(5))
def test_counts_and_cut_are_those_of_the_definition(seed: int) -> None:
    probabilities, labels = given(seed=seed)
    assert confident_joint(probabilities, labels).tolist() == counted_by_hand(probabilities, labels)
    found = find_label_errors(probabilities, labels)
    assert set(np.flatnonzero(found.cut).tolist()) == cut_by_hand(probabilities, labels) != set()


def test_the_joint_distribution_has_the_labels_own_counts() -> None:
    probabilities, labels = given()
    joint = estimate_joint(confident_joint(probabilities, labels), labels)
    np.testing.assert_allclose(joint.sum(axis=1), np.bincount(labels) / len(labels), rtol=1e-12)
    assert joint.sum() == pytest.approx(1.0, rel=1e-12)


def test_the_ranking_is_by_what_is_left_to_the_label() -> None:
    probabilities, labels = given()
    found = find_label_errors(probabilities, labels)
    kept = [float(p[y]) for p, y in zip(probabilities, labels)]
    assert [kept[n] for n in found.order] == sorted(kept)
    # An example that looks like two classes has the lower margin, and the label of the other is the wrong one.
    two, wrong, plain = [0.15, 0.85, 0.0], [0.02, 0.5, 0.48], [0.9, 0.05, 0.05]
    ranked = find_label_errors(np.array([plain, two, wrong]), np.zeros(3, dtype=np.int64))
    assert ranked.order.tolist() == [2, 1, 0]
    assert ranked.margin[1] < ranked.margin[2]
    for n in found.order[:5]:
        assert found.suggested[n] == max((j for j in range(4) if j != labels[n]), key=lambda j: probabilities[n][j])


def test_of_sure_answers_exactly_the_flipped_labels_are_cut() -> None:
    drawn = np.random.default_rng(0)
    truth = drawn.integers(0, 5, 500)
    probabilities = np.full((500, 5), 0.01) + 0.95 * np.eye(5)[truth]
    wrong = drawn.choice(500, 25, replace=False)
    labels = truth.copy()
    labels[wrong] = (labels[wrong] + 1 + np.arange(25) % 4) % 5
    found = find_label_errors(probabilities, labels)
    assert set(np.flatnonzero(found.cut)) == set(wrong) == set(found.order[:25])
    assert found.estimated == pytest.approx(25 / 500)


def test_a_class_without_examples_is_counted_nowhere() -> None:
    probabilities, labels = given(classes=4)
    labels[labels == 3] = 0
    found = find_label_errors(probabilities, labels)
    assert found.counts[3].tolist() == [0, 0, 0, 0]
    assert found.counts[:, 3].tolist() == [0, 0, 0, 0]
    assert set(np.flatnonzero(found.cut).tolist()) == cut_by_hand(probabilities, labels)


@pytest.mark.parametrize(
    ("probabilities", "labels"),
    [
        (np.ones((3, 1)), np.zeros(3, int)),
        (np.ones((3, 2)), np.zeros(2, int)),
        (np.ones((3, 2)), np.array([0, 1, 2])),
        (np.full((3, 2), np.nan), np.zeros(3, int)),
        (np.ones((3, 2)), np.zeros(3)),
        (np.ones((0, 2)), np.zeros(0, int)),
    ],
)
def test_what_does_not_fit_is_refused(probabilities: np.ndarray, labels: np.ndarray) -> None:
    with pytest.raises(UsageError, match="find_label_errors"):
        find_label_errors(probabilities, labels)
