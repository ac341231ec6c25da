"""Series of measurements from a csv file: time found in one column or in several, steps made even, nothing silent.

Rows are time steps. What is doubled, missing, between two steps or no number is named in the table's reading, with
its first places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, UsageError
from derin.core.messages import Sentence
from derin.data.readers.columns import ReadColumn, dense, known_name, role_of
from derin.data.readers.csv_table import csv_files
from derin.data.readers.delimited import Records, read_records
from derin.data.readers.line_findings import line_findings
from derin.data.reading import Outcome, Reading
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.series.calendar import ROWS, Floats, Frequency, find_frequency, moments
from derin.data.series.cut import cut_in_time
from derin.data.series.grid import INSERTED, Grid, evenly, first_places, in_order, is_even_enough
from derin.data.table import ColumnData, Dense, Rows, Table
from derin.data.values import infer_values

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
_MOST_CLASSES = 50  # of a category that a network reads
_MOST_GAPS_LISTED = 100
_WAYS = ("auto", "time", "rows")


def read_series(
    path: Path,
    *,
    name: str,
    target: str | Sequence[str] | None = None,
    time: str | Sequence[str] | None = None,
    group: str | None = None,
    ignore: str | Sequence[str] = (),
    split: Any = None,
    steps: str = "auto",
    delimiter: str | None = None,
    header: bool | None = None,
) -> Table:
    """A table of time steps, cut into train, val and test in the order of time.

    Args:
        path: of a csv or tsv file, or of a folder with one.
        name: of the data, for people.
        target: the columns to be forecast (``"a,b"``); None takes all columns of numbers.
        time: the column with the time, or several (``"year,month,day,hour"``, in this order); None finds them. Without
            any, rows are steps.
        group: the column that names the series of each row, where the file holds several.
        ignore: columns that are no inputs.
        split: shares (``"0.6,0.2,0.2"``) or numbers of steps (``[8640, 2880, 2880]``) of train, val and test; steps
            beyond them belong to none. None is 60, 20 and 20 %.
        steps: ``"time"`` fills gaps with missing steps, ``"rows"`` takes row after row as one step apart, ``"auto"``
            does the first where times are even but for a few.
        delimiter: one character; None finds it out.
        header: whether the first line holds the names; None finds it out.

    Shapes:
        the time ``(N,)`` float64 in seconds since 1970-01-01 UTC, numbers ``(N,)`` float64 with NaN where missing,
        categories ``(N,)`` int64 with -1 where missing.

    Raises:
        DataError: there is nothing to forecast, a target is no number, or the series is too short to be cut.
        UnknownNameError: a column that was named does not exist.
    """
    if steps not in _WAYS:
        raise UsageError(f"Reading a series: steps must be one of {', '.join(_WAYS)}; got {steps!r}.")
    records = read_records(_file(Path(path)), delimiter=delimiter, header=header)
    reading = Reading(source=str(path), findings=list(records.findings), notes=list(records.notes))
    comma = records.delimiter != ","
    columns = {
        column: ReadColumn(column, cells, infer_values(cells, decimal_comma=comma))
        for column, cells in zip(records.names, records.columns, strict=True)
    }
    seconds, time_names, time_words = _times(records, columns, _names(time, records), reading)
    group_name = None if group is None else known_name(group, records.names)
    ignored = set(_names(ignore, records))
    taken = {*time_names, *([] if group_name is None else [group_name]), *ignored}
    targets = _targets(records, columns, _names(target, records), taken)
    codes, group_classes = _groups(columns, group_name, len(records.lines), reading, records)
    keep = np.flatnonzero(~np.isnan(seconds) & (codes >= 0))
    if not len(keep):
        raise DataError(f"{records.file}: no row has a time that can be read; name the column of the time (time=...).")
    rows = _Steps.of(seconds, codes, keep, group_classes, steps, bool(time_names), records, reading)
    schema: list[Column] = [_time_column(rows, time_names, time_words, records)]
    data: dict[str, ColumnData] = {schema[0].name: Dense(rows.seconds)}
    if group_name is not None:
        schema.append(Column(name=group_name, kind=Kind.CATEGORY, role=Role.GROUP, classes=group_classes))
        data[group_name] = Dense(rows.codes)
    for place, column in enumerate(columns.values()):
        if column.name in taken and column.name not in ignored:
            continue
        if column.values.kind is Kind.TEXT:
            reading.notes.append(Sentence("reading.left_text", column=column.name))
            continue
        line, values = _line(column, place, column.name in targets, column.name in ignored)
        schema.append(line)
        data[line.name] = Dense(rows.fill(values))
        _note_missing(line, data[line.name], rows.names, reading)
        _list_conflicts(column, records, reading)
    splits = cut_in_time(rows.places, split, where=name)
    reading.counts = {part: {"": len(numbers)} for part, numbers in splits.items()}
    reading.notes.append(_cut_sentence(splits, rows))
    return Table(
        name=name,
        schema=Schema(tuple(schema)),
        columns=data,
        splits=splits,
        reading=reading,
        row_names=rows.names,
        given_splits=tuple(splits),
        task="forecasting",
    )


@dataclass(frozen=True)
class _Steps:
    """The rows of the table: all series one below the other, each in the order of time.

    Args:
        source: the row of the file of each row, or `INSERTED`.
        places: when each row is, as a number that is alike in all series.
    """

    source: Rows
    seconds: Floats
    codes: Rows
    places: Floats
    names: list[str]
    frequency: Frequency

    @classmethod
    def of(
        cls,
        seconds: Floats,
        codes: Rows,
        keep: Rows,
        group_classes: tuple[str, ...],
        way: str,
        has_time: bool,
        records: Records,
        reading: Reading,
    ) -> _Steps:
        members = [(code, keep[codes[keep] == code]) for code in np.unique(codes[keep]).tolist()]
        ordered = [_taken_from(in_order(seconds[rows]), rows) for _, rows in members]
        frequency = ROWS
        grids = ordered
        if has_time and way != "rows":
            frequency = find_frequency(max(ordered, key=lambda g: len(g.source)).seconds)
            even = [evenly(g, frequency, where=records.file) for g in ordered]
            fits = all(is_even_enough(a, b) for a, b in zip(ordered, even))
            if fits or way == "time":
                grids = even
            else:
                reading.notes.append(_uneven_sentence(ordered, frequency))
                frequency = ROWS
        if has_time and any((np.diff(rows) < 0).any() for rows in (g.source[g.source >= 0] for g in ordered)):
            reading.notes.append(Sentence("reading.time_sorted"))
        _list_oddities(grids, frequency, records, reading)
        numbers = np.concatenate([np.full(len(g.source), code) for (code, _), g in zip(members, grids)])
        all_seconds = np.concatenate([g.seconds for g in grids])
        texts = [frequency.text(s) for s in all_seconds.tolist()]
        if group_classes:
            texts = [f"{group_classes[c]} {t}" for c, t in zip(numbers.tolist(), texts)]
        places = all_seconds if has_time else np.concatenate([np.arange(len(g.source)) for g in grids])
        source = np.concatenate([g.source for g in grids])
        return cls(source, all_seconds, numbers, places.astype(np.float64), texts, frequency)

    def fill(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A column of the file in the rows of the table; missing where a row was filled in."""
        taken = values[np.maximum(self.source, 0)]
        taken[self.source == INSERTED] = np.nan if taken.dtype.kind == "f" else -1
        return taken


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = csv_files(path)
    if len(found) != 1:
        names = ", ".join(p.name for p in found[:6]) or "none"
        raise DataError(f"{path}: a folder with one csv file is required; it holds {names}. Name the file.")
    return found[0]


