"""Losses of boxes: how far two rectangles are from each other, where a side lies, and what a place shows.

Papers: H. Rezatofighi et al., "Generalized intersection over union", CVPR 2019, arXiv:1902.09630 (GIoU); Z. Zheng et
al., "Distance-IoU loss", AAAI 2020, arXiv:1911.08287 (DIoU, CIoU); T.-Y. Lin et al., "Focal loss for dense object
detection", ICCV 2017, arXiv:1708.02002; X. Li et al., "Generalized focal loss", NeurIPS 2020, arXiv:2006.04388
(distribution focal loss).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from derin.core.errors import UnknownNameError

SIMILARITIES = ("iou", "giou", "diou", "ciou")
_LEAST = 1e-7  # pixels: below it a side has no length; float32 still tells such lengths from 0


def box_similarity(first: Tensor, second: Tensor, name: str = "iou") -> Tensor:
    r"""How alike boxes are: 1 where they are equal, at least −1 (GIoU, DIoU) or −1.5 (CIoU) where they are far apart.

    .. math::
        IoU = I / U, \quad GIoU = IoU - (C - U) / C, \quad DIoU = IoU - d^2 / c^2, \quad
        CIoU = DIoU - v^2 / (1 - IoU + v),
        \quad v = \frac{4}{\pi^2} (\arctan \tfrac{w_2}{h_2} - \arctan \tfrac{w_1}{h_1})^2

    with the common area I, the area U that either covers, the smallest box around both of area C and diagonal c, and
    the distance d of the middles. CIoU's factor v / (1 − IoU + v) gets no gradient, as in the paper.

    Args:
        first, second: left, top, right and bottom; shapes that broadcast.
        name: of `SIMILARITIES`.

    Shapes:
        ``(..., 4)``, ``(..., 4)`` → ``(...)``.

    Example:
        >>> one, other = torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[2.0, 0, 6, 4], [8, 0, 12, 4]])
        >>> [[round(v, 3) for v in box_similarity(one, other, name).tolist()] for name in SIMILARITIES]
        [[0.333, 0.0], [0.333, -0.333], [0.256, -0.4], [0.256, -0.4]]
    """
    if name not in SIMILARITIES:
        raise UnknownNameError("similarity of boxes", name, SIMILARITIES)
    low, high = torch.maximum(first[..., :2], second[..., :2]), torch.minimum(first[..., 2:], second[..., 2:])
    sizes = [(box[..., 2:] - box[..., :2]).clamp(min=_LEAST) for box in (first, second)]
    common = (high - low).clamp(min=0).prod(dim=-1)
    union = sizes[0].prod(dim=-1) + sizes[1].prod(dim=-1) - common
    iou = common / union
    if name == "iou":
        return iou
    around = torch.maximum(first[..., 2:], second[..., 2:]) - torch.minimum(first[..., :2], second[..., :2])
    around = around.clamp(min=_LEAST)
    if name == "giou":
        area = around.prod(dim=-1)
        return iou - (area - union) / area
    between = (first[..., :2] + first[..., 2:] - second[..., :2] - second[..., 2:]) / 2
    similarity = iou - between.square().sum(dim=-1) / around.square().sum(dim=-1)
    if name == "diou":
        return similarity
    angles = [torch.atan(size[..., 0] / size[..., 1]) for size in sizes]
    unlike = 4 / math.pi**2 * (angles[1] - angles[0]).square()
    with torch.no_grad():
        # Equal boxes have neither: 0 / 0.
        factor = unlike / (1 - iou + unlike).clamp(min=_LEAST)
    return similarity - factor * unlike


def focal_loss(logits: Tensor, target: Tensor, *, gamma: float = 2.0, alpha: float | None = 0.25) -> Tensor:
    r"""Binary cross-entropy that counts less what is known already: :math:`-\alpha_t (1 - p_t)^\gamma \ln p_t`.

    :math:`p_t` is p where the target is 1 and 1 − p where it is 0, :math:`\alpha_t` likewise.

    Args:
        logits: whatever shape.
        target: 0 or 1, of the same shape.
        gamma: how much less; 0 is cross-entropy.
        alpha: share of what is there; None counts both alike.

    Example:
        >>> focal_loss(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 1.0]), alpha=None).numpy().round(4).tolist()
        [0.17329999804496765, 0.0017999999690800905]
    """
    losses = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    wrong = torch.sigmoid(torch.where(target > 0.5, -logits, logits))
    losses = losses * wrong**gamma
    return losses if alpha is None else losses * torch.where(target > 0.5, alpha, 1 - alpha)


def distribution_focal_loss(logits: Tensor, distances: Tensor) -> Tensor:
    r"""Cross-entropy of a distribution over whole distances with the two that a distance lies between.

    For a distance y between i and i + 1: :math:`-(i + 1 - y) \ln p_i - (y - i) \ln p_{i+1}`, which is least where the
    distribution lies on these two alone and its mean is y.

    Args:
        logits: of the distances 0, 1, …, R − 1.
        distances: from 0 to R − 1.

    Shapes:
        ``(..., R)``, ``(...)`` → ``(...)``.

    Example:
        >>> even = torch.zeros(1, 4)
        >>> distribution_focal_loss(even, torch.tensor([1.25])).item() == torch.tensor(4.0).log().item()
        True
    """
    last = logits.shape[-1] - 1
    low = distances.detach().floor().clamp(0, last - 1).long()
    share = distances - low
    log_probs = logits.log_softmax(dim=-1)
    at_low, at_high = (log_probs.gather(-1, (low + step).unsqueeze(-1)).squeeze(-1) for step in (0, 1))
    return -((1 - share) * at_low + share * at_high)


def localization_loss(output: Tensor, target: Tensor) -> Tensor:
    r"""The course's loss of one thing in a picture, for [p_c, b_x, b_y, b_h, b_w, c₁, …].

    Where something is there: cross-entropy of p_c, squared distance of the box, and cross-entropy of its class, the
    three added; where nothing is, p_c alone, and whatever else the network says costs nothing.

    Args:
        output: logits of p_c and of the classes; the box as it is, in shares of the picture.
        target: p_c 0 or 1, the box, and 0 or 1 for each class. Beside p_c = 0 anything may stand, NaN too.

    Shapes:
        two of ``(B, 5 + K)`` → ``(B,)``.

    Example:
        >>> seen = torch.tensor([[1.0, 0.5, 0.5, 0.2, 0.3, 0, 1]])
        >>> output = torch.tensor([[0.0, 0.5, 0.5, 0.2, 0.2, 0, 0]])
        >>> round(localization_loss(output, seen).item(), 4), round(localization_loss(output, 0 * seen).item(), 4)
        (1.3963, 0.6931)

    Source: A. Ng, "Convolutional neural networks", week 3, "Object localization", where squared distances of all
        numbers are the simple form and these three the better one.
    """
    there = target[:, 0] > 0.5
    losses = F.binary_cross_entropy_with_logits(output[:, 0], there.to(output.dtype), reduction="none")
    # What is beside p_c = 0 is replaced and not multiplied by 0: NaN times 0 is NaN.
    known = torch.where(there[:, None], target, torch.zeros_like(target))
    place = (output[:, 1:5] - known[:, 1:5]).square().sum(dim=1)
    if output.shape[1] > 5:
        place = place - (known[:, 5:] * output[:, 5:].log_softmax(dim=1)).sum(dim=1)
    return losses + torch.where(there, place, torch.zeros_like(place))
