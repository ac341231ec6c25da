"""The settings of a run: their defaults, and the ends of their ranges."""

from __future__ import annotations

import math
import os
from typing import Any

import pytest

from derin.core.errors import UnknownNameError, UsageError
from derin.train.config import TrainConfig

DEFAULTS: dict[str, Any] = {
    "epochs": 10,
    "batch_size": 64,
    "optimizer": "adamw",
    "learning_rate": 1e-3,
    "weight_decay": 0.01,
    "momentum": 0.9,
    "schedule": "one-cycle",
    "warmup": 0.0,
    "l1": 0.0,
    "clip_norm": 0.0,
    "accumulate": 1,
    "ema_decay": 0.0,
    "patience": 0,
    "sampler": "uniform",
    "steps_per_epoch": 0,
    "seed": 0,
    "plan": "auto",
    "device": "auto",
    "threads": 0,
    "max_seconds": 0.0,
    "save_every_seconds": 300.0,
    "networks": "",
    "histograms": False,
}


def test_every_setting_has_the_default_that_was_decided_and_goes_to_json_and_back() -> None:
    assert TrainConfig().to_json() == DEFAULTS
    changed = {**DEFAULTS, "epochs": 3, "histograms": True, "schedule": "linear"}
    assert TrainConfig.from_json(changed).to_json() == changed
    with pytest.raises(UnknownNameError, match="'learning_rate'"):
        TrainConfig.from_json({"learning_rat": 0.1})


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        *((name, (1, 2**63 - 1), (0, 2**63)) for name in ("epochs", "batch_size", "accumulate")),
        *((name, (0, 2**63 - 1), (-1, 2**63)) for name in ("patience", "seed")),
        *((name, (0, 0.999), (1, 1.0, -0.1, math.nan)) for name in ("momentum", "ema_decay")),
        ("warmup", (0, 1, 1.0), (1.001, -0.001, math.nan, math.inf)),
        *((n, (0, 1e6), (-1e-9, math.nan, math.inf)) for n in ("learning_rate", "weight_decay", "l1", "clip_norm")),
        ("max_seconds", (0, 1), (-1, math.inf, True, "1")),
        ("histograms", (True,), (1, 0, "yes")),
        ("optimizer", ("sgd",), (1, None)),
        ("threads", (0, 64), (-1, 65)),
    ],
)
def test_the_ends_of_each_range(
    name: str, allowed: tuple[Any, ...], refused: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 3)  # of whose cores four times as many threads are fewer than 64
    for value in allowed:
        assert getattr(TrainConfig(**{name: value}), name) == value
    for value in refused:
        with pytest.raises(UsageError, match=name):
            TrainConfig(**{name: value})


def test_a_large_machine_may_have_four_threads_for_each_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 100)
    assert TrainConfig(threads=400).threads == 400
    with pytest.raises(UsageError, match="at most 400"):
        TrainConfig(threads=401)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert TrainConfig(threads=64).threads == 64
