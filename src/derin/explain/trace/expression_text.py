"""An expression for the terminal: values, derivatives, what flows along each edge, and what a nudge does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsFloat

from derin.core.messages import format_number, translate
from derin.explain.trace.expression import NUDGE, Expression


def render_expression(found: Expression) -> str:
    """Three tables: the nodes in order, the edges, and the nudges, in the language that is spoken."""
    result, graph = found.graph.output, found.graph
    nodes = []
    for node in graph.nodes:
        formula = found.formulas.get(node.name)
        written = node.title if formula is None else f"{node.title} = {formula}"
        nodes.append((written, _number(found.values[node.name]), _number(found.gradients[node.name])))
    edges = [
        (f"{graph[edge.read].title}  →  {graph[edge.reader].title}", _number(edge.gradient)) for edge in found.edges
    ]
    nudges = [
        (
            f"{nudge.name}  {_number(nudge.before)} → {_number(nudge.after)}",
            f"{_number(nudge.result_before)} → {_number(nudge.result_after)}",
            _number((nudge.result_after - nudge.result_before) / NUDGE),
        )
        for nudge in found.nudges
    ]
    symbol = result if result in found.formulas else translate("trace.expr.result")
    parts = [
        found.text.strip(),
        _in_columns((translate("trace.expr.node"), translate("trace.expr.value"), f"∂{symbol}/∂"), nodes),
        _in_columns((translate("trace.expr.edge"), translate("trace.expr.flows")), edges),
    ]
    if nudges:
        ratio = translate("trace.expr.ratio")
        parts.append(_in_columns((translate("trace.expr.nudge"), symbol, ratio), nudges))
    return "\n\n".join(parts)


def expression_document(found: Expression) -> dict[str, Any]:
    """What ``--json`` tells."""
    return {
        "expression": found.text,
        "result": float(found.values[found.graph.output]),
        "nodes": [
            {
                "name": node.name,
                "formula": found.formulas.get(node.name, node.title),
                "value": float(found.values[node.name]),
                "gradient": float(found.gradients[node.name]),
            }
            for node in found.graph.nodes
        ],
        "edges": [{"from": edge.read, "to": edge.reader, "gradient": edge.gradient} for edge in found.edges],
        "nudges": [
            {
                "name": nudge.name,
                "from": nudge.before,
                "to": nudge.after,
                "result_from": nudge.result_before,
                "result_to": nudge.result_after,
            }
            for nudge in found.nudges
        ],
    }


def _number(value: SupportsFloat) -> str:
    # Eight digits hide what rounding leaves at the end, and −0 is 0.
    return format_number(float(value) + 0.0, ".8g")


def _in_columns(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [columns, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
