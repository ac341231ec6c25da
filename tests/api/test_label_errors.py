"""Networks that never saw an example say whether its label is wrong, each example once."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import derin
from derin.api import label_errors
from derin.api.label_errors import find_wrong_labels
from derin.core.errors import UsageError
from derin.data.splits import cut_folds
from derin.data.table import Dense, Table

HOW: dict[str, Any] = {"threads": 1, "plan": "plain", "report": False, "compare": False, "quiet": True}


@pytest.mark.slow
def test_flipped_labels_of_digits_are_found_and_no_fold_sees_its_own_examples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = derin.load("digits")
    rows = np.sort(np.concatenate(list(table.splits.values())))
    name, drawn = table.target().name, np.random.default_rng(0)
    labels = np.array(table.columns[name].values)
    wrong = drawn.choice(rows, round(0.05 * len(rows)), replace=False)
    labels[wrong] = (labels[wrong] + drawn.integers(1, 10, len(wrong))) % 10
    changed = Table(
        name="digits", schema=table.schema, columns={**table.columns, name: Dense(labels)}, splits=table.splits
    )
    run = derin.fit(changed, epochs=4, out=tmp_path / "run", **HOW)
    seen = []
    fitted = label_errors.fit
    monkeypatch.setattr(
        label_errors, "fit", lambda table, **how: seen.append((table.splits, how)) or fitted(table, **how)
    )
    done: list[tuple[int, int]] = []
    found = find_wrong_labels(run, changed, folds=3, seed=1, progress=lambda *told: done.append(told))
    assert done == [(1, 3), (2, 3), (3, 3)]
    # Every example is answered once, by a network that saw it neither in training nor in choosing.
    assert sorted(np.concatenate([splits["test"] for splits, _ in seen]).tolist()) == rows.tolist()
    for splits, how in seen:
        assert not set(splits["test"]) & (set(splits["train"]) | set(splits["val"]))
        assert how["epochs"] == 4
    is_wrong = np.isin(found.rows, wrong)
    hits = np.cumsum(is_wrong[found.found.order])
    place = int(np.searchsorted(hits, 0.8 * len(wrong))) + 1
    assert hits[place - 1] / place >= 0.6
    listed = found.listed()
    assert {line["row"] for line in listed} == found.suspected
    found.save(tmp_path / "labels.csv")
    with (tmp_path / "labels.csv").open(newline="") as file:
        assert [int(line["row"]) for line in csv.DictReader(file)][: len(listed)] == [line["row"] for line in listed]


def test_folds_hold_every_class_in_proportion_and_keep_copies_together() -> None:
    table = derin.load("iris")
    parts = cut_folds(table, np.arange(150), 5)
    assert sorted(np.concatenate(parts).tolist()) == list(range(150))
    for part in parts:
        assert np.abs(np.bincount(table["species"].take(part), minlength=3) - 10).max() <= 1
    first = np.arange(150)
    first[100:120] = 100
    assert (
        sum(
            100 in part and set(range(100, 120)) <= set(part)
            for part in cut_folds(table, first * 0 + np.arange(150), 5, first=first)
        )
        == 1
    )


def test_what_has_no_single_class_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,price\n" + "\n".join(f"{i % 7},{i * 1.5}" for i in range(40)) + "\n")
    run = derin.fit(tmp_path / "t.csv", target="price", epochs=1, out=tmp_path / "run", **HOW)
    with pytest.raises(UsageError, match="one class"):
        find_wrong_labels(run)
    with pytest.raises(UsageError, match="folds must be"):
        find_wrong_labels(run, folds=1)
