"""A network with its preparation in front and its task behind: from pixels to probabilities in one module."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.data.pictures.preparation import PicturePreparation
from derin.tasks.binary import Binary
from derin.tasks.classification import Classification
from derin.tasks.multilabel import MultiLabel
from derin.tasks.regression import Regression
from derin.tasks.supervised import SupervisedTask


class PixelsToAnswers(nn.Module):
    """p = answer(network((x / 255 − mean) / std)), for pixels as files hold them.

    Args:
        network: takes normalized pictures.
        task: with probabilities or values among what it predicts.
        preparation: the mean and standard deviation of training. Pictures must come in its size.

    Attributes:
        output_name: ``"probabilities"`` or ``"value"``.

    Shapes:
        ``(B, height, width, channels)`` uint8 → probabilities ``(B, classes)`` or values ``(B,)`` or ``(B, D)``,
        float32.

    Raises:
        UsageError: the network does not read pictures, or its task gives several answers.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, task: SupervisedTask, preparation: Any) -> None:
        super().__init__()
        if not isinstance(preparation, PicturePreparation):
            raise UsageError(
                f"Only the preparation of pictures can be exported with the network; this one reads "
                f"{preparation.kind}. Export it without preparation."
            )
        if not isinstance(task, Regression | Binary | MultiLabel | Classification):
            raise UsageError(
                f"A network of the task {task.name!r} gives several answers; export it without preparation, for its "
                "raw outputs."
            )
        self.network, self.task = network, task
        self.output_name = "value" if isinstance(task, Regression) else "probabilities"
        self.register_buffer("mean", torch.tensor(preparation.mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(preparation.std).view(1, -1, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        pictures = (pixels.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std
        return _answer(self.task, self.network(pictures))


def _answer(task: Regression | Binary | MultiLabel | Classification, raw: Tensor) -> Tensor:
    """As `predict` of the task, without its checks: they count the examples, which would fix the number of them."""
    if isinstance(task, Regression):
        values = raw * torch.tensor(task.std, dtype=torch.float64) + torch.tensor(task.mean, dtype=torch.float64)
        return (values.flatten() if task.num_outputs == 1 else values).float()
    if isinstance(task, Binary):
        logits = task.tempered(raw.flatten())
        return torch.stack([(-logits).sigmoid(), logits.sigmoid()], dim=1)
    if isinstance(task, MultiLabel):
        return task.tempered(raw).sigmoid()
    return task.tempered(raw).softmax(dim=1)
