"""What every task of the registry promises, measured on all of them."""

from __future__ import annotations

import copy
import json
import math
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from tests.tasks.task_tables import TABLES
from torch import nn

from derin.core.errors import RefusedFileError
from derin.data.batch import Batch
from derin.tasks.inference import infer_task
from derin.tasks.informative import InformativeExamples
from derin.tasks.registry import TASKS, task_from_json
from derin.tasks.regression import Regression
from derin.tasks.supervised import SupervisedTask

# A multitask is made of the others and has tests of its own, test_multitask.py.
NAMES = sorted(name for name in TASKS if issubclass(TASKS[name], SupervisedTask) and name != "multitask")


def network(num_outputs: int, seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(5, 40), nn.Tanh(), nn.Linear(40, num_outputs))


def batch_for(name: str, rows: slice = slice(None), **columns: torch.Tensor) -> Batch:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(8, 5, generator=generator)[rows]
    targets = torch.from_numpy(infer_task(TABLES[name], name=name).targets(TABLES[name]))[rows]
    return Batch({"input": inputs, "target": targets, **columns}, torch.arange(8)[rows])


class OneStep:
    """The least that a task's `update` asks for."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.model, self.optimizer, self.index = model, optimizer, 0

    def autocast(self) -> nullcontext[None]:
        return nullcontext()

    def minimize(self, name: str, loss: torch.Tensor, weight: torch.Tensor | float = 1.0) -> None:
        assert name == "model"
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.index += 1


def test_the_tables_of_these_tests_cover_the_registry() -> None:
    assert set(TABLES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_task_is_inferred_from_its_table(name: str) -> None:
    assert infer_task(TABLES[name]).name == name


@pytest.mark.parametrize("name", NAMES)
def test_overfits_eight_examples(name: str) -> None:
    task = infer_task(TABLES[name])
    model, batch = network(task.num_outputs), batch_for(name)
    step = OneStep(model, torch.optim.Adam(model.parameters(), lr=0.02))
    for _ in range(300):
        losses = task.update(step, batch)
    assert step.index == 300
    assert losses["loss"].item() < 0.01
    metrics = task.metrics()
    with torch.inference_mode():
        metrics.update(task.predict(model, batch), batch)
    measured = metrics.compute()
    if task.maximize:
        assert measured[task.monitor] == 1.0
    else:
        spread = np.std(TABLES[name]["y"].take(np.arange(8)))
        assert measured[task.monitor] < 0.1 * spread


@pytest.mark.parametrize("name", NAMES)
def test_answers_name_what_was_learnt(name: str) -> None:
    task = infer_task(TABLES[name])
    model, batch = network(task.num_outputs), batch_for(name)
    step = OneStep(model, torch.optim.Adam(model.parameters(), lr=0.02))
    for _ in range(300):
        task.update(step, batch)
    answers = [answer.to_json() for answer in task.decode(task.predict(model, batch))]
    truths = TABLES[name]["y"].take(np.arange(8))
    classes = TABLES[name].schema["y"].classes
    if name == "regression":
        assert [a["value"] for a in answers] == pytest.approx(truths.tolist(), abs=40)
    elif name == "multilabel":
        assert [a["labels"] for a in answers] == [[c for c, t in zip(classes, row) if t] for row in truths]
    else:
        assert [a["label"] for a in answers] == [classes[t] for t in truths]
        assert all(
            a["probability"] > 0.9 and math.isclose(sum(p for _, p in a["top"]), 1, rel_tol=1e-5) for a in answers
        )


@pytest.mark.parametrize("name", NAMES)
def test_card_gives_the_same_task_and_the_same_predictions(name: str) -> None:
    task = infer_task(TABLES[name])
    if hasattr(task, "temperature"):
        task.temperature = 1.7
    again = task_from_json(json.loads(json.dumps(task.to_json(), allow_nan=False)))
    assert again == task
    assert type(again) is type(task)
    model, batch = network(task.num_outputs), batch_for(name)
    first, second = task.predict(model, batch), again.predict(model, batch)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert task.decode(first) == again.decode(second)


@pytest.mark.parametrize("name", NAMES)
def test_metrics_do_not_depend_on_the_batch_size(name: str) -> None:
    task = infer_task(TABLES[name])
    model = network(task.num_outputs)
    measured = []
    for size in (8, 3, 1):
        metrics = task.metrics()
        for start in range(0, 8, size):
            batch = batch_for(name, slice(start, start + size))
            metrics.update(task.predict(model, batch), batch)
        measured.append(flattened(metrics.compute()))
    for other in measured[1:]:
        # A matrix product over another number of rows may differ in the last bit of float32.
        assert other == pytest.approx(measured[0], rel=1e-5, nan_ok=True)


@pytest.mark.parametrize("name", NAMES)
def test_metrics_of_nothing_are_undefined_and_no_error(name: str) -> None:
    metrics = infer_task(TABLES[name]).metrics()
    measured = metrics.compute()
    assert math.isnan(measured["loss"])
    assert math.isnan(measured[infer_task(TABLES[name]).monitor])
    assert metrics.intervals() == {}


@pytest.mark.parametrize("name", NAMES)
def test_intervals_hold_what_was_measured(name: str) -> None:
    task = infer_task(TABLES[name])
    model, batch = network(task.num_outputs), batch_for(name)
    metrics = task.metrics()
    metrics.update(task.predict(model, batch), batch)
    measured, intervals = metrics.compute(), metrics.intervals()
    assert intervals
    for key, (low, high) in intervals.items():
        assert low <= measured[key] + 1e-9, key
        assert measured[key] <= high + 1e-9, key


@pytest.mark.parametrize("name", NAMES)
def test_weighted_loss_is_the_weighted_mean_of_single_losses(name: str) -> None:
    task = infer_task(TABLES[name])
    model = network(task.num_outputs)
    weights = np.array([1.0, 0.0, 10.0, 0.5, 1.0, 2.0, 0.25, 3.0])
    singles = [task.loss(model, batch_for(name, slice(i, i + 1)))["loss"].item() for i in range(8)]
    losses = task.loss(model, batch_for(name, weight=torch.tensor(weights, dtype=torch.float32)))
    # float32 sums of eight terms agree to a few units in the seventh digit.
    assert losses["loss"].item() == pytest.approx((weights * singles).sum() / weights.sum(), rel=1e-5)
    assert losses["weight_sum"].item() == pytest.approx(weights.sum())


@pytest.mark.parametrize("name", NAMES)
def test_batch_without_any_weight_counts_for_nothing(name: str) -> None:
    task = infer_task(TABLES[name])
    losses = task.loss(network(task.num_outputs), batch_for(name, weight=torch.zeros(8)))
    assert losses["loss"].item() == 0.0
    assert losses["weight_sum"].item() == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_loss_of_bfloat16_outputs_is_computed_in_float32(name: str) -> None:
    task = infer_task(TABLES[name])
    model = network(task.num_outputs)
    reduced = copy.deepcopy(model).bfloat16()
    batch = batch_for(name)
    narrow = Batch({**batch.columns, "input": batch["input"].bfloat16()}, batch.rows)
    loss = task.loss(reduced, narrow)["loss"]
    assert loss.dtype == torch.float32
    outputs = reduced(narrow["input"]).float()
    expected = task.loss(nn.Identity(), Batch({**batch.columns, "input": outputs}, batch.rows))["loss"]
    assert torch.equal(loss, expected)


@pytest.mark.parametrize("name", NAMES)
def test_loss_under_autocast_is_float32(name: str) -> None:
    task = infer_task(TABLES[name])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert task.loss(network(task.num_outputs), batch_for(name))["loss"].dtype == torch.float32


@pytest.mark.parametrize("name", NAMES)
def test_wrong_number_of_outputs_is_told(name: str) -> None:
    task = infer_task(TABLES[name])
    with pytest.raises(Exception, match=rf"must give {task.num_outputs} output.*got \(8, 7\)"):
        task.loss(network(7), batch_for(name))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", ["missing", "unknown", "text", "nan", "list"])
def test_card_that_lies_is_refused(name: str, change: str) -> None:
    data: dict[str, Any] = infer_task(TABLES[name]).to_json()
    if change == "missing":
        del data["columns"]
    elif change == "unknown":
        data["hook"] = "os.system"
    elif change == "text":
        data["columns"] = "y"
    elif change == "nan":
        data["mean" if name == "regression" else "temperature"] = [math.nan] if name == "regression" else math.nan
    else:
        data["weight_column"] = ["w"]
    with pytest.raises(RefusedFileError, match="card"):
        task_from_json(data)


@pytest.mark.parametrize(
    "data", [None, [], "classification", {}, {"name": 3}, {"name": "os:system"}, {"name": ["binary"]}]
)
def test_card_without_a_known_task_is_refused(data: Any) -> None:
    with pytest.raises(RefusedFileError, match="must name one of"):
        task_from_json(data)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("classification", "classes", ["cat", "cat", "owl"]),
        ("classification", "classes", ["cat"]),
        ("classification", "class_weights", [1.0]),
        ("classification", "class_weights", [1.0, -1.0, 1.0]),
        ("classification", "label_smoothing", 1.0),
        ("classification", "temperature", 0.0),
        ("binary", "classes", ["a", "b", "c"]),
        ("binary", "threshold", 2.0),
        ("binary", "threshold", True),
        ("multilabel", "thresholds", [0.5]),
        ("regression", "std", [0.0]),
        ("regression", "std", [1.0, 2.0]),
        ("regression", "mean", []),
        ("regression", "loss_name", "exec"),
    ],
)
def test_card_whose_values_do_not_hold_together_is_refused(name: str, field: str, value: Any) -> None:
    data = infer_task(TABLES[name]).to_json()
    assert field in data
    with pytest.raises(RefusedFileError):
        task_from_json({**data, field: value})


@pytest.mark.parametrize("name", NAMES)
def test_telling_examples_start_with_the_worst(name: str) -> None:
    task = infer_task(TABLES[name])
    model, batch = network(task.num_outputs), batch_for(name)
    outputs = {key: value.detach() for key, value in task.predict(model, batch).items()}
    whole, parts = InformativeExamples(task, 3), InformativeExamples(task, 3)
    whole.add(outputs, batch["target"])
    for part in (slice(0, 3), slice(3, 7), slice(7, 8)):
        parts.add({key: value[part] for key, value in outputs.items()}, batch["target"][part])
    telling = whole.compute()
    for key, values in parts.compute().items():
        assert_close = np.testing.assert_allclose if values.dtype.kind == "f" else np.testing.assert_array_equal
        assert_close(values, telling[key])
    assert {len(values) for values in telling.values()} == {len(telling["place"])}
    worst = telling["place"][telling["reason"] == "loss"]
    losses = np.array([task.loss(model, batch_for(name, slice(i, i + 1)))["loss"].item() for i in range(8)])
    assert worst.tolist() == np.argsort(-losses)[:3].tolist()
    if name != "regression":
        assert (telling["reason"] == "unsure").sum() == 3
        confident = telling["reason"] == "confident"
        assert (telling["true"][confident] != telling["predicted"][confident]).all()


def test_sure_answers_are_not_told_as_unsure() -> None:
    task = infer_task(TABLES["classification"])
    lead = torch.tensor([0.9, 0.1, 0.55, 0.3])
    rest = (1 - lead) / task.num_outputs
    probabilities = rest[:, None].expand(4, task.num_outputs).clone()
    probabilities[:, 1] += lead
    outputs = {"logits": probabilities.log(), "probabilities": probabilities}
    examples = InformativeExamples(task, 12)
    examples.add(outputs, torch.tensor([1, 1, 1, 1]))
    telling = examples.compute()
    assert telling["place"][telling["reason"] == "unsure"].tolist() == [1, 3]
    assert not (telling["reason"] == "confident").any()


def flattened(measured: Any, prefix: str = "") -> dict[str, float]:
    """Nested dictionaries and lists as one flat dictionary of numbers."""
    if isinstance(measured, dict):
        items = measured.items()
    elif isinstance(measured, list):
        items = enumerate(measured)
    else:
        return {prefix: measured}
    return {key: value for name, part in items for key, value in flattened(part, f"{prefix}/{name}").items()}


def test_numbers_come_back_in_their_own_unit_to_eleven_digits() -> None:
    """A mean that float32 knows to eight only."""
    task = Regression(columns=["y"], mean=(1234567.891,), std=(0.125,))
    batch = Batch({"input": torch.zeros(1, 2), "target": torch.zeros(1, 1)}, torch.arange(1))
    found = task.predict(torch.nn.Linear(2, 1), batch)
    mean = found["value"].item() - 0.125 * found["standardized"].double().item()
    assert mean == pytest.approx(1234567.891, rel=1e-11)
