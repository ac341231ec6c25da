"""Layers against the same equations in NumPy float64. The modules run in float64 too: rounding stays below 1e-12."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from derin.layers import (
    ACTIVATIONS,
    Activation,
    AvgPool,
    BatchNorm,
    Concat,
    Conv,
    ConvTranspose,
    Dense,
    Embedding,
    GlobalAvgPool,
    GroupNorm,
    L2Normalize,
    LayerNorm,
    Maxout,
    MaxPool,
    Multiply,
    ReflectionPad,
    Upsample,
    ZeroPad,
)

RNG = np.random.default_rng(0)


def run(module: torch.nn.Module, *inputs: np.ndarray) -> np.ndarray:
    return module.double()(*(torch.from_numpy(x) for x in inputs)).detach().numpy()


def assert_close(actual: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)


def weights(module: torch.nn.Module) -> tuple[np.ndarray, np.ndarray]:
    """Replaces weight and bias by normal numbers and gives them."""
    with torch.no_grad():
        weight, bias = RNG.normal(size=module.weight.shape), RNG.normal(size=module.bias.shape)
        module.double()
        module.weight.copy_(torch.from_numpy(weight))
        module.bias.copy_(torch.from_numpy(bias))
    return weight, bias


def test_dense_is_a_matrix_product_and_a_shift() -> None:
    module = Dense(5).build((3, 12))
    weight, bias = weights(module)
    x = RNG.normal(size=(2, 3, 12))
    assert_close(run(module, x), np.einsum("btd,kd->btk", x, weight) + bias)


def test_maxout_is_the_largest_of_its_pieces() -> None:
    module = Maxout(5, pieces=3).build((12,))
    weight, bias = weights(module)
    x = RNG.normal(size=(2, 12))
    pieces = np.einsum("bd,upd->bup", x, weight.reshape(5, 3, 12)) + bias.reshape(5, 3)
    assert_close(run(module, x), pieces.max(axis=-1))


def convolve(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    stride: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    dilation: tuple[int, ...],
    groups: int,
) -> np.ndarray:
    """Every output by its own sum."""
    x = np.pad(x, ((0, 0), (0, 0), *padding))
    reach = [d * (k - 1) + 1 for k, d in zip(weight.shape[2:], dilation)]
    sizes = [(n - r) // s + 1 for n, r, s in zip(x.shape[2:], reach, stride)]
    out = np.zeros((len(x), len(weight), *sizes))
    per_group_in, per_group_out = weight.shape[1], len(weight) // groups
    for channel, place in itertools.product(range(len(weight)), itertools.product(*map(range, sizes))):
        group = channel // per_group_out
        window = tuple(slice(p * s, p * s + r, d) for p, s, r, d in zip(place, stride, reach, dilation))
        taps = x[(slice(None), slice(group * per_group_in, (group + 1) * per_group_in), *window)]
        out[(slice(None), channel, *place)] = (taps * weight[channel]).reshape(len(x), -1).sum(1) + bias[channel]
    return out


@pytest.mark.parametrize(
    ("layer", "shape", "stride", "padding", "dilation"),
    [
        (Conv(5, 3), (4, 11), (1,), ((1, 1),), (1,)),
        (Conv(6, 3, stride=2), (4, 7, 8), (2, 2), ((1, 1), (1, 1)), (1, 1)),
        (Conv(6, 4, padding=(2, 1)), (4, 7, 8), (1, 1), ((2, 2), (1, 1)), (1, 1)),
        (Conv(6, (3, 2), padding="valid", dilation=(2, 1), groups=2), (4, 7, 8), (1, 1), ((0, 0), (0, 0)), (2, 1)),
        (Conv(2, 3, padding=1, stride=(2, 1, 3)), (3, 4, 3, 5), (2, 1, 3), ((1, 1),) * 3, (1, 1, 1)),
    ],
)
def test_convolution_is_the_sum_over_its_window(
    layer: Conv, shape: tuple[int, ...], stride: tuple[int, ...], padding: tuple, dilation: tuple[int, ...]
) -> None:
    module = layer.build(shape)
    weight, bias = weights(module)
    x = RNG.normal(size=(2, *shape))
    assert_close(run(module, x), convolve(x, weight, bias, stride, padding, dilation, layer.groups))


def test_transposed_convolution_paints_its_kernel() -> None:
    layer = ConvTranspose(5, (3, 4), stride=(2, 3), padding=(1, 0), output_padding=(1, 2))
    module = layer.build((4, 3, 2))
    weight, bias = weights(module)
    x = RNG.normal(size=(2, 4, 3, 2))
    canvas = np.zeros((2, 5, 2 * 2 + 3 + 1, 3 + 4 + 2))
    for row, column in itertools.product(range(3), range(2)):
        patch = np.einsum("bc,cokl->bokl", x[:, :, row, column], weight)
        canvas[:, :, 2 * row : 2 * row + 3, 3 * column : 3 * column + 4] += patch
    assert_close(run(module, x), canvas[:, :, 1:-1, :] + bias[:, None, None])


def test_the_courses_transposed_convolution_gives_3_by_3_and_with_output_padding_4_by_4() -> None:
    assert ConvTranspose(1, 3, stride=2, padding=1).output_shape((1, 2, 2)) == (1, 3, 3)
    assert ConvTranspose(1, 3, stride=2, padding=1, output_padding=1).output_shape((1, 2, 2)) == (1, 4, 4)


def pool(x: np.ndarray, size: int, stride: int, before: int, reduce: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Windows over a picture that is surrounded by NaN, which the reduction leaves out."""
    height, width = (-(-n // stride) if before else (n - size) // stride + 1 for n in x.shape[2:])
    if size == stride and before == 0:
        height, width = (-(-n // stride) for n in x.shape[2:])
    x = np.pad(x, ((0, 0), (0, 0), (before, size), (before, size)), constant_values=np.nan)
    out = np.empty((*x.shape[:2], height, width))
    for row, column in itertools.product(range(height), range(width)):
        top, left = row * stride, column * stride
        window = x[:, :, top : top + size, left : left + size]
        out[:, :, row, column] = reduce(window.reshape(*x.shape[:2], -1))
    return out


@pytest.mark.parametrize("size_stride_before", [(3, 2, 1), (2, 2, 0), (5, 3, 2), (3, 3, 1)])
@pytest.mark.parametrize("kind", [MaxPool, AvgPool])
def test_same_pooling_leaves_out_what_is_padded(kind: type, size_stride_before: tuple[int, int, int]) -> None:
    size, stride, before = size_stride_before
    x = RNG.normal(size=(2, 3, 7, 8)) - 5  # below zero, so that a padded zero would win
    reduce = (lambda w: np.nanmax(w, -1)) if kind is MaxPool else (lambda w: np.nanmean(w, -1))
    module = kind(size, stride=stride, padding="same").build((3, 7, 8))
    assert_close(run(module, x), pool(x, size, stride, before, reduce))


def test_global_average_is_the_mean_of_each_map_in_any_memory_layout() -> None:
    x = RNG.normal(size=(2, 3, 7, 5))
    module = GlobalAvgPool().build((3, 7, 5))
    assert_close(run(module, x), x.mean(axis=(2, 3)))
    last = torch.from_numpy(x).to(memory_format=torch.channels_last)
    assert_close(module(last).numpy(), x.mean(axis=(2, 3)))


def normalize(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)


@pytest.mark.parametrize("shape", [(3,), (3, 7), (3, 7, 5), (3, 4, 2, 5)])
def test_batch_norm_uses_batch_and_places_of_each_channel(shape: tuple[int, ...]) -> None:
    x = RNG.normal(2, 3, size=(4, *shape))
    assert_close(run(BatchNorm().build(shape), x), normalize(x, (0, *range(2, x.ndim))))


def test_batch_norm_in_evaluation_uses_the_running_averages() -> None:
    x = RNG.normal(2, 3, size=(5, 3))
    module = BatchNorm(momentum=0.3).build((3,))
    run(module, x)
    mean, variance = 0.3 * x.mean(0), 0.7 + 0.3 * x.var(0, ddof=1)
    assert_close(run(module.eval(), x), (x - mean) / np.sqrt(variance + 1e-5))


def test_layer_norm_uses_one_example() -> None:
    x = RNG.normal(2, 3, size=(2, 5, 12))
    assert_close(run(LayerNorm().build((5, 12)), x), normalize(x, (2,)))
    assert_close(run(LayerNorm(axes="all").build((5, 12)), x), normalize(x, (1, 2)))


def test_group_norm_uses_groups_of_channels() -> None:
    x = RNG.normal(2, 3, size=(2, 6, 5, 7))
    grouped = normalize(x.reshape(2, 3, 2, 5, 7), (2, 3, 4)).reshape(x.shape)
    assert_close(run(GroupNorm(3).build((6, 5, 7)), x), grouped)


def test_l2_normalize_gives_vectors_of_length_one() -> None:
    x = RNG.normal(size=(2, 3, 7))
    assert_close(run(L2Normalize().build((3, 7)), x), x / np.sqrt((x**2).sum(1, keepdims=True)))


def test_embedding_takes_rows_by_number_held_as_integer_or_float() -> None:
    module = Embedding(9, 4).build((5,))
    rows = RNG.integers(0, 9, size=(2, 5))
    table = module.weight.detach().double().numpy()
    assert_close(run(module, rows), table[rows])
    assert_close(run(module, rows.astype(np.float64)), table[rows])


def test_padding_equals_numpys() -> None:
    x = RNG.normal(size=(2, 3, 4, 6))
    assert_close(run(ZeroPad((1, 2)).build((3, 4, 6)), x), np.pad(x, ((0, 0), (0, 0), (1, 1), (2, 2))))
    assert_close(
        run(ReflectionPad((1, 2)).build((3, 4, 6)), x), np.pad(x, ((0, 0), (0, 0), (1, 1), (2, 2)), mode="reflect")
    )


def test_upsampling_repeats_values() -> None:
    x = RNG.normal(size=(2, 3, 4, 6))
    assert_close(run(Upsample(3).build((3, 4, 6)), x), x.repeat(3, axis=2).repeat(3, axis=3))


def test_linear_upsampling_runs_straight_between_values() -> None:
    x = RNG.normal(size=(2, 3, 5))
    places = (np.arange(10) + 0.5) / 2 - 0.5  # centers of the new values, counted in old ones; outside the edge repeats
    expected = np.array([[np.interp(places, np.arange(5), row) for row in channels] for channels in x])
    assert_close(run(Upsample(2, mode="linear").build((3, 5)), x), expected)


def test_concatenation_and_product() -> None:
    a, b = RNG.normal(size=(2, 3, 5)), RNG.normal(size=(2, 3, 4))
    assert_close(run(Concat(axis=1).build((3, 5), (3, 4)), a, b), np.concatenate([a, b], axis=2))
    assert_close(run(Multiply().build((3, 5), (3, 5)), a, a + 1), a * (a + 1))


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


FORMULAS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda z: z,
    "sigmoid": sigmoid,
    "tanh": lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
    "relu": lambda z: np.maximum(z, 0),
    "relu6": lambda z: np.clip(z, 0, 6),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(z)),
    "selu": lambda z: 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(z)),
    "gelu": lambda z: z * 0.5 * (1 + np.vectorize(math.erf)(z / np.sqrt(2))),
    "silu": lambda z: z * sigmoid(z),
    "mish": lambda z: z * np.tanh(np.log1p(np.exp(z))),
    "softplus": lambda z: np.log1p(np.exp(z)),
    "hard_swish": lambda z: z * np.clip(z + 3, 0, 6) / 6,
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
}


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_activation_follows_its_formula(name: str) -> None:
    z = RNG.normal(scale=4, size=(2, 5, 12))
    assert_close(run(Activation(name).build((5, 12)), z), FORMULAS[name](z))
