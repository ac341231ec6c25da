"""Drawings of what was seen inside a network, for looking at: sharp, captioned, with a scale of colors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import StorageError, UsageError
from derin.core.messages import format_number, translate
from derin.core.printable import printable
from derin.explain.activations import Activations
from derin.explain.colors import heat_colors, signed_colors
from derin.explain.deconvnet import Projection
from derin.explain.filters import Patterns
from derin.explain.heat_map import Floats, HeatMap
from derin.explain.integrated_gradients import Attributions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

Pixels = npt.NDArray[np.uint8]

_INK, _FAINT = "#1f2430", "#6b7280"
_DOTS = 150  # per inch
_PANEL = 2.6  # inches, side of one picture
_FORMS = (".png", ".svg", ".pdf")
_SMALL = 64  # pixels; a smaller picture is enlarged pixel by pixel, so that it stays sharp
_SQUARES = 56  # along the shorter side of a picture of attributions
_STRONGEST = 99.5  # percentile that counts as the largest value, lest one pixel make all others pale


@dataclass(frozen=True)
class Shown:
    """A picture as the network saw it.

    Args:
        pixels: ``(H, W, C)`` uint8.
        name: of the file, or a number.
        answer: what the network says of it.
        asked: what the heat map is about.
    """

    pixels: Pixels
    name: str
    answer: str
    asked: str = ""


def heat_sheet(shown: Sequence[Shown], heat: HeatMap, title: str) -> Figure:
    """Each picture beside itself with the heat map over it. Each map has its own scale, from zero to its largest."""
    columns = 1 if len(shown) == 1 else 2 if len(shown) <= 12 else 3
    lines = math.ceil(len(shown) / columns)
    figure = _figure(columns * (2 * _PANEL + 0.15) + 0.9, lines * (_PANEL * _tallness(shown) + 0.5) + 0.45, title)
    axes = _pairs(figure, lines, columns)
    colors = signed_colors() if heat.signed else heat_colors()
    for place, one in enumerate(shown):
        line, column = divmod(place, columns)
        left, right = axes[line, 3 * column], axes[line, 3 * column + 1]
        _show_picture(left, one.pixels)
        _caption(left, one.answer, one.name, _PANEL)
        values, note = heat.values[place], heat.layer or ""
        if isinstance(heat, Attributions):
            values, side = in_squares(values)
            note = translate("explain.squares", side=side) if side > 1 else ""
        _show_picture(right, _overlay(one.pixels, relative(values), colors, signed=heat.signed))
        _caption(right, one.asked, note, _PANEL)
    _scale_bar(figure, axes, colors, signed=heat.signed)
    return figure


def amounts_sheet(labels: Sequence[str], names: Sequence[str], values: npt.NDArray[np.float64], title: str) -> Figure:
    """How much each input counts in each example, on one scale for all.

    Shapes:
        values ``(len(labels), len(names))``.
    """
    figure = _figure(2.2 + 1.1 * len(names), 1.0 + 0.34 * len(labels), title)
    axes = figure.subplots()
    largest = float(np.abs(values).max()) or 1.0
    axes.imshow(values / largest, cmap=signed_colors(), vmin=-1, vmax=1, aspect="auto")
    for (line, column), value in np.ndenumerate(values):
        axes.text(column, line, format_number(float(value), ".3g"), ha="center", va="center", fontsize=8, color=_INK)
    axes.set_xticks(range(len(names)), [printable(name) for name in names], fontsize=8, parse_math=False)
    axes.set_yticks(range(len(labels)), [printable(label) for label in labels], fontsize=8, parse_math=False)
    axes.tick_params(length=0, labelcolor=_INK)
    return figure


def activation_sheet(
    shown: Shown, layers: Sequence[Activations], *, example: int, num_units: int, title: str
) -> Figure:
    """The maps of each layer, those that vary most first, on one scale for each layer."""
    columns = min(16, max(8, num_units))
    chosen = [layer.strongest(num_units, example) for layer in layers]
    lines = [math.ceil(len(units) / columns) for units in chosen]
    tile = 10 / columns
    heights = [1.5, *(count * tile * 1.14 + 0.42 for count in lines)]
    figure = _figure(10.8, sum(heights) + 0.5, title)
    axes = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    _show_picture(axes[0], shown.pixels)
    axes[0].set_axis_off()
    heading = printable(f"{shown.answer}   {shown.name}")
    axes[0].set_title(heading, fontsize=9, color=_INK, loc="center", parse_math=False)
    for ax, layer, units in zip(axes[1:], layers, chosen):
        _show_maps(figure, ax, layer, units, example, columns)
    return figure


def pattern_sheet(patterns: Patterns, title: str, names: Sequence[str] | None = None) -> Figure:
    """The picture that excites each unit most, with the answer that it gets; `names` are those of all units."""
    columns = min(len(patterns.units), 6)
    lines = math.ceil(len(patterns.units) / columns)
    figure = _figure(columns * 1.75 + 0.2, lines * 2.05 + 0.5, title)
    axes = figure.subplots(lines, columns, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, unit, pixels, before, after in zip(
        axes.flat, patterns.units, patterns.pictures, patterns.before, patterns.after
    ):
        _show_picture(ax, np.round(pixels * 255).astype(np.uint8))
        climbed = translate("explain.climbed", before=_number(before), after=_number(after))
        _caption(ax, translate("explain.unit", unit=unit) if names is None else names[unit], climbed, 1.7)
    return figure


def projection_sheet(shown: Sequence[Shown], projections: Sequence[Projection], title: str) -> Figure:
    """For each answer the part of the picture that it comes from, and beside it what it was about there."""
    columns = min(len(projections), 3)
    lines = math.ceil(len(projections) / columns)
    figure = _figure(columns * 3.5 + 0.2, lines * 2.1 + 0.5, title)
    axes = _pairs(figure, lines, columns)
    for place, found in enumerate(projections):
        line, column = divmod(place, columns)
        top, left, bottom, right = _squared(found.box, found.values.shape[1:])
        one = shown[found.example]
        _show_picture(axes[line, 3 * column], one.pixels[top:bottom, left:right])
        _caption(axes[line, 3 * column], translate("explain.unit", unit=found.unit), one.name, 1.6)
        _show_picture(axes[line, 3 * column + 1], _gray_is_zero(found.values[:, top:bottom, left:right]))
        _caption(axes[line, 3 * column + 1], translate("explain.activation", value=_number(found.activation)), "", 1.6)
    return figure


def require_place(path: Path) -> None:
    """Refuses a file that could not be written, before long work is begun for it.

    Raises:
        UsageError: an ending that is no form of picture.
        StorageError: the folder does not exist.
    """
    if path.suffix.lower() not in _FORMS:
        raise UsageError(f"A drawing is written as {', '.join(_FORMS)}; got {path.name!r}.")
    if not path.parent.is_dir():
        raise StorageError(f"The drawing {str(path)!r} needs a folder that exists; make it or name another.")


def save(figure: Figure, path: Path) -> None:
    """Writes a drawing; the ending says in which form.

    Raises:
        UsageError: an ending that is no form of picture.
        StorageError: the file cannot be written.
    """
    require_place(path)
    try:
        figure.savefig(path, dpi=_DOTS, facecolor="white")
    except OSError as error:
        raise StorageError(f"The drawing {str(path)!r} cannot be written ({error}); name another place.") from error


def relative(values: Floats) -> Floats:
    """A heat map as shares of its largest value, −1..1.

    The largest is a high percentile of the strengths, where that is not zero.

    Example:
        >>> relative(np.array([[0.0, -1.0], [2.0, 4.0]], np.float32)).round(2).tolist()
        [[0.0, -0.25], [0.5, 1.0]]
    """
    strength = np.abs(values)
    largest = float(np.percentile(strength, _STRONGEST)) or float(strength.max())
    found: Floats = np.clip(values / (largest or 1.0), -1.0, 1.0).astype(np.float32)
    return found


def in_squares(values: Floats) -> tuple[Floats, int]:
    """Numbers that may be added, each replaced by the sum over its square; and the side of the squares in pixels.

    What single pixels of a large picture add to a score changes its sign from one to the next. A square keeps what
    they add together. Pictures of a few pixels stay as they are.

    Example:
        >>> summed, side = in_squares(np.ones((112, 224), np.float32))
        >>> side, summed.shape, float(summed.max())
        (2, (112, 224), 4.0)
    """
    height, width = values.shape
    side = max(1, round(min(height, width) / _SQUARES))
    rows, columns = np.arange(height) // side, np.arange(width) // side
    sums = np.zeros((rows[-1] + 1, columns[-1] + 1), dtype=np.float32)
    np.add.at(sums, (rows[:, None], columns[None, :]), values)
    return sums[rows[:, None], columns[None, :]], side


def _figure(width: float, height: float, title: str) -> Figure:
    """A drawing of so many inches."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.05, wspace=0.01, hspace=0.01)
    figure = Figure(figsize=(width, height), dpi=_DOTS, layout=layout)
    figure.suptitle(title, fontsize=10.5, color=_INK, x=0.01, ha="left", parse_math=False)
    return figure


