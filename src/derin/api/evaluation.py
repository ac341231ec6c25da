"""A trained network measured on data with known answers, and what must be known to read the figures rightly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from derin.api.in_batches import encode
from derin.api.judging import judge_pictures
from derin.api.reading import read_as_trained
from derin.api.resuming import in_order_of
from derin.core.errors import MissingExtraError, UsageError
from derin.core.messages import Message
from derin.data.batch import Source
from derin.data.known_rows import KNOWN_ROWS, row_hashes, unpack
from derin.data.own import own_data
from derin.data.preparation import Batching
from derin.data.schema import Role
from derin.data.splits import answered_rows
from derin.data.table import SPLITS, Rows, Table
from derin.tasks.class_task import ClassTask
from derin.tasks.matching import match_classes
from derin.tasks.own_functions import with_own_functions
from derin.tasks.targets import find_target
from derin.train.evaluation import evaluate as evaluate_source
from derin.train.evaluation import predict_batches

if TYPE_CHECKING:
    from derin.api.model import Model

# They learn from one text as a whole, and measure nothing on parts of it.
_WITHOUT_EXAMPLES = ("word-vectors", "glove", "own")
_BATCH_SIZE = 256


@dataclass(frozen=True)
class Evaluation:
    """What was measured. It unpacks into metrics and number of examples.

    Args:
        metrics: by name.
        num_examples: on so many.
        split: the part of the data that was measured: ``"test"``, …, ``"all"`` or ``"new"``.
        trained_on: how many of these examples the network was trained on; None where that cannot be told.
        notes: sentences without which the figures would mislead.
    """

    metrics: dict[str, Any]
    num_examples: int
    split: str
    trained_on: int | None
    notes: tuple[str, ...]

    def __iter__(self) -> Iterator[Any]:
        return iter((self.metrics, self.num_examples))

    def __getitem__(self, place: int) -> Any:
        return (self.metrics, self.num_examples)[place]

    def to_json(self) -> dict[str, Any]:
        return {
            "metrics": self.metrics,
            "num_examples": self.num_examples,
            "split": self.split,
            "trained_on": self.trained_on,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class ToMeasure:
    """Data with known answers, read for a model.

    Args:
        table: the data, its classes matched with those of the network.
        split: the part that is measured.
        rows: which those are.
        known: which rows of the table the network was trained on; None where it cannot be told, or need not be: of the
            training's own splits it is known without a look at every row.
        is_own: whether it is the very data of the training.
        notes: what differs from it where it should not.
    """

    table: Table
    split: str
    rows: Rows
    known: np.ndarray | None
    is_own: bool
    notes: tuple[str, ...]


def to_measure(model: Model, data: Any, *, split: str | None = None, target: str | None = None) -> ToMeasure:
    """The rows of some data on which a network is measured; see `derin.Model.evaluate`.

    Raises:
        UsageError: there is no such split.
        DataError: the data cannot be read as the training data was.
    """
    read = read_as_trained(model, data, target=target)
    table, notes = read.table, read.notes
    if not read.is_own and isinstance(model.task, ClassTask) and len(model.task.columns) == 1:
        target_column = find_target(table, model.task.columns[0])
        table, more = match_classes(table, target_column, model.task.classes)
        notes = (*notes, *more)
    chosen = split or usual_split(table, read.is_own)
    known = None if read.is_own and chosen in SPLITS else known_rows(model, table)
    return ToMeasure(table, chosen, rows_to_measure(table, chosen, known), known, read.is_own, notes)


def source_of(model: Model, table: Table, rows: Rows) -> Source:
    """The batches of some rows with their answers, for measuring a network."""
    encoded, targets = encode(model.preparation, model.task, table)
    return model.preparation.source(
        encoded,
        targets,
        rows,
        input_name=model.task.input,
        batching=Batching(
            batch_size=model.task.most_at_once or _BATCH_SIZE, device=next(model.network.parameters()).device
        ),
    )


def evaluate(
    model: Model,
    data: Any,
    *,
    split: str | None = None,
    target: str | None = None,
    one_shot: int | None = None,
    judge: Model | None = None,
) -> Evaluation:
    """The task's metrics on data with known answers; see `derin.Model.evaluate`."""
    found = to_measure(model, data, split=split, target=target)
    table, chosen, rows, notes = found.table, found.split, found.rows, list(found.notes)
    trained_on = None
    if found.is_own and chosen in SPLITS:
        trained_on = len(rows) if chosen == "train" else 0
    elif found.known is not None:
        trained_on = int(found.known[rows].sum())
        if trained_on and chosen != "train":
            if trained_on == len(rows):
                notes.append(Message("eval.all_trained_on"))
            else:
                notes.append(Message("eval.trained_on", count=trained_on, total=len(rows)))
    elif not (found.is_own or chosen == "train"):
        notes.append(Message("eval.rows_unknown"))
    source = source_of(model, table, rows)
    metrics = evaluate_source(model.network, model.task, source)
    if one_shot is not None:
        metrics["one_shot"] = _one_shot(model, source, one_shot)
    if judge is not None:
        metrics |= judge_pictures(model, judge, table, chosen)
    try:
        metrics |= model.task.searched_metrics(model.network, table, rows)
    except MissingExtraError as error:
        notes.append(str(error))
    return Evaluation(metrics, source.num_examples, chosen, trained_on, tuple(notes))


