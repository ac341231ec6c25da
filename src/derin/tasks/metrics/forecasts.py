"""Measurements of forecasts: errors on standardized values, as papers give them, and errors that bear comparison
between series.

====== =====================================================================================
mse    mean (ŷ − y)² of standardized values
mae    mean |ŷ − y| of standardized values
mase   mean |ŷ − y| divided by that of repeating the last season in training; 1 is no better
smape  mean 2 |ŷ − y| / (|ŷ| + |y|) in the series' own units, from 0 to 2
====== =====================================================================================

Of several series each is standardized by its own scale, and MASE is the mean of that of each series, so that a large
series does not hide a small one.

Source: R. J. Hyndman, A. B. Koehler, "Another look at measures of forecast accuracy", International Journal of
    Forecasting 22, 2006 (MASE); S. Makridakis, M. Hibon, "The M3-Competition", IJF 16, 2000 (sMAPE).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from derin.data.batch import Batch
from derin.tasks.metrics.intervals import Interval
from derin.tasks.metrics.sums import wide_dtype
from derin.train.protocol import Outputs

Floats = npt.NDArray[np.float64]


class ForecastMetrics:
    """Adds up errors on the device, for every step of the horizon and every target. Missing values do not count.

    Args:
        names: of the targets.
        mean: of each target, in its own unit.
        std: of each target.
        scales: error of repeating the last season in training, standardized, of each target.
        series: the names of several series.

    Shapes:
        `update` reads outputs ``"standardized"`` and targets ``(B, horizon, C)``; of several series also their
        ``"center"``, ``"spread"`` and ``"unit"`` ``(B, 1, C)`` and the number ``"series"`` ``(B,)``.
    """

    def __init__(
        self,
        names: Sequence[str],
        mean: Sequence[float],
        std: Sequence[float],
        scales: Sequence[float],
        series: Sequence[str] = (),
    ) -> None:
        self.names, self.series = tuple(names), tuple(series)
        self._by_series: Tensor | None = None  # (series, 6, C): as below, beside errors in units and in seasons
        self._mean, self._std, self._scales = (np.asarray(v, dtype=np.float64) for v in (mean, std, scales))
        self._sums: Tensor | None = None  # (4, horizon, C): values, squares, absolutes, symmetric ratios

    @torch.no_grad()
    def update(self, outputs: Outputs, batch: Batch) -> None:
        wide = wide_dtype(batch["target"].device)
        forecast, target = outputs["standardized"].to(wide), batch["target"].to(wide)
        is_known = target.isfinite()
        target = torch.where(is_known, target, forecast)
        errors = (forecast - target).abs()
        if "series" in batch:
            mean, std, unit = (batch[name].to(wide) for name in ("center", "spread", "unit"))
        else:
            mean, std, unit = (torch.as_tensor(v).to(target) for v in (self._mean, self._std, self._scales))
        sizes = (forecast * std + mean).abs() + (target * std + mean).abs()
        ratios = torch.where(sizes > 0, 2 * errors * std / sizes.clamp_min(torch.finfo(wide).tiny), 0.0)
        parts = torch.stack([is_known.to(wide), errors.square(), errors, ratios])
        sums = parts.sum(dim=1)
        self._sums = sums if self._sums is None else self._sums + sums
        if "series" in batch:
            scaled = [errors * std, (errors * std).square(), errors / unit]
            self._add_by_series(torch.stack([parts[0], *scaled, parts[1], ratios]).sum(dim=2), batch["series"])

    def _add_by_series(self, sums: Tensor, series: Tensor) -> None:
        """Adds what the windows of each series hold, ``(6, B, C)``."""
        num = max(len(self.series), int(series.max()) + 1)
        total = sums.new_zeros(num, *sums.shape[::2])
        if self._by_series is not None:
            total = total.new_zeros(max(num, len(self._by_series)), *sums.shape[::2])
            total[: len(self._by_series)] = self._by_series
        self._by_series = total.index_add(0, series, sums.transpose(0, 1))

    def compute(self) -> dict[str, Any]:
        """``loss`` (which is ``mse``), ``mse``, ``mae``, ``mase``, ``smape``; the same ``per_variable`` with the
        errors in its unit (``mae_units``, ``rmse_units``); and ``mse_per_step`` of the horizon. Of several series also
        ``per_series``: ``mase``, ``smape``, ``mse``, and the errors in units of each variable."""
        if self._sums is None:
            return dict.fromkeys(("loss", "mse", "mae", "mase", "smape"), float("nan"))
        count, squares, absolutes, ratios = self._sums.double().cpu().numpy()
        mse, mae = _share(squares.sum(), count.sum()), _share(absolutes.sum(), count.sum())
        each_mse, each_mae, each_ratio = (_shares(v.sum(0), count.sum(0)) for v in (squares, absolutes, ratios))
        mase = each_mae / self._scales
        each = {
            "mse": each_mse,
            "mae": each_mae,
            "mase": mase,
            "smape": each_ratio,
            "mae_units": each_mae * self._std,
            "rmse_units": np.sqrt(each_mse) * self._std,
        }
        per_series: dict[str, Any] = {}
        if self._by_series is not None:
            mase, units, per_series = self._each_series()
            each |= {"mase": mase, **units}
        return {
            "loss": mse,
            "mse": mse,
            "mae": mae,
            "mase": _mean(mase),
            "smape": _share(ratios.sum(), count.sum()),
            "per_variable": {
                name: {key: float(values[place]) for key, values in each.items()}
                for place, name in enumerate(self.names)
            },
            "mse_per_step": _shares(squares.sum(1), count.sum(1)).tolist(),
            **({"per_series": per_series} if per_series else {}),
        }

    def _each_series(self) -> tuple[Floats, dict[str, Floats], dict[str, Any]]:
        """MASE of each variable, the mean over the series; errors in units; and what each series has."""
        assert self._by_series is not None
        sums = self._by_series.double().cpu().numpy()
        count, units, square_units, seasons, squares, ratios = np.moveaxis(sums, 1, 0)
        mase = _shares(seasons, count)
        per_series = {}
        for place in np.flatnonzero(count.sum(1)).tolist():
            name = self.series[place] if place < len(self.series) else f"#{place + 1 - len(self.series)}"
            per_series[name] = {
                "mase": _mean(mase[place]),
                "smape": _share(ratios[place].sum(), count[place].sum()),
                "mse": _share(squares[place].sum(), count[place].sum()),
                "mae_units": dict(zip(self.names, _shares(units[place], count[place]).tolist())),
            }
        found = {
            "mae_units": _shares(units.sum(0), count.sum(0)),
            "rmse_units": np.sqrt(_shares(square_units.sum(0), count.sum(0))),
        }
        return np.array([_mean(column) for column in mase.T]), found, per_series

    def intervals(self) -> dict[str, Interval]:
        """None: windows overlap, so that an interval over windows as if they were independent would be too narrow."""
        return {}


def pinball(quantile: npt.ArrayLike, target: npt.ArrayLike, level: float) -> float:
    """The mean pinball loss of forecasts of a quantile: max(q (y − ŷ), (q − 1)(y − ŷ)).

    Args:
        quantile: the forecasts.
        target: what came; NaN does not count.
        level: q, in (0, 1).

    Example:
        >>> pinball([1.0, 3.0], [2.0, 2.0], 0.9)
        0.5
    """
    above = np.asarray(target, dtype=np.float64) - np.asarray(quantile, dtype=np.float64)
    return float(np.nanmean(np.maximum(level * above, (level - 1) * above)))


def coverage(low: npt.ArrayLike, high: npt.ArrayLike, target: npt.ArrayLike) -> float:
    """The share of values that lie within their interval; NaN does not count.

    Example:
        >>> coverage([0.0, 0.0], [1.0, 1.0], [0.5, 2.0])
        0.5
    """
    known = np.isfinite(np.asarray(target, dtype=np.float64))
    inside = (np.asarray(low) <= np.asarray(target)) & (np.asarray(target) <= np.asarray(high))
    return _share(float((inside & known).sum()), float(known.sum()))


def supported_level(num_windows: Sequence[int], horizon: int, wanted: float) -> float:
    """The level that intervals from so many validation windows can hold.

    The widest of n errors holds the next one with probability n / (n + 1) at most. Windows that begin one step apart
    share all but one of their steps, so that of each series only those count that do not overlap.

    Args:
        num_windows: of each series, at successive steps.
        horizon: steps of a window.
        wanted: the level that is asked for.

    Example:
        >>> supported_level([3], 1, 0.9), supported_level([3], 2, 0.9), supported_level([300], 7, 0.9)
        (0.75, 0.6666666666666666, 0.9)
    """
    num = sum((windows + horizon - 1) / horizon for windows in num_windows if windows)
    return min(wanted, num / (num + 1))


def half_widths(errors: npt.ArrayLike, level: float) -> Floats:
    """How far an interval must reach to each side of a forecast, so that it holds `level` of such errors.

    The ⌈(n + 1) · level⌉-th smallest |error| of n, which a new error of the same kind exceeds with probability
    1 − level at most (split conformal prediction). The largest one where n is too small for the level.

    Args:
        errors: of forecasts that were not trained on; NaN does not count.
        level: such as 0.9.

    Shapes:
        ``(n, …)`` → ``(…)``.

    Example:
        >>> half_widths([[3.0], [-1.0], [2.0], [np.nan]], 0.5)
        array([2.])

    Source: V. Vovk, A. Gammerman, G. Shafer, "Algorithmic learning in a random world", 2005; J. Lei et al.,
        "Distribution-free predictive inference for regression", JASA 113, 2018.
    """
    sizes = np.sort(np.abs(np.asarray(errors, dtype=np.float64)), axis=0)  # NaN comes last
    num = np.isfinite(sizes).sum(axis=0)
    place = np.clip(np.ceil((num + 1) * level).astype(np.int64), 1, np.maximum(num, 1)) - 1
    found: Floats = np.take_along_axis(sizes, place[None], axis=0)[0]
    return found


def _mean(values: Floats) -> float:
    """The mean of what is known."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")


def _shares(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
