"""How a forecast is drawn: what came before, what is expected, and the band of its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from derin.core.messages import translate
from derin.core.printable import printable
from derin.tasks.forecast import Forecast

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _QUIET, _GRID, _BLUE, _ORANGE = "#1a1f2b", "#5b6475", "#e2e5eb", "#1f6feb", "#d9560b"
_DOTS = 130  # per inch
_WIDTH, _HEIGHT = 6.4, 2.6  # inches of one panel
_SHORT_TIME = 7  # letters of a year and a month
_PAST_PER_FORECAST = 3  # so many times the forecast's steps are drawn before it


def draw(answers: Sequence[Forecast], past: Sequence[np.ndarray], most: int) -> Figure:
    """A panel for each variable of each series, up to a number.

    Args:
        answers: the forecasts.
        past: the steps before each, in units, ``(steps, variables)``.
        most: panels.
    """
    from matplotlib.figure import Figure

    panels = [(a, p, v) for a, p in zip(answers, past) for v in range(len(a.names))][:most]
    columns = 1 if len(panels) <= 3 else 2
    lines = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(_WIDTH * columns, _HEIGHT * lines + 0.3), dpi=_DOTS, facecolor="white")
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.06)
    grid = figure.subplots(lines, columns, squeeze=False).reshape(-1)
    for axes, (answer, before, variable) in zip(grid, panels):
        _panel(axes, answer, before[:, variable], variable)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    # Above the axes, beside the title: inside they would lie on the line.
    above = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.2}
    grid[0].legend(fontsize=8, frameon=False, labelcolor=_INK, ncols=3, **above)
    return figure


def _panel(axes: Axes, answer: Forecast, before: np.ndarray, variable: int) -> None:
    num = len(answer)
    before = before[-max(_PAST_PER_FORECAST * num, 2) :]
    steps = np.arange(1, num + 1)
    values = answer.values[:, variable]
    axes.plot(np.arange(1 - len(before), 1), before, color=_BLUE, linewidth=1.5, label=translate("forecast.past"))
    # The line of the forecast begins where the past ends.
    axes.plot([0, *steps], [before[-1], *values], color=_ORANGE, linewidth=1.8, label=translate("forecast.forecast"))
    if answer.low is not None and answer.high is not None and answer.level is not None:
        name = translate("forecast.interval", level=answer.level)
        axes.fill_between(
            steps, answer.low[:, variable], answer.high[:, variable], color=_ORANGE, alpha=0.18, linewidth=0, label=name
        )
    axes.axvline(0, color=_QUIET, linewidth=0.8, linestyle=(0, (4, 4)))
    title = answer.names[variable] if answer.series is None else f"{answer.series}: {answer.names[variable]}"
    axes.set_title(printable(title), loc="left", fontsize=10, color=_INK, fontweight="bold", parse_math=False)
    if answer.times and answer.times[0]:
        _mark_times(axes, answer.times)
    axes.tick_params(labelsize=8, colors=_QUIET, length=3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def _mark_times(axes: Axes, times: Sequence[str]) -> None:
    """Marks the first and the last step of the forecast, and its middle where the words leave room for it."""
    num = len(times)
    is_short = max(map(len, times)) <= _SHORT_TIME
    shown = sorted({1, num // 2 + 1, num} if is_short else {1, num})
    # Long words end at their step, so that those of the first one lie below the past.
    axes.set_xticks(shown, [times[step - 1] for step in shown], ha="center" if is_short else "right")
