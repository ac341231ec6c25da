"""`derin weights`: what is known is listed and fetched, a file becomes a bundle, and what is missing is said."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner, Result

import derin
from derin.api import published
from derin.api.start import start_from
from derin.cli.main import app
from derin.core.errors import DataError, UsageError
from derin.models import build
from derin.models.weights import Published
from derin.models.weights.known import BY_NAME, KNOWN

NAMES = ("ant", "bee", "cat", "dog", "eel")
PREPROCESS = "size=32,mean=0.4/0.5/0.6,std=0.2/0.3/0.25,rule=resize"


def run_derin(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def resnet20_file(path: Path) -> torch.nn.Module:
    """Writes a ResNet-20 for five classes under its authors' names."""
    network = build("resnet20", input_shape=(3, 32, 32), num_outputs=5, seed=11).eval()
    found = {}
    for name, tensor in network.state_dict().items():
        if name.startswith("stage"):
            name = name.replace("stage", "layer", 1).replace(".norm", ".bn").replace(".bn.", ".bn1.")
        else:
            name = name.replace("conv.", "conv1.").replace("norm.", "bn1.").replace("output.", "linear.")
        found[name] = tensor.clone()
    save_file(found, path)
    return network


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any weights; the folder that DERIN_DATA names."""
    folder = tmp_path / "copies"
    folder.mkdir()
    monkeypatch.setenv("DERIN_DATA", str(folder))
    monkeypatch.setenv("DERIN_CACHE", str(tmp_path / "cache"))
    return folder


def test_a_file_becomes_a_bundle_that_answers_as_the_network_does(tmp_path: Path) -> None:
    network = resnet20_file(tmp_path / "a.safetensors")
    (tmp_path / "names.txt").write_text("\n".join(NAMES) + "\n", encoding="utf-8")
    options = ("--model", "resnet20", "--preprocess", PREPROCESS, "--classes", tmp_path / "names.txt")
    result = run_derin("weights", "import", tmp_path / "a.safetensors", "--out", tmp_path / "b", *options, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["model"], document["classes"], document["size"]) == ("resnet20", 5, [32, 32])
    assert document["sha256"] == sha256((tmp_path / "a.safetensors").read_bytes()).hexdigest()

    pixels = np.random.default_rng(4).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (answer,) = json.loads(run_derin("predict", tmp_path / "b", tmp_path / "a.png", "--json").stdout)
    x = (pixels / 255 - np.array([0.4, 0.5, 0.6])) / np.array([0.2, 0.3, 0.25])
    with torch.no_grad():
        expected = network(torch.from_numpy(x.transpose(2, 0, 1)[None]).float()).softmax(1)[0]
    assert answer["label"] == NAMES[int(expected.argmax())]
    assert dict(answer["top"]) == pytest.approx(dict(zip(NAMES, expected.tolist())), abs=1e-5)

    card = derin.open(tmp_path / "b").card
    assert card["task"]["classes"] == list(NAMES)
    assert card["published"]["file"] == "a.safetensors"
    assert "Trained with" not in (tmp_path / "b" / "README.md").read_text(encoding="utf-8")
    assert json.loads(run_derin("summary", tmp_path / "b", "--json").stdout)["parameters"] == sum(
        p.numel() for p in network.parameters()
    )


def test_names_of_classes_are_asked_for_and_counted(tmp_path: Path) -> None:
    resnet20_file(tmp_path / "a.safetensors")
    command = ("weights", "import", tmp_path / "a.safetensors", "--out", tmp_path / "b", "--model", "resnet20")
    result = run_derin(*command, "--preprocess", PREPROCESS)
    assert result.exit_code == 2
    assert "names of the 5 classes" in result.stderr
    result = run_derin(*command, "--preprocess", PREPROCESS, "--classes", "cifar10")
    assert result.exit_code == 2
    assert "5 classes apart; got 10" in result.stderr
    result = run_derin(*command, "--preprocess", PREPROCESS, "--classes", "no such file")
    assert "one name to a line" in result.stderr
    assert not (tmp_path / "b").exists()


def test_classes_that_disagree_are_named(tmp_path: Path) -> None:
    resnet20_file(tmp_path / "a.safetensors")
    published.import_weights(
        tmp_path / "a.safetensors", tmp_path / "b", model="resnet20", preprocess=PREPROCESS, classes=NAMES
    )
    for name in ("ant", "hen"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for place in range(4):
            Image.new("RGB", (32, 32), (place * 9, 3, 50)).save(tmp_path / "set" / name / f"{place}.png")
    result = run_derin("eval", tmp_path / "b", tmp_path / "set")
    assert result.exit_code == 1
    assert "classes that the task does not have: hen; it has: ant, bee, cat, dog, eel" in result.stderr


def test_every_known_file_is_listed_and_none_is_here(nowhere: Path) -> None:
    listed = json.loads(run_derin("weights", "--json").stdout)["weights"]
    assert [row["name"] for row in listed] == [known.name for known in KNOWN]
    assert {row["path"] for row in listed} == {None}
    assert all(len(row["sha256"]) == 64 and row["license"] for row in listed)


def test_what_has_no_address_says_so(nowhere: Path) -> None:
    result = run_derin("weights", "fetch", "mobilenet_v2_imagenet")
    assert result.exit_code == 1
    assert "no public address" in result.stderr
    result = run_derin("weights", "fetch", "mobilenet_v2")
    assert result.exit_code == 2
    assert "did you mean 'mobilenet_v2_imagenet'" in result.stderr
    for use in (derin.open, start_from):
        with pytest.raises(DataError, match="derin weights fetch resnet20_cifar10"):
            use("resnet20_cifar10")


def test_another_file_in_the_place_of_a_known_one_is_refused(nowhere: Path) -> None:
    place = nowhere / BY_NAME["resnet20_cifar10"].places[0]
    place.parent.mkdir(parents=True)
    place.write_bytes(b"other weights")
    with pytest.raises(DataError, match="not the published resnet20_cifar10"):
        derin.open("resnet20_cifar10")


def test_a_file_that_is_not_known_does_not_open_by_itself(tmp_path: Path) -> None:
    resnet20_file(tmp_path / "resnet20_cifar10.safetensors")
    with pytest.raises(UsageError, match="not among the known"):
        derin.open(tmp_path / "resnet20_cifar10.safetensors")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a server, and the folder whose files it gives."""

    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    folder = tmp_path / "published"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder))) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", folder
        running.shutdown()
        thread.join()


