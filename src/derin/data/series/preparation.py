"""The way from a table of time steps to windows that a network reads: scales from the training steps, filled gaps.

What is missing holds the last known value: at no moment is anything read that was not known then. Columns that are
known in advance (a holiday, a price) are read one horizon earlier, so that what is known of the future stands beside
the past.

Of several series each has its own scale, that of its own training steps. Where a series was not trained on, or is not
named, each window is standardized by itself.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, RefusedFileError, ShapeError, UsageError
from derin.core.messages import Message
from derin.data.cells.raw_column import TableColumn
from derin.data.cells.writing import Writing
from derin.data.preparation import Batching, Preparation
from derin.data.schema import Column, Kind, Role
from derin.data.series.calendar import Frequency, frequency_of_grid
from derin.data.series.windows import HostSeries, OwnScales, Values, WindowSource, moving_scale
from derin.data.table import Dense, Rows, Table

if TYPE_CHECKING:
    from derin.data.batch import Source

_LONGEST = 10_000  # steps of a window
# What is looked at where nobody says: at least three seasons, an eighth of the training steps, at most 14 seasons
# (two weeks of hours, fourteen years of months).
_SEASONS, _MOST_SEASONS, _SHARE = 3, 14, 8
_STEPS_WITHOUT_SEASON = 12
_MOST_VARIABLES = 100_000
_SERIES_SHOWN = 6
_FEW_STEPS = 2


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A column of the table as a network reads it.

    Args:
        name: of the column.
        mean: of its training steps.
        std: of its training steps, above 0.
        classes: of a category; each is a variable of 0 and 1.
        is_known: whether its values are known one horizon ahead.
    """

    name: str
    mean: float = 0.0
    std: float = 1.0
    classes: tuple[str, ...] | None = None
    is_known: bool = False

    @property
    def width(self) -> int:
        """How many numbers of a step it takes."""
        return 1 if self.classes is None else len(self.classes)

    def to_json(self) -> dict[str, Any]:
        classes = None if self.classes is None else list(self.classes)
        return {"name": self.name, "mean": self.mean, "std": self.std, "classes": classes, "is_known": self.is_known}


@dataclass(frozen=True, kw_only=True)
class OwnScale:
    """What training found out about one series among several.

    Args:
        name: of the series.
        means, stds: of each target in its training steps; None where it has too few.
        scales: the error of repeating its last season, standardized, of each target.
        frequency: the distance of two steps.
    """

    name: str
    means: tuple[float, ...] | None
    stds: tuple[float, ...] | None
    scales: tuple[float, ...]
    frequency: Frequency

    def to_json(self) -> dict[str, Any]:
        listed = {name: getattr(self, name) for name in ("means", "stds", "scales")}
        listed = {name: None if part is None else list(part) for name, part in listed.items()}
        return {"name": self.name, **listed, "frequency": self.frequency.to_json()}

    @classmethod
    def from_json(cls, data: Any, num_targets: int) -> OwnScale:
        """What `to_json` gave.

        Raises:
            RefusedFileError: something in it cannot be.
        """

        def fits(part: Any, least: float) -> bool:
            numbers = isinstance(part, list) and len(part) == num_targets and all(map(_is_number, part))
            return numbers and min(part) > least

        is_whole = isinstance(data, dict) and set(data) == {"name", "means", "stds", "scales", "frequency"}
        if not is_whole or not isinstance(data["name"], str) or not fits(data["scales"], 0.0):
            raise _damaged("a series among several lacks a field, or has a scale that cannot be")
        has_none = data["means"] is None and data["stds"] is None
        if not has_none and not (fits(data["means"], -math.inf) and fits(data["stds"], 0.0)):
            raise _damaged(f"the series {data['name']!r} needs finite means and stds above 0")
        means, stds, scales = (
            None if data[name] is None else tuple(map(float, data[name])) for name in ("means", "stds", "scales")
        )
        assert scales is not None
        frequency = Frequency.from_json(data["frequency"])
        return cls(name=data["name"], means=means, stds=stds, scales=scales, frequency=frequency)


