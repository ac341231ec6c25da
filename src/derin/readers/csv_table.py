"""Tables from files and data frames: types found out or followed, target chosen, every exception listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, UnknownNameError, UsageError
from derin.core.messages import Message
from derin.data.cells.numbers import COMMA, POINT, looks_like_number
from derin.data.cells.packed import joined
from derin.data.cells.values import Habits, infer_values, values_written
from derin.data.cells.writing import Writing
from derin.data.line_findings import LineNames, line_findings
from derin.data.recipe import ReadingRecipe
from derin.data.report import DataReport, Outcome
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import SPLITS, ColumnData, Dense, Rows, Table
from derin.readers.cell_labels import several_labels
from derin.readers.column_names import SPLIT_NAMES, TARGET_NAMES
from derin.readers.columns import ReadColumn, as_codes, as_text, dense, examples, known_name, role_of, rows_of
from derin.readers.content import EXCEL, content_of
from derin.readers.delimited import Records, head_records
from derin.readers.json_records import is_json_lines
from derin.readers.spaced import SPACES
from derin.readers.split_names import split_of
from derin.readers.table_files import ENDINGS, table_records
from derin.readers.table_recipe import LABELS, NUMBERS, SUBJECT, ColumnRecipe, TableRecipe
from derin.readers.targets import (
    MULTILABEL,
    TargetKind,
    choose_targets,
    labels_in_target,
    one_target,
    several_targets,
)
from derin.readers.typed_records import frame_records

# What a person may say of a column: its kind, or that it is no input.
_ASKED_ROLES = {"id": Role.ID, "ignore": Role.IGNORED}
_ASKED_KINDS = (Kind.NUMBER, Kind.CATEGORY, Kind.DATE, Kind.TEXT)
_SAY_NOTHING = (".data", ".dat")
# The cells of a table that is known by its content have few words, most of them.
_CELL_WORDS, _FEW_WORDS = 3, 0.9
_FEWEST_ROWS = 3
# JSON, XML and what programs are written in.
_OTHER_LANGUAGES = ("{", "[", "<", "#!", "//", "/*")
# What `derin.load` takes as ``report`` for a table.
SETTINGS = ("delimiter", "header", "encoding", "decimal", "sheet")


def looks_like_csv(path: Path) -> bool:
    """Whether a file is a table by its name (`.csv`, `.tsv`, `.tab`, each also with `.gz`; `.xlsx`, `.parquet`), or by
    what is in it, where its name says only that it is data (`.data`, `.dat`) or JSON."""
    name = path.name.lower().removesuffix(".gz")
    if path.name.startswith((".", "~$")):
        return False
    return name.endswith(ENDINGS) or is_json_lines(path) or (name.endswith(_SAY_NOTHING) and holds_table(path))


def holds_table(path: Path) -> bool:
    """Whether the first lines of a file of any name are even records of several cells, and these no sentences."""
    records = head_records(path) if not content_of(path) else None
    if records is None or len(records.names) < 2 or records.faults or records.findings:
        return False
    if len(records.columns[0]) < _FEWEST_ROWS or records.names[0].startswith(_OTHER_LANGUAGES):
        return False
    words = records.columns[0]
    if records.delimiter == SPACES and not records.has_header and len(set(words)) == len(words) > 1:
        # A word of its own before numbers alone is a vector of that word.
        numbers = all(looks_like_number(cell) for column in records.columns[1:] for cell in column)
        if numbers and not any(map(looks_like_number, words)):
            return False
    cells = [cell for column in records.columns for cell in column]
    return sum(cell.count(" ") < _CELL_WORDS for cell in cells) >= _FEW_WORDS * len(cells)


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
    group: str | None = None,
    target_kind: TargetKind | None = None,
    kinds: Mapping[str, Kind | str] | None = None,
    date_order: str | None = None,
    missing: Sequence[str] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    sheet: str | None = None,
    names: Sequence[str] = (),
    required: Sequence[str] = (),
    task: str | None = None,
    found: Mapping[str, Any] | None = None,
    inputs_only: bool = False,
) -> Table:
    """A table from csv, Excel or Parquet files; delimiter, header, encoding, types and target are found out, and
    everything can be given.

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
        group: name of the column whose equal values must stay in one split; it is no input.
        target_kind: whether the target is a category or a number; None finds it out.
        kinds: what columns hold, for which finding out is not wanted (``{"zip": "category"}``); ``"id"`` and
            ``"ignore"`` leave a column out of the inputs.
        date_order: in which order day and month stand where dates leave it open.
        missing: the words that mean "no value", beside the empty cell; None takes the usual ones.
        delimiter: one character, a space for any number of spaces.
        header: whether the first line holds the names.
        encoding: of the text.
        decimal: the sign before decimals, ``"."`` or ``","``.
        sheet: of an Excel workbook.
        names: of the columns, for a file without a header.
        required: names of columns that must be there.
        task: that the table is read for; ``"multilabel"`` looks for several labels in each cell of the target.
        found: what reading other data found out, as JSON; it is followed, and nothing is found out anew.
        inputs_only: whether the rows are to be predicted: a target is not needed, and every row stays in its place.

    Shapes:
        Numbers ``(N,)`` float64, dates ``(N,)`` float64 in seconds since 1970-01-01 of the clock that they are written
        by, categories ``(N,)`` int64, text ragged; several labels ``(N, L)`` float32, several numbers ``(N, D)``
        float64.

    Raises:
        DataError: no table can be made of the files.
        UnknownNameError: a column that was asked for does not exist.
    """
    report = DataReport(source=str(path) if isinstance(path, str | Path) else ", ".join(str(p) for p in path))
    if decimal not in (None, POINT, COMMA):
        raise UsageError(f"{name}: decimal must be '.' or ','; got {decimal!r}.")
    recipe = None if not found else TableRecipe.from_json(found)
    files = _files(path)
    how: dict[str, Any] = {"delimiter": delimiter, "header": header, "encoding": encoding, "sheet": sheet}
    named = _target_names(target)
    how["wanted"] = required
    records = _read_files(files, how, recipe, names, inputs_only, report, named)
    for part in records.values() if required else ():
        _require(part, required)
    asked = Asked(
        target=target,
        ignore=tuple(ignore),
        weight=weight,
        group=group,
        target_kind=target_kind,
        kinds=dict(kinds or {}),
        date_order=date_order,
        missing=None if missing is None else tuple(missing),
        decimal=decimal,
        task=task,
    )
    return table_of_records(
        records, name=name, asked=asked, report=report, recipe=recipe, inputs_only=inputs_only, sheet=sheet or ""
    )


def read_frame(frame: Any, *, name: str, asked: Asked, found: Mapping[str, Any] | None = None) -> Table:
    """A data frame of pandas or polars, read as the csv file that it would be saved as.

    Args:
        frame: the data.
        name: of the data, for people.
        asked: what is said of its columns.
        found: as `read_csv` takes it.
    """
    recipe = None if not found else TableRecipe.from_json(found)
    report = DataReport(source=type(frame).__name__)
    records = frame_records(frame, name)
    if recipe is not None:
        _require(records, _required(recipe, bool(asked.target)))
    return table_of_records({"": records}, name=name, asked=asked, report=report, recipe=recipe)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a person says of the columns of a table; see `read_csv`."""

    target: str | Sequence[str] | None = None
    ignore: tuple[str, ...] = ()
    weight: str | None = None
    group: str | None = None
    target_kind: TargetKind | None = None
    kinds: Mapping[str, Kind | str] = field(default_factory=dict)
    date_order: str | None = None
    missing: tuple[str, ...] | None = None
    decimal: str | None = None
    task: str | None = None


