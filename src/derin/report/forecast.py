"""How a network that forecasts fares beside forecasts without training, and one window of the series to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from derin.core.messages import format_number, translate
from derin.report.charts import Scale, nice_ticks
from derin.report.html import Html, join, table, tag
from derin.strategy.baselines import baseline_command, forecast_verdict
from derin.strategy.numbers import count_text, number_text, split_name
from derin.strategy.record import RunRecord, is_number

_WIDTH, _HEIGHT = 1020, 340  # as wide as the page, so that letters are as large as elsewhere
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 12, 34
_ORDER = ("network", "linear", "seasonal_naive", "yearly_naive", "naive")
_MOST_STEPS = 3_000  # of a picture; a damaged record may hold more
_MOST_VARIABLES = _MOST_SERIES = 40
_LINES = (("past", "train"), ("truth", "train"), ("baseline", "running"), ("forecast", "val"))


def section(story: RunRecord, *, examples: bool = True) -> Html | None:
    """The section; None where the run is of another task or found nothing.

    Args:
        story: of the run.
        examples: whether a window of the data is drawn.
    """
    found = story.part("findings")
    measured = found.get("measured")
    if story.part("task").get("name") != "forecasting" or not isinstance(measured, Mapping):
        return None
    rows = [name for name in _ORDER if isinstance(measured.get(name), Mapping)]
    if "network" not in rows or len(rows) < 2:
        return None
    parts: list[Any] = [
        _verdict(found, story),
        _comparison(measured, rows),
        _how(found),
        _intervals(found, measured),
        _variables(measured),
        _series(found, measured),
        _picture(found) if examples else None,
    ]
    return join(part for part in parts if part is not None)


def _name(name: str) -> str:
    return translate(f"forecast.{name}")


def _verdict(found: Mapping[str, Any], story: RunRecord) -> Html | None:
    best, sentence = found.get("best_baseline"), forecast_verdict(found)
    if best not in _ORDER or sentence is None:
        return None
    if found.get("winner") == "network":
        return tag("p", sentence)
    command = baseline_command(story.path, str(best))
    return tag("p", tag("b", sentence), " ", translate("forecast.use_it"), " ", tag("code", command), class_="notice")


def _comparison(measured: Mapping[str, Any], rows: Sequence[str]) -> Html:
    """A line for each forecaster, the smallest error of each kind in bold."""
    kinds = [k for k in ("mse", "mae", "mase", "smape") if all(is_number(measured[row].get(k)) for row in rows)]
    least = {kind: min(float(measured[row][kind]) for row in rows) for kind in kinds}
    lines = []
    for row in rows:
        cells: list[Any] = [_name(row)]
        for kind in kinds:
            value = float(measured[row][kind])
            text = format_number(value, ".1%" if kind == "smape" else ".4g")
            cells.append(tag("b", text) if value == least[kind] else text)
        held = measured[row].get("coverage")
        cells.append(format_number(float(held), ".1%") if is_number(held) else translate("value.missing"))
        lines.append(cells)
    heads = [
        translate("forecast.forecaster"),
        *(translate(f"forecast.{kind}") for kind in kinds),
        translate("forecast.coverage"),
    ]
    return table(heads, lines, numeric=range(1, len(heads)))


def _how(found: Mapping[str, Any]) -> Html | None:
    numbers = {name: found.get(name) for name in ("num_windows", "horizon", "look_back")}
    if not all(is_number(value) for value in numbers.values()):
        return None
    counts = {name: count_text(value) for name, value in numbers.items()}
    sentence = translate(
        "forecast.how", **counts, split=split_name(str(found.get("split"))), frequency=str(found.get("frequency"))
    )
    return tag("p", sentence, class_="quiet")


def _intervals(found: Mapping[str, Any], measured: Mapping[str, Any]) -> Html | None:
    level, held, num = found.get("level"), measured["network"].get("coverage"), found.get("num_calibration")
    if not is_number(level) or not is_number(held) or not is_number(num):
        return None
    sentence = translate("forecast.intervals", level=float(level), held=float(held), num=count_text(num))
    wanted = found.get("wanted_level")
    if is_number(wanted) and float(level) < float(wanted):
        sentence += " " + translate("forecast.level_lowered", level=float(level), wanted=float(wanted), num=int(num))
    return tag("p", sentence, class_="quiet")


def _variables(measured: Mapping[str, Any]) -> Html | None:
    """The network's errors of each variable in its own unit, where there are several."""
    each = measured["network"].get("per_variable")
    if not isinstance(each, Mapping) or len(each) < 2:
        return None
    kinds = ("mse", "mase", "mae_units", "rmse_units")
    lines = [
        [
            str(name),
            *(number_text(float(v)) if is_number(v := numbers.get(k)) else translate("value.missing") for k in kinds),
        ]
        for name, numbers in list(each.items())[:_MOST_VARIABLES]
        if isinstance(numbers, Mapping)
    ]
    heads = [translate("forecast.variable"), *(translate(f"forecast.{kind}") for kind in kinds)]
    return table(heads, lines, numeric=range(1, len(heads)))


