"""Batches of rows of unequal length: nothing lost, nothing too large, and an order that is a function of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from derin.core.errors import DataError
from derin.data.codecs.padded import PaddedColumn
from derin.data.codecs.values import ValuesCodec
from derin.data.preparation import Batching
from derin.data.source import TableSource
from derin.data.table import Ragged


def ragged(lengths: list[int], *, width: int | None = None) -> Ragged:
    """Rows whose values name row and place: 100 · (row + 1) + place."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    parts = [100 * (row + 1) + np.arange(n) for row, n in enumerate(lengths)]
    flat = np.concatenate(parts).astype(np.int32) if parts else np.zeros(0, np.int32)
    return Ragged(flat if width is None else flat[:, None] * 10 + np.arange(width), offsets)


def skewed(num: int, seed: int = 0) -> list[int]:
    return np.random.default_rng(seed).geometric(0.08, num).tolist()


LENGTHS = skewed(301)


def of(columns: dict[str, Any], rows: Any, **batching: Any) -> TableSource:
    return TableSource(
        {name: ValuesCodec.of(name, values) for name, values in columns.items()}, np.asarray(rows), Batching(**batching)
    )


def source(batch_size: int = 7, lengths: list[int] = LENGTHS, rows: Any = None, **options: Any) -> TableSource:
    columns: dict[str, Any] = {"input": ragged(lengths), "label": np.arange(len(lengths)) * 3}
    rows = np.arange(len(lengths)) if rows is None else rows
    return of(columns, rows, batch_size=batch_size, seed=3, **options)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", [1, 7, 64, 1000])
def test_every_row_comes_once_as_it_is_with_its_own_label(batch_size: int, shuffle: bool) -> None:
    seen: list[int] = []
    for batch in source(batch_size, shuffle=shuffle).batches(2):
        assert batch["input"].dtype == torch.int64
        assert batch["input"].shape[1] == max(LENGTHS[row] for row in batch.rows.tolist())
        for row, tokens, label in zip(batch.rows.tolist(), batch["input"], batch["label"], strict=True):
            expected = list(range(100 * (row + 1), 100 * (row + 1) + LENGTHS[row]))
            assert tokens.tolist() == expected + [0] * (len(tokens) - LENGTHS[row])
            assert int(label) == 3 * row
            seen.append(row)
    assert sorted(seen) == list(range(len(LENGTHS)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=80), st.integers(1, 20), st.booleans(), st.integers(0, 9))
def test_padded_size_stays_within_the_budget(lengths: list[int], batch_size: int, shuffle: bool, epoch: int) -> None:
    made = source(batch_size, lengths, shuffle=shuffle)
    budget = batch_size * np.maximum(lengths, 1).mean()
    batches = list(made.batches(epoch))
    assert len(batches) == made.num_batches
    assert sorted(torch.cat([b.rows for b in batches]).tolist()) == list(range(len(lengths)))
    for batch in batches:
        assert batch["input"].numel() <= budget + 1e-9 or len(batch) == 1
        assert len(batch) <= 2 * batch_size


def test_padding_is_rare_where_rows_are_many() -> None:
    lengths = skewed(5000)
    padded = sum(b["input"].numel() for b in source(32, lengths, shuffle=True).batches(0))
    assert padded < 1.15 * sum(lengths)


def test_equal_lengths_fill_batches_as_usual() -> None:
    assert [len(b) for b in source(8, [5] * 24, shuffle=True).batches(0)] == [8, 8, 8]


def test_number_of_batches_stays_and_their_rows_change_from_epoch_to_epoch() -> None:
    made = source(shuffle=True)
    epochs = [[tuple(b.rows.tolist()) for b in made.batches(e)] for e in range(3)]
    assert {len(e) for e in epochs} == {made.num_batches}
    assert epochs[0] == [tuple(b.rows.tolist()) for b in source(shuffle=True).batches(0)]
    several = [{frozenset(rows) for rows in e if len(rows) > 1} for e in epochs]
    assert len(several[0] & several[1]) < 0.1 * made.num_batches
    sizes = [np.mean([LENGTHS[row] for row in rows]) for rows in epochs[0]]
    assert sizes != sorted(sizes)


