"""Tables in files of any kind as records of cells: the first bytes tell the kind, before the name does."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from derin.core.errors import UsageError
from derin.core.messages import Message
from derin.readers.content import EXCEL, PARQUET, content_of, require_text
from derin.readers.decoding import check_encoding
from derin.readers.delimited import Records, read_records
from derin.readers.json_records import JSON_ENDINGS, is_json_lines, json_records
from derin.readers.typed_records import excel_records, parquet_records

TEXT_ENDINGS = (".csv", ".tsv", ".tab")
_EXCEL_ENDINGS, _PARQUET_ENDINGS = (".xlsx", ".xlsm"), (".parquet", ".pq")
ENDINGS = (*TEXT_ENDINGS, *JSON_ENDINGS, *_EXCEL_ENDINGS, *_PARQUET_ENDINGS)


def table_records(
    path: Path,
    *,
    delimiter: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
    likely: str | None = None,
    sheet: str | None = None,
    wanted: Collection[str] = (),
    every_row: bool = False,
) -> Records:
    """The records of a table, in delimited text, JSON lines, an Excel workbook or a Parquet file.

    Args:
        path: of the file.
        delimiter, header, encoding, likely, wanted, every_row: as `read_records` takes them.
        sheet: of a workbook; None takes the first.

    Raises:
        DataError: the file cannot be read, or is something else.
    """
    found = content_of(path)
    if sheet is not None and found != EXCEL:
        raise UsageError(f"{path}: a sheet is named, which only an Excel workbook has. Leave `sheet` out.")
    if found == EXCEL:
        records = excel_records(path, header=header, sheet=sheet, wanted=wanted)
        usual = _EXCEL_ENDINGS
    elif found == PARQUET:
        records, usual = parquet_records(path), _PARQUET_ENDINGS
    else:
        require_text(path)
        if is_json_lines(path):
            return json_records(path, every_row=every_row)
        check_encoding(encoding, str(path))
        return read_records(
            path,
            delimiter=delimiter,
            header=header,
            encoding=encoding,
            likely=likely,
            wanted=wanted,
            every_row=every_row,
        )
    if path.suffix.lower() not in usual:
        records.notes.append(Message("reading.other_content", file=path.name, content=found))
    return records
