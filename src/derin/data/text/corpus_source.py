"""Stretches of a text in batches, with the windows and samples that word vectors are learned from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from derin.core.seeds import generator
from derin.data.batch import Batch
from derin.data.samplers.uniform import UniformSampler
from derin.data.text.corpus import Corpus, Floats, HuffmanTree, NegativeTable

if TYPE_CHECKING:
    import torch

# Samples that the words of a block share. Each stands for its part of those that the words would draw for themselves.
_NUM_SAMPLES = 16


class CorpusSource:
    """Batches of consecutive words.

    Of each batch frequent words are left out by chance, so that windows reach further; how far they reach to both sides
    is drawn for every word, 1 to `window`; windows leave neither sentence nor batch. Everything drawn is a function of
    (seed, epoch, batch).

    Args:
        corpus: the words.
        batch_size: words of the text in a batch, those included that are left out.
        window: the farthest that a window reaches.
        block: words that share their negative samples; batches are filled up to a multiple of it.
        keep: the probability of each word of the vocabulary to stay.
        predicted_by: draws the samples, or knows the ways to the words.
        seed: of everything drawn.
        shuffle: whether each epoch has an order of its own, and draws of its own.
        device: where batches go.

    Shapes:
        columns ``input``, ``sentence`` and ``reach`` ``(T,)``, T at most the batch size filled up; ``negatives``
        ``(T / block, S)``, or ``nodes`` and ``signs`` ``(T, depth)``.
    """

    def __init__(
        self,
        corpus: Corpus,
        *,
        batch_size: int,
        window: int,
        block: int,
        keep: Floats,
        predicted_by: NegativeTable | HuffmanTree,
        seed: int = 0,
        shuffle: bool = False,
        device: str | torch.device = "cpu",
    ) -> None:
        self.corpus, self.batch_size, self.seed, self.shuffle, self.device = corpus, batch_size, seed, shuffle, device
        self.num_examples = len(corpus)
        self.num_batches = -(-len(corpus) // batch_size)
        # Stretches of the text, one for each batch.
        self._sampler = UniformSampler(np.arange(self.num_batches), batch_size=1, seed=seed, shuffle=shuffle)
        self._window, self._block, self._keep, self._predicted_by = window, block, keep, predicted_by

    def batches(self, epoch: int, from_step: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from step `from_step` on."""
        epoch = epoch if self.shuffle else 0
        for number in self._sampler.order(epoch).rows[from_step:].tolist():
            yield self._batch(epoch, number)

    def _batch(self, epoch: int, number: int) -> Batch:
        import torch

        first, last = number * self.batch_size, min((number + 1) * self.batch_size, len(self.corpus))
        draw = generator(self.seed, "windows", epoch, number)
        tokens = self.corpus.tokens[first:last]
        stays = draw.random(len(tokens)) < self._keep[tokens]
        tokens, sentences = tokens[stays], self.corpus.sentences[first:last][stays]
        num, block = len(tokens), self._block
        filled = max(1, -(-num // block)) * block
        columns: dict[str, Any] = {
            "input": np.zeros(filled, dtype=np.int64),
            "sentence": np.full(filled, -1, dtype=np.int32),
            "reach": np.zeros(filled, dtype=np.int32),
        }
        columns["input"][:num], columns["sentence"][:num] = tokens, sentences
        columns["reach"][:num] = draw.integers(1, self._window + 1, num)
        if isinstance(self._predicted_by, NegativeTable):
            columns["negatives"] = self._predicted_by.draw(draw.random((filled // block, _NUM_SAMPLES)))
        else:
            columns["nodes"] = self._predicted_by.nodes[columns["input"]]
            columns["signs"] = self._predicted_by.signs[columns["input"]]
        rows = torch.arange(first, last)
        return Batch({name: torch.from_numpy(values).to(self.device) for name, values in columns.items()}, rows)
