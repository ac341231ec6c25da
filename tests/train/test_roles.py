"""Roles: each parameter of every network has one, and what pulls at it follows from it alone."""

from __future__ import annotations

import pytest
import torch
from tests.models.small_networks import EACH, build_native_blank
from torch import Tensor, nn

from derin.core.errors import UnknownNameError
from derin.core.roles import ROLES, only_scales, parameter_roles
from derin.layers.crf import CRF
from derin.layers.positions import LearnedPositions
from derin.models import MODELS, build
from derin.models.blueprint import without_memory
from derin.train.config import TrainConfig
from derin.train.optimizers import build_optimizer, parameter_groups
from derin.train.optimizers.muon import split_for_muon
from derin.train.plan import Plan
from derin.train.step import PlannedStep

# The table of docs/guide.md.
DECAYS = {"matrix", "filter", "head"}
HIDDEN = {"matrix", "filter"}
# Parameters of the registered networks that are called neither weight nor bias.
BARE = {
    "stem.class_token": "position",
    "stem.positions": "position",
    "positions.table": "position",
    "places.table": "position",
    "crf.transitions": "score",
    "crf.first": "score",
    "crf.last": "score",
}


def expected_role(network: nn.Module, name: str, heads: set[str]) -> str:
    """By the owner's class and the parameter's name, written down again."""
    owner_name, _, own = name.rpartition(".")
    owner = network.get_submodule(owner_name)
    if name in heads:
        return "head"
    if name in BARE:
        return BARE[name]
    if isinstance(owner, nn.Embedding):
        return "embedding"
    if "Norm" in type(owner).__name__:
        return "norm"
    if own in ("scale", "coefficient") or isinstance(owner, nn.PReLU):
        return "scale"
    if "bias" in own:
        return "bias"
    return "filter" if isinstance(owner, nn.modules.conv._ConvNd) else "matrix"


@pytest.mark.parametrize("name", EACH)
def test_every_parameter_of_every_network_has_one_role_and_decays_as_the_table_says(name: str) -> None:
    network = build_native_blank(name)
    roles = parameter_roles(network)
    names = dict(network.named_parameters())
    assert list(roles) == list(names)
    heads = {n for n in names if n.startswith(tuple(f"{layer}." for layer in MODELS[name].output_layers))}
    heads = {n for n in heads if roles[n] == "head"}
    assert {n for n, role in roles.items() if role == "head"} == heads
    for parameter, role in roles.items():
        assert role == expected_role(network, parameter, heads), parameter
        assert role != "free"
    hidden, others = split_for_muon(network, parameter_groups(network, weight_decay=0.3))
    decay = {n: group["weight_decay"] for group in (*hidden, *others) for n, _ in group["params"]}
    assert set(decay) == set(names)
    assert {n for n, value in decay.items() if value} == {n for n, role in roles.items() if role in DECAYS}
    assert {n for group in hidden for n, _ in group["params"]} == {n for n, role in roles.items() if role in HIDDEN}


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("resnet18", {"output.weight"}),
        ("googlenet", {"output.weight", "auxiliary1.output.weight", "auxiliary2.output.weight"}),
        ("skip_gram", set()),
        ("vit_s_16", {"output.weight"}),
        ("unet", {"output.weight"}),
    ],
)
def test_the_head_is_the_last_weight_of_the_output_layers(name: str, head: set[str]) -> None:
    info, options = MODELS[name], {"auxiliary": True} if name == "googlenet" else {}
    with without_memory():
        network = build(name, input_shape=info.native_input, num_outputs=info.native_outputs, **options)
    roles = parameter_roles(network)
    assert {parameter for parameter, role in roles.items() if role == "head"} == head


