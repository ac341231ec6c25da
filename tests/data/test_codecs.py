"""What every codec promises, and one geometry for all that lies in a picture, against loops with explicit matrices."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from derin.core.errors import DataError, RefusedFileError, ShapeError
from derin.core.seeds import uniforms
from derin.data.augment import Augmentation
from derin.data.augment.geometry import Geometry
from derin.data.codecs.base import CODECS, Codec, Packed, codec_from_json
from derin.data.codecs.boxes import BoxesCodec
from derin.data.codecs.frame import Frame
from derin.data.codecs.mask import MaskCodec
from derin.data.codecs.points import PointsCodec
from derin.data.codecs.values import ValuesCodec
from derin.data.columns import ColumnsPreparation
from derin.data.features import FeaturesCodec
from derin.data.pictures.codec import PictureCodec
from derin.data.preparation import Batching, preparation_from_json
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.sounds.codec import SoundCodec
from derin.data.source import TableSource
from derin.data.table import Boxes, Dense, Pictures, Points, Ragged, Sounds, Table
from derin.data.text.codec import TextCodec
from derin.data.text.words_codec import WordsCodec

SIZE = (12, 12)  # windows of pictures whose shorter side is 14
SHAPES = [(14, 20), (17, 14), (14, 14), (14, 31), (15, 14)]
VOID = 255


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def grids(shapes: list[tuple[int, int]], most: int) -> Pictures:
    """Numbers at random in grids of unequal size."""
    values = [random(i).integers(0, most, shape, dtype=np.uint8) for i, shape in enumerate(shapes)]
    offsets = np.concatenate([[0], np.cumsum([v.size for v in values])])
    heights, widths = np.array(shapes).T
    return Pictures(np.concatenate([v.reshape(-1) for v in values]), offsets, heights, widths, 1)


def scene(num: int, factor: int = 2) -> Table:
    """Pictures with masks, boxes and points, all but the pictures in frames that are larger by a factor."""
    shapes = (SHAPES * num)[:num]
    frames = np.array(shapes, dtype=np.int64) * factor
    draw = random(9)
    counts = np.array(([3, 0, 1, 5, 2] * num)[:num])
    first = draw.uniform(0, 0.7, (counts.sum(), 2))
    sides = draw.uniform(0.1, 0.5, (counts.sum(), 2))
    whole = np.repeat(frames[:, ::-1], counts, axis=0)
    corners = (np.concatenate([first, first + sides], axis=1) * np.tile(whole, 2)).astype(np.float32)
    boxes = Boxes(corners, draw.integers(0, 9, len(corners)), np.concatenate([[0], np.cumsum(counts)]), frames)
    places = (draw.uniform(0, 1, (num, 4, 2)) * frames[:, None, ::-1]).astype(np.float32)
    points = Points(places, draw.random((num, 4)) < 0.8, frames)
    larger = [(int(height), int(width)) for height, width in frames]
    columns = {"picture": grids(shapes, 256), "mask": grids(larger, 5), "boxes": boxes, "points": points}
    kinds = {"picture": Kind.PICTURE, "mask": Kind.MASK, "boxes": Kind.BOXES, "points": Kind.POINTS}
    schema = Schema(
        tuple(
            Column(name=name, kind=kind, role=Role.INPUT if name == "picture" else Role.TARGET, shape=(-1, -1, 1))
            for name, kind in kinds.items()
        )
    )
    return Table(name="scene", schema=schema, columns=columns, splits={"train": np.arange(num)})


def numbers(values: np.ndarray) -> Table:
    column = Column(name="x", kind=Kind.NUMBER, role=Role.INPUT, shape=values.shape[1:])
    return Table(name="n", schema=Schema((column,)), columns={"x": Dense(values)}, splits={})


def sentences(num: int) -> Table:
    """Texts of none to six words, and the same cut into words."""
    draw = random(4)
    found = [[f"w{n}" for n in draw.integers(0, 9, length)] for length in ([3, 0, 1, 6, 2] * num)[:num]]
    columns = {"text": Ragged.from_texts([" ".join(f) for f in found])}
    columns["words"] = Ragged.from_texts(["\n".join(f) for f in found])
    columns["tags"] = Ragged(draw.integers(0, 3, sum(map(len, found))), np.cumsum([0, *map(len, found)]))
    kinds = {"text": Kind.TEXT, "words": Kind.WORDS, "tags": Kind.TAGS}
    schema = Schema(
        tuple(
            Column(name=name, kind=kind, role=Role.TARGET if name == "tags" else Role.INPUT, classes=("O", "X", "Y"))
            for name, kind in kinds.items()
        )
    )
    return Table(name="s", schema=schema, columns=columns, splits={})


def noises(num: int) -> Table:
    """Sounds of unequal length, some longer and some shorter than a window."""
    samples = [random(i).normal(size=700 + 300 * (i % 4)).astype(np.float32) / 9 for i in range(num)]
    column = Column(name="sound", kind=Kind.SOUND, role=Role.INPUT, shape=(-1,))
    return Table(name="noises", schema=Schema((column,)), columns={"sound": Sounds.of(samples, 8000)}, splits={})


def of_one(table: Table, name: str) -> Table:
    """The table with one of its inputs."""
    kept = tuple(column for column in table.schema if column.name == name or column.role is Role.TARGET)
    return replace(table, schema=Schema(kept), columns={c.name: table.columns[c.name] for c in kept})


FRAME = Frame(SIZE, "crop")
PICTURE = PictureCodec(column="picture", size=SIZE, channels=1, mean=(0.3,), std=(0.2,), rule="crop")
CODECS_OF: dict[str, Callable[[int], tuple[Codec, Table]]] = {
    "picture": lambda num: (PICTURE, scene(num)),
    "picture, resized": lambda num: (
        PictureCodec(column="picture", size=(5, 9), channels=1, mean=(0.3,), std=(0.2,), rule="pad"),
        scene(num),
    ),
    "mask": lambda num: (MaskCodec(column="mask", frame=FRAME), scene(num)),
    "mask, padded": lambda num: (MaskCodec(column="mask", frame=Frame((7, 9), "pad"), void=9), scene(num)),
    "boxes": lambda num: (BoxesCodec(column="boxes", frame=FRAME), scene(num)),
    "boxes, resized": lambda num: (BoxesCodec(column="boxes", frame=Frame((5, 9), "resize")), scene(num)),
    "points": lambda num: (PointsCodec(column="points", frame=FRAME, count=4, pairs=((0, 1), (2, 3))), scene(num)),
    "features": lambda num: (
        FeaturesCodec.fit(numbers(random().normal(size=(5, 3))), np.arange(5)),
        numbers(random(1).normal(size=(num, 3))),
    ),
    "text": lambda num: (
        TextCodec.fit(of_one(sentences(7), "text"), np.arange(7), max_length=4),
        sentences(num),
    ),
    "text, characters": lambda num: (
        TextCodec.fit(of_one(sentences(7), "text"), np.arange(7), tokenizer="characters"),
        sentences(num),
    ),
    "sound": lambda num: (SoundCodec.fit(noises(4), np.arange(4), seconds=0.15), noises(num)),
    "words": lambda num: (WordsCodec.fit(of_one(sentences(7), "words"), np.arange(7)), sentences(num)),
    "values, of unequal length, int64": lambda num: (ValuesCodec("tags", (-1,)), sentences(num)),
    **{
        f"values, {dtype}": lambda num, dtype=dtype: (
            ValuesCodec("x", (3, 1)),
            numbers(random().integers(0, 99, (num, 3, 1)).astype(dtype)),
        )
        for dtype in ("float16", "float32", "float64", "uint8", "int16", "int64", "bool")
    },
}


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, Packed):
        same = torch.equal(one.offsets, other.offsets)
        return same and all(torch.equal(values, other[name]) for name, values in one.flat.items())
    if one.shape[1:] != other.shape[1:]:  # rows that are padded to the longest of those beside them
        length = min(one.shape[1], other.shape[1])
        return torch.equal(one[:, :length], other[:, :length]) and not (
            one[:, length:].any() or other[:, length:].any()
        )
    return torch.equal(one, other)


def finished(codec: Codec, gathered: Any) -> Any:
    if codec.moves_on_host:
        assert codec.extent is not None
        gathered = codec.transform(gathered, Geometry.identity(len(gathered), codec.extent))
    return codec.to_model_input(gathered)


@pytest.mark.parametrize("name", CODECS_OF)
@pytest.mark.parametrize("num", [1, 7])
def test_rows_are_gathered_in_any_order_and_number_as_each_by_itself(name: str, num: int) -> None:
    codec, table = CODECS_OF[name](num)
    host = codec.encode(table)
    assert len(host) == num
    rows = random(2).integers(0, num, 9)
    places = random(3).random((9, 2)).astype(np.float32)
    for drawn in (None, places):
        together = finished(codec, host.gather(rows, drawn))
        alone = [
            finished(codec, host.gather(rows[i : i + 1], None if drawn is None else drawn[i : i + 1])) for i in range(9)
        ]
        assert len(together) == 9
        assert all(equal(together[i : i + 1], one) for i, one in enumerate(alone))
        assert len(finished(codec, host.gather(rows[:0], None if drawn is None else drawn[:0]))) == 0
    assert host.is_random or equal(host.gather(rows), host.gather(rows, places))


@pytest.mark.parametrize("name", CODECS_OF)
def test_a_batch_has_the_shape_and_type_that_the_codec_states(name: str) -> None:
    codec, table = CODECS_OF[name](5)
    batch = finished(codec, codec.encode(table).gather(np.arange(5)))
    flat = batch["corners"] if isinstance(batch, Packed) else batch[0]
    assert all(side in (-1, got) for side, got in zip(codec.shape, flat.shape, strict=True))
    whole_numbered = codec.kind in ("mask", "text", "words") or any(
        name.endswith(t) for t in ("int8", "int16", "int64", "bool")
    )
    assert flat.dtype == (torch.int64 if whole_numbered else torch.float32)


@pytest.mark.parametrize("name", CODECS_OF)
def test_the_card_gives_the_same_codec_and_refuses_what_was_altered(name: str) -> None:
    codec, _ = CODECS_OF[name](3)
    document, files = json.loads(json.dumps(codec.to_json(), allow_nan=False)), codec.files()
    assert document["kind"] in CODECS
    assert codec_from_json(document, files) == codec
    for lost in files:
        with pytest.raises(RefusedFileError):
            codec_from_json(document, {name: held for name, held in files.items() if name != lost})
    for field in document:
        for wrong in (None, [[]], -1, "x", {}):
            if field not in ("column", "kind", "language") or wrong not in ("x", None):
                with pytest.raises(RefusedFileError):
                    codec_from_json({**document, field: wrong}, files)


def test_every_kind_of_codec_is_under_these_promises() -> None:
    assert {CODECS_OF[name](1)[0].kind for name in CODECS_OF} == set(CODECS)


# --- one geometry, by hand ---


def forward_by_hand(augmentation: Augmentation, draws: list[float]) -> np.ndarray:
    """Homogeneous 3 × 3: from places in the window (pixels from its corner) to places in the result."""
    left = iter(draws)

    def drawn(name: str) -> float:
        return next(left) if getattr(augmentation, name) else math.nan

    height, width = SIZE
    flip_x, flip_y = (drawn(f"flip_{way}") < 0.5 for way in ("horizontal", "vertical"))
    angle, zoom, shear = (
        (2 * drawn(name) - 1) * getattr(augmentation, name) if getattr(augmentation, name) else 0.0
        for name in ("rotate", "zoom", "shear")
    )
    down = along = 0
    if augmentation.shift:
        most = round(augmentation.shift * 12)
        down, along = (math.floor(next(left) * (2 * most + 1)) - most for _ in range(2))
    if augmentation.crop_padding:
        most = augmentation.crop_padding
        more = [math.floor(next(left) * (2 * most + 1)) - most for _ in range(2)]
        down, along = down + more[0], along + more[1]
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    middle = np.array([[1, 0, width / 2], [0, 1, height / 2], [0, 0, 1]])
    flip = np.diag([-1.0 if flip_x else 1.0, -1.0 if flip_y else 1.0, 1.0])
    grow, slant = np.diag([1 + zoom, 1 + zoom, 1.0]), np.array([[1, shear, 0], [0, 1, 0], [0, 0, 1]])
    turn, go = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]), np.array([[1, 0, along], [0, 1, down], [0, 0, 1]])
    return middle @ go @ turn @ slant @ grow @ flip @ np.linalg.inv(middle)


@pytest.mark.parametrize(
    "text", ["flip,flip_vertical,shift=0.2,crop_padding=3", "flip,rotate=70,zoom=0.3,shear=0.4,shift=0.2", "none"]
)
def test_a_picture_and_all_that_lies_in_it_move_as_each_by_hand(text: str) -> None:
    num, epoch = 40, 3
    table, augmentation = scene(num), Augmentation.parse(text)
    pairs = ((0, 1), (2, 3))
    points = PointsCodec(column="points", frame=FRAME, count=4, pairs=pairs)
    codecs = {"input": PICTURE, "mask": MaskCodec(column="mask", frame=FRAME), "points": points}
    codecs["boxes"] = BoxesCodec(column="boxes", frame=FRAME, least_visible=0.3)
    columns = {name: (codec, codec.encode(table)) for name, codec in codecs.items()}
    batching = Batching(batch_size=num, seed=5, shuffle=True, augmentation=augmentation)
    (batch,) = TableSource(columns, np.arange(num), batching).batches(epoch)
    rows = batch.rows.numpy()
    windows = uniforms(5, "window", epoch, rows, 2).astype(float)
    draws = uniforms(5, "augment", epoch, rows, augmentation.num_uniforms).astype(float)
    boxes = list(batch.columns["boxes"])
    num_dropped = num_cut = num_mirrored = num_void = 0
    for i, row in enumerate(rows.tolist()):
        picture, mask = (table.columns[name].picture(row)[..., 0] for name in ("picture", "mask"))  # type: ignore[attr-defined]
        top, left = (math.floor(u * (side - 12 + 1)) for u, side in zip(windows[i], picture.shape))
        moved = forward_by_hand(augmentation, draws[i].tolist())
        back = np.linalg.inv(moved)
        # From a frame of twice the size: halved, then the window.
        whole = moved @ np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]]) @ np.diag([0.5, 0.5, 1])
        values, classes = np.zeros(SIZE), np.full(SIZE, VOID)
        for y in range(12):
            for x in range(12):
                at_x, at_y, _ = back @ [x + 0.5, y + 0.5, 1]
                if 0 <= at_x < 12 and 0 <= at_y < 12:
                    classes[y, x] = mask[2 * (top + math.floor(at_y)) + 1, 2 * (left + math.floor(at_x)) + 1]
                for near_y in (math.floor(at_y - 0.5), math.floor(at_y - 0.5) + 1):
                    for near_x in (math.floor(at_x - 0.5), math.floor(at_x - 0.5) + 1):
                        if 0 <= near_x < 12 and 0 <= near_y < 12:
                            share = (1 - abs(at_x - 0.5 - near_x)) * (1 - abs(at_y - 0.5 - near_y))
                            values[y, x] += share * picture[top + near_y, left + near_x]
        np.testing.assert_allclose((batch["input"][i, 0].numpy() * 0.2 + 0.3) * 255, values, atol=0.03)
        assert np.array_equal(batch["mask"][i].numpy(), classes)
        num_void += int((classes == VOID).sum())
        given = table.columns["boxes"].take(np.array([row]))
        wanted = []
        for corners, number in zip(given.corners.astype(float), given.classes.tolist()):
            at = np.array([whole @ [corners[a], corners[b], 1] for a in (0, 2) for b in (1, 3)])[:, :2]
            low, high = at.min(axis=0), at.max(axis=0)
            seen = np.clip(high, 0, 12) - np.clip(low, 0, 12)
            if seen.prod() <= 0 or seen.prod() < 0.3 * (high - low).prod():
                num_dropped += 1
                continue
            num_cut += bool((low < 0).any() or (high > 12).any())
            wanted.append([*np.clip(low, 0, 12), *np.clip(high, 0, 12), number])
        found = np.concatenate([boxes[i]["corners"].numpy(), boxes[i]["classes"].numpy()[:, None]], axis=1)
        np.testing.assert_allclose(found, np.array(wanted).reshape(-1, 5), atol=1e-4)
        marked = table.columns["points"].take(np.array([row]))
        order = [1, 0, 3, 2] if np.linalg.det(moved) < 0 else [0, 1, 2, 3]
        num_mirrored += order[0]
        for place, k in enumerate(order):
            x, y, _ = whole @ [*marked.places[0, k].astype(float), 1]
            visible = marked.visible[0, k] and 0 <= x <= 12 and 0 <= y <= 12
            np.testing.assert_allclose(batch["points"][i, place].numpy(), [x, y, visible], atol=1e-4)
    # The example holds what it is meant to show.
    assert num_dropped > 5
    assert num_cut > 5
    assert (num_mirrored > 5) == (text != "none")
    assert (num_void > 50) == (text != "none")


def test_joined_maps_and_the_way_back_agree_with_one_after_the_other() -> None:
    settings = Augmentation.parse("flip,rotate=50,shear=0.3,shift=0.3")
    draws = torch.from_numpy(uniforms(0, "x", 0, np.arange(6), settings.num_uniforms))
    frames = np.array([[20, 33], [14, 15], [90, 17], [14, 14], [31, 31], [1, 9]])
    placed, moved = FRAME.geometry(frames), settings.geometry(draws, SIZE)
    places = random().uniform(0, 30, (6, 4, 2))
    both = placed.then(moved)
    np.testing.assert_allclose(both.moved(places), moved.moved(placed.moved(places)), atol=1e-9)
    np.testing.assert_allclose(both.inverse.moved(both.moved(places)), places, atol=1e-9)
    with pytest.raises(ShapeError, match="must begin with the frames"):
        moved.then(placed)


@pytest.mark.parametrize("rule", ["resize", "pad", "crop"])
def test_places_follow_the_pixels_that_are_resized(rule: str) -> None:
    """The middle of a bright square is found again where its coordinates say."""
    frame = Frame((40, 40), rule)
    codec = PictureCodec(column="p", size=(40, 40), channels=1, mean=(0.0,), std=(1.0,), rule=rule)
    for height, width, y, x in ((80, 120, 30, 70), (33, 97, 12, 50), (300, 61, 140, 20)):
        picture = np.zeros((height, width, 1), dtype=np.uint8)
        picture[y : y + 9, x : x + 9] = 255
        weights = codec.read(picture)[0, ..., 0].astype(float)
        found = [(weights.sum(axis=axis) * (np.arange(40) + 0.5)).sum() / weights.sum() for axis in (0, 1)]
        (wanted,) = frame.geometry(np.array([[height, width]])).moved(np.array([[[x + 4.5, y + 4.5]]]))[0]
        np.testing.assert_allclose(found, wanted, atol=0.25)


def test_a_preparation_finds_the_codecs_of_a_table_and_comes_back_from_its_card() -> None:
    table = scene(6)
    preparation = ColumnsPreparation.fit(table, np.arange(6), size=12, fit="crop")
    assert list(preparation.codecs) == ["input", "mask", "boxes", "points"]
    again = preparation_from_json(json.loads(json.dumps(preparation.to_json())))
    assert again == preparation
    batching = Batching(batch_size=4, augmentation=Augmentation.parse("flip"), shuffle=True)
    weights = {"weight": np.arange(6, dtype=np.float32)}
    encoded = again.encode_table(table)
    for batch in again.source(encoded, weights, np.arange(6), input_name="input", batching=batching).batches(0):
        assert torch.equal(batch["weight"], batch.rows.float())
        assert batch["mask"].shape == batch["input"].shape[:1] + SIZE
        assert len(batch.columns["boxes"]) == len(batch)


def test_mixing_and_columns_of_other_sizes_are_refused_in_a_sentence() -> None:
    table = scene(3)
    columns: Any = {
        name: (c, c.encode(table)) for name, c in (("a", PICTURE), ("b", MaskCodec(column="mask", frame=FRAME)))
    }
    batching = Batching(batch_size=2, augmentation=Augmentation.parse("mixup"), mixed_target=("a", 3))
    with pytest.raises(DataError, match="have no mixture"):
        TableSource(columns, np.arange(3), batching)
    other = BoxesCodec(column="boxes", frame=Frame((8, 8), "crop"))
    with pytest.raises(DataError, match="must have one height and width"):
        TableSource({**columns, "c": (other, other.encode(table))}, np.arange(3), Batching(batch_size=2))


@pytest.mark.parametrize(("num_classes", "void"), [(3, 255), (255, 255), (256, 65535)])
def test_void_is_what_segmentation_leaves_out_unless_a_class_has_its_number(num_classes: int, void: int) -> None:
    names = tuple(map(str, range(num_classes)))
    column = Column(name="mask", kind=Kind.MASK, role=Role.TARGET, classes=names)
    masks = {"mask": Dense(np.ones((2, 3, 5), dtype=np.uint16))}
    table = Table(name="t", schema=Schema((column,)), columns=masks, splits={})
    codec = MaskCodec.fit(table, np.arange(2), column="mask", frame=Frame((5, 5), "pad"))
    assert (codec.void, set(codec.encode(table).gather(np.arange(2)).unique().tolist())) == (void, {1, void})
