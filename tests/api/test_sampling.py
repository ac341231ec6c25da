"""Training examples that are chosen by their class or their weight."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import derin
from derin.api.prepare import prepare
from derin.core.errors import UnknownNameError, UsageError

LABELS = np.where(np.arange(200) % 10 == 0, "rare", "usual")
VALUES = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)


def test_balanced_training_sees_classes_equally_often_and_resumes_so(tmp_path: Path) -> None:
    prepared = prepare((VALUES, LABELS), sampler="balanced", batch_size=16)
    seen = np.concatenate([batch["target"].numpy() for batch in prepared.train_source.batches(0)])
    assert seen.mean() == 0.5
    options = {"sampler": "balanced", "epochs": 2, "report": False, "quiet": True}
    run = derin.fit((VALUES, LABELS), out=tmp_path / "run", **options)
    assert run.record["config"]["sampler"] == "balanced"
    with pytest.raises(UsageError, match="sampler='balanced'"):
        derin.fit((VALUES, LABELS), out=tmp_path / "run", resume=True, sampler="uniform")


def test_weights_choose_examples_and_leave_their_loss_alone(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    lines = [f"{x:.5f},{label},{5 if label == 'rare' else 1}" for x, label in zip(VALUES[:, 0], LABELS, strict=True)]
    path.write_text("\n".join(["x,label,counts", *lines]))
    options = {"target": "label", "weight_column": "counts"}
    prepared = prepare(path, sampler="weighted", **options)
    seen = list(prepared.train_source.batches(0))
    assert all("weight" not in batch for batch in seen)
    assert "weight" in next(prepared.train_sample.batches(0))
    assert "weight" in next(prepare(path, **options).train_source.batches(0))
    rows = np.concatenate([batch.rows.numpy() for batch in seen])
    assert len(set(rows.tolist())) < len(rows)


@pytest.mark.parametrize(
    ("data", "options", "error", "message"),
    [
        ((VALUES, LABELS), {"sampler": "weighted"}, UsageError, "--weight-column"),
        ((VALUES, VALUES[:, 0]), {"sampler": "balanced"}, UsageError, "one class for each example"),
        ((VALUES, LABELS), {"sampler": "balanced", "class_weights": "balanced"}, UsageError, "twice"),
        ((VALUES, LABELS), {"sampler": "blanced"}, UnknownNameError, "balanced"),
    ],
)
def test_what_cannot_be_sampled_is_refused(data: object, options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        prepare(data, **options)
