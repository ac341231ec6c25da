"""Makes the pictures of docs/explain.md again, by way of the commands that a user types.

They show an elephant (Creative Commons), paintings whose painters have been dead for long, and Fashion-MNIST
(Zalando, MIT), seen by a network that is trained here for a minute and by two with published weights. Data and weights
are read from ``DERIN_DATA`` or ``../shared/data``; where they are missing, the picture stays as it was and a sentence
says so.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from make_pictures import PICTURES, Missing, derin, fashion_mnist, make_all
from PIL import Image

ELEPHANT = "creative_commons_elephant.jpg"
PAINTINGS = ("starry_night.jpg", "wave.jpg", "shipwreck.jpg")
LARGEST = 180_000  # bytes of one picture
WEIGHTS = {"mobilenet": "mobilenet_v2_imagenet_bnfolded.npz", "squeezenet": "squeezenet1_0_imagenet.npz"}


def main() -> None:
    """Makes the pictures that can be made here."""
    make_all(
        {
            "explain-grad-cam.png": grad_cam,
            "explain-integrated-gradients.png": integrated_gradients,
            "explain-occlusion.png": occlusion,
            "explain-activations.png": activations,
            "explain-filters.png": filters,
            "explain-deconvnet.png": deconvnet,
        },
        save,
    )


def grad_cam(work: Path) -> Image.Image:
    """Where MobileNet v2 sees an elephant."""
    return drawing(work, "grad-cam", bundle(work, "mobilenet"), photograph(ELEPHANT))


def integrated_gradients(work: Path) -> Image.Image:
    """What the parts of the picture add to SqueezeNet's answer."""
    return drawing(work, "integrated-gradients", bundle(work, "squeezenet"), photograph(ELEPHANT))


def occlusion(work: Path) -> Image.Image:
    """What a small network for clothes cannot do without."""
    return drawing(work, "occlusion", *clothes(work))


def activations(work: Path) -> Image.Image:
    """What SqueezeNet's layers make of the elephant."""
    layers = [f"--layer={name}" for name in ("stem", "stage1", "stage2", "stage3")]
    return drawing(work, "activations", bundle(work, "squeezenet"), photograph(ELEPHANT), "--units", "8", *layers)


def filters(work: Path) -> Image.Image:
    """What excites six units in the middle of MobileNet v2."""
    return drawing(work, "filters", bundle(work, "mobilenet"), "--layer", "stage4.block1.project", "--num", "6")


def deconvnet(work: Path) -> Image.Image:
    """What SqueezeNet's units answer to in the elephant and in paintings."""
    shown = [photograph(name) for name in (ELEPHANT, *PAINTINGS)]
    return drawing(
        work, "deconvnet", bundle(work, "squeezenet"), *shown, "--layer", "stage2.fire8.expand3x3", "--num", "6"
    )


def drawing(work: Path, command: str, *arguments: str) -> Image.Image:
    """What a command of `derin explain` draws."""
    derin(work, "explain", command, *arguments, "--out", "drawing.png")
    return Image.open(work / "drawing.png").convert("RGB")


def save(picture: Image.Image, path: Path) -> int:
    """Writes a picture, with 256 colors and narrower where it would be too large; its size in bytes."""
    picture.save(path, optimize=True)
    while path.stat().st_size > LARGEST:
        # A palette that reaches to the rare colors of the scale beside the pictures, and dots between its colors.
        palette = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE)
        picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)
        picture = picture.resize((picture.width * 9 // 10, picture.height * 9 // 10), Image.Resampling.LANCZOS)
    return path.stat().st_size


def clothes(work: Path) -> tuple[str, ...]:
    """A run on Fashion-MNIST, and three pictures of its test split."""
    from derin.api.load import load

    name = fashion_mnist()
    if not (work / "clothes").exists():
        derin(work, "train", name, "--epochs", "3", "--max-seconds", "120", "--seed", "0", "--out", "clothes")
    table = load(name)
    pictures = table[table.inputs[0].name].take(table.splits["test"][[2, 11, 16]])
    for place, pixels in enumerate(np.asarray(pictures)):
        Image.fromarray(pixels[..., 0]).save(work / f"clothes-{place}.png")
    return ("clothes", *(f"clothes-{place}.png" for place in range(3)))


def bundle(work: Path, name: str) -> str:
    """A network with published weights."""
    if not (work / name).exists():
        derin(work, "weights", "import", str(at_hand("pretrained", WEIGHTS[name])), "--out", name)
    return name


def photograph(name: str) -> str:
    """The path of a picture."""
    return str(at_hand("photos_and_paintings", name))


def at_hand(*parts: str) -> Path:
    """A file of the data folder."""
    named = os.environ.get("DERIN_DATA")
    folder = Path(named) if named else PICTURES.parent.parent.parent / "shared" / "data"
    path = folder.joinpath(*parts).resolve()
    if not path.is_file():
        raise Missing(f"it needs {'/'.join(parts)}, and DERIN_DATA names no folder that holds it")
    return path


if __name__ == "__main__":
    main()