def table_of_records(
    records: Mapping[str, Records],
    *,
    name: str,
    asked: Asked,
    report: DataReport,
    recipe: TableRecipe | None = None,
    inputs_only: bool = False,
    sheet: str = "",
) -> Table:
    """The table of the records of each split.

    Args:
        records: by split, or under an empty name.
        name: of the data, for people.
        asked: what is said of its columns.
        report: the report, which is written on.
        recipe: what reading other data found out.
        inputs_only: as `read_csv` takes it.
        sheet: of a workbook, where one was named.
    """
    merged = _merge(records, report)
    known = merged.names
    # What was said of a column of the training data may lack here.
    gone = set(recipe.columns if recipe is not None else ()) - set(known)
    wanted = {known_name(n, known): _kind(k) for n, k in asked.kinds.items() if n not in gone}
    columns = _columns(merged, asked, recipe, {n: k for n, k in wanted.items() if isinstance(k, Kind)})
    left_out = {n: k for n, k in wanted.items() if isinstance(k, Role)}
    ignored = {known_name(n, known) for n in asked.ignore if n not in gone}
    weight = _named_or_found(asked.weight, known, recipe, Role.WEIGHT)
    group = _named_or_found(asked.group, known, recipe, Role.GROUP)
    by_name = {c.name: c for c in columns}
    split = _split_column(columns, recipe)
    target = asked.target
    if target is None and recipe is not None:
        target = list(recipe.targets)
    taken = {*ignored, weight, group, split, *left_out}
    if inputs_only:
        # A labelled file is read as well; its answers are not looked at.
        targets: list[ReadColumn] = []
        ignored |= {n for n in (recipe.targets if recipe is not None else ()) if n in known}
    else:
        labelled = [n for n, c in recipe.columns.items() if c.between] if recipe is not None else []
        targets = choose_targets(columns, target, taken, report, asked.task, labelled) if target != [] else []
    keep = np.ones(len(merged.lines), dtype=bool)
    result: list[tuple[Column, ColumnData]] = []
    target_recipes: dict[str, ColumnRecipe] = {}
    together = ""
    if targets:
        made, together, between = _made_target(targets, asked, recipe, known, name, report)
        result.append(made)
        for each in targets:
            target_recipes[each.name] = _target_recipe(each, made[0], between, alone=len(targets) == 1)
        absent = np.any([t.values.is_missing for t in targets], axis=0)
        keep &= ~absent
        _list_missing_targets(targets, absent, merged, report)
        if not keep.any():
            raise DataError(
                f"{name}: rows with a target are required; the column {made[0].name!r} is empty in all of them."
            )
    target_set = {t.name for t in targets}
    if weight is not None and not inputs_only:
        if weight in target_set:
            raise UsageError(f"The column {weight!r} cannot be target and weight at once; name another weight.")
        keep &= _weights(by_name[weight], merged, keep, report)
    found: dict[str, ColumnRecipe] = {}
    for place, column in enumerate(columns):
        if column.name in target_set:
            found[column.name] = target_recipes[column.name]
            continue
        known_column = None if recipe is None else recipe.columns.get(column.name)
        role: Role
        note: str
        if column.name == weight:
            role, note = Role.WEIGHT, Message("reading.weight_as_asked")
        elif column.name == group:
            role, note = Role.GROUP, Message("reading.group_as_asked")
        elif column.name in ignored:
            role, note = Role.IGNORED, Message("reading.left_as_asked")
        elif column.name in left_out:
            role, note = left_out[column.name], Message("reading.left_as_asked")
        elif column.name == split:
            role, note = Role.IGNORED, Message("reading.names_splits")
        elif known_column is not None:
            # A column that was the target, where another one is named now, is an answer and no input.
            role = Role.IGNORED if known_column.role is Role.TARGET else known_column.role
            note = ""
        elif recipe is not None:
            role, note = Role.IGNORED, Message("reading.not_in_training")
        elif column.name in wanted:
            role, note = Role.INPUT, ""
        else:
            column, role, note = role_of(column, place, is_unnamed=merged.is_unnamed and place == 0)
        if column.values.kind is Kind.CATEGORY and column.values.classes is None:
            column = as_text(column)
        result.append((column.schema_column(role, note), column.values.data))
        found[column.name] = ColumnRecipe(
            kind=column.values.kind, role=role, writing=column.values.writing, from_numbers=column.from_numbers
        )
    for column in columns:
        if len(column.values.conflicts) and (not inputs_only or found[column.name].role is Role.INPUT):
            _list_conflicts(column, merged, report)
        if recipe is None and found[column.name].role not in (Role.ID, Role.IGNORED):
            for remark in column.values.remarks:
                report.notes.append(Message("reading.of_column", column=column.name, note=remark))
    if inputs_only:
        splits: dict[str, Rows] = {}
    else:
        splits = _split_rows(by_name[split], merged, report) if split else merged.splits
    # As in training, so that the same data is known again when its columns were exchanged.
    order = {n: i for i, n in enumerate(dict.fromkeys([*(recipe.columns if recipe is not None else ()), *known]))}
    result.sort(key=lambda made: order.get(made[0].name, len(order)))
    rows = np.arange(len(keep)) if inputs_only else np.flatnonzero(keep)
    table = _table(name, result, splits, rows, merged, report)
    first = next(iter(records.values()))
    kept = TableRecipe(
        columns=found if recipe is None else {**found, **recipe.columns},
        targets=tuple(t.name for t in targets) if not inputs_only or recipe is None else recipe.targets,
        together=together,
        split=split or "",
        delimiter=first.delimiter,
        header=first.has_header,
        encoding=first.encoding,
        sheet=sheet,
    )
    table = replace(table, recipe=ReadingRecipe(found={SUBJECT: kept.to_json()}))
    if not inputs_only:
        return table
    return replace(table, row_names=merged.places(report.source), unanswered=merged.faults)


