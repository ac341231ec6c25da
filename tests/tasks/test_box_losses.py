"""Losses of boxes beside independent formulas in float64, and their gradients beside differences of these."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch

from derin.tasks.box_losses import (
    SIMILARITIES,
    box_similarity,
    distribution_focal_loss,
    focal_loss,
    localization_loss,
)

Floats = npt.NDArray[np.float64]


def one_similarity(a: Floats, b: Floats, name: str, factor: float | None = None) -> float:
    """By the papers, one pair at a time."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common
    iou = common / union
    if name == "iou":
        return iou
    around_w, around_h = max(a[2], b[2]) - min(a[0], b[0]), max(a[3], b[3]) - min(a[1], b[1])
    if name == "giou":
        return iou - (around_w * around_h - union) / (around_w * around_h)
    away = ((a[0] + a[2] - b[0] - b[2]) ** 2 + (a[1] + a[3] - b[1] - b[3]) ** 2) / 4
    diou = iou - away / (around_w**2 + around_h**2)
    if name == "diou":
        return diou
    unlike = 4 / math.pi**2 * (math.atan2(b[2] - b[0], b[3] - b[1]) - math.atan2(a[2] - a[0], a[3] - a[1])) ** 2
    return diou - (unlike / (1 - iou + unlike) if factor is None else factor) * unlike


def differences(function: Callable[[Floats], float], at: Floats, step: float = 1e-6) -> Floats:
    """The gradient by central differences."""
    steps = step * np.eye(at.size).reshape(at.size, *at.shape)
    return np.array([(function(at + s) - function(at - s)) / (2 * step) for s in steps]).reshape(at.shape)


def random_boxes(num: int) -> Floats:
    random = np.random.default_rng(0)
    corners = random.random((num, 2)) * 8
    return np.concatenate([corners, corners + 1 + 6 * random.random((num, 2))], axis=1)


@pytest.mark.parametrize("name", SIMILARITIES)
def test_similarities_and_their_gradients_are_those_of_the_papers(name: str) -> None:
    first, second = random_boxes(14)[:7], random_boxes(14)[7:]
    a = torch.tensor(first, requires_grad=True)
    found = box_similarity(a, torch.tensor(second), name)
    found.sum().backward()
    assert a.grad is not None
    for place, (one, other) in enumerate(zip(first, second)):
        assert found[place].item() == pytest.approx(one_similarity(one, other, name), abs=1e-12)
        iou, unlike = one_similarity(one, other, "iou"), 0.0
        if name == "ciou":  # the factor stands still
            unlike = 4 / math.pi**2 * (math.atan2(*(other[2:] - other[:2])) - math.atan2(*(one[2:] - one[:2]))) ** 2
        factor = unlike / (1 - iou + unlike)
        wanted = differences(lambda box: one_similarity(box, other, name, factor), one)  # noqa: B023 - called at once
        # Central differences of step 1e-6 are right to 1e-9 of values near 1.
        np.testing.assert_allclose(a.grad[place].numpy(), wanted, atol=1e-8)


def test_every_pair_is_compared_by_broadcasting() -> None:
    boxes = random_boxes(5)
    pairs = box_similarity(torch.tensor(boxes)[:, None], torch.tensor(boxes[:3])[None], "giou")
    assert pairs.shape == (5, 3)
    assert pairs[4, 1].item() == pytest.approx(one_similarity(boxes[4], boxes[1], "giou"))


@pytest.mark.parametrize("name", SIMILARITIES)
def test_equal_and_empty_boxes_have_finite_similarities_and_gradients(name: str) -> None:
    boxes = torch.tensor([[1.0, 1, 5, 4], [3, 3, 3, 3], [3, 3, 3, 8]], requires_grad=True)
    similarity = box_similarity(boxes, boxes.detach(), name)
    similarity.sum().backward()
    assert similarity[0].item() == pytest.approx(1)
    assert boxes.grad is not None
    assert torch.isfinite(similarity).all()
    assert torch.isfinite(boxes.grad).all()


@pytest.mark.parametrize("alpha", [None, 0.25])
def test_focal_loss_and_its_gradient(alpha: float | None) -> None:
    values, target = np.array([-3.0, 0.2, 2.0, 0.5]), np.array([1.0, 0, 1, 0])

    def by_formula(z: Floats) -> float:
        p = 1 / (1 + np.exp(-z))
        right = np.where(target == 1, p, 1 - p)
        share = 1.0 if alpha is None else np.where(target == 1, alpha, 1 - alpha)
        return float((-share * (1 - right) ** 1.5 * np.log(right)).sum())

    logits = torch.tensor(values, requires_grad=True)
    loss = focal_loss(logits, torch.tensor(target), gamma=1.5, alpha=alpha).sum()
    loss.backward()
    assert logits.grad is not None
    assert loss.item() == pytest.approx(by_formula(values), abs=1e-12)
    np.testing.assert_allclose(logits.grad.numpy(), differences(by_formula, values), atol=1e-8)


def test_distribution_focal_loss_and_its_gradient() -> None:
    values, distances = np.random.default_rng(1).normal(size=(5, 6)), np.array([0.0, 1.3, 4.999, 5.0, 2.0])

    def by_formula(z: Floats) -> float:
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        total = 0.0
        for row, y in zip(p, distances):
            for i, share in enumerate(row):
                total -= max(0.0, 1 - abs(y - i)) * math.log(share)  # a hat over each whole distance
        return total

    logits = torch.tensor(values, requires_grad=True)
    loss = distribution_focal_loss(logits, torch.tensor(distances)).sum()
    loss.backward()
    assert logits.grad is not None
    assert loss.item() == pytest.approx(by_formula(values), abs=1e-12)
    np.testing.assert_allclose(logits.grad.numpy(), differences(by_formula, values), atol=1e-8)


def test_the_course_loss_learns_nothing_of_box_and_class_where_nothing_is() -> None:
    output = np.random.default_rng(2).normal(size=(2, 8))
    target = np.array([[1, 0.3, 0.6, 0.2, 0.4, 0, 1, 0], [0, *[np.nan] * 7]])

    def by_formula(values: Floats) -> float:
        there, nothing = values
        classes = np.exp(there[5:]) / np.exp(there[5:]).sum()
        place = sum((there[1 + i] - target[0, 1 + i]) ** 2 for i in range(4))
        return float(np.log1p(np.exp(-there[0])) + place - np.log(classes[1]) + np.log1p(np.exp(nothing[0])))

    given = torch.tensor(output, requires_grad=True)
    loss = localization_loss(given, torch.tensor(target)).sum()
    loss.backward()
    assert given.grad is not None
    assert loss.item() == pytest.approx(by_formula(output), abs=1e-12)
    np.testing.assert_allclose(given.grad.numpy(), differences(by_formula, output), atol=1e-8)
    assert (given.grad[1, 1:] == 0).all()
