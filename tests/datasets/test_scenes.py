"""Scenes against what their sentences say, seen by eyes that know nothing of how they were drawn."""

from __future__ import annotations

import numpy as np
import pytest

from derin.core.errors import UsageError
from derin.data.table import Dense
from derin.datasets.generated.scenes import COLORS, PARTS, SHAPES, parts_of, scenes, unseen_sentences


def test_each_picture_has_both_colors_where_its_sentence_says() -> None:
    table = scenes(num=(40, 4, 6))
    pictures, texts = table.columns["picture"], table["caption"].texts()
    assert isinstance(pictures, Dense)
    for picture, text in zip(pictures.values.astype(int), texts, strict=True):
        words = text.split()
        places = []
        for color in (words[1], words[-2]):
            near = np.abs(picture - COLORS[color]).sum(2) <= 3  # rounding alone: whole pixels of the object
            assert near.sum() >= 20
            places.append(np.argwhere(near).mean(0))
        if words[1] == words[-2]:
            continue  # one color: the middle of both objects tells nothing
        (down, right), relation = places[0] - places[1], words[3]
        first, second = {
            "left": (-right, down),
            "right": (right, down),
            "above": (-down, right),
            "below": (down, right),
        }[relation]
        assert first > abs(second)


def test_sentences_of_test_are_in_no_training_picture_from_either_side() -> None:
    table = scenes(num=(3_000, 50, 200))
    texts = table["caption"].texts()
    told = {split: {parts_of(texts[row]) for row in rows} for split, rows in table.splits.items()}
    assert not told["train"] & (told["val"] | told["test"])
    assert not told["train"] & {parts_of(text) for text in unseen_sentences()}
    seen = np.stack([table.columns[part].values for part in PARTS], 1)  # type: ignore[union-attr]
    assert [tuple(row) for row in seen.tolist()] == [parts_of(text) for text in texts]
    words = {word for row in table.splits["train"] for word in texts[row].split()}
    assert {*SHAPES, *COLORS} <= words


def test_a_sentence_of_another_form_is_refused() -> None:
    with pytest.raises(UsageError, match="is told as 'a red circle left of a blue square'; got 'two circles'"):
        parts_of("two circles")
