"""Other data, read as a model's own training data was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derin.api.in_batches import table_of_batches
from derin.api.load import load, read_named_arrays, with_splits
from derin.core.errors import UsageError
from derin.core.messages import Message
from derin.core.run import RunFolder
from derin.data.class_splits import as_source_gave
from derin.data.own import arrays_in, own_data, with_input_names
from derin.data.recipe import ReadingRecipe
from derin.data.table import Table
from derin.readers.formats import READERS_BY_TASK
from derin.tasks.multitask import with_targets

# What runs of before recipes were kept recorded of reading.
_OPTIONS = ("target", "weight_column", "ignore", "target_kind", "size")


def recipe_of(card: Mapping[str, Any], path: Path) -> ReadingRecipe:
    """How the data of a model was read; of models from before recipes were kept, as much as card and run tell.

    Args:
        card: of the model.
        path: of its bundle, which may lie in its run.

    Raises:
        RefusedFileError: card or run hold something else there.
    """
    data, training, task = (card.get(part) or {} for part in ("data", "training", "task"))
    if "recipe" in data:
        return ReadingRecipe.from_json(data["recipe"])
    folder = path.parent
    request = RunFolder.open(folder).record().get("request") if (folder / "run.json").exists() else None
    options = (request or {}).get("options") or {}
    known: dict[str, Any] = {name: options.get(name) for name in _OPTIONS}
    known |= {"size": data.get("size"), "seed": training.get("seed", 0)}
    if task.get("name") == "multitask":
        known["target"] = (task.get("columns") or [None])[0]
    if (name := task.get("name")) in READERS_BY_TASK:
        known |= {"task": name, "reading": data.get("read_with") or {}}
    return ReadingRecipe.from_json({name: value for name, value in known.items() if value is not None})


@dataclass(frozen=True)
class AsTrained:
    """Data that was read by the recipe of a model.

    Args:
        table: with the splits that it came with, or those of the training where it is the very data of that.
        is_own: whether it is.
        notes: what differs from the training data, where it should not.
    """

    table: Table
    is_own: bool
    notes: tuple[str, ...]


def read_as_trained(model: Any, data: Any, *, target: str | None = None) -> AsTrained:
    """Data in any form as a table, by the recipe of a model.

    Args:
        model: a `derin.Model`.
        data: whatever `derin.load` takes.
        target: the column with the answers, where it has another name than in training.

    Raises:
        DataError: the data cannot be read so.
        UsageError: there are several targets, and one was named.
    """
    several = model.task.keeps_targets_apart
    if several and target is not None:
        raise UsageError(f"The network answers for {', '.join(model.task.columns)}; leave `target` out.")
    reads_arrays = model.preparation.medium == "arrays"
    if reads_arrays and isinstance(data, str | Path) and Path(data).suffix.lower() == ".npz":
        data = arrays_in(Path(data))
    own = own_data(data, target or model.recipe.target, keeps_arrays=True) if reads_arrays else None
    if own is not None:
        names = model.preparation.input_names
        # What comes in batches is not known again.
        if own.has_values:
            raw = read_named_arrays(own, names)
        else:
            raw = table_of_batches(own, seed=0, as_numbers=not model.classes, cut=False)
        raw = with_input_names(raw, names)
    else:
        raw = data if isinstance(data, Table) else load(data, recipe=model.recipe, target=target, cut=False)
    table = with_targets(raw, model.task.columns) if several else raw
    about = model.card.get("data") or {}
    if table.in_batches is not None:
        return AsTrained(table, False, ())
    if "cut" not in about or table.fingerprint() != about.get("fingerprint"):
        has_changed = "cut" in about and isinstance(data, str) and data == about.get("source")
        return AsTrained(table, False, (Message("eval.data_changed"),) if has_changed else ())
    if table.splits_fingerprint() == about["cut"]:  # as of a table that was handed over
        return AsTrained(table, True, ())
    # Cut before the targets are named, as for training: their classes are kept in proportion.
    cut = with_splits(as_source_gave(raw) if raw is data else raw, model.recipe)
    if cut.splits_fingerprint() != about["cut"]:
        return AsTrained(table, False, (Message("eval.cut_differs"),))
    return AsTrained(with_targets(cut, model.task.columns) if several else cut, True, ())
