"""Building blocks: layers whose sizes are inferred and which save as JSON, activations and initializers.

Nothing is imported until it is asked for, so that reading the tables of layers and models loads no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derin.layers.activations import ACTIVATIONS, Activation
    from derin.layers.convolution import Conv, ConvTranspose
    from derin.layers.dense import Dense
    from derin.layers.dropout import Dropout
    from derin.layers.embedding import Embedding
    from derin.layers.initializers import INITIALIZERS, initialize
    from derin.layers.l2_normalization import L2Normalize
    from derin.layers.layer import Layer, Node
    from derin.layers.maxout import Maxout
    from derin.layers.merging import Add, Concat, Multiply
    from derin.layers.normalization import BatchNorm, GroupNorm, LayerNorm
    from derin.layers.pooling import AvgPool, GlobalAvgPool, MaxPool
    from derin.layers.recurrent_layers import GRU, LSTM, RNN
    from derin.layers.registry import LAYERS
    from derin.layers.reshaping import Flatten, ReflectionPad, Reshape, Upsample, ZeroPad

_PUBLIC = {
    "ACTIVATIONS": "activations",
    "Activation": "activations",
    "Add": "merging",
    "AvgPool": "pooling",
    "BatchNorm": "normalization",
    "Concat": "merging",
    "Conv": "convolution",
    "ConvTranspose": "convolution",
    "Dense": "dense",
    "Dropout": "dropout",
    "Embedding": "embedding",
    "Flatten": "reshaping",
    "GRU": "recurrent_layers",
    "GlobalAvgPool": "pooling",
    "GroupNorm": "normalization",
    "INITIALIZERS": "initializers",
    "L2Normalize": "l2_normalization",
    "LAYERS": "registry",
    "LSTM": "recurrent_layers",
    "Layer": "layer",
    "LayerNorm": "normalization",
    "MaxPool": "pooling",
    "Maxout": "maxout",
    "Multiply": "merging",
    "Node": "layer",
    "RNN": "recurrent_layers",
    "ReflectionPad": "reshaping",
    "Reshape": "reshaping",
    "Upsample": "reshaping",
    "ZeroPad": "reshaping",
    "initialize": "initializers",
}

__all__ = [
    "ACTIVATIONS",
    "GRU",
    "INITIALIZERS",
    "LAYERS",
    "LSTM",
    "RNN",
    "Activation",
    "Add",
    "AvgPool",
    "BatchNorm",
    "Concat",
    "Conv",
    "ConvTranspose",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAvgPool",
    "GroupNorm",
    "L2Normalize",
    "Layer",
    "LayerNorm",
    "MaxPool",
    "Maxout",
    "Multiply",
    "Node",
    "ReflectionPad",
    "Reshape",
    "Upsample",
    "ZeroPad",
    "initialize",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'derin.layers' has no attribute {name!r}")
    return getattr(importlib.import_module(f"derin.layers.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
