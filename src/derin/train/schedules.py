"""Learning-rate schedules: the rate as a pure function of the examples seen and of the share of the time that is used.

α₀ is the rate given, e the number of whole epochs completed, p the share of training that is done (0 to 1, counted
from the end of the warm-up). Since examples and not steps are counted, another batch size changes no curve. Where time
is limited, p is the share of the time where that is the larger one, so that a run that time will end has come down to
its low rate by then; what is counted in epochs stays as it was written. A schedule
is written as a name with options after a colon: ``"cosine"``, ``"step:every=10,factor=0.1"``,
``"manual:0=0.1,3=0.01"``; or as the class of that name, `Cosine()`, `Step(every=10, factor=0.1)`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from derin.core.errors import UnknownNameError, UsageError
from derin.core.own import is_own, name_of
from derin.core.registry import Registry
from derin.core.settings import spelled


@dataclass(frozen=True, slots=True)
class Clock:
    """A moment of training.

    Args:
        learning_rate: α₀.
        epochs: passes over the data so far, with fraction.
        progress: p.
    """

    learning_rate: float
    epochs: float
    progress: float

    @property
    def whole_epochs(self) -> int:
        """e. The little that is added undoes rounding in examples / examples per epoch."""
        return math.floor(self.epochs + 1e-9)


@dataclass(frozen=True)
class Curve(ABC):
    """A schedule without warm-up. Options are its dataclass fields.

    Example:
        >>> str(Step(every=5)), str(OneCycle(pct=0.3, anneal="linear"))
        ('step:every=5', 'one-cycle:pct=0.3,anneal=linear')
    """

    name: ClassVar[str]
    warms_up: ClassVar[bool] = False

    @abstractmethod
    def rate(self, now: Clock) -> float:
        """The rate at a moment."""

    def __str__(self) -> str:
        options = {each.name: (getattr(self, each.name), each.default) for each in fields(self)}
        told = [f"{name}={spelled(value)}" for name, (value, usual) in options.items() if value != usual]
        return self.name + (":" + ",".join(told) if told else "")


SCHEDULES: Registry[type[Curve]] = Registry(
    "schedule",
    {
        "constant": "derin.train.schedules:Constant",
        "inverse": "derin.train.schedules:Inverse",
        "exponential": "derin.train.schedules:Exponential",
        "inverse-sqrt": "derin.train.schedules:InverseSqrt",
        "step": "derin.train.schedules:Step",
        "manual": "derin.train.schedules:Manual",
        "linear": "derin.train.schedules:Linear",
        "cosine": "derin.train.schedules:Cosine",
        "one-cycle": "derin.train.schedules:OneCycle",
    },
)


@dataclass(frozen=True)
class Schedule:
    """What `build_schedule` returns: call it with the examples seen, and the share of the time used, to get the rate.

    Args:
        text: as it was written.
        curve: the rule.
        learning_rate: α₀.
        total_examples: of the whole training.
        examples_per_epoch: of one pass.
        warmup: share of training over which the rate is scaled up to 1.
        examples_per_step: of one update. Of the T steps of a warm-up the first one takes 1/T of the rate.
    """

    text: str
    curve: Curve
    learning_rate: float
    total_examples: int
    examples_per_epoch: int
    warmup: float = 0.0
    examples_per_step: int = 1

    def __call__(self, examples_seen: int, time_share: float = 0.0) -> float:
        """The rate of a step that begins when this many examples have been seen and this share of the time is used."""
        warm = self.warmup * self.total_examples
        rest = self.total_examples - warm
        done = max(examples_seen, time_share * self.total_examples)
        progress = min(max((done - warm) / rest, 0.0), 1.0) if rest > 0 else 0.0
        now = Clock(self.learning_rate, examples_seen / self.examples_per_epoch, progress)
        scale = min((done + self.examples_per_step) / warm, 1.0) if done < warm else 1.0
        return scale * self.curve.rate(now)


@dataclass(frozen=True)
class OwnCurve(Curve):
    """α = α₀ · f(p), with a function of the caller's own."""

    function: Callable[[float], float]
    name: ClassVar[str] = "own"

    def rate(self, now: Clock) -> float:
        factor = float(self.function(now.progress))
        if not 0 <= factor < math.inf:
            raise UsageError(
                f"The schedule {str(self)!r} must give a factor of at least 0 for a share of training from 0 to 1; it "
                f"gave {factor} for {now.progress:.3g}."
            )
        return now.learning_rate * factor

    def __str__(self) -> str:
        return name_of(self.function).removeprefix("own:")


