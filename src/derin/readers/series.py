"""Series of measurements from a csv file: time found in one column or in several, steps made even, nothing silent.

Rows are time steps. What is doubled, missing, between two steps or no number is named in the table's reading, with
its first places.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, UsageError
from derin.core.messages import Message
from derin.data.cells.dates import in_one_zone, looks_like_date
from derin.data.cells.numbers import COMMA, POINT
from derin.data.cells.values import Habits, Values, infer_values, values_written
from derin.data.cells.writing import Writing
from derin.data.line_findings import line_findings
from derin.data.recipe import ReadingRecipe, ReadOptions
from derin.data.report import DataReport, Outcome
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.series.calendar import ROWS, Floats, Frequency, find_frequency, moments
from derin.data.series.cut import cut_in_time
from derin.data.series.grid import INSERTED, Grid, evenly, first_places, in_order, is_even_enough
from derin.data.table import ColumnData, Dense, Rows, Table
from derin.readers.columns import ReadColumn, dense, known_name, role_of
from derin.readers.csv_table import csv_files
from derin.readers.delimited import Records
from derin.readers.table_files import table_records

TIME, ROW = "time", "row"
# Time that is spread over columns, in English and Turkish, the coarsest first.
_PARTS: dict[str, tuple[str, ...]] = {
    "year": ("year", "yr", "yıl", "yil"),
    "month": ("month", "mo", "ay"),
    "day": ("day", "gün", "gun"),
    "hour": ("hour", "hr", "saat"),
    "minute": ("minute", "min", "dakika"),
    "second": ("second", "sec", "saniye"),
}
_TIME_NAMES = ("date", "datetime", "date_time", "timestamp", "time", "ds", "tarih", "zaman", "unix", "epoch", "zeit")
# A clock in a column beside that of the day.
_CLOCK = re.compile(r"(?P<hour>[01]?\d|2[0-4])(?:[:.h](?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:\.\d*)?)?)?")
_CLOCK_NAMES = ("time", "hour", "hr", "clock", "saat", "zeit", "uhrzeit", "stunde")
_DAY_SECONDS = 86400.0
_MOST_CLASSES = 50  # of a category that a network reads
# Rows at a moment that another row has too: from the first share on a column that tells them apart names several
# series, from the second on they cannot be one.
_FEW_AGAIN, _MANY_AGAIN = 0.05, 0.2
_SERIES_SHOWN = 6
_MOST_GAPS_LISTED = 100
_WAYS = ("auto", "time", "rows")


def read_series(
    path: Path,
    *,
    name: str,
    target: str | Sequence[str] | None = None,
    time: str | Sequence[str] | None = None,
    group: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] = (),
    split: Any = None,
    steps: str = "auto",
    delimiter: str | None = None,
    header: bool | None = None,
    decimal: str | None = None,
    date_order: str | None = None,
    missing: Sequence[str] | None = None,
    options: ReadOptions | None = None,
) -> Table:
    """A table of time steps, cut into train, val and test in the order of time.

    Args:
        path: of a csv or tsv file, or of a folder with one.
        name: of the data, for people.
        target: the columns to be forecast (``"a,b"``); None takes all columns of numbers.
        time: the column with the time, or several (``"year,month,day,hour"`` in this order, or a date and a clock);
            None finds them. Without any, rows are steps.
        group: the column that names the series of each row, where the file holds several; or several columns
            (``"shop,product"``).
        ignore: columns that are no inputs.
        split: shares (``"0.6,0.2,0.2"``) or numbers of steps (``[8640, 2880, 2880]``) of train, val and test; steps
            beyond them belong to none. None is 60, 20 and 20 %.
        steps: ``"time"`` fills gaps with missing steps, ``"rows"`` takes row after row as one step apart, ``"auto"``
            does the first where times are even but for a few, for each series.
        delimiter: one character; None finds it out.
        header: whether the first line holds the names; None finds it out.
        decimal: the sign before decimals, ``"."`` or ``","``; None finds it out.
        date_order: in which order day and month stand; None finds it out.
        missing: the words that mean "no value"; None takes the usual ones.
        options: how other data was read, whose part ``"series"`` is followed: ``delimiter``, ``header``, ``time``,
            ``group``, ``targets``, ``ignored``, the ``kinds`` and ``writings`` of the columns and the ``frequencies``
            of the series; and whether the series is read to be gone on with, and not cut.

    Shapes:
        the time ``(N,)`` float64 in seconds since 1970-01-01 of the clock that it is written by, numbers ``(N,)``
        float64 with NaN where missing, categories ``(N,)`` int64 with -1 where missing.

    Raises:
        DataError: there is nothing to forecast, a target is no number, the time cannot be read, the file holds several
            series that nobody named, or the series is too short to be cut.
        UnknownNameError: a column that was named does not exist.
    """
    if steps not in _WAYS:
        raise UsageError(f"Reading a series: steps must be one of {', '.join(_WAYS)}; got {steps!r}.")
    if decimal not in (None, POINT, COMMA):
        raise UsageError(f"Reading a series: decimal must be '.' or ','; got {decimal!r}.")
    options = options or ReadOptions()
    known = options.part("series")
    source = _file(Path(path))
    if delimiter is None and header is None and source.suffix.lower() == known.get("ending"):
        delimiter, header = known.get("delimiter"), known.get("header")
    records = table_records(source, delimiter=delimiter, header=header)
    report = DataReport(source=str(path), findings=list(records.findings), notes=list(records.notes))
    habits = Habits.of(records.columns, records.delimiter, decimal=decimal, order=date_order, missing=missing)
    columns = {
        column: ReadColumn(column, cells, _values(column, cells, habits, known))
        for column, cells in zip(records.names, records.columns, strict=True)
    }
    ignored = set(_names(ignore or known.get("ignored"), records, must_exist=bool(ignore)))
    group_names = _names(known.get("group") if group is None else group, records)
    time_asked = _names(known.get("time") if time is None else time, records)
    found = _times(records, columns, time_asked, ignored, report, way=steps)
    seconds, time_names = found.seconds, found.names
    taken = {*time_names, *group_names, *ignored}
    asked = _names(known.get("targets") if target is None else target, records)
    targets = _targets(records, columns, asked, taken)
    codes, group_classes = _groups(columns, group_names, len(records.lines), report, records)
    keep = np.flatnonzero(~np.isnan(seconds) & (codes >= 0))
    if not len(keep):
        raise DataError(f"{records.file}: no row has a time that can be read; name the column of the time (time=...).")
    if time_names:
        _require_told_apart(records, columns, seconds, codes, keep, taken | set(asked), group_names)
    way = steps if found.is_calendar else "rows"
    frequencies = {name: Frequency.from_json(part) for name, part in (known.get("frequencies") or {}).items()}
    rows = _Steps.of(
        seconds, codes, keep, group_classes, way, bool(time_names), found.is_calendar, frequencies, records, report
    )
    schema: list[Column] = [_time_column(rows, found, records)]
    data: dict[str, ColumnData] = {schema[0].name: Dense(rows.seconds)}
    if group_names:
        schema.append(Column(name=",".join(group_names), kind=Kind.CATEGORY, role=Role.GROUP, classes=group_classes))
        data[schema[-1].name] = Dense(rows.codes)
    for place, column in enumerate(columns.values()):
        if column.name in taken and column.name not in ignored:
            continue
        line = _line(column, place, column.name in targets, column.name in ignored)
        if line is None:
            report.notes.append(Message("reading.left_text", column=column.name))
            continue
        schema.append(line[0])
        data[line[0].name] = Dense(rows.fill(line[1]))
        _note_missing(line[0], data[line[0].name], rows.names, report)
        _list_conflicts(column, records, report)
    splits = {} if options.inputs_only else cut_in_time(rows.places, split, where=name)
    if splits:
        report.counts = {part: {"": len(numbers)} for part, numbers in splits.items()}
        report.notes.append(_cut_sentence(splits, rows))
    part = {
        "ending": source.suffix.lower(),
        "delimiter": records.delimiter,
        "header": records.has_header,
        "time": time_names,
        "group": group_names,
        "targets": sorted(targets, key=records.names.index),
        "ignored": sorted(ignored, key=records.names.index),
        "kinds": {column.name: column.values.kind.value for column in columns.values()},
        "writings": {column.name: column.values.writing.to_json() for column in columns.values()},
        "frequencies": {
            group_classes[code] if group_classes else "": frequency.to_json()
            for code, frequency in rows.frequencies.items()
        },
    }
    return Table(
        name=name,
        schema=Schema(tuple(schema)),
        columns=data,
        splits=splits,
        report=report,
        row_names=rows.names,
        given_splits=tuple(splits),
        task="forecasting",
        recipe=ReadingRecipe(found={"series": part}),
    )


@dataclass(frozen=True)
class _Steps:
    """The rows of the table: all series one below the other, each in the order of time.

    Args:
        source: the row of the file of each row, or `INSERTED`.
        places: when each row is, as a number that is alike in all series.
        frequencies: of the series, by its number.
    """

    source: Rows
    seconds: Floats
    codes: Rows
    places: Floats
    names: list[str]
    frequencies: dict[int, Frequency]

    @property
    def step(self) -> str:
        """How far apart the steps are, in words: of several series the commonest distance first."""
        counts = Counter(frequency.name for frequency in self.frequencies.values())
        return " / ".join(name for name, _ in counts.most_common(3)) + (" / …" if len(counts) > 3 else "")

    @classmethod
    def of(
        cls,
        seconds: Floats,
        codes: Rows,
        keep: Rows,
        group_classes: tuple[str, ...],
        way: str,
        has_time: bool,
        is_calendar: bool,
        known: Mapping[str, Frequency],
        records: Records,
        report: DataReport,
    ) -> _Steps:
        members = [(code, keep[codes[keep] == code]) for code in np.unique(codes[keep]).tolist()]
        ordered = {code: _taken_from(in_order(seconds[rows]), rows) for code, rows in members}
        names = {code: group_classes[code] if group_classes else "" for code in ordered}
        frequencies = dict.fromkeys(ordered, ROWS)
        grids = dict(ordered)
        uneven: list[int] = []
        if has_time and way != "rows":
            usual = find_frequency(max(ordered.values(), key=lambda g: len(g.source)).seconds)
            for code, grid in ordered.items():
                told = known.get(names[code])
                # A series of one or two rows has the step of the others.
                own = find_frequency(grid.seconds) if len(grid.source) > 2 else usual
                # Of a series that training did not have the step of those that it had is tried too.
                possible = [own, *dict.fromkeys(known.values())] if told is None else [told]
                for frequency in possible:
                    if frequency.unit == "row":
                        break
                    even = evenly(grid, frequency, where=_of(records.file, names[code]))
                    if way == "time" or told is not None or is_even_enough(grid, even):
                        grids[code], frequencies[code] = even, frequency
                        break
                else:
                    uneven.append(code)
        if uneven:
            report.notes.append(_uneven_sentence([ordered[code] for code in uneven], [names[c] for c in uneven]))
        if has_time and any((np.diff(g.source[g.source >= 0]) < 0).any() for g in ordered.values()):
            report.notes.append(Message("reading.time_sorted"))
        _list_oddities(grids, frequencies, names, records, report)
        _note_unlike_steps(frequencies, names, report)
        numbers = np.concatenate([np.full(len(g.source), code) for code, g in grids.items()])
        all_seconds = np.concatenate([g.seconds for g in grids.values()])
        texts = [
            frequencies[code].text(s) if is_calendar else f"{s:.12g}"
            for code, g in grids.items()
            for s in g.seconds.tolist()
        ]
        if group_classes:
            texts = [f"{group_classes[c]} {t}" for c, t in zip(numbers.tolist(), texts)]
        places = all_seconds if has_time else np.concatenate([np.arange(len(g.source)) for g in grids.values()])
        source = np.concatenate([g.source for g in grids.values()])
        return cls(source, all_seconds, numbers, places.astype(np.float64), texts, frequencies)

    def fill(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A column of the file in the rows of the table; missing where a row was filled in."""
        taken = values[np.maximum(self.source, 0)]
        taken[self.source == INSERTED] = np.nan if taken.dtype.kind == "f" else -1
        return taken


