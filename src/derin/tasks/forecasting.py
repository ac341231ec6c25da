"""Forecasting: the coming steps of one series or many, all steps of the horizon at once.

The network learns standardized values by mean squared error; steps without a value do not count. Horizons beyond the
one that was trained are reached by forecasting on the network's own forecasts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from derin.core.errors import DataError, RefusedFileError, ShapeError, UsageError
from derin.core.fields import Listed, MapOf, Maybe, Within
from derin.data.batch import Batch, Source
from derin.data.preparation import Preparation
from derin.data.schema import Kind
from derin.data.series.preparation import SeriesPreparation, Windows
from derin.data.table import Rows, Table
from derin.tasks.base import BaseTask
from derin.tasks.card import NAMES, checked
from derin.tasks.forecast import Floats, Forecast
from derin.tasks.forecasting_findings import LEVEL, Forecaster, compare, spread_of, steps_of
from derin.tasks.metrics.forecasts import ForecastMetrics
from derin.train.protocol import Losses, Outputs


class Forecasting(BaseTask):
    """Forecasts of the target columns.

    Args:
        columns: that are forecast.
        level: of the intervals.
        half_widths: how far an interval reaches to each side, as a multiple of the window's spread, for each step of
            the horizon and each column; None before they are learned.
        own_half_widths: the same for those of several series that have their own, by the name of the series.

    Example:
        >>> task = Forecasting(columns=["load"])
        >>> task.columns, task.half_widths
        (('load',), None)
    """

    name = "forecasting"
    monitor = "mse"
    maximize = False
    forbids = frozenset({"bf16"})  # three digits are too few for a number
    preparation_kind = "series"

    def __init__(
        self,
        *,
        columns: Sequence[str],
        level: float = LEVEL,
        half_widths: Sequence[Sequence[float]] | None = None,
        own_half_widths: Mapping[str, Sequence[Sequence[float]]] | None = None,
    ) -> None:
        super().__init__(columns)
        if not 0 < level < 1:
            raise UsageError(f"Forecasting needs a level of its intervals between 0 and 1; got {level!r}.")
        self.level = level
        self.half_widths = None if half_widths is None else tuple(tuple(map(float, row)) for row in half_widths)
        self.own_half_widths = {
            name: tuple(tuple(map(float, row)) for row in rows) for name, rows in (own_half_widths or {}).items()
        }
        self._preparation: SeriesPreparation | None = None

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        for column in table.targets:
            if column.kind is not Kind.NUMBER or column.shape:
                raise UsageError(
                    f"The task 'forecasting' needs targets that are numbers; {column.name!r} in {table.name!r} is of "
                    f"kind {column.kind.value}. Name another target."
                )
        if not table.targets:
            raise DataError(f"Table {table.name!r}: a column to be forecast is required; name one as target.")
        return cls(columns=[column.name for column in table.targets], **options)

    def target_scale(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        targets = self.preparation.targets
        return tuple(v.mean for v in targets), tuple(v.std for v in targets)

    @classmethod
    def default_model(cls, table: Table) -> str:
        return "series_mlp"

    @property
    def preparation(self) -> SeriesPreparation:
        """What scales the values and says how long the horizon is."""
        if self._preparation is None:
            raise UsageError("A forecasting task is used with its preparation; call task.bind(preparation) first.")
        return self._preparation

    @property
    def num_outputs(self) -> int:
        return self.preparation.horizon * self.preparation.num_targets

    def bind(self, preparation: Preparation) -> None:
        if not isinstance(preparation, SeriesPreparation):
            raise UsageError(f"Forecasting reads series; the preparation is of kind {preparation.input_kind!r}.")
        shape = (preparation.horizon, preparation.num_targets)
        every = [*self.own_half_widths.values(), *([] if self.half_widths is None else [self.half_widths])]
        if any(np.shape(widths) != shape for widths in every):
            raise RefusedFileError(
                f"The card's intervals must have shape {shape}; got {', '.join(str(np.shape(w)) for w in every)}. Use "
                "another copy."
            )
        self._preparation = preparation

    def forecast(self, model: nn.Module, x: Tensor) -> Tensor:
        """The horizon, standardized.

        Shapes:
            ``(B, steps, F)`` → ``(B, horizon, C)`` float32; the network gives ``(B, horizon · C)`` or the same.
        """
        outputs = model(x)
        if (
            not isinstance(outputs, Tensor)
            or outputs.shape[:1] != x.shape[:1]
            or outputs[0].numel() != self.num_outputs
        ):
            came = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
            raise ShapeError(
                f"A network that forecasts must give (batch, {self.num_outputs}), horizon="
                f"{self.preparation.horizon} steps of {self.preparation.num_targets} targets; got {came}."
            )
        return outputs.float().reshape(len(x), self.preparation.horizon, self.preparation.num_targets)

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """Mean squared error of the standardized values that are known."""
        forecast, target = self.forecast(model, batch[self.input]), batch["target"]
        is_known = target.isfinite()
        # The forecast itself in place of what is missing leaves neither an error nor a gradient.
        errors = (forecast - torch.where(is_known, target, forecast.detach())).square()
        num_known = is_known.sum()
        weight = num_known / self.num_outputs
        return {"loss": errors.sum() / num_known.clamp_min(1), "weight_sum": weight}

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        return {"standardized": self.forecast(model, batch[self.input])}

    def metrics(self) -> ForecastMetrics:
        targets = self.preparation.targets
        means, stds = [v.mean for v in targets], [v.std for v in targets]
        series = [one.name for one in self.preparation.series]
        return ForecastMetrics(self.columns, means, stds, self.preparation.scales, series)

    def final_analysis(
        self,
        network: nn.Module,
        preparation: Preparation,
        table: Table,
        source: Callable[[str], Source],
        folder: Path,
    ) -> dict[str, Any]:
        """The comparison with the baselines; the intervals that were learned are kept by the task."""
        found = compare(
            steps_of(network, self.preparation),
            self.preparation,
            table,
            source,
            folder,
            metrics=self.metrics,
            level=self.level,
        )
        self.level = found.level
        if found.half_widths is not None:
            self.half_widths = tuple(tuple(row) for row in found.half_widths.tolist())
            self.own_half_widths = {
                name: tuple(tuple(row) for row in widths.tolist()) for name, widths in found.own_half_widths.items()
            }
        return found.document

    def answers(
        self, network: nn.Module, preparation: Preparation, inputs: Any, *, batch_size: int, device: torch.device
    ) -> list[Any]:
        """The steps after those that are handed over: one `Forecast` for each series or window.

        Args:
            inputs: a table or numbers; see `SeriesPreparation.read`.
        """
        windows = self.last_windows(inputs)
        horizon = self.preparation.horizon
        values = self.ahead(steps_of(network, self.preparation), windows, horizon, device, batch_size)
        return self.forecasts_of(windows, values, "direct", self.intervals(windows, horizon))

    def last_windows(self, inputs: Any, context_length: int | None = None) -> Windows:
        """The windows after which a forecast begins, of a table or numbers.

        Args:
            inputs: see `SeriesPreparation.windows`.
            context_length: steps of a window; None takes as many as the network reads.
        """
        return self.preparation.windows(inputs, context_length)

    def ahead(
        self, forecaster: Forecaster, windows: Windows, num_steps: int, device: torch.device, batch_size: int = 256
    ) -> Floats:
        """So many steps ahead, in units; beyond the trained horizon on the forecasts themselves.

        Shapes:
            → ``(B, num_steps, C)``.

        Raises:
            UsageError: the horizon is longer than trained, and variables are read whose future nobody forecasts.
        """
        horizon, num_targets = self.preparation.horizon, self.preparation.num_targets
        if num_steps > horizon and windows.values.shape[2] > num_targets:
            raise UsageError(
                f"At most {horizon} steps can be forecast: the network also reads "
                f"{', '.join(self.preparation.columns[num_targets:])}, which nobody forecasts. Train with a longer "
                "horizon, or without these columns."
            )
        parts = []
        context_length = windows.values.shape[1]
        for start in range(0, len(windows.values), batch_size):
            x = torch.from_numpy(np.ascontiguousarray(windows.values[start : start + batch_size])).to(device)
            steps: list[Tensor] = []
            for _ in range(0, num_steps, horizon):
                steps.append(forecaster(x).to(x.dtype))
                x = torch.cat([x, steps[-1]], dim=1)[:, -context_length:] if num_steps > horizon else x
            parts.append(torch.cat(steps, dim=1)[:, :num_steps].cpu().numpy())
        return windows.in_units(np.concatenate(parts))

    def intervals(
        self, windows: Windows, num_steps: int, half_widths: Floats | None = None
    ) -> list[Floats] | list[None]:
        """Half widths in units for so many steps; NaN beyond the trained horizon, where none were learned.

        Args:
            windows: that the forecasts are made from.
            num_steps: that are forecast.
            half_widths: of another forecaster, as multiples of a window's spread; None takes the network's.

        Shapes:
            for each window ``(num_steps, C)``, or None where no interval was learned.
        """
        own: Mapping[str, Sequence[Sequence[float]]] = {}
        if half_widths is None and self.half_widths is not None:
            half_widths, own = np.array(self.half_widths), self.own_half_widths
        if half_widths is None:
            return [None] * len(windows.values)
        num_targets, context_length = self.preparation.num_targets, self.preparation.context_length
        latest = windows.values[:, -context_length:, :num_targets]
        spreads = spread_of(torch.from_numpy(np.ascontiguousarray(latest))).numpy()
        found = np.full((len(windows.values), num_steps, num_targets), np.nan)
        num = min(num_steps, len(half_widths))
        multiples = np.stack([np.array(own.get(name or "", half_widths)) for name in windows.series])
        found[:, :num] = multiples[:, :num] * spreads * windows.spread
        return list(found)

    def forecasts_of(
        self, windows: Windows, values: Floats, method: str, widths: Sequence[Floats | None]
    ) -> list[Forecast]:
        """Values with their times and bounds, one forecast for each window."""
        answers = []
        parts = zip(values, windows.seconds, windows.series, windows.frequencies, widths, strict=True)
        for own, last, series, frequency, width in parts:
            times = tuple(map(frequency.text, frequency.after(last, len(own)).tolist())) if math.isfinite(last) else ()
            low, high = (None, None) if width is None else (own - width, own + width)
            level = None if width is None else self.level
            answers.append(Forecast(self.columns, times or ("",) * len(own), own, low, high, level, method, series))
        return answers

    def to_json(self) -> dict[str, Any]:
        widths = None if self.half_widths is None else [list(row) for row in self.half_widths]
        own = {name: [list(row) for row in rows] for name, rows in self.own_half_widths.items()}
        found = {"name": self.name, "columns": list(self.columns), "level": self.level, "half_widths": widths}
        return found | ({"own_half_widths": own} if own else {})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        # Several series have intervals of their own; older cards know of one for all.
        whole = {"own_half_widths": None, **data}
        widths = Listed(Listed(Within(float, least=0), 1), 1)
        forms = {"level": Within(float, above=0, below=1), "half_widths": Maybe(widths)}
        fields = checked(cls.name, whole, {"columns": NAMES, **forms, "own_half_widths": Maybe(MapOf(widths))})
        for rows in [fields["half_widths"] or [], *(fields["own_half_widths"] or {}).values()]:
            if len({len(row) for row in rows}) > 1:
                raise RefusedFileError("The card's forecasting task is refused: its widths must be rows of one length.")
        return cls(**fields)
