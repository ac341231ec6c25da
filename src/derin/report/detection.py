"""What a detection found: thresholds, precision at every recall, where errors come from, and the worst pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.arrays import read_npz
from derin.core.messages import capital, format_number, translate
from derin.data.box_drawing import draw_boxes
from derin.report.charts import Series, line_chart
from derin.report.examples import png_address
from derin.report.html import Html, join, table, tag
from derin.strategy.numbers import metric_name, metric_text, split_name
from derin.strategy.record import RunRecord, is_number
from derin.tasks.detection_findings import EXAMPLES
from derin.tasks.metrics.box_errors import KINDS, MISSED
from derin.tasks.thresholds import required_precision, unreached_text

_ARRAYS = (
    "pictures", "wrong", "names", "found_scores", "found_corners", "found_classes", "found_nums", "true_corners",
    "true_classes", "true_nums",
)  # fmt: skip
_MOST_BYTES = 256 << 20
_STYLES = ("train", "val", "running", "rate")


def section(story: RunRecord, *, examples: bool = True) -> Html | None:
    """The section; None where the run is of another task or found nothing.

    Args:
        story: the run.
        examples: whether pictures of the data are shown.
    """
    found = story.part("findings")
    if story.part("task").get("name") not in ("detection", "localization") or not found:
        return None
    parts = [_thresholds(found), _curves(found), _errors(found), _pictures(story) if examples else None]
    return join(parts) if any(part is not None for part in parts) else None


def _thresholds(found: Mapping[str, Any]) -> Html | None:
    classes, chosen = found.get("at_threshold"), found.get("thresholds")
    if not isinstance(classes, Mapping) or not all(isinstance(numbers, Mapping) for numbers in classes.values()):
        return None
    columns = ("precision", "recall", "f1")
    rows = [
        [name, format_number(numbers["threshold"], ".3f"), *(metric_text(c, numbers.get(c)) for c in columns)]
        for name, numbers in classes.items()
        if is_number(numbers.get("threshold"))
    ]
    head = [translate("class.name"), translate("boxes.threshold"), *map(metric_name, columns)]
    if not isinstance(chosen, Mapping):
        return table(head, rows, numeric=range(1, len(head)))
    split = split_name(str(chosen.get("split")))
    criterion, short = str(chosen.get("criterion")), chosen.get("unreached")
    wanted = required_precision(criterion)
    key = "boxes.thresholds" if wanted is None else "boxes.thresholds_precision"
    missed = tag("p", unreached_text(criterion, short)) if wanted is not None and short else None
    note = tag("p", translate(key, split=split, **({} if wanted is None else {"precision": wanted})))
    return join([note, missed, table(head, rows, numeric=range(1, len(head)))])


def _curves(found: Mapping[str, Any]) -> Html | None:
    curves = found.get("curves")
    if not isinstance(curves, Mapping) or not curves:
        return None
    lines = [
        Series(str(name), style, [(place / 100, float(value)) for place, value in enumerate(values)])
        for (name, values), style in zip(curves.items(), _STYLES)
        if isinstance(values, list) and all(map(is_number, values))
    ]
    if not lines:
        return None

    def hover(along: float, name: str, value: str) -> str:
        return translate("boxes.point", name=name, value=value, recall=format_number(along, ".2f"))

    chart = line_chart(
        lines,
        title=translate("boxes.curves"),
        x_label=translate("boxes.along"),
        format_number=lambda value: format_number(value, ".3f"),
        spell_tick=lambda value: format_number(value, "g"),
        hover=hover,
        from_zero=True,
        whole=False,
    )
    return tag("div", chart, class_="charts")


def _errors(found: Mapping[str, Any]) -> Html | None:
    errors = found.get("errors")
    if not isinstance(errors, Mapping):
        return None
    known = {kind: errors[kind] for kind in (*KINDS, MISSED) if isinstance(errors.get(kind), Mapping)}
    rows = [
        [translate(f"boxes.error.{kind}"), format_number(numbers["count"]), format_number(numbers["ap50"], "+.3f")]
        for kind, numbers in sorted(known.items(), key=lambda each: -each[1].get("ap50", 0.0))
        if is_number(numbers.get("count")) and is_number(numbers.get("ap50"))
    ]
    head = [translate(f"boxes.{name}") for name in ("kind", "count", "gain")]
    return join([tag("h3", translate("boxes.errors")), table(head, rows, numeric=range(1, 3))]) if rows else None


def _pictures(story: RunRecord) -> Html | None:
    path = story.path / EXAMPLES
    kept = read_npz(path, max_bytes=_MOST_BYTES, names=_ARRAYS) if path.is_file() else {}
    if not _fits(kept):
        return None
    classes = story.part("task").get("classes")
    names = [str(name) for name in classes] if isinstance(classes, list) else []
    rows = [_row(kept, names, place) for place in range(len(kept["pictures"]))]
    return join([tag("h3", translate("boxes.worst")), tag("p", translate("boxes.legend"), class_="quiet"), *rows])


def _fits(kept: Mapping[str, npt.NDArray[Any]]) -> bool:
    """Whether what was kept fits together."""
    if any(name not in kept for name in _ARRAYS) or kept["pictures"].dtype != np.uint8 or kept["pictures"].ndim != 4:
        return False
    num = len(kept["pictures"])
    for side in ("true", "found"):
        nums, corners, numbers = (kept[f"{side}_{part}"] for part in ("nums", "corners", "classes"))
        whole = all(part.dtype.kind in "iu" and (part >= 0).all() for part in (nums, numbers))
        if len(nums) != num or not whole or corners.shape != (nums.sum(), 4) or len(numbers) != nums.sum():
            return False
        if not np.isfinite(corners).all():
            return False
    return len(kept["wrong"]) == len(kept["names"]) == num and len(kept["found_scores"]) == kept["found_nums"].sum()


def _row(kept: Mapping[str, npt.NDArray[Any]], names: list[str], place: int) -> Html:
    tiles = []
    for side in ("true", "found"):
        first = int(kept[f"{side}_nums"][:place].sum())
        part = slice(first, first + int(kept[f"{side}_nums"][place]))
        numbers = kept[f"{side}_classes"][part].tolist()
        words = [names[n] if n < len(names) else str(n) for n in numbers]
        if side == "found":
            words = [f"{word} {score:.2f}" for word, score in zip(words, kept["found_scores"][part])]
        pixels = draw_boxes(kept["pictures"][place], kept[f"{side}_corners"][part], numbers, words)
        picture = tag("img", src=png_address(pixels), alt=translate(f"boxes.{side}"), loading="lazy")
        tiles.append(tag("figure", picture, tag("figcaption", translate(f"boxes.{side}")), class_="tile"))
    wrong = capital(translate("boxes.wrong", count=int(kept["wrong"][place])))
    caption = tag("p", str(kept["names"][place]), " ", tag("small", wrong))
    return tag("div", caption, tag("div", *tiles, class_="tiles large"))
