"""What the residual networks and those after them compute, beside plain arithmetic and torch's own pieces."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from derin.core.errors import ShapeError
from derin.core.weights import named_now
from derin.layers.attention import SelfAttention
from derin.layers.stochastic_depth import StochasticDepth
from derin.models import build
from derin.models.convnext import ConvNeXtBlock
from derin.models.efficientnet import SqueezeExcitation
from derin.models.resnet import BasicBlock, Bottleneck
from derin.models.same_padding import SameConv2d

FAMILIES = ["resnet50", "plain18", "mobilenet_v1", "mobilenet_v2", "efficientnet_b0", "convnext_tiny", "vit_s_16"]


def noise(*shape: int, seed: int = 3) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def randomized(module: nn.Module) -> nn.Module:
    """With every parameter and running average away from what it begins at."""
    generator = torch.Generator().manual_seed(7)
    for name, value in module.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 2.0, generator=generator)
        elif value.is_floating_point():
            value.normal_(0.0, 0.3, generator=generator)
    return module.eval().requires_grad_(False)


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "before", "after"),
    # From TensorFlow's rule by hand: (⌈n/s⌉ − 1)·s + k − n zeros, the smaller half of them before the picture.
    [(10, 3, 2, 0, 1), (9, 3, 2, 1, 1), (10, 5, 2, 1, 2), (9, 5, 2, 2, 2), (7, 3, 1, 1, 1), (11, 1, 2, 0, 0)],
)
def test_same_padding_puts_the_odd_zero_right_and_below(
    side: int, kernel: int, stride: int, before: int, after: int
) -> None:
    layer = SameConv2d(4, 6, kernel, stride=stride, groups=2, bias=True)
    x = noise(3, 4, side, side)
    padded = F.pad(x, (before, after, before, after))
    expected = F.conv2d(padded, layer.weight, layer.bias, stride=stride, groups=2)
    assert torch.equal(layer(x), expected)
    assert layer(x).shape[2] == math.ceil(side / stride)


@pytest.mark.parametrize("name", ["mobilenet_v2", "efficientnet_b0"])
def test_paddings_agree_where_every_halved_side_is_odd(name: str) -> None:
    # Sides of 2ⁿ + 1 stay so when halved: 65 → 33 → 17 → 9 → 5 → 3, and SAME pads them alike on both sides.
    symmetric, same = (
        build(name, input_shape=(3, 65, 65), num_outputs=5, seed=1, padding=padding).eval()
        for padding in ("symmetric", "same")
    )
    same.load_state_dict(symmetric.state_dict())
    torch.testing.assert_close(same(noise(2, 3, 65, 65)), symmetric(noise(2, 3, 65, 65)))
    even = noise(2, 3, 66, 66)
    assert not torch.allclose(same(even), symmetric(even))


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v2"])
def test_folded_network_computes_what_the_one_with_batch_norm_does(name: str) -> None:
    given: dict[str, Any] = {"input_shape": (3, 9, 11), "num_outputs": 5, "seed": 1, "width": 0.25}
    net, folded = randomized(build(name, **given)), build(name, norm="folded", **given).eval()
    state = {}
    for layer, module in net.named_modules():
        if layer.endswith(".conv"):
            norm = net.get_submodule(layer.removesuffix("conv") + "norm")
            of_norm = (norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias)
            state[f"{layer}.weight"], state[f"{layer}.bias"] = fuse_conv_bn_weights(module.weight, None, *of_norm)
    state |= {f"output.{part}": getattr(net.output, part) for part in ("weight", "bias")}
    folded.load_state_dict(state)
    torch.testing.assert_close(folded(noise(4, 3, 9, 11)), net(noise(4, 3, 9, 11)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_small_stem_is_taken_below_64_pixels(name: str) -> None:
    for shape, stem in (((3, 63, 90), "small"), ((3, 64, 64), "imagenet")):
        assert build(name, input_shape=shape, num_outputs=2).spec["options"]["stem"] == stem


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v2", "efficientnet_b0"])
def test_small_stem_leaves_out_two_halvings(name: str) -> None:
    sizes = {}
    for stem in ("small", "imagenet"):
        net = build(name, input_shape=(3, 70, 96), num_outputs=2, stem=stem).eval()
        net.average.register_forward_pre_hook(lambda _, inputs, stem=stem: sizes.update({stem: inputs[0].shape[2:]}))
        net(torch.zeros(1, 3, 70, 96))
    assert sizes == {"small": (9, 12), "imagenet": (3, 3)}


def test_convnext_refuses_pictures_of_which_its_patches_would_leave_nothing() -> None:
    with pytest.raises(ShapeError, match=r'stem="imagenet" needs pictures of at least 32 × 32 pixels'):
        build("convnext_tiny", input_shape=(3, 31, 40), num_outputs=2, stem="imagenet")


@pytest.mark.parametrize(("stride_in", "strided"), [("3x3", "conv2"), ("1x1", "conv1")])
def test_bottlenecks_take_their_stride_where_asked(stride_in: str, strided: str) -> None:
    net = build("resnet50", input_shape=(3, 32, 32), num_outputs=2, stride_in=stride_in)
    first = {name: module.stride for name, module in net.stage3[0].named_children() if name.startswith("conv")}
    assert [name for name, stride in first.items() if stride == (2, 2)] == [strided]


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_residual_blocks_add_what_they_compute_to_their_input(block: type[nn.Module]) -> None:
    made = randomized(block(8, 8, 1, nn.Identity()))
    x = noise(2, 8, 5, 7)
    branch = x
    convolutions = [name for name, _ in made.named_children() if name.startswith("conv")]
    for place, name in enumerate(convolutions):
        branch = made.get_submodule(name.replace("conv", "norm"))(made.get_submodule(name)(branch))
        if place + 1 < len(convolutions):
            branch = branch.clamp(min=0)
    torch.testing.assert_close(made(x), (x + branch).clamp(min=0))


@pytest.mark.parametrize("name", ["resnet20", "resnet18", "resnet50"])
def test_a_residual_network_still_sees_its_input_when_its_blocks_say_nothing(name: str) -> None:
    net = build(name, input_shape=(3, 16, 18), num_outputs=5, seed=1, zero_init=True).eval()
    assert not torch.allclose(net(noise(2, 3, 16, 18)), net(noise(2, 3, 16, 18, seed=4)))


@pytest.mark.parametrize("name", ["plain20", "plain18"])
def test_a_plain_network_has_no_way_around_its_blocks(name: str) -> None:
    net = build(name, input_shape=(3, 16, 18), num_outputs=5, seed=1).eval()
    first, second = net(noise(2, 3, 16, 18)), net(noise(2, 3, 16, 18, seed=4))
    assert not torch.allclose(first, second)
    nn.init.zeros_(net.stage2[0].norm2.weight)
    assert torch.equal(net(noise(2, 3, 16, 18)), net(noise(2, 3, 16, 18, seed=4)))


def test_stochastic_depth_leaves_out_whole_examples_and_keeps_the_mean() -> None:
    layer = StochasticDepth(0.25)
    torch.manual_seed(0)
    x = torch.ones(4000, 3, 2)
    y = layer(x)
    assert y.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (y.flatten(1) == y[:, 0, :1]).all()
    assert y.mean().item() == pytest.approx(1.0, abs=0.05)
    assert torch.equal(layer.eval()(x), x)


@pytest.mark.parametrize(("name", "last"), [("efficientnet_b0", 0.2), ("convnext_tiny", 0.1), ("vit_s_16", 0.1)])
def test_later_blocks_are_left_out_more_often(name: str, last: float) -> None:
    net = build(name, input_shape=(3, 32, 32), num_outputs=2)
    shares = [module.drop_prob for module in net.modules() if isinstance(module, StochasticDepth)]
    assert shares == sorted(shares)
    assert len(set(shares)) == len(shares)
    assert max(shares) == pytest.approx(last, rel=0.1)
    without = build(name, input_shape=(3, 32, 32), num_outputs=2, stochastic_depth=0.0)
    assert {module.drop_prob for module in without.modules() if isinstance(module, StochasticDepth)} == {0.0}


def test_squeeze_and_excitation_by_hand() -> None:
    layer = randomized(SqueezeExcitation(6, 2))
    x = noise(3, 6, 4, 5)
    narrow, widen = (getattr(layer, part) for part in ("narrow", "widen"))
    mean = x.double().mean(dim=(2, 3)).numpy()
    inner = mean @ narrow.weight[:, :, 0, 0].double().numpy().T + narrow.bias.double().numpy()
    inner = inner / (1 + np.exp(-inner))
    gate = inner @ widen.weight[:, :, 0, 0].double().numpy().T + widen.bias.double().numpy()
    expected = x.numpy() / (1 + np.exp(-gate))[:, :, None, None]
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_convnext_block_of_a_single_pixel_by_hand() -> None:
    block = randomized(ConvNeXtBlock(5, drop_prob=0.3, layer_scale=1e-6))
    x = noise(4, 5, 1, 1)
    parameters = {name: value.double().numpy() for name, value in block.state_dict().items()}
    seen = x[:, :, 0, 0].double().numpy() * parameters["depthwise.weight"][:, 0, 3, 3] + parameters["depthwise.bias"]
    normal = (seen - seen.mean(1, keepdims=True)) / np.sqrt(seen.var(1, keepdims=True) + 1e-6)
    normal = normal * parameters["norm.weight"] + parameters["norm.bias"]
    wide = normal @ parameters["widen.weight"].T + parameters["widen.bias"]
    wide = wide * np.vectorize(lambda v: (1 + math.erf(v / math.sqrt(2))) / 2)(wide)
    narrow = wide @ parameters["narrow.weight"].T + parameters["narrow.bias"]
    expected = x[:, :, 0, 0].numpy() + parameters["scale"] * narrow
    np.testing.assert_allclose(block(x)[:, :, 0, 0].numpy(), expected, rtol=1e-5, atol=1e-6)


def test_a_block_of_vit_is_torchs_with_the_norm_first() -> None:
    ours = build("vit_s_16", input_shape=(3, 32, 32), num_outputs=2, dropout=0.4, stochastic_depth=0.3).encoder[3]
    with torch.no_grad():
        for value in ours.parameters():  # norms that scale and shift, and biases, so that an exchange of two is seen
            value.add_(0.05 * noise(*value.shape))
    theirs = nn.TransformerEncoderLayer(
        384, 6, 1536, activation="gelu", layer_norm_eps=1e-6, batch_first=True, norm_first=True
    )
    names = {
        "self_attn.in_proj_": "attention.qkv.",
        "self_attn.out_proj.": "attention.project.",
        "linear1.": "dense.widen.",
        "linear2.": "dense.narrow.",
        "norm1.": "norm1.",
        "norm2.": "norm2.",
    }
    state = ours.state_dict()
    theirs.load_state_dict({a + end: state[b + end] for a, b in names.items() for end in ("weight", "bias")})
    ours.eval(), theirs.eval()
    x = noise(2, 5, 384)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-4)  # float32, sums of 1536


def test_vit_begins_as_its_header_says() -> None:
    """Glorot for q, k and v each by itself, √(1/n) in the patches, 0.02 in the positions, no class token as yet."""
    network = build("vit_s_16", input_shape=(3, 224, 224), num_outputs=10, seed=0)
    close = {"rel": 0.02}
    for block in network.encoder[0], network.encoder[-1]:
        for part in block.attention.qkv.weight.chunk(3):
            assert part.std().item() == pytest.approx((2 / (384 + 384)) ** 0.5, **close)
        assert block.attention.project.weight.std().item() == pytest.approx((2 / (384 + 384)) ** 0.5, **close)
        for layer in (block.dense.widen, block.dense.narrow):
            assert layer.weight.std().item() == pytest.approx((2 / (384 + 1536)) ** 0.5, **close)
            assert not layer.bias.any()
    assert network.stem.conv.weight.std().item() == pytest.approx((3 * 16 * 16) ** -0.5, **close)
    assert network.stem.positions.std().item() == pytest.approx(0.02, **close)
    assert network.stem.positions.shape == (1, 197, 384)
    assert not network.stem.class_token.any()
    assert network.stem.class_token.requires_grad
    assert network.output.weight.std().item() == pytest.approx(0.01, rel=0.05)


def test_vit_drops_behind_the_positions_and_behind_every_dense_layer_but_that_of_q_k_and_v() -> None:
    network = build("vit_s_16", input_shape=(3, 32, 32), num_outputs=10, seed=0, dropout=0.4, stochastic_depth=0.0)
    seen: list[tuple[int, ...]] = []
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            assert module.p == 0.4
            module.register_forward_hook(lambda module, args, output: seen.append(tuple(output.shape[1:])))
    network.train()(torch.zeros(1, 3, 32, 32))
    # Of 8 × 8 patches and the class token: attention's output, between the dense layers, and behind them.
    assert seen == [(65, 384)] + 12 * [(65, 384), (65, 1536), (65, 384)]
    assert {module.dropout for module in network.modules() if isinstance(module, SelfAttention)} == {0.0}


def test_vit_knows_its_tensors_by_their_former_names() -> None:
    names = list(build("vit_s_16", input_shape=(3, 32, 32), num_outputs=2).state_dict())
    former = [name.replace(".dense.", ".") for name in names]  # the block's dense layers were its own children
    assert sum(a != b for a, b in zip(names, former, strict=True)) == 12 * 4
    assert named_now(build("vit_s_16", input_shape=(3, 32, 32), num_outputs=2), former) == names


def test_vit_pads_sides_between_multiples_of_the_patch_with_zeros() -> None:
    net = build("vit_s_16", input_shape=(3, 70, 90), num_outputs=5, seed=1).eval()
    whole = build("vit_s_16", input_shape=(3, 80, 96), num_outputs=5, seed=1).eval()
    x = noise(2, 3, 70, 90)
    assert torch.equal(net(x), whole(F.pad(x, (0, 6, 0, 10))))


def test_vit_places_its_patches_row_by_row() -> None:
    net = randomized(build("vit_s_16", input_shape=(3, 64, 80), num_outputs=5, seed=1))
    seen: list[Tensor] = []
    net.stem.register_forward_hook(lambda _, inputs, output: seen.append(output))
    x = noise(1, 3, 64, 80)
    net(x)
    row, column = 2, 3
    patch = x[0, :, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16]
    position = 1 + 5 * row + column
    expected = (net.stem.conv.weight * patch).sum(dim=(1, 2, 3)) + net.stem.conv.bias + net.stem.positions[0, position]
    torch.testing.assert_close(seen[0][0, position], expected, rtol=1e-4, atol=1e-4)


def test_vit_reads_the_size_it_was_built_for_alone() -> None:
    net = build("vit_s_16", input_shape=(3, 64, 80), num_outputs=5)
    with pytest.raises(ShapeError, match=r"got \(2, 3, 80, 64\)"):
        net(torch.zeros(2, 3, 80, 64))


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "vit_s_16"])
def test_larger_and_uneven_pictures_are_read_too(name: str) -> None:
    net = build(name, input_shape=(2, 32, 32), num_outputs=3).eval()
    assert net(torch.zeros(1, 2, 47, 33)).shape == (1, 3)