def _values(name: str, cells: Sequence[str], habits: Habits, known: Mapping[str, Any]) -> Values:
    """What a column holds, as in other data where that is known.

    Parts of a time are numbers, also where zeros stand before them (month 01).
    """
    kind, written = known.get("kinds", {}).get(name), known.get("writings", {}).get(name)
    if kind in tuple(Kind):
        if written is not None:
            return values_written(cells, Kind(kind), Writing.from_json(written))
        return infer_values(cells, habits=habits, kind=Kind(kind), name=name)
    values = infer_values(cells, habits=habits, name=name)
    if _part_of(name) and values.kind is Kind.CATEGORY and all(map(str.isdecimal, values.classes or ())):
        return infer_values(cells, habits=habits, kind=Kind.NUMBER)
    return values


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = csv_files(path)
    if len(found) != 1:
        names = ", ".join(p.name for p in found[:6]) or "none"
        raise DataError(f"{path}: a folder with one csv file is required; it holds {names}. Name the file.")
    return found[0]


def _names(given: str | Sequence[str] | None, records: Records, *, must_exist: bool = True) -> list[str]:
    """Columns as a person names them: one, several with commas between them, or a list."""
    if given is None:
        return []
    parts = [given] if isinstance(given, str) and given in records.names else given
    listed = parts.split(",") if isinstance(parts, str) else list(parts)
    wanted = [str(n).strip() for n in listed if str(n).strip()]
    return [known_name(n, records.names) for n in wanted if must_exist or n in records.names]


