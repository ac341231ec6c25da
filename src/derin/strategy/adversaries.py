"""Which of two adversaries is ahead, in words: a generator that no longer learns, a discriminator that sees nothing."""

from __future__ import annotations

from typing import Any

from derin.core.messages import format_number, translate
from derin.strategy.record import RunRecord, is_number

_LAST = 5  # epochs, at most a fifth of all
# From here on a discriminator is so sure that its answers teach nothing, and below which it might as well toss a coin.
_WINS, _LOSES = 0.95, 0.55
_COPIED = 0.25  # of how far a true picture is from the training that it never was part of
_COLLAPSED = 0.5  # of the variety of real pictures


def adversary_sentences(story: RunRecord) -> list[str]:
    """What the discriminator's share of right answers and the variety of made pictures say; most important first."""
    values = _last(story, "discriminator_accuracy")
    if values is None:
        return [translate("gan.too_short")]
    share, losing = values, _last(story, "generator_loss") or 0.0
    words: dict[str, Any] = {"share": format_number(share, ".0%"), "loss": format_number(losing, ".2f")}
    key = "discriminator_wins" if share >= _WINS else "generator_wins" if share <= _LOSES else "balanced"
    sentences = [translate(f"gan.{key}", **words)]
    variety = story.part("findings").get("variety")
    if is_number(variety):
        collapsed = variety < _COLLAPSED
        sentence = translate("gan.collapsed" if collapsed else "gan.variety", share=format_number(variety, ".0%"))
        sentences.insert(0 if collapsed else 1, sentence)
    copying = copying_sentence(story)
    return [*sentences, *([copying] if copying else []), translate("gan.look")]


def copying_sentence(story: RunRecord) -> str | None:
    """Whether made pictures are copies of those of the training; None where no other true pictures tell."""
    nearest = story.part("findings", "nearest")
    distance, unseen = nearest.get("distance"), nearest.get("distance_of_unseen")
    if not is_number(distance) or not is_number(unseen):
        return None
    key = "gan.copies" if distance < _COPIED * unseen else "gan.no_copies"
    return translate(key, distance=format_number(distance, ".2f"), unseen=format_number(unseen, ".2f"))


def _last(story: RunRecord, name: str) -> float | None:
    """The mean of a running measurement over the last epochs."""
    curve = [value for _, value in story.curve("running", name, whole=True)]
    last = curve[-max(1, min(_LAST, len(curve) // 5)) :]
    return sum(last) / len(last) if last else None
