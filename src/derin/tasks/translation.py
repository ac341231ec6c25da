"""Translation: a text becomes another text, learned from pairs and searched token by token."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.core.fields import Within
from derin.data.batch import Batch, Source
from derin.data.preparation import Preparation
from derin.data.schema import Kind
from derin.data.table import Rows, Table
from derin.data.text.pair_preparation import PairPreparation
from derin.data.text.vocabulary import BOS, EOS, PAD, UNK
from derin.models.translator import Translator
from derin.tasks.base import BaseTask
from derin.tasks.beam_search import BEAM_SIZE, LENGTH_POWER, Hypotheses, beam_search
from derin.tasks.card import NAMES, checked
from derin.tasks.metrics.translation import TranslationMetrics
from derin.train.protocol import Losses, Outputs


@dataclass(frozen=True, repr=False)
class Translated:
    """A text in the other language.

    Args:
        text: the best that was found.
        log_prob: log P(y | x) of it.
        alternatives: further texts with their log probabilities, the better first.

    Example:
        >>> Translated("bonjour", -0.25).to_json()
        {'text': 'bonjour', 'log_probability': -0.25, 'alternatives': []}
    """

    text: str
    log_prob: float
    alternatives: tuple[tuple[str, float], ...] = ()

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Translated({self.text!r}, log P {self.log_prob:.3g})"

    def to_json(self) -> dict[str, Any]:
        alternatives = [{"text": text, "log_probability": value} for text, value in self.alternatives]
        return {"text": self.text, "log_probability": self.log_prob, "alternatives": alternatives}


class Translation(BaseTask):
    """Texts from texts. The loss is −log P of each target token given the source and the true tokens before it.

    Args:
        columns: the column of the targets.
        label_smoothing: share of a token's target that is spread over all tokens.

    Attributes:
        target: the name of the target's column in a batch.
    """

    name = "translation"
    monitor = "token_accuracy"
    maximize = True
    options = frozenset({"label_smoothing"})
    preparation_kind = "pairs"

    target = "target"

    def __init__(self, columns: Sequence[str], *, label_smoothing: float = 0.0) -> None:
        super().__init__(columns)
        if not 0 <= label_smoothing < 1:
            raise UsageError(f"Translation.label_smoothing must lie in [0, 1); got {label_smoothing}.")
        self.label_smoothing = float(label_smoothing)
        self._preparation: PairPreparation | None = None

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        column = table.target()
        if column.kind is not Kind.TEXT:
            raise UsageError(
                f"The task 'translation' needs a text as target; {column.name!r} in {table.name!r} is of kind "
                f"{column.kind.value}."
            )
        return cls([column.name], **options)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        share = Within(float, least=0, below=1)
        return cls(**checked(cls.name, data, {"columns": NAMES, "label_smoothing": share}))

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "columns": list(self.columns), "label_smoothing": self.label_smoothing}

    @classmethod
    def default_model(cls, table: Table) -> str:
        """Attention over recurrent networks, which is good within minutes; a Transformer needs hours or a GPU."""
        return "seq2seq_attention"

    def bind(self, preparation: Preparation) -> None:
        if not isinstance(preparation, PairPreparation):
            raise UsageError(
                f"The task 'translation' reads pairs of texts; got a preparation of kind {preparation.input_kind}."
            )
        self._preparation = preparation

    @property
    def preparation(self) -> PairPreparation:
        """The vocabularies; there once `bind` was called."""
        if self._preparation is None:
            raise UsageError("The translation task has no vocabularies yet; call bind with its preparation first.")
        return self._preparation

    @property
    def num_outputs(self) -> int:
        return len(self.preparation.target_encoder)

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """The mean of −log P over the tokens of the batch, smoothed where that is asked for."""
        logits, target_out = self._logits(model, batch)
        num_tokens = (target_out != PAD).sum()
        total = F.cross_entropy(
            logits.flatten(0, 1),
            target_out.flatten(),
            ignore_index=PAD,
            label_smoothing=self.label_smoothing,
            reduction="sum",
        )
        return {"loss": total / num_tokens, "weight_sum": num_tokens}

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """What the network says of the true targets.

        Shapes:
            nll (Σ −log P), num_tokens, num_right: ``(B,)``.
        """
        logits, target_out = self._logits(model, batch)
        nll = F.cross_entropy(logits.transpose(1, 2), target_out, ignore_index=PAD, reduction="none")
        there = target_out != PAD
        return {
            "nll": nll.sum(1),
            "num_tokens": there.sum(1),
            "num_right": ((logits.argmax(2) == target_out) & there).sum(1),
        }

    def metrics(self) -> TranslationMetrics:
        return TranslationMetrics()

    def search(
        self, model: nn.Module, source: Tensor, *, beam_size: int = BEAM_SIZE, length_power: float = LENGTH_POWER
    ) -> Hypotheses:
        """The best targets of some sources; see `derin.tasks.beam_search.beam_search`.

        Raises:
            UsageError: the network is none that decodes step by step.
        """
        if not isinstance(model, Translator):
            raise UsageError(
                f"Search needs a network with encode, start and step; got {type(model).__name__}. Use a registered "
                "one: transformer, seq2seq_attention, seq2seq_gru."
            )
        return beam_search(
            model, source, begin=BOS, end=EOS, beam_size=beam_size, length_power=length_power, forbidden=(UNK,)
        )

    def translate(
        self,
        network: nn.Module,
        texts: Sequence[str],
        *,
        beam_size: int = BEAM_SIZE,
        length_power: float = LENGTH_POWER,
        num_best: int = 1,
        batch_size: int = 64,
        device: torch.device | str = "cpu",
    ) -> list[Translated]:
        """Texts in the other language; an empty one, as between two paragraphs, gives an empty one.

        Args:
            network: in evaluation mode.
            texts: in the language of the sources.
            beam_size: hypotheses kept at each step; 1 is greedy search.
            length_power: α of the length normalization.
            num_best: texts given for each, at most `beam_size`.
            batch_size: texts searched at once; like lengths go together.
            device: of the network.
        """
        if not 1 <= num_best <= beam_size:
            raise UsageError(f"translate: num_best must lie between 1 and beam_size={beam_size}; got {num_best}.")
        there = [place for place, text in enumerate(texts) if text.strip()]
        sources = [texts[place] for place in there]
        found: dict[int, Translated] = {}
        for places, _, hypotheses in self.searched(
            network, sources, beam_size=beam_size, length_power=length_power, batch_size=batch_size, device=device
        ):
            found |= {there[place]: answer for place, answer in zip(places, self._answers(hypotheses, num_best))}
        return [found.get(place, Translated("", 0.0)) for place in range(len(texts))]

    def searched(
        self,
        network: nn.Module,
        texts: Sequence[str],
        *,
        beam_size: int,
        length_power: float,
        batch_size: int = 64,
        device: torch.device | str = "cpu",
    ) -> Iterator[tuple[list[int], Tensor, Hypotheses]]:
        """Searches texts in batches of like length; arguments as of `translate`.

        Yields:
            the places of some texts in the list, their tokens ``(B, S)``, and what was found.
        """
        rows = torch.from_numpy(self.preparation.read(list(texts)))
        lengths = (rows != PAD).sum(1)
        order = lengths.argsort(stable=True).tolist()
        for start in range(0, len(order), batch_size):
            places = order[start : start + batch_size]
            part = rows[places][:, : int(lengths[places].max())].to(device)
            yield places, part, self.search(network, part, beam_size=beam_size, length_power=length_power)

    def answers(
        self, network: nn.Module, preparation: Preparation, inputs: Any, *, batch_size: int, device: torch.device
    ) -> list[Any]:
        texts = [inputs] if isinstance(inputs, str) else inputs
        return self.translate(network, texts, batch_size=batch_size, device=device)

    def final_analysis(
        self,
        network: nn.Module,
        preparation: Preparation,
        table: Table,
        source: Callable[[str], Source],
        folder: Path,
    ) -> dict[str, Any]:
        """BLEU, chrF and exact matches of greedy and beam search, whose fault the rest is, and a few sentences."""
        from derin.tasks.translation_findings import translation_findings

        return translation_findings(self, network, table)

    def searched_metrics(self, network: nn.Module, table: Table, rows: Rows) -> dict[str, float]:
        """BLEU and chrF of beam search."""
        from derin.tasks.translation_findings import searched_scores

        return searched_scores(self, network, table, rows)

    def decoded_texts(self, tokens: Tensor) -> list[str]:
        """The texts of rows of target tokens, ``(B, T)``."""
        encoder = self.preparation.target_encoder
        return [encoder.decode(row) for row in tokens.cpu().numpy()]

    def _answers(self, hypotheses: Hypotheses, num_best: int) -> list[Translated]:
        texts = [self.decoded_texts(hypotheses.tokens[:, place]) for place in range(num_best)]
        log_probs = hypotheses.log_probs.tolist()
        there = hypotheses.scores.isfinite().tolist()
        found = []
        for row, known in enumerate(there):
            every = [(texts[k][row], log_probs[row][k]) for k in range(num_best) if known[k]]
            found.append(Translated(*every[0], tuple(every[1:])))
        return found

    def _logits(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Scores at every place of the target, in float32, and the tokens that should stand there."""
        target_in, target_out = batch[self.target][:, :-1], batch[self.target][:, 1:]
        logits = self.call(model, batch, target_in)
        if not isinstance(logits, Tensor) or logits.shape != (*target_out.shape, self.num_outputs):
            shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise UsageError(
                f"A network that translates must give a score to each of {self.num_outputs} tokens at each place, "
                f"{(*target_out.shape, self.num_outputs)}; got {shape}. Use a "
                "registered one: transformer, seq2seq_attention."
            )
        return logits.float(), target_out
