"""What pages of a graph are made of: their scripts, and nodes, arrays, formulas and words as these read them."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.messages import LANGUAGES, catalogue
from derin.explain.trace.graph import Argument, Node, Ref
from derin.explain.trace.mathml import to_mathml
from derin.explain.trace.operations import OPERATIONS

SHARED_SCRIPTS = ("page_elements.js", "page_numbers.js", "page_tensor.js")  # of `page_frame.page_part`
# What computes and shows the numbers of a graph, in the order in which they build on each other.
CELL_SCRIPTS = (
    "page_operations.js",
    "page_operations_arithmetic.js",
    "page_operations_products.js",
    "page_operations_windows.js",
    "page_operations_scores.js",
    "page_operations_shaping.js",
    "page_sums.js",
    "page_cell.js",
)
_EXACT_UP_TO = 4_096  # numbers of an array; larger ones are written in 32 bits, which a screen cannot tell from 64


class Formulas:
    """Formulas of a page, each once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, latex: str) -> int:
        """Its number, from 1; 0 for none."""
        return self._numbers.setdefault(latex, len(self._numbers) + 1) if latex else 0

    def to_json(self) -> list[str]:
        """All of them as MathML."""
        return [to_mathml(latex) for latex in self._numbers]


def trace_part(name: str) -> str:
    """A script or a style of the trace's page."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def graph_entries(nodes: Iterable[Node], formulas: Formulas) -> dict[str, Any]:
    """Nodes, and the letters of their operations' arguments."""
    listed = list(nodes)
    return {
        "nodes": [_node(node, formulas) for node in listed],
        "symbols": {
            name: [to_mathml(symbol, block=False) for symbol in OPERATIONS[name].symbols]
            for name in sorted({node.operation for node in listed if node.operation})
        },
    }


def packed(array: npt.NDArray[Any], limit: int | None = None) -> dict[str, Any]:
    """An array as base64; beyond the limit a summary of it."""
    values = np.asarray(array, dtype=np.float64)
    if limit is not None and values.size > limit:
        summary = {"low": float(values.min()), "high": float(values.max()), "mean": float(values.mean())}
        return {"shape": list(values.shape), "kind": "none", "summary": summary}
    with np.errstate(over="ignore"):  # what is too large for 32 bits is not written in them
        short = values.astype(np.float32)
    kind = "f4" if values.size > _EXACT_UP_TO or np.array_equal(short, values, equal_nan=True) else "f8"
    data = base64.b64encode(np.ascontiguousarray(values, dtype=f"<{kind}").tobytes()).decode()
    return {"shape": list(values.shape), "kind": kind, "data": data}


def words_of(*beginnings: str) -> dict[str, dict[str, str]]:
    """By language: messages whose braces the script fills, by what follows one of these beginnings of their keys."""
    return {
        spoken: {
            key.removeprefix(beginning): message
            for beginning in beginnings
            for key, message in catalogue(spoken).items()
            if key.startswith(beginning) and isinstance(message, str)
        }
        for spoken in LANGUAGES
    }


def _node(node: Node, formulas: Formulas) -> dict[str, Any]:
    entry = OPERATIONS[node.operation] if node.operation else None
    return {
        "name": node.name,
        "kind": node.kind,
        "operation": node.operation,
        "arguments": [_argument(argument) for argument in node.arguments],
        "place": node.place,
        "title": node.title,
        "shape": list(node.shape),
        "formula": formulas.number(entry.formula) if entry else 0,
        "gradient_formula": formulas.number(entry.gradient_formula) if entry else 0,
    }


def _argument(argument: Argument) -> Any:
    if isinstance(argument, Ref):
        return {"ref": argument.name}
    if isinstance(argument, tuple):
        return [_argument(one) for one in argument]
    if isinstance(argument, float) and not math.isfinite(argument):
        return {"number": "NaN" if math.isnan(argument) else "Infinity" if argument > 0 else "-Infinity"}
    return argument
