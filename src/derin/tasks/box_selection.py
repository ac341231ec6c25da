"""From what a network says of every place to the boxes of a picture: the best few, and of those that overlap one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from derin.data.box_overlap import suppress
from derin.models.box_output import box_output
from derin.tasks.box_losses import box_similarity

# Of a picture: pairs of box and class that are looked at, and those that stay, as COCO counts them.
MOST_LOOKED_AT, MOST_KEPT = 1000, 100
LEAST_SCORE = 0.005  # below it nothing is kept: hundreds of them change AP in the fourth place
MOST_IN_GRAPH = 300  # as MOST_LOOKED_AT, where all pairs of them are compared
_ROUNDS = 16
_NOWHERE = -1e9  # the logit of what is no box
OVERLAP = 0.6  # IoU up to which two boxes of a class stay

Floats = npt.NDArray[np.float32]


def select_boxes(output: Tensor, num_classes: int, least: float = LEAST_SCORE) -> tuple[Tensor, Tensor, Tensor]:
    """The boxes of each picture, most probable first, after non-maximum suppression within each class.

    Args:
        output: of a network of boxes, see `derin.models.box_output`.
        num_classes: K.
        least: probability below which none is kept.

    Returns:
        corners, probabilities and classes; behind the last box of a picture stand zeros.

    Shapes:
        ``(B, P, K + 7 + ...)`` → ``(B, M, 4)``, two of ``(B, M)``, on the CPU; M is at most `MOST_KEPT`.
    """
    corners, scores, classes, _ = select_with_places(output, num_classes, least)
    return corners, scores, classes


def select_with_places(output: Tensor, num_classes: int, least: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """As `select_boxes`, and of each box its place among all; −1 behind the last box of a picture.

    Shapes:
        → ``(B, M, 4)``, three of ``(B, M)``.
    """
    found = box_output(output, num_classes)
    probabilities = found.logits.float().sigmoid().flatten(1)  # (B, P · K)
    scores, places = probabilities.topk(min(MOST_LOOKED_AT, probabilities.shape[1]), dim=1)
    boxes = found.corners.gather(1, (places // num_classes)[..., None].expand(-1, -1, 4))
    corners, classes = boxes.float().cpu().numpy(), (places % num_classes).cpu().numpy()
    values = scores.cpu().numpy()
    kept = []
    for of_picture, classes_of_it, scores_of_it in zip(corners, classes, values):
        # Suppression knows no box without an area.
        usable = np.flatnonzero((scores_of_it >= least) & (of_picture[:, 2:] > of_picture[:, :2]).all(axis=1))
        best = suppress(of_picture[usable], scores_of_it[usable], OVERLAP, classes=classes_of_it[usable])
        kept.append(usable[best[:MOST_KEPT]])
    most = max((len(places_kept) for places_kept in kept), default=0)
    shape = (len(kept), most)
    best_corners, best_scores, best_classes, best_places = (
        np.zeros((*shape, 4), np.float32),
        np.zeros(shape, np.float32),
        np.zeros(shape, np.int64),
        np.full(shape, -1),
    )
    of_all = (places // num_classes).cpu().numpy()
    for row, chosen in enumerate(kept):
        best_corners[row, : len(chosen)] = corners[row, chosen]
        best_scores[row, : len(chosen)] = values[row, chosen]
        best_classes[row, : len(chosen)] = classes[row, chosen]
        best_places[row, : len(chosen)] = of_all[row, chosen]
    return (
        torch.from_numpy(best_corners),
        torch.from_numpy(best_scores),
        torch.from_numpy(best_classes),
        torch.from_numpy(best_places),
    )


def select_in_graph(output: Tensor, num_classes: int) -> tuple[Tensor, Tensor, Tensor]:
    """As `select_boxes`, in operations of tensors alone, so that a file of another format can hold it.

    Whether a box stays follows from the better ones alone: asked again and again, `_ROUNDS` times, all answers are
    right that hang on chains of at most so many boxes, each hidden by the one before. Longer chains are not met where
    boxes of one class cover a thing.

    Shapes:
        ``(B, P, K + 7 + ...)`` → ``(B, M, 4)``, two of ``(B, M)``; M is `MOST_KEPT`, or P · K where that is less.
    """
    found = box_output(output, num_classes)
    # By logits and not by what is computed of them, so that every program has one order.
    logits = found.logits.float().flatten(1)
    num = min(MOST_IN_GRAPH, int(logits.shape[1]))
    logits, places = logits.topk(num, dim=1)
    corners = found.corners.gather(1, (places // num_classes)[..., None].expand(-1, -1, 4)).float()
    classes = places % num_classes
    usable = (logits.sigmoid() >= LEAST_SCORE) & (corners[..., 2:] > corners[..., :2]).all(dim=2)
    alike = classes[:, :, None] == classes[:, None]
    overlap = box_similarity(corners[:, :, None], corners[:, None])
    before = torch.ones(num, num, dtype=torch.bool, device=output.device).triu(1)
    hides = ((overlap > OVERLAP) & alike & before & usable[:, :, None]).float()  # (B, better, worse)
    stays = usable.float()
    for _ in range(_ROUNDS):
        hidden = torch.einsum("bi,bij->bj", stays, hides)
        stays = usable.float() * (hidden < 0.5).float()
    best, order = torch.where(stays > 0.5, logits, _NOWHERE).topk(min(MOST_KEPT, num), dim=1)
    is_box = best > _NOWHERE
    boxes = corners.gather(1, order[..., None].expand(-1, -1, 4)) * is_box[..., None]
    return boxes, best.sigmoid() * is_box, classes.gather(1, order) * is_box
