"""What a network of points gives: a vector for each picture that says whether the thing is there, and where its points
are.

First stands the logit that it is there, then x and y of each of K points in shares of the sides of the input, and
behind these whatever the points were made of, for the loss. So every network with 1 + 2K outputs is one, which is the
course's way: 64 points of a face are 129 outputs.

Course: A. Ng, "Convolutional neural networks", week 3, "Landmark detection". DeepLearning.AI, 2017.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class PointOutput(NamedTuple):
    """The columns of such a vector.

    Shapes:
        presence ``(B,)``, places ``(B, K, 2)``, raw ``(B, ...)``.
    """

    presence: Tensor
    places: Tensor
    raw: Tensor


def point_output(output: Tensor, num_points: int) -> PointOutput:
    """The columns of what a network gives for so many points.

    Shapes:
        ``(B, 1 + 2K + ...)``.

    Example:
        >>> found = point_output(torch.arange(6.0)[None], 2)
        >>> found.presence.tolist(), found.places.tolist(), found.raw.tolist()
        ([0.0], [[[1.0, 2.0], [3.0, 4.0]]], [[5.0]])
    """
    behind = 1 + 2 * num_points
    return PointOutput(output[:, 0], output[:, 1:behind].unflatten(1, (num_points, 2)), output[:, behind:])


def means_of_maps(logits: Tensor) -> Tensor:
    """Where the heat of each map lies on average, its softmax being the heat: x and y of middles of cells, in cells.

    Computed in float32: bf16 has less digits than a map has cells.

    Shapes:
        ``(B, K, h, w)`` → ``(B, K, 2)``.

    Example:
        >>> logits = torch.full((1, 1, 3, 4), -99.0); logits[0, 0, 1, 2:] = 0
        >>> means_of_maps(logits).tolist()
        [[[3.0, 1.5]]]

    Source: A. Nibali et al., "Numerical coordinate regression with convolutional neural networks", 2018,
        arXiv:1801.07372, section 4.
    """
    heat = logits.float().flatten(2).softmax(dim=2).unflatten(2, logits.shape[2:])
    x, y = (
        (heat.sum(dim=axis) * (torch.arange(logits.shape[5 - axis], device=logits.device) + 0.5)).sum(dim=2)
        for axis in (2, 3)
    )
    return torch.stack([x, y], dim=2)
