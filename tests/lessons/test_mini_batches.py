"""Steps per epoch against the product's own batches; the noise of batch costs against theory."""

from __future__ import annotations

import numpy as np
import pytest

from derin.data.codecs.values import ValuesCodec, ValuesColumn
from derin.data.preparation import Batching
from derin.data.source import TableSource
from derin.lessons import mini_batches
from derin.lessons.mini_batches import MiniBatchOptions, steps_per_epoch


@pytest.mark.parametrize(("examples", "size", "steps"), [(60_000, 128, 469), (5_000_000, 1_000, 5_000), (7, 7, 1)])
def test_epochs_have_as_many_steps_as_the_course_counts(examples: int, size: int, steps: int) -> None:
    rows = np.arange(examples)
    columns = {"x": (ValuesCodec("x"), ValuesColumn(rows))}
    source = TableSource(columns, rows, Batching(batch_size=size))  # type: ignore[arg-type]
    assert steps_per_epoch(examples, size) == source.num_batches == steps


def test_smaller_batches_take_more_steps_and_tremble_more() -> None:
    found = mini_batches.run(MiniBatchOptions(data="wine", epochs=4, batch_size=12))
    whole, mini, single = found.numbers["trainings"]
    assert [row["steps"] for row in (whole, mini, single)] == [4, 36, 432]
    assert whole["spread"] == 0.0
    # σ/√B at the same weights; nine batches tell it within a factor of two.
    ratio = single["spread"] / mini["spread"]
    assert np.sqrt(12) / 2 < ratio < np.sqrt(12) * 2
    assert single["last"] < mini["last"] < whole["last"]
