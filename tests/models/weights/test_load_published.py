"""Published weights come in whole or not at all, known files by their content, and no file runs code."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from derin.core.errors import DerinError, RefusedFileError, UsageError
from derin.models import build
from derin.models.weights import importer, load_published

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


class _Hostile:
    def __init__(self, target: Path) -> None:
        self.target = str(target)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.target,)


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
@pytest.mark.parametrize(
    ("file", "model", "num_outputs", "num_classes"),
    [
        ("mobilenet_v2_imagenet_bnfolded.npz", "mobilenet_v2", 1000, 1000),
        ("squeezenet1_0_imagenet.npz", "squeezenet1_0", 1000, 1000),
        ("resnet20_cifar10/resnet20-12fca82f.th", "resnet20", 10, 10),
    ],
)
def test_known_files_need_no_word(file: str, model: str, num_outputs: int, num_classes: int, data_folder: Path) -> None:
    published = load_published(data_folder / "pretrained" / file)
    assert (published.model, published.num_outputs, len(published.classes)) == (model, num_outputs, num_classes)
