"""Derin's convolutions with numbers that are given, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.layers import Conv, ConvTranspose
from derin.lessons.numbers import Rows


def with_weights(layer: Conv | ConvTranspose, shape: tuple[int, ...], weight: Any) -> nn.Module:
    """The module of a layer without bias, with the weights that are given.

    Args:
        layer: with ``bias=False``.
        shape: of one example.
        weight: ``(C', C / groups, f, …)``; for a transposed convolution ``(C, C' / groups, f, …)``.

    Raises:
        ShapeError: the layer cannot read this shape.

    Example:
        >>> module = with_weights(Conv(1, 2, padding="valid", bias=False), (1, 2, 2), [[[[1, 2], [3, 4]]]])
        >>> module(torch.ones(1, 1, 2, 2, dtype=torch.float64)).item()
        10.0
    """
    layer.output_shape(shape)  # refuses what does not fit, in words of ours
    module = layer.build(shape).double()
    with torch.no_grad():
        module.weight.copy_(torch.tensor(np.ascontiguousarray(weight, dtype=np.float64)))  # type: ignore[operator]
    return module


def convolve(values: Any, kernel: Any, **options: Any) -> npt.NDArray[np.float64]:
    """One matrix convolved with one kernel by a `Conv` layer; nothing is padded unless asked for.

    Args:
        values: ``(H, W)``.
        kernel: ``(f, g)``.
        options: of `Conv`, such as stride.

    Raises:
        ShapeError: the kernel is larger than the padded matrix.

    Example:
        >>> convolve([[10, 10, 0, 0]], [[1, 0, -1]]).tolist()
        [[10.0, 10.0]]
    """
    x, weight = as_image(values), np.asarray(kernel, dtype=np.float64)
    layer = Conv(1, weight.shape, bias=False, **{"padding": "valid", **options})
    with torch.no_grad():
        found: Tensor = with_weights(layer, tuple(x.shape[1:]), weight[None, None])(x)
    output: npt.NDArray[np.float64] = found[0, 0].numpy()
    return output


def as_image(values: Any) -> Tensor:
    """A matrix as a batch of one picture with one channel; ``(H, W)`` → ``(1, 1, H, W)``, float64."""
    return torch.tensor(np.asarray(values, dtype=np.float64))[None, None]


def require_matrix(where: str, rows: Rows, *, most: int) -> None:
    """Refuses what is no matrix, or one too large to be looked at number by number.

    Raises:
        UsageError: naming the option and what came.
    """
    widths = {len(row) for row in rows}
    if len(widths) != 1 or not 1 <= min(widths) <= most or len(rows) > most:
        raise UsageError(
            f"{where} must be a matrix of 1×1 to {most}×{most} numbers; got {len(rows)} rows of "
            f"{', '.join(map(str, sorted(widths))) or 'no'} numbers. Give rows of one length."
        )