def test_known_weights_are_fetched_once_and_checked(
    nowhere: Path, server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder = server
    content = b"weights" * 1000
    known = replace(
        BY_NAME["resnet20_cifar10"],
        address=f"{address}/net.th",
        places=("net.th",),
        num_bytes=len(content),
        sha256=sha256(content).hexdigest(),
    )
    monkeypatch.setitem(published.BY_NAME, known.name, known)
    (folder / "net.th").write_bytes(content)
    path = Path(json.loads(run_derin("weights", "fetch", known.name, "--json").stdout)["path"])
    assert path.read_bytes() == content
    (folder / "net.th").unlink()
    assert published.fetch_known(known.name) == path  # without asking the server again

    path.unlink()
    (folder / "net.th").write_bytes(content[::-1])
    assert "not the published one" in run_derin("weights", "fetch", known.name).stderr


def test_what_answers_with_vectors_is_no_bundle() -> None:
    known = BY_NAME["mobilefacenet"]
    loaded = Published(
        source=Path("068.ckpt"),
        sha256=known.sha256,
        model=known.model,
        options={},
        tensors={},
        preprocess=known.preprocess,
        classes=(),
        known=known,
    )
    with pytest.raises(UsageError, match="answers are embeddings and no classes"):
        published.model_parts(loaded)
