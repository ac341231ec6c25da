"""The work that every peer does: data, sizes and settings. NumPy only, so that no peer loads another's library."""

from __future__ import annotations

import argparse
import gzip
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MNIST_MEAN, MNIST_STD = 0.1307, 0.3081


@dataclass(frozen=True)
class Work:
    """One network on one data set.

    Args:
        input_shape: height, width, channels.
        num_examples: of one epoch.
        batch_size: examples per step.
        learning_rate: of Adam.
    """

    name: str
    input_shape: tuple[int, ...]
    num_examples: int
    batch_size: int
    learning_rate: float = 1e-3


WORKS = {
    "mlp": Work("mlp", (28, 28, 1), 50_000, 128),
    "cnn": Work("cnn", (28, 28, 1), 25_600, 128),
    "mnist": Work("mnist", (28, 28, 1), 60_000, 128),
    "resnet18": Work("resnet18", (32, 32, 3), 2_560, 64),
}


def data(work: Work) -> tuple[np.ndarray, np.ndarray]:
    """Pictures uint8 ``(N, height, width, channels)`` and class numbers int64 ``(N,)``."""
    if work.input_shape == (28, 28, 1):
        pictures, labels = mnist("train")
        return pictures[: work.num_examples], labels[: work.num_examples]
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 256, (work.num_examples, *work.input_shape), dtype=np.uint8)
    return pictures, generator.integers(0, 10, work.num_examples)


def mnist(split: str) -> tuple[np.ndarray, np.ndarray]:
    """MNIST from the folder that DERIN_DATA names."""
    folder = Path(os.environ["DERIN_DATA"]) / "mnist"
    stem = "train" if split == "train" else "t10k"
    with gzip.open(folder / f"{stem}-images-idx3-ubyte.gz") as file:
        pictures = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28, 1)
    with gzip.open(folder / f"{stem}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8).astype(np.int64)
    return pictures, labels


def normalized(pictures: np.ndarray) -> np.ndarray:
    """Float32 pictures as a careful user would prepare them once, before training."""
    return ((pictures.astype(np.float32) / 255.0) - MNIST_MEAN) / MNIST_STD


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--network", choices=sorted(WORKS), required=True)
    parser.add_argument("--precision", choices=("fp32", "best"), required=True)
    parser.add_argument("--epochs", type=int, default=3)
    return parser.parse_args()
