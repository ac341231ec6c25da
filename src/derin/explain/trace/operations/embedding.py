"""Rows of a table by their number."""

from __future__ import annotations

from typing import Any

import numpy as np

from derin.explain.trace.operation import Call, Cell, Gradients, Index, Operation, Term, table


def _backward(call: Call, gradient: Any) -> Gradients:
    """Each row gathers the gradients of all its uses; the row of padding learns nothing."""
    weight, indices, padding, *_ = call.arguments
    to_weight = np.zeros_like(weight)
    np.add.at(to_weight, indices, gradient)
    if padding >= 0:
        to_weight[padding] = 0.0
    return (to_weight, *(None,) * (len(call.arguments) - 1))


def _cell(call: Call, index: Index) -> Cell:
    weight, indices = call.arguments[:2]
    place = (int(indices[index[:-1]]), index[-1])
    return Cell((Term(((0, place, float(weight[place])),)),), float(call.output[index]), "sum")


EMBEDDING = table(
    Operation(
        name="aten.embedding",
        symbols=("W", "i", r"\text{padding}", r"\text{by frequency}", r"\text{sparse}"),
        forward=lambda weight, indices, *options: weight[indices],
        backward=_backward,
        formula="y = W_i",
        gradient_formula=r"\bar{W}_r = \sum_{q : i_q = r} \bar{y}_q",
        cell=_cell,
    ),
)
