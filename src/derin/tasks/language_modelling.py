"""Language modelling: at every place of a text, the probability of the token that follows.

loss = −(1/N) Σ ln P(wₜ | w₁ … wₜ₋₁), in nats per token; every token of a measured text is counted once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.core.fields import Within
from derin.data.batch import Batch, Source
from derin.data.preparation import Preparation
from derin.data.table import Rows, Table
from derin.data.text.vocabulary import PAD
from derin.tasks.base import BaseTask
from derin.tasks.card import NAMES, checked
from derin.tasks.metrics.perplexity import PerplexityMetrics
from derin.train.protocol import Losses, Outputs

if TYPE_CHECKING:
    from derin.data.text.stream_preparation import StreamPreparation
    from derin.models.language_model import CarriedState
    from derin.tasks.scoring import TextScore

# What the network carries from window to window stands in the task's state under these names, and a number.
_CARRIED = "carried."
# Texts that are written or scored begin without a past, behind the end of a line. Windows that begin there lose their
# past half of the time in training, others now and then, or the network would never learn such a beginning.
_FORGETS_AT_START, _FORGETS_ELSEWHERE = 0.5, 0.05


class LanguageModelling(BaseTask):
    """Learns to tell the next token of streams of text.

    A network that carries a state goes on in each window where it stood at the end of the last one; gradients do not
    reach back into it (truncated backpropagation through time). The state is dropped where a stream begins anew, and in
    training now and then, above all where a line begins.

    Args:
        columns: the column of the text.
        num_tokens: size of the vocabulary.
        characters_per_token: of the training text.

    Source: R. J. Williams, J. Peng, "An efficient gradient-based algorithm for on-line training of recurrent network
    trajectories", Neural Computation 2, 1990.
    """

    name = "lm"
    monitor = "loss"
    maximize = False
    preparation_kind = "stream"

    def __init__(self, columns: tuple[str, ...], *, num_tokens: int = 0, characters_per_token: float = 1.0) -> None:
        super().__init__(columns)
        self.num_tokens, self.characters_per_token = num_tokens, characters_per_token
        self._start_token = PAD
        # Measuring carries a state of its own, so that training goes on as if nothing had been measured.
        self._measured: dict[str, Tensor] = {}

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        return cls(tuple(column.name for column in table.inputs))

    def bind(self, preparation: Preparation) -> None:
        """Takes the size of the vocabulary and the token behind which a line begins."""
        stream: StreamPreparation = preparation  # type: ignore[assignment]
        self.num_tokens, self.characters_per_token = len(stream.encoder), stream.characters_per_token
        self._start_token = stream.start_token

    @property
    def num_outputs(self) -> int:
        return self.num_tokens

    @classmethod
    def default_model(cls, table: Table) -> str:
        return "lstm_lm"

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        logits, target = self._logits(model, batch, self.state), batch["target"]
        loss = F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PAD)
        return {"loss": loss, "weight_sum": (target != PAD).sum()}

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """How surprised the network is at every place.

        Shapes:
            surprise ``(B, T)`` −ln P of the token that came, 0 where none is counted; counted and hit ``(B, T)``
            bool, the latter true where the likeliest token came.
        """
        logits, target = self._logits(model, batch, self._measured), batch["target"]
        counted = target != PAD
        surprise = F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PAD, reduction="none")
        return {
            "surprise": surprise.view_as(target),
            "counted": counted,
            "hit": counted & (logits.argmax(dim=2) == target),
        }

    def metrics(self) -> PerplexityMetrics:
        return PerplexityMetrics(self.characters_per_token)

    def answers(
        self, network: nn.Module, preparation: Preparation, inputs: Any, *, batch_size: int, device: torch.device
    ) -> list[TextScore]:
        """How probable each text is."""
        from derin.tasks.scoring import score_texts

        texts = [inputs] if isinstance(inputs, str) else list(inputs)
        return score_texts(network, preparation, texts, batch_size=batch_size)

    def final_analysis(
        self,
        network: nn.Module,
        preparation: Preparation,
        table: Table,
        source: Callable[[str], Source],
        folder: Path,
    ) -> dict[str, Any]:
        """A character 5-gram to compare with, and texts that the network writes."""
        from derin.tasks.language_findings import language_findings

        return language_findings(network, preparation, table, seconds=self.analysis_seconds)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "num_tokens": self.num_tokens,
            "characters_per_token": self.characters_per_token,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        forms = {"num_tokens": Within(int, least=0), "characters_per_token": Within(float, above=0)}
        return cls(**checked(cls.name, data, {"columns": NAMES, **forms}))

    def _logits(self, model: nn.Module, batch: Batch, kept: dict[str, Tensor]) -> Tensor:
        """Scores of the next token, ``(B, T, V)`` float32; `kept` gets the state after the window."""
        tokens = batch[self.input]
        if getattr(model, "carries_state", False):
            fresh = batch["fresh"]
            if model.training:
                fresh = fresh | self._forgotten(tokens[:, 0])
            logits, after = self.call(model, batch, _going_on(kept, fresh))
            kept.update({f"{_CARRIED}{number}": part.detach() for number, part in enumerate(after)})
        else:
            output = self.call(model, batch)
            logits = output[0] if isinstance(output, tuple) else output
        wanted = (*tokens.shape, self.num_tokens)
        if not isinstance(logits, Tensor) or logits.shape != wanted:
            came = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ShapeError(
                f"A language model must give a score for each of {self.num_tokens} tokens at every place, a tensor of "
                f"shape {wanted}; got {came}. Mend its last layer."
            )
        return logits.float()

    def _forgotten(self, first: Tensor) -> Tensor:
        """Which rows lose their past, drawn by the step's own generator, ``(B,)`` bool."""
        shares = torch.where(first == self._start_token, _FORGETS_AT_START, _FORGETS_ELSEWHERE)
        return torch.rand(len(first), device=first.device) < shares


def _going_on(kept: Mapping[str, Tensor], fresh: Tensor) -> CarriedState | None:
    """The state with which a window begins: zero where its stream begins anew, None where all do."""
    parts = [kept[name] for name in sorted(kept) if name.startswith(_CARRIED)]
    if not parts or parts[0].shape[1] != len(fresh):
        return None
    return tuple(part.masked_fill(fresh[None, :, None], 0) for part in parts)
