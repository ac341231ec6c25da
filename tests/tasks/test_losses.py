"""Losses against float64 NumPy written by hand, and against torch's own means."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from derin.core.errors import ShapeError, UnknownNameError
from derin.tasks.losses import binary_cross_entropy, cross_entropy, dice_loss, regression_loss

RANDOM = np.random.default_rng(0)
B, K = 7, 5
LOGITS = RANDOM.normal(size=(B, K))
CLASSES = RANDOM.integers(0, K, B)
MIXED = RANDOM.dirichlet(np.ones(K), B)
CLASS_WEIGHTS = np.array([0.5, 1.0, 10.0, 0.0, 2.0])
WEIGHTS = RANDOM.uniform(0, 3, B)

# float32 against float64 over a few dozen terms: six digits agree.
CLOSE = {"rel": 1e-5, "abs": 1e-6}


def tensor(values: np.ndarray) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.int64 if values.dtype.kind == "i" else torch.float32)


def reference(targets: np.ndarray, class_weights: np.ndarray, weights: np.ndarray, smoothing: float) -> float:
    """Σ e · Σ_k c_k · s_k · −log p_k over Σ e · Σ_k c_k · t_k, with s the smoothed targets t."""
    log_p = LOGITS - np.log(np.exp(LOGITS).sum(axis=1, keepdims=True))
    smoothed = targets * (1 - smoothing) + smoothing / K
    losses = -(class_weights * smoothed * log_p).sum(axis=1)
    return float((weights * losses).sum() / (weights * (targets @ class_weights)).sum())


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("by_class", [False, True])
@pytest.mark.parametrize("by_example", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_is_the_weighted_mean(mixed: bool, by_class: bool, by_example: bool, smoothing: float) -> None:
    targets = MIXED if mixed else np.eye(K)[CLASSES]
    loss, total = cross_entropy(
        tensor(LOGITS),
        tensor(MIXED if mixed else CLASSES),
        class_weights=tensor(CLASS_WEIGHTS) if by_class else None,
        weights=tensor(WEIGHTS) if by_example else None,
        label_smoothing=smoothing,
    )
    class_weights = CLASS_WEIGHTS if by_class else np.ones(K)
    weights = WEIGHTS if by_example else np.ones(B)
    assert loss.item() == pytest.approx(reference(targets, class_weights, weights, smoothing), **CLOSE)
    if by_class or by_example:
        assert total is not None
        assert total.item() == pytest.approx((weights * (targets @ class_weights)).sum(), **CLOSE)
    else:
        assert total is None


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_class_weights_alone_agree_with_torch(smoothing: float) -> None:
    loss, _ = cross_entropy(
        tensor(LOGITS), tensor(CLASSES), class_weights=tensor(CLASS_WEIGHTS), label_smoothing=smoothing
    )
    expected = F.cross_entropy(tensor(LOGITS), tensor(CLASSES), weight=tensor(CLASS_WEIGHTS), label_smoothing=smoothing)
    assert loss.item() == pytest.approx(expected.item(), **CLOSE)


def test_weight_of_an_example_is_as_if_it_came_so_often() -> None:
    times = np.array([1, 3, 2, 1, 4, 1, 2])
    weighted, _ = cross_entropy(
        tensor(LOGITS), tensor(CLASSES), weights=tensor(times.astype(float)), class_weights=tensor(CLASS_WEIGHTS)
    )
    rows = np.repeat(np.arange(B), times)
    repeated, _ = cross_entropy(tensor(LOGITS[rows]), tensor(CLASSES[rows]), class_weights=tensor(CLASS_WEIGHTS))
    assert weighted.item() == pytest.approx(repeated.item(), **CLOSE)


def test_cross_entropy_of_the_course_is_1_609() -> None:
    probabilities = torch.tensor([[0.3, 0.2, 0.1, 0.4]])
    loss, _ = cross_entropy(probabilities.log(), torch.tensor([1]))
    assert round(loss.item(), 3) == 1.609


@pytest.mark.parametrize("by_class", [False, True])
@pytest.mark.parametrize("by_example", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_binary_cross_entropy_is_the_weighted_mean(by_class: bool, by_example: bool, smoothing: float) -> None:
    z, t = LOGITS[:, 0], np.array([0.0, 1.0, 1.0, 0.0, 0.3, 1.0, 0.0])
    class_weights = np.array([0.5, 4.0]) if by_class else np.ones(2)
    weights = WEIGHTS if by_example else np.ones(B)
    s, p = t * (1 - smoothing) + smoothing / 2, 1 / (1 + np.exp(-z))
    counts = weights * (class_weights[0] * (1 - t) + class_weights[1] * t)
    expected = (counts * -(s * np.log(p) + (1 - s) * np.log(1 - p))).sum() / counts.sum()
    loss, _ = binary_cross_entropy(
        tensor(z),
        tensor(t),
        class_weights=tensor(class_weights) if by_class else None,
        weights=tensor(weights) if by_example else None,
        label_smoothing=smoothing,
    )
    assert loss.item() == pytest.approx(expected, **CLOSE)


@pytest.mark.parametrize("by_class", [False, True])
@pytest.mark.parametrize("by_example", [False, True])
def test_multilabel_loss_is_the_mean_over_labels_then_examples(by_class: bool, by_example: bool) -> None:
    t = (MIXED > 0.2).astype(float)
    p = 1 / (1 + np.exp(-LOGITS))
    losses = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    class_weights = CLASS_WEIGHTS if by_class else np.ones(K)
    weights = WEIGHTS if by_example else np.ones(B)
    expected = (weights * (losses @ class_weights / class_weights.sum())).sum() / weights.sum()
    loss, _ = binary_cross_entropy(
        tensor(LOGITS),
        tensor(t),
        class_weights=tensor(class_weights) if by_class else None,
        weights=tensor(weights) if by_example else None,
    )
    assert loss.item() == pytest.approx(expected, **CLOSE)


@pytest.mark.parametrize("name", ["mse", "mae", "huber"])
@pytest.mark.parametrize("num", [1, 3])
@pytest.mark.parametrize("by_example", [False, True])
def test_regression_loss_is_the_weighted_mean(name: str, num: int, by_example: bool) -> None:
    output, target = LOGITS[:, :num].squeeze(), 3 * MIXED[:, :num].squeeze()
    error = np.abs(output - target)
    each = {"mse": error**2, "mae": error, "huber": np.where(error <= 1, error**2 / 2, error - 0.5)}[name]
    each = each if each.ndim == 1 else each.mean(axis=1)
    weights = WEIGHTS if by_example else np.ones(B)
    loss, total = regression_loss(name, tensor(output), tensor(target), tensor(weights) if by_example else None)
    assert loss.item() == pytest.approx((weights * each).sum() / weights.sum(), **CLOSE)
    assert (total is not None) == by_example


def test_column_against_row_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"output=\(4, 1\), target=\(4,\)"):
        regression_loss("mse", torch.zeros(4, 1), torch.zeros(4))
    with pytest.raises(ShapeError, match=r"logits=\(4,\), target=\(4, 1\)"):
        binary_cross_entropy(torch.zeros(4), torch.zeros(4, 1))


def test_unknown_regression_loss_names_near_matches() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'huber'"):
        regression_loss("hubber", torch.zeros(2), torch.zeros(2))


@pytest.mark.parametrize("class_weights", [None, [0.5, 1.0, 10.0, 2.0]])
def test_dice_equals_a_loop_over_pixels_that_leaves_out_void_and_classes_that_do_not_occur(
    class_weights: list[float] | None,
) -> None:
    logits = RANDOM.normal(size=(3, 4, 5, 6))
    target = RANDOM.choice([0, 1, 3, 255], size=(3, 5, 6))  # class 2 never occurs
    target[2] = 255
    found = dice_loss(tensor(logits), tensor(target), None if class_weights is None else torch.tensor(class_weights))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for n in range(2):
        lost = weight = 0.0
        for k in (0, 1, 3):
            both = sizes = 0.0
            for y in range(5):
                for x in range(6):
                    if target[n, y, x] != 255:
                        t = float(target[n, y, x] == k)
                        both += p[n, k, y, x] * t
                        sizes += p[n, k, y, x] ** 2 + t**2
            c = 1.0 if class_weights is None else class_weights[k]
            lost, weight = lost + c * (1 - 2 * both / sizes), weight + c
        assert float(found[n]) == pytest.approx(lost / weight, **CLOSE)
    assert float(found[2]) == 0.0


def test_dice_is_0_for_what_is_sure_and_right_and_its_gradient_is_finite_for_what_is_all_void() -> None:
    target = torch.tensor([[[0, 1, 1]], [[255, 255, 255]]])
    logits = (F.one_hot(target.clamp(max=1), 2).movedim(-1, 1).float() * 200).requires_grad_()
    loss = dice_loss(logits, target)
    loss.sum().backward()
    assert loss.tolist() == [0.0, 0.0]
    assert torch.isfinite(logits.grad).all()  # type: ignore[arg-type]
