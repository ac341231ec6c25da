"""Filters over several channels, many filters, and what they cost beside a dense layer on the same picture."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch

from derin.layers import Conv, Dense, Flatten, MaxPool
from derin.layers.layer import Layer
from derin.layers.options import require_range
from derin.lessons.drawing import BLUE, ORANGE, legend, new_figure, png, style
from derin.lessons.filtering import with_weights
from derin.lessons.grids import draw_grids, write_grids
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.models.sequential import Sequential
from derin.models.summary import summarize

EDGE = ((1, 0, -1), (1, 0, -1), (1, 0, -1))


@dataclass(frozen=True, kw_only=True)
class VolumesOptions:
    """Options of the lesson.

    Args:
        side: of the picture on which a dense layer and a convolution are compared.
        channels: of that picture.
        filters: of the convolution.
        filter_size: f of the convolution.
    """

    side: int = 32
    channels: int = 3
    filters: int = 6
    filter_size: int = 5

    def __post_init__(self) -> None:
        require_range("volumes", "side", self.side, 1, 1_000)
        for name in ("channels", "filters", "filter_size"):
            require_range("volumes", name, getattr(self, name), 1, 1_000)


def run(options: VolumesOptions) -> Outcome:
    """A volume in numbers, the count of its weights, the table of a small network, and the comparison."""
    grids, output = red_edges()
    ten = count_parameters(Conv(10, 3), (3, 6, 6))
    lines = [*write_grids(grids), ""]
    lines += [
        Text(
            "{f}×{f}×{c} weights and a bias, {n} filters: ({f}·{f}·{c} + 1)·{n} = {count}",
            "{f}×{f}×{c} ağırlık ve bir bias, {n} filtre: ({f}·{f}·{c} + 1)·{n} = {count}",
        ).fill(f=3, c=3, n=10, count=ten),
        "",
    ]
    table = lenet_table()
    head = Text("{layer:<12} {shape:>14} {size:>8} {count:>11}", "{layer:<12} {shape:>14} {size:>8} {count:>11}")
    lines.append(
        head.fill(
            layer=str(Text("layer", "katman")),
            shape=str(Text("shape", "biçim")),
            size=str(Text("size", "boyut")),
            count=str(Text("parameters", "parametre")),
        )
    )
    row_text = Text(
        "{layer:<12} {shape:>14} {size:>8,} {count:>11,}", "{layer:<12} {shape:>14} {size:>8,} {count:>11,}"
    )
    for row in table:
        shape = "×".join(map(str, row["shape"]))
        lines.append(row_text.fill(layer=row["layer"], shape=shape, size=row["size"], count=row["parameters"]))

    costs = compare(options)
    said = Text(
        "{kind:<12} parameters {parameters:>16,}   connections {connections:>16,}",
        "{kind:<12} parametre {parameters:>16,}   bağlantı {connections:>16,}",
    )
    names = {"dense": str(Text("dense", "yoğun")), "convolution": str(Text("convolution", "evrişim"))}
    lines += ["", *(said.fill(kind=names[kind], **cost) for kind, cost in costs.items())]
    numbers: dict[str, Any] = {"red_edges": output, "ten_filters": ten, "table": table, "compared": costs}
    pictures = {"volume.png": png(draw_grids(grids, columns=4)), "costs.png": draw_costs(costs, names)}
    return Outcome(numbers=numbers, lines=tuple(lines), pictures=pictures)


def red_edges() -> tuple[dict[str, Any], list[list[float]]]:
    """A filter that finds vertical edges in red alone: three channels in, three slices of weights, one matrix out."""
    red = np.tile([10.0, 10, 10, 0, 0, 0], (5, 1))
    green = np.tile([0.0, 10, 0, 10, 0, 10], (5, 1))
    blue = np.full((5, 6), 5.0)
    weights = np.stack([np.array(EDGE), np.zeros((3, 3)), np.zeros((3, 3))])
    module = with_weights(Conv(1, 3, padding="valid", bias=False), (3, 5, 6), weights[None])
    with torch.no_grad():
        output = module(torch.tensor(np.stack([red, green, blue]))[None])[0, 0].numpy()
    names = [str(Text(*pair)) for pair in (("red", "kırmızı"), ("green", "yeşil"), ("blue", "mavi"))]
    grids: dict[str, Any] = dict(zip(names, (red, green, blue)))
    grids[str(Text("sum of 27 products", "27 çarpımın toplamı"))] = output
    grids |= {f"F, {name}": slice_ for name, slice_ in zip(names, weights)}
    return grids, output.tolist()


def count_parameters(layer: Layer, shape: tuple[int, ...]) -> int:
    """How many numbers a layer learns; nothing is allocated for them."""
    with torch.device("meta"):
        return sum(p.numel() for p in layer.build(shape).parameters())


def lenet_table() -> list[dict[str, Any]]:
    """The layers of the course's small network on 32×32×3 with shape, size and parameters."""
    network = Sequential(
        [
            Conv(6, 5, padding="valid", name="CONV1"),
            MaxPool(2, name="POOL1"),
            Conv(16, 5, padding="valid", name="CONV2"),
            MaxPool(2, name="POOL2"),
            Flatten(),
            Dense(120, name="FC3"),
            Dense(84, name="FC4"),
            Dense(10, name="Softmax"),
        ],
        input_shape=(3, 32, 32),
        seed=0,
    )
    rows = [{"layer": "Input", "shape": [32, 32, 3], "size": 32 * 32 * 3, "parameters": 0}]
    for row in summarize(network, (3, 32, 32)).layers:
        if row.kind != "Flatten":
            shape = [*row.output_shape[1:], row.output_shape[0]]  # height, width, channels, as the course writes them
            rows.append({"layer": row.name, "shape": shape, "size": prod(shape), "parameters": row.parameters})
    return rows


