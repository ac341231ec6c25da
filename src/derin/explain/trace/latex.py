r"""A trace as a LaTeX document that compiles by itself, with ``amsmath`` and nothing else."""

from __future__ import annotations

import numpy as np

from derin.core.messages import language
from derin.explain.trace.telling import MOST_NUMBERS, Numbers, in_rows, paragraphs
from derin.explain.trace.text import closing, phase_heading
from derin.explain.trace.trace import Trace

_MOST_COLUMNS = 8  # of a matrix that fits a page
_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$", "·": r"$\cdot$", "∂": r"$\partial$",
    "…": r"\ldots{}", "−": "$-$",
}  # fmt: skip


def render_latex(trace: Trace, *, title: str) -> str:
    """The steps in their order, each with its formulas and its numbers; a matrix where they are few."""
    babel = "turkish" if language() == "tr" else "english"
    lines = [
        r"\documentclass{article}",
        r"\usepackage[utf8]{inputenc}",
        r"\usepackage[T1]{fontenc}",
        rf"\usepackage[{babel}]{{babel}}",
        r"\usepackage[margin=2cm]{geometry}",
        r"\usepackage{amsmath,amssymb}",
        r"\setcounter{MaxMatrixCols}{20}",
        r"\begin{document}",
        rf"\title{{{_escaped(title)}}}\date{{}}\maketitle",
    ]
    phase = None
    for paragraph in paragraphs(trace):
        if paragraph.phase != phase:
            phase = paragraph.phase
            lines.append(rf"\section*{{{_escaped(phase_heading(phase))}}}")
        lines.append(rf"\paragraph{{{_escaped(paragraph.symbol)}}} {_escaped(paragraph.about)}")
        lines += [rf"\[ {formula} \]" for formula in paragraph.formulas]
        lines += [rf"\noindent {_escaped(line)}\\" for line in paragraph.sums]
        if not paragraph.sums:
            lines.append(_matrix(paragraph.numbers))
    lines += [_escaped(line) + r"\par" for line in closing(trace)]
    return "\n".join([*lines, r"\end{document}", ""])


def _matrix(numbers: Numbers) -> str:
    if numbers.size > MOST_NUMBERS or numbers.ndim > 2 or (numbers.ndim and numbers.shape[-1] > _MOST_COLUMNS):
        return r"\noindent " + r"\\ ".join(_escaped(row) for row in in_rows(numbers)) + r"\par"
    if numbers.ndim == 0:
        return rf"\[ {in_rows(numbers)[0]} \]"
    rows = [" & ".join(row.split()) for row in in_rows(np.atleast_2d(numbers))]
    return r"\[ \begin{bmatrix} " + r" \\ ".join(rows) + r" \end{bmatrix} \]"


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(sign, sign) for sign in text)
