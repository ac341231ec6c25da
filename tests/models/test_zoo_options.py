"""What the options of the models do."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest
import torch

from derin.core.errors import ShapeError, UnknownNameError, UsageError
from derin.models import MODELS, ModelInfo, build
from derin.models import registry as model_registry
from derin.models.registry import ModelRegistry


def test_resnet18_takes_the_small_stem_below_64_pixels() -> None:
    assert build("resnet18", input_shape=(3, 63, 90), num_outputs=2, seed=0).spec["options"]["stem"] == "small"
    assert build("resnet18", input_shape=(3, 64, 64), num_outputs=2, seed=0).spec["options"]["stem"] == "imagenet"


def test_networks_that_end_in_a_global_average_read_larger_pictures_than_they_were_built_for() -> None:
    net = build("resnet20", input_shape=(3, 32, 32), num_outputs=7, seed=0).eval()
    assert net(torch.zeros(2, 3, 45, 33)).shape == (2, 7)


def test_zero_init_makes_every_block_begin_as_its_shortcut() -> None:
    net = build("resnet20", input_shape=(3, 8, 8), num_outputs=2, seed=0, zero_init=True).eval()
    x = torch.rand(2, 16, 8, 8)
    assert torch.equal(net.stage1(x), x)


def test_option_a_shortcut_subsamples_and_pads_with_zero_channels() -> None:
    net = build("resnet20", input_shape=(3, 8, 8), num_outputs=2, seed=0)
    x = torch.rand(2, 16, 7, 9)
    short = net.stage2[0].shortcut(x)
    assert short.shape == (2, 32, 4, 5)
    assert torch.equal(short[:, 8:24], x[:, :, ::2, ::2])
    assert not short[:, :8].any()
    assert not short[:, 24:].any()


def test_convnet_is_chosen_by_the_size_of_the_picture() -> None:
    stages = [
        len(build("convnet", input_shape=(1, side, side), num_outputs=2).options.widths) for side in (8, 28, 64, 160)
    ]
    assert stages == sorted(stages)
    assert stages[0] < stages[-1]


@pytest.mark.parametrize(
    ("side", "widths", "depths", "head"),
    [
        (8, (32, 64), (1, 2), "flatten"),
        (15, (32, 64), (1, 2), "average"),
        (16, (16, 32, 64, 128), (1, 1, 2, 1), "flatten"),
        (28, (16, 32, 64, 128), (1, 1, 2, 1), "flatten"),
        (39, (16, 32, 64, 128), (1, 1, 2, 1), "flatten"),
        (40, (16, 32, 64, 128), (1, 1, 2, 2), "average"),
        (79, (16, 32, 64, 128), (1, 1, 2, 2), "average"),
        (80, (16, 32, 64, 128, 128), (1, 1, 1, 2, 2), "average"),
    ],
)
def test_convnet_has_the_stages_that_were_measured_for_each_size(
    side: int, widths: tuple[int, ...], depths: tuple[int, ...], head: str
) -> None:
    for shape in ((1, side + 3, side), (1, side, side + 3)):  # the shorter side decides
        options = build("convnet", input_shape=shape, num_outputs=2).options
        assert (options.widths, options.depths, options.head) == (widths, depths, head)


def test_convnet_fills_in_what_is_left_open_beside_what_is_given() -> None:
    given = build("convnet", input_shape=(1, 64, 64), num_outputs=2, widths=(8, 16, 32)).options
    assert given.depths == (1, 2, 2)  # the first stage runs on most pixels
    given = build("convnet", input_shape=(1, 64, 64), num_outputs=2, depths=(2, 1, 1, 1, 1)).options
    assert given.widths == (16, 32, 64, 128, 128)


@pytest.mark.parametrize("side", [4, 5, 8, 13, 16, 28, 39, 64, 96, 161])
def test_convnet_reads_every_small_size(side: int) -> None:
    net = build("convnet", input_shape=(2, side, side + 1), num_outputs=3, seed=0).eval()
    assert net(torch.zeros(1, 2, side, side + 1)).shape == (1, 3)


def test_convnet_widths_and_depths_must_agree() -> None:
    with pytest.raises(UsageError, match="one number per stage"):
        build("convnet", input_shape=(1, 28, 28), num_outputs=2, widths=(8, 16), depths=(1,))
    with pytest.raises(ShapeError, match="Use fewer widths"):
        build("convnet", input_shape=(1, 8, 8), num_outputs=2, widths=(8,) * 5)


def test_lenet5_without_padding_refuses_what_it_would_shrink_to_nothing() -> None:
    with pytest.raises(ShapeError, match="padding=2"):
        build("lenet5", input_shape=(1, 14, 14), num_outputs=2, padding=0)


def test_mlp_follows_its_options() -> None:
    net = build("mlp", input_shape=(5,), num_outputs=2, hidden=[7, 3], activation="tanh", dropout=0.5, batch_norm=True)
    kinds = [type(m).__name__ for m in net.hidden]
    assert kinds == ["Linear", "BatchNorm1d", "Tanh", "Dropout"] * 2


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("mlp", {"hidden": 512}, "a list of a whole number"),
        ("mlp", {"hidden": [0]}, "between 1 and"),
        ("mlp", {"dropout": 1.5}, "between 0.0 and 0.99"),
        ("mlp", {"dropout": float("nan")}, "between 0.0 and 0.99"),
        ("mlp", {"batch_norm": 1}, "true or false"),
        ("resnet50", {"stride_in": "3×3"}, "one of '3x3', '1x1'"),
        ("resnet18", {"stem": "smal"}, "did you mean 'small'"),
        ("lenet5", {"activation": "softplus"}, "one of 'tanh'"),
    ],
)
def test_values_that_an_option_cannot_have_are_refused(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(name, input_shape=(3, 32, 32), num_outputs=2, **options)


def test_unknown_activation_is_answered_with_near_matches() -> None:
    with pytest.raises(UnknownNameError, match="'leaky_relu'"):
        build("mlp", input_shape=(5,), num_outputs=2, activation="leakyrelu")


def test_zero_weights_of_a_linear_model_leave_only_the_bias() -> None:
    net = build("linear", input_shape=(5,), num_outputs=2)
    assert not any(p.any() for p in net.parameters())


def test_installed_packages_offer_models_but_cannot_replace_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("mine", "derin.models.mlp:MLP_INFO", "derin.models"),
        EntryPoint("lenet5", "nowhere:HOSTILE", "derin.models"),
        EntryPoint("wrong", "math:pi", "derin.models"),
    ]
    monkeypatch.setattr(model_registry, "entry_points", lambda group: [p for p in points if p.group == group])
    table = ModelRegistry("model", {"lenet5": "derin.models.lenet:LENET5"})
    assert table["lenet5"] is MODELS["lenet5"]
    assert isinstance(table["mine"], ModelInfo)
    assert list(table) == ["lenet5", "mine", "wrong"]
    with pytest.raises(UsageError, match="ModelInfo"):
        table["wrong"]


def test_installed_packages_are_looked_at_for_names_that_are_not_built_in_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    points = [EntryPoint("mine", "derin.models.mlp:MLP_INFO", "derin.models")]
    monkeypatch.setattr(model_registry, "entry_points", lambda group: asked.append(group) or points)
    for look_up in (lambda table, name: name in table, lambda table, name: table[name].name):
        table = ModelRegistry("model", {"lenet5": "derin.models.lenet:LENET5"})
        assert look_up(table, "lenet5")
        assert asked == []
        assert look_up(table, "mine")
        assert look_up(table, "mine")
        assert asked == ["derin.models"]  # once
        assert "nobody's" not in table
        asked.clear()


def test_channels_of_a_wider_mobilenet_are_the_nearest_multiples_of_eight() -> None:
    """Of the papers' 32 and 128 channels: 1.1 · 32 = 35.2 is nearest to 32, and 1.09 · 128 = 139.52 to 136."""
    for name in ("mobilenet_v1", "mobilenet_v2"):
        network = build(name, input_shape=(3, 32, 32), num_outputs=2, width=1.1)
        assert next(network.get_submodule("stem").parameters()).shape[0] == 32
    network = build("mobilenet_v1", input_shape=(3, 32, 32), num_outputs=2, width=1.09)
    assert next(network.get_submodule("stage3.block1").parameters()).shape[0] == 136  # what stage 2 hands on
