"""Outlines of annotation tools become masks: pixel for pixel those of the COCO API, and over each other by one rule."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_masks

from derin.core.errors import DataError, UsageError
from derin.data.recipe import ReadOptions
from derin.data.table import Table
from derin.readers.annotations.rasters import Region, polygon_region, run_pixels
from derin.readers.masks import read_masks

# pycocotools decodes in a way that NumPy will refuse one day.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

VOID = 255
HEIGHT, WIDTH = 30, 40


def laid(region: Region, size: tuple[int, int]) -> np.ndarray:
    whole = np.zeros(size, dtype=bool)
    whole[region.places] = region.pixels
    return whole


def test_polygons_and_runs_are_the_pixels_of_the_coco_api() -> None:
    random = np.random.default_rng(0)
    for trial in range(400):
        size = tuple(random.integers(1, 60, 2).tolist())
        corners = random.uniform(-8, 70, (int(random.integers(3, 12)), 2))
        if trial % 3 == 0:
            corners = np.rint(corners)  # on the edges of pixels
        if trial % 5 == 0:
            corners = np.repeat(corners, 2, axis=0)
        runs = coco_masks.frPyObjects([corners.reshape(-1).tolist()], *size)[0]
        expected = coco_masks.decode(runs).astype(bool)
        assert np.array_equal(laid(polygon_region(corners, size), size), expected), (corners, size)
        found = run_pixels({"size": list(size), "counts": runs["counts"].decode()})
        assert found is not None
        assert np.array_equal(found, expected)


@pytest.mark.parametrize(
    "runs",
    [
        {"size": [2, 3], "counts": [1, 2]},  # too few
        {"size": [2, 3], "counts": [7, -1]},
        {"size": [0, 3], "counts": []},
        {"size": [2, 3], "counts": "1§"},
        {"size": [2, 3], "counts": "1o"},  # ends within a number
        {"size": [1 << 20, 1 << 20], "counts": [1 << 40]},  # a trillion pixels
    ],
)
def test_runs_that_cannot_be_are_none(runs: dict) -> None:
    assert run_pixels(runs) is None


def square(left: int, top: int, side: int) -> list[list[float]]:
    right, bottom = left + side, top + side
    return [[left, top, right, top, right, bottom, left, bottom]]


def coco(folder: Path, things: list[dict], *, size: tuple[int, int] = (HEIGHT, WIDTH), exif: int = 1) -> Path:
    """One picture with these things, of classes 1 to 3."""
    folder.mkdir(parents=True, exist_ok=True)
    picture = Image.new("RGB", (WIDTH, HEIGHT))
    told = picture.getexif()
    told[274] = exif
    picture.save(folder / "a.jpg", exif=told)
    marks = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": size[0], "width": size[1]}],
        "categories": [{"id": place, "name": name} for place, name in enumerate(("cat", "dog", "cow"), start=1)],
        "annotations": [{"id": n, "image_id": 1, "iscrowd": 0, **thing} for n, thing in enumerate(things)],
    }
    (folder / "marks.json").write_text(json.dumps(marks))
    return folder


def mask_of(table: Table) -> np.ndarray:
    return table["mask"].take(np.array([0]))[0]


def test_the_smaller_thing_lies_on_top_and_what_is_not_known_is_void_below_all(tmp_path: Path) -> None:
    crowd = coco_masks.encode(np.asfortranarray(np.eye(HEIGHT, WIDTH, dtype=np.uint8)))
    things = [
        {"category_id": 2, "segmentation": square(12, 12, 5)},  # drawn over the next, which is larger
        {"category_id": 1, "segmentation": square(10, 10, 15)},
        {"category_id": 1, "iscrowd": 1, "bbox": [0, 0, 30, 30],
         "segmentation": {"size": [HEIGHT, WIDTH], "counts": crowd["counts"].decode()}},
        {"category_id": 3, "bbox": [30, 2, 6, 3]},  # a box alone
    ]  # fmt: skip
    table = read_masks(coco(tmp_path / "a", things), name="a")
    expected = np.where(np.eye(HEIGHT, WIDTH, dtype=bool), VOID, 0)
    expected[2:5, 30:36] = VOID
    expected[10:25, 10:25] = 1
    expected[12:17, 12:17] = 2
    assert table.target().classes == ("background", "cat", "dog", "cow")
    assert np.array_equal(mask_of(table), expected)
    said = " ".join(finding.reason for finding in table.report.findings)
    assert "crowd" in said
    assert "by a box alone" in said


@pytest.mark.parametrize("exif", range(1, 9))
def test_outlines_and_runs_follow_the_picture_that_exif_turns(exif: int, tmp_path: Path) -> None:
    drawn = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    drawn[4:9, 6:26] = 1
    runs = coco_masks.encode(np.asfortranarray(drawn))
    polygon = [[6, 4, 26, 4, 26, 9, 6, 9]]
    for place, outline in enumerate((polygon, {"size": [HEIGHT, WIDTH], "counts": runs["counts"].decode()})):
        things = [{"category_id": 1, "bbox": [6, 4, 20, 5], "segmentation": outline}]
        folder = coco(tmp_path / str(place), things, exif=exif)
        table = read_masks(folder, name="a", exif="stored")
        told = Image.fromarray(drawn).getexif()
        told[274] = exif
        stored = Image.fromarray(drawn)
        turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # Pillow's transpositions, as its exif_transpose has them
        upright = stored if exif == 1 else stored.transpose(Image.Transpose(turns[exif]))
        assert np.array_equal(mask_of(table), np.asarray(upright)), (exif, place)


def test_outlines_of_a_picture_of_another_size_are_scaled(tmp_path: Path) -> None:
    runs = coco_masks.encode(np.asfortranarray(np.pad(np.ones((20, 20), np.uint8), ((20, 20), (40, 20)))))
    things = [
        {"category_id": 1, "segmentation": square(20, 20, 10)},
        {"category_id": 2, "bbox": [40, 20, 20, 20],
         "segmentation": {"size": [2 * HEIGHT, 2 * WIDTH], "counts": runs["counts"].decode()}},
    ]  # fmt: skip
    table = read_masks(coco(tmp_path / "a", things, size=(2 * HEIGHT, 2 * WIDTH)), name="a")
    expected = np.zeros((HEIGHT, WIDTH))
    expected[10:15, 10:15] = 1
    expected[10:20, 20:30] = 2
    assert np.array_equal(mask_of(table), expected)


def test_other_tools_say_the_same_as_coco(tmp_path: Path) -> None:
    corners = [[6.0, 4.0], [26.5, 8.0], [14.0, 21.0]]
    flat = [value for corner in corners for value in corner]
    things = [{"category_id": 1, "segmentation": [flat]}]
    expected = mask_of(read_masks(coco(tmp_path / "coco", things), name="a"))
    for name in ("via", "yolo"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / name / "a.jpg")
    shape = {"name": "polygon", "all_points_x": [x for x, _ in corners], "all_points_y": [y for _, y in corners]}
    region = {"shape_attributes": shape, "region_attributes": {"class": "cat"}}
    (tmp_path / "via/marks.json").write_text(json.dumps({"a.jpg1": {"filename": "a.jpg", "regions": [region]}}))
    shares = [value / side for corner in corners for value, side in zip(corner, (WIDTH, HEIGHT))]
    (tmp_path / "yolo/a.txt").write_text(" ".join(map(repr, [0, *shares])))
    (tmp_path / "yolo/classes.txt").write_text("cat\ndog\n")
    for name in ("via", "yolo"):
        table = read_masks(tmp_path / name, name=name)
        assert table.target().classes[:2] == ("background", "cat")
        assert np.array_equal(mask_of(table), expected), name


def test_other_data_has_the_classes_of_the_first_and_void_where_it_names_others(tmp_path: Path) -> None:
    first = read_masks(coco(tmp_path / "a", [{"category_id": 2, "segmentation": square(5, 5, 6)}]), name="a")
    folder = coco(tmp_path / "b", [{"category_id": 3, "segmentation": square(5, 5, 6)}])
    path = folder / "marks.json"
    marks = json.loads(path.read_text())
    marks["categories"] = [{"id": 3, "name": "horse"}, {"id": 1, "name": "cow"}]
    marks["annotations"].append({"id": 9, "image_id": 1, "category_id": 1, "segmentation": square(20, 5, 6)})
    path.write_text(json.dumps(marks))
    assert first.recipe is not None
    table = read_masks(path, name="b", options=ReadOptions(found=first.recipe.found))
    expected = np.zeros((HEIGHT, WIDTH))
    expected[5:11, 5:11] = VOID
    expected[5:11, 20:26] = 3
    assert table.target().classes == ("background", "cat", "dog", "cow")
    assert np.array_equal(mask_of(table), expected)
    # Files of masks follow too: what was written of the first is the same again.
    (tmp_path / "c/masks").mkdir(parents=True)
    (tmp_path / "c/images").mkdir()
    Image.fromarray(mask_of(first)).save(tmp_path / "c/masks/a.png")
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "c/images/a.jpg")
    again = read_masks(tmp_path / "c", name="c", options=ReadOptions(found=first.recipe.found))
    assert np.array_equal(mask_of(again), mask_of(first))


def test_boxes_alone_and_settings_of_mask_files_are_refused(tmp_path: Path) -> None:
    folder = coco(tmp_path / "a", [{"category_id": 1, "bbox": [1, 1, 5, 5]}])
    with pytest.raises(DataError, match="at least one outline that can be read is required"):
        read_masks(folder, name="a")
    with pytest.raises(UsageError, match="instances are of files of masks"):
        read_masks(folder, name="a", instances="cat")
