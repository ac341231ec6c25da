"""Windows into series: so many steps that are looked at, then so many that are to be forecast, read where they lie.

A window is a place in the series. It becomes numbers when its batch is made, in one gather, and nothing is ever copied
into an array of windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.core.seeds import permutation
from derin.data.batch import Batch
from derin.data.table import Rows

if TYPE_CHECKING:
    import torch

    from derin.data.preparation import Batching

Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class HostSeries:
    """All steps of a table as a network reads them.

    Args:
        values: standardized variables, the targets first; what is missing holds the last known value.
        targets: the standardized targets, NaN where missing.
        first: the row at which the series of each row begins.

    Shapes:
        values ``(N, F)``, targets ``(N, C)``, first ``(N,)``.
    """

    values: Values
    targets: Values
    first: Rows

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def tensors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Values and targets as tensors that share their memory."""
        import torch

        return torch.from_numpy(self.values), torch.from_numpy(self.targets)

    def anchors(self, rows: Rows, *, look_back: int, horizon: int) -> Rows:
        """The rows of a split at which a window's forecast may begin.

        All `horizon` steps lie in the split, so that no target is in two splits; the steps that are looked at lie in
        the same series and may belong to an earlier split, as they do for who forecasts in earnest. A window without
        any known target is none.

        Args:
            rows: of the split.
            look_back: steps before the forecast.
            horizon: steps of the forecast.

        Example:
            >>> series = HostSeries(np.zeros((9, 1), "f4"), np.zeros((9, 1), "f4"), np.zeros(9, "i8"))
            >>> series.anchors(np.arange(5, 9), look_back=3, horizon=2).tolist()
            [5, 6, 7]
        """
        num = len(self)
        if num < look_back + horizon:
            return np.zeros(0, dtype=np.int64)
        inside = np.zeros(num, dtype=np.int64)
        inside[rows] = 1
        is_known = np.isfinite(self.targets).any(axis=1)
        num_inside, num_known = (np.concatenate([[0], np.cumsum(flags)]) for flags in (inside, is_known))
        starts = np.arange(num - horizon + 1)
        ends = starts + horizon
        fits = num_inside[ends] - num_inside[starts] == horizon
        fits &= num_known[ends] > num_known[starts]
        fits &= self.first[ends - 1] == self.first[starts]
        fits &= starts - look_back >= self.first[starts]
        return np.flatnonzero(fits)


class WindowSource:
    """Batches of windows.

    Args:
        series: all steps of a table.
        rows: of the split, which the targets lie in.
        look_back: steps that the network reads.
        horizon: steps that it forecasts.
        input_name: of the steps that are read, in a batch; those to be forecast are called ``"target"``.
        batching: how windows become batches.
        where: the name of the data, for messages.

    Shapes:
        input ``(B, look_back, F)``, target ``(B, horizon, C)`` with NaN where a value is missing. The row of an
        example is that of its first target.
    """

    def __init__(
        self,
        series: HostSeries,
        rows: Rows,
        *,
        look_back: int,
        horizon: int,
        input_name: str,
        batching: Batching,
        where: str,
    ) -> None:
        import torch

        anchors = batching.limited(series.anchors(rows, look_back=look_back, horizon=horizon))
        if not len(anchors):
            raise DataError(
                f"{where}: {len(rows):,} steps hold no window of look_back={look_back} and horizon={horizon} steps; "
                "give a longer series, or a smaller horizon or look_back."
            )
        self.anchors, self.input_name = anchors, input_name
        self.batch_size, self.num_examples = batching.batch_size, len(anchors)
        self.num_batches = -(-len(anchors) // batching.batch_size)
        self._seed, self._shuffle = batching.seed, batching.shuffle
        device = torch.device(batching.device)
        self._values, self._targets = (tensor.to(device) for tensor in series.tensors)
        self._behind = torch.arange(-look_back, 0, device=device)
        self._ahead = torch.arange(horizon, device=device)
        self._device = device

    def batches(self, epoch: int, from_step: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from its step `from_step` on; their order is a function of (seed, epoch)."""
        import torch

        order = self.anchors
        if self._shuffle:
            order = order[permutation(self._seed, "order", epoch, self.num_examples)]
        rows = torch.from_numpy(np.ascontiguousarray(order))
        on_device = rows.to(self._device)
        for step in range(from_step, self.num_batches):
            part = slice(step * self.batch_size, (step + 1) * self.batch_size)
            at = on_device[part, None]
            columns = {self.input_name: self._values[at + self._behind], "target": self._targets[at + self._ahead]}
            yield Batch(columns, rows[part])
