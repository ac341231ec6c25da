"""Every setting of a training run, with its default; goes to JSON and back."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from derin.core.errors import UnknownNameError, UsageError
from derin.core.own import name_of
from derin.core.settings import CONFIG, FLAG, FUNCTION, NUMBER, PATH, TEXT, WHOLE, setting

_THREADS_PER_CPU, _USUAL_THREADS = 4, 64  # a run may come from a larger machine
_LARGEST = (1 << 63) - 1
SAMPLERS = ("uniform", "balanced", "weighted")
_TRAINING, _RUN = "Training", "Run"


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Settings of the loop. A recipe may want others, and the user's word wins over both.

    Args:
        epochs: passes over the training data.
        batch_size: examples per forward pass.
        optimizer: a name of `derin.optimizers`, with settings after a colon (``"adam:eps=1e-7"``); one of its configs;
            or a function that makes a torch optimizer of parameters.
        learning_rate: at the schedule's highest point.
        weight_decay: decoupled with adamw, lion and muon, otherwise as L2; biases, norms and embeddings are exempt.
        momentum: of the optimisers that have one.
        schedule: a name of `derin.schedules`, with settings after a colon (``"step:every=10,factor=0.1"``); one of its
            configs; or a function from the share of training that is done (0 to 1) to a factor on the rate.
        warmup: share of training over which the rate rises, in T steps from 1/T to 1 of it (0 to 1).
        l1: weight of Σ|w| in the loss; weights only, as with `weight_decay`.
        clip_norm: largest norm of the whole gradient; 0 leaves it alone.
        accumulate: batches per update.
        ema_decay: of the exponential average of the weights, which then is what gets evaluated; 0 keeps none.
        patience: epochs without a better headline after which training stops; 0 never stops early.
        sampler: ``"uniform"``: each training example once in an epoch; ``"balanced"``: each class equally often;
            ``"weighted"``: drawn with replacement, by the weight column, which then leaves the loss alone.
        steps_per_epoch: of a stream, which has no end: so many batches are called an epoch; 0 for data that has one.
        seed: of everything random.
        plan: ``"auto"``, ``"auto:fp32"``, ``"plain"``, parts such as ``"bf16,channels-last,fused"``, or a `Plan`.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``.
        threads: of the CPU; 0 takes every core this process may use.
        max_seconds: wall clock of the whole command. Training stops in time for what is measured after it, as if the
            epochs were over, and the schedule has come down by then; splits that would take too long are measured on
            some of their examples. 0 has no limit.
        save_every_seconds: longest time between two saved states within an epoch (every epoch's end saves as well).
        networks: what single networks of a system do otherwise, such as ``"discriminator.lr=0.5x;generator.every=2"``;
            see `train.networks`.
        histograms: whether weights, gradients and activations go to TensorBoard as histograms.

    Example:
        >>> TrainConfig(optimizer="adam:eps=1e-7").to_json()["optimizer"]
        'adam:eps=1e-7'
    """

    epochs: int = setting(10, "Passes over the data.", WHOLE, group=_TRAINING)
    batch_size: int = setting(64, "Examples per step.", WHOLE, group=_TRAINING)
    optimizer: str | Callable[..., Any] = setting(
        "adamw",
        "sgd, momentum, nesterov, adagrad, rmsprop, adam, nadam, adamw, lion, muon; settings after a colon: "
        "adam:betas=0.5/0.999.",
        TEXT,
        CONFIG,
        FUNCTION,
        group=_TRAINING,
    )
    learning_rate: float = setting(
        1e-3, "Learning rate at its highest.", NUMBER, group=_TRAINING, flags="--lr --learning-rate"
    )
    weight_decay: float = setting(
        0.01, "Weight decay: decoupled, or L2 where the optimizer has no such form.", NUMBER, group=_TRAINING
    )
    momentum: float = setting(0.9, "Momentum, 0 to 1.", NUMBER, group=_TRAINING)
    schedule: str | Callable[[float], float] = setting(
        "one-cycle",
        "constant, inverse, exponential, inverse-sqrt, step, manual, linear, cosine, one-cycle; settings after a "
        "colon: step:every=10,factor=0.1.",
        TEXT,
        CONFIG,
        FUNCTION,
        group=_TRAINING,
    )
    warmup: float = setting(0.0, "Share of training over which the rate rises.", NUMBER, group=_TRAINING)
    l1: float = setting(0.0, "Weight of the sum of |w|.", NUMBER, group=_TRAINING)
    clip_norm: float = setting(0.0, "Largest norm of the gradient.", NUMBER, group=_TRAINING)
    accumulate: int = setting(1, "Batches per update.", WHOLE, group=_TRAINING)
    ema_decay: float = setting(0.0, "Average the weights with this decay.", NUMBER, group=_TRAINING)
    patience: int = setting(0, "Stop early after so many epochs without a better one.", WHOLE, group=_TRAINING)
    sampler: str = setting(
        "uniform",
        "uniform; balanced: each class equally often; weighted: drawn by --weight-column.",
        TEXT,
        group=_TRAINING,
    )
    steps_per_epoch: int = setting(
        0, "Batches of an epoch, for shards: 'shards/{000..099}.tar'.", WHOLE, group=_TRAINING
    )
    seed: int = setting(0, "Random seed.", WHOLE, group=_TRAINING)
    plan: str = setting(
        "auto",
        "auto, auto:fp32, plain, parts (bf16,channels-last,fused), or a run.",
        TEXT,
        CONFIG,
        PATH,
        group=_TRAINING,
    )
    device: str = setting("auto", "auto, cpu, cuda, mps.", TEXT, group=_TRAINING)
    threads: int = setting(0, "CPU threads.", WHOLE, group=_TRAINING)
    max_seconds: float = setting(0.0, "Stop after so many seconds.", NUMBER, group=_TRAINING)
    save_every_seconds: float = setting(
        300.0, "Longest time between two saved states.", NUMBER, group=_TRAINING, flags=""
    )
    networks: str = setting(
        "",
        "Setting of one network of several: discriminator.lr=0.5x, generator.every=2, .optimizer, .ema_decay; "
        "repeatable.",
        TEXT,
        group=_TRAINING,
        flags="--set",
        repeats=True,
    )
    histograms: bool = setting(
        False, "With --tensorboard: histograms of weights, gradients, activations.", FLAG, group=_RUN
    )

    def __post_init__(self) -> None:
        for name, value in spelled_out({f.name: getattr(self, f.name) for f in fields(self)}).items():
            object.__setattr__(self, name, value)
        at_least = {"epochs": 1, "batch_size": 1, "accumulate": 1}
        most_threads = max(_USUAL_THREADS, _THREADS_PER_CPU * (os.cpu_count() or 1))
        for name in (f.name for f in fields(self)):
            value = getattr(self, name)
            _check_type(name, value)
            if isinstance(value, str | bool) or callable(value):
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
        """Every setting; a function of one's own by its name."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: name_of(value) if callable(value) else value for name, value in values.items()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> TrainConfig:
        known = {f.name for f in fields(cls)}
        for name in data:
            if name not in known:
                raise UnknownNameError("training setting", name, known)
        return cls(**data)


def spelled_out(settings: dict[str, Any], *, overrides: bool = True) -> dict[str, Any]:
    """Settings in which a config of an optimizer, a schedule or a plan is written as its text.

    What a config of an optimizer says of the rate, weight decay and momentum are settings of their own.

    Args:
        settings: of `TrainConfig`, by name.
        overrides: whether the config's word wins over a setting that says otherwise; else that is refused.

    Raises:
        UsageError: a setting is said twice.
    """
    found = dict(settings)
    for name in ("optimizer", "schedule", "plan"):
        value = found.get(name)
        if value is None or isinstance(value, str) or not hasattr(value, "__dataclass_fields__"):
            continue
        found[name] = str(value)
        for other, said in value.run_settings().items() if hasattr(value, "run_settings") else ():
            if not overrides and found.get(other, said) != said:
                raise UsageError(
                    f"{other} is said twice: {said!r} by the {name} and {found[other]!r} beside it; say it once."
                )
            found[other] = said
    return found


def _check_type(name: str, value: Any) -> None:
    wanted = type(getattr(TrainConfig, name))
    fits = isinstance(value, wanted) or (wanted is float and isinstance(value, int))
    fits = fits or (name in ("optimizer", "schedule") and callable(value))
    if not fits or (isinstance(value, bool) and wanted is not bool):
        shown = repr(value)[:60]
        raise UsageError(f"The training setting {name!r} must be of type {wanted.__name__}; got {shown}.")
