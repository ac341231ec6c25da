"""A model that was warmed up says what it said before, and follows its weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import derin
from derin.api import warm_up
from derin.api.model import Model
from derin.core.errors import DerinError, DerinWarning, UsageError
from derin.export.session import OnnxSession
from derin.models import inference

pytestmark = pytest.mark.usefixtures("onnx_is_read_once")

WAYS = ("torch", "onednn", "onnxruntime")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("warm") / "run"
    derin.fit("digits", model="convnet", epochs=1, out=out, report=False, progress=False)
    return out


@pytest.fixture
def model(run: Path) -> Model:
    return derin.open(run)


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 8, 8), dtype=np.uint8)


def quickest(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    """Which way is fastest is left to no clock."""

    def seconds(call: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> float:
        kinds = {inference._Program: "onednn", OnnxSession: "onnxruntime"}
        return 1.0 if kinds.get(type(call), "torch") == wanted else 2.0

    monkeypatch.setattr(inference, "_seconds", seconds)


def probabilities(model: Model, pictures: np.ndarray) -> np.ndarray:
    return np.array([answer.probability for answer in model.predict(list(pictures))])


def test_threads_of_a_session_stop_spinning_when_a_call_ends() -> None:
    session = OnnxSession(torch.nn.Linear(3, 2).eval(), torch.zeros(3))._session
    assert session.get_session_options().get_session_config_entry("session.force_spinning_stop") == "1"


@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_the_same_answers(
    model: Model, pictures: np.ndarray, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = probabilities(model, pictures)
    quickest(monkeypatch, way)
    calls = counted(model, monkeypatch)
    seconds = model.warm_up(1, 5)
    assert {size: tuple(found) for size, found in seconds.items()} == {1: WAYS, 5: WAYS}
    assert min(seconds[5], key=lambda name: seconds[5][name]) == way
    calls.clear()
    assert np.allclose(probabilities(model, pictures), expected, atol=1e-4)
    assert calls == ([5] if way == "torch" else [])


def counted(model: Model, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the batches that the network itself computes; to be called before the model is warmed up."""
    calls: list[int] = []
    network = model.network
    forward = type(network).forward

    def counting(self: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
        if self is network:
            calls.append(len(x))
        return forward(self, x)

    monkeypatch.setattr(type(network), "forward", counting)
    return calls


def test_without_a_warm_up_the_network_itself_predicts(
    model: Model, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(model, monkeypatch)
    for _ in range(5):
        model.predict(list(pictures))
    assert calls == [5] * 5


def halve_through_numpy(weight: torch.Tensor) -> None:
    values = weight.detach().numpy()
    values *= 0.5


@pytest.mark.parametrize(
    ("way", "change"), [("onednn", halve_through_numpy), ("onnxruntime", lambda weight: weight.data.mul_(0.5))]
)
def test_weights_changed_past_every_counter_are_seen(
    model: Model, run: Path, pictures: np.ndarray, way: str, change: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    quickest(monkeypatch, way)
    model.warm_up(5)
    for weight in model.network.parameters():
        change(weight)
    plain = derin.open(run)
    plain.network = model.network
    expected = probabilities(plain, pictures)
    assert np.array_equal(probabilities(model, pictures), expected)
    model.warm_up(5)
    assert np.allclose(probabilities(model, pictures), expected, atol=1e-4)


def test_another_network_in_its_place_is_seen(model: Model, run: Path, pictures: np.ndarray) -> None:
    model.warm_up(5)
    other = derin.open(run)
    for weight in other.network.parameters():
        weight.data.mul_(0.5)
    model.network = other.network
    assert np.array_equal(probabilities(model, pictures), probabilities(other, pictures))


def test_changed_weights_are_seen(model: Model, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    quickest(monkeypatch, "onnxruntime")
    model.warm_up(5)
    before = probabilities(model, pictures)
    with torch.no_grad():
        for weight in model.network.parameters():
            weight.mul_(0.5)
    assert np.abs(probabilities(model, pictures) - before).max() > 1e-3


def test_without_onnxruntime_torch_and_onednn_are_left(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_up, "find_spec", lambda package: None)
    assert set(model.warm_up()[1]) == {"torch", "onednn"}


def test_a_network_that_onnx_cannot_hold_is_told(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise DerinError("It cannot be written.")

    monkeypatch.setattr("derin.export.session.export_onnx", refuse)
    with pytest.warns(DerinWarning, match=r"ONNX Runtime is left out. It cannot be written."):
        assert set(model.warm_up()[1]) == {"torch", "onednn"}


def test_a_program_with_other_outputs_is_left_out(model: Model) -> None:
    warm = model.warm_network()
    with torch.inference_mode():
        seconds = warm.prepare(
            torch.ones(2, *model.preparation.input_shape), others={"wrong": lambda x: model.network(x) + 1}
        )
    assert set(seconds) == {"torch", "onednn"}


def test_as_many_sizes_as_were_asked_for_stay_warm(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    quickest(monkeypatch, "onednn")
    model.warm_up(1, 2, 3, 4)
    assert model.warm_network().num_programs == 4


def test_no_batch_is_empty(model: Model) -> None:
    with pytest.raises(UsageError, match=r"A batch holds at least 1 input; 0 came."):
        model.warm_up(8, 0)


def test_texts_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.csv").write_text(
        "text,label\n"
        + "".join(f"a {'good' if i % 2 else 'bad'} film {i},{'pos' if i % 2 else 'neg'}\n" for i in range(40))
    )
    derin.fit(tmp_path / "text.csv", epochs=1, out=tmp_path / "run", report=False, progress=False)
    with pytest.raises(UsageError, match=r"are warmed up; .* reads text"):
        derin.open(tmp_path / "run").warm_up()