@dataclass(frozen=True)
class Windows:
    """The windows after which a forecast begins, one for each series.

    Args:
        values: as a network reads them.
        center, spread: of the targets, by which the answers come back into their units.
        seconds: the moment of the last step of each; NaN where it is not known.
        series: their names; None where there is but one.
        frequencies: the distance of two steps of each.
        left_out: series that are too short for a window, with their steps.

    Shapes:
        values ``(B, context_length, F)``, center, spread ``(B, 1, C)``.
    """

    values: Values
    center: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]
    seconds: list[float]
    series: list[str | None]
    frequencies: list[Frequency]
    left_out: tuple[tuple[str, int], ...] = ()

    def in_units(self, standardized: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Targets as a network gives them, back in their own units, ``(B, steps, C)``."""
        units: npt.NDArray[np.float64] = standardized.astype(np.float64) * self.spread + self.center
        return units


@dataclass(frozen=True, kw_only=True)
class SeriesPreparation(Preparation):
    """Standardizes variables by their training steps, (v − mean) / std, and cuts windows.

    Args:
        variables: the targets, then the further columns.
        num_targets: how many of the variables are forecast.
        context_length: steps that a network reads.
        horizon: steps that it forecasts at once.
        season: after how many steps the series is expected to repeat; 1 where it is not.
        scales: mean |v(t) − v(t − season)| of the training steps of each target, standardized: the error that MASE
            counts as 1.
        frequency: the distance of two steps.
        group: the column that names the series of a row, or None.
        series: what was found out about each of several series; empty where there is one, and where all have one scale.

    Shapes:
        the network reads ``(B, context_length, F)``.

    Example:
        >>> preparation = SeriesPreparation(
        ...     variables=(Variable(name="load", mean=5.0, std=2.0),), num_targets=1, context_length=4, horizon=2,
        ...     season=1, scales=(1.0,), frequency=Frequency(unit="second", count=3600), group=None,
        ... )
        >>> preparation.read([1.0, 3.0, 5.0, 7.0, 9.0])[0, :, 0].tolist()
        [-1.0, 0.0, 1.0, 2.0]
    """

    variables: tuple[Variable, ...]
    num_targets: int
    context_length: int
    horizon: int
    season: int
    scales: tuple[float, ...]
    frequency: Frequency
    group: str | None
    series: tuple[OwnScale, ...] = ()
    kind: ClassVar[str] = "series"
    medium: ClassVar[str] = "steps"

    def __post_init__(self) -> None:
        for name in ("context_length", "horizon", "season"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _LONGEST:
                raise UsageError(f"A series needs {name} as a whole number from 1 to {_LONGEST:,}; got {value!r}.")
        if any(v.is_known for v in self.variables) and self.context_length < self.horizon:
            raise UsageError(
                "Columns that are known in advance stand beside the steps that are looked at, so that "
                f"context_length must be at least horizon={self.horizon}; got context_length={self.context_length}."
            )

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(v.name for v in self.variables)

    @property
    def targets(self) -> tuple[Variable, ...]:
        """The variables that are forecast."""
        return self.variables[: self.num_targets]

    @property
    def year(self) -> int:
        """After how many steps the year repeats; 1 where no such number is that of all series."""
        years = {one.frequency.year for one in self.series if one.means is not None} or {self.frequency.year}
        return years.pop() if len(years) == 1 else 1

    @property
    def input_shape(self) -> tuple[int, int]:
        return self.context_length, sum(v.width for v in self.variables)

    @classmethod
    def fit(
        cls,
        table: Table,
        rows: Rows,
        *,
        horizon: int | None = None,
        context_length: int | None = None,
        season: int | None = None,
        known: str | Sequence[str] = (),
    ) -> SeriesPreparation:
        """Measures mean, spread and the error of repetition on the training steps.

        Args:
            table: of time steps, with one target or more.
            rows: the training steps.
            horizon: steps that are forecast; None takes one season.
            context_length: steps that are looked at; None takes three seasons or more, by the length of the series.
            season: after how many steps the series repeats; None takes that of the calendar (12 months, 24 hours, 7
                days).
            known: columns whose values are known in advance (``"holiday,price"``).

        Raises:
            DataError: a target never changes, is empty, or the series is too short for the window.
        """
        first = _starts(table)
        frequencies = _frequencies(table, first)
        # Of several series the one that most steps have.
        frequency = Counter(frequencies.values()).most_common(1)[0][0]
        asked_season = season
        season = frequency.season if season is None else season
        shortest = min(len(part) for part in table.splits.values()) if table.splits else len(rows)
        longest = int(np.bincount(first[rows] if len(rows) else np.zeros(1, dtype=np.int64)).max())
        if horizon is None:
            horizon = max(1, min(season if season > 1 else _STEPS_WITHOUT_SEASON, shortest // 2))
        if context_length is None:
            context_length = _usual_context_length(longest, season, horizon)
        ahead = {n.strip() for n in (known.split(",") if isinstance(known, str) else known) if n.strip()}
        for name in ahead:
            if table.schema[name].role is not Role.INPUT:
                raise UsageError(f"Only an input can be known in advance; {name!r} is {table.schema[name].role.value}.")
        targets = [_target(table, column, rows) for column in table.targets]
        if not targets:
            raise DataError(f"Table {table.name!r}: a column to be forecast is required; none is a target.")
        others = [_other(table, column, rows, column.name in ahead) for column in table.inputs]
        groups = table.schema.with_role(Role.GROUP)
        made = cls(
            variables=(*targets, *(v for v in others if v is not None)),
            num_targets=len(targets),
            context_length=context_length,
            horizon=horizon,
            season=season,
            scales=(1.0,) * len(targets),
            frequency=frequency,
            group=groups[0].name if groups else None,
        )
        if made.group is not None:
            made = replace(made, series=made._own_scales(table, rows, first, frequencies, asked_season))
        series = made.encode_table(table)
        for split, part in table.splits.items():
            _require_order(table, split, part, first)
            window_starts = series.window_starts(part, context_length=context_length, horizon=horizon)
            if not len(window_starts):
                raise DataError(
                    f"Table {table.name!r}: the {split} split of {len(part):,} steps is too short for context_length="
                    f"{context_length} and horizon={horizon}"
                    f"{' together' if split == 'train' else ''}; give a longer series, or a smaller horizon or "
                    "context_length."
                )
            if split == "train" and made.group is not None:
                made._note_short(table, first, window_starts)
        return replace(made, scales=_scales(series, rows, season))

    def _own_scales(
        self, table: Table, rows: Rows, first: Rows, frequencies: dict[int, Frequency], season: int | None
    ) -> tuple[OwnScale, ...]:
        """Scale and frequency of each series, from its own training steps."""
        raw = np.concatenate([_values_of(table, v) for v in self.targets], axis=1)
        is_train = np.zeros(len(table), dtype=bool)
        is_train[rows] = True
        names = self.series_of(table, np.array(list(frequencies)))
        found = []
        for (start, frequency), name in zip(frequencies.items(), names, strict=True):
            own = first == start
            values = raw[own & is_train]
            is_enough = bool((np.isfinite(values).sum(axis=0) > 1).all())
            known = values if is_enough else raw[own]
            means, stds = _means_and_stds(known)
            lag = frequency.season if season is None else season
            scales = _repetition((known - means) / stds, lag)
            found.append(
                OwnScale(
                    name=name or "",
                    means=tuple(means.tolist()) if is_enough else None,
                    stds=tuple(stds.tolist()) if is_enough else None,
                    scales=scales,
                    frequency=frequency,
                )
            )
        return tuple(found)

    def _note_short(self, table: Table, first: Rows, window_starts: Rows) -> None:
        """Names the series that nothing is learned from."""
        starts = np.unique(first)
        short = [str(name) for name in self.series_of(table, np.setdiff1d(starts, first[window_starts]))]
        if short:
            listed = ", ".join(short[:_SERIES_SHOWN]) + (", …" if len(short) > _SERIES_SHOWN else "")
            needed = self.context_length + self.horizon
            note = Message("reading.series_short", count=len(short), series=listed, needed=needed)
            if note not in table.report.notes:
                table.report.notes.append(note)

    def encode_table(self, table: Table) -> HostSeries:
        """All steps of a table, standardized, with gaps filled.

        Raises:
            DataError: a column is not there, or holds something else than in training.
        """
        first = _starts(table)
        raw = np.concatenate([_values_of(table, v) for v in self.variables], axis=1)
        means, stds = (np.broadcast_to(part, raw.shape) for part in (self._means(), self._stds()))
        own = self._scales_of(table, first, raw[:, : self.num_targets])
        if own is not None:
            means, stds = means.copy(), stds.copy()
            means[:, : self.num_targets], stds[:, : self.num_targets] = own.center[own.code], own.spread[own.code]
        standardized = ((raw - means) / stds).astype(np.float32)
        values = filled_forward(standardized, first)
        start = 0
        for variable in self.variables:
            part = slice(start, start + variable.width)
            if variable.is_known:
                values[:, part] = _earlier(values[:, part], first, self.horizon)
            start += variable.width
        return HostSeries(values, standardized[:, : self.num_targets].copy(), first, own)

    def _scales_of(self, table: Table, first: Rows, targets: npt.NDArray[np.float64]) -> OwnScales | None:
        """The scales of the series of a table, those of training first; None where all steps have one scale."""
        if not self.series:
            return None
        starts = np.unique(first)
        place = {one.name: number for number, one in enumerate(self.series)}
        number_of = {int(s): place.get(str(n), -1) for s, n in zip(starts, self.series_of(table, starts), strict=True)}
        known = [(one.means, one.stds, one.scales) for one in self.series]
        codes = np.zeros(len(table), dtype=np.int64)
        found: dict[int, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], tuple[float, ...]]] = {}
        for start, number in number_of.items():
            rows = first == start
            code = number if number >= 0 else len(self.series) + sum(key >= len(self.series) for key in found)
            codes[rows] = code
            means, stds, scales = known[number] if number >= 0 else (None, None, None)
            if means is not None and stds is not None and scales is not None:
                found[code] = np.array(means), np.array(stds), scales
            else:
                # Any scale will do where windows get their own; this one keeps the digits of a float.
                center, spread = _means_and_stds(targets[rows])
                lag = self.season if number < 0 else self.series[number].frequency.season
                found[code] = center, spread, _repetition((targets[rows] - center) / spread, lag)
        num = max(len(self.series), max(found) + 1)
        shape = (num, self.num_targets)
        center, spread, unit, is_known = np.zeros(shape), np.ones(shape), np.ones(shape), np.zeros(num, dtype=bool)
        for code, (one_center, one_spread, one_unit) in found.items():
            center[code], spread[code], unit[code] = one_center, one_spread, one_unit
            is_known[code] = code < len(self.series) and self.series[code].means is not None
        return OwnScales(codes, center, spread, unit, is_known)

    def source(
        self, encoded: Any, targets: Mapping[str, Any], rows: Rows, *, input_name: str, batching: Batching
    ) -> Source:
        return WindowSource(
            encoded,
            rows,
            context_length=self.context_length,
            horizon=self.horizon,
            input_name=input_name,
            batching=batching,
            where="The series",
        )

    def read(self, inputs: Any) -> Values:
        """The last steps that a person hands over.

        Args:
            inputs: a table, which gives one window for each of its series; numbers in their own units: steps of one
                variable ``(T,)``, of several ``(T, F)`` in the order of `columns`, several such windows ``(B, T, F)``,
                or a mapping of column names to steps. The last `context_length` of the steps are read.

        Shapes:
            → ``(B, context_length, F)`` float32.

        Raises:
            DataError: there are fewer steps than `context_length`.
        """
        return self.windows(inputs).values

    def windows(self, inputs: Any, context_length: int | None = None) -> Windows:
        """The last steps that a person hands over, with what brings a forecast back into units and time.

        Args:
            inputs: as of `read`.
            context_length: steps of a window; None takes as many as the network reads.

        Raises:
            DataError: there are fewer steps than `context_length`; of several series, all of them are too short.
        """
        context_length = self.context_length if context_length is None else context_length
        if isinstance(inputs, Table):
            return self._windows_of(inputs, context_length)
        if any(v.classes is not None or v.is_known for v in self.variables):
            raise DataError(
                "This network reads categories or columns that are known in advance; give the steps as a csv file "
                f"with the columns {', '.join(self.columns)}."
            )
        steps = self._steps(inputs)
        if steps.shape[1] < context_length or steps.shape[2] != len(self.variables):
            raise ShapeError(
                f"At least {context_length} steps of {', '.join(self.columns)} are required; got "
                f"{steps.shape[1]} steps of {steps.shape[2]}."
            )
        num, length = steps.shape[:2]
        means, stds = (np.tile(part, (num, 1, 1)) for part in (self._means(), self._stds()))
        if self.series:
            for row, window in enumerate(steps):
                means[row, 0, : self.num_targets], stds[row, 0, : self.num_targets] = _means_and_stds(
                    window[:, : self.num_targets]
                )
        flat = ((steps - means) / stds).astype(np.float32).reshape(num * length, -1)
        filled = filled_forward(flat, np.repeat(np.arange(num) * length, length))
        values = filled.reshape(num, length, -1)[:, -context_length:]
        center, spread = means[..., : self.num_targets], stds[..., : self.num_targets]
        if self.series:
            values, center, spread = self._by_window(values, center, spread, np.zeros(num, dtype=bool))
        return Windows(values, center, spread, [math.nan] * num, [None] * num, [self.frequency] * num)

    def _by_window(
        self,
        values: Values,
        center: npt.NDArray[np.float64],
        spread: npt.NDArray[np.float64],
        is_known: npt.NDArray[np.bool_],
    ) -> tuple[Values, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Windows of unknown series in the scale of each window."""
        import torch

        moved = values.copy()
        targets = torch.from_numpy(np.ascontiguousarray(values[..., : self.num_targets]))
        own_center, own_spread = (part.numpy() for part in moving_scale(targets[:, -self.context_length :]))
        keeps = is_known[:, None, None]
        own_center, own_spread = np.where(keeps, 0, own_center), np.where(keeps, 1, own_spread)
        moved[..., : self.num_targets] = (targets.numpy() - own_center) / own_spread
        return moved.astype(np.float32), center + spread * own_center, spread * own_spread

    def _windows_of(self, table: Table, context_length: int) -> Windows:
        """One window for each series of a table that is long enough."""
        series = self.encode_table(table)
        ends, short = self._ends(table, series, context_length)
        values = series.values[ends[:, None] + np.arange(-context_length, 0)]
        last = ends - 1
        names = self.series_of(table, last)
        shape = (len(ends), 1, self.num_targets)
        center, spread = (
            np.broadcast_to([getattr(v, n) for v in self.targets], shape).astype(np.float64) for n in ("mean", "std")
        )
        if series.own is not None:
            codes = series.own.code[last]
            center, spread = series.own.center[codes][:, None], series.own.spread[codes][:, None]
            values, center, spread = self._by_window(values, center, spread, series.own.is_known[codes])
        own = {one.name: one.frequency for one in self.series}
        steps = _frequencies(table, series.first)
        frequencies = []
        for row, name in zip(series.first[last].tolist(), names, strict=True):
            found = steps[row] if steps[row].unit != "row" else self.frequency
            frequencies.append(own.get(name or "", found) if self.series else self.frequency)
        return Windows(values, center, spread, self.moments_of(table, last), names, frequencies, tuple(short))

    def latest(self, table: Table) -> tuple[Values, Rows]:
        """The windows before the first step that is not known: one for each series of a table.

        Returns:
            the windows, and the row after the last one of each.

        Raises:
            DataError: every series is shorter than a window, or what is known in advance ends before the horizon.
        """
        series = self.encode_table(table)
        ends, _ = self._ends(table, series, self.context_length)
        return series.values[ends[:, None] + np.arange(-self.context_length, 0)], ends

    def _ends(self, table: Table, series: HostSeries, context_length: int) -> tuple[Rows, list[tuple[str, int]]]:
        """The row after the last known step of each series that is long enough, and the others with their steps."""
        is_known = np.isfinite(series.targets).any(axis=1)
        starts = np.unique(series.first)
        ends: list[int] = []
        short: list[tuple[str, int]] = []
        for start, name in zip(starts.tolist(), self.series_of(table, starts), strict=True):
            rows = np.flatnonzero((series.first == start) & is_known)
            num = int(rows[-1]) + 1 - start if len(rows) else 0
            which = "" if name is None else f" of the series {name!r}"
            if num < context_length:
                short.append((name or "", num))
                continue
            end = start + num
            if any(v.is_known for v in self.variables):
                num_ahead = int((series.first == start).sum()) - num
                if num_ahead < self.horizon:
                    raise DataError(
                        f"Table {table.name!r}: what is known in advance is required for {self.horizon} steps after "
                        f"the last known target{which}; got {num_ahead}. Add rows with these columns filled and the "
                        "target empty."
                    )
            ends.append(end)
        if not ends:
            listed = ", ".join(f"{name} {num}" for name, num in short[:_SERIES_SHOWN] if name)
            held = f"the series have fewer ({listed})" if listed else f"the series has {short[0][1] if short else 0}"
            raise DataError(
                f"Table {table.name!r}: a forecast looks back at {context_length} steps; {held}. Give more steps."
            )
        return np.asarray(ends, dtype=np.int64), short

    def moments_of(self, table: Table, rows: Rows) -> list[float]:
        """The moment of rows; NaN where the steps have no times."""
        times = table.schema.with_role(Role.TIME)
        if not times or times[0].kind is not Kind.DATE or (self.frequency.unit == "row" and not self.series):
            return [math.nan] * len(rows)
        found: list[float] = _numbers(table, times[0].name)[rows].tolist()
        return found

    def series_of(self, table: Table, rows: Rows) -> list[str | None]:
        """The names of the series of rows; None where there is but one."""
        if self.group is None:
            return [None] * len(rows)
        classes, data = table.schema[self.group].classes or (), table.columns[self.group]
        assert isinstance(data, Dense)
        return [classes[code] for code in data.values[rows].tolist()]

    def in_units(self, standardized: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Targets as a network gives them, back in their own units.

        Shapes:
            ``(..., C)`` → the same, float64.
        """
        mean, std = (np.array([getattr(v, n) for v in self.targets]) for n in ("mean", "std"))
        units: npt.NDArray[np.float64] = standardized.astype(np.float64) * std + mean
        return units

    def is_single(self, inputs: Any) -> bool:
        """Whether it is one window: a list of numbers, a mapping, or an array of at most two axes."""
        if isinstance(inputs, Table):
            return self.group is None
        return isinstance(inputs, Mapping) or np.ndim(inputs) <= 2

    def network_options(self) -> dict[str, Any]:
        return {"targets": self.num_targets}

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "variables": [v.to_json() for v in self.variables],
            "num_targets": self.num_targets,
            "look_back": self.context_length,
            "horizon": self.horizon,
            "season": self.season,
            "scales": list(self.scales),
            "frequency": self.frequency.to_json(),
            "group": self.group,
            **({"series": [one.to_json() for one in self.series]} if self.series else {}),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SeriesPreparation:
        """What `to_json` gave.

        Raises:
            RefusedFileError: something in it cannot be.
        """
        fields = {
            "kind", "variables", "num_targets", "look_back", "horizon", "season", "scales", "frequency", "group",
        }  # fmt: skip
        if not isinstance(data, dict) or set(data) - {"series"} != fields or not isinstance(data["variables"], list):
            raise _damaged("its fields are not those of a series")
        if not 1 <= len(data["variables"]) <= _MOST_VARIABLES:
            raise _damaged("it has no variables, or too many")
        variables = tuple(_variable(entry) for entry in data["variables"])
        num, scales, group = data["num_targets"], data["scales"], data["group"]
        if not isinstance(num, int) or isinstance(num, bool) or not 1 <= num <= len(variables):
            raise _damaged("the number of targets does not fit")
        if not isinstance(scales, list) or len(scales) != num or not all(_is_number(s) and s > 0 for s in scales):
            raise _damaged("a scale above 0 is required for each target")
        if any(v.classes is not None or v.is_known for v in variables[:num]) or not isinstance(group, str | None):
            raise _damaged("a target is a category or known in advance, or the group is no name")
        own = data.get("series", [])
        if not isinstance(own, list) or (own and group is None):
            raise _damaged("the scales of several series are no list, or nothing names the series")
        try:
            return cls(
                series=tuple(OwnScale.from_json(one, num) for one in own),
                variables=variables,
                num_targets=num,
                context_length=data["look_back"],
                horizon=data["horizon"],
                season=data["season"],
                scales=tuple(map(float, scales)),
                frequency=Frequency.from_json(data["frequency"]),
                group=group,
            )
        except UsageError as error:
            raise _damaged(str(error)) from error

    def _means(self) -> npt.NDArray[np.float64]:
        return np.repeat([v.mean for v in self.variables], [v.width for v in self.variables])

    def _stds(self) -> npt.NDArray[np.float64]:
        return np.repeat([v.std for v in self.variables], [v.width for v in self.variables])

    def _steps(self, inputs: Any) -> npt.NDArray[np.float64]:
        """Numbers as a person gives them, ``(B, T, F)``."""
        if isinstance(inputs, Mapping) or hasattr(inputs, "columns"):
            lacking = [name for name in self.columns if name not in inputs]
            if lacking:
                raise DataError(f"Steps of {', '.join(self.columns)} are required; not there: {', '.join(lacking)}.")
            inputs = np.stack([np.asarray(inputs[name], dtype=np.float64) for name in self.columns], axis=1)
        try:
            steps = np.asarray(inputs, dtype=np.float64)
        except (TypeError, ValueError):
            raise DataError("Steps are given as numbers, all windows equally long; something else came.") from None
        if steps.ndim == 1:
            steps = steps[:, None]
        if steps.ndim == 2:
            steps = steps[None]
        if steps.ndim != 3:
            raise ShapeError(f"Steps have shape (steps, variables) or (windows, steps, variables); got {steps.shape}.")
        return steps


def filled_forward(values: Values, first: Rows) -> Values:
    """Missing values as the last known one of the series before them; 0, the mean, where nothing was known yet.

    Shapes:
        values ``(N, F)``, first ``(N,)`` → ``(N, F)``.

    Example:
        >>> gaps = np.array([[np.nan], [2.0], [np.nan], [np.nan]], dtype=np.float32)
        >>> filled_forward(gaps, np.array([0, 0, 0, 3]))[:, 0].tolist()
        [0.0, 2.0, 2.0, 0.0]
    """
    places = np.where(np.isnan(values), -1, np.arange(len(values))[:, None])
    latest = np.maximum.accumulate(places, axis=0)
    found = np.take_along_axis(values, np.maximum(latest, 0), axis=0)
    return np.where(latest >= first[:, None], found, np.float32(0)).astype(np.float32)


def _earlier(values: Values, first: Rows, steps: int) -> Values:
    """Each row holds what stands `steps` further down in its series; the last ones repeat the last row."""
    ends = np.flatnonzero(np.append(first[1:] != first[:-1], True))
    last = ends[np.searchsorted(ends, np.arange(len(first)))]
    return values[np.minimum(np.arange(len(first)) + steps, last)]


def _usual_context_length(num_train: int, season: int, horizon: int) -> int:
    steps = season if season > 1 else horizon
    wanted = min(max(num_train // _SHARE, _SEASONS * steps), _MOST_SEASONS * steps)
    # Half of the training steps are left to learn from, if there are so many.
    return max(1, min(max(wanted, horizon), (num_train - horizon) // 2))


def _frequencies(table: Table, first: Rows) -> dict[int, Frequency]:
    """The distance of the steps of each series, by the row at which it begins."""
    times = table.schema.with_role(Role.TIME)
    starts = np.unique(first).tolist()
    if not times or times[0].kind is not Kind.DATE:
        return dict.fromkeys(starts, Frequency(unit="row", count=1))
    seconds = _numbers(table, times[0].name)
    found = {start: frequency_of_grid(seconds[first == start]) for start in starts}
    long = {start: frequency for start, frequency in found.items() if (first == start).sum() > _FEW_STEPS}
    # One distance of two steps is none to go by where other series have more.
    usual = Counter(long.values()).most_common(1)[0][0] if long else None
    return {start: found[start] if start in long or usual is None else usual for start in starts}


def _means_and_stds(values: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean and standard deviation of each column without its missing values; a spread above 0 whatever they are."""
    is_known = np.isfinite(values)
    count = np.maximum(is_known.sum(axis=0), 1)
    means = np.where(is_known, values, 0).sum(axis=0) / count
    stds = np.sqrt(np.where(is_known, (values - means) ** 2, 0).sum(axis=0) / count)
    sizes = np.where(means == 0, 1.0, np.abs(means))
    return means, np.where(stds > 1e-12 * sizes, stds, sizes)


def _repetition(standardized: npt.NDArray[np.float64], season: int) -> tuple[float, ...]:
    """The mean error of repeating the last season; 1, one standard deviation, where nothing repeats or all does."""
    changes = np.abs(standardized[season:] - standardized[:-season])
    means = [column[np.isfinite(column)] for column in changes.T]
    return tuple(float(c.mean()) if len(c) and c.mean() > 0 else 1.0 for c in means)


def _starts(table: Table) -> Rows:
    """The row at which the series of each row begins; rows of one series lie together."""
    groups = table.schema.with_role(Role.GROUP)
    num = len(table)
    if not groups:
        return np.zeros(num, dtype=np.int64)
    data = table.columns[groups[0].name]
    assert isinstance(data, Dense)
    codes = data.values
    begins = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    if len(begins) > len(np.unique(codes)):
        raise DataError(f"Table {table.name!r}: the rows of one series ({groups[0].name!r}) must lie together.")
    return np.concatenate([np.full(b - a, a) for a, b in pairwise([*begins.tolist(), num])]).astype(np.int64)


def _require_order(table: Table, split: str, rows: Rows, first: Rows) -> None:
    """Refuses a split that was drawn at random: what is measured must come after what was learned from."""
    ordered = np.sort(rows)
    num_runs = int((np.diff(ordered) != 1).sum()) + (1 if len(rows) else 0)
    if num_runs > len(np.unique(first[rows])):
        raise DataError(
            f"Table {table.name!r}: the steps of a split must follow one another in time; those of {split} lie apart. "
            "Read the file with task='forecasting', which cuts a series in its order."
        )


def _numbers(table: Table, name: str) -> npt.NDArray[np.float64]:
    return (
        TableColumn(table.schema[name], table.columns[name]).numbers(())[:, 0]
        if (table.schema[name].kind is not Kind.DATE)
        else TableColumn(table.schema[name], table.columns[name]).seconds(Writing())
    )


def _target(table: Table, column: Column, rows: Rows) -> Variable:
    if column.kind is not Kind.NUMBER:
        raise DataError(
            f"Table {table.name!r}: a column of numbers is required to forecast; {column.name!r} is of kind "
            f"{column.kind.value}."
        )
    values = _numbers(table, column.name)[rows]
    known = values[np.isfinite(values)]
    if not len(known):
        raise DataError(f"Table {table.name!r}: the target {column.name!r} has no value in the training steps.")
    mean, std = float(known.mean()), float(known.std())
    if std <= 1e-12 * max(1e-300, float(np.abs(known).max())):
        raise DataError(
            f"Table {table.name!r}: the target {column.name!r} is {known[0]:g} in all training steps; a series that "
            "never changes leaves nothing to forecast. Choose another target."
        )
    return Variable(name=column.name, mean=mean, std=std)


def _other(table: Table, column: Column, rows: Rows, is_known: bool) -> Variable | None:
    """A further column; None where it says nothing in the training steps."""
    if column.kind is Kind.CATEGORY:
        return Variable(name=column.name, classes=column.classes or (), is_known=is_known)
    values = _numbers(table, column.name)[rows]
    known = values[np.isfinite(values)]
    std = float(known.std()) if len(known) else 0.0
    if std == 0.0:
        note = Message("reading.never_changes", column=column.name)
        if note not in table.report.notes:
            table.report.notes.append(note)
        return None
    return Variable(name=column.name, mean=float(known.mean()), std=std, is_known=is_known)


def _values_of(table: Table, variable: Variable) -> npt.NDArray[np.float64]:
    """The column of a variable, ``(N, width)``."""
    column = TableColumn(table.schema[variable.name], table.columns[variable.name])
    if variable.classes is None:
        return column.numbers(())
    codes = column.codes(variable.classes)
    return (codes[:, None] == np.arange(len(variable.classes))).astype(np.float64)


def _scales(series: HostSeries, rows: Rows, season: int) -> tuple[float, ...]:
    """The mean error of repeating the last season, over the training steps of each target."""
    is_train = np.zeros(len(series), dtype=bool)
    is_train[rows] = True
    now, before = slice(season, None), slice(0, max(0, len(series) - season))
    fits = is_train[now] & is_train[before] & (series.first[now] == series.first[before])
    changes = np.abs(series.targets[now] - series.targets[before])[fits]
    found = []
    for column in changes.T:
        known = column[np.isfinite(column)]
        # Where nothing repeats, or everything does, one standard deviation is the measure.
        found.append(float(known.mean()) if len(known) and known.mean() > 0 else 1.0)
    return tuple(found)


def _variable(entry: Any) -> Variable:
    if not isinstance(entry, dict) or set(entry) != {"name", "mean", "std", "classes", "is_known"}:
        raise _damaged("a variable lacks a field")
    classes = entry["classes"]
    are_names = classes is None or (isinstance(classes, list) and all(isinstance(c, str) for c in classes))
    if not isinstance(entry["name"], str) or not isinstance(entry["is_known"], bool) or not are_names:
        raise _damaged("a field of a variable has a value of the wrong form")
    if not _is_number(entry["mean"]) or not _is_number(entry["std"]) or entry["std"] <= 0:
        raise _damaged(f"the variable {entry['name']!r} needs a finite mean and a std above 0")
    return Variable(**{**entry, "classes": None if classes is None else tuple(classes)})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _damaged(why: str) -> RefusedFileError:
    return RefusedFileError(f"The card's preparation of a series is damaged: {why}. Use another copy of the file.")
