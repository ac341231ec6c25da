"""Amounts whose units differ from cell to cell but measure the same: 14M beside 201k, 1 year beside 6 months, 1h 30m.

Each is turned into one unit of its column. Factors are those of the SI brochure (9th edition, 2019); inch, pound and
their like are defined in meters and kilograms; a week has 7 days and a year 12 months, while a month has no number of
days.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from derin.data.cells.units import unit_name

Floats = npt.NDArray[np.float64]

# Powers of ten that stand for zeros; who writes a bare number beside them means ones.
ONES = "×1"
_ZEROS = {"k": 3, "K": 3, "M": 6, "B": 9, "T": 12, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_ZEROS |= {"mn": 6, "mio": 6, "bn": 9, "tn": 12, "bin": 3, "milyon": 6, "milyar": 9, "trilyon": 12, "lac": 5}
_ZEROS |= {"lakh": 5, "cr": 7, "crore": 7}
_ZERO_LETTERS = frozenset("kKMBT")


def _prefixed(unit: str, **factors: float) -> dict[str, float]:
    return {prefix + unit: factor for prefix, factor in factors.items()} | {unit: 1.0}


_SECONDS = {"ms": 1e-3, "s": 1, "sec": 1, "second": 1, "sn": 1, "saniye": 1}
_SECONDS |= {"m": 60, "min": 60, "minute": 60, "dk": 60, "dakika": 60, "h": 3600, "hr": 3600, "hour": 3600}
_SECONDS |= {"sa": 3600, "saat": 3600, "d": 86_400, "day": 86_400, "gün": 86_400, "w": 604_800, "wk": 604_800}
_SECONDS |= {"week": 604_800, "hafta": 604_800}
_MONTHS = {"m": 1, "mo": 1, "mth": 1, "month": 1, "ay": 1, "quarter": 3, "çeyrek": 3, "y": 12, "yr": 12, "year": 12}
_MONTHS |= {"yıl": 12, "sene": 12}
_METERS = _prefixed("m", k=1e3, d=0.1, c=0.01, m=1e-3) | {"metre": 1, "meter": 1, "yd": 0.9144, "yard": 0.9144}
_METERS |= {"in": 0.0254, "inch": 0.0254, '"': 0.0254, "″": 0.0254, "ft": 0.3048, "foot": 0.3048, "feet": 0.3048}
_METERS |= {"'": 0.3048, "′": 0.3048, "mi": 1609.344, "mile": 1609.344}
_KILOGRAMS = {"mg": 1e-6, "g": 1e-3, "gr": 1e-3, "gram": 1e-3, "kg": 1, "t": 1e3, "ton": 1e3, "tonne": 1e3}
_KILOGRAMS |= {"oz": 0.028349523125, "lb": 0.45359237, "st": 6.35029318}
_LITERS = _prefixed("l", d=0.1, c=0.01, m=1e-3) | _prefixed("L", d=0.1, c=0.01, m=1e-3)
_LITERS |= {"lt": 1, "liter": 1, "litre": 1}
_BYTES = _prefixed("B", k=1e3, K=1e3, M=1e6, G=1e9, T=1e12, Ki=2**10, Mi=2**20, Gi=2**30, Ti=2**40)
_PREFIXES = {"k": 1e3, "M": 1e6, "G": 1e9}
_KINDS: tuple[Mapping[str, float], ...] = (
    *(_SECONDS, _MONTHS, _METERS, _KILOGRAMS, _LITERS, _BYTES),
    *(_prefixed(unit, **_PREFIXES) for unit in ("Hz", "W", "Wh", "bps", "Pa", "V", "Ω")),
)
_SPELLED = {'"': "in", "″": "in", "'": "ft", "′": "ft"}
_FEWEST_UNITS = 2

_SPACE = " \u00a0\u2009\u202f"
_NUMBER = rf"(?:\d{{1,3}}(?:[{_SPACE}]\d{{3}})+(?:[.,]\d*)?|\d[\d.,]*|[.,]\d+)"
_UNIT = r"(?:[^\W\d_]{1,9}|[\"'″′])\.?"
_PART = re.compile(rf"(?P<number>{_NUMBER})[{_SPACE}]?(?P<unit>{_UNIT})?")
_BETWEEN = re.compile(rf"[{_SPACE}]?(?:,|and|ve)?[{_SPACE}]?")
_CURRENCY = r"[$€£¥₺₽₹]|TL|TRY|USD|EUR|GBP|CHF|JPY|Rs\.?"
_AROUND = re.compile(
    rf"(?P<sign>[+\-\u2212\u2013]?)(?:{_CURRENCY})?[{_SPACE}]?(?P<inner>.*?)[{_SPACE}]?(?P<after>{_CURRENCY})?"
)
_SPACES = str.maketrans(dict.fromkeys(_SPACE))
_LOOKED_AT = 50


@dataclass(frozen=True)
class Amounts:
    """Cells as amounts in one unit.

    Args:
        values: NaN where a cell is none.
        decimal: the sign before the decimals.
        unit: the one in which they are, `ONES` for plain numbers.
        units: those that stand in the cells, the frequent ones first.
    """

    values: Floats
    decimal: str
    unit: str
    units: tuple[str, ...]


@dataclass(frozen=True)
class _Part:
    number: str
    unit: str


def find_amounts(cells: Sequence[str], *, likely: str = ".") -> Amounts | None:
    """Cells with units of one kind in the unit that most of them have; None where that is not what they are.

    Letters alone that may stand for zeros (5M, 12B) are taken for them beside decimals, beside a currency or where at
    least two different ones occur: else they may as well be codes or sizes.

    Args:
        cells: different ones.
        likely: the decimal sign that decides where nothing else does.

    Example:
        >>> found = find_amounts(["1 year", "6 months", "18 months"])
        >>> found.values.tolist(), found.unit
        ([12.0, 6.0, 18.0], 'months')
        >>> find_amounts(["0.2M", "14M", "201k", "950"]).values.tolist()
        [200000.0, 14000000.0, 201000.0, 950.0]
        >>> find_amounts(["1h 30m", "45m", "2h"]).values.tolist()
        [90.0, 45.0, 120.0]
        >>> find_amounts(["12A", "12B"]) is None
        True
    """
    step = max(1, len(cells) // _LOOKED_AT)
    looked_at = cells[::step]
    if 2 * sum(bool(_parts(cell)) for cell in looked_at) < len(looked_at):
        return None
    parts = [_parts(cell) for cell in cells]
    counted = Counter(part.unit for found in parts for part in found)
    del counted[""]
    if not counted:
        return None
    units = tuple(unit for unit, _ in counted.most_common())
    unit = ONES if _are_zeros(cells, parts, units) else _common_unit(counted)
    if unit is None:
        return None
    found = {sign: amounts_written(cells, sign, unit) for sign in (likely, "," if likely == "." else ".")}
    decimal = max(found, key=lambda sign: int((~np.isnan(found[sign])).sum()))
    return Amounts(found[decimal], decimal, unit, units)


def amounts_written(cells: Sequence[str], decimal: str, unit: str) -> Floats:
    """Cells as amounts in a known unit; NaN where a cell is none of its kind.

    Args:
        cells: without spaces around them.
        decimal: ``"."`` or ``","``; the other sign stands between thousands.
        unit: `ONES`, or any unit of the kind.

    Example:
        >>> amounts_written(["1,5 km", "300 m", "2 kg"], ",", "m").tolist()
        [1500.0, 300.0, nan]
    """
    kinds = [] if unit == ONES else [kind for kind in _KINDS if _factor(kind, unit)]
    values = np.full(len(cells), math.nan)
    for place, cell in enumerate(cells):
        parts = _parts(cell)
        if not parts:
            continue
        if unit == ONES:
            value = _with_zeros(parts, decimal)
        else:
            sums = (_summed(parts, decimal, kind, unit) for kind in kinds)
            value = next((found for found in sums if not math.isnan(found)), math.nan)
        values[place] = -value if cell[0] in "-\u2212\u2013" else value
    return values


def is_amount_unit(unit: str) -> bool:
    """Whether amounts can be in this unit.

    Example:
        >>> is_amount_unit("months"), is_amount_unit("×1"), is_amount_unit("widgets")
        (True, True, False)
    """
    return unit == ONES or any(_factor(kind, unit) for kind in _KINDS)


def looks_like_amount(cell: str) -> bool:
    """Whether a cell is a number with zeros spelled as a letter or word, or has several units.

    Example:
        >>> [looks_like_amount(cell) for cell in ("€110.5M", "1h 30m", "5'11\\"", "M5", "12")]
        [True, True, True, False, False]
    """
    parts = _parts(cell)
    if len(parts) == 1:
        return _zeros(parts[0].unit) is not None
    return len(parts) > 1 and _common_unit(Counter(part.unit for part in parts)) is not None


def _parts(cell: str) -> list[_Part]:
    """The numbers of a cell with the unit of each; nothing where something else stands between them."""
    around = _AROUND.fullmatch(cell) if cell[-1:] and len(cell) <= _LOOKED_AT else None
    if around is None:
        return []
    inner, place = around["inner"], 0
    found: list[_Part] = []
    while place < len(inner):
        if found:
            place = _BETWEEN.match(inner, place).end()  # type: ignore[union-attr]
        match = _PART.match(inner, place)
        # 5'11" is often written without its last sign.
        if match is None or (found and not match["unit"] and found[-1].unit not in ("'", "′")):
            return []
        number = match["number"].translate(_SPACES)
        unit = match["unit"] or ('"' if found else "")
        found.append(_Part(number, unit))
        place = match.end()
    return found


def _are_zeros(cells: Sequence[str], parts: Sequence[Sequence[_Part]], units: Sequence[str]) -> bool:
    if any(_zeros(unit) is None for unit in units):
        return False
    if len(units) >= _FEWEST_UNITS or not _ZERO_LETTERS.issuperset(units):
        return True
    if any(sign in part.number for found in parts for part in found for sign in ".,"):
        return True
    return all(not cell[:1].isdigit() or not cell[-1:].isalpha() for cell in cells if _parts(cell))


def _common_unit(counted: Mapping[str, int]) -> str | None:
    """The unit that occurs most, of those that do so the smallest; None where they are not of one kind, or one only."""
    kind = next((kind for kind in _KINDS if all(_factor(kind, unit) for unit in counted)), None)
    if kind is None:
        return None
    total: Counter[float] = Counter()
    for unit, num in counted.items():
        total[_factor(kind, unit)] += num
    if len(total) < _FEWEST_UNITS:
        return None
    chosen = min(total, key=lambda factor: (-total[factor], factor))
    unit = next(unit for unit in counted if _factor(kind, unit) == chosen)
    return _SPELLED.get(unit, unit)


def _factor(kind: Mapping[str, float], unit: str) -> float:
    """How many of the kind's own unit one of these is; 0 where it is of another kind."""
    name = unit_name(unit)
    return kind.get(unit) or kind.get(name) or (kind.get(name.lower(), 0.0) if len(name) > 1 else 0.0)


def _with_zeros(parts: Sequence[_Part], decimal: str) -> float:
    zeros = _zeros(parts[0].unit) if parts[0].unit else 0
    # Read with its power at once, so that the nearest number is found: 1.1 times a thousand is 1100.0000000000002.
    return math.nan if len(parts) > 1 or zeros is None else _number(parts[0].number, decimal, zeros)


def _zeros(unit: str) -> int | None:
    """How many zeros a letter or word stands for; None where it stands for none."""
    return _ZEROS.get(unit.lower() if len(unit) > 1 else unit)


def _summed(parts: Sequence[_Part], decimal: str, kind: Mapping[str, float], unit: str) -> float:
    factors = [_factor(kind, part.unit) for part in parts]
    if not all(factors) or any(a <= b for a, b in itertools.pairwise(factors)):
        return math.nan
    value = sum(_number(part.number, decimal) * f / _factor(kind, unit) for part, f in zip(parts, factors))
    # 6 feet are 72 inches, not 72.00000000000001: the last digits of a product of decimal fractions mean nothing.
    return float(f"{value:.14g}")


def _number(text: str, decimal: str, power: int = 0) -> float:
    grouping = "," if decimal == "." else "."
    whole, _, rest = text.partition(decimal)
    if grouping in rest or not re.fullmatch(rf"\d*|\d{{1,3}}(?:\{grouping}\d{{3}})+", whole):
        return math.nan
    try:
        return float(f"{whole.replace(grouping, '')}.{rest}e{power}")
    except ValueError:
        return math.nan
