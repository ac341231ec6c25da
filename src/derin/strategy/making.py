"""What the record of a run says whose network makes pictures, and which no number compares between epochs."""

from __future__ import annotations

from derin.core.messages import format_number, translate
from derin.strategy.adversaries import adversary_sentences
from derin.strategy.record import RunRecord, is_number


def making_sentences(story: RunRecord) -> list[str]:
    """Of two adversaries which is ahead, of a flow what its loss means; most important first."""
    if story.part("task").get("name") != "flow":
        return adversary_sentences(story)
    losses = [value for _, value in story.curve("running", "loss", whole=True) if is_number(value)]
    learned = [translate("flow.learned", loss=format_number(losses[-1], ".3f"))] if losses else []
    return [*learned, translate("flow.look")]
