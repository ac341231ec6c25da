"""Losses over network outputs, with weights, and with shapes that must match."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from derin.core.errors import ShapeError, UnknownNameError

_REGRESSION: dict[str, Callable[..., Tensor]] = {"mse": F.mse_loss, "mae": F.l1_loss, "huber": F.huber_loss}
REGRESSION_LOSSES = tuple(_REGRESSION)


def regression_loss(
    name: str, output: Tensor, target: Tensor, weights: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """The mean regression loss of a batch and, with weights, its denominator.

    ``mse`` is (o − t)², ``mae`` |o − t|, ``huber`` ½(o − t)² up to a distance of 1 and |o − t| − ½ beyond; with several
    outputs an example's loss is their mean. With weights w the result is Σ w·l / Σ w.

    Args:
        name: of `REGRESSION_LOSSES`.
        output: of the network.
        target: what it should have been.
        weights: how much each example counts, or None.

    Shapes:
        output and target alike, ``(B,)`` or ``(B, D)``; weights ``(B,)``.

    Raises:
        ShapeError: output and target differ in shape. Broadcasting ``(B, 1)`` against ``(B,)`` would compare every
            example with every other, train towards the mean and say nothing.

    Example:
        >>> loss, _ = regression_loss("mse", torch.tensor([1.0, 2.0]), torch.tensor([1.0, 5.0]))
        >>> loss.item()
        4.5
    """
    if name not in _REGRESSION:
        raise UnknownNameError("regression loss", name, REGRESSION_LOSSES)
    if output.shape != target.shape:
        raise ShapeError(
            f"regression_loss: output and target must have the same shape, or broadcasting would pair every example "
            f"with every other; got output={tuple(output.shape)}, target={tuple(target.shape)}. Use squeeze(1)."
        )
    if weights is None:
        return _REGRESSION[name](output, target), None
    each = _REGRESSION[name](output, target, reduction="none")
    return weighted_mean(each if each.ndim == 1 else each.mean(dim=1), weights)


def weighted_mean(losses: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Σ w·l / Σ w and Σ w; a batch whose weights are all 0 counts for nothing, not for NaN.

    Shapes:
        both ``(B,)`` → two scalars.

    Example:
        >>> mean, total = weighted_mean(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 1.0]))
        >>> mean.item(), total.item()
        (2.0, 3.0)
    """
    total = weights.sum()
    return (losses * weights).sum() / total.clamp_min(torch.finfo(total.dtype).tiny), total


