"""The closed table of layers that a saved network may name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from derin.core.errors import RefusedFileError
from derin.core.registry import Registry
from derin.layers.options import read_options

if TYPE_CHECKING:
    from derin.layers.layer import Layer

LAYERS: Registry[type[Layer]] = Registry(
    "layer",
    {
        "dense": "derin.layers.dense:Dense",
        "maxout": "derin.layers.maxout:Maxout",
        "conv": "derin.layers.convolution:Conv",
        "conv_transpose": "derin.layers.convolution:ConvTranspose",
        "max_pool": "derin.layers.pooling:MaxPool",
        "avg_pool": "derin.layers.pooling:AvgPool",
        "global_avg_pool": "derin.layers.pooling:GlobalAvgPool",
        "batch_norm": "derin.layers.normalization:BatchNorm",
        "layer_norm": "derin.layers.normalization:LayerNorm",
        "group_norm": "derin.layers.normalization:GroupNorm",
        "dropout": "derin.layers.dropout:Dropout",
        "activation": "derin.layers.activations:Activation",
        "flatten": "derin.layers.reshaping:Flatten",
        "reshape": "derin.layers.reshaping:Reshape",
        "zero_pad": "derin.layers.reshaping:ZeroPad",
        "reflection_pad": "derin.layers.reshaping:ReflectionPad",
        "upsample": "derin.layers.reshaping:Upsample",
        "l2_normalize": "derin.layers.l2_normalization:L2Normalize",
        "embedding": "derin.layers.embedding:Embedding",
        "rnn": "derin.layers.recurrent_layers:RNN",
        "gru": "derin.layers.recurrent_layers:GRU",
        "lstm": "derin.layers.recurrent_layers:LSTM",
        "add": "derin.layers.merging:Add",
        "multiply": "derin.layers.merging:Multiply",
        "concat": "derin.layers.merging:Concat",
    },
)


def layer_from_json(data: Any) -> Layer:
    """The layer that a saved description names.

    Args:
        data: what `Layer.to_json` gave: a kind and its options.

    Raises:
        RefusedFileError: no table, or without a kind.
        UnknownNameError: an unknown kind or option; lists near matches.
        UsageError: an option's value is refused.

    Example:
        >>> layer_from_json({"kind": "dense", "units": 5, "activation": "relu"})
        Dense(name=None, units=5, activation='relu', bias=True, initializer='auto')
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("kind"), str):
        raise RefusedFileError(f"A saved layer is a table with its kind; got {str(data)[:80]!r}.")
    options = {name: value for name, value in data.items() if name != "kind"}
    return read_options(LAYERS[data["kind"]], options, where=data["kind"])