@dataclass(frozen=True)
class _Times:
    """The moment of each row, the columns that it was made of, how, and whether it is one of the calendar."""

    seconds: Floats
    names: list[str]
    words: str
    is_calendar: bool


def _times(
    records: Records,
    columns: dict[str, ReadColumn],
    named: list[str],
    ignored: set[str],
    report: DataReport,
    *,
    way: str,
) -> _Times:
    """The moment of each row; where none is found, rows are steps."""
    if len(named) == 1 and columns[named[0]].values.kind is not Kind.DATE and _part_of(named[0]) != "year":
        return _ordering(records, columns[named[0]])
    free = [c for c in records.names if c not in ignored]
    spread = named or [c for c in free if _part_of(c)]
    dates = [c for c in spread if columns[c].values.kind is Kind.DATE]
    dates = dates or ([] if named else _by_name([c for c in free if columns[c].values.kind is Kind.DATE]))
    if dates:
        _list_timeless(columns[dates[0]], records, report)
        values = columns[dates[0]].values
        seconds = dense(values.data)
        # One clock for all of them, so that an hour of summer time is neither doubled nor missing.
        seconds = seconds if values.offsets is None else in_one_zone(seconds, values.offsets)
        further = named[1:] if named else [c for c in free if c.strip().casefold() in _CLOCK_NAMES]
        for clock in further if len(named) != 1 else ():
            if (within := _clock_seconds(columns[clock].cells, seconds)) is not None:
                names = [dates[0], clock]
                how = Message("reading.time_from_columns", columns=", ".join(names))
                return _Times(seconds + within, names, how, is_calendar=True)
        return _Times(seconds, dates[:1], values.note, is_calendar=True)
    order = list(_PARTS)
    parts = dict(zip(order, named)) if named else {p: c for c in spread if (p := _part_of(c)) is not None}
    usable = all(columns[c].values.kind is Kind.NUMBER for c in parts.values())
    if "year" in parts and usable:
        # Without a month the day of a row is not known, whatever the further columns are called.
        used = order[: next((i for i, p in enumerate(order) if p not in parts), len(order))]
        parts = {p: parts[p] for p in used}
        seconds = moments({p: dense(columns[c].values.data) for p, c in parts.items()})
        wrong = np.flatnonzero(np.isnan(seconds))
        listed = ", ".join(parts.values())
        reason = Message("reading.no_moment", columns=listed)
        report.extend(line_findings(records.file, records.lines[wrong].tolist(), Outcome.SKIPPED, reason))
        return _Times(
            seconds, list(parts.values()), Message("reading.time_from_columns", columns=listed), is_calendar=True
        )
    if named:
        raise DataError(f"{records.file}: the time columns {', '.join(named)} must hold numbers, the year first.")
    numbers = [c for c in free if _is_time_name(c) and columns[c].values.kind is Kind.NUMBER]
    if numbers and way != "rows":
        return _ordering(records, columns[numbers[0]])
    if way != "rows":
        _refuse_unread_time(records, columns, free)
    report.notes.append(Message("reading.no_time"))
    count = np.arange(len(records.lines), dtype=np.float64)
    return _Times(count, [], Message("reading.row_number"), is_calendar=False)


