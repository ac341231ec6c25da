"""`derin weights`: what is known is listed and fetched, a file becomes a bundle, and what is missing is said."""

from __future__ import annotations

import json
import re
import threading
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner, Result

import derin
from derin.api import published
from derin.api.pretrained import load_pretrained
from derin.cli.main import app
from derin.core.errors import DataError, UsageError
from derin.models import MODELS, build
from derin.models.building import describe, from_spec
from derin.models.weights import Published
from derin.models.weights import known as known_weights
from derin.models.weights.known import BY_NAME, KNOWN
from derin.models.weights.torchvision import TORCHVISION

NORM = ("weight", "bias", "running_mean", "running_var")
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


def test_counts_of_batches_that_a_file_lacks_are_not_missed_in_fine_tuning(tmp_path: Path) -> None:
    network = resnet20_file(tmp_path / "a.safetensors")
    tensors = load_file(tmp_path / "a.safetensors")
    save_file({k: v for k, v in tensors.items() if "num_batches" not in k}, tmp_path / "a.safetensors")
    started = load_pretrained(tmp_path / "a.safetensors", model="resnet20", preprocess=PREPROCESS)
    tuned = started.network(3, input_shape=(3, 32, 32), seed=0).state_dict()
    own = network.state_dict()
    same = [name for name in own if not name.startswith("output") and not name.endswith("num_batches_tracked")]
    assert all(torch.equal(tuned[name], own[name]) for name in same)


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
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        result = run_derin("eval", tmp_path / "b", tmp_path / "set", "--json")
    assert result.exit_code == 0, result.output
    assert "4 examples are of classes that the network does not know" in result.stderr
    assert "hen (4)" in result.stderr
    assert json.loads(result.stdout)["num_examples"] == 4


def test_every_known_file_is_listed_and_none_is_here(nowhere: Path) -> None:
    listed = json.loads(run_derin("weights", "--json").stdout)["weights"]
    assert [row["name"] for row in listed] == [known.name for known in KNOWN]
    assert {row["path"] for row in listed} == {None}
    assert all(row["license"] and len(row["sha256_prefix"]) == 8 for row in listed)
    whole = [row for row in listed if row["sha256"] is not None]
    assert all(row["sha256"].startswith(row["sha256_prefix"]) and len(row["sha256"]) == 64 for row in whole)
    # Only files whose names tell the beginning of their SHA-256 are known by less than the whole of it.
    rest = [row for row in listed if row not in whole]
    assert "resnet18_imagenet" in {row["name"] for row in rest}
    for row in rest:
        assert re.search(r"-([0-9a-f]{8})\.pth$", row["address"])[1] == row["sha256_prefix"]


def test_what_has_no_address_says_so(nowhere: Path) -> None:
    result = run_derin("weights", "fetch", "mobilenet_v2_imagenet")
    assert result.exit_code == 1
    assert "no public address" in result.stderr
    result = run_derin("weights", "fetch", "mobilenet_v2")
    assert result.exit_code == 2
    assert "did you mean 'mobilenet_v2_imagenet'" in result.stderr
    for use in (derin.open, load_pretrained):
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


def pickled_resnet20(folder: Path) -> tuple[Path, torch.nn.Module]:
    """Weights for ten classes in a pickled file whose name ends in the beginning of its SHA-256, as torchvision's."""
    network = build("resnet20", input_shape=(3, 32, 32), num_outputs=10, seed=3).eval()
    key_map = MODELS["resnet20"].key_maps[0]
    names = ["conv1.weight", *(f"bn1.{part}" for part in NORM), "linear.weight", "linear.bias"]
    for stage, block, half in product((1, 2, 3), range(3), (1, 2)):
        at = f"layer{stage}.{block}"
        names += [f"{at}.conv{half}.weight", *(f"{at}.bn{half}.{part}" for part in NORM)]
    own = network.state_dict()
    torch.save({name: own[key_map.translate(name)] for name in names}, folder / "net.pth")
    prefix = sha256((folder / "net.pth").read_bytes()).hexdigest()[:8]
    return (folder / "net.pth").rename(folder / f"net-{prefix}.pth"), network


def test_weights_known_by_the_beginning_of_their_hash_are_fetched_when_asked_and_recorded_whole(
    nowhere: Path, server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address, folder = server
    file, network = pickled_resnet20(folder)
    content = file.read_bytes()
    known = replace(
        BY_NAME["resnet20_cifar10"],
        name="net_cifar10",
        address=f"{address}/{file.name}",
        places=(f"pretrained/{file.name}",),
        num_bytes=round(len(content) * 1.004),
        is_rounded=True,
        sha256=file.stem[-8:],
    )
    monkeypatch.setitem(published.BY_NAME, known.name, known)
    monkeypatch.setattr(known_weights, "KNOWN", (*KNOWN, known))
    with pytest.raises(DataError, match="--download"):
        load_pretrained(known.name)
    result = run_derin("weights", "import", known.name, "--download", "--out", tmp_path / "b", "--json")
    assert json.loads(result.stdout)["sha256"] == sha256(content).hexdigest()
    model = derin.open(tmp_path / "b")
    assert model.card["published"]["sha256"] == sha256(content).hexdigest()
    assert torch.equal(model.network.state_dict()["output.weight"], network.state_dict()["output.weight"])

    place = known.find()
    assert place is not None
    place.unlink()
    file.write_bytes(content[:-8] + b"tampered")
    assert "not the published one" in run_derin("weights", "fetch", known.name).stderr
    file.write_bytes(content * 2)
    result = run_derin("weights", "import", known.name, "--download", "--out", tmp_path / "c")
    assert "the published file has about 1.1 MB; the server has 2.2 MB" in result.stderr
    file.unlink()
    assert "cannot be fetched" in run_derin("weights", "fetch", known.name).stderr
    assert known.find() is None


def test_sizes_of_torchvisions_files_are_those_of_our_networks() -> None:
    for file in TORCHVISION:
        # These two files hold the heads of training too.
        options = {"auxiliary": True} if file.model in ("googlenet_bn", "inception_v3") else {}
        spec = describe(file.model, input_shape=(3, file.side, file.side), num_outputs=1000, **options)
        tensors = from_spec(spec, device="meta").state_dict()
        num_bytes = sum(t.numel() * t.element_size() for t in tensors.values())
        assert file.mebibytes * (1 << 20) == pytest.approx(num_bytes, rel=0.01, abs=300_000), file.name
        assert BY_NAME[file.name].preprocess.size == (file.side, file.side)


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
