"""Words of measure behind numbers: 5 kg, 12 months, 1.200 adet."""

from __future__ import annotations

# kg, km/h, m², mg/dL, sq. ft, °C; of single letters those that are seldom part of a code such as 12A.
_POWER = "[²³23]?"
_WORD = rf"[^\W\d_]{{2,14}}{_POWER}\.?"
UNIT = rf"(?:(?:sq|cu|fl)\.? )?(?:{_WORD}|[gmshlkLVWΩ]{_POWER})(?:/(?:{_WORD}|[a-zL]{_POWER}))?|°[CF]?"
# Who counts in these words writes a point between thousands, and no price has three decimals.
_WITH_GROUPING_POINT = frozenset(
    (
        "tl",
        "try",
        "₺",
        "€",
        "eur",
        "adet",
        "kişi",
        "gün",
        "hafta",
        "ay",
        "yıl",
        "saat",
        "dakika",
        "saniye",
        "kez",
        "parça",
        "tane",
    )
)
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


def has_grouping_point(unit: str) -> bool:
    """Whether the point of 1.200 most likely stands between thousands, where it stands beside this unit.

    Example:
        >>> has_grouping_point("Adet"), has_grouping_point("kg")
        (True, False)
    """
    return unit.lower() in _WITH_GROUPING_POINT
