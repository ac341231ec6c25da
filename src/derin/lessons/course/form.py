"""A lesson's form: what stands on its page, as data in two languages.

Text may hold `code` between backquotes, **strong words** between pairs of stars and formulas between dollar signs. The
worked numbers are a sheet: given numbers, and lines that follow from them by formulas of a language of its own: names,
numbers, ``+ - * / ^ ( )`` and the functions exp, ln, sqrt, tanh, abs, max, min, floor, sign, cos,
sigmoid, relu, step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from derin.lessons.lesson import Text

Area = Literal["A", "B", "C", "D", "E", "H", "J", "K", "L"]


@dataclass(frozen=True, kw_only=True)
class Given:
    """A number that the reader may change.

    Args:
        id: its name in formulas.
        symbol: LaTeX.
        meaning: what it is.
        value: to begin with.
        low, high, step: of its slider.
        slider: whether it has one; otherwise a figure changes it, or nothing does.
    """

    id: str
    symbol: str
    meaning: Text
    value: float
    low: float
    high: float
    step: float = 0.1
    slider: bool = True


@dataclass(frozen=True, kw_only=True)
class Line:
    """A number that is computed.

    Args:
        id: its name in formulas.
        symbol: LaTeX.
        formula: in the sheet's language.
        heading: above it, where something new begins.
    """

    id: str
    symbol: str
    formula: str
    heading: Text | None = None


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Given numbers and what follows from them.

    Args:
        givens: what can be changed.
        lines: in the order of their computation.
        sets: sets of examples by title, each a list of ``{given: number}``; the one at hand is what is given.
        starts: other beginnings by title, each ``{given: number}``; the first is chosen at first.
        updates: of a step: which given number becomes which line.
    """

    givens: tuple[Given, ...]
    lines: tuple[Line, ...]
    sets: tuple[tuple[Text, tuple[Mapping[str, float], ...]], ...] = ()
    starts: tuple[tuple[Text, Mapping[str, float]], ...] = ()
    updates: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Something that moves with the sheet.

    Args:
        kind: a name of ``FIGURES`` in figures.js.
        title: above it.
        options: what that figure reads; see there.
    """

    kind: str
    title: Text
    options: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Question:
    """A prediction that is asked for before anything is shown.

    Args:
        text: the question.
        choices: what it may be.
        right: the place of the right one, from 0.
        why: what is said then.
    """

    text: Text
    choices: tuple[Text, ...]
    right: int
    why: Text


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """A question whose answer is a number.

    Args:
        text: the question.
        answer: the number.
        tolerance: how far from it an answer may be.
        hints: three, each nearer to the answer.
        way: from the question to the answer.
    """

    text: Text
    answer: float
    tolerance: float
    hints: tuple[Text, Text, Text]
    way: Text


@dataclass(frozen=True, kw_only=True)
class CourseLesson:
    """A page of the course.

    Args:
        name: of its file and address.
        area: of the course.
        rows: of the course's table.
        title: a few words.
        goals: what the reader will be able to do.
        story: paragraphs in which every symbol is named where it first stands.
        question: before the figure.
        try_it: what to do with the figure; one sentence each.
        figures: what moves.
        formula: LaTeX.
        legend: pairs of LaTeX and meaning.
        code: lines of Python or of the shell for the reader's own data.
        exercise: at the end.
        after: names of lessons that come next.
        sheet: the worked numbers.
        erratum: where the course's documents err.
        covers: names of lessons that were printed and have become this page: `derin lesson NAME` opens it.
    """

    name: str
    area: Area
    rows: tuple[str, ...]
    title: Text
    goals: tuple[Text, ...]
    story: tuple[Text, ...]
    question: Question
    try_it: tuple[Text, ...]
    figures: tuple[Figure, ...]
    formula: str
    legend: tuple[tuple[str, Text], ...]
    code: str
    exercise: Exercise
    after: tuple[str, ...]
    sheet: Sheet
    erratum: Text | None = None
    covers: tuple[str, ...] = ()


def given(
    id: str,
    symbol: str,
    value: float,
    low: float,
    high: float,
    en: str,
    tr: str,
    step: float = 0.1,
    *,
    slider: bool = True,
) -> Given:
    """A given number in a line."""
    return Given(id=id, symbol=symbol, meaning=Text(en, tr), value=value, low=low, high=high, step=step, slider=slider)


def line(id: str, symbol: str, formula: str, en: str | None = None, tr: str | None = None) -> Line:
    """A computed number in a line, under a heading where one is named."""
    return Line(id=id, symbol=symbol, formula=formula, heading=None if en is None or tr is None else Text(en, tr))
