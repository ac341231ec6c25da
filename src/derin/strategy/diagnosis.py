"""What is wrong with a system, from its errors: avoidable bias, variance, data mismatch, or an over-fitted dev set.

============== ==================================== ===================================
part           difference                           what it says
============== ==================================== ===================================
avoidable_bias train − reference                    it has not learned what it was shown
variance       training-dev (or dev) − train        it knows its examples, not the task
data_mismatch  dev − training-dev                   it was shown other data than it meets
dev_overfit    test − dev                           too much was chosen by the dev set
============== ==================================== ===================================

The reference is the error of people or of whatever else does the task well, a proxy of the error that nothing can go
below. The principal part is the largest, the first of the table where several are equal. Where the numbers come from
samples, every part has a 95 % interval; where these leave open which part is the largest, it cannot be told, and it is
said about how many more examples would tell.

Source: A. Ng, "Machine Learning Yearning", 2018, chapters 20 to 44.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from derin.core.errors import UnknownNameError, UsageError
from derin.strategy.intervals import combined_interval, paired_difference_interval, share_interval
from derin.tasks.metrics.intervals import Interval

PARTS = ("avoidable_bias", "variance", "data_mismatch", "dev_overfit")
NONE, CANNOT_TELL = "none", "cannot_tell"
SETS = ("train", "traindev", "dev", "test")
_OTHER_NAMES = {
    "training": "train",
    "training-dev": "traindev",
    "training_dev": "traindev",
    "train-dev": "traindev",
    "train_dev": "traindev",
    "val": "dev",
    "validation": "dev",
}
# What no part can exceed where it is said that nothing is wrong, or twice what is material where that is more.
_RESOLUTION = 0.02
_LIKE = 0.75  # of the letters: a name of a reference that is so like that of a set is a slip
_MOST_TIMES = 4096  # so many times the examples are looked at in search of how many would tell
_DIGITS = 12  # beyond these, differences of equal numbers differ by rounding alone


@dataclass(frozen=True, kw_only=True)
class Measured:
    """An error as far as it is known.

    Args:
        value: the error.
        low, high: of its 95 % interval; the value itself where it is exact.
        num_examples: on which it was measured; None where it is exact.
        is_share: whether it is a share of examples that were counted.
    """

    value: float
    low: float
    high: float
    num_examples: int | None = None
    is_share: bool = True

    @classmethod
    def exact(cls, value: float) -> Measured:
        return cls(value=value, low=value, high=value)

    @classmethod
    def share(cls, value: float, num_examples: int) -> Measured:
        """A share of mistakes among examples."""
        low, high = share_interval(value * num_examples, num_examples)
        return cls(value=value, low=low, high=high, num_examples=num_examples)

    @property
    def interval(self) -> Interval:
        return self.low, self.high

    def times_examples(self, factor: float) -> Measured:
        """The same error, had it been measured on so many times the examples."""
        if self.num_examples is None:
            return self
        num = round(self.num_examples * factor)
        if self.is_share:
            return Measured.share(self.value, num)
        shrunk = 1 / math.sqrt(factor)
        return replace(
            self,
            low=self.value - (self.value - self.low) * shrunk,
            high=self.value + (self.high - self.value) * shrunk,
            num_examples=num,
        )


@dataclass(frozen=True)
class Part:
    """One difference between two errors, with its 95 % interval.

    Args:
        name: of `PARTS`.
        value: the difference.
        low, high: of the interval.
    """

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Suggestion:
    """What may help, and the command that tries it.

    Args:
        why: in a sentence.
        command: as it is typed.
    """

    why: str
    command: str


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What is wrong and what to do next.

    Args:
        principal: the part to work on, ``"none"`` or ``"cannot_tell"``.
        parts: the differences that can be taken from the numbers.
        suggestions: what moves that part, most promising first.
        errors: by name: the reference, train, traindev, dev and test, as far as they are known.
        reference: the name of the reference level; None where there was none, so that bias is measured against 0.
        levels: all reference errors by name.
        material: what is smaller is called nothing.
        metric: what was measured, where it is no plain error.
        more_examples: by set, about how many more examples would tell; empty where it can be told.
        otherwise: by name of another reference level, the principal part against that one, where it is another.
        notes: sentences about what the numbers leave open.
        in_percent: whether errors are shares, written in percent.
    """

    principal: str
    parts: tuple[Part, ...]
    suggestions: tuple[Suggestion, ...] = ()
    errors: Mapping[str, Measured] = field(default_factory=dict)
    reference: str | None = None
    levels: Mapping[str, float] = field(default_factory=dict)
    material: float = 0.0
    metric: str | None = None
    more_examples: Mapping[str, int] = field(default_factory=dict)
    otherwise: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    in_percent: bool = True

    def part(self, name: str) -> Part | None:
        """The part of this name, where the numbers give it."""
        return next((part for part in self.parts if part.name == name), None)

    @property
    def worth_work(self) -> Part | None:
        """The principal part; where it cannot be told, the one measured largest if it is surely there."""
        if self.principal != CANNOT_TELL:
            return self.part(self.principal)
        top = max(self.parts, key=lambda part: part.value)
        return top if top.low > 0 and top.value >= self.material else None

    def to_json(self) -> dict[str, Any]:
        """The promised document of ``derin diagnose --json``."""
        return {
            "principal": self.principal,
            "parts": [{"name": p.name, "value": p.value, "low": p.low, "high": p.high} for p in self.parts],
            "suggestions": [{"why": s.why, "command": s.command} for s in self.suggestions],
            "errors": {
                name: {"value": m.value, "low": m.low, "high": m.high, "num_examples": m.num_examples}
                for name, m in self.errors.items()
            },
            "reference": self.reference,
            "metric": self.metric,
            "material": self.material,
            "more_examples": dict(self.more_examples),
            "otherwise": dict(self.otherwise),
            "notes": list(self.notes),
        }


