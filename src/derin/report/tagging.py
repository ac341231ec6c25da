"""What a tagger found in sentences: the baseline, what was new to it, its mistakes, and sentences with their spans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derin.core.messages import capital, translate
from derin.report.html import Html, join, table, tag
from derin.strategy.numbers import count_text, metric_text, split_name
from derin.strategy.record import RunRecord, is_number

_MISTAKES = ("type", "ends", "both", "missed", "invented")
_MOST_WORDS = 200  # of an example; a damaged record may hold more


def section(story: RunRecord, *, examples: bool = True) -> Html | None:
    """The section; None where the run is of another task or found nothing.

    Args:
        story: the run.
        examples: whether sentences of the data are shown.
    """
    found = story.part("findings")
    if story.part("task").get("name") != "tagging" or not found:
        return None
    parts = [_baseline(found), _seen_and_new(found), _mistakes(found), _examples(found) if examples else None]
    return join(parts) if any(part is not None for part in parts) else None


def _baseline(found: Mapping[str, Any]) -> Html | None:
    scores = found.get("baseline")
    if not isinstance(scores, Mapping) or not all(is_number(scores.get(n)) for n in ("precision", "recall", "f1")):
        return None
    numbers = {name: float(scores[name]) for name in ("precision", "recall", "f1")}
    return tag("p", translate("tagging.baseline", split=split_name(str(found.get("split"))), **numbers))


def _seen_and_new(found: Mapping[str, Any]) -> Html | None:
    rows = []
    for name in ("seen", "new"):
        part = found.get(name)
        if isinstance(part, Mapping) and is_number(part.get("num")):
            rows.append(
                [translate(f"tagging.{name}"), count_text(part["num"]), metric_text("recall", part.get("recall"))]
            )
    if not rows:
        return None
    return table(
        [translate("tagging.kind"), translate("tagging.num"), translate("tagging.found")], rows, numeric=(1, 2)
    )


def _mistakes(found: Mapping[str, Any]) -> Html | None:
    counts = found.get("mistakes")
    if not isinstance(counts, Mapping):
        return None
    known = [(name, int(counts[name])) for name in _MISTAKES if is_number(counts.get(name))]
    rows = [[translate(f"tagging.{name}"), count_text(num)] for name, num in sorted(known, key=lambda item: -item[1])]
    head = [translate("tagging.mistake"), translate("tagging.times")]
    return join([tag("h3", translate("tagging.mistakes")), table(head, rows, numeric=(1,))])


def _examples(found: Mapping[str, Any]) -> Html | None:
    examples = found.get("examples")
    drawn = [line for example in examples if (line := _example(example))] if isinstance(examples, list) else []
    if not drawn:
        return None
    return join(
        [tag("h3", translate("tagging.examples")), tag("p", translate("tagging.legend"), class_="quiet"), *drawn],
    )


def _example(example: Any) -> Html | None:
    """A sentence; where it has a mistake, once with the true spans and once with those that were found."""
    if not isinstance(example, Mapping) or not isinstance(example.get("words"), list):
        return None
    words = [str(word) for word in example["words"][:_MOST_WORDS]]
    true, predicted = (_spans(example.get(name), len(words)) for name in ("true", "predicted"))
    right = set(true) & set(predicted)
    if set(true) == set(predicted):
        return tag(
            "p", tag("small", capital(translate("tagging.right")), ": "), _marked(words, true, right), class_="tagged"
        )
    lines = [("truth", true), ("answer", predicted)]
    drawn = [
        tag("span", tag("small", capital(translate(f"tagging.{name}")), ": "), _marked(words, spans, right))
        for name, spans in lines
    ]
    return tag("p", drawn[0], tag("br"), drawn[1], class_="tagged")


def _spans(found: Any, num_words: int) -> list[tuple[str, int, int]]:
    """The spans of a record that lie within the sentence and do not overlap, in their order."""
    spans = []
    for span in found if isinstance(found, list) else []:
        if isinstance(span, list) and len(span) == 3 and all(isinstance(place, int) for place in span[1:]):
            spans.append((str(span[0]), span[1], span[2]))
    kept: list[tuple[str, int, int]] = []
    for name, start, end in sorted(spans, key=lambda span: span[1]):
        if (kept[-1][2] if kept else 0) <= start < end <= num_words:
            kept.append((name, start, end))
    return kept


def _marked(words: list[str], spans: list[tuple[str, int, int]], right: set[tuple[str, int, int]]) -> Html:
    parts: list[Any] = []
    place = 0
    for span in spans:
        name, start, end = span
        parts += [word + " " for word in words[place:start]]
        mark = tag(
            "mark", " ".join(words[start:end]), " ", tag("small", name), class_="right" if span in right else "wrong"
        )
        parts += [mark, " "]
        place = end
    parts += [word + " " for word in words[place:]]
    return join(parts)
