"""Small matrices as people read them: side by side in the terminal, and drawn cell by cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.core.messages import format_number
from derin.lessons.drawing import GRAY, INK, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Grid = npt.NDArray[np.float64]
# Of cells: the color of the name, weak enough for a number to stand on it.
_STRENGTH = 0.28
_INCHES = 0.36  # side of a cell
_LETTER = 0.23  # cells that a letter of a name takes
_MOST_CELLS = 20  # along a side that is still written


def write_grids(grids: Mapping[str, Any], spec: str = ".4g") -> tuple[str, ...]:
    """Matrices side by side, each beneath its name; of large ones the corner.

    Args:
        grids: name → matrix.
        spec: of the numbers, as in Python's ``format``.

    Example:
        >>> print(*write_grids({"X": [[1, 0], [-1, 2]], "F": [[3]]}), sep="\\n")
        X         F
         1   0    3
        -1   2
    """
    blocks = [_block(name, np.asarray(values, dtype=np.float64), spec) for name, values in grids.items()]
    widths = [max(len(line) for line in block) for block in blocks]
    rows = zip_longest(*blocks, fillvalue="")
    return tuple("    ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def _block(name: str, values: Grid, spec: str) -> list[str]:
    corner = values[:_MOST_CELLS, :_MOST_CELLS]
    words = [[format_number(float(value), spec) for value in row] for row in corner]
    width = max(len(word) for row in words for word in row)
    more = "  …" if corner.shape[1] < values.shape[1] else ""
    lines = ["  ".join(word.rjust(width) for word in row) + more for row in words]
    return [name, *lines, *(["…"] if corner.shape[0] < values.shape[0] else [])]


def draw_grids(
    grids: Mapping[str, Any],
    marks: Mapping[str, Any] | None = None,
    *,
    columns: int | None = None,
    heading: str = "",
    spec: str = ".3g",
) -> Figure:
    """Matrices drawn cell by cell, each beneath its name; what is not a number stays an empty cell.

    Args:
        grids: name → matrix.
        marks: name → matrix of colors (or "" for none) that lie under the numbers.
        columns: matrices per line; None puts all into one.
        heading: lines above everything.
        spec: of the numbers.
    """
    # Everything is measured in cells, so that all cells of a drawing are of one size.
    top = 0.6 * len(heading.split("\n")) if heading else 0.0
    places, width, columns = [], 0.0, columns or len(grids)
    names = list(grids)
    for start in range(0, len(names), columns):
        left = 0.4
        for name in names[start : start + columns]:
            places.append((name, left, top + 1.0))
            left += max(np.shape(grids[name])[1], _LETTER * len(name)) + 0.8
        width = max(width, left - 0.4)
        top += max(np.shape(grids[name])[0] for name in names[start : start + columns]) + 1.5
    figure = new_figure(width * _INCHES, top * _INCHES)
    figure.set_layout_engine("none")  # everything has its place already
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(top, 0)
    axes.text(0.4, 0.25, heading, fontsize=8.5, color=INK, va="top", linespacing=1.4)
    for name, left, above in places:
        axes.text(left, above - 0.2, name, fontsize=9, color=INK, va="bottom")
        _draw_cells(axes, np.asarray(grids[name], dtype=np.float64), (marks or {}).get(name), left, above, spec)
    return figure


def _draw_cells(axes: Axes, values: Grid, marks: Any, left: float, above: float, spec: str) -> None:
    from matplotlib.patches import Rectangle

    for (row, column), value in np.ndenumerate(values):
        corner = (left + column, above + row)
        color = "" if marks is None else str(marks[row][column])
        if color:
            axes.add_patch(Rectangle(corner, 1, 1, facecolor=color, alpha=_STRENGTH, linewidth=0))
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=GRAY, linewidth=0.7))
        if not np.isnan(value):
            word = format_number(float(value) + 0.0, spec)  # + 0 makes a minus zero a plain one
            size = 8 if len(word) < 5 else 6.5 if len(word) < 6 else 5
            axes.text(corner[0] + 0.5, corner[1] + 0.53, word, ha="center", va="center", fontsize=size, color=INK)


def window(shape: tuple[int, ...], places: Iterable[tuple[int, ...]], color: str) -> list[list[str]]:
    """Marks for `draw_grids`: a color at some places and none elsewhere.

    Example:
        >>> window((2, 2), [(0, 1)], "red")
        [['', 'red'], ['', '']]
    """
    chosen = set(places)
    return [[color if (row, column) in chosen else "" for column in range(shape[1])] for row in range(shape[0])]
