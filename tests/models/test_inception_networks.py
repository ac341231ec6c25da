"""What GoogLeNet and Inception v3 do beside what every model does: auxiliary heads, and names of published weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.models import MODELS, build
from derin.models.auxiliary import WithAuxiliary
from derin.models.building import describe, from_spec

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


@pytest.mark.parametrize(
    ("name", "side", "num_heads", "weight"),
    [("googlenet", 79, 2, 0.3), ("googlenet_bn", 15, 2, 0.3), ("inception_v3", 299, 1, 0.4)],
)
def test_auxiliary_heads_answer_in_training_alone(name: str, side: int, num_heads: int, weight: float) -> None:
    shape = (3, side, side + 2)
    network = from_spec(describe(name, input_shape=shape, num_outputs=7, auxiliary=True), device="meta")
    pictures = torch.zeros(2, *shape, device="meta")
    outputs = network.train()(pictures)
    assert isinstance(outputs, WithAuxiliary)
    assert [head.shape for head in outputs.auxiliary] == [(2, 7)] * num_heads
    assert outputs.weight == weight
    outputs = network.eval()(pictures)
    assert isinstance(outputs, Tensor)
    assert outputs.shape == (2, 7)


@pytest.mark.parametrize(("name", "side"), [("googlenet", 79), ("inception_v3", 299)])
def test_auxiliary_heads_need_larger_pictures(name: str, side: int) -> None:
    with pytest.raises(ShapeError, match=f"at least {side} × {side} pixels.*Use auxiliary=False"):
        build(name, input_shape=(3, side + 9, side - 1), num_outputs=2, auxiliary=True)


def test_auxiliary_losses_reach_only_what_comes_before_the_head() -> None:
    network = build("googlenet_bn", input_shape=(3, 32, 32), num_outputs=5, seed=0, auxiliary=True)
    outputs = network.train()(torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(1)))
    outputs.auxiliary[0].sum().backward()
    reached = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None}
    before = {"conv1", "conv2_reduce", "conv2", "inception3a", "inception3b", "inception4a"}
    assert reached == {*before, "auxiliary1"}


def test_googlenet_as_published_normalizes_over_five_neighboring_channels() -> None:
    network = build("googlenet", input_shape=(3, 31, 31), num_outputs=2, seed=0)
    x = torch.randn(2, 7, 3, 5, generator=torch.Generator().manual_seed(1)) * 30
    padded = torch.zeros(2, 11, 3, 5, dtype=torch.float64)
    padded[:, 2:9] = x.double() ** 2
    sums = sum(padded[:, place : place + 7] for place in range(5))
    expected = x.double() / (1 + 1e-4 / 5 * sums) ** 0.75
    torch.testing.assert_close(network.normalize1(x).double(), expected, rtol=1e-5, atol=1e-6)


def unit(name: str, out: int, inp: int, *kernel: int) -> dict[str, tuple[int, ...]]:
    """The tensors of torchvision's convolution with batch norm."""
    kernel = kernel or (1, 1)
    return {f"{name}.conv.weight": (out, inp, *kernel)} | {
        f"{name}.bn.{part}": () if part == "num_batches_tracked" else (out,) for part in NORM
    }


def torchvision_googlenet() -> dict[str, tuple[int, ...]]:
    """Names and shapes in torchvision's file, module by module."""
    tensors = unit("conv1", 64, 3, 7, 7) | unit("conv2", 64, 64) | unit("conv3", 192, 64, 3, 3)
    sizes = {
        "3a": (192, 64, 96, 128, 16, 32, 32),
        "3b": (256, 128, 128, 192, 32, 96, 64),
        "4a": (480, 192, 96, 208, 16, 48, 64),
        "4b": (512, 160, 112, 224, 24, 64, 64),
        "4c": (512, 128, 128, 256, 24, 64, 64),
        "4d": (512, 112, 144, 288, 32, 64, 64),
        "4e": (528, 256, 160, 320, 32, 128, 128),
        "5a": (832, 256, 160, 320, 32, 128, 128),
        "5b": (832, 384, 192, 384, 48, 128, 128),
    }
    for module, (inp, one, reduce3, three, reduce5, five, pooled) in sizes.items():
        start = f"inception{module}."
        tensors |= unit(f"{start}branch1", one, inp) | unit(f"{start}branch4.1", pooled, inp)
        tensors |= unit(f"{start}branch2.0", reduce3, inp) | unit(f"{start}branch2.1", three, reduce3, 3, 3)
        tensors |= unit(f"{start}branch3.0", reduce5, inp) | unit(f"{start}branch3.1", five, reduce5, 3, 3)
    for head, inp in (("aux1", 512), ("aux2", 528)):
        tensors |= unit(f"{head}.conv", 128, inp)
        tensors |= {f"{head}.fc1.weight": (1024, 2048), f"{head}.fc1.bias": (1024,)}
        tensors |= {f"{head}.fc2.weight": (1000, 1024), f"{head}.fc2.bias": (1000,)}
    return tensors | {"fc.weight": (1000, 1024), "fc.bias": (1000,)}


