"""Columns to features: what is learned from the training rows, and the numbers that a network gets for any row.

Source: Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller, "Efficient BackProp", 1998, section 4.3 (inputs with mean 0 and
variance 1). C. Guo, F. Berkhahn, "Entity embeddings of categorical variables", 2016, arXiv:1604.06737 (categories as
vectors that are learned). J. Howard, S. Gugger, "fastai: A layered API for deep learning", Information 11, 2020 (their
sizes).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from derin.core.errors import RefusedFileError
from derin.core.fields import ANY, Among, Exactly, Listed, Within, checked_form
from derin.core.printable import shortly
from derin.data.cells.raw_column import MISSING, UNSEEN, RawColumn
from derin.data.cells.writing import DAY_FIRST, MONTH_FIRST, YEAR_FIRST, Floats, Writing

Features = npt.NDArray[np.float32]

MOST_CLASSES = 50
MOST_EMBEDDED = 100_000
# A class that stands in one training row only teaches what to make of a class that is new.
_FEWEST_ROWS_EMBEDDED = 2
_SECONDS_PER_DAY = 86_400
# 1970-01-01 was a Thursday, day 3 of a week that starts on Monday.
_FIRST_WEEKDAY = 3
_BLOCK = 64
_LONGEST_VECTOR = 600
_LARGEST_COLUMN = 1 << 24
_LARGEST = np.finfo(np.float32).max
_WHERE = "The card's column of a table"
_PARTS = ("month", "weekday", "hour")


class Encoder(Protocol):
    """How one raw column becomes features.

    Attributes:
        kind: its name in the card.
        name: of the raw column.
        shape: of one value; ``()`` for a single one.
        feature_names: one for each feature, for people.
    """

    kind: ClassVar[str]

    @property
    def name(self) -> str: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def feature_names(self) -> tuple[str, ...]: ...

    def encode(self, column: RawColumn, features: Features) -> tuple[int, int]:
        """Writes the features of each row, always finite, where all are 0 before. Gives how many values had not
        occurred in training, and how many are missing though none was in training.

        Shapes:
            features ``(N, len(feature_names))``.
        """
        ...

    def to_json(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class NumberEncoder:
    """Standardised numbers: z = (x − μ) / σ with mean and standard deviation of the training rows.

    A missing value becomes the mean, so that z = 0; where any was missing in training a further feature says so with 1.
    Places that were constant in training give 0.

    Args:
        name: of the column.
        shape: of one value; ``()`` for a single number.
        means: μ of each place.
        scales: σ of each place (divided by N), 0 where it was constant.
        missing: places that were missing in some training row.
        writing: how the column was written in training, for strings that come later; None finds it out each time.
    """

    kind: ClassVar[str] = "number"
    name: str
    shape: tuple[int, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    missing: tuple[int, ...] = ()
    writing: Writing | None = None

    @classmethod
    def fit(
        cls, name: str, shape: tuple[int, ...], column: RawColumn, writing: Writing | None = None
    ) -> NumberEncoder | None:
        """Statistics of the training rows; None where no value is there."""
        values = column.numbers(shape, writing)
        means, scales, missing = [], [], []
        for start in range(0, values.shape[1], _BLOCK):
            for offset, place in enumerate(values[:, start : start + _BLOCK].T):
                present = place[~np.isnan(place)]
                mean, scale = _mean_and_scale(present)
                means.append(mean)
                scales.append(scale)
                if len(present) < len(place):
                    missing.append(start + offset)
        if len(missing) == values.shape[1] and np.isnan(values).all():
            return None
        return cls(name, shape, tuple(means), tuple(scales), tuple(missing), writing)

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        names = [self.name] if not self.shape else [f"{self.name}[{i}]" for i in range(len(self.means))]
        return (*names, *(f"{names[i]} is missing" for i in self.missing))

    def encode(self, column: RawColumn, features: Features) -> tuple[int, int]:
        return 0, sum(self._encode(part, features[rows]) for rows, part in column.parts())

    def _encode(self, column: RawColumn, features: Features) -> int:
        means, divisors, is_constant = self._constants
        values = column.numbers(self.shape, self.writing)
        numbers, num_new = features[:, : values.shape[1]], 0
        # Numbers far beyond those of training may leave the range; they are clipped below.
        with np.errstate(over="ignore"):
            values -= means
            values /= divisors
            numbers[...] = values
        if is_constant.any():
            numbers[:, is_constant] = 0.0
        if not np.isfinite(numbers).all():
            # NaN is what is missing: no number less a mean is one.
            absent = np.isnan(values)
            np.clip(numbers, -_LARGEST, _LARGEST, out=numbers)
            numbers[absent] = 0.0
            features[:, values.shape[1] :] = absent[:, list(self.missing)]
            num_new = int(np.delete(absent, list(self.missing), axis=1).any(axis=1).sum())
        return num_new

    @cached_property
    def _constants(self) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
        """Means, what is divided by, and which places were constant."""
        scales = np.asarray(self.scales, dtype=np.float64)
        return np.asarray(self.means, dtype=np.float64), np.where(scales > 0, scales, 1.0), scales == 0

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "shape": list(self.shape),
            "means": list(self.means),
            "scales": list(self.scales),
            "missing": list(self.missing),
            **_written(self.writing),
        }

    @classmethod
    def from_json(cls, data: Any) -> NumberEncoder:
        fields = _checked(
            data,
            shape=[Within(int, 1, _LARGEST_COLUMN)],
            means=[float],
            scales=[Within(float, least=0)],
            missing=[Within(int, least=0)],
        )
        shape, missing, num = tuple(fields["shape"]), tuple(fields["missing"]), math.prod(fields["shape"])
        if not len(fields["means"]) == len(fields["scales"]) == num:
            raise _refused(f"means and scales must be {num} numbers each", fields["means"])
        if list(missing) != sorted(set(missing)) or max(missing, default=0) >= num:
            raise _refused("missing must name different places in order", missing)
        means, scales = (tuple(map(float, fields[name])) for name in ("means", "scales"))
        return cls(fields["name"], shape, means, scales, missing, _writing_of(fields))


@dataclass(frozen=True)
class CategoryEncoder:
    """One-hot features, one for each class that occurs in training; or one feature, the class's place in a table of
    vectors, which the network learns.

    Of more than 50 one-hot classes the 50 most frequent have a feature each, and all others share one. A class that did
    not occur in training goes to that one too; where there is none, all features are 0. In the table of vectors place 0
    is that of all other classes, those of a single training row among them, place 1 that of a missing value.

    Args:
        name: of the column.
        classes: those with a feature, or a place, of their own.
        other: whether further classes, which share a feature or place, occurred in training.
        missing: whether a value was missing in some training row.
        writing: how the column was written in training; None takes the usual ways.
        dim: length of the vectors; None for one-hot features.
    """

    kind: ClassVar[str] = "category"
    shape: ClassVar[tuple[int, ...]] = ()
    name: str
    classes: tuple[str, ...]
    other: bool = False
    missing: bool = False
    writing: Writing | None = None
    dim: int | None = None

    @classmethod
    def fit(
        cls,
        name: str,
        classes: Sequence[str],
        column: RawColumn,
        writing: Writing | None = None,
        embedded_from: int | None = None,
    ) -> CategoryEncoder | None:
        """The classes of the training rows; None where no value is there.

        Args:
            name: of the column.
            classes: all that there are.
            column: its training rows.
            writing: how it was written.
            embedded_from: classes from which on they become vectors; None leaves them one-hot.
        """
        codes = column.codes(classes, writing)
        counts = np.bincount(codes[codes >= 0], minlength=len(classes))
        seen = np.flatnonzero(counts)
        if not len(seen):
            return None
        frequent = np.flatnonzero(counts >= _FEWEST_ROWS_EMBEDDED)
        dim = None
        kept, most = seen, MOST_CLASSES
        if embedded_from is not None and len(frequent) >= embedded_from:
            kept, most, dim = frequent, MOST_EMBEDDED, vector_length(len(frequent))
        if len(kept) > most:
            # A stable order, so that equal counts are cut alike everywhere.
            kept = np.sort(kept[np.argsort(-counts[kept], kind="stable")[:most]])
        names = tuple(classes[i] for i in kept.tolist())
        return cls(name, names, len(kept) < len(seen), bool((codes == MISSING).any()), writing, dim)

    @property
    def num_vectors(self) -> int:
        """Places in the table of vectors: two more than there are classes."""
        return len(self.classes) - UNSEEN

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        if self.dim is not None:
            return (self.name,)
        names = tuple(f"{self.name} = {c}" for c in self.classes)
        return names + (f"{self.name} is another",) * self.other + (f"{self.name} is missing",) * self.missing

    def encode(self, column: RawColumn, features: Features) -> tuple[int, int]:
        codes = column.codes(self.classes, self.writing)
        unseen = codes == UNSEEN
        if self.dim is None:
            rows = np.flatnonzero(codes >= 0)
            features[rows, codes[rows]] = 1.0
            if self.other:
                features[unseen, len(self.classes)] = 1.0
            if self.missing:
                features[codes == MISSING, -1] = 1.0
        else:
            features[:, 0] = codes - UNSEEN
        return 0 if self.other else int(unseen.sum()), 0 if self.missing else int((codes == MISSING).sum())

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "classes": list(self.classes),
            "other": self.other,
            "missing": self.missing,
            **_written(self.writing),
            **({} if self.dim is None else {"dim": self.dim}),
        }

    @classmethod
    def from_json(cls, data: Any) -> CategoryEncoder:
        fields = _checked(data, classes=Listed(str, 1), other=bool, missing=bool, dim=Within(int, 1, _LONGEST_VECTOR))
        classes = tuple(fields["classes"])
        if len(set(classes)) < len(classes):
            raise _refused("classes must be different", classes)
        other, missing = fields["other"], fields["missing"]
        return cls(fields["name"], classes, other, missing, _writing_of(fields), fields.get("dim"))


def vector_length(num_classes: int) -> int:
    """How many numbers the vector of a class has: 1.6 n^0.56, rounded, at most 600 (fastai's rule).

    Example:
        >>> [vector_length(n) for n in (2, 10, 41, 1_000, 100_000)]
        [2, 6, 13, 77, 600]
    """
    return min(_LONGEST_VECTOR, round(1.6 * num_classes**0.56))


@dataclass(frozen=True)
class DateEncoder:
    """The year, standardised, and month, day of the week and hour as points on a circle: sin 2πt and cos 2πt.

    Parts that do not vary in training are left out: the hour of dates without a time, the weekday of months. A missing
    date is 0 everywhere; where any was missing in training a further feature says so with 1.

    Args:
        name: of the column.
        order: in which day, month and year are written.
        parts: of ``month``, ``weekday`` and ``hour`` those that are used.
        mean: of the years in training.
        scale: standard deviation of the years in training, 0 where they were all the same.
        missing: whether some training row had no date.
        writing: how the column was written in training, its order among it; None is the order alone.
    """

    kind: ClassVar[str] = "date"
    shape: ClassVar[tuple[int, ...]] = ()
    name: str
    order: str
    parts: tuple[str, ...]
    mean: float
    scale: float
    missing: bool = False
    writing: Writing | None = None

    @classmethod
    def fit(cls, name: str, order: str, column: RawColumn, writing: Writing | None = None) -> DateEncoder | None:
        seconds = column.seconds(writing or Writing(order=order))
        present = seconds[~np.isnan(seconds)]
        if not len(present):
            return None
        year, circles = _calendar(present)
        mean, scale = _mean_and_scale(year)
        parts = tuple(part for part, turn in circles.items() if turn.min() < turn.max())
        days = present.astype("datetime64[s]").astype("datetime64[D]")
        if (days == days.astype("datetime64[M]")).all():
            parts = tuple(part for part in parts if part != "weekday")
        return cls(name, order, parts, mean, scale, len(present) < len(seconds), writing)

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        names = [f"{self.name} year", *(f"{self.name} {part} {f}" for part in self.parts for f in ("sine", "cosine"))]
        return (*names, *(f"{self.name} is missing",) * self.missing)

    def encode(self, column: RawColumn, features: Features) -> tuple[int, int]:
        seconds = column.seconds(self.writing or Writing(order=self.order))
        absent = np.isnan(seconds)
        year, circles = _calendar(np.where(absent, 0.0, seconds))
        if self.scale:
            features[:, 0] = (year - self.mean) / self.scale
        for place, part in enumerate(self.parts):
            angle = 2 * math.pi * circles[part]
            features[:, 1 + 2 * place], features[:, 2 + 2 * place] = np.sin(angle), np.cos(angle)
        features[absent] = 0.0
        if self.missing:
            features[:, -1] = absent
        return 0, 0 if self.missing else int(absent.sum())

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "order": self.order,
            "parts": list(self.parts),
            "mean": self.mean,
            "scale": self.scale,
            "missing": self.missing,
            **_written(self.writing),
        }

    @classmethod
    def from_json(cls, data: Any) -> DateEncoder:
        order = Among((DAY_FIRST, MONTH_FIRST, YEAR_FIRST))
        numbers = {"mean": float, "scale": Within(float, least=0)}
        fields = _checked(data, order=order, parts=[Among(_PARTS)], **numbers, missing=bool)
        parts = tuple(part for part in _PARTS if part in fields["parts"])
        if list(parts) != fields["parts"]:
            raise _refused(f"parts must be some of {', '.join(_PARTS)}, in this order", fields["parts"])
        mean, scale = float(fields["mean"]), float(fields["scale"])
        return cls(fields["name"], fields["order"], parts, mean, scale, fields["missing"], _writing_of(fields))


_ENCODERS: dict[str, Callable[[Any], Encoder]] = {
    "number": NumberEncoder.from_json,
    "category": CategoryEncoder.from_json,
    "date": DateEncoder.from_json,
}


def encoder_from_json(data: Any) -> Encoder:
    """The encoder that `to_json` described.

    Raises:
        RefusedFileError: a field is missing, superfluous, or holds what it cannot hold.
    """
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in _ENCODERS:
        raise _refused(f"kind must be one of {', '.join(_ENCODERS)}", kind)
    return _ENCODERS[kind](data)


def _checked(data: Any, **forms: Any) -> dict[str, Any]:
    """The fields of an encoder; cards of before columns were remembered as written lack that, and one-hot
    categories a dimension."""
    form = Exactly({"kind": str, "name": str, **forms, "writing": ANY}, frozenset({"writing", "dim"}))
    found: dict[str, Any] = checked_form(data, form, _WHERE)
    return found


def _refused(rule: str, came: Any) -> RefusedFileError:
    return RefusedFileError(f"{_WHERE} is refused: {rule}; got {shortly(came)}. Restore it.")


def _written(writing: Writing | None) -> dict[str, Any]:
    """The field that says how a column was written; cards from before it was kept have none."""
    return {} if writing is None else {"writing": writing.to_json()}


def _writing_of(fields: dict[str, Any]) -> Writing | None:
    return None if "writing" not in fields else Writing.from_json(fields["writing"])


def _mean_and_scale(values: Floats) -> tuple[float, float]:
    """Mean and standard deviation (divided by N); 0 as deviation of what is constant."""
    if not len(values) or values.min() == values.max():
        return (float(values[0]) if len(values) else 0.0), 0.0
    # Scaled first, so that neither sums nor squares of very large or small numbers leave the range of float64.
    unit = float(np.abs(values).max())
    mean, scale = float((values / unit).mean()) * unit, float((values / unit).std()) * unit
    return mean, scale


def _calendar(seconds: Floats) -> tuple[Floats, dict[str, Floats]]:
    """Years, and the share of the turn that month, weekday and hour have done: 0 in January, on Monday, at midnight."""
    moments = np.floor(seconds).astype(np.int64).astype("datetime64[s]")
    years = moments.astype("datetime64[Y]")
    months = moments.astype("datetime64[M]") - years.astype("datetime64[M]")
    days = moments.astype("datetime64[D]").astype(np.int64)
    circles = {
        "month": months.astype(np.float64) / 12,
        "weekday": (days + _FIRST_WEEKDAY) % 7 / 7,
        "hour": np.floor(seconds % _SECONDS_PER_DAY / 3600) / 24,
    }
    return years.astype(np.float64) + 1970, circles
