"""What 1×1 convolutions and depthwise separable ones save, in the numbers of the course's examples."""

from __future__ import annotations

import pytest

from derin.layers import Conv
from derin.models.sequential import Sequential
from derin.models.summary import summarize


def costs(*layers: Conv, shape: tuple[int, int, int]) -> list[int]:
    """Multiply-adds of every layer that has any."""
    counts = summarize(Sequential(layers, input_shape=shape), shape)
    return [row.multiply_adds for row in counts.layers if row.multiply_adds]


def test_a_depthwise_separable_convolution_costs_672_multiply_adds_where_a_full_one_costs_2_160() -> None:
    shape = (3, 6, 6)
    full = costs(Conv(5, 3, padding="valid"), shape=shape)
    separable = costs(Conv(3, 3, padding="valid", groups=3), Conv(5, 1), shape=shape)
    assert full == [2_160]
    assert separable == [432, 240]
    assert sum(separable) / sum(full) == pytest.approx(1 / 5 + 1 / 3**2)


@pytest.mark.parametrize(("outputs", "kernel", "channels"), [(7, 3, 4), (12, 5, 2), (32, 3, 16), (1, 7, 3)])
def test_the_saving_of_a_separable_convolution_is_one_by_outputs_plus_one_by_window(
    outputs: int, kernel: int, channels: int
) -> None:
    shape = (channels, 11, 9)
    full = costs(Conv(outputs, kernel), shape=shape)
    separable = costs(Conv(channels, kernel, groups=channels), Conv(outputs, 1), shape=shape)
    assert sum(separable) / sum(full) == pytest.approx(1 / outputs + 1 / kernel**2)


def test_weights_of_a_separable_convolution_are_saved_in_the_same_proportion() -> None:
    full = summarize(Sequential([Conv(5, 3, bias=False)], input_shape=(3, 6, 6)), (3, 6, 6))
    layers = [Conv(3, 3, groups=3, bias=False), Conv(5, 1, bias=False)]
    separable = summarize(Sequential(layers, input_shape=(3, 6, 6)), (3, 6, 6))
    assert (full.parameters, separable.parameters) == (135, 27 + 15)


def test_an_inception_bottleneck_costs_12_4_million_multiply_adds_where_the_5x5_alone_costs_120_million() -> None:
    shape = (192, 28, 28)
    direct = costs(Conv(32, 5), shape=shape)
    bottleneck = costs(Conv(16, 1), Conv(32, 5), shape=shape)
    assert direct == [120_422_400]
    assert bottleneck == [2_408_448, 10_035_200]
