"""Parameters and multiply-adds against the numbers that papers and courses print."""

from __future__ import annotations

from typing import Any

import pytest

from derin.models.building import describe, from_spec
from derin.models.summary import Summary, summarize


def count(name: str, shape: tuple[int, ...], outputs: int, **options: Any) -> Summary:
    return summarize(from_spec(describe(name, input_shape=shape, num_outputs=outputs, **options), device="meta"), shape)


@pytest.mark.parametrize(
    ("name", "shape", "outputs", "options", "parameters"),
    [
        ("lenet5", (1, 32, 32), 10, {}, 61_706),
        ("lenet5", (1, 28, 28), 10, {}, 61_706),
        ("resnet20", (3, 32, 32), 10, {}, 269_722),
        ("resnet18", (3, 224, 224), 1000, {}, 11_689_512),
        ("mlp", (1, 28, 28), 10, {"hidden": (512,)}, 407_050),
        ("logistic", (3, 64, 64), 1, {}, 12_289),
    ],
)
def test_parameters_are_exactly_the_published_ones(
    name: str, shape: tuple[int, ...], outputs: int, options: dict[str, Any], parameters: int
) -> None:
    assert count(name, shape, outputs, **options).parameters == parameters


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_cifar_resnets_have_the_sizes_of_the_papers_table_6(depth: int, millions: float) -> None:
    digits = 1 if depth == 110 else 2
    assert round(count("resnet20", (3, 32, 32), 10, depth=depth).parameters / 1e6, digits) == millions


def test_resnet18_costs_1_8_billion_multiply_adds() -> None:
    assert count("resnet18", (3, 224, 224), 1000).multiply_adds == pytest.approx(1.8e9, rel=0.02)


def test_lenet5_multiply_adds_by_the_table_of_the_course() -> None:
    counts = count("lenet5", (1, 32, 32), 10)
    weighted = [(row.name, row.parameters, row.multiply_adds) for row in counts.layers if row.parameters]
    assert weighted == [
        ("c1", 156, 28 * 28 * 6 * 25),
        ("c3", 2_416, 10 * 10 * 16 * 6 * 25),
        ("c5", 48_120, 400 * 120),
        ("f6", 10_164, 120 * 84),
        ("output", 850, 84 * 10),
    ]
    assert counts.multiply_adds == 416_520


def test_default_network_stays_cheap_on_mnist() -> None:
    assert count("convnet", (1, 28, 28), 10).multiply_adds < 5e6
