"""A network that classifies texts beside the best linear model of n-grams, on the same examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.core.seeds import permutation
from derin.data.schema import Kind
from derin.data.table import SPLITS, Dense, Ragged, Rows, Table
from derin.tasks.baselines.linear_text import linear_text_baseline
from derin.tasks.metrics.mcnemar import compare_answers
from derin.train.evaluation import predict_batches

if TYPE_CHECKING:
    from torch import nn

    from derin.data.batch import Source
    from derin.tasks.class_task import ClassTask

# So many answers tell two classifiers apart that differ by a hundredth; more take the linear model long to count.
_MOST_COMPARED = 5_000


def compare_with_linear_text(
    task: ClassTask, network: nn.Module, table: Table, source: Callable[[str], Source]
) -> dict[str, Any]:
    """What the report says of a network beside the linear model; nothing where there are no texts to compare on.

    The linear model is fitted on the training split and chosen on val, both are measured on the test split where there
    is one. Nothing of it depends on the network.

    Args:
        task: of the network.
        network: trained.
        table: with one input column of texts, and splits.
        source: gives the batches of a split in their order.

    Returns:
        ``{"linear_text": {"name", "setting", "val_accuracy", "num_candidates", "num_train", "split", "accuracy",
        "network_accuracy", "comparison"}}``, where the comparison's first is the network; or ``{}``.
    """
    rows = {split: table.splits[split] for split in SPLITS if split in table.splits}
    if not _is_comparable(task, table) or "val" not in rows:
        return {}
    texts, labels = table.columns[table.inputs[0].name], table.columns[table.target().name]
    assert isinstance(texts, Ragged)
    assert isinstance(labels, Dense)
    truths = np.asarray(labels.values, dtype=np.int64)
    train, val = rows["train"], rows["val"]
    if len(np.unique(truths[train])) < 2:
        return {}
    baseline = linear_text_baseline(texts.texts(train), truths[train], texts.texts(val), truths[val])
    split = "test" if "test" in rows else "val"
    answered, answers = _answers(task, network, source(split))
    some = np.sort(permutation(0, "linear-text", 1, len(answered))[:_MOST_COMPARED])
    compared, network_right = answered[some], answers[some] == truths[answered[some]]
    linear_right = baseline.predict(texts.texts(compared)) == truths[compared]
    return {
        "linear_text": {
            **baseline.to_json(),
            "split": split,
            "accuracy": float(linear_right.mean()),
            "network_accuracy": float(network_right.mean()),
            "comparison": compare_answers(network_right, linear_right).to_json(),
        }
    }


def _is_comparable(task: ClassTask, table: Table) -> bool:
    """Whether the task is one class for each text."""
    return (
        task.has_one_class
        and [column.kind for column in table.inputs] == [Kind.TEXT]
        and tuple(table.target().classes or ()) == task.classes
    )


def _answers(task: ClassTask, network: nn.Module, source: Source) -> tuple[Rows, npt.NDArray[np.int64]]:
    """The rows that were answered, and the class that the network gives each."""
    rows, answers = [], []
    for outputs, batch in predict_batches(network, task, source):
        rows.append(batch.rows.numpy())
        answers.append(task.chosen_classes(outputs["probabilities"]).numpy(force=True))
    return np.concatenate(rows), np.concatenate(answers)