def _clock_seconds(cells: Sequence[str], days: Floats) -> Floats | None:
    """The seconds since midnight in a column beside that of the days; None where it holds no times, or the days need
    none: they differ already, or have times of their own."""
    known = days[~np.isnan(days)]
    if (known % _DAY_SECONDS).any() or len(np.unique(known)) > (1 - _FEW_AGAIN) * len(known):
        return None
    found = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        match = _CLOCK.fullmatch(cell)
        if match is not None:
            found[row] = 3600.0 * int(match["hour"]) + 60.0 * int(match["minute"] or 0) + int(match["second"] or 0)
        elif cell:
            return None
    return found if len(np.unique(found[~np.isnan(found)])) > 1 else None


def _ordering(records: Records, column: ReadColumn) -> _Times:
    """Numbers that order the rows, and are no dates."""
    if column.values.kind is not Kind.NUMBER:
        raise DataError(
            f"{records.file}: the time {column.name!r} must hold dates or numbers; it holds "
            f"{column.values.kind.value}, such as {_shown(column.cells[0])}."
        )
    return _Times(dense(column.values.data), [column.name], Message("reading.ordering_numbers"), is_calendar=False)


def _refuse_unread_time(records: Records, columns: dict[str, ReadColumn], free: list[str]) -> None:
    """Refuses a file whose time stands in a form that is not read: in steps of rows it would be lost in silence."""
    for place, name in enumerate(free):
        values, cells = columns[name].values, columns[name].cells
        if values.kind not in (Kind.CATEGORY, Kind.TEXT):
            continue
        all_differ = values.num_distinct == values.num_present > 2
        counted = place == 0 and all_differ and all(any(c.isdigit() for c in cell) for cell in cells if cell)
        if _is_time_name(name) or (_part_of(name) and all_differ) or counted:
            held = [cell for cell in cells if cell]
            example = next((cell for cell in held if not looks_like_date(cell)), held[0])
            raise DataError(
                f"{records.file}: the column {name!r} stands where a time does, but {_shown(example)} is no date that "
                "Derin reads; write dates as 2024-01-31, name the column of the time (time=…), or take rows as steps "
                "(steps=rows)."
            )


