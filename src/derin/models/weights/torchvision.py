"""Weights that torchvision publishes for networks that are here too.

Their files tell the first eight hex digits of their SHA-256 by name, and torchvision's documentation their size in
mebibytes to three decimals; no more is known of them here before they are fetched.

Source: the addresses, sizes and accuracies in torchvision's documentation of its models. All saw ImageNet-1k with a
shorter side of 256 and a window of 224 in its middle unless said otherwise; here the shorter side is 1.15 times the
window. The files of GoogLeNet and Inception were converted from TensorFlow, whose scale, (x − 0.5) / 0.5, torchvision
computes within the network.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TorchvisionFile:
    """A file at download.pytorch.org.

    Args:
        name: short, for people.
        model: our registered name of the network.
        file: its name; the digits before ``.pth`` begin its SHA-256.
        mebibytes: its size as torchvision states it.
        accuracy: of the best answer on ImageNet's validation pictures, in percent, as torchvision states it.
        side: of the window.
        shorter_side: to which torchvision brings pictures before it takes the window.
        scaled_to_one: whether pixels are brought to −1..1 instead of to ImageNet's mean and standard deviation.
    """

    name: str
    model: str
    file: str
    mebibytes: float
    accuracy: float
    side: int = 224
    shorter_side: int = 256
    scaled_to_one: bool = False

    @property
    def sha256_prefix(self) -> str:
        """The first digits of its SHA-256."""
        return self.file.removesuffix(".pth").rpartition("-")[2]


def _of(model: str, file: str, mebibytes: float, accuracy: float, *, name: str = "") -> TorchvisionFile:
    return TorchvisionFile(
        name=name or f"{model}_imagenet", model=model, file=file, mebibytes=mebibytes, accuracy=accuracy
    )


TORCHVISION: tuple[TorchvisionFile, ...] = (
    _of("resnet18", "resnet18-f37072fd.pth", 44.661, 69.758),
    _of("resnet34", "resnet34-b627a593.pth", 83.275, 73.314),
    _of("resnet50", "resnet50-0676ba61.pth", 97.781, 76.130),
    _of("resnet101", "resnet101-63fe2227.pth", 170.511, 77.374),
    _of("resnet152", "resnet152-394f9c45.pth", 230.434, 78.312),
    _of("alexnet", "alexnet-owt-7be5be79.pth", 233.087, 56.522),
    _of("vgg11", "vgg11-8a719046.pth", 506.840, 69.020),
    _of("vgg11_bn", "vgg11_bn-6002323d.pth", 506.881, 70.370),
    _of("vgg13", "vgg13-19584684.pth", 507.545, 69.928),
    _of("vgg13_bn", "vgg13_bn-abd245e5.pth", 507.590, 71.586),
    _of("vgg16", "vgg16-397923af.pth", 527.796, 71.592),
    _of("vgg16_bn", "vgg16_bn-6c64b313.pth", 527.866, 73.360),
    _of("vgg19", "vgg19-dcbb9e9d.pth", 548.051, 72.376),
    _of("vgg19_bn", "vgg19_bn-c79401a0.pth", 548.143, 74.218),
    _of("squeezenet1_0", "squeezenet1_0-b66bff10.pth", 4.778, 58.092, name="squeezenet1_0_torchvision"),
    _of("squeezenet1_1", "squeezenet1_1-b8a52dc0.pth", 4.729, 58.178),
    _of("densenet121", "densenet121-a639ec97.pth", 30.845, 74.434),
    _of("mobilenet_v2", "mobilenet_v2-b0353104.pth", 13.555, 71.878, name="mobilenet_v2_torchvision"),
    _of("efficientnet_b0", "efficientnet_b0_rwightman-7f5810bc.pth", 20.451, 77.692),
    TorchvisionFile(
        name="convnext_tiny_imagenet",
        model="convnext_tiny",
        file="convnext_tiny-983f1562.pth",
        mebibytes=109.119,
        accuracy=82.520,
        shorter_side=236,
    ),
    TorchvisionFile(
        name="googlenet_imagenet",
        model="googlenet_bn",
        file="googlenet-1378be20.pth",
        mebibytes=49.731,
        accuracy=69.778,
        scaled_to_one=True,
    ),
    TorchvisionFile(
        name="inception_v3_imagenet",
        model="inception_v3",
        file="inception_v3_google-0cc3c7bd.pth",
        mebibytes=103.903,
        accuracy=77.294,
        side=299,
        shorter_side=342,
        scaled_to_one=True,
    ),
)
