"""What a tagger says about one sentence: a tag for each word, and the spans that the tags mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

Span = tuple[int, int, int]  # number of the type, first word, the word after the last


@dataclass(frozen=True)
class Entity:
    """A span of words.

    Args:
        text: as it stands in the sentence.
        type: what it is.
        start: the first word, from 0.
        end: the word after the last.
        probability: that just this span stands here, whatever the tags of the other words are.
    """

    text: str
    type: str
    start: int
    end: int
    probability: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, repr=False)
class TaggedSentence:
    """The words of a sentence with their tags.

    Args:
        words: as they were cut.
        tags: one for each word.
        probabilities: of each tag, whatever the tags of the other words are.
        entities: the spans, none where tags are plain.

    Example:
        >>> entity = Entity("Ada Byron", "PER", 0, 2, 0.9)
        >>> answer = TaggedSentence(("Ada", "Byron", "sleeps"), ("B-PER", "I-PER", "O"), (0.95, 0.9, 1.0), (entity,))
        >>> answer
        TaggedSentence([PER Ada Byron] sleeps)
        >>> answer.entities[0].probability
        0.9
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]
    probabilities: tuple[float, ...]
    entities: tuple[Entity, ...]

    def __repr__(self) -> str:
        return f"TaggedSentence({self})"

    def __str__(self) -> str:
        """The sentence with its spans in brackets, each behind its type; plain tags stand behind their words."""
        if not self.entities and "O" not in self.tags:
            return " ".join(f"{word}/{tag}" for word, tag in zip(self.words, self.tags))
        first = {entity.start: entity for entity in self.entities}
        inside = {place for entity in self.entities for place in range(entity.start, entity.end)}
        parts = [
            f"[{first[place].type} {first[place].text}]" if place in first else word
            for place, word in enumerate(self.words)
            if place in first or place not in inside
        ]
        return " ".join(parts)

    def to_json(self) -> dict[str, Any]:
        return {
            "words": list(self.words),
            "tags": list(self.tags),
            "probabilities": list(self.probabilities),
            "entities": [entity.to_json() for entity in self.entities],
        }


def spans_in(tags: Sequence[int]) -> list[Span]:
    """The spans of one sentence's BIO tags, in their order; I-X after anything but B-X or I-X begins one.

    Args:
        tags: in the order ``O, B-X, I-X, B-Y, I-Y, …``.

    Example:
        >>> spans_in([1, 2, 0, 4, 2])
        [(0, 0, 2), (1, 3, 4), (0, 4, 5)]
    """
    spans: list[Span] = []
    kind, start = 0, 0
    for place, tag in enumerate([*tags, 0]):
        new = (tag + 1) // 2
        if new == kind and tag % 2 == 0:
            continue
        if kind:
            spans.append((kind - 1, start, place))
        kind, start = new, place
    return spans


def as_written(words: Sequence[str], start: int, end: int, text: str | None) -> str:
    """A span of words as it stands in the text from which they were cut, else with spaces between."""
    if text is None:
        return " ".join(words[start:end])
    place, begin = 0, 0
    for number, word in enumerate(words[:end]):
        place = text.index(word, place)
        begin = place if number == start else begin
        place += len(word)
    return text[begin:place]
