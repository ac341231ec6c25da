"""What a segmentation found: the baseline, and pictures with their true and predicted masks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.arrays import read_npz
from derin.core.messages import capital, format_number, translate
from derin.data.mask_colors import differences, hex_colors, overlay, palette
from derin.report.examples import png_address
from derin.report.html import Html, join, tag
from derin.strategy.numbers import split_name
from derin.strategy.record import RunRecord, is_number
from derin.tasks.segmentation_findings import EXAMPLES

_REASONS = ("worst", "drawn")
_ARRAYS = ("pictures", "true", "predicted", "iou", "reason", "names")
_MOST_BYTES = 256 << 20


def section(story: RunRecord, *, examples: bool = True) -> Html | None:
    """The section; None where the run is of another task or found nothing.

    Args:
        story: the run.
        examples: whether pictures of the data are shown.
    """
    found = story.part("findings")
    if story.part("task").get("name") != "segmentation" or not found:
        return None
    parts = [_baseline(found), _pictures(story) if examples else None]
    return join(parts) if any(part is not None for part in parts) else None


def _baseline(found: Mapping[str, Any]) -> Html | None:
    scores = found.get("baseline")
    if not isinstance(scores, Mapping) or not all(is_number(scores.get(n)) for n in ("mean_iou", "pixel_accuracy")):
        return None
    numbers = {name: float(scores[name]) for name in ("mean_iou", "pixel_accuracy")}
    split = split_name(str(found.get("split")))
    return tag("p", translate("segmentation.baseline", name=str(scores.get("class")), split=split, **numbers))


def _pictures(story: RunRecord) -> Html | None:
    kept = _examples(story)
    if not kept:
        return None
    parts: list[Any] = [_legend(story)]
    for reason in _REASONS:
        rows = [_row(kept, place) for place in np.flatnonzero(kept["reason"] == reason).tolist()]
        parts += [tag("h3", translate(f"segmentation.{reason}")), *rows] if rows else []
    return join(parts)


def _examples(story: RunRecord) -> Mapping[str, npt.NDArray[Any]]:
    """What was kept, where it fits together."""
    path = story.path / EXAMPLES
    kept = read_npz(path, max_bytes=_MOST_BYTES, names=_ARRAYS) if path.is_file() else {}
    if any(name not in kept for name in _ARRAYS) or len({len(kept[name]) for name in _ARRAYS}) > 1:
        return {}
    shape = kept["true"].shape
    fits = kept["predicted"].shape == shape and kept["pictures"].shape == (*shape, 3)
    return kept if fits and all(kept[n].dtype == np.uint8 for n in _ARRAYS[:3]) else {}


def _legend(story: RunRecord) -> Html:
    classes = story.part("task").get("classes")
    names = [str(name) for name in classes] if isinstance(classes, list) else []
    swatches = [
        tag("span", tag("b", "■ ", style=f"color:{color}"), name, " ") for name, color in zip(names, hex_colors(256))
    ]
    return join([tag("p", translate("segmentation.legend"), class_="quiet"), tag("p", *swatches)])


def _row(kept: Mapping[str, npt.NDArray[Any]], place: int) -> Html:
    picture, true, predicted = (kept[name][place] for name in ("pictures", "true", "predicted"))
    shown = {
        "picture": picture,
        "true": palette()[true],
        "predicted": overlay(picture, predicted),
        "wrong": differences(picture, true, predicted),
    }
    name, iou = str(kept["names"][place]), format_number(float(kept["iou"][place]), ".3f")
    tiles = [
        tag(
            "figure",
            tag("img", src=png_address(pixels), alt=translate(f"segmentation.{part}"), title=name, loading="lazy"),
            tag("figcaption", translate(f"segmentation.{part}")),
            class_="tile",
        )
        for part, pixels in shown.items()
    ]
    caption = tag("p", name, " ", tag("small", f"{capital(translate('metric.iou'))} {iou}"))
    return tag("div", caption, tag("div", *tiles, class_="tiles large"))