def _by_name(dates: list[str]) -> list[str]:
    """Columns of dates, one that is called so first."""
    return sorted(dates, key=lambda name: not _is_time_name(name))


def _is_time_name(name: str) -> bool:
    return name.strip().casefold() in _TIME_NAMES


def _part_of(name: str) -> str | None:
    """Which part of a moment a column is by its name."""
    folded = name.strip().casefold()
    return next((part for part, names in _PARTS.items() if folded in names), None)


def _groups(
    columns: dict[str, ReadColumn], group: list[str], num_rows: int, report: DataReport, records: Records
) -> tuple[Rows, tuple[str, ...]]:
    """The series of each row; -1 where it is not said."""
    if not group:
        return np.zeros(num_rows, dtype=np.int64), ()
    parts = zip(*(columns[name].cells for name in group), strict=True)
    cells = [", ".join(row) if all(row) else "" for row in parts]
    classes = tuple(sorted({cell for cell in cells if cell}))
    place = {name: i for i, name in enumerate(classes)}
    codes = np.array([place.get(cell, -1) for cell in cells], dtype=np.int64)
    missing = np.flatnonzero(codes < 0)
    reason = Message("reading.series_unnamed", column=", ".join(group))
    report.extend(line_findings(records.file, records.lines[missing].tolist(), Outcome.SKIPPED, reason))
    return codes, classes


