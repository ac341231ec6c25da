"""The engine against autograd and central differences: every layer, loss and activation, and whole networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import derin
from derin.core.errors import ShapeError, UnknownNameError, UsageError
from derin.explain.trace.objective import LOSS_FUNCTIONS
from derin.layers import LAYERS
from derin.layers.activations import ACTIVATIONS
from derin.layers.registry import layer_from_json
from derin.models import MODELS, build
from derin.models.mobilenet import InvertedResidual, MobileNetOptions

SEEDS = range(5)
# One seed is quick enough for every change, the others are left to the slow tests.
BY_SEEDS = pytest.mark.parametrize(
    "seeds", [SEEDS[:1], pytest.param(SEEDS[1:], marks=pytest.mark.slow)], ids=["first", "further"]
)
RELATIVE, NUMERIC = 1e-9, 1e-5

# What the engine cannot read yet, with the reason. A layer, loss or activation comes on this list with a note in the
# changelog, or not at all.
UNREADABLE: dict[str, str] = {}

Shape = tuple[int, ...]
LAYER_CASES: list[tuple[dict[str, Any], tuple[Shape, ...]]] = [
    ({"kind": "dense", "units": 5, "activation": "relu"}, ((3, 7),)),
    ({"kind": "maxout", "units": 5, "pieces": 3}, ((7,),)),
    ({"kind": "conv", "channels": 4, "kernel": 3, "stride": 2}, ((3, 7, 5),)),
    (
        {"kind": "conv", "channels": 6, "kernel": [3, 2], "padding": "valid", "dilation": [2, 1], "groups": 2},
        ((4, 7, 5),),
    ),
    ({"kind": "conv", "channels": 3, "kernel": 3}, ((2, 7),)),
    (
        {"kind": "conv_transpose", "channels": 4, "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1},
        ((3, 4, 3),),
    ),
    ({"kind": "conv_transpose", "channels": 4, "kernel": 2, "groups": 2}, ((4, 5),)),
    ({"kind": "max_pool", "size": 3, "stride": 2, "padding": "same"}, ((3, 7, 6),)),
    ({"kind": "max_pool", "size": 3, "padding": 1}, ((3, 11),)),
    ({"kind": "avg_pool", "size": 3, "stride": 2, "padding": "same"}, ((3, 7, 6),)),
    ({"kind": "avg_pool", "size": 2}, ((3, 7),)),
    ({"kind": "global_avg_pool"}, ((3, 5, 4),)),
    ({"kind": "batch_norm"}, ((3, 5, 4),)),
    ({"kind": "batch_norm"}, ((4,),)),
    ({"kind": "layer_norm"}, ((5, 7),)),
    ({"kind": "layer_norm", "axes": "all"}, ((3, 5, 2),)),
    ({"kind": "group_norm", "groups": 3}, ((6, 5, 2),)),
    ({"kind": "dropout", "rate": 0.3}, ((13,),)),
    ({"kind": "activation", "function": "tanh"}, ((3, 7),)),
    ({"kind": "flatten"}, ((3, 5, 2),)),
    ({"kind": "reshape", "shape": [5, -1, 3]}, ((30,),)),
    ({"kind": "zero_pad", "amount": [1, 2]}, ((3, 5, 4),)),
    ({"kind": "reflection_pad", "amount": [1, 2]}, ((3, 5, 4),)),
    ({"kind": "reflection_pad", "amount": 3}, ((3, 7),)),
    ({"kind": "upsample", "factor": 2}, ((3, 5, 4),)),
    ({"kind": "upsample", "factor": 3, "mode": "linear"}, ((3, 5, 4),)),
    ({"kind": "upsample", "factor": 2, "mode": "linear"}, ((3, 7),)),
    ({"kind": "upsample", "factor": 2}, ((2, 3, 2, 4),)),
    ({"kind": "l2_normalize"}, ((3, 7),)),
    ({"kind": "embedding", "vocabulary": 11, "dim": 3}, ((5,),)),
    ({"kind": "rnn", "units": 3, "sequences": True}, ((4, 5),)),
    ({"kind": "gru", "units": 3, "bidirectional": True}, ((4, 5),)),
    ({"kind": "lstm", "units": 3, "num_layers": 2}, ((4, 5),)),
    ({"kind": "add"}, ((3, 5), (3, 5))),
    ({"kind": "multiply"}, ((3, 5), (3, 5))),
    ({"kind": "concat"}, ((3, 5), (2, 5))),
]


def require_agreement(
    model: nn.Module, batch: Any, *, training: bool = True, seed: int = 0, loss: Any = None, num_tried: int = 2
) -> None:
    report = derin.gradcheck(model, batch, loss=loss, training=training, seed=seed, num_tried=num_tried)
    assert report.max_relative_error <= RELATIVE, str(report)
    assert report.max_numeric_error <= NUMERIC, str(report)


def drawn(shape: Shape, seed: int, kind: str) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    if kind == "embedding":
        return torch.randint(11, (2, *shape), generator=generator)
    return torch.randn(2, *shape, generator=generator, dtype=torch.float64)


def test_nothing_new_is_unreadable_without_a_note() -> None:
    assert set(UNREADABLE) <= set()


def test_every_registered_layer_is_checked() -> None:
    assert {description["kind"] for description, _ in LAYER_CASES} | set(UNREADABLE) == set(LAYERS)


# A layer whose training differs from its use is checked in both.
WITH_MODES = {"batch_norm", "dropout"}
LAYERS_IN_MODES = [(number, True) for number in range(len(LAYER_CASES))]
LAYERS_IN_MODES += [(number, False) for number, (layer, _) in enumerate(LAYER_CASES) if layer["kind"] in WITH_MODES]


@BY_SEEDS
@pytest.mark.parametrize(("number", "training"), LAYERS_IN_MODES)
def test_layer_has_the_gradients_of_autograd(number: int, training: bool, seeds: range) -> None:
    description, shapes = LAYER_CASES[number]
    for seed in seeds:
        torch.manual_seed(seed)
        layer = layer_from_json(description).build(*shapes)
        inputs = tuple(drawn(shape, seed + place, description["kind"]) for place, shape in enumerate(shapes))
        with torch.no_grad():
            output = layer.double().train(training)(*inputs)
        targets = torch.rand_like(output)
        require_agreement(layer, (inputs, targets), training=training, seed=seed)


@BY_SEEDS
@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activation_has_the_gradients_of_autograd(name: str, seeds: range) -> None:
    for seed in seeds:
        x = 2 * drawn((7, 3), seed, name)
        require_agreement(ACTIVATIONS[name](), (x, torch.randn_like(x)), seed=seed)


# Outputs and targets that a loss may meet.
LOSS_BATCHES: dict[str, Callable[[Tensor], tuple[nn.Module, Tensor]]] = {
    "cross_entropy": lambda x: (nn.Identity(), torch.tensor([3, 0])),
    "negative_log_likelihood": lambda x: (nn.LogSoftmax(1), torch.tensor([3, 0])),
    "binary_cross_entropy": lambda x: (nn.Identity(), torch.rand_like(x)),
    "binary_cross_entropy_of_probabilities": lambda x: (nn.Sigmoid(), torch.rand_like(x)),
    "kl_divergence": lambda x: (nn.LogSoftmax(1), torch.softmax(torch.randn_like(x), 1)),
    "hinge": lambda x: (nn.Identity(), torch.randn_like(x).sign()),
}


@BY_SEEDS
@pytest.mark.parametrize("name", LOSS_FUNCTIONS)
def test_loss_has_the_gradients_of_autograd(name: str, seeds: range) -> None:
    for seed in seeds:
        torch.manual_seed(seed)
        x = 2 * drawn((5,), seed, name)
        head, targets = LOSS_BATCHES.get(name, lambda x: (nn.Identity(), torch.randn_like(x)))(x)
        require_agreement(nn.Sequential(nn.Linear(5, 5), head), (x, targets), seed=seed, loss=name)


@pytest.mark.parametrize("options", [{"label_smoothing": 0.1}, {"weight": torch.rand(5, dtype=torch.float64) + 0.1}])
def test_cross_entropy_with_options_has_the_gradients_of_autograd(options: dict[str, Any]) -> None:
    layer = nn.Linear(3, 5)
    batch = (drawn((3,), 1, ""), torch.tensor([4, 0]))
    require_agreement(layer, batch, loss=nn.CrossEntropyLoss(**options))


class LastOutput(nn.Module):
    """A recurrent network whose last output is its output."""

    def __init__(self, cell: type[nn.RNNBase], **options: Any) -> None:
        super().__init__()
        self.recurrent = cell(3, 4, batch_first=True, **options)

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.recurrent(x)[0]
        return outputs[:, -1]


class Encoder(nn.Module):
    """A Transformer encoder block with embedded tokens, a causal mask and a class token's place."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.table = nn.Embedding(11, 6)
        self.block = nn.TransformerEncoderLayer(6, 2, 5, batch_first=True, **options)
        self.output = nn.Linear(6, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1], dtype=self.table.weight.dtype)
        encoded: Tensor = self.block(self.table(tokens), src_mask=mask, is_causal=True)
        return self.output(encoded[:, 0])


