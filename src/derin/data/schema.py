"""What each column of a table means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from derin.core.errors import DataError


class Kind(StrEnum):
    """What the values of a column are; geometry moves the kinds together."""

    PICTURE = "picture"  # uint8, height × width × channels
    MASK = "mask"  # uint8 or uint16, the class of each pixel: height × width
    BOXES = "boxes"  # rectangles in a picture with their class numbers, of unequal number
    SOUND = "sound"  # float32 samples from -1 to 1, mono, of unequal number
    POINTS = "points"  # the same places in each picture, each visible or not
    NUMBER = "number"  # float, NaN where missing
    ARRAY = "array"  # numbers of any shape and type, which a network of one's own reads as they are
    CATEGORY = "category"  # int64 index into `classes`, -1 where missing
    DATE = "date"  # float64, seconds since 1970-01-01 UTC, NaN where missing
    TEXT = "text"  # UTF-8 bytes of unequal length
    WORDS = "words"  # as text, a sentence that is cut into words, with a line feed between them
    TAGS = "tags"  # int64 index into `classes` for each word, of unequal length


class Role(StrEnum):
    """What a column is for."""

    INPUT = "input"
    TARGET = "target"
    WEIGHT = "weight"
    GROUP = "group"
    TIME = "time"
    ID = "id"
    IGNORED = "ignored"


@dataclass(frozen=True, kw_only=True)
class Column:
    """The meaning of one column.

    Args:
        name: the column's name in the source.
        kind: what its values are.
        role: what it is for.
        shape: of one example; -1 where it varies from one example to the next.
        classes: names that the integers of a category (or the places of a multi-label row) stand for.
        unit: of a number, as people write it (``"°C"``); of a date, the order of its parts
            (``"DD/MM/YYYY"``).
        note: how the kind was found out, for people.
    """

    name: str
    kind: Kind
    role: Role
    shape: tuple[int, ...] = ()
    classes: tuple[str, ...] | None = None
    unit: str | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind.value,
            "role": self.role.value,
            "shape": list(self.shape),
            "classes": None if self.classes is None else list(self.classes),
            "unit": self.unit,
            "note": self.note,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Column:
        return cls(
            name=data["name"],
            kind=Kind(data["kind"]),
            role=Role(data["role"]),
            shape=tuple(data["shape"]),
            classes=None if data["classes"] is None else tuple(data["classes"]),
            unit=data["unit"],
            note=data["note"],
        )


@dataclass(frozen=True)
class Schema:
    """The columns of a table, in order."""

    columns: tuple[Column, ...]

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        names = ", ".join(c.name for c in self.columns)
        raise DataError(f"The table has no column {name!r}; it has: {names}.")

    def with_role(self, role: Role) -> tuple[Column, ...]:
        """The columns that have this role."""
        return tuple(c for c in self.columns if c.role is role)

    def to_json(self) -> list[dict[str, Any]]:
        return [c.to_json() for c in self.columns]

    @classmethod
    def from_json(cls, data: list[dict[str, Any]]) -> Schema:
        return cls(tuple(Column.from_json(c) for c in data))
