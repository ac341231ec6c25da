"""What a network of boxes gives: one tensor, of which each row is a place where a thing may be.

A row holds the logit of each class, the corners of the box in pixels of the input, the place (its middle and its
stride, in pixels), and behind these whatever the corners were made of, for the loss. So whoever only wants boxes needs
to know nothing of the network.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

NUM_COMMON = 7  # corners, middle and stride


class BoxOutput(NamedTuple):
    """The columns of such a tensor.

    Shapes:
        logits ``(B, P, K)``, corners ``(B, P, 4)``, middles ``(B, P, 2)``, strides ``(B, P)``, raw ``(B, P, ...)``.
    """

    logits: Tensor
    corners: Tensor
    middles: Tensor
    strides: Tensor
    raw: Tensor


def box_output(output: Tensor, num_classes: int) -> BoxOutput:
    """The columns of what a network of boxes gives for so many classes.

    Shapes:
        ``(B, P, K + 7 + ...)``.

    Example:
        >>> found = box_output(torch.arange(12.0).reshape(1, 1, 12), 3)
        >>> found.corners.tolist(), found.middles.tolist(), found.strides.tolist(), found.raw.shape
        ([[[3.0, 4.0, 5.0, 6.0]]], [[[7.0, 8.0]]], [[9.0]], torch.Size([1, 1, 2]))
    """
    num = num_classes
    return BoxOutput(
        output[..., :num],
        output[..., num : num + 4],
        output[..., num + 4 : num + 6],
        output[..., num + 6],
        output[..., num + NUM_COMMON :],
    )


def boxes_of_distances(distances: Tensor, classes: Tensor, stride: int) -> Tensor:
    """The rows of a map that says of each place how far the sides of its box are.

    The distance of a side is the mean of a distribution over 0, 1, …, R − 1, times the stride. All is computed in
    float32: in bf16 a pixel at the right edge of a picture is lost.

    Args:
        distances: logits of the four distributions: left, top, right, bottom.
        classes: logits of the classes.
        stride: pixels of the input from one place to the next.

    Shapes:
        ``(B, 4 · R, H, W)``, ``(B, K, H, W)`` → ``(B, H · W, K + 7 + 4 · R)``.

    Example:
        >>> rows = boxes_of_distances(torch.zeros(1, 12, 1, 2), torch.zeros(1, 1, 1, 2), 8)
        >>> box_output(rows, 1).corners.tolist()
        [[[-4.0, -4.0, 12.0, 12.0], [4.0, -4.0, 20.0, 12.0]]]
    """
    height, width = distances.shape[2:]
    logits = distances.flatten(2).transpose(1, 2).float().unflatten(2, (4, -1))  # (B, H·W, 4, R)
    steps = torch.arange(logits.shape[3], dtype=torch.float32, device=logits.device)
    away = (logits.softmax(dim=3) * steps).sum(dim=3) * stride
    middles = middles_of_places(height, width, stride, logits.device).expand(logits.shape[0], -1, -1)
    corners = torch.cat([middles - away[..., :2], middles + away[..., 2:]], dim=2)
    strides = torch.full_like(middles[..., :1], stride)
    return torch.cat([classes.flatten(2).transpose(1, 2).float(), corners, middles, strides, logits.flatten(2)], dim=2)


def middles_of_places(height: int, width: int, stride: int, device: torch.device) -> Tensor:
    """x and y of the places of a map, line by line, in pixels of the input: ``(1, H · W, 2)``."""
    rows, columns = (
        (torch.arange(side, dtype=torch.float32, device=device) + 0.5) * stride for side in (height, width)
    )
    return torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=2).reshape(1, -1, 2)
