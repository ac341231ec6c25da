"""Perplexity and bits beside sums in plain Python."""

import math

import pytest
import torch

from derin.data.batch import Batch
from derin.tasks.metrics.perplexity import PerplexityMetrics, of_loss


def add(
    metrics: PerplexityMetrics, surprise: list[list[float]], counted: list[list[int]], hit: list[list[int]]
) -> None:
    outputs = {
        "surprise": torch.tensor(surprise),
        "counted": torch.tensor(counted, dtype=torch.bool),
        "hit": torch.tensor(hit, dtype=torch.bool),
    }
    metrics.update(outputs, Batch({}, torch.arange(len(surprise))))


def test_means_are_over_counted_tokens_whatever_the_batches() -> None:
    metrics = PerplexityMetrics(1.5)
    add(metrics, [[1.0, 2.0], [4.0, 0.0]], [[1, 1], [1, 0]], [[1, 0], [0, 0]])
    add(metrics, [[0.5, 0.0]], [[1, 0]], [[1, 0]])
    found = metrics.compute()
    loss = (1.0 + 2.0 + 4.0 + 0.5) / 4
    assert found == pytest.approx(
        {
            "loss": loss,
            "perplexity": math.exp(loss),
            "bits_per_character": loss / math.log(2) / 1.5,
            "accuracy": 0.5,
        }
    )


def test_nothing_counted_is_nan() -> None:
    assert all(math.isnan(value) for value in PerplexityMetrics(1.0).compute().values())


def test_a_loss_beyond_all_bounds_has_an_infinite_perplexity() -> None:
    assert of_loss(1e6, 1.0)["perplexity"] == math.inf
    assert of_loss(700.0, 1.0)["perplexity"] == math.exp(700)
