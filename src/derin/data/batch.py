"""A batch: the tensors of some rows, by column name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(slots=True)
class Batch:
    """What a training step sees.

    Args:
        columns: tensors by column name, already on the device and ready for the network. The first axis is the example.
        rows: the row number of each example in its table, on the CPU.

    Shapes:
        each column ``(B, ...)``, rows ``(B,)`` int64. A target is int64 class numbers ``(B,)``, or float32: values
        ``(B,)`` or ``(B, D)``, probabilities ``(B, classes)`` after mixing, 0/1 ``(B, labels)`` for several labels.
    """

    columns: dict[str, torch.Tensor]
    rows: torch.Tensor

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.columns[name]

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __len__(self) -> int:
        return len(self.rows)
