"""How a choice is drawn: the optimized metric against a cost, the bounds, and the networks that no other one beats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from derin.core.messages import translate
from derin.core.printable import printable
from derin.strategy.choosing import Choice, Goal, pareto_front
from derin.strategy.numbers import metric_name
from derin.strategy.record import is_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, _GRID, BLUE, ORANGE = "#1a1f2b", "#5b6475", "#e2e5eb", "#1f6feb", "#d9560b"
_DOTS = 130  # per inch
_LOG_RATIO = 20  # a cost that spans more than this is drawn on a logarithmic scale


def new_axes() -> tuple[Figure, Axes]:
    """An empty drawing in the colors of the reports."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), dpi=_DOTS, facecolor="white")
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.08)
    axes = figure.subplots()
    axes.grid(color=_GRID, lw=0.8)
    axes.tick_params(colors=QUIET, labelsize=8.5)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(QUIET)
    return figure, axes


def draw(candidates: Mapping[str, Mapping[str, float | None]], goal: Goal, choice: Choice | None) -> Figure:
    """A point for each candidate, by its cost and the optimized metric.

    The cost is the first metric that has to be good enough, and without one ``latency_ms``.

    Args:
        candidates: metrics by name, of each by its name.
        goal: what is optimized, and what has to be good enough.
        choice: the one that was chosen.
    """
    limit = goal.constraints[0] if goal.constraints else None
    cost = "latency_ms" if limit is None else limit.metric
    points = {
        name: (float(numbers[cost]), float(numbers[goal.metric]))  # type: ignore[arg-type]
        for name, numbers in candidates.items()
        if is_number(numbers.get(cost)) and is_number(numbers.get(goal.metric))
    }
    figure, axes = new_axes()
    front = sorted(points[name] for name in pareto_front(candidates, goal) if name in points)
    if len(front) > 1:
        axes.plot(*zip(*front), color=BLUE, lw=1.4, alpha=0.5, label=translate("compare.front"))
    for name, (x, y) in points.items():
        is_chosen = choice is not None and name == choice.name
        refused = choice is not None and name not in choice.admissible
        color = ORANGE if is_chosen else QUIET if refused else BLUE
        axes.plot(x, y, "o", color=color, ms=9 if is_chosen else 6, mfc="white" if refused else color)
        axes.annotate(printable(name), (x, y), xytext=(7, 5), textcoords="offset points", fontsize=9, color=INK)
    costs = [x for x, _ in points.values()]
    if costs and min(costs) > 0 and max([*costs, limit.bound if limit else 0]) / min(costs) > _LOG_RATIO:
        axes.set_xscale("log")
    if limit is not None:
        axes.axvline(limit.bound, color=QUIET, ls=(0, (4, 4)), lw=1.2, label=str(limit))
    axes.set_xlabel(metric_name(cost), color=INK)
    axes.set_ylabel(metric_name(goal.metric), color=INK)
    axes.margins(0.14)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=8.5, frameon=False, labelcolor=INK, loc="best")
    return figure
