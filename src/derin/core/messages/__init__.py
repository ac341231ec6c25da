"""Text for people, in their language: one catalogue, English and Turkish side by side.

The language is that of ``DERIN_LANG`` (``en`` or ``tr``), else Turkish where the locale is (the first of ``LC_ALL``,
``LC_MESSAGES`` and ``LANG`` that is set), else English.
"""

from __future__ import annotations

import importlib
import os
import re
import string
from collections.abc import Mapping
from functools import cache
from typing import Any

from derin.core.errors import UnknownNameError
from derin.core.printable import printable

# One sentence, or one for the number 1 and one for all others, chosen by the value named `count`.
CatalogEntry = str | tuple[str, str]

LANGUAGES = ("en", "tr")
_SEPARATORS = str.maketrans(",.", ".,")


def language() -> str:
    """The language to speak: ``"en"`` or ``"tr"``.

    Raises:
        UnknownNameError: ``DERIN_LANG`` names another one.
    """
    named = os.environ.get("DERIN_LANG", "").strip().lower()
    if named:
        if named not in LANGUAGES:
            raise UnknownNameError("language (DERIN_LANG)", named, LANGUAGES)
        return named
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return "tr" if locale.lower().startswith("tr") else "en"


def translate(key: str, /, **values: Any) -> str:
    """A sentence of the catalogue with its values filled in; numbers are written as the language writes them.

    Args:
        key: of the catalogue.
        values: what stands in its braces. ``{share:.1%}`` and the like work as in Python; ``{num:=row|rows}`` is
            ``row`` where it is 1; ``count`` chooses between two whole messages, for 1 and for all else.

    Raises:
        UnknownNameError: there is no such key.

    Example:
        >>> import os; os.environ["DERIN_LANG"] = "en"
        >>> translate("epochs.count", count=1), translate("epochs.count", count=1200)
        ('1 epoch', '1,200 epochs')
        >>> os.environ["DERIN_LANG"] = "tr"
        >>> translate("epochs.count", count=1200)
        '1.200 epok'
        >>> del os.environ["DERIN_LANG"]
    """
    return _filled(language(), key, values)


class Message(str):
    """A message as English text that can still be said in the reader's language.

    For what is noticed where nobody listens yet, as when data are read: it is text like any other, in records too, and
    a report says it in the language of that moment.

    Args:
        key: of the catalogue.
        values: what stands in its braces: text, numbers, or sentences.

    Example:
        >>> import os; os.environ["DERIN_LANG"] = "tr"
        >>> sentence = Message("epochs.count", count=1200)
        >>> sentence, localize(sentence), localize("1,200 epochs")
        ('1,200 epochs', '1.200 epok', '1,200 epochs')
        >>> Message.from_json(sentence.to_json()) == sentence
        True
        >>> del os.environ["DERIN_LANG"]
    """

    key: str
    values: dict[str, Any]

    def __new__(cls, key: str, /, **values: Any) -> Message:
        sentence = super().__new__(cls, _filled("en", key, values))
        sentence.key, sentence.values = key, values
        return sentence

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (self.key,), self.values

    def to_json(self) -> dict[str, Any]:
        """Key and values, sentences among them likewise."""
        values = {n: v.to_json() if isinstance(v, Message) else v for n, v in self.values.items()}
        return {"key": self.key, "values": values}

    @classmethod
    def from_json(cls, data: Any) -> Message:
        """The sentence that `to_json` described.

        Raises:
            ValueError: it is none of this catalogue.
        """
        try:
            given = {name: cls.from_json(v) if isinstance(v, dict) else v for name, v in data["values"].items()}
            return cls(data["key"], **given)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError, UnknownNameError) as error:
            raise ValueError(f"no sentence: {error}") from None


def localize(text: str) -> str:
    """A sentence in the reader's language; any other text as it is."""
    return _filled(language(), text.key, text.values) if isinstance(text, Message) else text


