"""How every registered network begins: each parameter's distribution, each norm's ε and momentum, each dropout's place
and rate, by its paper or by what its header says instead. The formulas stand here a second time, from the shapes alone.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from tests.models.small_networks import (
    CLASSES,
    NAMES,
    REPRESENTATIVES,
    SMALL_OPTIONS,
    VOCABULARY,
    build_small,
    build_small_blank,
    small_shape,
)
from torch import Tensor, nn

from derin.layers.attention import CrossAttention, SelfAttention
from derin.layers.recurrent import VariationalDropout
from derin.layers.stochastic_depth import StochasticDepth
from derin.models import MODELS, build
from derin.models.blueprint import without_memory

OPTIONS = {name: {field.name for field in dataclasses.fields(MODELS[name].options)} for name in NAMES}
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True)
class Place:
    """A parameter within its network."""

    name: str
    values: Tensor
    network: nn.Module

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Of the weight that stands beside a bias, or of a weight itself."""
        found = dict(self.network.named_parameters())
        return tuple(
            found[self.name.removesuffix("bias") + "weight"].shape if self.name.endswith("bias") else self.values.shape
        )

    @property
    def fans(self) -> tuple[float, float]:
        shape = self.weight_shape
        window = math.prod(shape[2:])
        return math.prod(shape[1:]), shape[0] * window


Rule = Callable[[Place], None]


def constant(value: float) -> Rule:
    return lambda place: torch.testing.assert_close(place.values, torch.full_like(place.values, value))


def _normal(values: Tensor, deviation: float) -> None:
    """Mean, deviation and fourth moment of a normal sample, each within five of its own standard errors."""
    x, count = values.double().flatten(), values.numel()
    assert abs(x.mean()) < 5 * deviation / math.sqrt(count)
    square = (x / deviation).square()
    assert abs(square.mean() - 1) < 5 * math.sqrt(2 / count)
    assert abs(square.square().mean() - 3) < 5 * math.sqrt(96 / count)  # 1.8 for a uniform one


def _uniform(values: Tensor, low: float, high: float) -> None:
    """Never outside, as near to both ends as chance allows, and with the mean in the middle."""
    x, count = values.double().flatten(), values.numel()
    width = high - low
    assert low - 1e-6 * width <= x.min() < low + 15 * width / count
    assert high - 15 * width / count < x.max() <= high + 1e-6 * width
    assert abs(x.mean() - (low + high) / 2) < 5 * width / math.sqrt(12 * count)


def normal(deviation: float | Callable[[Place], float]) -> Rule:
    return lambda place: _normal(place.values, deviation(place) if callable(deviation) else deviation)


def uniform(bound: float | Callable[[Place], float]) -> Rule:
    def check(place: Place) -> None:
        reach = bound(place) if callable(bound) else bound
        _uniform(place.values, -reach, reach)

    return check


def behind_padding(rule: Rule) -> Rule:
    """An embedding whose row 0, the padding's, is zero."""

    def check(place: Place) -> None:
        assert not place.values[0].any()
        rule(dataclasses.replace(place, values=place.values[1:]))

    return check


def orthogonal_gates(place: Place) -> None:
    units = place.values.shape[1]
    for gate in place.values.double().split(units):
        torch.testing.assert_close(gate @ gate.T, torch.eye(units, dtype=torch.float64), rtol=0, atol=1e-5)


def glorot_gates(place: Place) -> None:
    units = dict(place.network.named_parameters())[place.name.replace("_ih_", "_hh_")].shape[1]
    for gate in place.values.split(units):
        reach = math.sqrt(6 / (units + gate.shape[1]))
        _uniform(gate, -reach, reach)


def one_for_forgetting(place: Place) -> None:
    """Of four gates the second forgets (Gers, Schmidhuber, Cummins 2000; Jozefowicz et al. 2015)."""
    quarter = len(place.values) // 4
    expected = torch.zeros(4, quarter)
    expected[1] = 1
    assert torch.equal(place.values.view(4, quarter), expected)


