"""Published weights that are known: recognized by their SHA-256, never by a name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from derin.core.library_settings import data_folder, downloads_folder
from derin.models.weights.torchvision import TORCHVISION, TorchvisionFile

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# (x − 127.5) / 128 of values in 0..255
_FACES = {"mean": (0.5,) * 3, "std": (128 / 255,) * 3}
_SHA256_DIGITS = 64
DOWNLOADED = "weights"  # their folder among the downloads
_CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """What a network's pictures went through when it was trained: y = (x / 255 − mean) / std.

    Args:
        size: height and width of the input.
        mean: of each channel, of values in 0..1.
        std: of each channel, of values in 0..1.
        rule: ``"resize"`` or ``"crop"``, as `PictureCodec` has them.
    """

    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    rule: Literal["resize", "crop"]


@dataclass(frozen=True, kw_only=True)
class KnownWeights:
    """A published file.

    Args:
        name: short, for people.
        sha256: of the file; where its publisher states the beginning only, that.
        num_bytes: of the file.
        is_rounded: whether `num_bytes` is what the publisher states in round numbers.
        model: registered name of the network.
        options: of that model, where they are not the defaults.
        preprocess: of its pictures.
        classes: ``"imagenet"`` or ``"cifar10"``; None where there are none.
        licence: as its publisher states it.
        origin: repository, revision and file.
        address: where the file itself can be had; None for a file converted from another form.
        places: where it may lie within a folder of local copies.
        published: accuracy that its publisher states; empty where none is stated.
    """

    name: str
    sha256: str
    num_bytes: int
    model: str
    options: dict[str, Any] = field(default_factory=dict)
    preprocess: Preprocess
    classes: Literal["imagenet", "cifar10"] | None
    licence: str
    origin: str
    address: str | None = None
    places: tuple[str, ...] = ()
    published: str = ""
    is_rounded: bool = False

    @property
    def has_whole_sha256(self) -> bool:
        """Whether all digits are known before the file is there."""
        return len(self.sha256) == _SHA256_DIGITS

    @property
    def file_name(self) -> str:
        """The name of the published file, whose ending says its form."""
        return Path((self.places or (self.address or self.name,))[0]).name

    def find(self) -> Path | None:
        """Where the file lies: below the folder that ``DERIN_DATA`` names, or among the downloads."""
        root = data_folder()
        places = [] if root is None else [root / place for place in self.places]
        places.append(downloads_folder() / DOWNLOADED / self.file_name)
        return next((place for place in places if place.is_file()), None)

    def is_file_of(self, sha256: str) -> bool:
        """Whether a file with this SHA-256 is the published one, as far as its publisher lets that be checked."""
        return sha256.startswith(self.sha256)


def _of_torchvision(file: TorchvisionFile) -> KnownWeights:
    half = (0.5,) * 3
    mean, std = (half, half) if file.scaled_to_one else (_IMAGENET_MEAN, _IMAGENET_STD)
    usual = file.shorter_side in (256, 342)
    return KnownWeights(
        name=file.name,
        sha256=file.sha256_prefix,
        num_bytes=round(file.mebibytes * (1 << 20)),
        is_rounded=True,
        model=file.model,
        preprocess=Preprocess(size=(file.side, file.side), mean=mean, std=std, rule="crop"),
        classes="imagenet",
        licence="BSD 3-clause (torchvision), trained on ImageNet",
        origin=f"torchvision, {file.file}",
        address=f"https://download.pytorch.org/models/{file.file}",
        places=(f"pretrained/{file.file}",),
        published=f"{file.accuracy:.1f} % on ImageNet"
        + ("" if usual else f", from a shorter side of {file.shorter_side} pixels"),
    )


def _of_mtcnn(name: str, side: int, num_bytes: int, sha256: str) -> KnownWeights:
    return KnownWeights(
        name=f"mtcnn_{name}",
        sha256=sha256,
        num_bytes=num_bytes,
        model=f"mtcnn_{name}",
        preprocess=Preprocess(size=(side, side), **_FACES, rule="resize"),
        classes=None,
        licence="MIT",
        origin=f"timesler/facenet-pytorch@787da0615608, {name}.pt",
        address=f"https://raw.githubusercontent.com/timesler/facenet-pytorch/master/data/{name}.pt",
        places=(f"pretrained/mtcnn/{name}.pt",),
    )


KNOWN: tuple[KnownWeights, ...] = (
    KnownWeights(
        name="resnet20_cifar10",
        sha256="12fca82f0bebc4135bf1f32f6e3710e61d5108578464b84fd6d7f5c1b04036c8",
        num_bytes=1_099_231,
        model="resnet20",
        preprocess=Preprocess(size=(32, 32), mean=_IMAGENET_MEAN, std=_IMAGENET_STD, rule="resize"),
        classes="cifar10",
        licence="BSD 2-clause",
        origin="akamaster/pytorch_resnet_cifar10@d5489e8995e8, resnet20-12fca82f.th",
        address="https://raw.githubusercontent.com/akamaster/pytorch_resnet_cifar10/"
        "66514ca38d5679354766dee91e912d8766bdd227/pretrained_models/resnet20-12fca82f.th",
        places=("pretrained/resnet20_cifar10/resnet20-12fca82f.th",),
        published="91.8 % on CIFAR-10",
    ),
    KnownWeights(
        name="mobilenet_v2_imagenet",
        sha256="38bb773e81ea2b2023cf91c19c22173f2341edaaecb9b1bee99c1118a662f59d",
        num_bytes=7_107_621,
        model="mobilenet_v2",
        options={"padding": "same", "norm": "folded"},
        preprocess=Preprocess(size=(224, 224), mean=(0.5,) * 3, std=(0.5,) * 3, rule="crop"),
        classes="imagenet",
        licence="Apache 2.0",
        origin="converted from google-coral/test_data@104342d2d348, tf2_mobilenet_v2_1.0_224_ptq.tflite",
        places=("pretrained/mobilenet_v2_imagenet_bnfolded.npz",),
    ),
    KnownWeights(
        name="squeezenet1_0_imagenet",
        sha256="18d3b689247e6cdac09270e350f5da12cdd926e38c38105fb50070d7d2427e3a",
        num_bytes=926_537,
        model="squeezenet1_0",
        options={"output_padding": 1},
        # Caffe warps pictures to a square in training.
        preprocess=Preprocess(
            size=(227, 227), mean=(123 / 255, 117 / 255, 104 / 255), std=(1 / 255,) * 3, rule="resize"
        ),
        classes="imagenet",
        licence="BSD",
        origin="converted from songhan/SqueezeNet-Deep-Compression@fb13faa2cf12",
        places=("pretrained/squeezenet1_0_imagenet.npz",),
    ),
    KnownWeights(
        name="mobilefacenet",
        sha256="e839247cdbdfc023fb7cadeaf53a4549d50c8fc24ad154c02e35920ea8910d99",
        num_bytes=4_130_855,
        model="mobilefacenet",
        preprocess=Preprocess(size=(112, 96), **_FACES, rule="resize"),
        classes=None,
        licence="unknown",
        origin="Xiaoccer/MobileFaceNet_Pytorch@26bd8d262017, 068.ckpt",
        address="https://raw.githubusercontent.com/Xiaoccer/MobileFaceNet_Pytorch/"
        "9c6e162647edf1bdc1d194f305d2030c79bf4613/model/best/068.ckpt",
        places=("pretrained/mobilefacenet/068.ckpt",),
    ),
    *(
        _of_mtcnn(*file)
        for file in (
            ("pnet", 12, 28_570, "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f"),
            ("rnet", 24, 403_147, "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86"),
            ("onet", 48, 1_559_269, "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d"),
        )
    ),
    *map(_of_torchvision, TORCHVISION),
)
BY_NAME = {known.name: known for known in KNOWN}


def known_by_sha256(sha256: str) -> KnownWeights | None:
    """The entry of the table that a file with this SHA-256 is, or None.

    Example:
        >>> known_by_sha256("f37072fd" + "0" * 56).name
        'resnet18_imagenet'
    """
    return next((known for known in KNOWN if known.is_file_of(sha256)), None)


@cache
def class_names(classes: str | None) -> tuple[str, ...]:
    """The names behind a reference of the table, in the order of the outputs; none for None.

    Source: for ImageNet anishathalye/imagenet-simple-labels (public domain).

    Example:
        >>> class_names("imagenet")[386], len(set(class_names("imagenet")))
        ('African bush elephant', 1000)
    """
    if classes is None:
        return ()
    if classes == "cifar10":
        return _CIFAR10
    return tuple(json.loads(files("derin.models.weights").joinpath("imagenet_classes.json").read_text("utf-8")))
