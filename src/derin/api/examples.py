"""Examples of a table for a saved network: which rows, how they reach the network, and what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from derin.api.evaluation import rows_to_measure, usual_split
from derin.api.reading import read_as_trained
from derin.core.errors import UsageError
from derin.core.seeds import permutation
from derin.data.batch import Batch, Source
from derin.data.display import displayed
from derin.data.preparation import Batching
from derin.data.table import Rows, Table

if TYPE_CHECKING:
    from derin.api.model import Model

_BATCH_SIZE = 256
_LONGEST_TEXT = 80  # letters of a value that are shown


@dataclass(frozen=True)
class Examples:
    """Rows of a table on their way through a network.

    Args:
        table: the data.
        split: of which the rows are.
        rows: which.
        source: gives them in batches, with their answers where these are known.
        answered: whether the table holds the answers.
        is_own: whether it is the very data of the training, with its splits.
    """

    table: Table
    split: str
    rows: Rows
    source: Source
    answered: bool
    is_own: bool

    @property
    def names(self) -> list[str]:
        """A name for each example: of its file, or its row."""
        given = self.table.row_names
        return [str(int(row)) if given is None else str(given[int(row)]) for row in self.rows]

    def batch(self, places: Rows) -> Batch:
        """The examples at some places of `rows`, in growing order, as one batch."""
        import torch

        parts: list[Batch] = []
        first = 0
        for batch in self.source.batches(0):
            within = torch.from_numpy(places[(places >= first) & (places < first + len(batch))] - first)
            if len(within):
                columns = {name: column[within.to(column.device)] for name, column in batch.columns.items()}
                parts.append(Batch(columns, batch.rows[within]))
            first += len(batch)
        columns = {name: torch.cat([part[name] for part in parts]) for name in parts[0].columns}
        return Batch(columns, torch.cat([part.rows for part in parts]))

    def words(self, columns: Sequence[str]) -> list[list[str]]:
        """The raw values of some columns, in words."""
        found = [displayed(self.table, name, self.rows, max_length=_LONGEST_TEXT) for name in columns]
        return [list(row) for row in zip(*found, strict=True)]


def examples_for(
    model: Model,
    data: Any,
    *,
    split: str | None = None,
    target: str | None = None,
    num: int | None = None,
    seed: int = 0,
    answers: bool = True,
    fewest: int = 1,
) -> Examples:
    """The examples of some data that a network is looked at with.

    Args:
        data: whatever `derin.load` takes.
        split: ``"train"``, ``"val"``, ``"test"`` or ``"all"``; None takes the test split where there is one that is
            large enough, else all.
        target: the column with the answers, where it cannot be found out.
        num: at most so many, drawn by the seed; None takes all.
        seed: of the draw.
        answers: whether the data must hold the answers.
        fewest: a test split of fewer examples is not taken by itself.

    Raises:
        UsageError: there is no such split, or fewer than one example is asked for.
        DataError: the data cannot be read, or lack the answers.
    """
    if num is not None and num < 1:
        raise UsageError(f"At least one example is required; got num={num}.")
    read = read_as_trained(model, data, target=target)
    table = read.table
    chosen = split or usual_split(table, read.is_own)
    if split is None and chosen != "all" and len(table.splits[chosen]) < fewest:
        chosen = "all"
    rows = rows_to_measure(table, chosen) if answers or chosen != "all" else np.arange(len(table))
    if num is not None and len(rows) > num:
        rows = np.sort(rows[permutation(seed, "examples", 0, len(rows))[:num]])
    known = {column.name for column in table.schema}
    answered = all(name in known for name in model.task.columns)
    targets = model.task.batch_columns(table) if answered or answers else {}
    source = model.preparation.source(
        model.preparation.encode_table(table),
        targets,
        rows,
        input_name=model.task.input,
        batching=Batching(batch_size=_BATCH_SIZE, device=next(model.network.parameters()).device),
    )
    return Examples(table, chosen, rows, source, answered, read.is_own)
