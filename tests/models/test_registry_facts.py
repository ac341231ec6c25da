"""The form in which each paper shows its network, and where the registry says that classes and maps are to be found."""

from __future__ import annotations

from derin.models import MODELS

IMAGENET = ((3, 224, 224), 1000)
# Networks → the paper's input and number of outputs, the layer that Grad-CAM looks at, layers that follow the outputs.
Row = tuple[tuple[tuple[int, ...], int], str | None, tuple[str, ...]]
OUTPUT = ("output",)
PICTURES: dict[str, Row] = {
    "lenet5 lenet5_1998": (((1, 32, 32), 10), "c3", OUTPUT),
    "convnet": (((1, 28, 28), 10), "stages", OUTPUT),
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
    "unet": (((1, 572, 572), 2), "bottom", OUTPUT),
    "squeezenet1_0 squeezenet1_1": (((3, 227, 227), 1000), "stage3", OUTPUT),
}
OTHERS: dict[str, Row] = {
    "perceptron": (((2,), 1), None, ("affine",)),
    "linear": (((1,), 1), None, ("affine",)),
    "logistic": (((3, 64, 64), 1), None, ("affine",)),
    "mlp": (((1, 28, 28), 10), None, OUTPUT),
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
    "unet": 16,
    "squeezenet1_0": 21,
    "squeezenet1_1": 17,
}
KINDS = {"embedding": {"facenet_nn1", "facenet_nn4_small2", "mobilefacenet"}, "map": {"unet"}}


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
    assert {name: MODELS[name].smallest_input for name in pictures} == {
        n: (1, side, side) for n, side in SMALLEST.items()
    }
    assert all(MODELS[name].smallest_input is None for name in set(MODELS) - pictures)
