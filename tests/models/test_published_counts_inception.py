"""Layer tables of the Inception family, the face networks and U-Net against those that their papers print."""

from __future__ import annotations

from typing import Any

import pytest

from derin.models import MODELS
from derin.models.building import describe, from_spec
from derin.models.summary import Summary, summarize

# FaceNet, table 1, as the course shows it: size of the output, parameters, products (each bias is one of them).
NN1_TABLE = """
conv1   110×110×64  9K    115M
pool1   55×55×64    0
rnorm1  55×55×64    0
conv2a  55×55×64    4K    13M
conv2   55×55×192   111K  335M
rnorm2  55×55×192   0
pool2   28×28×192   0
conv3a  28×28×192   37K   29M
conv3   28×28×384   664K  521M
pool3   14×14×384   0
conv4a  14×14×384   148K  29M
conv4   14×14×256   885K  173M
conv5a  14×14×256   66K   13M
conv5   14×14×256   590K  116M
conv6a  14×14×256   66K   13M
conv6   14×14×256   590K  116M
pool4   7×7×256     0
fc1     4096        103M  103M
fc2     4096        34M   34M
output  128         524K  0.5M
"""

# GoogLeNet, table 1: products of each module in millions, less the two rows that contradict their own columns.
GOOGLENET_TABLE = {
    "conv2": 360,
    "inception3a": 128,
    "inception3b": 304,
    "inception4a": 73,
    "inception4b": 88,
    "inception4c": 100,
    "inception4d": 119,
    "inception4e": 170,
    "inception5b": 71,
    "output": 1,
}


def count(name: str, shape: tuple[int, ...] | None = None, **options: Any) -> Summary:
    info = MODELS[name]
    shape = shape or info.native_input
    spec = describe(name, input_shape=shape, num_outputs=info.native_outputs, **options)
    return summarize(from_spec(spec, device="meta"), shape)


def shapes(counts: Summary) -> dict[str, tuple[int, ...]]:
    return {row.name: row.output_shape for row in counts.layers}


@pytest.mark.parametrize(
    ("name", "options", "parameters"),
    [
        ("googlenet", {}, 6_998_552),
        ("googlenet", {"auxiliary": True}, 13_378_280),
        ("googlenet_bn", {}, 6_624_904),
        ("googlenet_bn", {"auxiliary": True}, 13_004_888),
        ("inception_v3", {}, 23_834_568),
        ("inception_v3", {"auxiliary": True}, 27_161_264),
        ("facenet_nn4_small2", {}, 3_733_968),
        ("mobilefacenet", {}, 999_552),  # the tensors of the known weights
        ("mtcnn_pnet", {}, 6_632),  # the tensors of the known weights
        ("mtcnn_rnet", {}, 100_178),
        ("mtcnn_onet", {}, 389_040),
        ("unet", {}, 31_030_658),  # 1 channel, 2 classes, as in figure 1
        ("unet", {"padding": "valid"}, 31_030_658),
    ],
)
def test_parameters_are_exactly_the_published_ones(name: str, options: dict[str, Any], parameters: int) -> None:
    assert count(name, **options).parameters == parameters


@pytest.mark.parametrize(
    ("name", "shape", "billions"),
    [
        ("googlenet_bn", (3, 224, 224), 1.50),
        ("inception_v3", (3, 299, 299), 5.71),
        ("facenet_nn1", (3, 220, 220), 1.6),
        ("mobilefacenet", (3, 112, 112), 0.221),
    ],
)
def test_multiply_adds_are_the_published_ones(name: str, shape: tuple[int, ...], billions: float) -> None:
    assert count(name, shape).multiply_adds == pytest.approx(billions * 1e9, rel=0.02)


def test_googlenet_multiply_adds_by_the_papers_table_1() -> None:
    found: dict[str, int] = {}
    for row in count("googlenet").layers:
        module = row.name.split(".")[0].removesuffix("_reduce")
        found[module] = found.get(module, 0) + row.multiply_adds
    assert found.pop("conv1") == 112 * 112 * 64 * 7 * 7 * 3  # 118 M where the table prints 34
    weights = 832 * (256 + 160 + 32 + 128) + 160 * 320 * 9 + 32 * 128 * 25
    assert found.pop("inception5a") == 7 * 7 * weights  # 51 M where the table prints 54
    measured = {module: products / 1e6 for module, products in found.items() if products}
    # The table cuts where it could round: 73.6 is printed as 73.
    assert measured == pytest.approx(GOOGLENET_TABLE, abs=1.0)


