"""What tasks have in common that train several networks at once."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from derin.core.global_generator import global_generator
from derin.data.batch import Batch
from derin.models.system import require_networks
from derin.tasks.base import BaseTask
from derin.train.protocol import Losses
from derin.train.step import loss_of


class SystemTask(BaseTask):
    """A task with several networks, each with an optimizer of its name, moved by an `update` of its own.

    Attributes:
        network_names: what the networks of the `derin.System` are called.
        running: further scalars of `update` whose means stand in the log.
    """

    monitor = None
    network_names: ClassVar[tuple[str, ...]]
    running: ClassVar[tuple[str, ...]] = ()

    def networks(self, model: nn.Module) -> dict[str, nn.Module]:
        """The networks by name.

        Raises:
            UsageError: the model is no system of them.
        """
        return require_networks(model, *self.network_names)

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """The sum of all that an update would minimize; nothing is moved."""
        return {"loss": loss_of(self, model, batch)}

    def check_batch(self, model: nn.Module, batch: Batch) -> None:
        self.networks(model)
        with global_generator(next(model.parameters()).device):  # an update may draw noise
            super().check_batch(model, batch)