def rare_then_zero(place: Place) -> None:
    """Of each of two anchors p_c = 0.05, and nothing else."""
    each = place.values.view(2, -1)
    torch.testing.assert_close(each[:, 0].sigmoid(), torch.full((2,), 0.05))
    assert (each[:, 1:] == 0).all()


def half_of_the_picture(place: Place) -> None:
    """A box in the middle, half as wide and high; nothing else."""
    torch.testing.assert_close(place.values[1:5], torch.full((4,), 0.5))
    assert not place.values[5:].any()
    assert place.values[0] == 0


def middle_of_the_picture(place: Place) -> None:
    """Every point in the middle; nothing is said of whether the thing is there."""
    torch.testing.assert_close(place.values[1:], torch.full((len(place.values) - 1,), 0.5))
    assert place.values[0] == 0


def falling(place: Place) -> None:
    """Logits of 16 distances of each of four sides, each 0.35 below the one before."""
    torch.testing.assert_close(place.values, -0.35 * torch.arange(16.0).repeat(4))


def around_one_or_zero(place: Place) -> None:
    """The scale of a norm from N(1, 0.02²), the weight of any other layer from N(0, 0.02²)."""
    _normal(place.values - float(place.values.ndim == 1), 0.02)


ZERO, ONE = constant(0), constant(1)
HE = normal(lambda place: math.sqrt(2 / place.fans[0]))
HE_BY_OUTPUTS = normal(lambda place: math.sqrt(2 / place.fans[1]))
XAVIER = normal(lambda place: math.sqrt(1 / place.fans[0]))
GLOROT = normal(lambda place: math.sqrt(2 / sum(place.fans)))
GLOROT_UNIFORM = uniform(lambda place: math.sqrt(6 / sum(place.fans)))
# What PyTorch gives a dense layer, weights and biases: Kaiming's uniform with √5, which is 1/√n.
TORCH = uniform(lambda place: 1 / math.sqrt(place.fans[0]))
LECUN = uniform(lambda place: 2.4 / place.fans[0])  # appendix A of LeCun et al. 1998, biases too

_NORM = {r"(.*\.)?norm\d?\.weight|(.*\.)?\w+_norm\.weight": ONE}
_HE_THEN = {r"output\.weight": XAVIER, ".*weight": HE, ".*bias": ZERO}
_HE_THEN_SMALL = {r"output\.weight": normal(0.01), ".*weight": HE, ".*bias": ZERO}
_GRU = {".*weight_ih_l0": glorot_gates, ".*weight_hh_l0": orthogonal_gates, ".*bias_.h_l0": ZERO}
_LSTM = {".*bias_ih_l0": one_for_forgetting, **_GRU}


def _text(deviation: float) -> dict[str, Rule]:
    return {r"embedding\.weight": behind_padding(normal(deviation))}


def _transformer(encoders: int, decoders: int) -> dict[str, Rule]:
    """Radford et al. 2019, 2.3: 0.02, and less by √(number of additions) for what is added to the sum."""
    added = r".*(project|narrow)\.weight"
    return {
        f"decoder{added}": normal(0.02 / math.sqrt(3 * decoders) if decoders else 0.02),
        added: normal(0.02 / math.sqrt(2 * encoders)),
        ".*weight": normal(0.02),
        ".*bias": ZERO,
    }


_RESNET = {r"(.*\.)?norm\d?\.weight|.*shortcut\.1\.weight": ONE, r"output\.weight": XAVIER}
_RESNET |= {".*weight": HE_BY_OUTPUTS, ".*bias": ZERO}
# What is rare begins as improbable (Lin et al. 2017), and boxes begin small.
_YOLO = {
    **_NORM,
    r"trunk\.stage\d\.\d\.shortcut\.1\.weight": ONE,
    r"(boxes|classes)\.\d\.1\.weight": normal(0.01),
    r"classes\.\d\.1\.bias": constant(-math.log(99)),
    r"boxes\.\d\.1\.bias": falling,
    ".*bias": ZERO,
}
_SERIES = {r"others\.linear\.weight": ZERO}
# dlinear and nlinear begin as weighted means of the window: shares of one over the 24 steps on the average.
_MEAN_OF_WINDOW = lambda place: _uniform(place.values, 0, 2 / 24)  # noqa: E731
_HALF_A_DIM = uniform(0.5 / 100)  # word2vec.c and glove.c

