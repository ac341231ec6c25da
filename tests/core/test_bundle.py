from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import nn

from derin.core import bundle as bundle_module
from derin.core.bundle import (
    bundle_fingerprint,
    load_bundle,
    load_state,
    save_bundle,
    state_tensors,
    structure_fingerprint,
)
from derin.core.errors import RefusedFileError, UsageError


class Tied(nn.Module):
    """Three layers of which the first and the last share their weight."""

    def __init__(self, *, tied: bool = True) -> None:
        super().__init__()
        self.first, self.middle, self.last = nn.Linear(5, 5), nn.Linear(5, 5), nn.Linear(5, 5)
        if tied:
            self.last.weight = self.first.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.middle(self.first(x)))


def convolutions() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 7, 3), nn.BatchNorm2d(7), nn.Conv2d(7, 2, 1))


def saved(path: Path, model: nn.Module, **card: Any) -> Path:
    tensors, ties, layout = state_tensors(model)
    save_bundle(path, tensors=tensors, ties=ties, layout=layout, card=card)
    return path


def test_a_network_comes_back_bit_for_bit(tmp_path: Path) -> None:
    model, other = convolutions(), nn.Sequential(nn.Conv2d(3, 7, 3), nn.BatchNorm2d(7), nn.Conv2d(7, 2, 1))
    model(torch.randn(4, 3, 9, 11))  # moves the running statistics
    load_state(other, load_bundle(saved(tmp_path / "m", model)))
    for name, value in model.state_dict().items():
        assert other.state_dict()[name].equal(value), name


def test_the_weights_can_be_read_by_the_reference_library(tmp_path: Path) -> None:
    model = convolutions()
    found = safetensors.torch.load_file(saved(tmp_path / "m", model) / "model.safetensors")
    for name, value in model.state_dict().items():
        assert found[name].equal(value)


def test_the_card_vouches_for_every_other_file(tmp_path: Path) -> None:
    save_bundle(tmp_path / "m", tensors={"w": torch.ones(2)}, card={"a": 1}, files={"vocabulary.txt": b"one\ntwo"})
    card = json.loads((tmp_path / "m" / "card.json").read_text())
    listed = {
        path.name: {"size": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in (tmp_path / "m").iterdir()
        if path.name != "card.json"
    }
    assert card["files"] == listed
    assert listed.keys() == {"model.safetensors", "README.md", "vocabulary.txt"}
    assert card["a"] == 1


def test_equal_networks_are_equal_folders(tmp_path: Path) -> None:
    model = convolutions()
    one, other = (saved(tmp_path / name, m, a=1) for name, m in (("1", model), ("2", copy.deepcopy(model))))
    assert {p.name: p.read_bytes() for p in one.iterdir()} == {p.name: p.read_bytes() for p in other.iterdir()}


def test_the_fingerprint_is_that_of_the_weights_and_not_of_the_card(tmp_path: Path) -> None:
    model = convolutions()
    first = bundle_fingerprint(load_bundle(saved(tmp_path / "1", model, metrics={"test": {"loss": 0.5}})))
    assert bundle_fingerprint(load_bundle(saved(tmp_path / "2", model))) == first
    with torch.no_grad():
        model[0].weight[0, 0, 0, 0] += 1  # type: ignore[index]
    assert bundle_fingerprint(load_bundle(saved(tmp_path / "3", model))) != first


# ---- ties and memory layout


def test_tied_weights_are_stored_once_and_tied_again(tmp_path: Path) -> None:
    model, other = Tied(), Tied(tied=False)
    path = saved(tmp_path / "m", model)
    bundle = load_bundle(path)
    assert bundle.ties == {"last.weight": "first.weight"}
    assert "last.weight" not in bundle.tensors()
    load_state(other, bundle)
    assert other.last.weight is other.first.weight
    x = torch.randn(3, 5)
    assert other(x).equal(model(x))


def test_tensors_are_known_by_the_names_that_they_had(tmp_path: Path) -> None:
    class Renamed(Tied):
        former_names = ((r"^head\.", "last."), (r"^body\.", "first."))

    torch.manual_seed(1)
    model, today = Tied(), Renamed()
    tensors, ties, layout = state_tensors(model)
    former = {name.replace("first", "body").replace("last", "head"): value for name, value in tensors.items()}
    save_bundle(tmp_path / "m", tensors=former, ties={"head.weight": "body.weight"}, layout=layout, card={})
    load_state(today, load_bundle(tmp_path / "m"))
    assert ties == {"last.weight": "first.weight"}
    assert all(today.state_dict()[name].equal(value) for name, value in model.state_dict().items())
    with pytest.raises(RefusedFileError, match=r"head\.bias"):
        load_state(Tied(), load_bundle(tmp_path / "m"))


def test_a_tied_network_takes_untied_weights_only_where_they_are_equal(tmp_path: Path) -> None:
    apart = Tied(tied=False)
    with pytest.raises(
        RefusedFileError, match=r"first\.weight and last\.weight are one tensor in the network but differ"
    ):
        load_state(Tied(), load_bundle(saved(tmp_path / "m", apart)))
    with torch.no_grad():
        apart.last.weight.copy_(apart.first.weight)
    model = Tied()
    load_state(model, load_bundle(saved(tmp_path / "m", apart)))
    assert model.last.weight.equal(apart.last.weight)


def test_memory_layout_is_recorded_and_restored_in_place(tmp_path: Path) -> None:
    model = convolutions().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    path = saved(tmp_path / "m", model)
    assert load_bundle(path).layout == {"0.weight": "channels_last", "2.weight": "channels_last"}
    other = convolutions()
    parameters = list(other.parameters())
    load_state(other, load_bundle(path))
    for before, after, original in zip(parameters, other.parameters(), model.parameters(), strict=True):
        assert before is after
        assert after.stride() == original.stride()
        assert after.equal(original)


def test_a_channels_last_network_keeps_its_layout_and_addresses_when_it_loads_contiguous_weights(
    tmp_path: Path,
) -> None:
    path = saved(tmp_path / "m", convolutions())
    other = convolutions().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    before = [(p.data_ptr(), p.stride()) for p in other.parameters()]
    load_state(other, load_bundle(path))
    assert [(p.data_ptr(), p.stride()) for p in other.parameters()] == before


# ---- what does not fit


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (nn.Sequential(nn.Linear(3, 2)), r"lacks 0\.weight, 0\.bias"),
        (nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2)), r"lacks 0\.weight, 0\.bias, 1\.weight and 1 more"),
        (nn.Identity(), r"has a\.bias, a\.weight besides"),
    ],
)
def test_other_names_are_refused_by_name(tmp_path: Path, other: nn.Module, words: str) -> None:
    model = nn.ModuleDict({"a": nn.Linear(3, 2)})
    with pytest.raises(RefusedFileError, match=words):
        load_state(other, load_bundle(saved(tmp_path / "m", model)))


