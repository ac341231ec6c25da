"""The network that is trained: its name, and itself with what it begins with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from derin.api.arguments import Request
from derin.core.errors import UsageError
from derin.data.preparation import Preparation
from derin.data.table import Table
from derin.tasks.base import BaseTask
from derin.tasks.recipes import Recipe

if TYPE_CHECKING:
    import numpy as np
    from torch import nn


def model_name_of(model: Any, task: type[BaseTask], table: Table, options: Mapping[str, Any]) -> str:
    """The registered name of a network, that of its structure, or of its class where it is one of the caller's own."""
    if isinstance(model, str):
        return model
    if model is not None:
        structures = {"Sequential": "sequential", "Graph": "graph", "System": "system"}
        return structures.get(type(model).__name__, type(model).__name__)
    return task.model_for(table, options)


def is_ones_own(model: Any) -> bool:
    """Whether a network is neither registered nor made of Derin's parts."""
    from torch import nn

    return isinstance(model, nn.Module) and getattr(model, "spec", None) is None


def build_network(
    request: Request, model_name: str, task: Any, preparation: Preparation, suggested: Recipe, seed: int
) -> nn.Module:
    """The network with fresh weights, or the caller's own; words begin with imported vectors where there are some."""
    from torch import nn

    from derin.models.building import build
    from derin.models.sequential import Sequential

    network, options = request.model, request.model_options or {}
    if network is None or isinstance(network, str):
        options = {
            **suggested.model_options,
            **preparation.network_options(),
            **_widths_beside(model_name, preparation),
            **task.network_options(model_name),
            **options,
        }
        network = build(
            model_name, input_shape=preparation.input_shape, num_outputs=task.num_outputs, seed=seed, **options
        )
    elif options:
        raise UsageError("model_options belong to a registered model's name; a network of your own has them already.")
    elif not isinstance(network, nn.Module):
        raise UsageError(f"model must be a registered name or a torch.nn.Module; got {type(network).__name__}.")
    elif isinstance(network, Sequential):
        network.bind(preparation.input_shape, seed=seed)
    _load_embedding(network, preparation.embedding(seed))
    trained: nn.Module = task.with_head(network, seed)
    return trained


def _widths_beside(model_name: str, preparation: Preparation) -> dict[str, int]:
    """How many numbers the rows beside the first input have, by the options of the network that say so."""
    from derin.models.registry import MODELS

    beside = MODELS[model_name].beside if model_name in MODELS else {}
    return {option: preparation.input_forms[name][0][0] for name, option in beside.items()}


def _load_embedding(network: nn.Module, values: np.ndarray | None) -> None:
    """Begins with word vectors that were trained before."""
    import torch

    if values is None:
        return
    if not hasattr(network, "load_embedding"):
        raise UsageError(f"{type(network).__name__} has no embedding of words to begin with; leave `vectors` out.")
    network.load_embedding(torch.from_numpy(values))  # type: ignore[operator]