class Own(nn.Module):
    """A user's network with every kind of parameter, whose shapes tell nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(9, 6)
        self.place = LearnedPositions(5, 6)
        self.start = nn.Parameter(torch.zeros(1, 1, 6))
        self.mixing = nn.Parameter(torch.eye(6))
        self.attention = nn.MultiheadAttention(6, 2, add_bias_kv=True)
        self.memory = nn.LSTM(6, 6)
        self.wide_norm = nn.LayerNorm((5, 6))
        self.conv = nn.Conv1d(6, 6, 3)
        self.conv_norm = nn.BatchNorm1d(6)
        self.slope = nn.PReLU(6)
        self.normed = nn.utils.parametrizations.weight_norm(nn.Linear(6, 6))
        self.bent = nn.utils.parametrizations.orthogonal(nn.Linear(6, 6, bias=False))
        self.last = nn.Linear(6, 4)
        self.tags = CRF(4)


EXPECTED = {
    "start": "free",
    "mixing": "free",
    "words.weight": "embedding",
    "place.table": "position",
    "attention.in_proj_weight": "matrix",
    "attention.in_proj_bias": "bias",
    "attention.bias_k": "bias",
    "attention.bias_v": "bias",
    "attention.out_proj.weight": "matrix",
    "attention.out_proj.bias": "bias",
    "memory.weight_ih_l0": "matrix",
    "memory.weight_hh_l0": "matrix",
    "memory.bias_ih_l0": "bias",
    "memory.bias_hh_l0": "bias",
    "wide_norm.weight": "norm",
    "wide_norm.bias": "norm",
    "conv.weight": "filter",
    "conv.bias": "bias",
    "conv_norm.weight": "norm",
    "conv_norm.bias": "norm",
    "slope.weight": "scale",
    "normed.bias": "bias",
    "normed.parametrizations.weight.original0": "scale",
    "normed.parametrizations.weight.original1": "matrix",
    "bent.parametrizations.weight.original": "matrix",
    "last.weight": "head",
    "last.bias": "bias",
    "tags.transitions": "score",
    "tags.first": "score",
    "tags.last": "score",
}


def test_a_users_own_modules_have_roles_by_their_class_and_names_and_not_by_their_shape() -> None:
    assert parameter_roles(Own()) == EXPECTED


def test_a_module_may_state_roles_and_a_wrong_one_is_answered() -> None:
    network: nn.Module = Own()
    network.parameter_roles = {"start": "position", "mixing": "matrix"}  # type: ignore[assignment]
    assert parameter_roles(network) == {**EXPECTED, "start": "position", "mixing": "matrix"}
    network.parameter_roles = {"start": "positon"}  # type: ignore[assignment]
    with pytest.raises(UnknownNameError, match="position"):
        parameter_roles(network)


@pytest.mark.parametrize("embedding_first", [True, False])
def test_a_shared_weight_has_the_role_that_spares_it(embedding_first: bool) -> None:
    words, output = nn.Embedding(9, 6), nn.Linear(6, 9, bias=False)
    output.weight = words.weight
    network = nn.ModuleList([words, output] if embedding_first else [output, words])
    assert parameter_roles(network) == {"0.weight": "embedding"}


def test_l1_pulls_at_what_decays_and_at_nothing_else() -> None:
    network, roles = Own(), EXPECTED
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    optimizer = build_optimizer("sgd", network, learning_rate=1.0)
    config = TrainConfig(l1=0.25)
    step = PlannedStep(network, {"model": optimizer}, plan=Plan(), config=config, device_type="cpu", average=None)
    nothing: Tensor = sum(p.sum() * 0 for p in network.parameters())
    step.minimize("model", nothing)
    for name, p in network.named_parameters():
        pull = 0.25 * before[name].sign() if roles[name] in DECAYS else torch.zeros_like(p)
        torch.testing.assert_close(p.detach(), before[name] - pull, msg=name)


def test_only_what_scales_and_shifts_belongs_to_the_layer_before_it() -> None:
    scaling = (nn.BatchNorm2d(3), nn.PReLU(3), nn.ReLU(), nn.Sequential(nn.GroupNorm(1, 3), nn.Dropout(0.1)))
    assert all(only_scales(module) for module in scaling)
    assert not any(only_scales(module) for module in (nn.Linear(3, 3), nn.Embedding(3, 3), LearnedPositions(3, 3)))


def test_the_tables_of_code_and_guide_are_one() -> None:
    assert {name for name, role in ROLES.items() if role.decays} == DECAYS
    assert {name for name, role in ROLES.items() if role.is_hidden} == HIDDEN
