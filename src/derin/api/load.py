"""From what a person has to a table that is ready for training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, UsageError, near_matches
from derin.core.files import usable_path
from derin.core.former_names import takes_former_names
from derin.core.messages import Message
from derin.data.cells.writing import DAY_FIRST, MONTH_FIRST, YEAR_FIRST
from derin.data.class_splits import IN_PROPORTION, class_names, hold_out_classes
from derin.data.duplicates import first_equal_rows, note_duplicates
from derin.data.own import INPUT, TARGET, Arrays, Form, OwnData, own_data
from derin.data.recipe import Progress, ReadingRecipe, ReadOptions
from derin.data.schema import Kind, Role, Schema
from derin.data.splits import LARGEST, complete_splits, count_examples, hold_out_training_dev
from derin.data.splits import train_on_dev as move_into_training
from derin.data.table import Dense, Table
from derin.datasets.catalog import NAMED_SETS
from derin.datasets.named import read_named
from derin.readers.formats import READERS_BY_TASK, read_for_task, read_form
from derin.readers.table_recipe import SUBJECT
from derin.readers.targets import TargetKind

# Word vectors are judged by other questions than the words left out of their text.
_WITHOUT_A_TEST = ("word-vectors", "glove")

# What they learn is measured on classes that were never trained on.
HOLDING_OUT_CLASSES = ("embedding",)

# Every sentence that is measured is translated twice, word by word.
_MOST_HELD_OUT_PAIRS = 2_000

# ITU-R BT.601: the weights of red, green and blue in brightness, as Pillow uses them.
_LUMA = (0.299, 0.587, 0.114)


@takes_former_names
def load(
    source: Any,
    *,
    target: str | None = None,
    size: int | None = None,
    channels: int | None = None,
    weight_column: str | None = None,
    group_column: str | None = None,
    time_column: str | None = None,
    ignore: Sequence[str] = (),
    target_kind: TargetKind | None = None,
    kinds: Mapping[str, str] | None = None,
    date_order: str | None = None,
    missing: Sequence[str] | None = None,
    hold_out: Sequence[str] | str | None = None,
    task: str | None = None,
    reader_options: Mapping[str, Any] | None = None,
    dev_from: str | None = None,
    training_dev: float | None = None,
    train_on_dev: float | None = None,
    seed: int | None = None,
    recipe: ReadingRecipe | None = None,
    cut: bool = True,
    download: bool = False,
    progress: Progress | Literal[False] | None = None,
) -> Table:
    """Data of any form as a table with splits and a report, ready for training.

    A name of a known data set wins over a folder of the same name; ``"./mnist"`` means the folder. Given splits are
    kept; a missing validation split is cut from train, and a missing test split only where none was given at all.

    Args:
        source: the name of a data set (``"digits"``); the path of a file or folder; arrays ``(X, y)``, or several by
            name ``({"a": X, "b": Z}, y)``, which stay as they are; a data frame; or a table, which gets what it lacks.
        target: name of the column or array to be predicted, where it is not found by itself.
        size: shorter side in pixels at which the network will read pictures: files are stored at no more than 1.15
            times that. Arrays are kept as they are.
        channels: 1 stores all pictures in gray, 3 in colour; None keeps what they are.
        weight_column: name of the column of a csv table or data frame that says how much each example counts.
        group_column: name of its column whose equal values (one patient, one shop) must not stand in two splits.
        time_column: name of the column, of dates or numbers, in whose order missing splits are cut: the earliest rows
            train, the latest are the test split.
        ignore: names of its columns that are no inputs.
        target_kind: ``"category"`` or ``"number"``: what its target is, where that is found out wrongly.
        kinds: what its columns hold, where that is found out wrongly: ``{"zip": "category"}``; ``"number"``,
            ``"category"``, ``"date"`` or ``"text"``.
        date_order: ``"DD/MM/YYYY"`` or ``"MM/DD/YYYY"``, where a date such as 03/04/2024 could be either.
        missing: the words that mean "no value" in its cells, beside the empty cell; None takes the usual ones (NA,
            null, ? and others).
        hold_out: of data for ``"embedding"``, the classes of the test split, or patterns such as ``"Greek-*"``, where
            they are not to be drawn; ``"none"`` keeps examples of every class in each split.
        task: what the data is read for, where its form does not tell: ``"lm"``, ``"word-vectors"``, ``"tagging"``,
            ``"translation"``, ``"forecasting"``, ``"segmentation"``; for ``"embedding"`` whole classes are held out.
        reader_options: settings of the reader of that task, such as ``{"encoding": "cp1254"}``.
        dev_from: the rows from which validation and test are cut, those that the network is for: ``"source=app"``, a
            column and its value, or a pattern of the names of rows, such as ``"app/*"``. All others train. The column
            is then no input.
        training_dev: share of the training examples that is held out as the split ``traindev``; where the validation
            data is of another kind, it tells variance from data mismatch.
        train_on_dev: share of the validation examples that trains, where they are of the kind that counts and the
            training data is of another.
        seed: of the cut; None is 0, or that of the recipe.
        recipe: how other data was read; this is read in the same way. Of the arguments above those that are given win.
        cut: whether splits that are missing are cut; False keeps those that the source itself has, as to measure on it.
        download: whether a known data set may be fetched from its public address.
        progress: called with (done, total) while much is read or fetched; None or False tells nobody.

    Raises:
        DataError: the data is missing, damaged, of no known form, or too little.
        UsageError: an argument cannot be carried out.

    Example:
        >>> import derin
        >>> data = derin.load("iris")
        >>> {name: len(rows) for name, rows in data.splits.items()}
        {'train': 90, 'val': 30, 'test': 30}
        >>> data.target().name, data.target().classes
        ('species', ('setosa', 'versicolor', 'virginica'))
        >>> derin.load("digits").inputs[0].shape
        (8, 8, 1)
    """
    if channels not in (None, 1, 3):
        raise UsageError(f"load: channels must be 1 (gray) or 3 (colour); got {channels}.")
    if size is not None and size < 1:
        raise UsageError(f"load: size must be at least 1 pixel; got {size}.")
    if target_kind not in (None, "category", "number"):
        raise UsageError(f"load: target_kind must be 'category' or 'number'; got {target_kind!r}.")
    if date_order not in (None, DAY_FIRST, MONTH_FIRST, YEAR_FIRST):
        orders = ", ".join((DAY_FIRST, MONTH_FIRST, YEAR_FIRST))
        raise UsageError(f"load: date_order must be one of {orders}; got {date_order!r}.")
    if progress and not callable(progress):
        raise UsageError(f"load: progress must be a function of (done, total), or False; got {progress!r}.")
    asked: dict[str, Any] = {"target": target, "size": size, "channels": channels, "weight_column": weight_column}
    asked |= {"group_column": group_column, "time_column": time_column}
    asked |= {"ignore": tuple(ignore) or None, "target_kind": target_kind, "kinds": kinds, "date_order": date_order}
    asked |= {"missing": None if missing is None else tuple(missing), "task": task, "seed": seed}
    asked |= {"reader_options": reader_options, "training_dev": training_dev, "train_on_dev": train_on_dev}
    asked["dev_from"] = dev_from
    asked["hold_out"] = class_names(hold_out) or None
    column = (dev_from or "").partition("=")
    if column[1]:
        # What tells where a row is from is the same for all that the network is for.
        asked["ignore"] = tuple(dict.fromkeys((*ignore, column[0])))
    options = _options(recipe, {name: value for name, value in asked.items() if value is not None}, progress or None)
    table = _with_channels(_read(source, options, download), options.channels)
    _require_columns_as_said(table, options)
    if not isinstance(source, Table):
        table = replace(table, recipe=options.recipe({} if table.recipe is None else table.recipe.found))
    return with_splits(table, options) if cut else table


def with_splits(table: Table, recipe: ReadingRecipe) -> Table:
    """The table with the splits that it lacks, and those that are asked for; copies and leaks stand in its report.

    Args:
        table: as its reader gave it.
        recipe: which says by what seed, whether whole classes are held out, and what else is.

    Raises:
        UsageError: rows are to be held out of data that is no set of rows.
    """
    return hold_out_rows(_completed(table, recipe), recipe)


def hold_out_rows(table: Table, recipe: ReadingRecipe) -> Table:
    """The table with validation rows that train, and training rows that are measured, as far as that is asked for.

    Raises:
        UsageError: the data is no set of rows, which could be dealt out.
    """
    if not recipe.training_dev and recipe.train_on_dev is None:
        return table
    in_order = table.schema.with_role(Role.TIME) or table.task in (*_WITHOUT_A_TEST, "lm")
    if in_order or recipe.task in HOLDING_OUT_CLASSES:
        raise UsageError(
            f"The data {table.name!r} is split in its order or by whole classes; leave training_dev "
            "and train_on_dev out."
        )
    if recipe.train_on_dev is not None:
        table = move_into_training(table, recipe.train_on_dev, seed=recipe.seed)
    if recipe.training_dev:
        table = hold_out_training_dev(table, recipe.training_dev, seed=recipe.seed)
        if recipe.dev_from is not None:
            table.report.notes.append(Message("reading.training_dev_why", source=recipe.dev_from))
    return table


def _completed(table: Table, recipe: ReadingRecipe) -> Table:
    """The table with the splits that it lacks; copies and leaks stand in its report.

    Args:
        table: as its reader gave it.
        recipe: which says by what seed, and whether whole classes are held out.

    Raises:
        UsageError: classes are to be held out of data that is not read for comparing.
    """
    seed = recipe.seed
    if recipe.dev_from is not None and (recipe.task in HOLDING_OUT_CLASSES or table.task is not None):
        raise UsageError(
            f"dev_from is of rows that are dealt out at random; {table.name!r} is cut otherwise. Leave it out."
        )
    if recipe.task in HOLDING_OUT_CLASSES:
        return replace(_with_other_classes(table, recipe), task=recipe.task)
    if recipe.hold_out:
        tasks = ", ".join(HOLDING_OUT_CLASSES)
        raise UsageError(f"Whole classes are held out for the task {tasks}; leave hold_out out, or name that task.")
    if table.task in _WITHOUT_A_TEST or (table.task is not None and set(table.splits) > {"train"}):
        # Text and series are cut by their reader where they can be cut: in their order.
        table.report.counts = count_examples(table)
        return replace(table, given_splits=table.given_splits or tuple(table.splits))
    first = first_equal_rows(table)
    largest = _MOST_HELD_OUT_PAIRS if table.task == "translation" else LARGEST
    table = complete_splits(
        table, seed=seed, first=first, largest=largest, time_column=recipe.time_column, dev_from=recipe.dev_from
    )
    note_duplicates(table, first)
    return table


def _with_other_classes(table: Table, recipe: ReadingRecipe) -> Table:
    """The table with splits of whole classes, unless examples of every class are wanted in each."""
    first = first_equal_rows(table)
    if recipe.hold_out == (IN_PROPORTION,):
        table = complete_splits(table, seed=recipe.seed, first=first)
    else:
        table = hold_out_classes(table, names=recipe.hold_out, seed=recipe.seed)
    note_duplicates(table, first)
    return table


def read_inputs(source: str | Path, recipe: ReadingRecipe, *, progress: Progress | None = None) -> Table:
    """What is to be predicted, read as the training data was: every row stays, in its order; answers may be missing.

    Args:
        source: the path of a file or folder.
        recipe: of the training data.
        progress: called with (done, total) while much is read.

    Returns:
        a table without splits, whose report names what was odd; `row_names` say where each row stands.

    Raises:
        DataError: the file cannot be read, or holds no such data.
    """
    return _read_path(source, replace(_options(recipe, {}, progress), inputs_only=True))


def _options(recipe: ReadingRecipe | None, asked: Mapping[str, Any], progress: Progress | None) -> ReadOptions:
    """A recipe with what is asked for beside it, which wins over what was found out."""
    known = {} if recipe is None else {part.name: getattr(recipe, part.name) for part in fields(ReadingRecipe)}
    return ReadOptions(**{**known, **asked}, progress=progress)


def _require_columns_as_said(table: Table, options: ReadOptions) -> None:
    """Refuses what the reader of another form than a csv table could not follow."""
    if SUBJECT in options.found:
        # What was said of the training data's columns may lack here; the reader refuses what is said anew and unheard.
        return
    wanted = {"category": Kind.CATEGORY, "number": Kind.NUMBER}.get(options.target_kind or "")
    unheard = {
        "weight_column": options.weight_column is not None
        and not any(column.role is Role.WEIGHT for column in table.schema),
        "ignore": bool({column.name for column in table.inputs} & set(options.ignore)),
        "target_kind": wanted is not None and any(column.kind is not wanted for column in table.targets),
        "group_column": options.group_column is not None and not table.schema.with_role(Role.GROUP),
        "kinds": any(column.kind != options.kinds.get(column.name, column.kind) for column in table.inputs),
    }
    found = {} if table.recipe is None else table.recipe.found
    if not {SUBJECT, "series"} & set(found):
        unheard["date_order"] = options.date_order is not None
        # Of labelled texts, it says which labels are none.
        unheard["missing"] = options.missing is not None and "missing" not in found.get("text", {})
    for name, is_unheard in unheard.items():
        if is_unheard:
            raise UsageError(
                f"load: {name} is for csv tables and data frames; the data {table.name!r} has its columns already. "
                "Leave it out."
            )


def _read(source: Any, options: ReadOptions, download: bool) -> Table:
    if isinstance(source, Table):
        return source
    if isinstance(source, str) and not source.strip():
        raise UsageError("load: the name of a data set or a path is required; got an empty string.")
    if isinstance(source, str) and source in NAMED_SETS:
        return read_named(source, options, download=download)
    if isinstance(source, str | Path):
        return _read_path(source, options)
    if isinstance(source, tuple | Mapping | OwnData):
        return _read_arrays(source, options)
    if hasattr(source, "to_csv") or hasattr(source, "write_csv"):
        return _read_frame(source, options)
    raise UsageError(
        "load: the name of a data set, a path, arrays (X, y), a data frame or a table is required; "
        f"got {type(source).__name__}."
    )


def _read_path(source: str | Path, options: ReadOptions) -> Table:
    path = usable_path(_at_home(source), "The data")
    if not path.exists():
        hint = ""
        if isinstance(source, str) and not any(mark in source for mark in "/\\."):
            hint = f"; {near_matches(source, NAMED_SETS)}"
        raise DataError(
            f"{str(source)!r} is neither a known data set nor a file or folder that exists "
            f"(looked in {Path.cwd()}){hint}."
        )
    return read_form(path, name=path.resolve().name, options=options)


def _at_home(source: str | Path) -> Path:
    """The path with the home folder in place of ``~``; as it is where there is no such home."""
    try:
        return Path(source).expanduser()
    except RuntimeError:
        return Path(source)


def _read_arrays(source: Any, options: ReadOptions) -> Table:
    """Arrays in memory: one of inputs with its targets, or several by name, which stay as they are."""
    from derin.readers.arrays import ArrayPart, table_from_arrays

    if isinstance(source, tuple):
        source = OwnData({"all": Arrays(source, options.target)}, options.target)
    own = own_data(source, options.target, keeps_arrays=True)
    if own is None or not own.has_values:
        raise UsageError(
            "load: arrays are (X, y), ({name: X, …}, y), one dict with its target, or {'train': …} of these; a "
            "Dataset, DataLoader or other batches go to derin.fit with a network of your own (model=…)."
        )
    arrays = _arrays_of(own)
    if all(set(part) == {INPUT, TARGET} for part in arrays.values()):
        pairs = {split: ArrayPart(part[INPUT], part[TARGET], "x", "y") for split, part in arrays.items()}
        return table_from_arrays(pairs, name="arrays", found=options.part("pictures"))
    return read_named_arrays(own)


def read_named_arrays(own: OwnData, names: Sequence[str] = ()) -> Table:
    """Arrays as a table whose inputs stay as they are.

    Args:
        own: arrays, in parts.
        names: of the inputs, where they have none but places, or where it is one.

    Raises:
        UsageError: there are several targets by name.
        DataError: a value is no array of numbers, or nothing can be learned.
    """
    from derin.readers.arrays import table_of_named_arrays

    arrays = {split: Form(names=tuple(names)).named(part) for split, part in _arrays_of(own).items()}
    if any(name.startswith(f"{TARGET}/") for part in arrays.values() for name in part):
        raise UsageError("Targets by name need a loss for each output, by its name: loss={'kind': …, 'size': …}.")
    return table_of_named_arrays(arrays, name="arrays")


def _arrays_of(own: OwnData) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """The arrays of each split by name; an empty name is data without splits."""
    parts: dict[str, Any] = {"" if name == "all" else name: part for name, part in own.parts.items()}
    told = {INPUT: "X", TARGET: "y"}
    return {split: {n: _array(v, told.get(n, n)) for n, v in part.given.items()} for split, part in parts.items()}


def _array(values: Any, name: str) -> npt.NDArray[Any]:
    """An array of anything that says it is one; torch tensors come from any device."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.empty(0, dtype=object)
    if array.dtype == object:
        strings = array.ndim == 1 and len(array) > 0 and all(isinstance(value, str) for value in array.tolist())
        if not strings:
            raise DataError(
                f"load: {name} must be an array of numbers or of strings, all examples in one shape; "
                f"got {type(values).__name__} with other things in it."
            )
        array = array.astype(np.str_)
    return array


