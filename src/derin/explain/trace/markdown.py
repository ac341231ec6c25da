"""A trace as Markdown, with formulas between dollar signs, as GitHub and notebooks read them."""

from __future__ import annotations

from derin.explain.trace.telling import in_rows, paragraphs
from derin.explain.trace.text import closing, phase_heading
from derin.explain.trace.trace import Trace


def render_markdown(trace: Trace, *, title: str) -> str:
    """The steps in their order, each with its formulas, the cells of small results filled in, and its numbers."""
    lines = [f"# {title}", ""]
    phase = None
    for paragraph in paragraphs(trace):
        if paragraph.phase != phase:
            phase = paragraph.phase
            lines += [f"## {phase_heading(phase)}", ""]
        lines += [f"### {paragraph.symbol}", "", f"`{paragraph.about}`", ""]
        for formula in paragraph.formulas:
            lines += ["$$", formula, "$$", ""]
        lines += ["```text", *(paragraph.sums or in_rows(paragraph.numbers)), "```", ""]
    return "\n".join([*lines, *(f"{line}\n" for line in closing(trace))])