def _columns(merged: _Merged, asked: Asked, recipe: TableRecipe | None, kinds: Mapping[str, Kind]) -> list[ReadColumn]:
    """The columns as the recipe says, or as it is found out."""
    habits = Habits.of(
        merged.cells, merged.delimiter, decimal=asked.decimal, order=asked.date_order, missing=asked.missing
    )
    columns = []
    # Of these the classes are needed, however many there are.
    needed = (*_target_names(asked.target), asked.weight, asked.group, *SPLIT_NAMES)
    classified = {name.casefold() for name in needed if name}
    for name, cells in zip(merged.names, merged.cells, strict=True):
        known = None if recipe is None else recipe.columns.get(name)
        kind = kinds.get(name)
        own = replace(habits, decimal=POINT) if name in merged.typed else habits
        if known is None or (kind is not None and kind is not known.kind):
            loosely = kind is None and name.casefold() not in classified
            values = infer_values(cells, habits=own, kind=kind, name=name, loosely=loosely)
            columns.append(ReadColumn(name, cells, values))
            continue
        writing = _as_said(known.writing, asked)
        if name in merged.typed:
            # Numbers that never were text have the point of Python, however training's text was written.
            writing = replace(writing, decimal=POINT)
        base = Kind.NUMBER if known.from_numbers else known.kind
        column = ReadColumn(name, cells, values_written(cells, base, writing, known.classes))
        # A target becomes classes where all targets do.
        is_code = known.from_numbers and known.role is not Role.TARGET
        columns.append(as_codes(column) if is_code else column)
    return columns


