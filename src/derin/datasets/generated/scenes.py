"""Pictures of two objects and a sentence that says which they are and how they lie to each other, made by a rule.

"a red circle left of a blue square": each object is a circle, a square, a triangle or a cross in one of six colours, 10
to 12 of the picture's 32 pixels wide, on dark gray. The first lies left of, right of, above or below the second: along
that axis their middles are 13 to 18 pixels apart, along the other at most 4, and no two objects are the same. There are
4 · 24 · 23 = 2 208 such sentences. Which of them belong to val (200) and test (500) is drawn once: none of these, nor
what says the same from the other object (a blue square right of a red circle), is in training, though each of their
words is. So a network that draws them has understood, and not remembered.

The columns ``first_shape``, ``first_color``, ``second_shape``, ``second_color`` and ``across`` tell a picture without
its sentence: first is the left object of a pair side by side (``across`` is yes), else the upper one. A classifier of
these five, trained on true pictures, judges made ones.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from derin.core.errors import UsageError
from derin.core.seeds import generator
from derin.data.report import DataReport
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Ragged, Table

SHAPES = ("circle", "square", "triangle", "cross")
COLORS = {
    "red": (230, 40, 40),
    "green": (40, 190, 60),
    "blue": (50, 90, 240),
    "yellow": (245, 220, 50),
    "purple": (170, 60, 200),
    "white": (245, 245, 245),
}
RELATIONS = ("left of", "right of", "above", "below")
PARTS = ("first_shape", "first_color", "second_shape", "second_color", "across")
SIDE = 32
_BACKGROUND = 40
_NUM_TRAIN, _NUM_VAL, _NUM_TEST = 24_000, 400, 1_000
_VAL_SENTENCES, _TEST_SENTENCES = 200, 500
_SEED = 23
_WINDOW = 14  # pixels around an object
_FINE = 4  # pixels drawn for each along both axes, so that edges are smooth
_NUM_OBJECTS = len(SHAPES) * len(COLORS)

Whole = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def scenes(
    *, name: str = "scenes", num: tuple[int, int, int] = (_NUM_TRAIN, _NUM_VAL, _NUM_TEST), seed: int = _SEED
) -> Table:
    """Pictures with their sentences.

    Args:
        name: of the table.
        num: pictures of the training, validation and test split.
        seed: of all that is drawn.

    Shapes:
        columns ``picture`` ``(N, 32, 32, 3)`` uint8, ``caption`` N texts, and of `PARTS` ``(N,)`` int64.

    Example:
        >>> table = scenes(num=(4, 2, 2))
        >>> table.columns["picture"].values.shape, parts_of(table["caption"].texts()[0])[4] in (0, 1)
        ((8, 32, 32, 3), True)
    """
    random = generator(seed, "scenes")
    parts = _sentences_by_split(seed)
    # What a scene shows: the first object of the sentence, the second, and the relation.
    kinds = np.concatenate([own[random.integers(0, len(own), size=n)] for own, n in zip(parts, num)])
    pictures = _pictures(kinds, random)
    seen = _as_seen(kinds)
    classes = dict(zip(PARTS, (SHAPES, tuple(COLORS), SHAPES, tuple(COLORS), ("no", "yes"))))
    schema = Schema(
        (
            Column(name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=(SIDE, SIDE, 3)),
            Column(name="caption", kind=Kind.TEXT, role=Role.TARGET),
            *(Column(name=n, kind=Kind.CATEGORY, role=Role.IGNORED, classes=classes[n]) for n in PARTS),
        )
    )
    captions = Ragged.from_texts([sentence(*row) for row in kinds.tolist()])
    ends = np.cumsum((0, *num))
    return Table(
        name=name,
        schema=schema,
        columns={
            "picture": Dense(pictures),
            "caption": captions,
            **{n: Dense(np.ascontiguousarray(seen[:, place])) for place, n in enumerate(PARTS)},
        },
        splits={split: np.arange(*ends[place : place + 2]) for place, split in enumerate(("train", "val", "test"))},
        report=DataReport(source="made by the rule of derin.datasets.generated.scenes"),
    )


def unseen_sentences(*, seed: int = _SEED) -> list[str]:
    """The 500 sentences that no training picture has, in an order by chance.

    Example:
        >>> len(set(unseen_sentences()))
        500
    """
    kinds = _sentences_by_split(seed)[2]
    return [sentence(*row) for row in generator(seed, "scenes-order").permutation(kinds).tolist()]


def sentence(first: int, second: int, relation: int) -> str:
    """What a scene is called; objects are numbered shape by shape."""
    names, colors = SHAPES, tuple(COLORS)
    one, other = (f"a {colors[thing % len(colors)]} {names[thing // len(colors)]}" for thing in (first, second))
    return f"{one} {RELATIONS[relation]} {other}"


def parts_of(text: str) -> tuple[int, int, int, int, int]:
    """The values of `PARTS` that a sentence stands for.

    Raises:
        UsageError: it is no such sentence.

    Example:
        >>> parts_of("a red circle left of a blue square")
        (0, 0, 1, 2, 1)
        >>> parts_of("a blue square right of a red circle")
        (0, 0, 1, 2, 1)
    """
    thing = rf"a ({'|'.join(COLORS)}) ({'|'.join(SHAPES)})"
    found = re.fullmatch(rf"{thing} ({'|'.join(RELATIONS)}) {thing}", text)
    if found is None:
        raise UsageError(f"A scene is told as 'a red circle left of a blue square'; got {text[:80]!r}.")
    color, shape, relation, other_color, other_shape = found.groups()
    colors = tuple(COLORS)
    first = SHAPES.index(shape) * len(colors) + colors.index(color)
    second = SHAPES.index(other_shape) * len(colors) + colors.index(other_color)
    a, b, c, d, e = _as_seen(np.array([[first, second, RELATIONS.index(relation)]]))[0].tolist()
    return a, b, c, d, e


def _sentences_by_split(seed: int) -> list[Whole]:
    """The sentences of train, val and test, each as (first, second, relation)."""
    first, second, down = np.indices((_NUM_OBJECTS, _NUM_OBJECTS, 2)).reshape(3, -1)
    # Each scene once: the left object first, or the upper one.
    scenes_seen = np.stack((first, second, 2 * down), 1)[first != second]
    order = generator(seed, "scenes-split").permutation(len(scenes_seen))
    bounds = np.cumsum((_VAL_SENTENCES // 2, _TEST_SENTENCES // 2))
    val, test, train = (scenes_seen[rows] for rows in np.split(order, bounds))
    # The same scenes told from the other object.
    return [np.concatenate((own, own[:, [1, 0, 2]] + [0, 0, 1])) for own in (train, val, test)]


def _as_seen(kinds: Whole) -> Whole:
    """The values of `PARTS`."""
    turned = kinds[:, 2] % 2 == 1  # right of, below: the second object is the left or the upper one
    first, second = np.where(turned, kinds[:, 1], kinds[:, 0]), np.where(turned, kinds[:, 0], kinds[:, 1])
    num = len(COLORS)
    return np.stack((first // num, first % num, second // num, second % num, (kinds[:, 2] < 2).astype(np.int64)), 1)


def _pictures(kinds: Whole, random: np.random.Generator) -> npt.NDArray[np.uint8]:
    num = len(kinds)
    seen = _as_seen(kinds)
    widths = random.uniform(10, 12, size=(num, 2))
    apart = random.uniform(13, 18, size=num)
    beside = random.uniform(-4, 4, size=num)
    across = seen[:, 4:5] == 1
    # From the middle of the first object to that of the second, as (x, y).
    way = np.where(across, np.stack((apart, beside), 1), np.stack((beside, apart), 1))
    margin = _WINDOW / 2
    room = SIDE - 2 * margin - np.abs(way)
    begin = margin + random.random((num, 2)) * room + np.maximum(-way, 0)
    middles = np.stack((begin, begin + way), 1)  # (N, 2 objects, x and y)
    colors = np.array(list(COLORS.values()), dtype=np.float64)
    canvas = np.full((num, SIDE, SIDE, 3), float(_BACKGROUND))
    for thing in range(2):
        for number in range(len(SHAPES)):
            (rows,) = np.nonzero(seen[:, 2 * thing] == number)
            corner = np.floor(middles[rows, thing] - margin).astype(np.int64)
            covered = _covered(number, middles[rows, thing] - corner, widths[rows, thing])[..., None]
            at = (corner[:, :, None] + np.arange(_WINDOW)).transpose(1, 0, 2)
            where = (rows[:, None, None], at[1][:, :, None], at[0][:, None, :])
            color = colors[seen[rows, 2 * thing + 1]][:, None, None]
            canvas[where] += covered * (color - canvas[where])
    return np.rint(canvas).astype(np.uint8)


def _covered(shape: int, middles: Floats, widths: Floats) -> Floats:
    """Which share of each pixel of a window an object covers, ``(N, window, window)``."""
    at = (np.arange(_WINDOW * _FINE) + 0.5) / _FINE
    half = (widths / 2)[:, None, None]
    x = (at[None, None, :] - middles[:, 0, None, None]) / half  # -1 to 1 within the object
    y = (at[None, :, None] - middles[:, 1, None, None]) / half
    if shape == SHAPES.index("circle"):
        inside = x * x + y * y <= 1
    elif shape == SHAPES.index("square"):
        inside = np.maximum(abs(x), abs(y)) <= 0.88  # about as much to look at as the circle
    elif shape == SHAPES.index("triangle"):
        inside = (y <= 0.9) & (2 * abs(x) <= y + 1.1)
    else:
        inside = (np.minimum(abs(x), abs(y)) <= 0.3) & (np.maximum(abs(x), abs(y)) <= 1)
    return inside.reshape(len(widths), _WINDOW, _FINE, _WINDOW, _FINE).mean((2, 4))
