"""Baselines of series against scikit-learn and plain loops."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from derin.core.errors import RefusedFileError
from derin.data.batch import Batch
from derin.tasks.baselines.series import Linear, Naive, SeasonalNaive, fit_linear

L, H = 11, 4


class Windows:
    """A source over ready windows."""

    def __init__(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        self.inputs, self.targets = (torch.tensor(a, dtype=torch.float32) for a in (inputs, targets))
        self.batch_size, self.num_examples = 16, len(inputs)
        self.num_batches = -(-len(inputs) // 16)

    def batches(self, epoch: int, from_step: int = 0) -> Iterator[Batch]:
        for step in range(from_step, self.num_batches):
            part = slice(16 * step, 16 * step + 16)
            rows = torch.arange(self.num_examples)[part]
            yield Batch({"input": self.inputs[part], "target": self.targets[part]}, rows)


def windows_of(num: int, num_targets: int, num_others: int, seed: int) -> Windows:
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(num + L + H, num_targets + num_others)).cumsum(axis=0) / 5
    steps[:, :num_targets] += np.sin(np.arange(len(steps)))[:, None]
    starts = np.arange(num)[:, None]
    return Windows(steps[starts + np.arange(L)], steps[starts + L + np.arange(H)][..., :num_targets])


def test_naive_forecasts_are_the_last_value_and_the_last_season() -> None:
    x = torch.randn(3, L, 4)
    assert torch.equal(Naive(2, H).forecast(x), torch.stack([x[:, -1, :2]] * H, dim=1))
    seasonal = SeasonalNaive(2, 5, season=3).forecast(x)
    for step in range(5):
        assert torch.equal(seasonal[:, step], x[:, L - 3 + step % 3, :2])


@pytest.mark.parametrize("num_others", [0, 2])
def test_the_linear_forecast_is_ridge_regression_chosen_on_validation(num_others: int) -> None:
    train, validation, test = (windows_of(n, 2, num_others, seed) for n, seed in ((150, 0), (60, 1), (40, 2)))
    found, errors = fit_linear(train, validation, num_targets=2, season=3)
    assert found.num_other_steps == max(H, 3)

    def examples(source: Windows, level: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x = source.inputs.double().numpy()
        series = x[..., :2].swapaxes(1, 2).reshape(-1, L)
        others = np.repeat(x[:, -H:, 2:].reshape(len(x), -1), 2, axis=0)
        center = {"none": np.zeros((len(series), 1)), "last": series[:, -1:], "mean": series.mean(1, keepdims=True)}
        y = source.targets.double().numpy().swapaxes(1, 2).reshape(-1, H)
        return np.concatenate([series - center[level], others], axis=1), y - center[level], center[level]

    best = {}
    for level in ("none", "last", "mean"):
        scores = []
        for penalty in 10.0 ** (np.arange(-6, 7) / 2):
            ridge = Ridge(alpha=penalty * 300 / 1000, solver="svd").fit(*examples(train, level)[:2])
            x, y, _ = examples(validation, level)
            scores.append((float(np.square(ridge.predict(x) - y).mean()), penalty, ridge))
        best[level] = min(scores, key=lambda s: s[0])
        assert errors[level] == pytest.approx(best[level][0], rel=1e-3)
    level = min(best, key=lambda name: best[name][0])
    assert (found.level, found.penalty) == (level, pytest.approx(best[level][1]))
    x, _, center = examples(test, level)
    expected = (best[level][2].predict(x) + center).reshape(40, 2, H).swapaxes(1, 2)
    np.testing.assert_allclose(found.forecast(test.inputs).numpy(), expected, rtol=1e-3, atol=1e-3)


def test_windows_with_a_missing_target_are_left_out() -> None:
    train, validation = windows_of(90, 1, 0, 0), windows_of(40, 1, 0, 1)
    some = Windows(train.inputs.numpy(), train.targets.numpy())
    some.targets[::3, 1] = float("nan")
    keep = np.arange(90) % 3 != 0
    rest = Windows(train.inputs.numpy()[keep], train.targets.numpy()[keep])
    first, second = (fit_linear(source, validation, num_targets=1, season=1)[0] for source in (some, rest))
    torch.testing.assert_close(first.weights, second.weights)


def test_a_linear_forecast_comes_back_from_its_tensors_and_a_wrong_shape_is_refused() -> None:
    linear, _ = fit_linear(windows_of(60, 2, 1, 0), None, num_targets=2, season=1)
    again = Linear.from_tensors(linear.tensors(), input_shape=(L, 3), horizon=H)
    x = torch.randn(5, L, 3)
    assert torch.equal(again.forecast(x), linear.forecast(x))
    with pytest.raises(RefusedFileError, match="does not fit"):
        Linear.from_tensors(linear.tensors(), input_shape=(L + 1, 3), horizon=H)
    with pytest.raises(RefusedFileError, match="damaged"):
        Linear.from_tensors({"weights": linear.weights}, input_shape=(L, 3), horizon=H)
