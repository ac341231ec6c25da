"""Several target columns on one trunk, against the single tasks that they are made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.tasks.task_tables import classes_table
from torch import nn

import derin
from derin.core.errors import DataError, RefusedFileError, UnknownNameError, UsageError
from derin.data.batch import Batch
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Table
from derin.tasks.classification import Classification
from derin.tasks.inference import infer_task
from derin.tasks.multitask import MultiTask, with_targets
from derin.tasks.registry import task_from_json

QUICK: dict[str, Any] = {"plan": "plain", "threads": 1, "report": False}
COLUMNS = {
    "kind": Column(name="kind", kind=Kind.CATEGORY, role=Role.TARGET, classes=("cat", "dog", "owl")),
    "weight": Column(name="weight", kind=Kind.NUMBER, role=Role.TARGET, unit="kg"),
    "tame": Column(name="tame", kind=Kind.CATEGORY, role=Role.TARGET, classes=("no", "yes")),
    "seen": Column(name="seen", kind=Kind.CATEGORY, role=Role.TARGET, shape=(2,), classes=("sea", "sun")),
}
VALUES = {
    "kind": np.array([0, 2, 1, 2, 0, 1, 1]),
    "weight": np.array([4.0, 1.5, 30.0, 2.0, 5.0, 22.0, 41.0]),
    "tame": np.array([1, 0, 1, 0, 1, 1, 0]),
    "seen": np.array([[0, 1], [1, 1], [0, 0], [1, 0], [0, 1], [1, 1], [0, 0]]),
}


def animals() -> Table:
    return Table(
        name="animals",
        schema=Schema(tuple(COLUMNS.values())),
        columns={name: Dense(values) for name, values in VALUES.items()},
        splits={},
    )


def alone(name: str) -> Any:
    """The task of one column by itself."""
    table = Table(name="animals", schema=Schema((COLUMNS[name],)), columns={name: Dense(VALUES[name])}, splits={})
    task = infer_task(table)
    return task, torch.from_numpy(task.targets(table))


def batch_of(task: MultiTask, **columns: torch.Tensor) -> Batch:
    raw = torch.randn(7, task.num_outputs, generator=torch.Generator().manual_seed(3))
    return Batch({"input": raw, "target": torch.from_numpy(task.targets(animals())), **columns}, torch.arange(7))


def test_columns_of_several_kinds_are_a_multitask_as_wide_as_all_heads() -> None:
    task = infer_task(animals())
    assert isinstance(task, MultiTask)
    assert [part.name for part in task.parts.values()] == ["classification", "regression", "binary", "multilabel"]
    assert task.num_outputs == 3 + 1 + 1 + 2
    assert "bf16" in task.forbids  # as its regression


def test_the_loss_is_the_weighted_sum_of_the_single_losses() -> None:
    weights = {"kind": 2.0, "seen": 0.5}
    task = infer_task(animals(), loss_weights=weights)
    batch = batch_of(task)
    expected, start = 0.0, 0
    for name in COLUMNS:
        single, target = alone(name)
        piece = batch["input"][:, start : start + single.num_outputs]
        start += single.num_outputs
        one = Batch({"input": piece, "target": target}, batch.rows)
        expected += weights.get(name, 1.0) * single.loss(nn.Identity(), one)["loss"].item()
    assert task.loss(nn.Identity(), batch)["loss"].item() == pytest.approx(expected, rel=1e-6)


def test_measurements_and_answers_of_each_column_are_those_of_its_own_task() -> None:
    task = infer_task(animals())
    batch = batch_of(task)
    outputs = task.predict(nn.Identity(), batch)
    metrics = task.metrics()
    metrics.update(outputs, batch)
    measured, answers, start = metrics.compute(), task.decode(outputs), 0
    assert measured["loss"] == pytest.approx(task.loss(nn.Identity(), batch)["loss"].item(), rel=1e-6)
    for name in COLUMNS:
        single, target = alone(name)
        piece = batch["input"][:, start : start + single.num_outputs]
        start += single.num_outputs
        one = Batch({"input": piece, "target": target}, batch.rows)
        its_outputs, its_metrics = single.predict(nn.Identity(), one), single.metrics()
        its_metrics.update(its_outputs, one)
        its = its_metrics.compute()
        assert {k: v for k, v in its.items() if isinstance(v, float)} == pytest.approx(
            {k: measured[f"{name}/{k}"] for k, v in its.items() if isinstance(v, float)}, nan_ok=True
        )
        assert [answer[name] for answer in answers] == single.decode(its_outputs)


@pytest.mark.parametrize("size", [1, 3, 7])
def test_the_measured_loss_is_that_of_all_examples_whatever_the_batches(size: int) -> None:
    """Class weights give each column a denominator of its own."""
    task = infer_task(animals(), class_weights="balanced", loss_weights={"kind": 2.0})
    whole = batch_of(task, weight=torch.tensor([1.0, 0.2, 3.0, 1.0, 5.0, 0.1, 2.0]))
    metrics = task.metrics()
    for start in range(0, 7, size):
        part = slice(start, start + size)
        batch = Batch({name: column[part] for name, column in whole.columns.items()}, whole.rows[part])
        metrics.update(task.predict(nn.Identity(), batch), batch)
    assert metrics.compute()["loss"] == pytest.approx(task.loss(nn.Identity(), whole)["loss"].item(), rel=1e-5)


def test_the_card_gives_the_same_task() -> None:
    task = infer_task(animals(), loss_weights={"tame": 3.0})
    again = task_from_json(json.loads(json.dumps(task.to_json())))
    assert again == task
    assert again.loss_weights == {"kind": 1.0, "weight": 1.0, "tame": 3.0, "seen": 1.0}


@pytest.mark.parametrize("change", ["nested", "columns", "weights", "part"])
def test_a_card_that_lies_is_refused(change: str) -> None:
    data = infer_task(animals()).to_json()
    if change == "nested":
        data["parts"][0] = dict(data)
    elif change == "columns":
        data["columns"][0] = "sort"
    elif change == "weights":
        data["loss_weights"] = [1.0, -1.0, 1.0, 1.0]
    else:
        data["parts"][1] = {"name": "os:system"}
    with pytest.raises(RefusedFileError):
        task_from_json(data)


def test_what_cannot_be_learnt_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="weight"):
        infer_task(animals(), loss_weights={"wieght": 1.0})
    with pytest.raises(UsageError, match="above 0"):
        infer_task(animals(), loss_weights={"weight": 0.0})
    with pytest.raises(UsageError, match="several target columns"):
        infer_task(classes_table([0, 1, 1], ("no", "yes")), name="multitask")
    with pytest.raises(DataError, match="no column 'age'"):
        with_targets(animals(), ["kind", "age"])
    with pytest.raises(DataError, match="twice"):
        with_targets(animals(), ["kind", "kind"])


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    generator = np.random.default_rng(5)
    lines = ["length,width,kind,weight"]
    for _ in range(160):
        length, width = generator.uniform(1, 9, size=2)
        lines.append(f"{length:.3f},{width:.3f},{'long' if length > width else 'wide'},{3 * length + width:.3f}")
    path = tmp_path_factory.mktemp("csv") / "things.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_csv_file_with_two_targets_is_learnt_saved_and_opened(csv: Path, tmp_path: Path) -> None:
    run = derin.fit(
        csv, task="multitask", target="kind,weight", out=tmp_path / "run", epochs=60, learning_rate=5e-3, **QUICK
    )
    assert run.record["task"]["name"] == "multitask"
    measured = run.metrics["test"]
    assert measured["kind/accuracy"] > 0.85
    assert measured["weight/r2"] > 0.9
    model = derin.open(run.path)
    evaluated, num_examples = model.evaluate(csv, split="test")
    assert num_examples == run.record["num_examples"]["test"]
    assert evaluated["kind/accuracy"] == measured["kind/accuracy"]
    answer = model.predict({"length": 8.0, "width": 2.0})
    assert answer["kind"].label == "long"
    assert answer["weight"].value == pytest.approx(26.0, abs=5.0)
    assert set(answer.to_json()["columns"]) == {"kind", "weight"}
    # The targets are no inputs.
    assert derin.open(run.path).preparation.columns == ("length", "width")


def test_pictures_with_two_columns_train_any_network(tmp_path: Path) -> None:
    generator = np.random.default_rng(6)
    x = generator.integers(0, 255, size=(60, 12, 12, 1), dtype=np.uint8)
    schema = Schema(
        (
            Column(name="x", kind=Kind.PICTURE, role=Role.INPUT, shape=(12, 12, 1)),
            Column(name="a", kind=Kind.CATEGORY, role=Role.TARGET, classes=("p", "q", "r")),
            Column(name="b", kind=Kind.NUMBER, role=Role.TARGET),
        )
    )
    columns = {
        "x": Dense(x),
        "a": Dense(generator.integers(0, 3, size=60)),
        "b": Dense(x.mean(axis=(1, 2, 3))),
    }
    splits = {"train": np.arange(40), "val": np.arange(40, 60)}
    table = Table(name="two", schema=schema, columns=columns, splits=splits)
    run = derin.fit(table, model="convnet", out=tmp_path / "run", epochs=1, plan="plain", threads=1)
    assert {"loss", "a/accuracy", "b/rmse"} <= set(run.metrics["val"])
    assert run.report.exists()


def test_a_part_has_no_more_classes_than_float32_counts() -> None:
    assert np.float32(2**24) == np.float32(2**24 + 1)  # beyond, two classes are one number
    part = Classification(columns=["kind"], classes=["a", "b"])
    part.classes = range(2**24)  # type: ignore[assignment]
    assert MultiTask([part]).num_outputs == 2**24
    part.classes = range(2**24 + 1)  # type: ignore[assignment]
    with pytest.raises(UsageError, match="16 million"):
        MultiTask([part])
