"""A trace as a file, in the form that the file's name asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from derin.core.errors import UsageError
from derin.core.files import write_bytes
from derin.explain.trace.trace import Trace

FORMS = (".html", ".md", ".tex", ".csv", ".txt")


def require_form(path: Path) -> None:
    """Refuses a file name whose form is not known, before anything is computed.

    Raises:
        UsageError: the name ends otherwise than in one of `FORMS`.
    """
    if path.suffix.lower() not in FORMS:
        raise UsageError(f"A trace is written as {', '.join(FORMS)}; got {path.name!r}. Name the file accordingly.")


def save(trace: Trace, path: str | Path, *, title: str) -> None:
    """Writes a trace.

    Args:
        trace: what is written.
        path: of the file; its ending chooses the form.
        title: above it.

    Raises:
        UsageError: the form is not known.
        StorageError: the file cannot be written.
    """
    path = Path(path)
    require_form(path)
    write_bytes(path, _rendered(trace, path.suffix.lower(), title).encode("utf-8"))


def summary(trace: Trace) -> dict[str, Any]:
    """What ``--json`` tells of a trace: its loss, its nodes with their shapes, and how well two engines agree."""
    return {
        "loss": trace.values[trace.graph.output].item(),
        "steps": len(trace.steps),
        "largest_difference": max(trace.differences.values(), default=None),
        "nodes": [
            {
                "name": node.name,
                "kind": node.kind,
                "operation": node.operation,
                "place": node.place,
                "shape": list(node.shape),
            }
            for node in trace.graph.nodes
        ],
    }


def _rendered(trace: Trace, form: str, title: str) -> str:
    if form == ".csv":
        from derin.explain.trace.table import render_table

        return render_table(trace)
    if form == ".html":
        from derin.explain.trace.page import render_page

        return render_page(trace, title=title)
    if form == ".md":
        from derin.explain.trace.markdown import render_markdown

        return render_markdown(trace, title=title)
    if form == ".tex":
        from derin.explain.trace.latex import render_latex

        return render_latex(trace, title=title)
    from derin.explain.trace.text import render_text

    return render_text(trace, title=title)
