"""A network in another precision than the inputs that it is given."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from derin.core.errors import UsageError
from derin.data.batch import Batch


def check_network(task: Any, network: nn.Module, batch: Batch) -> None:
    """Refuses a network that does not fit the task, or whose weights are of another precision than its inputs.

    A network that changes the type of its inputs itself may have weights of any.

    Args:
        task: that it is to be trained for.
        network: its mode and buffers stay as they are.
        batch: a few examples.

    Raises:
        UsageError: the network has no parameters; the pass through the network fails for a parameter or buffer that is
            not float32, which is named; or what the task refuses.

    Example:
        >>> from derin.tasks.regression import Regression
        >>> task = Regression(columns=["y"], mean=[0.0], std=[1.0])
        >>> batch = Batch({"input": torch.ones(2, 3), "target": torch.ones(2)}, torch.arange(2))
        >>> try:
        ...     check_network(task, nn.Linear(3, 1).double(), batch)
        ... except UsageError as error:
        ...     print(error)
        The network reads float32, and its parameter 'weight' is float64; call network.float() before training.
    """
    if next(network.parameters(), None) is None:
        raise UsageError(
            f"The model {type(network).__name__} has no parameter to be trained; give it a layer with weights, or "
            "register those that it has as nn.Parameter or in an nn.ModuleList."
        )
    try:
        task.check_batch(network, batch)
    except RuntimeError as error:
        odd = _other_precision(network)
        if odd is None:
            raise
        raise UsageError(f"The network reads float32, and its {odd}; call network.float() before training.") from error


def _other_precision(network: nn.Module) -> str | None:
    """The first parameter or buffer that holds numbers of another precision than single, in words."""
    for kind, named in (("parameter", network.named_parameters()), ("buffer", network.named_buffers())):
        for name, tensor in named:
            if (tensor.is_floating_point() or tensor.is_complex()) and tensor.dtype != torch.float32:
                return f"{kind} {name!r} is {str(tensor.dtype).removeprefix('torch.')}"
    return None
