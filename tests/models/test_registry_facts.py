"""The form in which each paper shows its network, and where the registry says that classes and maps are to be found."""

from __future__ import annotations

from dataclasses import asdict

from derin.models import MODELS

IMAGENET = ((3, 224, 224), 1000)
# Networks → the paper's input and number of outputs, the layer that Grad-CAM looks at, layers that follow the outputs.
Row = tuple[tuple[tuple[int, ...], int], str | None, tuple[str, ...]]
OUTPUT = ("output",)
PICTURES: dict[str, Row] = {
    "lenet5 lenet5_1998": (((1, 32, 32), 10), "c3", OUTPUT),
    "convnet": (((1, 28, 28), 10), "stages", OUTPUT),
    "sensor_fusion": (((1, 32, 64), 4), "stages", OUTPUT),
    "resnet20 resnet32 resnet44 resnet56 resnet110 plain20 plain32 plain44 plain56 plain110": (
        ((3, 32, 32), 10),
        "stage3",
        OUTPUT,
    ),
    "resnet18 resnet34 resnet50 resnet101 resnet152 plain18 plain34 convnext_tiny": (IMAGENET, "stage4", OUTPUT),
    "mobilenet_v1": (IMAGENET, "stage5", OUTPUT),
    "mobilenet_v2 efficientnet_b0": (IMAGENET, "head", OUTPUT),
    "vit_s_16": (IMAGENET, "encoder.picture.maps", OUTPUT),
    "alexnet": (IMAGENET, "block5.relu", OUTPUT),
    "alexnet_2012": (((3, 227, 227), 1000), "block5.relu", OUTPUT),  # 224 in the paper, whose sizes are those of 227
    "vgg11 vgg13 vgg11_bn vgg13_bn": (IMAGENET, "stage5.relu2", OUTPUT),
    "vgg16 vgg16_bn": (IMAGENET, "stage5.relu3", OUTPUT),
    "vgg19 vgg19_bn": (IMAGENET, "stage5.relu4", OUTPUT),
    "densenet121": (IMAGENET, "relu", OUTPUT),
    "googlenet googlenet_bn": (IMAGENET, "inception5b", (*OUTPUT, "auxiliary1.output", "auxiliary2.output")),
    "inception_v3": (((3, 299, 299), 1000), "stage8", (*OUTPUT, "auxiliary.output")),
    "facenet_nn1": (((3, 220, 220), 128), "conv6", OUTPUT),
    "facenet_nn4_small2": (((3, 96, 96), 128), "inception5b", OUTPUT),
    "mobilefacenet": (((3, 112, 96), 128), "conv2", OUTPUT),
    "mtcnn_pnet": (((3, 12, 12), 6), None, OUTPUT),
    "mtcnn_rnet": (((3, 24, 24), 6), None, OUTPUT),
    "mtcnn_onet": (((3, 48, 48), 16), None, OUTPUT),
    "edsr": (((3, 48, 48), 3), "middle", OUTPUT),
    "unet": (((1, 572, 572), 2), "bottom", OUTPUT),
    "unet_trunk": (((3, 256, 256), 2), "narrow", OUTPUT),
    "flow_unet": (((3, 32, 32), 3), "leave", OUTPUT),
    "yolo": (((3, 320, 320), 80), None, ("classes",)),
    "localizer": (((3, 224, 224), 3), None, OUTPUT),
    "yolo_grid": (((3, 320, 320), 20), None, OUTPUT),
    "landmark_regressor": (((3, 128, 128), 129), None, OUTPUT),
    "landmark_heatmaps": (((3, 128, 128), 137), None, ("maps",)),
    "yolo_large": (((3, 640, 640), 80), None, ("classes",)),
    "dcgan_discriminator": (((3, 64, 64), 1), None, OUTPUT),
    "squeezenet1_0 squeezenet1_1": (((3, 227, 227), 1000), "stage3", OUTPUT),
}
OTHERS: dict[str, Row] = {
    "perceptron": (((2,), 1), None, ("affine",)),
    "linear": (((1,), 1), None, ("affine",)),
    "logistic": (((3, 64, 64), 1), None, ("affine",)),
    "mlp": (((1, 28, 28), 10), None, OUTPUT),
    "dcgan_generator": (((100,), 3), None, OUTPUT),
    "text_bag": (((300,), 2), None, ("table", "output")),
    "text_average text_cnn text_lstm text_gru": (((50,), 2), None, OUTPUT),
    "bilstm_crf": (((20, 21), 9), None, ("output", "crf")),  # CoNLL-2003: four kinds of names, B and I, and O
    "neural_lm": (((32,), 1000), None, OUTPUT),
    "lstm_lm transformer_lm": (((128,), 1000), None, OUTPUT),
    "seq2seq_gru seq2seq_attention transformer": (((16,), 1000), None, ("target_embedding", "output")),
    "skip_gram cbow glove": (((7,), 1), None, ()),
    "series_mlp": (((24, 3), 12), None, ("linear", "correction", "others")),
    "nlinear": (((24, 3), 12), None, ("steps", "others")),
    "dlinear": (((24, 3), 12), None, ("trend", "remainder", "others")),
    "series_lstm series_gru series_tcn": (((24, 3), 12), None, OUTPUT),
}
# Sides of the smallest pictures: what is left of them at the last window is one pixel.
SMALLEST = {
    **dict.fromkeys(("lenet5", "lenet5_1998"), 12),  # padded by 2: 16 → 12 → 6 → 2 → 1
    "convnet": 4,
    "sensor_fusion": 8,
    **{name: 8 for name in MODELS if name.startswith(("resnet", "plain"))},
    **dict.fromkeys(("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "plain18", "plain34"), 16),
    **dict.fromkeys(("mobilenet_v1", "mobilenet_v2", "efficientnet_b0", "densenet121"), 8),  # with the small stem
    "convnext_tiny": 16,  # patches of 2, halved three times
    "vit_s_16": 4,
    **{name: 32 for name in MODELS if name.startswith("vgg")},  # halved five times
    "alexnet": 63,  # 63 + 4 → 15 → 7 → 3 → 1
    "alexnet_2012": 67,
    "googlenet": 31,
    "googlenet_bn": 15,
    "inception_v3": 75,
    "facenet_nn1": 17,
    "facenet_nn4_small2": 65,
    "mobilefacenet": 16,
    "mtcnn_pnet": 12,
    "mtcnn_rnet": 24,
    "mtcnn_onet": 48,
    "edsr": 2,
    "unet": 16,
    "unet_trunk": 32,  # one place at the coarsest map
    **dict.fromkeys(("yolo", "yolo_grid", "yolo_large", "localizer"), 64),  # two places at the coarsest map
    **dict.fromkeys(("landmark_regressor", "landmark_heatmaps"), 64),
    "dcgan_discriminator": 8,
    "squeezenet1_0": 21,
    "squeezenet1_1": 17,
}
KINDS = {
    "embedding": {"facenet_nn1", "facenet_nn4_small2", "mobilefacenet"},
    "boxes": {"yolo", "yolo_grid", "yolo_large", "localizer"},
    "points": {"landmark_regressor", "landmark_heatmaps"},
    "map": {"edsr", "unet", "unet_trunk", "flow_unet", "mtcnn_pnet", "dcgan_generator"},
}


def test_every_network_stands_in_the_registry_as_its_paper_shows_it() -> None:
    expected = {name: row for names, row in (PICTURES | OTHERS).items() for name in names.split()}
    found = {
        name: ((info.native_input, info.native_outputs), info.gradient_layer, info.output_layers)
        for name in MODELS
        for info in (MODELS[name],)
    }
    assert found == expected


def test_kinds_of_inputs_and_outputs_are_those_of_the_papers() -> None:
    pictures = {name for names in PICTURES for name in names.split()}
    assert {name for name in MODELS if MODELS[name].input_kind == "picture"} == pictures
    for kind, names in KINDS.items():
        assert {name for name in MODELS if MODELS[name].output_kind == kind} == names
    # A picture may have one channel alone, whatever the paper's had.
    of_one_size = {"flow_unet"}  # it knows the places of the size that it was built for
    assert {name: MODELS[name].smallest_input for name in pictures - of_one_size} == {
        n: (1, side, side) for n, side in SMALLEST.items()
    }
    assert all(MODELS[name].smallest_input is None for name in (set(MODELS) - pictures) | of_one_size)


# What a network gets that is built without options; a text's or a series' sizes come from its preparation.
WORDS = {"vocabulary": 1000, "dim": 100}
PAIRS = {"vocabulary": 1000, "shared": False, "dropout": 0.1}
SERIES = {"targets": 1}
MOBILE = {"width": 1.0, "stem": "auto", "padding": "symmetric", "norm": "batch", "epsilon": 1e-5}
DEFAULTS: dict[str, dict[str, object]] = {
    "perceptron linear logistic plain20 plain32 plain44 plain56 plain110 facenet_nn4_small2 mobilefacenet "
    "mtcnn_pnet mtcnn_rnet mtcnn_onet": {},
    "mlp": {"hidden": (128, 64), "activation": "relu", "dropout": 0.0, "batch_norm": False, "embeddings": ()},
    "lenet5": {"activation": "tanh", "padding": "auto"},
    "lenet5_1998": {"padding": "auto"},
    "convnet": {"widths": None, "depths": None, "head": "auto", "dropout": 0.0},
    "sensor_fusion": {"fusion": "late", "num_features": 32, "widths": (8, 16, 32), "units": 64},
    "resnet20 resnet32 resnet44 resnet56 resnet110": {"zero_init": False},
    "resnet18 resnet34": {"stem": "auto", "zero_init": False},
    "resnet50 resnet101 resnet152": {"stem": "auto", "zero_init": False, "stride_in": "3x3"},
    "plain18 plain34": {"stem": "auto"},
    "mobilenet_v1": {**MOBILE, "dropout": 0.001, "activation": "relu6"},
    "mobilenet_v2": {**MOBILE, "dropout": 0.2},
    "efficientnet_b0": {
        "stem": "auto",
        "padding": "symmetric",
        "epsilon": 1e-5,
        "dropout": 0.2,
        "stochastic_depth": 0.2,
    },
    "convnext_tiny": {"stem": "auto", "stochastic_depth": 0.1, "layer_scale": 1e-6},
    "vit_s_16": {"stem": "auto", "dropout": 0.0, "stochastic_depth": 0.1},
    "alexnet alexnet_2012": {"dropout": 0.5, "dense_width": 4096, "grid": 6},
    "vgg11 vgg13 vgg16 vgg19 vgg11_bn vgg13_bn vgg16_bn vgg19_bn": {"dropout": 0.5, "dense_width": 4096, "grid": 7},
    "densenet121": {"stem": "auto", "growth_rate": 32, "dropout": 0.0},
    "googlenet googlenet_bn": {"auxiliary": False, "dropout": 0.4},
    "inception_v3": {"auxiliary": False, "dropout": 0.5},
    "facenet_nn1": {"dense_units": 4096},
    "unet_trunk": {"trunk": "mobilenet_v2", "trunk_options": (), "width": 16},
    "unet": {"width": 64, "depth": 4, "padding": "same", "batch_norm": False, "dropout": 0.0, "residual": False},
    "edsr": {"width": 32, "blocks": 6, "scale": 2},
    "yolo": {"trunk": "mobilenet_v2", "trunk_options": (), "width": 96, "depth": 2, "bins": 16},
    "localizer": {"trunk": "mobilenet_v2", "trunk_options": (), "width": 64, "cells": 5, "units": 256},
    "landmark_regressor": {
        "trunk": "mobilenet_v2",
        "trunk_options": (),
        "width": 64,
        "cells": 5,
        "units": 256,
        "mean_shape": (),
    },
    "landmark_heatmaps": {"trunk": "mobilenet_v2", "trunk_options": (), "width": 96, "depth": 1},
    "yolo_grid": {
        "trunk": "mobilenet_v2",
        "trunk_options": (),
        "width": 128,
        "grid": 0,
        "anchors": ((0.1, 0.1), (0.3, 0.3)),
    },
    "yolo_large": {"trunk": "resnet34", "trunk_options": (), "width": 192, "depth": 2, "bins": 16},
    "flow_unet": {"width": 48, "depth": 1, "patch": 2, "condition": "none", "num_conditions": 0},
    # Radford et al. 2016, figure 1 and section 3; a kernel of 4 is divisible by the stride.
    "dcgan_generator": {"size": (64, 64), "width": 128, "kernel": 4, "batch_norm": True, "output": "tanh"},
    "dcgan_discriminator": {
        "width": 64,
        "kernel": 4,
        "slope": 0.2,
        "batch_norm": True,
        "dropout": 0.0,
        "downsample": "stride",
    },
    "squeezenet1_0 squeezenet1_1": {"dropout": 0.5, "output_padding": 0, "output_activation": "auto"},
    "text_bag": {"vocabulary": 1000, "groups": 1, "dim": None, "dropout": 0.3},
    "text_average": {**WORDS, "hidden": (), "dropout": 0.3},
    "text_cnn": {**WORDS, "widths": (3, 4, 5), "filters": 100, "dropout": 0.5},  # Kim 2014, section 3.1
    "text_lstm text_gru": {
        **WORDS,
        "hidden": 100,
        "layers": 1,
        "bidirectional": True,
        "pooling": "attention",
        "dropout": 0.5,
    },
    # Ma and Hovy 2016, table 1, whose characters have 30 numbers and filters 30; here as many as the words have.
    "bilstm_crf": {
        "vocabulary": 1000,
        "learned": None,
        "imported_dim": 0,
        "characters": 100,
        "bio": False,
        "word_dim": 100,
        "character_dim": 30,
        "filters": 100,
        "hidden": 200,
        "layers": 1,
        "dropout": 0.5,
        "word_dropout": 0.1,
    },
    "neural_lm": {"vocabulary": 1000, "window": 4, "dim": 64, "hidden": 256, "dropout": 0.0, "direct": False},
    "lstm_lm": {
        "vocabulary": 1000,
        "dim": 64,
        "hidden": 512,
        "num_layers": 2,
        "cell": "lstm",
        "dropout": 0.0,
        "input_dropout": 0.0,
        "tied": False,
    },
    "transformer_lm": {
        "vocabulary": 1000,
        "dim": 256,
        "num_layers": 4,
        "num_heads": 4,
        "hidden": 0,
        "window": 256,
        "positions": "rotary",
        "scale_embedding": True,
        "dropout": 0.0,
        "tied": False,
    },
    "seq2seq_gru seq2seq_attention": {**PAIRS, "dim": 128, "units": 256, "num_layers": 1},
    "transformer": {
        **PAIRS,
        "dim": 256,
        "num_heads": 4,
        "hidden": 512,
        "num_encoder_layers": 3,
        "num_decoder_layers": 3,
    },
    # Mikolov et al. 2013 and Pennington et al. 2014, but for x_max = 100 of their billions of words.
    "skip_gram cbow": {**WORDS, "window": 5, "negatives": 5, "hierarchical": False},
    "glove": {**WORDS, "x_max": 10.0, "power": 0.75},
    "series_mlp": {**SERIES, "hidden": (128,), "dropout": 0.5, "level": "last"},
    "nlinear": SERIES,
    "dlinear": {**SERIES, "average": 25},  # Zeng et al. 2023
    "series_lstm series_gru": {**SERIES, "hidden": 64, "layers": 1, "dropout": 0.0, "level": "spread"},
    "series_tcn": {**SERIES, "width": 32, "kernel": 3, "dropout": 0.1, "level": "spread"},
}


def test_a_network_without_options_is_the_one_that_was_decided_on() -> None:
    expected = {name: options for names, options in DEFAULTS.items() for name in names.split()}
    assert {name: asdict(MODELS[name].options()) for name in MODELS} == expected
