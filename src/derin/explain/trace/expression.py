"""Arithmetic as a graph: an expression with its values and derivatives, computed by the same engine as a network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from derin.core.errors import UsageError
from derin.explain.trace.engine import backward, contributions, run
from derin.explain.trace.expression_reader import parse
from derin.explain.trace.graph import Graph, Ref
from derin.explain.trace.operation import Array

if TYPE_CHECKING:
    from derin.explain.trace.trace import Trace

NUDGE = 0.001


@dataclass(frozen=True, kw_only=True)
class Edge:
    """What flows back from a node to one that it reads: ∂J/∂(reader) · ∂(reader)/∂(read)."""

    read: str
    reader: str
    gradient: float


@dataclass(frozen=True, kw_only=True)
class Nudge:
    """What becomes of the result when one given number grows a little."""

    name: str
    before: float
    after: float
    result_before: float
    result_after: float  # NaN where there is none any more


@dataclass(frozen=True, kw_only=True)
class Expression:
    """An expression with every value and every derivative of its result.

    Args:
        text: as it was given.
        graph: its operations; the title of a node is its name, or what it computes where the text names it nothing.
        formulas: of the nodes that the text names, by name, such as ``3 * (a + b * c)``.
        values, gradients: by node name; a gradient is ∂(result)/∂(node).
        edges: in order of execution, one for each place where a node is read.
        nudges: one for each given name.
    """

    text: str
    graph: Graph
    formulas: Mapping[str, str]
    values: Mapping[str, Array]
    gradients: Mapping[str, Array]
    edges: tuple[Edge, ...]
    nudges: tuple[Nudge, ...]


def trace_expression(text: str, values: Mapping[str, float]) -> Expression:
    """Reads an expression, runs it forward and backward, and nudges each number that was given.

    Args:
        text: ``+ − * / **``, brackets, numbers, names and the functions of `expression_reader.FUNCTIONS`; several
            statements ``name = …`` with a semicolon or a new line between them, the last of which is the result.
        values: of all names that the text reads and does not assign.

    Raises:
        UsageError: the text is no arithmetic, a name has no value or a value no use, or a number or derivative on the
            way is not finite.

    Example:
        >>> found = trace_expression("J = 3*(a + b*c)", {"a": 5, "b": 3, "c": 2})
        >>> [float(found.gradients[name]) for name in "abc"]
        [3.0, 6.0, 9.0]
        >>> nudge = found.nudges[0]
        >>> nudge.name, nudge.after, nudge.result_before, round(nudge.result_after, 6)
        ('a', 5.001, 33.0, 33.003)
    """
    graph, formulas = parse(text, values)
    given = {name: np.array(float(value)) for name, value in values.items()}
    with np.errstate(all="ignore"):
        done = run(graph, given)
    for node in graph.nodes:
        if not np.isfinite(done[node.name]):
            told = formulas.get(node.name, node.title)
            raise UsageError(f"{told} is not a finite number for the given values; choose others.")
    with np.errstate(all="ignore"):
        gradients = backward(graph, done)
        edges = tuple(_edges(graph, done, gradients))
    for edge in reversed(edges):  # the first on the way back
        if not math.isfinite(edge.gradient):
            raise UsageError(
                f"{formulas.get(edge.reader, graph[edge.reader].title)} has no finite derivative with respect to "
                f"{graph[edge.read].title} = {float(done[edge.read]):g}; choose another value."
            )
    for node in graph.nodes:  # of a statement that the result does not read
        gradients.setdefault(node.name, np.array(0.0))
    nudges = []
    for name, value in given.items():
        with np.errstate(all="ignore"):
            after = run(graph, given | {name: value + NUDGE})
        nudges.append(
            Nudge(
                name=name,
                before=float(value),
                after=float(value + NUDGE),
                result_before=float(done[graph.output]),
                result_after=float(after[graph.output]),
            )
        )
    return Expression(
        text=text,
        graph=graph,
        formulas=formulas,
        values=done,
        gradients=gradients,
        edges=edges,
        nudges=tuple(nudges),
    )


def as_trace(found: Expression) -> Trace:
    """The expression as a trace, for the page and the other files."""
    from derin.explain.trace.trace import Trace  # which brings torch, needed for nothing else here

    return Trace(
        graph=found.graph,
        values=found.values,
        gradients=found.gradients,
        buffers={},
        updates=(),
        differences={},
    )


def _edges(graph: Graph, done: Mapping[str, Array], gradients: Mapping[str, Array]) -> Iterator[Edge]:
    for node in graph.of_kind("operation"):
        if node.name in gradients:
            parts = contributions(node, done, gradients[node.name])
            for argument, part in zip(node.arguments, parts, strict=True):
                if isinstance(argument, Ref):
                    yield Edge(read=argument.name, reader=node.name, gradient=float(part))