def _one_shot(model: Model, source: Source, ways: int) -> dict[str, float | int]:
    """How often an example is told among so many classes, of each of which one example is known."""
    from derin.tasks.metrics.comparing import EmbeddingMetrics, one_shot_accuracy

    collected = model.task.metrics()
    if not isinstance(collected, EmbeddingMetrics):
        raise UsageError(
            f"One-shot evaluation compares embeddings; the task {model.task.name!r} gives none. Train with "
            "task='embedding' (--task embedding)."
        )
    for outputs, batch in predict_batches(model.network, model.task, source):
        collected.update(outputs, batch)
    return one_shot_accuracy(*collected.collected(), ways)


def evaluate_own(
    model: Model,
    data: Any,
    *,
    split: str | None = None,
    target: str | None = None,
    loss: Any = None,
    metrics: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Loss and metrics of a network on data of its owner's form; no file holds them, so that they are given again.

    Raises:
        UsageError: there is no loss, or no such split.
    """
    preparation: Any = model.preparation
    own = own_data(data, target, keeps_arrays=True)
    if own is None:
        raise UsageError(
            f"The network {model.path} was trained on data of its owner's form; give such data in Python: (x, y), a "
            "Dataset, a DataLoader, or {'test': …} of these."
        )
    about = model.card.get("data") or {}
    table = own.table((model.card.get("training") or {}).get("seed", 0))
    ordered = in_order_of(table, about)
    # Of other data than arrays no values are known by which it could be told again.
    is_own = own.has_values and ordered.fingerprint() == about.get("fingerprint")
    is_own = is_own and table.splits_fingerprint() == about.get("cut")
    chosen = split or (usual_split(table, True) if is_own or "all" not in own.parts else "all")
    if chosen == "all" and next(iter(own.parts.values())).has_batches:
        rows = np.arange(len(table))
    else:
        rows = rows_to_measure(table, chosen)
    source = preparation.source(
        own,
        {},
        rows,
        input_name=model.task.input,
        batching=Batching(batch_size=_BATCH_SIZE, device=next(model.network.parameters()).device),
    )
    found = evaluate_source(model.network, with_own_functions(model.task, loss, metrics), source)
    known = is_own and chosen in SPLITS
    trained_on = (len(rows) if chosen == "train" else 0) if known else None
    notes = () if known or chosen == "train" else (Message("eval.rows_unknown"),)
    return Evaluation(found, source.num_examples, chosen, trained_on, notes)


def usual_split(table: Table, is_own: bool) -> str:
    """What was never trained on, where that is known; else everything."""
    if "test" in table.splits:
        return "test"
    return "val" if is_own and "val" in table.splits else "all"


def has_examples(table: Table) -> bool:
    """Whether the rows of a table are examples that are known again by their values."""
    return table.task not in _WITHOUT_EXAMPLES and table.in_batches is None


def known_rows(model: Model, table: Table) -> np.ndarray | None:
    """Which rows of a table the network was trained on; None where the bundle does not tell."""
    if model.known_rows is None or not has_examples(table):
        return None
    hashes = unpack(model.known_rows, f"The file {KNOWN_ROWS} of {model.path}")
    return np.isin(row_hashes(table, np.arange(len(table))), hashes)


def rows_to_measure(table: Table, split: str, known: np.ndarray | None = None) -> Rows:
    """The rows of a split that have an answer.

    Args:
        split: of the table, ``"all"``, or ``"new"`` for those that were not trained on.
        known: which rows were trained on, if that can be told.

    Raises:
        UsageError: there is no such split, or nothing in it.
    """
    # A step of a series whose value is missing is a step all the same.
    usable = np.ones(len(table), dtype=bool) if table.schema.with_role(Role.TIME) else answered_rows(table)
    if split == "all":
        return np.flatnonzero(usable)
    if split == "new":
        if known is None:
            raise UsageError("Which examples are new cannot be told for this model; name a split, or leave it out.")
        if not (rows := np.flatnonzero(usable & ~known)).size:
            raise UsageError(f"The network was trained on every example of {table.name!r}; give it new ones.")
        return rows
    if split not in table.splits:
        there = ", ".join((*table.splits, "all", "new"))
        raise UsageError(f"The data {table.name!r} has no split {split!r} of its own; it has: {there}.")
    rows = np.asarray(table.splits[split])
    return rows[usable[rows]]
