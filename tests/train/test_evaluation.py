"""Measuring: over all examples, in evaluation mode, and leaving the network as it came."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.train.toy import ToySource, network, rows, task
from torch import Tensor, nn

from derin.train.evaluation import affordable, evaluate, predict_batches


class Modes(nn.Module):
    """Notes in which mode it is called, and whether gradients are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[tuple[bool, bool]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.noted.append((self.training, torch.is_grad_enabled()))
        return x


@pytest.mark.parametrize("batch_size", [1, 4, 50])
def test_the_metrics_are_those_of_all_examples_whatever_the_batches(batch_size: int) -> None:
    columns, model = rows(23), network(nn.BatchNorm1d(4), nn.Dropout(0.5))
    model.train()(columns["input"])  # statistics that differ from those of the split
    measured = evaluate(model, task(), ToySource(columns, batch_size))
    with torch.no_grad():
        logits = model.eval()(columns["input"]).double().numpy()
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    targets = columns["target"].numpy()
    assert measured["loss"] == pytest.approx(-log_p[np.arange(23), targets].mean(), rel=1e-5)
    assert measured["accuracy"] == pytest.approx((logits.argmax(axis=1) == targets).mean())


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_measured_in_eval_mode_and_every_layer_left_in_its_own(training: bool) -> None:
    noted, norm = Modes(), nn.BatchNorm1d(4)
    model = network(noted, norm, nn.Dropout(0.5)).train(training)
    norm.eval()  # a layer that is frozen
    before = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    evaluate(model, task(), ToySource(rows(9), 4))
    assert noted.noted == [(False, False)] * 3
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_modes_come_back_where_measuring_is_broken_off() -> None:
    model = network(nn.Dropout(0.5)).train()
    batches = predict_batches(model, task(), ToySource(rows(9), 4))
    next(batches)
    assert not model.training
    batches.close()
    assert model.training


def test_as_many_examples_are_afforded_as_the_time_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        now = 0.0

        def perf_counter(self) -> float:
            return self.now

    class Slow(ToySource):
        def batches(self, epoch: int, from_step: int = 0):  # type: ignore[no-untyped-def]
            for batch in super().batches(epoch, from_step):
                clock.now += 0.5
                yield batch

    clock, source = Clock(), Slow(rows(100), 4)  # eight examples a second, 12.5 s in all
    monkeypatch.setattr("derin.train.evaluation.time", clock)
    assert affordable(network(), task(), source, 8.0) == 48  # three quarters of the time for measuring
    assert clock.now == 1.0  # at least a tenth of it for finding that out
    assert affordable(network(), task(), source, 17.0) is None
    assert affordable(network(), task(), source, 0.001) == 1
