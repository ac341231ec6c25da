"""Many numbers to one: sums, means, extremes, spreads, norms, along some axes or all."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from derin.explain.trace.operation import Array, Call, Cell, Gradients, Index, Operation, Term, no_gradient, table
from derin.explain.trace.operations.arithmetic import plain


def _axes(x: Array, axes: Any) -> tuple[int, ...]:
    """The axes as numbers from 0; none given are all."""
    wanted = () if axes is None else (axes,) if isinstance(axes, int) else tuple(axes)
    return tuple(axis % x.ndim for axis in wanted) if wanted and x.ndim else tuple(range(x.ndim))


def _again(value: Any, x: Array, axes: Any, keep: bool) -> Array:
    """A reduced array with its lost axes put back, each of size 1."""
    return np.asarray(value) if keep else np.expand_dims(np.asarray(value), _axes(x, axes))


def _reads(call: Call, index: Index) -> list[Index]:
    """The cells of x that one cell of the output reads."""
    x, axes, keep = call.arguments[0], _axes(call.arguments[0], call.arguments[1]), call.output.ndim
    rest = iter(index)
    along: list[Any] = []
    for axis, size in enumerate(x.shape):
        if axis in axes:
            along.append(range(size))
            if keep == x.ndim:
                next(rest)
        else:
            along.append([next(rest)])
    return list(itertools.product(*along))


def _cell(form: str, share: Callable[[int], float] | None = None) -> Callable[[Call, Index], Cell]:
    def cell(call: Call, index: Index) -> Cell:
        x, places = call.arguments[0], _reads(call, index)
        lead = () if share is None else (plain(share(len(places))),)
        return Cell(tuple(Term((*lead, (0, at, float(x[at])))) for at in places), float(call.output[index]), form)

    return cell


def _reduction(
    name: str,
    forward: Callable[..., Any],
    slope: Callable[[Array, Array, tuple[int, ...]], Any],
    formula: str,
    gradient_formula: str,
    cell: Callable[[Call, Index], Cell],
) -> Operation:
    """A reduction with arguments (x, axes, keep); slope gets x, the output with all its axes, and the axes."""

    def backward(call: Call, gradient: Any) -> Gradients:
        x, axes, keep = call.arguments
        output = _again(call.output, x, axes, keep)
        return _again(gradient, x, axes, keep) * slope(x, output, _axes(x, axes)), None, None

    return Operation(
        name=f"aten.{name}",
        symbols=("x", r"\text{axes}", r"\text{keep}"),
        forward=lambda x, axes=None, keep=False: forward(x, axis=_axes(x, axes), keepdims=keep),
        backward=backward,
        formula=f"y = {formula}",
        gradient_formula=rf"\bar{{x}}_i = {gradient_formula}",
        cell=cell,
    )


def _even_share(x: Array, output: Array, axes: tuple[int, ...]) -> Array:
    """Equal extremes share the gradient."""
    best = x == output
    return np.asarray(best / best.sum(axis=axes, keepdims=True))


def _count(x: Array, axes: tuple[int, ...]) -> int:
    return int(np.prod([x.shape[axis] for axis in axes]))


def _log_sum_exp(x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    top = x.max(axis=axis, keepdims=True)
    total = np.log(np.exp(x - top).sum(axis=axis, keepdims=True)) + top
    return np.asarray(total if keepdims else np.squeeze(total, axis))


def _variance_parts(call: Call) -> tuple[Array, Array, int]:
    x, axes, correction, keep = call.arguments
    over = _axes(x, axes)
    apart = x - x.mean(axis=over, keepdims=True)
    return apart, _again(call.output, x, axes, keep), _count(x, over) - (1 if correction is None else int(correction))


def _var_backward(call: Call, gradient: Any) -> Gradients:
    x, axes, _, keep = call.arguments
    apart, _, count = _variance_parts(call)
    return _again(gradient, x, axes, keep) * 2 * apart / count, None, None, None


def _std_backward(call: Call, gradient: Any) -> Gradients:
    x, axes, _, keep = call.arguments
    apart, output, count = _variance_parts(call)
    return _again(gradient, x, axes, keep) * apart / (output * count), None, None, None


def _spread_of(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, axes=None, correction=1, keep=False: function(
        x, axis=_axes(x, axes), ddof=1 if correction is None else correction, keepdims=keep
    )


def _norm(x: Array, order: float = 2.0, axes: Any = None, keep: bool = False) -> Array:
    over = _axes(x, axes)
    size = np.abs(x)
    if order == np.inf:
        return np.asarray(size.max(axis=over, keepdims=keep))
    return np.asarray((size**order).sum(axis=over, keepdims=keep) ** (1 / order))


def _norm_backward(call: Call, gradient: Any) -> Gradients:
    x, order, axes, keep = call.arguments
    output, back = _again(call.output, x, axes, keep), _again(gradient, x, axes, keep)
    if order == np.inf:
        return back * np.sign(x) * _even_share(np.abs(x), output, _axes(x, axes)), None, None, None
    safe = np.where(output == 0, 1.0, output)  # the norm of zeros has no slope; PyTorch gives 0
    return back * np.sign(x) * (np.abs(x) / safe) ** (order - 1) * (output != 0), None, None, None


def _norm_cell(call: Call, index: Index) -> Cell:
    x, order, axes, _ = call.arguments
    places = _reads(Call((x, axes), call.output), index)
    terms = tuple(Term(((0, at, float(x[at])),)) for at in places)
    return Cell(terms, float(call.output[index]), f"sum(abs(t)^{order:g})^(1/{order:g})")


def _variance_cell(form: str) -> Callable[[Call, Index], Cell]:
    def cell(call: Call, index: Index) -> Cell:
        x = call.arguments[0]
        return Cell(
            tuple(Term(((0, at, float(x[at])),)) for at in _reads(call, index)), float(call.output[index]), form
        )

    return cell


def _cumsum_backward(call: Call, gradient: Any) -> Gradients:
    axis = call.arguments[1]
    return np.flip(np.cumsum(np.flip(gradient, axis), axis=axis), axis), None


def _arg(function: Callable[..., Any]) -> Callable[..., Any]:
    def forward(x: Array, axis: int | None = None, keep: bool = False) -> Any:
        return np.asarray(function(x, axis=axis, keepdims=keep))

    return forward


def _extreme_backward(place: Callable[..., Any]) -> Callable[[Call, Any], Gradients]:
    """Of max and min along one axis, whose gradient goes to the first extreme."""

    def backward(call: Call, gradient: Any) -> Gradients:
        x, axis, keep = call.arguments
        to_x = np.zeros_like(x)
        np.put_along_axis(to_x, place(x, axis=axis, keepdims=True), _again(gradient, x, axis, keep), axis=axis)
        return to_x, None, None

    return backward


def _extreme(name: str, forward: Callable[..., Any], place: Callable[..., Any], symbol: str) -> Operation:
    return Operation(
        name=f"derin.{name}",
        symbols=("x", r"\text{axis}", r"\text{keep}"),
        forward=lambda x, axis, keep=False: forward(x, axis=axis, keepdims=keep),
        backward=_extreme_backward(place),
        formula=rf"y = \{symbol}_i x_i",
        gradient_formula=rf"\bar{{x}}_i = \bar{{y}} \text{{ where }} x_i \text{{ is the first }} \{symbol}",
        cell=_cell(symbol),
    )


def _index_of(name: str, function: Callable[..., Any]) -> Operation:
    return Operation(
        name=name,
        symbols=("x", r"\text{axis}", r"\text{keep}"),
        forward=_arg(function),
        backward=no_gradient,
        formula=rf"y = \text{{{name.partition('.')[2]}}}(x)",
        gradient_formula="",
    )


def _condition(name: str, function: Callable[..., Any]) -> Operation:
    return Operation(
        name=f"aten.{name}",
        symbols=("x", r"\text{axes}", r"\text{keep}"),
        forward=lambda x, axes=None, keep=False: function(x, axis=_axes(x, axes), keepdims=keep),
        backward=no_gradient,
        formula=rf"y = \text{{{name}}}(x)",
        gradient_formula="",
    )


REDUCTIONS = table(
    _reduction("sum", np.sum, lambda x, y, axes: np.ones_like(x), r"\sum_i x_i", r"\bar{y}", _cell("sum")),
    _reduction(
        "mean",
        np.mean,
        lambda x, y, axes: np.full(x.shape, 1 / _count(x, axes)),
        r"\frac{1}{n} \sum_i x_i",
        r"\frac{\bar{y}}{n}",
        _cell("sum", lambda count: 1 / count),
    ),
    _reduction("amax", np.max, _even_share, r"\max_i x_i", r"\bar{y} \text{ where } x_i = y", _cell("max")),
    _reduction("amin", np.min, _even_share, r"\min_i x_i", r"\bar{y} \text{ where } x_i = y", _cell("min")),
    _reduction(
        "logsumexp",
        _log_sum_exp,
        lambda x, y, axes: np.exp(x - y),
        r"\log \sum_i e^{x_i}",
        r"\bar{y} e^{x_i - y}",
        _cell("log(sum(exp(t)))"),
    ),
    _extreme("max_values", np.max, np.argmax, "max"),
    _extreme("min_values", np.min, np.argmin, "min"),
    _index_of("derin.max_indices", np.argmax),
    _index_of("derin.min_indices", np.argmin),
    _index_of("aten.argmax", np.argmax),
    _index_of("aten.argmin", np.argmin),
    _condition("any", np.any),
    _condition("all", np.all),
    Operation(
        name="aten.var",
        symbols=("x", r"\text{axes}", "c", r"\text{keep}"),
        forward=_spread_of(np.var),
        backward=_var_backward,
        formula=r"y = \frac{1}{n - c} \sum_i (x_i - \mu)^2",
        gradient_formula=r"\bar{x}_i = \bar{y} \frac{2 (x_i - \mu)}{n - c}",
        cell=_variance_cell("var(t)"),
    ),
    Operation(
        name="aten.std",
        symbols=("x", r"\text{axes}", "c", r"\text{keep}"),
        forward=_spread_of(np.std),
        backward=_std_backward,
        formula=r"y = \sqrt{\frac{1}{n - c} \sum_i (x_i - \mu)^2}",
        gradient_formula=r"\bar{x}_i = \bar{y} \frac{x_i - \mu}{(n - c) y}",
        cell=_variance_cell("std(t)"),
    ),
    Operation(
        name="aten.linalg_vector_norm",
        symbols=("x", "p", r"\text{axes}", r"\text{keep}"),
        forward=_norm,
        backward=_norm_backward,
        formula=r"y = (\sum_i |x_i|^p)^{1/p}",
        gradient_formula=r"\bar{x}_i = \bar{y} \, \text{sign}(x_i) (\frac{|x_i|}{y})^{p - 1}",
        cell=_norm_cell,
    ),
    Operation(
        name="aten.cumsum",
        symbols=("x", r"\text{axis}"),
        forward=lambda x, axis: np.cumsum(x, axis=axis),
        backward=_cumsum_backward,
        formula=r"y_i = \sum_{j \le i} x_j",
        gradient_formula=r"\bar{x}_j = \sum_{i \ge j} \bar{y}_i",
    ),
)
