"""A convolution cell by cell, with the sum that makes each cell, as an animation."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from derin.core.errors import UsageError
from derin.core.messages import format_number
from derin.layers.options import require_range
from derin.lessons.drawing import BLUE, ORANGE, gif
from derin.lessons.filtering import convolve, require_matrix
from derin.lessons.grids import Grid, draw_grids, window, write_grids
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_STEPS = 100


@dataclass(frozen=True, kw_only=True)
class ConvolutionStepsOptions:
    """Options of the lesson.

    Args:
        values: X, the input.
        kernel: F, the filter.
        padding: zeros around the input.
        stride: by how much the window moves.
        dilation: distance between two weights of the filter.
        seconds: how long each step is shown.
    """

    values: Rows = (
        (3, 0, 1, 2, 7, 4),
        (1, 5, 8, 9, 3, 1),
        (2, 7, 2, 5, 1, 3),
        (0, 1, 3, 1, 7, 8),
        (4, 2, 1, 6, 2, 8),
        (2, 4, 5, 2, 3, 9),
    )
    kernel: Rows = ((1, 0, -1), (1, 0, -1), (1, 0, -1))
    padding: int = 0
    stride: int = 1
    dilation: int = 1
    seconds: float = 0.9

    def __post_init__(self) -> None:
        require_matrix("convolution-steps.values", self.values, most=12)
        require_matrix("convolution-steps.kernel", self.kernel, most=5)
        require_range("convolution-steps", "padding", self.padding, 0, 4)
        require_range("convolution-steps", "stride", self.stride, 1, 12)
        require_range("convolution-steps", "dilation", self.dilation, 1, 12)
        require_range("convolution-steps", "seconds", self.seconds, 0.05, 60)


def run(options: ConvolutionStepsOptions) -> Outcome:
    """All steps as sums, and their animation."""
    padded = np.pad(np.array(options.values, dtype=float), options.padding)
    kernel = np.array(options.kernel, dtype=float)
    output = convolve(padded, kernel, stride=options.stride, dilation=options.dilation)
    if output.size > _MOST_STEPS:
        raise UsageError(
            f"convolution-steps draws at most {_MOST_STEPS} steps; got an output of {output.shape[0]}×"
            f"{output.shape[1]}. Give a larger stride or a smaller matrix."
        )
    steps = [taps(cell, kernel.shape, options.stride, options.dilation) for cell in np.ndindex(output.shape)]
    sums = [
        f"{written(padded, kernel, places)} = {format_number(float(value), '.4g')}"
        for places, value in zip(steps, output.flat)
    ]
    lines = [*write_grids({"X": padded, "F": kernel, "O": output}), ""]
    lines += [f"O[{row},{column}] = {text}" for (row, column), text in zip(np.ndindex(output.shape), sums)]
    # About five letters of a sum are as wide as a cell.
    letters = 5 * sum(max(grid.shape[1], 3) for grid in (padded, kernel, output))
    frames = [
        frame(padded, kernel, output, number, places, heading)
        for number, (places, heading) in enumerate(zip(steps, wrapped(sums, letters)), 1)
    ]
    numbers = {"input": padded.tolist(), "kernel": kernel.tolist(), "output": output.tolist(), "sums": sums}
    return Outcome(
        numbers=numbers,
        lines=tuple(lines),
        pictures={"steps.gif": gif(frames, seconds=options.seconds, last_seconds=3)},
    )


def taps(cell: tuple[int, ...], kernel: tuple[int, ...], stride: int, dilation: int) -> list[tuple[int, int]]:
    """The places of the input that the filter lies on for one cell of the output, row by row.

    Example:
        >>> taps((0, 1), (1, 2), stride=2, dilation=3)
        [(0, 2), (0, 5)]
    """
    row, column = cell
    return [(row * stride + u * dilation, column * stride + v * dilation) for u, v in np.ndindex(kernel)]


def written(values: Grid, kernel: Grid, places: list[tuple[int, int]]) -> str:
    """The sum of products behind one cell; products with a weight of zero are left out."""
    products = [
        f"{_number(values[place])}·{_number(weight)}"
        for place, weight in zip(places, kernel.flat)
        if weight  # a filter of edges has many zeros, and the sum should fit on a line
    ]
    return " + ".join(products) or "0"


def wrapped(sums: list[str], letters: int) -> list[str]:
    """Sums on lines of so many letters, all on equally many lines, lest the drawing jump from one to the next.

    Example:
        >>> wrapped(["1·2 + 3·4 = 14", "0 = 0"], 10)
        ['1·2 + 3·4\\n= 14', '0 = 0\\n']
    """
    lines = [textwrap.wrap(text, letters) for text in sums]
    most = max(map(len, lines))
    return ["\n".join(found + [""] * (most - len(found))) for found in lines]


def frame(values: Grid, kernel: Grid, output: Grid, number: int, places: list[tuple[int, int]], heading: str) -> Figure:
    """The state after so many cells: the window on the input, the filter, and the output so far."""
    cell = divmod(number - 1, output.shape[1])
    known = np.where(np.arange(output.size).reshape(output.shape) < number, output, np.nan)
    return draw_grids(
        {"X": values, "F": kernel, "O = X ∗ F": known},
        {
            "X": window(values.shape, places, BLUE),
            "F": np.full(kernel.shape, BLUE),
            "O = X ∗ F": window(output.shape, [cell], ORANGE),
        },
        heading=heading,
    )


def _number(value: float) -> str:
    word = format_number(float(value), ".3g")
    return f"({word})" if value < 0 else word


LESSON = Lesson(
    name="convolution-steps",
    rows=("D1", "D3"),
    title=Text("Convolution, cell by cell", "Hücre hücre evrişim"),
    about=Text(
        "The filter lies on the upper left corner, its weights are multiplied with what is beneath, and the sum is the "
        "first number of the output. Then it moves on by the stride, row after row. The same few weights are used "
        "everywhere: that is why a convolution has so few of them, and why it finds an edge wherever it is.",
        "Filtre sol üst köşeye konur, ağırlıkları altındakilerle çarpılır ve toplam, çıktının ilk sayısıdır. Sonra "
        "adım kadar ilerler, satır satır. Aynı birkaç ağırlık her yerde kullanılır: evrişimin bu kadar az ağırlığı "
        "olması ve bir kenarı nerede olursa olsun bulması bundandır.",
    ),
    formula=r"O_{ij} = \sum_{u,v} F_{uv}\, X_{\,is + ud,\; js + vd}",
    run=run,
    options=ConvolutionStepsOptions,
)
