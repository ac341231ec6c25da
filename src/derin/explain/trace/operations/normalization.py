"""Normalization: subtract a mean, divide by a standard deviation, scale by γ and shift by β.

With x̂ = (x − μ)/σ over m cells and ĝ = ȳ·γ the gradient is x̄ = (ĝ − mean(ĝ) − x̂·mean(ĝ·x̂))/σ where μ and σ were
computed from x, and ĝ/σ where they were given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from derin.explain.trace.operation import Array, Call, Cell, Gradients, Index, Operation, Term, no_gradient, table
from derin.explain.trace.operations.arithmetic import plain

Axes = tuple[int, ...]


def _moments(x: Array, axes: Axes, epsilon: float) -> tuple[Array, Array]:
    """μ, and 1/σ with σ = √(variance + ε)."""
    mean = x.mean(axis=axes, keepdims=True)
    return mean, 1 / np.sqrt(np.square(x - mean).mean(axis=axes, keepdims=True) + epsilon)


def _normalized_backward(hat: Array, scale: Array, gradient: Array, axes: Axes) -> Array:
    """x̄ from ĝ, where μ and σ come from x itself."""
    mean = gradient.mean(axis=axes, keepdims=True)
    along = (gradient * hat).mean(axis=axes, keepdims=True)
    return np.asarray((gradient - mean - hat * along) * scale)


def _by_channel(value: Array, num_axes: int) -> Array:
    """``(C,)`` against ``(B, C, ...)``."""
    return value.reshape(-1, *(1,) * (num_axes - 2))


def _affine(hat: Array, weight: Array | None, bias: Array | None) -> Array:
    scaled = hat if weight is None else hat * weight
    return scaled if bias is None else scaled + bias


def _cell(
    call: Call, index: Index, mean: float, scale: float, weight: tuple[int, Index], bias: tuple[int, Index]
) -> Cell:
    """(x − μ)·(1/σ)·γ + β, written as x·(1/σ)·γ − μ·(1/σ)·γ + β."""
    x = call.arguments[0]
    factors: list[tuple[int, Index, float]] = [plain(scale)]
    if call.arguments[weight[0]] is not None:
        factors.append((*weight, float(call.arguments[weight[0]][weight[1]])))
    terms = [Term(((0, index, float(x[index])), *factors)), Term((plain(-mean), *factors))]
    if call.arguments[bias[0]] is not None:
        terms.append(Term(((*bias, float(call.arguments[bias[0]][bias[1]])),)))
    return Cell(tuple(terms), float(call.output[index]), "sum")


# Batch normalization.


def _batch_statistics(arguments: tuple[Any, ...]) -> tuple[Array, Array]:
    x, _, _, running_mean, running_variance, training, _, epsilon = arguments
    if training:
        return _moments(x, (0, *range(2, x.ndim)), epsilon)
    mean, variance = (_by_channel(value, x.ndim) for value in (running_mean, running_variance))
    return mean, 1 / np.sqrt(variance + epsilon)


def _batch_norm(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    running_mean: Array | None,
    running_variance: Array | None,
    training: bool,
    momentum: float,
    epsilon: float,
) -> Array:
    mean, scale = _batch_statistics((x, weight, bias, running_mean, running_variance, training, momentum, epsilon))
    gamma, beta = (None if value is None else _by_channel(value, x.ndim) for value in (weight, bias))
    return _affine((x - mean) * scale, gamma, beta)


def _batch_norm_backward(call: Call, gradient: Any) -> Gradients:
    x, weight, bias, *_, training, _, _ = call.arguments
    axes = (0, *range(2, x.ndim))
    mean, scale = _batch_statistics(call.arguments)
    hat = (x - mean) * scale
    inner = gradient if weight is None else gradient * _by_channel(weight, x.ndim)
    to_x = _normalized_backward(hat, scale, inner, axes) if training else inner * scale
    to_weight = None if weight is None else (gradient * hat).sum(axis=axes)
    to_bias = None if bias is None else gradient.sum(axis=axes)
    return (to_x, to_weight, to_bias, *(None,) * 5)


def _batch_norm_cell(call: Call, index: Index) -> Cell:
    mean, scale = (value.reshape(-1)[index[1]] for value in _batch_statistics(call.arguments))
    channel = (index[1],)
    return _cell(call, index, float(mean), float(scale), (1, channel), (2, channel))


def _running_mean(running: Array, x: Array, momentum: float) -> Array:
    return (1 - momentum) * running + momentum * x.mean(axis=(0, *range(2, x.ndim)))


def _running_variance(running: Array, x: Array, momentum: float) -> Array:
    return (1 - momentum) * running + momentum * x.var(axis=(0, *range(2, x.ndim)), ddof=1)


def _running(name: str, forward: Callable[..., Any], statistic: str) -> Operation:
    """A running statistic after this batch; the loss does not depend on it."""
    return Operation(
        name=name,
        symbols=("r", "x", "m"),
        forward=forward,
        backward=no_gradient,
        formula=rf"y = (1 - m) r + m \cdot {statistic}",
        gradient_formula="",
    )


# Layer and group normalization: μ and σ of each example, over trailing axes or over groups of channels.


def _layer_axes(x: Array, shape: tuple[int, ...]) -> Axes:
    return tuple(range(x.ndim - len(shape), x.ndim))


def _layer_norm(
    x: Array, shape: tuple[int, ...], weight: Array | None, bias: Array | None, epsilon: float = 1e-5
) -> Array:
    mean, scale = _moments(x, _layer_axes(x, shape), epsilon)
    return _affine((x - mean) * scale, weight, bias)


def _layer_norm_backward(call: Call, gradient: Any) -> Gradients:
    x, shape, weight, bias, epsilon = call.arguments
    axes = _layer_axes(x, shape)
    mean, scale = _moments(x, axes, epsilon)
    hat = (x - mean) * scale
    to_x = _normalized_backward(hat, scale, gradient if weight is None else gradient * weight, axes)
    lead = tuple(range(x.ndim - len(shape)))
    to_weight = None if weight is None else (gradient * hat).sum(axis=lead)
    return to_x, None, to_weight, None if bias is None else gradient.sum(axis=lead), None


def _layer_norm_cell(call: Call, index: Index) -> Cell:
    x, shape, *_, epsilon = call.arguments
    lead = index[: x.ndim - len(shape)]
    mean, scale = _moments(x[lead], tuple(range(len(shape))), epsilon)
    place = index[len(lead) :]
    return _cell(call, index, float(mean.item()), float(scale.item()), (2, place), (3, place))


def _grouped(x: Array, groups: int) -> tuple[Array, Axes]:
    split = x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])
    return split, tuple(range(2, split.ndim))


def _group_hat(x: Array, groups: int, epsilon: float) -> tuple[Array, Array, Axes]:
    split, axes = _grouped(x, groups)
    mean, scale = _moments(split, axes, epsilon)
    return (split - mean) * scale, scale, axes


def _group_norm(x: Array, groups: int, weight: Array | None, bias: Array | None, epsilon: float) -> Array:
    hat = _group_hat(x, groups, epsilon)[0].reshape(x.shape)
    gamma, beta = (None if value is None else _by_channel(value, x.ndim) for value in (weight, bias))
    return _affine(hat, gamma, beta)


def _group_norm_backward(call: Call, gradient: Any) -> Gradients:
    x, groups, weight, bias, epsilon = call.arguments
    hat, scale, axes = _group_hat(x, groups, epsilon)
    inner = gradient if weight is None else gradient * _by_channel(weight, x.ndim)
    to_x = _normalized_backward(hat, scale, _grouped(inner, groups)[0], axes).reshape(x.shape)
    others = (0, *range(2, x.ndim))
    to_weight = None if weight is None else (gradient * hat.reshape(x.shape)).sum(axis=others)
    return to_x, None, to_weight, None if bias is None else gradient.sum(axis=others), None


def _group_norm_cell(call: Call, index: Index) -> Cell:
    x, groups, *_, epsilon = call.arguments
    split, _ = _grouped(x, groups)
    own = split[index[0], index[1] // (x.shape[1] // groups)]
    mean, scale = _moments(own, tuple(range(own.ndim)), epsilon)
    channel = (index[1],)
    return _cell(call, index, float(mean.item()), float(scale.item()), (2, channel), (3, channel))


_FORMULA = r"\hat{x} = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}}, \; y = \gamma \hat{x} + \beta"
_GRADIENT = (
    r"g = \gamma \bar{y}, \; \bar{x} = \frac{g - \frac{1}{m} \sum g - \hat{x} \frac{1}{m} \sum g \hat{x}}"
    r"{\sqrt{\sigma^2 + \varepsilon}}, \; \bar{\gamma} = \sum \bar{y} \hat{x}, \; \bar{\beta} = \sum \bar{y}"
)

NORMALIZATION = table(
    Operation(
        name="aten.batch_norm",
        symbols=("x", r"\gamma", r"\beta", r"\mu", r"\sigma^2", r"\text{training}", "m", r"\varepsilon"),
        forward=_batch_norm,
        backward=_batch_norm_backward,
        formula=_FORMULA,
        gradient_formula=_GRADIENT,
        cell=_batch_norm_cell,
    ),
    _running("derin.running_mean", _running_mean, r"\frac{1}{n} \sum x"),
    _running("derin.running_variance", _running_variance, r"\frac{1}{n - 1} \sum (x - \mu)^2"),
    Operation(
        name="aten.layer_norm",
        symbols=("x", r"\text{shape}", r"\gamma", r"\beta", r"\varepsilon"),
        forward=_layer_norm,
        backward=_layer_norm_backward,
        formula=_FORMULA,
        gradient_formula=_GRADIENT,
        cell=_layer_norm_cell,
    ),
    Operation(
        name="aten.group_norm",
        symbols=("x", r"\text{groups}", r"\gamma", r"\beta", r"\varepsilon"),
        forward=_group_norm,
        backward=_group_norm_backward,
        formula=_FORMULA,
        gradient_formula=_GRADIENT,
        cell=_group_norm_cell,
    ),
)
