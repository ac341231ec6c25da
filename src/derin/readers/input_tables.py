"""The table of texts that are to be predicted: one input, every row in its place, and why some have no answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from derin.data.report import DataReport
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Ragged, Table


def table_of_inputs(
    name: str,
    column: str,
    texts: Sequence[str],
    *,
    row_names: Sequence[str],
    unanswered: Mapping[int, str],
    report: DataReport,
    kind: Kind = Kind.TEXT,
    task: str | None = None,
) -> Table:
    """Texts or sentences without answers and without splits.

    Args:
        name: of the data.
        column: of the input.
        texts: one for each row; of kind words with a line feed between words.
        row_names: where each row stands.
        unanswered: why a row has no answer.
        report: the report.
        kind: text or words.
        task: what the data was read for, where its form does not tell.
    """
    return Table(
        name=name,
        schema=Schema((Column(name=column, kind=kind, role=Role.INPUT, shape=(-1,), note="UTF-8"),)),
        columns={column: Ragged.from_texts(texts)},
        splits={},
        report=report,
        row_names=row_names,
        task=task,
        unanswered=dict(sorted(unanswered.items())),
    )
