"""A trace as text for the terminal."""

from __future__ import annotations

from derin.core.messages import format_number, translate
from derin.explain.trace.plain_formula import to_text
from derin.explain.trace.telling import in_rows, loss_name, paragraphs
from derin.explain.trace.trace import Trace


def render_text(trace: Trace, *, title: str) -> str:
    """The steps in their order, each with its formulas, the cells of small results filled in, and its numbers."""
    lines = [title, "=" * len(title)]
    phase = None
    for paragraph in paragraphs(trace):
        if paragraph.phase != phase:
            phase = paragraph.phase
            heading = phase_heading(phase)
            lines += ["", heading, "-" * len(heading)]
        lines += ["", f"{paragraph.symbol}  ({paragraph.about})"]
        lines += [f"    {to_text(formula)}" for formula in paragraph.formulas]
        lines += [f"    {line}" for line in paragraph.sums]
        if not paragraph.sums:
            lines += [
                f"    {'= ' if len(rows) == 1 else ''}{row}" for rows in [in_rows(paragraph.numbers)] for row in rows
            ]
    return "\n".join([*lines, "", *closing(trace), ""])


def phase_heading(phase: str) -> str:
    """The heading above the steps of a phase."""
    return translate("trace.given") if phase == "given" else translate(f"trace.phase.{phase}")


def closing(trace: Trace) -> list[str]:
    """The loss, and how well two engines agree on all numbers."""
    lines = [
        translate(
            "trace.loss", loss=loss_name(trace), value=format_number(trace.values[trace.graph.output].item(), ".7g")
        )
    ]
    if trace.differences:
        lines.append(translate("trace.agrees", difference=format_number(max(trace.differences.values()), ".1e")))
    return lines