def diagnose_errors(
    errors: Mapping[str, Measured],
    *,
    levels: Mapping[str, Measured] | None = None,
    reference: str | None = None,
    material: float | None = None,
    paired: Mapping[str, tuple[int, int, int]] | None = None,
    bias_is_known: bool = True,
) -> Diagnosis:
    """The parts of a system's error and the one to work on, without suggestions.

    Args:
        errors: of the sets ``train`` and ``dev``, and of ``traindev`` and ``test`` where they are known.
        levels: reference errors by name; the smallest is the proxy of the error that nothing goes below.
        reference: the level to measure against in place of the smallest.
        material: what is smaller is called nothing; None calls nothing what is not above 0.
        paired: by part, what was counted where both errors are of the same examples: those on which the first error
            alone counts, those on which the second alone does, and all examples.
        bias_is_known: whether 0 is a reference where there is no level.

    Raises:
        UsageError: numbers are missing or contradict each other.
    """
    levels = dict(levels or {})
    for name in ("train", "dev"):
        if name not in errors:
            there = ", ".join(errors) or "none"
            raise UsageError(
                f"A diagnosis needs the errors of train and dev; got {there}. Add {name}=ERROR, such as "
                f"{name}=0.08:5000."
            )
    if material is not None and not (math.isfinite(material) and material >= 0):
        raise UsageError(f"material is the smallest part that matters, at least 0; got {material}.")
    if reference is not None and reference not in levels:
        raise UnknownNameError("reference level", reference, levels)
    chosen = reference or min(levels, key=lambda name: levels[name].value, default=None)
    numbers = {name: errors[name] for name in SETS if name in errors}
    if chosen is not None:
        numbers = {"reference": levels[chosen], **numbers}
    elif bias_is_known:
        numbers = {"reference": Measured.exact(0.0), **numbers}

    def decide(numbers: Mapping[str, Measured]) -> str:
        return _principal(_parts(numbers, paired or {}), numbers, material)

    principal = decide(numbers)
    others = {name: decide({**numbers, "reference": level}) for name, level in levels.items() if name != chosen}
    return Diagnosis(
        principal=principal,
        parts=_parts(numbers, paired or {}),
        errors=numbers,
        reference=chosen,
        levels={name: level.value for name, level in levels.items()},
        material=material or 0.0,
        more_examples=_more_examples(numbers, decide) if principal == CANNOT_TELL else {},
        otherwise={name: found for name, found in others.items() if found != principal},
    )


def read_numbers(texts: Sequence[str]) -> tuple[dict[str, Measured], dict[str, Measured]]:
    """Errors of sets and reference levels from ``NAME=ERROR`` and ``NAME=ERROR:EXAMPLES``.

    An error is a share (``0.08``) or a number of percent (``8%``); without a number of examples it is exact. Whatever
    is not called train, traindev, dev or test is the level of a reference: ``human``, ``expert``, ``team``.

    Returns:
        the errors by set, and the levels by name.

    Raises:
        UsageError: a text is no number, or a name comes twice.

    Example:
        >>> errors, levels = read_numbers(["human=1%", "train=0.08:5000", "dev=0.10:1000"])
        >>> errors["train"].num_examples, levels["human"].value
        (5000, 0.01)
    """
    errors: dict[str, Measured] = {}
    levels: dict[str, Measured] = {}
    for text in texts:
        name, sign, number = text.partition("=")
        name = name.strip()
        if not sign or not name or not number:
            raise UsageError(f"A number is NAME=ERROR or NAME=ERROR:EXAMPLES, such as dev=0.10:1000; got {text!r}.")
        name = _OTHER_NAMES.get(name.lower(), name)
        if name in errors or name in levels:
            raise UsageError(f"The error of {name} is given twice, the second time as {text!r}; leave one out.")
        if name in SETS:
            errors[name] = read_error(name, number)
            continue
        if close := difflib.get_close_matches(name.lower(), (*SETS, *_OTHER_NAMES), n=1, cutoff=_LIKE):
            raise UsageError(
                f"There is no set named {name!r}; did you mean {close[0]!r}? The error of a reference has "
                "another name, such as human."
            )
        levels[name] = read_error(name, number)
    return errors, levels


