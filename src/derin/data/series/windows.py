"""Windows into series: so many steps that are looked at, then so many that are to be forecast, read where they lie.

A window is a place in the series. It becomes numbers when its batch is made, in one gather, and nothing is ever copied
into an array of windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.data.batch import Batch
from derin.data.samplers.uniform import UniformSampler
from derin.data.table import Rows

if TYPE_CHECKING:
    import torch

    from derin.data.preparation import Batching

Values = npt.NDArray[np.float32]


# A window that moves less than this, in the scale of its series, has no scale of its own.
_STANDS_STILL = 1e-3


@dataclass(frozen=True)
class OwnScales:
    """The scales of several series that lie in one table.

    Args:
        code: the series of each row.
        center, spread: by which the targets of a series are standardized.
        unit: the error of repeating its last season, standardized: what MASE counts as 1.
        is_known: whether the scale is that of training; the windows of other series are standardized one by one.

    Shapes:
        code ``(N,)``; center, spread, unit ``(K, C)`` float64; is_known ``(K,)``.
    """

    code: Rows
    center: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]
    unit: npt.NDArray[np.float64]
    is_known: npt.NDArray[np.bool_]


def moving_scale(targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of the targets of each window; 1 where it stands still.

    Shapes:
        ``(B, steps, C)`` → two of ``(B, 1, C)``.
    """
    import torch

    center = targets.mean(dim=1, keepdim=True)
    spread = targets.std(dim=1, keepdim=True, correction=0)
    return center, torch.where(spread > _STANDS_STILL, spread, torch.ones_like(spread))


@dataclass(frozen=True)
class HostSeries:
    """All steps of a table as a network reads them.

    Args:
        values: standardized variables, the targets first; what is missing holds the last known value.
        targets: the standardized targets, NaN where missing.
        first: the row at which the series of each row begins.
        own: the scales of several series; None where all steps have one.

    Shapes:
        values ``(N, F)``, targets ``(N, C)``, first ``(N,)``.
    """

    values: Values
    targets: Values
    first: Rows
    own: OwnScales | None = None

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def tensors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Values and targets as tensors that share their memory."""
        import torch

        return torch.from_numpy(self.values), torch.from_numpy(self.targets)

    def window_starts(self, rows: Rows, *, context_length: int, horizon: int) -> Rows:
        """The rows of a split at which a window's forecast may begin.

        All `horizon` steps lie in the split, so that no target is in two splits; the steps that are looked at lie in
        the same series and may belong to an earlier split, as they do for who forecasts in earnest. A window without
        any known target is none.

        Args:
            rows: of the split.
            context_length: steps before the forecast.
            horizon: steps of the forecast.

        Example:
            >>> series = HostSeries(np.zeros((9, 1), "f4"), np.zeros((9, 1), "f4"), np.zeros(9, "i8"))
            >>> series.window_starts(np.arange(5, 9), context_length=3, horizon=2).tolist()
            [5, 6, 7]
        """
        num = len(self)
        if num < context_length + horizon:
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
        fits &= starts - context_length >= self.first[starts]
        return np.flatnonzero(fits)


class WindowSource:
    """Batches of windows.

    Args:
        series: all steps of a table.
        rows: of the split, which the targets lie in.
        context_length: steps that the network reads.
        horizon: steps that it forecasts.
        input_name: of the steps that are read, in a batch; those to be forecast are called ``"target"``.
        batching: how windows become batches.
        where: the name of the data, for messages.

    Shapes:
        input ``(B, context_length, F)``, target ``(B, horizon, C)`` with NaN where a value is missing. The row of an
        example is that of its first target. Of several series also ``center``, ``spread`` and ``unit`` ``(B, 1, C)``
        float64 and the number ``series`` ``(B,)`` of each window.
    """

    def __init__(
        self,
        series: HostSeries,
        rows: Rows,
        *,
        context_length: int,
        horizon: int,
        input_name: str,
        batching: Batching,
        where: str,
    ) -> None:
        import torch

        window_starts = batching.limited(series.window_starts(rows, context_length=context_length, horizon=horizon))
        if not len(window_starts):
            raise DataError(
                f"{where}: {len(rows):,} steps hold no window of context_length={context_length} and horizon="
                f"{horizon} steps; "
                "give a longer series, or a smaller horizon or context_length."
            )
        self.window_starts, self.input_name = window_starts, input_name
        self._sampler = UniformSampler(
            window_starts, batch_size=batching.batch_size, seed=batching.seed, shuffle=batching.shuffle
        )
        self.batch_size, self.num_examples = batching.batch_size, len(window_starts)
        self.num_batches = self._sampler.num_batches
        device = torch.device(batching.device)
        self._values, self._targets = (tensor.to(device) for tensor in series.tensors)
        self._behind = torch.arange(-context_length, 0, device=device)
        self._ahead = torch.arange(horizon, device=device)
        self._device = device
        self._first = series.first
        self._own = None if series.own is None else _OwnTensors.of(series.own, device)

    def batches(self, epoch: int, from_step: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from its step `from_step` on; their order is a function of (seed, epoch)."""
        import torch

        order = self._sampler.order(epoch)
        rows = torch.from_numpy(np.ascontiguousarray(order.rows))
        on_device = rows.to(self._device)
        for start, end in pairwise(order.bounds[from_step:].tolist()):
            part = slice(start, end)
            at = on_device[part, None]
            columns = {self.input_name: self._values[at + self._behind], "target": self._targets[at + self._ahead]}
            if self._own is not None:
                columns |= self._own.scaled(columns[self.input_name], columns["target"], at[:, 0], self.input_name)
            yield Batch(columns, rows[part])

    def reaches(self, steps: int) -> bool:
        """Whether every window's series has so many steps before the forecast begins."""
        return bool((self.window_starts - steps >= self._first[self.window_starts]).all())

    def earlier(self, rows: torch.Tensor, steps: int) -> torch.Tensor:
        """What the targets of windows were so many steps before, in the scale of the window; see `reaches`.

        Shapes:
            rows ``(B,)`` → ``(B, horizon, C)``; beyond ``steps`` the last ones again.
        """
        import torch

        at = rows.to(self._device)[:, None]
        num_targets = self._targets.shape[1]
        ahead = self._ahead % steps
        found = self._values[at - steps + ahead][..., :num_targets]
        if self._own is None:
            return found
        inputs = self._values[at + self._behind][..., :num_targets]
        center, spread = moving_scale(inputs)
        is_known = self._own.is_known[self._own.code[at[:, 0]]][:, None, None]
        return torch.where(is_known, found, (found - center) / spread)


