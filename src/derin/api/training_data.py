"""What is trained on: a table with the targets that were asked for, or the first rows of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from derin.api.arguments import Request
from derin.api.load import HOLDING_OUT_CLASSES, hold_out_rows, load, with_splits
from derin.api.pretrained import PretrainedWeights
from derin.core.errors import DataError, UsageError
from derin.core.messages import Message
from derin.data.class_splits import as_source_gave, class_names
from derin.data.recipe import ReadingRecipe
from derin.data.schema import Role
from derin.data.table import Table
from derin.datasets.catalog import NAMED_SETS
from derin.readers.file_names import is_archive
from derin.readers.recognition import TASK_OF, recognized
from derin.readers.shards import is_pattern, is_shard
from derin.readers.stream import Stream
from derin.strategy.drift import drift_between
from derin.tasks.multitask import with_targets
from derin.tasks.registry import TASKS
from derin.tasks.supervised import SupervisedTask

# What is asked for and decides how data are read.
READING = (
    "weight_column", "group_column", "time_column", "target_kind", "kinds", "date_order", "missing", "hold_out", "task",
    "dev_from", "training_dev", "train_on_dev",
    "reader_options", "size",
)  # fmt: skip

# Pixels of the shorter side at which pictures are read that the default network compares, where they are larger: a
# quarter of the time of twice as many. On one group of ten people of 112×92 pixels it was as good; more was not tried.
_COMPARED_SIZE = 32


# Where validation is of other rows than training, so much of these tells variance from data mismatch.
TRAINING_DEV_SHARE = 0.1
# Of validation that came with the data: how sure, and how well, a classifier tells it from training where that costs
# training examples. Sets of tens of thousands differ for sure in what matters to nobody.
_SURE, _CLEAR_AREA = 0.01, 0.6


def with_training_dev(options: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked for, with a training-dev split where validation is cut from other rows than those that train; a
    share of 0 says that none is wanted.
    """
    if options.get("dev_from") is None or "training_dev" in options:
        return dict(options)
    return {**options, "training_dev": TRAINING_DEV_SHARE}


def why_training_dev(data: Any, table: Table, options: Mapping[str, Any]) -> Message | None:
    """Why a training-dev split is to be held out unasked: validation came with the data and is of another kind.

    Tables that are given whole have their splits; a share that is asked for, 0 among them, is taken.

    Args:
        data: as it was given.
        table: what was read.
        options: what is asked for.
    """
    in_order = table.task is not None or table.schema.with_role(Role.TIME) or options.get("task") in HOLDING_OUT_CLASSES
    if isinstance(data, Table | Stream) or "training_dev" in options or in_order or "val" not in table.given_splits:
        return None
    drift = drift_between(table, table.splits["train"], table.splits["val"])
    if drift is None or drift.p_value > _SURE or drift.auc < _CLEAR_AREA:
        return None
    return Message("reading.training_dev_drift", auc=drift.auc, p=drift.p_value)


def stream_of(data: Any, request: Request, steps_per_epoch: int) -> Stream | None:
    """The data as a stream where it is one, a pattern of shards, or one shard of which an epoch is so many batches;
    refuses what needs all of the data at once.
    """
    if isinstance(data, str | Path) and (is_pattern(str(data)) or (steps_per_epoch and is_shard(Path(data)))):
        data = Stream(data, target=request.target, size=request.size or 64)
    if not isinstance(data, Stream):
        return None
    if request.weights is not None:
        raise UsageError("weights to go on from are not taken with a stream; leave `weights` out, or give a table.")
    if request.task is not None and not issubclass(TASKS[request.task], SupervisedTask):
        raise UsageError(
            f"The task {request.task!r} reads its data whole; give files that are no stream ({data.name})."
        )
    return data


def training_table(
    data: Any, request: Request, published: PretrainedWeights | None, reading: Mapping[str, Any]
) -> Table:
    """The data with the targets that were asked for and a training split.

    Args:
        data: what `derin.load` takes, or a table.
        request: what is asked for.
        published: weights to go on from, which say how large pictures are.
        reading: further arguments of `load`: seed, recipe, download and progress.
    """
    options = {name: getattr(request, name) for name in READING} | dict(reading)
    options["ignore"] = tuple(request.ignore or ())
    if published is not None:
        # What lies in pictures is looked for in larger ones than those that were told apart.
        own = None if isinstance(data, str | Path) and _needs_places(data, request) else max(published.size)
        options |= {"size": request.size or own, "channels": published.channels}
    elif request.task in HOLDING_OUT_CLASSES and request.model is None and request.size is None:
        options["size"] = _COMPARED_SIZE
    target, apart = request.target, None
    if target is not None and request.task is not None and TASKS[request.task].keeps_targets_apart:
        # Readers make one column of several targets; here each stays what it is.
        apart = [name.strip() for name in target.split(",")]
        target = apart[0]
    if isinstance(data, Table) and request.dev_from is not None:
        raise UsageError(
            "dev_from is followed where data is read; this table has its splits. Cut it: derin.load(…, dev_from=…)."
        )
    if not isinstance(data, Table):
        table = load(data, target=target, **options)
    elif request.task in HOLDING_OUT_CLASSES:
        known = data.recipe or ReadingRecipe()
        held_out = class_names(request.hold_out) or known.hold_out
        known = replace(known, task=request.task, hold_out=held_out, seed=reading["seed"])
        table = replace(with_splits(as_source_gave(data), known), recipe=known)
    else:
        known = replace(
            data.recipe or ReadingRecipe(),
            training_dev=request.training_dev,
            train_on_dev=request.train_on_dev,
            seed=reading["seed"],
        )
        table = data if request.training_dev is None and request.train_on_dev is None else hold_out_rows(data, known)
        table = replace(table, recipe=known) if table is not data else table
    if apart is not None:
        table = with_targets(table, apart)
    if "train" not in table.splits:
        raise DataError(f"Table {table.name!r} has no training split; it has: {', '.join(table.splits) or 'none'}.")
    return table


def _needs_places(data: str | Path, request: Request) -> bool:
    """Whether the task of what is named has a network of its own that stands on a classifier."""
    name = request.task
    if name is None and data in NAMED_SETS:
        name = NAMED_SETS[str(data)].task
    elif name is None:
        path = Path(data)
        name = TASK_OF.get(recognized(path)) if path.is_dir() or is_archive(path) else None
    return name is not None and TASKS[name].trunk_model is not None
