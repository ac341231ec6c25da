"""What a search may change: settings by name, each with its values or its range and the scale on which it is drawn.

Source: J. Bergstra, Y. Bengio, "Random search for hyper-parameter optimization", JMLR 13, 2012; A. Ng, "Improving deep
    neural networks", 2017, week 3 (a logarithmic scale for rates, and for 1 − β of averages).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from derin.core.errors import UnknownNameError, UsageError
from derin.core.settings import FLAG, NUMBER, TEXT, WHOLE, Setting, read_value

LINEAR, LOG, ONE_MINUS_LOG = "linear", "log", "one-minus-log"
SCALES = (LINEAR, LOG, ONE_MINUS_LOG)
# Where nobody names a scale.
_USUAL_SCALES = {
    "learning_rate": LOG,
    "weight_decay": LOG,
    "l1": LOG,
    "clip_norm": LOG,
    "momentum": ONE_MINUS_LOG,
    "ema_decay": ONE_MINUS_LOG,
}
# What belongs to a search as a whole, or decides nothing about a result.
_NOT_SEARCHED = frozenset({"device", "threads", "max_seconds", "save_every_seconds", "histograms", "plan", "seed"})
_RATE_FACTOR = 30.0
_BATCHES = (0.5, 1.0, 2.0, 4.0)
_FEWEST_BATCHES = 8  # of an epoch
_DECAYS, _MOMENTA, _DROPOUTS = (1e-5, 0.3), (0.8, 0.99), (0.0, 0.5)
_WITH_MOMENTUM = ("momentum", "nesterov", "rmsprop", "muon")


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """One setting and what it may be.

    Args:
        name: of the setting, or of an option of the network.
        is_option: whether it is an option of the network.
        choices: its values; empty where it has a range.
        low, high: the bounds of the range, both within it.
        scale: on which values are drawn evenly: ``"linear"``; ``"log"``, of x; ``"one-minus-log"``, of 1 − x.
        whole: whether it is a whole number.
    """

    name: str
    is_option: bool = False
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 1.0
    scale: str = LINEAR
    whole: bool = False

    def __post_init__(self) -> None:
        if self.choices:
            return
        where = f"The range of {self.name}"
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise UsageError(f"{where} must rise, LOW:HIGH; got {self.low:g}:{self.high:g}.")
        if self.scale == LOG and self.low <= 0:
            raise UsageError(f"{where} begins at {self.low:g}, which has no logarithm; begin above 0 or write :linear.")
        if self.scale == ONE_MINUS_LOG and not (self.low >= 0 and self.high < 1):
            raise UsageError(f"{where} must lie between 0 and below 1 on the scale of 1 − x; got {self.high:g}.")

    def place(self, value: float) -> float:
        """A value on the scale on which it is drawn."""
        return math.log(value) if self.scale == LOG else -math.log1p(-value) if self.scale == ONE_MINUS_LOG else value

    def value(self, place: float) -> Any:
        """The value at a place of the scale, within the bounds."""
        found = math.exp(place) if self.scale == LOG else -math.expm1(-place) if self.scale == ONE_MINUS_LOG else place
        found = min(max(found, self.low), self.high)
        return round(found) if self.whole else found

    def draw(self, random: np.random.Generator) -> Any:
        """A value, all equally likely on its scale.

        Example:
            >>> rate = Dimension(name="learning_rate", low=1e-4, high=1.0, scale=LOG)
            >>> drawn = [rate.draw(np.random.default_rng(i)) for i in range(1000)]
            >>> 0.45 < sum(value < 1e-2 for value in drawn) / 1000 < 0.55
            True
        """
        if self.choices:
            return self.choices[int(random.integers(len(self.choices)))]
        return self.value(random.uniform(self.place(self.low), self.place(self.high)))

    def holds(self, value: Any) -> bool:
        """Whether a value is one of those that may come."""
        if self.choices:
            return value in self.choices
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high

    def around(self, values: Sequence[Any]) -> Dimension:
        """The part of it in which some values lie, with a tenth more on each side; of choices those that came.

        Example:
            >>> near = Dimension(name="lr", low=1e-6, high=1.0, scale=LOG).around([1e-3, 1e-2])
            >>> round(near.low, 6), round(near.high, 6)
            (0.000794, 0.012589)
        """
        if self.choices:
            kept = tuple(choice for choice in self.choices if choice in values)
            return Dimension(name=self.name, is_option=self.is_option, choices=kept or self.choices)
        places = [self.place(value) for value in values]
        low, high = min(places), max(places)
        # Of values that are one, a tenth of the whole range.
        room = 0.1 * ((high - low) or (self.place(self.high) - self.place(self.low)))
        bounds = self.value(low - room), self.value(high + room)
        if bounds[0] >= bounds[1]:
            bounds = self.low, self.high
        about = {f.name: getattr(self, f.name) for f in fields(self)}
        return Dimension(**{**about, "low": float(bounds[0]), "high": float(bounds[1])})

    def to_json(self) -> dict[str, Any]:
        about: dict[str, Any] = {"name": self.name, "is_option": self.is_option}
        if self.choices:
            return {**about, "choices": list(self.choices)}
        return {**about, "low": self.low, "high": self.high, "scale": self.scale, "whole": self.whole}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Dimension:
        """The one that `to_json` described.

        Raises:
            UsageError: it is none.
            TypeError: a field that does not exist, or of the wrong type.
        """
        choices = tuple(tuple(c) if isinstance(c, list) else c for c in data.get("choices", ()))
        return cls(**{**data, "choices": choices})

    def __str__(self) -> str:
        if self.choices:
            return f"{self.name}={','.join(map(str, self.choices))}"
        return f"{self.name}={self.low:g}:{self.high:g}:{self.scale}"


def read_space(given: Mapping[str, Any] | Sequence[str], settings: Sequence[Setting], options: Any) -> list[Dimension]:
    """The space that a person states.

    Args:
        given: ``["lr=1e-4:1e-1:log", "batch_size=32,64"]``, or by name ``"1e-4:1e-1:log"``, ``(1e-4, 1e-1, "log")``, or
            a list of values.
        settings: what may be set; names of options count too (``lr``).
        options: of the network: an instance of its dataclass, or None.

    Raises:
        UsageError: a range or a value that does not fit.
        UnknownNameError: there is no such setting.

    Example:
        >>> from derin.core.settings import settings_of
        >>> from derin.train.config import TrainConfig
        >>> [str(each) for each in read_space(["lr=1e-4:1e-1", "batch_size=32,64"], settings_of(TrainConfig), None)]
        ['learning_rate=0.0001:0.1:log', 'batch_size=32,64']
    """
    pairs = list(given.items()) if isinstance(given, Mapping) else [_pair(text) for text in given]
    by_name = {name: each for each in settings for name in (each.name, *(f.lstrip("-") for f in each.flags))}
    by_name = {name.replace("-", "_"): each for name, each in by_name.items() if each.name not in _NOT_SEARCHED}
    defaults = {f.name: getattr(options, f.name) for f in fields(options)} if options is not None else {}
    found: list[Dimension] = []
    for name, said in pairs:
        plain = str(name).replace("-", "_")
        if plain in by_name:
            setting = by_name[plain]
            found.append(_dimension(setting.name, said, _kind_of(setting), is_option=False))
        elif plain in defaults:
            found.append(_dimension(plain, said, _kind_of_value(defaults[plain]), is_option=True))
        else:
            raise UnknownNameError("setting to search over", str(name), {*by_name, *defaults})
    names = [each.name for each in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"The setting {twice} is searched over twice; say it once.")
    return found


def default_space(config: Any, options: Any, num_train: int) -> list[Dimension]:
    """What is worth searching over where nobody says it, around the settings that would be taken without a search.

    The learning rate from a thirtieth to thirty times its default, batches from half to four times, weight decay where
    the optimizer has it, momentum where it has that, dropout where the network has it.

    Args:
        config: the `TrainConfig` that would be taken.
        options: of the network: an instance of its dataclass, or None.
        num_train: training examples.
    """
    rate = config.learning_rate
    space = [Dimension(name="learning_rate", low=rate / _RATE_FACTOR, high=rate * _RATE_FACTOR, scale=LOG)]
    sizes = {max(1, round(config.batch_size * factor)) for factor in _BATCHES}
    batches = tuple(sorted(size for size in sizes if size * _FEWEST_BATCHES <= num_train))
    if len(batches) > 1:
        space.append(Dimension(name="batch_size", choices=batches))
    space.append(Dimension(name="weight_decay", low=_DECAYS[0], high=_DECAYS[1], scale=LOG))
    if str(config.optimizer).partition(":")[0] in _WITH_MOMENTUM:
        space.append(Dimension(name="momentum", low=_MOMENTA[0], high=_MOMENTA[1], scale=ONE_MINUS_LOG))
    if isinstance(getattr(options, "dropout", None), float):
        space.append(Dimension(name="dropout", is_option=True, low=_DROPOUTS[0], high=_DROPOUTS[1]))
    return space


def _pair(text: str) -> tuple[str, str]:
    name, sign, said = text.partition("=")
    if not sign or not name or not said:
        raise UsageError(f"What is searched over must be NAME=LOW:HIGH[:SCALE] or NAME=VALUE,VALUE; got {text!r}.")
    return name, said


def _kind_of(setting: Setting) -> str:
    return next((kind for kind in (WHOLE, NUMBER, FLAG, TEXT) if kind in setting.kinds), "")


def _kind_of_value(value: Any) -> str:
    if isinstance(value, bool):
        return FLAG
    return WHOLE if isinstance(value, int) else NUMBER if isinstance(value, float) else TEXT


def _dimension(name: str, said: Any, kind: str, *, is_option: bool) -> Dimension:
    if not kind:
        raise UsageError(f"The setting {name} is neither a number nor a text; it cannot be searched over.")
    bounds: Any = None
    choices: Sequence[Any] = ()
    if isinstance(said, str):
        bounds = said.split(":") if kind in (WHOLE, NUMBER) and ":" in said else None
        choices = said.split(",")
    elif isinstance(said, tuple):
        bounds = said
    else:
        choices = list(said)
    if bounds is None:
        usual = {WHOLE: 1, NUMBER: 1.0, FLAG: True}.get(kind, "")
        values = tuple(read_value(str(choice), usual) if isinstance(choice, str) else choice for choice in choices)
        if None in values:
            raise UsageError(f"The setting {name} is {kind}; got {said!r}.")
        if len(values) < 2 or len(set(map(str, values))) < len(values):
            raise UsageError(f"At least two different values of {name} are required to search over it; got {said!r}.")
        return Dimension(name=name, is_option=is_option, choices=values)
    scale = bounds[2] if len(bounds) == 3 else None
    numbers = [read_value(str(bound), 0.0) for bound in bounds[:2]]
    if None in numbers or len(bounds) not in (2, 3) or kind not in (WHOLE, NUMBER):
        raise UsageError(f"A range of {name} must be LOW:HIGH or LOW:HIGH:SCALE; got {said!r}.")
    if scale is not None and scale not in SCALES:
        raise UnknownNameError("scale", str(scale), SCALES)
    low, high = (float(number) for number in numbers)
    usual_scale = _USUAL_SCALES.get(name, LINEAR)
    if usual_scale == LOG and low <= 0:
        usual_scale = LINEAR
    return Dimension(
        name=name, is_option=is_option, low=low, high=high, scale=scale or usual_scale, whole=kind == WHOLE
    )