def capital(text: str) -> str:
    """The text with a capital at its start, as the language has it.

    Example:
        >>> capital("loss"), capital("mAP of small things")
        ('Loss', 'mAP of small things')
    """
    if text[1:2].isupper():
        return text  # a name that is written so: mAP
    first = "İ" if language() == "tr" and text.startswith("i") else text[:1].upper()
    return first + text[1:]


def format_number(value: Any, spec: str = "", spoken: str | None = None) -> str:
    """A value as the language writes it: Turkish has a decimal comma, points between thousands and the % in front.

    Args:
        value: a number; anything else is written as it is.
        spec: as in Python's ``format``.
        spoken: the language; None takes the one of this process.

    Example:
        >>> format_number(1234.5, ",.2f", "en"), format_number(1234.5, ",.2f", "tr"), format_number(0.983, ".1%", "tr")
        ('1,234.50', '1.234,50', '%98,3')
    """
    text = format(value, spec)
    if isinstance(value, bool) or not isinstance(value, int | float) or (spoken or language()) != "tr":
        return text
    text = text.translate(_SEPARATORS)
    if text.endswith("%"):
        sign, digits = ("-", text[1:-1]) if text.startswith("-") else ("", text[:-1])
        return f"{sign}%{digits}"
    return text


# What is read out last decides how a Turkish suffix sounds: "%97,2'si", since "iki" ends in a vowel.
_DIGITS = ("ı", "i", "si", "ü", "ü", "i", "sı", "si", "i", "u")
_TENS = ("", "u", "si", "u", "ı", "si", "ı", "i", "i", "ı")
_SUFFIX = re.compile(r"(\d[\d.,]*)'\(s\)i(ni)?")


def suffixed(text: str) -> str:
    """Turkish text in which ``'(s)i`` and ``'(s)ini`` after numbers stand as they are spoken.

    Example:
        >>> suffixed("%97,2'(s)i, %90'(s)ini, 100'(s)i, %0,50'(s)i")
        "%97,2'si, %90'ını, 100'ü, %0,50'si"
    """
    return _SUFFIX.sub(_spoken_suffix, text)


def _spoken_suffix(found: re.Match[str]) -> str:
    whole, _, decimals = found[1].replace(".", "").partition(",")
    digits = (decimals or whole).lstrip("0") or "0"
    zeros = len(digits) - len(digits.rstrip("0")) if digits != "0" else 0
    if zeros == 0:
        suffix = _DIGITS[int(digits[-1])]
    elif zeros == 1:
        suffix = _TENS[int(digits[-2])]
    else:
        suffix = "ü" if zeros == 2 else "i" if zeros < 6 else "u"  # yüz, bin, milyon
    vowel = suffix[-1]
    return f"{found[1]}'{suffix}{f'n{vowel}' if found[2] else ''}"


@cache
def catalogue(spoken: str) -> Mapping[str, CatalogEntry]:
    """All messages of a language."""
    subjects = ("reading", "faces", "errors", "label", "search", "diagnosis", "boxes", "points", "painting")
    names = (spoken, *(f"{subject}_{spoken}" for subject in subjects))
    parts = (importlib.import_module(f"derin.core.messages.{name}") for name in names)
    return {key: message for part in parts for key, message in part.MESSAGES.items()}


def _filled(spoken: str, key: str, values: Mapping[str, Any]) -> str:
    messages = catalogue(spoken)
    if key not in messages:
        raise UnknownNameError("message", key, messages)
    message = messages[key]
    if isinstance(message, tuple):
        message = message[0] if values["count"] == 1 else message[1]
    text = _Spelling(spoken).vformat(message, (), values)
    return suffixed(text) if "'(s)i" in message else text


class _Spelling(string.Formatter):
    """Fills braces and writes numbers in a language."""

    def __init__(self, spoken: str) -> None:
        self._spoken = spoken

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec.startswith("="):
            one, _, several = format_spec[1:].partition("|")
            return one if value == 1 else several
        if isinstance(value, Message):
            value = _filled(self._spoken, value.key, value.values)
        return format_number(
            printable(value) if isinstance(value, str | os.PathLike) else value, format_spec, self._spoken
        )
