"""An interpolated n-gram language model with modified Kneser–Ney smoothing: what a network of language has to beat.

Source: S. F. Chen, J. Goodman, "An empirical study of smoothing techniques for language modeling", Technical Report
    TR-10-98, Harvard University 1998, section 3. Differs: the beginning of a text counts as one more character to the
    left, and the shortest order is mixed with the uniform distribution, so that every token has a probability.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, UsageError
from derin.data.table import Ragged

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Where too few n-grams are seen once to four times, for the discounts that follow from those numbers.
_DISCOUNTS_OF_FEW = (0.5, 1.0, 1.5)


@dataclass(frozen=True)
class _Order:
    """The n-grams of one length.

    Args:
        keys: sorted; number of the n-gram without its last token, times the vocabulary, plus that token.
        scores: (count − discount) / Σ counts of the context, one for each key.
        weights: what the discounts left over for the shorter context, one for each context.
    """

    keys: Numbers
    scores: Floats
    weights: Floats


@dataclass(frozen=True)
class NgramLanguageModel:
    """P(w | h) of the last ``order − 1`` tokens, each length mixed with the next shorter one.

    P_k(w | h) = max(c(hw) − D(c(hw)), 0) / Σ_v c(hv) + γ(h) · P_{k−1}(w | h'), where h' is h without its first token,
    and γ(h) is what the discounts D took. Counts c are those of the text for the longest n-grams; for shorter ones the
    number of different tokens that stand before them. D(1), D(2) and D(3 and more) follow from how many n-grams were
    seen once to four times; nothing is tuned.

    Args:
        order: the length n.
        num_tokens: size of the vocabulary.
        orders: tables of the lengths 1 to n.

    Example:
        >>> text = Ragged(np.array([4, 5, 4, 5, 4, 6]), np.array([0, 6]))
        >>> model = NgramLanguageModel.fit(text, num_tokens=7, order=2)
        >>> seen, unseen = np.exp(model.log_probabilities(Ragged(np.array([4, 5, 4, 4]), np.array([0, 2, 4]))))[[1, 3]]
        >>> bool(seen > unseen > 0)
        True
    """

    order: int
    num_tokens: int
    orders: tuple[_Order, ...]

    @classmethod
    def fit(cls, texts: Ragged, *, num_tokens: int, order: int = 5) -> NgramLanguageModel:
        """Counts the n-grams of some texts, none of which reaches over the end of a text.

        Args:
            texts: whole numbers below `num_tokens`.
            num_tokens: size of the vocabulary.
            order: the length of the longest n-gram.

        Raises:
            DataError: there is no token at all.
            UsageError: the order is below 1.
        """
        if order < 1:
            raise UsageError(f"NgramLanguageModel.order must be at least 1; got order={order}.")
        tokens, places = texts.flat.astype(np.int64), _places(texts)
        if not len(tokens):
            raise DataError("An n-gram model needs at least one token to count; the texts are empty.")
        # Every length is counted by numbers of the length before it, so that no key outgrows 64 bits.
        found: list[tuple[Numbers, Numbers, Numbers]] = []  # keys, the number of the n-gram ending at each place, first
        ending = np.zeros(len(tokens), dtype=np.int64)
        for length in range(1, order + 1):
            context = _shifted(ending) if length > 1 else ending
            ending = np.full(len(tokens), -1, dtype=np.int64)
            whole = np.flatnonzero(places >= length - 1)
            keys, first, numbers = np.unique(
                context[whole] * num_tokens + tokens[whole], return_index=True, return_inverse=True
            )
            ending[whole] = numbers
            found.append((keys, ending, whole[first] if len(whole) else first))
        orders = []
        for length, (keys, ending, _) in enumerate(found, start=1):
            if length == order:
                counts = np.bincount(ending[ending >= 0], minlength=len(keys))
            else:
                # One occurrence of every longer n-gram: what it ends in was seen after one more token.
                longer = found[length][2]
                at_start = ending[places == length - 1]
                counts = np.bincount(ending[longer], minlength=len(keys))
                counts += np.bincount(at_start, minlength=len(keys)) > 0
            num_contexts = len(found[length - 2][0]) if length > 1 else 1
            orders.append(_discounted(keys, counts, num_tokens, num_contexts))
        return cls(order, num_tokens, tuple(orders))

    def log_probabilities(self, texts: Ragged) -> Floats:
        """ln P of every token after those before it in its text.

        Shapes:
            texts of ``total`` tokens → ``(total,)``.
        """
        tokens, places = texts.flat.astype(np.int64), _places(texts)
        probabilities = np.full(len(tokens), 1.0 / self.num_tokens)
        # The number of the context that ends before each place; -1 where it was never seen.
        context = np.zeros(len(tokens), dtype=np.int64)
        for length, table in enumerate(self.orders, start=1):
            known = np.flatnonzero((context >= 0) & (places >= length - 1))
            keys = context[known] * self.num_tokens + tokens[known]
            at = np.searchsorted(table.keys, keys)
            at[at == len(table.keys)] = 0
            hit = table.keys[at] == keys if len(table.keys) else np.zeros(len(at), dtype=bool)
            own = np.zeros(len(known))
            own[hit] = table.scores[at[hit]]
            probabilities[known] = own + table.weights[context[known]] * probabilities[known]
            ending = np.full(len(tokens), -1, dtype=np.int64)
            ending[known[hit]] = at[hit]
            context = _shifted(ending)
        return np.log(probabilities)

    def loss(self, texts: Ragged) -> float:
        """Mean of −ln P over all tokens, in nats per token; NaN where there is none."""
        found = self.log_probabilities(texts)
        return float(-found.mean()) if len(found) else float("nan")


def _places(texts: Ragged) -> Numbers:
    """The place of every token within its text, from 0."""
    return np.arange(len(texts.flat)) - np.repeat(texts.offsets[:-1], np.diff(texts.offsets))


def _shifted(numbers: Numbers) -> Numbers:
    """What ends one place earlier; -1 before the first."""
    return np.concatenate([[-1], numbers[:-1]]) if len(numbers) else numbers


def _discounted(keys: Numbers, counts: Numbers, num_tokens: int, num_contexts: int) -> _Order:
    """The table of one length from its counts."""
    discounts = np.array([0.0, *_discounts(counts)])[np.minimum(counts, 3)]
    contexts = keys // num_tokens
    totals = np.bincount(contexts, counts, minlength=num_contexts)
    taken = np.bincount(contexts, discounts, minlength=num_contexts)
    # A context that ends its text has nothing after it: all of its weight goes to the shorter one.
    weights = np.divide(taken, totals, out=np.ones(num_contexts), where=totals > 0)
    return _Order(keys, (counts - discounts) / totals[contexts], weights)


def _discounts(counts: Numbers) -> Iterator[float]:
    """D(1), D(2) and D(3 and more): D(i) = i − (i + 1) · Y · n(i + 1) / n(i), where Y = n(1) / (n(1) + 2 n(2))."""
    num_with = np.bincount(np.minimum(counts, 5), minlength=6)
    if (num_with[1:5] == 0).any():
        yield from _DISCOUNTS_OF_FEW
        return
    share = num_with[1] / (num_with[1] + 2 * num_with[2])
    for count in (1, 2, 3):
        yield float(np.clip(count - (count + 1) * share * num_with[count + 1] / num_with[count], 0.0, count))
