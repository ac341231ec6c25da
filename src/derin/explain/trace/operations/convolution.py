"""Convolution over any number of axes, with any stride, padding, dilation and groups, and its transpose.

Three sums carry both directions. With q = p·stride + k·dilation, p over the narrow side and q over the wide one,

- gather:  narrow_p = Σ_k wide_q w_k        (forward of convolution, backward of its transpose),
- scatter: wide_q = Σ_{p,k} narrow_p w_k    (the other way round),
- weights: w_k = Σ_p wide_q narrow_p        (the gradient of the kernel, of both).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from derin.explain.trace.operation import Array, Call, Cell, Gradients, Index, Operation, Term, table

Sizes = Sequence[int]


def _windows(wide: Array, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """``(B, C, *wide)`` → ``(B, C, *places, *kernel)``, a view."""
    axes = tuple(range(2, wide.ndim))
    reach = tuple((size - 1) * step + 1 for size, step in zip(kernel, dilation, strict=True))
    windows = sliding_window_view(wide, reach, axes)
    places = tuple(slice(None, None, step) for step in stride)
    taps = tuple(slice(None, None, step) for step in dilation)
    return np.asarray(windows[(slice(None), slice(None), *places, *taps)])


def _letters(num_axes: int) -> tuple[str, str]:
    """Names of the axes of places and of taps for einsum."""
    return "uvw"[:num_axes], "xyz"[:num_axes]


def _in_groups(x: Array, groups: int, axis: int) -> Array:
    return x.reshape(*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1 :])


def _gather(wide: Array, weight: Array, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """``(B, g·C, *wide)`` with ``(g·F, C, *kernel)`` → ``(B, g·F, *narrow)``."""
    p, k = _letters(weight.ndim - 2)
    windows = _in_groups(_windows(wide, weight.shape[2:], stride, dilation), groups, 1)
    narrow = np.einsum(f"ngc{p}{k},gfc{k}->ngf{p}", windows, _in_groups(weight, groups, 0), optimize=True)
    return narrow.reshape(narrow.shape[0], -1, *narrow.shape[3:])


def _scatter(narrow: Array, weight: Array, wide_size: Sizes, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """``(B, g·F, *narrow)`` with ``(g·F, C, *kernel)`` → ``(B, g·C, *wide)``."""
    p, k = _letters(weight.ndim - 2)
    parts = np.einsum(
        f"ngf{p},gfc{k}->{k}ngc{p}", _in_groups(narrow, groups, 1), _in_groups(weight, groups, 0), optimize=True
    )
    wide = np.zeros((narrow.shape[0], groups * weight.shape[1], *wide_size))
    for tap in np.ndindex(*weight.shape[2:]):
        places = tuple(
            slice(at * spread, at * spread + step * (size - 1) + 1, step)
            for at, spread, step, size in zip(tap, dilation, stride, narrow.shape[2:], strict=True)
        )
        part = parts[tap]
        wide[(slice(None), slice(None), *places)] += part.reshape(part.shape[0], -1, *part.shape[3:])
    return wide


def _weights(wide: Array, narrow: Array, kernel: Sizes, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """``(B, g·C, *wide)`` with ``(B, g·F, *narrow)`` → ``(g·F, C, *kernel)``."""
    p, k = _letters(narrow.ndim - 2)
    windows = _windows(wide, kernel, stride, dilation)
    windows = windows[(slice(None), slice(None), *(slice(size) for size in narrow.shape[2:]))]
    weight = np.einsum(
        f"ngc{p}{k},ngf{p}->gfc{k}", _in_groups(windows, groups, 1), _in_groups(narrow, groups, 1), optimize=True
    )
    return weight.reshape(-1, *weight.shape[2:])


def _padded(x: Array, padding: Sizes) -> Array:
    return np.pad(x, ((0, 0), (0, 0), *((size, size) for size in padding)))


def _cropped(x: Array, padding: Sizes, sizes: Sizes) -> Array:
    return x[(slice(None), slice(None), *(slice(pad, pad + size) for pad, size in zip(padding, sizes, strict=True)))]


def _convolution(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    transposed: bool,
    output_padding: Sizes,
    groups: int,
) -> Array:
    if transposed:
        # What lies beyond the last tap, up to the output padding, stays zero.
        wide = [
            (size - 1) * step + (taps - 1) * spread + 1 + more
            for size, step, taps, spread, more in zip(
                x.shape[2:], stride, weight.shape[2:], dilation, output_padding, strict=True
            )
        ]
        output = _scatter(x, weight, wide, stride, dilation, groups)
        output = _cropped(output, padding, [size - 2 * pad for size, pad in zip(wide, padding, strict=True)])
    else:
        output = _gather(_padded(x, padding), weight, stride, dilation, groups)
    return output if bias is None else output + bias.reshape(-1, *(1,) * (x.ndim - 2))


def _convolution_backward(call: Call, gradient: Any) -> Gradients:
    x, weight, bias, stride, padding, dilation, transposed, _, groups = call.arguments
    kernel = weight.shape[2:]
    if transposed:
        wide = _padded(gradient, padding)
        to_x = _gather(wide, weight, stride, dilation, groups)
        to_x = to_x[(slice(None), slice(None), *(slice(size) for size in x.shape[2:]))]
        to_weight = _weights(wide, x, kernel, stride, dilation, groups)
    else:
        wide = _padded(x, padding)
        to_x = _cropped(_scatter(gradient, weight, wide.shape[2:], stride, dilation, groups), padding, x.shape[2:])
        to_weight = _weights(wide, gradient, kernel, stride, dilation, groups)
    to_bias = None if bias is None else gradient.sum(axis=(0, *range(2, gradient.ndim)))
    return (to_x, to_weight, to_bias, *(None,) * 6)


def _convolution_cell(call: Call, index: Index) -> Cell:
    x, weight, bias, stride, padding, dilation, transposed, _, groups = call.arguments
    example, channel, *place = index
    inputs, outputs = x.shape[1] // groups, call.output.shape[1] // groups
    first = channel // outputs * inputs
    terms = []
    for number, tap in itertools.product(range(inputs), np.ndindex(*weight.shape[2:])):
        at: list[int] = []
        for q, k, step, pad, spread in zip(place, tap, stride, padding, dilation, strict=True):
            if transposed:
                quotient, rest = divmod(q + pad - k * spread, step)
                at.append(-1 if rest else quotient)
            else:
                at.append(q * step - pad + k * spread)
        if any(not 0 <= q < size for q, size in zip(at, x.shape[2:], strict=True)):
            continue
        at_x = (example, first + number, *at)
        at_weight = (first + number, channel % outputs, *tap) if transposed else (channel, number, *tap)
        terms.append(Term(((0, at_x, float(x[at_x])), (1, at_weight, float(weight[at_weight])))))
    if bias is not None:
        terms.append(Term(((2, (channel,), float(bias[channel])),)))
    return Cell(tuple(terms), float(call.output[index]), "sum")


CONVOLUTION = table(
    Operation(
        name="aten.convolution",
        symbols=(
            "x",
            "w",
            "b",
            "s",
            "p",
            "d",
            r"\text{transposed}",
            r"\text{output padding}",
            r"\text{groups}",
        ),
        forward=_convolution,
        backward=_convolution_backward,
        formula=r"y_{f, q} = b_f + \sum_c \sum_k x_{c, q s - p + k d} w_{f, c, k}",
        gradient_formula=(
            r"\bar{x}_{c, q s - p + k d} = \sum_f \sum_k \bar{y}_{f, q} w_{f, c, k}, \; "
            r"\bar{w}_{f, c, k} = \sum_q \bar{y}_{f, q} x_{c, q s - p + k d}, \; \bar{b}_f = \sum_q \bar{y}_{f, q}"
        ),
        cell=_convolution_cell,
    ),
)