def _pairs(figure: Figure, lines: int, columns: int) -> Any:
    """Places for pairs of pictures, with some room between two pairs; ``(lines, 3 · columns − 1)``."""
    widths = [1, 1, 0.06] * columns
    axes = figure.subplots(lines, 3 * columns - 1, squeeze=False, width_ratios=widths[:-1])
    for ax in axes.flat:
        ax.set_axis_off()
    return axes


def _tallness(shown: Sequence[Shown]) -> float:
    return max(one.pixels.shape[0] / one.pixels.shape[1] for one in shown)


def _caption(ax: Axes, text: str, below: str, width: float) -> None:
    """What is seen, above; where it comes from, beneath; in so many inches. Names from files are no formulas."""
    ax.set_title(_shortened(text, round(width * 14.5)), fontsize=9, color=_INK, pad=3, parse_math=False)
    if below:
        ax.text(
            0.5,
            -0.02,
            _shortened(below, round(width * 17)),
            transform=ax.transAxes,
            ha="center",
            va="top",
            fontsize=7.5,
            color=_FAINT,
            parse_math=False,
        )


def _number(value: float) -> str:
    """Three digits, or all before the point."""
    return format_number(float(value), ",.0f" if abs(value) >= 100 else ".3g")


def _shortened(text: str, most: int) -> str:
    text = printable(text)
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _show_picture(ax: Axes, pixels: npt.NDArray[Any]) -> None:
    gray = pixels.shape[2] == 1
    ax.imshow(
        pixels[..., 0] if gray else pixels,
        cmap="gray" if gray else None,
        vmin=0,
        vmax=255 if pixels.dtype == np.uint8 else 1,
        interpolation="nearest" if max(pixels.shape[:2]) < _SMALL else "lanczos",
    )


