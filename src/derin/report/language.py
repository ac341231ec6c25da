"""What a language model has learned: beside an n-gram, of sentences and their shuffled words, and what it writes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from derin.core.messages import format_number, translate
from derin.report.html import Html, join, table, tag
from derin.strategy.numbers import split_name
from derin.strategy.record import RunRecord, is_number

_MOST_CHARACTERS = 2_000  # of a sample; a damaged record may hold more


def section(story: RunRecord) -> Html | None:
    """The section; None where the run is of another task or found nothing."""
    found = story.part("findings")
    if story.part("task").get("name") != "lm" or not found:
        return None
    parts = [_beside_ngram(story, found), _sentences(found), _samples(found)]
    return join(parts) if any(part is not None for part in parts) else None


def _beside_ngram(story: RunRecord, found: Mapping[str, Any]) -> Html | None:
    """Bits per character of the network and of the n-gram, by split."""
    baseline = story.part("findings", "baseline")
    rows = []
    for split, theirs in story.part("findings", "baseline", "bits_per_character").items():
        ours = bits_per_character(story, split)
        if ours is not None and is_number(theirs) and theirs > 0:
            gain = 1 - ours / theirs
            rows.append(
                [
                    split_name(str(split)),
                    format_number(ours, ".3f"),
                    format_number(float(theirs), ".3f"),
                    format_number(gain, ".1%"),
                ]
            )
    if not rows or not is_number(baseline.get("order")):
        return None
    order = int(baseline["order"])
    head = ["", translate("language.network"), translate("language.ngram", order=order), translate("language.gain")]
    note = tag("p", translate("language.ngram_note", order=order), class_="quiet")
    return join([tag("h3", translate("language.beside")), table(head, rows, numeric=(1, 2, 3)), note])


def bits_per_character(story: RunRecord, split: str) -> float | None:
    """Of the network on a split, by the characters of the split's own text; None where it is not known."""
    loss = story.metrics.get(split, {}).get("loss")
    ratio = story.part("findings", "characters_per_token").get(split)
    if not is_number(loss) or not is_number(ratio) or ratio <= 0:
        return None
    return float(loss) / (math.log(2) * float(ratio))


def _sentences(found: Mapping[str, Any]) -> Html | None:
    sentences = found.get("sentences")
    if not isinstance(sentences, Mapping) or not is_number(sentences.get("share")) or not is_number(sentences["num"]):
        return None
    return tag("p", translate("language.sentences", count=int(sentences["num"]), share=float(sentences["share"])))


def _samples(found: Mapping[str, Any]) -> Html | None:
    drawn = found.get("samples")
    texts = drawn.get("texts") if isinstance(drawn, Mapping) else None
    if not isinstance(drawn, Mapping) or not isinstance(texts, list) or not is_number(drawn.get("temperature")):
        return None
    shown = [tag("pre", str(text)[:_MOST_CHARACTERS], class_="sample") for text in texts]
    heading = tag("h3", translate("language.samples", temperature=float(drawn["temperature"])))
    return join([heading, *shown]) if shown else None
