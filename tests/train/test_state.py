"""What a run goes on from: everything that a step depends on comes back, and what does not fit is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.train.toy import ToySource, config, network, rows, task
from torch import nn

from derin.core.errors import RefusedFileError
from derin.core.run import RunFolder
from derin.train.loop import TrainingState, _begin, train
from derin.train.state import restore_state, save_state

SETTINGS = {"optimizer": "adam", "learning_rate": 0.1, "ema_decay": 0.9, "epochs": 2}


def loop_at(folder: RunFolder, model: nn.Module, **settings: Any) -> TrainingState:
    """A loop before its first step."""
    chosen = config(**{**SETTINGS, **settings})
    return _begin(model, task(), ToySource(rows(8), 4), chosen, None, None, None, folder, torch.device("cpu"))


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run", name="toy")


def trained(folder: RunFolder) -> TrainingState:
    """Two epochs, of which the first was the better one, and a task that carries something."""
    one = task()
    one.state["carried"] = torch.tensor([3.0, 5.0])
    loop = train(network(nn.BatchNorm1d(4)), one, ToySource(rows(8), 4), config(**SETTINGS), run=folder)
    loop.tracker.update(0.9, 1, 0.3)
    loop.tracker.update(0.5, 2, 0.7)
    loop.batch, loop.loss_sum, loop.loss_weight = 1, 2.5, 4.25
    loop.progress, loop.measured_examples, loop.measure_seconds = 0.75, {"val": 7}, 0.125
    loop.budget.spent += 100.0
    return loop


def test_every_part_of_a_state_comes_back(folder: RunFolder) -> None:
    first = trained(folder)
    save_state(first)
    second = loop_at(folder, network(nn.BatchNorm1d(4), seed=9))
    assert restore_state(second)
    for name, value in first.model.state_dict().items():
        assert torch.equal(second.model.state_dict()[name], value), name
    ours, theirs = second.optimizers["model"], first.optimizers["model"]
    for mine, other in zip(second.model.parameters(), first.model.parameters(), strict=True):
        assert ours.state[mine].keys() == theirs.state[other].keys() != set()
        assert all(torch.equal(ours.state[mine][slot], value) for slot, value in theirs.state[other].items())
    assert second.average is not None
    assert first.average is not None
    for name, value in first.average.tensors().items():
        assert torch.equal(second.average.tensors()[name], value), name
    assert torch.equal(second.task.state["carried"], torch.tensor([3.0, 5.0]))
    names = ("step", "batch", "examples_seen", "epoch", "loss_sum", "loss_weight", "seconds", "learning_rate")
    for name in (*names, "progress", "measured_examples", "measure_seconds", "history"):
        assert getattr(second, name) == getattr(first, name), name
    assert (second.step, second.epoch, second.examples_seen) == (4, 2, 16)
    assert second.tracker.to_json() == first.tracker.to_json()
    assert (second.tracker.best_epoch, second.tracker.waited) == (1, 1)
    assert 100 < second.budget.used < 160


def test_a_state_of_before_a_tensor_had_its_name_is_gone_on_from(folder: RunFolder) -> None:
    class Renamed(nn.Sequential):
        former_names = ((r"\bzzz\b", "weight"),)

    first = trained(folder)
    save_state(first)
    former = json.loads(json.dumps(folder.load_state()[1]).replace("0.weight", "0.zzz"))  # type: ignore[index]
    former["optimizers"]["model"]["tensors"].sort()

    def older(tensors: dict[str, Any], document: dict[str, Any]) -> None:
        renamed = {name.replace("0.weight", "0.zzz"): value for name, value in tensors.items()}
        tensors.clear()
        tensors.update(renamed)
        document.update(former)

    edited(folder, older)
    model = network(nn.BatchNorm1d(4), seed=9)
    second = loop_at(folder, Renamed(*model))
    assert restore_state(second)
    assert torch.equal(second.model[0].weight, first.model[0].weight)  # type: ignore[index]
    moments = second.optimizers["model"].state[second.model[0].weight]  # type: ignore[index]
    assert torch.equal(moments["exp_avg"], first.optimizers["model"].state[first.model[0].weight]["exp_avg"])  # type: ignore[index]


def test_nothing_saved_is_a_new_start_and_its_log_is_empty(folder: RunFolder) -> None:
    folder.log({"epoch": 1})
    loop = loop_at(folder, network())
    assert not restore_state(loop)
    assert folder.log_lines() == []
    assert (loop.step, loop.history) == (0, [])


def test_log_lines_of_epochs_that_the_state_does_not_know_are_dropped(folder: RunFolder) -> None:
    save_state(trained(folder))
    folder.log({"epoch": 3, "loss": 1.0})
    loop = loop_at(folder, network(nn.BatchNorm1d(4)))
    restore_state(loop)
    assert [line["epoch"] for line in folder.log_lines()] == [1, 2] == [line["epoch"] for line in loop.history]


def edited(folder: RunFolder, change: Any) -> None:
    tensors, document = folder.load_state()  # type: ignore[misc]
    tensors, document = dict(tensors), dict(document)
    change(tensors, document)
    folder.save_state(tensors, document)


def test_a_state_of_before_weights_were_counted_is_still_gone_on_from(folder: RunFolder) -> None:
    save_state(trained(folder))

    def older(tensors: Any, document: dict[str, Any]) -> None:
        for name in ("loss_weight", "progress", "measure_seconds", "used_seconds", "measured_examples"):
            del document[name]
        document.update(loss_count=4, seconds=12.0)

    edited(folder, older)
    loop = loop_at(folder, network(nn.BatchNorm1d(4)))
    assert restore_state(loop)
    assert (loop.loss_weight, loop.progress, loop.measured_examples) == (4.0, 0.0, {})
    assert loop.budget.spent == 12.0


def test_progress_and_samples_are_found_anew_where_more_epochs_or_time_are_given(folder: RunFolder) -> None:
    save_state(trained(folder))
    for more in ({"epochs": 3}, {"max_seconds": 60.0}):
        loop = loop_at(folder, network(nn.BatchNorm1d(4)), **more)
        assert restore_state(loop)
        assert (loop.progress, loop.measured_examples, loop.step) == (0.0, {}, 4)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda tensors, document: tensors.pop("model/0.weight"), "0.weight differ"),
        (lambda tensors, document: tensors.update({"model/0.weight": torch.zeros(2)}), "0.weight must be"),
        (
            lambda tensors, document: tensors.update({"model/0.weight": tensors["model/0.weight"].double()}),
            "0.weight must be .*float32; got .*float64",
        ),
        (lambda tensors, document: document["optimizers"].pop("model"), "holds nothing for the optimizer 'model'"),
        (lambda tensors, document: document.pop("epoch"), "epoch must be there"),
        (lambda tensors, document: document.update(step="many"), "step must be a whole number"),
        (lambda tensors, document: document["tracker"].update(headline="loss"), "damaged"),
        (lambda tensors, document: document.update(measured_examples=["val"]), "measured_examples must be an object"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(change: Any, sentence: str, folder: RunFolder) -> None:
    save_state(trained(folder))
    edited(folder, change)
    with pytest.raises(RefusedFileError, match=sentence):
        restore_state(loop_at(folder, network(nn.BatchNorm1d(4))))
