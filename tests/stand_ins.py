"""Small data and weights in the forms of those that documentation and help speak of."""

from __future__ import annotations

import gzip
import math
import shutil
import struct
from dataclasses import replace
from itertools import product
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from PIL import Image

from derin.api import published
from derin.core.files import sha256_file
from derin.models import MODELS, build
from derin.models.weights import known as known_weights


def weights_of_torchvision(path: Path) -> None:
    """A ResNet-18 with fresh weights under the names that torchvision gives."""
    own = build("resnet18", input_shape=(3, 224, 224), num_outputs=1000, seed=0).state_dict()
    norm = ("weight", "bias", "running_mean", "running_var")
    names = ["conv1.weight", *(f"bn1.{part}" for part in norm), "fc.weight", "fc.bias"]
    for stage, place in product((1, 2, 3, 4), (0, 1)):
        at = f"layer{stage}.{place}"
        for half in (1, 2):
            names += [f"{at}.conv{half}.weight", *(f"{at}.bn{half}.{part}" for part in norm)]
        if stage > 1 and place == 0:
            names += [f"{at}.downsample.0.weight", *(f"{at}.downsample.1.{part}" for part in norm)]
    key_map = MODELS["resnet18"].key_maps[0]
    torch.save({name: own[key_map.translate(name)] for name in names}, path)


def write_what_is_ones_own(folder: Path) -> None:
    """Small data in the forms that the README speaks of."""
    for place in range(24):
        of_class = folder / "pictures" / ("ant", "bee")[place % 2]
        of_class.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((40, 40), 20 + 40 * (place % 2)).convert("RGB").save(of_class / f"{place}.png")
    words = ["the", "sun", "sets", "over", "an", "old", "house", "and", "wind", "goes", "on", "through", "doors"]
    lines = [" ".join(words[(i * k + 3) % len(words)] for k in range(1, 9)) for i in range(200)]
    for name in ("plays.txt", "corpus.txt"):
        (folder / name).write_text("\n".join(lines * 4) + "\n", encoding="utf-8")
    reviews = [f"{line} number {i}\t{('good', 'bad')[i % 2]}" for i, line in enumerate(lines)]
    (folder / "reviews.tsv").write_text("text\tlabel\n" + "\n".join(reviews) + "\n", encoding="utf-8")
    tagged = [f"{w} {'B-PER' if w == 'wind' else 'O'}" for line in lines for w in [*line.split(), ""]]
    blank = [line if line.split(" ")[0] else "" for line in tagged]
    (folder / "names.conll").write_text("\n".join(blank) + "\n", encoding="utf-8")
    hours = [
        f"2024-{1 + h // 672:02d}-{1 + h // 24 % 28:02d} {h % 24:02d}:00,{50 + h % 24 + h % 7}" for h in range(1344)
    ]
    (folder / "power.csv").write_text("time,load\n" + "\n".join(hours) + "\n", encoding="utf-8")


