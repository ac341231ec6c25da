"""What an annotation file says of pictures, before it is brought together with them."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from derin.core.messages import Message
from derin.data.report import Finding, Outcome

Corners = tuple[float, float, float, float]


class Thing(NamedTuple):
    """One marked thing.

    Args:
        label: name of its class; None where the file gives none.
        corners: left, top, right and bottom; None where it is marked by points alone.
        is_crowd: whether it stands for many that are not told apart.
        is_difficult: whether whoever marked it says that it is hard to see.
        outline: polygons, each a row of x and y, or the runs of COCO: ``{"counts", "size"}``.
        points: x, y and whether it is seen, of each.
    """

    label: str | None
    corners: Corners | None
    is_crowd: bool = False
    is_difficult: bool = False
    outline: Any = None
    points: tuple[tuple[float, float, bool], ...] | None = None


@dataclass(slots=True)
class Marked:
    """What is marked in one picture.

    Args:
        names: by which the picture may be found, the surest first: paths, names, or names without ending.
        where: the file that says so.
        things: that are marked.
        size: height and width of the picture as the file has it, or None.
        split: that the file names, or None.
    """

    names: tuple[str, ...]
    where: str
    things: list[Thing] = field(default_factory=list)
    size: tuple[int, int] | None = None
    split: str | None = None


@dataclass
class Annotations:
    """All that annotation files say.

    Args:
        form: for people: ``"Pascal VOC"``.
        pictures: in no order.
        classes: in the order of their numbers; empty where the form has no order.
        is_relative: whether corners, outlines and points are shares of width and height.
        point_names: of the points of a thing.
        point_pairs: of a left and a right point each, by number; None where nothing tells.
        findings: what was odd in the files.
        notes: sentences about the whole.
        settings: what was found out about how numbers are written, for the recipe.
        folders: which split is which folder of pictures, where the files say so.
        no_pictures: files that are pictures by their names and none, such as masks.
        lists_all: whether pictures that no file names belong to no split and are left out.
    """

    form: str
    pictures: list[Marked]
    classes: tuple[str, ...] = ()
    is_relative: bool = False
    point_names: tuple[str, ...] = ()
    point_pairs: tuple[tuple[int, int], ...] | None = None
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    no_pictures: frozenset[str] = frozenset()
    lists_all: bool = False


@dataclass
class Oddities:
    """Odd things by kind, each counted, with the places of the first."""

    places: dict[tuple[Outcome, str], Counter[str]] = field(default_factory=dict)

    def add(self, where: str, outcome: Outcome, key: str, **values: Any) -> None:
        """One more, by the key of its sentence."""
        self.places.setdefault((outcome, Message(key, **values)), Counter())[where] += 1

    def findings(self) -> list[Finding]:
        """One for each place and kind."""
        return [
            Finding(where, outcome, reason, count)
            for (outcome, reason), places in self.places.items()
            for where, count in places.items()
        ]


def number_of(value: Any) -> float | None:
    """The finite number that text or JSON gives; None where it is none.

    Example:
        >>> number_of(" 12.5 "), number_of("wide"), number_of(True), number_of(float("inf"))
        (12.5, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str) or (isinstance(value, str) and "_" in value):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def numbers_of(values: Any, count: int | None = None) -> tuple[float, ...] | None:
    """The finite numbers of a list, so many of them where that is said; None where one is none."""
    if not isinstance(values, list | tuple) or (count is not None and len(values) != count):
        return None
    found = tuple(map(number_of, values))
    return None if None in found else found  # type: ignore[return-value]  # no None is in it


def whole_of(value: Any) -> int | None:
    """The whole number from 0 that text or JSON gives; None where it is none."""
    number = number_of(value)
    return int(number) if number is not None and number == int(number) and number >= 0 else None
