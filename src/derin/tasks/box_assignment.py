"""Which place of a network of boxes learns which thing: those whose answer is best already, in score and in place.

Paper: C. Feng, Y. Zhong, Y. Gao, M. Scott, W. Huang, "TOOD: task-aligned one-stage object detection", ICCV 2021,
    arXiv:2108.07755: a place is worth s^α · u^β for a thing, with s its score for the thing's class and u the IoU of
    its box; each thing takes the places that are worth most, and a place that several want goes to the one it covers
    best.
Differs: α = ½ and β = 6, as in most programs since; of a thing that is smaller than the stride of a map, the place
    around its middle counts as within; and the best place of a thing is to be sure by a fifth at least, also where its
    box is still far too large, as those of small things are at first: else rare small things are learned last.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from derin.data.codecs.base import Packed
from derin.models.box_output import BoxOutput
from derin.tasks.box_losses import box_similarity

ALPHA, BETA = 0.5, 6.0
TAKEN = 10  # places of each thing
_MOST_CELLS = 1 << 22  # pairs of places and things at once: 16 MB each of some ten tensors
_LEAST, _TINY = 1e-9, 1e-15
_LEAST_SURE = 0.2


class Assigned(NamedTuple):
    """What the places of a batch learn.

    Shapes:
        corners ``(B, P, 4)``, classes ``(B, P)`` int64, scores ``(B, P)``: how sure each place is to be of its class, 0
        where no thing is; ignored ``(B, P)`` bool: where no answer is wrong.
    """

    corners: Tensor
    classes: Tensor
    scores: Tensor
    ignored: Tensor


@torch.no_grad()
def assign(output: BoxOutput, target: Packed) -> Assigned:
    """The thing of each place, by what the network says at present.

    Args:
        output: of the network.
        target: ``corners`` in pixels of the input, ``classes`` and ``crowds`` of each picture.

    Example:
        >>> corners = torch.tensor([[[0.0, 0, 8, 8], [8, 0, 16, 8], [0, 0, 16, 16]]])
        >>> middles, strides = torch.tensor([[[4.0, 4], [12, 4], [4, 12]]]), torch.full((1, 3), 8.0)
        >>> output = BoxOutput(torch.zeros(1, 3, 2), corners, middles, strides, torch.zeros(1, 3, 0))
        >>> thing = {"corners": torch.tensor([[0.0, 0, 7, 8]]), "classes": torch.tensor([1])}
        >>> found = assign(output, Packed({**thing, "crowds": torch.tensor([False])}, torch.tensor([0, 1])))
        >>> found.scores.tolist(), found.classes.tolist()
        ([[0.875, 0.0, 0.0]], [[1, 0, 0]])
    """
    num_pictures, num_places = output.strides.shape
    most = max(1, int(target.offsets.diff().max()) if num_pictures else 1)
    size = max(1, _MOST_CELLS // (num_places * most))
    parts = [
        _assign(BoxOutput(*(part[start : start + size] for part in output)), target[start : start + size])
        for start in range(0, num_pictures, size)
    ]
    return Assigned(*(torch.cat(each) for each in zip(*parts)))


def _assign(output: BoxOutput, target: Packed) -> Assigned:
    num_pictures, num_places = output.strides.shape
    true, classes, crowds, there = things_side_by_side(target, output.corners.device)  # (B, T, 4), three of (B, T)
    most = true.shape[1]

    # A thing that is smaller than a place has that place.
    middles, halves = (true[..., :2] + true[..., 2:]) / 2, (true[..., 2:] - true[..., :2]) / 2
    halves = torch.maximum(halves[:, :, None], output.strides[:, None, :, None] / 2)
    within = ((output.middles[:, None] - middles[:, :, None]).abs() < halves).all(dim=3) & there[..., None]  # (B, T, P)
    asked = within & ~crowds[..., None]

    overlap = box_similarity(true[:, :, None], output.corners[:, None]).clamp(min=0)
    scores = output.logits.sigmoid().transpose(1, 2)  # (B, K, P)
    own = scores.gather(1, classes[..., None].expand(-1, -1, num_places))
    worth = torch.where(asked, own**ALPHA * overlap**BETA, -1.0)

    # Where boxes cover nothing yet, all are worth 0, and the nearest places are taken: ties go by distance.
    away = ((output.middles[:, None] - middles[:, :, None]) / halves).square().sum(dim=3)
    ranked = worth - _LEAST * away.clamp(max=4)
    few = min(TAKEN, num_places)
    best = torch.where(asked, ranked, -2.0).topk(few, dim=2).indices
    taken = torch.zeros_like(asked).scatter_(2, best, True) & asked

    # A place that several want.
    rivals = torch.where(taken, overlap + _LEAST * ranked, -1.0)
    thing = rivals.argmax(dim=1)  # (B, P)
    is_taken = taken.any(dim=1)
    taken = taken & (thing[:, None] == torch.arange(most, device=thing.device)[:, None])

    # The best place of a thing is to be as sure as its box is right, the others less by what they are worth.
    worth = torch.where(taken, worth.clamp(min=0), 0.0)
    highest = torch.where(taken, overlap, 0.0).amax(dim=2, keepdim=True).clamp(min=_LEAST_SURE)
    share = (worth + _TINY) / (worth.amax(dim=2, keepdim=True) + _TINY)
    sure = torch.where(taken, share * highest, 0.0).amax(dim=1)

    ignored = (within & crowds[..., None]).any(dim=1) & ~is_taken
    rows = torch.arange(num_pictures, device=thing.device)[:, None]
    return Assigned(true[rows, thing], classes[rows, thing] * is_taken, sure, ignored)


def things_side_by_side(target: Packed, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The things of each picture side by side, one place at least: corners, classes, crowds, and which are there."""
    counts = target.offsets.diff()
    num, most = len(counts), max(1, int(counts.max()) if len(counts) else 1)
    rows = target.owners
    places = torch.arange(len(rows)) - target.offsets[:-1][rows]
    rows, places = rows.to(device), places.to(device)
    corners = torch.zeros(num, most, 4, device=device)
    corners[rows, places] = target["corners"]
    classes = torch.zeros(num, most, dtype=torch.int64, device=device)
    classes[rows, places] = target["classes"]
    crowds, there = torch.zeros(2, num, most, dtype=torch.bool, device=device)
    crowds[rows, places] = target["crowds"]
    there[rows, places] = True
    return corners, classes, crowds, there
