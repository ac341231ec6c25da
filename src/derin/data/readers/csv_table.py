"""CSV, TSV and their relatives as a table: types found out, target chosen, every exception listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, UnknownNameError, UsageError
from derin.core.messages import Sentence
from derin.data.readers.column_names import SPLIT_NAMES, TARGET_NAMES
from derin.data.readers.columns import ReadColumn, dense, examples, known_name, role_of, rows_of
from derin.data.readers.delimited import Records, read_records
from derin.data.readers.line_findings import line_findings
from derin.data.readers.split_names import split_of
from derin.data.readers.targets import TargetKind, choose_targets, one_target, several_targets
from derin.data.reading import Outcome, Reading
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import SPLITS, ColumnData, Rows, Table
from derin.data.values import infer_values

ENDINGS = (".csv", ".tsv", ".tab")


def looks_like_csv(path: Path) -> bool:
    """Whether a file is a table by its name (`.csv`, `.tsv`, `.tab`, each also with `.gz`)."""
    return path.name.lower().removesuffix(".gz").endswith(ENDINGS) and not path.name.startswith(".")


def looks_like_csv_folder(folder: Path) -> bool:
    """Whether a folder holds tables and nothing else that is data: one, or one for each split."""
    files = csv_files(folder)
    return len(files) == 1 or (bool(files) and any(split_of(p.name) == "train" for p in files))


def csv_files(folder: Path) -> list[Path]:
    """The tables in a folder, in the order of their names."""
    return sorted(p for p in folder.iterdir() if p.is_file() and looks_like_csv(p))


def read_csv(
    path: str | Path | Sequence[str | Path],
    *,
    name: str,
    target: str | Sequence[str] | None = None,
    ignore: Sequence[str] = (),
    weight: str | None = None,
    target_kind: TargetKind | None = None,
    kinds: Mapping[str, Kind | str] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
) -> Table:
    """A table from csv files; delimiter, header, encoding, types and target are found out, and everything can be given.

    Without `target` it is the column with one of the names in `TARGET_NAMES`, else the last one. Rows without a
    target are skipped and listed. Strings, and few whole numbers with many rows each, make classes; all else is
    regression.

    Args:
        path: of a file, of a folder that holds one file or ``train``, ``val`` and ``test`` files, or of each split's
            file.
        name: of the data, for people.
        target: name of the column to predict; several (``"a,b,c"``) with values 0 and 1 are labels that may occur
            together and make one column ``labels``, several with other numbers make one column of that name.
        ignore: names of columns to leave out of the inputs.
        weight: name of the column with each example's weight.
        target_kind: whether the target is a category or a number; None finds it out.
        kinds: the kind of columns for which finding out is not wanted (``{"zip": "category"}``).
        delimiter: one character.
        header: whether the first line holds the names.

    Shapes:
        Numbers ``(N,)`` float64, dates ``(N,)`` float64 in seconds since 1970-01-01 UTC, categories ``(N,)`` int64,
        text ragged; several labels ``(N, L)`` float32, several numbers ``(N, D)`` float64.

    Raises:
        DataError: no table can be made of the files.
        UnknownNameError: a column that was asked for does not exist.
    """
    reading = Reading(source=str(path) if isinstance(path, str | Path) else ", ".join(str(p) for p in path))
    files = _read_files(_files(path), delimiter, header, reading, _target_names(target))
    merged = _merge(files, reading)
    known = merged.names
    wanted_kinds = {known_name(n, known): _kind(k) for n, k in (kinds or {}).items()}
    ignored = {known_name(n, known) for n in ignore}
    columns = [
        ReadColumn(
            column_name,
            cells,
            infer_values(cells, decimal_comma=merged.decimal_comma, kind=wanted_kinds.get(column_name)),
        )
        for column_name, cells in zip(known, merged.cells, strict=True)
    ]
    weight_name = None if weight is None else known_name(weight, known)
    split_name = next((c.name for c in columns if c.name.casefold() in SPLIT_NAMES and _names_splits(c)), None)
    targets = choose_targets(columns, target, {*ignored, weight_name, split_name}, reading)
    keep = np.ones(len(merged.lines), dtype=bool)
    result: list[tuple[Column, ColumnData]] = []
    if targets:
        made = one_target(targets[0], target_kind) if len(targets) == 1 else several_targets(targets, known, name)
        result.append(made)
        absent = np.any([t.values.is_missing for t in targets], axis=0)
        keep &= ~absent
        merged.list_rows(reading, np.flatnonzero(absent), Outcome.SKIPPED, Sentence("reading.target_missing"))
        if not keep.any():
            raise DataError(
                f"{name}: rows with a target are required; the column {made[0].name!r} is empty in all of them."
            )
    target_set = {t.name for t in targets}
    if weight_name is not None:
        if weight_name in target_set:
            raise UsageError(f"The column {weight_name!r} cannot be target and weight at once; name another weight.")
        keep &= _weights(next(c for c in columns if c.name == weight_name), merged, keep, reading)
    for place, column in enumerate(columns):
        if column.name in target_set:
            continue
        if column.name == weight_name:
            role, note = Role.WEIGHT, "weight of each example, as asked"
        elif column.name in ignored:
            role, note = Role.IGNORED, "left out as asked"
        elif column.name == split_name:
            role, note = Role.IGNORED, "names the split of each row"
        elif column.name in wanted_kinds:
            role, note = Role.INPUT, ""
        else:
            column, role, note = role_of(column, place)
        result.append((column.schema_column(role, note), column.values.data))
    for column in columns:
        if len(column.values.conflicts):
            _list_conflicts(column, merged, reading)
    splits = (
        _split_rows(next(c for c in columns if c.name == split_name), merged, reading) if split_name else merged.splits
    )
    order = {n: i for i, n in enumerate(known)}
    result.sort(key=lambda made: order.get(made[0].name, len(order)))
    return _table(name, result, splits, np.flatnonzero(keep), merged, reading)


@dataclass
class _Merged:
    """The cells of all files, one below the other."""

    names: tuple[str, ...]
    cells: list[Sequence[str]]
    lines: Rows
    file_of_row: Rows
    files: list[str]
    splits: dict[str, Rows]
    decimal_comma: bool

    def row_names(self, rows: Rows) -> list[str]:
        if len(self.files) == 1:
            return [f"line {line}" for line in self.lines[rows].tolist()]
        return [f"{self.files[f]} line {n}" for f, n in zip(self.file_of_row[rows].tolist(), self.lines[rows].tolist())]

    def list_rows(self, reading: Reading, rows: Rows, outcome: Outcome, reason: str) -> None:
        for index, file in enumerate(self.files):
            here = rows[self.file_of_row[rows] == index]
            reading.extend(line_findings(file, self.lines[here].tolist(), outcome, reason))


def _files(path: str | Path | Sequence[str | Path]) -> dict[str, Path]:
    """Split → file; one file alone belongs to no split (``""``)."""
    if isinstance(path, str | Path):
        path = Path(path)
        if not path.is_dir():
            return {"": path}
        files = csv_files(path)
        if len(files) == 1:
            return {"": files[0]}
        if not files:
            raise DataError(f"{path}: a file ending in .csv or .tsv is required; none is there.")
    else:
        files = [Path(p) for p in path]
        if len(files) == 1:
            return {"": files[0]}
    found: dict[str, Path] = {}
    for file in files:
        split = split_of(file.name)
        if split is None or split in found:
            names = ", ".join(p.name for p in files[:8])
            raise DataError(
                f"Of several tables each must name its split (train, val, test), once; got {names}. "
                "Give the path of one file."
            )
        found[split] = file
    return {split: found[split] for split in SPLITS if split in found}


def _target_names(target: str | Sequence[str] | None) -> list[str]:
    if target is None:
        return []
    return [target] if isinstance(target, str) else list(target)


def _read_files(
    files: Mapping[str, Path], delimiter: str | None, header: bool | None, reading: Reading, targets: Sequence[str]
) -> dict[str, Records]:
    """The records of each split; a test file that holds everything but the target is left out."""
    records = {}
    for split, path in files.items():
        records[split] = read_records(path, delimiter=delimiter, header=header)
        # Where the first file has a header the others have one too.
        header = records[split].has_header
    first = next(iter(records.values()))
    for split, part in list(records.items()):
        lacking = [n for n in first.names if n not in part.names]
        if not lacking:
            continue
        likely = {n.casefold() for n in (*TARGET_NAMES, *targets)} | {first.names[-1].casefold()}
        if split == "test" and len(lacking) == 1 and lacking[0].casefold() in likely:
            reading.notes.append(Sentence("reading.test_left_out", file=part.file, column=lacking[0]))
            reading.add(part.file, Outcome.SKIPPED, Sentence("reading.target_column_missing", column=lacking[0]))
            del records[split]
            continue
        raise DataError(
            f"{part.file}: the columns of {first.file} are required; {', '.join(map(repr, lacking))} "
            f"{'is' if len(lacking) == 1 else 'are'} not there. It has: {', '.join(part.names)}."
        )
    return records


def _merge(records: Mapping[str, Records], reading: Reading) -> _Merged:
    parts = list(records.values())
    names = parts[0].names
    for part in parts:
        reading.notes += part.notes
        reading.extend(part.findings)
        if extra := [n for n in part.names if n not in names]:
            reading.notes.append(
                Sentence(
                    "reading.extra_columns", file=part.file, columns=", ".join(map(repr, extra)), first=parts[0].file
                )
            )
    cells: list[Sequence[str]] = []
    for column_name in names:
        found = [part.columns[part.names.index(column_name)] for part in parts]
        cells.append(found[0] if len(found) == 1 else [cell for part_cells in found for cell in part_cells])
    sizes = [len(part.lines) for part in parts]
    starts = np.cumsum([0, *sizes])
    splits = {split: np.arange(a, b) for split, a, b in zip(records, starts, starts[1:]) if split}
    return _Merged(
        names=names,
        cells=cells,
        lines=np.concatenate([part.lines for part in parts]),
        file_of_row=np.repeat(np.arange(len(parts)), sizes),
        files=[part.file for part in parts],
        splits=splits,
        decimal_comma=any(part.delimiter != "," for part in parts),
    )


def _kind(kind: Kind | str) -> Kind:
    allowed = (Kind.NUMBER, Kind.CATEGORY, Kind.DATE, Kind.TEXT)
    if kind not in tuple(allowed):
        raise UnknownNameError("kind of column", str(kind), [k.value for k in allowed])
    return Kind(kind)


def _weights(
    column: ReadColumn, merged: _Merged, keep: npt.NDArray[np.bool_], reading: Reading
) -> npt.NDArray[np.bool_]:
    """Rows with a weight that can be used; the others are listed."""
    if column.values.kind is not Kind.NUMBER:
        raise DataError(
            f"The weight {column.name!r} must hold numbers; it holds {examples(column.values.classes or ())}."
        )
    numbers = dense(column.values.data)
    good: npt.NDArray[np.bool_] = numbers >= 0  # NaN fails too
    merged.list_rows(
        reading, np.flatnonzero(keep & ~good), Outcome.SKIPPED, Sentence("reading.weight_missing", column=column.name)
    )
    if not (numbers[good & keep] > 0).any():
        raise DataError(f"The weight {column.name!r} must be above 0 in some row; it is in none.")
    return good


def _list_conflicts(column: ReadColumn, merged: _Merged, reading: Reading) -> None:
    """Cells that do not fit their column, by what they hold."""
    rows = column.values.conflicts
    kind = Sentence(f"reading.kind_{column.values.kind.value}")
    by_cell: dict[str, list[int]] = {}
    for row in rows.tolist():
        by_cell.setdefault(column.cells[row], []).append(row)
    for cell, where in by_cell.items():
        shown = cell if len(cell) <= 40 else cell[:40] + "…"
        reason = Sentence("reading.cell_no_kind", cell=shown, kind=kind, column=column.name)
        merged.list_rows(reading, np.asarray(where, dtype=np.int64), Outcome.CONVERTED, reason)


def _names_splits(column: ReadColumn) -> bool:
    classes = column.values.classes
    return (
        bool(classes)
        and all(split_of(c) is not None for c in classes or ())
        and any(split_of(c) == "train" for c in classes or ())
    )


def _split_rows(column: ReadColumn, merged: _Merged, reading: Reading) -> dict[str, Rows]:
    if merged.splits:
        reading.notes.append(Sentence("reading.split_column_unused", column=column.name))
        return merged.splits
    codes = dense(column.values.data)
    names = [split_of(c) for c in column.values.classes or ()]
    merged.list_rows(
        reading, np.flatnonzero(codes < 0), Outcome.NOTED, Sentence("reading.no_split_in", column=column.name)
    )
    reading.notes.append(Sentence("reading.splits_from", column=column.name))
    found = {}
    for split in SPLITS:
        members = [i for i, n in enumerate(names) if n == split]
        if members:
            found[split] = np.flatnonzero(np.isin(codes, members))
    return found


def _table(
    name: str,
    result: Sequence[tuple[Column, ColumnData]],
    splits: Mapping[str, Rows],
    rows: Rows,
    merged: _Merged,
    reading: Reading,
) -> Table:
    """The table of the rows that are kept."""
    whole = len(rows) == len(merged.lines)
    place = np.full(len(merged.lines), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    kept_splits = {}
    for split, members in splits.items():
        moved = place[members]
        if len(moved := moved[moved >= 0]):
            kept_splits[split] = moved
        else:
            reading.notes.append(Sentence("reading.split_empty", split=split))
    return Table(
        name=name,
        schema=Schema(tuple(column for column, _ in result)),
        columns={column.name: data if whole else rows_of(data, rows) for column, data in result},
        splits=kept_splits,
        reading=reading,
        row_names=merged.row_names(rows),
    )
