"""ONNX files run elsewhere as the network does here; ONNX Runtime is the judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

import derin
from derin.core.errors import DerinError, MissingExtraError, UsageError
from derin.export.onnx import export_onnx
from derin.models import MODELS, build

pytestmark = pytest.mark.usefixtures("onnx_is_read_once")


def run_file(path: Path, inputs: Tensor) -> np.ndarray[Any, Any]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [i.name for i in session.get_inputs()] == ["input"]
    return session.run(None, {"input": inputs.numpy()})[0]


def require_same(path: Path, network: nn.Module, example: Tensor) -> None:
    for batch in (1, 7):
        x = torch.randn(batch, *example.shape, generator=torch.Generator().manual_seed(batch))
        with torch.no_grad():
            expected = network(x).numpy()
        np.testing.assert_allclose(run_file(path, x), expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_file_gives_the_networks_outputs_at_any_batch(tmp_path: Path) -> None:
    shape = (3, 17, 19)
    network = build("resnet20", input_shape=shape, num_outputs=7, seed=0).eval()
    written = export_onnx(network, tmp_path / "m.onnx", torch.zeros(shape), metadata={"licence": "mit"})
    assert (written.output_shape, written.num_bytes) == ((7,), (tmp_path / "m.onnx").stat().st_size)
    require_same(written.path, network, torch.zeros(shape))
    model = onnx.load(written.path)
    assert {p.key: p.value for p in model.metadata_props} == {"licence": "mit"}
    assert str(Path(derin.__file__).parent).encode() not in written.path.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in MODELS if n.startswith(("alexnet_2012", "convnext", "lenet5_1998"))])
def test_unusual_networks_export_at_their_papers_size(name: str, tmp_path: Path) -> None:
    example = torch.zeros(MODELS[name].native_input)
    network = build(name, input_shape=tuple(example.shape), num_outputs=5, seed=0).eval()
    require_same(export_onnx(network, tmp_path / "m.onnx", example).path, network, example)


class Fixed(nn.Module):
    """Knows one batch size only."""

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(3, 4) + 1


class Branching(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.mean() > 0 else -x


@pytest.mark.parametrize("network", [Fixed(), Branching()])
def test_networks_that_onnx_cannot_hold_are_refused(network: nn.Module, tmp_path: Path) -> None:
    with pytest.raises(DerinError, match=type(network).__name__):
        export_onnx(network.eval(), tmp_path / "m.onnx", torch.zeros(4))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_extra_is_answered_with_the_install_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else find(name))
    with pytest.raises(MissingExtraError, match=r'pip install "derin\[onnx\]"'):
        export_onnx(nn.Linear(2, 2), tmp_path / "m.onnx", torch.zeros(2))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(derin.fit("digits", model="convnet", epochs=1, out=tmp_path_factory.mktemp("runs") / "digits").path)


def test_an_opened_run_exports_with_its_preparation_and_facts(run: Path, tmp_path: Path) -> None:
    model = derin.open(run)
    told = model.export(tmp_path / "m.onnx", with_preparation=True)
    assert (told["input"]["shape"], told["output"]["name"]) == (
        ["batch", *model.preparation.input.size, 1],
        "probabilities",
    )
    pixels = torch.randint(
        0, 256, (3, *model.preparation.input.size, 1), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    found = run_file(tmp_path / "m.onnx", pixels)
    assert [one["name"] for one in told["outputs"]] == ["probabilities", "label", "output"]
    for row, answer in zip(found, model.predictions(list(pixels.numpy())), strict=True):
        assert model.classes is not None
        assert (model.classes[row.argmax()], row.max()) == (answer.label, pytest.approx(answer.probability, abs=1e-4))
    said = {p.key: p.value for p in onnx.load(tmp_path / "m.onnx").metadata_props}
    assert json.loads(said["class_names"]) == [str(i) for i in range(10)]
    assert (said["model"], said["prepared"]) == ("convnet", "yes")
    assert json.loads(said["mean"]) == list(model.preparation.input.mean)


def test_weights_alone_are_readable_elsewhere(run: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    model = derin.open(run)
    model.export(tmp_path / "m.safetensors")
    found = load_file(tmp_path / "m.safetensors")
    assert all(torch.equal(value, found[key]) for key, value in model.network.state_dict().items())


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("m.pb", {}, "does not tell its format"),
        ("m", {"format": "onx"}, "'onnx'"),
        ("m.safetensors", {"with_preparation": True}, "no preparation"),
        ("", {"format": "onnx"}, "is a folder"),
    ],
)
def test_wrong_use_is_answered(run: Path, tmp_path: Path, name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        derin.open(run).export(tmp_path / name, **options)
