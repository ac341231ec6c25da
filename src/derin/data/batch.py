"""A batch: the tensors of some rows, by column name; and what gives batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch


@dataclass(slots=True)
class Batch:
    """What a training step sees.

    Args:
        columns: tensors by column name, already on the device and ready for the network. The first axis is the example.
            Columns of unequal length, such as boxes, are `derin.data.codecs.base.Packed`.
        rows: the row number of each example in its table, on the CPU.

    Shapes:
        each column ``(B, ...)``, rows ``(B,)`` int64. A target is int64 class numbers ``(B,)``, or float32: values
        ``(B,)`` or ``(B, D)``, probabilities ``(B, classes)`` after mixing, 0/1 ``(B, labels)`` for several labels.
    """

    columns: dict[str, Any]
    rows: torch.Tensor

    def __getitem__(self, name: str) -> torch.Tensor:
        column: torch.Tensor = self.columns[name]
        return column

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __len__(self) -> int:
        return len(self.rows)


class Source(Protocol):
    """Where batches come from. The training loop asks for `batches` and nothing else that reads data."""

    batch_size: int
    num_examples: int  # in one epoch
    num_batches: int  # in one epoch, a smaller last one included

    def batches(self, epoch: int, from_step: int = 0) -> Iterator[Batch]:
        """The batches of an epoch (counted from 0) from step `from_step` on; the same for the same arguments."""
        ...


@contextmanager
def open_batches(source: Source, epoch: int, from_step: int = 0) -> Iterator[Iterator[Batch]]:
    """The batches of an epoch; whatever works ahead on them has ended when this is left, come what may."""
    batches = source.batches(epoch, from_step)
    try:
        yield batches
    finally:
        close = getattr(batches, "close", None)  # what no generator gives has nothing to end
        if close is not None:
            close()
