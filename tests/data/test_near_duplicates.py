"""Rows that were made nearly the same are found on real data, and hardly any others."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from tests.conftest import DATA

import derin
from derin.core.seeds import generator
from derin.data.duplicates import first_equal_rows
from derin.data.near_duplicates import near_duplicates
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Pictures, Ragged, Table

Pixels = npt.NDArray[np.uint8]


def pairs_of(table: Table) -> set[tuple[int, int]]:
    return {(a, b) for a, b in near_duplicates(table, first_equal_rows(table)).tolist()}


def table_of(column: Column, data: Dense | Pictures | Ragged) -> Table:
    return Table(name="t", schema=Schema((column,)), columns={column.name: data}, splits={})


def changed(picture: Pixels, how: str) -> Pixels:
    """A picture as it comes back from elsewhere."""
    image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
    width, height = image.size
    if how == "saved":
        file = io.BytesIO()
        image.save(file, "JPEG", quality=60)
        image = Image.open(file)
    elif how == "resized":
        image = image.resize((int(width * 0.7), int(height * 0.7)), Image.Resampling.BICUBIC)
    elif how == "cropped":
        image = image.crop((round(width * 0.04), round(height * 0.02), width, round(height * 0.97)))
    else:
        image = Image.fromarray(np.clip(np.asarray(image) * 1.2 + 10.0, 0, 255).astype(np.uint8))
    pixels = np.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def some_of(name: str, num: int, drawn: np.random.Generator) -> list[Pixels]:
    """Pictures of a set."""
    table = derin.load(name, cut=False)
    data = table.columns[table.inputs[0].name]
    assert isinstance(data, Dense | Pictures)
    rows = np.sort(drawn.permutation(len(table))[:num])
    return [np.asarray(picture) for picture in data.take(rows)]


def first_photographs() -> list[Pixels]:
    """A hundred of each class of CIFAR-10, of the archive's beginning: all of it would be decoded for half a minute."""
    found: list[Pixels] = []
    assert DATA is not None
    with tarfile.open(DATA / "cifar10" / "cifar10_imagefolder.tar.gz", "r|gz") as archive:
        for member in archive:
            if member.isreg() and int(Path(member.name).stem) % 8 == 0:
                content = archive.extractfile(member)
                assert content is not None
                found.append(np.asarray(Image.open(io.BytesIO(content.read()))))
                if len(found) == 1_000:
                    break
    return found


def planted(pictures: list[Pixels], drawn: np.random.Generator) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """The pairs that are found among pictures and 20 changed copies of them, and those that were planted."""
    num = len(pictures)
    sources = drawn.permutation(len(pictures))[:20].tolist()
    hows = ("saved", "resized", "cropped", "brighter")
    pictures += [changed(pictures[row], hows[place % 4]) for place, row in enumerate(sources)]
    sizes = [picture.size for picture in pictures]
    data = Pictures(
        flat=np.concatenate([picture.ravel() for picture in pictures]),
        offsets=np.cumsum([0, *sizes]),
        heights=np.array([len(picture) for picture in pictures]),
        widths=np.array([picture.shape[1] for picture in pictures]),
        channels=pictures[0].shape[2],
    )
    shape = pictures[0].shape
    found = pairs_of(table_of(Column(name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=shape), data))
    return found, {(row, num + place) for place, row in enumerate(sources)}


@pytest.mark.data
@pytest.mark.parametrize(
    ("read", "found_at_least"),
    [(lambda drawn: first_photographs(), 20), (lambda drawn: some_of("mnist", 1_000, drawn), 15)],
    ids=["photographs", "digits"],
)
def test_changed_copies_of_pictures_are_found(
    read: Callable[[np.random.Generator], list[Pixels]], found_at_least: int
) -> None:
    # Handwritten digits are more alike than their copies at a lower resolution are to them.
    drawn = generator(0, "planted copies")
    found, copies = planted(read(drawn), drawn)
    assert len(found & copies) >= found_at_least
    assert len(found - copies) <= 3


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("name", "found_at_least", "others"), [("cifar10", 19, 30), ("mnist", 13, 8)])
def test_changed_copies_of_pictures_are_found_among_thousands(
    name: str, found_at_least: int, others: int, seed: int
) -> None:
    drawn = generator(seed, "planted copies")
    found, copies = planted(some_of(name, 5_000, drawn), drawn)
    assert len(found & copies) >= found_at_least
    # Of CIFAR-10's photographs some tens of pairs in 5,000 are near copies by themselves.
    assert len(found - copies) <= others


def test_texts_with_a_word_changed_are_found() -> None:
    drawn = generator(0, "texts")
    words = ["".join(chr(97 + letter) for letter in drawn.integers(0, 26, 6)) for _ in range(500)]
    texts = [" ".join(drawn.choice(words, 40)) for _ in range(300)]
    several = [line.split() for line in texts[:30]]
    for line in several:
        line[7] = "elsewhere"
    texts += [" ".join(line).upper() + " !" for line in several]
    column = Column(name="text", kind=Kind.TEXT, role=Role.INPUT)
    assert pairs_of(table_of(column, Ragged.from_texts(texts))) == {(i, 300 + i) for i in range(30)}


def test_rounded_rows_are_found_and_exact_copies_are_not() -> None:
    drawn = generator(0, "numbers")
    values = drawn.normal(size=(400, 5))
    values[300:340] = values[:40].round(4)
    values[340:380] = values[40:80]
    values[10, 2] = values[310, 2] = np.nan
    columns = tuple(Column(name=f"x{i}", kind=Kind.NUMBER, role=Role.INPUT) for i in range(5))
    table = Table(
        name="t",
        schema=Schema(columns),
        columns={column.name: Dense(values[:, i]) for i, column in enumerate(columns)},
        splits={},
    )
    assert pairs_of(table) == {(i, 300 + i) for i in range(40)}
    few = replace(table, schema=Schema(columns[:3]), columns={f"x{i}": Dense(values[:, i]) for i in range(3)})
    assert pairs_of(few) == set()


def test_a_few_huge_values_do_not_make_all_others_alike() -> None:
    values = np.exp(3.0 * generator(0, "heavy tails").normal(size=(2_000, 5)))
    columns = tuple(Column(name=f"x{i}", kind=Kind.NUMBER, role=Role.INPUT) for i in range(5))
    data = {column.name: Dense(values[:, i]) for i, column in enumerate(columns)}
    assert pairs_of(Table(name="t", schema=Schema(columns), columns=data, splits={})) == set()
