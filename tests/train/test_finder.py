"""The range test on a bowl whose edge of stability is known, and what it leaves untouched."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from derin.core.errors import DivergenceError, StorageError, UsageError
from derin.data.batch import Batch
from derin.train.finder import RateCurve, find_learning_rate

CURVATURE = 4.0


class Bowl(nn.Module):
    """loss = CURVATURE · w² / 2: gradient descent is stable below the rate 2 / CURVATURE, and nowhere above."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([3.0]))

    def forward(self, x):
        return CURVATURE * self.w.square().sum() / 2 + 0 * x.sum()


class Task:
    def __init__(self, loss=lambda model, batch: model(batch["x"])):
        self.state = {"seen": torch.zeros(1)}
        self._loss = loss

    def loss(self, model, batch):
        self.state["seen"] += len(batch)
        return {"loss": self._loss(model, batch)}


class Source:
    batch_size, num_examples, num_batches = 3, 7, 3

    def __init__(self):
        self.epochs = []

    def batches(self, epoch, from_step=0):
        self.epochs.append(epoch)
        for rows in torch.arange(7).split(3):
            yield Batch({"x": rows[:, None].float()}, rows)


def test_the_edge_of_stability_of_a_bowl_is_found():
    curve = find_learning_rate(Bowl(), Task(), Source(), optimizer="sgd", low=1e-4, high=100.0, num_steps=300)
    edge = 2 / CURVATURE
    assert curve.diverged
    # Beyond the edge it takes some steps to climb back: the curve ends within a decade of it.
    assert edge < curve.rates[-1] < 10 * edge
    assert curve.suggestion < edge
    assert curve.suggestion > edge / 1000


def test_rates_rise_by_a_constant_factor():
    curve = find_learning_rate(Bowl(), Task(), Source(), optimizer="sgd", low=1e-5, high=1e-2, num_steps=31)
    np.testing.assert_allclose(curve.rates, np.geomspace(1e-5, 1e-2, 31))
    assert not curve.diverged


def test_losses_are_smoothed_with_bias_correction():
    curve = find_learning_rate(Bowl(), Task(), Source(), optimizer="sgd", low=1e-5, high=1e-2, num_steps=31)
    raw = np.array(curve.raw_losses)
    for t in range(1, 32):
        weights = 0.9 ** np.arange(t)[::-1]
        assert curve.losses[t - 1] == pytest.approx((weights * raw[:t]).sum() / weights.sum())


def test_network_task_and_random_numbers_are_left_as_they_were():
    torch.manual_seed(7)
    model = nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1)).eval()
    before = copy.deepcopy(model.state_dict())
    task, random_state = Task(lambda m, b: m(b["x"]).square().mean()), torch.get_rng_state()
    find_learning_rate(model, task, Source(), num_steps=40)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not model.training
    assert all(p.grad is None for p in model.parameters())
    assert task.state["seen"].item() == 0
    assert torch.equal(torch.get_rng_state(), random_state)


