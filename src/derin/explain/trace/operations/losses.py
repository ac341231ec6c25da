"""Losses: of each cell, and their mean or sum (reduction 0 keeps them apart, 1 takes the mean, 2 the sum)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from derin.explain.trace.operation import Array, Call, Cell, Gradients, Index, Operation, Term, table
from derin.explain.trace.operations.activations import sigmoid, softplus
from derin.explain.trace.operations.arithmetic import factor, plain, reduced_to


def _reduced(losses: Array, reduction: int) -> Array:
    return np.asarray(losses if reduction == 0 else losses.mean() if reduction == 1 else losses.sum())


def _share(shape: tuple[int, ...], gradient: Any, reduction: int) -> Array:
    """The gradient of each cell's loss."""
    scale = 1 / max(1, int(np.prod(shape))) if reduction == 1 else 1.0
    return np.asarray(np.broadcast_to(gradient * scale, shape))


def _pairwise(
    name: str,
    options: tuple[str, ...],
    loss: Callable[..., Any],
    slope: Callable[..., Any],
    formula: str,
    gradient_formula: str,
) -> Operation:
    """A loss of the difference d = x − t.

    Args:
        name: without "aten.".
        options: symbols of the constants after the reduction.
        loss: (d, constants) → the cell's loss.
        slope: (d, constants) → its derivative by d.
        formula: LaTeX of the cell's loss.
        gradient_formula: LaTeX of that derivative.
    """

    def forward(x: Any, target: Any, reduction: int = 1, *constants: float) -> Array:
        return _reduced(loss(x - target, *constants), reduction)

    def backward(call: Call, gradient: Any) -> Gradients:
        x, target, reduction, *constants = call.arguments
        apart = x - target
        to_x = _share(apart.shape, gradient, reduction) * slope(apart, *constants)
        return (reduced_to(to_x, x), reduced_to(-to_x, target), *(None,) * (1 + len(constants)))

    def cell(call: Call, index: Index) -> Cell:
        x, target, reduction, *constants = call.arguments
        apart = x - target
        places = [index] if reduction == 0 else list(np.ndindex(*apart.shape))
        share = plain(1 / len(places) if reduction == 1 else 1.0)
        # A cell's loss is no product of cells; it stands as one number beside its share.
        terms = tuple(Term((share, plain(float(loss(apart[at], *constants))))) for at in places)
        return Cell(terms, float(call.output[index]), "sum")

    return Operation(
        name=f"aten.{name}",
        symbols=("x", "t", r"\text{reduction}", *options),
        forward=forward,
        backward=backward,
        formula=rf"y = \frac{{1}}{{n}} \sum {formula}, \; d = x - t",
        gradient_formula=rf"\bar{{x}} = \frac{{\bar{{y}}}}{{n}} \cdot ({gradient_formula}), \; \bar{{t}} = -\bar{{x}}",
        cell=cell,
    )


def _squares_backward(call: Call, gradient: Any) -> Gradients:
    x, target, reduction = call.arguments
    apart = x - target
    to_x = _share(apart.shape, gradient, reduction) * 2 * apart
    return reduced_to(to_x, x), reduced_to(-to_x, target), None


def _squares_cell(call: Call, index: Index) -> Cell:
    """(x − t)² written out as x² − 2xt + t², whose factors are cells."""
    x, target, reduction = call.arguments
    shape = np.broadcast_shapes(x.shape, target.shape)
    places = [index] if reduction == 0 else list(np.ndindex(*shape))
    share = 1 / len(places) if reduction == 1 else 1.0
    terms: list[Term] = []
    for at in places:
        own, wanted = factor(call, 0, at), factor(call, 1, at)
        terms += [
            Term((plain(share), own, own)),
            Term((plain(-2 * share), own, wanted)),
            Term((plain(share), wanted, wanted)),
        ]
    return Cell(tuple(terms), float(call.output[index]), "sum")