def build_schedule(
    schedule: str | Callable[[float], float],
    *,
    learning_rate: float,
    total_examples: int,
    examples_per_epoch: int,
    warmup: float = 0.0,
    examples_per_step: int = 1,
) -> Schedule:
    """A schedule from its name and options.

    Args:
        schedule: a name of `SCHEDULES`, with options after a colon; or a function from p to a factor on the rate.
        learning_rate: α₀, the highest rate except where ``manual`` gives rates itself.
        total_examples: examples of the whole training, repeated ones counted again.
        examples_per_epoch: examples of one pass.
        warmup: share of training (0 to 1) over which the rate rises linearly, in its T steps from 1/T to 1; curves
            over the whole training (linear, cosine) begin after it.
        examples_per_step: examples of one update.

    Raises:
        UnknownNameError: for a name or an option that does not exist.
        UsageError: for values out of range, and for a warm-up on top of one-cycle, which has its own.

    Example:
        >>> rate = build_schedule("inverse:k=1", learning_rate=0.2, total_examples=500, examples_per_epoch=100)
        >>> [round(rate(100 * epoch), 3) for epoch in range(5)]
        [0.2, 0.1, 0.067, 0.05, 0.04]
    """
    if total_examples < 1 or examples_per_epoch < 1:
        raise UsageError(
            "A schedule needs at least one example; "
            f"got total_examples={total_examples}, examples_per_epoch={examples_per_epoch}."
        )
    if not learning_rate >= 0 or not math.isfinite(learning_rate):
        raise UsageError(f"learning_rate must be a finite number of at least 0; got learning_rate={learning_rate}.")
    if not 0 <= warmup <= 1:
        raise UsageError(f"warmup is a share of training from 0 to 1; got warmup={warmup}.")
    curve = curve_of(schedule)
    if warmup and curve.warms_up:
        raise UsageError(
            f"The schedule {curve.name!r} warms up by itself; got warmup={warmup} as well. "
            f"Use '{curve.name}:pct={warmup:g}', or warmup=0."
        )
    return Schedule(
        schedule if isinstance(schedule, str) else str(curve),
        curve,
        learning_rate,
        total_examples,
        examples_per_epoch,
        warmup,
        examples_per_step,
    )


def curve_of(schedule: str | Callable[[float], float]) -> Curve:
    """The rule that a text or a function stands for."""
    if not isinstance(schedule, str):
        return OwnCurve(schedule)
    if is_own(schedule):
        raise UsageError(f"The schedule {schedule.removeprefix('own:')} is a function of your own; give that function.")
    name, _, options = schedule.partition(":")
    kind = SCHEDULES[name]
    return kind(**_options(name, kind, options))


@dataclass(frozen=True)
class Constant(Curve):
    """α = α₀"""

    name: ClassVar[str] = "constant"

    def rate(self, now: Clock) -> float:
        return now.learning_rate


@dataclass(frozen=True)
class Inverse(Curve):
    """α = α₀ / (1 + k·e)"""

    k: float = 1.0
    name: ClassVar[str] = "inverse"

    def __post_init__(self) -> None:
        _require("inverse", k=(self.k, self.k >= 0, "at least 0"))

    def rate(self, now: Clock) -> float:
        return now.learning_rate / (1 + self.k * now.whole_epochs)


@dataclass(frozen=True)
class Exponential(Curve):
    """α = α₀ · baseᵉ"""

    base: float = 0.95
    name: ClassVar[str] = "exponential"

    def __post_init__(self) -> None:
        _require("exponential", base=(self.base, 0 < self.base <= 1, "above 0 and at most 1"))

    def rate(self, now: Clock) -> float:
        return now.learning_rate * self.base**now.whole_epochs


@dataclass(frozen=True)
class InverseSqrt(Curve):
    """α = α₀ · k / √(e + 1), so that the first epoch is number 1"""

    k: float = 1.0
    name: ClassVar[str] = "inverse-sqrt"

    def __post_init__(self) -> None:
        _require("inverse-sqrt", k=(self.k, self.k > 0, "above 0"))

    def rate(self, now: Clock) -> float:
        return now.learning_rate * self.k / math.sqrt(now.whole_epochs + 1)


@dataclass(frozen=True)
class Step(Curve):
    """α = α₀ · factor^⌊e / every⌋, the staircase"""

    every: float = 10.0
    factor: float = 0.1
    name: ClassVar[str] = "step"

    def __post_init__(self) -> None:
        _require(
            "step",
            every=(self.every, self.every > 0, "above 0 (epochs)"),
            factor=(self.factor, self.factor > 0, "above 0"),
        )

    def rate(self, now: Clock) -> float:
        return now.learning_rate * self.factor ** math.floor(now.epochs / self.every + 1e-9)


