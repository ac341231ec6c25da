"""Tables whose values have types already (data frames, Excel, Parquet) as the cells of the csv file that they would be
saved as.

So one set of rules says what a column is, whatever it came in.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from derin.core.errors import DataError, MissingExtraError, UnknownNameError
from derin.core.messages import Message
from derin.core.printable import shown_reason
from derin.data.cells.raw_column import as_cell
from derin.data.cells.typed import NumberCells
from derin.data.report import Finding, Outcome
from derin.readers.archives import ARCHIVE_ERRORS
from derin.readers.delimited import Records, has_header, header_test, unique_names
from derin.readers.lines_above import num_lines_above

_SAMPLE_ROWS = 200
_LARGEST_EXACT = 2.0**53
_NUMBERS = (int, float, np.number, Decimal)
# Deflated XML of a table is about a tenth of its size.
_LARGEST_RATIO, _SMALL = 200, 1 << 26
# Runs of equal values take no room in a Parquet file, but as cells each takes its own.
_CELLS_FOR_BYTE, _FEW_CELLS = 16, 1 << 22


def frame_records(frame: Any, name: str) -> Records:
    """The cells of a data frame of pandas or polars; its index is no column.

    Example:
        >>> import pandas
        >>> records = frame_records(pandas.DataFrame({"a": [1, 2], "b": [True, None]}), "frame")
        >>> [list(column) for column in records.columns]
        [['1', '2'], ['True', '']]
    """
    names = [str(n) for n in frame.columns]
    columns = [frame.iloc[:, i] for i in range(len(names))] if hasattr(frame, "iloc") else list(frame.get_columns())
    return value_records(name, names, columns, np.arange(1, len(frame) + 1))


def cells_of(column: Any) -> tuple[Sequence[str], bool]:
    """The values of a column of any type as cells, and whether they are numbers.

    Args:
        column: a pandas or polars series, an array, or a list.

    Example:
        >>> cells, are_numbers = cells_of(np.array([1.0, 2.5, np.nan]))
        >>> list(cells), are_numbers, cells_of([None, "a"])
        (['1', '2.5', ''], True, (('', 'a'), False))
    """
    dtype = getattr(column, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "iuf":
        return NumberCells(np.asarray(column)), True
    values = column.tolist() if hasattr(column, "tolist") else list(column)
    cells = tuple(map(_cell, values))
    return cells, all(isinstance(v, _NUMBERS) for v, cell in zip(values, cells) if cell)


def excel_records(path: Path, *, header: bool | None, sheet: str | None, wanted: Collection[str] = ()) -> Records:
    """The cells of one sheet of an Excel workbook; formulas stand with the values that Excel saved for them.

    Args:
        path: of the file.
        header: whether the first row holds the names; None finds it out.
        sheet: its name; None takes the first one.
        wanted: names that are looked for: a first row that holds them all is a header.

    Raises:
        MissingExtraError: openpyxl is not installed.
        UnknownNameError: there is no such sheet.
        DataError: the file is damaged or the sheet holds no table.
    """
    try:
        import openpyxl
    except ImportError:
        raise MissingExtraError("openpyxl", "tables", "Reading an Excel workbook") from None
    _check_size(path)
    notes: list[str] = []
    try:
        # By an open file, because what the file is called does not matter.
        with path.open("rb") as file:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            names = [s.title for s in book.worksheets]
            if sheet is not None and sheet not in names:
                raise UnknownNameError(f"sheet in {path.name}", sheet, names)
            chosen = sheet or names[0]
            if len(names) > 1:
                others = ", ".join(repr(n) for n in names if n != chosen)
                notes.append(Message("reading.sheet_chosen", file=path.name, sheet=chosen, others=others))
            rows = [list(row) for row in book[chosen].iter_rows(values_only=True)]
        unsaved = _unsaved_formulas(path, chosen, rows)
    except UnknownNameError:
        raise
    except (*ARCHIVE_ERRORS, OSError, SyntaxError) as error:
        raise DataError(f"{path} cannot be read as an Excel workbook ({shown_reason(error)}). Save it again.") from None
    if unsaved:
        notes.append(Message("reading.formulas_unsaved", file=path.name, count=unsaved))
    return _sheet_records(path, rows, header, wanted, notes)


def parquet_records(path: Path) -> Records:
    """The cells of a Parquet file.

    Raises:
        MissingExtraError: pyarrow is not installed.
        DataError: the file is damaged.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("pyarrow", "tables", "Reading a Parquet file") from None
    try:
        file = pyarrow.parquet.ParquetFile(path)
        _check_cells(path, file.metadata)
        table = file.read()
        columns = [column.to_numpy() if _is_plain(column) else column.to_pylist() for column in table.columns]
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataError(f"{path} cannot be read as a Parquet file ({reason}). Fetch or save it again.") from None
    if not table.num_rows:
        raise DataError(f"{path}: at least one row is required; the file holds none.")
    return value_records(path.name, list(table.column_names), columns, np.arange(1, table.num_rows + 1))


def _is_plain(column: Any) -> bool:
    """Whether a column of Arrow holds numbers that are the same in an array: gaps would make floats of whole ones."""
    import pyarrow

    whole, floats = pyarrow.types.is_integer(column.type), pyarrow.types.is_floating(column.type)
    return bool(floats or (whole and not column.null_count))