# Model → its parameters, the first that matches; names of models are whole.
BEGINNINGS: dict[str, dict[str, Rule]] = {
    "perceptron|linear|logistic": {".*": ZERO},
    "mlp|convnet|densenet121|sensor_fusion": {**_NORM, **_HE_THEN},
    "lenet5": {".*weight": XAVIER, ".*bias": ZERO},
    "lenet5_1998": {r"s\d\..*": uniform(2.4 / 4), ".*": LECUN},
    r"(resnet|plain)\d+": _RESNET,
    "mobilenet_v[12]|efficientnet_b0|squeezenet1_[01]|vgg.*": {**_NORM, **_HE_THEN_SMALL},
    "convnext_tiny": {**_NORM, r".*\.scale": constant(1e-6), ".*weight": normal(0.02), ".*bias": ZERO},
    "alexnet": _HE_THEN_SMALL,
    # Section 5: ones in the second, fourth and fifth convolution and in the hidden dense layers.
    "alexnet_2012": {r"(block[245]\.conv|fc[67])\.bias": ONE, ".*weight": normal(0.01), ".*bias": ZERO},
    "googlenet|googlenet_bn|facenet_nn4_small2": {**_NORM, r".*output\.weight": XAVIER, **_HE_THEN},
    "inception_v3": {
        **_NORM,
        r"auxiliary\.conv2\.conv\.weight": normal(0.01),
        r"auxiliary\.output\.weight": normal(0.001),
        **_HE_THEN,
    },
    # Two pieces of a maxout have the larger of two for their value, whose mean square is that of one.
    "facenet_nn1": {r"(fc\d|output)\.weight": XAVIER, ".*weight": HE, ".*bias": ZERO},
    "mobilefacenet": {
        **_NORM,
        r".*activation\.weight": constant(0.25),
        r"(global_depthwise|output)\.conv\.weight": XAVIER,
        ".*weight": HE,
        ".*bias": ZERO,
    },
    "mtcnn_[pro]net": {
        r"(.*\.)?activation\.weight": constant(0.25),
        r"output\.weight": XAVIER,
        ".*weight": HE,
        ".*bias": ZERO,
    },
    "yolo": {**_YOLO, ".*weight": HE},
    "localizer": {
        **_NORM,
        r"output\.weight": normal(0.01),
        r"output\.bias": half_of_the_picture,
        ".*weight": HE,
        ".*bias": ZERO,
    },
    "landmark_regressor": {
        **_NORM,
        r"output\.weight": normal(0.01),
        r"output\.bias": middle_of_the_picture,
        ".*weight": HE,
        ".*bias": ZERO,
    },
    "landmark_heatmaps": {**_NORM, r"(maps|presence)\.weight": normal(0.01), ".*weight": HE, ".*bias": ZERO},
    "yolo_grid": {
        **_NORM,
        r"output\.weight": normal(0.01),
        r"output\.bias": rare_then_zero,
        ".*weight": HE,
        ".*bias": ZERO,
    },
    "yolo_large": {**_YOLO, r"trunk\..*weight": HE_BY_OUTPUTS, ".*weight": HE},
    # An output of a transposed window of 2 at stride 2 reads one tap of each channel.
    "unet": {
        **_NORM,
        r"up\.\d\.up\.weight": normal(lambda place: math.sqrt(2 / place.values.shape[0])),
        **_HE_THEN,
    },
    "unet_trunk": {**_NORM, **_HE_THEN},
    # A tenth where deep sums and the first answer are to stay near the bicubic enlargement.
    "edsr": {
        r"(output|blocks\.\d\.conv2)\.weight": normal(
            lambda place: 0.1 * math.sqrt(2 / math.prod(place.values.shape[1:]))
        ),
        **_HE_THEN,
    },
    "text_bag": {
        r"table\.weight": behind_padding(normal(0.01)),
        r"importance\.weight": constant(0.3),
        ".*bias": ZERO,
    },
    "text_average": {**_text(0.1), **_HE_THEN},
    "text_cnn": {**_text(0.3), **_HE_THEN},
    "text_(lstm|gru)": {
        **_text(0.3),
        r"(attention|query)\.weight": GLOROT,
        r"output\.weight": XAVIER,
        r".*\.bias": ZERO,
    },
    "bilstm_crf": {  # Ma and Hovy, section 3.1: ±√(3/dim), Glorot's for matrices, no bias but the forget gate's
        r"words\.weight": behind_padding(uniform(math.sqrt(3 / 100))),
        r"characters\.embedding\.weight": behind_padding(uniform(math.sqrt(3 / 30))),
        r"(characters\.filters|output)\.weight": GLOROT_UNIFORM,
        r"crf\..*|.*\.bias": ZERO,
    },
    "neural_lm": {r"embedding\.weight": normal(1), ".*": TORCH},
    "lstm_lm": {r"embedding\.weight": normal(1), r"output\..*": TORCH},
    "transformer_lm": {**_NORM, **_transformer(4, 0)},
    "seq2seq_(gru|attention)": {
        r"(source|target)_embedding\.weight": behind_padding(normal(1 / math.sqrt(128))),
        r"output\.bias": ZERO,
        r"(bridge|combine|attention\.matrix)\..*": TORCH,
    },
    "transformer": {
        **_NORM,
        r"(source|target)_embedding\.weight": behind_padding(normal(1 / math.sqrt(256))),
        **_transformer(3, 3),
    },
    "skip_gram|cbow|glove": {".*": _HALF_A_DIM},
    "series_mlp": {
        **_SERIES,
        r"linear\.weight": _MEAN_OF_WINDOW,
        r"correction\.weight": normal(1e-3),
        ".*weight": HE,
        ".*bias": ZERO,
    },
    "[dn]linear": {**_SERIES, ".*weight": _MEAN_OF_WINDOW, ".*bias": ZERO},
    "series_(lstm|gru)": {r"output\.weight": XAVIER, r".*\.bias": ZERO},
    # Radford et al. 2016, section 4; scales of norms as in the authors' code.
    "dcgan_(generator|discriminator)": {
        r"(first|stages\.\d)\.[01]\.weight": around_one_or_zero,
        ".*weight": normal(0.02),
        ".*bias": ZERO,
    },
    "flow_unet": {
        **_NORM,
        r"enlarge\.\d\.weight": normal(lambda place: math.sqrt(1 / place.values.shape[0])),
        r"output\.weight": normal(
            lambda place: math.sqrt(1 / (4 * place.values.shape[0]))
        ),  # a kernel of 4, a step of 2
        r"places\.table": normal(0.02),
        ".*weight": XAVIER,
        ".*bias": ZERO,
    },
    "series_tcn": _HE_THEN,
}
# Its beginnings are tested in tests/models/test_modern_networks.py.
ELSEWHERE = {"vit_s_16"}