@dataclass(frozen=True)
class _OwnTensors:
    """Scales of several series where the windows are gathered."""

    code: torch.Tensor
    center: torch.Tensor
    spread: torch.Tensor
    unit: torch.Tensor
    is_known: torch.Tensor
    all_known: bool

    @classmethod
    def of(cls, own: OwnScales, device: torch.device) -> _OwnTensors:
        import torch

        # Apple's GPU has no float64.
        wide = torch.float32 if device.type == "mps" else torch.float64
        center, spread, unit = (torch.from_numpy(p).to(device, wide) for p in (own.center, own.spread, own.unit))
        code, is_known = (torch.from_numpy(part).to(device) for part in (own.code, own.is_known))
        return cls(code, center, spread, unit, is_known, bool(own.is_known.all()))

    def scaled(
        self, inputs: torch.Tensor, target: torch.Tensor, rows: torch.Tensor, input_name: str
    ) -> dict[str, torch.Tensor]:
        """The columns of a batch with the scale of each window; those of unknown series are standardized by it."""
        import torch

        code = self.code[rows]
        center, spread, unit = (part[code][:, None] for part in (self.center, self.spread, self.unit))
        found = {"center": center, "spread": spread, "unit": unit, "series": code}
        if self.all_known:
            return found
        num_targets = target.shape[2]
        is_known = self.is_known[code][:, None, None]
        own_center, own_spread = moving_scale(inputs[..., :num_targets])
        own_center = torch.where(is_known, torch.zeros_like(own_center), own_center)
        own_spread = torch.where(is_known, torch.ones_like(own_spread), own_spread)
        moved = (inputs[..., :num_targets] - own_center) / own_spread
        return {
            input_name: torch.cat([moved, inputs[..., num_targets:]], dim=2),
            "target": (target - own_center) / own_spread,
            "center": center + spread * own_center,
            "spread": spread * own_spread,
            "unit": unit / own_spread,
            "series": code,
        }
