"""Weights from the Hub come by way of its client alone, with what config.json says of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from safetensors.torch import save_file

from derin.core.errors import DataError, DerinError, MissingExtraError, RefusedFileError, UsageError
from derin.models import build
from derin.models.weights import load_published
from derin.models.weights.hub import HubConfig, read_config

CONFIG: dict[str, Any] = {
    "architecture": "resnet18",
    "num_classes": 3,
    "label_names": ["ant", "bee", "cat"],
    "pretrained_cfg": {
        "input_size": [3, 65, 97],
        "mean": [0.4, 0.5, 0.6],
        "std": [0.2, 0.3, 0.25],
        "license": "apache-2.0",
    },
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A client of the Hub whose repository is a folder; who asks for what is kept in `asked`."""

    def download(repo: str, name: str, *, revision: str | None) -> str:
        asked.append((repo, name, revision))
        if not (tmp_path / name).exists():
            raise OSError("offline and nothing is cached\nmore lines")
        return str(tmp_path / name)

    asked: list[tuple[str, str, str | None]] = []
    client: Any = ModuleType("huggingface_hub")
    client.hf_hub_download, client.asked = download, asked
    monkeypatch.setitem(sys.modules, "huggingface_hub", client)
    return tmp_path


def write(folder: Path, config: Any) -> None:
    names = build("resnet20", input_shape=(3, 32, 32), num_outputs=3, seed=5).state_dict()
    renamed = {}
    for name, tensor in names.items():
        if name.startswith("stage"):
            name = name.replace("stage", "layer", 1).replace(".norm", ".bn").replace(".bn.", ".bn1.")
        else:
            name = name.replace("conv.", "conv1.").replace("norm.", "bn1.").replace("output.", "linear.")
        renamed[name] = tensor.clone()
    save_file(renamed, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def test_a_repository_brings_preprocessing_classes_and_licence(hub: Path) -> None:
    write(hub, CONFIG)
    published = load_published("hub:some-one/net.a1@v2", model="resnet20")
    asked = published.preprocess
    assert (asked.size, asked.mean, asked.std, asked.rule) == ((65, 97), (0.4, 0.5, 0.6), (0.2, 0.3, 0.25), "crop")
    assert published.classes == ("ant", "bee", "cat")
    assert published.licence == "apache-2.0"
    assert sys.modules["huggingface_hub"].asked[0] == ("some-one/net.a1", "config.json", "v2")  # type: ignore[attr-defined]


def test_an_architecture_of_another_zoo_is_not_guessed(hub: Path) -> None:
    write(hub, {**CONFIG, "architecture": "resnet20_of_mine"})
    with pytest.raises(UsageError, match="nothing is guessed"):
        load_published("hub:some-one/net")


def test_the_architecture_that_config_names_must_fit(hub: Path) -> None:
    write(hub, CONFIG)
    with pytest.raises(RefusedFileError, match=r"do not fit resnet18.*they fit resnet20"):
        load_published("hub:some-one/net")


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ([], "one object"),
        ({**CONFIG, "pretrained_cfg": 7}, "one object"),
        ({**CONFIG, "pretrained_cfg": {"input_size": "x", "mean": [1], "std": [1]}}, "must be numbers"),
        ({**CONFIG, "label_names": ["ant", 7]}, "list of names"),
    ],
)
def test_an_odd_config_is_refused(config: Any, reason: str, hub: Path) -> None:
    write(hub, config)
    with pytest.raises(DerinError, match=reason):
        load_published("hub:some-one/net", model="resnet20")


def test_offline_is_one_sentence(hub: Path) -> None:
    with pytest.raises(DataError, match=r"config\.json cannot be fetched \(offline and nothing is cached\); check"):
        load_published("hub:some-one/net")


def test_a_missing_client_names_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r'pip install "derin\[hub\]"'):
        load_published("hub:some-one/net")


@pytest.mark.parametrize("source", ["hub:", "hub:net", "hub:../a/b", "hub:a/b@"])
def test_a_source_that_is_no_repository_is_refused(source: str) -> None:
    with pytest.raises(UsageError, match="hub:OWNER/NAME"):
        load_published(source)


def test_what_a_config_says_and_leaves_unsaid() -> None:
    said = read_config({"architecture": "mobilenetv2_100", "input_size": [3, 8, 9], "mean": [0], "std": [1]}, "x")
    assert (said.model, said.preprocess) == ("mobilenet_v2", "size=8x9,mean=0,std=1,rule=crop")  # an older file
    squashed = read_config({"input_size": [3, 8, 9], "mean": [0], "std": [1], "crop_mode": "squash"}, "x")
    assert (squashed.model, squashed.preprocess) == (None, "size=8x9,mean=0,std=1,rule=resize")
    for config in ({}, {"input_size": [3, 8, 9], "mean": [0]}, {"license": 7, "label_names": None}):
        assert read_config(config, "x") == HubConfig(model=None, preprocess=None, classes=(), licence=None)
    for size in ([3, 8], [], [True, 8, 9], [3, 8, 9, 1]):
        with pytest.raises(RefusedFileError, match="must be numbers"):
            read_config({"input_size": size, "mean": [0], "std": [1]}, "x")


def test_timms_names_are_those_of_the_same_networks() -> None:
    names = {f"resnet{d}": f"resnet{d}" for d in (18, 34, 50, 101, 152)} | {"vit_small_patch16_224": "vit_s_16"}
    names |= {f"vgg{d}{norm}": f"vgg{d}{norm}" for d in (11, 13, 16, 19) for norm in ("", "_bn")}
    names |= {name: name for name in ("convnext_tiny", "densenet121", "efficientnet_b0")}
    names |= {"mobilenetv1_100": "mobilenet_v1", "mobilenetv2_100": "mobilenet_v2", "resnet20": None}
    assert {name: read_config({"architecture": name}, "x").model for name in names} == names
