"""Word vectors from plain text: words that stand in alike company get alike vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.data.batch import Batch, Source
from derin.data.preparation import Preparation
from derin.data.table import Rows, Table
from derin.data.text.corpus_preparation import CorpusPreparation
from derin.data.text.vectors import WordVectors
from derin.data.text.vocabulary import SPECIAL_TOKENS
from derin.models.skip_gram import TextChunk, WordVectorNetwork
from derin.tasks.base import BaseTask
from derin.tasks.card import NAMES, checked

if TYPE_CHECKING:
    from derin.train.protocol import Losses, Outputs, Step

_NUM_NEIGHBORS = 10  # of an answer
_NUM_SHOWN, _NEIGHBORS_SHOWN = 16, 6  # words and neighbors of a report
_SHORTEST_SHOWN = 4  # letters: shorter words are mostly of grammar
_SHOWN_AMONG = 1_500  # the most frequent words
_MAP_WORDS = 400


@dataclass(frozen=True)
class Neighbors:
    """The answer to a word: those that are most like it.

    Args:
        word: that was asked for.
        words: the others with their cosines, best first.
    """

    word: str
    words: tuple[tuple[str, float], ...]

    def __str__(self) -> str:
        return ", ".join(f"{word} {cosine:.2f}" for word, cosine in self.words)

    def to_json(self) -> dict[str, Any]:
        return {"input": self.word, "neighbors": [[word, cosine] for word, cosine in self.words]}


class VectorTask(BaseTask):
    """What the tasks that give word vectors have in common: their input, their loss, their answers."""

    monitor = "loss"
    maximize = False
    forbids = frozenset({"bf16"})  # a step changes a vector by less than bf16 can tell

    @property
    def num_outputs(self) -> int:
        return 1

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        return cls([column.name for column in table.inputs])

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "columns": list(self.columns)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(checked(cls.name, data, {"columns": NAMES})["columns"])

    def metrics(self) -> MeanLoss:
        return MeanLoss()

    def answers(
        self, network: nn.Module, preparation: Preparation, inputs: Any, *, batch_size: int, device: torch.device
    ) -> list[Neighbors]:
        vectors = vectors_of(network, preparation)
        rows = preparation.read(inputs)[:, 0] - len(SPECIAL_TOKENS)
        words = [vectors.words[row] for row in rows.tolist()]
        return [Neighbors(word, tuple(vectors.neighbors(word, _NUM_NEIGHBORS))) for word in words]

    def final_analysis(
        self,
        network: nn.Module,
        preparation: Preparation,
        table: Table,
        source: Callable[[str], Source],
        folder: Path,
    ) -> dict[str, Any]:
        """The neighbors of some words, and a map of the most frequent ones."""
        from derin.core.files import open_atomically

        vectors = vectors_of(network, preparation)
        mapped = telling_words(vectors.words, _MAP_WORDS)
        with open_atomically(folder / "word_map.npz") as file:
            np.savez(file, values=vectors.values[[vectors.index[word] for word in mapped]])
        return {
            "words": len(vectors),
            "dim": vectors.dim,
            "neighbors": [
                [word, [[other, cosine] for other, cosine in vectors.neighbors(word, _NEIGHBORS_SHOWN)]]
                for word in telling_words(vectors.words, _NUM_SHOWN)
            ],
            "map": mapped,
        }


class WordVectorTask(VectorTask):
    """Skip-gram and CBOW; each step moves the vectors by gradients that the network writes out itself.

    Example:
        >>> from derin.models.building import build
        >>> task = WordVectorTask(["text"])
        >>> net = build("skip_gram", input_shape=(16,), num_outputs=task.num_outputs, vocabulary=10, dim=4)
        >>> columns = {"input": torch.arange(16) % 5 + 4, "sentence": torch.zeros(16), "reach": torch.ones(16)}
        >>> batch = Batch(columns | {"negatives": torch.full((1, 3), 9)}, torch.arange(16))
        >>> round(float(task.loss(net, batch)["loss"]))
        4
    """

    name = "word-vectors"
    preparation_kind = "corpus"
    updates_itself = True

    @classmethod
    def default_model(cls, table: Table) -> str:
        return "skip_gram"

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        return _mean(*_network(model).measure(self.chunk(batch)))

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """The sum of the losses and the number of predictions.

        Shapes:
            both ``(1,)``.
        """
        total, num = _network(model).measure(self.chunk(batch))
        return {"loss_sum": total.view(1), "num": num.view(1)}

    def update(self, step: Step, batch: Batch) -> Losses:
        refuse_what_needs_gradients(step)
        return _mean(*_network(step.model).learn(self.chunk(batch), step.lr))

    def chunk(self, batch: Batch) -> TextChunk:
        """A batch as the network takes it."""
        columns = batch.columns
        return TextChunk(
            columns[self.input],
            columns["sentence"],
            columns["reach"],
            columns.get("negatives"),
            columns.get("nodes"),
            columns.get("signs"),
        )


def _mean(total: Tensor, num: Tensor) -> Losses:
    """The mean loss of a prediction, and how many predictions it is the mean of."""
    return {"loss": total / num.clamp_min(1), "weight_sum": num}


class MeanLoss:
    """The mean loss of all predictions; sums stay on the device.

    Example:
        >>> metrics = MeanLoss()
        >>> for total, num in ((6.0, 2.0), (1.0, 2.0)):
        ...     metrics.update({"loss_sum": torch.tensor([total]), "num": torch.tensor([num])}, None)
        >>> metrics.compute()
        {'loss': 1.75}
    """

    def __init__(self) -> None:
        self._sums: Tensor | None = None

    def update(self, outputs: Outputs, batch: Batch | None) -> None:
        sums = torch.cat([outputs["loss_sum"], outputs["num"]])
        # Single precision stops counting at 16 million.
        sums = sums if sums.device.type == "mps" else sums.double()
        self._sums = sums if self._sums is None else self._sums + sums

    def compute(self) -> dict[str, Any]:
        if self._sums is None:
            return {"loss": float("nan")}
        total, num = self._sums.tolist()
        return {"loss": total / max(num, 1)}

    def intervals(self) -> dict[str, tuple[float, float]]:
        """None: neighboring words are no independent examples."""
        return {}


def vectors_of(network: nn.Module, preparation: Preparation) -> WordVectors:
    """The vectors of a trained network, by their words."""
    if not isinstance(preparation, CorpusPreparation) or not hasattr(network, "word_vectors"):
        raise UsageError(
            f"Word vectors come from skip_gram, cbow or glove; {type(network).__name__} has none by itself. Train with "
            "`derin embed train`."
        )
    values = network.word_vectors()[len(SPECIAL_TOKENS) :].detach().cpu().float().numpy()  # type: ignore[operator]
    return WordVectors(preparation.words, np.ascontiguousarray(values))


def refuse_what_needs_gradients(step: Step) -> None:
    """Settings of optimizers that a network which moves its vectors itself would pass over in silence."""
    if getattr(step, "average", None) is not None or not getattr(step, "is_update_step", True):
        raise UsageError("Word vectors are moved at every batch by themselves; leave ema_decay and accumulate out.")


def _network(model: nn.Module) -> WordVectorNetwork:
    network = getattr(model, "_orig_mod", model)  # behind torch.compile
    if not isinstance(network, WordVectorNetwork):
        raise UsageError(
            f"The task word-vectors trains skip_gram and cbow; got {type(network).__name__}. Name one of these."
        )
    return network


def telling_words(words: Sequence[str], num: int) -> list[str]:
    """Frequent words that are likely to mean something: long enough, and spread evenly over the most frequent ones.

    Args:
        words: the most frequent one first.
        num: how many are wanted.

    Example:
        >>> telling_words(["the", "people", "of", "city", "people's", "night", "wind"], 3)
        ['people', 'city', 'wind']
    """
    long = [word for word in words[:_SHOWN_AMONG] if len(word) >= _SHORTEST_SHOWN and word.isalpha()]
    found = long if len(long) >= min(num, _SHORTEST_SHOWN) else list(words[:_SHOWN_AMONG])
    places = np.unique(np.linspace(0, len(found) - 1, min(num, len(found))).astype(int))
    return [found[place] for place in places.tolist()]
