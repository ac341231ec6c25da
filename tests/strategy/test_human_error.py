"""The error of people: counts by hand, agreement against scikit-learn and Fleiss' own table, sizes by search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from derin.core.errors import RefusedFileError, UsageError
from derin.strategy.human_error import (
    CANNOT_TELL,
    FILE,
    cohen_kappa,
    examples_for_width,
    fleiss_kappa,
    human_error,
    read_human_error,
)
from derin.tasks.metrics.intervals import wilson

TRUTHS = np.array([0, 1, 2, 0, 1, 2])
# In the last row nobody's answer has most votes.
READERS = {
    "Ada": {0: 0, 1: 1, 2: 2, 3: 1, 5: 0},
    "Can": {0: 0, 1: 1, 2: 0, 3: 1, 4: 1, 5: 1},
    "Ece": {0: 0, 1: CANNOT_TELL, 2: 2, 3: 0, 5: 2},
}


def test_errors_of_readers_and_of_the_majority_are_counted() -> None:
    found = human_error(READERS, TRUTHS, data="d", split="val")
    counts = {name: (each.num_mistakes, each.num_examples) for name, each in found.readers.items()}
    assert counts == {"Ada": (2, 5), "Can": (3, 6), "Ece": (1, 5)}
    assert found.majority is not None
    # Rows 0, 1, 2 right, 3 outvoted, 5 without a majority; row 4 was not answered by all.
    assert (found.majority.num_mistakes, found.majority.num_examples) == (2, 5)
    assert found.levels["Ece"].interval == wilson(1, 5)
    assert [each.readers for each in found.agreement][-1] == ("Ada", "Can", "Ece")
    two = human_error({name: READERS[name] for name in ("Ada", "Can")}, TRUTHS, data="d", split="val")
    assert two.majority is None


def test_what_was_measured_is_found_beside_the_run(tmp_path: Path) -> None:
    assert read_human_error(tmp_path) is None
    found = human_error(READERS, TRUTHS, data="d", split="val")
    found.save(tmp_path)
    assert read_human_error(tmp_path) == found
    text = (tmp_path / FILE).read_text()
    (tmp_path / FILE).write_text(text.replace('"num_mistakes": 2', '"num_mistakes": 9'))
    with pytest.raises(RefusedFileError, match="contradict"):
        read_human_error(tmp_path)


@pytest.mark.parametrize("seed", range(3))
def test_agreement_of_two_is_scikit_learns(seed: int) -> None:
    drawn = np.random.default_rng(seed)
    first = drawn.integers(-1, 4, 37)
    second = np.where(drawn.random(37) < 0.6, first, drawn.integers(-1, 4, 37))
    kappa, (low, high) = cohen_kappa(first, second)
    assert kappa == pytest.approx(cohen_kappa_score(first, second), rel=1e-12)  # sums in another order
    assert kappa is not None
    assert low < kappa < high


def test_agreement_of_several_is_that_of_fleiss_worked_example() -> None:
    # 10 subjects, 14 readers, 5 classes; published: κ = 0.210.
    table = [
        *([0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]),
        *([7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]),
    ]
    answers = np.stack([np.repeat(np.arange(5), counts) for counts in table], axis=1)
    kappa, (low, high) = fleiss_kappa(answers)
    assert kappa is not None
    assert round(kappa, 3) == 0.210
    assert low < kappa < high
    # Of two readers with the same shares of the classes it is Cohen's: 1 where they always agree, and still no point.
    same = np.array([[0, 1, 2, 2], [0, 1, 2, 2]])
    kappa, (low, _) = fleiss_kappa(same)
    assert kappa == 1.0
    assert low < 0.9
    assert fleiss_kappa(np.zeros((3, 5), dtype=np.int64))[0] is None


@pytest.mark.parametrize(("width", "error"), [(0.3, 0.0), (0.05, 0.02), (0.1, 0.5), (0.2, 1.0)])
def test_no_fewer_examples_would_do(width: float, error: float) -> None:
    def wide(num: int) -> float:
        low, high = wilson(error * num, num)
        return high - low

    assert examples_for_width(width, error) == next(num for num in range(1, 10_000) if wide(num) <= width)


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        examples_for_width(0.0, 0.1)
    with pytest.raises(UsageError, match="At least one answer"):
        human_error({"Ada": {}}, TRUTHS, data="d", split="val")
    with pytest.raises(UsageError, match="another name"):
        human_error({"majority": {0: 0}}, TRUTHS, data="d", split="val")