@dataclass(frozen=True)
class Manual(Curve):
    """α = the rate of the latest point that is reached: epoch=rate,…; before the first, α₀"""

    points: tuple[tuple[float, float], ...]
    name: ClassVar[str] = "manual"

    def __post_init__(self) -> None:
        if not self.points:
            raise UsageError("The schedule 'manual' needs at least one epoch=rate, such as 'manual:0=0.1,3=0.01'.")
        epochs = [epoch for epoch, _ in self.points]
        if sorted(set(epochs)) != epochs or epochs[0] < 0 or any(not rate >= 0 for _, rate in self.points):
            raise UsageError(
                "The schedule 'manual' needs rising epochs of at least 0 and rates of at least 0; "
                f"got {', '.join(f'{epoch:g}={rate:g}' for epoch, rate in self.points)}."
            )

    def __str__(self) -> str:
        return f"{self.name}:" + ",".join(f"{spelled(epoch)}={spelled(rate)}" for epoch, rate in self.points)

    def rate(self, now: Clock) -> float:
        reached = bisect_right([epoch for epoch, _ in self.points], now.epochs + 1e-9)
        return self.points[reached - 1][1] if reached else now.learning_rate


@dataclass(frozen=True)
class Linear(Curve):
    """α = α₀ · (1 + (end − 1)·p)"""

    end: float = 0.0
    name: ClassVar[str] = "linear"

    def __post_init__(self) -> None:
        _require("linear", end=(self.end, 0 <= self.end <= 1, "a share of the rate from 0 to 1"))

    def rate(self, now: Clock) -> float:
        return now.learning_rate * (1 + (self.end - 1) * now.progress)


@dataclass(frozen=True)
class Cosine(Curve):
    """α = α₀ · (end + (1 − end)·(1 + cos πp)/2); Loshchilov and Hutter 2017"""

    end: float = 0.0
    name: ClassVar[str] = "cosine"

    def __post_init__(self) -> None:
        _require("cosine", end=(self.end, 0 <= self.end <= 1, "a share of the rate from 0 to 1"))

    def rate(self, now: Clock) -> float:
        return now.learning_rate * _between(1.0, self.end, now.progress, "cosine")


@dataclass(frozen=True)
class OneCycle(Curve):
    """α rises from α₀/start_div to α₀ over the share pct, then falls to α₀/(start_div·end_div), along cosines or lines
    (anneal=linear); Smith and Topin 2018
    """

    pct: float = 0.25
    start_div: float = 25.0
    end_div: float = 1e4
    anneal: str = "cosine"
    name: ClassVar[str] = "one-cycle"
    warms_up: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _require(
            "one-cycle",
            pct=(self.pct, 0 <= self.pct < 1, "a share of training from 0 to below 1"),
            start_div=(self.start_div, self.start_div >= 1, "at least 1"),
            end_div=(self.end_div, self.end_div >= 1, "at least 1"),
            anneal=(self.anneal, self.anneal in ("cosine", "linear"), "cosine or linear"),
        )

    def rate(self, now: Clock) -> float:
        start, end = 1 / self.start_div, 1 / (self.start_div * self.end_div)
        if now.progress < self.pct:
            return now.learning_rate * _between(start, 1.0, now.progress / self.pct, self.anneal)
        return now.learning_rate * _between(1.0, end, (now.progress - self.pct) / (1 - self.pct), self.anneal)


def _between(start: float, end: float, share: float, anneal: str) -> float:
    """From start (share 0) to end (share 1), along half a cosine or a line."""
    if anneal == "cosine":
        share = (1 - math.cos(math.pi * share)) / 2
    return start + (end - start) * share


def _options(name: str, kind: type[Any], text: str) -> dict[str, Any]:
    """Options after the colon, in the types of the curve's fields."""
    pairs = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        key, equals, value = (p.strip() for p in part.partition("="))
        if not equals:
            raise UsageError(f"An option of the schedule {name!r} is written key=value; got {part!r}.")
        pairs.append((key, value))
    if kind is Manual:
        return {"points": tuple((_number(name, key, key), _number(name, key, value)) for key, value in pairs)}
    known = {field.name: field.type for field in fields(kind)}
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key not in known:
            raise UnknownNameError(f"option of the schedule {name!r}", key, known)
        if key in found:
            raise UsageError(f"The option {key!r} of the schedule {name!r} is given twice; give it once.")
        found[key] = value if known[key] == "str" else _number(name, key, value)
    return found


def _number(name: str, key: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"The option {key!r} of the schedule {name!r} must be a number; got {value!r}.")
    return number


def _require(schedule: str, **conditions: tuple[Any, bool, str]) -> None:
    """Raises for the first option whose condition does not hold: value, condition, what is required."""
    for option, (value, holds, required) in conditions.items():
        if not holds:
            raise UsageError(f"The option {option!r} of the schedule {schedule!r} must be {required}; got {value}.")
