"""A trace as one page that is opened in a browser: nothing is loaded from anywhere, all numbers are in the file."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from html import escape
from typing import Any

import numpy.typing as npt

from derin.core.messages import language
from derin.explain.page_frame import page_part, whole_page
from derin.explain.trace.mathml import to_mathml
from derin.explain.trace.page_data import (
    CELL_SCRIPTS,
    SHARED_SCRIPTS,
    Formulas,
    graph_entries,
    packed,
    trace_part,
    words_of,
)  # fmt: skip
from derin.explain.trace.trace import Trace
from derin.explain.trace.updates import Update

_SCRIPTS = (*CELL_SCRIPTS, "page_graph.js", "page.js")
_MOST_NUMBERS = 2_400_000  # of the page, about 13 MB; of the largest arrays beyond, a summary


def render_page(trace: Trace, *, title: str) -> str:
    """The page as text.

    Args:
        trace: what is shown.
        title: above it.
    """
    script = "\n".join([*map(page_part, SHARED_SCRIPTS), *map(trace_part, _SCRIPTS)])
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
    return whole_page(title, body, style=trace_part("page.css"), script=script, data=_payload(trace))


def _payload(trace: Trace) -> dict[str, Any]:
    """What the page's script reads: arrays as base64, formulas as MathML, the rest as JSON."""
    computed = [part.value for update in trace.updates for part in update.parts if part.formula]
    limit = _largest_whole([*trace.values.values(), *trace.gradients.values(), *computed])
    formulas = Formulas()
    updates = [
        {
            "name": update.name,
            "settings": _constants(update),
            "parts": [
                {
                    "name": part.name,
                    "symbol": to_mathml(part.symbol, block=False),
                    "formula": formulas.number(part.formula),
                    # What is given stands among values and gradients already.
                    "array": packed(part.value, limit) if part.formula else None,
                }
                for part in update.parts
            ],
        }
        for update in trace.updates
    ]
    return {
        "language": language(),
        "words": words_of("trace.page."),
        "output": trace.graph.output,
        **graph_entries(trace.graph.nodes, formulas),
        "values": {name: packed(array, limit) for name, array in trace.values.items()},
        "gradients": {name: packed(array, limit) for name, array in trace.gradients.items()},
        "differences": {name: value if math.isfinite(value) else None for name, value in trace.differences.items()},
        "updates": updates,
        "steps": [{"phase": step.phase, "node": step.node} for step in trace.steps],
        "formulas": formulas.to_json(),
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


def _largest_whole(arrays: Iterable[npt.NDArray[Any]]) -> int:
    """Up to which size arrays are on the page whole, so that all of them together stay within its limit."""
    whole = 0
    for size, group in itertools.groupby(sorted(array.size for array in arrays)):
        whole += sum(group)
        if whole > _MOST_NUMBERS:
            return size - 1
    return _MOST_NUMBERS
