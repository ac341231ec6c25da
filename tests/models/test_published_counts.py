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
        ("mlp", (1, 28, 28), 10, {"hidden": (512,)}, 407_050),
        ("logistic", (3, 64, 64), 1, {}, 12_289),
    ],
)
def test_parameters_are_exactly_the_published_ones(
    name: str, shape: tuple[int, ...], outputs: int, options: dict[str, Any], parameters: int
) -> None:
    assert count(name, shape, outputs, **options).parameters == parameters


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("resnet101", 44_549_160),
        ("resnet152", 60_192_808),
    ],
)
def test_resnets_have_exactly_the_parameters_of_the_published_weights(name: str, parameters: int) -> None:
    assert count(name, (3, 224, 224), 1000).parameters == parameters


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
@pytest.mark.parametrize("kind", ["resnet", "plain"])
def test_cifar_networks_have_the_sizes_of_the_papers_table_6(kind: str, depth: int, millions: float) -> None:
    digits = 1 if depth == 110 else 2
    assert round(count(f"{kind}{depth}", (3, 32, 32), 10).parameters / 1e6, digits) == millions


@pytest.mark.parametrize(
    ("name", "options", "billions"),
    [
        ("plain18", {}, 1.8),
        ("plain34", {}, 3.6),
        ("resnet18", {}, 1.8),
        ("resnet34", {}, 3.6),
        ("resnet50", {"stride_in": "1x1"}, 3.8),
        ("resnet50", {}, 4.1),
        ("resnet101", {"stride_in": "1x1"}, 7.6),
        ("resnet152", {"stride_in": "1x1"}, 11.3),
    ],
)
def test_multiply_adds_of_resnets_are_those_of_table_1(name: str, options: dict[str, Any], billions: float) -> None:
    assert count(name, (3, 224, 224), 1000, **options).multiply_adds == pytest.approx(billions * 1e9, rel=0.02)


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"])
def test_resnets_have_the_maps_of_table_1_and_as_many_layers_as_their_names_say(name: str) -> None:
    counts = count(name, (3, 224, 224), 1000)
    shapes = {row.name: row.output_shape for row in counts.layers}
    wide = 1 if name in {"resnet18", "resnet34"} else 4
    assert shapes["conv"] == (64, 112, 112)
    assert shapes["pool"] == (64, 56, 56)
    for stage, (channels, side) in enumerate([(64, 56), (128, 28), (256, 14), (512, 7)], start=1):
        assert shapes[f"stage{stage}.1.relu"] == (wide * channels, side, side)
    weighted = [row.name for row in counts.layers if row.kind in {"Conv2d", "Linear"} and "shortcut" not in row.name]
    assert len(weighted) == int(name.removeprefix("resnet"))


@pytest.mark.parametrize("depth", [18, 34])
def test_a_plain_network_is_the_residual_one_without_the_projections_of_its_shortcuts(depth: int) -> None:
    projections = sum(n * 2 * n + 2 * 2 * n for n in (64, 128, 256))  # 1×1 from n to 2n channels, and a norm
    sizes = [count(f"{kind}{depth}", (3, 224, 224), 1000).parameters for kind in ("plain", "resnet")]
    assert sizes[0] + projections == sizes[1]


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
