"""DCGAN against its paper: sizes of every map, counts, and how the weights begin."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from derin.core.errors import ShapeError, UnknownNameError, UsageError
from derin.models.building import build


def test_the_generator_of_64_pixels_has_the_maps_of_the_papers_figure() -> None:
    """Figure 1: 100 numbers, 4×4×1024, 8×8×512, 16×16×256, 32×32×128, 64×64×3."""
    net = build("dcgan_generator", input_shape=(100,), num_outputs=3, seed=0)
    shapes = []
    for layer in (net.first, *net.stages, net.output):
        layer.register_forward_hook(lambda layer, x, y: shapes.append(tuple(y.shape[1:])))
    net(torch.zeros(2, 100))
    assert shapes == [(1024, 4, 4), (512, 8, 8), (256, 16, 16), (128, 32, 32), (3, 64, 64)]


@pytest.mark.parametrize(("side", "channels", "sides"), [(8, 1, [4, 2]), (28, 1, [14, 7]), (32, 3, [16, 8, 4])])
def test_pictures_of_every_size_are_made_and_judged(side: int, channels: int, sides: list[int]) -> None:
    system = build("dcgan", input_shape=(channels, side, side), num_outputs=1, seed=0, width=4, latent=11)
    seen: list[tuple[int, ...]] = []
    for layer in system.discriminator.stages:
        layer.register_forward_hook(lambda layer, x, y: seen.append(tuple(y.shape[1:])))
    made = system.generator(torch.randn(3, 11))
    assert made.shape == (3, channels, side, side)
    assert made.abs().max() <= 1
    assert system.discriminator(made).shape == (3, 1)
    assert seen == [(4 * 2**stage, small, small) for stage, small in enumerate(sides)]


@pytest.mark.parametrize("kernel", [2, 3, 4, 5, 6])
def test_every_kernel_halves_and_doubles_exactly(kernel: int) -> None:
    system = build("dcgan", input_shape=(1, 28, 20), num_outputs=1, seed=0, width=3, latent=5, kernel=kernel)
    made = system.generator(torch.randn(2, 5))
    assert made.shape == (2, 1, 28, 20)
    assert system.discriminator(made).shape == (2, 1)


def test_parameters_are_counted_by_hand() -> None:
    """Kernels of 4 × 4; norms in place of biases but at the two ends."""
    system = build("dcgan", input_shape=(3, 32, 32), num_outputs=1, seed=0, width=64, latent=100)
    dense, ups = 100 * 256 * 4 * 4 + 2 * 256, 16 * (256 * 128 + 128 * 64 + 64 * 3) + 2 * 128 + 2 * 64 + 3
    downs = 16 * (3 * 64 + 64 * 128 + 128 * 256) + 64 + 2 * 128 + 2 * 256
    counts = [sum(p.numel() for p in net.parameters()) for net in (system.generator, system.discriminator)]
    assert counts == [dense + ups, downs + 256 * 4 * 4 + 1]


def test_weights_begin_as_in_the_paper_and_norms_stand_where_it_has_them() -> None:
    system = build("dcgan", input_shape=(3, 32, 32), num_outputs=1, seed=0, width=64)
    weights = [m.weight for m in system.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]
    for weight in weights:
        # Of n numbers the standard deviation is known to one part in √(2n), the mean to one in √n; 5 of these.
        assert abs(weight.std().item() / 0.02 - 1) < 5 / (2 * weight.numel()) ** 0.5
        assert abs(weight.mean().item()) < 5 * 0.02 / weight.numel() ** 0.5
    scales = torch.cat([m.weight for m in system.modules() if isinstance(m, nn.BatchNorm2d)])
    assert abs(scales.mean().item() - 1) < 0.005
    assert abs(scales.std().item() - 0.02) < 0.003
    assert all(not m.bias.any() for m in system.modules() if getattr(m, "bias", None) is not None)
    kinds = [[type(m).__name__ for m in stage] for stage in system.discriminator.stages]
    assert kinds == [["Conv2d", "LeakyReLU"], *[["Conv2d", "BatchNorm2d", "LeakyReLU"]] * 2]
    assert {m.negative_slope for m in system.modules() if isinstance(m, nn.LeakyReLU)} == {0.2}
    assert not any(isinstance(m, nn.MaxPool2d) for m in system.modules())


def test_each_tip_is_an_option() -> None:
    options = {"output": "linear", "downsample": "max-pool", "dropout": 0.3, "slope": 0.0, "batch_norm": False}
    system = build("dcgan", input_shape=(1, 28, 28), num_outputs=1, seed=0, width=3, **options)
    kinds = [[type(m).__name__ for m in stage] for stage in system.discriminator.stages]
    assert kinds == [["Conv2d", "LeakyReLU", "MaxPool2d", "Dropout"]] * 2
    assert not any(isinstance(m, nn.BatchNorm2d) for m in system.modules())
    with torch.no_grad():
        system.generator.output.bias.fill_(3.0)
    assert system.generator(torch.randn(2, 100)).max() > 1


def test_sizes_that_cannot_be_doubled_to_are_refused_with_one_that_can() -> None:
    with pytest.raises(ShapeError, match=r"multiples of 16; got 100 × 100. Use --size 96"):
        build("dcgan", input_shape=(1, 100, 100), num_outputs=1)
    with pytest.raises(ShapeError, match="at least"):
        build("dcgan", input_shape=(1, 6, 6), num_outputs=1)
    with pytest.raises(UsageError, match="makes pictures"):
        build("dcgan", input_shape=(5,), num_outputs=1)
    with pytest.raises(UnknownNameError, match="latent"):
        build("dcgan", input_shape=(1, 8, 8), num_outputs=1, latents=3)