def _names(given: str | Sequence[str] | None, records: Records) -> list[str]:
    """Columns as a person names them: one, several with commas between them, or a list."""
    if given is None:
        return []
    parts = [given] if isinstance(given, str) and given in records.names else given
    listed = parts.split(",") if isinstance(parts, str) else list(parts)
    return [known_name(str(n).strip(), records.names) for n in listed if str(n).strip()]


def _times(
    records: Records, columns: dict[str, ReadColumn], named: list[str], reading: Reading
) -> tuple[Floats, list[str], str]:
    """The moment of each row, the columns that it was made of, and how, for people."""
    if len(named) == 1 and columns[named[0]].values.kind is not Kind.DATE and _part_of(named[0]) != "year":
        column = columns[named[0]]
        if column.values.kind is not Kind.NUMBER:
            raise DataError(
                f"{records.file}: the time {column.name!r} must hold dates or numbers; it holds "
                f"{column.values.kind.value}, such as {_shown(column.cells[0])}."
            )
        return dense(column.values.data), named, Sentence("reading.ordering_numbers")
    spread = named or [c for c in columns if _part_of(c)]
    dates = [c for c in spread if columns[c].values.kind is Kind.DATE] or (
        [] if named else [c.name for c in columns.values() if c.values.kind is Kind.DATE]
    )
    if dates:
        _list_timeless(columns[dates[0]], records, reading)
        return dense(columns[dates[0]].values.data), dates[:1], columns[dates[0]].values.note
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
        reason = Sentence("reading.no_moment", columns=listed)
        reading.extend(line_findings(records.file, records.lines[wrong].tolist(), Outcome.SKIPPED, reason))
        return seconds, list(parts.values()), Sentence("reading.time_from_columns", columns=listed)
    if named:
        raise DataError(f"{records.file}: the time columns {', '.join(named)} must hold numbers, the year first.")
    reading.notes.append(Sentence("reading.no_time"))
    return np.arange(len(records.lines), dtype=np.float64), [], Sentence("reading.row_number")