def mlp() -> tuple[nn.Module, Shape, int]:
    return build("mlp", input_shape=(7,), num_outputs=4, hidden=(5, 3)), (7,), 4


def lenet() -> tuple[nn.Module, Shape, int]:
    return build("lenet5", input_shape=(1, 32, 32), num_outputs=5), (1, 32, 32), 5


def resnet() -> tuple[nn.Module, Shape, int]:
    return build("resnet20", input_shape=(3, 9, 11), num_outputs=5), (3, 9, 11), 5


def vgg() -> tuple[nn.Module, Shape, int]:
    return build("vgg11", input_shape=(3, 33, 35), num_outputs=5, dense_width=24, grid=1), (3, 33, 35), 5


def inverted() -> tuple[nn.Module, Shape, int]:
    block = InvertedResidual(4, 4, 1, expansion=2, options=MobileNetOptions())
    return nn.Sequential(block, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)), (4, 5, 7), 3


def lstm() -> tuple[nn.Module, Shape, int]:
    return LastOutput(nn.LSTM), (3, 3), 4


def deep_lstm() -> tuple[nn.Module, Shape, int]:
    return LastOutput(nn.LSTM, num_layers=2, bidirectional=True, dropout=0.2), (3, 3), 8


def gru() -> tuple[nn.Module, Shape, int]:
    return LastOutput(nn.GRU), (3, 3), 4


