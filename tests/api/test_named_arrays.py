"""Arrays by name ask for a standard task by their labels, as one array does, and stay as they are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from typer.testing import CliRunner

import derin
from derin.api.prepare import prepare
from derin.cli.main import app
from derin.core.errors import DerinError, DerinWarning, RefusedFileError
from derin.core.seeds import permutation
from derin.layers import Concat, Dense

PLAIN: dict[str, Any] = {"plan": "plain", "threads": 1, "report": False}
NAMES = np.array(["low", "middle", "high"])


class Two(nn.Module):
    """A picture of bytes and a word, neither of which may be touched on the way."""

    def __init__(self, num_outputs: int = 3) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.picture, self.word, self.last = nn.Linear(20, 6), nn.Embedding(7, 6), nn.Linear(6, num_outputs)

    def forward(self, picture: Tensor, word: Tensor) -> Tensor:
        assert picture.shape[1:] == (4, 5)
        assert (picture.dtype, word.dtype) == (torch.uint8, torch.int32)
        hidden = self.picture(picture.float().flatten(1) / 256) + self.word(word)
        found: Tensor = self.last(hidden.relu())
        return found


def inputs(num: int = 60) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    word, picture = draw.integers(7, size=num), draw.integers(256, size=(num, 4, 5))
    return {"word": word.astype(np.int32), "picture": picture.astype(np.uint8)}


def graph(num_outputs: int) -> nn.Module:
    wave, flag = derin.Input((4,)), derin.Input((3,))
    hidden = Dense(5, activation="relu")(Concat()(wave, flag))
    return derin.Graph({"wave": wave, "flag": flag}, Dense(num_outputs)(hidden), seed=0)


def waves(num: int = 60) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(1)
    return {name: draw.normal(size=(num, size)) for name, size in (("flag", 3), ("wave", 4))}


def labels(num: int = 60) -> np.ndarray:
    return NAMES[inputs(num)["word"] % 3]


def sgd(parameters: list[Tensor]) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.1, momentum=0.5)


def test_two_inputs_with_labels_train_as_a_plain_loop_does_to_the_bit(tmp_path: Path) -> None:
    x, y = inputs(), labels()
    ours, plain = Two(), Two()
    data = {"train": (x, y), "val": (x, y)}
    how: dict[str, Any] = {"optimizer": sgd, "epochs": 3, "batch_size": 16, "plan": "plain", "threads": 1}
    run = derin.fit(data, model=ours, out=tmp_path / "run", report=False, **how)
    # Which rows a batch has is the product's; what is learned from them is not.
    source = prepare(data, model=Two(), **how).train_source
    classes = sorted(set(NAMES))
    optimizer = sgd(list(plain.parameters()))
    for epoch in range(3):
        for batch in source.batches(epoch):
            rows = batch.rows.numpy()
            target = torch.tensor([classes.index(name) for name in y[rows]])
            outputs = plain(torch.from_numpy(x["picture"][rows]), torch.from_numpy(x["word"][rows]))
            loss = nn.functional.cross_entropy(outputs, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), plain.parameters()))
    assert (run.record["task"]["name"], run.record["task"]["classes"]) == ("classification", classes)


class Halt(derin.Callback):
    def on_step(self, loop: Any) -> None:
        if loop.step == 4:
            raise RuntimeError("broken off")


def test_every_form_of_the_same_arrays_gives_the_same_run_also_where_it_is_broken_off(tmp_path: Path) -> None:
    x, y = inputs(), labels()
    forms: dict[str, Any] = {
        "dict": (x, y),
        "other order": (dict(reversed(x.items())), y),
        "tuple": ((x["picture"], torch.from_numpy(x["word"])), list(y)),
        "one dict": {**x, "y": y},
    }
    how: dict[str, Any] = {**PLAIN, "epochs": 2, "batch_size": 16, "calibrate": True}
    runs = {name: derin.fit(data, model=Two(), out=tmp_path / name, **how) for name, data in forms.items()}
    assert all(run.metrics == runs["dict"].metrics for run in runs.values())
    assert set(runs["dict"].metrics) == {"train", "val", "test"}
    for name, trained in runs.items():
        model = derin.open(trained.path, model=Two())
        for other, data in forms.items():
            found = model.evaluate(data)
            assert (found.split, found.trained_on) == ("test", 0), (name, other)
            assert found.metrics.items() >= trained.metrics["test"].items()
    with pytest.raises(RuntimeError, match="broken off"):
        derin.fit(forms["dict"], model=Two(), out=tmp_path / "part", callbacks=[Halt()], **how)
    part = derin.fit(forms["tuple"], model=Two(), out=tmp_path / "part", resume=True, report=False)
    assert part.metrics == runs["dict"].metrics
    with pytest.raises(DerinError, match="has changed"):
        derin.fit((inputs(59), labels(59)), model=Two(), out=tmp_path / "part", resume=True)


TARGETS: dict[str, tuple[np.ndarray, int]] = {
    "classification": (labels(), 3),
    "binary": (labels() == "high", 1),
    "regression": (waves()["wave"][:, 0] * 1e4 + 3e4, 1),
}


@pytest.mark.usefixtures("onnx_is_read_once")
@pytest.mark.parametrize("task", list(TARGETS))
def test_onnx_and_a_bundle_without_code_agree_with_predict_in_every_task(task: str, tmp_path: Path) -> None:
    y, num_outputs = TARGETS[task]
    run = derin.fit((waves(), y), model=graph(num_outputs), epochs=1, out=tmp_path / "run", **PLAIN)
    assert run.record["task"]["name"] == task
    model, few = derin.open(run.path), {name: values[:5] for name, values in waves().items()}
    told = model.export(tmp_path / "waves.onnx")
    assert [one["name"] for one in told["inputs"]] == ["wave", "flag"]
    session = onnxruntime.InferenceSession(tmp_path / "waves.onnx")
    names = [one.name for one in session.get_outputs()]
    found = dict(zip(names, session.run(None, {name: values.astype(np.float32) for name, values in few.items()})))
    answers = model.predict(few)
    assert model.predict({name: values[0] for name, values in few.items()}).to_json() == answers[0].to_json()
    # Another program adds in another order: a few units in the last place of float32.
    for place, answer in enumerate(answers):
        if task == "regression":
            assert found["value"][place] == pytest.approx(answer.value, rel=1e-5)
        else:
            assert (model.classes or ())[found["label"][place]] == answer.label
            assert max(found["probabilities"][place]) == pytest.approx(answer.probability, rel=1e-5)


def test_a_network_of_ones_own_is_written_with_the_types_of_its_arrays(tmp_path: Path) -> None:
    run = derin.fit((inputs(), labels()), model=Two(), epochs=1, out=tmp_path / "run", **{**PLAIN, "report": True})
    assert run.report.is_file()
    model, few = derin.open(run.path, model=Two()), inputs(3)
    told = model.export(tmp_path / "two.onnx")
    assert [(one["name"], one["type"]) for one in told["inputs"]] == [("picture", "uint8"), ("word", "int32")]
    found = onnxruntime.InferenceSession(tmp_path / "two.onnx").run(["label"], few)[0]
    assert [(model.classes or ())[place] for place in found] == [answer.label for answer in model.predict(few)]


def test_the_command_line_measures_and_predicts_arrays_of_a_file(tmp_path: Path) -> None:
    y = labels()
    run = derin.fit((waves(), y), model=graph(3), epochs=1, out=tmp_path / "run", **PLAIN)
    np.savez(tmp_path / "all.npz", **waves(), y=y)
    np.savez(tmp_path / "few.npz", **{name: values[:2] for name, values in waves().items()})
    measured = CliRunner().invoke(app, ["eval", str(run.path), str(tmp_path / "all.npz"), "--json"])
    assert json.loads(measured.stdout)["metrics"].items() >= run.metrics["test"].items()
    said = CliRunner().invoke(app, ["predict", str(run.path), str(tmp_path / "few.npz"), "--json"])
    wanted = derin.open(run.path).predict(str(tmp_path / "few.npz"))
    assert [one["label"] for one in json.loads(said.stdout)] == [answer.label for answer in wanted]


def test_weights_count_in_the_loss_and_plain_pairs_by_split_are_read_as_one_pair_is(tmp_path: Path) -> None:
    x, y = waves(), labels()
    weights = np.where(y == "high", 5.0, 0.0)
    weighted = ((x["wave"], x["flag"]), y, weights)
    model = derin.open(derin.fit(weighted, model=graph(3), epochs=1, out=tmp_path / "run", **PLAIN).path)
    high = model.predict({name: values[y == "high"] for name, values in x.items()})
    losses = [-np.log(dict(answer.probabilities)["high"]) for answer in high]
    with pytest.warns(DerinWarning, match="trained on"):
        measured = model.evaluate(weighted, split="all").metrics
    assert measured["loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    split = {"train": (x["wave"], y), "val": (x["wave"][:9], y[:9])}
    by_split = derin.fit(split, epochs=1, compare=False, out=tmp_path / "split", **PLAIN)
    assert (by_split.record["preparation"]["inputs"]["input"]["kind"], set(by_split.metrics)) == (
        "features",
        {"train", "val"},
    )


def test_what_cannot_be_is_told_in_a_sentence(tmp_path: Path) -> None:
    x, y = waves(), labels()
    cases: list[tuple[Any, dict[str, Any], str]] = [
        ((x, y), {}, "for a network of your own .* that reads flag, wave"),
        ((x, y), {"model": "mlp"}, "for a network of your own"),
        (({"flag": x["flag"], "top": x["wave"]}, y), {"model": graph(3)}, "reads wave, flag; the data has flag, top"),
        ((x, y), {"model": graph(2)}, "must give 3 outputs for each example"),
        ((x, {"a": y, "b": y}), {"model": graph(3)}, "need a loss for each output"),
        (({**x, "flag": x["flag"][:3]}, y), {"model": graph(3)}, "as many examples as each other"),
        (({**x, "flag": x["flag"] * 1j}, y), {"model": graph(3)}, "flag must be an array of numbers"),
        ({"train": (x, y), "val": ({"wave": x["wave"]}, y)}, {"model": graph(3)}, "the same arrays"),
        ((x, 3), {"model": graph(3)}, "target must be an array"),
        ((x, y), {"model": graph(3), "kinds": {"flag": "date"}}, "kinds is for csv tables"),
    ]
    for place, (data, settings, message) in enumerate(cases):
        with pytest.raises(DerinError, match=message):
            derin.fit(data, out=tmp_path / str(place), **PLAIN, **settings)


@pytest.mark.parametrize(("part", "value"), [("dtype", "float16"), ("shape", [9])])
def test_a_card_whose_arrays_do_not_fit_its_network_is_refused(part: str, value: Any, tmp_path: Path) -> None:
    run = derin.fit((waves(), labels()), model=graph(3), epochs=1, out=tmp_path / "run", **PLAIN)
    bundle = shutil.copytree(run.path / "model", tmp_path / "model")
    card = json.loads((bundle / "card.json").read_text(encoding="utf-8"))
    card["preparation"]["inputs"]["wave"][part] = value
    (bundle / "card.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(RefusedFileError):
        derin.open(bundle)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> derin.Run:
    out = tmp_path_factory.mktemp("looking") / "run"
    return derin.fit((waves(), labels()), model=graph(3), epochs=1, out=out, **PLAIN)


def few(num: int = 3) -> dict[str, np.ndarray]:
    return {name: values[:num] for name, values in waves().items()}


def test_of_a_linear_network_each_input_adds_its_weights_times_its_numbers(tmp_path: Path) -> None:
    wave, flag = derin.Input((4,)), derin.Input((3,))
    network = derin.Graph({"wave": wave, "flag": flag}, Dense(3)(Concat()(wave, flag)), seed=0)
    trained = derin.fit((waves(), labels()), model=network, epochs=1, out=tmp_path / "run", **PLAIN)
    model = derin.open(trained.path)
    (weights,) = [value.detach().numpy() for value in model.network.parameters() if value.ndim == 2]
    found = model.explain(few(), "integrated_gradients", target="low")
    row = weights[(model.classes or ()).index("low")]
    # One pass through float32 for each of 64 points on the way.
    np.testing.assert_allclose(found.found["wave"], row[:4] * few()["wave"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.found["flag"], row[4:] * few()["flag"], rtol=1e-4, atol=1e-6)
    assert found.document[0]["inputs"]["flag"] == pytest.approx(found.found["flag"][0].sum(), rel=1e-5)


def test_hidden_is_an_input_of_zeros_and_shuffled_one_of_other_rows(run: derin.Run, tmp_path: Path) -> None:
    model = derin.open(run.path)
    found = model.explain(few(), "occlusion", target="high")
    before, hidden = (model.predict(x) for x in (few(), {**few(), "flag": np.zeros((3, 3))}))
    falls = [a.probabilities["high"] - b.probabilities["high"] for a, b in zip(before, hidden)]
    assert [row["inputs"]["flag"] for row in found.document] == pytest.approx(falls, abs=1e-6)
    found.save(tmp_path / "hidden.png")
    told = model.explain((waves(), labels()), "importance", repeats=3, split="test")
    rows = prepare((waves(), labels()), model=graph(3), plan="plain").table.splits["test"]
    test, y = {name: values[rows] for name, values in waves().items()}, labels()[rows]

    def accuracy(x: dict[str, np.ndarray]) -> float:
        return float(np.mean([answer.label == truth for answer, truth in zip(model.predict(x), y)]))

    falls = {}
    for place, name in enumerate(("wave", "flag")):
        orders = [permutation(0, "permutation importance", place * 3 + repeat, len(rows)) for repeat in range(3)]
        falls[name] = accuracy(test) - np.mean([accuracy({**test, name: test[name][order]}) for order in orders])
    assert {one["name"]: one["importance"] for one in told.document["columns"]} == pytest.approx(falls, abs=1e-9)


def test_inputs_of_a_file_are_explained_and_traced_by_the_command_line(run: derin.Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "few.npz", **few())
    path, file = str(run.path), str(tmp_path / "few.npz")
    for way in ("integrated-gradients", "occlusion"):
        said = CliRunner().invoke(app, ["explain", way, path, file, "--out", str(tmp_path / "a.png"), "--json"])
        assert [set(row["inputs"]) for row in json.loads(said.stdout)["found"]] == [{"wave", "flag"}] * 3
    traced = CliRunner().invoke(app, ["trace", path, "--input", file, "--target", "high", "--json"])
    assert "wave  (3×4)" in CliRunner().invoke(app, ["trace", path, "--input", file, "--target", "high"]).stdout
    logits = derin.open(run.path).network(*(torch.from_numpy(few()[name]).float() for name in ("wave", "flag")))
    target = torch.tensor([sorted(NAMES).index("high")] * 3)
    assert json.loads(traced.stdout)["loss"] == pytest.approx(
        nn.functional.cross_entropy(logits, target).item(), rel=1e-5
    )


def test_ways_to_look_that_arrays_do_not_have_are_refused_in_a_sentence(run: derin.Run, tmp_path: Path) -> None:
    model = derin.open(run.path)
    whole = {"word": inputs()["word"], "place": inputs()["word"]}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"method": "grad_cam"}, "reads several inputs: wave, flag"),
        ({"method": "integrated_gradients", "baseline": "black"}, "begin at zeros"),
        ({"method": "occlusion", "patch": 3}, "a whole input is hidden"),
    ]
    for settings, message in cases:
        with pytest.raises(DerinError, match=message):
            model.explain(few(), **settings)
    with pytest.raises(DerinError, match="numbers of the shape"):
        model.predict({**few(), "flag": few()["wave"]})
    with pytest.raises(DerinError, match="At most 48"):
        model.explain(few(49), "occlusion")

    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.word = nn.Embedding(7, 3)

        def forward(self, word: Tensor, place: Tensor) -> Tensor:
            found: Tensor = self.word(word) + self.word(place)
            return found

    trained = derin.fit((whole, labels()), model=Words(), epochs=1, out=tmp_path / "words", **PLAIN)
    with pytest.raises(DerinError, match="numbers of the type int32, which others are not"):
        derin.open(trained.path, model=Words()).predict({"word": 1.5, "place": 2})
    with pytest.raises(DerinError, match=r"reads whole ones \(word, place\)"):
        derin.open(trained.path, model=Words()).explain({n: v[:2] for n, v in whole.items()}, "integrated_gradients")