def test_googlenet_maps_have_the_sizes_of_the_papers_table_1() -> None:
    rows = shapes(count("googlenet"))
    assert [rows[name] for name in ("pool1", "pool2", "pool3", "pool4", "average")] == [
        (64, 56, 56),
        (192, 28, 28),
        (480, 14, 14),
        (832, 7, 7),
        (1024, 1, 1),
    ]


def test_inception_v3_maps_have_the_sizes_of_the_papers_table_1() -> None:
    rows = shapes(count("inception_v3"))
    assert [rows[name][1:] for name in ("conv1.conv", "conv2.conv", "conv3.conv", "pool1")] == [
        (149, 149),
        (147, 147),
        (147, 147),
        (73, 73),
    ]
    assert rows["stage35.2.pooled.0"] == (288, 35, 35)
    assert rows["stage17.3.pooled.0"] == (768, 17, 17)
    assert rows["stage8.1.pooled.0"] == (2048, 8, 8)
    assert rows["average"] == (2048, 1, 1)


def test_nn1_rows_are_those_of_the_table_in_the_course() -> None:
    found = {row.name: row for row in count("facenet_nn1").layers}
    for line in NN1_TABLE.strip().splitlines():
        name, size, parameters, *products = line.split()
        row = found[name]
        height, *channels = map(int, size.split("×"))
        assert row.output_shape == ((channels[-1], height, height) if channels else (height,))
        assert format_number(row.parameters, parameters) == parameters
        if products:
            biases = row.output_shape[0] * (2 if name.startswith("fc") else 1)
            pixels = height * height if channels else 1
            assert format_number(row.multiply_adds + biases * pixels, products[0]) == products[0]
    assert len(found) == len(NN1_TABLE.split("\n")) - 2 + 2  # and the rectifier and the scaling to length 1
    assert round(count("facenet_nn1").parameters, -6) == 140_000_000


def format_number(number: int, like: str) -> str:
    """A number in thousands or millions, as the table prints it."""
    if like == "0":
        return str(number)
    digits = len(like.partition(".")[2]) - 1 if "." in like else 0
    return f"{number / (1e3 if like.endswith('K') else 1e6):.{digits}f}{like[-1]}"


def test_nn4_small2_maps_have_the_sizes_of_its_release() -> None:
    rows = shapes(count("facenet_nn4_small2"))
    assert rows["pool2"] == (192, 12, 12)
    joined = [rows[f"inception{name}.three.0.conv"][1:] for name in ("3a", "3b", "3c", "4a", "4e", "5a", "5b")]
    assert joined == [(12, 12), (12, 12), (12, 12), (6, 6), (6, 6), (3, 3), (3, 3)]
    # Windows of the poolings stand two or three pixels apart, whatever the module's own step.
    pooled = [rows[f"inception{name}.pooled.0"] for name in ("3a", "3b", "3c", "4a", "4e", "5a", "5b")]
    assert pooled == [(192, 5, 5), (256, 4, 4), (320, 5, 5), (640, 2, 2), (640, 2, 2), (1024, 1, 1), (736, 1, 1)]
    assert rows["average"] == (736, 1, 1)


def test_mobilefacenet_rows_are_those_of_the_papers_table_1() -> None:
    rows = shapes(count("mobilefacenet", (3, 112, 112)))
    assert rows["conv1.conv"] == rows["depthwise1.conv"] == (64, 56, 56)
    last = [rows[f"stages.{stage}.0.project.norm"] for stage in range(5)]
    assert last == [(64, 28, 28), (128, 14, 14), (128, 14, 14), (128, 7, 7), (128, 7, 7)]
    assert [rows[f"{name}.conv"] for name in ("conv2", "global_depthwise", "output")] == [
        (512, 7, 7),
        (512, 1, 1),
        (128, 1, 1),
    ]


def test_unet_maps_have_the_sizes_of_the_papers_figure_1() -> None:
    rows = shapes(count("unet", padding="valid"))
    down = [rows[f"down.{stage}.{place}.conv"] for stage in range(4) for place in (0, 1)]
    assert [(width, side) for width, side, _ in down] == [
        (64, 570),
        (64, 568),
        (128, 282),
        (128, 280),
        (256, 138),
        (256, 136),
        (512, 66),
        (512, 64),
    ]
    assert [rows[f"bottom.{place}.conv"][:2] for place in (0, 1)] == [(1024, 30), (1024, 28)]
    assert [rows[f"up.{stage}.up"][:2] for stage in range(4)] == [(512, 56), (256, 104), (128, 200), (64, 392)]
    assert rows["output"] == (2, 388, 388)
