"""The n-gram model beside its definition written out with dictionaries."""

import itertools
import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derin.core.errors import DataError, UsageError
from derin.data.table import Ragged
from derin.tasks.baselines.ngram_language_model import NgramLanguageModel


def ragged(texts):
    flat = np.array(list(itertools.chain.from_iterable(texts)), dtype=np.int64)
    return Ragged(flat, np.cumsum([0, *map(len, texts)]))


class Definition:
    """Modified Kneser–Ney by the book: a recursion over dictionaries."""

    def __init__(self, texts, num_tokens, order):
        self.num_tokens, self.order = num_tokens, order
        self.counts = {}
        for n in range(1, order + 1):
            if n == order:
                found = Counter(tuple(t[i : i + n]) for t in texts for i in range(len(t) - n + 1))
            else:
                before = defaultdict(set)
                for text in texts:
                    for i in range(len(text) - n + 1):
                        before[tuple(text[i : i + n])].add(text[i - 1] if i else "start")
                found = {gram: len(left) for gram, left in before.items()}
            self.counts[n] = found
        self.discounts = {n: self.discounts_of(found) for n, found in self.counts.items()}

    @staticmethod
    def discounts_of(counts):
        n1, n2, n3, n4 = (sum(c == i for c in counts.values()) for i in (1, 2, 3, 4))
        if not (n1 and n2 and n3 and n4):
            return 0.5, 1.0, 1.5
        y = n1 / (n1 + 2 * n2)
        wanted = 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3
        return tuple(min(max(d, 0.0), i) for i, d in enumerate(wanted, start=1))

    def probability(self, token, context, n):
        if n == 0:
            return 1 / self.num_tokens
        context = context[len(context) - (n - 1) :]
        shorter = self.probability(token, context[1:], n - 1)
        followers = {gram[-1]: c for gram, c in self.counts[n].items() if gram[:-1] == context}
        if not followers:
            return shorter
        taken = {w: self.discounts[n][min(c, 3) - 1] for w, c in followers.items()}
        total = sum(followers.values())
        own = max(followers.get(token, 0) - taken.get(token, 0), 0) / total
        return own + sum(taken.values()) / total * shorter

    def log_probabilities(self, texts):
        return [
            math.log(self.probability(w, tuple(t[max(i - self.order + 1, 0) : i]), min(i + 1, self.order)))
            for t in texts
            for i, w in enumerate(t)
        ]


def random_texts(seed, lengths, num_tokens):
    rng = np.random.default_rng(seed)
    return [rng.geometric(0.4, n).clip(1, num_tokens - 1).tolist() for n in lengths]


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_probabilities_are_those_of_the_definition(order):
    train, test = random_texts(0, (60, 1, 0, 90), 7), random_texts(1, (20, 3, 11), 7)
    model = NgramLanguageModel.fit(ragged(train), num_tokens=7, order=order)
    wanted = Definition(train, 7, order).log_probabilities(test)
    np.testing.assert_allclose(model.log_probabilities(ragged(test)), wanted, rtol=1e-12)


@settings(max_examples=20, deadline=None)
@given(texts=st.lists(st.lists(st.integers(0, 4), max_size=12), min_size=1, max_size=4), order=st.integers(1, 4))
def test_any_texts_agree_with_the_definition(texts, order):
    if not any(texts):
        return
    model = NgramLanguageModel.fit(ragged(texts), num_tokens=5, order=order)
    asked = [[0, 1, 2, 3, 4, 0], [4, 4]]
    wanted = Definition(texts, 5, order).log_probabilities(asked)
    np.testing.assert_allclose(model.log_probabilities(ragged(asked)), wanted, rtol=1e-12)


def test_probabilities_of_all_tokens_sum_to_one():
    train = random_texts(2, (200, 50), 11)
    model = NgramLanguageModel.fit(ragged(train), num_tokens=11, order=4)
    for context in ([], [1], train[0][:3], [10, 10, 10]):
        found = model.log_probabilities(ragged([[*context, w] for w in range(11)]))
        last = np.cumsum([len(context) + 1] * 11) - 1
        assert np.exp(found[last]).sum() == pytest.approx(1, abs=1e-12)


def test_no_count_reaches_over_the_end_of_a_text():
    model = NgramLanguageModel.fit(ragged([[1, 2], [3, 4], [1, 2], [3, 4]]), num_tokens=5, order=2)
    at_end = np.exp(model.log_probabilities(ragged([[2, 3]])))[1]
    assert at_end == pytest.approx(np.exp(model.log_probabilities(ragged([[3]])))[0])


def test_loss_of_nothing_is_nan():
    model = NgramLanguageModel.fit(ragged([[1, 2, 3]]), num_tokens=5)
    assert math.isnan(model.loss(ragged([[]])))


def test_empty_texts_and_orders_below_one_are_refused():
    with pytest.raises(DataError, match="at least one token"):
        NgramLanguageModel.fit(ragged([[], []]), num_tokens=5)
    with pytest.raises(UsageError, match="order=0"):
        NgramLanguageModel.fit(ragged([[1]]), num_tokens=5, order=0)


def test_the_loss_is_the_mean_surprise_of_a_token():
    model = NgramLanguageModel.fit(ragged([[0, 1, 2], [0, 1]]), num_tokens=4, order=2)
    texts = ragged([[0, 1, 3], [2]])
    definition = Definition([[0, 1, 2], [0, 1]], 4, 2)
    told = [
        definition.probability(token, tuple(before), min(2, len(before) + 1))
        for token, before in ((0, []), (1, [0]), (3, [0, 1]), (2, []))
    ]
    assert model.loss(texts) == pytest.approx(-sum(map(math.log, told)) / 4)
    assert math.isnan(model.loss(ragged([[]])))