def _chosen_weights(target: Array, weight: Array | None, ignored: int) -> tuple[Array, Array]:
    """For each target its class, 0 where it is ignored, and its weight."""
    counts = target != ignored
    classes = np.where(counts, target, 0)
    return classes, counts * (1.0 if weight is None else weight[classes])


def _classes_last(x: Array) -> Array:
    """``(C,)`` or ``(B, C, ...)`` → classes on the last axis."""
    return x if x.ndim == 1 else np.moveaxis(x, 1, -1)


def _nll(x: Array, target: Array, weight: Array | None, reduction: int, ignored: int) -> Array:
    classes, own = _chosen_weights(target, weight, ignored)
    losses = -own * np.take_along_axis(_classes_last(x), classes[..., None], axis=-1)[..., 0]
    return np.asarray(losses.sum() / own.sum() if reduction == 1 else losses.sum() if reduction == 2 else losses)


def _nll_backward(call: Call, gradient: Any) -> Gradients:
    x, target, weight, reduction, ignored = call.arguments
    classes, own = _chosen_weights(target, weight, ignored)
    share = -gradient * (own / own.sum() if reduction == 1 else own)
    to_x = np.zeros_like(_classes_last(x))
    np.put_along_axis(to_x, classes[..., None], np.asarray(share)[..., None], axis=-1)
    return to_x if x.ndim == 1 else np.moveaxis(to_x, -1, 1), None, None, None, None


def _nll_cell(call: Call, index: Index) -> Cell:
    x, target, weight, reduction, ignored = call.arguments
    classes, own = _chosen_weights(target, weight, ignored)
    shares = own / own.sum() if reduction == 1 else own
    terms = []
    for at in [index] if reduction == 0 else np.ndindex(*target.shape):
        chosen = int(classes[at])
        place = (chosen,) if x.ndim == 1 else (at[0], chosen, *at[1:])
        terms.append(Term((plain(-float(shares[at])), (0, place, float(x[place])))))
    return Cell(tuple(terms), float(call.output[index]), "sum")


# PyTorch bounds both logarithms from below, so that a wrong and certain probability gives a finite loss.
_LEAST_LOGARITHM = -100.0


def _bce(x: Array, target: Array, weight: Array | None, reduction: int) -> Array:
    with np.errstate(divide="ignore"):
        losses = -(
            target * np.maximum(np.log(x), _LEAST_LOGARITHM) + (1 - target) * np.maximum(np.log1p(-x), _LEAST_LOGARITHM)
        )
    return _reduced(losses if weight is None else weight * losses, reduction)


def _bce_backward(call: Call, gradient: Any) -> Gradients:
    x, target, weight, reduction = call.arguments
    share = _share(x.shape, gradient, reduction) * (1.0 if weight is None else weight)
    with np.errstate(divide="ignore"):
        odds = np.maximum(np.log1p(-x), _LEAST_LOGARITHM) - np.maximum(np.log(x), _LEAST_LOGARITHM)
    return share * (x - target) / np.maximum(x * (1 - x), 1e-12), share * odds, None, None


def _logit_losses(x: Array, target: Array, weight: Array | None, positive: Array | None) -> Array:
    heavier = 1.0 if positive is None else positive
    losses = (1 - target) * softplus(x) + heavier * target * softplus(-x)
    return losses if weight is None else weight * losses


def _logit_bce(x: Array, target: Array, weight: Array | None, positive: Array | None, reduction: int) -> Array:
    return _reduced(_logit_losses(x, target, weight, positive), reduction)


def _logit_bce_backward(call: Call, gradient: Any) -> Gradients:
    x, target, weight, positive, reduction = call.arguments
    heavier = 1.0 if positive is None else positive
    share = _share(x.shape, gradient, reduction) * (1.0 if weight is None else weight)
    to_x = share * ((1 - target) * sigmoid(x) - heavier * target * sigmoid(-x))
    return to_x, share * (heavier * softplus(-x) - softplus(x)), None, None, None