def _require_told_apart(
    records: Records,
    columns: dict[str, ReadColumn],
    seconds: Floats,
    codes: Rows,
    keep: Rows,
    taken: set[str],
    group: list[str],
) -> None:
    """Refuses several series that lie in one another, and names the column that tells them apart."""
    moment = _moments(seconds[keep], codes[keep])
    if len(keep) - moment.max() - 1 <= max(2, _FEW_AGAIN * len(keep)):
        return
    # Rows that are equal in every cell are one row that was written twice.
    whole = list(zip(*records.columns, strict=True))
    rows = np.array(sorted({whole[row]: row for row in keep.tolist()}.values()), dtype=np.int64)
    moment = _moments(seconds[rows], codes[rows])
    num_again = len(rows) - int(moment.max()) - 1
    if num_again <= max(2, _FEW_AGAIN * len(rows)):
        return
    told = _telling_columns(columns, moment, rows, taken)
    found = [*group, *told]
    many = f"{records.file}: {num_again:,} of {len(rows):,} rows stand at a moment that another row of their series has"
    if told:
        cells = sorted({columns[told[0]].cells[row] for row in rows.tolist()})
        some = ", ".join(cells[:3]) + (", …" if len(cells) > 3 else "")
        raise DataError(
            f"{many}; the file holds several series, which {' and '.join(map(repr, told))} ({some}) tells apart. "
            f"Name them: --reader-option group={','.join(found)} (in Python "
            f"reader_options={{'group': {','.join(found)!r}}})."
        )
    if num_again > _MANY_AGAIN * len(rows):
        raise DataError(
            f"{many}, and no column tells them apart; give a file in which each moment stands once for each series, "
            "and name the column of the series (group=…) where there are several."
        )


def _moments(seconds: Floats, codes: Rows) -> Rows:
    """The number of each row's moment within its series, equal for equal ones, counted from 0 over all series."""
    order = np.lexsort((seconds, codes))
    is_new = (np.diff(seconds[order]) != 0) | (np.diff(codes[order]) != 0)
    found = np.empty(len(order), dtype=np.int64)
    found[order] = np.concatenate([[0], np.cumsum(is_new)])
    return found


def _telling_columns(columns: dict[str, ReadColumn], moment: Rows, rows: Rows, taken: set[str]) -> list[str]:
    """The fewest columns, of names before numbers, whose values make every moment stand once; empty without any."""

    def tells(names: Sequence[str]) -> bool:
        keys = zip(moment.tolist(), *([columns[n].cells[row] for row in rows.tolist()] for n in names), strict=True)
        return len(set(keys)) == len(rows)

    usable = []
    for column in columns.values():
        repeats = 1 < column.values.num_distinct <= len(rows) // 2
        is_name = column.values.kind is Kind.CATEGORY
        if column.name not in taken and repeats and (is_name or column.values.is_integral):
            usable.append((not is_name, column.name))
    ordered = [name for _, name in sorted(usable, key=lambda item: item[0])]
    single = next((name for name in ordered if tells([name])), None)
    if single is not None:
        return [single]
    return next((list(pair) for pair in combinations(ordered, 2) if tells(pair)), [])


