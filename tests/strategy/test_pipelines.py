"""End to end against staged: differences, ceilings and words from counts that were made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from derin.strategy.pipelines import PipelineComparison, Point


def wrong(*rows: int) -> np.ndarray:
    found = np.zeros(100, dtype=bool)
    found[list(rows)] = True
    return found


COMPARISON = PipelineComparison(
    data="words",
    num_test=100,
    points=[
        Point(
            size=50, end_to_end=wrong(*range(60)), staged=wrong(*range(40)), oracle=wrong(*range(38)), classifier="a"
        ),
        Point(size=100, end_to_end=wrong(*range(20)), staged=wrong(*range(2, 23)), oracle=wrong(), classifier="b"),
        Point(size=200, end_to_end=wrong(0), staged=wrong(*range(30)), oracle=wrong(*range(8)), classifier="c"),
    ],
    overlap=0.8,
    seconds=2.0,
    snr_db=10.0,
)


def test_a_difference_is_that_of_the_same_examples_and_its_ceilings_add_up_to_all() -> None:
    first, even, last = (point.difference for point in COMPARISON.points)
    assert [each.value for each in (first, even, last)] == pytest.approx([-0.2, 0.01, 0.29])
    assert [each.is_chance for each in (first, even, last)] == [False, True, False]
    assert last.p_value < 1e-6
    assert last.interval[0] < 0.29 < last.interval[1]
    ceilings = COMPARISON.ceilings()
    assert [round(gain.value, 2) for gain in ceilings.values()] == [0.22, 0.08]
    assert sum(gain.value for gain in ceilings.values()) == pytest.approx(COMPARISON.points[-1].staged.mean())
    shares = COMPARISON.points[-1].shares()
    assert shares["staged"][0] == pytest.approx(0.7)
    # Wilson's interval of 70 of 100, by the formula: (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n).
    assert shares["staged"][1] == pytest.approx((0.6042, 0.7811), abs=1e-4)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "With 200 training examples end to end is better."),
        ("tr", "200 eğitim örneğiyle uçtan uca yol daha iyi."),
    ],
)
def test_what_it_says_names_the_sizes_and_where_most_is_to_be_gained(
    language: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERIN_LANG", language)
    found = COMPARISON.sentences()
    assert found[0] == said
    assert len(found) == 6
    if language == "en":
        assert found[1:3] == [
            "With 50 training examples the stages are better.",
            "With 100 training examples they cannot be told apart: the difference may be chance.",
        ]
        assert "+22.0%" in found[3]
        assert "80% in common" in found[3]
        assert found[5] == "Most is to be gained from finding the voice."
