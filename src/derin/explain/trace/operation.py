"""What the engine knows of one operation: how it runs forward and backward, and its formulas, side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

# float64 where derivatives are taken; int64 for classes and places; bool for conditions.
Array = npt.NDArray[Any]
Index = tuple[int, ...]
# One gradient for each argument, None where there is none; for an argument that is a tuple, a tuple of them.
Gradients = tuple[Any, ...]


@dataclass(frozen=True)
class Call:
    """One use of an operation.

    Args:
        arguments: arrays and plain values, in the order of the operation's `symbols`.
        output: what it gave.
    """

    arguments: tuple[Any, ...]
    output: Any


@dataclass(frozen=True)
class Term:
    """A product within the formula of one cell.

    Args:
        factors: for each factor the number of its argument, its index there and its value. A factor that is no cell
            of an argument (a count, an ε) has argument −1 and an empty index.
    """

    factors: tuple[tuple[int, Index, float], ...]

    @property
    def value(self) -> float:
        """The product of the factors."""
        return float(np.prod([value for _, _, value in self.factors]))


@dataclass(frozen=True)
class Cell:
    """The formula of one cell of an output, with its numbers.

    Args:
        terms: what is joined.
        value: of the cell.
        form: how the terms make the value: ``"sum"``, ``"max"``, or a formula of the sum s or of the terms
            t₁, t₂ … as text, such as ``"relu(t1)"``.
    """

    terms: tuple[Term, ...]
    value: float
    form: str


@dataclass(frozen=True, kw_only=True)
class Operation:
    r"""One entry of the table: an operation, its vector-Jacobian product and the formulas of both.

    In the formulas y is the output; a bar is the gradient of the loss: \bar{x} = ∂J/∂x.

    Args:
        name: ``"aten.mm"``.
        symbols: LaTeX names of the arguments, in order.
        forward: arguments → output.
        backward: a call and the gradient of its output → the gradient of each argument.
        formula: LaTeX of the output.
        gradient_formula: LaTeX of the gradients; empty where there are none.
        cell: a call and an index of its output → the formula of that cell with its numbers; None where the formula
            says it all (reshaping) or nobody looks.
    """

    name: str
    symbols: tuple[str, ...]
    forward: Callable[..., Any]
    backward: Callable[[Call, Any], Gradients]
    formula: str
    gradient_formula: str
    cell: Callable[[Call, Index], Cell] | None = None


def no_gradient(call: Call, gradient: Any) -> Gradients:
    """The backward pass of an operation that is constant nearly everywhere, or gives no real numbers."""
    return (None,) * len(call.arguments)


def table(*operations: Operation) -> dict[str, Operation]:
    """Operations by name."""
    return {operation.name: operation for operation in operations}