def _targets(records: Records, columns: dict[str, ReadColumn], named: list[str], taken: set[str]) -> set[str]:
    """The columns to be forecast."""
    if named:
        for name in named:
            column = columns[name]
            if name in taken:
                raise UsageError(
                    f"{records.file}: {name!r} cannot be the target and the time, group or ignored at once."
                )
            if column.values.kind is not Kind.NUMBER:
                raise DataError(
                    f"{records.file}: the target {name!r} must hold numbers; {_first_word(column, records)}."
                )
            if column.values.num_present == 0:
                raise DataError(f"{records.file}: the target {name!r} must hold numbers; all its cells are empty.")
        return set(named)
    found = set()
    for place, column in enumerate(columns.values()):
        if column.name not in taken and column.values.kind is Kind.NUMBER:
            _, role, _ = role_of(column, place)
            # A time is never what is to be forecast, unless it is named.
            if role is Role.INPUT and not _part_of(column.name) and not _is_time_name(column.name):
                found.add(column.name)
    if not found:
        others = [c for c in columns.values() if c.name not in taken and c.values.kind is not Kind.DATE]
        held = "; ".join(f"{c.name!r}: {_first_word(c, records)}" for c in others[:3]) or "it has no further column"
        raise DataError(f"{records.file}: a column of numbers that change is required to forecast; {held}.")
    return found


def _first_word(column: ReadColumn, records: Records) -> str:
    """The first cell that is no number, and its line."""
    for cell, line in zip(column.cells, records.lines.tolist()):
        if cell and infer_values([cell]).kind is not Kind.NUMBER:
            return f"line {line} holds {_shown(cell)}"
    values = column.values
    return "all its values are the same" if values.num_distinct == 1 else f"it is of kind {values.kind.value}"


def _line(column: ReadColumn, place: int, is_target: bool, is_ignored: bool) -> tuple[Column, npt.NDArray[Any]] | None:
    """A column's line in the schema, and its values by row of the file; None of text, which no series is made of."""
    if is_target:
        return column.schema_column(Role.TARGET), dense(column.values.data).copy()
    why: str
    if is_ignored:
        role, why = Role.IGNORED, Message("reading.left_as_asked")
    else:
        column, role, why = role_of(column, place)
    if column.values.kind is Kind.TEXT:
        return None
    if column.values.kind is Kind.CATEGORY and len(column.values.classes or ()) > _MOST_CLASSES and role is Role.INPUT:
        role, why = Role.IGNORED, Message("reading.left_many_strings", most=_MOST_CLASSES)
    if column.values.kind is Kind.DATE and role is Role.INPUT:
        role, why = Role.IGNORED, Message("reading.left_other_time")
    return column.schema_column(role, why), dense(column.values.data).copy()


def _time_column(rows: _Steps, found: _Times, records: Records) -> Column:
    """The line of the time, under a name that no other column has."""
    names = found.names
    wanted = names[0] if len(names) == 1 else TIME if names else ROW
    while wanted in records.names and wanted not in names:
        wanted += "_"
    return Column(
        name=wanted,
        kind=Kind.DATE if found.is_calendar else Kind.NUMBER,
        role=Role.TIME,
        note=Message("reading.steps_of", note=found.words, step=rows.step),
    )


def _taken_from(grid: Grid, rows: Rows) -> Grid:
    """The grid of some rows, in row numbers of the file."""
    return Grid(rows[grid.source], grid.seconds, rows[grid.doubled], rows[grid.between])