def cross_entropy(
    logits: Tensor,
    target: Tensor,
    *,
    class_weights: Tensor | None = None,
    weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> tuple[Tensor, Tensor | None]:
    """Cross-entropy −Σ t·log softmax(z), its mean over the batch and, where anything is weighted, the denominator.

    With class weights c and example weights w the mean is Σ w·c_y·l / Σ w·c_y. A mixed target (probabilities instead
    of a class) weighs Σ_k t_k·c_k.

    Shapes:
        logits ``(B, classes)``; target ``(B,)`` int64, or ``(B, classes)`` probabilities; weights ``(B,)``.

    Source: label smoothing after C. Szegedy et al., "Rethinking the Inception architecture", CVPR 2016, section 7.
    """
    if weights is None and class_weights is None:
        return F.cross_entropy(logits, target, label_smoothing=label_smoothing), None
    each = F.cross_entropy(logits, target, weight=class_weights, label_smoothing=label_smoothing, reduction="none")
    counts: Tensor | None = None  # what each example adds to the denominator
    if class_weights is not None:
        counts = target @ class_weights if target.is_floating_point() else class_weights[target]
    if weights is not None:
        each, counts = each * weights, weights if counts is None else counts * weights
    assert counts is not None
    total = counts.sum()
    return each.sum() / total.clamp_min(torch.finfo(total.dtype).tiny), total


def binary_cross_entropy(
    logits: Tensor,
    target: Tensor,
    *,
    class_weights: Tensor | None = None,
    weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> tuple[Tensor, Tensor | None]:
    """Cross-entropy of yes-or-no logits: −t·log σ(z) − (1 − t)·log(1 − σ(z)), its mean and, where weighted, the
    denominator.

    Smoothing pulls targets from 0 and 1 towards ½. With several labels an example's loss is the mean over its labels.

    Args:
        logits: of the network.
        target: 0, 1 or between.
        class_weights: for one logit the weights of "no" and "yes"; for several, how much each label counts.
        weights: how much each example counts, or None.
        label_smoothing: share of the target that is spread over both answers.

    Shapes:
        logits and target alike, ``(B,)`` or ``(B, labels)``; class_weights ``(2,)`` or ``(labels,)``; weights ``(B,)``.
    """
    if logits.shape != target.shape:
        raise ShapeError(
            f"binary_cross_entropy: logits and target must have the same shape; got logits={tuple(logits.shape)}, "
            f"target={tuple(target.shape)}."
        )
    smoothed = target * (1 - label_smoothing) + label_smoothing / 2 if label_smoothing else target
    if weights is None and class_weights is None:
        return F.binary_cross_entropy_with_logits(logits, smoothed), None
    each = F.binary_cross_entropy_with_logits(logits, smoothed, reduction="none")
    counts: Tensor | None = None
    if class_weights is not None and each.ndim == 1:
        counts = class_weights[0] * (1 - target) + class_weights[1] * target
    elif each.ndim == 2:
        each = each.mean(dim=1) if class_weights is None else each @ (class_weights / class_weights.sum())
    if weights is not None:
        counts = weights if counts is None else counts * weights
    return (each.mean(), None) if counts is None else weighted_mean(each, counts)


def dice_loss(logits: Tensor, target: Tensor, class_weights: Tensor | None = None) -> Tensor:
    """What is lacking in the overlap of each picture's classes: 1 − Σ_k c_k·D_k / Σ_k c_k over the classes that occur
    in it, D_k = 2 Σ p·t / (Σ p² + Σ t²) over its pixels, with p = softmax(z) and t 1 where the class is true, else 0.

    Pixels without a class, whose number is no class's, count nowhere; a picture of none but such has a loss of 0.

    Args:
        logits: z.
        target: class numbers.
        class_weights: c, or None for 1.

    Shapes:
        logits ``(B, K, H, W)``; target ``(B, H, W)`` int64; class_weights ``(K,)`` → ``(B,)``.

    Example:
        >>> logits = torch.tensor([[[[9.0, 0.0, 0.0]], [[0.0, 0.0, 9.0]]]])  # the third pixel is wrong, the second torn
        >>> round(dice_loss(logits, torch.tensor([[[0, 0, 0]]])).item(), 3)
        0.294

    Source: F. Milletari, N. Navab, S.-A. Ahmadi, "V-Net", 3DV 2016, arXiv:1606.04797, section 3, for each class in
    place of one foreground.
    """
    probabilities = logits.softmax(dim=1)
    num_classes = logits.shape[1]
    known = (target >= 0) & (target < num_classes)
    squares = (probabilities.square() * known.unsqueeze(1)).sum(dim=(2, 3))
    # Class by class: one-hot targets of all classes would take eight bytes for each logit.
    is_true = [target == k for k in range(num_classes)]
    sizes = torch.stack([here.sum(dim=(1, 2)) for here in is_true], dim=1).to(logits.dtype)
    both = torch.stack([(probabilities[:, k] * here).sum(dim=(1, 2)) for k, here in enumerate(is_true)], dim=1)
    weights = (sizes > 0).to(logits.dtype) * (1 if class_weights is None else class_weights)
    dice = 2 * both / (squares + sizes).clamp_min(torch.finfo(logits.dtype).tiny)
    total = weights.sum(dim=1)
    return (weights * (1 - dice)).sum(dim=1) / total.clamp_min(torch.finfo(logits.dtype).tiny)
