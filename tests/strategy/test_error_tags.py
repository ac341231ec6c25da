"""Ceilings by the course's own numbers, and tags that are found by themselves, by examples made to have them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy.ndimage import laplace

from derin.core.errors import UsageError
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import ColumnData, Dense, Pictures, Ragged, Table
from derin.strategy.error_tags import corrected_error, eyeball_rows, input_tags, picture_measures, rank_tags


def table_of(**columns: tuple[Kind, ColumnData]) -> Table:
    schema = Schema(
        tuple(
            Column(name=name, kind=kind, role=Role.INPUT, classes=("a", "b", "c") if kind is Kind.CATEGORY else None)
            for name, (kind, _) in columns.items()
        )
    )
    return Table(name="t", schema=schema, columns={name: data for name, (_, data) in columns.items()}, splits={})


def carriers(tags: dict[str, Any]) -> dict[str, list[int]]:
    return {str(tag): np.flatnonzero(mask).tolist() for tag, mask in tags.items()}


@pytest.mark.parametrize(("dogs", "left"), [(5, 0.095), (50, 0.05)])
def test_mending_the_dogs_brings_ten_percent_to_what_the_course_says(dogs: int, left: float) -> None:
    (tag,) = rank_tags({"dog": dogs}, num_mistakes=100, num_examples=1_000)
    assert tag.error_after == pytest.approx(left)
    assert tag.share == dogs / 100


def test_tags_that_overlap_rank_by_their_ceiling() -> None:
    counts = {"dog": 8, "great cat": 43, "filter": 12, "blurry": 61}
    found = rank_tags(counts, num_mistakes=100, num_examples=1_000)
    assert [tag.tag for tag in found] == ["blurry", "great cat", "filter", "dog"]
    assert sum(tag.share for tag in found) > 1


def test_wrong_labels_bring_ten_percent_to_what_the_course_says() -> None:
    # 10 % error of which 0.6 % are wrong labels leave 9.4 %; 2 % of which 0.6 % leave 1.4 %.
    assert corrected_error(1_000, 60, 10_000) == pytest.approx(0.094)
    assert corrected_error(200, 60, 10_000) == pytest.approx(0.014)


@pytest.mark.parametrize("counts", [{"a": 5}, {"a": -1}, {"a": (3, 2)}, {"a": (3, 20)}])
def test_counts_that_contradict_each_other_are_refused(counts: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="rank_tags: the tag 'a'"):
        rank_tags(counts, num_mistakes=4, num_examples=10)


def test_the_eyeball_set_is_a_fair_draw_of_the_examples() -> None:
    rows = np.arange(1_000)
    wrong = np.arange(1_000) % 5 == 0
    found = [int((eyeball_rows(rows, 200, 100, seed=seed) & wrong).sum()) for seed in range(200)]
    # Hypergeometric, 500 of 1,000 drawn and 200 marked: mean 100, standard deviation 6.33; four errors of 200 draws.
    assert abs(np.mean(found) - 100) < 4 * 6.33 / np.sqrt(200)
    assert eyeball_rows(rows, 200, 500, seed=0).all()
    assert (eyeball_rows(rows, 200, 100, seed=3) == eyeball_rows(rows, 200, 100, seed=3)).all()


def test_measures_of_a_picture_are_those_of_scipy_and_numpy() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (7, 12, 3), dtype=np.uint8)
    gray = picture @ np.array([0.299, 0.587, 0.114])
    expected = [laplace(gray)[1:-1, 1:-1].var(), gray.mean(), gray.std(), 84, 12 / 7]
    np.testing.assert_allclose(picture_measures(picture), expected, rtol=1e-12)


def test_pictures_that_are_made_odd_are_tagged_as_such() -> None:
    drawn = np.random.default_rng(1)
    ordinary = [drawn.integers(60, 200, (40, 40, 3), dtype=np.uint8) for _ in range(50)]
    blurred = np.asarray(Image.fromarray(ordinary[0]).filter(ImageFilter.GaussianBlur(2)))
    odd = [
        blurred,
        ordinary[1] // 4,
        ordinary[2] // 4 + 190,
        ordinary[3][:9, :9],
        ordinary[4][:10],
        ordinary[5][:, :10],
    ]
    pictures = [*ordinary, *odd]
    offsets = np.cumsum([0, *(picture.size for picture in pictures)])
    sizes = np.array([picture.shape for picture in pictures])
    data = Pictures(np.concatenate([p.ravel() for p in pictures]), offsets, sizes[:, 0], sizes[:, 1], 3)
    table = table_of(x=(Kind.PICTURE, data))
    found = carriers(input_tags(table, np.arange(50, 56), np.arange(50)))
    assert 0 in found["blurry"]
    assert found["dark"] == [1]
    assert 2 in found["bright"]
    assert {0, 1, 2} <= set(found["low contrast"])
    assert found["small"] == [3, 4, 5]
    assert (found["wide"], found["tall"]) == ([4], [5])


def test_texts_are_short_long_or_of_rare_words() -> None:
    ordinary = [f"the cat number {'one' if i % 2 else 'two'} sat on the mat" + " again" * (i % 5) for i in range(40)]
    odd = ["the cat", "the cat sat " * 20, "zygotic flummery bamboozles quixotic wombats on the mat", ordinary[7]]
    table = table_of(x=(Kind.TEXT, Ragged.from_texts([*ordinary, *odd])))
    found = carriers(input_tags(table, np.arange(40, 44), np.arange(40)))
    assert found == {"short": [0], "long": [1], "rare words": [2]}


def test_values_of_rows_are_unusual_missing_or_rare_beside_training() -> None:
    ages = np.append(np.linspace(20, 60, 300), [40, 99, np.nan, 5])
    colors = np.append(np.arange(300) % 2, [1, 2, 0, -1])
    table = table_of(age=(Kind.NUMBER, Dense(ages)), color=(Kind.CATEGORY, Dense(colors)))
    found = carriers(input_tags(table, np.arange(300, 304), np.arange(300)))
    assert found == {
        "age: unusual value": [1, 3],
        "age: missing": [2],
        "color: rare value": [1],
        "color: missing": [3],
    }
