"""What the table of published weights says of each file's pictures, against what its publisher says."""

from __future__ import annotations

import pytest

from derin.models import MODELS, from_spec
from derin.models.building import describe
from derin.models.weights.known import KNOWN, KnownWeights, class_names

# torchvision's transforms, in shares of 255; TensorFlow's −1 to 1; Caffe's means of blue, green and red, not divided.
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
ONE = ((127.5 / 255,) * 3, (127.5 / 255,) * 3)
CAFFE = ((123 / 255, 117 / 255, 104 / 255), (1 / 255,) * 3)
FACES = ((127.5 / 255,) * 3, (128 / 255,) * 3)
OWN = {
    "mobilenet_v2_imagenet": (ONE, (224, 224), "crop"),
    "squeezenet1_0_imagenet": (CAFFE, (227, 227), "resize"),
    "mobilefacenet": (FACES, (112, 96), "resize"),
    "mtcnn_pnet": (FACES, (12, 12), "resize"),
    "mtcnn_rnet": (FACES, (24, 24), "resize"),
    "mtcnn_onet": (FACES, (48, 48), "resize"),
    "resnet20_cifar10": (IMAGENET, (32, 32), "resize"),
    # Weights of TensorFlow, which torchvision transforms for: −1 to 1, 299 pixels for Inception.
    "inception_v3_imagenet": (ONE, (299, 299), "crop"),
    "googlenet_imagenet": (ONE, (224, 224), "crop"),
}
NUMBERS = {"mobilefacenet": 128, "mtcnn_pnet": 6, "mtcnn_rnet": 6, "mtcnn_onet": 16}
each = pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)


@each
def test_pictures_are_prepared_as_the_publisher_prepared_them(known: KnownWeights) -> None:
    (mean, std), size, rule = OWN.get(known.name, (IMAGENET, (224, 224), "crop"))
    found = known.preprocess
    assert found.mean == pytest.approx(mean, abs=1e-9)
    assert found.std == pytest.approx(std, abs=1e-9)
    assert (found.size, found.rule) == (size, rule)


@each
def test_a_published_file_holds_the_numbers_of_its_network(known: KnownWeights) -> None:
    classes = len(class_names(known.classes)) or MODELS[known.model].native_outputs
    assert classes == {"imagenet": 1000, "cifar10": 10, None: NUMBERS.get(known.name)}[known.classes]
    spec = describe(known.model, input_shape=(3, *known.preprocess.size), num_outputs=classes, **known.options)
    net = from_spec(spec, device="meta")
    weights = sum(p.numel() for p in net.parameters())
    buffers = sum(b.numel() for b in net.buffers() if b.is_floating_point())
    # Four bytes a number and a little for names; two or fewer in converted copies, and heads that are left out beside.
    shares = {
        "mobilenet_v2_imagenet": (0.5, 0.52),
        "squeezenet1_0_imagenet": (0.1, 0.25),  # Deep Compression
        "mtcnn_pnet": (1, 1.08),  # 28 kB, two of them names
        "googlenet_imagenet": (1.9, 2.0),
        "inception_v3_imagenet": (1.1, 1.2),
    }
    low, high = shares.get(known.name, (0.999, 1.02))
    assert low < known.num_bytes / (4 * (weights + buffers)) < high


# Of torchvision's documentation: the best answer on ImageNet in percent, and the file in MiB.
STATED = """
resnet18 69.758 44.7|resnet34 73.314 83.3|resnet50 76.13 97.8|resnet101 77.374 170.5|resnet152 78.312 230.4
alexnet 56.522 233.1|vgg11 69.02 506.8|vgg11_bn 70.37 506.9|vgg13 69.928 507.5|vgg13_bn 71.586 507.6|vgg16 71.592 527.8
vgg16_bn 73.36 527.9|vgg19 72.376 548.1|vgg19_bn 74.218 548.1|squeezenet1_0 58.092 4.8|squeezenet1_1 58.178 4.7
densenet121 74.434 30.8|mobilenet_v2 71.878 13.6|efficientnet_b0 77.692 20.5|convnext_tiny 82.52 109.1
googlenet_bn 69.778 49.7|inception_v3 77.294 103.9
"""


def test_accuracies_and_sizes_are_those_that_torchvision_states() -> None:
    known = {entry.model: entry for entry in KNOWN if entry.origin.startswith("torchvision, ")}
    stated = [line.split() for line in STATED.replace("\n", "|").split("|") if line]
    assert sorted(known) == sorted(model for model, _, _ in stated)
    for model, accuracy, size in stated:
        published, _, side = known[model].published.partition(", from a shorter side of ")
        assert published == f"{float(accuracy):.1f} % on ImageNet"
        assert side == ("236 pixels" if model == "convnext_tiny" else "")  # the one that differs from window and rule
        assert round(known[model].num_bytes / 2**20, 1) == float(size)
        assert known[model].is_rounded
        assert known[model].address == "https://download.pytorch.org/models/" + known[model].origin.split(", ")[1]
