"""How a network fares beside forecasts without training, what its intervals hold, and one window to look at.

Everything rolls: each step of a split at which a whole horizon follows begins one window, and what a forecast reads
ends before it. Intervals come from validation errors, separately for each step of the horizon, and are measured on the
test split. An error counts as a multiple of its window's spread, so that intervals are wide where a series is restless.

Source: J. Lei et al., "Distribution-free predictive inference for regression", JASA 113, 2018, section 5.2 (locally
    weighted conformal intervals; here the weight is the spread of the window).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from derin.core.errors import RefusedFileError
from derin.core.tensors import load_tensors, save_tensors
from derin.data.batch import Batch, Source
from derin.data.series.preparation import SeriesPreparation
from derin.data.series.windows import WindowSource
from derin.data.table import Table
from derin.tasks.baselines.series import (
    LINEAR,
    NAIVE,
    SEASONAL_NAIVE,
    YEARLY_NAIVE,
    Baseline,
    Linear,
    Naive,
    SeasonalNaive,
    fit_linear,
)
from derin.tasks.metrics.forecasts import Floats, ForecastMetrics, coverage, half_widths, pinball, supported_level

FILE = "baselines.safetensors"
NETWORK = "network"
LEVEL = 0.9
# Errors and intervals of so many numbers are kept for quantiles; of more, windows at even distances are taken.
_MOST_NUMBERS = 20_000_000
_LEAST_SPREAD = 0.01
_MOST_SHOWN = 4  # variables in the picture
_DIGITS = 6
_HALF = "half_widths."
_WEIGHTS = "linear."

Forecaster = Callable[[Tensor], Tensor]
_Measured = Callable[[Batch], Tensor]  # of the windows of a batch, which may look further back than they do


@dataclass(frozen=True)
class Comparison:
    """What was found.

    Args:
        document: plain JSON for run.json and the report.
        half_widths: of the network's intervals, as multiples of a window's spread, ``(horizon, C)``; None without a
            validation split.
        level: of the intervals, at most the one that was wanted.
        own_half_widths: the same of each of several series that has enough windows of its own, by its name.
    """

    document: dict[str, Any]
    half_widths: Floats | None
    level: float
    own_half_widths: dict[str, Floats]


def compare(
    forecaster: Forecaster,
    preparation: SeriesPreparation,
    table: Table,
    source: Callable[[str], Source],
    folder: Path,
    *,
    metrics: Callable[[], ForecastMetrics],
    level: float = LEVEL,
) -> Comparison:
    """Measures network and baselines on the same windows and writes the baselines beside the run.

    Args:
        forecaster: the network, from windows to the horizon, standardized.
        preparation: of its inputs.
        table: the data.
        source: gives the windows of a split in their order.
        folder: of the run, where `read_baseline` finds them again.
        metrics: fresh accumulators.
        level: that the intervals are wanted to have; few validation windows lower it.
    """
    num_targets, horizon, season = preparation.num_targets, preparation.horizon, preparation.season
    validation = source("val") if "val" in table.splits else None
    linear, chosen = fit_linear(source("train"), validation, num_targets=num_targets, season=season)
    baselines: list[Baseline] = [Naive(num_targets, horizon)]
    if 1 < season <= preparation.context_length:
        baselines.append(SeasonalNaive(num_targets, horizon, season))
    baselines.append(linear)
    split = next(s for s in ("test", "val", "train") if s in table.splits)
    forecasters = {NETWORK: _of_inputs(forecaster)} | {b.name: _of_inputs(b.forecast) for b in baselines}
    of_split: dict[str, dict[str, _Measured]] = {}
    year = preparation.year
    for part in {split, "val"} & set(table.splits):
        of_split[part] = dict(forecasters)
        if year > max(season, horizon) and _reaches(source(split), year) and _reaches(source(part), year):
            of_split[part][YEARLY_NAIVE] = _year_before(source(part), year)
    wanted = level
    if validation is not None:
        level = supported_level(_windows_of_series(validation), horizon, level)
    widths: dict[str, Floats] = {}
    own: dict[int, Floats] = {}
    if validation is not None:
        widths, own = _learn_widths(of_split["val"], validation, level)
    measured = _measure(of_split[split], source(split), metrics, preparation, (widths, own), level)
    found = {name: values for name, values in measured.items() if name != NETWORK}
    best = min(found, key=lambda name: found[name]["mse"])
    ratio = measured[NETWORK]["mse"] / found[best]["mse"] if found[best]["mse"] else float("inf")
    saved = {_WEIGHTS + name: tensor for name, tensor in linear.tensors().items()}
    saved |= {_HALF + name: torch.from_numpy(widths[name]) for name in found if name in widths}
    save_tensors(folder / FILE, saved)
    document = {
        "kind": "forecasting",
        "split": split,
        "num_windows": source(split).num_examples,
        "horizon": horizon,
        "look_back": preparation.context_length,
        "season": season,
        "frequency": preparation.frequency.name,
        "year": year if YEARLY_NAIVE in measured else None,
        "level": level if widths else None,
        "wanted_level": wanted if widths else None,
        "num_calibration": validation.num_examples if validation is not None else 0,
        "measured": measured,
        "best_baseline": best,
        "ratio_to_best": ratio,
        "winner": NETWORK if ratio < 1 else best,
        "naive_mse": {p: _mse(baselines[-2], source(p), metrics) for p in ("train", "val") if p in table.splits},
        "linear": {"level": linear.level, "penalty": linear.penalty, "validation_mse": chosen},
        "picture": _picture(of_split[split], best, source(split), preparation, table, widths.get(NETWORK), own),
    }
    named = {preparation.series[code].name: part for code, part in own.items() if code < len(preparation.series)}
    return Comparison(document, widths.get(NETWORK), level, named)


def read_baseline(folder: Path, name: str, preparation: SeriesPreparation) -> tuple[Baseline, Floats | None]:
    """A baseline of a run, and the half widths of its intervals, as multiples of a window's spread.

    Args:
        folder: of the run.
        name: ``"naive"``, ``"seasonal_naive"``, ``"yearly_naive"`` or ``"linear"``.
        preparation: of the run. The last year needs windows that reach as far back.

    Raises:
        RefusedFileError: the run's file of baselines is missing or damaged.
    """
    tensors = load_tensors(folder / FILE)
    width = tensors.get(_HALF + name)
    shape = (preparation.horizon, preparation.num_targets)
    if width is not None and tuple(width.shape) != shape:
        raise RefusedFileError(f"The baselines {folder / FILE} do not fit their run; train again.")
    widths = None if width is None else width.double().numpy()
    if name == NAIVE:
        return Naive(preparation.num_targets, preparation.horizon), widths
    if name == SEASONAL_NAIVE:
        return SeasonalNaive(preparation.num_targets, preparation.horizon, preparation.season), widths
    if name == YEARLY_NAIVE:
        year = preparation.year
        return SeasonalNaive(preparation.num_targets, preparation.horizon, year, YEARLY_NAIVE), widths
    parts = {n.removeprefix(_WEIGHTS): t for n, t in tensors.items() if n.startswith(_WEIGHTS)}
    linear = Linear.from_tensors(parts, input_shape=preparation.input_shape, horizon=preparation.horizon)
    return linear, widths


def spread_of(targets: Tensor) -> Tensor:
    """How much the targets of a window move: their standard deviation, at least a hundredth of that in training.

    Shapes:
        ``(B, steps, C)`` → ``(B, 1, C)``.

    Example:
        >>> round(spread_of(torch.tensor([[[1.0], [3.0]]])).item(), 3)
        1.0
    """
    moved = targets - targets.mean(dim=1, keepdim=True)
    return (moved.square().mean(dim=1, keepdim=True) + _LEAST_SPREAD**2).sqrt()


def names_of_baselines(preparation: SeriesPreparation) -> tuple[str, ...]:
    """The baselines that a run has."""
    has_season = 1 < preparation.season <= preparation.context_length
    has_year = preparation.year > max(preparation.season, preparation.horizon)
    found = [NAIVE, *([SEASONAL_NAIVE] if has_season else []), *([YEARLY_NAIVE] if has_year else []), LINEAR]
    return tuple(found)


def _of_inputs(forecaster: Forecaster) -> _Measured:
    """A forecaster that reads what the network reads."""
    return lambda batch: forecaster(batch["input"])


def _year_before(source: Source, year: int) -> _Measured:
    """What was measured a year before each step that is forecast."""
    assert isinstance(source, WindowSource)
    return lambda batch: source.earlier(batch.rows, year)


def _reaches(source: Source, year: int) -> bool:
    return isinstance(source, WindowSource) and source.reaches(year)


def _windows_of_series(source: Source) -> list[int]:
    """How many windows each series has."""
    counts: Counter[int] = Counter()
    for batch in source.batches(0):
        counts.update(batch["series"].tolist() if "series" in batch else [0] * len(batch))
    return list(counts.values())


def _learn_widths(
    forecasters: dict[str, _Measured], validation: Source, level: float
) -> tuple[dict[str, Floats], dict[int, Floats]]:
    """Half widths of each forecaster's intervals, ``(horizon, C)``; and the network's in each series whose own windows
    support the level, since one series may be harder to forecast than another that moves as much."""
    series: list[npt.NDArray[np.int64]] = []
    errors: dict[str, list[Floats]] = {name: [] for name in forecasters}
    for batch, keep in _thinned(validation, len(forecasters)):
        target = batch["target"]
        spreads = spread_of(batch["input"][..., : target.shape[2]])
        for name, forecaster in forecasters.items():
            errors[name].append(((forecaster(batch) - target) / spreads)[keep].float().cpu().numpy())
        if "series" in batch:
            series.append(batch["series"][keep].cpu().numpy())
    every = {name: np.concatenate(parts) for name, parts in errors.items()}
    own: dict[int, Floats] = {}
    if series:
        codes, horizon = np.concatenate(series), every[NETWORK].shape[1]
        for code, num in zip(*np.unique(codes, return_counts=True)):
            if supported_level([int(num)], horizon, level) >= level:
                own[int(code)] = half_widths(every[NETWORK][codes == code], level)
    return {name: half_widths(part, level) for name, part in every.items()}, own


def _mse(baseline: Baseline, source: Source, metrics: Callable[[], ForecastMetrics]) -> float:
    """How far a forecast that learns nothing is off: how hard a period is for anybody."""
    total = metrics()
    for batch in source.batches(0):
        total.update({"standardized": baseline.forecast(batch["input"])}, batch)
    return float(total.compute()["mse"])


def _measure(
    forecasters: dict[str, _Measured],
    source: Source,
    metrics: Callable[[], ForecastMetrics],
    preparation: SeriesPreparation,
    learned: tuple[dict[str, Floats], dict[int, Floats]],
    level: float,
) -> dict[str, dict[str, Any]]:
    """Each forecaster's errors, and what its intervals hold and how wide they are."""
    widths, own_widths = learned
    sums = {name: metrics() for name in forecasters}
    for batch in source.batches(0):
        for name, forecaster in forecasters.items():
            sums[name].update({"standardized": forecaster(batch)}, batch)
    found: dict[str, dict[str, Any]] = {}
    for name, total in sums.items():
        numbers = total.compute()
        found[name] = {key: numbers[key] for key in ("mse", "mae", "mase", "smape")}
        found[name]["mse_per_step"] = numbers["mse_per_step"]
        found[name]["per_variable"] = numbers["per_variable"]
        if "per_series" in numbers:
            found[name]["per_series"] = numbers["per_series"]
    kept: dict[str, list[Floats]] = {name: [] for name in widths}
    targets: list[Floats] = []
    spreads: list[Floats] = []
    units: list[Floats] = []
    series: list[Floats] = []
    for batch, keep in _thinned(source, len(widths)):
        target = batch["target"]
        targets.append(target[keep].cpu().numpy())
        spreads.append(spread_of(batch["input"][..., : target.shape[2]])[keep].cpu().numpy())
        if "series" in batch:
            units.append(batch["spread"][keep].cpu().numpy())
            series.append(batch["series"][keep].cpu().numpy())
        for name in widths:
            kept[name].append(forecasters[name](batch)[keep].float().cpu().numpy())
    std = np.concatenate(units) if units else np.array([v.std for v in preparation.targets])
    for name, multiples in widths.items():
        if name == NETWORK and own_widths:
            codes = np.concatenate(series)
            multiples = np.stack([own_widths.get(code, multiples) for code in codes.tolist()])
        forecast, target = np.concatenate(kept[name]), np.concatenate(targets)
        width = multiples * np.concatenate(spreads)
        low, high = forecast - width, forecast + width
        bounds = ((low, (1 - level) / 2), (high, (1 + level) / 2))
        found[name]["coverage"] = coverage(low, high, target)
        found[name]["interval_width"] = float((2 * width).mean())
        found[name]["interval_width_units"] = (2 * width * std).mean(axis=(0, 1)).tolist()
        found[name]["pinball"] = float(np.mean([pinball(bound, target, share) for bound, share in bounds]))
        if series:
            codes = np.concatenate(series)
            for place, part in enumerate(found[name]["per_series"].values()):
                own = codes == np.unique(codes)[place]
                part["coverage"] = coverage(low[own], high[own], target[own])
    return found


