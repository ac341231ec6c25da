"""Activations: functions of one number, and softmax along an axis."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from derin.explain.trace.operation import Array, Call, Cell, Gradients, Index, Operation, Term, table
from derin.explain.trace.operations.arithmetic import cellwise, erf, reduced_to, unary


def sigmoid(x: Any) -> Array:
    """1 / (1 + e⁻ˣ), without an overflow on either side."""
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(np.greater_equal(x, 0), 1.0, small) / (1 + small))


def softplus(x: Any) -> Array:
    """ln(1 + eˣ), without an overflow."""
    return np.asarray(np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))))


def _activation(
    name: str,
    options: tuple[str, ...],
    forward: Callable[..., Any],
    slope: Callable[..., Any],
    formula: str,
    slope_formula: str,
) -> Operation:
    """A function of one number with constants; slope gets x and the constants."""

    def backward(call: Call, gradient: Any) -> Gradients:
        return (gradient * slope(*call.arguments), *(None,) * (len(call.arguments) - 1))

    return Operation(
        name=f"aten.{name}",
        symbols=("x", *options),
        forward=forward,
        backward=backward,
        formula=f"y = {formula}",
        gradient_formula=rf"\bar{{x}} = \bar{{y}} \cdot ({slope_formula})",
        cell=cellwise(name),
    )


def _elu(x: Any, alpha: float = 1, scale: float = 1, inner: float = 1) -> Any:
    return scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0) * inner))


def _elu_slope(x: Any, alpha: float = 1, scale: float = 1, inner: float = 1) -> Any:
    return scale * np.where(x > 0, 1.0, alpha * inner * np.exp(np.minimum(x, 0.0) * inner))


def _softplus(x: Any, beta: float = 1, threshold: float = 20) -> Any:
    return np.where(x * beta > threshold, x, softplus(x * beta) / beta)


def _softplus_slope(x: Any, beta: float = 1, threshold: float = 20) -> Any:
    return np.where(x * beta > threshold, 1.0, sigmoid(x * beta))


_BEND = 0.044715  # of the approximation by tanh: Hendrycks and Gimpel, arXiv:1606.08415


def _gelu(x: Any, approximate: str = "none") -> Any:
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + _BEND * x**3)))
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


def _gelu_slope(x: Any, approximate: str = "none") -> Any:
    if approximate == "tanh":
        bent = np.tanh(math.sqrt(2 / math.pi) * (x + _BEND * x**3))
        return 0.5 * (1 + bent) + 0.5 * x * (1 - bent**2) * math.sqrt(2 / math.pi) * (1 + 3 * _BEND * x**2)
    return 0.5 * (1 + erf(x / math.sqrt(2))) + x * np.exp(-0.5 * x**2) / math.sqrt(2 * math.pi)


def _mish_slope(x: Any, y: Any) -> Any:
    bent = np.tanh(softplus(x))
    return bent + x * (1 - bent**2) * sigmoid(x)


def _silu_slope(x: Any, y: Any) -> Any:
    share = sigmoid(x)
    return share * (1 + x * (1 - share))


def _hardswish_slope(x: Any, y: Any) -> Any:
    return np.where(x <= -3, 0.0, np.where(x >= 3, 1.0, x / 3 + 0.5))


def _leaky(x: Any, weight: Any) -> Any:
    return np.where(x > 0, x, weight * x)


def _prelu_backward(call: Call, gradient: Any) -> Gradients:
    x, weight = call.arguments
    positive = x > 0
    return np.where(positive, gradient, weight * gradient), reduced_to(np.where(positive, 0.0, gradient * x), weight)


def _glu(x: Array, axis: int = -1) -> Array:
    value, gate = np.split(x, 2, axis=axis)
    return np.asarray(value * sigmoid(gate))


def _glu_backward(call: Call, gradient: Any) -> Gradients:
    x, axis = call.arguments
    value, gate = np.split(x, 2, axis=axis)
    share = sigmoid(gate)
    return np.concatenate([gradient * share, gradient * value * share * (1 - share)], axis=axis), None


def softmax(x: Array, axis: int) -> Array:
    """Shares e^xᵢ / Σ e^xⱼ; the largest is taken off first, which changes nothing and keeps e^x finite."""
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def _safe_softmax(x: Array, axis: int) -> Array:
    """Softmax that gives zeros where every cell is −∞: attention that may look nowhere."""
    nowhere = np.all(np.isneginf(x), axis=axis, keepdims=True)
    return np.where(nowhere, 0.0, softmax(np.where(nowhere, 0.0, x), axis))


def _log_softmax(x: Array, axis: int) -> Array:
    apart = x - x.max(axis=axis, keepdims=True)
    return np.asarray(apart - np.log(np.exp(apart).sum(axis=axis, keepdims=True)))


def _softmax_backward(call: Call, gradient: Any) -> Gradients:
    y, axis = call.output, call.arguments[1]
    inner = (gradient * y).sum(axis=axis, keepdims=True)
    return (y * (gradient - inner), *(None,) * (len(call.arguments) - 1))


def _log_softmax_backward(call: Call, gradient: Any) -> Gradients:
    axis = call.arguments[1]
    to_x = gradient - np.exp(call.output) * gradient.sum(axis=axis, keepdims=True)
    return (to_x, *(None,) * (len(call.arguments) - 1))


def _along(form: str) -> Callable[[Call, Index], Cell]:
    """Cells that read a whole line of x; the first term is the cell's own place."""

    def cell(call: Call, index: Index) -> Cell:
        x, axis = call.arguments[:2]
        axis %= x.ndim
        others = [at for at in range(x.shape[axis]) if at != index[axis]]
        places = [(*index[:axis], at, *index[axis + 1 :]) for at in (index[axis], *others)]
        return Cell(tuple(Term(((0, at, float(x[at])),)) for at in places), float(call.output[index]), form)

    return cell