# Forms of a network that have parameters of their own: options, and the input where the smallest one does not do.
FORMS: list[tuple[str, dict[str, Any], tuple[int, ...] | None]] = [
    *((name, {}, None) for name in REPRESENTATIVES if name not in ELSEWHERE),
    ("googlenet", {"auxiliary": True}, (3, 79, 81)),
    ("googlenet_bn", {"auxiliary": True}, (3, 79, 81)),
    ("inception_v3", {"auxiliary": True}, (3, 299, 299)),
    ("mlp", {"batch_norm": True, "hidden": [131, 67]}, None),
    ("text_average", {"hidden": [31]}, None),
    ("unet", {"batch_norm": True}, None),
]


def test_the_table_of_beginnings_has_every_registered_model_once() -> None:
    found = {name: [pattern for pattern in BEGINNINGS if re.fullmatch(pattern, name)] for name in NAMES}
    assert {name for name, patterns in found.items() if len(patterns) != 1} == ELSEWHERE


def rules_of(name: str) -> dict[str, Rule]:
    own = next(rules for pattern, rules in BEGINNINGS.items() if re.fullmatch(pattern, name))
    recurrent = _LSTM if "lstm" in name else _GRU if re.search("gru|seq2seq", name) else {}
    return {**recurrent, **own}


