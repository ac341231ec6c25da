"""The final measurement of a trained network, and the examples that a report shows."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from derin.api.prepared import Prepared
from derin.core.errors import DerinWarning
from derin.core.files import open_atomically
from derin.core.messages import translate
from derin.data.batch import Source
from derin.data.columns import INPUT
from derin.data.display import displayed
from derin.data.table import TRAINING_DEV, Rows
from derin.tasks.calibration import calibrate
from derin.tasks.informative import InformativeExamples
from derin.tasks.supervised import SupervisedTask
from derin.tasks.thresholds import choose_thresholds
from derin.train.budget import TimeBudget
from derin.train.evaluation import affordable, predict_batches

if TYPE_CHECKING:
    from torch import Tensor, nn

# The training split is measured on so many examples at most; it shows over-fitting and decides nothing.
_TRAIN_LIMIT = 10_000
# Of a limited time, a split is measured for so long at least, also where nothing is left.
_SHORTEST_SHARE = 0.01
_EXAMPLES_PER_REASON = 12
# Points of the picture of predicted against true values.
_SCATTER_POINTS = 1_000
# What a report shows of an example that is no picture: letters of a text, and columns of a row.
_LONGEST_TEXT, _LONGEST_VALUE, _MOST_COLUMNS = 400, 60, 12


def measure(
    network: nn.Module,
    task: Any,
    prepared: Prepared,
    folder: Path,
    *,
    calibrate_on: str | None,
    keeps_pictures: bool = True,
    budget: TimeBudget | None = None,
) -> dict[str, Any]:
    """Measures every split in full precision and keeps telling examples of the split that was never trained on.

    Where time is limited, a split that would take longer than its part of what is left is measured on some of its
    examples, drawn by the seed, and a warning says so.

    Args:
        network: the part of it that the sources of `prepared` feed.
        calibrate_on: the split on which a temperature is fitted first, or None.
        keeps_pictures: whether the examples are kept as the network was shown them, or their names and numbers alone.
        budget: the time of the command; None has no limit.

    Returns:
        ``metrics`` (plain numbers), ``details`` (confusion and the like), ``intervals`` and ``num_examples`` by split,
        ``examples_split``, ``calibration`` and ``thresholds``.
    """
    found: dict[str, Any] = {"metrics": {}, "details": {}, "intervals": {}, "num_examples": {}}
    if calibrate_on is not None and calibrate_on in prepared.table.splits:
        found["calibration"] = calibrate(task, *_on_split(network, task, prepared, calibrate_on, "logits")).to_json()
    if prepared.threshold is not None and "val" in prepared.table.splits and not task.analysis_decides:
        probabilities, targets = _on_split(network, task, prepared, "val", "probabilities")
        found["thresholds"] = choose_thresholds(
            task, {"probabilities": probabilities}, targets, criterion=prepared.threshold
        )
    splits = [split for split in ("train", TRAINING_DEV, "val", "test") if split in prepared.table.splits]
    shown = splits[-1]
    for place, split in enumerate(splits):
        source = _measured_source(prepared, split)
        if budget is not None and budget.is_limited:
            # One part is left over for what comes after measuring.
            seconds = max(budget.left / (len(splits) - place + 1), _SHORTEST_SHARE * budget.seconds)
            most = affordable(network, task, source, seconds)
            if most is not None:
                sentence = translate(
                    "fit.measured_in_part", split=translate(f"split.{split}"), num=most, whole=source.num_examples
                )
                warnings.warn(sentence, DerinWarning, stacklevel=2)
                source = prepared.split_source(split, most)
        metrics = task.metrics()
        examples = _Examples(task, prepared) if split == shown and isinstance(task, SupervisedTask) else None
        for outputs, batch in predict_batches(network, task, source):
            metrics.update(outputs, batch)
            if examples is not None:
                examples.add(outputs, batch[task.target], batch.rows.numpy())
        if task.analysis_decides:
            task.measured[split] = metrics, source
        found["metrics"][split], found["details"][split] = plain_numbers(metrics.compute())
        found["num_examples"][split] = source.num_examples
        found["intervals"][split] = metrics.intervals()
        if examples is not None:
            examples.write(folder / "examples.npz", shown=keeps_pictures)
            found["examples_split"] = split
    return found


def num_measured(prepared: Prepared) -> int:
    """On how many examples `measure` measures, where time allows."""
    return sum(_measured_source(prepared, split).num_examples for split in prepared.table.splits)


def _measured_source(prepared: Prepared, split: str) -> Source:
    return prepared.split_source(split, _TRAIN_LIMIT if split == "train" else None)


def plain_numbers(metrics: dict[str, Any]) -> tuple[dict[str, float | None], dict[str, Any]]:
    """Metrics that are one number, and those that are more (a confusion matrix)."""
    numbers = {name: value for name, value in metrics.items() if value is None or isinstance(value, int | float)}
    return numbers, {name: value for name, value in metrics.items() if name not in numbers}


def _on_split(network: nn.Module, task: Any, prepared: Prepared, split: str, output: str) -> tuple[Tensor, Tensor]:
    """One output of a network for all examples of a split, and their targets."""
    import torch

    pairs = [
        (outputs[output], batch[task.target])
        for outputs, batch in predict_batches(network, task, prepared.split_source(split))
    ]
    return torch.cat([pair[0] for pair in pairs]), torch.cat([pair[1] for pair in pairs])


class _Examples:
    """The examples with the highest loss, the confidently wrong ones and the least sure ones, for the report."""

    def __init__(self, task: SupervisedTask, prepared: Prepared) -> None:
        self._task, self._prepared = task, prepared
        self._telling = InformativeExamples(task, _EXAMPLES_PER_REASON)
        self._rows: list[Rows] = []
        self._values: list[tuple[np.ndarray, np.ndarray]] = []  # predicted and true, where it is one number

    def add(self, outputs: Any, targets: Tensor, rows: Rows) -> None:
        """What the network gave for one batch of rows."""
        self._telling.add(outputs, targets)
        self._rows.append(rows)
        if "value" in outputs and outputs["value"].ndim == 1:
            self._values.append((outputs["value"].numpy(force=True), targets.numpy(force=True)))

    def write(self, path: Path, *, shown: bool) -> None:
        """Writes them; ``shown`` with what the network was shown."""
        prepared, task = self._prepared, self._task
        rows, telling = np.concatenate(self._rows), self._telling.compute()
        chosen = rows[telling["place"]]
        names = prepared.table.row_names
        arrays = {
            "rows": chosen,
            "names": np.array([str(row) if names is None else names[row] for row in chosen], dtype=np.str_),
            **{name: values for name, values in telling.items() if name != "place"},
        }
        if self._values:
            points = np.linspace(0, len(rows) - 1, min(len(rows), _SCATTER_POINTS)).astype(np.int64)
            predicted, true = (np.concatenate(values)[points] for values in zip(*self._values))
            arrays["scatter_true"] = task.in_units(true)  # type: ignore[attr-defined]
            arrays["scatter_predicted"] = predicted
        pictures = _pictures(prepared, chosen) if shown else None
        if pictures is not None:
            arrays["pictures"] = pictures
        elif shown:
            arrays["inputs"] = np.array(_inputs(prepared, chosen), dtype=np.str_)
        with open_atomically(path) as file:
            np.savez_compressed(file, **arrays)


def _pictures(prepared: Prepared, rows: Rows) -> np.ndarray | None:
    """What the network was shown of some rows as pictures, where it is any."""
    if prepared.preparation.medium not in ("pictures", "sounds"):
        return None
    return prepared.preparation.pictures(prepared.encoded[INPUT].gather(rows))


def _inputs(prepared: Prepared, rows: Rows) -> list[str]:
    """What the network was shown of some rows: the text, or the columns with their values."""
    columns = prepared.preparation.columns
    if prepared.preparation.medium == "texts":
        return displayed(prepared.table, columns[0], rows, max_length=_LONGEST_TEXT)
    shown = columns[:_MOST_COLUMNS]
    values = [displayed(prepared.table, name, rows, max_length=_LONGEST_VALUE) for name in shown]
    more = " · …" if len(columns) > _MOST_COLUMNS else ""
    return [" · ".join(f"{name}: {value or '–'}" for name, value in zip(shown, row)) + more for row in zip(*values)]