def test_the_same_seed_gives_the_same_curve():
    model = nn.Sequential(nn.Linear(1, 8), nn.Dropout(0.5), nn.Linear(8, 1))
    task = Task(lambda m, b: m(b["x"]).square().mean())
    first, again, other = (find_learning_rate(model, task, Source(), num_steps=20, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_a_short_source_is_begun_anew_and_its_smaller_last_batch_left_out():
    source, sizes = Source(), []

    def loss(model, batch):
        sizes.append(len(batch))
        return model(batch["x"])

    find_learning_rate(Bowl(), Task(loss), source, num_steps=20)
    assert source.epochs == list(range(10))
    assert sizes == [3] * 20


def test_a_loss_that_becomes_nan_ends_the_test_before_it():
    def loss(model, batch):
        return torch.log(model.w.sum()) + 0 * batch["x"].sum()  # w moves below zero once the rate is large

    curve = find_learning_rate(Bowl(), Task(loss), Source(), optimizer="sgd", low=0.01, high=100.0, num_steps=50)
    assert curve.diverged
    assert np.isfinite(curve.losses).all()


def test_a_loss_that_is_nan_from_the_start_is_an_error():
    with pytest.raises(DivergenceError, match="very first batch"):
        find_learning_rate(Bowl(), Task(lambda m, b: m.w.sum() * float("nan")), Source())


@pytest.mark.parametrize(
    "settings",
    [{"low": 0.0}, {"low": 1.0, "high": 0.1}, {"high": float("nan")}, {"high": float("inf")}, {"num_steps": 5}],
)
def test_a_range_that_makes_no_curve_is_refused(settings):
    with pytest.raises(UsageError):
        find_learning_rate(Bowl(), Task(), Source(), **settings)


def curve_of(losses):
    rates = tuple(np.geomspace(1e-6, 1.0, len(losses)).tolist())
    return RateCurve(rates, tuple(losses), tuple(losses), diverged=True)


def test_suggestion_is_the_steepest_descent_or_a_tenth_of_the_lowest_whichever_is_less():
    early = curve_of([5, 4, 2, 2.1, 2, 1.9, 9])
    assert (early.steepest, early.lowest) == (pytest.approx(1e-5), pytest.approx(1e-1))
    assert early.suggestion == early.steepest
    late = curve_of([5, 5, 5, 5, 5, 5, 5, 5, 4.9, 4.5, 0, 3, 9])
    assert (late.steepest, late.lowest) == (pytest.approx(10**-1.5), pytest.approx(1e-1))
    assert late.suggestion == late.lowest / 10


def test_the_steepest_place_lies_before_the_lowest_loss():
    # Central differences: −1.9, −0.2 and −2.1; that at the lowest loss itself, −3.6, reads what lies behind it.
    assert curve_of([5, 4.9, 3.1, 4.7, 1, 1.1, 9]).steepest == pytest.approx(1e-3)


def test_a_loss_that_only_rises_suggests_the_lowest_rate_seen():
    assert curve_of([1, 2, 3, 4]).steepest == pytest.approx(1e-6)


def test_picture_is_written_and_shows_the_suggestion(tmp_path):
    curve = curve_of([5, 5, 4, 2, 1, 1, 9])
    curve.plot(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    (axes,) = curve.figure().axes
    assert axes.get_xscale() == "log"
    marked = [line for line in axes.lines if line.get_label().startswith("suggestion")]
    assert marked[0].get_xdata()[0] == curve.suggestion


def test_a_picture_that_cannot_be_written_is_one_sentence(tmp_path):
    curve = curve_of([5, 4, 3, 9])
    with pytest.raises(StorageError, match="cannot be written"):
        curve.plot(tmp_path / "nowhere" / "curve.png")
    with pytest.raises(UsageError, match=r"\.png"):
        curve.plot(tmp_path / "curve.wav")


def test_the_picture_is_cut_a_little_beside_the_smoothed_curve_and_marks_the_suggestion_on_it():
    rates = tuple(np.geomspace(1e-6, 1.0, 7).tolist())
    curve = RateCurve(rates, (5.0, 5.0, 4.0, 2.0, 1.0, 1.0, 9.0), (5.0, 5.0, 3.5, 2.0, 0.5, 1.0, 80.0), diverged=True)
    (axes,) = curve.figure().axes
    assert axes.get_ylim() == pytest.approx((0.5 - 0.08 * 8, 9 + 0.08 * 8))  # and not up to the batch that exploded
    (mark,) = [line for line in axes.lines if line.get_marker() == "o"]
    nearest = int(np.argmin(np.abs(np.log(np.array(rates) / curve.suggestion))))
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (rates[nearest], curve.losses[nearest])
    (axes,) = curve_of([2, 2, 2]).figure().axes
    assert axes.get_ylim() == (1.0, 3.0)  # a curve that stands still has room on both sides
