"""What every layer of the closed registry keeps: a new layer needs an example here, and is tested by having one."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
import torch

from derin.core.errors import DerinError, RefusedFileError, ShapeError, UnknownNameError, UsageError
from derin.layers import (
    GRU,
    LAYERS,
    LSTM,
    RNN,
    Activation,
    Add,
    AvgPool,
    BatchNorm,
    Concat,
    Conv,
    ConvTranspose,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAvgPool,
    GroupNorm,
    L2Normalize,
    Layer,
    LayerNorm,
    Maxout,
    MaxPool,
    Multiply,
    ReflectionPad,
    Reshape,
    Upsample,
    ZeroPad,
)
from derin.layers.maxout import MaxoutLinear
from derin.layers.registry import layer_from_json

EXAMPLES: list[tuple[Layer, tuple[tuple[int, ...], ...]]] = [
    (Dense(5), ((12,),)),
    (RNN(5, sequences=True), ((7, 12),)),
    (GRU(5, num_layers=2, bidirectional=True), ((7, 12),)),
    (LSTM(5), ((7, 12),)),
    (Dense(5, activation="relu", bias=False, initializer="orthogonal", name="first"), ((3, 12),)),
    (Maxout(5, pieces=3), ((12,),)),
    (Maxout(5), ((3, 12),)),
    (Conv(5, 3), ((4, 11),)),
    (Conv(6, 3, stride=2, activation="tanh"), ((4, 11, 8),)),
    (Conv(6, (3, 5), stride=(1, 2), padding="valid", dilation=(2, 1), groups=2), ((4, 11, 9),)),
    (Conv(6, 4, stride=3, padding=2), ((4, 11, 8),)),
    (Conv(6, 5, padding=(0, 3)), ((4, 11, 8),)),
    (Conv(6, 3, dilation=2, stride=2), ((4, 11, 8),)),
    (Conv(2, 3, stride=2), ((3, 7, 5, 6),)),
    (ConvTranspose(5, 3, stride=2, padding=1, output_padding=1), ((4, 7, 5),)),
    (ConvTranspose(6, 4, groups=2), ((4, 7),)),
    (ConvTranspose(2, (3, 2, 1), stride=(1, 2, 3), dilation=2), ((3, 4, 3, 2),)),
    (MaxPool(), ((3, 7, 9),)),
    (MaxPool(3, stride=2, padding="same"), ((3, 7, 8),)),
    (MaxPool(2, padding="same"), ((3, 7, 8),)),
    (MaxPool(3, padding=1), ((3, 11),)),
    (AvgPool((2, 3), stride=1), ((3, 7, 8),)),
    (AvgPool(4, padding="same"), ((3, 7, 9, 5),)),
    (AvgPool(5, stride=2, padding="same"), ((3, 7, 9),)),
    (GlobalAvgPool(), ((3, 7, 9),)),
    (BatchNorm(), ((3,),)),
    (BatchNorm(momentum=0.3, epsilon=1e-3), ((3, 7),)),
    (BatchNorm(), ((3, 7, 5),)),
    (BatchNorm(), ((3, 7, 5, 2),)),
    (LayerNorm(), ((5, 12),)),
    (LayerNorm(axes="all"), ((3, 7, 5),)),
    (GroupNorm(3), ((6, 7, 5),)),
    (Dropout(0.3), ((12,),)),
    (Activation("softmax"), ((3, 7),)),
    (Flatten(), ((3, 7, 5),)),
    (Reshape((5, -1, 3)), ((30, 2),)),
    (ZeroPad(2), ((3, 7, 5),)),
    (ZeroPad((1, 0, 3)), ((3, 7, 5, 2),)),
    (ReflectionPad((1, 2)), ((3, 7, 5),)),
    (ReflectionPad(3), ((3, 7),)),
    (Upsample(3), ((3, 7, 5),)),
    (Upsample(2, mode="linear"), ((3, 7, 5),)),
    (Upsample(2, mode="linear"), ((3, 7),)),
    (L2Normalize(), ((3, 7),)),
    (Embedding(9, 4), ((5,),)),
    (Add(), ((3, 7), (3, 7), (3, 7))),
    (Multiply(), ((3, 7), (3, 7))),
    (Concat(), ((3, 7), (2, 7))),
    (Concat(axis=1), ((3, 7), (3, 2), (3, 1))),
]
EVERY_EXAMPLE = pytest.mark.parametrize(("layer", "shapes"), EXAMPLES, ids=[f"{e[0].kind}{e[1]}" for e in EXAMPLES])


def inputs_for(layer: Layer, shapes: tuple[tuple[int, ...], ...]) -> list[torch.Tensor]:
    if isinstance(layer, Embedding):
        return [torch.randint(0, layer.vocabulary, (2, *shape)) for shape in shapes]
    return [torch.randn(2, *shape) for shape in shapes]


def test_every_registered_layer_has_an_example() -> None:
    assert {layer.kind for layer, _ in EXAMPLES} == set(LAYERS)
    assert all(LAYERS[kind].kind == kind for kind in LAYERS)


@EVERY_EXAMPLE
def test_inferred_shape_is_that_of_the_output(layer: Layer, shapes: tuple[tuple[int, ...], ...]) -> None:
    outputs = layer.build(*shapes)(*inputs_for(layer, shapes))
    assert tuple(outputs.shape[1:]) == layer.output_shape(*shapes)
    assert outputs.shape[0] == 2


@EVERY_EXAMPLE
def test_layer_survives_json(layer: Layer, shapes: tuple[tuple[int, ...], ...]) -> None:
    again = layer_from_json(json.loads(json.dumps(layer.to_json())))
    assert again == layer
    assert again.output_shape(*shapes) == layer.output_shape(*shapes)


@EVERY_EXAMPLE
def test_every_parameter_gets_a_gradient(layer: Layer, shapes: tuple[tuple[int, ...], ...]) -> None:
    module = layer.build(*shapes)
    outputs = module(*inputs_for(layer, shapes))
    if outputs.requires_grad:
        (outputs * torch.randn_like(outputs)).sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in module.parameters())


@pytest.mark.parametrize(
    ("layer", "shapes", "message"),
    [
        (Conv(6, 5, padding="valid"), ((3, 4, 9),), "at least 5 values along axis 1"),
        (Conv(6, 5), ((9,),), r"\(channels, length\)"),
        (Conv(6, (3, 3, 3)), ((3, 9, 9),), "one number or 2"),
        (Conv(6, 3, groups=2), ((3, 9, 9),), "divide the channels"),
        (Conv(6, 4), ((3, 9, 9),), "odd kernel"),
        (ConvTranspose(6, 3, output_padding=1), ((3, 9, 9),), "below the stride"),
        (ConvTranspose(6, 1, padding=2), ((3, 2, 9),), "less padding"),
        (MaxPool(3), ((3, 2, 9),), "at least 3×3 values"),
        (MaxPool(4, stride=2, padding="same"), ((3, 8, 9),), "odd window"),
        (MaxPool((3, 4), stride=2, padding="same"), ((3, 8, 9),), "odd window"),
        (AvgPool((4, 3), stride=2, padding="same"), ((3, 8, 9),), "odd window"),
        (MaxPool(2), ((3,),), r"\(channels, length\)"),
        (GlobalAvgPool(), ((3,),), "one axis behind"),
        (BatchNorm(), ((3, 2, 2, 2, 2),), "1 to 4 axes"),
        (GroupNorm(4), ((6, 7),), "Use groups in 1, 2, 3, 6"),
        (Reshape((4, -1)), ((3, 5),), "15 values fill"),
        (Reshape((4, 4)), ((3, 5),), "15 values fill"),
        (ZeroPad(1), ((3,),), "1 to 3 axes"),
        (ReflectionPad(5), ((3, 5),), "more than 5 values"),
        (Upsample(2), ((3,),), "1 to 3 axes"),
        (Add(), ((3, 7), (3, 1)), "one shape"),
        (Concat(axis=2), ((3, 7), (3, 7)), "axis from 0 to 1"),
        (Concat(), ((3, 7), (3, 6)), "along axis 0 only"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_in_a_sentence(
    layer: Layer, shapes: tuple[tuple[int, ...], ...], message: str
) -> None:
    with pytest.raises(DerinError, match=message):
        layer.output_shape(*shapes)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Dense(0),
        lambda: Dense(5, activation="rleu"),
        lambda: Dense(5, initializer="her"),
        lambda: Conv(5, 0),
        lambda: Conv(5, 3, stride=0),
        lambda: Conv(5, 3, padding=-1),
        lambda: Conv(0, 3),
        lambda: ConvTranspose(5, 3, dilation=0),
        lambda: MaxPool(0),
        lambda: MaxPool(2, padding=2),
        lambda: AvgPool(2, stride=0),
        lambda: BatchNorm(momentum=2.0),
        lambda: LayerNorm(epsilon=-1.0),
        lambda: GroupNorm(0),
        lambda: Dropout(1.0),
        lambda: Dropout(float("nan")),
        lambda: Activation("rleu"),
        lambda: Upsample(0),
        lambda: ZeroPad(-1),
        lambda: Embedding(0, 3),
        lambda: Maxout(3, pieces=0),
    ],
)
def test_options_out_of_range_are_refused(make: object) -> None:
    with pytest.raises(UsageError):
        make()  # type: ignore[operator]


def test_reshape_takes_one_open_size_at_most() -> None:
    with pytest.raises(ShapeError, match="at most one -1"):
        Reshape((-1, -1))


def test_unknown_kind_and_option_are_answered_with_near_matches() -> None:
    with pytest.raises(UnknownNameError, match="'dense'"):
        layer_from_json({"kind": "dens", "units": 3})
    with pytest.raises(UnknownNameError, match="'units'"):
        layer_from_json({"kind": "dense", "unit": 3})


@pytest.mark.parametrize("data", [None, [], "dense", {}, {"kind": 3}, {"units": 3}])
def test_what_is_no_saved_layer_is_refused(data: object) -> None:
    with pytest.raises(RefusedFileError, match="its kind"):
        layer_from_json(data)


def test_one_description_used_twice_has_weights_of_its_own_each_time() -> None:
    layer = Dense(5)
    assert layer.build((12,)).weight is not layer.build((12,)).weight


# What a layer is where nothing is said: PyTorch's ε and momentum, windows of two, one stride, one layer.
_CONVOLUTION = {"stride": 1, "dilation": 1, "groups": 1, "activation": "linear", "bias": True, "initializer": "auto"}
_POOL = {"size": 2, "stride": None, "padding": "valid"}
_RECURRENT = {"num_layers": 1, "bidirectional": False, "sequences": False, "dropout": 0.0}
DEFAULTS: dict[str, dict[str, object]] = {
    "dense": {"activation": "linear", "bias": True, "initializer": "auto"},
    "maxout": {"pieces": 2},
    "conv": {**_CONVOLUTION, "padding": "same"},
    "conv_transpose": {**_CONVOLUTION, "padding": 0, "output_padding": 0},
    "max_pool": _POOL,
    "avg_pool": _POOL,
    "batch_norm": {"momentum": 0.1, "epsilon": 1e-5},
    "layer_norm": {"axes": "last", "epsilon": 1e-5},
    "group_norm": {"epsilon": 1e-5},
    "upsample": {"factor": 2, "mode": "nearest"},
    "rnn": _RECURRENT,
    "gru": _RECURRENT,
    "lstm": _RECURRENT,
    "concat": {"axis": 0},
}


def test_layers_are_what_is_usual_where_nothing_is_said() -> None:
    missing = dataclasses.MISSING
    found = {
        kind: {
            f.name: f.default for f in dataclasses.fields(LAYERS[kind]) if f.default is not missing and f.name != "name"
        }
        for kind in LAYERS
    }
    assert {kind: defaults for kind, defaults in found.items() if defaults} == DEFAULTS


def test_every_number_of_a_layer_is_held_to_its_range() -> None:
    """Nought is a padding; a share of 1 is one of the newest batch alone, and no share of what is left out."""
    for layer, _ in EXAMPLES:
        for field in dataclasses.fields(layer):
            value = getattr(layer, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or field.name == "axis":
                continue
            wrong: list[float] = [-1, 10**12] if isinstance(value, int) else [-0.5, math.nan, 2.0]
            if isinstance(value, int) and field.name not in ("padding", "output_padding", "amount"):
                wrong.append(0)
            if field.name in ("rate", "dropout"):
                wrong.append(1.0)
            for bad in wrong:
                with pytest.raises(UsageError, match=field.name):
                    dataclasses.replace(layer, **{field.name: bad})


def test_a_window_as_large_as_the_map_gives_one_value() -> None:
    assert MaxPool(4).output_shape((2, 4, 4)) == (2, 1, 1)
    with pytest.raises(ShapeError, match="at least 5×5 values"):
        MaxPool(5).output_shape((2, 4, 4))


def test_what_an_option_may_be_is_said_in_words() -> None:
    with pytest.raises(DerinError, match="a whole number or a list of a whole number or none"):
        layer_from_json({"kind": "max_pool", "stride": "x"})


def test_maxout_takes_the_larger_of_two_unless_told_otherwise() -> None:
    assert MaxoutLinear(3, 5).weight.shape == (10, 3)
