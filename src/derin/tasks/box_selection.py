"""From what a network says of every place to the boxes of a picture: the best few, and of those that overlap one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from derin.data.box_overlap import suppress
from derin.models.box_output import box_output

# Of a picture: pairs of box and class that are looked at, and those that stay, as COCO counts them.
MOST_LOOKED_AT, MOST_KEPT = 1000, 100
LEAST_SCORE = 0.005  # below it nothing is kept: hundreds of them change AP in the fourth place
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
    best_corners, best_scores, best_classes = (
        np.zeros((*shape, 4), np.float32),
        np.zeros(shape, np.float32),
        np.zeros(shape, np.int64),
    )
    for row, chosen in enumerate(kept):
        best_corners[row, : len(chosen)] = corners[row, chosen]
        best_scores[row, : len(chosen)] = values[row, chosen]
        best_classes[row, : len(chosen)] = classes[row, chosen]
    return torch.from_numpy(best_corners), torch.from_numpy(best_scores), torch.from_numpy(best_classes)
