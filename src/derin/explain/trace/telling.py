"""What terminal, Markdown and LaTeX say of a trace: a paragraph a step, numbers filled in where they are few."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from derin.core.messages import format_number, translate
from derin.explain.trace.engine import call_of
from derin.explain.trace.graph import Node
from derin.explain.trace.operation import Cell
from derin.explain.trace.operations import OPERATIONS
from derin.explain.trace.trace import Trace

MOST_NUMBERS = 64  # of an array that is written out; of a larger one the least, the mean and the largest are told
_MOST_SUMS = 16  # cells whose sum is written out
_MOST_TERMS = 12  # of such a sum
_DIGITS = ".6g"

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """One step.

    Args:
        phase: ``"given"``, ``"forward"``, ``"loss"``, ``"backward"`` or ``"update"``.
        symbol: what is computed.
        about: operation, module and shape, in a line.
        formulas: LaTeX.
        sums: cells with their numbers filled in.
        numbers: what came out.
    """

    phase: str
    symbol: str
    about: str
    formulas: tuple[str, ...]
    sums: tuple[str, ...]
    numbers: Numbers


def paragraphs(trace: Trace) -> Iterator[Paragraph]:
    """What is given, then every step in its order."""
    nodes = {node.name: node for node in trace.graph.nodes}
    users: dict[str, list[Node]] = {name: [] for name in nodes}
    for node in trace.graph.nodes:
        for name in node.reads:
            users[name].append(node)
    for node in trace.graph.nodes:
        if node.kind != "operation":
            yield _paragraph("given", node, node.title, (), (), trace.values[node.name])
    updates = {update.name: update for update in trace.updates}
    for step in trace.steps:
        node = nodes[step.node]
        if step.phase in ("forward", "loss"):
            if node.kind == "operation":
                assert node.operation is not None
                formulas = (OPERATIONS[node.operation].formula,)
                yield _paragraph(step.phase, node, node.title, formulas, _sums(trace, node), trace.values[node.name])
        elif step.phase == "backward":
            through = [
                OPERATIONS[user.operation].gradient_formula
                for user in users[node.name]
                if user.operation and user.name in trace.gradients
            ]
            symbol = translate("trace.gradient_of", loss=loss_name(trace), name=node.title)
            yield _paragraph("backward", node, symbol, tuple(dict.fromkeys(through)), (), trace.gradients[node.name])
        else:
            for part in updates[node.name].parts:
                if part.formula:
                    yield _paragraph("update", node, node.title, (part.formula,), (), part.value)


def loss_name(trace: Trace) -> str:
    """The loss of a network is L; the result of an expression keeps its own name."""
    title = trace.graph[trace.graph.output].title
    return title if len(title) <= 3 else "L"


def in_rows(numbers: Numbers) -> list[str]:
    """An array in lines of text: all numbers where they are few, else what is worth knowing of them.

    Example:
        >>> in_rows(np.array([[1.0, -0.25], [3.0, 10.5]]))
        ['1  -0.25', '3   10.5']
    """
    if numbers.size > MOST_NUMBERS:
        low, high, mean = (format_number(float(f(numbers)), _DIGITS) for f in (np.min, np.max, np.mean))
        return [translate("trace.many", low=low, high=high, mean=mean, count=numbers.size)]
    if numbers.ndim == 0:
        return [format_number(float(numbers), _DIGITS)]
    lines = numbers.reshape(-1, numbers.shape[-1])
    words = [[format_number(float(value), _DIGITS) for value in line] for line in lines]
    widths = [max(len(row[column]) for row in words) for column in range(len(words[0]))] if words else []
    return ["  ".join(word.rjust(width) for word, width in zip(row, widths, strict=True)) for row in words]


def shape_in_words(shape: tuple[int, ...]) -> str:
    """``2×3``, or the word for a single number."""
    return "×".join(map(str, shape)) or translate("trace.scalar")


def _paragraph(
    phase: str, node: Node, symbol: str, formulas: tuple[str, ...], sums: tuple[str, ...], numbers: Numbers
) -> Paragraph:
    facts = [node.operation or "", node.place, shape_in_words(numbers.shape)]
    return Paragraph(
        phase=phase,
        symbol=symbol,
        about=" · ".join(fact for fact in facts if fact),
        formulas=formulas,
        sums=sums,
        numbers=np.asarray(numbers, dtype=np.float64),
    )


def _sums(trace: Trace, node: Node) -> tuple[str, ...]:
    """The cells of a small result, each with the terms that made it."""
    output = trace.values[node.name]
    cell_of = OPERATIONS[node.operation or ""].cell
    if cell_of is None or output.size > _MOST_SUMS:
        return ()

    call = call_of(node, trace.values)
    lines = []
    for index in np.ndindex(output.shape):
        cell = cell_of(call, index)
        if cell.form == "sum" and [len(term.factors) for term in cell.terms] == [1]:
            return ()  # numbers that only change their place
        if len(cell.terms) <= _MOST_TERMS:
            place = f"[{', '.join(map(str, index))}]" if index else ""
            lines.append(f"{node.title}{place} = {_spelled(cell)} = {format_number(cell.value, _DIGITS)}")
    return tuple(lines)


def _spelled(cell: Cell) -> str:
    products = [" · ".join(_in_brackets(value) for _, _, value in term.factors) or "1" for term in cell.terms]
    alone = [
        format_number(term.value, _DIGITS) if len(term.factors) == 1 else words
        for term, words in zip(cell.terms, products, strict=True)
    ]
    if cell.form == "sum":
        return " + ".join(products)
    if re.fullmatch(r"\w+", cell.form):
        return f"{cell.form}({', '.join(alone)})"
    # A formula of the terms t1, t2 … and of their sum s.
    named = {f"t{place}": words for place, words in enumerate(alone, start=1)} | {"s": " + ".join(products)}
    return re.sub(r"\b(t\d+|s)\b", lambda match: named.get(match[0], match[0]), cell.form)


def _in_brackets(value: float) -> str:
    words = format_number(float(value), _DIGITS)
    return f"({words})" if value < 0 else words
