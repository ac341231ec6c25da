"""1×1 convolutions, depthwise separable ones and the bottleneck: the same shape for a part of the cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from derin.layers import Conv, Dense
from derin.layers.options import require_range
from derin.lessons.drawing import COLORS, GRAY, INK, ORANGE, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.models.sequential import Sequential
from derin.models.summary import summarize

Shape = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class SeparableOptions:
    """Options of the lesson.

    Args:
        side: of the input.
        channels: n of the input.
        filters: n′, channels of the output.
        filter_size: f.
    """

    side: int = 6
    channels: int = 3
    filters: int = 5
    filter_size: int = 3

    def __post_init__(self) -> None:
        require_range("separable", "side", self.side, 1, 1_000)
        for name in ("channels", "filters"):
            require_range("separable", name, getattr(self, name), 1, 4_096)
        require_range("separable", "filter_size", self.filter_size, 1, 99)


def run(options: SeparableOptions) -> Outcome:
    """What each form costs, counted while the layers run."""
    shape = (options.channels, options.side, options.side)
    n, f, filters = options.channels, options.filter_size, options.filters
    (plain,) = multiplications([Conv(filters, f, padding="valid")], shape)
    depthwise, pointwise = multiplications([Conv(n, f, groups=n, padding="valid"), Conv(filters, 1)], shape)
    ratio, by_formula = (depthwise + pointwise) / plain, 1 / filters + 1 / f**2
    (direct,) = multiplications([Conv(32, 5)], (192, 28, 28))
    squeeze, after = multiplications([Conv(16, 1), Conv(32, 5)], (192, 28, 28))
    numbers: dict[str, Any] = {
        "plain": plain,
        "depthwise": depthwise,
        "pointwise": pointwise,
        "separable": depthwise + pointwise,
        "ratio": ratio,
        "ratio_by_formula": by_formula,
        "bottleneck": {"direct": direct, "squeeze": squeeze, "after": after, "both": squeeze + after},
        "one_by_one_from_dense": one_by_one(),
    }
    lines = (
        Text(
            "{side}×{side}×{n} → {filters} filters {f}×{f}: {plain:,} multiplications",
            "{side}×{side}×{n} → {f}×{f} {filters} filtre: {plain:,} çarpma",
        ).fill(side=options.side, n=n, filters=filters, f=f, plain=plain),
        Text(
            "depthwise {depthwise:,} + pointwise {pointwise:,} = {separable:,}",
            "derinlemesine {depthwise:,} + noktasal {pointwise:,} = {separable:,}",
        ).fill(depthwise=depthwise, pointwise=pointwise, separable=depthwise + pointwise),
        Text(
            "ratio {ratio:.4f};  1/{filters} + 1/{f}² = {by_formula:.4f}",
            "oran {ratio:.4f};  1/{filters} + 1/{f}² = {by_formula:.4f}",
        ).fill(ratio=ratio, filters=filters, f=f, by_formula=by_formula),
        "",
        Text(
            "28×28×192 → 32 filters 5×5: {direct:,} multiplications",
            "28×28×192 → 5×5 32 filtre: {direct:,} çarpma",
        ).fill(direct=direct),
        Text(
            "through 16 channels by 1×1: {squeeze:,} + {after:,} = {both:,}",
            "1×1 ile 16 kanaldan geçerek: {squeeze:,} + {after:,} = {both:,}",
        ).fill(squeeze=squeeze, after=after, both=squeeze + after),
        "",
        Text(
            "1×1 convolution, 32 channels to 7: the dense layer at every pixel, largest difference {difference:.1e}",
            "1×1 evrişim, 32 kanaldan 7'ye: her pikselde yoğun katman, en büyük fark {difference:.1e}",
        ).fill(difference=numbers["one_by_one_from_dense"]),
    )
    return Outcome(numbers=numbers, lines=lines, pictures={"costs.png": draw(options, direct, squeeze, after)})


def multiplications(layers: Sequence[Conv], shape: Shape) -> list[int]:
    """Products of each layer for one example. On the meta device, where nothing is computed."""
    with torch.device("meta"):
        network = Sequential(layers, input_shape=shape)
    return [row.multiply_adds for row in summarize(network, shape).layers]


def one_by_one() -> float:
    """The largest difference between a 1×1 convolution and a dense layer that runs over all pixels."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 32, 6, 6, dtype=torch.float64, generator=generator)
    convolution = Conv(7, 1).build((32, 6, 6)).double()
    dense = Dense(7).build((32,)).double()
    with torch.no_grad():
        dense.weight.copy_(convolution.weight[:, :, 0, 0])  # type: ignore[operator, index]
        dense.bias.copy_(convolution.bias)  # type: ignore[operator, arg-type]
        by_pixel = dense(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return float((convolution(x) - by_pixel).abs().max())


def draw(options: SeparableOptions, direct: int, squeeze: int, after: int) -> bytes:
    """The ratio over the number of filters, and the bottleneck's bars."""
    figure = new_figure(7.2, 3.1)
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
    filters = np.geomspace(1, 1024, 80)
    for color, f in zip(COLORS, sorted({3, 5, 7, options.filter_size})):
        left.plot(filters, 1 / filters + 1 / f**2, color=color, label=f"f = {f}")
    here = 1 / options.filters + 1 / options.filter_size**2
    left.plot([options.filters], [here], "o", color=INK)
    left.annotate(
        Text("this example: {here:.2f}", "bu örnek: {here:.2f}").fill(here=here),
        (options.filters, here),
        xytext=(8, 6),
        textcoords="offset points",
        fontsize=8,
        color=INK,
    )
    left.axhline(1, color=GRAY, linewidth=0.8, linestyle=":")
    left.set_xscale("log", base=2)
    left.set_yscale("log")
    style(
        left,
        title=str(Text("Separable / plain", "Ayrılabilir / olağan")),
        x_label=str(Text("filters n′", "filtre sayısı n′")),
        y_label=str(Text("cost ratio", "maliyet oranı")),
    )
    legend(left)
    right.bar([0], [direct / 1e6], width=0.55, color=COLORS[2])
    right.bar([1], [squeeze / 1e6], width=0.55, color=ORANGE, label="1×1")
    right.bar([1], [after / 1e6], width=0.55, bottom=[squeeze / 1e6], color=COLORS[2], label="5×5")
    for place, value in ((0, direct), (1, squeeze + after)):
        words = Text("{n:.1f} M", "{n:.1f} M").fill(n=value / 1e6)
        right.text(place, value / 1e6 + 1.5, words, ha="center", fontsize=8.5, color=INK)
    right.set_ylim(0, 1.12 * max(direct, squeeze + after) / 1e6)
    right.set_xticks([0, 1], [str(Text("5×5 at once", "doğrudan 5×5")), str(Text("bottleneck", "darboğaz"))])
    style(
        right,
        title=str(Text("Bottleneck: million products", "Darboğaz: milyon çarpma")),
    )
    legend(right, loc="center right")
    return png(figure)


LESSON = Lesson(
    name="separable",
    rows=("D5",),
    title=Text("1×1, separable and bottleneck convolutions", "1×1, ayrılabilir ve darboğaz evrişimler"),
    about=Text(
        "A 1×1 convolution is a dense layer over the channels, used at every pixel. A depthwise separable convolution "
        "first filters each channel by itself, then mixes the channels by 1×1; it costs 1/n′ + 1/f² of a plain one. A "
        "bottleneck makes channels fewer by 1×1 before the costly filter. The numbers 2 160 and 672 are "
        "multiplications, not parameters.",
        "1×1 evrişim, kanallar üzerinde her pikselde kullanılan bir yoğun katmandır. Derinlemesine ayrılabilir evrişim "
        "önce her kanalı kendi başına süzer, sonra kanalları 1×1 ile karıştırır; olağan evrişimin 1/n′ + 1/f² katına "
        "mal olur. Darboğaz, pahalı filtreden önce kanalları 1×1 ile azaltır. 2.160 ve 672 sayıları çarpma sayısıdır, "
        "parametre sayısı değil.",
    ),
    formula=r"\frac{m^2 f^2 n + m^2 n\, n'}{m^2 f^2 n\, n'} = \frac{1}{n'} + \frac{1}{f^2}",
    run=run,
    options=SeparableOptions,
)
