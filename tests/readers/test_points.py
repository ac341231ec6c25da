"""Points in every form that people have them, and which of them are left and right of each other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import derin
from derin.core.errors import DataError, UsageError
from derin.data.table import Points
from derin.readers.annotations.mirroring import mirror_pairs

NAMES = ("nose", "left_eye", "right_eye")
# x, y and whether it is known, of each point of four pictures of 30 × 40 pixels.
TRUTH = np.random.default_rng(3).integers(1, 29, (4, 3, 2)).astype(float)
SEEN = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1], [1, 1, 1]], dtype=bool)


def write_csv(folder: Path) -> None:
    lines = ["file," + ",".join(f"{name}_{axis}" for name in NAMES for axis in "xy")]
    for number in range(4):
        cells = [f"{v:g}" if seen else "" for place, seen in zip(TRUTH[number], SEEN[number]) for v in place]
        lines.append(",".join([f"{number}.png", *cells]))
    (folder / "points.csv").write_text("\n".join(lines))


def write_coco(folder: Path) -> None:
    def marks(number: int) -> list[float]:
        flagged = np.concatenate([TRUTH[number] * SEEN[number][:, None], 2.0 * SEEN[number][:, None]], axis=1)
        return [float(value) for value in flagged.reshape(-1)]

    document = {
        "images": [{"id": n, "file_name": f"{n}.png", "width": 40, "height": 30} for n in range(4)],
        "categories": [{"id": 1, "name": "person", "keypoints": NAMES}],
        "annotations": [
            # A smaller person stands beside in each picture.
            *({"image_id": n, "category_id": 1, "bbox": [0, 0, 2, 2], "keypoints": [1, 1, 2] * 3} for n in range(4)),
            *({"image_id": n, "category_id": 1, "bbox": [0, 0, 30, 30], "keypoints": marks(n)} for n in range(4)),
        ],
    }
    (folder / "person_keypoints.json").write_text(json.dumps(document))


def write_pts(folder: Path) -> None:
    SEEN[:] = True  # the form knows no hidden points
    for number in range(4):
        lines = "\n".join(f"{x + 1} {y + 1}" for x, y in TRUTH[number])
        (folder / f"{number}.pts").write_text(f"version: 1\nn_points: 3\n{{\n{lines}\n}}\n")


FORMS: dict[str, Callable[[Path], None]] = {"csv": write_csv, "coco": write_coco, "pts": write_pts}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_one_truth_is_the_same_points(form: str, tmp_path: Path) -> None:
    for number in range(4):
        Image.new("RGB", (40, 30), (number, 0, 0)).save(tmp_path / f"{number}.png")
    FORMS[form](tmp_path)
    table = derin.load(tmp_path, task="landmarks" if form == "coco" else None, cut=False)
    assert table.task == "landmarks"
    points = table["points"]
    assert isinstance(points, Points)
    assert np.array_equal(points.visible, SEEN)
    assert np.array_equal(points.places, np.where(SEEN[..., None], TRUTH, 0))
    named = form != "pts"
    assert table.target().classes == (NAMES if named else ("0", "1", "2"))
    assert points.pairs == (((1, 2),) if named else ())


def test_pairs_are_said_or_follow_the_training_data(tmp_path: Path) -> None:
    for number in range(4):
        Image.new("RGB", (40, 30), (number, 0, 0)).save(tmp_path / f"{number}.png")
    write_csv(tmp_path)
    for said, pairs in (("0-2", ((0, 2),)), ("none", ())):
        table = derin.load(tmp_path, task="landmarks", reader_options={"pairs": said}, cut=False)
        assert table["points"].pairs == pairs  # type: ignore[attr-defined]
        again = derin.load(tmp_path, recipe=table.recipe, cut=False)
        assert again["points"].pairs == pairs  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="different points from 0 to 2"):
        derin.load(tmp_path, task="landmarks", reader_options={"pairs": "0-3"})
    (tmp_path / "points.csv").write_text("file,a_x,a_y,b_x,b_y\n0.png,1,2,3,4\n")
    with pytest.raises(DataError, match="3 points as the training data has"):
        derin.load(tmp_path, recipe=table.recipe)


def test_a_mean_shape_that_mirrors_itself_tells_pairs_and_another_tells_none() -> None:
    draw = np.random.default_rng(5)
    half = np.array([[3.0, 1], [7, 4], [2, 9], [5, 12]])
    face = np.concatenate([half, half * [-1, 1], [[0, 2], [0, 10]]])
    order = draw.permutation(len(face))
    shapes = face[order] * draw.uniform(1, 5, (200, 1, 1)) + draw.normal(0, 0.3, (200, len(face), 2)) + [90, 40]
    seen = np.ones(shapes.shape[:2], dtype=bool)
    place = {int(original): number for number, original in enumerate(order)}
    wanted = {tuple(sorted((place[number], place[number + 4]))) for number in range(4)}
    assert set(mirror_pairs(shapes, seen)) == wanted
    assert mirror_pairs(shapes + shapes[..., ::-1] * [2, 0], seen) == ()


def test_pictures_of_one_person_stay_in_one_split_and_one_without_points_is_kept(tmp_path: Path) -> None:
    people = ["Ada", "Bo", "Cem", "Di_Ann", "Ece", "Fay", "Gül", "Hal-2", "Ian", "Jo"]
    files = [f"{person}_{number}.png" for person in people for number in range(3)]
    lines = ["file,a_x,a_y,b_x,b_y"]
    for place, name in enumerate(files):
        Image.new("RGB", (40, 30), (place, 0, 0)).save(tmp_path / name)
        lines.append(f"{name},,,," if place == 4 else f"{name},{place},2,20,9")
    (tmp_path / "points.csv").write_text("\n".join(lines))
    table = derin.load(tmp_path)
    assert len(table) == 30
    assert table.row_names is not None
    split_of = {table.row_names[row].rpartition("_")[0]: set() for rows in table.splits.values() for row in rows}
    for split, rows in table.splits.items():
        for row in rows:
            split_of[table.row_names[row].rpartition("_")[0]].add(split)
    assert sorted(split_of) == sorted(people)
    assert all(len(splits) == 1 for splits in split_of.values())
    assert set(table.splits) == {"train", "val", "test"}
    assert any(getattr(note, "key", "") == "reading.subjects" for note in table.report.notes)
    points = table["points"]
    assert isinstance(points, Points)
    empty = table.row_names.index("Bo_1.png")
    assert points.visible.sum(axis=1).tolist() == [0 if row == empty else 2 for row in range(30)]
    apart = derin.load(tmp_path, reader_options={"subjects": "none"})
    assert [column.name for column in apart.schema] == ["picture", "points"]
    with pytest.raises(UsageError, match="subjects can be none"):
        derin.load(tmp_path, reader_options={"subjects": "all"})


def test_one_point_is_read_where_it_is_asked_for_and_a_cell_without_a_number_is_not_seen(tmp_path: Path) -> None:
    lines = ["file,tip_x,tip_y"]
    for number in range(12):
        Image.new("RGB", (40, 30), (number, 0, 0)).save(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,{number},{'?' if number == 4 else 7}")
    (tmp_path / "points.csv").write_text("\n".join(lines))
    table = derin.load(tmp_path, task="landmarks", cut=False)
    points = table["points"]
    assert isinstance(points, Points)
    assert table.target().classes == ("tip",)
    # Of the fifth picture nobody knows that nothing is there.
    assert points.places[:, 0, 0].tolist() == [number for number in range(12) if number != 4]
    assert points.visible.all()
    assert any(getattr(finding.reason, "key", "") == "reading.points_unreadable" for finding in table.report.findings)
