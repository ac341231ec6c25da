"""Street scenes as a camera and a range scan see them, by day, at night and in fog, made by a rule.

Each scene has a left, a middle and a right third, and in each is nothing, a person (0.6 m wide, 1.8 m high), a post (as
wide, 1.2 m high) or the reflection of a person in a window, 4 to 16 m away; there is at most one person. In which third
the person is, is to be told. The camera, 1.2 m above the road, gives 32 × 64 gray pixels over 90°; the scan, beside it,
gives the distance of the nearest thing in each of 32 equal parts of the same view, 40 m where there is none.

A reflection is a little fainter than a person, and there is nothing where it seems to be: the scan passes through. By
day the camera tells all apart. At night it amplifies what light there is, and with it the noise; in fog contrast falls
to 1/e within 5 m, so that a person far away is as faint as a reflection nearby. The scan measures to 0.2 m and misses
one return in a hundred, in fog three, where it takes three in a hundred from the drops before it; a post is to it as a
person is. The one sensor knows what is tall, the other what is there. Differs: a real scan has many more directions,
some above each other, and real things have outlines.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from derin.core.seeds import generator
from derin.data.report import DataReport
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Table

CLASSES = ("none", "left", "middle", "right")
LIGHTS = ("day", "night", "fog")
HEIGHT, WIDTH, DIRECTIONS = 32, 64, 32
FARTHEST = 40.0  # meters of a return that never came
_NUM_TRAIN, _NUM_VAL, _NUM_TEST = 4_800, 600, 2_400
_SEED = 17
_CAMERA = 1.2  # meters above the road
_HORIZON = 14  # row of the picture
_FOCAL = WIDTH / 2  # pixels to one meter sideways at one meter distance: 90° in all
_PERSON, _POST, _REFLECTION = 1, 2, 3
_SIZES = np.array([[0, 0], [0.6, 1.8], [0.6, 1.2], [0.6, 1.8]])  # width and height in meters
_DISTANCES = (4.0, 16.0)  # meters
_SKY, _ROAD = 0.75, 0.45  # brightness by day
_FAINTER = 0.07  # brightness by which a reflection is nearer to gray
_NIGHT_NOISE, _NOISE = 0.3, 0.02
_FOG_DEPTH, _FOG_BRIGHTNESS = 5.0, 0.7  # meters
_SCAN_NOISE = 0.2  # meters
_MISSED, _MISSED_IN_FOG, _DROPS = 0.01, 0.03, 0.03

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


def camera_scan(
    *, name: str, num: tuple[int, int, int] = (_NUM_TRAIN, _NUM_VAL, _NUM_TEST), seed: int = _SEED
) -> Table:
    """Pictures with the scan beside each, and in which third the person is.

    Args:
        name: of the table.
        num: scenes of the training, validation and test split.
        seed: of all that is drawn.

    Shapes:
        columns ``picture`` ``(N, 32, 64, 1)`` uint8, ``range_00`` … ``range_31`` ``(N,)`` float64 in meters from left
        to right, ``light`` and ``person`` ``(N,)`` int64.

    Example:
        >>> table = camera_scan(name="camera_scan", num=(6, 3, 3))
        >>> table.columns["picture"].values.shape, table.target().classes
        ((12, 32, 64, 1), ('none', 'left', 'middle', 'right'))
    """
    random = generator(seed, "camera-scan")
    total = sum(num)
    light = np.arange(total) % len(LIGHTS)
    person = random.integers(0, 4, size=total)
    # In each third nothing, a post or a reflection; the person takes the place of what would stand in its own.
    kinds = random.choice([0, _POST, _REFLECTION], size=(total, 3), p=(0.2, 0.4, 0.4))
    there = np.flatnonzero(person)
    kinds[there, person[there] - 1] = _PERSON
    distances = random.uniform(*_DISTANCES, size=(total, 3))
    # The middle of a thing, as a share of the view's width: within its third, away from the next one.
    middles = (np.arange(3) + random.uniform(0.3, 0.7, size=(total, 3))) / 3
    pictures = _pictures(kinds, distances, middles, light, random)
    scans = _scans(kinds, distances, middles, light, random)
    ranges = [f"range_{place:02}" for place in range(DIRECTIONS)]
    schema = Schema(
        (
            Column(name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=(HEIGHT, WIDTH, 1)),
            *(Column(name=one, kind=Kind.NUMBER, role=Role.INPUT) for one in ranges),
            Column(name="light", kind=Kind.CATEGORY, role=Role.IGNORED, classes=LIGHTS),
            Column(name="person", kind=Kind.CATEGORY, role=Role.TARGET, classes=CLASSES),
        )
    )
    columns = {one: Dense(np.ascontiguousarray(scans[:, place])) for place, one in enumerate(ranges)}
    ends = np.cumsum((0, *num))
    return Table(
        name=name,
        schema=schema,
        columns={"picture": Dense(pictures), **columns, "light": Dense(light), "person": Dense(person)},
        splits={split: np.arange(*ends[place : place + 2]) for place, split in enumerate(("train", "val", "test"))},
        report=DataReport(source="made by the rule of derin.datasets.generated.camera_scan"),
    )


def _edges(kinds: Whole, distances: Floats, middles: Floats, side: int) -> tuple[Floats, Floats]:
    """Left and right edge of the things of one third, in pixels."""
    half = _SIZES[kinds[:, side], 0] / distances[:, side] * _FOCAL / 2
    return middles[:, side] * WIDTH - half, middles[:, side] * WIDTH + half


def _pictures(
    kinds: Whole, distances: Floats, middles: Floats, light: Whole, random: np.random.Generator
) -> npt.NDArray[np.uint8]:
    rows, columns = np.arange(HEIGHT)[:, None] + 0.5, np.arange(WIDTH)[None] + 0.5
    is_sky = np.broadcast_to(rows < _HORIZON, (HEIGHT, WIDTH))
    seen = np.repeat(np.where(is_sky, _SKY, _ROAD)[None], len(kinds), axis=0)
    # The road is as far away as its row says; sky and what is beyond 40 m are all fog.
    away = np.where(is_sky, FARTHEST, _CAMERA * _FOCAL / np.maximum(rows - _HORIZON, 0.5))
    depth = np.repeat(away.clip(max=FARTHEST)[None], len(kinds), axis=0)
    for side in range(3):
        left, right = _edges(kinds, distances, middles, side)
        far, shade = distances[:, side], random.choice([0.15, 0.95], size=len(kinds))
        shade = shade + np.where(kinds[:, side] == _REFLECTION, np.where(shade < 0.5, _FAINTER, -_FAINTER), 0)
        top = _HORIZON + (_CAMERA - _SIZES[kinds[:, side], 1]) / far * _FOCAL
        foot = _HORIZON + _CAMERA / far * _FOCAL
        across = (columns >= left[:, None] - 0.5) & (columns <= right[:, None] + 0.5)
        down = (top[:, None] <= rows.T) & (foot[:, None] >= rows.T)
        covered = across[:, None, :] & down[:, :, None] & (kinds[:, side] > 0)[:, None, None]
        seen = np.where(covered, shade[:, None, None], seen)
        depth = np.where(covered, far[:, None, None], depth)
    clear = np.exp(-depth / _FOG_DEPTH)
    at = light[:, None, None]
    seen = np.where(at == LIGHTS.index("fog"), clear * seen + (1 - clear) * _FOG_BRIGHTNESS, seen)
    is_night = at == LIGHTS.index("night")
    seen += random.normal(size=seen.shape) * np.where(is_night, _NIGHT_NOISE, _NOISE)
    return np.rint(255 * seen.clip(0, 1)).astype(np.uint8)[..., None]


def _scans(kinds: Whole, distances: Floats, middles: Floats, light: Whole, random: np.random.Generator) -> Floats:
    wide = WIDTH / DIRECTIONS
    first = np.arange(DIRECTIONS) * wide
    scans = np.full((len(kinds), DIRECTIONS), FARTHEST)
    for side in range(3):
        left, right = _edges(kinds, distances, middles, side)
        hit = (first < right[:, None]) & (first + wide > left[:, None])
        hit &= np.isin(kinds[:, side], (_PERSON, _POST))[:, None]
        scans = np.where(hit, np.minimum(scans, distances[:, side, None]), scans)
    scans = np.where(scans < FARTHEST, scans + random.normal(size=scans.shape) * _SCAN_NOISE, scans)
    is_fog = (light == LIGHTS.index("fog"))[:, None]
    missed = random.random(scans.shape) < np.where(is_fog, _MISSED_IN_FOG, _MISSED)
    scans = np.where(missed, FARTHEST, scans)
    drops = (random.random(scans.shape) < _DROPS) & is_fog
    return np.where(drops, random.uniform(1, FARTHEST, size=scans.shape), scans)
