"""A network that classifies texts beside the best linear model of n-grams, on the same examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from derin.data.schema import Kind
from derin.data.table import SPLITS, Dense, Ragged, Table
from derin.tasks.baselines.linear_text import linear_text_baseline
from derin.tasks.baselines.paired import answers_of
from derin.tasks.metrics.mcnemar import compare_answers

if TYPE_CHECKING:
    from torch import nn

    from derin.data.batch import Source
    from derin.tasks.supervised import SupervisedTask


def compare_with_linear_text(
    task: SupervisedTask, network: nn.Module, table: Table, source: Callable[[str], Source]
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
    compared, answers = answers_of(task, network, source(split), task.single_answers)
    network_right = answers == truths[compared]
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


def _is_comparable(task: SupervisedTask, table: Table) -> bool:
    """Whether the task is one class for each text."""
    return (
        task.has_single_answer
        and bool(task.classes)
        and [column.kind for column in table.inputs] == [Kind.TEXT]
        and tuple(table.target().classes or ()) == task.classes
    )
