"""The coming steps of a series from a saved network, or from the baseline that beat it."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from derin.core.errors import UnknownNameError, UsageError
from derin.core.files import usable_path, write_bytes
from derin.core.messages import translate
from derin.core.printable import spreadsheet_cell
from derin.data.recipe import ReadOptions
from derin.readers.series import read_series
from derin.strategy.baselines import ALIKE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from derin.api.model import Model
    from derin.data.table import Table
    from derin.tasks.forecast import Forecast
    from derin.tasks.forecasting_findings import Forecaster

_MOST_DRAWN = 12  # panels of a picture
_LONGEST = 10_000  # steps of a forecast
_LISTED = 8


@dataclass(frozen=True, repr=False)
class Forecasts:
    """Forecasts of every series that was handed over; reads like the list of them.

    Args:
        answers: one for each series.
        past: the last steps of each that the forecast was made from, in units, ``(steps, variables)``.
        better: the baseline that beat the network on the test split, or None.
        ratio: the error of the network there as a multiple of that of the best baseline; None where it is not known.
        left_out: series that are shorter than a window, with their steps, and have no forecast.
        needed: steps of a window.
        lowered: the level that the intervals were wanted to have and the validation windows that could show no more;
            None where they have it.
    """

    answers: tuple[Forecast, ...]
    past: tuple[np.ndarray, ...]
    better: str | None = None
    ratio: float | None = None
    left_out: tuple[tuple[str, int], ...] = ()
    needed: int = 0
    lowered: tuple[float, int] | None = None

    def __iter__(self) -> Iterator[Forecast]:
        return iter(self.answers)

    def __len__(self) -> int:
        return len(self.answers)

    def __getitem__(self, place: int) -> Forecast:
        return self.answers[place]

    def __repr__(self) -> str:
        return f"[{', '.join(map(repr, self.answers))}]"

    def to_json(self) -> dict[str, Any]:
        first = self.answers[0]
        return {
            "method": first.method,
            "horizon": len(first),
            "level": first.level,
            "better_baseline": self.better,
            "forecasts": [answer.to_json() for answer in self.answers],
            "left_out": [{"series": name, "steps": steps, "needed": self.needed} for name, steps in self.left_out],
        }

    def save(self, path: str | Path) -> None:
        """Writes a table (.csv, one line for each step) or a drawing (.png, .svg, .pdf).

        Raises:
            UsageError: another ending.
            StorageError: the file cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() == ".csv":
            write_bytes(path, self._lines().encode("utf-8"))
            return
        from derin.explain.pictures import save

        save(self.draw(), path)

    def draw(self) -> Figure:
        """What came before, the forecast, and its interval: a panel for each variable of each series."""
        from derin.api.forecast_drawing import draw

        return draw(self.answers, self.past, _MOST_DRAWN)

    def _repr_png_(self) -> bytes:
        """A notebook shows the drawing."""
        buffer = io.BytesIO()
        self.draw().savefig(buffer, format="png")
        return buffer.getvalue()

    def _lines(self) -> str:
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        names = self.answers[0].names
        heads = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
        writer.writerow(["series", "step", "time", *map(spreadsheet_cell, heads)])
        for answer in self.answers:
            parts = [answer.values, answer.low, answer.high]
            blank = np.full_like(answer.values, np.nan)
            cells = np.stack([blank if part is None else part for part in parts], axis=2).reshape(len(answer), -1)
            for step, (time, row) in enumerate(zip(answer.times, cells.tolist()), start=1):
                numbers = ["" if not math.isfinite(value) else repr(value) for value in row]
                writer.writerow([spreadsheet_cell(answer.series or ""), step, spreadsheet_cell(time), *numbers])
        return text.getvalue()


