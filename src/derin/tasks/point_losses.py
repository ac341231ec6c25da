"""Losses of points in pictures: of numbers that say where they are, and of maps whose heat does."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from derin.models.point_output import PointOutput

# In hundredths of the input's longer side. The paper's 10 and 2 pixels of 256 are 4 and 0.8.
WING_WIDTH, WING_CURVATURE = 4.0, 0.8
LOSSES = ("wing", "mse")
_SPREAD = 1.0  # cells: standard deviation of the heat around a point
_PLACES = 0.2  # how much the mean of the heat counts beside the heat itself


def wing_loss(errors: Tensor, width: float = WING_WIDTH, curvature: float = WING_CURVATURE) -> Tensor:
    """w ln(1 + |x| / ε) for |x| < w, else |x| − C with C = w − w ln(1 + w / ε), so that both meet at w.

    Small errors keep a gradient as large as w / ε, where that of squares fades; large ones do not drown them.

    Args:
        errors: x.
        width: w, up to which errors are small.
        curvature: ε.

    Shapes:
        any → the same.

    Example:
        >>> [round(value, 4) for value in wing_loss(torch.tensor([0.0, -2.0, 10.0]), 4.0, 0.8).tolist()]
        [0.0, 5.0111, 13.167]

    Source: Z.-H. Feng et al., "Wing loss for robust facial landmark localisation with convolutional neural networks",
        CVPR 2018, arXiv:1711.06753, equation 5.
    """
    sizes = errors.abs()
    beyond = width - width * math.log1p(width / curvature)
    return torch.where(sizes < width, width * torch.log1p(sizes / curvature), sizes - beyond)


def heat_loss(logits: Tensor, middles: Tensor, spread: float = _SPREAD) -> Tensor:
    """How far the heat of a map is from that of a point: KL(t ‖ softmax(z)) over its cells.

    t is a normal distribution around the point, over the middles of the cells, of sum 1 in the map.

    Args:
        logits: z.
        middles: x and y of each point, in cells from the corner of the map.
        spread: standard deviation of t, in cells.

    Shapes:
        logits ``(B, K, h, w)``, middles ``(B, K, 2)`` → ``(B, K)``.

    Example:
        >>> far = torch.zeros(1, 1, 9, 9); near = far.clone(); near[0, 0, 4, 4] = 2.0
        >>> place = torch.tensor([[[4.5, 4.5]]])
        >>> heat_loss(near, place).item() < heat_loss(far, place).item()
        True
    """
    sides = []
    for axis, length in ((0, logits.shape[3]), (1, logits.shape[2])):
        away = torch.arange(length, device=logits.device) + 0.5 - middles[..., axis, None]
        sides.append(torch.log_softmax(-away.square() / (2 * spread**2), dim=2))
    wanted = sides[1][..., None] + sides[0][..., None, :]  # (B, K, h, w), logarithms
    found = logits.flatten(2).log_softmax(dim=2)
    wanted = wanted.flatten(2)
    return (wanted.exp() * (wanted - found)).sum(dim=2)


def number_losses(output: PointOutput, target: Tensor, size: tuple[int, int], name: str) -> Tensor:
    """Of networks that give places as numbers: the loss of x and y of each visible point, on average.

    Args:
        output: of the network.
        target: x and y in pixels of the input, and 1 where the point is visible, else 0.
        size: height and width of the input.
        name: of `LOSSES`; errors are hundredths of the longer side.

    Shapes:
        target ``(B, K, 3)`` → ``(B,)``.
    """
    sides = target.new_tensor([size[1], size[0]])
    errors = (output.places * sides - target[..., :2]) * (100 / max(size))
    each = wing_loss(errors) if name == "wing" else errors.square()
    return _mean_of_visible(each.mean(dim=2), target[..., 2])


def map_losses(
    output: PointOutput, target: Tensor, size: tuple[int, int], name: str, *, maps: tuple[int, int], stride: int
) -> Tensor:
    """Of networks that give a map of heat for each point: `heat_loss`, and a little of `number_losses`.

    Args:
        output: of the network; ``raw`` are the maps.
        target: as `number_losses` has it.
        size: height and width of the input.
        name: of `LOSSES`.
        maps: height and width of the maps.
        stride: pixels of the input from one cell to the next.

    Shapes:
        target ``(B, K, 3)`` → ``(B,)``.
    """
    logits = output.raw.unflatten(1, (target.shape[1], *maps))
    heat = _mean_of_visible(heat_loss(logits, target[..., :2] / stride), target[..., 2])
    return heat + _PLACES * number_losses(output, target, size, name)


def _mean_of_visible(losses: Tensor, visible: Tensor) -> Tensor:
    """Of each picture, 0 where it has none: ``(B, K)`` twice → ``(B,)``. What is not visible may lie anywhere."""
    return torch.where(visible > 0, losses, 0.0).sum(dim=1) / visible.sum(dim=1).clamp(min=1)
