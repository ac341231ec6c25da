"""The oracle for Philox is the known-answer file of the Random123 library (kat_vectors, philox 4x32 10)."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from derin.core.seeds import generator, permutation, philox, step_seeds, uniforms

KNOWN = [
    ("00000000 00000000 00000000 00000000 00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344 a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("given", "expected"), KNOWN)
def test_philox_gives_the_published_words(given: str, expected: str) -> None:
    c0, c1, c2, c3, k0, k1 = words(given)
    assert philox((c0, c1, c2, c3), (k0, k1)).tolist() == words(expected)


def test_philox_of_many_counters_is_that_of_each() -> None:
    c0, c2 = np.arange(5)[:, None], np.arange(3)[None, :] + 7
    together = philox((c0, 1, c2, 2), (3, 4))
    assert together.shape == (5, 3, 4)
    for i in range(5):
        for j in range(3):
            assert together[i, j].tolist() == philox((i, 1, 7 + j, 2), (3, 4)).tolist()


def test_numbers_of_an_example_do_not_depend_on_the_others_nor_on_how_many_are_drawn() -> None:
    whole = uniforms(5, "augment", 2, np.arange(101), 7)
    for rows in (np.array([3]), np.array([100, 3, 50]), np.arange(101)[::-1]):
        np.testing.assert_array_equal(uniforms(5, "augment", 2, rows, 7), whole[rows])
    np.testing.assert_array_equal(uniforms(5, "augment", 2, np.arange(101), 3), whole[:, :3])


@pytest.mark.parametrize(
    "other",
    [(6, "augment", 2), (5, "window", 2), (5, "augment", 3), (5 + (1 << 32), "augment", 2)],
    ids=["seed", "stream", "epoch", "upper half of the seed"],
)
def test_every_argument_changes_the_numbers(other: tuple[int, str, int]) -> None:
    rows = np.arange(500)
    first, second = uniforms(5, "augment", 2, rows, 4), uniforms(*other, rows, 4)
    # 2000 pairs of independent uniforms have a correlation of 0 ± 0.0224; 5 standard deviations.
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.112


def test_uniforms_are_uniform_and_independent() -> None:
    drawn = uniforms(0, "augment", 0, np.arange(40_000), 5)
    assert drawn.dtype == np.float32
    assert drawn.min() >= 0
    assert drawn.max() < 1
    # Kolmogorov-Smirnov distance of n draws: P(D > 1.95 / sqrt(n)) = 0.001 for each number; the seed is fixed.
    steps = np.arange(1, len(drawn) + 1) / len(drawn)
    for column in drawn.T:
        assert np.abs(np.sort(column) - steps).max() < 1.95 / math.sqrt(len(drawn))
    correlations = np.corrcoef(drawn.T)[np.triu_indices(5, 1)]
    assert np.abs(correlations).max() < 5 / math.sqrt(len(drawn))


def test_neighbouring_examples_and_epochs_are_not_correlated() -> None:
    one, next_epoch = (uniforms(0, "augment", epoch, np.arange(20_000), 1)[:, 0] for epoch in (0, 1))
    bound = 5 / math.sqrt(20_000)
    assert abs(np.corrcoef(one[:-1], one[1:])[0, 1]) < bound
    assert abs(np.corrcoef(one, next_epoch)[0, 1]) < bound


def test_permutations_are_permutations_and_a_function_of_their_arguments() -> None:
    order = permutation(3, "order", 4, 1001)
    assert sorted(order.tolist()) == list(range(1001))
    np.testing.assert_array_equal(order, permutation(3, "order", 4, 1001))
    for other in (permutation(4, "order", 4, 1001), permutation(3, "order", 5, 1001), permutation(3, "split", 4, 1001)):
        # The expected number of fixed places of a random permutation is 1, its standard deviation 1.
        assert (order == other).sum() < 10


def test_generators_are_a_function_of_their_arguments_in_every_process() -> None:
    here = generator(1, "init", 2, 3).integers(0, 2**63, 3).tolist()
    program = "from derin.core.seeds import generator; print(generator(1, 'init', 2, 3).integers(0, 2**63, 3).tolist())"
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert there.strip() == str(here)


def test_step_seeds_do_not_depend_on_where_the_drawing_starts_and_never_repeat() -> None:
    seeds = step_seeds(7, "dropout", 0, 5000)
    assert step_seeds(7, "dropout", 4321, 20) == seeds[4321:4341]
    assert len(set(seeds)) == 5000
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert max(seeds) > 2**62