def forecast(model: Model, data: Any = None, *, horizon: int | None = None, baseline: str | None = None) -> Forecasts:
    """The steps after the last known one.

    Args:
        model: a saved network that forecasts, of `derin.open`.
        data: a csv file, a table, a named set, or numbers (the last steps, in the order of the columns); None goes on
            with the data that the network was trained on.
        horizon: steps; None takes as many as the network was trained for. More are forecast on its own forecasts, and
            have no intervals.
        baseline: ``"naive"``, ``"seasonal_naive"``, ``"yearly_naive"`` or ``"linear"`` in place of the network.

    Raises:
        UsageError: the network does not forecast, or the horizon cannot be reached.
        DataError: the series is shorter than what the network looks back at; of several series, all of them are.
    """
    from derin.tasks.baselines.series import SeasonalNaive
    from derin.tasks.forecasting import Forecasting
    from derin.tasks.forecasting_findings import names_of_baselines, read_baseline, steps_of

    task = model.task
    if not isinstance(task, Forecasting):
        raise UsageError(
            f"Forecasts need a network that was trained with --task forecasting; {model.path} is of {task.name}."
        )
    preparation = task.preparation
    steps = preparation.horizon if horizon is None else horizon
    if not isinstance(steps, int) or isinstance(steps, bool) or not 1 <= steps <= _LONGEST:
        raise UsageError(f"forecast: horizon must be a whole number from 1 to {_LONGEST:,} steps; got {horizon!r}.")
    record = _record(model)
    table = _table(model, data, record)
    forecaster: Forecaster = steps_of(model.network, preparation)
    method, widths, context_length = (
        ("direct" if steps <= preparation.horizon else "recursive"),
        None,
        preparation.context_length,
    )
    if baseline is not None:
        known = names_of_baselines(preparation)
        if baseline not in known:
            raise UnknownNameError("baseline", baseline, known)
        if not record:
            raise UsageError(
                f"The baselines lie in the run's folder, and {model.path} is a bundle alone; name the run."
            )
        found, widths = read_baseline(model.path.parent, baseline, preparation)
        forecaster, method = found.forecast, baseline
        context_length = max(context_length, found.season if isinstance(found, SeasonalNaive) else 0)
    windows = task.last_windows(data if table is None else table, context_length)
    device = next(model.network.parameters()).device
    values = task.ahead(forecaster, windows, steps, device)
    # A baseline without intervals of its own does not borrow those of the network.
    has_intervals = baseline is None or widths is not None
    intervals = task.intervals(windows, steps, widths) if has_intervals else [None] * len(values)
    answers = tuple(task.forecasts_of(windows, values, method, intervals))
    past = tuple(windows.in_units(windows.values[:, -preparation.context_length :, : preparation.num_targets]))
    better, ratio = _verdict(record)
    return Forecasts(answers, past, better, ratio, windows.left_out, context_length, _lowered(record))


def _record(model: Model) -> Mapping[str, Any]:
    """What the run's folder says of itself; empty where the bundle lies elsewhere."""
    from derin.core.run import RunFolder

    folder = model.path.parent
    return RunFolder.open(folder).record() if (folder / "run.json").exists() else {}


def _table(model: Model, data: Any, record: Mapping[str, Any]) -> Table | None:
    """The series to go on with; None where numbers were handed over."""
    from derin.api.load import load, read_inputs
    from derin.data.table import Table
    from derin.datasets.catalog import NAMED_SETS

    if isinstance(data, Table):
        return data
    task = model.task
    if data is None:
        data = (record.get("request") or {}).get("data")
        if not data:
            raise UsageError(
                f"The data of {model.path} is not known here; name a csv file that the forecast goes on from."
            )
        return load(data, recipe=model.recipe)
    if isinstance(data, str) and data in NAMED_SETS:
        return load(data, recipe=model.recipe)
    if isinstance(data, str | Path):
        path = usable_path(data, "The data")
        if not path.exists():
            raise UsageError(f"{str(data)!r} is neither a file nor a known data set; name a csv file.")
        # As the training data was read; the cut concerns training alone.
        if model.recipe.part("series"):
            return read_inputs(path, model.recipe)
        settings = {name: value for name, value in model.recipe.reader_options.items() if name != "split"}
        series = task.preparation
        settings |= {"target": [variable.name for variable in series.targets], "group": series.group}
        return read_series(path, name=path.name, **settings, options=ReadOptions(inputs_only=True))
    return None


def _verdict(record: Mapping[str, Any]) -> tuple[str | None, float | None]:
    """The baseline that was better on the test split, and how the network compares with the best one."""
    found = record.get("findings") or {}
    winner, ratio = found.get("winner"), found.get("ratio_to_best")
    better = winner if isinstance(winner, str) and winner != "network" else None
    return better, float(ratio) if isinstance(ratio, int | float) else None


def _lowered(record: Mapping[str, Any]) -> tuple[float, int] | None:
    """The level that was wanted and the windows that could not show it."""
    found = record.get("findings") or {}
    level, wanted, num = (found.get(name) for name in ("level", "wanted_level", "num_calibration"))
    if not (isinstance(level, int | float) and isinstance(wanted, int | float) and isinstance(num, int)):
        return None
    return (float(wanted), num) if level < wanted else None


def level_lowered(found: Forecasts) -> str:
    """The sentence that says that the intervals have a lower level than usual; empty where they do not."""
    level = found.answers[0].level
    if found.lowered is None or level is None:
        return ""
    wanted, num = found.lowered
    return translate("forecast.level_lowered", level=level, wanted=wanted, num=num)


def short_series(found: Forecasts) -> str:
    """The sentence that names the series without a forecast; empty where there are none."""
    if not found.left_out:
        return ""
    listed = ", ".join(f"{name} ({steps:,})" for name, steps in found.left_out[:_LISTED])
    listed += ", …" if len(found.left_out) > _LISTED else ""
    return translate("forecast.left_out", count=len(found.left_out), series=listed, needed=found.needed)


def offer(found: Forecasts) -> str:
    """The sentence that says that a baseline was better; empty where none was."""
    if found.better is None or found.ratio is None:
        return ""
    words = {"baseline": translate(f"forecast.{found.better}"), "name": found.better}
    if found.ratio - 1 < ALIKE:
        return translate("forecast.offer_alike", **words)
    return translate("forecast.offer", ratio=found.ratio, **words)
