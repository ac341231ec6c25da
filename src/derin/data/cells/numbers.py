"""How people write numbers: decimal point or comma, signs between thousands, percent, currency, minus signs,
units.

Spaces and apostrophes between thousands are never ambiguous and may stand in any column. Point and comma are: which of
the two stands before the decimals is found out from all cells of a column, and where these leave it open, from the
other columns of the file.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from derin.core.messages import Message
from derin.data.cells.amounts import ONES, amounts_written, find_amounts, looks_like_amount
from derin.data.cells.packed import in_blocks
from derin.data.cells.units import UNIT, has_grouping_point, is_unit, unit_name
from derin.data.cells.writing import Floats, Writing, is_infinite
from derin.data.table import Rows

POINT, COMMA = ".", ","
_CURRENCIES = frozenset(["$", "€", "£", "¥", "₺", "₽", "₹", "TL", "TRY", "USD", "EUR", "GBP", "CHF", "JPY"])
_SIGNS = _CURRENCIES | {"%", "‰"}
_SIGN = "|".join(map(re.escape, sorted(_SIGNS)))
_SPACE = " \u00a0\u2009\u202f'’"
_MINUS = "\\-\u2212\u2013"
_DRESSED = re.compile(
    rf"(?P<open>\()?(?P<sign>[+{_MINUS}]?)[ \u00a0]?(?P<before>{_SIGN})?[ \u00a0]?(?P<inner>[+{_MINUS}]?)"
    rf"(?P<number>(?:\d{{1,3}}(?:[{_SPACE}]\d{{3}})+(?:[.,]\d*)?|\d[\d.,]*|[.,]\d+)(?:[eE][+{_MINUS}]?\d+)?)"
    rf"[ \u00a0]?(?P<after>{_SIGN}|{UNIT})?(?P<close>\))?"
)
# Digits of a code, whatever word stands behind them.
_CODE = re.compile(r"0\d")
_UNDRESS = str.maketrans({**dict.fromkeys(_SPACE, None), "\u2212": "-", "\u2013": "-"})
# Before a power of ten there are no thousands; in India two digits stand between commas, but for the last three.
_EXPONENT = r"[eE][+-]?\d+"
_INDIAN = r"[1-9]\d?(?:,\d\d)+,\d{3}"
_WITH_POINT = re.compile(rf"-?(?:(?:[1-9]\d{{0,2}}(?:,\d{{3}})+|{_INDIAN})(?:\.\d*)?|\d*(?:\.\d*)?(?:{_EXPONENT})?)")
_WITH_COMMA = re.compile(rf"-?(?:[1-9]\d{{0,2}}(?:\.\d{{3}})+(?:,\d*)?|\d*(?:,\d*)?(?:{_EXPONENT})?)")
_GROUPED_BY_POINT = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+")
# Numbers of which one sign can only be the decimal one.
_SURELY_POINT = re.compile(
    rf"\d+\.(?:\d{{1,2}}|\d{{4,}})|0\.\d+|\d{{1,3}}(?:,\d{{3}})+\.\d+|{_INDIAN}(?:\.\d+)?|\d+\.\d+{_EXPONENT}"
)
_SURELY_COMMA = re.compile(rf"\d+,(?:\d{{1,2}}|\d{{4,}})|0,\d+|\d{{1,3}}(?:\.\d{{3}})+,\d+|\d+,\d+{_EXPONENT}")
_COMMA_TO_POINT = str.maketrans({".": None, ",": "."})
_SAMPLE = 200
_MOST_UNITS = 6


@dataclass(frozen=True)
class Numbers:
    """Cells as numbers.

    Args:
        values: NaN where a cell is none.
        decimal: the sign before the decimals.
        affix: a percent or currency sign at each of them, or a unit behind it.
        amounts_in: the unit into which amounts with several units were turned; empty where there is one unit or none.
        way: how they are written, in words, where that is not the usual way.
    """

    values: Floats
    decimal: str
    affix: str
    way: str
    amounts_in: str = ""


def looks_like_number(cell: str) -> bool:
    """Whether a cell is a number in some way of writing it.

    Example:
        >>> [looks_like_number(cell) for cell in ("1.234,5", "-7", "$1,250", "12 500", "12.5.", "1_000")]
        [True, True, True, True, True, False]
    """
    match = _DRESSED.fullmatch(cell)
    return match is not None and (match["after"] is None or match["after"] in _SIGNS)


def looks_measured(cell: str) -> bool:
    """Whether a cell is a number, perhaps with a unit behind it or with several, or with its zeros in a word.

    Example:
        >>> [looks_measured(cell) for cell in ("12 months", "15,5 kg", "-7", "A 12", "12A", "007 kg", "12 Angry Men")]
        [True, True, True, False, False, False, False]
        >>> [looks_measured(cell) for cell in ("1h 30m", "€0.6M")]
        [True, True]
    """
    return bool(_undressed(cell)[0]) or looks_like_number(cell) or looks_like_amount(cell)


def parse_numbers(cells: Sequence[str], *, decimal_comma: bool = False) -> Floats:
    """Cells as numbers in the one way of writing that fits most of them; NaN where a cell is none.

    Shapes:
        N cells → ``(N,)``.

    Example:
        >>> parse_numbers(["1.234,5", "7"]).tolist()
        [1234.5, 7.0]
    """
    likely = COMMA if decimal_comma else POINT
    return find_numbers(cells, np.ones(len(cells), dtype=np.int64), likely=likely).values


def numbers_written(cells: Sequence[str], decimal: str, affix: str = "", amounts_in: str = "") -> Floats:
    """Cells as numbers in a known way of writing; NaN where a cell does not follow it.

    Args:
        cells: without spaces around them.
        decimal: ``"."`` or ``","``; the other sign stands between thousands.
        affix: the percent or currency sign or the unit that may stand at them.
        amounts_in: where they have several units, the one that is wanted.

    Example:
        >>> numbers_written(["1.234", "12,5", "12.5"], ",").tolist()
        [1234.0, 12.5, nan]
    """
    if amounts_in:
        return amounts_written(cells, decimal, amounts_in)
    plain = _plain_numbers(cells) if decimal == POINT else None
    if plain is not None and not np.isnan(plain).any():
        return plain
    values = np.full(len(cells), np.nan)
    wanted = _affix_name(affix)
    for place, cell in enumerate(cells):
        bare, found = _undressed(cell)
        if found in ("", affix) or _affix_name(found) == wanted:
            values[place] = _value(bare, decimal)
    return values


def without_numbers(values: Floats, writing: Writing) -> Floats:
    """Numbers without those that were said to mean "no value", however they are written: -99 and -99.0.

    Example:
        >>> without_numbers(np.array([1.0, -99.0]), Writing(missing=("-99",))).tolist()
        [1.0, nan]
    """
    for number in numbers_written(writing.missing or (), writing.decimal).tolist():
        values = np.where(values == number, np.nan, values)
    return values


def surest_decimal(columns: Iterable[Sequence[str]]) -> str | None:
    """The decimal sign of a file, from cells that can be read in one way only; None where there is none, or both are.

    Example:
        >>> surest_decimal([["465", "2.501"], ["51,3", "50,0"]]), surest_decimal([["1.234"]])
        (',', None)
    """
    found = set()
    for cells in columns:
        for cell in cells[:: max(1, len(cells) // _SAMPLE)]:
            bare = cell.lstrip("+-")
            if _SURELY_COMMA.fullmatch(bare):
                found.add(COMMA)
            elif _SURELY_POINT.fullmatch(bare):
                found.add(POINT)
    return found.pop() if len(found) == 1 else None


def find_numbers(cells: Sequence[str], counts: Rows, *, known: str | None = None, likely: str = POINT) -> Numbers:
    """Numbers in the way of writing that fits most cells.

    Args:
        cells: different ones.
        counts: how often each occurs.
        known: the decimal sign that the other columns of the file have.
        likely: the one that decides where nothing else does.
    """
    values = _plain_numbers(cells)
    if not np.isnan(values).any():
        return _plain(cells, values, known, likely)
    if (quick := _all_with_comma(cells)) is not None:
        return Numbers(quick, COMMA, "", Message("reading.decimal_comma"))
    found = {sign: np.full(len(cells), np.nan) for sign in (POINT, COMMA)}
    affixes: dict[str, int] = {}
    at_cells = np.zeros(len(cells), dtype=np.int32)
    has_comma, start = False, 0
    for block in in_blocks(cells):
        bare, signs = zip(*map(_undressed, block))
        here = slice(start, start + len(block))
        for sign, parsed in found.items():
            parsed[here] = np.fromiter(map(_value, bare, [sign] * len(bare)), dtype=np.float64, count=len(bare))
        at_cells[here] = [affixes.setdefault(affix, len(affixes)) for affix in signs]
        has_comma = has_comma or "," in "".join(bare)
        start += len(block)
    affix, fits_affix = _one_affix(list(affixes), at_cells, counts)
    for parsed in found.values():
        parsed[~fits_affix] = np.nan
    fitting = {sign: int(counts[~np.isnan(parsed)].sum()) for sign, parsed in found.items()}
    if max(fitting.values()) < int(counts.sum()):
        amounts = find_amounts(cells, likely=known or likely)
        if amounts is not None and int(counts[~np.isnan(amounts.values)].sum()) > max(fitting.values()):
            key = "reading.amounts_of_zeros" if amounts.unit == ONES else "reading.amounts"
            said = Message(key, units=", ".join(amounts.units), unit=amounts.unit)
            return Numbers(amounts.values, amounts.decimal, "", said, amounts.unit)
    first = known or likely
    both = np.flatnonzero(np.abs(found[POINT] - found[COMMA]) > 0)
    doubt = ""
    if len(both) and known is None and fitting[POINT] == fitting[COMMA] and "." in (example := cells[both[0]]):
        if has_grouping_point(affix):
            first, doubt = COMMA, Message("reading.grouping_point_unit", example=example)
        elif first == POINT:
            doubt = Message("reading.decimal_point_likely", example=example)
    decimal = max((first, COMMA if first == POINT else POINT), key=lambda sign: fitting[sign])
    way: str = doubt
    if not doubt and has_comma:
        way = Message("reading.decimal_comma" if decimal == COMMA else "reading.grouping_comma")
    elif not doubt and decimal == COMMA and len(both):
        way = Message("reading.grouping_point", example=cells[both[0]])
    if affix:
        way = Message("reading.with_affix" if affix in _SIGNS else "reading.with_unit", way=way, affix=affix)
    return Numbers(found[decimal], decimal, affix, way)


def _plain(cells: Sequence[str], values: Floats, known: str | None, likely: str) -> Numbers:
    """Cells that are all numbers with a decimal point, unless their points stand between thousands."""
    first, num = "", 0
    for cell in cells:
        if "." in cell:
            if not _GROUPED_BY_POINT.fullmatch(cell):
                return Numbers(values, POINT, "", "")
            first, num = first or cell, num + 1
    if not num:
        return Numbers(values, known or likely, "", "")
    could_be = num < len(cells) or likely == COMMA
    if (known or likely) == COMMA:
        key = "reading.grouping_point" if known else "reading.grouping_point_likely"
        grouped = np.fromiter(
            (_value(_undressed(cell)[0], COMMA) for cell in cells), dtype=np.float64, count=len(cells)
        )
        return Numbers(grouped, COMMA, "", Message(key, example=first))
    doubt = could_be and known is None and num > 1 and np.abs(values).max(initial=0) < 1000
    way = Message("reading.decimal_point_likely", example=first) if doubt else ""
    return Numbers(values, POINT, "", way)


def _all_with_comma(cells: Sequence[str]) -> Floats | None:
    """Cells that can be numbers with a decimal comma and nothing else; None where one is not, or all can be others."""
    if not all(map(_WITH_COMMA.fullmatch, cells)) or all(map(_WITH_POINT.fullmatch, cells)):
        return None
    try:
        return np.fromiter((float(c.translate(_COMMA_TO_POINT)) for c in cells), dtype=np.float64, count=len(cells))
    except ValueError:
        return None


def several_units(cells: Sequence[str]) -> list[str]:
    """The units of cells that are numbers in different ones, such as months and years; empty where they are not.

    Example:
        >>> several_units(["12 months", "1 year", "6 months", "2 years"]), several_units(["12 Angry Men", "7 Samurai"])
        (['months', 'year'], [])
    """
    found: dict[str, str] = {}
    for cell in cells:
        unit = _undressed(cell)[1]
        if not unit or len(found) > _MOST_UNITS:
            return []
        found.setdefault(_affix_name(unit), unit)
    return list(found.values()) if 1 < len(found) <= _MOST_UNITS and 2 * len(found) <= len(cells) else []


def _one_affix(affixes: Sequence[str], at_cells: np.ndarray, counts: Rows) -> tuple[str, np.ndarray]:
    """The sign or unit at most of the numbers, and which cells have it; only a currency may be left out.

    Args:
        affixes: the different ones, in the order in which they come first.
        at_cells: the place among them of each cell's.
        counts: how often each cell occurs.
    """
    names = [_affix_name(affix) for affix in affixes]
    total: Counter[str] = Counter()
    for name, num in zip(names, np.bincount(at_cells, weights=counts, minlength=len(names)).tolist()):
        total[name] += int(num)
    chosen = max((name for name in total if name), key=lambda name: total[name], default="")
    if chosen not in _CURRENCIES and total[chosen] < total[""]:
        chosen = ""
    allowed = {chosen, ""} if chosen in _CURRENCIES else {chosen}
    shown = next((affix for affix, name in zip(affixes, names) if name == chosen), "")
    return shown, np.array([name in allowed for name in names], dtype=bool)[at_cells]


def _affix_name(affix: str) -> str:
    """What is the same at cells whose sign or unit is spelled otherwise."""
    return affix if affix in _SIGNS else unit_name(affix)


def _undressed(cell: str) -> tuple[str, str]:
    """A cell as digits, points and commas behind a plain minus, and the sign or unit at it; no number is empty."""
    match = _DRESSED.fullmatch(cell)
    if (
        match is None
        or bool(match["open"]) != bool(match["close"])
        or (match["sign"] and match["inner"])
        or (match["before"] and match["after"])
        or (match["open"] and (match["sign"] or match["inner"]))
        or (match["after"] and match["after"] not in _SIGNS and not _is_measure(match["number"], match["after"]))
    ):
        return "", ""
    negative = bool(match["open"]) or (match["sign"] + match["inner"]) not in ("", "+")
    return "-" * negative + match["number"].translate(_UNDRESS), match["before"] or match["after"] or ""


def _is_measure(number: str, unit: str) -> bool:
    return is_unit(unit) and not _CODE.match(number)


def _value(bare: str, decimal: str) -> float:
    """A bare number with this decimal sign; NaN where it does not fit."""
    if decimal == POINT:
        return _plain_number(bare.replace(",", "")) if bare and _WITH_POINT.fullmatch(bare) else math.nan
    if not bare or not _WITH_COMMA.fullmatch(bare):
        return math.nan
    return _plain_number(bare.replace(".", "").replace(",", "."))


def _plain_numbers(cells: Sequence[str]) -> Floats:
    values, start = np.full(len(cells), np.nan), 0
    for block in in_blocks(cells):
        here = values[start : start + len(block)]
        try:
            here[:] = np.fromiter(map(float, block), dtype=np.float64, count=len(block))
        except ValueError:
            here[:] = np.fromiter(map(_plain_number, block), dtype=np.float64, count=len(block))
        if "_" in "".join(block):
            # Python reads 1_000 as a number; in a table it is rather a code.
            here[["_" in cell for cell in block]] = np.nan
        start += len(block)
    values[np.isinf(values)] = np.nan
    return values


def _plain_number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        return math.nan
    return math.nan if "_" in cell or math.isinf(value) or is_infinite(cell) else value
