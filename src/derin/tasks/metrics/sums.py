"""Parts that all accumulators share."""

from __future__ import annotations

import torch
from torch import Tensor

from derin.data.batch import Batch

COLLECT_LIMIT = 4_000_000  # probabilities kept for the AUC: 16 MB; a longer pass has no AUC


def wide_dtype(device: torch.device) -> torch.dtype:
    """The widest floating type that the device adds in: a sum over many batches must not depend on their size."""
    return torch.float32 if device.type == "mps" else torch.float64


class LossSum:
    """Σ loss · weight and Σ weight over the batches of a pass, on the device."""

    def __init__(self) -> None:
        self._sum: Tensor | None = None
        self._weight: Tensor | None = None

    def add(self, loss: Tensor, weight_sum: Tensor | None, batch: Batch) -> None:
        wide = wide_dtype(loss.device)
        weight = torch.tensor(float(len(batch)), dtype=wide) if weight_sum is None else weight_sum.to(wide)
        weighted = loss.to(wide) * weight
        # Without weights the denominator is a plain number and stays on the CPU.
        self._sum = weighted if self._sum is None else self._sum + weighted
        self._weight = weight if self._weight is None else self._weight + weight

    def mean(self) -> float:
        if self._sum is None or self._weight is None:
            return float("nan")
        return ratio(self._sum.item(), self._weight.item())


class Collected:
    """Tensors kept for a measurement that no sum can give, up to `COLLECT_LIMIT` values."""

    def __init__(self) -> None:
        self._parts: list[tuple[Tensor, Tensor]] = []
        self._size = 0
        self.overflowed = False

    def add(self, scores: Tensor, truth: Tensor) -> None:
        self._size += scores.numel()
        if self._size > COLLECT_LIMIT:
            self.overflowed = True
            self._parts.clear()
        if not self.overflowed:
            self._parts.append((scores.detach(), truth.detach()))

    def arrays(self) -> tuple[Tensor, Tensor] | None:
        """All scores and truths on the CPU, or None where there are none or too many."""
        if not self._parts:
            return None
        return tuple(torch.cat([part[i] for part in self._parts]).cpu() for i in (0, 1))  # type: ignore[return-value]


def ratio(part: float, whole: float) -> float:
    """part / whole; NaN, not an error, where nothing was counted."""
    return part / whole if whole else float("nan")
