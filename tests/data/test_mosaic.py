"""Mosaic and scale jitter move pictures, masks and boxes alike, as functions of (seed, epoch, row)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from derin.core.errors import DataError
from derin.data.augment import Augmentation
from derin.data.augment.mosaic import Mosaic
from derin.data.columns import ColumnsPreparation
from derin.data.preparation import Batching
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.source import TableSource
from derin.data.table import Boxes, Dense, Table

SIZE, NUM = 48, 11


def squares() -> Table:
    """Each picture is black with one rectangle of its own gray; mask and box say where it is."""
    draw = np.random.default_rng(2)
    pictures = np.zeros((NUM, SIZE, SIZE, 1), dtype=np.uint8)
    masks = np.zeros((NUM, SIZE, SIZE), dtype=np.uint8)
    corners = []
    for row in range(NUM):
        left, top = (int(v) for v in draw.integers(4, 20, 2))
        right, bottom = left + int(draw.integers(10, 22)), top + int(draw.integers(10, 22))
        pictures[row, top:bottom, left:right] = 20 * (row + 1)
        masks[row, top:bottom, left:right] = row + 1
        corners.append((left, top, right, bottom))
    frames = np.full((NUM, 2), SIZE, dtype=np.int64)
    boxes = Boxes(np.array(corners, np.float32), np.arange(1, NUM + 1), np.arange(NUM + 1), frames)
    names = tuple("abcdefghijklmnop"[: NUM + 1])
    schema = Schema((
        Column(name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=(SIZE, SIZE, 1)),
        Column(name="mask", kind=Kind.MASK, role=Role.TARGET, shape=(SIZE, SIZE), classes=names),
        Column(name="boxes", kind=Kind.BOXES, role=Role.TARGET, shape=(-1, 4), classes=names),
    ))  # fmt: skip
    columns = {"picture": Dense(pictures), "mask": Dense(masks), "boxes": boxes}
    return Table(name="squares", schema=schema, columns=columns, splits={"train": np.arange(NUM)})


def source(table: Table, augmentation: str, batch_size: int) -> TableSource:
    rows = np.arange(len(table))
    preparation = ColumnsPreparation.fit(table, rows, size=SIZE)
    batching = Batching(batch_size=batch_size, shuffle=True, seed=3, augmentation=Augmentation.parse(augmentation))
    encoded = preparation.encode_table(table)
    return preparation.source(encoded, {}, rows, input_name="input", batching=batching)


@pytest.mark.parametrize(
    "augmentation", ["mosaic", "mosaic=0.5,flip,jitter=0.5", "jitter", "mosaic,rotate=20,shift=0.2"]
)
def test_box_mask_and_picture_of_a_thing_agree(augmentation: str) -> None:
    seen = 0
    for batch in source(squares(), augmentation, 4).batches(epoch=1):
        for number, (mask, found) in enumerate(zip(batch["mask"].numpy(), batch["boxes"])):
            corners, classes = found["corners"].numpy(), found["classes"].tolist()
            assert len(set(classes)) == len(classes)
            for box, label in zip(corners, classes):
                ys, xs = np.nonzero(mask == label)
                inside = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
                if "rotate" not in augmentation:
                    # Of nearest pixels the extent lies within one pixel of the box.
                    assert np.abs(inside - box).max() <= 1.01
                assert (inside[:2] >= box[:2] - 1.01).all()
                assert (inside[2:] <= box[2:] + 1.01).all()
                seen += 1
            # What has no box is seen by less than a quarter.
            for label in set(np.unique(mask).tolist()) - {0, 255, *classes}:
                assert (mask == label).sum() <= 0.25 * 22 * 22 * 2.3**2
            pixels = batch["input"][number, 0].numpy()
            middle = (mask == 255) | (mask == 0)
            eroded = ~middle & (np.roll(mask, 1, 0) == mask) & (np.roll(mask, -1, 0) == mask)
            eroded &= (np.roll(mask, 1, 1) == mask) & (np.roll(mask, -1, 1) == mask)
            assert len(np.unique(mask[eroded])) == 0 or _gray_is_of_its_class(pixels, mask, eroded)
    assert seen >= NUM


def _gray_is_of_its_class(pixels: np.ndarray, mask: np.ndarray, where: np.ndarray) -> bool:
    """Within a thing all pixels have one gray, and of two things that with the larger class is brighter."""
    grays = [np.median(pixels[where & (mask == label)]) for label in np.unique(mask[where])]
    return bool((np.diff(grays) > 0).all())


def test_a_row_depends_on_the_order_and_on_no_batch_size() -> None:
    wholes = []
    for size in (2, 5):
        pictures, corners = [], []
        for batch in source(squares(), "mosaic=0.7,jitter,flip", size).batches(epoch=2):
            pictures.append(batch["input"])
            corners += [found["corners"] for found in batch["boxes"]]
        wholes.append((torch.cat(pictures), torch.cat(corners)))
    assert torch.equal(wholes[0][0], wholes[1][0])
    assert torch.equal(wholes[0][1], wholes[1][1])
    entered = source(squares(), "mosaic=0.7,jitter,flip", 2).batches(epoch=2, from_step=3)
    assert torch.equal(next(entered)["input"], wholes[0][0][6:8])


def test_a_mosaic_of_halves_shows_every_fourth_pixel_mean() -> None:
    # At scale 1/2 with the middle in the middle, a bilinear value is the mean of four pixels: an oracle in NumPy.
    from derin.data.augment.geometry import move

    pictures = torch.from_numpy(np.random.default_rng(1).uniform(0, 255, (4, 1, 8, 8)).astype(np.float32))
    mosaic = Mosaic.drawn(1.0, np.array([[0.0, 0.5, 0.5, 0.0]]), (8, 8))
    moved = [move(pictures[n : n + 1], geometry, "zero") for n, geometry in enumerate(mosaic.geometries)]
    whole = mosaic.joined(moved, 0)[0, 0].numpy()
    means = pictures.numpy()[:, 0].reshape(4, 4, 2, 4, 2).mean(axis=(2, 4))
    wanted = np.concatenate([np.concatenate(means[:2], axis=1), np.concatenate(means[2:], axis=1)])
    assert np.allclose(whole, wanted, atol=1e-3)  # float32 places of grid_sample


def test_jitter_takes_any_part_or_lies_anywhere_and_its_sizes_are_symmetric() -> None:
    augmentation = Augmentation(jitter=1.0)
    numbers = torch.from_numpy(np.random.default_rng(0).uniform(size=(4000, 3)))
    moved = augmentation.geometry(numbers, (60, 90)).moved(np.tile([[[0.0, 0], [90, 60]]], (4000, 1, 1)))
    scales = (moved[:, 1, 0] - moved[:, 0, 0]) / 90
    assert 0.5 <= scales.min() < 0.51
    assert 1.98 < scales.max() <= 2
    assert abs(np.median(scales) - 1) < 0.03  # as often larger as smaller
    small, large = moved[scales < 1], moved[scales > 1]
    assert (small[:, 0] >= -1e-9).all()
    assert (small[:, 1] <= np.array([90, 60]) + 1e-9).all()
    assert (large[:, 0] <= 1e-9).all()
    assert (large[:, 1] >= np.array([90, 60]) - 1e-9).all()


def test_what_belongs_to_one_picture_cannot_be_joined() -> None:
    table = squares()
    schema = Schema((table.schema["picture"], Column(name="y", kind=Kind.NUMBER, role=Role.TARGET)))
    plain = Table(name="t", schema=schema, columns={"picture": table["picture"], "y": Dense(np.zeros(NUM))}, splits={})
    rows = np.arange(NUM)
    preparation = ColumnsPreparation.fit(plain, rows, size=SIZE)
    batching = Batching(batch_size=4, augmentation=Augmentation(mosaic=1))
    targets = {"target": np.zeros(NUM, dtype=np.float32)}
    made = preparation.source(preparation.encode_table(plain), targets, rows, input_name="input", batching=batching)
    with pytest.raises(DataError, match="mosaic joins pictures, masks and boxes"):
        next(made.batches(0))
