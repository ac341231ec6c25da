"""The contract of all samplers, and what each of them promises beside it, counted by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from derin.core.errors import DataError
from derin.data.samplers.by_class import BalancedSampler, ClassBatchSampler, PairSampler
from derin.data.samplers.contiguous import ContiguousSampler
from derin.data.samplers.sampler import Order, Sampler
from derin.data.samplers.token_budget import TokenBudgetSampler
from derin.data.samplers.uniform import UniformSampler
from derin.data.samplers.weighted import WeightedSampler
from derin.data.series.windows import HostSeries

ROWS = np.arange(100, 167)[::-1].copy()
LABELS = np.array([0] * 41 + [7] * 19 + [3] * 6 + [5])
SIZES = np.random.default_rng(0).geometric(0.1, len(ROWS))
WEIGHTS = np.linspace(0, 3, len(ROWS))


def windows(batch_size: int, seed: int) -> Sampler:
    series = HostSeries(np.zeros((73, 1), "f4"), np.zeros((73, 1), "f4"), np.zeros(73, "i8"))
    starts = series.window_starts(np.arange(73), context_length=5, horizon=2)
    return UniformSampler(starts, batch_size=batch_size, seed=seed, shuffle=True)


# Of a batch size and a seed.
SAMPLERS: dict[str, Callable[[int, int], Sampler]] = {
    "uniform": lambda size, seed: UniformSampler(ROWS, batch_size=size, seed=seed, shuffle=True),
    "uniform, lone joined": lambda size, seed: UniformSampler(
        ROWS, batch_size=size, seed=seed, shuffle=True, joins_lone=True
    ),
    "token budget": lambda size, seed: TokenBudgetSampler(ROWS, SIZES, batch_size=size, seed=seed, shuffle=True),
    "streams": lambda size, seed: ContiguousSampler(389, batch_size=size, window=5, seed=seed),
    "windows": windows,
    "weighted": lambda size, seed: WeightedSampler(ROWS, WEIGHTS, batch_size=size, seed=seed),
    "balanced": lambda size, seed: BalancedSampler(ROWS, LABELS, batch_size=size, seed=seed),
    "classes": lambda size, seed: ClassBatchSampler(ROWS, LABELS, num_classes=3, num_each=size, seed=seed),
    "pairs": lambda size, seed: PairSampler(ROWS, LABELS, batch_size=size, seed=seed),
}
ONCE = ("uniform", "uniform, lone joined", "token budget", "windows")


def batches(sampler: Sampler, epoch: int, from_step: int = 0) -> list[list[int]]:
    return [rows.tolist() for rows in sampler.order(epoch).batches(from_step)]


@pytest.mark.parametrize("size", [1, 4, 11, 66, 500])
@pytest.mark.parametrize("name", SAMPLERS)
def test_an_epoch_has_the_promised_batches_and_can_be_entered_at_any_step(name: str, size: int) -> None:
    sampler = SAMPLERS[name](size, 3)
    for epoch in (0, 1, 9):
        whole = batches(sampler, epoch)
        assert len(whole) == sampler.num_batches
        assert all(whole)
        assert sum(map(len, whole)) == sampler.num_examples
        for step in {0, 1, len(whole) // 2, len(whole) - 1, len(whole)}:
            # By another object: nothing is carried along.
            assert batches(SAMPLERS[name](size, 3), epoch, step) == whole[step:]


@pytest.mark.parametrize("name", SAMPLERS)
def test_epochs_and_seeds_differ(name: str) -> None:
    found = [batches(SAMPLERS[name](4, seed), epoch) for seed, epoch in ((3, 0), (3, 1), (4, 0), (4, 1))]
    assert all(a != b for place, a in enumerate(found) for b in found[place + 1 :])


@pytest.mark.parametrize("name", SAMPLERS)
def test_rows_come_once_where_that_is_promised_and_are_none_but_the_given_ones(name: str) -> None:
    sampler = SAMPLERS[name](7, 0)
    seen = Counter(sampler.order(2).rows.tolist())
    given = {"windows": set(range(5, 72)), "streams": set(range(389))}.get(name, set(ROWS.tolist()))
    assert set(seen) <= given
    if name in ONCE:
        assert set(seen) == given
    assert (max(seen.values()) > 1) == sampler.repeats


@pytest.mark.parametrize("name", ["uniform", "weighted", "balanced"])
def test_the_order_does_not_depend_on_the_batch_size(name: str) -> None:
    assert SAMPLERS[name](4, 1).order(5).rows.tolist() == SAMPLERS[name](9, 1).order(5).rows.tolist()


def test_one_row_is_an_epoch_of_one() -> None:
    row, label = np.array([8]), np.array([2])
    made = [
        UniformSampler(row, batch_size=3, shuffle=True, joins_lone=True),
        TokenBudgetSampler(row, np.array([5]), batch_size=3, shuffle=True),
        WeightedSampler(row, np.array([0.1]), batch_size=3),
        BalancedSampler(row, label, batch_size=3),
        ClassBatchSampler(row, label, num_classes=1, num_each=1),
    ]
    assert [batches(sampler, 1) for sampler in made] == [[[8]]] * 5


def test_streams_go_on_where_they_were_and_never_meet() -> None:
    sampler = ContiguousSampler(100, batch_size=4, window=3, seed=2)
    whole = batches(sampler, 1)
    for before, after in pairwise(whole):
        assert after == [(place + 3) % 100 for place in before]
    seen = [(place + i) % 100 for batch in whole for place in batch for i in range(3)]
    assert len(seen) == len(set(seen)) == 96


def test_each_turn_holds_every_class_once_and_rows_come_in_rounds() -> None:
    sampler = BalancedSampler(ROWS, LABELS, batch_size=8, seed=1)
    label = dict(zip(ROWS.tolist(), LABELS.tolist(), strict=True))
    assert sampler.num_examples == 4 * 17  # 67 rows of 4 classes, 16.75 each
    seen: Counter[int] = Counter()
    for epoch in range(5):
        rows = sampler.order(epoch).rows.tolist()
        assert all(sorted(label[row] for row in rows[i : i + 4]) == [0, 3, 5, 7] for i in range(0, len(rows), 4))
        seen.update(rows)
        for one in (0, 3, 5, 7):
            times = [seen[row] for row in ROWS[one == LABELS].tolist()]
            assert max(times) - min(times) <= 1
            assert sum(times) == 17 * (epoch + 1)


def test_batches_of_classes_hold_each_so_often() -> None:
    label = dict(zip(ROWS.tolist(), LABELS.tolist(), strict=True))
    sampler = ClassBatchSampler(ROWS, LABELS, num_classes=3, num_each=5, seed=1)
    assert sampler.num_batches == 67 // 15
    seen: Counter[int] = Counter()
    for epoch in range(30):
        for batch in batches(sampler, epoch):
            counts = Counter(label[row] for row in batch)
            assert sorted(counts.values()) == [5, 5, 5]
            assert [len({label[row] for row in batch[i : i + 5]}) for i in (0, 5, 10)] == [1, 1, 1]
            distinct = Counter(label[row] for row in set(batch))
            assert all(distinct[one] == (1 if one == 5 else 5) for one in counts)  # the fifth class has a single row
            seen.update(counts.keys())
    # Each class has the chance 3/4 to be in a batch: of 120 batches 90, and not four standard deviations away.
    assert all(abs(seen[one] - 90) < 4 * (120 * 0.75 * 0.25) ** 0.5 for one in (0, 3, 5, 7))
    assert set(np.concatenate([sampler.order(epoch).rows for epoch in range(30)])) == set(ROWS)


def test_pairs_are_the_same_as_often_as_asked_and_everybody_comes_first_once() -> None:
    label = dict(zip(ROWS.tolist(), LABELS.tolist(), strict=True))
    for same in (0.0, 0.3, 1.0):
        rows = PairSampler(ROWS, LABELS, batch_size=5, same=same, seed=1).order(0).rows.reshape(-1, 2)
        assert sorted(rows[:, 0].tolist()) == sorted(ROWS.tolist())
        assert (rows[:, 0] != rows[:, 1]).all()
        num = sum(label[a] == label[b] for a, b in rows.tolist())
        # The only row of a class cannot have a partner of its own.
        assert round(same * 67) - 1 <= num <= round(same * 67)
    partners = {
        kind: Counter(
            b
            for epoch in range(400)
            for a, b in PairSampler(ROWS, LABELS, batch_size=5, same=same).order(epoch).rows.reshape(-1, 2).tolist()
            if a == 166
        )
        for kind, same in (("own", 1.0), ("other", 0.0))
    }
    assert set(partners["own"]) == {row for row in ROWS.tolist() if label[row] == 0} - {166}
    assert set(partners["other"]) == {row for row in ROWS.tolist() if label[row] != 0}


def test_weighted_rows_come_by_their_weights() -> None:
    weights = np.array([0.0, 1, 2, 3, 0, 4])
    sampler = WeightedSampler(np.arange(6), weights, batch_size=4, seed=5)
    num = 2000
    counts = np.bincount(np.concatenate([sampler.order(epoch).rows for epoch in range(num)]), minlength=6)
    assert counts[0] == counts[4] == 0
    expected = 6 * num * weights[weights > 0] / 10
    chi_square = ((counts[weights > 0] - expected) ** 2 / expected).sum()
    # Four rows leave three degrees of freedom; 16.3 is exceeded once in a thousand seeds, and this seed stays.
    assert chi_square < 16.3


def test_what_comes_again_draws_other_numbers() -> None:
    draws = Order(np.array([5, 2, 5, 5, 2]), np.array([0, 5])).draws()
    assert draws[:2].tolist() == [5, 2]
    assert len(set(draws.tolist())) == 5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UniformSampler(ROWS[:0], batch_size=2), "at least one row"),
        (lambda: UniformSampler(ROWS, batch_size=0), "batch_size=0"),
        (lambda: WeightedSampler(ROWS, -WEIGHTS, batch_size=2), "0 or above"),
        (lambda: WeightedSampler(ROWS, WEIGHTS * 0, batch_size=2), "at least one above 0"),
        (lambda: WeightedSampler(ROWS, WEIGHTS[1:], batch_size=2), "one weight for each row"),
        (lambda: BalancedSampler(ROWS, LABELS[1:], batch_size=2), "one label for each row"),
        (lambda: ClassBatchSampler(ROWS, LABELS, num_classes=5, num_each=2), "the rows have 4"),
        (lambda: PairSampler(ROWS, LABELS * 0, batch_size=2), "at least two classes"),
        (lambda: PairSampler(ROWS, LABELS, batch_size=2, same=1.5), "a share from 0 to 1"),
        (lambda: ContiguousSampler(4, batch_size=2, window=5), r"window in 1\.\.4"),
    ],
)
def test_what_cannot_be_is_one_sentence(make: Callable[[], Sampler], message: str) -> None:
    with pytest.raises(DataError, match=message):
        make()
