"""What is drawn from counts of words, beside brute force and the distributions that the papers write."""

import heapq

import numpy as np
import pytest

from derin.core.errors import UsageError
from derin.data.text.corpus import HuffmanTree, NegativeTable, keep_probabilities

RNG = np.random.default_rng(2)


def smallest_total(counts: list[int]) -> int:
    """The length of a text in the best code: the sum of all joined counts."""
    heap, total = list(counts), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        total += joined
        heapq.heappush(heap, joined)
    return total


@pytest.mark.parametrize("num", [2, 3, 17, 300])
def test_tree_is_as_short_as_any_and_ways_lead_to_one_word_each(num: int) -> None:
    counts = RNG.integers(0, 1000, num)
    tree = HuffmanTree.of(counts)
    lengths = (tree.signs != 0).sum(axis=1)
    assert int((lengths * counts).sum()) == smallest_total(counts.tolist())
    assert sum(2.0**-length for length in lengths.tolist()) == 1
    # The signs alone lead from the root to different words, and each turn is made at a node of its own.
    ways = {tuple(way[:length]) for way, length in zip(tree.signs.tolist(), lengths.tolist(), strict=True)}
    assert len(ways) == num
    at: dict[tuple[int, ...], int] = {}
    for nodes, signs, length in zip(tree.nodes.tolist(), tree.signs.tolist(), lengths.tolist(), strict=True):
        for step in range(length):
            assert at.setdefault(tuple(signs[:step]), nodes[step]) == nodes[step]
    assert sorted(at.values()) == list(range(num - 1))
    assert at[()] == num - 2


def test_probabilities_along_a_tree_sum_to_one() -> None:
    tree = HuffmanTree.of(RNG.integers(1, 50, 23))
    scores = RNG.standard_normal(22)
    turns = 1 / (1 + np.exp(-tree.signs * scores[tree.nodes]))
    assert np.where(tree.signs != 0, turns, 1).prod(axis=1).sum() == pytest.approx(1, abs=1e-12)


def test_negatives_follow_counts_to_the_power_of_three_quarters() -> None:
    counts = np.array([0, 0, 1000, 100, 0, 10, 1])
    drawn = np.bincount(NegativeTable.of(counts).draw(RNG.random(400_000)), minlength=7) / 400_000
    expected = counts**0.75 / (counts**0.75).sum()
    np.testing.assert_allclose(drawn, expected, atol=4e-3)
    assert not drawn[counts == 0].any()


def test_the_largest_uniform_draws_a_word_that_occurs() -> None:
    table = NegativeTable.of(np.array([0, 3, 3, 3, 0, 0]) / 7)
    assert table.draw(np.array([0.0, 1 - 2**-53])).tolist() == [1, 3]


def test_frequent_words_are_thinned_out_and_rare_ones_kept() -> None:
    counts = np.array([60_000, 900, 5])
    kept = keep_probabilities(counts, 1e-3)
    share = counts / counts.sum()
    np.testing.assert_allclose(kept[:1], (np.sqrt(1e-3 / share) + 1e-3 / share)[:1])
    assert kept[2] == 1
    assert keep_probabilities(counts, 0).tolist() == [1, 1, 1]


def test_nothing_to_draw_from_is_refused() -> None:
    with pytest.raises(UsageError, match="all counts are 0"):
        NegativeTable.of([0, 0])
    with pytest.raises(UsageError, match="at least two words are required; got 1"):
        HuffmanTree.of([4])
