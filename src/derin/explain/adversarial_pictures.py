"""Drawings of adversarial examples: what was changed, what the network makes of it, and the curve over ε."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from derin.core.messages import format_number, translate
from derin.core.printable import printable
from derin.explain.heat_map import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _FAINT, _LINE, _SECOND = "#1f2430", "#6b7280", "#3b74d6", "#e8762c"
_WRONG = "#c22f43"
_PANEL = 1.75  # inches, side of one picture
_SMALL = 64  # pixels; a smaller picture is enlarged pixel by pixel, so that it stays sharp
_DOTS = 150  # per inch
_LONGEST = 26  # letters of a caption


@dataclass(frozen=True)
class Pair:
    """A picture before and after.

    Args:
        name: of the picture.
        before: as given, ``(H, W, C)`` in 0..1.
        after: as changed, the same.
        answers: what the network says of both.
        truth: what is right.
        fooled: whether the second answer is wrong, or the one that was aimed at.
    """

    name: str
    before: Floats
    after: Floats
    answers: tuple[str, str]
    truth: str
    fooled: bool


def attack_sheet(pairs: Sequence[Pair], *, epsilon: float, title: str) -> Figure:
    """For each picture: as given, the change made visible around a middle gray, as changed."""
    columns = 1 if len(pairs) == 1 else 2
    lines = -(-len(pairs) // columns)
    tall = max(pair.before.shape[0] / pair.before.shape[1] for pair in pairs)
    figure = _figure(columns * (3 * _PANEL + 0.25) + 0.1, lines * (_PANEL * tall + 0.45) + 0.5, title)
    widths = ([1, 1, 1, 0.12] * columns)[:-1]
    axes = figure.subplots(lines, 4 * columns - 1, squeeze=False, width_ratios=widths)
    for ax in axes.flat:
        ax.set_axis_off()
    # ε itself becomes black or white.
    factor = 0.5 / epsilon if epsilon else 1.0
    for place, pair in enumerate(pairs):
        line, column = divmod(place, columns)
        given, change, changed = axes[line, 4 * column : 4 * column + 3]
        _show(given, pair.before, pair.answers[0], f"{pair.truth} · {pair.name}")
        _show(change, 0.5 + factor * (pair.after - pair.before), translate("adversarial.change", factor=factor), "")
        _show(changed, pair.after, pair.answers[1], "", color=_WRONG if pair.fooled else _INK)
    return figure


def attack_curve(
    epsilons: Sequence[float],
    values: Sequence[float],
    *,
    label: str,
    title: str,
    reached: tuple[str, Sequence[float]] | None = None,
    shares: bool = True,
) -> Figure:
    """A metric over ε.

    Args:
        epsilons: of a pixel range 0..1.
        values: the metric at each.
        label: its name.
        title: of the drawing.
        reached: a second line: its name, and for each ε the share that was taken for the target.
        shares: whether the values are shares of one.
    """
    figure = _figure(5.6, 3.6, title)
    ax = figure.subplots()
    steps = [255 * epsilon for epsilon in epsilons]
    ax.plot(steps, values, "o-", color=_LINE, label=label, clip_on=False, zorder=3)
    for step, value in zip(steps, values):
        text = format_number(value, ".1%") if shares else format_number(value, ".4g")
        ax.annotate(
            text, (step, value), (0, 7), textcoords="offset points", ha="center", fontsize=8, color=_INK, zorder=4
        )
    if reached is not None:
        ax.plot(steps, reached[1], "s--", color=_SECOND, label=reached[0], clip_on=False)
        ax.legend(frameon=False, fontsize=8.5)
    if shares:
        ax.set_ylim(0, 1)
        ax.yaxis.set_major_formatter(lambda value, _: format_number(value, ".0%"))
    else:
        ax.set_ylim(bottom=0)
    ax.set_xlim(left=0)
    ax.set_xlabel(translate("adversarial.epsilon"), fontsize=9, color=_FAINT)
    ax.set_ylabel(label, fontsize=9, color=_FAINT, parse_math=False)
    ax.grid(color="#e4e7ec", linewidth=0.8)
    ax.tick_params(labelsize=8, color=_FAINT, labelcolor=_FAINT)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color("#c4c9d2")
    return figure


def _figure(width: float, height: float, title: str) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DOTS, layout="constrained")
    figure.suptitle(title, fontsize=10.5, color=_INK, x=0.01, ha="left", parse_math=False)
    return figure


def _show(ax: Axes, values: Floats, caption: str, below: str, color: str = _INK) -> None:
    """Names from files are text and not formulas."""
    pixels = np.clip(values, 0, 1)
    gray = pixels.shape[2] == 1
    ax.imshow(
        pixels[..., 0] if gray else pixels,
        cmap="gray" if gray else None,
        vmin=0,
        vmax=1,
        interpolation="nearest" if max(pixels.shape[:2]) < _SMALL else "lanczos",
    )
    ax.set_title(_shortened(caption), fontsize=8.5, color=color, pad=3, parse_math=False)
    if below:
        ax.text(
            0.5, -0.03, _shortened(below), transform=ax.transAxes, ha="center", va="top", fontsize=7.5, color=_FAINT,
            parse_math=False,
        )  # fmt: skip


def _shortened(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