def _part_of(name: str) -> str | None:
    """Which part of a moment a column is by its name."""
    folded = name.strip().casefold()
    return next((part for part, names in _PARTS.items() if folded in names), None)


def _groups(
    columns: dict[str, ReadColumn], group: str | None, num_rows: int, reading: Reading, records: Records
) -> tuple[Rows, tuple[str, ...]]:
    """The series of each row; -1 where it is not said."""
    if group is None:
        return np.zeros(num_rows, dtype=np.int64), ()
    classes = tuple(sorted({cell for cell in columns[group].cells if cell}))
    place = {name: i for i, name in enumerate(classes)}
    codes = np.array([place.get(cell, -1) for cell in columns[group].cells], dtype=np.int64)
    missing = np.flatnonzero(codes < 0)
    reason = Sentence("reading.series_unnamed", column=group)
    reading.extend(line_findings(records.file, records.lines[missing].tolist(), Outcome.SKIPPED, reason))
    return codes, classes


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
            if role is Role.INPUT and not _part_of(column.name):
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


def _line(column: ReadColumn, place: int, is_target: bool, is_ignored: bool) -> tuple[Column, npt.NDArray[Any]]:
    """A column's line in the schema, and its values by row of the file."""
    if is_target:
        return column.schema_column(Role.TARGET), dense(column.values.data).copy()
    why: str
    if is_ignored:
        role, why = Role.IGNORED, Sentence("reading.left_as_asked")
    else:
        column, role, why = role_of(column, place)
    if column.values.kind is Kind.CATEGORY and len(column.values.classes or ()) > _MOST_CLASSES and role is Role.INPUT:
        role, why = Role.IGNORED, Sentence("reading.left_many_strings", most=_MOST_CLASSES)
    if column.values.kind is Kind.DATE and role is Role.INPUT:
        role, why = Role.IGNORED, Sentence("reading.left_other_time")
    return column.schema_column(role, why), dense(column.values.data).copy()


def _time_column(rows: _Steps, names: list[str], words: str, records: Records) -> Column:
    """The line of the time, under a name that no other column has."""
    wanted = names[0] if len(names) == 1 else TIME if names else ROW
    while wanted in records.names and wanted not in names:
        wanted += "_"
    return Column(
        name=wanted,
        kind=Kind.DATE if names else Kind.NUMBER,
        role=Role.TIME,
        note=Sentence("reading.steps_of", note=words, step=rows.frequency.name),
    )


