"""What a lesson is: a text in two languages, options, and a short program that gives numbers, lines and pictures."""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from derin.core.messages import format_number, language, suffixed


@dataclass(frozen=True)
class Text:
    """The same text in English and in Turkish; ``str`` gives that of the spoken language.

    Example:
        >>> import os; os.environ["DERIN_LANG"] = "tr"
        >>> str(Text("loss", "kayıp")), Text("loss {x:.2f}", "kayıp {x:.2f}").fill(x=0.5)
        ('kayıp', 'kayıp 0,50')
        >>> del os.environ["DERIN_LANG"]
    """

    en: str
    tr: str

    def __str__(self) -> str:
        return self.tr if language() == "tr" else self.en

    def fill(self, **values: Any) -> str:
        """The text of the spoken language with its values filled in, numbers written as the language writes them."""
        return suffixed(_Spelling().vformat(str(self), (), values))


class _Spelling(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return format_number(value, format_spec)


@dataclass(frozen=True)
class NoOptions:
    """For a lesson that has none."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a lesson found.

    Args:
        numbers: what it teaches, by name: numbers, texts, lists and tables of them, ready for JSON.
        lines: the same for people, in the spoken language.
        pictures: file name (without the lesson's name, such as ``"paths.png"``) → PNG, GIF or HTML.
    """

    numbers: dict[str, Any]
    lines: tuple[str, ...]
    pictures: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A part of the course as a program.

    Args:
        name: on the command line.
        rows: of the course, such as ``("A1",)``.
        title: a few words.
        about: a few sentences: what is shown, and why it is so.
        formula: LaTeX, without dollar signs.
        run: the program; takes an object of `options`.
        options: a frozen dataclass of bool, int, float, str, Literal, tuples of these, and None beside them, each with
            a default; its docstring has an ``Args`` section. A field named points, kernel or image is also a flag of
            the command.
    """

    name: str
    rows: tuple[str, ...]
    title: Text
    about: Text
    formula: str
    run: Callable[[Any], Outcome]
    options: type = NoOptions