def _as_said(writing: Writing, asked: Asked) -> Writing:
    """The way of writing of training, but for what is said now."""
    if asked.missing is not None:
        writing = replace(writing, missing=tuple(word.casefold() for word in asked.missing))
    if asked.decimal is not None:
        writing = replace(writing, decimal=asked.decimal)
    if asked.date_order is not None and writing.order and not writing.digits:
        writing = replace(writing, order=asked.date_order)
    return writing


def _named_or_found(asked: str | None, known: Sequence[str], recipe: TableRecipe | None, role: Role) -> str | None:
    """The column of a role that was named, or that of training where this file has it."""
    if recipe is None:
        return None if asked is None else known_name(asked, known)
    before = next((n for n, column in recipe.columns.items() if column.role is role), None)
    if asked is not None and (asked in known or asked != before):
        return known_name(asked, known)
    return before if before in known else None


def _split_column(columns: Sequence[ReadColumn], recipe: TableRecipe | None) -> str | None:
    names = [c.name for c in columns]
    if recipe is not None:
        return recipe.split if recipe.split in names else None
    return next((c.name for c in columns if c.name.casefold() in SPLIT_NAMES and _names_splits(c)), None)


def _made_target(
    targets: Sequence[ReadColumn],
    asked: Asked,
    recipe: TableRecipe | None,
    known: Sequence[str],
    name: str,
    report: DataReport,
) -> tuple[tuple[Column, ColumnData], str, str]:
    """The column of the targets, what several of them make together, and what stands between several labels of one."""
    if len(targets) > 1:
        before = recipe.together if recipe is not None and [t.name for t in targets] == list(recipe.targets) else ""
        made = several_targets(targets, known, name, together=before)
        return made, LABELS if made[0].kind is Kind.CATEGORY else NUMBERS, ""
    (target,) = targets
    target_kind = asked.target_kind
    before_column = None if recipe is None else recipe.columns.get(target.name)
    classes: tuple[str, ...] | None = None
    is_said = target_kind is not None or target.name in asked.kinds or target.values.kind in (Kind.NUMBER, Kind.DATE)
    between = ""
    if before_column is not None and before_column.role is Role.TARGET:
        classes, between = before_column.classes, before_column.between
        target_kind = target_kind or ("category" if before_column.kind is Kind.CATEGORY else "number")
    elif asked.task == MULTILABEL or not is_said:
        between = labels_in_target(target.name, target.cells, asked.task, report)
    if between:
        column, values = several_labels(target.name, target.cells, between, classes, report)
        return (column, Dense(values)), "", between
    return one_target(target, target_kind, classes), "", ""


