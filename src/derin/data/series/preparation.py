"""The way from a table of time steps to windows that a network reads: scales from the training steps, filled gaps.

What is missing holds the last known value: at no moment is anything read that was not known then. Columns that are
known in advance (a holiday, a price) are read one horizon earlier, so that what is known of the future stands beside
the past.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, RefusedFileError, ShapeError, UsageError
from derin.core.messages import Sentence
from derin.data.cells import Writing
from derin.data.preparation import Batching, Preparation
from derin.data.raw_column import TableColumn
from derin.data.schema import Column, Kind, Role
from derin.data.series.calendar import Frequency, frequency_of_grid
from derin.data.series.windows import HostSeries, Values, WindowSource
from derin.data.table import Dense, Rows, Table

if TYPE_CHECKING:
    from derin.data.batch import Source

_LONGEST = 10_000  # steps of a window
# What is looked at where nobody says: at least three seasons, an eighth of the training steps, at most 14 seasons
# (two weeks of hours, fourteen years of months).
_SEASONS, _MOST_SEASONS, _SHARE = 3, 14, 8
_STEPS_WITHOUT_SEASON = 12
_MOST_VARIABLES = 100_000


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
class SeriesPreparation(Preparation):
    """Standardizes variables by their training steps, (v − mean) / std, and cuts windows.

    Args:
        variables: the targets, then the further columns.
        num_targets: how many of the variables are forecast.
        look_back: steps that a network reads.
        horizon: steps that it forecasts at once.
        season: after how many steps the series is expected to repeat; 1 where it is not.
        scales: mean |v(t) − v(t − season)| of the training steps of each target, standardized: the error that MASE
            counts as 1.
        frequency: the distance of two steps.
        group: the column that names the series of a row, or None.

    Shapes:
        the network reads ``(B, look_back, F)``.

    Example:
        >>> preparation = SeriesPreparation(
        ...     variables=(Variable(name="load", mean=5.0, std=2.0),), num_targets=1, look_back=4, horizon=2, season=1,
        ...     scales=(1.0,), frequency=Frequency(unit="second", count=3600), group=None,
        ... )
        >>> preparation.read([1.0, 3.0, 5.0, 7.0, 9.0])[0, :, 0].tolist()
        [-1.0, 0.0, 1.0, 2.0]
    """

    variables: tuple[Variable, ...]
    num_targets: int
    look_back: int
    horizon: int
    season: int
    scales: tuple[float, ...]
    frequency: Frequency
    group: str | None
    kind: ClassVar[str] = "series"

    def __post_init__(self) -> None:
        for name in ("look_back", "horizon", "season"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _LONGEST:
                raise UsageError(f"A series needs {name} as a whole number from 1 to {_LONGEST:,}; got {value!r}.")
        if any(v.is_known for v in self.variables) and self.look_back < self.horizon:
            raise UsageError(
                "Columns that are known in advance stand beside the steps that are looked at, so that look_back must "
                f"be at least horizon={self.horizon}; got look_back={self.look_back}."
            )

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(v.name for v in self.variables)

    @property
    def targets(self) -> tuple[Variable, ...]:
        """The variables that are forecast."""
        return self.variables[: self.num_targets]

    @property
    def input_shape(self) -> tuple[int, int]:
        return self.look_back, sum(v.width for v in self.variables)

    @classmethod
    def fit(
        cls,
        table: Table,
        rows: Rows,
        *,
        horizon: int | None = None,
        look_back: int | None = None,
        season: int | None = None,
        known: str | Sequence[str] = (),
    ) -> SeriesPreparation:
        """Measures mean, spread and the error of repetition on the training steps.

        Args:
            table: of time steps, with one target or more.
            rows: the training steps.
            horizon: steps that are forecast; None takes one season.
            look_back: steps that are looked at; None takes three seasons or more, by the length of the series.
            season: after how many steps the series repeats; None takes that of the calendar (12 months, 24 hours, 7
                days).
            known: columns whose values are known in advance (``"holiday,price"``).

        Raises:
            DataError: a target never changes, is empty, or the series is too short for the window.
        """
        times = table.schema.with_role(Role.TIME)
        first = _starts(table)
        frequency = Frequency(unit="row", count=1)
        if times and times[0].kind is Kind.DATE:
            frequency = frequency_of_grid(_numbers(table, times[0].name)[first == first[0]])
        season = frequency.season if season is None else season
        shortest = min(len(part) for part in table.splits.values()) if table.splits else len(rows)
        longest = int(np.bincount(first[rows] if len(rows) else np.zeros(1, dtype=np.int64)).max())
        if horizon is None:
            horizon = max(1, min(season if season > 1 else _STEPS_WITHOUT_SEASON, shortest // 2))
        if look_back is None:
            look_back = _usual_look_back(longest, season, horizon)
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
            look_back=look_back,
            horizon=horizon,
            season=season,
            scales=(1.0,) * len(targets),
            frequency=frequency,
            group=groups[0].name if groups else None,
        )
        series = made.host(table)
        for split, part in table.splits.items():
            _require_order(table, split, part, first)
            if not len(series.anchors(part, look_back=look_back, horizon=horizon)):
                raise DataError(
                    f"Table {table.name!r}: the {split} split of {len(part):,} steps is too short for look_back="
                    f"{look_back} and horizon={horizon}"
                    f"{' together' if split == 'train' else ''}; give a longer series, or a smaller horizon or "
                    "look_back."
                )
        return replace(made, scales=_scales(series, rows, season))

    def host(self, table: Table) -> HostSeries:
        """All steps of a table, standardized, with gaps filled.

        Raises:
            DataError: a column is not there, or holds something else than in training.
        """
        first = _starts(table)
        raw = np.concatenate([_values_of(table, v) for v in self.variables], axis=1)
        standardized = ((raw - self._means()) / self._stds()).astype(np.float32)
        values = filled_forward(standardized, first)
        start = 0
        for variable in self.variables:
            part = slice(start, start + variable.width)
            if variable.is_known:
                values[:, part] = _earlier(values[:, part], first, self.horizon)
            start += variable.width
        return HostSeries(values, standardized[:, : self.num_targets].copy(), first)

    def source(
        self, host: Any, targets: Mapping[str, Any], rows: Rows, *, input_name: str, batching: Batching
    ) -> Source:
        return WindowSource(
            host,
            rows,
            look_back=self.look_back,
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
                or a mapping of column names to steps. The last `look_back` of the steps are read.

        Shapes:
            → ``(B, look_back, F)`` float32.

        Raises:
            DataError: there are fewer steps than `look_back`.
        """
        if isinstance(inputs, Table):
            return self.latest(inputs)[0]
        if any(v.classes is not None or v.is_known for v in self.variables):
            raise DataError(
                "This network reads categories or columns that are known in advance; give the steps as a csv file "
                f"with the columns {', '.join(self.columns)}."
            )
        steps = self._steps(inputs)
        if steps.shape[1] < self.look_back or steps.shape[2] != len(self.variables):
            raise ShapeError(
                f"At least {self.look_back} steps of {', '.join(self.columns)} are required; got "
                f"{steps.shape[1]} steps of {steps.shape[2]}."
            )
        num, length = steps.shape[:2]
        flat = ((steps.reshape(num * length, -1) - self._means()) / self._stds()).astype(np.float32)
        filled = filled_forward(flat, np.repeat(np.arange(num) * length, length))
        return filled.reshape(num, length, -1)[:, -self.look_back :]

    def latest(self, table: Table) -> tuple[Values, Rows]:
        """The windows before the first step that is not known: one for each series of a table.

        Returns:
            the windows, and the row after the last one of each.

        Raises:
            DataError: a series is shorter than a window, or what is known in advance ends before the horizon.
        """
        series = self.host(table)
        is_known = np.isfinite(series.targets).any(axis=1)
        ends = []
        for start in np.unique(series.first).tolist():
            rows = np.flatnonzero((series.first == start) & is_known)
            num = int(rows[-1]) + 1 - start if len(rows) else 0
            if num < self.look_back:
                raise DataError(
                    f"Table {table.name!r}: a forecast looks back at {self.look_back} steps; the series has {num}. "
                    "Give more steps."
                )
            end = start + num
            if any(v.is_known for v in self.variables):
                num_ahead = int((series.first == start).sum()) - num
                if num_ahead < self.horizon:
                    raise DataError(
                        f"Table {table.name!r}: what is known in advance is required for {self.horizon} steps after "
                        f"the last known target; got {num_ahead}. Add rows with these columns filled and the target "
                        "empty."
                    )
            ends.append(end)
        rows_after = np.asarray(ends, dtype=np.int64)
        return series.values[rows_after[:, None] + np.arange(-self.look_back, 0)], rows_after

    def read_table(self, path: Path, **reading: Any) -> Table:
        """The table in a csv file with the columns that were trained on.

        Args:
            path: of the file.
            reading: settings of `read_series`, such as ``time="t"``.

        Raises:
            DataError: a column is not there, or the file is no series.
        """
        from derin.data.readers.series import read_series

        targets = [variable.name for variable in self.targets]
        return read_series(path, name=path.name, **{**reading, "target": targets, "group": self.group})

    def moments_of(self, table: Table, rows: Rows) -> list[float]:
        """The moment of rows; NaN where the steps have no times."""
        times = table.schema.with_role(Role.TIME)
        if not times or times[0].kind is not Kind.DATE or self.frequency.unit == "row":
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
            "look_back": self.look_back,
            "horizon": self.horizon,
            "season": self.season,
            "scales": list(self.scales),
            "frequency": self.frequency.to_json(),
            "group": self.group,
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
        if not isinstance(data, dict) or set(data) != fields or not isinstance(data["variables"], list):
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
        try:
            return cls(
                variables=variables,
                num_targets=num,
                look_back=data["look_back"],
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


def _usual_look_back(num_train: int, season: int, horizon: int) -> int:
    steps = season if season > 1 else horizon
    wanted = min(max(num_train // _SHARE, _SEASONS * steps), _MOST_SEASONS * steps)
    # Half of the training steps are left to learn from, if there are so many.
    return max(1, min(max(wanted, horizon), (num_train - horizon) // 2))


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
    """Refuses a split that was drawn at random: what is measured must come after what was learnt from."""
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
        note = Sentence("reading.never_changes", column=column.name)
        if note not in table.reading.notes:
            table.reading.notes.append(note)
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