def _read_frame(frame: Any, options: ReadOptions) -> Table:
    """A data frame, read as the csv file that it would be saved as, so that both give the same table."""
    from derin.readers.csv_table import Asked, read_frame

    if options.task is not None and options.task in READERS_BY_TASK:
        return _read_saved_frame(frame, options.task, options)
    if options.reader_options:
        raise UsageError(f"load: a data frame takes no reader options; leave {', '.join(options.reader_options)} out.")
    asked = Asked(
        target=options.target,
        ignore=options.ignore,
        weight=options.weight_column,
        group=options.group_column,
        target_kind=options.target_kind,
        kinds=options.kinds,
        date_order=options.date_order,
        missing=options.missing,
        task=options.task,
    )
    return read_frame(frame, name="frame", asked=asked, found=options.part(SUBJECT))


def _read_saved_frame(frame: Any, task: str, options: ReadOptions) -> Table:
    """A data frame that is read for a task, by way of a file."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="derin-") as folder:
        path = Path(folder) / "frame.csv"
        if hasattr(frame, "to_csv"):
            frame.to_csv(path, index=False)
        else:
            frame.write_csv(path)
        table = read_for_task(task, path, name="frame", options=options)
    table.report.source = type(frame).__name__
    return table


def _with_channels(table: Table, channels: int | None) -> Table:
    """The table with pictures in gray or colour, for sources that hold arrays; readers of files do it themselves."""
    if channels is None:
        return table
    columns, schema, notes = dict(table.columns), [], list(table.report.notes)
    for column in table.schema:
        data = columns[column.name]
        if column.kind is Kind.PICTURE and isinstance(data, Dense) and column.shape[-1] != channels:
            if channels == 3:
                pictures = np.repeat(data.values, 3, axis=-1)
            else:
                pictures = np.rint(data.values @ np.array(_LUMA, dtype=np.float32))[..., None].astype(np.uint8)
            columns[column.name] = Dense(pictures)
            column = replace(column, shape=(*column.shape[:-1], channels))
            notes.append(Message("reading.stored_in_color" if channels == 3 else "reading.stored_in_gray"))
        schema.append(column)
    report = replace(table.report, notes=notes)
    return replace(table, columns=columns, schema=Schema(tuple(schema)), report=report)