def _list_oddities(
    grids: dict[int, Grid],
    frequencies: dict[int, Frequency],
    names: dict[int, str],
    records: Records,
    report: DataReport,
) -> None:
    """Doubled rows, rows between two steps, and gaps."""
    doubled = np.sort(np.concatenate([g.doubled for g in grids.values()]))
    reason = Message("reading.time_again")
    report.extend(line_findings(records.file, records.lines[doubled].tolist(), Outcome.SKIPPED, reason))
    for code, grid in grids.items():
        reason = Message("reading.between_steps", step=frequencies[code].name)
        report.extend(line_findings(records.file, records.lines[grid.between].tolist(), Outcome.SKIPPED, reason))
    gaps = [(code, g, a, b) for code, g in grids.items() for a, b in g.gaps()]
    for code, grid, first, last in gaps[:_MOST_GAPS_LISTED]:
        text = frequencies[code].text
        where = f"{names[code]} {text(grid.seconds[first])}".strip()
        where += "" if first == last else f" to {text(grid.seconds[last])}"
        report.add(where, Outcome.NOTED, Message("reading.steps_missing", count=last - first + 1))
    if gaps:
        total = sum(g.num_inserted for g in grids.values())
        starts = ", ".join(frequencies[code].text(g.seconds[a]) for code, g, a, _ in gaps[:3])
        starts += ", …" if len(gaps) > 3 else ""
        report.notes.append(Message("reading.gaps", steps=total, count=len(gaps), starts=starts))


def _note_unlike_steps(frequencies: dict[int, Frequency], names: dict[int, str], report: DataReport) -> None:
    """Says where series have steps of other lengths than most."""
    counts = Counter(frequencies.values())
    if len(counts) < 2:
        return
    usual = counts.most_common(1)[0][0]
    others = [f"{names[code]} ({f.name})" for code, f in frequencies.items() if f != usual]
    listed = ", ".join(others[:_SERIES_SHOWN]) + (", …" if len(others) > _SERIES_SHOWN else "")
    report.notes.append(Message("reading.unlike_steps", step=usual.name, others=listed))


def _uneven_sentence(ordered: list[Grid], names: list[str]) -> str:
    distances = np.concatenate([np.diff(g.seconds) for g in ordered])
    odd = int((np.abs(distances / distances[distances > 0].min() - 1) > 1e-6).sum())
    step = find_frequency(max(ordered, key=lambda g: len(g.source)).seconds).name
    if not any(names):
        return Message("reading.uneven", step=step, odd=odd, num=len(distances))
    listed = ", ".join(names[:_SERIES_SHOWN]) + (", …" if len(names) > _SERIES_SHOWN else "")
    return Message("reading.uneven_series", series=listed, step=step, odd=odd, num=len(distances))


def _of(file: str, series: str) -> str:
    """A file, or one series of it, for messages."""
    return f"{file}, series {series!r}" if series else file


def _note_missing(line: Column, data: ColumnData, names: list[str], report: DataReport) -> None:
    """How many values of a column are missing, where they begin, and what is done."""
    values = dense(data)
    missing = np.isnan(values) if values.dtype.kind == "f" else values < 0
    if line.role in (Role.TARGET, Role.INPUT) and missing.any():
        report.notes.append(
            Message(
                "reading.values_missing",
                column=line.name,
                missing=int(missing.sum()),
                num=len(missing),
                places=first_places(missing, names),
            )
        )


def _list_timeless(column: ReadColumn, records: Records, report: DataReport) -> None:
    missing = np.flatnonzero(column.values.is_missing)
    reason = Message("reading.time_unreadable", column=column.name)
    report.extend(line_findings(records.file, records.lines[missing].tolist(), Outcome.SKIPPED, reason))


def _list_conflicts(column: ReadColumn, records: Records, report: DataReport) -> None:
    lines = records.lines[column.values.conflicts].tolist()
    kind = Message(f"reading.kind_{column.values.kind.value}")
    reason = Message("reading.cell_of_no_kind", column=column.name, kind=kind)
    report.extend(line_findings(records.file, lines, Outcome.CONVERTED, reason))


def _cut_sentence(splits: dict[str, Rows], rows: _Steps) -> str:
    spans = ""
    for part, numbers in splits.items():
        first, last = rows.names[numbers[0]], rows.names[numbers[-1]]
        span = Message("reading.span", split=part, first=first, last=last, count=len(numbers))
        spans = Message("reading.comma", first=spans, second=span) if spans else span
    num_left = len(rows.source) - sum(map(len, splits.values()))
    if num_left:
        return Message("reading.cut_in_time_left", spans=spans, left=num_left)
    return Message("reading.cut_in_time", spans=spans)


def _shown(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else cell[:40] + "…")
