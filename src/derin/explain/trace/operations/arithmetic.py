"""Arithmetic cell by cell, with broadcasting: sums, products, powers, elementary functions, comparisons, choices."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from derin.explain.trace.operation import Array, Call, Cell, Gradients, Index, Operation, Term, no_gradient, table

_erf = np.vectorize(math.erf, otypes=[np.float64])


def erf(x: Any) -> Array:
    """The error function of each number."""
    return np.asarray(_erf(x))


def reduced_to(gradient: Any, argument: Any) -> Array | None:
    """The gradient of an argument that was broadcast: summed over the axes along which it was repeated.

    Example:
        >>> reduced_to(np.ones((2, 3)), np.zeros(3)).tolist()
        [2.0, 2.0, 2.0]
    """
    if not isinstance(argument, np.ndarray):
        return None
    gradient = np.asarray(gradient)
    lead = gradient.ndim - argument.ndim
    repeated = tuple(
        axis + lead for axis, size in enumerate(argument.shape) if size == 1 != gradient.shape[axis + lead]
    )
    return np.asarray(gradient.sum(axis=(*range(lead), *repeated), keepdims=True).reshape(argument.shape))


def factor(call: Call, number: int, index: Index) -> tuple[int, Index, float]:
    """The cell of an argument that an output's cell reads, under broadcasting."""
    argument = call.arguments[number]
    if not isinstance(argument, np.ndarray):
        return (-1, (), float(argument))
    lead = len(index) - argument.ndim
    place = tuple(0 if size == 1 else index[axis + lead] for axis, size in enumerate(argument.shape))
    return (number, place, float(argument[place]))


def plain(value: float) -> tuple[int, Index, float]:
    """A factor that is no cell of an argument."""
    return (-1, (), float(value))


def cellwise(name: str, arguments: int = 1) -> Callable[[Call, Index], Cell]:
    """Cells of a function that reads the same place of each of its arguments; the form names the function."""
    form = f"{name}({', '.join(f't{number + 1}' for number in range(arguments))})"

    def cell(call: Call, index: Index) -> Cell:
        terms = tuple(Term((factor(call, number, index),)) for number in range(arguments))
        return Cell(terms, float(call.output[index]), form)

    return cell


def unary(
    name: str,
    forward: Callable[[Any], Any],
    slope: Callable[[Any, Any], Any],
    formula: str,
    slope_formula: str,
) -> Operation:
    """A function of one number.

    Args:
        name: without "aten.".
        forward: x → y.
        slope: (x, y) → dy/dx.
        formula: LaTeX of y.
        slope_formula: LaTeX of dy/dx.
    """
    return Operation(
        name=f"aten.{name}",
        symbols=("x",),
        forward=forward,
        backward=lambda call, gradient: (gradient * slope(call.arguments[0], call.output),),
        formula=f"y = {formula}",
        gradient_formula=rf"\bar{{x}} = \bar{{y}} \cdot {slope_formula}" if slope_formula else r"\bar{x} = \bar{y}",
        cell=cellwise(name),
    )


def _add_backward(call: Call, gradient: Any) -> Gradients:
    a, b, alpha = call.arguments
    return reduced_to(gradient, a), reduced_to(gradient * alpha, b), None


def _sub_backward(call: Call, gradient: Any) -> Gradients:
    a, b, alpha = call.arguments
    return reduced_to(gradient, a), reduced_to(-alpha * gradient, b), None


def _sum_cell(sign: float) -> Callable[[Call, Index], Cell]:
    def cell(call: Call, index: Index) -> Cell:
        scale = sign * call.arguments[2]
        second = factor(call, 1, index)
        terms = (Term((factor(call, 0, index),)), Term((second,) if scale == 1 else (plain(scale), second)))
        return Cell(terms, float(call.output[index]), "sum")

    return cell


def _mul_backward(call: Call, gradient: Any) -> Gradients:
    a, b = call.arguments
    return reduced_to(gradient * b, a), reduced_to(gradient * a, b)


def _mul_cell(call: Call, index: Index) -> Cell:
    return Cell((Term((factor(call, 0, index), factor(call, 1, index))),), float(call.output[index]), "sum")


_ROUNDINGS: dict[str | None, Callable[[Any], Any]] = {None: lambda y: y, "floor": np.floor, "trunc": np.trunc}


