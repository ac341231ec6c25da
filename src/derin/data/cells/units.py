"""Words of measure behind numbers: 5 kg, 12 months, 1.200 adet."""

from __future__ import annotations

# kg, km/h, m², mg/dL, sq. ft, °C; of single letters those that are seldom part of a code such as 12A.
_POWER = "[²³23]?"
_WORD = rf"[^\W\d_]{{2,14}}{_POWER}\.?"
UNIT = rf"(?:(?:sq|cu|fl)\.? )?(?:{_WORD}|[gmshlkLVWΩ]{_POWER})(?:/(?:{_WORD}|[a-zL]{_POWER}))?|°[CF]?"
# Who counts in these words writes a point between thousands, and no price has three decimals.
_WITH_GROUPING_POINT = frozenset((
    "tl", "try", "₺", "€", "eur", "adet", "kişi", "gün", "hafta", "ay", "yıl", "saat", "dakika", "saniye",
    "kez", "parça", "tane",
))  # fmt: skip
# What may begin with a capital letter: other such words are names and codes (12 Elm, 123AB).
_CAPITAL = _WITH_GROUPING_POINT.union((
    "year", "yr", "month", "week", "day", "hour", "hr", "minute", "min", "second", "sec", "piece", "pc", "unit",
    "item", "star", "point", "person", "people", "time", "percent", "kg", "gr", "mg", "lb", "oz", "ton", "km", "mt",
    "cm", "mm", "ml", "cl", "lt", "sq", "kb", "mb", "gb", "tb", "pb", "hz", "khz", "mhz", "ghz", "kbps", "mbps",
    "gbps", "mbit", "gbit", "pa", "kpa", "mpa", "wh", "kwh", "mwh", "gwh", "mah", "ah", "kva", "kw", "mw", "gw",
    "hp", "ps", "cc", "rpm", "bpm", "db", "nm", "v", "w", "l", "c", "f", "k",
))  # fmt: skip
_ENOUGH_LETTERS = 3


def unit_name(unit: str) -> str:
    """One name for the spellings of a unit: ``"yr."``, ``"Yrs"`` and ``"YR"`` are one, ``"mW"`` and ``"MW"`` are two.

    Example:
        >>> [unit_name(unit) for unit in ("months", "Month", "KG", "kgs", "ms", "mW", "MW", "yrs.")]
        ['month', 'month', 'kg', 'kg', 'ms', 'mW', 'MW', 'yr']
    """
    unit = unit.rstrip(".")
    # Capital letters inside a short word tell milli from mega and bits from bytes; no prefix is mistaken for kilo.
    is_plain = unit in (unit.lower(), unit.upper(), unit.capitalize())
    if is_plain and (len(unit) >= _ENOUGH_LETTERS or unit[:1] in "kK"):
        unit = unit.lower()
    return unit[:-1] if len(unit) >= _ENOUGH_LETTERS and unit.endswith("s") else unit


def is_unit(word: str) -> bool:
    """Whether a word behind a number can be its unit: in small letters, or one that is known.

    Example:
        >>> [is_unit(word) for word in ("widgets", "Months", "MHz", "km/h", "Elm", "AB")]
        [True, True, True, True, False, False]
    """
    return not word[:1].isupper() or unit_name(word.split("/")[0].rstrip("²³23")).lower() in _CAPITAL


def has_grouping_point(unit: str) -> bool:
    """Whether the point of 1.200 most likely stands between thousands, where it stands beside this unit.

    Example:
        >>> has_grouping_point("Adet"), has_grouping_point("kg")
        (True, False)
    """
    return unit.lower() in _WITH_GROUPING_POINT
