"""Pictures with masks, in every form that people have them: what each pixel's class is, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import derin
from derin.core.errors import DataError
from derin.readers.masks import read_masks
from derin.tasks.recipes import recipe

TRUE = np.array([[0] * 10, [1] * 10, [2] * 10, [0] * 10] * 3, dtype=np.uint8)  # 12 × 10


def write(folder: Path, number: int, mask: Image.Image, *, picture: str = "images/{}.jpg", name: str = "masks/{}.png"):
    noise = np.random.default_rng(number).integers(0, 255, (12, 10, 3), dtype=np.uint8)
    for path, image in ((picture.format(number), Image.fromarray(noise)), (name.format(number), mask)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        image.save(folder / path)


def palette(mask: np.ndarray) -> Image.Image:
    image = Image.fromarray(mask).convert("P")
    image.putdata(mask.reshape(-1).tolist())
    image.putpalette([5, 5, 5, 200, 0, 0, 0, 200, 0] + [0] * 759)
    return image


COLORS = np.array([[10, 20, 30], [200, 0, 0], [0, 0, 200]], dtype=np.uint8)
FORMS = {
    "numbers": (Image.fromarray(TRUE), "images/{}.jpg", "masks/{}.png", None),
    "palette": (palette(TRUE), "JPEGImages/{}.jpg", "SegmentationClass/{}.png", None),
    "gif": (palette(TRUE), "a/img/{}.png", "a/labels/{}.gif", None),
    "tiff of 16 bits": (Image.fromarray(TRUE.astype(np.uint16)), "images/{}.bmp", "annotations/{}.tif", None),
    "beside": (Image.fromarray(TRUE), "{}.jpg", "{}_L.png", None),
    "prefixes": (Image.fromarray(TRUE), "images/image_{}.jpg", "masks/mask_{}.png", None),
    "colors": (Image.fromarray(COLORS[TRUE]), "images/{}.jpg", "masks/{}.png", "label_colors.txt"),
}


@pytest.mark.parametrize("form", FORMS)
def test_masks_of_every_form_give_the_same_classes(form: str, tmp_path: Path) -> None:
    mask, picture, name, names = FORMS[form]
    for number in range(4):
        write(tmp_path, number, mask, picture=picture, name=name)
    if names:
        (tmp_path / names).write_text("10 20 30\tsky\n200 0 0\troad\n0 0 200\tcar\n")
    table = read_masks(tmp_path, name="t")
    assert table.task is None or table.task == "segmentation"
    assert table.target().classes == (("sky", "road", "car") if names else ("0", "1", "2"))
    assert np.array_equal(table["mask"].take(np.array([2]))[0], TRUE)


def test_masks_of_one_size_are_learned_in_it_and_larger_ones_in_a_square(tmp_path: Path) -> None:
    for place, (height, width) in enumerate([(180, 240), (300, 400)]):
        folder = tmp_path / str(place)
        for part in ("images", "masks"):
            (folder / part).mkdir(parents=True)
            for number in range(2):
                mask = (np.mgrid[:height, :width][0] > height // 2).astype(np.uint8)
                Image.fromarray(mask).save(folder / part / f"{number}.png")
        shape = (180, 240) if place == 0 else (256, 256)
        table = read_masks(folder, name="t")
        assert table["picture"].values.shape == (2, *shape, 1)
        assert recipe("unet_trunk", table).inputs["size"] == shape
        assert any("brought into" in note for note in table.report.notes) == (place == 1)
        assert table["mask"].take(np.array([0])).shape[1:] == (height, width)


def test_splits_of_folders_are_kept_and_what_is_alone_is_listed(tmp_path: Path) -> None:
    for number, split in enumerate(["train", "train", "valid", "test"]):
        places = {"picture": f"{split}/{{}}.jpg", "name": f"{split}annot/{{}}.png"}
        write(tmp_path, number, Image.fromarray(TRUE), **places)
    (tmp_path / "classes.txt").write_text("sky\nroad\nUnlabelled\n")
    (tmp_path / "trainannot/77.png").write_bytes((tmp_path / "trainannot/0.png").read_bytes())
    (tmp_path / "test/88.jpg").write_bytes((tmp_path / "test/3.jpg").read_bytes())
    table = derin.load(tmp_path)
    assert table.task == "segmentation"
    assert {name: len(rows) for name, rows in table.splits.items()} == {
        "train": 2,
        "val": 1,
        "test": 1,
    }
    # The class that is called unlabelled is none.
    assert table.target().classes == ("sky", "road")
    assert np.array_equal(table["mask"].take(np.array([0]))[0], np.where(TRUE == 2, 255, TRUE))
    told = {finding.where: str(finding.reason) for finding in table.report.findings}
    assert told["trainannot/77.png"] == "no picture belongs to this mask"
    assert told["test/88.jpg"] == "the picture has no mask"


def test_black_and_white_is_two_classes_and_instances_are_one(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / "two", number, Image.fromarray((TRUE > 0).astype(np.uint8) * 255))
        write(tmp_path / "many", number, Image.fromarray(TRUE * (number + 1)))
    for table in (
        read_masks(tmp_path / "two", name="t"),
        read_masks(tmp_path / "many", name="t", instances="person"),
    ):
        assert len(table.target().classes or ()) == 2
        assert np.array_equal(table["mask"].take(np.array([1]))[0], TRUE > 0)
    assert table.target().classes == ("background", "person")


def test_mask_of_another_size_is_resized_if_its_proportions_are_right(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path, number, Image.fromarray(TRUE.repeat(2, 0).repeat(2, 1)))
    table = read_masks(tmp_path, name="t")
    assert np.array_equal(table["mask"].take(np.array([0]))[0], TRUE)
    assert "24 × 20" in str(table.report.findings[0].reason)
    write(tmp_path, 1, Image.fromarray(TRUE.repeat(2, 0)))
    with pytest.raises(DataError, match=r"masks/1\.png: a mask must have the proportions of its picture"):
        read_masks(tmp_path, name="t")


def test_other_data_is_read_by_the_values_of_the_training(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / "a", number, Image.fromarray(TRUE * 100))
        write(tmp_path / "b", number, Image.fromarray((TRUE == 1).astype(np.uint8) * 100))
    trained = derin.load(tmp_path / "a")
    other = derin.load(tmp_path / "b", recipe=trained.recipe, cut=False)
    assert other.target().classes == ("0", "100", "200")
    assert np.array_equal(other["mask"].take(np.array([0]))[0], TRUE == 1)
    write(tmp_path / "b", 1, Image.fromarray(TRUE * 7))
    with pytest.raises(DataError, match="must be those of the classes"):
        derin.load(tmp_path / "b", recipe=trained.recipe, cut=False)


def test_nonsense_is_refused_in_a_sentence(tmp_path: Path) -> None:
    for number in range(3):
        wide = np.random.default_rng(number).integers(0, 255, (24, 20, 3), dtype=np.uint8)
        write(tmp_path / "photos", number, Image.fromarray(wide))
        write(tmp_path / "void", number, Image.fromarray(np.full_like(TRUE, 255)))
        write(tmp_path / "unpaired", number, Image.fromarray(TRUE), name="masks/other_{}_x.png")
    for name, said in (("photos", "none of the 3 masks can be read"), ("unpaired", "no picture has one")):
        with pytest.raises(DataError, match=said):
            read_masks(tmp_path / name, name="t")
    with pytest.raises(DataError, match="two classes"):
        read_masks(tmp_path / "void", name="t")


@pytest.mark.data
def test_named_sets_have_their_classes(data_folder: Path) -> None:
    camvid = derin.load("camvid")
    assert {name: len(rows) for name, rows in camvid.splits.items()} == {"train": 367, "val": 101}
    assert len(camvid.target().classes or ()) == 11
    people = derin.load("penn_fudan")
    assert len(people) == 170
    assert people.target().classes == ("background", "person")
