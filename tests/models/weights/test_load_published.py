"""Published weights come in whole or not at all, known files by their content, and no file runs code."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from derin.core import cache
from derin.core.errors import DerinError, RefusedFileError, UsageError
from derin.core.files import sha256_file
from derin.models import build
from derin.models.weights import importer, load_published
from derin.models.weights.matching import match
from derin.models.weights.published import read_preprocess
from derin.models.weights.reading import read_weights

IMAGENET = {"model": "resnet20", "preprocess": "imagenet"}


def published_names(num_outputs: int = 7) -> dict[str, torch.Tensor]:
    """A ResNet-20 under the names of akamaster/pytorch_resnet_cifar10."""
    network = build("resnet20", input_shape=(3, 32, 32), num_outputs=num_outputs, seed=3)
    found = {}
    for name, tensor in network.state_dict().items():
        if name.startswith("stage"):
            name = name.replace("stage", "layer", 1).replace(".norm", ".bn").replace(".bn.", ".bn1.")
        else:
            name = name.replace("conv.", "conv1.").replace("norm.", "bn1.").replace("output.", "linear.")
        found[name] = tensor.clone()
    return found


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".pth"])
def test_every_form_gives_the_same_network(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"weights{suffix}"
    tensors = published_names()
    if suffix == ".safetensors":
        save_file(tensors, path)
    elif suffix == ".npz":
        np.savez(path, **{name: tensor.numpy() for name, tensor in tensors.items()})
    else:
        torch.save({"epoch": 5, "state_dict": {f"module.{name}": tensor for name, tensor in tensors.items()}}, path)
    network = load_published(path, **IMAGENET).network()
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    original = build("resnet20", input_shape=(3, 32, 32), num_outputs=7, seed=3).eval()
    assert torch.equal(network(x), original(x))


def test_other_classes_leave_only_the_output_layer_fresh(tmp_path: Path) -> None:
    save_file(published_names(), tmp_path / "a.safetensors")
    published = load_published(tmp_path / "a.safetensors", **IMAGENET)
    state = published.network(5).state_dict()
    assert state["output.weight"].shape[0] == 5
    assert torch.equal(state["conv.weight"], published.tensors["conv.weight"])


def test_an_unknown_file_is_not_guessed_from_its_name(tmp_path: Path) -> None:
    path = tmp_path / "resnet20-12fca82f.safetensors"
    save_file(published_names(), path)
    with pytest.raises(UsageError, match="nothing is guessed"):
        load_published(path)


def test_what_is_left_over_is_named(tmp_path: Path) -> None:
    tensors = published_names()
    del tensors["layer2.1.conv1.weight"]
    save_file(tensors, tmp_path / "a.safetensors")
    with pytest.raises(RefusedFileError, match=r"lack 1 tensors \(stage2\.1\.conv1\.weight\)"):
        load_published(tmp_path / "a.safetensors", **IMAGENET)
    save_file(published_names() | {"foreign.bias": torch.zeros(3)}, tmp_path / "b.safetensors")
    with pytest.raises(RefusedFileError, match=r"unknown to it \(foreign\.bias\)"):
        load_published(tmp_path / "b.safetensors", **IMAGENET)


def test_weights_of_another_architecture_say_whose_they_are(tmp_path: Path) -> None:
    save_file(published_names(), tmp_path / "a.safetensors")
    with pytest.raises(RefusedFileError, match="they fit resnet20"):
        load_published(tmp_path / "a.safetensors", model="resnet32", preprocess="imagenet")


def test_class_names_of_another_number_are_refused(tmp_path: Path) -> None:
    save_file(published_names(), tmp_path / "a.safetensors")
    with pytest.raises(UsageError, match="7 classes apart; got 2"):
        load_published(tmp_path / "a.safetensors", **IMAGENET, classes=("cat", "dog"))


@pytest.fixture
def converted_here(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Pickled files are converted without a process of their own, for what is not about the process; its commands."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, importer.main(*command[-2:]), stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    return commands


class _Hostile:
    def __init__(self, target: Path) -> None:
        self.target = str(target)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.target,)


def test_a_pickled_file_is_converted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, converted_here: list[list[str]]
) -> None:
    monkeypatch.setenv("DERIN_CACHE", str(tmp_path / "cache"))
    tensors = published_names()
    torch.save(tensors, tmp_path / "a.pth")
    assert read_weights(tmp_path / "a.pth").keys() == tensors.keys()
    (tmp_path / "a.pth").rename(tmp_path / "b.ckpt")
    kept = read_weights(tmp_path / "b.ckpt")
    assert len(converted_here) == 1
    assert all(kept[name].equal(tensor) for name, tensor in tensors.items())
    (entry,) = cache.entries()
    assert (entry.name[:8], entry.about) == ("weights/", "tensors of a.pth")
    torch.save(tensors | {"linear.bias": torch.ones(7)}, tmp_path / "b.ckpt")
    assert read_weights(tmp_path / "b.ckpt")["linear.bias"].tolist() == [1.0] * 7
    assert len(cache.entries()) == 2


def test_what_the_cache_holds_is_checked_and_no_pickle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, converted_here: list[list[str]]
) -> None:
    monkeypatch.setenv("DERIN_CACHE", str(tmp_path / "cache"))
    tensors = published_names()
    torch.save(tensors, tmp_path / "a.pth")
    read_weights(tmp_path / "a.pth")
    (entry,) = cache.entries()
    (kept,) = entry.path.glob("*.safetensors")
    data = bytearray(kept.read_bytes())
    data[-5] ^= 1
    kept.write_bytes(data)
    assert read_weights(tmp_path / "a.pth")["linear.weight"].equal(tensors["linear.weight"])
    (kept,) = entry.path.glob("*.safetensors")
    torch.save(_Hostile(tmp_path / "ran"), kept)
    kept.rename(kept.with_name(f"{sha256_file(kept)}.safetensors"))
    assert read_weights(tmp_path / "a.pth")["linear.weight"].equal(tensors["linear.weight"])
    assert len(converted_here) == 3
    assert not (tmp_path / "ran").exists()


def test_a_hostile_file_is_refused_and_never_runs(tmp_path: Path) -> None:
    torch.save({"state_dict": {"conv1.weight": _Hostile(tmp_path / "ran")}}, tmp_path / "a.pth")
    with pytest.raises(RefusedFileError, match="no code is run"):
        load_published(tmp_path / "a.pth", **IMAGENET)
    np.savez(tmp_path / "a.npz", weight=np.array([_Hostile(tmp_path / "ran")], dtype=object))
    with pytest.raises(RefusedFileError, match="refused"):
        load_published(tmp_path / "a.npz", **IMAGENET)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_a_damaged_file_is_refused_in_a_sentence(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"\x07" * 129)
    with pytest.raises(RefusedFileError, match="refused"):
        load_published(path, **IMAGENET)


def test_a_damaged_pickle_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.pth").write_bytes(b"\x07" * 129)
    assert importer.main(str(tmp_path / "a.pth"), str(tmp_path / "out.safetensors")) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "out.safetensors").exists()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system tells no process its size")
def test_a_small_file_that_claims_a_huge_tensor_takes_no_memory(tmp_path: Path) -> None:
    torch.save({"conv1.weight": torch.zeros(1).expand(1 << 29)}, tmp_path / "a.pth")  # 2 GiB in a file of a kilobyte
    with pytest.raises(RefusedFileError, match="memory"):
        load_published(tmp_path / "a.pth", **IMAGENET)


@pytest.mark.parametrize(
    "text", ["", "size=0,mean=0,std=1,rule=crop", "size=9,mean=0,std=0,rule=crop", "size=9,mean=a,std=1,rule=x"]
)
def test_a_preprocess_that_cannot_be_read_is_refused(text: str, tmp_path: Path) -> None:
    save_file(published_names(), tmp_path / "a.safetensors")
    with pytest.raises(DerinError, match="preprocess must be"):
        load_published(tmp_path / "a.safetensors", model="resnet20", preprocess=text)


@pytest.mark.data
@pytest.mark.usefixtures("converted_here")
@pytest.mark.parametrize(
    ("file", "model", "num_outputs", "num_classes"),
    [
        ("mobilenet_v2_imagenet_bnfolded.npz", "mobilenet_v2", 1000, 1000),
        ("squeezenet1_0_imagenet.npz", "squeezenet1_0", 1000, 1000),
        ("resnet20_cifar10/resnet20-12fca82f.th", "resnet20", 10, 10),
        ("mobilefacenet/068.ckpt", "mobilefacenet", 128, 0),
        ("mtcnn/pnet.pt", "mtcnn_pnet", 6, 0),
        ("mtcnn/rnet.pt", "mtcnn_rnet", 6, 0),
        ("mtcnn/onet.pt", "mtcnn_onet", 16, 0),
    ],
)
def test_known_files_need_no_word(file: str, model: str, num_outputs: int, num_classes: int, data_folder: Path) -> None:
    published = load_published(data_folder / "pretrained" / file)
    assert (published.model, published.num_outputs, len(published.classes)) == (model, num_outputs, num_classes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # torchvision's transforms and TensorFlow's −1 to 1; the size is the network's own.
        ("imagenet", ((90, 70), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "crop")),
        ("torchvision", ((90, 70), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "crop")),
        ("tensorflow", ((90, 70), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "crop")),
        ("size=1,mean=0,std=1,rule=resize", ((1, 1), (0.0,) * 3, (1.0,) * 3, "resize")),
        ("size=12x34,mean=0.1/0.2/0.3,std=0.5,rule=crop", ((12, 34), (0.1, 0.2, 0.3), (0.5,) * 3, "crop")),
        *((wrong, None) for wrong in ("size=1x2x3,mean=0,std=1,rule=crop", "size=9x0,mean=0,std=1,rule=crop")),
        *((wrong, None) for wrong in ("size=9,mean=0/1,std=1,rule=crop", "size=9,mean=0,std=1/1/-1,rule=crop")),
        *((wrong, None) for wrong in ("size=9,mean=0,std=1", "size=9=9,mean=0,std=1,rule=crop")),
    ],
)
def test_a_preprocess_is_one_of_three_names_or_written_out(text: str, expected: Any) -> None:
    if expected is None:
        with pytest.raises(UsageError, match="preprocess must be"):
            read_preprocess(text, (3, 90, 70))
    else:
        found = read_preprocess(text, (3, 90, 70))
        assert (found.size, found.mean, found.std, found.rule) == expected


def test_what_was_read_is_told_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file(published_names(), path)
    published = load_published(path, **IMAGENET, classes=[str(k) for k in range(7)])
    assert (published.source, published.sha256) == (path, hashlib.sha256(path.read_bytes()).hexdigest())
    assert (published.model, published.known, published.licence) == ("resnet20", None, None)
    assert (published.num_outputs, published.classes) == (7, tuple("0123456"))
    assert published.network().training is False
    fresh = [published.network(7, seed=seed).state_dict()["output.weight"] for seed in (1, 1, 2)]
    assert torch.equal(fresh[0], fresh[1])
    assert not torch.equal(fresh[0], fresh[2])
    assert not torch.equal(fresh[0], published.tensors["output.weight"])  # asked for anew, also where as many


def test_layers_side_by_side_in_a_file_are_one_of_ours_and_must_fit_together() -> None:
    own = build("mtcnn_pnet", input_shape=(3, 12, 12), num_outputs=6, seed=3).state_dict()
    file = {}
    for name, tensor in own.items():
        unit, _, part = name.rpartition(".")
        if unit == "output":
            file |= {f"conv4_2.{part}": tensor[2:], f"conv4_1.{part}": tensor[:2]}
        else:
            file[f"prelu{name[4]}.weight" if "activation" in unit else f"conv{name[4]}.{part}"] = tensor
    found = match("A file", file, "mtcnn_pnet", {}, (12, 12))
    assert found.keys() == own.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in own.items())
    wrong = file | {"conv4_2.weight": torch.ones(4, 31, 1, 1)}
    with pytest.raises(RefusedFileError, match=r"output.weight must hold .* \(.*32, 1, 1\); got .* \(188,\)"):
        match("A file", wrong, "mtcnn_pnet", {}, (12, 12))


def test_tensors_may_lack_counts_be_half_as_exact_and_have_axes_of_one_behind() -> None:
    tensors = {name: tensor for name, tensor in published_names().items() if "num_batches_tracked" not in name}
    tensors["bn1.weight"] = tensors["bn1.weight"][:, None, None].half()
    found = match("A file", tensors, "resnet20", {}, (32, 32))
    assert found["norm.weight"].shape == (16,)
    assert {tensor.dtype for tensor in found.values()} == {torch.float32}
    many = {**tensors, "linear.bias": tensors["linear.bias"].long()}
    for wrong, message in (
        (many, r"output.bias must hold real numbers of shape \(7,\); got torch.int64"),
        ({**tensors, "bn1.weight": torch.ones(1, 16)}, r"norm.weight must hold real numbers of shape \(16,\)"),
        ({**tensors, "bn1.weight": torch.ones(16, 2)}, r"shape \(16,\); got torch.float32 of shape \(16, 2\)"),
        ({n: t for n, t in tensors.items() if "linear" not in n}, "they lack its output layer output"),
        ({n: t for n, t in tensors.items() if "layer3.2" not in n}, r"lack 10 tensors \(.*, .*, .* and 7 more\)"),
        (
            {n: t for n, t in tensors.items() if "layer3.2.conv" not in n},
            r"lack 2 tensors \([^,]*, [^,]*\); they fit no",
        ),
    ):
        with pytest.raises(RefusedFileError, match=message):
            match("A file", wrong, "resnet20", {}, (32, 32))


def test_tensors_are_found_within_their_wrappings_and_nothing_else_passes() -> None:
    tensor = torch.zeros(2)
    for loaded in ({"a": tensor}, {"module.a": tensor}, {"epoch": 1, "state_dict": {"module.a": tensor}}):
        assert list(importer.plain_tensors(loaded)) == ["a"]
    # Names keep a beginning that not all of them have.
    assert list(importer.plain_tensors({"module.a": tensor, "b": tensor})) == ["module.a", "b"]
    for wrong, message in (
        ({"a": 3}, "'a' is no tensor"),
        ({3: tensor}, "'3' is no tensor"),
        ({"a": tensor, "b": [tensor]}, "'b' is no tensor"),
        ({}, "no table of tensors"),
        ([tensor], "no table of tensors"),
    ):
        with pytest.raises(ValueError, match=message):
            importer.plain_tensors(wrong)


def test_what_a_file_may_claim_is_limited_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory and written bytes of three times the file, beside 1 GiB and 1 MiB."""
    resource = pytest.importorskip("resource")
    limits: dict[int, int] = {}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, pair: limits.update({kind: pair[0]}))
    found = []
    for size in (0, 10_000_000):
        importer.limit_resources(size)
        found.append(dict(limits))
    if not found[0]:
        pytest.skip("this system tells no size of its processes")
    assert [written[resource.RLIMIT_FSIZE] for written in found] == [1 << 20, (1 << 20) + 30_000_000]
    grown = found[1][resource.RLIMIT_AS] - found[0][resource.RLIMIT_AS]
    assert grown == pytest.approx(30_000_000, abs=20_000_000)  # the process itself may grow in between