def _target_recipe(column: ReadColumn, made: Column, between: str, alone: bool) -> ColumnRecipe:
    values = column.values
    from_numbers = alone and not between and made.kind is Kind.CATEGORY and values.kind is Kind.NUMBER
    return ColumnRecipe(
        kind=made.kind if alone else values.kind,
        role=Role.TARGET,
        writing=values.writing,
        from_numbers=from_numbers,
        classes=made.classes if alone else values.classes,
        between=between,
    )


def _list_missing_targets(
    targets: Sequence[ReadColumn], absent: npt.NDArray[np.bool_], merged: _Merged, report: DataReport
) -> None:
    """Rows without a target; a word that stands there for "no value" is named."""
    words: dict[str, list[int]] = {}
    for row in np.flatnonzero(absent).tolist():
        cell = next((t.cells[row] for t in targets if t.values.is_missing[row]), "")
        words.setdefault(cell, []).append(row)
    for word, rows in words.items():
        reason = (
            Message("reading.target_missing")
            if not word
            else Message("reading.target_is_word", word=word if len(word) <= 40 else word[:40] + "…")
        )
        merged.list_rows(report, np.asarray(rows, dtype=np.int64), Outcome.SKIPPED, reason)


@dataclass
class _Merged:
    """The cells of all files, one below the other."""

    names: tuple[str, ...]
    cells: list[Sequence[str]]
    lines: Rows
    file_of_row: npt.NDArray[np.int8]
    files: list[str]
    splits: dict[str, Rows]
    delimiter: str
    is_unnamed: bool
    faults: dict[int, str]
    typed: frozenset[str]

    def places(self, source: str) -> list[str]:
        """Where each row stands, as ``file:line``."""
        several = len(self.files) > 1
        paths = [str(Path(source) / file) if several else source for file in self.files]
        return [f"{paths[f]}:{n}" for f, n in zip(self.file_of_row.tolist(), self.lines.tolist())]

    def row_names(self, rows: Rows) -> LineNames:
        if len(self.files) == 1:
            return LineNames(self.lines[rows])
        return LineNames(self.lines[rows], self.files, self.file_of_row[rows])

    def list_rows(self, report: DataReport, rows: Rows, outcome: Outcome, reason: str) -> None:
        for index, file in enumerate(self.files):
            here = rows[self.file_of_row[rows] == index]
            report.extend(line_findings(file, self.lines[here].tolist(), outcome, reason))


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
            raise DataError(f"{path}: a file ending in {', '.join(ENDINGS)} is required; none is there.")
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
    files: Mapping[str, Path],
    how: Mapping[str, Any],
    recipe: TableRecipe | None,
    names: Sequence[str],
    inputs_only: bool,
    report: DataReport,
    targets: Sequence[str],
) -> dict[str, Records]:
    """The records of each split; a test file that holds everything but the target is left out."""
    records = {}
    header = how["header"]
    for split, path in files.items():
        if recipe is not None:
            # An answer that is named has perhaps another name now.
            required = _required(recipe, inputs_only or bool(targets))
            records[split] = _as_before(path, how, recipe, required, inputs_only)
            continue
        records[split] = table_records(path, **{**how, "header": False if names else header}, every_row=inputs_only)
        if names:
            records[split] = _with_names(records[split], names)
        # Where the first file has a header the others have one too.
        header = records[split].has_header
    first = next(iter(records.values()))
    for split, part in list(records.items()):
        lacking = [n for n in first.names if n not in part.names]
        if not lacking:
            continue
        likely = {n.casefold() for n in (*TARGET_NAMES, *targets)} | {first.names[-1].casefold()}
        if split == "test" and len(lacking) == 1 and lacking[0].casefold() in likely:
            report.notes.append(Message("reading.test_left_out", file=part.file, column=lacking[0]))
            report.add(part.file, Outcome.SKIPPED, Message("reading.target_column_missing", column=lacking[0]))
            del records[split]
            continue
        raise DataError(
            f"{part.file}: the columns of {first.file} are required; {', '.join(map(repr, lacking))} "
            f"{'is' if len(lacking) == 1 else 'are'} not there. It has: {', '.join(part.names)}."
        )
    return records


