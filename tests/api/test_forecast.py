"""Forecasts from a saved run: their times, units, files, baselines, and what is refused."""

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

import derin
from derin.api.forecast import forecast, offer
from derin.cli.console import cli_errors
from derin.cli.eval import eval_
from derin.cli.forecast import forecast as command
from derin.core.errors import DataError, RefusedFileError, UnknownNameError, UsageError
from derin.core.files import read_json, write_json
from derin.readers.series import read_series
from derin.report.forecast import section
from derin.strategy.record import read_record
from derin.tasks.regression import Regression

NUM, HORIZON, LOOK_BACK = 150, 6, 24
QUICK: dict[str, Any] = {"plan": "plain", "report": False, "task": "forecasting", "threads": 1}


def write(path: Path, num: int = NUM, *, more: str = "") -> Path:
    """Months of a series that repeats every year and grows."""
    months = np.arange(num)
    load = 100 + months + 20 * np.sin(2 * np.pi * months / 12) + np.random.default_rng(1).normal(size=num)
    dates = (np.datetime64("2001-01", "M") + months).astype(str)
    lines = [f"{d},{v!r}" for d, v in zip(dates, load.tolist())]
    path.write_text("\n".join(["month,load", *lines]) + "\n" + more, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    inputs = {"horizon": HORIZON, "context_length": LOOK_BACK}
    return derin.fit(write(folder / "load.csv"), inputs=inputs, epochs=40, out=folder / "run", **QUICK).path


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")


def invoke(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(cli_errors(command))
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_forecast_goes_on_where_the_data_ends(run: Path) -> None:
    (answer,) = forecast(derin.open(run))
    assert answer.times == ("2013-07", "2013-08", "2013-09", "2013-10", "2013-11", "2013-12")
    assert (answer.method, answer.level, answer.names) == ("direct", pytest.approx(5 / 6), ("load",))
    truth = 100 + np.arange(NUM, NUM + 6) + 20 * np.sin(2 * np.pi * np.arange(NUM, NUM + 6) / 12)
    assert np.abs(answer.values[:, 0] - truth).max() < 12
    assert answer.low is not None
    assert answer.high is not None
    assert (answer.low < answer.values).all()
    np.testing.assert_allclose(answer.high - answer.values, answer.values - answer.low)


def test_predictions_of_the_same_steps_are_the_same_forecast(run: Path) -> None:
    model, path = derin.open(run), run.parent / "load.csv"
    table = read_series(path, name="load")
    load: Any = table.columns["load"]
    expected = forecast(model)[0].values
    for given in (path, str(path), table, load.values, load.values[-LOOK_BACK:].tolist()):
        np.testing.assert_allclose(model.predictions(given)[0].values, expected, rtol=1e-5)
        np.testing.assert_allclose(forecast(model, given)[0].values, expected, rtol=1e-5)


def test_longer_horizons_are_forecast_on_forecasts_and_have_no_intervals_there(run: Path) -> None:
    model = derin.open(run)
    short, long = forecast(model)[0], forecast(model, horizon=15)[0]
    assert (len(long), long.method) == (15, "recursive")
    np.testing.assert_array_equal(long.values[:6], short.values)
    assert long.low is not None
    assert np.isfinite(long.low[:6]).all()
    assert np.isnan(long.low[6:]).all()
    load: Any = read_series(run.parent / "load.csv", name="load").columns["load"]
    second = forecast(model, np.concatenate([load.values, short.values[:, 0]]))[0]
    np.testing.assert_allclose(long.values[6:12], second.values, rtol=1e-4)


def test_baselines_are_offered_by_name(run: Path) -> None:
    model = derin.open(run)
    load: Any = read_series(run.parent / "load.csv", name="load").columns["load"]
    naive, seasonal, linear = (forecast(model, baseline=b)[0] for b in ("naive", "seasonal_naive", "linear"))
    np.testing.assert_allclose(naive.values[:, 0], load.values[-1], rtol=1e-5)
    np.testing.assert_allclose(seasonal.values[:, 0], load.values[-12:-6], rtol=1e-5)
    assert linear.method == "linear"
    assert linear.low is not None
    with pytest.raises(UnknownNameError, match="baseline"):
        forecast(model, baseline="linaer")


def test_a_baseline_that_won_is_told_and_offered(run: Path, tmp_path: Path) -> None:
    import shlex
    import shutil

    copied = Path(shutil.copytree(run, tmp_path / "run"))
    record = read_json(copied / "run.json")
    record["findings"] |= {"winner": "linear", "best_baseline": "linear", "ratio_to_best": 1.25}
    write_json(copied / "run.json", record)
    found = forecast(derin.open(copied), run.parent / "load.csv")
    assert found.better == "linear"
    assert "1.25 times as large" in offer(found)
    assert "--baseline linear" in offer(found)
    result = invoke(copied, run.parent / "load.csv", "--json")
    assert '"better_baseline": "linear"' in result.stdout
    assert "--baseline linear" in result.stderr
    told = section(read_record(copied))
    assert told is not None
    assert "A baseline wins here: linear forecast" in told
    assert shlex.join(["derin", "forecast", str(copied), "--baseline", "linear"]) in told


def test_new_data_and_short_data(run: Path, tmp_path: Path) -> None:
    model = derin.open(run)
    longer = forecast(model, write(tmp_path / "longer.csv", NUM + 3))
    assert longer[0].times[0] == "2013-10"
    with pytest.raises(DataError, match="looks back at 24 steps; the series has 20"):
        forecast(model, write(tmp_path / "short.csv", 20))
    with pytest.raises(UsageError, match="neither a file nor a known data set"):
        forecast(model, tmp_path / "nothing.csv")
    with pytest.raises(UsageError, match="horizon must be a whole number"):
        forecast(model, horizon=0)


def test_a_network_of_another_kind_has_no_forecast() -> None:
    other: Any = SimpleNamespace(task=Regression(columns=["price"], mean=[0.0], std=[1.0]), path=Path("runs/houses"))
    with pytest.raises(UsageError, match="trained with --task forecasting"):
        forecast(other)


def test_the_command_writes_documents_tables_and_drawings(run: Path, tmp_path: Path) -> None:
    import json

    result = invoke(run, "--json", "--horizon", 3)
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert (document["method"], document["horizon"], document["level"]) == ("direct", 3, pytest.approx(5 / 6))
    assert document["forecasts"][0]["times"] == ["2013-07", "2013-08", "2013-09"]
    numbers = document["forecasts"][0]["variables"]["load"]
    assert numbers["low"][2] < numbers["value"][2] < numbers["high"][2]
    assert invoke(run, "--out", tmp_path / "f.csv").exit_code == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "f.csv").read_text(encoding="utf-8"))))
    assert [row["time"] for row in rows] == list(forecast(derin.open(run))[0].times)
    assert float(rows[1]["load_low"]) < float(rows[1]["load"]) < float(rows[1]["load_high"])
    assert invoke(run, "--out", tmp_path / "f.png", "--horizon", 9).exit_code == 0
    assert (tmp_path / "f.png").read_bytes()[:4] == b"\x89PNG"
    assert "2013-07  load" in invoke(run).stdout
    refused = invoke(run, "--out", tmp_path / "f.docx")
    assert refused.exit_code == 2
    assert ".png" in refused.stderr