def _series(found: Mapping[str, Any], measured: Mapping[str, Any]) -> Html | None:
    """The errors of the network and of the best baseline in each series, where there are several."""
    each, best = measured["network"].get("per_series"), found.get("best_baseline")
    if not isinstance(each, Mapping) or len(each) < 2 or best not in _ORDER:
        return None
    others = measured[best].get("per_series") if isinstance(measured.get(best), Mapping) else None
    lines = []
    for name, numbers in list(each.items())[:_MOST_SERIES]:
        other = others.get(name) if isinstance(others, Mapping) else None
        if isinstance(numbers, Mapping):
            parts = (numbers, other if isinstance(other, Mapping) else {})
            mase = [
                number_text(float(v)) if is_number(v := p.get("mase")) else translate("value.missing") for p in parts
            ]
            smape, held = (
                format_number(float(v), ".1%") if is_number(v := numbers.get(key)) else translate("value.missing")
                for key in ("smape", "coverage")
            )
            lines.append([str(name), *mase, smape, held])
    heads = [translate("forecast.series"), translate("forecast.mase"), f"{translate('forecast.mase')}, {_name(best)}"]
    heads += [translate("forecast.smape"), translate("forecast.coverage")]
    return join([tag("h3", translate("forecast.by_series")), table(heads, lines, numeric=range(1, len(heads)))])


def _picture(found: Mapping[str, Any]) -> Html | None:
    picture = found.get("picture")
    if not isinstance(picture, Mapping) or not isinstance(picture.get("variables"), Mapping):
        return None
    times = picture.get("times")
    times = [str(t) for t in times[:_MOST_STEPS]] if isinstance(times, list) else []
    drawn = [_chart(str(n), v, times) for n, v in picture["variables"].items() if isinstance(v, Mapping)]
    charts = [chart for chart in drawn if chart is not None]
    if not charts:
        return None
    begins, best = str(picture.get("begins", "")), picture.get("baseline")
    words = translate("forecast.picture", begins=begins, baseline=_name(best) if best in _ORDER else "")
    return join([tag("h3", translate("forecast.window")), tag("p", words, class_="quiet"), *charts])


def _chart(name: str, parts: Mapping[str, Any], times: Sequence[str]) -> Html | None:
    """One variable: past and truth, the forecast with its band, and the best baseline."""
    lines = {key: _points(parts.get(key)) for key in ("past", "truth", "forecast", "baseline", "low", "high")}
    num_past = len(lines["past"])
    num = num_past + len(lines["forecast"])
    known = [v for line in lines.values() for v in line if v is not None]
    if not known or not lines["forecast"] or num > _MOST_STEPS:
        return None
    low, high = min(known), max(known)
    room = (high - low) * 0.05 or abs(low) * 0.05 or 1.0
    across = Scale(0, max(1, num - 1), _LEFT, _WIDTH - _RIGHT)
    up = Scale(low - room, high + room, _HEIGHT - _BOTTOM, _TOP)
    drawn = [_frame(across, up, times, num_past)]
    if lines["low"] and len(lines["low"]) == len(lines["high"]):
        edge = [(num_past + i, v) for i, v in enumerate(lines["low"])]
        edge += [(num_past + i, v) for i, v in reversed(list(enumerate(lines["high"])))]
        band = _path([(x, v) for x, v in edge if v is not None], across, up) + " Z"
        drawn.append(tag("path", d=band, class_="val", style="fill: currentColor; fill-opacity: .14; stroke: none"))
    for key, style in _LINES:
        start = 0 if key == "past" else num_past
        points: list[tuple[int, float | None]] = [(start + i, v) for i, v in enumerate(lines[key])]
        if key == "truth" and num_past:
            points.insert(0, (num_past - 1, lines["past"][-1]))
        runs = _runs(points)
        drawn += [tag("path", d=_path(run, across, up), class_=f"line {style}") for run in runs if len(run) > 1]
    legend = [
        tag("span", tag("i", class_=f"swatch {style}"), translate(f"forecast.legend_{key}"))
        for key, style in (("truth", "train"), ("forecast", "val"), ("baseline", "running"))
    ]
    picture = tag("svg", *drawn, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img", aria_label=name)
    return tag("figure", tag("figcaption", tag("b", name), tag("span", *legend, class_="legend")), picture)


def _frame(across: Scale, up: Scale, times: Sequence[str], num_past: int) -> Html:
    """Faint lines, numbers at the left, and the moments of the first step, the forecast's beginning and the end."""
    parts = []
    for tick in nice_ticks(up.low, up.high):
        place = up(tick)
        parts.append(tag("line", x1=across.start, x2=across.end, y1=place, y2=place, class_="grid"))
        parts.append(tag("text", number_text(tick), x=across.start - 8, y=place + 4, class_="tick end"))
    begin = across(num_past - 0.5)
    parts.append(tag("line", x1=begin, x2=begin, y1=up.start, y2=up.end, class_="mark"))
    parts.append(tag("line", x1=across.start, x2=across.end, y1=up.start, y2=up.start, class_="axis"))
    if times:
        last = len(times) - 1
        shown = ((0, "tick"), (min(num_past, last), "tick middle"), (last, "tick end"))
        parts += [tag("text", times[i], x=across(i), y=up.start + 18, class_=style) for i, style in shown]
    return join(parts)


def _points(values: Any) -> list[float | None]:
    if not isinstance(values, list):
        return []
    return [float(v) if is_number(v) else None for v in values[:_MOST_STEPS]]


def _runs(points: Sequence[tuple[int, float | None]]) -> list[list[tuple[int, float]]]:
    """The stretches without a missing value."""
    runs: list[list[tuple[int, float]]] = [[]]
    for x, value in points:
        if value is None:
            runs.append([])
        else:
            runs[-1].append((x, value))
    return runs


def _path(points: Sequence[tuple[int, float]], across: Scale, up: Scale) -> str:
    return " ".join(f"{'L' if i else 'M'}{across(x):.1f} {up(y):.1f}" for i, (x, y) in enumerate(points))