@pytest.mark.parametrize(("name", "options", "shape"), FORMS)
def test_every_parameter_begins_as_the_paper_or_the_header_says(
    name: str, options: dict[str, Any], shape: tuple[int, ...] | None
) -> None:
    options = {**SMALL_OPTIONS.get(name, {}), **options}
    network = build(name, input_shape=shape or small_shape(name), num_outputs=CLASSES, seed=1, **options)
    rules, wrong = rules_of(name), []
    for parameter, values in network.named_parameters():
        pattern = next((pattern for pattern in rules if re.fullmatch(pattern, parameter)), None)
        assert pattern is not None, f"{parameter} has no rule"
        try:
            rules[pattern](Place(parameter, values.detach(), network))
        except AssertionError:
            wrong.append(f"{parameter} {tuple(values.shape)} by {pattern}: deviation {values.std().item():.4g}")
    assert not wrong


def test_a_table_that_also_gives_scores_begins_small() -> None:
    net = build_small("lstm_lm", num_outputs=VOCABULARY, tied=True)
    _normal(net.embedding.weight.detach(), 1 / math.sqrt(64))
    assert net.output.weight is net.embedding.weight


# ε and momentum: PyTorch's 10⁻⁵ and 0.1 but where the papers' code or the known weights have others.
NORMS: dict[str, tuple[float, float | None]] = {
    "inception_v3|googlenet_bn": (1e-3, 0.1),
    "convnext_tiny|vit_s_16": (1e-6, None),
    "transformer|transformer_lm|flow_unet": (1e-5, None),
    ".*": (1e-5, 0.1),
}


@pytest.mark.parametrize("name", REPRESENTATIVES)
def test_every_norm_has_the_epsilon_and_momentum_of_its_paper(name: str) -> None:
    expected = next(values for pattern, values in NORMS.items() if re.fullmatch(pattern, name))
    modules = build_small_blank(name).modules()
    norms = [module for module in modules if isinstance(module, (*_BATCH_NORMS, nn.LayerNorm))]
    assert {(norm.eps, getattr(norm, "momentum", None)) for norm in norms} <= {expected}


@pytest.mark.parametrize("name", ["efficientnet_b0", "mobilenet_v1", "mobilenet_v2"])
def test_weights_from_tensorflow_get_their_epsilon_in_every_norm(name: str) -> None:
    norms = [module for module in build_small(name, epsilon=1e-3).modules() if isinstance(module, _BATCH_NORMS)]
    assert len(norms) > 20
    assert {norm.eps for norm in norms} == {1e-3}


def test_response_normalization_has_the_constants_of_the_paper_and_of_the_release() -> None:
    found = {
        name: {
            (m.size, m.alpha, m.beta, m.k)
            for m in build_small_blank(name).modules()
            if isinstance(m, nn.LocalResponseNorm)
        }
        for name in ("alexnet_2012", "googlenet", "facenet_nn1")
    }
    # Krizhevsky et al., 3.3: n = 5, α = 10⁻⁴, β = 0.75, k = 2; torch divides α by n. Caffe divides too, and has k = 1.
    assert found == {
        "alexnet_2012": {(5, 5e-4, 0.75, 2.0)},
        "googlenet": {(5, 1e-4, 0.75, 1.0)},
        "facenet_nn1": {(5, 1e-4, 0.75, 1.0)},
    }


