"""A network with auxiliary classifiers trains on all of them and answers with the main one."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.data.batch import Batch
from derin.models.auxiliary import WithAuxiliary
from derin.tasks.classification import Classification

TASK = Classification(columns=["kind"], classes=["cat", "dog", "owl"])


class TwoHeads(nn.Module):
    """Gives three logits and, in training, those of two further heads."""

    def __init__(self, auxiliary_outputs: int = 3) -> None:
        super().__init__()
        self.output = nn.Linear(5, 3)
        self.heads = nn.ModuleList([nn.Linear(5, auxiliary_outputs), nn.Linear(5, auxiliary_outputs)])

    def forward(self, x: Tensor) -> Tensor | WithAuxiliary:
        if not self.training:
            return self.output(x)
        return WithAuxiliary(self.output(x), tuple(head(x) for head in self.heads), 0.3)


def batch() -> Batch:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(4, 5, generator=generator)
    return Batch({"input": inputs, "target": torch.tensor([0, 2, 1, 2])}, torch.arange(4))


def test_loss_is_the_main_one_and_the_weighted_sum_of_the_others() -> None:
    torch.manual_seed(2)
    model, data = TwoHeads(), batch()
    losses = [F.cross_entropy(layer(data["input"]), data["target"]) for layer in (model.output, *model.heads)]
    assert TASK.loss(model, data)["loss"].item() == pytest.approx((losses[0] + 0.3 * sum(losses[1:])).item(), rel=1e-6)


def test_prediction_is_the_main_output_in_training_and_in_use() -> None:
    model, data = TwoHeads(), batch()
    expected = model.output(data["input"])
    for mode in (True, False):
        assert torch.equal(TASK.predict(model.train(mode), data)["logits"], expected)


def test_an_auxiliary_head_of_another_width_is_refused() -> None:
    with pytest.raises(ShapeError, match="must give 3 outputs"):
        TASK.loss(TwoHeads(auxiliary_outputs=2), batch())
