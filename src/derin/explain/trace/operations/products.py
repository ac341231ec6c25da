"""Matrix products: one, several at once, with a bias, and as a layer's xWᵀ + b."""

from __future__ import annotations

from typing import Any

import numpy as np

from derin.explain.trace.operation import Array, Call, Cell, Gradients, Index, Operation, Term, table
from derin.explain.trace.operations.arithmetic import factor, plain, reduced_to


def _turned(a: Array) -> Array:
    """Rows and columns exchanged, in each matrix of a stack."""
    return np.swapaxes(a, -1, -2)


def _product_backward(call: Call, gradient: Any) -> Gradients:
    a, b = call.arguments
    return gradient @ _turned(b), _turned(a) @ gradient


def _product_terms(call: Call, index: Index, left: int, right: int, *scale: tuple[int, Index, float]) -> list[Term]:
    a, b = call.arguments[left], call.arguments[right]
    *stack, row, column = index
    terms = []
    for inner in range(a.shape[-1]):
        at_a, at_b = (*stack, row, inner), (*stack, inner, column)
        terms.append(Term((*scale, (left, at_a, float(a[at_a])), (right, at_b, float(b[at_b])))))
    return terms


def _product_cell(call: Call, index: Index) -> Cell:
    return Cell(tuple(_product_terms(call, index, 0, 1)), float(call.output[index]), "sum")


def _biased_backward(call: Call, gradient: Any) -> Gradients:
    bias, a, b, beta, alpha = call.arguments
    return reduced_to(beta * gradient, bias), alpha * gradient @ _turned(b), alpha * _turned(a) @ gradient, None, None


def _biased_cell(call: Call, index: Index) -> Cell:
    beta, alpha = call.arguments[3:]
    terms = _product_terms(call, index, 1, 2, *([] if alpha == 1 else [plain(alpha)]))
    terms.append(Term((*([] if beta == 1 else [plain(beta)]), factor(call, 0, index))))
    return Cell(tuple(terms), float(call.output[index]), "sum")


def _linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    product = x @ weight.T
    return product if bias is None else product + bias


def _linear_backward(call: Call, gradient: Any) -> Gradients:
    x, weight, bias = call.arguments
    rows = gradient.reshape(-1, gradient.shape[-1])
    return gradient @ weight, rows.T @ x.reshape(-1, x.shape[-1]), None if bias is None else rows.sum(axis=0)


def _linear_cell(call: Call, index: Index) -> Cell:
    x, weight, bias = call.arguments
    *lead, unit = index
    terms = [
        Term(((0, (*lead, inner), float(x[(*lead, inner)])), (1, (unit, inner), float(weight[unit, inner]))))
        for inner in range(x.shape[-1])
    ]
    if bias is not None:
        terms.append(Term(((2, (unit,), float(bias[unit])),)))
    return Cell(tuple(terms), float(call.output[index]), "sum")


def _inner_cell(call: Call, index: Index) -> Cell:
    """Cells of matrix × vector, or of vector · vector."""
    a, b = call.arguments
    terms = tuple(
        Term(((0, (*index, inner), float(a[(*index, inner)])), (1, (inner,), float(b[inner]))))
        for inner in range(len(b))
    )
    return Cell(terms, float(call.output[index]), "sum")


def _product(name: str) -> Operation:
    return Operation(
        name=name,
        symbols=("A", "B"),
        forward=lambda a, b: a @ b,
        backward=_product_backward,
        formula=r"y = A B, \; y_{ij} = \sum_k A_{ik} B_{kj}",
        gradient_formula=r"\bar{A} = \bar{y} B^\top, \; \bar{B} = A^\top \bar{y}",
        cell=_product_cell,
    )


def _biased_product(name: str) -> Operation:
    return Operation(
        name=name,
        symbols=("b", "A", "B", r"\beta", r"\alpha"),
        forward=lambda bias, a, b, beta=1, alpha=1: beta * bias + alpha * (a @ b),
        backward=_biased_backward,
        formula=r"y = \alpha A B + \beta b, \; y_{ij} = \alpha \sum_k A_{ik} B_{kj} + \beta b_j",
        gradient_formula=(
            r"\bar{A} = \alpha \bar{y} B^\top, \; \bar{B} = \alpha A^\top \bar{y}, \; "
            r"\bar{b} = \beta \sum_i \bar{y}_{i}"
        ),
        cell=_biased_cell,
    )


PRODUCTS = table(
    _product("aten.mm"),
    _product("aten.bmm"),
    _biased_product("aten.addmm"),
    _biased_product("aten.baddbmm"),
    Operation(
        name="aten.linear",
        symbols=("x", "W", "b"),
        forward=_linear,
        backward=_linear_backward,
        formula=r"y = x W^\top + b, \; y_{ij} = \sum_k x_{ik} W_{jk} + b_j",
        gradient_formula=r"\bar{x} = \bar{y} W, \; \bar{W} = \bar{y}^\top x, \; \bar{b} = \sum_i \bar{y}_{i}",
        cell=_linear_cell,
    ),
    Operation(
        name="aten.mv",
        symbols=("A", "b"),
        forward=lambda a, b: a @ b,
        backward=lambda call, gradient: (np.outer(gradient, call.arguments[1]), call.arguments[0].T @ gradient),
        formula=r"y = A b, \; y_i = \sum_k A_{ik} b_k",
        gradient_formula=r"\bar{A} = \bar{y} b^\top, \; \bar{b} = A^\top \bar{y}",
        cell=_inner_cell,
    ),
    Operation(
        name="aten.dot",
        symbols=("a", "b"),
        forward=lambda a, b: a @ b,
        backward=lambda call, gradient: (gradient * call.arguments[1], gradient * call.arguments[0]),
        formula=r"y = \sum_k a_k b_k",
        gradient_formula=r"\bar{a} = \bar{y} b, \; \bar{b} = \bar{y} a",
        cell=_inner_cell,
    ),
)
