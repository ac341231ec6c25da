"""What meets a network meets one with several inputs and outputs as well, or refuses with their names."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from typer.testing import CliRunner

import derin
from derin.cli.main import app
from derin.core.errors import DataError, DerinError, DerinWarning, RefusedFileError, UsageError
from derin.explain.trace.trace import trace
from derin.layers import Concat, Dense

LOSS = {"size": nn.functional.mse_loss, "kind": nn.functional.cross_entropy}


def data(num: int = 40) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    draw = np.random.default_rng(0)
    x = {"word": draw.integers(5, size=num), "numbers": draw.normal(size=(num, 3)).astype(np.float32)}
    return x, {"size": x["numbers"][:, :1], "kind": (x["word"] > 2).astype(np.int64)}


def hot(x: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {"word": np.eye(5, dtype=np.float32)[x["word"]], "numbers": x["numbers"]}


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.numbers, self.words, self.last = nn.Linear(3, 4), nn.Embedding(5, 4), nn.Linear(4, 2)

    def forward(self, numbers: Tensor, word: Tensor) -> dict[str, Tensor]:
        hidden = torch.relu(self.numbers(numbers) + self.words(word))
        return {"size": hidden.sum(dim=1, keepdim=True), "kind": self.last(hidden)}


def graph() -> nn.Module:
    numbers, word = derin.Input((3,)), derin.Input((5,))
    hidden = Dense(4, activation="relu")(Concat()(numbers, word))
    return derin.Graph({"numbers": numbers, "word": word}, {"size": Dense(1)(hidden), "kind": Dense(2)(hidden)}, seed=0)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, derin.Run]:
    folder = tmp_path_factory.mktemp("runs")
    x, y = data()
    how: dict[str, Any] = {"loss": LOSS, "epochs": 1, "plan": "plain", "threads": 1, "report": False}
    return {
        "module": derin.fit((x, y), model=Two(), out=folder / "module", **how),
        "graph": derin.fit((hot(x), y), model=graph(), out=folder / "graph", **how),
    }


def opened(runs: dict[str, derin.Run], name: str) -> Any:
    return derin.open(runs[name].path, model=Two() if name == "module" else None)


def inputs(name: str, num: int = 40) -> dict[str, np.ndarray]:
    x = {key: values[:num] for key, values in data()[0].items()}
    return hot(x) if name == "graph" else x


@pytest.mark.usefixtures("onnx_is_read_once")
@pytest.mark.parametrize("name", ["module", "graph"])
def test_onnx_runtime_gives_what_predict_gives_under_the_same_names(
    runs: dict[str, derin.Run], name: str, tmp_path: Path
) -> None:
    model = opened(runs, name)
    told = model.export(tmp_path / "two.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "two.onnx")
    assert [one.name for one in session.get_inputs()] == ["numbers", "word"] == [one["name"] for one in told["inputs"]]
    assert [one.name for one in session.get_outputs()] == ["size", "kind"] == [one["name"] for one in told["outputs"]]
    found = dict(zip(("size", "kind"), session.run(None, inputs(name, 4))))
    for place, answer in enumerate(model.predict(inputs(name, 4))):
        for output, values in answer.items():
            # Another program adds in another order: a few units in the last place of float32.
            np.testing.assert_allclose(found[output][place], values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["module", "graph"])
def test_measured_again_the_metrics_are_those_of_the_run_in_whatever_order_the_inputs_come(
    runs: dict[str, derin.Run], name: str
) -> None:
    model, y = opened(runs, name), data()[1]
    for x in (inputs(name), dict(reversed(inputs(name).items()))):
        found = model.evaluate((x, y), loss=LOSS)
        assert (found.split, found.trained_on) == ("test", 0)
        assert found.metrics == runs[name].metrics["test"]
    other = {key: values + 1 for key, values in inputs(name, 3).items() if key == "numbers"}
    few = {key: values[:3] for key, values in y.items()}
    with pytest.warns(DerinWarning, match="cannot be told"):
        found = model.evaluate({"test": ({**inputs(name, 3), **other}, few)}, loss=LOSS)
    assert (found.split, found.num_examples, found.trained_on) == ("test", 3, None)


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "warm_up": (lambda model: model.warm_up(), r"reads arrays by name \(numbers, word\)"),
    "explain": (lambda model: model.explain(inputs("graph")), "reads several inputs: numbers, word"),
    "missing": (lambda model: model.predict({"word": inputs("graph")["word"]}), "reads numbers, word; got word"),
    "lengths": (
        lambda model: model.predict({**inputs("graph"), "word": inputs("graph", 2)["word"]}),
        "as many examples as each other",
    ),
    "loss": (lambda model: model.evaluate((inputs("graph"), data()[1])), "mse_loss, .*cross_entropy is of your own"),
    "data": (lambda model: model.evaluate("iris", loss=LOSS), "trained on data of its owner's form"),
    "prepared": (lambda model: model.export("x.onnx", with_preparation=True), "nothing prepares"),
    "file": (lambda model: model.predict("iris.csv"), "must be arrays"),
}


@pytest.mark.parametrize("what", list(REFUSED))
def test_what_several_inputs_do_not_have_is_refused_by_their_names(runs: dict[str, derin.Run], what: str) -> None:
    act, message = REFUSED[what]
    with pytest.raises((UsageError, DataError), match=message):
        act(opened(runs, "graph"))


@pytest.mark.parametrize("network", [Two(), graph()])
def test_a_network_of_several_inputs_is_refused_by_a_table_before_it_is_called(
    network: nn.Module, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="reads numbers, word; the data has input"):
        derin.fit("iris", model=network, out=tmp_path / "run")


def test_the_command_line_predicts_arrays_of_a_file_and_shows_both_sides(
    runs: dict[str, derin.Run], tmp_path: Path
) -> None:
    np.savez(tmp_path / "two.npz", **inputs("graph", 3))
    run, file = str(runs["graph"].path), str(tmp_path / "two.npz")
    said = CliRunner().invoke(app, ["predict", run, file, "--json"])
    wanted = opened(runs, "graph").predict(inputs("graph", 3))
    assert [one["outputs"] for one in json.loads(said.stdout)] == [
        {output: values.tolist() for output, values in answer.items()} for answer in wanted
    ]
    shown = CliRunner().invoke(app, ["summary", run]).stdout.replace("\n", " ")
    assert "inputs numbers (batch, 3), word (batch, 5); outputs size (batch, 1), kind (batch, 2)" in shown
    traced = CliRunner().invoke(app, ["trace", run, "--input", "random", "--target", "1"])
    assert "got the task 'own'" in traced.stderr


def test_every_number_of_a_step_with_two_inputs_is_traced(runs: dict[str, derin.Run]) -> None:
    class Size(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, numbers: Tensor, word: Tensor) -> Tensor:
            found: Tensor = self.inner(numbers, word)["size"]
            return found

    network = Size(opened(runs, "graph").network).double()
    x = [torch.from_numpy(inputs("graph", 3)[name]).double() for name in ("numbers", "word")]
    found = trace(network, tuple(x), torch.ones(3, 1))
    wanted = nn.functional.mse_loss(network(*x), torch.ones(3, 1).double())
    assert found.loss == pytest.approx(wanted.item(), rel=1e-12)


def test_a_run_goes_on_with_its_inputs_in_another_order(runs: dict[str, derin.Run]) -> None:
    x, y = data()
    swapped = (dict(reversed(hot(x).items())), y)
    again = derin.fit(swapped, model=graph(), loss=LOSS, out=runs["graph"].path, resume=True, report=False)
    assert again.metrics == runs["graph"].metrics
    less = (inputs("graph", 39), {key: values[:39] for key, values in y.items()})
    with pytest.raises(DerinError, match="has changed"):
        derin.fit(less, loss=LOSS, out=runs["graph"].path, resume=True)


@pytest.mark.parametrize(("part", "value"), [("shapes", [[4], [5]]), ("names", ["numbers", "other"])])
def test_a_card_whose_parts_do_not_fit_each_other_is_refused(
    runs: dict[str, derin.Run], part: str, value: Any, tmp_path: Path
) -> None:
    bundle = shutil.copytree(runs["graph"].path / "model", tmp_path / "model")
    card = json.loads((bundle / "card.json").read_text(encoding="utf-8"))
    card["preparation"][part] = value
    (bundle / "card.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(RefusedFileError):
        derin.open(bundle)