def torchvision_inception() -> dict[str, tuple[int, ...]]:
    """Names and shapes in torchvision's file, module by module."""
    tensors = unit("Conv2d_1a_3x3", 32, 3, 3, 3) | unit("Conv2d_2a_3x3", 32, 32, 3, 3)
    tensors |= unit("Conv2d_2b_3x3", 64, 32, 3, 3) | unit("Conv2d_3b_1x1", 80, 64)
    tensors |= unit("Conv2d_4a_3x3", 192, 80, 3, 3)

    def chain(start: str, inp: int, *steps: tuple[int, ...]) -> None:
        for place, (out, *kernel) in enumerate(steps, start=1):
            tensors.update(unit(f"{start}_{place}", out, inp, *kernel))
            inp = out

    for module, inp, pooled in (("5b", 192, 32), ("5c", 256, 64), ("5d", 288, 64)):
        start = f"Mixed_{module}.branch"
        tensors |= unit(f"{start}1x1", 64, inp) | unit(f"{start}_pool", pooled, inp)
        chain(f"{start}5x5", inp, (48,), (64, 5, 5))
        chain(f"{start}3x3dbl", inp, (64,), (96, 3, 3), (96, 3, 3))
    tensors |= unit("Mixed_6a.branch3x3", 384, 288, 3, 3)
    chain("Mixed_6a.branch3x3dbl", 288, (64,), (96, 3, 3), (96, 3, 3))
    for module, width in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        start = f"Mixed_{module}.branch"
        tensors |= unit(f"{start}1x1", 192, 768) | unit(f"{start}_pool", 192, 768)
        chain(f"{start}7x7", 768, (width,), (width, 1, 7), (192, 7, 1))
        steps = [(width,), (width, 7, 1), (width, 1, 7), (width, 7, 1), (192, 1, 7)]
        chain(f"{start}7x7dbl", 768, *steps)
    chain("Mixed_7a.branch3x3", 768, (192,), (320, 3, 3))
    chain("Mixed_7a.branch7x7x3", 768, (192,), (192, 1, 7), (192, 7, 1), (192, 3, 3))
    for module, inp in (("7b", 1280), ("7c", 2048)):
        start = f"Mixed_{module}.branch"
        tensors |= unit(f"{start}1x1", 320, inp) | unit(f"{start}_pool", 192, inp)
        tensors |= unit(f"{start}3x3_1", 384, inp)
        chain(f"{start}3x3dbl", inp, (448,), (384, 3, 3))
        for last in ("3x3_2", "3x3dbl_3"):
            tensors |= unit(f"{start}{last}a", 384, 384, 1, 3) | unit(f"{start}{last}b", 384, 384, 3, 1)
    tensors |= unit("AuxLogits.conv0", 128, 768) | unit("AuxLogits.conv1", 768, 128, 5, 5)
    tensors |= {"AuxLogits.fc.weight": (1000, 768), "AuxLogits.fc.bias": (1000,)}
    return tensors | {"fc.weight": (1000, 2048), "fc.bias": (1000,)}


@pytest.mark.parametrize("auxiliary", [False, True])
@pytest.mark.parametrize(
    ("name", "tensors"), [("googlenet_bn", torchvision_googlenet()), ("inception_v3", torchvision_inception())]
)
def test_every_tensor_of_published_weights_finds_its_place(
    name: str, tensors: dict[str, tuple[int, ...]], auxiliary: bool
) -> None:
    info, options = MODELS[name], {"auxiliary": auxiliary}
    network = meta(name, options)
    names = info.key_maps[int(auxiliary)]
    found = {names.translate(foreign): shape for foreign, shape in tensors.items()}
    assert found.pop("") is not None  # running counts and, without them, auxiliary heads
    wanted = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    assert found == {key: shape for key, shape in wanted.items() if not key.endswith("num_batches_tracked")}


def meta(name: str, options: dict[str, Any]) -> nn.Module:
    return from_spec(describe(name, input_shape=MODELS[name].native_input, num_outputs=1000, **options), device="meta")
