"""Forecasting as a task: what is learned, what does not count, baselines, intervals, and no look at the future."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.train.toy import ToySource
from torch import nn

import derin
from derin.api.forecast import forecast
from derin.api.prepare import prepare
from derin.api.prepared import Prepared
from derin.core.errors import RefusedFileError, ShapeError, UsageError
from derin.core.files import read_json
from derin.data.batch import Batch
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Table
from derin.readers.series import read_series
from derin.tasks import forecasting_findings
from derin.tasks.baselines.series import LINEAR, NAIVE, SEASONAL_NAIVE, YEARLY_NAIVE
from derin.tasks.forecasting import Forecasting
from derin.tasks.forecasting_findings import compare, names_of_baselines, read_baseline, steps_of
from derin.tasks.metrics.forecasts import ForecastMetrics
from derin.tasks.registry import task_from_json
from derin.train.evaluation import evaluate, predict_batches

INPUTS = {"horizon": 4, "context_length": 14, "season": 7}
QUICK: dict[str, Any] = {"plan": "plain", "report": False, "task": "forecasting", "threads": 1}


def write(folder: Path, num: int = 120, *, change: Any = None, columns: int = 1, name: str = "series.csv") -> Path:
    """Days of `columns` series that repeat every week and grow; `change` may alter the numbers."""
    rng = np.random.default_rng(5)
    days = np.arange(num)
    numbers = np.stack([np.sin(2 * np.pi * (days + k) / 7) + 0.01 * days for k in range(columns)], axis=1)
    numbers += rng.normal(size=numbers.shape) * 0.1
    numbers = numbers if change is None else change(numbers)
    dates = (np.datetime64("2020-01-01") + days).astype(str)
    lines = [",".join([d, *("" if math.isnan(v) else repr(v) for v in row)]) for d, row in zip(dates, numbers.tolist())]
    path = folder / name
    head = ",".join(["day", *(f"load{k + 1}" for k in range(columns))])
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


def prepared_for(table: Path | Table, **options: Any) -> Prepared:
    return prepare(table, task="forecasting", inputs=INPUTS, **{"plan": "plain", "threads": 1, **options})


def test_outputs_are_steps_times_targets_and_the_loss_is_the_mean_squared_error(tmp_path: Path) -> None:
    prepared = prepared_for(write(tmp_path, columns=3))
    task, model = prepared.task, prepared.model.eval()
    assert (task.num_outputs, prepared.model_name) == (12, "series_mlp")
    batch = next(prepared.split_source("val").batches(0))
    forecast = model(batch["input"]).reshape(-1, 4, 3)
    losses = task.loss(model, batch)
    assert losses["loss"].item() == pytest.approx((forecast - batch["target"]).square().mean().item(), rel=1e-6)
    assert losses["weight_sum"].item() == len(batch)


def test_missing_targets_leave_neither_loss_nor_gradient(tmp_path: Path) -> None:
    prepared = prepared_for(write(tmp_path))
    batch = next(prepared.split_source("train").batches(0))
    target = batch["target"].clone()
    target[::2, 1:] = float("nan")
    kept = target.isfinite()
    losses = prepared.task.loss(prepared.model.eval(), Batch({**batch.columns, "target": target}, batch.rows))
    errors = (prepared.model(batch["input"]).reshape(target.shape) - batch["target"])[kept]
    assert losses["loss"].item() == pytest.approx(errors.square().mean().item(), rel=1e-6)
    assert losses["weight_sum"].item() == pytest.approx(kept.sum().item() / 4)
    losses["loss"].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in prepared.model.parameters())
    nothing = Batch({**batch.columns, "target": torch.full_like(target, float("nan"))}, batch.rows)
    assert prepared.task.loss(prepared.model, nothing)["loss"].item() == 0


def test_no_forecast_and_no_measurement_changes_with_what_comes_later(tmp_path: Path) -> None:
    cut = 110  # within the test split: everything from here on becomes another series altogether

    def other(numbers: np.ndarray) -> np.ndarray:
        return np.concatenate([numbers[:cut], 1e3 - 50 * numbers[cut:]])

    tables = [read_series(write(tmp_path, change=c, name=f"{c}.csv"), name="x") for c in (None, other)]
    prepared = [prepared_for(table) for table in tables]
    assert prepared[0].preparation == prepared[1].preparation
    for one in prepared:  # the same weights
        one.model.load_state_dict(prepared[0].model.state_dict())
    for split in ("train", "val", "test"):
        outputs = [list(predict_batches(p.model, p.task, p.split_source(split))) for p in prepared]
        for (first, batch), (second, _) in zip(*outputs):
            # A window that begins its forecast at the change or before it has seen nothing of what comes later.
            blind = batch.rows <= cut
            assert blind.any()
            assert torch.equal(first["standardized"][blind], second["standardized"][blind])
    assert torch.equal(*(p.train_source.batches(0).__next__()["input"] for p in prepared))
    assert evaluate(*(getattr(prepared[0], n) for n in ("model", "task")), prepared[0].split_source("val")) == evaluate(
        *(getattr(prepared[1], n) for n in ("model", "task")), prepared[1].split_source("val")
    )


def test_a_run_beats_naive_forecasts_and_keeps_baselines_and_intervals(tmp_path: Path) -> None:
    run = derin.fit(write(tmp_path, 300), inputs=INPUTS, epochs=30, out=tmp_path / "run", **QUICK)
    found = run.record["findings"]
    measured = found["measured"]
    assert set(measured) == {"network", NAIVE, SEASONAL_NAIVE, LINEAR}
    assert measured["network"]["mse"] == pytest.approx(run.metrics["test"]["mse"], rel=1e-5)
    assert measured["network"]["mse"] < min(measured[NAIVE]["mse"], measured[SEASONAL_NAIVE]["mse"])
    best = min(measured[n]["mse"] for n in measured if n != "network")
    assert found["winner"] == ("network" if measured["network"]["mse"] < best else found["best_baseline"])
    assert 0.75 < measured["network"]["coverage"] <= 1
    assert read_json(run.path / "run.json")["findings"] == found
    model = derin.open(run.path)
    widths = np.array(model.task.half_widths)
    assert widths.shape == (4, 1)
    prepared = prepared_for(run.path.parent / "series.csv")
    source = prepared.split_source("val")
    pairs = [(o["standardized"], b) for o, b in predict_batches(model.network, model.task, source)]
    spreads = [(b["input"].var(dim=1, keepdim=True, correction=0) + 1e-4).sqrt() for _, b in pairs]
    errors = torch.cat([(forecast - b["target"]) / spread for (forecast, b), spread in zip(pairs, spreads)])
    place = math.ceil((len(errors) + 1) * 0.9) - 1
    np.testing.assert_allclose(widths, errors.abs().sort(dim=0).values[place].numpy(), rtol=1e-4)
    for name in (NAIVE, SEASONAL_NAIVE, LINEAR):
        baseline, half_widths = read_baseline(run.path, name, model.preparation)
        assert half_widths is not None
        total = model.task.metrics()
        for batch in prepared.split_source("test").batches(0):
            total.update({"standardized": baseline.forecast(batch["input"])}, batch)
        assert total.compute()["mse"] == pytest.approx(measured[name]["mse"], rel=1e-4)


def test_the_picture_shows_the_window_in_the_middle_in_units(tmp_path: Path) -> None:
    path = write(tmp_path, columns=2)
    run = derin.fit(path, inputs=INPUTS, epochs=1, out=tmp_path / "run", **QUICK)
    picture = run.record["findings"]["picture"]
    table = read_series(path, name="x")
    assert table.row_names is not None
    anchor = list(table.row_names).index(picture["begins"])
    assert anchor in table.splits["test"]
    load: Any = table.columns["load2"]
    shown = picture["variables"]["load2"]
    np.testing.assert_allclose(shown["past"], load.values[anchor - 8 : anchor], rtol=1e-4)
    np.testing.assert_allclose(shown["truth"], load.values[anchor : anchor + 4], rtol=1e-4)
    assert picture["times"] == list(table.row_names[anchor - 8 : anchor + 4])
    assert picture["num_variables"] == 2
    low, middle, high = (np.array(shown[name]) for name in ("low", "forecast", "high"))
    np.testing.assert_allclose(high - middle, middle - low, rtol=1e-3)  # the band lies evenly about the forecast
    assert (high > middle).all()


def test_interrupted_training_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    from derin.train.callback import Callback

    class Stop(Exception):
        pass

    class Interrupt(Callback):
        def on_step(self, loop: Any) -> None:
            if loop.step == 13:
                raise Stop

    path = write(tmp_path)
    options = {**QUICK, "inputs": INPUTS, "epochs": 4, "batch_size": 16, "ema_decay": 0.9}
    whole = derin.fit(path, out=tmp_path / "whole", **options)
    with pytest.raises(Stop):
        derin.fit(path, out=tmp_path / "part", callbacks=[Interrupt()], **options)
    resumed = derin.fit(out=tmp_path / "part", resume=True, report=False)
    names = [run.path / "model" / "model.safetensors" for run in (whole, resumed)]
    assert names[0].read_bytes() == names[1].read_bytes()
    assert whole.metrics == resumed.metrics


def test_a_few_windows_are_learnt_by_heart(tmp_path: Path) -> None:
    prepared = prepared_for(write(tmp_path), model_options={"dropout": 0.0, "hidden": (24,)})
    batch = next(prepared.split_source("train", 8).batches(0))
    parameters = list(prepared.model.parameters())
    for _ in range(600):
        loss = prepared.task.loss(prepared.model, batch)["loss"]
        with torch.no_grad():
            for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters)):
                parameter -= 0.1 * gradient
    assert loss.item() < 1e-2


def test_a_network_of_another_shape_is_refused_before_training(tmp_path: Path) -> None:
    own = nn.Sequential(nn.Flatten(), nn.Linear(14, 5))
    with pytest.raises(ShapeError, match=r"must give \(batch, 4\), horizon=4 steps of 1 targets; got \(2, 5\)"):
        prepared_for(write(tmp_path), model=own)
    fitting = prepared_for(tmp_path / "series.csv", model=nn.Sequential(nn.Flatten(), nn.Linear(14, 4)))
    assert fitting.model_name == "sequential"


def test_the_card_gives_the_same_task_and_damage_is_refused(tmp_path: Path) -> None:
    task = Forecasting(columns=["a", "b"], half_widths=[[0.5, 1.0], [0.25, 2.0]])
    card = json.loads(json.dumps(task.to_json()))
    assert task_from_json(card) == task
    for wrong in ({"level": 1.0}, {"half_widths": [[1.0], [1.0, 2.0]]}, {"half_widths": [[-1.0, 0.0]]}, {"more": 1}):
        with pytest.raises(RefusedFileError):
            task_from_json({**card, **wrong})
    preparation = prepared_for(write(tmp_path)).preparation
    with pytest.raises(RefusedFileError, match=r"must have shape \(4, 1\); got \(2, 2\)"):
        task.bind(preparation)
    with pytest.raises(UsageError, match=r"task.bind\(preparation\) first"):
        _ = Forecasting(columns=["a"]).num_outputs


def test_tables_without_numbers_to_forecast_are_refused() -> None:
    kind = Column(name="kind", kind=Kind.CATEGORY, role=Role.TARGET, classes=("a", "b"))
    table = Table(name="t", schema=Schema((kind,)), columns={"kind": Dense(np.arange(5) % 2)}, splits={})
    with pytest.raises(UsageError, match="needs targets that are numbers; 'kind'"):
        Forecasting.from_table(table, np.arange(5), {})


@pytest.mark.slow
def test_what_is_known_in_advance_is_used(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    holidays = (rng.random(400) < 0.2).astype(float)
    load = np.sin(2 * np.pi * np.arange(400) / 7) + 2 * holidays + 0.1 * rng.normal(size=400)
    dates = (np.datetime64("2020-01-01") + np.arange(400)).astype(str)
    lines = [f"{d},{v!r},{h:g}" for d, v, h in zip(dates, load.tolist(), holidays.tolist())]
    path = tmp_path / "holidays.csv"
    path.write_text("\n".join(["day,load,holiday", *lines]) + "\n", encoding="utf-8")
    errors = {}
    for known in ("", "holiday"):
        inputs = {"horizon": 3, "context_length": 14, "known": known}
        run = derin.fit(path, target="load", inputs=inputs, epochs=40, out=tmp_path / f"run{known}", **QUICK)
        errors[known] = {name: numbers["mse"] for name, numbers in run.record["findings"]["measured"].items()}
    assert errors["holiday"]["network"] < 0.4 * errors[""]["network"]
    assert errors["holiday"][LINEAR] < 0.1 * errors[""][LINEAR]
    with pytest.raises(UsageError, match="At most 3 steps can be forecast: the network also reads holiday"):
        forecast(derin.open(run.path), append(path, 3), horizon=5)
    (answer,) = forecast(derin.open(run.path), append(path, 3))
    assert answer.times[0] == "2021-02-04"
    # The second of the coming days is a holiday.
    assert answer.values[1, 0] - answer.values[[0, 2], 0].mean() > 0.7


def append(path: Path, num: int) -> Path:
    """The same file with days to come, whose holidays are known and whose load is not."""
    days = (np.datetime64("2021-02-04") + np.arange(num)).astype(str)
    longer = path.with_name("ahead.csv")
    ahead = "".join(f"{day},,{int(place == 1)}\n" for place, day in enumerate(days))
    longer.write_text(path.read_text(encoding="utf-8") + ahead, encoding="utf-8")
    return longer


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("name", ["airline-passengers", "monthly-sunspots"])
def test_public_series_are_forecast_no_worse_than_by_the_baselines(
    data_folder: Path, name: str, tmp_path: Path
) -> None:
    run = derin.fit(data_folder / "timeseries" / f"{name}.csv", out=tmp_path / "run", **QUICK)
    error = {name: numbers["mse"] for name, numbers in run.record["findings"]["measured"].items()}
    assert error["network"] <= min(error[NAIVE], error[SEASONAL_NAIVE])
    assert error["network"] <= 1.03 * error[LINEAR]


def test_intervals_are_the_learnt_widths_times_the_spread_of_each_window(tmp_path: Path) -> None:
    prepared = prepared_for(write(tmp_path, columns=2))
    task, preparation = prepared.task, prepared.preparation
    table = prepared.table
    windows = task.last_windows(table)
    assert task.intervals(windows, 3) == [None] * len(windows.values)
    task.half_widths = ((0.5, 2.0), (1.0, 3.0), (1.5, 4.0), (2.0, 5.0))
    latest = windows.values[:, -preparation.context_length :, :2]
    spread = np.sqrt(latest.var(axis=1, keepdims=True) + 1e-4) * windows.spread
    (found,) = task.intervals(windows, 3)
    np.testing.assert_allclose(found, (np.array(task.half_widths)[:3] * spread)[0], rtol=1e-5)
    # Beyond the horizon none were learned; those of another forecaster take the place of the network's.
    (found,) = task.intervals(windows, 6, np.ones((4, 2)))
    np.testing.assert_allclose(found[:4], np.broadcast_to(spread[0], (4, 2)), rtol=1e-5)
    assert np.isnan(found[4:]).all()


def test_the_comparison_is_that_of_sums_over_all_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepared_for(write(tmp_path, columns=2))
    preparation, network = prepared.preparation, prepared.model.eval()
    forecaster = steps_of(network, preparation)
    found = compare(
        forecaster,
        preparation,
        prepared.table,
        prepared.split_source,
        tmp_path,
        metrics=prepared.task.metrics,
        level=0.5,
    )
    document, measured = found.document, found.document["measured"]
    assert [document[name] for name in ("split", "horizon", "look_back", "season")] == ["test", 4, 14, 7]
    assert [document[name] for name in ("level", "wanted_level", "year")] == [0.5, 0.5, None]
    assert set(measured) == {"network", NAIVE, SEASONAL_NAIVE, LINEAR}
    assert set(names_of_baselines(preparation)) == {
        NAIVE,
        SEASONAL_NAIVE,
        LINEAR,
        YEARLY_NAIVE,
    }  # no window reaches so far

    def windows(split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        batches = list(prepared.split_source(split).batches(0))
        inputs, targets = (
            np.concatenate([b[n].numpy().astype(np.float64) for b in batches]) for n in ("input", "target")
        )
        told = np.concatenate([forecaster(b["input"]).numpy() for b in batches])
        return inputs[..., :2], targets, told, np.sqrt(inputs[..., :2].var(axis=1, keepdims=True) + 1e-4)

    _, targets, told, spread = windows("val")
    assert document["num_calibration"] == len(targets)
    sizes = np.sort(np.abs(told - targets) / spread, axis=0)
    widths = sizes[math.ceil((len(sizes) + 1) * 0.5) - 1]
    np.testing.assert_allclose(found.half_widths, widths, rtol=1e-4)
    inputs, targets, told, spread = windows("test")
    assert document["num_windows"] == len(targets)
    std = np.array([variable.std for variable in preparation.targets])
    own, low, high = measured["network"], told - widths * spread, told + widths * spread
    assert own["coverage"] == pytest.approx(((low <= targets) & (targets <= high)).mean())
    assert own["interval_width"] == pytest.approx((high - low).mean(), rel=1e-5)
    assert own["interval_width_units"] == pytest.approx(((high - low) * std).mean(axis=(0, 1)), rel=1e-5)
    losses = [np.maximum(q * (targets - b), (q - 1) * (targets - b)).mean() for b, q in ((low, 0.25), (high, 0.75))]
    assert own["pinball"] == pytest.approx(np.mean(losses), rel=1e-5)
    for name, values in (("network", told), (NAIVE, inputs[:, -1:]), (SEASONAL_NAIVE, inputs[:, -7:-3])):
        assert measured[name]["mse_per_step"] == pytest.approx(((values - targets) ** 2).mean(axis=(0, 2)), rel=1e-4)
        assert measured[name]["mse"] == pytest.approx(((values - targets) ** 2).mean(), rel=1e-4)
    best = min((NAIVE, SEASONAL_NAIVE, LINEAR), key=lambda name: measured[name]["mse"])
    ratio = measured["network"]["mse"] / measured[best]["mse"]
    assert (document["best_baseline"], document["ratio_to_best"]) == (best, pytest.approx(ratio))
    assert document["winner"] == (best if ratio >= 1 else "network") == best  # it has not been trained
    for split in ("train", "val"):  # of the last baseline that learns nothing
        inputs, targets, _, _ = windows(split)
        assert document["naive_mse"][split] == pytest.approx(((inputs[:, -7:-3] - targets) ** 2).mean(), rel=1e-4)
    # Where memory is short every second window is kept, counted over all batches.
    monkeypatch.setattr(forecasting_findings, "_MOST_NUMBERS", 4 * len(sizes) * 2 * 4 - 1)
    thinned = compare(
        forecaster,
        preparation,
        prepared.table,
        prepared.split_source,
        tmp_path,
        metrics=prepared.task.metrics,
        level=0.5,
    )
    _, targets, told, spread = windows("val")
    sizes = np.sort((np.abs(told - targets) / spread)[::2], axis=0)
    np.testing.assert_allclose(thinned.half_widths, sizes[math.ceil((len(sizes) + 1) * 0.5) - 1], rtol=1e-4)


def test_a_run_without_validation_has_no_intervals_and_a_short_one_lower_ones(tmp_path: Path) -> None:
    prepared = prepared_for(write(tmp_path))
    forecaster = steps_of(prepared.model.eval(), prepared.preparation)
    for splits, split, calibrated in (("train", "train", 0), ("train val", "val", 14), ("train test", "test", 0)):
        table = replace(prepared.table, splits={n: prepared.table.splits[n] for n in splits.split()})
        found = compare(
            forecaster, prepared.preparation, table, prepared.split_source, tmp_path, metrics=prepared.task.metrics
        )
        assert found.document["split"] == split
        assert (found.half_widths is None, found.document["level"] is None) == (not calibrated, not calibrated)
        assert ("coverage" in found.document["measured"]["network"]) == bool(calibrated)
        if calibrated:
            num = (found.document["num_calibration"] + 3) / 4  # windows of four steps that do not overlap
            assert found.level == found.document["level"] == pytest.approx(num / (num + 1))
            assert found.document["wanted_level"] == 0.9
    assert YEARLY_NAIVE not in found.document["measured"]


def test_of_several_series_each_has_the_share_that_its_own_intervals_hold() -> None:
    """Forecasts of 0 with half-widths of 1: the first series stays within them once in four, the second thrice."""
    target = torch.tensor([0.5, 9, 9, 9, 0.5, 0.5, 0.5, 9]).reshape(8, 1, 1)
    series = torch.tensor([0] * 4 + [1] * 4)
    inputs = torch.tensor([-1.0, 1.0]).reshape(1, 2, 1).repeat(8, 1, 1)  # a spread of 1
    ones = torch.ones(8, 1, 1)
    columns = {"input": inputs, "target": target, "series": series, "center": 0 * ones, "spread": ones, "unit": ones}
    found = forecasting_findings._measure(
        {"naive": lambda batch: torch.zeros(len(batch), 1, 1)},
        ToySource(columns, 3),  # type: ignore[arg-type]
        lambda: ForecastMetrics(("load",), [0.0], [1.0], [1.0], ("north", "south")),
        None,  # type: ignore[arg-type]
        ({"naive": np.ones((1, 1))}, {}),
        0.9,
    )
    each = found["naive"]["per_series"]
    assert {name: part["coverage"] for name, part in each.items()} == {"north": 0.25, "south": 0.75}