# Model → where it drops out (a pattern for each place), how many places match, and the share by default.
DROPOUTS: dict[str, dict[str, tuple[int, float]]] = {
    "convnet": {"dropout": (1, 0.0)},
    "mobilenet_v1": {"dropout": (1, 0.001)},  # of the release
    "mobilenet_v2|efficientnet_b0": {"dropout": (1, 0.2)},
    "alexnet|alexnet_2012": {r"dropout[67]": (2, 0.5)},  # behind the two hidden dense layers
    "vgg.*": {r"dropout[12]": (2, 0.5)},
    "googlenet|googlenet_bn": {"dropout": (1, 0.4)},
    "inception_v3": {"dropout": (1, 0.5)},  # torchvision's; the release keeps 0.8
    "squeezenet1_[01]": {"dropout": (1, 0.5)},  # behind fire9
    "unet": {"dropout": (1, 0.0)},
    "text_cnn": {"dropout": (1, 0.5)},
    "text_(lstm|gru)": {"word_dropout|recurrent.dropout|dropout": (3, 0.5)},
    "bilstm_crf": {"dropout|recurrent.dropout": (2, 0.5)},
    "neural_lm": {"dropout": (1, 0.0)},
    "lstm_lm": {"recurrent.dropout|dropout": (2, 0.0)},
    "seq2seq_(gru|attention)": {"(encoder.|decoder.)?dropout": (3, 0.1)},
    # Embeddings, both or all three halves of each of three blocks.
    "transformer": {r"dropout|(encoder|decoder)\.\d\.dropout": (7, 0.1)},
    "series_mlp": {r"dense\.2": (1, 0.5)},
    "series_(lstm|gru)": {"recurrent.dropout|dropout": (2, 0.0)},
    "series_tcn": {r"blocks\.block\d\.body\.[25]": (6, 0.1)},
}
# With a share above zero these have places that are left out without one.
MADE_WHEN_ASKED: dict[str, dict[str, int]] = {
    "densenet121": {r"stage\d\.layer\d+\.dropout": 58},
    "mlp": {r"hidden\.dropout[12]": 2},
    "dcgan_discriminator": {r"stages\.[01]\.[23]": 2},  # of each stage, when pictures have 8 to 15 pixels
    "transformer_lm": {r"dropout|blocks\.\d\.dropout": 5},
    "vit_s_16": {r"dropout|encoder\.block\d+\.(dense\.)?dropout": 25},
}


def dropouts_of(network: nn.Module) -> dict[str, float]:
    kinds = (nn.Dropout, VariationalDropout)
    return {
        name: getattr(m, "p", getattr(m, "rate", None)) for name, m in network.named_modules() if isinstance(m, kinds)
    }


@pytest.mark.parametrize("name", REPRESENTATIVES)
def test_dropout_stands_where_the_paper_has_it_at_its_rate(name: str) -> None:
    places = next((places for pattern, places in DROPOUTS.items() if re.fullmatch(pattern, name)), {})
    found = dropouts_of(build_small_blank(name))
    others = {"lstm_lm": {"input_dropout"}}.get(name, set())
    for pattern, (count, share) in places.items():
        matching = {place for place in found if re.fullmatch(pattern, place)}
        assert len(matching) == count
        assert {found[place] for place in matching} == {share}
        others |= matching
    assert set(found) == others


@pytest.mark.parametrize("name", [name for name in REPRESENTATIVES if "dropout" in OPTIONS[name]])
def test_the_option_of_dropout_reaches_every_place_and_no_other(name: str) -> None:
    places = next((list(places) for pattern, places in DROPOUTS.items() if re.fullmatch(pattern, name)), [])
    made = MADE_WHEN_ASKED.get(name, {})
    with without_memory():
        network = build_small(name, dropout=0.37)
    reached = {place for place, share in dropouts_of(network).items() if share == 0.37}
    for pattern, count in made.items():
        assert sum(bool(re.fullmatch(pattern, place)) for place in reached) == count
    assert all(any(re.fullmatch(pattern, place) for pattern in [*places, *made]) for place in reached)
    assert reached or network.dropout == 0.37  # text_bag and text_average drop whole tokens


