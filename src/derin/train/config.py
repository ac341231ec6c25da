"""Every setting of a training run, with its default; goes to JSON and back."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, fields
from typing import Any

from derin.core.errors import UnknownNameError, UsageError

_THREADS_PER_CPU, _USUAL_THREADS = 4, 64  # a run may come from a larger machine
_LARGEST = (1 << 63) - 1
SAMPLERS = ("uniform", "balanced", "weighted")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Settings of the loop. A recipe may want others, and the user's word wins over both.

    Args:
        epochs: passes over the training data.
        batch_size: examples per forward pass.
        optimizer: a name of `train.optimizers`, with settings of its own after a colon (``"adam:betas=0.5/0.999"``).
        learning_rate: at the schedule's highest point.
        weight_decay: decoupled with adamw, lion and muon, otherwise as L2; biases, norms and embeddings are exempt.
        momentum: of the optimisers that have one.
        schedule: a name of `train.schedules`, with settings after a colon (``"step:every=10,factor=0.1"``).
        warmup: share of training over which the rate rises, in T steps from 1/T to 1 of it (0 to 1).
        l1: weight of Σ|w| in the loss; weights only, as with `weight_decay`.
        clip_norm: largest norm of the whole gradient; 0 leaves it alone.
        accumulate: batches per update.
        ema_decay: of the exponential average of the weights, which then is what gets evaluated; 0 keeps none.
        patience: epochs without a better headline after which training stops; 0 never stops early.
        sampler: ``"uniform"``: each training example once in an epoch; ``"balanced"``: each class equally often;
            ``"weighted"``: drawn with replacement, by the weight column, which then leaves the loss alone.
        seed: of everything random.
        plan: ``"auto"``, ``"auto:fp32"``, ``"plain"``, or parts such as ``"bf16,channels-last,fused"``.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``.
        threads: of the CPU; 0 takes every core this process may use.
        max_seconds: wall clock of the whole command. Training stops in time for what is measured after it, as if the
            epochs were over, and the schedule has come down by then; splits that would take too long are measured on
            some of their examples. 0 has no limit.
        save_every_seconds: longest time between two saved states within an epoch (every epoch's end saves as well).
        networks: what single networks of a system do otherwise, such as ``"discriminator.lr=0.5x;generator.every=2"``;
            see `train.networks`.
        histograms: whether weights, gradients and activations go to TensorBoard as histograms.
    """

    epochs: int = 10
    batch_size: int = 64
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    momentum: float = 0.9
    schedule: str = "one-cycle"
    warmup: float = 0.0
    l1: float = 0.0
    clip_norm: float = 0.0
    accumulate: int = 1
    ema_decay: float = 0.0
    patience: int = 0
    sampler: str = "uniform"
    seed: int = 0
    plan: str = "auto"
    device: str = "auto"
    threads: int = 0
    max_seconds: float = 0.0
    save_every_seconds: float = 300.0
    networks: str = ""
    histograms: bool = False

    def __post_init__(self) -> None:
        at_least = {"epochs": 1, "batch_size": 1, "accumulate": 1}
        most_threads = max(_USUAL_THREADS, _THREADS_PER_CPU * (os.cpu_count() or 1))
        for name, value in self.to_json().items():
            _check_type(name, value)
            if isinstance(value, str | bool):
                continue
            low = at_least.get(name, 0)
            high = most_threads if name == "threads" else _LARGEST
            if math.isinf(value) or (isinstance(value, int) and value > high):
                # Threads beyond are no speed, and a million of them end the process.
                raise UsageError(f"TrainConfig.{name} must be at most {high:,}; got {name}={str(value)[:40]}.")
            if not value >= low:  # written so that NaN fails too
                raise UsageError(f"TrainConfig.{name} must be at least {low}; got {name}={value}.")
        for name in ("momentum", "ema_decay"):
            if getattr(self, name) >= 1:
                raise UsageError(f"TrainConfig.{name} must be below 1; got {name}={getattr(self, name)}.")
        if self.sampler not in SAMPLERS:
            raise UnknownNameError("sampler", self.sampler, SAMPLERS)
        if self.warmup > 1:
            raise UsageError(f"TrainConfig.warmup is a share of training from 0 to 1; got warmup={self.warmup}.")

    def to_json(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> TrainConfig:
        known = {f.name for f in fields(cls)}
        for name in data:
            if name not in known:
                raise UnknownNameError("training setting", name, known)
        return cls(**data)


def _check_type(name: str, value: Any) -> None:
    wanted = type(getattr(TrainConfig, name))
    fits = isinstance(value, wanted) or (wanted is float and isinstance(value, int))
    if not fits or (isinstance(value, bool) and wanted is not bool):
        shown = repr(value)[:60]
        raise UsageError(f"The training setting {name!r} must be of type {wanted.__name__}; got {shown}.")