def rnn() -> tuple[nn.Module, Shape, int]:
    return LastOutput(nn.RNN), (3, 3), 4


NETWORKS = [mlp, lenet, inverted, lstm, gru, rnn]


@BY_SEEDS
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("network", NETWORKS)
def test_network_has_the_gradients_of_autograd(network: Callable[[], Any], training: bool, seeds: range) -> None:
    check_network(network, training, seeds)


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("network", [resnet, vgg, deep_lstm])
def test_deep_network_has_the_gradients_of_autograd(network: Callable[[], Any], training: bool) -> None:
    check_network(network, training, [SEEDS[0]], num_tried=1)
    check_network(network, training, SEEDS[1:], num_tried=0)


@pytest.mark.parametrize("network", [resnet, vgg, deep_lstm])
def test_deep_network_has_the_gradients_of_autograd_once(network: Callable[[], Any]) -> None:
    check_network(network, True, [7], num_tried=0)


def check_network(network: Callable[[], Any], training: bool, seeds: Any, num_tried: int = 2) -> None:
    for seed in seeds:
        torch.manual_seed(seed)
        model, shape, num_classes = network()
        batch = (drawn(shape, seed, ""), torch.randint(num_classes, (2,)))
        require_agreement(model, batch, training=training, seed=seed, num_tried=num_tried)


