"""Streams of a long text: each goes on where it ended, and a measurement counts every token once."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from derin.core.errors import DataError
from derin.data.text.stream import MeasuredStream, StreamSource

NUM = 211


def text(num: int) -> np.ndarray:
    """Tokens that name their place: 4, 5, 6, …"""
    return np.arange(4, 4 + num, dtype=np.int32)


@pytest.mark.parametrize(
    ("num", "batch_size", "window"), [(NUM, 5, 7), (NUM, 1, 13), (NUM, 16, 4), (30, 64, 20), (2, 8, 8)]
)
def test_training_streams_go_on_from_batch_to_batch(num: int, batch_size: int, window: int) -> None:
    source = StreamSource(text(num), batch_size=batch_size, window=window, seed=1)
    batches = list(source.batches(3))
    assert len(batches) == source.num_batches >= 1
    assert source.num_examples == sum(map(len, batches))
    for batch in batches:
        assert batch["input"].shape == batch["target"].shape == (source.batch_size, source.window)
        assert batch["input"].dtype == batch["target"].dtype == torch.int64
        following = (batch["input"] - 4 + 1) % num + 4
        assert torch.equal(batch["target"], following)
    for before, after in itertools.pairwise(batches):
        assert torch.equal(before["target"][:, -1], after["input"][:, 0])
    assert [bool(b["fresh"].all()) for b in batches] == [True] + [False] * (len(batches) - 1)
    assert not any(b["fresh"].any() for b in batches[1:])
    seen = torch.cat([b["input"].flatten() for b in batches])
    assert len(seen.unique()) == len(seen) >= num - (source.batch_size * window + source.batch_size)


def test_every_epoch_is_cut_elsewhere_and_is_a_function_of_the_seed() -> None:
    def first(epoch: int, seed: int = 1) -> list[int]:
        source = StreamSource(text(NUM), batch_size=3, window=8, seed=seed)
        return next(iter(source.batches(epoch)))["input"][:, 0].tolist()

    assert first(0) == first(0)
    assert len({tuple(first(epoch)) for epoch in range(5)}) > 3
    assert first(0, seed=2) != first(0)


def test_every_token_is_seen_within_a_few_epochs() -> None:
    source = StreamSource(text(NUM), batch_size=6, window=9, seed=0)
    seen = torch.cat([b["target"].flatten() for epoch in range(6) for b in source.batches(epoch)])
    assert len(seen.unique()) == NUM


@pytest.mark.parametrize(
    "source",
    [
        StreamSource(text(NUM), batch_size=3, window=8, seed=1),
        MeasuredStream(text(NUM), start=3, batch_size=3, window=8),
        MeasuredStream(text(NUM), start=3, batch_size=3, window=8, context=5),
    ],
)
def test_an_epoch_can_be_entered_at_any_step(source: StreamSource | MeasuredStream) -> None:
    whole = list(source.batches(2))
    assert len(whole) == source.num_batches
    for start in (1, len(whole) - 1, len(whole)):
        rest = list(source.batches(2, from_step=start))
        assert len(rest) == len(whole) - start
        for a, b in zip(whole[start:], rest, strict=True):
            assert all(torch.equal(a[name], b[name]) for name in ("input", "target", "fresh"))


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 90), st.integers(1, 5), st.integers(1, 12), st.integers(0, 11))
def test_a_measurement_counts_every_token_once_after_the_token_before_it(
    num: int, batch_size: int, window: int, context: int
) -> None:
    context = min(context, window - 1)
    source = MeasuredStream(text(num), start=3, batch_size=batch_size, window=window, context=context)
    batches = list(source.batches(0))
    assert len(batches) == source.num_batches
    assert source.num_examples == sum(map(len, batches))
    counted = []
    for batch in batches:
        assert len(batch) <= source.batch_size
        assert batch["input"].shape[1] <= window
        measured = batch["target"] != 0
        assert torch.equal(batch["target"][measured], batch["input"][measured] + 1)
        counted += batch["target"][measured].tolist()
        # Padding stands at the right only.
        held = batch["input"] != 0
        assert torch.equal(held, held.long().cummin(1).values.bool())
    assert sorted(counted) == list(range(4, 4 + num))


def test_measured_streams_are_few_and_carry_on() -> None:
    source = MeasuredStream(text(2000), start=3, batch_size=400, window=10)
    batches = list(source.batches(0))
    assert source.batch_size == 16
    for before, after in itertools.pairwise(batches):
        going_on = after["input"][:, 0] != 0
        assert torch.equal(before["target"][going_on, -1], after["input"][going_on, 0])
    assert [bool(b["fresh"].any()) for b in batches] == [True] + [False] * (len(batches) - 1)


def test_rows_with_context_stand_alone_and_show_what_was_measured_before() -> None:
    source = MeasuredStream(text(53), start=3, batch_size=4, window=10, context=6)
    rows = [(i, t) for b in source.batches(0) for i, t in zip(b["input"].tolist(), b["target"].tolist(), strict=True)]
    assert all(b["fresh"].all() for b in source.batches(0))
    first_inputs, first_targets = rows[0]
    assert first_inputs[0] == 3
    assert 0 not in first_targets
    for inputs, targets in rows[1:]:
        assert 0 not in inputs
        assert sum(target == 0 for target in targets) >= 6


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StreamSource(text(1), batch_size=2, window=3), "at least two tokens"),
        (lambda: StreamSource(text(9), batch_size=0, window=3), "batch_size=0"),
        (lambda: StreamSource(text(9), batch_size=2, window=0), "window=0"),
        (lambda: StreamSource(text(9).reshape(3, 3), batch_size=2, window=3), "shape"),
        (lambda: MeasuredStream(text(0), start=3, batch_size=2, window=3), "got none"),
        (lambda: MeasuredStream(text(9), start=3, batch_size=2, window=3, context=3), "context"),
    ],
)
def test_what_cannot_be_is_one_sentence(make: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make()  # type: ignore[operator]
