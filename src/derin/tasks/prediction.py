"""What a network says about one example, in words for people and in JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

import numpy.typing as npt


def shown_number(value: float) -> str:
    """A number of any size with about four digits, and no power of ten where people would not write one.

    Example:
        >>> shown_number(483300.0), shown_number(0.012345)
        ('483300', '0.01235')
    """
    return f"{value:{'.0f' if 1_000 <= abs(value) < 1e9 else '.4g'}}"


class Class(NamedTuple):
    """A class and how probable it is.

    Example:
        >>> Class("7", 0.99812)
        Class("7", 0.998)
        >>> name, probability = Class("7", 0.99812)
    """

    name: str
    probability: float

    def __repr__(self) -> str:
        return f'Class("{self.name}", {self.probability:.3g})'


class Probabilities(Mapping[str, float]):
    """The probability of each class by its name, in the order of the classes.

    Args:
        places: of the classes among the values; many answers share it.
        values: of each class; a row of an array, so that an answer stays small where there are many.

    Example:
        >>> found = Probabilities({"cat": 0, "owl": 1}, (0.25, 0.75))
        >>> found["owl"], found
        (0.75, {'cat': 0.25, 'owl': 0.75})
    """

    __slots__ = ("_places", "_values")

    def __init__(self, places: Mapping[str, int], values: npt.NDArray[Any]) -> None:
        self._places, self._values = places, values

    def __getitem__(self, name: str) -> float:
        return float(self._values[self._places[name]])

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return repr(dict(self))


class _Ranking:
    """Reads like the list of its most probable classes."""

    top: tuple[Class, ...]
    probabilities: Mapping[str, float]

    def with_top(self, num: int | None = None) -> Self:
        """The same answer with so many of the most probable classes in ``top``; None takes all."""
        # A stable order, so that equal probabilities keep the order of the classes, as in argmax.
        ranked = sorted(self.probabilities.items(), key=lambda pair: -pair[1])[:num]
        return replace(self, top=tuple(Class(*pair) for pair in ranked))  # type: ignore[type-var]

    def __iter__(self) -> Iterator[Class]:
        return iter(self.top)

    def __len__(self) -> int:
        return len(self.top)

    def __getitem__(self, place: int) -> Class:
        return self.top[place]


@dataclass(frozen=True, repr=False)
class Prediction(_Ranking):
    """The class of one example.

    Args:
        label: the class decided for.
        probability: of that class.
        top: the most probable classes, the most probable first; five, unless `with_top` asks for others.
        probabilities: of every class, by its name.

    Example:
        >>> answer = Prediction("owl", 0.75, (Class("owl", 0.75), Class("cat", 0.2)))
        >>> answer
        Prediction("owl", 0.75, [Class("owl", 0.75), Class("cat", 0.2)])
        >>> answer[0].name, [c.name for c in answer]
        ('owl', ['owl', 'cat'])
        >>> answer.to_json()
        {'label': 'owl', 'probability': 0.75, 'top': [['owl', 0.75], ['cat', 0.2]]}
    """

    label: str
    probability: float
    top: tuple[Class, ...]
    probabilities: Mapping[str, float] = field(default_factory=dict, compare=False)

    def __repr__(self) -> str:
        return f'Prediction("{self.label}", {self.probability:.3g}, {list(self.top)})'

    def to_json(self) -> dict[str, Any]:
        return {"label": self.label, "probability": self.probability, "top": [list(c) for c in self.top]}


@dataclass(frozen=True, repr=False)
class Labels(_Ranking):
    """The labels of one example, of which there may be none or many.

    Args:
        labels: those whose probability reaches their threshold, in the order of the classes.
        top: the most probable labels, whether or not they were decided for; five, unless `with_top` asks for others.
        probabilities: of every label, by its name.

    Example:
        >>> Labels(("sea",), (Class("sea", 0.9), Class("sun", 0.3)))
        Labels(['sea'], [Class("sea", 0.9), Class("sun", 0.3)])
    """

    labels: tuple[str, ...]
    top: tuple[Class, ...]
    probabilities: Mapping[str, float] = field(default_factory=dict, compare=False)

    def __repr__(self) -> str:
        return f"Labels({list(self.labels)}, {list(self.top)})"

    def to_json(self) -> dict[str, Any]:
        return {"labels": list(self.labels), "top": [list(c) for c in self.top]}


@dataclass(frozen=True, repr=False)
class Value:
    """The number, or numbers, predicted for one example.

    Args:
        value: in the target's own unit.
        unit: as people write it, or None.

    Example:
        >>> Value(21.53127, "°C"), Value((1.5, 2.0)).to_json()
        (Value(21.53 °C), {'value': [1.5, 2.0]})
    """

    value: float | tuple[float, ...]
    unit: str | None = None

    def __repr__(self) -> str:
        numbers = self.value if isinstance(self.value, tuple) else (self.value,)
        shown = ", ".join(map(shown_number, numbers))
        return f"Value({shown}{' ' + self.unit if self.unit else ''})"

    def to_json(self) -> dict[str, Any]:
        return {"value": list(self.value) if isinstance(self.value, tuple) else self.value}


@dataclass(frozen=True, repr=False)
class Answers:
    """What is predicted of one example for each of several columns.

    Args:
        columns: the answers by the name of their column.

    Example:
        >>> answers = Answers({"weight": Value(4.2, "kg"), "seen": Labels(("sea",), ())})
        >>> answers["weight"], answers.to_json()
        (Value(4.2 kg), {'columns': {'weight': {'value': 4.2}, 'seen': {'labels': ['sea'], 'top': []}}})
    """

    columns: Mapping[str, Answer]

    def __getitem__(self, column: str) -> Answer:
        return self.columns[column]

    def with_top(self, num: int | None = None) -> Answers:
        """The same answers, those that are classes with so many of the most probable; None takes all."""
        return Answers({name: a.with_top(num) if isinstance(a, _Ranking) else a for name, a in self.columns.items()})

    def __repr__(self) -> str:
        return f"Answers({', '.join(f'{name}={answer!r}' for name, answer in self.columns.items())})"

    def to_json(self) -> dict[str, Any]:
        return {"columns": {name: answer.to_json() for name, answer in self.columns.items()}}


@dataclass(frozen=True, repr=False)
class NoAnswer:
    """In the place of an answer where an input could not be read.

    Args:
        reason: why not.
        fields: what an answer of the same network has in JSON; here they are null.

    Example:
        >>> NoAnswer("too few fields", ("value",)), NoAnswer("too few fields", ("value",)).to_json()
        (NoAnswer('too few fields'), {'value': None, 'reason': 'too few fields'})
    """

    reason: str
    fields: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"NoAnswer({str(self.reason)!r})"

    def to_json(self) -> dict[str, Any]:
        return {**dict.fromkeys(self.fields), "reason": str(self.reason)}


Answer = Prediction | Labels | Value | Answers
