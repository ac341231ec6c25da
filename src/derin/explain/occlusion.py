"""Occlusion: how much the score falls when a patch of the picture is hidden.

Source: M. D. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, arXiv:1311.2901,
section 4.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.explain.heat_map import Floats, HeatMap, to_numpy
from derin.explain.targets import Target, as_score, require_output
from derin.explain.watching import as_input, unchanged

_BATCH = 64


@dataclass(frozen=True, kw_only=True)
class OcclusionMap(HeatMap):
    """A heat map, and the fall of the score for each place of the patch.

    Args:
        falls: score of the whole picture minus score with the patch at that place.
        tops: first row of the patch, for each row of `falls`.
        lefts: first column of the patch, for each column of `falls`.

    Shapes:
        falls ``(B, len(tops), len(lefts))``.
    """

    falls: Floats
    tops: tuple[int, ...]
    lefts: tuple[int, ...]


def occlusion(
    network: nn.Module,
    x: Tensor,
    target: Target = None,
    *,
    patch: int | None = None,
    stride: int | None = None,
    fill: float | Tensor = 0.0,
    on_step: Callable[[int, int], None] | None = None,
) -> OcclusionMap:
    """Hides one square after another. The value of a pixel is the mean fall over all squares that hid it.

    The last square of each row and column ends at the edge of the picture, so that every pixel is hidden.

    Args:
        network: any network.
        x: a batch of its inputs.
        target: see `derin.explain.targets.as_score`; None takes the largest output of each picture.
        patch: side of the square in pixels; None takes a fifth of the shorter side.
        stride: from one square to the next, in pixels; None takes a third of the patch.
        fill: what the square holds, a number or a value for each channel; 0 is the mean color after normalization.
        on_step: told how many squares of how many are done.

    Shapes:
        x ``(B, C, H, W)`` → values ``(B, H, W)``; fill ``(C, 1, 1)`` where it is a tensor.

    Raises:
        UsageError: a patch larger than the picture, or a stride that leaves pixels out.

    Example:
        >>> net = nn.Flatten()
        >>> x = torch.arange(6.0).reshape(1, 1, 2, 3)
        >>> occlusion(net, x, target=5, patch=1).values.tolist()
        [[[0.0, 0.0, 0.0], [0.0, 0.0, 5.0]]]
    """
    height, width = x.shape[-2:]
    side = max(1, min(height, width) // 5) if patch is None else patch
    step = max(1, side // 3) if stride is None else stride
    if not 1 <= side <= min(height, width):
        raise UsageError(f"The patch must be 1 to {min(height, width)} pixels wide; got patch={side}.")
    if not 1 <= step <= side:
        raise UsageError(f"The stride must be 1 to {side} pixels, or some would never be hidden; got stride={step}.")
    x = as_input(network, x)
    tops, lefts = _starts(height, side, step), _starts(width, side, step)
    places = [(top, left) for top in tops for left in lefts]
    falls = np.empty((len(x), len(places)))
    with unchanged(network), torch.no_grad():
        output = require_output(network(x.clone()), target=target)
        score = as_score(target, output)
        scores = score(output)
        together = max(1, _BATCH // len(x))
        for first in range(0, len(places), together):
            part = places[first : first + together]
            hidden = x.repeat(len(part), *(1,) * (x.ndim - 1))  # (squares · B, C, H, W)
            for place, (top, left) in enumerate(part):
                rows = slice(place * len(x), (place + 1) * len(x))
                hidden[rows, :, top : top + side, left : left + side] = fill
            given = score(require_output(network(hidden), target=score)).reshape(len(part), len(x))
            falls[:, first : first + len(part)] = (scores - given).T.double().cpu().numpy()
            if on_step is not None:
                on_step(min(first + together, len(places)), len(places))
    totals = np.zeros((len(x), height, width))
    counts = np.zeros((height, width))
    for place, (top, left) in enumerate(places):
        totals[:, top : top + side, left : left + side] += falls[:, place, None, None]
        counts[top : top + side, left : left + side] += 1
    return OcclusionMap(
        values=(totals / counts).astype(np.float32),
        scores=to_numpy(scores),
        signed=True,
        falls=falls.reshape(len(x), len(tops), len(lefts)).astype(np.float32),
        tops=tuple(tops),
        lefts=tuple(lefts),
    )


def _starts(length: int, side: int, step: int) -> list[int]:
    """Where squares begin along one side of the picture.

    >>> _starts(10, 3, 3)
    [0, 3, 6, 7]
    """
    starts = list(range(0, length - side + 1, step))
    return starts if starts[-1] == length - side else [*starts, length - side]