def _taken_from(grid: Grid, rows: Rows) -> Grid:
    """The grid of some rows, in row numbers of the file."""
    return Grid(rows[grid.source], grid.seconds, rows[grid.doubled], rows[grid.between])


def _list_oddities(grids: list[Grid], frequency: Frequency, records: Records, reading: Reading) -> None:
    """Doubled rows, rows between two steps, and gaps."""
    doubled = np.sort(np.concatenate([g.doubled for g in grids]))
    between = np.sort(np.concatenate([g.between for g in grids]))
    reason = Sentence("reading.time_again")
    reading.extend(line_findings(records.file, records.lines[doubled].tolist(), Outcome.SKIPPED, reason))
    reason = Sentence("reading.between_steps", step=frequency.name)
    reading.extend(line_findings(records.file, records.lines[between].tolist(), Outcome.SKIPPED, reason))
    gaps = [(g, a, b) for g in grids for a, b in g.gaps()]
    for grid, first, last in gaps[:_MOST_GAPS_LISTED]:
        where = frequency.text(grid.seconds[first])
        where += "" if first == last else f" to {frequency.text(grid.seconds[last])}"
        reading.add(where, Outcome.NOTED, Sentence("reading.steps_missing", count=last - first + 1))
    if gaps:
        total = sum(g.num_inserted for g in grids)
        starts = ", ".join(frequency.text(g.seconds[a]) for g, a, _ in gaps[:3]) + (", …" if len(gaps) > 3 else "")
        reading.notes.append(Sentence("reading.gaps", steps=total, count=len(gaps), starts=starts))


def _uneven_sentence(ordered: list[Grid], frequency: Frequency) -> str:
    distances = np.concatenate([np.diff(g.seconds) for g in ordered])
    odd = int((np.abs(distances / distances[distances > 0].min() - 1) > 1e-6).sum())
    return Sentence("reading.uneven", step=frequency.name, odd=odd, num=len(distances))


def _note_missing(line: Column, data: ColumnData, names: list[str], reading: Reading) -> None:
    """How many values of a column are missing, where they begin, and what is done."""
    values = dense(data)
    missing = np.isnan(values) if values.dtype.kind == "f" else values < 0
    if line.role in (Role.TARGET, Role.INPUT) and missing.any():
        reading.notes.append(
            Sentence(
                "reading.values_missing",
                column=line.name,
                missing=int(missing.sum()),
                num=len(missing),
                places=first_places(missing, names),
            )
        )


def _list_timeless(column: ReadColumn, records: Records, reading: Reading) -> None:
    missing = np.flatnonzero(column.values.is_missing)
    reason = Sentence("reading.time_unreadable", column=column.name)
    reading.extend(line_findings(records.file, records.lines[missing].tolist(), Outcome.SKIPPED, reason))


def _list_conflicts(column: ReadColumn, records: Records, reading: Reading) -> None:
    lines = records.lines[column.values.conflicts].tolist()
    kind = Sentence(f"reading.kind_{column.values.kind.value}")
    reason = Sentence("reading.cell_of_no_kind", column=column.name, kind=kind)
    reading.extend(line_findings(records.file, lines, Outcome.CONVERTED, reason))


def _cut_sentence(splits: dict[str, Rows], rows: _Steps) -> str:
    spans = ""
    for part, numbers in splits.items():
        first, last = rows.names[numbers[0]], rows.names[numbers[-1]]
        span = Sentence("reading.span", split=part, first=first, last=last, count=len(numbers))
        spans = Sentence("reading.comma", first=spans, second=span) if spans else span
    num_left = len(rows.source) - sum(map(len, splits.values()))
    if num_left:
        return Sentence("reading.cut_in_time_left", spans=spans, left=num_left)
    return Sentence("reading.cut_in_time", spans=spans)


def _shown(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else cell[:40] + "…")