def _as_before(
    path: Path, how: Mapping[str, Any], recipe: TableRecipe, wanted: Sequence[str], every_row: bool
) -> Records:
    """The records of a file in the form of the training file; another delimiter is found out where that does not fit.

    Raises:
        DataError: columns that the model reads are not there.
    """
    is_workbook = content_of(path) == EXCEL
    settings: dict[str, Any] = {
        "header": how["header"],
        "encoding": how["encoding"],
        "likely": recipe.encoding,
        "sheet": how["sheet"] or (recipe.sheet if is_workbook and recipe.sheet else None),
        "wanted": wanted,
        "every_row": every_row,
    }
    if settings["header"] is None and not recipe.header:
        # Wanted names in a first line make it a header all the same.
        settings["header"] = False
    tried: list[Records] = []
    for delimiter in (how["delimiter"] or recipe.delimiter, None):
        found = _named_as_before(table_records(path, **settings, delimiter=delimiter), recipe)
        tried.append(found)
        if all(n in found.names for n in wanted):
            if found.is_text and found.delimiter != recipe.delimiter:
                found.notes.append(Message("reading.other_delimiter", file=path.name, delimiter=found.delimiter))
            return found
    _require(max(tried, key=lambda r: sum(n in r.names for n in wanted)), wanted)
    raise AssertionError("a column is lacking")


def _named_as_before(records: Records, recipe: TableRecipe) -> Records:
    """The records of a file without a header under the names of training; the answers may be left out."""
    if records.has_header:
        return records
    names = list(recipe.columns)
    inputs = [n for n in names if n not in recipe.targets]
    fitting = next((some for some in (names, inputs) if len(some) == len(records.names)), None)
    return records if fitting is None or recipe.header else _with_names(records, fitting)


def _with_names(records: Records, names: Sequence[str]) -> Records:
    """Records of a file without a header, under these names."""
    if len(names) != len(records.names):
        raise DataError(f"{records.file}: {len(names)} columns are required; got {len(records.names)}.")
    notes = [note for note in records.notes if getattr(note, "key", "") != "reading.header_missing"]
    return replace(records, names=tuple(names), notes=notes)


def _required(recipe: TableRecipe, inputs_alone: bool) -> list[str]:
    """The columns without which nothing can be answered or measured."""
    roles = (Role.INPUT,) if inputs_alone else (Role.INPUT, Role.TARGET)
    return [n for n, column in recipe.columns.items() if column.role in roles]


def _require(records: Records, wanted: Sequence[str]) -> None:
    """Refuses records that lack columns."""
    if lacking := [n for n in wanted if n not in records.names]:
        raise DataError(
            f"{records.file}: the columns that the network was trained on are required; "
            f"{', '.join(map(repr, lacking[:20]))} {'is' if len(lacking) == 1 else 'are'} not there. "
            f"It has: {', '.join(map(repr, records.names[:20]))}."
        )


