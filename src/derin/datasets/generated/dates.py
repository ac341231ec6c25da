"""Dates as people write them, and as machines do: pairs of text, made by a rule, in English and in Turkish.

Every row is another day of 1970 to 2069, so that no day of the test set was seen in training. The rules leave one
reading to each form: of numbers with points or dashes the day comes first, with slashes the month does in English and
the day in Turkish, and two digits of a year are those of 1970 to 2069.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from derin.core.errors import UnknownNameError, UsageError
from derin.core.messages import Message
from derin.core.seeds import generator
from derin.data.report import DataReport
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Ragged, Table

FIRST_DAY = date(1970, 1, 1)
NUM_DAYS = (date(2070, 1, 1) - FIRST_DAY).days
# Of twelve rows, in order: so many train, choose and measure.
_SHARES = {"train": 10, "val": 1, "test": 1}

_MONTHS = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "tr": [
        "Ocak",
        "Şubat",
        "Mart",
        "Nisan",
        "Mayıs",
        "Haziran",
        "Temmuz",
        "Ağustos",
        "Eylül",
        "Ekim",
        "Kasım",
        "Aralık",
    ],
}
_WEEKDAYS = {
    "en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    "tr": ["Pazartesi", "Salı", "Çarşamba", "Perşembe", "Cuma", "Cumartesi", "Pazar"],
}
_TURKISH_ONES = ["sıfır", "bir", "iki", "üç", "dört", "beş", "altı", "yedi", "sekiz", "dokuz"]
_TURKISH_TENS = ["sıfır", "on", "yirmi", "otuz", "kırk", "elli", "altmış", "yetmiş", "seksen", "doksan"]
_HARD = "fstkçşhp"  # after these a suffix begins with t, not d
# The close vowel that follows each vowel in a suffix.
_CLOSE = {"a": "ı", "ı": "ı", "e": "i", "i": "i", "o": "u", "u": "u", "ö": "ü", "ü": "ü"}

Form = Callable[[date], str]


def generate_dates(language: str, *, num: int = 12_000, seed: int = 0) -> Table:
    """Pairs of a date in words and digits, in one of many forms, and the same as year-month-day (ISO 8601).

    Args:
        language: ``"en"`` or ``"tr"``.
        num: of pairs; ten in twelve train, one chooses, one measures.
        seed: of days and forms.

    Shapes:
        two ragged columns of UTF-8, ``date`` with the role input and ``iso`` with the role target.

    Raises:
        UnknownNameError: there are no forms in that language.
        UsageError: fewer than 12 pairs, or more than there are days.

    Example:
        >>> table = generate_dates("tr", num=24, seed=1)
        >>> for said, meant in zip(table.columns["date"].texts()[:3], table.columns["iso"].texts()):
        ...     print(said, "→", meant)
        29-09-1990 → 1990-09-29
        1 May 87 → 1987-05-01
        22 Kas 86 → 1986-11-22
    """
    if language not in _FORMS:
        raise UnknownNameError("language of dates", language, _FORMS)
    if not sum(_SHARES.values()) <= num <= NUM_DAYS:
        raise UsageError(f"generate_dates: num must lie between {sum(_SHARES.values())} and {NUM_DAYS}; got {num}.")
    random = generator(seed, f"dates {language}")
    days = [FIRST_DAY + timedelta(days=int(day)) for day in random.permutation(NUM_DAYS)[:num]]
    forms = _FORMS[language]
    chosen = random.integers(len(forms), size=num).tolist()
    casing = random.integers(_CASINGS, size=num).tolist()
    said = [_cased(forms[form](day), case, language) for day, form, case in zip(days, chosen, casing)]
    schema = Schema(
        (
            Column(
                name="date",
                kind=Kind.TEXT,
                role=Role.INPUT,
                shape=(-1,),
                note=Message("reading.generated_language", language=language),
            ),
            Column(name="iso", kind=Kind.TEXT, role=Role.TARGET, shape=(-1,), note=Message("reading.year_month_day")),
        )
    )
    ends = np.cumsum(list(_SHARES.values())) * num // sum(_SHARES.values())
    report = DataReport(source=f"generated, seed {seed}")
    report.notes.append(Message("reading.days_and_forms", num=num, forms=len(forms)))
    return Table(
        name=f"dates_{language}",
        schema=schema,
        columns={"date": Ragged.from_texts(said), "iso": Ragged.from_texts([day.isoformat() for day in days])},
        splits=dict(zip(_SHARES, np.split(np.arange(num, dtype=np.int64), ends[:-1]), strict=True)),
        report=report,
    )


def dates_en(*, name: str) -> Table:
    """The named set of English dates."""
    return replace(generate_dates("en"), name=name)


def dates_tr(*, name: str) -> Table:
    """The named set of Turkish dates."""
    return replace(generate_dates("tr"), name=name)


def turkish_suffix(word: str, suffix: str) -> str:
    """The suffix of a Turkish word, by the harmony of vowels and consonants.

    Args:
        word: as it is spoken, in lower case, its last sounds deciding.
        suffix: ``"locative"`` (in), ``"ablative"`` (from), ``"dative"`` (to), ``"genitive"`` (of), ``"possessive"``
            (its) or ``"possessive locative"`` (in its).

    Example:
        >>> [turkish_suffix(word, "locative") for word in ("mart", "eylül", "altı")]
        ['ta', 'de', 'da']
        >>> [turkish_suffix(word, "possessive") for word in ("üç", "altı", "on")]
        ['ü', 'sı', 'u']
    """
    vowel = next(letter for letter in reversed(word) if letter in _CLOSE)
    open_vowel = "a" if vowel in "aıou" else "e"
    ends_in_vowel = word[-1] in _CLOSE
    hard = "t" if word[-1] in _HARD else "d"
    possessive = ("s" if ends_in_vowel else "") + _CLOSE[vowel]
    return {
        "locative": hard + open_vowel,
        "ablative": hard + open_vowel + "n",
        "dative": ("y" if ends_in_vowel else "") + open_vowel,
        "genitive": ("n" if ends_in_vowel else "") + _CLOSE[vowel] + "n",
        "possessive": possessive,
        "possessive locative": possessive + "nd" + open_vowel,
    }[suffix]


def turkish_last_word(number: int) -> str:
    """The last word of a whole number from 1 to 9999 as it is spoken, which its suffixes follow.

    Example:
        >>> [turkish_last_word(n) for n in (3, 20, 1996, 2000)]
        ['üç', 'yirmi', 'altı', 'bin']
    """
    if number % 10:
        return _TURKISH_ONES[number % 10]
    if number % 100:
        return _TURKISH_TENS[number // 10 % 10]
    return "yüz" if number % 1000 else "bin"


def _number(number: int, suffix: str) -> str:
    return f"{number}'{turkish_suffix(turkish_last_word(number), suffix)}"


def _month(day: date, suffix: str) -> str:
    name = _MONTHS["tr"][day.month - 1]
    return f"{name}'{turkish_suffix(name.lower(), suffix)}"


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _template(language: str, form: str) -> Form:
    """A form from a template: ``day2`` has two digits, ``short`` is the month's first three letters."""

    def said(day: date) -> str:
        month = _MONTHS[language][day.month - 1]
        return form.format(
            day=day.day,
            day2=f"{day.day:02}",
            ordinal=_ordinal(day.day),
            month=month,
            short=month[:3],
            number=day.month,
            number2=f"{day.month:02}",
            year=day.year,
            year2=f"{day.year % 100:02}",
            weekday=_WEEKDAYS[language][day.weekday()],
        )

    return said


