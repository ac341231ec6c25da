"""What run.json says of a run before its first step, and whether a run that goes on is still the same."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from derin.api.bundles import model_entry
from derin.api.prepared import Prepared
from derin.api.resuming import NOT_RECORDED, plain, require_same_data, source_name
from derin.core.environment import differences, environment
from derin.core.errors import DerinWarning, UsageError
from derin.core.fields import refusing_misfits
from derin.core.run import RunFolder
from derin.data.report import MAX_RECORDED, sentences
from derin.tasks.adversarial_training import attack_of

_FORMAT = 1


def new_record(
    folder: RunFolder,
    prepared: Prepared,
    data: Any,
    options: Mapping[str, Any],
    *,
    command: str | None,
    calibrate: bool,
) -> dict[str, Any]:
    """What is about to be done: what was asked for, network, task, data and settings."""
    import torch

    summary = prepared.summary()
    config = replace(prepared.config, threads=prepared.config.threads or torch.get_num_threads())
    table = prepared.table
    return {
        "format": _FORMAT,
        "name": folder.path.name,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "finished": False,
        "command": command,
        "request": {
            "data": source_name(data),
            "options": {k: plain(v) for k, v in options.items() if v is not None and k not in NOT_RECORDED},
            "calibrate": calibrate,
        },
        "model": {
            "name": prepared.model_name,
            "spec": model_entry(prepared.model),
            "parameters": summary.parameters,
            "multiply_adds": summary.multiply_adds,
            "layers": [row.to_json() for row in summary.layers],
        },
        "task": {
            **prepared.task.to_json(),
            "headline": prepared.task.monitor,
            "maximize": prepared.task.maximize,
        },
        "data": {
            "name": table.name,
            "source": source_name(data),
            "recipe": None if table.recipe is None else table.recipe.to_json(),
            "fingerprint": table.fingerprint(),
            "cut": table.splits_fingerprint(),
            "schema": table.schema.to_json(),
            "given_splits": list(table.given_splits),
            "splits": {split: len(rows) for split, rows in table.splits.items()},
            "reading": table.report.to_json(MAX_RECORDED),
            "sentences": sentences(table.report, table.schema, MAX_RECORDED),
        },
        "config": config.to_json(),
        "preparation": prepared.preparation.to_json(),
        "augmentation": None if prepared.augmentation is None else str(prepared.augmentation),
        "finetune": prepared.tuning.to_json(),
        **attack_of(prepared.task),
        "environment": environment(str(prepared.device)),
    }


def require_same_run(folder: RunFolder, record: Mapping[str, Any], prepared: Prepared) -> None:
    """Refuses to go on with other data or weights than the run was started with; another environment is told.

    Raises:
        UsageError: something else is given than is recorded.
    """
    with refusing_misfits(f"The record of run {folder.path}"):
        require_same_data(folder.path, record["data"], prepared.table)
        differing = differences(record["environment"], environment(str(prepared.device)))
    if prepared.tuning.weights != record.get("finetune", {}).get("weights", {}):
        raise UsageError(f"The run {folder.path} was started from other weights; give those, or start a new run.")
    for sentence in differing:
        warnings.warn(sentence, DerinWarning, stacklevel=3)
