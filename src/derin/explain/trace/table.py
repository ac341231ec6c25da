"""A trace as CSV: every number on a line of its own, for spreadsheets and for checks by other programs."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.explain.trace.trace import Trace

COLUMNS = ("quantity", "name", "kind", "operation", "place", "index", "number")


def render_table(trace: Trace) -> str:
    """The numbers of a trace, values first, then gradients, then what the update computed.

    ``quantity`` is ``value``, ``gradient``, or ``update:`` and the name of a part of the optimizer's step; ``index``
    counts from 0 with spaces between the axes and is empty for a single number; ``number`` has all digits of a float64.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    facts = {node.name: (node.name, node.kind, node.operation or "", node.place) for node in trace.graph.nodes}
    for kind, arrays in (("value", trace.values), ("gradient", trace.gradients)):
        for name, array in arrays.items():
            _write(writer, (kind, *facts[name]), array)
    for update in trace.updates:
        for part in update.parts:
            if part.formula:  # what is given stands among values and gradients already
                _write(writer, (f"update:{part.name}", *facts[update.name]), part.value)
    return buffer.getvalue()


def _write(writer: Any, facts: tuple[str, ...], array: npt.NDArray[np.float64]) -> None:
    for index, value in np.ndenumerate(np.asarray(array, dtype=np.float64)):
        writer.writerow((*facts, " ".join(map(str, index)), repr(float(value))))
