"""A trace as one page that is opened in a browser: nothing is loaded from anywhere, all numbers are in the file."""

from __future__ import annotations

import base64
import itertools
import math
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.messages import LANGUAGES, catalogue, language
from derin.explain.page_frame import page_part, whole_page
from derin.explain.trace.graph import Argument, Node, Ref
from derin.explain.trace.mathml import to_mathml
from derin.explain.trace.operations import OPERATIONS
from derin.explain.trace.trace import Trace
from derin.explain.trace.updates import Update

_SHARED = ("page_elements.js", "page_numbers.js", "page_tensor.js")
_SCRIPTS = (
    "page_operations.js",
    "page_operations_arithmetic.js",
    "page_operations_products.js",
    "page_operations_windows.js",
    "page_operations_scores.js",
    "page_operations_shaping.js",
    "page_sums.js",
    "page_graph.js",
    "page.js",
)
_EXACT_UP_TO = 4_096  # numbers of an array; larger ones are written in 32 bits, which a screen cannot tell from 64
_MOST_NUMBERS = 2_400_000  # of the page, about 13 MB; of the largest arrays beyond, a summary
_WORDS = "trace.page."


def render_page(trace: Trace, *, title: str) -> str:
    """The page as text.

    Args:
        trace: what is shown.
        title: above it.
    """
    script = "\n".join([*map(page_part, _SHARED), *map(_beside, _SCRIPTS)])
    body = [
        f'<header><h1>{escape(title)}</h1><span id="loss"></span>',
        '<div id="steps"><button id="back" type="button" data-label="back">←</button>'
        '<input id="bar" type="range" min="0" value="0" data-label="steps">'
        '<button id="on" type="button" data-label="on">→</button>'
        '<span id="where" aria-live="polite"></span></div>',
        '<button id="fold" type="button" data-say="fold"></button>'
        '<button id="language" type="button"></button>'
        '<button id="theme" type="button" data-label="theme">◐</button></header>',
        '<main id="pane"><svg id="graph" role="img" data-label="graph"></svg></main>',
        '<aside><div id="node"></div><div id="axes"></div><div id="numbers"></div><div id="cell"></div></aside>',
    ]
    return whole_page(title, body, style=_beside("page.css"), script=script, data=_payload(trace))


def _payload(trace: Trace) -> dict[str, Any]:
    """What the page's script reads: arrays as base64, formulas as MathML, the rest as JSON."""
    computed = [part.value for update in trace.updates for part in update.parts if part.formula]
    limit = _largest_whole([*trace.values.values(), *trace.gradients.values(), *computed])
    formulas: dict[str, int] = {}  # LaTeX → its number, from 1

    def numbered(latex: str) -> int:
        return formulas.setdefault(latex, len(formulas) + 1) if latex else 0

    nodes = [_node(node, numbered) for node in trace.graph.nodes]
    updates = [
        {
            "name": update.name,
            "settings": _constants(update),
            "parts": [
                {
                    "name": part.name,
                    "symbol": to_mathml(part.symbol, block=False),
                    "formula": numbered(part.formula),
                    # What is given stands among values and gradients already.
                    "array": _packed(part.value, limit) if part.formula else None,
                }
                for part in update.parts
            ],
        }
        for update in trace.updates
    ]
    return {
        "language": language(),
        "words": {spoken: _words(spoken) for spoken in LANGUAGES},
        "output": trace.graph.output,
        "nodes": nodes,
        "values": {name: _packed(array, limit) for name, array in trace.values.items()},
        "gradients": {name: _packed(array, limit) for name, array in trace.gradients.items()},
        "differences": {name: _plain(value) for name, value in trace.differences.items()},
        "updates": updates,
        "steps": [{"phase": step.phase, "node": step.node} for step in trace.steps],
        "symbols": {
            name: [to_mathml(symbol, block=False) for symbol in OPERATIONS[name].symbols]
            for name in sorted({node.operation for node in trace.graph.nodes if node.operation})
        },
        "formulas": [to_mathml(latex) for latex in formulas],
    }


def _node(node: Node, numbered: Callable[[str], int]) -> dict[str, Any]:
    entry = OPERATIONS[node.operation] if node.operation else None
    return {
        "name": node.name,
        "kind": node.kind,
        "operation": node.operation,
        "arguments": [_argument(argument) for argument in node.arguments],
        "place": node.place,
        "title": node.title,
        "shape": list(node.shape),
        "formula": numbered(entry.formula) if entry else 0,
        "gradient_formula": numbered(entry.gradient_formula) if entry else 0,
    }


def _constants(update: Update) -> dict[str, float]:
    """The constants that the formulas of an update name."""
    settings = update.settings
    known = {
        "η": (r"\eta", settings.learning_rate),
        "λ": (r"\lambda", settings.weight_decay),
        "μ": (r"\mu", settings.momentum),
        "d": ("(1 - d)", settings.dampening),
        "α": (r"\alpha", settings.alpha),
        "β₁": (r"\beta_1", settings.betas[0]),
        "β₂": (r"\beta_2", settings.betas[1]),
        "ε": (r"\varepsilon", settings.eps),
    }
    formulas = " ".join(part.formula for part in update.parts)
    return {letter: value for letter, (command, value) in known.items() if command in formulas}


def _argument(argument: Argument) -> Any:
    if isinstance(argument, Ref):
        return {"ref": argument.name}
    if isinstance(argument, tuple):
        return [_argument(one) for one in argument]
    if isinstance(argument, float) and not math.isfinite(argument):
        return {"number": "NaN" if math.isnan(argument) else "Infinity" if argument > 0 else "-Infinity"}
    return argument


def _largest_whole(arrays: Iterable[npt.NDArray[Any]]) -> int:
    """Up to which size arrays are on the page whole, so that all of them together stay within its limit."""
    whole = 0
    for size, group in itertools.groupby(sorted(array.size for array in arrays)):
        whole += sum(group)
        if whole > _MOST_NUMBERS:
            return size - 1
    return _MOST_NUMBERS


def _packed(array: npt.NDArray[Any], limit: int) -> dict[str, Any]:
    values = np.asarray(array, dtype=np.float64)
    if values.size > limit:
        summary = {"low": float(values.min()), "high": float(values.max()), "mean": float(values.mean())}
        return {"shape": list(values.shape), "kind": "none", "summary": summary}
    kind = "f8" if values.size <= _EXACT_UP_TO else "f4"
    data = base64.b64encode(np.ascontiguousarray(values, dtype=f"<{kind}").tobytes()).decode()
    return {"shape": list(values.shape), "kind": kind, "data": data}


def _plain(value: float) -> float | None:
    """JSON has no word for what is not finite."""
    return float(value) if math.isfinite(value) else None


def _words(spoken: str) -> dict[str, str]:
    """Messages whose braces the script fills."""
    return {
        key.removeprefix(_WORDS): message
        for key, message in catalogue(spoken).items()
        if key.startswith(_WORDS) and isinstance(message, str)
    }


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
