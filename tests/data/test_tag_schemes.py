"""Tags of spans in every scheme become the same BIO."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from derin.core.errors import RefusedFileError
from derin.data.tag_schemes import (
    BioTags,
    Place,
    Scheme,
    Style,
    bio_classes,
    odd_tags,
    span_types,
    style_of,
    to_bio,
)

Spans = list[tuple[int, int, str]]


def read(sentences: list[list[str]]) -> tuple[BioTags, list[list[str]]]:
    """What the tags become, as an object and in words, sentence by sentence."""
    flat = [tag for sentence in sentences for tag in sentence]
    distinct = list(dict.fromkeys(flat))
    codes = np.array([distinct.index(tag) for tag in flat], dtype=np.int64)
    starts = np.array([place == 0 for sentence in sentences for place in range(len(sentence))])
    found = to_bio(codes, distinct, starts)
    names = iter([found.classes[tag] for tag in found.tags])
    return found, [[next(names) for _ in sentence] for sentence in sentences]


def random_spans(random_: random.Random, num_words: int) -> Spans:
    spans, place = [], 0
    while place < num_words:
        length = random_.randint(1, 3)
        if random_.random() < 0.6 and place + length <= num_words:
            spans.append((place, place + length, random_.choice(("LOC", "PER", "ORG"))))
        place += length
    return spans


def write(spans: Spans, num_words: int, scheme: str) -> list[str]:
    """The tags of some spans, written by the definition of the scheme."""
    tags, previous = ["O"] * num_words, None
    for start, end, kind in spans:
        touching = previous is not None and previous[1] == start and previous[2] == kind
        for place in range(start, end):
            letter = "I"
            if place == start and (scheme == "BIO" or (scheme == "IOB1" and touching)):
                letter = "B"
            elif scheme in ("BIOES", "BILOU", "BMES"):
                begin, inside, end_letter, single = list({"BILOU": "BILU"}.get(scheme, scheme.replace("O", "")))
                first, last = place == start, place == end - 1
                letter = single if first and last else begin if first else end_letter if last else inside
            tags[place] = f"{letter}-{kind}"
        previous = (start, end, kind)
    return tags


@pytest.mark.parametrize("scheme", ["BIO", "IOB1", "BIOES", "BILOU", "BMES"])
def test_every_scheme_gives_the_same_bio(scheme: str) -> None:
    random_ = random.Random(3)
    spans = [random_spans(random_, 9) for _ in range(60)]
    found, tags = read([write(s, 9, scheme) for s in spans])
    assert tags == [write(s, 9, "BIO") for s in spans]
    assert found.scheme.value == ("BIOES" if scheme in ("BILOU", "BMES") else scheme)
    assert not found.mended.any()


def test_a_span_does_not_reach_into_the_next_sentence() -> None:
    _, tags = read([["B-PER", "I-PER"], ["I-PER", "B-PER"], ["B-PER"], ["B-PER"]])
    assert tags[1] == ["B-PER", "B-PER"]


def test_few_illegal_tags_are_mended_and_named() -> None:
    found, tags = read([["B-PER", "O", "I-PER", "I-PER"], ["B-LOC", "I-PER"], ["B-LOC"], ["B-PER"]])
    assert tags[:2] == [["B-PER", "O", "B-PER", "I-PER"], ["B-LOC", "B-PER"]]
    assert np.flatnonzero(found.mended).tolist() == [2, 5]


def test_illegal_bioes_is_mended_and_named() -> None:
    found, tags = read([["S-PER", "I-PER", "E-PER"], ["B-LOC", "O", "E-LOC"]])
    assert tags == [["B-PER", "B-PER", "I-PER"], ["B-LOC", "O", "B-LOC"]]
    assert np.flatnonzero(found.mended).tolist() == [1, 3, 5]


def test_types_alone_are_runs() -> None:
    found, tags = read([["PER", "PER", "O", "LOC"], ["LOC", "PER"]])
    assert found.scheme.value == "IO"
    assert tags == [["B-PER", "I-PER", "O", "B-LOC"], ["B-LOC", "B-PER"]]


def test_parts_of_speech_stay_as_they_are() -> None:
    found, tags = read([["NOUN", "VERB"], ["NOUN"]])
    assert found.scheme.value == "plain"
    assert tags == [["NOUN", "VERB"], ["NOUN"]]
    assert found.classes == ("NOUN", "VERB")


def test_a_tag_without_a_letter_among_others_is_odd() -> None:
    assert odd_tags(["O", "B-PER", "PERSON", "I-PER"]) == ["PERSON"]
    assert odd_tags(["O", "PERSON"]) == []


def test_types_are_told_from_classes_only_in_their_order() -> None:
    assert span_types(bio_classes(["A", "B"])) == ("A", "B")
    assert span_types(("O", "I-A", "B-A")) is None
    assert span_types(("O",)) is None


@pytest.mark.parametrize(
    "write_tag",
    [
        lambda letter, kind: f"{kind}-{letter}",
        lambda letter, kind: f"{letter}:{kind}",
        lambda letter, kind: f"{kind}/{letter}",
        lambda letter, kind: f"{letter.lower()}-{kind.lower()}",
        lambda letter, kind: f"{kind}_{letter.lower()}",
        lambda letter, _: letter,
        lambda letter, _: letter.lower(),
        lambda letter, _: f"{letter}-",
    ],
)
@pytest.mark.parametrize("scheme", ["BIO", "BIOES", "BILOU"])
def test_letters_are_read_wherever_and_however_they_stand(write_tag: Callable[[str, str], str], scheme: str) -> None:
    random_ = random.Random(5)
    spans = [random_spans(random_, 9) for _ in range(40)]
    usual = [write(s, 9, scheme) for s in spans]
    other = [[tag if tag == "O" else write_tag(*tag.split("-")) for tag in sentence] for sentence in usual]
    _, tags = read(other)
    want = [write(s, 9, "BIO") for s in spans]
    assert [[tag[:1] for tag in sentence] for sentence in tags] == [[tag[:1] for tag in sentence] for sentence in want]
    has_types = write_tag("B", "X") not in ("B", "b", "B-")
    types = {tag[2:].upper() for sentence in tags for tag in sentence if tag != "O"}
    assert types == ({"LOC", "PER", "ORG"} if has_types else {"SPAN"})


@pytest.mark.parametrize("tags", [("S", "M", "L"), ("NN", "NN-S", "VB"), ("e-mail", "web", "fax"), ("NOUN", "O-PRON")])
def test_tags_that_only_look_like_letters_mark_no_spans(tags: tuple[str, ...]) -> None:
    assert style_of(tags) is None
    assert read([list(tags)])[0].scheme.value == "plain"


def test_a_known_scheme_and_style_are_followed_where_the_tags_alone_tell_another() -> None:
    tags = ["I-PER", "I-PER", "O"]
    codes, starts = np.array([0, 0, 1]), np.array([True, False, False])
    found = to_bio(codes, ["I-PER", "O"], starts, style=style_of(tags), scheme=Scheme.BIO)
    assert (found.scheme, found.mended.tolist()) == (Scheme.BIO, [True, False, False])
    assert Style.from_json(Style(Place.BEHIND, ":", True).to_json()) == Style(Place.BEHIND, ":", True)
    with pytest.raises(RefusedFileError, match="way of writing tags is damaged"):
        Style.from_json({"place": "above", "marks": "", "small": False})
