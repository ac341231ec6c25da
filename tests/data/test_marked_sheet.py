"""Boxes, masks and points drawn over pictures, and how many boxes there are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from derin.data.augment import Augmentation
from derin.data.augment.preview import preview
from derin.data.box_drawing import draw_boxes
from derin.data.box_statistics import box_statistics
from derin.data.marked_sheet import marked_column, marked_sheet
from derin.data.mask_colors import palette
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Boxes, ColumnData, Dense, Points, Table

PIXELS = np.full((3, 100, 160, 3), 90, dtype=np.uint8)
FRAMES = np.full((3, 2), (100, 160), dtype=np.int64)
MARKS: dict[Kind, ColumnData] = {
    Kind.BOXES: Boxes(np.array([[20, 30, 150, 90]], np.float32), np.array([1]), np.array([0, 0, 1, 1]), FRAMES),
    Kind.MASK: Dense(np.pad(np.ones((3, 60, 130), dtype=np.uint8), ((0, 0), (30, 10), (20, 10)))),
    Kind.POINTS: Points(np.full((3, 1, 2), (20, 30), np.float32), np.array([[False], [True], [False]]), FRAMES),
}


def table(kind: Kind) -> Table:
    schema = Schema((
        Column(name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=(100, 160, 3)),
        Column(name="marks", kind=kind, role=Role.TARGET, classes=("a", "b")),
    ))  # fmt: skip
    columns = {"picture": Dense(PIXELS), "marks": MARKS[kind]}
    return Table(name="t", schema=schema, columns=columns, splits={"train": np.array([0, 1]), "val": np.array([2])})


@pytest.mark.parametrize("kind", MARKS)
def test_a_sheet_shows_what_is_marked_in_its_place(kind: Kind) -> None:
    column = marked_column(table(kind))
    assert column is not None
    sheet = np.asarray(marked_sheet(table(kind), column)).astype(int)
    # Pictures of 100 × 160 pixels are drawn twice as large; two stand side by side, in cells of 320 pixels.
    color = palette()[2 if kind is Kind.BOXES else 1 if kind is Kind.MASK else 4].astype(int)
    wanted = np.rint(0.45 * 90 + 0.55 * color) if kind is Kind.MASK else color
    cells = [sheet[44:364, 16 + 328 * place : 336 + 328 * place] for place in range(2)]
    marked = sorted(int((np.abs(cell - wanted).max(axis=2) <= 1).sum()) for cell in cells)
    if kind is Kind.MASK:
        # Smoothing where it is enlarged touches a line of pixels around it.
        assert all(abs(count - 4 * 60 * 130) < 4 * (60 + 130) * 2 for count in marked)
    else:
        assert marked[0] == 0
        assert marked[1] > 10


def test_words_lie_within_the_picture_and_on_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    starts = draw.uniform(0, 150, (25, 2))
    corners = np.concatenate([starts, starts + draw.uniform(3, 40, (25, 2))], axis=1)
    places = []
    from PIL import ImageDraw

    plain = ImageDraw.ImageDraw.rectangle

    def spy(
        self: ImageDraw.ImageDraw, xy: tuple[int, ...], fill: object = None, *rest: object, **named: object
    ) -> None:
        if fill is not None:
            places.append(xy)
        plain(self, xy, fill, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageDraw.ImageDraw, "rectangle", spy)
    draw_boxes(np.zeros((190, 190, 1), dtype=np.uint8), corners, [0] * 25, ["a long word"] * 25)
    assert len(places) > 8
    assert all(a >= 0 and b >= 0 and c <= 190 and d <= 190 for a, b, c, d in places)
    covered = np.zeros((200, 200), dtype=int)
    for a, b, c, d in places:
        covered[b:d, a:c] += 1
    assert covered.max() == 1


def test_boxes_are_counted_by_class_picture_and_size() -> None:
    found = box_statistics(table(Kind.BOXES))
    assert found is not None
    assert found.to_json() == {
        "classes": {"a": {"train": 0, "val": 0}, "b": {"train": 1, "val": 0}},
        "per_picture": {"least": 0, "median": 0.0, "most": 1},
        "empty": {"train": 1, "val": 1},
        "sizes": {"small": 0, "medium": 1, "large": 0},  # 130 × 60 pixels
        "crowds": 0,
    }
    assert box_statistics(table(Kind.MASK)) is None


def test_the_pictures_of_a_sheet_have_the_size_of_their_files(tmp_path: Path) -> None:
    import derin

    (tmp_path / "labels").mkdir()
    for number in range(5):
        Image.new("RGB", (640, 480), (number, 200, 0)).save(tmp_path / f"{number}.png")
        (tmp_path / f"labels/{number}.txt").write_text("0 0.5 0.5 0.25 0.5")
    read = derin.load(tmp_path)
    data = read["picture"]
    assert max(data.take(np.array([3])).shape[1:3]) < 480
    whole = data.origin.read_whole(np.array([3, 1]))  # type: ignore[attr-defined]
    assert [picture.shape for picture in whole] == [(480, 640, 3)] * 2
    assert [int(picture[0, 0, 0]) for picture in whole] == [3, 1]


@pytest.mark.parametrize("kind", MARKS)
def test_a_preview_moves_what_is_marked_with_its_picture(kind: Kind) -> None:
    text = "flip=1" if kind is Kind.POINTS else "flip=1,mosaic=0.01"
    drawn = np.asarray(preview(table(kind), Augmentation.parse(text), num_pictures=2, num_variants=1)).astype(int)
    color = palette()[2 if kind is Kind.BOXES else 1 if kind is Kind.MASK else 4].astype(int)
    wanted = np.rint(0.45 * 90 + 0.55 * color) if kind is Kind.MASK else color
    # Squares of 208 pixels with six between them and six more behind the first: a mirror image of each.
    starts = [18, 18 + 208 + 6 + 12]
    for line in range(2):
        top = 18 + 34 + line * (208 + 6 + 0)
        whole, mirrored = (
            np.abs(drawn[top : top + 208, left : left + 208] - wanted).max(axis=2) <= 2 for left in starts
        )
        # Lines are drawn anew, so that they agree to a pixel: in the means of their places.
        assert whole.sum() == pytest.approx(mirrored.sum(), abs=0.05 * whole.sum() + 8)
        if whole.any():
            assert np.nonzero(whole)[1].mean() == pytest.approx(207 - np.nonzero(mirrored)[1].mean(), abs=1.5)
            assert np.nonzero(whole)[0].mean() == pytest.approx(np.nonzero(mirrored)[0].mean(), abs=1.5)