def _cell(value: Any) -> str:
    """A value as it stands in a csv file; a whole number without decimals, as it was before a gap made it a float."""
    if isinstance(value, float):
        if value != value:
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < _LARGEST_EXACT else repr(value)
    if isinstance(value, list | tuple | np.ndarray):
        return json.dumps(list(value), ensure_ascii=False, default=str)
    return value.decode("utf-8", errors="replace").strip() if isinstance(value, bytes) else as_cell(value)


def value_records(
    file: str, names: Sequence[str], columns: Sequence[Any], lines: Any, notes: list[str] | None = None
) -> Records:
    """The records of columns of any types.

    Args:
        file: its name.
        names: of the columns.
        columns: the values of each.
        lines: on which each row stands.
        notes: about the file, which are written on.
    """
    notes = [] if notes is None else notes
    unnamed = bool(names) and not names[0].strip()
    if not columns or not len(lines):
        raise DataError(f"{file}: at least one column and one row are required; got none.")
    unique = unique_names(names, file, notes)
    cells, are_numbers = zip(*map(cells_of, columns), strict=True)
    typed = frozenset(name for name, is_number in zip(unique, are_numbers) if is_number)
    return Records(file, unique, list(cells), lines, ",", True, notes, is_unnamed=unnamed, typed=typed, is_text=False)


def _sheet_records(
    path: Path, rows: list[list[Any]], header: bool | None, wanted: Collection[str], notes: list[str]
) -> Records:
    """The rectangle of filled cells; empty rows between are told."""
    filled = [i for i, row in enumerate(rows) if any(value not in (None, "") for value in row)]
    width = max((len(rows[i]) for i in filled), default=0)
    used = [c for c in range(width) if any(c < len(rows[i]) and rows[i][c] not in (None, "") for i in filled)]
    if not used:
        raise DataError(f"{path}: the sheet is empty; a table with a row of names is required.")
    # A first column without a name is an index; empty columns beside the table are no part of it.
    places = range(used[0], used[-1] + 1)
    body = [[rows[i][c] if c < len(rows[i]) else None for c in places] for i in filled]
    head = [list(map(_cell, row)) for row in body[: _SAMPLE_ROWS + 1]]
    lines = np.array(filled, dtype=np.int64) + 1
    if set(wanted) <= set(head[0]) and wanted:
        header = True
    elif above := num_lines_above(head, len(places), header_test(header, wanted)):
        notes.append(Message("reading.lines_above", file=path.name, count=above))
        body, head, lines = body[above:], head[above:], lines[above:]
    if header is None:
        header = has_header(head[0], head[1:])
    names = head[0] if header else [f"column_{i + 1}" for i in range(len(places))]
    if header:
        body, lines = body[1:], lines[1:]
    else:
        notes.append(Message("reading.header_missing", file=path.name, num=len(places)))
    if not body:
        raise DataError(f"{path}: at least one row of data below the names is required; got none.")
    found = value_records(path.name, names, [list(column) for column in zip(*body, strict=True)], lines, notes)
    found.has_header = header
    if empty := int(lines[-1] - lines[0] + 1 - len(lines)):
        found.findings.append(Finding(path.name, Outcome.SKIPPED, Message("reading.empty_lines", count=empty)))
    return found


def _unsaved_formulas(path: Path, sheet: str, rows: list[list[Any]]) -> int:
    """How many formulas have no value, because the program that wrote the file computed none."""
    import openpyxl

    with zipfile.ZipFile(path) as packed:
        sheets = [n for n in packed.namelist() if n.startswith("xl/worksheets/") and n.endswith(".xml")]
        if not any(_holds_formulas(packed, name) for name in sheets):
            return 0
    with path.open("rb") as opened:
        book = openpyxl.load_workbook(opened, read_only=True)
        pairs: Iterable[tuple[Any, Any]] = (
            (written, value)
            for line, saved in zip(book[sheet].iter_rows(values_only=True), rows)
            for written, value in zip(line, saved)
        )
        return sum(isinstance(written, str) and written[:1] == "=" and value is None for written, value in pairs)


def _holds_formulas(packed: zipfile.ZipFile, name: str) -> bool:
    with packed.open(name) as file:
        before = b""
        while part := file.read(1 << 20):
            if b"<f>" in before + part or b"<f " in before + part:
                return True
            before = part[-3:]
    return False


def _check_size(path: Path) -> None:
    """Refuses a workbook that would unpack to far more than it is."""
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(info.file_size for info in packed.infolist())
        if size > max(_SMALL, _LARGEST_RATIO * path.stat().st_size):
            raise DataError(f"{path}: the workbook unpacks to {size:,} bytes, which no table does. Save it again.")
    except (*ARCHIVE_ERRORS, OSError) as error:
        raise DataError(f"{path} cannot be read as an Excel workbook ({shown_reason(error)}). Save it again.") from None


def _check_cells(path: Path, metadata: Any) -> None:
    """Refuses a Parquet file that would unpack to far more values than it has bytes for."""
    parts = (
        metadata.row_group(i).column(k) for i in range(metadata.num_row_groups) for k in range(metadata.num_columns)
    )
    cells, unpacked = 0, 0
    for part in parts:
        cells, unpacked = cells + part.num_values, unpacked + part.total_uncompressed_size
    size = path.stat().st_size
    if cells > max(_FEW_CELLS, _CELLS_FOR_BYTE * size) or unpacked > max(4 * _SMALL, _LARGEST_RATIO * size):
        raise DataError(
            f"{path}: a Parquet file whose values are in proportion to its {size:,} bytes is required; it claims "
            f"{cells:,} values of {unpacked:,} bytes. Check where it is from, or save it as csv if you trust it."
        )
