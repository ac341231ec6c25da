"""What the classic networks compute, against formulas of their papers in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from derin.core.errors import ShapeError, UsageError
from derin.models import MODELS, build
from derin.models.densenet import DenseLayer
from derin.models.lenet import PartialConvolution, ScaledTanh, Subsampling
from derin.models.radial_basis import RadialBasisOutput, class_codes

CLASSIC_PICTURES = ["lenet5_1998", "alexnet", "alexnet_2012", "vgg11", "squeezenet1_0", "squeezenet1_1", "densenet121"]


def small(name: str, shape: tuple[int, ...], num_outputs: int = 4, **options: object) -> nn.Module:
    return build(name, input_shape=shape, num_outputs=num_outputs, seed=0, **options).eval()


@pytest.mark.parametrize("name", CLASSIC_PICTURES)
def test_one_pixel_less_than_the_smallest_input_leaves_nothing_to_compute(name: str) -> None:
    _, height, width = MODELS[name].smallest_input or (0, 0, 0)
    narrow = {"dense_width": 3} if name.startswith(("alexnet", "vgg")) else {}
    net = small(name, (2, height, width), **narrow)
    assert net(torch.zeros(1, 2, height, width)).shape == (1, 4)
    net.require = lambda x: x  # type: ignore[assignment]
    with pytest.raises(RuntimeError):
        net(torch.zeros(1, 2, height - 1, width))


@pytest.mark.parametrize("name", ["alexnet", "alexnet_2012", "vgg11", "squeezenet1_0", "squeezenet1_1", "densenet121"])
def test_pictures_of_other_sizes_than_built_for_are_read(name: str) -> None:
    narrow = {"dense_width": 3} if name.startswith(("alexnet", "vgg")) else {}
    assert small(name, (1, 70, 81), **narrow)(torch.zeros(2, 1, 99, 75)).shape == (2, 4)


def test_response_normalization_is_the_sum_of_section_3_3() -> None:
    a = np.random.default_rng(0).normal(0, 30, (2, 7, 3, 5))
    expected = np.empty_like(a)
    for i in range(7):
        near = a[:, max(0, i - 2) : min(6, i + 2) + 1]
        expected[:, i] = a[:, i] / (2 + 1e-4 * (near**2).sum(1)) ** 0.75
    norm = small("alexnet_2012", (1, 67, 67), dense_width=3).block1.norm
    np.testing.assert_allclose(norm(torch.from_numpy(a)).numpy(), expected, rtol=1e-12)


def test_alexnet_of_2012_begins_as_section_5_says() -> None:
    net = build("alexnet_2012", input_shape=(3, 67, 67), num_outputs=900, seed=0, dense_width=300)
    layers = {name: layer for name, layer in net.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)}
    ones = {name for name, layer in layers.items() if (layer.bias == 1).all()}
    assert ones == {"block2.conv", "block4.conv", "block5.conv", "fc6", "fc7"}
    assert all(not layer.bias.any() for name, layer in layers.items() if name not in ones)
    assert all(layer.weight.std().item() == pytest.approx(0.01, rel=0.05) for layer in layers.values())


def test_towers_of_2012_meet_in_the_third_convolution() -> None:
    net = small("alexnet_2012", (1, 67, 67), dense_width=3)
    x = torch.rand(1, 96, 9, 9)
    other = x.clone()
    other[:, 48:] += 1  # the second tower alone
    apart = (net.block2.conv(x) != net.block2.conv(other)).any((0, 2, 3))
    assert not apart[:128].any()
    assert apart[128:].all()
    y = torch.rand(1, 256, 4, 4)
    changed = y.clone()
    changed[:, 128:] += 1
    assert (net.block3.conv(y) != net.block3.conv(changed)).any((0, 2, 3)).all()


@pytest.mark.parametrize(("name", "side", "grid"), [("alexnet", 224, 6), ("alexnet_2012", 227, 6), ("vgg11", 224, 7)])
def test_maps_of_the_papers_size_reach_the_dense_layers_unchanged(name: str, side: int, grid: int) -> None:
    net = small(name, (1, side, side), dense_width=3)
    seen = []
    net.grid.register_forward_hook(lambda module, inputs, output: seen.append((inputs[0], output)))
    with torch.no_grad():
        net(torch.rand(1, 1, side, side))
    assert seen[0][0].shape[2:] == (grid, grid)
    assert torch.equal(*seen[0])


@pytest.mark.parametrize("name", ["alexnet", "vgg11"])
def test_dense_layers_and_grid_are_options(name: str) -> None:
    net = small(name, (1, 64, 64), dense_width=5, grid=1, dropout=0.25)
    widths = [(layer.in_features, layer.out_features) for layer in net.modules() if isinstance(layer, nn.Linear)]
    assert widths == [(512 if name == "vgg11" else 256, 5), (5, 5), (5, 4)]
    assert [layer.p for layer in net.modules() if isinstance(layer, nn.Dropout)] == [0.25, 0.25]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("vgg16", {"dropout": 1.0}, "between 0.0 and 0.99"),
        ("vgg16", {"grid": 0}, "between 1 and 64"),
        ("alexnet", {"dense_width": 0}, "between 1 and"),
        ("squeezenet1_1", {"output_padding": 2}, "one of 0, 1"),
        ("squeezenet1_0", {"dropout": -0.1}, "between 0.0 and 0.99"),
        ("densenet121", {"growth_rate": 0}, "between 1 and"),
        ("lenet5_1998", {"padding": 1}, "one of 'auto', 0, 2"),
    ],
)
def test_values_that_an_option_cannot_have_are_refused(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(name, input_shape=(3, 96, 96), num_outputs=2, **options)


def test_fire_module_joins_two_expansions_of_one_squeeze() -> None:
    fire = small("squeezenet1_0", (1, 21, 21)).stage1.fire2.double()
    x = np.random.default_rng(0).normal(size=(1, 96, 3, 4))
    weights = {name: parameter.detach().numpy() for name, parameter in fire.named_parameters()}
    squeezed = np.einsum("oi,bihw->bohw", weights["squeeze.weight"][:, :, 0, 0], x).clip(0)
    padded = np.pad(squeezed, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    expected = np.concatenate(
        [
            np.einsum("oi,bihw->bohw", weights["expand1x1.weight"][:, :, 0, 0], squeezed),
            np.einsum("oiuv,bihwuv->bohw", weights["expand3x3.weight"], windows),
        ],
        axis=1,
    ).clip(0)
    np.testing.assert_allclose(fire(torch.from_numpy(x)).detach().numpy(), expected, atol=1e-12)


def test_padded_class_layer_of_squeezenet_adds_a_border_of_biases() -> None:
    plain = small("squeezenet1_0", (1, 40, 40), output_activation="linear")
    padded = small("squeezenet1_0", (1, 40, 40), output_activation="linear", output_padding=1)
    padded.load_state_dict(plain.state_dict())
    for net in (plain, padded):
        net.output.bias.data.copy_(torch.tensor([1.0, -2.0, 3.0, -4.0]))
    x = torch.rand(2, 1, 40, 40)
    rows, columns = plain.stage3(plain.stage2(plain.stage1(plain.stem(x)))).shape[2:]
    num_inner, num_all = rows * columns, (rows + 2) * (columns + 2)
    expected = (num_inner * plain(x) + (num_all - num_inner) * plain.output.bias) / num_all
    torch.testing.assert_close(padded(x), expected)


def test_squeezenet_rectifies_class_maps_but_not_a_single_output() -> None:
    shape = (1, 21, 21)
    assert small("squeezenet1_0", shape).spec["options"]["output_activation"] == "relu"
    assert small("squeezenet1_0", shape, 1).spec["options"]["output_activation"] == "linear"
    net = small("squeezenet1_0", shape)
    net.output.bias.data.fill_(-100.0)
    assert not net(torch.rand(2, *shape)).any()


def test_dense_layer_hands_its_input_on() -> None:
    layer = DenseLayer(6, 3, dropout=0.0).eval()
    x = torch.randn(2, 6, 4, 5)
    assert torch.equal(layer(x.clone())[:, :6], x)


def test_densenet_takes_the_small_stem_below_64_pixels() -> None:
    assert small("densenet121", (3, 63, 90), growth_rate=4).spec["options"]["stem"] == "small"
    assert small("densenet121", (3, 64, 64), growth_rate=4).spec["options"]["stem"] == "imagenet"
    net = small("densenet121", (3, 29, 29), growth_rate=4, stem="imagenet")
    assert net.stem(torch.zeros(1, 3, 29, 31)).shape == (1, 8, 8, 8)
    with pytest.raises(ShapeError):
        net(torch.zeros(1, 3, 28, 31))


# Table I of the paper: a row for each map of S2, a column for each map of C3.
TABLE_I = """
X...XXX..XXXX.XX
XX...XXX..XXXX.X
XXX...XXX..X.XXX
.XXX..XXXX..X.XX
..XXX..XXXX.XX.X
...XXX..XXXX.XXX
"""


def test_c3_of_1998_is_connected_as_table_1_says() -> None:
    torch.manual_seed(0)
    c3 = PartialConvolution()
    x = torch.randn(1, 6, 5, 5)
    plain = c3(x)
    for source, row in enumerate(TABLE_I.split()):
        changed = x.clone()
        changed[:, source] += 1
        reached = (c3(changed) != plain)[0, :, 0, 0]
        assert "".join("X" if hit else "." for hit in reached) == row


def test_subsampling_of_1998_weighs_the_sum_of_four_pixels() -> None:
    layer = Subsampling(3).double()
    numbers = np.random.default_rng(0)
    coefficient, bias, x = numbers.normal(size=3), numbers.normal(size=3), numbers.normal(size=(2, 3, 5, 6))
    layer.coefficient.data = torch.from_numpy(coefficient).view(3, 1, 1)
    layer.bias.data = torch.from_numpy(bias).view(3, 1, 1)
    sums = x[:, :, 0:4:2, 0::2] + x[:, :, 1:4:2, 0::2] + x[:, :, 0:4:2, 1::2] + x[:, :, 1:4:2, 1::2]
    expected = coefficient[:, None, None] * sums + bias[:, None, None]
    np.testing.assert_allclose(layer(torch.from_numpy(x)).detach().numpy(), expected)


def test_scaled_tanh_keeps_plus_and_minus_one() -> None:
    a = torch.tensor([-1.0, 0.0, 1.0, 50.0])
    torch.testing.assert_close(ScaledTanh()(a), torch.tensor([-1.0, 0.0, 1.0, 1.7159]), rtol=0, atol=1e-4)


@pytest.mark.parametrize("num_outputs", [10, 7])
def test_radial_basis_outputs_are_minus_squared_distances(num_outputs: int) -> None:
    layer = RadialBasisOutput(num_outputs).double()
    x = np.random.default_rng(0).normal(size=(3, 84))
    codes = layer.codes.numpy()
    expected = [[-sum((a - w) ** 2 for a, w in zip(row, code)) for code in codes] for row in x]
    np.testing.assert_allclose(layer(torch.from_numpy(x)).numpy(), expected)


@pytest.mark.parametrize("num_classes", [1, 7, 10, 96])
def test_codes_are_distinct_signs_and_the_same_every_time(num_classes: int) -> None:
    torch.manual_seed(num_classes)
    codes = class_codes(num_classes)
    assert codes.shape == (num_classes, 84)
    assert set(codes.unique().tolist()) == {-1.0, 1.0}
    assert len({tuple(code.tolist()) for code in codes}) == num_classes
    torch.manual_seed(99)
    assert torch.equal(class_codes(num_classes), codes)


def test_codes_of_digits_that_look_alike_are_near() -> None:
    distances = torch.cdist(class_codes(10), class_codes(10)).fill_diagonal_(torch.inf)
    nearest = distances.argmin(1)
    assert (nearest[3], nearest[6]) == (8, 8)  # as in every typeface
    assert distances.min() > 4  # more than four pixels apart, so that codes stay tellable


def test_codes_are_saved_with_the_network_and_not_trained() -> None:
    net = small("lenet5_1998", (1, 28, 28), 10)
    assert net.state_dict()["output.codes"].numel() == 840
    assert "output.codes" not in dict(net.named_parameters())


def test_lenet5_of_1998_begins_uniform_within_2_4_over_the_inputs_of_a_unit() -> None:
    net = small("lenet5_1998", (1, 32, 32), 10)
    for name, inputs in [("c1", 25), ("s2", 4), ("c3.of_three", 75), ("c3.of_four", 100), ("c5", 400), ("f6", 120)]:
        parameters = torch.cat([p.flatten() for p in net.get_submodule(name).parameters()])
        bound = 2.4 / inputs
        assert parameters.abs().max() <= bound
        assert parameters.abs().max() > 0.7 * bound
        assert abs(parameters.mean()) < 0.45 * bound


@pytest.mark.parametrize("name", ["lenet5", "lenet5_1998"])
def test_lenet5_without_padding_refuses_what_it_would_shrink_to_nothing(name: str) -> None:
    with pytest.raises(ShapeError, match=f"{name} without padding"):
        build(name, input_shape=(1, 14, 14), num_outputs=2, padding=0)


def test_lenet5_of_1998_learns_from_its_distances() -> None:
    net = build("lenet5_1998", input_shape=(1, 28, 28), num_outputs=10, seed=0)
    x, labels = torch.rand(8, 1, 28, 28, generator=torch.Generator().manual_seed(0)), torch.arange(8)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(80):
        loss = nn.functional.cross_entropy(net(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (net(x).argmax(1) == labels).all()
