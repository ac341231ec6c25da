"""MobileNet, EfficientNet, ConvNeXt and ViT against the numbers and tables of their papers and published weights."""

from __future__ import annotations

from typing import Any

import pytest

from derin.models import MODELS
from derin.models.building import describe, from_spec
from derin.models.summary import Summary, summarize


def count(name: str, side: int = 224, **options: Any) -> Summary:
    shape = (3, side, side)
    return summarize(from_spec(describe(name, input_shape=shape, num_outputs=1000, **options), device="meta"), shape)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("mobilenet_v1", 4_231_976),
        ("mobilenet_v2", 3_504_872),
        ("efficientnet_b0", 5_288_548),
        ("convnext_tiny", 28_589_128),
        ("vit_s_16", 22_050_664),
    ],
)
def test_parameters_are_exactly_the_published_ones(name: str, parameters: int) -> None:
    assert MODELS[name].native_input == (3, 224, 224)
    assert count(name).parameters == parameters


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("mobilenet_v1", 0.569),
        ("mobilenet_v2", 0.30),
        ("efficientnet_b0", 0.39),
        ("convnext_tiny", 4.5),
        ("vit_s_16", 4.6),
    ],
)
def test_multiply_adds_are_the_published_ones_to_two_percent(name: str, billions: float) -> None:
    assert count(name).multiply_adds == pytest.approx(billions * 1e9, rel=0.02)


@pytest.mark.parametrize(("width", "millions", "parameters"), [(0.75, 325, 2.6), (0.5, 149, 1.3), (0.25, 41, 0.5)])
def test_narrow_mobilenets_v1_are_those_of_the_papers_table_6(width: float, millions: int, parameters: float) -> None:
    counts = count("mobilenet_v1", width=width)
    assert round(counts.multiply_adds / 1e6) == millions
    assert round(counts.parameters / 1e6, 1) == parameters


@pytest.mark.parametrize(("side", "millions"), [(192, 418), (160, 290), (128, 186)])
def test_mobilenet_v1_of_smaller_pictures_costs_what_table_7_says(side: int, millions: int) -> None:
    assert count("mobilenet_v1", side).multiply_adds == pytest.approx(millions * 1e6, rel=0.02)


# The authors' table of released weights counts no batch norm, which is folded when the network is used.
@pytest.mark.parametrize(
    ("width", "millions", "parameters"),
    [(0.35, 59, 1.66), (0.5, 97, 1.95), (0.75, 209, 2.61), (1.0, 301, 3.47), (1.3, 509, 5.34), (1.4, 582, 6.06)],
)
def test_mobilenets_v2_of_every_width_are_the_authors(width: float, millions: int, parameters: float) -> None:
    counts = count("mobilenet_v2", width=width)
    weights = sum(row.parameters for row in counts.layers if row.kind != "BatchNorm2d")
    assert round(counts.multiply_adds / 1e6) == millions
    assert round(weights / 1e6, 2) == parameters


def test_mobilenet_v2_with_folded_batch_norm_has_as_many_numbers_as_its_published_weights() -> None:
    assert count("mobilenet_v2", norm="folded").parameters == 3_487_816


def last_maps(name: str, stages: int, part: str) -> list[tuple[int, ...]]:
    """The shape of what the named part gives last in each stage."""
    rows = count(name).layers
    return [
        [row.output_shape for row in rows if row.name.startswith(f"stage{number}.") and row.name.endswith(part)][-1]
        for number in range(1, stages + 1)
    ]


def test_mobilenet_v1_has_the_maps_of_table_1() -> None:
    expected = [(64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (1024, 7, 7)]
    assert last_maps("mobilenet_v1", 5, "pointwise.norm") == expected


def test_mobilenet_v2_has_the_maps_of_table_2() -> None:
    expected = [(16, 112), (24, 56), (32, 28), (64, 14), (96, 14), (160, 7), (320, 7)]
    assert last_maps("mobilenet_v2", 7, "project.norm") == [(width, side, side) for width, side in expected]
    assert {row.name: row.output_shape for row in count("mobilenet_v2").layers}["head.conv"] == (1280, 7, 7)


def test_efficientnet_b0_has_the_maps_and_windows_of_table_1() -> None:
    expected = [(16, 112), (24, 56), (40, 28), (80, 14), (112, 14), (192, 7), (320, 7)]
    assert last_maps("efficientnet_b0", 7, "project.norm") == [(width, side, side) for width, side in expected]
    model = from_spec(describe("efficientnet_b0", input_shape=(3, 224, 224), num_outputs=2), device="meta")
    windows = [model.get_submodule(f"stage{number}.block1.depthwise.conv").kernel_size[0] for number in range(1, 8)]
    assert windows == [3, 3, 5, 3, 5, 5, 3]
    assert [len(model.get_submodule(f"stage{number}")) for number in range(1, 8)] == [1, 2, 2, 3, 3, 4, 1]


def test_convnext_tiny_has_the_maps_of_table_9() -> None:
    expected = [(96, 56), (192, 28), (384, 14), (768, 7)]
    assert last_maps("convnext_tiny", 4, "depthwise") == [(width, side, side) for width, side in expected]


def test_attention_of_a_transformer_is_counted() -> None:
    tokens, dim, blocks, pixels = 1 + 14 * 14, 384, 12, 3 * 16 * 16
    dense = tokens * (3 * dim * dim + dim * dim + 2 * 4 * dim * dim)
    mixing = 2 * tokens * tokens * dim  # q kᵀ, and the weighted sum of v
    expected = (tokens - 1) * dim * pixels + blocks * (dense + mixing) + dim * 1000
    assert count("vit_s_16").multiply_adds == expected
    counts = count("vit_s_16").layers
    assert [row.multiply_adds for row in counts if row.kind == "SelfAttention"] == [mixing] * blocks
