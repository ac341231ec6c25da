"""The language models that every peer trains, and their text. NumPy only, so that no peer loads another's
library."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

STREAMS, WINDOW, STEPS = 64, 128, 12
NUM_TOKENS = STREAMS * WINDOW * STEPS  # of one epoch
LEARNING_RATE = 1e-3
MODELS = ("lstm", "transformer")


@dataclass(frozen=True)
class Sizes:
    """What the two models are made of; without dropout.

    Args:
        embedding: numbers of a token in the LSTM.
        hidden: units of each of its layers.
        num_layers: of the LSTM.
        dim: numbers of a token in the Transformer, whose dense layers are four times as wide.
        num_blocks: of the Transformer.
        num_heads: of each attention.
    """

    embedding: int = 64
    hidden: int = 512
    num_layers: int = 2
    dim: int = 256
    num_blocks: int = 4
    num_heads: int = 4


SIZES = Sizes()


def text() -> str:
    """The beginning of tinyshakespeare from the folder that DERIN_DATA names."""
    path = Path(os.environ["DERIN_DATA"]) / "tinyshakespeare" / "input.txt"
    return path.read_text(encoding="utf-8")[:NUM_TOKENS]


def tokens() -> tuple[np.ndarray, int]:
    """Characters as numbers from 4 on, as Derin counts them, ``(NUM_TOKENS,)``, and the size of the vocabulary."""
    characters = text()
    numbers = {character: number for number, character in enumerate(sorted(set(characters)), start=4)}
    return np.array([numbers[character] for character in characters]), len(numbers) + 4


def windows() -> tuple[np.ndarray, np.ndarray, int]:
    """Inputs and targets, ``(STEPS · STREAMS, WINDOW)``, window k of every stream before window k + 1 of any."""
    found, vocabulary = tokens()
    following = np.roll(found, -1)
    cut = [part.reshape(STREAMS, STEPS, WINDOW).swapaxes(0, 1).reshape(-1, WINDOW) for part in (found, following)]
    return cut[0], cut[1], vocabulary


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--precision", choices=("fp32", "best"), required=True)
    parser.add_argument("--epochs", type=int, default=2)
    return parser.parse_args()