def _overlay(pixels: Pixels, values: Floats, colors: Colormap, *, signed: bool) -> npt.NDArray[np.float64]:
    """The picture in faint gray under the colors of the map, which cover it more where they are strong."""
    gray = pixels.astype(np.float64).mean(axis=2, keepdims=True) / 255
    paper = (0.55 + 0.45 * gray) if signed else gray
    strength = np.abs(values)[..., None]
    cover = 0.85 * np.sqrt(strength) if signed else 0.35 + 0.4 * strength
    paint = colors((values + 1) / 2 if signed else values)[..., :3]
    mixed: npt.NDArray[np.float64] = paper * (1 - cover) + paint * cover
    return mixed


def _scale_bar(figure: Figure, axes: Any, colors: Colormap, *, signed: bool) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    drawn = ScalarMappable(Normalize(-1 if signed else 0, 1), colors)
    bar = figure.colorbar(
        drawn, ax=axes, fraction=0.03, pad=0.015, aspect=28, ticks=[-1, 0, 1] if signed else [0, 0.5, 1]
    )
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=7.5, color=_FAINT, labelcolor=_FAINT)
    words = "explain.scale_signed" if signed else "explain.scale"
    bar.set_label(translate(words), fontsize=8, color=_FAINT)


def _show_maps(figure: Figure, ax: Axes, layer: Activations, units: Sequence[int], example: int, columns: int) -> None:
    """One layer's maps as one picture with gaps, so that every map is drawn pixel by pixel."""
    maps = layer.maps[example]
    height, width = maps.shape[1:]
    # Maps of few pixels are enlarged first, lest the gap be as wide as they are.
    factor = max(1, 32 // max(height, width))
    gap = max(1, round(0.06 * width * factor))
    line_gap = 4 * gap  # which holds the units' numbers
    step_down, step_right = height * factor + line_gap, width * factor + gap
    lines = math.ceil(len(units) / columns)
    mosaic = np.full((lines * step_down - line_gap, columns * step_right - gap), np.nan, dtype=np.float32)
    for place, unit in enumerate(units):
        line, column = divmod(place, columns)
        tile = maps[unit].repeat(factor, axis=0).repeat(factor, axis=1)
        mosaic[line * step_down :, column * step_right :][: tile.shape[0], : tile.shape[1]] = tile
        ax.text(column * step_right, line * step_down - 1, str(unit), fontsize=5, color=_FAINT, va="bottom", ha="left")
    drawn = ax.imshow(mosaic, cmap="viridis", interpolation="nearest" if factor > 1 else "antialiased")
    ax.set_axis_off()
    heading = translate("explain.maps", layer=layer.layer, count=maps.shape[0], height=height, width=width)
    if len(units) < maps.shape[0]:
        heading += " " + translate("explain.most_varied", num=len(units))
    ax.set_title(heading, fontsize=8.5, color=_INK, loc="left", pad=9, parse_math=False)
    bar = figure.colorbar(drawn, ax=ax, fraction=0.02, pad=0.01, aspect=10)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=6, color=_FAINT, labelcolor=_FAINT)


def _gray_is_zero(values: Floats) -> Pixels:
    """A projection as a picture: the middle gray is zero, the largest strength is black or white."""
    pixels = np.round((relative(values.transpose(1, 2, 0)) + 1) * 127.5)
    return pixels.astype(np.uint8)


def _squared(box: tuple[int, int, int, int], size: Sequence[int]) -> tuple[int, int, int, int]:
    """The box made square within the picture.

    >>> _squared((2, 3, 4, 9), (20, 20))
    (0, 3, 6, 9)
    """
    top, left, bottom, right = box
    side = min(max(bottom - top, right - left), *size)
    starts = []
    for first, last, length in ((top, bottom, size[0]), (left, right, size[1])):
        starts.append(min(max(0, (first + last - side) // 2), length - side))
    return starts[0], starts[1], starts[0] + side, starts[1] + side
