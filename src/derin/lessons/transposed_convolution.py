"""Transposed convolution, painted step by step; and convolution over one and three axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from derin.core.errors import UsageError
from derin.core.messages import format_number
from derin.layers import Conv, ConvTranspose
from derin.layers.options import require_range
from derin.lessons.drawing import BLUE, GRAY, ORANGE, gif, png
from derin.lessons.filtering import as_image, require_matrix, with_weights
from derin.lessons.grids import Grid, draw_grids, window, write_grids
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Rows

_MOST_STEPS = 64


@dataclass(frozen=True, kw_only=True)
class TransposedConvolutionOptions:
    """Options of the lesson.

    Args:
        values: X, the input.
        kernel: F, the filter, square.
        padding: p, rows and columns cut from every side of the canvas.
        stride: s, distance between two paintings.
        seconds: how long each step is shown.
    """

    values: Rows = ((2, 1), (3, 2))
    kernel: Rows = ((1, 2, 1), (2, 0, 1), (0, 2, 1))
    padding: int = 1
    stride: int = 2
    seconds: float = 1.6

    def __post_init__(self) -> None:
        require_matrix("transposed-convolution.values", self.values, most=8)
        require_matrix("transposed-convolution.kernel", self.kernel, most=5)
        if len(self.values) * len(self.values[0]) > _MOST_STEPS:
            raise UsageError(f"transposed-convolution draws at most {_MOST_STEPS} inputs; got {len(self.values)} rows.")
        require_range("transposed-convolution", "padding", self.padding, 0, 4)
        require_range("transposed-convolution", "stride", self.stride, 1, 6)
        require_range("transposed-convolution", "seconds", self.seconds, 0.05, 60)


def run(options: TransposedConvolutionOptions) -> Outcome:
    """The output by the formula, with each output padding that the stride allows, painted and by the layer."""
    x, f = np.array(options.values, dtype=float), np.array(options.kernel, dtype=float)
    outputs = {extra: transposed(x, f, options, extra) for extra in range(options.stride)}
    names = {
        extra: Text("output padding {extra}: {high}×{wide}", "çıktı dolgusu {extra}: {high}×{wide}").fill(
            extra=extra, high=output.shape[0], wide=output.shape[1]
        )
        for extra, output in outputs.items()
    }
    formula = Text(
        "(n − 1)s − 2p + f + output padding = ({n} − 1)·{s} − 2·{p} + {f} + {extra} = {size}",
        "(n − 1)s − 2p + f + çıktı dolgusu = ({n} − 1)·{s} − 2·{p} + {f} + {extra} = {size}",
    )
    sizes = [
        formula.fill(n=x.shape[1], s=options.stride, p=options.padding, f=f.shape[1], extra=extra, size=output.shape[1])
        for extra, output in outputs.items()
    ]
    canvases = paint(x, f, options.stride)
    axes = axes_table()
    other = Text(
        "convolution over {axes}: {before} with {channels} filters {kernel} → {after}",
        "{axes} evrişim: {before}, {kernel} {channels} filtre → {after}",
    )
    words = [Text("one axis", "tek eksende"), Text("three axes", "üç eksende")]
    grids: dict[str, Any] = {"X": x, "F": f, **{names[extra]: output for extra, output in outputs.items()}}
    numbers = {
        "outputs": {str(extra): output.tolist() for extra, output in outputs.items()},
        "canvas": canvases[-1].tolist(),
        "other_axes": axes,
    }
    lines = [*write_grids(grids), "", *sizes, ""]
    for word, row in zip(words, axes):
        sizes_of = {key: "×".join(map(str, row[key])) for key in ("before", "kernel", "after")}
        lines.append(other.fill(axes=str(word), channels=row["channels"], **sizes_of))
    return Outcome(
        numbers=numbers,
        lines=tuple(lines),
        pictures={"tables.png": png(draw_grids(grids)), "steps.gif": animation(x, f, canvases, options)},
    )


def transposed(x: Grid, f: Grid, options: TransposedConvolutionOptions, extra: int) -> Grid:
    """What the layer `ConvTranspose` gives.

    Raises:
        ShapeError: the padding cuts away everything.
    """
    layer = ConvTranspose(1, f.shape, stride=options.stride, padding=options.padding, output_padding=extra, bias=False)
    image = as_image(x)
    with torch.no_grad():
        found: Grid = with_weights(layer, tuple(image.shape[1:]), f[None, None])(image)[0, 0].numpy()
    return found


def paint(x: Grid, f: Grid, stride: int) -> list[Grid]:
    """The canvas after each input value has painted the filter, weighted, onto it; nothing is cut off yet.

    Example:
        >>> [canvas.tolist() for canvas in paint(np.array([[2.0, 3.0]]), np.array([[1.0, 1.0]]), stride=1)]
        [[[2.0, 2.0, 0.0]], [[2.0, 5.0, 3.0]]]
    """
    canvas = np.zeros([(n - 1) * stride + size for n, size in zip(x.shape, f.shape)])
    canvases = []
    for (row, column), value in np.ndenumerate(x):
        top, left = row * stride, column * stride
        canvas[top : top + f.shape[0], left : left + f.shape[1]] += value * f
        canvases.append(canvas.copy())
    return canvases


def animation(x: Grid, f: Grid, canvases: list[Grid], options: TransposedConvolutionOptions) -> bytes:
    """Each input value painting the filter; what the padding cuts off is gray, what output padding saves is not."""
    extra = options.stride - 1
    high, wide = (size + extra for size in canvases[0].shape)
    p = options.padding
    name = str(Text("canvas (gray is cut off)", "tuval (gri kesilir)"))
    heading = Text(
        "{value} · F is added from row {row}, column {column}",
        "{value} · F, {row}. satır ve {column}. sütundan eklenir",
    )
    frames = []
    for (row, column), canvas in zip(np.ndindex(x.shape), canvases):
        top, left = row * options.stride, column * options.stride
        marks = np.full((high, wide), GRAY, dtype=object)
        marks[p : high - p, p : wide - p] = ""
        marks[top : top + f.shape[0], left : left + f.shape[1]] = ORANGE
        frame = draw_grids(
            {"X": x, "F": f, name: np.pad(canvas, ((0, extra), (0, extra)))},
            {"X": window(x.shape, [(row, column)], BLUE), "F": np.full(f.shape, ORANGE), name: marks},
            heading=heading.fill(value=format_number(float(x[row, column]), ".3g"), row=top, column=left),
        )
        frames.append(frame)
    return gif(frames, seconds=options.seconds, last_seconds=2 * options.seconds)


def axes_table() -> list[dict[str, Any]]:
    """Convolution along one axis and over three, run once: shapes before and after, channels last."""
    rows = []
    for before, kernel, channels in (((1, 14), (5,), 16), ((1, 14, 14, 14), (5, 5, 5), 16)):
        layer = Conv(channels, kernel, padding="valid")
        with torch.no_grad():
            after = layer.build(before)(torch.zeros(1, *before)).shape[1:]
        rows.append(
            {
                "before": [*before[1:], before[0]],
                "kernel": [*kernel, before[0]],
                "channels": channels,
                "after": [*after[1:], after[0]],
            }
        )
    return rows


LESSON = Lesson(
    name="transposed-convolution",
    rows=("D6",),
    title=Text("Transposed convolution; one and three axes", "Transpoz evrişim; tek ve üç eksen"),
    about=Text(
        "A convolution gathers; a transposed one paints: each input value, times the whole filter, is added to the "
        "canvas, the stride apart, and where paintings overlap they add up. The padding is cut off at the border. A "
        "2×2 input, a 3×3 filter, padding 1 and stride 2 give 3×3; the 4×4 that is often shown needs output padding 1, "
        "one row and column less cut off at the end. Convolution itself works along one axis (sound, a heartbeat) and "
        "over three (scans, video) as well.",
        "Evrişim toplar, transpoz evrişim boyar: her girdi değeri, bütün filtreyle çarpılıp adım aralıklarıyla tuvale "
        "eklenir; örtüşen yerler toplanır. Dolgu kenardan kesilir. 2×2 girdi, 3×3 filtre, dolgu 1 ve adım 2, 3×3 "
        "verir; çoğu kez gösterilen 4×4 için çıktı dolgusu 1 gerekir: sonda bir satır ve sütun daha az kesilir. "
        "Evrişim tek eksende (ses, kalp atışı) ve üç eksende (tomografi, video) de çalışır.",
    ),
    formula=r"n' = (n-1)\,s - 2p + f + p_{\text{out}}",
    run=run,
    options=TransposedConvolutionOptions,
)