def _merge(records: Mapping[str, Records], report: DataReport) -> _Merged:
    parts = list(records.values())
    names = parts[0].names
    for part in parts:
        report.notes += part.notes
        report.extend(part.findings)
        if extra := [n for n in part.names if n not in names]:
            report.notes.append(
                Message(
                    "reading.extra_columns", file=part.file, columns=", ".join(map(repr, extra)), first=parts[0].file
                )
            )
    cells: list[Sequence[str]] = []
    for column_name in names:
        found = [part.columns[part.names.index(column_name)] for part in parts]
        cells.append(joined(found))
    sizes = [len(part.lines) for part in parts]
    starts = np.cumsum([0, *sizes])
    splits = {split: np.arange(a, b) for split, a, b in zip(records, starts, starts[1:]) if split}
    return _Merged(
        names=names,
        cells=cells,
        lines=np.concatenate([part.lines for part in parts]),
        file_of_row=np.repeat(np.arange(len(parts), dtype=np.int8), sizes),
        files=[part.file for part in parts],
        splits=splits,
        delimiter=parts[0].delimiter,
        is_unnamed=parts[0].is_unnamed,
        typed=frozenset.intersection(*(part.typed for part in parts)),
        faults={int(start) + row: why for start, part in zip(starts, parts) for row, why in part.faults.items()},
    )


def _kind(kind: Kind | str) -> Kind | Role:
    if kind in _ASKED_ROLES:
        return _ASKED_ROLES[str(kind)]
    if kind not in tuple(_ASKED_KINDS):
        raise UnknownNameError("kind of column", str(kind), [*(k.value for k in _ASKED_KINDS), *_ASKED_ROLES])
    return Kind(kind)


def _weights(
    column: ReadColumn, merged: _Merged, keep: npt.NDArray[np.bool_], report: DataReport
) -> npt.NDArray[np.bool_]:
    """Rows with a weight that can be used; the others are listed."""
    if column.values.kind is not Kind.NUMBER:
        raise DataError(
            f"The weight {column.name!r} must hold numbers; it holds {examples(column.values.classes or ())}."
        )
    numbers = dense(column.values.data)
    good: npt.NDArray[np.bool_] = numbers >= 0  # NaN fails too
    merged.list_rows(
        report, np.flatnonzero(keep & ~good), Outcome.SKIPPED, Message("reading.weight_missing", column=column.name)
    )
    if not (numbers[good & keep] > 0).any():
        raise DataError(f"The weight {column.name!r} must be above 0 in some row; it is in none.")
    return good


def _list_conflicts(column: ReadColumn, merged: _Merged, report: DataReport) -> None:
    """Cells that do not fit their column, by what they hold."""
    rows = column.values.conflicts
    kind = Message(f"reading.kind_{column.values.kind.value}")
    by_cell: dict[str, list[int]] = {}
    for row in rows.tolist():
        by_cell.setdefault(column.cells[row], []).append(row)
    for cell, where in by_cell.items():
        shown = cell if len(cell) <= 40 else cell[:40] + "…"
        reason = Message("reading.cell_no_kind", cell=shown, kind=kind, column=column.name)
        merged.list_rows(report, np.asarray(where, dtype=np.int64), Outcome.CONVERTED, reason)


def _names_splits(column: ReadColumn) -> bool:
    classes = column.values.classes
    return (
        bool(classes)
        and all(split_of(c) is not None for c in classes or ())
        and any(split_of(c) == "train" for c in classes or ())
    )


def _split_rows(column: ReadColumn, merged: _Merged, report: DataReport) -> dict[str, Rows]:
    if merged.splits:
        report.notes.append(Message("reading.split_column_unused", column=column.name))
        return merged.splits
    codes = dense(column.values.data)
    names = [split_of(c) for c in column.values.classes or ()]
    merged.list_rows(
        report, np.flatnonzero(codes < 0), Outcome.NOTED, Message("reading.no_split_in", column=column.name)
    )
    report.notes.append(Message("reading.splits_from", column=column.name))
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
    report: DataReport,
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
            report.notes.append(Message("reading.split_empty", split=split))
    return Table(
        name=name,
        schema=Schema(tuple(column for column, _ in result)),
        columns={column.name: data if whole else rows_of(data, rows) for column, data in result},
        splits=kept_splits,
        report=report,
        row_names=merged.row_names(rows),
    )
