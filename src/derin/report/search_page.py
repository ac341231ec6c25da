"""Writes search.html: what a search tried, what came of it, and which settings mattered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from derin.core.files import write_bytes
from derin.core.messages import capital, format_number, translate
from derin.report.charts import Axis, Dot, Strand, bars, dot_chart, parallel_chart
from derin.report.html import Html, join, table, tag
from derin.report.page import whole_page
from derin.strategy.choosing import Choice
from derin.strategy.numbers import metric_name, metric_text, number_text, tick_text, time_text
from derin.strategy.search_space import LOG, ONE_MINUS_LOG, Dimension
from derin.strategy.search_story import FINISHED, SearchStory, Trial

_ALONE = "max-width:680px"  # of a chart that nothing stands beside
_FAINTEST = 0.15  # opacity of the line of the worst trial
_MANY = 12  # trials from which on it is said that the best of many looks better than it is


def write_search_page(folder: Path, story: SearchStory, choice: Choice | None) -> Path:
    """Writes the page of a search and returns its path.

    Args:
        folder: of the search.
        story: what it has found.
        choice: the best run; None where there is none.

    Raises:
        StorageError: the page cannot be written.
    """
    path = folder / "search.html"
    write_bytes(path, render(story, choice).encode("utf-8"))
    return path


def render(story: SearchStory, choice: Choice | None) -> str:
    """The page as text."""
    best = None if choice is None else next(trial for trial in story.trials if trial.run == choice.name)
    bodies = [
        ("result", "search.result", _result(story, best)),
        ("history", "search.history", _history(story, best)),
        ("together", "search.together", _together(story, best)),
        ("settings", "search.settings", _slices(story, best)),
        ("importance", "search.importance", _importance(story)),
        ("trials", "search.trials", _trials(story, best)),
        ("again", "search.again", tag("pre", story.command)),
    ]
    sections = [(anchor, translate(key), body) for anchor, key, body in bodies if body is not None]
    return whole_page(translate("search.title", data=story.data), capital(_goal_text(story)), sections)


def _goal_text(story: SearchStory) -> str:
    goal = story.goal
    words = {"metric": metric_name(goal.metric), "limits": ", ".join(map(str, goal.constraints))}
    key = "search.maximize" if goal.maximize else "search.minimize"
    return translate(f"{key}_subject" if goal.constraints else key, **words)


def result_sentences(story: SearchStory, best: Trial | None) -> list[str]:
    """What came of a search, most important first."""
    metric = story.goal.metric
    if best is None:
        return [translate("search.nothing_fits" if story.finished else "search.nothing_yet")]
    words: dict[str, Any] = {"metric": metric_name(metric), "best": _value(story, best), "run": best.run}
    default = next((trial for trial in story.finished if trial.number == 0), None)
    found = []
    if default is None:
        found.append(translate("search.best", **words))
    elif best.number == 0:
        found.append(translate("search.default_best", **words, count=len(story.trials) - 1))
    else:
        found.append(translate("search.better", **words, default=_value(story, default)))
    if best.number and best.settings:
        found.append(translate("search.by", settings=_settings(best)))
    value = story.test.get(metric)
    if value is not None:
        found.append(translate("search.test", metric=metric_name(metric), value=metric_text(metric, value)))
    if len(story.finished) >= _MANY:
        found.append(translate("search.optimism", count=len(story.finished)))
    if story.baselines:
        shown = "accuracy" if "majority" in story.baselines else "rmse"
        told = ", ".join(
            f"{translate(f'search.baseline_{name}')} {metric_text(shown, value, story.num_val)}"
            for name, value in story.baselines.items()
        )
        found.append(translate("search.baselines", metric=metric_name(shown), values=told))
    return found


def _result(story: SearchStory, best: Trial | None) -> Html:
    first, *rest = result_sentences(story, best)
    if best is None:
        return tag("p", first)
    big = tag("p", _value(story, best), class_="big long")
    words = tag("div", tag("p", capital(metric_name(story.goal.metric)), class_="name"), tag("p", first))
    return join([tag("div", big, words, class_="headline"), *(tag("p", sentence) for sentence in rest)])


def _history(story: SearchStory, best: Trial | None) -> Html | None:
    shown = _measured(story)
    if not shown:
        return None
    metric = story.goal.metric
    levels = []
    if metric in ("accuracy", "rmse") and (metric == "accuracy") == ("majority" in story.baselines):
        values = [trial.metrics[metric] for trial in shown]
        spread = max(values) - min(values)
        # Those that are far below all trials would press these into a line.
        levels = [
            (value, translate(f"search.baseline_{name}"))
            for name, value in story.baselines.items()
            if min(values) - spread <= value <= max(values) + spread
        ]
    chart = dot_chart(
        [Dot(trial.number, trial.metrics[metric], _style(trial, best), _says(story, trial)) for trial in shown],
        title=capital(translate("search.history_of", metric=metric_name(metric))),
        x_label=translate("search.trial"),
        spell_x=lambda v: f"{v:g}" if v.is_integer() else "",
        spell_y=lambda v: tick_text(metric, v),
        line=story.best_so_far(),
        levels=levels,
    )
    legend = tag("p", translate("search.legend"), class_="quiet")
    return join([tag("div", chart, style=_ALONE), legend])


def _together(story: SearchStory, best: Trial | None) -> Html | None:
    """Every trial as a line from its settings to what came of them."""
    metric, shown = story.goal.metric, _measured(story)
    space = [each for each in story.space if any(each.name in trial.settings for trial in shown)]
    if len(space) < 2 or len(shown) < 2:
        return None
    results = [trial.metrics[metric] for trial in shown]
    low, high = min(results), max(results)
    axes = [_axis(dimension, shown) for dimension in space]
    axes.append(Axis(metric_name(metric), low, high, lambda v: tick_text(metric, v)))

    def goodness(trial: Trial) -> float:
        share = (trial.metrics[metric] - low) / ((high - low) or 1)
        return share if story.goal.maximize else 1 - share

    strands = [
        Strand(
            [_place(each, trial.settings[each.name]) if each.name in trial.settings else None for each in space]
            + [trial.metrics[metric]],
            _style(trial, best),
            _says(story, trial),
            1.0 if trial is best else _FAINTEST + (1 - _FAINTEST) * goodness(trial),
        )
        for trial in sorted(shown, key=lambda trial: (trial is best, goodness(trial)))
    ]
    about = tag("p", translate("search.together_about"), class_="quiet")
    title = capital(translate("search.together_title", metric=metric_name(metric)))
    return join([about, parallel_chart(axes, strands, title=title)])


def _axis(dimension: Dimension, shown: Sequence[Trial]) -> Axis:
    """The axis of a setting, as far as trials reach."""
    name, scale = _axis_name(dimension), dimension.scale in (LOG, ONE_MINUS_LOG)
    if dimension.choices:
        names = [_text(choice) for choice in dimension.choices]
        return Axis(name, 0, len(names) - 1, number_text, names)
    places = [_place(dimension, trial.settings[dimension.name]) for trial in shown if dimension.name in trial.settings]
    return Axis(name, min(places), max(places), number_text, logarithmic=scale)


def _axis_name(dimension: Dimension) -> str:
    return f"1 − {dimension.name}" if _is_turned(dimension) else dimension.name


def _is_turned(dimension: Dimension) -> bool:
    return dimension.scale == ONE_MINUS_LOG and not dimension.choices


def _place(dimension: Dimension, value: Any) -> float:
    """Where a value stands on the axis of its setting."""
    if dimension.choices:
        return float(dimension.choices.index(value))
    return 1 - value if _is_turned(dimension) else float(value)


def _slices(story: SearchStory, best: Trial | None) -> Html | None:
    """A chart of each setting: its values and what came of them."""
    charts = [chart for dimension in story.space if (chart := _slice(story, best, dimension)) is not None]
    return tag("div", *charts, class_="charts") if charts else None


def _slice(story: SearchStory, best: Trial | None, dimension: Dimension) -> Html | None:
    metric = story.goal.metric
    shown = [trial for trial in _measured(story) if dimension.name in trial.settings]
    if not shown:
        return None
    name = _axis_name(dimension)
    return dot_chart(
        [
            Dot(
                _place(dimension, trial.settings[dimension.name]),
                trial.metrics[metric],
                _style(trial, best),
                _says(story, trial),
            )
            for trial in shown
        ],
        title=name,
        x_label=name,
        spell_x=number_text,
        spell_y=lambda v: tick_text(metric, v),
        names=[_text(choice) for choice in dimension.choices],
        logarithmic=dimension.scale in (LOG, ONE_MINUS_LOG),
    )


def _importance(story: SearchStory) -> Html:
    words = translate("search.importance_about")
    if story.importance_epoch:
        words += " " + translate("search.importance_early", epoch=story.importance_epoch)
    about = tag("p", words, class_="quiet")
    if not story.importance:
        return tag("p", translate("search.importance_unknown"))
    shares = sorted(story.importance.items(), key=lambda pair: -pair[1])
    chart = bars(shares, title=translate("search.importance_share"), spell=lambda v: format_number(v, ".0%"))
    return join([about, tag("div", chart, style=_ALONE)])


def _trials(story: SearchStory, best: Trial | None) -> Html:
    names = [dimension.name for dimension in story.space]
    head = [translate("search.trial"), metric_name(story.goal.metric), *(c.metric for c in story.goal.constraints)]
    head += [translate("search.outcome"), translate("search.epochs"), *names, translate("search.time")]
    rows = []
    for trial in story.trials:
        number = tag("b", f"{trial.number} ★") if trial is best else str(trial.number)
        limits = [metric_text(c.metric, trial.metrics.get(c.metric)) for c in story.goal.constraints]
        outcome = tag("span", translate(f"search.{trial.outcome}"), title=trial.reason or None)
        values = [_text(trial.settings[name]) if name in trial.settings else "–" for name in names]
        epochs = str(trial.curve[-1][0]) if trial.curve else "–"
        rows.append([number, _value(story, trial), *limits, outcome, epochs, *values, time_text(trial.seconds)])
    numeric = [i for i in range(1, len(head)) if i != 2 + len(story.goal.constraints)]
    return join([tag("p", translate("search.trials_about"), class_="quiet"), table(head, rows, numeric=numeric)])


def _measured(story: SearchStory) -> list[Trial]:
    return [trial for trial in story.trials if story.goal.metric in trial.metrics]


def _style(trial: Trial, best: Trial | None) -> str:
    return "val" if trial is best else "train" if trial.outcome == FINISHED else "running"


def _says(story: SearchStory, trial: Trial) -> str:
    how = translate(f"search.{trial.outcome}")
    return f"{translate('search.trial')} {trial.number} ({how}): {_value(story, trial)} – {_settings(trial)}"


def _value(story: SearchStory, trial: Trial) -> str:
    return metric_text(story.goal.metric, trial.metrics.get(story.goal.metric), story.num_val)


def _settings(trial: Trial) -> str:
    return ", ".join(f"{name}={_text(value)}" for name, value in trial.settings.items())


def _text(value: Any) -> str:
    if isinstance(value, float):
        return number_text(value)
    return ", ".join(map(_text, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)
