"""Rows of unequal length as rectangles: tokens, words with their characters, tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.data.table import Ragged, Rows

if TYPE_CHECKING:
    import torch


class PaddedColumn:
    """A ragged column in memory; rows that are gathered together are padded at the right to the longest of them.

    Args:
        column: of the whole table.
        max_length: of longer rows, the first so many values are taken and the others are not seen; None takes all.

    Attributes:
        lengths: how many values each row has.

    Shapes:
        flat ``(total, ...)``, lengths ``(N,)``.

    Raises:
        DataError: `max_length` is below 1.

    Example:
        >>> tokens = Ragged(np.arange(4, 13, dtype=np.int32), np.array([0, 2, 3, 9]))
        >>> PaddedColumn(tokens, max_length=4).gather(np.array([1, 0])).tolist()
        [[6, 0], [4, 5]]
    """

    is_random: ClassVar[bool] = False

    def __init__(self, column: Ragged, max_length: int | None = None) -> None:
        if max_length is not None and max_length < 1:
            raise DataError(f"PaddedColumn.max_length must be at least 1; got {max_length}.")
        self.flat, self._starts = column.flat, column.offsets[:-1]
        self._dtype: Any = np.int64 if column.flat.dtype.kind in "iub" else np.float32
        lengths = np.diff(column.offsets)
        self.lengths: npt.NDArray[np.int64] = lengths if max_length is None else np.minimum(lengths, max_length)

    def __len__(self) -> int:
        return len(self.lengths)

    def gather(self, rows: Rows, uniforms: np.ndarray | None = None) -> torch.Tensor:
        """The rows in one gather, filled up with 0 to the longest, and to 1 at least.

        Shapes:
            ``(B,)`` → ``(B, T, ...)``, whole numbers int64, others float32.
        """
        import torch

        lengths = self.lengths[rows]
        steps = np.arange(max(1, int(lengths.max(initial=0))))
        held = steps < lengths[:, None]
        found = np.zeros((*held.shape, *self.flat.shape[1:]), dtype=self._dtype)
        found[held] = self.flat[(self._starts[rows][:, None] + steps)[held]]
        return torch.from_numpy(found)