def compare(options: VolumesOptions) -> dict[str, dict[str, int]]:
    """Parameters and connections of a convolution, and of a dense layer from the same inputs to as many outputs."""
    shape = (options.channels, options.side, options.side)
    convolution = Conv(options.filters, options.filter_size, padding="valid")
    num_inputs, num_outputs = prod(shape), prod(convolution.output_shape(shape))
    dense = count_parameters(Dense(num_outputs), (num_inputs,))
    weights_of_one = options.filter_size**2 * options.channels
    return {
        "dense": {"parameters": dense, "connections": num_inputs * num_outputs},
        "convolution": {
            "parameters": count_parameters(convolution, shape),
            "connections": num_outputs * weights_of_one,
        },
    }


def draw_costs(costs: dict[str, dict[str, int]], names: dict[str, str]) -> bytes:
    """Parameters and connections of both layers as bars, on a scale of powers of ten."""
    figure = new_figure(6.4, 2.4)
    axes = figure.subplots()
    parts = {"parameters": Text("parameters", "parametre"), "connections": Text("connections", "bağlantı")}
    for offset, (part, color) in enumerate(zip(parts, (BLUE, ORANGE))):
        places = [place + 0.36 * (offset - 0.5) for place in range(len(costs))]
        values = [cost[part] for cost in costs.values()]
        axes.barh(places, values, height=0.34, color=color, label=str(parts[part]))
        for place, value in zip(places, values):
            axes.text(value * 1.15, place, Text("{n:,}", "{n:,}").fill(n=value), va="center", fontsize=8)
    largest = max(cost["connections"] for cost in costs.values())
    axes.set_xscale("log")
    axes.set_xlim(10, largest * 40)
    axes.set_yticks(range(len(costs)), [names[kind] for kind in costs])
    axes.invert_yaxis()
    style(axes, title=str(Text("The same picture, as many outputs", "Aynı resim, aynı sayıda çıktı")))
    legend(axes, loc="lower right")
    return png(figure)


LESSON = Lesson(
    name="volumes",
    rows=("D4",),
    title=Text("Volumes, many filters and their cost", "Hacimler, çok filtre ve maliyetleri"),
    about=Text(
        "A picture with three channels needs filters with three slices: 3·3·3 = 27 products and a bias make one number "
        "of the output. A slice of zeros makes the filter blind to that channel. Each filter gives one channel of the "
        "output; ten of them have 280 parameters, however large the picture is. A dense layer between the same inputs "
        "and outputs has millions: a convolution shares its weights over all places, and each output is connected to "
        "few inputs.",
        "Üç kanallı bir resim üç dilimli filtreler ister: 3·3·3 = 27 çarpım ve bir bias, çıktının bir sayısını yapar. "
        "Sıfırlardan oluşan dilim filtreyi o kanala kör eder. Her filtre çıktının bir kanalını verir; resim ne kadar "
        "büyük olursa olsun on filtrenin 280 parametresi vardır. Aynı girdilerle çıktılar arasındaki yoğun katmanın "
        "milyonlarca parametresi olur: evrişim ağırlıklarını bütün yerlerde paylaşır ve her çıktı az sayıda girdiye "
        "bağlıdır.",
    ),
    formula=r"\text{parameters} = (f \cdot f \cdot n_c + 1)\, n_c'",
    run=run,
    options=VolumesOptions,
)