@pytest.mark.parametrize("language", ["en", "tr"])
def test_the_report_compares_and_draws(run: Path, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", language)
    told = section(read_record(run))
    assert told is not None
    assert told.count("<svg") == 1
    assert told.count("<tr>") == 5  # a head, the network and three baselines
    without = section(read_record(run), examples=False)
    assert without is not None
    assert "<svg" not in without
    words = {"en": "last season again", "tr": "geçen mevsimin yinelenmesi"}
    assert words[language] in told


def test_a_short_series_is_left_out_and_each_has_its_own_steps(tmp_path: Path) -> None:
    path = tmp_path / "shops.csv"
    days = np.datetime64("2024-01-01") + np.arange(150)
    noise = np.random.default_rng(2).normal(size=len(days))
    lines = [f"{d},every,{10 + v:.4f}" for d, v in zip(days, noise)]
    lines += [f"{d},most,{9e3 * (10 + v):.4f}" for d, v in zip(days, noise) if np.is_busday(d)]
    lines += [f"{d},new,3" for d in days[-4:]]
    path.write_text("day,shop,sales\n" + "\n".join(lines) + "\n", encoding="utf-8")
    inputs = {"horizon": 3, "context_length": 14}
    run = derin.fit(path, reader_options={"group": "shop"}, inputs=inputs, epochs=1, out=tmp_path / "run", **QUICK)
    model = derin.open(run.path)
    for found in (forecast(model), forecast(model, path)):
        assert {answer.series: answer.times for answer in found} == {
            "every": ("2024-05-30", "2024-05-31", "2024-06-01"),
            "most": ("2024-05-30", "2024-05-31", "2024-06-03"),
        }
        assert found[1].values.min() > 1_000 > found[0].values.max()
    assert found.to_json()["left_out"] == [{"series": "new", "steps": 4, "needed": 14}]
    assert "1 series has no forecast, since it has fewer than 14 steps: new (4)." in invoke(run.path).stdout
    each = run.record["findings"]["measured"]["network"]["per_series"]
    assert set(each) == {"every", "most"}
    assert run.metrics["test"]["mase"] == pytest.approx(np.mean([part["mase"] for part in each.values()]), rel=1e-6)
    metrics, _ = model.evaluate(path)
    assert metrics["per_series"]["most"]["mase"] == pytest.approx(each["most"]["mase"], rel=1e-6)
    app = typer.Typer()
    app.command()(cli_errors(eval_))
    told_of_each = CliRunner().invoke(app, [str(run.path)]).stdout
    assert f"MASE  {each['every']['mase']:.4f}  every" in told_of_each
    told = section(read_record(run.path))
    assert told is not None
    assert "Each series" in told


def test_each_series_has_intervals_of_its_own_where_it_has_enough_windows(tmp_path: Path) -> None:
    """One series repeats itself, the other is noise: intervals that both share would be far too wide for the first."""
    path, days = tmp_path / "shops.csv", np.datetime64("2022-01-01") + np.arange(400)
    rng = np.random.default_rng(3)
    wave = 100 + 30 * np.sin(2 * np.pi * np.arange(400) / 7) + rng.normal(size=400)
    noise = 100 + 30 * rng.normal(size=400)
    lines = [f"{d},{s},{v:.4f}" for s, values in (("calm", wave), ("wild", noise)) for d, v in zip(days, values)]
    path.write_text("day,shop,sales\n" + "\n".join(lines), encoding="utf-8")
    run = derin.fit(
        path,
        reader_options={"group": "shop"},
        inputs={"horizon": 2, "context_length": 14},
        epochs=6,
        out=tmp_path / "run",
        **QUICK,
    )
    model = derin.open(run.path)
    widths = {answer.series: (answer.high - answer.low).mean() for answer in forecast(model)}  # type: ignore[operator]
    assert widths["calm"] < widths["wild"] / 2
    each = run.record["findings"]["measured"]["network"]["per_series"]
    assert all(0.75 < part["coverage"] < 1 for part in each.values())
    assert type(model.task).from_json(json.loads(json.dumps(model.task.to_json()))) == model.task
    with pytest.raises(RefusedFileError):
        type(model.task).from_json({**model.task.to_json(), "own_half_widths": {"calm": [[-1.0]]}})


def test_the_last_year_is_among_the_baselines_where_the_data_reaches_so_far(tmp_path: Path) -> None:
    path, days = tmp_path / "sales.csv", np.datetime64("2021-01-01") + np.arange(1_000)
    level = np.random.default_rng(2).normal(10, 3, size=364)  # of each day of the year
    sales = level[np.arange(1_000) % 364]
    path.write_text("day,sales\n" + "\n".join(f"{d},{v!r}" for d, v in zip(days, sales.tolist())), encoding="utf-8")
    run = derin.fit(path, inputs={"horizon": 3, "context_length": 14}, epochs=1, out=tmp_path / "run", **QUICK)
    found = run.record["findings"]
    assert (found["best_baseline"], found["year"]) == ("yearly_naive", 364)
    assert found["measured"]["yearly_naive"]["mse"] == pytest.approx(0, abs=1e-9)
    again = forecast(derin.open(run.path), baseline="yearly_naive")[0]
    np.testing.assert_allclose(again.values[:, 0], level[np.arange(1_000, 1_003) % 364], rtol=1e-5)
    months = forecast(derin.open(run.path), path, baseline="naive")[0]
    assert months.times == again.times


def test_several_series_are_forecast_each_and_damage_in_the_findings_hides_the_section(tmp_path: Path) -> None:
    path = tmp_path / "shops.csv"
    lines = [f"2024-{1 + d // 28:02d}-{1 + d % 28:02d},{s},{d % 7 + 3 * (s == 'b')}" for s in "ab" for d in range(84)]
    path.write_text("day,shop,sales\n" + "\n".join(lines) + "\n", encoding="utf-8")
    options: dict[str, Any] = {
        "reader_options": {"group": "shop", "steps": "rows"},
        "inputs": {"horizon": 2, "context_length": 7},
    }
    run = derin.fit(path, epochs=1, out=tmp_path / "run", **options, **QUICK)
    found = forecast(derin.open(run.path), path)
    assert [answer.series for answer in found] == ["a", "b"]
    assert np.abs(found[1].values - found[0].values).mean() > 0.5
    record = read_json(run.path / "run.json")
    for wrong in (None, [], {"measured": {"network": 3}}, {"measured": {"network": {}, "naive": {}}, "picture": 7}):
        write_json(run.path / "run.json", record | {"findings": wrong})
        section(read_record(run.path))