def read_error(name: str, text: str) -> Measured:
    """An error from ``0.08``, ``8%`` or ``0.08:5000``.

    Args:
        name: whose error it is.
        text: the error, and behind a colon the number of examples.

    Raises:
        UsageError: it is none.
    """
    value, colon, count = text.partition(":")
    value = value.strip()
    is_percent = value.endswith("%")
    try:
        error = float(value.removesuffix("%")) / (100 if is_percent else 1)
    except ValueError:
        raise UsageError(
            f"The error of {name} is a share such as 0.08, or a percentage such as 8%; got {value!r}."
        ) from None
    if not 0 <= error <= 1:
        hint = f" Write {error:g}% if that is meant." if not is_percent and 1 < error <= 100 else ""
        raise UsageError(f"The error of {name} lies between 0 and 1, or between 0% and 100%; got {value}.{hint}")
    if not colon:
        return Measured.exact(error)
    if not count.strip().isascii() or not count.strip().isdigit() or int(count) < 1:
        raise UsageError(f"The number of examples of {name} is a whole number, at least 1; got {count!r}.")
    return Measured.share(error, int(count))


def _parts(numbers: Mapping[str, Measured], paired: Mapping[str, tuple[int, int, int]]) -> tuple[Part, ...]:
    found = []
    for name, (more, less) in differences(numbers).items():
        value = round(numbers[more].value - numbers[less].value, _DIGITS)
        if name in paired:
            only_more, only_less, num = paired[name]
            low, high = paired_difference_interval(only_more, only_less, num)
        else:
            low, high = _combined(numbers, {more: 1.0, less: -1.0})
        found.append(Part(name, value, low, high))
    return tuple(found)


def differences(numbers: Mapping[str, Measured]) -> dict[str, tuple[str, str]]:
    """The two errors of each part that can be taken from the numbers."""
    nearest = "traindev" if "traindev" in numbers else "dev"
    wanted = {
        "avoidable_bias": ("train", "reference"),
        "variance": (nearest, "train"),
        "data_mismatch": ("dev", "traindev"),
        "dev_overfit": ("test", "dev"),
    }
    return {name: pair for name, pair in wanted.items() if set(pair) <= set(numbers)}


def _combined(numbers: Mapping[str, Measured], factors: Mapping[str, float]) -> Interval:
    low, high = combined_interval([(c, numbers[n].value, numbers[n].interval) for n, c in factors.items() if c])
    return round(low, _DIGITS), round(high, _DIGITS)


def _principal(parts: Sequence[Part], numbers: Mapping[str, Measured], material: float | None) -> str:
    """The part to work on, where the intervals allow to name it.

    The largest is named if it is surely above 0 and no part that may be nothing may be larger. Two that are both surely
    there are both worth work, so that the larger is named, though it may be the smaller one in truth. An over-fitted
    dev set is a suspicion against the one who chose, and counts only where it is sure.
    """
    parts = [part for part in parts if part.name != "dev_overfit" or part.low > 0]
    top = max(parts, key=lambda part: part.value)
    if top.value > 0 and top.value >= (material or 0.0) and top.low > 0:
        factors = _factors(numbers, top.name)
        for part in parts:
            if part.low > 0 or part is top:
                continue
            apart = {n: factors[n] - other for n, other in _factors(numbers, part.name).items()}
            if _combined(numbers, apart)[0] < 0:
                return CANNOT_TELL
        return top.name
    return NONE if all(part.high <= max(2 * (material or 0.0), _RESOLUTION) for part in parts) else CANNOT_TELL


def _factors(numbers: Mapping[str, Measured], part: str) -> dict[str, float]:
    """A part as a sum: 1 for the one error, −1 for the other, 0 for all else."""
    more, less = differences(numbers)[part]
    return {name: float(name == more) - float(name == less) for name in numbers}


def _more_examples(numbers: Mapping[str, Measured], decide: Callable[[Mapping[str, Measured]], str]) -> dict[str, int]:
    """About how many more examples would tell: of one set, where that is enough, else of each."""
    counted = {name: error.num_examples for name, error in numbers.items() if error.num_examples}
    ways = [{name: num} for name, num in counted.items()]
    for several in (ways, [counted]):
        factors = [(_factor_that_tells(numbers, list(way), decide), way) for way in several]
        found = [{n: _rounded((f - 1) * num) for n, num in way.items()} for f, way in factors if f is not None]
        if found:
            return min(found, key=lambda added: sum(added.values()))
    return {}


def _factor_that_tells(
    numbers: Mapping[str, Measured], names: Sequence[str], decide: Callable[[Mapping[str, Measured]], str]
) -> float | None:
    def tells(factor: float) -> bool:
        return decide({**numbers, **{n: numbers[n].times_examples(factor) for n in names}}) != CANNOT_TELL

    high = 2.0
    while not tells(high):
        high *= 2
        if high > _MOST_TIMES:
            return None
    low = high / 2
    while high / low > 1.02:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if tells(middle) else (middle, high)
    return high


def _rounded(count: float) -> int:
    """Upwards to two digits: more is not known of it."""
    unit = 10 ** max(0, math.floor(math.log10(max(count, 1))) - 1)
    return math.ceil(count / unit) * unit