def test_without_shuffle_every_epoch_is_alike() -> None:
    made = source()
    first, second = ([b.rows.tolist() for b in made.batches(e)] for e in (0, 1))
    assert first == second


@pytest.mark.parametrize("shuffle", [False, True])
def test_an_epoch_can_be_entered_at_any_step(shuffle: bool) -> None:
    made = source(shuffle=shuffle)
    whole = list(made.batches(4))
    for start in (1, made.num_batches - 1, made.num_batches):
        rest = list(made.batches(4, from_step=start))
        assert len(rest) == made.num_batches - start
        for a, b in zip(whole[start:], rest, strict=True):
            assert torch.equal(a.rows, b.rows)
            assert torch.equal(a["input"], b["input"])


def test_several_ragged_columns_share_the_budget_and_have_their_own_padding() -> None:
    sources, targets = skewed(97, 1), skewed(97, 2)
    made = of({"source": ragged(sources), "target": ragged(targets)}, np.arange(97), batch_size=5, shuffle=True)
    budget = 5 * 2 * np.maximum(sources, targets).mean()
    for batch in made.batches(0):
        assert batch["source"].shape[1] == max(sources[row] for row in batch.rows.tolist())
        assert batch["target"].shape[1] == max(targets[row] for row in batch.rows.tolist())
        assert batch["source"].numel() + batch["target"].numel() <= budget or len(batch) == 1
        for row, tokens in zip(batch.rows.tolist(), batch["target"].tolist(), strict=True):
            assert tokens[targets[row] :] == [0] * (len(tokens) - targets[row])


def test_items_may_be_rows_of_characters() -> None:
    lengths = [3, 1, 4]
    columns = {"words": ragged(lengths), "characters": ragged(lengths, width=6)}
    (batch,) = of(columns, np.array([2, 1]), batch_size=9).batches(0)
    assert batch["characters"].shape == (2, 4, 6)
    for tokens, characters in zip(batch["words"], batch["characters"], strict=True):
        expected = torch.where(tokens[:, None] > 0, tokens[:, None] * 10 + torch.arange(6), 0)
        assert torch.equal(characters, expected)


def test_longer_rows_are_cut_and_an_empty_one_is_padding() -> None:
    column = PaddedColumn(ragged([9, 0, 2]), max_length=3)
    assert column.lengths.tolist() == [3, 0, 2]
    assert column.gather(np.array([0, 1, 2])).tolist() == [[100, 101, 102], [0, 0, 0], [300, 301, 0]]
    assert column.gather(np.array([1])).tolist() == [[0]]
    with pytest.raises(DataError, match="max_length must be at least 1; got 0"):
        PaddedColumn(ragged([1]), max_length=0)


def test_ragged_measurements_become_float() -> None:
    column = Ragged(np.array([0.5, 1.5, 2.5]), np.array([0, 1, 3]))
    (batch,) = of({"input": column}, np.arange(2), batch_size=4).batches(0)
    assert batch["input"].dtype == torch.float32
    assert batch["input"].tolist() == [[0.5, 0.0], [1.5, 2.5]]


def test_rows_of_a_split_alone_are_given() -> None:
    made = source(rows=np.array([250, 3, 17]), shuffle=True)
    assert sorted(torch.cat([b.rows for b in made.batches(0)]).tolist()) == [3, 17, 250]


@pytest.mark.parametrize(("rows", "batch_size", "message"), [([], 2, "at least one row"), ([0], 0, "batch_size=0")])
def test_what_cannot_be_is_one_sentence(rows: list[int], batch_size: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        of({"a": ragged([1])}, np.array(rows, dtype=np.int64), batch_size=batch_size)
