"""What a network says about one example, in words for people and in JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


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


class _Ranking:
    """Reads like the list of its most probable classes."""

    top: tuple[Class, ...]

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
        top: the most probable classes, the most probable first.

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

    def __repr__(self) -> str:
        return f'Prediction("{self.label}", {self.probability:.3g}, {list(self.top)})'

    def to_json(self) -> dict[str, Any]:
        return {"label": self.label, "probability": self.probability, "top": [list(c) for c in self.top]}


@dataclass(frozen=True, repr=False)
class Labels(_Ranking):
    """The labels of one example, of which there may be none or many.

    Args:
        labels: those whose probability reaches their threshold, in the order of the classes.
        top: the most probable labels, whether or not they were decided for.

    Example:
        >>> Labels(("sea",), (Class("sea", 0.9), Class("sun", 0.3)))
        Labels(['sea'], [Class("sea", 0.9), Class("sun", 0.3)])
    """

    labels: tuple[str, ...]
    top: tuple[Class, ...]

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