def _listed_cell(losses: Callable[[Call], Array]) -> Callable[[Call, Index], Cell]:
    """Cells that add the losses of the examples."""

    def cell(call: Call, index: Index) -> Cell:
        own, reduction = losses(call), call.arguments[-1]
        places = [index] if reduction == 0 else list(np.ndindex(*own.shape))
        share = plain(1 / len(places) if reduction == 1 else 1.0)
        return Cell(tuple(Term((share, plain(float(own[at])))) for at in places), float(call.output[index]), "sum")

    return cell


LOSSES = table(
    Operation(
        name="aten.mse_loss",
        symbols=("x", "t", r"\text{reduction}"),
        forward=lambda x, target, reduction=1: _reduced(np.square(x - target), reduction),
        backward=_squares_backward,
        formula=r"y = \frac{1}{n} \sum (x - t)^2",
        gradient_formula=r"\bar{x} = \frac{2 \bar{y}}{n} (x - t), \; \bar{t} = -\bar{x}",
        cell=_squares_cell,
    ),
    _pairwise(
        "huber_loss",
        (r"\delta",),
        lambda d, delta: np.where(np.abs(d) <= delta, 0.5 * d * d, delta * (np.abs(d) - 0.5 * delta)),
        lambda d, delta: np.clip(d, -delta, delta),
        r"(\frac{d^2}{2} \text{ for } |d| \le \delta, \text{ else } \delta (|d| - \frac{\delta}{2}))",
        r"\min(\max(d, -\delta), \delta)",
    ),
    _pairwise(
        "smooth_l1_loss",
        (r"\beta",),
        lambda d, beta: np.where(np.abs(d) < beta, 0.5 * d * d / beta, np.abs(d) - 0.5 * beta),
        lambda d, beta: np.where(np.abs(d) < beta, d / beta, np.sign(d)),
        r"(\frac{d^2}{2 \beta} \text{ for } |d| < \beta, \text{ else } |d| - \frac{\beta}{2})",
        r"\frac{d}{\beta} \text{ for } |d| < \beta, \text{ else } \text{sign}(d)",
    ),
    Operation(
        name="aten.nll_loss",
        symbols=("x", "t", "w", r"\text{reduction}", r"\text{ignored}"),
        forward=_nll,
        backward=_nll_backward,
        formula=r"y = -\frac{\sum_i w_{t_i} x_{i t_i}}{\sum_i w_{t_i}}",
        gradient_formula=r"\bar{x}_{i t_i} = -\bar{y} \frac{w_{t_i}}{\sum_j w_{t_j}}, \text{ elsewhere } 0",
        cell=_nll_cell,
    ),
    Operation(
        name="aten.binary_cross_entropy",
        symbols=("p", "t", "w", r"\text{reduction}"),
        forward=_bce,
        backward=_bce_backward,
        formula=r"y = -\frac{1}{n} \sum w (t \log p + (1 - t) \log(1 - p))",
        gradient_formula=r"\bar{p} = \frac{\bar{y}}{n} w \frac{p - t}{p (1 - p)}",
        cell=_listed_cell(lambda call: _bce(call.arguments[0], call.arguments[1], call.arguments[2], 0)),
    ),
    Operation(
        name="aten.binary_cross_entropy_with_logits",
        symbols=("x", "t", "w", "p", r"\text{reduction}"),
        forward=_logit_bce,
        backward=_logit_bce_backward,
        formula=r"y = -\frac{1}{n} \sum w (p t \log \sigma(x) + (1 - t) \log(1 - \sigma(x)))",
        gradient_formula=r"\bar{x} = \frac{\bar{y}}{n} w ((1 - t) \sigma(x) - p t (1 - \sigma(x)))",
        cell=_listed_cell(lambda call: _logit_losses(*call.arguments[:4])),
    ),
)
