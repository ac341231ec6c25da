"""What training asks of a network of boxes: losses of pictures, by the way in which the network makes its boxes."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from derin.data.codecs.base import Packed
from derin.models.box_output import BoxOutput
from derin.tasks.box_assignment import assign
from derin.tasks.box_losses import box_similarity, distribution_focal_loss

# Scores and boxes weigh alike: with boxes at 7.5 to 0.5, as often met, a few hundred pictures teach scores too late.
_SCORES, _BOXES, _DISTANCES = 1.0, 2.0, 0.5


def distance_loss(output: BoxOutput, target: Packed, class_weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """Of networks that give distributions over the distances of the four sides, such as `yolo`.

    Cross-entropy of every score with the score that the assignment wants, 1 − CIoU, and distribution focal loss, the
    latter two of the places that have a thing, each by how sure it is to be.

    Args:
        output: of the network; ``raw`` are the logits of the distances.
        target: the things of each picture.
        class_weights: how much each class counts, or None.

    Returns:
        of each picture the loss, not divided yet, and by what it is to be divided: the sum of the scores.

    Shapes:
        → two of ``(B,)``.
    """
    found = assign(output, target)
    wanted = torch.zeros_like(output.logits).scatter_(2, found.classes[..., None], found.scores[..., None])
    weights = torch.ones_like(found.scores) if class_weights is None else class_weights[found.classes]
    losses = F.binary_cross_entropy_with_logits(output.logits, wanted, reduction="none")
    # A place that has a thing counts by its class in all scores, one that has none counts once.
    known = torch.where(found.scores > 0, weights, 1.0) * ~found.ignored
    scores = (losses.sum(dim=2) * known).sum(dim=1)

    sure = found.scores * weights
    picture, place = found.scores.nonzero(as_tuple=True)
    true, share = found.corners[picture, place], sure[picture, place]
    boxes = (1 - box_similarity(output.corners[picture, place], true, "ciou")) * share
    logits = output.raw[picture, place].unflatten(1, (4, -1))
    middles, strides = output.middles[picture, place], output.strides[picture, place, None]
    away = torch.cat([middles - true[:, :2], true[:, 2:] - middles], dim=1) / strides
    distances = distribution_focal_loss(logits, away.clamp(0, logits.shape[2] - 1 - 0.01)).mean(dim=1) * share
    of_places = torch.zeros_like(scores).index_add(0, picture, _BOXES * boxes + _DISTANCES * distances)
    return _SCORES * scores + of_places, sure.sum(dim=1)


BoxLoss = Callable[[BoxOutput, Packed, Tensor | None], tuple[Tensor, Tensor]]
# By what a network says in its attribute ``box_loss``.
BOX_LOSSES: dict[str, BoxLoss] = {"distances": distance_loss}
