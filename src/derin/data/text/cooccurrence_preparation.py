"""Plain text on its way to GloVe: how often two words stand near each other, in batches of pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.core.seeds import generator
from derin.data.batch import Batch, Source
from derin.data.preparation import Batching
from derin.data.samplers.uniform import UniformSampler
from derin.data.table import Rows, Table
from derin.data.text.corpus import Corpus
from derin.data.text.corpus_preparation import CorpusPreparation

if TYPE_CHECKING:
    import torch

# Share of the pairs that are not learned where there is a split to measure on: a text that was held out would tell
# little, since most of its pairs occur once.
_HELD_OUT = 0.02
_WORDS_AT_ONCE = 500_000


@dataclass(frozen=True)
class Cooccurrences:
    """Pairs of words that stand near each other, each once with the smaller number first.

    Args:
        first: the number of one word.
        second: the number of the other, the same or a higher one.
        counts: Xᵢⱼ = Xⱼᵢ, Σ 1 / distance over the places where j stands in the window around an i.
        is_held_out: which pairs are measured on and not learned.
        train_rows: of the table.

    Shapes:
        first, second ``(N,)`` int32, counts ``(N,)`` float32, is_held_out ``(N,)`` bool.
    """

    first: npt.NDArray[np.int32]
    second: npt.NDArray[np.int32]
    counts: npt.NDArray[np.float32]
    is_held_out: npt.NDArray[np.bool_]
    train_rows: Rows


def count_pairs(
    corpus: Corpus, window: int, vocabulary: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Pairs of words i, j and Xᵢⱼ: Σ 1 / distance over all places where j stands in the window around an i.

    Two places where the same word stands are each in the window of the other, so that they count twice in Xᵢᵢ.

    Args:
        corpus: the words.
        window: the largest distance.
        vocabulary: number of words.

    Shapes:
        three of ``(N,)``; the first word's number is at most the second's.

    Example:
        >>> corpus = Corpus(np.int32([7, 5, 7]), np.int32([0, 0, 0]))
        >>> [part.tolist() for part in count_pairs(corpus, 2, 9)]
        [[5, 7], [7, 7], [2.0, 1.0]]

    Source: J. Pennington, R. Socher, C. D. Manning, EMNLP 2014, sections 3 and 4.2 (symmetric windows).
    """
    keys = np.empty(0, dtype=np.int64)
    counts = np.empty(0, dtype=np.float64)
    for start in range(0, len(corpus), _WORDS_AT_ONCE):
        found_keys, found_counts = [keys], [counts]
        for distance in range(1, window + 1):
            # Words from `start` on, each with the one that stands `distance` further.
            stop = min(start + _WORDS_AT_ONCE, len(corpus) - distance)
            near, far = slice(start, max(stop, start)), slice(start + distance, max(stop, start) + distance)
            same = corpus.sentences[near] == corpus.sentences[far]
            one, other = corpus.tokens[near][same].astype(np.int64), corpus.tokens[far][same].astype(np.int64)
            found_keys.append(np.minimum(one, other) * vocabulary + np.maximum(one, other))
            found_counts.append(np.where(one == other, 2 / distance, 1 / distance))
        keys, places = np.unique(np.concatenate(found_keys), return_inverse=True)
        counts = np.bincount(places, weights=np.concatenate(found_counts), minlength=len(keys)).astype(np.float64)
    return (keys // vocabulary).astype(np.int32), (keys % vocabulary).astype(np.int32), counts.astype(np.float32)


class CooccurrencePreparation(CorpusPreparation):
    """Words that occur often enough, and how often they stand near one another.

    The pairs of the whole text are counted. Where the data has a split to measure on, two in a hundred pairs are held
    out for it.
    """

    kind: ClassVar[str] = "cooccurrences"

    @classmethod
    def fit(  # type: ignore[override]
        cls,
        table: Table,
        rows: Rows,
        *,
        min_count: int = 5,
        max_size: int | None = None,
        lowercase: bool | None = None,
        language: str | None = None,
        window: int = 10,
    ) -> Self:
        """The words of the training text.

        Args:
            table: with one column of text.
            rows: of the training split.
            min_count: rarer words are left out.
            max_size: of the vocabulary; None takes all words that are left.
            lowercase: whether small and capital letters are one; None: they are.
            language: ``"tr"`` for Turkish letters; None finds out.
            window: the largest distance of words that stand near each other.
        """
        return super().fit(
            table,
            rows,
            min_count=min_count,
            max_size=max_size,
            lowercase=lowercase,
            language=language,
            window=window,
            sample=0.0,
        )

    def network_options(self) -> dict[str, Any]:
        return {"vocabulary": len(self.encoder)}

    def encode_table(self, table: Table) -> Any:
        """The pairs of the whole table: `Cooccurrences`."""
        corpus = super().encode_table(table).corpus
        first, second, counts = count_pairs(corpus, self.window, len(self.encoder))
        if len(counts) < 2:
            raise DataError(f"Table {table.name!r}: GloVe needs words that stand near one another; give more text.")
        measures = any(split in table.splits for split in ("val", "test"))
        # Of each pair of words the same draw, whatever the seed of the run: runs are compared on the same pairs.
        held_out = generator(0, "held out pairs").random(len(counts)) < (_HELD_OUT if measures else 0.0)
        if measures and not held_out.any():
            held_out[-1] = True
        return Cooccurrences(first, second, counts, held_out, np.sort(table.splits.get("train", np.arange(len(table)))))

    def source(
        self, encoded: Any, targets: Mapping[str, Any], rows: Rows, *, input_name: str, batching: Batching
    ) -> Source:
        is_training = np.array_equal(np.sort(rows), encoded.train_rows)
        chosen = np.flatnonzero(~encoded.is_held_out if is_training else encoded.is_held_out)
        return CooccurrenceSource(
            encoded,
            batching.limited(chosen),
            batch_size=batching.batch_size,
            seed=batching.seed,
            shuffle=batching.shuffle,
            device=batching.device,
        )


class CooccurrenceSource:
    """Batches of pairs, each pair in both directions.

    Args:
        pairs: all of them.
        chosen: which of them are meant.
        batch_size: pairs of a batch.
        seed: of the order.
        shuffle: whether each epoch has an order of its own.
        device: where batches go.

    Shapes:
        columns ``input``, ``other`` (int64) and ``count`` ``(B,)``; B is at most twice the batch size.
    """

    def __init__(
        self,
        pairs: Cooccurrences,
        chosen: Rows,
        *,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = False,
        device: str | torch.device = "cpu",
    ) -> None:
        self._sampler = UniformSampler(chosen, batch_size=batch_size, seed=seed, shuffle=shuffle)
        self.batch_size, self.num_examples, self.num_batches = batch_size, len(chosen), self._sampler.num_batches
        self._pairs, self._device = pairs, device

    def batches(self, epoch: int, from_step: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from step `from_step` on."""
        import torch

        for rows in self._sampler.order(epoch).batches(from_step):
            first, second = self._pairs.first[rows].astype(np.int64), self._pairs.second[rows].astype(np.int64)
            counts = self._pairs.counts[rows]
            differ = first != second
            columns = {
                "input": np.concatenate([first, second[differ]]),
                "other": np.concatenate([second, first[differ]]),
                "count": np.concatenate([counts, counts[differ]]),
            }
            tensors = {name: torch.from_numpy(values).to(self._device) for name, values in columns.items()}
            yield Batch(tensors, torch.from_numpy(rows))
