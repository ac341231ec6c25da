"""Batches of one example before a batch norm: borne where others give the averages, else refused in a sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.train.toy import FEATURES, ToySource, config, rows, task
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.train.finder import find_learning_rate
from derin.train.loop import train


class Own(nn.Module):
    """A user's network, whose norms lie deep and have names of their own."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.ModuleDict({"dense": nn.Linear(FEATURES, 4), "norm": norm})
        self.last = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.body["norm"](self.body["dense"](x)))


def test_a_last_batch_of_one_takes_the_running_averages_and_leaves_them() -> None:
    model, norm = Own(nn.BatchNorm1d(4)), nn.BatchNorm1d(4)
    train(model, task(), ToySource(rows(33), 32), config(epochs=1, learning_rate=0.0))
    with torch.no_grad():
        norm(model.body["dense"](rows(33)["input"][:32]))
    assert torch.equal(model.body["norm"].running_mean, norm.running_mean)
    assert model.body["norm"].num_batches_tracked == 1
    assert model.body["norm"].training
    assert not model.body["norm"]._forward_pre_hooks


def test_the_step_of_a_lone_example_is_that_of_the_running_averages() -> None:
    model, by_hand = Own(nn.BatchNorm1d(4)), Own(nn.BatchNorm1d(4))
    columns = rows(5)
    train(model, task(), ToySource(columns, 4), config(epochs=1, learning_rate=0.1))
    for part in (slice(0, 4), slice(4, 5)):
        by_hand.train(part.start == 0)
        by_hand.zero_grad()
        nn.functional.cross_entropy(by_hand(columns["input"][part]), columns["target"][part]).backward()
        with torch.no_grad():
            for p in by_hand.parameters():
                p -= 0.1 * p.grad
    for mine, other in zip(model.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize(
    "use", [lambda *given: train(*given, config(epochs=1)), find_learning_rate], ids=["train", "find-lr"]
)
def test_batches_of_one_throughout_are_refused_and_the_layer_named(use: Callable[..., object]) -> None:
    with pytest.raises(UsageError, match=r"batch norm 'body\.norm' gets one value .*--batch-size 2"):
        use(Own(nn.BatchNorm1d(4)), task(), ToySource(rows(40), 1))


def test_a_norm_that_keeps_no_averages_is_refused_at_a_lone_example() -> None:
    with pytest.raises(UsageError, match="one value for each channel"):
        train(Own(nn.BatchNorm1d(4, track_running_stats=False)), task(), ToySource(rows(5), 4), config(epochs=1))


def test_a_lone_picture_has_many_values_for_each_channel_and_trains_as_ever() -> None:
    class Convolution(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.conv, self.norm, self.last = nn.Conv1d(1, 2, 2), nn.BatchNorm1d(2), nn.Linear(8, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.norm(self.conv(x[:, None])).flatten(1))

    model = Convolution()
    train(model, task(), ToySource(rows(3), 1), config(epochs=1, learning_rate=0.0))
    assert model.norm.num_batches_tracked == 3