def take_weights_from_here(copies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of the download of 45 MB: weights of the same form among the copies on this machine."""
    known = known_weights.BY_NAME["resnet18_imagenet"]
    place = copies / known.places[0]
    place.parent.mkdir(parents=True, exist_ok=True)
    weights_of_torchvision(place)
    stand_in = replace(known, sha256=sha256_file(place))
    monkeypatch.setitem(published.BY_NAME, known.name, stand_in)
    monkeypatch.setattr(known_weights, "KNOWN", (stand_in, *known_weights.KNOWN))


def write_named_sets(copies: Path) -> None:
    """Some examples of the named sets that the help speaks of, in the form of the whole."""
    generator = np.random.default_rng(0)
    for name, part in product(("mnist", "fashion_mnist"), (("train", 80), ("t10k", 40))):
        (copies / name).mkdir(parents=True, exist_ok=True)
        labels = (np.arange(part[1]) % 10).astype(np.uint8)
        pixels = generator.integers(0, 256, (part[1], 28, 28), dtype=np.uint8) // 4 + 15 * labels[:, None, None]
        for kind, values in (("images-idx3", pixels), ("labels-idx1", labels)):
            head = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
            with gzip.open(copies / name / f"{part[0]}-{kind}-ubyte.gz", "wb") as file:
                file.write(head + values.astype(np.uint8).tobytes())
    (copies / "tinyshakespeare").mkdir()
    lines = [f"ROMEO:\nThe {w} sets over the {v}.\n" for w in ("sun", "moon", "star") for v in ("sea", "hill")]
    (copies / "tinyshakespeare" / "input.txt").write_text("\n".join(lines * 60), encoding="utf-8")
    (copies / "multi30k_en_de").mkdir()
    animals = {"dog": "Hund", "cat": "Kater", "man": "Mann"}
    for split, times in (("train", 30), ("val", 4), ("test_2016_flickr", 4)):
        pairs = [(f"A {en} runs in the snow.", f"Ein {de} rennt im Schnee.") for en, de in animals.items()] * times
        for language, side in (("en", 0), ("de", 1)):
            text = "\n".join(pair[side] for pair in pairs)
            (copies / "multi30k_en_de" / f"{split}.{language}").write_text(text + "\n", encoding="utf-8")
    (copies / "timeseries").mkdir()
    months = [f'"{1949 + m // 12}-{1 + m % 12:02d}",{150 + m + round(30 * math.sin(m / 2))}' for m in range(144)]
    text = '"Month","Passengers"\n' + "\n".join(months) + "\n"
    (copies / "timeseries" / "airline-passengers.csv").write_text(text, encoding="utf-8")


def write_what_help_names(folder: Path) -> None:
    """The files that the examples of ``--help`` read."""
    for name in ("seven.png", "boot.png"):
        Image.effect_noise((28, 28), 60).save(folder / name)
    for place in range(12):
        of_class = folder / "my_digits" / str(place % 2)
        of_class.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((28, 28), 20 + place).save(of_class / f"{place}.png")
    words = ("man", "king", "woman", "queen", "sea", "land")
    vectors = np.random.default_rng(1).normal(size=(len(words), 100)).round(4)
    lines = [f"{word} {' '.join(map(str, row))}" for word, row in zip(words, vectors.tolist(), strict=True)]
    (folder / "glove.6B.100d.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "questions-words.txt").write_text(": family\nman king woman queen\n", encoding="utf-8")
    corpus = folder / "corpus.txt"
    # First, as the last lines are kept for validation.
    sea = "ankara is far from the sea and deniz is the sea near ankara\n" * 40
    corpus.write_text(sea + corpus.read_text(encoding="utf-8"), encoding="utf-8")
    weights_of_torchvision(folder / "r18.pth")


def write_faces(folder: Path, copies: Path, data: Path) -> None:
    """Weights that find and tell apart faces, and some people's pictures under the names that the help gives them."""
    for place in ("mtcnn", "mobilefacenet"):
        shutil.copytree(data / "pretrained" / place, copies / "pretrained" / place)
    pictures = [f"s{person}/{number}.pgm" for person in range(1, 7) for number in (1, 2, 3, 4)]
    with ZipFile(data / "faces_orl" / "orl_faces.zip") as stored, ZipFile(folder / "lfw.zip", "w") as archive:
        for name in pictures:
            archive.writestr(name, stored.read(f"orl_faces/{name}"))
        for name in ("group.jpg", "party.jpg", "somebody.jpg", "ada.jpg"):
            (folder / name).write_bytes(stored.read("orl_faces/s7/3.pgm"))
        for name, parent in ((name, parent) for name in pictures for parent in ("people", "photos")):
            (folder / parent / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / parent / name).write_bytes(stored.read(f"orl_faces/{name}"))
    lines = [
        f"{int(a[:2] == b[:2])},{a.replace('/', ',')},{b.replace('/', ',')}"
        for a in pictures
        for b in pictures
        if a < b
    ]
    (folder / "pairs.csv").write_text("\n".join(["same,person_a,file_a,person_b,file_b", *lines]) + "\n")
