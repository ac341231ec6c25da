"""The examples from which most can be learned, as pictures or as rows."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.messages import format_number, translate
from derin.report.html import Html, join, table, tag
from derin.strategy.record import RunRecord

# How readers name the rows of a text file.
_LINE = re.compile(r"(?P<file>.+ )?line (?P<number>\d+)")
_REASONS = ("loss", "confident", "unsure")
_SMALL = 96  # px; smaller pictures are enlarged with hard edges


def examples(story: RunRecord) -> Html | None:
    """The examples by reason."""
    reasons = story.examples.get("reason")
    if reasons is None or not len(reasons):
        return None
    # With two classes the highest loss is that of the surest wrong answer; the same list does not stand here twice.
    surest_are_worst = np.array_equal(_rows_for(story, "confident"), _rows_for(story, "loss"))
    parts: list[Any] = []
    for reason in _REASONS:
        places = np.flatnonzero(reasons == reason)
        if not len(places):
            if reason == "confident" and not story.is_regression:
                parts.append(tag("p", translate("examples.no_mistakes"), class_="quiet"))
            continue
        if reason == "confident" and surest_are_worst:
            continue
        shown = _pictures(story, places) if "pictures" in story.examples else _rows(story, places)
        heading, note = translate(f"examples.{reason}"), translate(f"examples.{reason}_note")
        if reason == "loss" and surest_are_worst:
            note = f"{note} {translate('examples.also_confident')}"
        parts.append(tag("div", tag("h3", heading), tag("p", note, class_="quiet"), shown))
    return join(parts)


def _rows_for(story: RunRecord, reason: str) -> npt.NDArray[Any]:
    """The rows of the table that were kept for a reason, in order."""
    rows = story.examples.get("rows", np.arange(len(story.examples["reason"])))
    return rows[story.examples["reason"] == reason]


def _pictures(story: RunRecord, places: npt.NDArray[np.int64]) -> Html:
    """Pictures with what is true, what was answered and how surely."""
    tiles = []
    for place in places:
        true, predicted = _word(story, "true", place), _word(story, "predicted", place)
        pixels = story.examples["pictures"][place]
        small = min(pixels.shape[:2]) < _SMALL
        picture = tag(
            "img",
            src=png_address(pixels),
            alt=f"{translate('examples.true')}: {true}; {translate('examples.predicted')}: {predicted}",
            title=_word(story, "names", place),
            class_="crisp" if small else None,
            loading="lazy",
        )
        caption = tag(
            "figcaption",
            tag("span", tag("b", true), class_="true", title=translate("examples.true")),
            tag("span", f"→ {predicted}", class_="right" if true == predicted else "wrong")
            if predicted or true
            else None,
            tag("small", _probability(story, place)),
        )
        tiles.append(tag("figure", picture, caption, class_="tile"))
    return tag("div", *tiles, class_="tiles")


def _rows(story: RunRecord, places: npt.NDArray[np.int64]) -> Html:
    """The same as a table, for data that is no picture."""
    head = [translate(f"examples.{name}") for name in ("name", "true", "predicted", "probability")] + [
        translate("metric.loss")
    ]
    losses = story.examples.get("loss")
    rows: list[list[Any]] = [
        [
            _example(story, place),
            _word(story, "true", place),
            _word(story, "predicted", place),
            _probability(story, place),
            translate("value.missing") if losses is None else format_number(float(losses[place]), ".4g"),
        ]
        for place in places
    ]
    if all(row[3] == "" for row in rows):
        rows = [[*row[:3], row[4]] for row in rows]
        head = [*head[:3], head[4]]
    return table(head, rows, numeric=range(3, len(head)))


def _example(story: RunRecord, place: int) -> Any:
    """What the network was shown, where it was kept, over the name of the row."""
    shown, name = _word(story, "inputs", place), _word(story, "names", place)
    if name.isdecimal():
        name = translate("examples.row", number=name)
    elif match := _LINE.fullmatch(name):
        name = (match["file"] or "") + translate("examples.line", number=match["number"])
    return join([shown, tag("small", name)]) if shown else name


def _word(story: RunRecord, name: str, place: int) -> str:
    values = story.examples.get(name)
    return "" if values is None else str(values[place])


def _probability(story: RunRecord, place: int) -> str:
    values = story.examples.get("probability")
    probability = float("nan") if values is None else float(values[place])
    return format_number(probability, ".1%") if np.isfinite(probability) else ""


def png_address(pixels: npt.NDArray[np.uint8]) -> str:
    """A picture as the address of itself."""
    from PIL import Image

    shaped = pixels.squeeze(2) if pixels.shape[2] == 1 else pixels
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(shaped.astype(np.uint8))).save(file, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