def _div(a: Any, b: Any, rounding_mode: str | None = None) -> Any:
    return _ROUNDINGS[rounding_mode](np.true_divide(a, b))


def _div_backward(call: Call, gradient: Any) -> Gradients:
    a, b, *rounding_mode = call.arguments
    if any(rounding_mode):
        return None, None, None
    parts = reduced_to(gradient / b, a), reduced_to(-gradient * a / np.square(b), b)
    return (*parts, None)[: len(call.arguments)]


def _pow_backward(call: Call, gradient: Any) -> Gradients:
    a, b = call.arguments
    to_a = gradient * b * np.power(a, np.where(np.equal(b, 0), 1.0, np.subtract(b, 1.0)))
    if not isinstance(b, np.ndarray):
        return reduced_to(to_a, a), None
    # 0ᵇ does not move with b where b is positive; the logarithm is not taken there.
    logarithm = np.log(np.where(np.equal(a, 0), 1.0, a))
    return reduced_to(to_a, a), reduced_to(gradient * call.output * logarithm, b)


def _xlogy(x: Any, other: Any) -> Any:
    """x·log(y), and 0 where x is 0 whatever y is."""
    return np.where(np.equal(x, 0), 0.0, x * np.log(np.where(np.equal(x, 0), 1.0, other)))


def _xlogy_backward(call: Call, gradient: Any) -> Gradients:
    x, other = call.arguments
    logarithm = np.where(np.equal(x, 0) & np.less_equal(other, 0), 0.0, np.log(other))
    return reduced_to(gradient * logarithm, x), reduced_to(gradient * x / other, other)


def _chosen(name: str, forward: Callable[..., Any], wins: Callable[[Any, Any], Any], symbol: str) -> Operation:
    """The larger or the smaller of two; where they are equal each gets half of the gradient."""

    def backward(call: Call, gradient: Any) -> Gradients:
        a, b = call.arguments
        share = wins(a, b) + 0.5 * np.equal(a, b)
        return reduced_to(gradient * share, a), reduced_to(gradient * (1 - share), b)

    return Operation(
        name=f"aten.{name}",
        symbols=("a", "b"),
        forward=forward,
        backward=backward,
        formula=rf"y = \{symbol}(a, b)",
        gradient_formula=rf"\bar{{a}} = \bar{{y}} \text{{ if }} a \text{{ is the }} \{symbol}, \text{{ else }} 0",
        cell=cellwise(symbol, 2),
    )


def _clamp(x: Any, low: float | None, high: float | None) -> Any:
    return np.clip(x, -np.inf if low is None else low, np.inf if high is None else high)


def _clamp_backward(call: Call, gradient: Any) -> Gradients:
    x, low, high = call.arguments
    inside = (x >= (-np.inf if low is None else low)) & (x <= (np.inf if high is None else high))
    return gradient * inside, None, None


def _where_backward(call: Call, gradient: Any) -> Gradients:
    condition, a, b = call.arguments
    return None, reduced_to(np.where(condition, gradient, 0.0), a), reduced_to(np.where(condition, 0.0, gradient), b)


def _where_cell(call: Call, index: Index) -> Cell:
    chosen = 1 if factor(call, 0, index)[2] else 2
    return Cell((Term((factor(call, chosen, index),)),), float(call.output[index]), "sum")


def _masked_fill_backward(call: Call, gradient: Any) -> Gradients:
    x, mask, value = call.arguments
    return reduced_to(np.where(mask, 0.0, gradient), x), None, reduced_to(np.where(mask, gradient, 0.0), value)


def _lerp_backward(call: Call, gradient: Any) -> Gradients:
    a, b, weight = call.arguments
    return (
        reduced_to(gradient * (1 - weight), a),
        reduced_to(gradient * weight, b),
        reduced_to(gradient * (b - a), weight),
    )


def _addc_backward(call: Call, gradient: Any) -> Gradients:
    x, a, b, value = call.arguments
    return (reduced_to(gradient, x), reduced_to(value * gradient * b, a), reduced_to(value * gradient * a, b), None)


def _comparison(name: str, forward: Callable[..., Any], symbol: str) -> Operation:
    """A condition on two numbers; nothing flows back through it."""
    return Operation(
        name=f"aten.{name}",
        symbols=("a", "b"),
        forward=forward,
        backward=no_gradient,
        formula=rf"y = [a {symbol} b]",
        gradient_formula="",
        cell=cellwise(name, 2),
    )


