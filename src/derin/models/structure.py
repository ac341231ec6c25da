"""What `Sequential` and `Graph` share: modules from layer descriptions, names, and the description that is saved."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

from derin.core.errors import RefusedFileError, ShapeError, UsageError
from derin.layers.activations import activation
from derin.layers.layer import Layer, Shape
from derin.layers.registry import layer_from_json

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
MOST_LAYERS = 20_000
_MOST_NUMBERS = 2**40  # in the output of one example


def choose_names(owner: nn.Module, layers: Iterable[Layer]) -> list[tuple[str, str | None]]:
    """A name for each layer, its own or its kind and number within the kind, and for the activation it brings along.

    Raises:
        UsageError: two layers have one name, or a name cannot be that of a module.
    """
    layers = list(layers)
    given = {layer.name for layer in layers if layer.name is not None}
    for name in given:
        if not NAME.fullmatch(name) or hasattr(owner, name) or name in ("spec", "signature"):
            raise UsageError(
                f"A layer's name must be letters, digits and underscores, and free; got name={name!r}. "
                "Choose another name."
            )
    counts: dict[str, int] = {}
    names: list[tuple[str, str | None]] = []
    for layer in layers:
        name = layer.name or ""
        while not name or (layer.name is None and name in given):
            counts[layer.kind] = counts.get(layer.kind, 0) + 1
            name = f"{layer.kind}_{counts[layer.kind]}"
        function = _function_of(layer)
        names.append((name, None if function is None else f"{name}_{function}"))
    every = [name for pair in names for name in pair if name is not None]
    if len(set(every)) < len(every):
        repeated, _ = Counter(every).most_common(1)[0]
        raise UsageError(f"Every layer needs a name of its own; {repeated!r} stands twice. Rename one of them.")
    return names


def _function_of(layer: Layer) -> str | None:
    """The activation that a layer brings along; the linear one is none."""
    function = getattr(layer, "activation", "linear")
    return None if function == "linear" else function


def build_layer(layer: Layer, *inputs: Shape) -> tuple[nn.Module, nn.Module | None]:
    """A layer's module, and that of the activation it brings along.

    Raises:
        ShapeError: one example's output has more numbers than any machine holds.
    """
    shape = layer.output_shape(*inputs)
    if math.prod(shape) > _MOST_NUMBERS:
        raise ShapeError(
            f"The layer {layer.name or layer.kind} gives an output of shape {shape}, which no machine holds."
        )
    module = layer.build(*inputs)
    function = _function_of(layer)
    return module, None if function is None else activation(function)


def read_layers(options: Mapping[str, Any], key: str) -> list[Any]:
    """The list under a key of a saved structure; its length is limited, its items are still to be read.

    Raises:
        RefusedFileError: there is no such list, or it is too long.
    """
    items = options.get(key)
    if not isinstance(items, list | tuple) or not 1 <= len(items) <= MOST_LAYERS:
        raise RefusedFileError(
            f"A saved structure has a list {key!r} of 1 to {MOST_LAYERS} items; got {str(items)[:60]!r}."
        )
    return list(items)


def read_layer(data: Any) -> Layer:
    """One saved layer, see `layer_from_json`."""
    return layer_from_json(data)


def require_layers(layers: Iterable[Any]) -> list[Layer]:
    """Refuses what is no description of a layer, such as a torch module.

    Raises:
        UsageError: naming what came.
    """
    layers = list(layers)
    for layer in layers:
        if not isinstance(layer, Layer):
            raise UsageError(
                f"derin.Sequential takes layers of derin.layers, such as Dense(64); got {type(layer).__name__}. "
                "A network of torch modules is passed to derin.fit as it is."
            )
    if not layers:
        raise UsageError("derin.Sequential needs at least one layer; got none.")
    return layers


def count_outputs(shape: Shape) -> int:
    """What a description calls num_outputs: the first size of the output."""
    return shape[0] if shape else 1
