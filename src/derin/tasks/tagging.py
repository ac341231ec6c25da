"""Tagging: a tag for each word of a sentence; where tags mark spans, whole spans are what counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from derin.core.errors import DataError, ShapeError
from derin.data.batch import Batch, Source
from derin.data.columns import ColumnsPreparation
from derin.data.preparation import Preparation
from derin.data.schema import Column, Kind
from derin.data.table import Ragged, Rows, Table
from derin.data.tag_schemes import span_types
from derin.data.text.words_codec import WordsCodec
from derin.layers.crf import CRF
from derin.tasks.base import BaseTask
from derin.tasks.card import NAMES, checked
from derin.tasks.metrics.entities import EntityMetrics
from derin.tasks.supervised import built_from_card
from derin.tasks.tagged_sentence import Entity, TaggedSentence, as_written, spans_in
from derin.tasks.tagging_findings import tagging_findings
from derin.train.protocol import Losses, Outputs


class Tagging(BaseTask):
    """Sequences of tags. Of a network with a `crf` −log p(tags | words) is learned and the best sequence is the answer;
    of any other network the tag of each word by itself.

    Args:
        columns: the column of the tags.
        classes: the tags: ``O, B-X, I-X, …`` or plain ones.

    Example:
        >>> task = Tagging(columns=["tags"], classes=["O", "B-PER", "I-PER"])
        >>> task.monitor, task.num_outputs
        ('f1', 3)
    """

    name = "tagging"
    monitor = "f1"
    target = "target"

    def __init__(self, *, columns: Sequence[str], classes: Sequence[str]) -> None:
        super().__init__(columns)
        self.classes = tuple(classes)
        self.types = span_types(self.classes)
        if self.types is None:
            self.monitor = "accuracy"

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        column = table.target()
        if column.kind is not Kind.TAGS or not column.classes:
            raise DataError(
                f"Table {table.name!r}: tagging needs a column of tags, one for each word; {column.name!r} holds "
                f"{column.kind.value}. Read a file with a word and its tag on each line."
            )
        return cls(columns=[column.name], classes=column.classes, **options)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return built_from_card(cls, cls.name, checked(cls.name, data, {"columns": NAMES, "classes": NAMES}))

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "columns": list(self.columns), "classes": list(self.classes)}

    @property
    def num_outputs(self) -> int:
        return len(self.classes)

    @classmethod
    def default_model(cls, table: Table) -> str:
        return "bilstm_crf"

    def batch_columns(self, table: Table) -> dict[str, Any]:
        return {self.target: self._targets(table)}

    def _targets(self, table: Table) -> Ragged:
        """The tags of a table as places in `classes`; another table may list them in another order."""
        column = _tag_column(table, self.columns[0])
        data = table.columns[column.name]
        assert isinstance(data, Ragged)
        assert column.classes is not None
        if column.classes == self.classes:
            return data
        place = {name: number for number, name in enumerate(self.classes)}
        lookup = np.array([place.get(name, -1) for name in column.classes], dtype=np.int64)
        renumbered = lookup[data.flat]
        unknown = sorted({column.classes[i] for i in np.unique(data.flat[renumbered < 0]).tolist()})
        if unknown:
            shown = ", ".join(unknown[:6]) + (", …" if len(unknown) > 6 else "")
            raise DataError(
                f"Table {table.name!r}: the tags {shown} are unknown to this tagger, which knows "
                f"{', '.join(self.types or self.classes)}. Take them out of the data, or train on such data."
            )
        return Ragged(renumbered, data.offsets)

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        mask = _mask(batch[self.input])
        losses = self._losses(model, self._scores(model, batch), batch[self.target], mask)
        num_words = mask.sum()
        return {"loss": losses.sum() / num_words, "weight_sum": num_words}

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """``tags`` ``(B, T)``, the ``scores`` ``(B, T, K)`` of all tags and the ``mask`` of words; where the truth is
        known, also the ``loss`` of each sentence.
        """
        scores, mask = self._scores(model, batch), _mask(batch[self.input])
        crf: Any = getattr(model, "crf", None)
        tags = scores.argmax(dim=2) if crf is None else crf.decode(scores, mask)
        outputs = {"tags": tags, "scores": scores, "mask": mask}
        if self.target in batch:
            outputs["loss"] = self._losses(model, scores, batch[self.target], mask)
        return outputs

    def _scores(self, model: nn.Module, batch: Batch) -> Tensor:
        inputs = batch[self.input]
        scores = self.call(model, batch)
        wanted = (*inputs.shape[:2], self.num_outputs)
        if not isinstance(scores, Tensor) or scores.shape != wanted:
            came = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
            raise ShapeError(
                f"The network must give {self.num_outputs} scores for each word, a tensor of shape {wanted}; "
                f"got {came}. Mend its last layer."
            )
        return scores.float()

    def _losses(self, model: nn.Module, scores: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """−log p of the true tags of each sentence in nats, ``(B,)``."""
        crf: Any = getattr(model, "crf", None)
        if crf is not None:
            losses: Tensor = -crf.log_likelihood(scores, target, mask)
            return losses
        each = nn.functional.cross_entropy(scores.transpose(1, 2), target, reduction="none")
        return each.masked_fill(~mask, 0.0).sum(dim=1)

    def metrics(self) -> EntityMetrics:
        return EntityMetrics(self.classes)

    def answers(
        self, network: nn.Module, preparation: Preparation, inputs: Any, *, batch_size: int, device: torch.device
    ) -> list[TaggedSentence]:
        assert isinstance(preparation, ColumnsPreparation)
        words: WordsCodec = preparation.input
        given = [inputs] if preparation.is_single(inputs) else inputs
        sentences = words.sentences(inputs)
        # Sentences of like length share a batch; their answers come back in the order asked.
        order = sorted(range(len(sentences)), key=lambda place: len(sentences[place]))
        found: dict[int, TaggedSentence] = {}
        for start in range(0, len(order), batch_size):
            places = order[start : start + batch_size]
            rows = torch.from_numpy(preparation.read([sentences[place] for place in places]))
            batch = Batch({self.input: preparation.to_model_input(rows.to(device))}, torch.arange(len(places)))
            with torch.inference_mode():
                outputs = self.predict(network, batch)
                texts = [text if isinstance(text := given[place], str) else None for place in places]
                answers = self._tagged_sentences(network, outputs, [sentences[place] for place in places], texts)
            found |= dict(zip(places, answers, strict=True))
        return [found[place] for place in range(len(sentences))]

    def _tagged_sentences(
        self, network: nn.Module, outputs: Outputs, sentences: Sequence[Sequence[str]], texts: Sequence[str | None]
    ) -> list[TaggedSentence]:
        """The tags of a batch in words, with their probabilities."""
        tags, scores, mask = outputs["tags"], outputs["scores"], outputs["mask"]
        # Without steps between tags a field gives each word the softmax of its scores.
        crf: Any = getattr(network, "crf", None) or CRF(self.num_outputs).to(scores.device)
        certain = crf.marginals(scores, mask).gather(2, tags[..., None])[..., 0].tolist()
        numbers = [row[: len(words)] for row, words in zip(tags.tolist(), sentences, strict=True)]
        spans = [(row, *span) for row, of_row in enumerate(numbers) if self.types for span in spans_in(of_row)]
        entities: list[list[Entity]] = [[] for _ in sentences]
        if spans:
            rows, kinds, starts, ends = torch.tensor(spans, device=tags.device).unbind(dim=1)
            segments = torch.stack([rows, starts, ends], dim=1)
            sure = crf.segment_probabilities(scores, tags, mask, segments, 2 * kinds + 2).tolist()  # O, B-X, I-X, …
            for (row, kind, start, end), probability in zip(spans, sure, strict=True):
                assert self.types is not None
                text = as_written(sentences[row], start, end, texts[row])
                entities[row].append(Entity(text, self.types[kind], start, end, probability))
        return [
            TaggedSentence(
                tuple(words),
                tuple(self.classes[tag] for tag in numbers[row]),
                tuple(certain[row][: len(words)]),
                tuple(entities[row]),
            )
            for row, words in enumerate(sentences)
        ]

    def final_analysis(
        self,
        network: nn.Module,
        preparation: Preparation,
        table: Table,
        source: Callable[[str], Source],
        folder: Path,
    ) -> dict[str, Any]:
        """What looking up known spans reaches, how spans that training held or did not were found, and examples."""
        split = next((name for name in ("test", "val") if name in table.splits), None)
        if split is None:
            return {}
        found: dict[int, list[int]] = {}
        for batch in source(split).batches(0):
            with torch.inference_mode():
                outputs = self.predict(network, batch)
            lengths = outputs["mask"].sum(dim=1).tolist()
            for row, tags, length in zip(batch.rows.tolist(), outputs["tags"].tolist(), lengths):
                found[row] = tags[:length]
        words = _word_column(table)
        return tagging_findings(words, self._targets(table), table.splits["train"], found, self.classes, split)


def _mask(inputs: Tensor) -> Tensor:
    """Where words stand: the number of a word is never 0."""
    return inputs[..., 0] != 0


def _word_column(table: Table) -> Ragged:
    data = next(table.columns[column.name] for column in table.inputs if column.kind is Kind.WORDS)
    assert isinstance(data, Ragged)
    return data


def _tag_column(table: Table, name: str) -> Column:
    """The column of tags of this name, else the one that there is, since sets name one thing differently."""
    found = [column for column in table.targets if column.kind is Kind.TAGS]
    column = next((column for column in found if column.name == name), found[0] if len(found) == 1 else None)
    if column is None or column.classes is None:
        raise DataError(f"Table {table.name!r}: a column {name!r} with a tag for each word is required; there is none.")
    return column
