"""Batches of rows of unequal length, padded to the longest of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.data.batch import Batch
from derin.data.samplers.sampler import Sampler
from derin.data.samplers.token_budget import TokenBudgetSampler
from derin.data.table import Ragged, Rows

if TYPE_CHECKING:
    import torch


class RaggedSource:
    """The batches of some rows, of which some columns are of unequal length.

    A batch takes as many rows as its token budget allows, and never more than twice ``batch_size`` rows; see
    `TokenBudgetSampler`. Where several columns are ragged, all their padded sizes together stay within the budget.
    Rows do not come in their order, and `Batch.rows` says which they are.

    Args:
        columns: by name, one value per row of the table: `Ragged` ones become ``(B, T)`` or ``(B, T, W)``, padded at
            the right to the longest row of the batch (at least 1); arrays stay as they are.
        rows: the rows of the table that this source gives.
        batch_size: examples of mean length per batch.
        seed: of the order.
        shuffle: whether each epoch has an order of its own.
        device: where batches go.
        pad: what fills up the rows of a ragged column; 0 where a column is not named.
        max_length: of longer rows, the first so many tokens are taken and the others are not seen; None takes all.
        sampler: says which rows make a batch, instead of the token budget; None keeps to that.

    Shapes:
        ragged whole numbers ``(B, T)`` int64, or ``(B, T, W)`` where the flat array has rows of W; other ragged
        numbers float32.

    Raises:
        DataError: there are no rows, no column is ragged, or columns differ in their number of rows.

    Example:
        >>> tokens = Ragged(np.arange(4, 13, dtype=np.int32), np.array([0, 2, 3, 9]))
        >>> source = RaggedSource({"input": tokens, "label": np.array([1, 0, 1])}, np.arange(3), batch_size=1)
        >>> [(b["input"].tolist(), b["label"].tolist()) for b in source.batches(0)]
        [([[6]], [0]), ([[4, 5]], [1]), ([[7, 8, 9, 10, 11, 12]], [1])]
    """

    def __init__(
        self,
        columns: Mapping[str, Ragged | npt.NDArray[Any]],
        rows: Rows,
        *,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = False,
        device: str | torch.device = "cpu",
        pad: Mapping[str, int] | None = None,
        max_length: int | None = None,
        sampler: Sampler | None = None,
    ) -> None:
        import torch

        self._check(columns, rows, batch_size, max_length)
        self.batch_size, self._device = batch_size, torch.device(device)
        self._ragged = {
            name: _PaddedColumn(column, 0 if pad is None else pad.get(name, 0), max_length)
            for name, column in columns.items()
            if isinstance(column, Ragged)
        }
        # What is not ragged is small: it moves to the device once.
        self._dense = {
            name: torch.from_numpy(np.ascontiguousarray(column)).to(self._device)
            for name, column in columns.items()
            if not isinstance(column, Ragged)
        }
        if sampler is None:
            # The padded size of every column is at most that of the longest one, which sorts the rows.
            longest_of_row = np.max([c.lengths[rows] for c in self._ragged.values()], axis=0)
            sizes = np.maximum(longest_of_row, 1) * len(self._ragged)
            sampler = TokenBudgetSampler(rows, sizes, batch_size=batch_size, seed=seed, shuffle=shuffle)
        self._sampler, self.num_examples, self.num_batches = sampler, sampler.num_examples, sampler.num_batches

    def batches(self, epoch: int, from_step: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from its step `from_step` on."""
        import torch

        for rows in self._sampler.order(epoch).batches(from_step):
            columns = {
                name: torch.from_numpy(column.gather(rows)).to(self._device, non_blocking=True)
                for name, column in self._ragged.items()
            }
            numbers = torch.from_numpy(rows)
            on_device = numbers.to(self._device, non_blocking=True)
            columns |= {name: values.index_select(0, on_device) for name, values in self._dense.items()}
            yield Batch(columns, numbers)

    def _check(self, columns: Mapping[str, Any], rows: Rows, batch_size: int, max_length: int | None) -> None:
        if not len(rows):
            raise DataError("A source of batches needs at least one row; the split is empty.")
        if not any(isinstance(column, Ragged) for column in columns.values()):
            raise DataError(f"RaggedSource: at least one column must be ragged; got {', '.join(columns) or 'none'}.")
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            raise DataError(f"RaggedSource: all columns must have one value per row of the table; got {lengths}.")
        if batch_size < 1 or (max_length is not None and max_length < 1):
            raise DataError(
                f"RaggedSource: batch_size and max_length must be at least 1; got batch_size={batch_size}, "
                f"max_length={max_length}."
            )


class _PaddedColumn:
    """A ragged column that is read as padded rectangles.

    Args:
        column: of the whole table.
        pad: what fills up.
        max_length: of a row; None where there is no bound.
    """

    def __init__(self, column: Ragged, pad: int, max_length: int | None) -> None:
        whole = column.flat.dtype.kind in "iub"
        self._values = column.flat
        self._dtype: Any = np.int64 if whole else np.float32
        self._pad = pad
        self._starts = column.offsets[:-1]
        lengths = np.diff(column.offsets)
        self.lengths = lengths if max_length is None else np.minimum(lengths, max_length)

    def gather(self, rows: Rows) -> npt.NDArray[Any]:
        """The rows in one gather.

        Shapes:
            ``(B,)`` → ``(B, T, ...)``.
        """
        lengths = self.lengths[rows]
        steps = np.arange(max(1, int(lengths.max())))
        held = steps < lengths[:, None]
        found = np.full((*held.shape, *self._values.shape[1:]), self._pad, dtype=self._dtype)
        found[held] = self._values[(self._starts[rows][:, None] + steps)[held]]
        return found
