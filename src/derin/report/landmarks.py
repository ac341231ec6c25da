"""What a finder of landmarks is worth: what mean shapes reach, errors of pictures and points, the worst pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.arrays import read_npz
from derin.core.messages import capital, format_number, translate
from derin.data.point_drawing import draw_points
from derin.report.charts import Series, line_chart
from derin.report.examples import png_address
from derin.report.html import Html, folded, join, table, tag
from derin.strategy.numbers import count_text, metric_name, metric_text, split_name
from derin.strategy.record import RunRecord, is_number
from derin.tasks.landmark_findings import EXAMPLES
from derin.tasks.metrics.landmarks import PICTURE, POINTS

_ARRAYS = ("pictures", "found", "true", "visible", "errors", "names")
_MOST_BYTES = 256 << 20
_SHOWN_SIDE = 384  # px
_OPEN_UP_TO = 20  # points; longer tables are folded
_SHAPES = ("mean_shape", "mean_shape_in_box")
_COLUMNS = ("nme", "nme_median", "pck")


def section(story: RunRecord, *, examples: bool = True) -> Html | None:
    """The section; None where the run is of another task or found nothing.

    Args:
        story: the run.
        examples: whether pictures of the data are shown.
    """
    found = story.part("findings")
    if story.part("task").get("name") != "landmarks" or not found:
        return None
    parts = [
        tag("p", translate("points.nme"), " ", normalization(story.part("task"))),
        _baselines(found),
        _curve(found),
        _per_point(story),
        _pictures(story) if examples else None,
    ]
    return join(parts)


def normalization(task: Mapping[str, Any]) -> str:
    """What errors are divided by, in a sentence."""
    by = str(task.get("normalize"))
    if by in (POINTS, PICTURE):
        return translate(f"points.of_{by}")
    first, _, second = by.partition("-")
    return translate("points.of_two", first=first.strip(), second=second.strip())


def _baselines(found: Mapping[str, Any]) -> Html | None:
    shapes = found.get("baselines")
    values = {name: (shapes.get(name) or {}).get("nme") for name in _SHAPES} if isinstance(shapes, Mapping) else {}
    if not values or not all(map(is_number, values.values())):
        return None
    return tag("p", translate("points.baseline", split=split_name(str(found.get("split"))), **values))


def _curve(found: Mapping[str, Any]) -> Html | None:
    errors = found.get("curve")
    if not isinstance(errors, list) or len(errors) < 2 or not all(map(is_number, errors)) or errors[0] == errors[-1]:
        return None
    shares = [(100 * float(error), place / (len(errors) - 1)) for place, error in enumerate(errors)]

    def hover(along: float, name: str, value: str) -> str:
        return translate("points.at", share=value, along=format_number(along, ".2f"))

    chart = line_chart(
        [Series(translate("points.curve"), "val", shares)],
        title=translate("points.curve"),
        x_label=translate("points.along"),
        format_number=lambda value: format_number(value, ".0%"),
        spell_tick=lambda value: format_number(value, ".0%"),
        hover=hover,
        from_zero=True,
        whole=False,
    )
    return tag("div", chart, class_="charts")


def _per_point(story: RunRecord) -> Html | None:
    """The errors of each point, the largest first."""
    split = story.shown_split or ""
    points = story.part("details", split).get("per_point")
    if not isinstance(points, Mapping) or not points:
        return None
    known = {str(name): numbers for name, numbers in points.items() if isinstance(numbers, Mapping)}

    def error(name: str) -> float:
        value = known[name].get("nme")
        return float(value) if is_number(value) else -1.0

    rows = [
        [name, *(metric_text(c, known[name].get(c)) for c in _COLUMNS), count_text(known[name].get("support"))]
        for name in sorted(known, key=error, reverse=True)
    ]
    head = [translate("points.name"), *map(metric_name, _COLUMNS), translate("points.count")]
    body, heading = (
        table(head, rows, numeric=range(1, len(head))),
        translate("points.per_point", split=split_name(split)),
    )
    return folded(capital(heading), body) if len(rows) > _OPEN_UP_TO else join([tag("h3", capital(heading)), body])


def _pictures(story: RunRecord) -> Html | None:
    path = story.path / EXAMPLES
    kept = read_npz(path, max_bytes=_MOST_BYTES, names=_ARRAYS) if path.is_file() else {}
    if not _fits(kept):
        return None
    pairs = _pairs(story.part("task").get("pairs"), kept["visible"].shape[1])
    rows = [_row(kept, pairs, place) for place in range(len(kept["pictures"]))]
    return join([tag("h3", translate("points.worst")), tag("p", translate("points.legend"), class_="quiet"), *rows])


def _pairs(said: Any, count: int) -> list[list[int]]:
    pairs = said if isinstance(said, list) else []
    return [p for p in pairs if isinstance(p, list) and len(p) == 2 and all(type(n) is int and n < count for n in p)]


def _fits(kept: Mapping[str, npt.NDArray[Any]]) -> bool:
    """Whether what was kept fits together."""
    if any(name not in kept for name in _ARRAYS) or kept["pictures"].dtype != np.uint8 or kept["pictures"].ndim != 4:
        return False
    num, visible = len(kept["pictures"]), kept["visible"]
    shape = (num, *visible.shape[1:2], 2)
    whole = visible.ndim == 2 and visible.dtype == np.bool_ and all(kept[n].shape == shape for n in ("found", "true"))
    alike = len(visible) == len(kept["errors"]) == len(kept["names"]) == num and kept["pictures"].shape[3] in (1, 3)
    return whole and alike and bool(np.isfinite(kept["found"]).all() and np.isfinite(kept["true"]).all())


def _row(kept: Mapping[str, npt.NDArray[Any]], pairs: list[list[int]], place: int) -> Html:
    tiles = []
    picture = kept["pictures"][place]
    # Enlarged by whole numbers, so that points do not hide what they lie on.
    times = max(1, _SHOWN_SIDE // max(picture.shape[:2]))
    large = picture.repeat(times, axis=0).repeat(times, axis=1)
    for side in ("true", "found"):
        pixels = draw_points(large, times * kept[side][place], kept["visible"][place], pairs)
        shown = tag("img", src=png_address(pixels), alt=translate(f"boxes.{side}"), loading="lazy")
        tiles.append(tag("figure", shown, tag("figcaption", translate(f"boxes.{side}")), class_="tile"))
    error = f"{metric_name('nme')} {metric_text('nme', float(kept['errors'][place]))}"
    caption = tag("p", str(kept["names"][place]), " ", tag("small", error))
    return tag("div", caption, tag("div", *tiles, class_="tiles large"))
