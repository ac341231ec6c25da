"""The classic networks against the numbers and tables that their papers and weights come with."""

from __future__ import annotations

import numpy as np
import pytest

from derin.models import MODELS
from derin.models.building import describe, from_spec
from derin.models.summary import Summary, summarize


def count(name: str, side: int | None = None) -> Summary:
    info = MODELS[name]
    shape = info.native_input if side is None else (info.native_input[0], side, side)
    spec = describe(name, input_shape=shape, num_outputs=info.native_outputs)
    return summarize(from_spec(spec, device="meta"), shape)


def output_shapes(name: str) -> dict[str, tuple[int, ...]]:
    return {row.name: row.output_shape for row in count(name).layers}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("lenet5_1998", 60_000),
        ("alexnet", 61_100_840),
        ("alexnet_2012", 60_965_224),
        ("vgg11", 132_863_336),
        ("vgg13", 133_047_848),
        ("vgg16", 138_357_544),
        ("vgg19", 143_667_240),
        ("vgg11_bn", 132_868_840),
        ("vgg13_bn", 133_053_736),
        ("vgg16_bn", 138_365_992),
        ("vgg19_bn", 143_678_248),
        ("squeezenet1_0", 1_248_424),
        ("squeezenet1_1", 1_235_496),
        ("densenet121", 7_978_856),
    ],
)
def test_parameters_are_exactly_the_published_ones(name: str, parameters: int) -> None:
    assert count(name).parameters == parameters


@pytest.mark.parametrize(
    ("name", "side", "billions"),
    [
        ("alexnet", 224, 0.71),
        ("alexnet_2012", 227, 0.724),
        ("vgg11", 224, 7.61),
        ("vgg13", 224, 11.3),
        ("vgg16", 224, 15.5),
        ("vgg19", 224, 19.6),
        ("squeezenet1_0", 224, 0.82),
        ("squeezenet1_1", 224, 0.35),
        ("densenet121", 224, 2.83),
    ],
)
def test_multiply_adds_are_the_published_ones_to_two_percent(name: str, side: int, billions: float) -> None:
    assert count(name, side).multiply_adds == pytest.approx(billions * 1e9, rel=0.02)


def test_lenet5_of_1998_has_the_trainable_parameters_of_each_layer_of_the_paper() -> None:
    per_layer: dict[str, int] = {}
    for row in count("lenet5_1998").layers:
        layer = row.name.partition(".")[0]
        per_layer[layer] = per_layer.get(layer, 0) + row.parameters
    trained = {layer: parameters for layer, parameters in per_layer.items() if parameters}
    assert trained == {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164}


def test_lenet5_of_1998_has_the_connections_of_the_paper() -> None:
    # The paper counts a connection for each product and one for each bias.
    rows = [row for row in count("lenet5_1998").layers if row.name in {"c1", "c5", "f6"} or row.name[:3] == "c3."]
    connections = {row.name: row.multiply_adds + int(np.prod(row.output_shape)) for row in rows}
    assert (connections["c1"], connections["c5"], connections["f6"]) == (122_304, 48_120, 10_164)
    assert sum(number for name, number in connections.items() if name[:3] == "c3.") == 151_600


def test_alexnet_of_2012_has_the_maps_of_figure_2() -> None:
    shapes = output_shapes("alexnet_2012")
    assert [shapes[f"block{number}.conv"] for number in range(1, 6)] == [
        (96, 55, 55),
        (256, 27, 27),
        (384, 13, 13),
        (384, 13, 13),
        (256, 13, 13),
    ]
    assert shapes["fc6"] == shapes["fc7"] == (4096,)


@pytest.mark.parametrize("name", ["vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"])
def test_vgg_has_as_many_layers_with_weights_as_its_name_says(name: str) -> None:
    rows = count(name).layers
    weighted = [row for row in rows if row.kind in {"Conv2d", "Linear"}]
    assert len(weighted) == int(name[3:5])
    assert len([row for row in rows if row.kind == "BatchNorm2d"]) == (len(weighted) - 3 if "bn" in name else 0)
    assert [row.output_shape for row in rows if row.kind == "MaxPool2d"] == [
        (64, 112, 112),
        (128, 56, 56),
        (256, 28, 28),
        (512, 14, 14),
        (512, 7, 7),
    ]


def test_squeezenet1_0_has_the_sizes_and_parameters_of_table_1() -> None:
    rows = count("squeezenet1_0").layers
    shapes = {row.name: row.output_shape for row in rows}
    assert shapes["stem.conv"] == (96, 111, 111)
    assert shapes["stage1.pool"] == (96, 55, 55)
    assert shapes["stage2.pool"] == (256, 27, 27)
    assert shapes["stage3.pool"] == (512, 13, 13)
    assert shapes["output"] == (1000, 13, 13)
    # Fire 2 to 9, before pruning, the paper's middle column.
    fires = [11_920, 12_432, 45_344, 49_440, 104_880, 111_024, 188_992, 197_184]
    measured: dict[str, int] = {}
    for row in rows:
        if ".fire" in row.name:
            fire = row.name.split(".")[1]
            measured[fire] = measured.get(fire, 0) + row.parameters
    assert list(measured.values()) == fires


def test_densenet121_has_the_maps_of_table_1() -> None:
    rows = count("densenet121").layers
    shapes = {row.name: row.output_shape for row in rows}
    assert shapes["stem.conv"] == (64, 112, 112)
    assert shapes["stem.pool"] == (64, 56, 56)
    assert [shapes[f"transition{number}.pool"] for number in (1, 2, 3)] == [(128, 28, 28), (256, 14, 14), (512, 7, 7)]
    assert shapes["norm"] == (1024, 7, 7)
    assert len([row for row in rows if row.kind in {"Conv2d", "Linear"}]) == 121
