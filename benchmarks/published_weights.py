"""What published weights reach here, and where the points go that ResNet-20 lacks on CIFAR-10.

python benchmarks/published_weights.py

The pictures of CIFAR-10 at hand are JPEG copies; 91.8 % is published for the originals. That the loader is not to blame
is shown four ways: a forward pass written here in float64 NumPy from the raw file gives the same logits; the tables
within the JPEG files say how much was thrown away; pictures that the network was trained on, of which it knew almost
all, lose as much; and losing as much once more (the same tables, another block grid) costs about as much once more.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

import derin
from derin.api.model import Model
from derin.api.published import find_known
from derin.datasets.named import data_folder
from derin.models.weights.known import BY_NAME
from derin.models.weights.reading import read_weights

NUM_PICTURES = 2_000  # of each measurement on CIFAR-10; ± 2 points at 95 %
QUALITIES = (95, 85, 75, 60, 45, 30)
Pixels = npt.NDArray[np.uint8]
Array = npt.NDArray[np.float64]


def main() -> None:
    for name, asked in (("mobilenet_v2_imagenet", (0.80, 0.95)), ("squeezenet1_0_imagenet", (0.60, 0.80))):
        metrics, num = derin.open(name).evaluate("imagenet_samples")
        print(
            f"{name}: top-1 {metrics['accuracy']:.2f} (asked {asked[0]:.2f}), top-5 {metrics['top5_accuracy']:.2f} "
            f"(asked {asked[1]:.2f}) on {num} labelled photographs"
        )
    elephant = required(data_folder(), "photos_and_paintings", "creative_commons_elephant.jpg")
    for name in ("mobilenet_v2_imagenet", "squeezenet1_0_imagenet"):
        print(f"{name} on the elephant: {derin.open(name).predictions(elephant)[0]}")
    resnet20()


def resnet20() -> None:
    model = derin.open("resnet20_cifar10")
    metrics, num = model.evaluate("cifar10", split="test")
    print(f"resnet20_cifar10: {metrics['accuracy']:.4f} on {num} JPEG copies of test pictures (published 0.918)")

    table = derin.load("cifar10")
    labels = np.asarray(model.task.targets(table))
    pixels = table[table.inputs[0].name]
    picked = {
        split: np.sort(np.random.default_rng(0).choice(table.splits[split], NUM_PICTURES, replace=False))
        for split in ("train", "test")
    }
    pictures = {split: np.asarray(pixels.take(rows)) for split, rows in picked.items()}

    path = find_known(BY_NAME["resnet20_cifar10"])
    assert path is not None
    raw = {name: tensor.double().numpy() for name, tensor in read_weights(path).items()}
    x = (pictures["test"][:10] / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    own = forward(raw, x.transpose(0, 3, 1, 2))
    difference = np.abs(logits(model, pictures["test"][:10]) - own).max()
    print(f"largest difference from logits in float64 NumPy: {difference:.1e}")

    tables = jpeg_tables(required(data_folder(), "cifar10", "cifar10_imagefolder.tar.gz"))
    print(f"brightness is quantized in steps of {tables[0][:8]} …, Pillow's quality {quality_of(tables)}")

    for split in ("train", "test"):
        rows, shown = picked[split], pictures[split]
        once = accuracy(model, shown, labels[rows])
        again = np.stack([compressed(picture, tables, shift=4) for picture in shown])
        change = np.sqrt(np.mean((again.astype(float) - shown) ** 2))
        twice = accuracy(model, again, labels[rows])
        print(
            f"{split}: {once:.3f} as it is here, {twice:.3f} after the same loss once more on another block grid "
            f"({change:.1f} gray values r.m.s.): {100 * (once - twice):.1f} points"
        )
    for quality in QUALITIES:
        again = np.stack([compressed(picture, quality, shift=4) for picture in pictures["test"]])
        print(f"test, once more at quality {quality}: {accuracy(model, again, labels[picked['test']]):.3f}")


def logits(model: Model, pictures: Pixels) -> Array:
    """Of the network that the loader made, through its own preparation."""
    with torch.inference_mode():
        found = [
            model.network(model.preparation.to_model_input(torch.from_numpy(part)))
            for part in np.array_split(pictures, 8)
        ]
    return torch.cat(found).double().numpy()


def accuracy(model: Model, pictures: Pixels, labels: npt.NDArray[np.int64]) -> float:
    return float((logits(model, pictures).argmax(1) == labels).mean())


def compressed(picture: Pixels, how: int | dict[int, list[int]], *, shift: int) -> Pixels:
    """The picture after JPEG, its 8×8 blocks beginning so many pixels further up and left."""
    padded = np.pad(picture, ((shift, shift), (shift, shift), (0, 0)), mode="symmetric")
    file = io.BytesIO()
    options = {"quality": how} if isinstance(how, int) else {"qtables": how}
    Image.fromarray(padded).save(file, "JPEG", subsampling="4:2:0", **options)
    return np.asarray(Image.open(file))[shift:-shift, shift:-shift]


def jpeg_tables(archive: Path) -> dict[int, list[int]]:
    """The quantization tables of the first picture in an archive; those of the first hundred must be alike."""
    found = []
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name.endswith(".jpg"):
                content = tar.extractfile(member)
                assert content is not None
                found.append(Image.open(io.BytesIO(content.read())).quantization)  # type: ignore[attr-defined]
            if len(found) == 100:
                break
    assert all(tables == found[0] for tables in found)
    return {place: list(table) for place, table in found[0].items()}


def quality_of(tables: dict[int, list[int]]) -> int:
    """The quality at which Pillow writes the tables that are nearest to these."""

    def distance(quality: int) -> int:
        file = io.BytesIO()
        Image.new("RGB", (8, 8)).save(file, "JPEG", quality=quality)
        written = Image.open(file).quantization  # type: ignore[attr-defined]
        return sum(abs(a - b) for place, table in tables.items() for a, b in zip(written[place], table, strict=True))

    return min(range(1, 101), key=distance)


def forward(raw: dict[str, Array], x: Array) -> Array:
    """A CIFAR ResNet-20 with padded shortcuts, by the names of its authors' file."""
    x = np.maximum(norm(convolution(x, raw["conv1.weight"]), raw, "bn1"), 0)
    for stage in (1, 2, 3):
        for block in range(3):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            y = convolution(x, raw[f"{name}.conv1.weight"], stride)
            y = convolution(np.maximum(norm(y, raw, f"{name}.bn1"), 0), raw[f"{name}.conv2.weight"])
            missing = (y.shape[1] - x.shape[1]) // 2
            shortcut = np.pad(x[:, :, ::stride, ::stride], ((0, 0), (missing, missing), (0, 0), (0, 0)))
            x = np.maximum(norm(y, raw, f"{name}.bn2") + shortcut, 0)
    return x.mean((2, 3)) @ raw["linear.weight"].T + raw["linear.bias"]


def convolution(x: Array, weight: Array, stride: int = 1) -> Array:
    """3×3 with a border of zeros: nine shifted products."""
    height, width = x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    parts = [
        np.einsum("bchw,oc->bohw", padded[:, :, i : i + height : stride, j : j + width : stride], weight[:, :, i, j])
        for i in range(3)
        for j in range(3)
    ]
    return np.sum(parts, axis=0)


def norm(x: Array, raw: dict[str, Array], name: str) -> Array:
    mean, variance, scale, bias = (
        raw[f"{name}.{part}"][:, None, None] for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / np.sqrt(variance + 1e-5) * scale + bias


def required(root: Path | None, *parts: str) -> Path:
    if root is None or not root.joinpath(*parts).exists():
        raise SystemExit(f"DERIN_DATA must name a folder that holds {'/'.join(parts)}.")
    return root.joinpath(*parts)


if __name__ == "__main__":
    main()