@pytest.mark.parametrize("name", ["transformer", "transformer_lm"])
def test_weights_of_attention_are_dropped_at_the_same_rate(name: str) -> None:
    attentions = [m for m in build_small(name, dropout=0.37).modules() if isinstance(m, SelfAttention | CrossAttention)]
    assert len(attentions) == {"transformer": 3 + 2 * 3, "transformer_lm": 4}[name]
    assert {attention.dropout for attention in attentions} == {0.37}


@pytest.mark.parametrize("name", ["text_bag", "text_average"])
def test_whole_tokens_are_dropped_in_training_alone_and_the_kept_ones_scaled_up(name: str) -> None:
    share, tokens = 0.25, torch.arange(4, 23).repeat(400, 1)
    net = build_small(name, num_outputs=3, dropout=share)
    table = net.table if name == "text_bag" else net.embedding
    with torch.no_grad():
        table.weight[1:] = 1.0
        if name == "text_average":
            net.output.weight[:], net.output.bias[:] = 1 / net.output.in_features, 0.0
    whole = 0.3 * math.sqrt(19) if name == "text_bag" else 1.0
    with torch.no_grad():
        torch.testing.assert_close(net.eval()(tokens), torch.full((400, 3), whole))
        torch.manual_seed(1)
        trained = net.train()(tokens)[:, 0]
    # k of 19 tokens are kept, each worth 1 / (1 − p): a binomial around the whole, whose values are multiples of one.
    kept = trained / whole * 19 * (1 - share)
    torch.testing.assert_close(kept, kept.round(), rtol=0, atol=1e-4)
    spread = math.sqrt(19 * share * (1 - share))
    assert kept.mean().item() == pytest.approx(19 * (1 - share), abs=5 * spread / math.sqrt(400))
    assert kept.std().item() == pytest.approx(spread, rel=5 / math.sqrt(800))


@pytest.mark.parametrize(
    ("name", "blocks", "last"), [("efficientnet_b0", 16, 0.2), ("convnext_tiny", 18, 0.1), ("vit_s_16", 12, 0.1)]
)
def test_whole_blocks_are_left_out_more_often_the_deeper_they_stand(name: str, blocks: int, last: float) -> None:
    found = [m.drop_prob for m in build_small_blank(name).modules() if isinstance(m, StochasticDepth)]
    line = [last * place / (blocks - 1) for place in range(blocks)]
    if name == "efficientnet_b0":  # only blocks that add their input can be passed by: table 1's second and later ones
        first_of_stage = {0, 1, 3, 5, 8, 11, 15}
        line = [share for place, share in enumerate(line) if place not in first_of_stage]
    assert found == pytest.approx(line)


def test_a_block_that_is_left_out_passes_its_input_on_and_the_others_are_scaled_up() -> None:
    torch.manual_seed(1)
    branch, x = StochasticDepth(0.2), torch.ones(4000, 3)
    y = branch(x)
    assert set(y.flatten().tolist()) == {0.0, 1.25}
    assert bool((y == y[:, :1]).all())
    assert y.mean().item() == pytest.approx(1.0, abs=5 * 0.5 / math.sqrt(4000))
    assert torch.equal(branch.eval()(x), x)


@pytest.mark.parametrize(
    ("name", "shape", "heads", "weight"),
    [
        ("googlenet", (3, 79, 81), 2, 0.3),  # Szegedy et al. 2015, section 5
        ("googlenet_bn", (3, 79, 81), 2, 0.3),
        ("inception_v3", (3, 299, 299), 1, 0.4),  # the release's training script
    ],
)
def test_auxiliary_classifiers_have_their_number_and_weight_and_their_dropout(
    name: str, shape: tuple[int, ...], heads: int, weight: float
) -> None:
    net = build(name, input_shape=shape, num_outputs=CLASSES, seed=1, auxiliary=True)
    outputs = net(torch.rand(2, *shape))
    assert (len(outputs.auxiliary), outputs.weight) == (heads, weight)
    inner = [share for place, share in dropouts_of(net).items() if place != "dropout"]
    assert inner == ([0.7, 0.7] if heads == 2 else [])
