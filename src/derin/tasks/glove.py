"""GloVe from plain text: products of vectors that follow how often words stand near each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from derin.core.errors import UsageError
from derin.data.batch import Batch
from derin.data.table import Table
from derin.models.glove import Glove
from derin.tasks.word_vectors import VectorTask

if TYPE_CHECKING:
    from derin.train.protocol import Losses, Outputs


class GloveTask(VectorTask):
    """Weighted least squares: Σ f(X) (w · w̃ + b + b̃ − log X)² / Σ f(X).

    Example:
        >>> from derin.models.glove import GloveOptions
        >>> task, net = GloveTask(["text"]), Glove((5,), 1, GloveOptions(vocabulary=9, dim=4))
        >>> words = torch.tensor([4, 5])
        >>> batch = Batch({"input": words, "other": words.flip(0), "count": torch.tensor([1.0, 10.0])}, words)
        >>> bool(task.loss(net, batch)["loss"] > 0)
        True
    """

    name = "glove"
    preparation_kind = "cooccurrences"

    @classmethod
    def default_model(cls, table: Table) -> str:
        return "glove"

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        errors, weights = self._errors(model, batch)
        total = weights.sum()
        return {"loss": (errors * weights).sum() / total, "weight_sum": total.detach()}

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """The weighted sum of the squared errors and the sum of the weights.

        Shapes:
            both ``(1,)``.
        """
        errors, weights = self._errors(model, batch)
        return {"loss_sum": (errors * weights).sum().view(1), "num": weights.sum().view(1)}

    def _errors(self, model: nn.Module, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        network = getattr(model, "_orig_mod", model)  # behind torch.compile
        if not isinstance(network, Glove):
            raise UsageError(f"The task glove trains the network glove; got {type(network).__name__}. Name that one.")
        return network.errors(batch[self.input], batch["other"], batch["count"])
