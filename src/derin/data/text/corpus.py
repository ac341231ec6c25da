"""A text as numbers of words, for word vectors: its sentences, how often each word occurs, and what is drawn from that.

The rarest words are left out before windows are laid, as are words that occur too often, by chance; samples that a
word is told from are drawn by f^¾; the Huffman tree gives frequent words short ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from derin.core.errors import UsageError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Corpus:
    """Words in the order of the text.

    Args:
        tokens: the number of each word; words that are not in the vocabulary are left out.
        sentences: the number of each word's sentence, ascending; no window reaches from one into another.

    Shapes:
        both ``(T,)`` int32.
    """

    tokens: npt.NDArray[np.int32]
    sentences: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.tokens)

    def part(self, first: int, last: int) -> Corpus:
        """The words from the place `first` to before the place `last`."""
        return Corpus(self.tokens[first:last], self.sentences[first:last])


def keep_probabilities(counts: npt.ArrayLike, sample: float) -> Floats:
    """With which probability each occurrence of a word takes part in an epoch: min(1, √(t / f) + t / f).

    Args:
        counts: how often each word occurs in the text.
        sample: t, the share f of the text beyond which words are thinned out; 0 keeps all.

    Shapes:
        ``(V,)`` → ``(V,)``.

    Source: Mikolov et al., NIPS 2013, section 2.3, in the form of the program that came with it.

    Example:
        >>> keep_probabilities([900, 99, 1], 0.01).round(3).tolist()
        [0.117, 0.419, 1.0]
    """
    numbers = np.asarray(counts, dtype=np.float64)
    if not sample:
        return np.ones_like(numbers)
    ratio = sample * numbers.sum() / np.maximum(numbers, 1)
    found: Floats = np.minimum(1.0, np.sqrt(ratio) + ratio)
    return found


@dataclass(frozen=True)
class NegativeTable:
    """Draws words with probabilities proportional to f^power.

    Args:
        cumulative: the sums of the probabilities up to each word, the last one 1.

    Shapes:
        cumulative ``(V,)``.

    Source: Mikolov et al., NIPS 2013, section 2.2, which found the power ¾.

    Example:
        >>> NegativeTable.of([0, 16, 1], power=0.75).draw(np.array([0.0, 0.8, 0.95])).tolist()
        [1, 1, 2]
    """

    cumulative: Floats

    @classmethod
    def of(cls, counts: npt.ArrayLike, power: float = 0.75) -> NegativeTable:
        """The table of some counts; a word that never occurs is never drawn."""
        weights = np.asarray(counts, dtype=np.float64)
        weights = np.where(weights > 0, weights**power, 0.0)
        if not weights.sum() > 0:
            raise UsageError("NegativeTable: at least one word that occurs is required; all counts are 0.")
        cumulative = np.cumsum(weights) / weights.sum()
        # Rounding must not leave room above the last word that occurs.
        cumulative[np.flatnonzero(weights)[-1] :] = 1.0
        return cls(cumulative)

    def draw(self, uniforms: npt.NDArray[np.floating]) -> Ints:
        """The words at these places of [0, 1).

        Shapes:
            ``(*S,)`` → ``(*S,)`` int64.
        """
        found: Ints = np.searchsorted(self.cumulative, uniforms, side="right")
        return found


@dataclass(frozen=True)
class HuffmanTree:
    """The way from the root to every word; frequent words have short ways, so that few turns are learned on average.

    Args:
        nodes: the inner nodes on the way, from the root (the highest number) down; 0 behind its end.
        signs: 1 for a turn to the left, −1 to the right, 0 behind the end.

    Shapes:
        both ``(V, depth)``; nodes int64, numbers below V − 1; signs int8.

    Source: D. A. Huffman, "A method for the construction of minimum-redundancy codes", 1952; F. Morin, Y. Bengio,
        "Hierarchical probabilistic neural network language model", AISTATS 2005.

    Example:
        >>> tree = HuffmanTree.of([8, 4, 2, 1])
        >>> (tree.signs != 0).sum(axis=1).tolist()
        [1, 2, 3, 3]
    """

    nodes: Ints
    signs: npt.NDArray[np.int8]

    @classmethod
    def of(cls, counts: Sequence[int] | Ints) -> HuffmanTree:
        """The tree of some counts; equal ones are joined in the order of their numbers."""
        numbers = np.asarray(counts, dtype=np.int64)
        num = len(numbers)
        if num < 2:
            raise UsageError(f"HuffmanTree: at least two words are required; got {num}.")
        parents, is_right = _joined(numbers)
        depth = _depths(parents)
        nodes = np.zeros((num, int(depth[:num].max())), dtype=np.int64)
        signs = np.zeros(nodes.shape, dtype=np.int8)
        # All words climb one step at a time; a way of length d is filled from its end.
        here, left = np.arange(num), depth[:num].copy()
        while (climbing := np.flatnonzero(left > 0)).size:
            left[climbing] -= 1
            above = parents[here[climbing]]
            nodes[climbing, left[climbing]] = above - num
            signs[climbing, left[climbing]] = np.where(is_right[here[climbing]], -1, 1)
            here[climbing] = above
        return cls(nodes, signs)


def _joined(counts: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """The parent of each node (leaves first, the root last) and whether it is a right child.

    The two nodes of the lowest counts are joined again and again. Leaves are sorted once, and joined nodes come into
    being in ascending order, so that the next lowest one stands in front of one of two queues.
    """
    num = len(counts)
    order = np.argsort(counts, kind="stable").tolist()
    weights = [*counts.tolist(), *[0] * (num - 1)]
    parents = np.full(2 * num - 1, -1, dtype=np.int64)
    is_right = np.zeros(2 * num - 1, dtype=bool)
    leaf, joined = 0, num
    for node in range(num, 2 * num - 1):
        for right in (True, False):
            if leaf < num and (joined == node or weights[order[leaf]] <= weights[joined]):
                child, leaf = order[leaf], leaf + 1
            else:
                child, joined = joined, joined + 1
            weights[node] += weights[child]
            parents[child], is_right[child] = node, right
    return parents, is_right


def _depths(parents: Ints) -> Ints:
    """How many steps each node lies below the root, which is the last one."""
    depth = np.zeros(len(parents), dtype=np.int64)
    here = parents.copy()
    while (below := np.flatnonzero(here >= 0)).size:
        depth[below] += 1
        here[below] = parents[here[below]]
    return depth
