"""Windows against a loop over every place, and that no batch sees what comes after it."""

import numpy as np
import pytest
import torch

from derin.core.errors import DataError
from derin.data.preparation import Batching
from derin.data.series.preparation import filled_forward
from derin.data.series.windows import HostSeries, WindowSource

LOOK_BACK, HORIZON = 4, 3


def series_of(lengths: tuple[int, ...], seed: int = 0) -> HostSeries:
    rng = np.random.default_rng(seed)
    num = sum(lengths)
    values = rng.normal(size=(num, 2)).astype(np.float32)
    targets = values[:, :1].copy()
    first = np.repeat(np.cumsum([0, *lengths[:-1]]), lengths)
    return HostSeries(values, targets, first)


def source_of(series: HostSeries, rows: np.ndarray, **how: object) -> WindowSource:
    batching = Batching(**{"batch_size": 3, **how})  # type: ignore[arg-type]
    return WindowSource(
        series, rows, context_length=LOOK_BACK, horizon=HORIZON, input_name="input", batching=batching, where="x"
    )


def by_hand(series: HostSeries, rows: np.ndarray) -> list[int]:
    found = []
    for anchor in range(len(series)):
        ahead = range(anchor, anchor + HORIZON)
        window = range(anchor - LOOK_BACK, anchor + HORIZON)
        if min(window) < 0 or max(window) >= len(series) or not set(ahead) <= set(rows.tolist()):
            continue
        same = len({int(series.first[row]) for row in window}) == 1
        if same and np.isfinite(series.targets[list(ahead)]).any():
            found.append(anchor)
    return found


def test_anchors_are_those_of_a_loop_over_all_places() -> None:
    series = series_of((13, 9, 5))
    series.targets[15:20] = np.nan
    for rows in (np.arange(8), np.arange(6, 20), np.r_[0:6, 13:21], np.arange(27)):
        assert series.window_starts(rows, context_length=LOOK_BACK, horizon=HORIZON).tolist() == by_hand(series, rows)


def test_a_batch_holds_the_steps_before_and_after_its_anchors() -> None:
    series = series_of((23,))
    rows = np.arange(10, 23)
    seen = []
    for batch in source_of(series, rows).batches(0):
        for x, y, anchor in zip(batch["input"], batch["target"], batch.rows.tolist()):
            np.testing.assert_array_equal(x, series.values[anchor - LOOK_BACK : anchor])
            np.testing.assert_array_equal(y, series.targets[anchor : anchor + HORIZON])
            seen.append(anchor)
    assert seen == list(range(10, 21))


def test_targets_of_two_splits_never_overlap_though_windows_look_back() -> None:
    series = series_of((30,))
    parts = [np.arange(0, 16), np.arange(16, 23), np.arange(23, 30)]
    targets = [
        {anchor + step for b in source_of(series, rows).batches(0) for anchor in b.rows.tolist() for step in range(3)}
        for rows in parts
    ]
    assert [min(t) for t in targets] == [LOOK_BACK, 16, 23]
    assert not targets[0] & targets[1]
    assert not targets[1] & targets[2]


def test_order_is_a_function_of_seed_and_epoch_and_can_be_taken_up_again() -> None:
    series = series_of((40,))
    source = source_of(series, np.arange(40), shuffle=True, seed=3)
    orders = [[int(r) for batch in source.batches(epoch) for r in batch.rows] for epoch in (0, 1, 0)]
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(LOOK_BACK, 38))
    whole, rest = list(source.batches(1)), list(source.batches(1, 5))
    assert [b.rows.tolist() for b in whole[5:]] == [b.rows.tolist() for b in rest]
    assert torch.equal(whole[5]["input"], rest[0]["input"])


def test_a_limit_takes_so_many_windows() -> None:
    source = source_of(series_of((40,)), np.arange(40), limit=7)
    assert source.num_examples == 7
    assert sum(len(batch) for batch in source.batches(0)) == 7


def test_a_series_too_short_for_a_window_is_one_sentence() -> None:
    with pytest.raises(DataError, match="hold no window of context_length=4 and horizon=3 steps"):
        source_of(series_of((6,)), np.arange(6))


def test_missing_values_hold_the_last_known_one_of_their_own_series() -> None:
    nan = np.nan
    values = np.array([[nan, 1], [5, nan], [nan, nan], [nan, 2], [7, nan]], dtype=np.float32)
    found = filled_forward(values, np.array([0, 0, 0, 3, 3]))
    assert found.tolist() == [[0, 1], [5, 1], [5, 1], [0, 2], [7, 2]]
