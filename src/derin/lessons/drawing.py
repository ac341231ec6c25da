"""How the pictures of the lessons look: figures of one style, written as small PNG and GIF files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from derin.lessons.numbers import Floats

# Those of report.html on a light ground.
INK, QUIET, GRID = "#1a1f2b", "#5b6475", "#e2e5eb"
BLUE, ORANGE, PURPLE, GREEN, RED, GRAY = "#1f6feb", "#d9560b", "#6b4fc8", "#1a7f4b", "#b3261e", "#9aa4b5"
COLORS = (BLUE, ORANGE, GREEN, PURPLE, RED, GRAY, "#00838f", "#8d6e00")

_DOTS = 110  # per inch


def new_figure(width: float = 6.4, height: float = 4.0) -> Figure:
    """An empty figure; sizes in inches. It belongs to no window and needs no display."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DOTS, facecolor="white")
    # Room for half a number that stands at the end of an axis.
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.06)
    return figure


def style(axes: Axes, *, title: str = "", x_label: str = "", y_label: str = "", grid: bool = True) -> None:
    """Axes of the house: quiet lines, a title at the left."""
    axes.set_title(title, loc="left", fontsize=10, color=INK, fontweight="bold")
    axes.set_xlabel(x_label, fontsize=9, color=INK)
    axes.set_ylabel(y_label, fontsize=9, color=INK)
    axes.tick_params(labelsize=8, colors=QUIET, length=3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GRAY)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(color=GRID, linewidth=0.8)


def legend(axes: Axes, **options: Any) -> None:
    """A legend in the style of the house; options are matplotlib's."""
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, **options)


def contours(axes: Axes, x: Floats, y: Floats, heights: Floats, *, levels: int = 14) -> None:
    """A surface seen from above, its levels crowded where it is low.

    Shapes:
        x ``(W,)``, y ``(H,)``, heights ``(H, W)``.
    """
    low = float(heights.min())
    span = max(float(heights.max()) - low, 1e-12)
    steps = low + span * np.linspace(0, 1, levels) ** 2.5
    axes.contourf(x, y, heights, levels=steps, cmap="Blues", alpha=0.75)
    axes.contour(x, y, heights, levels=steps[1:], colors="white", linewidths=0.6)


def png(figure: Figure) -> bytes:
    """A figure as PNG with at most 256 colors, which flat drawings do with."""
    file = io.BytesIO()
    _pixels(figure).quantize(256, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


def gif(figures: Sequence[Figure], *, seconds: float = 0.1, last_seconds: float = 2.0) -> bytes:
    """Figures of one size, one after the other, again and again.

    Args:
        figures: the frames.
        seconds: how long each is shown.
        last_seconds: how long the last one is.
    """
    pictures = [_pixels(figure) for figure in figures]
    # One palette for all, from the last frame, on which everything has been drawn; else colors flicker.
    palette = pictures[-1].quantize(64, dither=Image.Dither.NONE)
    frames = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    durations = [round(1000 * seconds)] * (len(frames) - 1) + [round(1000 * last_seconds)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=True)
    return file.getvalue()


def _pixels(figure: Figure) -> Image.Image:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
