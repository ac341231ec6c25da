"""Classes and splits are found from paths alone, as a person would sort them."""

from __future__ import annotations

import pytest

from derin.core.errors import DataError
from derin.readers.archives import Contents, Member
from derin.readers.listing import Listing, list_classes, natural_key


def listing(*paths: str, folders: tuple[str, ...] = ()) -> Listing:
    return list_classes(Contents([Member(path, 1, 1) for path in paths], list(folders)), "pets")


def rows(found: Listing) -> list[tuple[str, str, str | None]]:
    return [(e.member.path, e.class_name, e.split) for e in found.in_order()]


def test_class_folders_without_splits() -> None:
    assert rows(listing("dog/2.png", "cat/10.jpg", "cat/9.JPG")) == [
        ("cat/9.JPG", "cat", None),
        ("cat/10.jpg", "cat", None),
        ("dog/2.png", "dog", None),
    ]


@pytest.mark.parametrize("val", ["val", "valid", "Validation", "dev", "validation_set"])
def test_folders_above_the_classes_name_splits(val: str) -> None:
    found = listing("test/a/1.png", f"{val}/a/1.png", "train/b/1.png", "train/a/1.png")
    assert [(c, s) for _, c, s in rows(found)] == [("a", "train"), ("b", "train"), ("a", "val"), ("a", "test")]
    assert found.class_names == ("a", "b")


def test_folders_around_everything_are_passed() -> None:
    found = listing("x/pets/train/a/1.png", "x/pets/train/b/1.png", "x/readme.txt")
    assert [(c, s) for _, c, s in rows(found)] == [("a", "train"), ("b", "train")]
    assert [(f.where, f.reason) for f in found.findings] == [("x/readme.txt", "no picture by its name")]


def test_single_class_folder_is_a_class_and_not_a_wrapping() -> None:
    assert listing("cats/1.png", "cats/2.png").class_names == ("cats",)


def test_splits_may_stand_below_the_classes() -> None:
    found = listing("cat/train/1.png", "cat/test/2.png", "dog/train/3.png", "dog/test/old/4.png")
    assert [(c, s) for _, c, s in rows(found)] == [("cat", "train"), ("dog", "train"), ("cat", "test"), ("dog", "test")]
    with pytest.raises(DataError, match=r"cat holds folders that name splits, but dog lies in none"):
        listing("cat/train/1.png", "cat/test/2.png", "dog/3.png")


def test_a_folder_may_stand_between_splits_and_classes() -> None:
    found = listing("train/images/cat/1.png", "train/images/dog/2.png", "val/images/cat/3.png", "val/images/dog/4.png")
    assert [(c, s) for _, c, s in rows(found)] == [("cat", "train"), ("dog", "train"), ("cat", "val"), ("dog", "val")]


@pytest.mark.parametrize(
    "paths", [("train/1.png", "val/2.png"), ("a/train/1.png", "a/test/2.png"), ("x/training/1.png",)]
)
def test_splits_without_classes_are_no_classes(paths: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match=r"name splits, and the pictures in them lie in no folders of classes"):
        listing(*paths)


def test_one_split_beside_what_names_none_is_the_split_or_is_asked_about() -> None:
    found = listing("train/cat/1.png", "train/dog/2.png", "docs/3.png")
    assert [(c, s) for _, c, s in rows(found)] == [("cat", "train"), ("dog", "train")]
    assert [f.where for f in found.findings] == ["docs/3.png"]
    with pytest.raises(
        DataError, match=r"cannot be told whether train is a split, with the classes cat, dog.*pets/train"
    ):
        listing("train/cat/1.png", "train/dog/2.png", "car/old/3.png")


def test_what_speaks_about_pictures_is_none() -> None:
    found = listing("pets/cat/1.png", "pets/dog/2.png", "LICENSE", "README", "pets/cat/COPYING", "pets/dog/0003")
    assert [path for path, _, _ in rows(found)] == ["pets/cat/1.png", "pets/dog/2.png", "pets/dog/0003"]


def test_classes_may_be_called_like_a_split() -> None:
    assert listing("train/1.png", "car/1.png", "bus/1.png").class_names == ("bus", "car", "train")
    assert listing("train/side/1.png", "car/side/1.png").class_names == ("car", "train")