def _softmax_operation(name: str, forward: Callable[..., Any]) -> Operation:
    return Operation(
        name=name,
        symbols=("x", r"\text{axis}"),
        forward=forward,
        backward=_softmax_backward,
        formula=r"y_i = \frac{e^{x_i}}{\sum_j e^{x_j}}",
        gradient_formula=r"\bar{x}_i = y_i (\bar{y}_i - \sum_j \bar{y}_j y_j)",
        cell=_along("exp(t1) / sum(exp(t))"),
    )


ACTIVATIONS = table(
    unary("relu", lambda x: np.maximum(x, 0.0), lambda x, y: (x > 0) * 1.0, r"\max(0, x)", "[x > 0]"),
    unary("sigmoid", sigmoid, lambda x, y: y * (1 - y), r"\frac{1}{1 + e^{-x}}", "y (1 - y)"),
    unary("tanh", np.tanh, lambda x, y: 1 - y * y, r"\tanh x", "(1 - y^2)"),
    unary("silu", lambda x: x * sigmoid(x), _silu_slope, r"x \sigma(x)", r"\sigma(x) (1 + x (1 - \sigma(x)))"),
    unary(
        "mish",
        lambda x: x * np.tanh(softplus(x)),
        _mish_slope,
        r"x \tanh(\log(1 + e^x))",
        r"(t + x (1 - t^2) \sigma(x)), \; t = \tanh(\log(1 + e^x))",
    ),
    unary(
        "hardswish",
        lambda x: x * np.clip(x + 3, 0.0, 6.0) / 6,
        _hardswish_slope,
        r"\frac{x \min(\max(0, x + 3), 6)}{6}",
        r"(\frac{x}{3} + \frac{1}{2}) \text{ for } -3 < x < 3",
    ),
    unary(
        "hardsigmoid",
        lambda x: np.clip(x + 3, 0.0, 6.0) / 6,
        lambda x, y: ((x > -3) & (x < 3)) / 6,
        r"\frac{\min(\max(0, x + 3), 6)}{6}",
        r"\frac{1}{6} \text{ for } -3 < x < 3",
    ),
    unary(
        "log_sigmoid",
        lambda x: -softplus(-np.asarray(x)),
        lambda x, y: sigmoid(-x),
        r"\log \sigma(x)",
        r"\sigma(-x)",
    ),
    _activation(
        "hardtanh",
        (r"\text{low}", r"\text{high}"),
        lambda x, low=-1, high=1: np.clip(x, low, high),
        lambda x, low=-1, high=1: ((x > low) & (x < high)) * 1.0,
        r"\min(\max(x, \text{low}), \text{high})",
        r"[\text{low} < x < \text{high}]",
    ),
    _activation(
        "leaky_relu",
        ("a",),
        lambda x, slope=0.01: _leaky(x, slope),
        lambda x, slope=0.01: np.where(x > 0, 1.0, slope),
        r"x \text{ for } x > 0, \text{ else } a x",
        r"1 \text{ for } x > 0, \text{ else } a",
    ),
    _activation(
        "elu",
        (r"\alpha", "s", "c"),
        _elu,
        _elu_slope,
        r"s x \text{ for } x > 0, \text{ else } s \alpha (e^{c x} - 1)",
        r"s \text{ for } x > 0, \text{ else } s \alpha c e^{c x}",
    ),
    _activation(
        "softplus",
        (r"\beta", "t"),
        _softplus,
        _softplus_slope,
        r"\frac{1}{\beta} \log(1 + e^{\beta x})",
        r"\sigma(\beta x)",
    ),
    _activation(
        "gelu",
        (r"\text{approximation}",),
        _gelu,
        _gelu_slope,
        r"x \Phi(x), \; \Phi(x) = \frac{1}{2} (1 + \text{erf}(\frac{x}{\sqrt{2}}))",
        r"\Phi(x) + x \frac{e^{-x^2 / 2}}{\sqrt{2 \pi}}",
    ),
    _activation(
        "threshold",
        ("t", "v"),
        lambda x, threshold, value: np.where(x > threshold, x, value),
        lambda x, threshold, value: (x > threshold) * 1.0,
        r"x \text{ for } x > t, \text{ else } v",
        r"[x > t]",
    ),
    _activation(
        "softshrink",
        (r"\lambda",),
        lambda x, bound=0.5: np.where(x > bound, x - bound, np.where(x < -bound, x + bound, 0.0)),
        lambda x, bound=0.5: (np.abs(x) > bound) * 1.0,
        r"\text{sign}(x) \max(|x| - \lambda, 0)",
        r"[|x| > \lambda]",
    ),
    _activation(
        "hardshrink",
        (r"\lambda",),
        lambda x, bound=0.5: np.where(np.abs(x) > bound, x, 0.0),
        lambda x, bound=0.5: (np.abs(x) > bound) * 1.0,
        r"x \text{ for } |x| > \lambda, \text{ else } 0",
        r"[|x| > \lambda]",
    ),
    Operation(
        name="aten.prelu",
        symbols=("x", "a"),
        forward=_leaky,
        backward=_prelu_backward,
        formula=r"y = x \text{ for } x > 0, \text{ else } a x",
        gradient_formula=r"\bar{x} = \bar{y} \text{ or } a \bar{y}, \; \bar{a} = \sum_{x \le 0} \bar{y} x",
        cell=cellwise("prelu", 2),
    ),
    Operation(
        name="aten.glu",
        symbols=("x", r"\text{axis}"),
        forward=_glu,
        backward=_glu_backward,
        formula=r"y = a \sigma(b), \; (a, b) = x",
        gradient_formula=r"\bar{a} = \bar{y} \sigma(b), \; \bar{b} = \bar{y} a \sigma(b) (1 - \sigma(b))",
    ),
    _softmax_operation("aten._softmax", softmax),
    _softmax_operation("aten._safe_softmax", _safe_softmax),
    Operation(
        name="aten._log_softmax",
        symbols=("x", r"\text{axis}"),
        forward=_log_softmax,
        backward=_log_softmax_backward,
        formula=r"y_i = x_i - \log \sum_j e^{x_j}",
        gradient_formula=r"\bar{x}_i = \bar{y}_i - e^{y_i} \sum_j \bar{y}_j",
        cell=_along("t1 - log(sum(exp(t)))"),
    ),
)
