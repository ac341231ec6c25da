"""What an embedding found: the curve of both errors, the distances of pairs, the worst pairs, and the raw inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.arrays import read_npz
from derin.core.messages import format_number, translate
from derin.report.charts import Series, line_chart
from derin.report.examples import png_address
from derin.report.html import Html, join, tag
from derin.strategy.baselines import embedding_verdict
from derin.strategy.numbers import split_name
from derin.strategy.record import RunRecord, is_number
from derin.tasks.embedding_findings import WORST_PAIRS

_MOST_BYTES = 64 << 20
_WIDEST = 2.0  # distance of vectors of length 1


def section(story: RunRecord, *, examples: bool = True) -> Html | None:
    """The section; None where the run is of another task or found nothing.

    Args:
        story: the run.
        examples: whether pieces of the data are shown.
    """
    found = story.part("findings")
    if story.part("task").get("name") != "embedding" or not found.get("split"):
        return None
    charts = [_roc(found), _distances(found)]
    return join(
        [
            tag("p", " ".join([*_sentences(found), *embedding_verdict(found, story.part("metrics"))])),
            tag("p", translate("comparing.loss"), class_="quiet"),
            tag("div", *charts, class_="charts"),
            _worst(story, found) if examples else None,
        ]
    )


def _sentences(found: Mapping[str, Any]) -> list[str]:
    sentences, pairs = [], found.get("num_pairs")
    split = split_name(str(found["split"]))
    if isinstance(pairs, Mapping) and all(is_number(pairs.get(kind)) for kind in ("same", "different")):
        counts = {kind: int(pairs[kind]) for kind in ("same", "different")}
        sentences.append(translate("comparing.pairs", split=split, **counts))
    fit = found.get("threshold")
    names = ("threshold", "fmr", "fnmr", "wanted_fmr")
    if isinstance(fit, Mapping) and all(is_number(fit.get(name)) for name in names):
        numbers = {name: float(fit[name]) for name in names}
        sentences.append(translate("comparing.threshold", **numbers))
        if fit.get("supported") is False:
            sentences.append(translate("comparing.unsupported"))
    return sentences


def _roc(found: Mapping[str, Any]) -> Html | None:
    points = found.get("roc")
    if not isinstance(points, list) or not all(
        isinstance(p, list) and len(p) == 2 and all(map(is_number, p)) for p in points
    ):
        return None
    # In percent, so that the places along are whole numbers.
    line = [(100 * fmr, 100 * (1 - fnmr)) for fmr, fnmr in points]
    return _chart([Series("ROC", "val", line)], translate("comparing.roc"), translate("comparing.false_matches"))


def _distances(found: Mapping[str, Any]) -> Html | None:
    counts = found.get("distances")
    if not isinstance(counts, Mapping):
        return None
    kinds: list[list[float]] = []
    for kind in ("same", "different"):
        bins = counts.get(kind)
        if not isinstance(bins, list) or not bins or not all(map(is_number, bins)):
            return None
        kinds.append(bins)
    # Beyond the largest distance that occurs there is nothing to see.
    shown = max((place + 1 for bins in kinds for place, count in enumerate(bins) if count), default=1)
    series = []
    for kind, bins, style in zip(("same", "different"), kinds, ("val", "train"), strict=True):
        # In hundredths, so that the places along are whole numbers.
        width, whole = 100 * _WIDEST / len(bins), max(sum(bins), 1)
        line = [((place + 0.5) * width, 100 * count / whole) for place, count in enumerate(bins[:shown])]
        # A polygon of shares begins and ends on the axis.
        series.append(Series(translate(f"comparing.{kind}"), style, [(0.0, 0.0), *line, (shown * width, 0.0)]))
    return _chart(series, translate("comparing.distances"), f"100 × {translate('comparing.distance')}")


def _chart(series: list[Series], title: str, x_label: str) -> Html:
    def spelled(value: float) -> str:
        return format_number(value / 100, ".1%")

    return line_chart(
        series,
        title=title,
        x_label=x_label,
        format_number=spelled,
        spell_tick=lambda value: format_number(value, ".3g"),
        hover=lambda x, name, value: f"{name}: {format_number(x, '.3g')} → {value}",
    )


def _worst(story: RunRecord, found: Mapping[str, Any]) -> Html | None:
    pairs = found.get("worst")
    if not isinstance(pairs, list):
        return None
    path = story.path / WORST_PAIRS
    kept = read_npz(path, max_bytes=_MOST_BYTES, names=("pictures",)).get("pictures") if path.is_file() else None
    shown = kept is not None and kept.dtype == np.uint8 and kept.ndim == 5 and kept.shape[:2] == (len(pairs), 2)
    parts: list[Any] = []
    for same in (True, False):
        rows = [
            _row(pair, kept[place] if shown and kept is not None else None)
            for place, pair in enumerate(pairs)
            if isinstance(pair, Mapping) and pair.get("same") is same
        ]
        heading = translate("comparing.farthest" if same else "comparing.nearest")
        parts += [tag("h3", heading), *rows] if rows else []
    return join(parts)


def _row(pair: Mapping[str, Any], pictures: npt.NDArray[np.uint8] | None) -> Html:
    names = [str(name) for name in pair.get("names") or []]
    distance = pair.get("distance")
    written = format_number(float(distance), ".3f") if is_number(distance) else ""
    caption = tag("p", " – ".join(names), " ", tag("small", f"{translate('comparing.distance')} {written}"))
    if pictures is None:
        return caption
    tiles = [
        tag("figure", tag("img", src=png_address(pixels), alt=name, title=name, loading="lazy"), class_="tile")
        for pixels, name in zip(pictures, names)
    ]
    return tag("div", caption, tag("div", *tiles, class_="tiles"))