def test_numbers_in_class_names_are_sorted_as_people_count() -> None:
    names = [f"s{n}" for n in range(1, 41)]
    assert listing(*(f"{name}/1.pgm" for name in reversed(names))).class_names == tuple(names)
    digits = [str(n) for n in range(11)]
    assert listing(*(f"{name}/1.pgm" for name in reversed(digits))).class_names == tuple(digits)


def test_order_is_total_for_names_that_differ_only_in_zeros_or_case() -> None:
    names = ["a1", "a01", "A1", "a001", "", "1", "01"]
    assert len({natural_key(name) for name in names}) == len(names)
    in_order = ["", "01", "1", "A1", "a001", "a01", "a1"]
    for start in range(len(names)):
        assert sorted(names[start:] + names[:start], key=natural_key) == in_order


def test_deeper_folders_belong_to_their_class() -> None:
    found = listing("cat/indoor/1.png", "cat/2.png", "dog/a/b/c.png")
    assert [c for _, c, _ in rows(found)] == ["cat", "cat", "dog"]
    assert any("cat/indoor" in note for note in found.notes)


def test_hidden_files_and_folders_are_told() -> None:
    found = listing(
        "a/1.png", "b/1.png", "a/.DS_Store", "__MACOSX/a/1.png", "__MACOSX/a/2.png", ".ipynb_checkpoints/x.png"
    )
    assert len(found.entries) == 2
    assert {(f.where, f.reason) for f in found.findings} == {
        ("a/.DS_Store", "hidden file"),
        ("__MACOSX (2 files)", "hidden folder"),
        (".ipynb_checkpoints (1 files)", "hidden folder"),
    }


def test_pictures_without_a_class_are_told() -> None:
    found = listing("train/a/1.png", "train/b/1.png", "test/1.png", "extra/a/1.png", "top.png", "val/a/1.png")
    assert {f.where: f.reason for f in found.findings} == {
        "test/1.png": "it lies in no class folder",
        "top.png": "it lies in no class folder",
        "extra/a/1.png": "the folder lies beside the splits and names none",
    }


def test_many_files_of_one_kind_are_told_in_one_line() -> None:
    found = listing("a/1.png", "b/1.png", *(f"a/{n}.txt" for n in range(1000)))
    assert len(found.findings) == 201
    assert found.findings[-1].where == "a: 800 more files"


def test_empty_class_folders_are_known() -> None:
    found = listing("a/1.png", "b/1.png", "c/notes.txt", folders=("a", "b", "c", "d", ".git", ".git/x"))
    assert found.class_names == ("a", "b", "c", "d")


def test_letters_that_macos_takes_apart_are_one_class() -> None:
    found = listing("train/köpek/1.png", "train/kedi/1.png", "val/ko\u0308pek/1.png", "val/kedi/1.png")
    assert found.class_names == ("kedi", "köpek")


def test_two_folders_for_one_split_are_told() -> None:
    found = listing("train/a/1.png", "train/b/1.png", "val/a/1.png", "dev/b/1.png")
    assert found.notes == ["Several folders were read as val: dev, val."]


def test_names_that_are_not_unicode_are_shown() -> None:
    found = listing("a/\udcff.txt", "a/1.png", "b\udcfe/1.png")
    assert [f.where for f in found.findings] == ["a/�.txt"]
    assert found.class_names == ("a", "b�")


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ((), "no pictures are there"),
        (("a.txt", "b.txt"), "got 2 x no picture by its name"),
        (("1.png", "2.png"), "no class folders"),
    ],
)
def test_what_has_no_class_folders_is_refused(paths: tuple[str, ...], said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        listing(*paths)
    assert "cats/1.jpg" in str(caught.value)


@pytest.mark.parametrize(
    "classes", [("pets/cat", "pets/dog"), ("x/train/cat", "x/train/dog", "x/val/cat", "x/val/dog")]
)
@pytest.mark.parametrize("ending", [".png", ""], ids=["png", "no ending"])
def test_a_licence_beside_the_pictures_is_no_picture(classes: tuple[str, ...], ending: str) -> None:
    members = [Member(f"{folder}/{i}{ending}", 1, 1) for folder in classes for i in range(5)]
    documents = ["LICENSE", f"{classes[0].split('/')[0]}/CHECKSUMS"]
    listing = list_classes(Contents(members + [Member(name, 1, 1) for name in documents]), "pets")
    assert len(listing.in_order()) == 5 * len(classes)
    assert set(listing.class_names) == {"cat", "dog"}
    assert {finding.where for finding in listing.findings} == set(documents)
