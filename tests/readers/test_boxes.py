"""Boxes in every form that people have them: one truth, read to the same table; what is odd is named and counted."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import derin
from derin.core.errors import DataError, UnknownNameError, UsageError
from derin.data.table import Boxes, Table

# (file, height, width, split, [(class, left, top, right, bottom)]), in whole pixels.
Truth = list[tuple[str, int, int, str, list[tuple[str, int, int, int, int]]]]
CLASSES = ("cell", "plate", "dot")


def truth(seed: int = 0) -> Truth:
    draw = np.random.default_rng(seed)
    found: Truth = []
    for number in range(7):
        height, width = (int(side) for side in draw.integers(30, 70, 2))
        boxes = []
        for _ in range(int(draw.integers(0, 4)) if number else 3):
            left, top = int(draw.integers(0, width - 9)), int(draw.integers(0, height - 9))
            right, bottom = int(draw.integers(left + 2, width + 1)), int(draw.integers(top + 2, height + 1))
            boxes.append((CLASSES[int(draw.integers(0, 3))], left, top, right, bottom))
        if not number:
            boxes[0] = ("cell", 0, 0, 9, 11)  # at the edge, which tells from where pixels count
            boxes[1], boxes[2] = ("plate", *boxes[1][1:]), ("dot", *boxes[2][1:])
        found.append((f"p{number}.jpg", height, width, "val" if number in (2, 5) else "train", boxes))
    return found


def draw_pictures(folder: Path, pictures: Truth, place: str) -> None:
    for name, height, width, split, _ in pictures:
        path = folder / place.format(split=split) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(len(name) + height).integers(0, 255, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path, quality=95)


def voc_xml(name: str, size: tuple[int, int] | None, boxes: list[tuple[object, ...]], extra: str = "") -> str:
    things = "".join(
        f"<object><name>{label}</name>{extra}<bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax>"
        "</bndbox></object>"
        for label, a, b, c, d in boxes
    )
    told = "" if size is None else f"<size><width>{size[1]}</width><height>{size[0]}</height><depth>3</depth></size>"
    return f"<annotation><filename>{name}</filename>{told}{things}</annotation>"


def write_voc(folder: Path, pictures: Truth) -> None:
    draw_pictures(folder, pictures, "JPEGImages")
    (folder / "Annotations").mkdir()
    (folder / "ImageSets/Main").mkdir(parents=True)
    lists: dict[str, list[str]] = {"train": [], "val": []}
    for name, height, width, split, boxes in pictures:
        stem = name.removesuffix(".jpg")
        from_one = [(label, a + 1, b + 1, c, d) for label, a, b, c, d in boxes]
        (folder / f"Annotations/{stem}.xml").write_text(voc_xml(name, (height, width), from_one))
        lists[split].append(stem)
    for split, stems in lists.items():
        (folder / f"ImageSets/Main/{split}.txt").write_text("\n".join(stems) + "\n")
    (folder / "ImageSets/Main/trainval.txt").write_text("\n".join(lists["train"] + lists["val"]))


def write_coco(folder: Path, pictures: Truth) -> None:
    draw_pictures(folder, pictures, "images/{split}2017")
    (folder / "annotations").mkdir()
    for split in ("train", "val"):
        numbers = {name: 100 + place for place, (name, *_) in enumerate(pictures)}
        document = {
            "images": [
                {"id": numbers[name], "file_name": name, "height": height, "width": width}
                for name, height, width, own, _ in pictures
                if own == split
            ],
            "annotations": [
                {"id": 1, "image_id": numbers[name], "category_id": 3 * CLASSES.index(label) + 1, "iscrowd": 0,
                 "bbox": [a, b, c - a, d - b], "segmentation": [[a, b, c, b, c, d, a, d]]}
                for name, _, _, own, boxes in pictures if own == split for label, a, b, c, d in boxes
            ],
            "categories": [{"id": 3 * place + 1, "name": label} for place, label in enumerate(CLASSES)],
        }  # fmt: skip
        (folder / f"annotations/instances_{split}2017.json").write_text(json.dumps(document))


def write_yolo(folder: Path, pictures: Truth) -> None:
    draw_pictures(folder, pictures, "images/{split}")
    for name, height, width, split, boxes in pictures:
        path = folder / f"labels/{split}/{name.removesuffix('.jpg')}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            f"{CLASSES.index(label)} {(a + c) / 2 / width:.9f} {(b + d) / 2 / height:.9f} {(c - a) / width:.9f} "
            f"{(d - b) / height:.9f}"
            for label, a, b, c, d in boxes
        ]
        path.write_text("\n".join(lines))
    (folder / "data.yaml").write_text("train: ../images/train\nval: images/val\nnames: [cell, plate, dot]\n")


def write_yolo_outlines(folder: Path, pictures: Truth) -> None:
    """With everything in two folders, and splits in the file of settings alone."""
    for name, height, width, split, boxes in pictures:
        draw_pictures(folder, [(name, height, width, split, boxes)], f"part{'AB'[split == 'val']}")
        lines = [
            " ".join([str(CLASSES.index(label)), *(f"{value:.9f}" for value in
                     (a / width, b / height, c / width, b / height, c / width, d / height, a / width, d / height))])
            for label, a, b, c, d in boxes
        ]  # fmt: skip
        (folder / f"part{'AB'[split == 'val']}" / name.replace(".jpg", ".txt")).write_text("\n".join(lines))
    (folder / "set.yaml").write_text("train: partA\nval: partB\nnames: {0: cell, 1: plate, 2: dot}\n")


def write_via(folder: Path, pictures: Truth) -> None:
    draw_pictures(folder, pictures, "{split}")
    for split in ("train", "val"):
        document = {}
        for name, _, _, own, boxes in pictures:
            rects = [
                {"shape_attributes": {"name": "rect", "x": a, "y": b, "width": c - a, "height": d - b},
                 "region_attributes": {"remark": "", "class": label}}
                for label, a, b, c, d in boxes
            ]  # fmt: skip
            if own == split:
                document[f"{name}7"] = {"filename": name, "size": 7, "regions": rects, "file_attributes": {}}
        (folder / f"{split}/via.json").write_text(json.dumps({"_via_settings": {}, "_via_img_metadata": document}))


def write_via_csv(folder: Path, pictures: Truth) -> None:
    draw_pictures(folder, pictures, "{split}")
    with (folder / "via.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["filename", "file_size", "region_count", "region_id", "region_shape_attributes", "region_attributes"]
        )
        for name, _, _, _, boxes in pictures:
            for number, (label, a, b, c, d) in enumerate(boxes):
                polygon = {"name": "polygon", "all_points_x": [a, c, c], "all_points_y": [b, b, d]}
                writer.writerow([name, 9, len(boxes), number, json.dumps(polygon), json.dumps({"type": {label: True}})])
            if not boxes:
                writer.writerow([name, 9, 0, 0, "{}", "{}"])


def table_writer(
    header: str | None, row: Callable[[str, int, int, str, int, int, int, int], list[object]], place: str = "{split}"
) -> Callable[[Path, Truth], None]:
    def write(folder: Path, pictures: Truth) -> None:
        draw_pictures(folder, pictures, place)
        with (folder / "boxes.csv").open("w", newline="") as file:
            writer = csv.writer(file, delimiter=";" if header and ";" in header else ",")
            if header:
                writer.writerow(header.replace(";", ",").split(","))
            for name, height, width, _, boxes in pictures:
                for label, a, b, c, d in boxes:
                    writer.writerow([name, *row(label, height, width, name, a, b, c, d)])

    return write


FORMS: dict[str, Callable[[Path, Truth], None]] = {
    "voc": write_voc,
    "coco": write_coco,
    "yolo": write_yolo,
    "yolo outlines": write_yolo_outlines,
    "via": write_via,
    "via csv": write_via_csv,
    "csv of corners": table_writer(
        "filename,width,height,class,xmin,ymin,xmax,ymax", lambda label, h, w, _, a, b, c, d: [w, h, label, a, b, c, d]
    ),
    "csv of shares": table_writer(
        "ImageID;XMin;XMax;YMin;YMax;LabelName",
        lambda label, h, w, _, a, b, c, d: [f"{v:.9f}" for v in (a / w, c / w, b / h, d / h)] + [label],
    ),
    "csv of widths": table_writer(
        "image_id,width,height,bbox,label",
        lambda label, h, w, _, a, b, c, d: [w, h, f"[{a}, {b}, {c - a}, {d - b}]", label],
    ),
    "csv without header": table_writer(None, lambda label, h, w, _, a, b, c, d: [a, b, c, d, label]),
}


def as_told(table: Table) -> dict[str, tuple[str, list[tuple[str, float, ...]]]]:  # type: ignore[valid-type]
    """The boxes of a table by the names of its pictures, with their classes' names and splits."""
    boxes, classes = table["boxes"], table.schema["boxes"].classes
    assert isinstance(boxes, Boxes)
    assert classes is not None
    assert table.row_names is not None
    splits = {row: split for split, rows in table.splits.items() for row in rows.tolist()}
    found = {}
    for row, name in enumerate(table.row_names):
        part = boxes.take(np.array([row]))
        things = [(classes[number], *corners) for number, corners in zip(part.classes, part.corners.tolist())]
        found[Path(name).name] = splits[row], sorted(things)
    return found