_ENGLISH = (
    "{day} {month} {year}",
    "{month} {day}, {year}",
    "{month} {ordinal}, {year}",
    "{ordinal} of {month} {year}",
    "the {ordinal} of {month}, {year}",
    "{weekday}, {month} {day}, {year}",
    "{weekday} {day} {month} {year}",
    "{day} {short} {year}",
    "{short} {day}, {year}",
    "{weekday} the {ordinal} of {month} {year}",
    "{day2}-{short}-{year}",
    "{day} {short} {year2}",
    "{year} {month} {day}",
    "{number}/{day}/{year}",
    "{number2}/{day2}/{year2}",
    "{day}.{number}.{year}",
    "{day2}.{number2}.{year2}",
    "{day2}-{number2}-{year}",
    "{year}/{number2}/{day2}",
    "{year}{number2}{day2}",
)

_TURKISH = (
    "{day} {month} {year}",
    "{day} {month} {year} {weekday}",
    "{weekday}, {day} {month} {year}",
    "{day} {month} {year} {weekday} günü",
    "{day} {short} {year}",
    "{day} {short} {year2}",
    "{day} {month} {year2}",
    "{year} {month} {day}",
    "{day}/{number}/{year}",
    "{day2}/{number2}/{year2}",
    "{day}.{number}.{year}",
    "{day2}.{number2}.{year2}",
    "{day2}-{number2}-{year}",
    "{year}/{number2}/{day2}",
    "{year}{number2}{day2}",
)


def _turkish_month(day: date) -> str:
    return _MONTHS["tr"][day.month - 1]


_TURKISH_WITH_SUFFIXES: tuple[Form, ...] = (
    lambda day: f"{day.day} {_turkish_month(day)} {_number(day.year, 'locative')}",
    lambda day: f"{day.day} {_turkish_month(day)} {_number(day.year, 'ablative')} beri",
    lambda day: f"{day.day} {_turkish_month(day)} {_number(day.year, 'dative')} kadar",
    lambda day: f"{_number(day.year, 'genitive')} {day.day} {_month(day, 'possessive locative')}",
    lambda day: f"{day.year} {_month(day, 'genitive')} {_number(day.day, 'possessive')}",
    lambda day: f"{_month(day, 'genitive')} {_number(day.day, 'possessive')}, {day.year}",
    lambda day: f"{day.year} yılının {_turkish_month(day)} ayının {_number(day.day, 'possessive locative')}",
)

_FORMS: dict[str, tuple[Form, ...]] = {
    "en": tuple(_template("en", form) for form in _ENGLISH),
    "tr": (*(_template("tr", form) for form in _TURKISH), *_TURKISH_WITH_SUFFIXES),
}

_CASINGS = 8
_LOWER, _UPPER = 0, 1  # one in eight each; the other six stay as they are


def _cased(text: str, case: int, language: str) -> str:
    """Some dates are in lower or upper case, in Turkish with its own two letters i."""
    if case == _LOWER:
        return (text.replace("I", "ı").replace("İ", "i") if language == "tr" else text).lower()
    if case == _UPPER:
        return (text.replace("i", "İ").replace("ı", "I") if language == "tr" else text).upper()
    return text