def _thinned(source: Source, num_forecasters: int) -> Any:
    """Batches and which windows of each are kept, so that all kept ones fit in memory."""
    first = next(iter(source.batches(0)))["target"]
    numbers = source.num_examples * first[0].numel() * max(1, num_forecasters)
    every = -(-numbers // _MOST_NUMBERS)
    seen = 0
    for batch in source.batches(0):
        places = torch.arange(seen, seen + len(batch))
        seen += len(batch)
        yield batch, (places % every == 0).to(batch["target"].device)


def _picture(
    forecasters: dict[str, _Measured],
    best: str,
    source: Source,
    preparation: SeriesPreparation,
    table: Table,
    widths: Floats | None,
    own: dict[int, Floats],
) -> dict[str, Any]:
    """The window in the middle of a split: what came before, what was forecast, and what came."""
    middle = source.num_batches // 2
    batch = next(iter(source.batches(0, middle)))
    batch = Batch({name: column[:1] for name, column in batch.columns.items()}, batch.rows[:1])
    inputs, target = batch["input"], batch["target"]
    anchor = int(batch.rows[0])
    num_before = min(preparation.context_length, 2 * preparation.horizon)
    network, baseline = (forecasters[name](batch)[0].float().cpu().numpy() for name in (NETWORK, best))
    past = inputs[0, -num_before:, : preparation.num_targets].cpu().numpy()
    parts = {"past": past, "truth": target[0].cpu().numpy(), "forecast": network, "baseline": baseline}
    if widths is not None:
        widths = own.get(int(batch["series"][0]), widths) if "series" in batch else widths
        width = widths * spread_of(inputs[..., : preparation.num_targets])[0].cpu().numpy()
        parts |= {"low": network - width, "high": network + width}
    if "series" in batch:
        center, spread = (batch[name][0].cpu().numpy() for name in ("center", "spread"))
        units = {name: values * spread + center for name, values in parts.items()}
    else:
        units = {name: preparation.in_units(values) for name, values in parts.items()}
    names = table.row_names or [str(row) for row in range(len(table))]
    first, last = anchor - num_before, anchor + preparation.horizon
    return {
        "begins": names[anchor],
        "times": [names[row] for row in range(first, last)],
        "baseline": best,
        "variables": {
            variable.name: {name: _rounded(values[:, place]) for name, values in units.items()}
            for place, variable in enumerate(preparation.targets[:_MOST_SHOWN])
        },
        "num_variables": preparation.num_targets,
    }


def _rounded(values: Sequence[float] | Floats) -> list[float | None]:
    """Numbers with six digits; None where one is missing."""
    return [float(f"{v:.{_DIGITS}g}") if np.isfinite(v) else None for v in np.asarray(values).tolist()]


def steps_of(network: nn.Module, preparation: SeriesPreparation) -> Forecaster:
    """A network as a function from windows to the horizon, ``(B, steps, F)`` → ``(B, horizon, C)``."""

    def forecaster(x: Tensor) -> Tensor:
        with torch.inference_mode():
            return network(x).float().reshape(len(x), preparation.horizon, preparation.num_targets)

    return forecaster
