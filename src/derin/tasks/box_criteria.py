"""What training asks of a network of boxes: losses of pictures, by the way in which the network makes its boxes."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from derin.data.codecs.base import Packed
from derin.models.box_output import BoxOutput
from derin.tasks.box_assignment import assign, things_side_by_side
from derin.tasks.box_losses import box_similarity, distribution_focal_loss, localization_loss

# Scores and boxes weigh alike: with boxes at 7.5 to 0.5, as often met, a few hundred pictures teach scores too late.
_NOTHING, _PLACE = 0.5, 5.0
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


def anchor_loss(output: BoxOutput, target: Packed, class_weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """Of networks with a grid of cells and anchor boxes, such as `yolo_grid`.

    A thing belongs to the cell of its middle, and there to the anchor that its shape is most like; where several want
    the same, the one that is most like it has it, and the others are not learned. As in the paper p_c of what has
    nothing counts half, and the place of a box five times.

    Args:
        output: of the network; ``raw`` are p_c, b_x, b_y, b_w, b_h, the classes, and the anchor and a cell in pixels.
        target: the things of each picture.
        class_weights: how much each class counts, or None.

    Returns:
        as `distance_loss`, to be divided by how many things were learned.
    """
    num_classes = output.logits.shape[2]
    sure, place, sides = output.raw[..., 0], output.raw[..., 1:3], output.raw[..., 3:5]
    logits, anchors, cells = output.raw[..., 5:].split([num_classes, 2, 2], dim=2)
    with torch.no_grad():
        true, classes, crowds, there = things_side_by_side(target, output.corners.device)
        middles, sizes = (true[..., :2] + true[..., 2:]) / 2, (true[..., 2:] - true[..., :2]).clamp(min=1e-3)
        away = (middles[:, :, None] - output.middles[:, None]) / cells[:, None]  # (B, T, P, 2)
        nearest = away.square().sum(dim=3)
        is_cell = nearest <= nearest.amin(dim=2, keepdim=True) + 1e-6
        common = torch.minimum(sizes[:, :, None], anchors[:, None]).prod(dim=3)
        alike = common / (sizes.prod(dim=2)[:, :, None] + anchors.prod(dim=2)[:, None] - common)
        asked = is_cell & (there & ~crowds)[..., None]
        best = torch.where(asked, alike, -1.0).argmax(dim=2, keepdim=True)
        wanted = torch.zeros_like(asked).scatter_(2, best, True) & asked
        thing = torch.where(wanted, alike, -1.0).argmax(dim=1)  # (B, P)
        has = wanted.any(dim=1)
        inside = (true[:, :, None, :2] <= output.middles[:, None]) & (output.middles[:, None] <= true[:, :, None, 2:])
        ignored = (inside.all(dim=3) & (crowds & there)[..., None]).any(dim=1) & ~has
    weights = torch.where(has, 1.0, _NOTHING) * ~ignored
    losses = (F.binary_cross_entropy_with_logits(sure, has.float(), reduction="none") * weights).sum(dim=1)
    picture, cell = has.nonzero(as_tuple=True)
    own = thing[picture, cell]
    counts = torch.ones_like(own, dtype=losses.dtype)
    if class_weights is not None:
        counts = class_weights[classes[picture, own]]
    within = (middles[picture, own] - output.middles[picture, cell]) / cells[picture, cell] + 0.5
    wide = (sizes[picture, own] / anchors[picture, cell]).log()
    boxes = (place[picture, cell].sigmoid() - within).square().sum(dim=1)
    boxes = boxes + (sides[picture, cell] - wide).square().sum(dim=1)
    named = F.cross_entropy(logits[picture, cell], classes[picture, own], reduction="none")
    return losses.index_add(0, picture, counts * (_PLACE * boxes + named)), has.sum(dim=1).to(losses.dtype)


def one_thing_loss(output: BoxOutput, target: Packed, class_weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """Of networks that give the course's vector for the whole picture, such as `localizer`.

    The largest thing of a picture is the one that is there; see `localization_loss`.

    Args:
        output: of the network; ``raw`` is p_c, b_x, b_y, b_h, b_w and the classes.
        target: the things of each picture.
        class_weights: how much pictures with each class count, or None.

    Returns:
        as `distance_loss`, to be divided by the number of pictures.
    """
    true, classes, crowds, there = things_side_by_side(target, output.corners.device)
    sizes = true[..., 2:] - true[..., :2]
    areas = torch.where(there & ~crowds, sizes.prod(dim=2), -1.0)
    area, place = areas.max(dim=1)
    rows = torch.arange(len(place), device=place.device)
    sides = 2 * output.middles[:, 0]  # the place is the whole picture
    middle = (true[..., :2] + true[..., 2:])[rows, place] / 2 / sides
    size = (sizes[rows, place] / sides).flip(1)  # height, width
    named = F.one_hot(classes[rows, place], output.logits.shape[2]).to(middle.dtype)
    wanted = torch.cat([(area > 0).to(middle.dtype)[:, None], middle, size, named], dim=1)
    losses = localization_loss(output.raw[:, 0], wanted)
    counts = torch.ones_like(losses)
    if class_weights is not None:
        counts = torch.where(area > 0, class_weights[classes[rows, place]], 1.0)
    return losses * counts, torch.ones_like(losses)


BoxLoss = Callable[[BoxOutput, Packed, Tensor | None], tuple[Tensor, Tensor]]
# By what a network says in its attribute ``box_loss``.
BOX_LOSSES: dict[str, BoxLoss] = {"distances": distance_loss, "anchors": anchor_loss, "one thing": one_thing_loss}