@pytest.mark.parametrize("other", [nn.Linear(3, 4), nn.Linear(3, 2, dtype=torch.float64)])
def test_another_shape_or_type_is_refused_and_the_network_left_unchanged(tmp_path: Path, other: nn.Linear) -> None:
    path = saved(tmp_path / "m", nn.Linear(3, 2))
    before = copy.deepcopy(other.state_dict())
    with pytest.raises(RefusedFileError, match=r"weight must be torch\.float\d\d of shape \(\d, 3\); got"):
        load_state(other, load_bundle(path))
    assert all(value.equal(before[name]) for name, value in other.state_dict().items())


def test_state_that_is_no_tensor_is_refused() -> None:
    class Strange(nn.Module):
        def get_extra_state(self) -> dict[str, int]:
            return {"a": 1}

        def set_extra_state(self, state: Any) -> None: ...

    with pytest.raises(UsageError, match="Strange keeps '_extra_state' of type dict"):
        state_tensors(Strange())


def test_the_structure_tells_classes_names_and_shapes_apart_but_not_values() -> None:
    def build(width: int = 4, activation: type[nn.Module] = nn.ReLU) -> nn.Module:
        return nn.Sequential(nn.Linear(3, width), activation(), nn.Linear(width, 2))

    same = structure_fingerprint(build())
    assert structure_fingerprint(build()) == same
    assert len({same, structure_fingerprint(build(5)), structure_fingerprint(build(activation=nn.Tanh))}) == 3


# ---- folders


def test_a_bundle_that_is_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, checked = saved(tmp_path / "m", nn.Linear(3, 2), value=1), bundle_module.checked_card

    replaced = False

    def replace_in_between(card: Any, where: Path) -> Any:
        nonlocal replaced
        if not replaced:
            replaced = True
            saved(path, nn.Linear(3, 2), value=2)
        return checked(card, where)

    monkeypatch.setattr(bundle_module, "checked_card", replace_in_between)
    assert load_bundle(path).card["value"] == 2


@pytest.mark.parametrize("content", [{}, {"notes.txt": "mine"}, {"model.safetensors": "mine"}])
def test_a_folder_without_a_card_is_no_bundle(tmp_path: Path, content: dict[str, str]) -> None:
    for name, text in content.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match="There is no bundle at"):
        load_bundle(tmp_path)
    with pytest.raises(UsageError, match="There is no bundle at"):
        load_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["notes.txt", "thesis"])
def test_a_folder_with_the_users_own_files_is_never_replaced(tmp_path: Path, name: str) -> None:
    for path in (tmp_path / "fresh", saved(tmp_path / "bundle", nn.Linear(3, 2))):
        path.mkdir(exist_ok=True)
        (path / name).mkdir() if name == "thesis" else (path / name).write_text("mine")
        with pytest.raises(UsageError, match=f"holds '{name}', which is no part of a bundle"):
            saved(path, nn.Linear(3, 2))
        assert (path / name).exists()


def test_a_damaged_bundle_can_be_replaced(tmp_path: Path) -> None:
    path = saved(tmp_path / "m", nn.Linear(3, 2))
    (path / "card.json").write_text("{")
    saved(path, nn.Linear(3, 2), value=2)
    assert load_bundle(path).card["value"] == 2


def test_hidden_files_that_systems_leave_are_passed_over(tmp_path: Path) -> None:
    path = saved(tmp_path / "m", nn.Linear(3, 2))
    (path / ".DS_Store").write_bytes(b"\0")
    assert load_bundle(path).card["format"] == 1


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "a\\b", "/x", ".hidden", "c:x", "", "model.safetensors", "card.json", "CARD.JSON"]
)
def test_a_file_that_could_not_be_read_again_is_not_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="plain name"):
        save_bundle(tmp_path / "m", tensors={}, card={}, files={name: b""})


def test_the_readme_tells_what_the_model_is_and_runs_nothing(tmp_path: Path) -> None:
    card = {
        "model": {"name": "lenet5"},
        "task": {"name": "classification", "classes": ["<script>", "a|b", "çay"]},
        "data": {"name": "digits"},
        "metrics": {"test": {"accuracy": 0.98765, "loss": None}, "val": {"accuracy": 0.9}},
        "license": 'mit"\nevil: true',
    }
    save_bundle(tmp_path / "m", tensors={}, card=card)
    page = (tmp_path / "m" / "README.md").read_text("utf-8")
    assert "# lenet5 on digits" in page
    assert "| accuracy | 0.9877 | 0.9 |" in page
    assert r"\<script\>, a\|b, çay" in page
    assert "\nevil: true" not in page
    assert "loss" not in page
