"""Which labels of a run's data are probably wrong, by networks that were trained on the other examples."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from derin.api.errors import shown_inputs
from derin.api.examples import examples_for
from derin.api.fit import fit
from derin.api.reading import read_as_trained
from derin.api.resuming import continued
from derin.api.run import Run
from derin.core.errors import UsageError
from derin.core.files import write_bytes
from derin.core.printable import spreadsheet_text
from derin.data.duplicates import first_equal_rows
from derin.data.splits import answered_rows, complete_splits, cut_folds
from derin.data.table import Rows, Table
from derin.strategy.label_errors import LabelErrors, find_label_errors
from derin.tasks.class_task import ClassTask
from derin.train.evaluation import predict_batches

# Of the rows that a fold trains on, so many choose its best epoch.
_VALIDATION_SHARE = 0.1
_LISTED = 20  # in the JSON document


@dataclass(frozen=True, kw_only=True)
class LabelAnalysis:
    """The labels of a run's data, and how probably each is wrong.

    Args:
        table: the data, with the run's splits.
        rows: the examples, in the order of all arrays of `found`.
        labels: their class numbers.
        found: rank, margin, suggestion and cut.
        folds: how many networks were trained.
        seconds: that it took.
        accuracy: share of examples that the networks which never saw them answer as their labels say.
    """

    table: Table = field(repr=False)
    rows: Rows = field(repr=False)
    labels: Rows = field(repr=False)
    found: LabelErrors = field(repr=False)
    folds: int
    seconds: float
    accuracy: float

    @property
    def suspected(self) -> frozenset[int]:
        """The rows whose label is cut."""
        return frozenset(self.rows[self.found.cut].tolist())

    def listed(self, num: int | None = None) -> list[dict[str, Any]]:
        """The labels by suspicion, the most suspicious first; all that are cut, or so many."""
        found, names = self.found, self.table.row_names
        classes = self.table.target().classes or ()
        # Those that are cut stand first, each part by its suspicion.
        order = np.concatenate([found.order[found.cut[found.order]], found.order[~found.cut[found.order]]])
        order = order[: found.cut.sum() if num is None else num]
        rows = self.rows[order]
        shown = shown_inputs(self.table, rows)
        split_of = {row: split for split, part in self.table.splits.items() for row in part.tolist()}
        return [
            {
                "rank": rank,
                "row": row,
                "name": str(row) if names is None else str(names[row]),
                "split": split_of.get(row, ""),
                "label": classes[self.labels[place]],
                "suggested": classes[found.suggested[place]],
                "self_confidence": float(found.self_confidence[place]),
                "margin": float(found.margin[place]),
                "cut": int(found.cut[place]),
                "shown": text,
            }
            for rank, (place, row, text) in enumerate(zip(order.tolist(), rows.tolist(), shown), start=1)
        ]

    def to_json(self) -> dict[str, Any]:
        return {
            "folds": self.folds,
            "seconds": self.seconds,
            "num_examples": len(self.rows),
            "accuracy": self.accuracy,
            "num_suspected": int(self.found.cut.sum()),
            "estimated": self.found.estimated,
            "listed": self.listed(min(_LISTED, int(self.found.cut.sum()))),
        }

    def save(self, path: Path) -> None:
        """Writes all that are cut, and as many of the next, as CSV."""
        lines = self.listed(min(2 * int(self.found.cut.sum()) + _LISTED, len(self.rows)))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, spreadsheet_text(list(lines[0]), lines).encode("utf-8"))


def find_wrong_labels(
    run: Run,
    data: Any = None,
    *,
    folds: int = 5,
    max_seconds: float = 600.0,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> LabelAnalysis:
    """Trains the network of a run anew on all but a part of its data, for each part, and holds answers against labels.

    Each training is the run's own: network, settings, weights to begin with, plan. A tenth of what it trains on chooses
    its best epoch. All splits take part; copies and groups stay in one part.

    Args:
        run: a finished run that answers with one class.
        data: of the run, where it does not say where they lie.
        folds: parts of the data; each network sees all but one.
        max_seconds: of all trainings together; 0 has no limit.
        seed: of the parts.
        progress: called with (done, total) parts.

    Raises:
        UsageError: the network gives other answers, or the data has changed.
    """
    started = time.perf_counter()
    if folds < 2 or max_seconds < 0:
        raise UsageError(f"folds must be at least 2 and max_seconds at least 0; got {folds} and {max_seconds}.")
    model = run.model()
    if not (isinstance(model.task, ClassTask) and model.task.has_single_answer):
        raise UsageError(
            f"Wrong labels are found where each example has one class; the task of {run.path} is {model.task.name!r}."
        )
    source, options = continued(data, {}, run.record, run.path, extend=False)
    read = read_as_trained(model, source)
    if not read.is_own:
        raise UsageError(f"The data of run {run.path} has changed since it was trained; train it anew.")
    config = options.pop("config")
    options.pop("reading_recipe", None)
    table, first = read.table, first_equal_rows(read.table)
    inside = np.zeros(len(table), dtype=bool)
    inside[np.concatenate(list(table.splits.values()))] = True
    rows = np.flatnonzero(inside & answered_rows(table))
    probabilities = np.zeros((len(table), len(model.task.classes)))
    parts = cut_folds(table, rows, folds, seed=seed, first=first)
    with tempfile.TemporaryDirectory(prefix="derin-folds-") as folder:
        for number, part in enumerate(parts):
            left = max_seconds - (time.perf_counter() - started)
            seconds = max(left / (folds - number), 1.0) if max_seconds else config.max_seconds
            of_fold = replace(config, plan=str(run.path), max_seconds=seconds, device=config.device)
            cut = complete_splits(
                table.with_splits({"train": np.setdiff1d(rows, part)}),
                seed=seed,
                share=_VALIDATION_SHARE,
                first=first,
                wanted=["val"],
            )
            trained = fit(
                cut.with_splits({**cut.splits, "test": part}),
                **options,
                **{each.name: getattr(of_fold, each.name) for each in fields(of_fold)},
                out=Path(folder) / str(number),
                report=False,
                report_pictures=False,
                compare=False,
                quiet=True,
            ).model()
            examples = examples_for(trained, cut.with_splits({**cut.splits, "test": part}), split="test")
            for outputs, batch in predict_batches(trained.network, trained.task, examples.source):
                probabilities[batch.rows.numpy()] = outputs["probabilities"].double().numpy(force=True)
            if progress is not None:
                progress(number + 1, folds)
    labels = model.task.single_truths(table)[rows]
    return LabelAnalysis(
        table=table,
        rows=rows,
        labels=labels,
        found=find_label_errors(probabilities[rows], labels),
        folds=folds,
        seconds=time.perf_counter() - started,
        accuracy=float((probabilities[rows].argmax(axis=1) == labels).mean()),
    )
