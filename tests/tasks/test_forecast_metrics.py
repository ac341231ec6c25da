"""Measurements of forecasts against NumPy in float64."""

import math

import numpy as np
import pytest
import torch

from derin.data.batch import Batch
from derin.tasks.metrics.forecasts import ForecastMetrics, coverage, half_widths, pinball, supported_level

NUM, H, C = 23, 5, 2
RNG = np.random.default_rng(0)
FORECAST, TARGET = RNG.normal(size=(NUM, H, C)), RNG.normal(size=(NUM, H, C))
MEAN, STD, SCALES = np.array([5.0, -2.0]), np.array([3.0, 0.5]), np.array([0.7, 1.3])


def measured(forecast: np.ndarray, target: np.ndarray) -> dict[str, object]:
    metrics = ForecastMetrics(("a", "b"), MEAN.tolist(), STD.tolist(), SCALES.tolist())
    for start in range(0, len(target), 7):
        part = slice(start, start + 7)
        rows = torch.arange(len(target[part]))
        batch = Batch({"target": torch.tensor(target[part], dtype=torch.float32)}, rows)
        metrics.update({"standardized": torch.tensor(forecast[part], dtype=torch.float32)}, batch)
    assert metrics.intervals() == {}
    return metrics.compute()


def test_errors_are_those_of_numpy() -> None:
    found = measured(FORECAST, TARGET)
    errors = FORECAST - TARGET
    assert found["mse"] == pytest.approx(np.square(errors).mean(), rel=1e-5)
    assert found["loss"] == found["mse"]
    assert found["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-5)
    assert found["mase"] == pytest.approx((np.abs(errors).mean((0, 1)) / SCALES).mean(), rel=1e-5)
    units, truth = FORECAST * STD + MEAN, TARGET * STD + MEAN
    smape = (2 * np.abs(units - truth) / (np.abs(units) + np.abs(truth))).mean()
    assert found["smape"] == pytest.approx(smape, rel=1e-4)
    np.testing.assert_allclose(found["mse_per_step"], np.square(errors).mean((0, 2)), rtol=1e-5)
    each = found["per_variable"]
    assert isinstance(each, dict)
    assert each["b"]["mae_units"] == pytest.approx(np.abs(units - truth)[..., 1].mean(), rel=1e-5)
    assert each["a"]["rmse_units"] == pytest.approx(np.sqrt(np.square(units - truth)[..., 0].mean()), rel=1e-5)


def test_missing_values_do_not_count() -> None:
    gaps = RNG.random(TARGET.shape) < 0.3
    gaps[:, :, 1] |= True
    found = measured(FORECAST, np.where(gaps, np.nan, TARGET))
    errors = np.where(gaps, np.nan, FORECAST - TARGET)
    assert found["mse"] == pytest.approx(np.nanmean(np.square(errors)), rel=1e-5)
    assert found["mase"] == pytest.approx(np.nanmean(np.abs(errors)[..., 0]) / SCALES[0], rel=1e-5)


def test_repeating_the_last_season_of_the_training_steps_has_a_mase_of_one() -> None:
    series = np.cumsum(RNG.normal(size=200))
    scale = np.abs(series[12:] - series[:-12]).mean()
    metrics = ForecastMetrics(("a",), [0.0], [1.0], [scale])
    target = torch.tensor(series[12:], dtype=torch.float64)[:, None, None]
    repeated = torch.tensor(series[:-12], dtype=torch.float64)[:, None, None]
    metrics.update({"standardized": repeated}, Batch({"target": target}, torch.arange(188)))
    assert metrics.compute()["mase"] == pytest.approx(1.0)


def test_pinball_of_the_median_is_half_the_absolute_error_and_of_quantiles_what_scikit_learn_says() -> None:
    from sklearn.metrics import mean_pinball_loss

    forecast, target = FORECAST.reshape(-1), TARGET.reshape(-1)
    assert pinball(forecast, target, 0.5) == pytest.approx(np.abs(forecast - target).mean() / 2)
    for level in (0.05, 0.95):
        expected = mean_pinball_loss(target, forecast, alpha=level)
        assert pinball(forecast, target, level) == pytest.approx(expected)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_conformal_intervals_hold_what_they_promise_on_new_errors(level: float) -> None:
    errors = RNG.standard_t(3, size=(4_000, 49))
    widths = half_widths(errors[:, :48].T, level)
    held = (np.abs(errors[:, 48]) <= widths).mean()
    assert level - 0.02 <= held <= level + 0.04


def test_half_widths_are_the_ranked_errors_and_the_largest_where_there_are_few() -> None:
    errors = np.array([[3.0, np.nan], [-1.0, 2.0], [2.0, -5.0], [0.5, np.nan]])
    assert half_widths(errors, 0.6).tolist() == [2.0, 5.0]  # ⌈5 · 0.6⌉ = 3rd of four, ⌈3 · 0.6⌉ = 2nd of two
    assert half_widths(errors, 0.99).tolist() == [3.0, 5.0]


def test_coverage_leaves_missing_values_out() -> None:
    assert coverage(np.zeros(4), np.ones(4), np.array([0.5, 2.0, np.nan, 1.0])) == pytest.approx(2 / 3)
    assert coverage(np.zeros(3), np.ones(3), np.array([0.0, 1.0, -0.1])) == pytest.approx(2 / 3)  # bounds lie within
    assert math.isnan(coverage(np.zeros(1), np.ones(1), np.array([np.nan])))


def test_mase_of_several_series_is_the_mean_of_that_of_each() -> None:
    codes = np.arange(NUM) % 3
    center, spread = RNG.normal(size=(3, C)), np.array([[1.0, 2.0], [1000.0, 30.0], [5.0, 0.1]])
    unit = RNG.uniform(0.5, 2, size=(3, C))
    metrics = ForecastMetrics(("a", "b"), MEAN.tolist(), STD.tolist(), SCALES.tolist(), ("kiosk", "market"))
    for start in range(0, NUM, 7):
        part = slice(start, start + 7)
        own = codes[part]
        columns = {"center": center[own][:, None], "spread": spread[own][:, None], "unit": unit[own][:, None]}
        columns |= {"target": TARGET[part], "series": own}
        batch = Batch({n: torch.tensor(v) for n, v in columns.items()}, torch.arange(len(own)))
        metrics.update({"standardized": torch.tensor(FORECAST[part])}, batch)
    found = metrics.compute()
    errors = np.abs(FORECAST - TARGET)
    each = np.array([(errors[codes == k] / unit[k]).mean((0, 1)) for k in range(3)])
    assert found["mase"] == pytest.approx(each.mean())
    assert list(found["per_series"]) == ["kiosk", "market", "#1"]
    assert [part["mase"] for part in found["per_series"].values()] == pytest.approx(each.mean(1).tolist())
    in_units = errors * spread[codes][:, None]
    assert found["per_variable"]["a"]["mae_units"] == pytest.approx(in_units[..., 0].mean())
    assert found["per_variable"]["b"]["rmse_units"] == pytest.approx(np.sqrt(np.square(in_units[..., 1]).mean()))
    assert found["per_series"]["market"]["mae_units"]["a"] == pytest.approx(in_units[codes == 1][..., 0].mean())


@pytest.mark.parametrize(
    ("windows", "horizon", "level"),
    [([9], 1, 0.9), ([3], 1, 0.75), ([3], 3, 0.625), ([10, 10], 10, 3.8 / 4.8), ([], 3, 0)],
)
def test_windows_that_overlap_support_no_higher_level_than_those_that_do_not(
    windows: list[int], horizon: int, level: float
) -> None:
    assert supported_level(windows, horizon, 0.9) == pytest.approx(level)