def _step(name: str, forward: Callable[..., Any], formula: str) -> Operation:
    """A function of one number that is constant nearly everywhere."""
    return Operation(
        name=f"aten.{name}",
        symbols=("x",),
        forward=forward,
        backward=lambda call, gradient: (np.zeros_like(gradient),),
        formula=f"y = {formula}",
        gradient_formula=r"\bar{x} = 0",
        cell=cellwise(name),
    )


ARITHMETIC = table(
    Operation(
        name="aten.add",
        symbols=("a", "b", r"\alpha"),
        forward=lambda a, b, alpha=1: a + alpha * b,
        backward=_add_backward,
        formula=r"y = a + \alpha b",
        gradient_formula=r"\bar{a} = \bar{y}, \; \bar{b} = \alpha \bar{y}",
        cell=_sum_cell(1.0),
    ),
    Operation(
        name="aten.sub",
        symbols=("a", "b", r"\alpha"),
        forward=lambda a, b, alpha=1: a - alpha * b,
        backward=_sub_backward,
        formula=r"y = a - \alpha b",
        gradient_formula=r"\bar{a} = \bar{y}, \; \bar{b} = -\alpha \bar{y}",
        cell=_sum_cell(-1.0),
    ),
    Operation(
        name="aten.mul",
        symbols=("a", "b"),
        forward=lambda a, b: a * b,
        backward=_mul_backward,
        formula=r"y = a \cdot b",
        gradient_formula=r"\bar{a} = \bar{y} \cdot b, \; \bar{b} = \bar{y} \cdot a",
        cell=_mul_cell,
    ),
    Operation(
        name="aten.div",
        symbols=("a", "b", r"\text{rounding}"),
        forward=_div,
        backward=_div_backward,
        formula=r"y = \frac{a}{b}",
        gradient_formula=r"\bar{a} = \frac{\bar{y}}{b}, \; \bar{b} = -\frac{\bar{y} \cdot a}{b^2}",
        cell=cellwise("div", 2),
    ),
    Operation(
        name="aten.pow",
        symbols=("a", "b"),
        forward=lambda a, b: np.power(np.asarray(a, dtype=np.float64), b),
        backward=_pow_backward,
        formula=r"y = a^b",
        gradient_formula=r"\bar{a} = \bar{y} \cdot b a^{b - 1}, \; \bar{b} = \bar{y} \cdot y \log a",
        cell=cellwise("pow", 2),
    ),
    Operation(
        name="aten.addcmul",
        symbols=("x", "a", "b", "v"),
        forward=lambda x, a, b, value: x + value * a * b,
        backward=_addc_backward,
        formula=r"y = x + v \cdot a \cdot b",
        gradient_formula=r"\bar{x} = \bar{y}, \; \bar{a} = v \bar{y} \cdot b, \; \bar{b} = v \bar{y} \cdot a",
        cell=cellwise("addcmul", 3),
    ),
    Operation(
        name="aten.lerp",
        symbols=("a", "b", "w"),
        forward=lambda a, b, weight: a + weight * (b - a),
        backward=_lerp_backward,
        formula=r"y = a + w (b - a)",
        gradient_formula=r"\bar{a} = (1 - w) \bar{y}, \; \bar{b} = w \bar{y}, \; \bar{w} = \bar{y} (b - a)",
        cell=cellwise("lerp", 3),
    ),
    Operation(
        name="aten.xlogy",
        symbols=("a", "b"),
        forward=_xlogy,
        backward=_xlogy_backward,
        formula=r"y = a \log b",
        gradient_formula=r"\bar{a} = \bar{y} \log b, \; \bar{b} = \bar{y} \frac{a}{b}",
        cell=cellwise("xlogy", 2),
    ),
    _chosen("maximum", np.maximum, np.greater, "max"),
    _chosen("minimum", np.minimum, np.less, "min"),
    Operation(
        name="aten.clamp",
        symbols=("x", r"\text{low}", r"\text{high}"),
        forward=_clamp,
        backward=_clamp_backward,
        formula=r"y = \min(\max(x, \text{low}), \text{high})",
        gradient_formula=r"\bar{x} = \bar{y} \text{ if } \text{low} \le x \le \text{high}, \text{ else } 0",
        cell=cellwise("clamp"),
    ),
    Operation(
        name="aten.where",
        symbols=("c", "a", "b"),
        forward=lambda condition, a, b: np.where(condition, a, b),
        backward=_where_backward,
        formula=r"y = a \text{ if } c, \text{ else } b",
        gradient_formula=r"\bar{a} = \bar{y} \text{ if } c, \; \bar{b} = \bar{y} \text{ if not } c",
        cell=_where_cell,
    ),
    Operation(
        name="aten.masked_fill",
        symbols=("x", "m", "v"),
        forward=lambda x, mask, value: np.where(mask, value, x),
        backward=_masked_fill_backward,
        formula=r"y = v \text{ if } m, \text{ else } x",
        gradient_formula=r"\bar{x} = \bar{y} \text{ if not } m, \text{ else } 0",
    ),
    unary("neg", np.negative, lambda x, y: -1.0, "-x", "(-1)"),
    unary("exp", np.exp, lambda x, y: y, r"e^{x}", "y"),
    unary("expm1", np.expm1, lambda x, y: y + 1, r"e^{x} - 1", "(y + 1)"),
    unary("log", np.log, lambda x, y: 1 / x, r"\log x", r"\frac{1}{x}"),
    unary("log2", np.log2, lambda x, y: 1 / (x * math.log(2)), r"\log_2 x", r"\frac{1}{x \log 2}"),
    unary("log10", np.log10, lambda x, y: 1 / (x * math.log(10)), r"\log_{10} x", r"\frac{1}{x \log 10}"),
    unary("log1p", np.log1p, lambda x, y: 1 / (1 + x), r"\log(1 + x)", r"\frac{1}{1 + x}"),
    unary("sqrt", np.sqrt, lambda x, y: 0.5 / y, r"\sqrt{x}", r"\frac{1}{2 y}"),
    unary("rsqrt", lambda x: 1 / np.sqrt(x), lambda x, y: -0.5 * y**3, r"\frac{1}{\sqrt{x}}", r"(-\frac{y^3}{2})"),
    unary("reciprocal", lambda x: 1 / x, lambda x, y: -y * y, r"\frac{1}{x}", r"(-y^2)"),
    unary("square", np.square, lambda x, y: 2 * x, r"x^2", "2 x"),
    unary("abs", np.abs, lambda x, y: np.sign(x), r"|x|", r"\text{sign}(x)"),
    unary("sin", np.sin, lambda x, y: np.cos(x), r"\sin x", r"\cos x"),
    unary("cos", np.cos, lambda x, y: -np.sin(x), r"\cos x", r"(-\sin x)"),
    unary("tan", np.tan, lambda x, y: 1 + y * y, r"\tan x", r"(1 + y^2)"),
    unary("atan", np.arctan, lambda x, y: 1 / (1 + x * x), r"\arctan x", r"\frac{1}{1 + x^2}"),
    unary(
        "erf",
        erf,
        lambda x, y: 2 / math.sqrt(math.pi) * np.exp(-x * x),
        r"\text{erf}(x)",
        r"\frac{2}{\sqrt{\pi}} e^{-x^2}",
    ),
    _step("sign", np.sign, r"\text{sign}(x)"),
    _step("floor", np.floor, r"\text{floor}(x)"),
    _step("ceil", np.ceil, r"\text{ceil}(x)"),
    _step("round", np.round, r"\text{round}(x)"),
    _comparison("eq", np.equal, "="),
    _comparison("ne", np.not_equal, r"\ne"),
    _comparison("lt", np.less, "<"),
    _comparison("le", np.less_equal, r"\le"),
    _comparison("gt", np.greater, ">"),
    _comparison("ge", np.greater_equal, r"\ge"),
    _comparison("logical_and", np.logical_and, r"\text{and}"),
    _comparison("logical_or", np.logical_or, r"\text{or}"),
    *(
        Operation(
            name=f"aten.{name}",
            symbols=("x",),
            forward=forward,
            backward=no_gradient,
            formula=rf"y = {formula}",
            gradient_formula="",
        )
        for name, forward, formula in (
            ("logical_not", np.logical_not, r"\text{not } x"),
            ("isnan", np.isnan, r"[x \text{ is no number}]"),
            ("isinf", np.isinf, r"[|x| = \infty]"),
        )
    ),
)