@pytest.mark.parametrize("packed", ["folder", "zip", "gztar"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_one_truth_is_the_same_table(form: str, packed: str, tmp_path: Path) -> None:
    pictures = truth()
    (tmp_path / "set").mkdir()
    FORMS[form](tmp_path / "set", pictures)
    source = tmp_path / "set"
    if packed != "folder":
        source = Path(shutil.make_archive(str(tmp_path / "packed"), packed, tmp_path, "set"))
    # Folders called partA and partB could be classes.
    table = derin.load(source, task="detection" if form == "yolo outlines" else None)
    assert table.task == "detection"
    assert set(table.schema["boxes"].classes or ()) == set(CLASSES)
    wanted = {
        name: (split, sorted((label, *map(float, corners)) for label, *corners in boxes))
        for name, _, _, split, boxes in pictures
    }
    assert as_told(table) == wanted
    frames = table["boxes"].frames  # type: ignore[attr-defined]
    assert {tuple(frame) for frame in frames.tolist()} == {(height, width) for _, height, width, _, _ in pictures}


def summary(table: Table) -> dict[str, int]:
    """How often each thing was said, by the key of its sentence."""
    counted: dict[str, int] = {}
    for finding in table.report.findings:
        key = finding.reason.key.removeprefix("reading.")  # type: ignore[attr-defined]
        counted[key] = counted.get(key, 0) + finding.count
    return counted


def test_what_is_odd_in_boxes_is_named_and_counted(tmp_path: Path) -> None:
    odd: dict[str, tuple[str | None, tuple[int, int] | None, list[tuple[object, ...]], str]] = {
        "1": ("1.png", (40, 60), [("a", 5, 5, 70, 20), ("a", 30, 30, 10, 10), ("a", 5, 5, 5, 20)], ""),
        "2": ("2.png", None, [("", 1, 2, 9, 9), ("b", 100, 100, 120, 120), ("b", "x", 1, 2, 3)], ""),
        "3": ("3.png", (20, 30), [("a", 1, 1, 10, 10), ("a", 1, 1, 10, 10)], ""),  # half its size
        "4": ("4.png", (77, 60), [("a", 0, 1, 10, 10)], "<difficult>1</difficult>"),
        "gone": (None, (40, 60), [("a", 1, 2, 3, 4)], ""),
        "empty": ("empty.png", (40, 60), [], ""),
    }
    for stem, (picture, size, boxes, extra) in odd.items():
        (tmp_path / f"{stem}.xml").write_text(voc_xml(f"{stem}.png", size, boxes, extra))
        if picture:
            Image.new("RGB", (60, 40), (9, 99, 200)).save(tmp_path / picture)
    Image.new("RGB", (60, 40)).save(tmp_path / "alone.png")
    (tmp_path / "bad.xml").write_text("<annotation><object>")
    (tmp_path / "bomb.xml").write_text('<!DOCTYPE a [<!ENTITY b "cccc">]><annotation>&b;</annotation>')
    table = derin.load(tmp_path, cut=False)
    assert summary(table) == {
        "annotation_refused": 2,
        "box_without_numbers": 1,
        "picture_absent": 1,
        "unannotated": 1,
        "nothing_marked": 1,
        "box_clipped": 1,
        "corners_swapped": 1,
        "box_without_area": 1,
        "box_outside": 1,
        "box_unnamed": 1,
        "size_scaled": 1,
        "size_wrong": 1,
        "box_twice": 1,
        "box_difficult": 1,
    }
    rows = {name: boxes for name, (_, boxes) in as_told(table.with_splits({"train": np.arange(len(table))})).items()}
    assert rows == {
        "1.png": [("a", 5.0, 5.0, 60.0, 20.0), ("a", 10.0, 10.0, 30.0, 30.0)],
        "2.png": [("unnamed", 1.0, 2.0, 9.0, 9.0)],
        "3.png": [("a", 2.0, 2.0, 20.0, 20.0)],
        "4.png": [("a", 0.0, 1.0, 10.0, 10.0)],
        "empty.png": [],
        "alone.png": [],
    }
    assert table["boxes"].is_crowd.tolist() == [boxes == "4.png" for boxes in ("1", "1", "2", "3", "4.png")]  # type: ignore[attr-defined]
    skipped = derin.load(tmp_path, reader_options={"unannotated": "skip"}, task="detection", cut=False)
    assert len(skipped) == len(table) - 1


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    return found


@pytest.mark.parametrize("convention", ["upright", "stored"])
@pytest.mark.parametrize("told", [True, False], ids=["by the size", "by where boxes fit"])
def test_boxes_of_turned_pictures_follow_the_convention_that_fits(convention: str, told: bool, tmp_path: Path) -> None:
    # A white rectangle in each picture is where its box is.
    for number in range(1, 9):
        pixels = np.zeros((30, 80, 3), dtype=np.uint8)
        left, top, right, bottom = 50, 4, 78, 14
        pixels[top:bottom, left:right] = 255
        stored = Image.fromarray(pixels)
        stored.save(tmp_path / f"{number}.png", exif=exif(number))
        upright = np.array(_turned(stored, number))
        ys, xs = np.nonzero(upright[..., 0])
        corners = (left, top, right, bottom)
        size = (30, 80)
        if convention == "upright":
            corners = (int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)
            size = upright.shape[:2]
        (tmp_path / f"{number}.xml").write_text(voc_xml("", size if told else None, [("a", *corners)]))
    table = derin.load(tmp_path, cut=False, reader_options={"first_pixel": 0}, task="detection")
    boxes = table["boxes"]
    assert isinstance(boxes, Boxes)
    assert table.row_names is not None
    for row, name in enumerate(table.row_names):
        with Image.open(tmp_path / name) as image:
            upright = np.array(_turned(image, int(name[0])))
        ys, xs = np.nonzero(upright[..., 0])
        inside = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
        assert boxes.take(np.array([row])).corners.tolist() == [inside], name
    assert any(f"reading.exif_{convention}" == getattr(note, "key", "") for note in table.report.notes)


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    """By the letters of the EXIF standard: where the first line and the first column of the file are seen."""
    pixels = np.array(image)
    turned = {1: pixels, 2: pixels[:, ::-1], 3: pixels[::-1, ::-1], 4: pixels[::-1], 5: pixels.transpose(1, 0, 2),
              6: pixels[::-1].transpose(1, 0, 2), 7: pixels[::-1, ::-1].transpose(1, 0, 2),
              8: pixels[:, ::-1].transpose(1, 0, 2)}  # fmt: skip
    return Image.fromarray(np.ascontiguousarray(turned[orientation]))


def test_eval_data_follows_the_classes_of_the_training_data(tmp_path: Path) -> None:
    pictures = truth()
    write_coco(tmp_path / "train", pictures)
    recipe = derin.load(tmp_path / "train").recipe
    other = [
        (name, h, w, s, [("new" if label == "dot" else label, *c) for label, *c in b]) for name, h, w, s, b in pictures
    ]
    write_voc(tmp_path / "other", other)  # type: ignore[arg-type]
    table = derin.load(tmp_path / "other", recipe=recipe)
    assert table.schema["boxes"].classes == CLASSES
    num_new = sum(label == "new" for *_, boxes in other for label, *_ in boxes)
    assert summary(table)["class_not_trained"] == num_new


@pytest.mark.parametrize(
    ("setting", "value"),
    [("first_pixel", 2), ("relative", "maybe"), ("classes", 5), ("order", "yx"), ("form", "xyz"), ("form", 3),
     ("exif", "sideways"), ("unannotated", "maybe"), ("annotations", 7), ("instances", 1)],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(setting: str, value: object, tmp_path: Path) -> None:
    FORMS["csv without header"](tmp_path, truth())
    with pytest.raises((UsageError, UnknownNameError), match=r"must be|no .* named|known"):
        derin.load(tmp_path, task="detection", reader_options={setting: value})


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.xml": "<annotation><object></annotation>"}, "none of them is among"),
        ({"m.json": '{"images": [{"id": 1, "file_name": "b.png"}], "annotations": []}'}, "b.png"),
        ({"m.json": '{"images": [{"id": 1, "file_name": "a.png"}], "annotations": []}'}, "at least one box"),
        ({"m.json": '{"images": ' + "[" * 500 + "]" * 500 + ', "file_name": 1}'}, "pictures that the annotations name"),
        ({"notes.txt": "7"}, "annotations of pictures are required"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(files: dict[str, str], said: str, tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=said):
        derin.load(tmp_path, task="detection")


@pytest.mark.parametrize("where", ["the table", "the folder"])
def test_widths_and_heights_of_what_are_no_pictures_are_a_table_like_any(tmp_path: Path, where: str) -> None:
    rows = [f"part{n},{n}.5,{n % 7},{n % 5 + 1},{n % 3 + 1},{'ab'[n % 2]}" for n in range(40)]
    path = tmp_path / "parts.csv"
    path.write_text("\n".join(["name,x,y,width,height,class", *rows]) + "\n")
    given = path if where == "the table" else tmp_path
    table = derin.load(given)
    assert [column.name for column in table.inputs] == ["x", "y", "width", "height"]
    assert table.target().classes == ("a", "b")
    for n in range(40):
        Image.new("L", (60, 60), n).save(tmp_path / f"part{n}.png")
    assert derin.load(given).target().kind.value == "boxes"