@BY_SEEDS
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("options", [{}, {"norm_first": True, "activation": "gelu"}])
def test_encoder_block_has_the_gradients_of_autograd(options: dict[str, Any], training: bool, seeds: range) -> None:
    for seed in seeds:
        torch.manual_seed(seed)
        tokens = torch.randint(11, (2, 5))
        require_agreement(Encoder(**options), (tokens, torch.tensor([2, 0])), training=training, seed=seed)


class WrongGradient(nn.Module):
    """x², with a gradient that is 2 % too large."""

    def forward(self, x: Tensor) -> Tensor:
        output = x * x
        if output.requires_grad:
            output.register_hook(lambda gradient: 1.02 * gradient)
        return output


def test_a_wrong_gradient_is_found_by_engine_and_by_differences() -> None:
    x = drawn((5,), 3, "")
    report = derin.gradcheck(WrongGradient(), (x, torch.zeros_like(x)))
    # Errors are shares of the gradient as autograd has it.
    assert report.max_relative_error == pytest.approx(0.02 / 1.02, rel=1e-6)
    assert report.max_numeric_error == pytest.approx(0.02 / 1.02, rel=1e-3)


class Corner(nn.Module):
    """ReLU, with a slope at 0 that may be chosen."""

    def __init__(self, slope_at_zero: float) -> None:
        super().__init__()
        self.slope_at_zero = slope_at_zero

    def forward(self, x: Tensor) -> Tensor:
        output = x.relu()
        if output.requires_grad:
            return output + self.slope_at_zero * (x - x.detach()) * (x == 0)
        return output


@pytest.mark.parametrize(("slope", "is_right"), [(0.0, True), (0.4, True), (1.0, True), (1.3, False), (-0.2, False)])
def test_at_a_corner_any_slope_between_both_sides_is_right(slope: float, is_right: bool) -> None:
    x = torch.tensor([0.0], dtype=torch.float64)
    report = derin.gradcheck(Corner(slope), (x, torch.tensor([1.0])), loss=lambda output, target: 3 * output.sum())
    assert (report.max_numeric_error < 1e-6) == is_right


def test_report_names_every_parameter_and_input() -> None:
    report = derin.gradcheck(nn.Linear(3, 2), (drawn((3,), 0, ""), torch.tensor([1, 0])))
    assert [one.name for one in report.tensors] == ["weight", "bias", "x"]
    assert [one.shape for one in report.tensors] == [(2, 3), (2,), (2, 3)]
    lines = str(report).splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["weight", "bias", "x"]
    assert "2×3" in lines[1]
    assert "worst" in lines[-1]


def test_model_and_random_state_stay_as_they_are() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    derin.gradcheck(model, (torch.randn(5, 3, generator=torch.Generator().manual_seed(1)), torch.zeros(5, 4)))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model[0].weight.dtype == torch.float32
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_bad_batches_are_refused_in_one_sentence() -> None:
    layer, x = nn.Linear(3, 2), torch.zeros(5, 3)
    with pytest.raises(UsageError, match=r"a class from 0 to 1; got 7"):
        derin.gradcheck(layer, (x, torch.tensor([0, 1, 7, 0, 1])))
    with pytest.raises(ShapeError, match=r"\(5, 2\); got \(5, 3\)"):
        derin.gradcheck(layer, (x, torch.zeros(5, 3)))
    with pytest.raises(UsageError, match="must run on this batch"):
        derin.gradcheck(layer, (torch.zeros(5, 4), torch.zeros(5, 2)))
    with pytest.raises(UnknownNameError, match="mse"):
        derin.gradcheck(layer, (x, torch.zeros(5, 2)), loss="msa")
    with pytest.raises(UsageError, match=r"\(inputs, targets\)"):
        derin.gradcheck(layer, x)
    with pytest.raises(UsageError, match="one number"):
        derin.gradcheck(layer, (x, torch.zeros(5, 2)), loss=lambda output, target: output - target)


def test_models_are_registered_that_are_checked_here() -> None:
    assert {"mlp", "lenet5", "resnet20", "vgg11"} <= set(MODELS)
