"""Looking at a layer while a network runs, without changing the network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(slots=True)
class Watched:
    """What a layer gave in its last call."""

    output: Tensor | None = None
    handles: list[Any] = field(default_factory=list)

    @property
    def value(self) -> Tensor:
        """The output; there is one once the network has run."""
        assert self.output is not None
        return self.output


class Reached(Exception):
    """Thrown by `watch` where the rest of the forward pass is not needed."""


@contextmanager
def unchanged(network: nn.Module) -> Iterator[None]:
    """Evaluation mode with gradients; the mode of every module is put back afterwards."""
    modes = {module: module.training for module in network.modules()}
    try:
        network.eval()
        # A caller may be predicting without gradients.
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        for module, training in modes.items():
            module.training = training


@contextmanager
def watch(layer: nn.Module, *, as_leaf: bool = False, stop: bool = False) -> Iterator[Watched]:
    """Keeps the output of a layer; where it is called several times, of the last call.

    What comes after gets a copy, so that an activation that works in place does not overwrite what was kept.

    Args:
        layer: whose output is kept.
        as_leaf: the kept output begins a graph of its own: gradients go back as far as this layer and no further,
            which saves the memory and time of the layers before it.
        stop: the forward pass ends here, by `Reached`.
    """
    watched = Watched()

    def keep(module: nn.Module, inputs: Any, output: Any) -> Any:
        if not isinstance(output, Tensor):
            return None
        watched.output = output.detach().requires_grad_() if as_leaf else output
        if stop:
            raise Reached
        return watched.output.clone()

    handle = layer.register_forward_hook(keep)
    try:
        yield watched
    finally:
        handle.remove()


def device_of(network: nn.Module) -> torch.device:
    """Where the network's weights lie."""
    first = next(network.parameters(), None)
    return torch.device("cpu") if first is None else first.device


def as_input(network: nn.Module, x: Tensor) -> Tensor:
    """A copy of a batch on the network's device, free of any graph."""
    with torch.inference_mode(False):
        return x.detach().to(device_of(network)).clone()
