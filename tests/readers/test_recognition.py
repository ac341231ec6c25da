"""What data is: named by its content before anything is taken for classes."""

from __future__ import annotations

import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.readers.troubled_pictures import picture

import derin
from derin.core.errors import DataError
from derin.readers.recognition import MASKS, recognized

VOC = "<annotation><object><name>cell</name></object></annotation>"
NAMES = ("ISIC_0012", "ISIC_0345", "ISIC_0799", "ISIC_4410")


def photo(seed: int) -> Image.Image:
    return picture(20, 24, seed)


def mask(seed: int) -> Image.Image:
    return Image.fromarray((np.arange(480).reshape(20, 24) // (7 + seed) % 3).astype(np.uint8))


def build(root: Path, files: Mapping[str, object]) -> Path:
    for seed, (name, content) in enumerate(files.items()):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            content(seed).save(path)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
    return root


def pictures(
    folder: str, names: tuple[str, ...] = NAMES, make: Callable[[int], Image.Image] = photo
) -> dict[str, object]:
    return {f"{folder}/{name}.png": make for name in names}


MASKED = {
    "masks by name": ({**pictures("images"), **pictures("masks", make=mask)}, ""),
    "masks with a suffix": (
        {**pictures("scans"), **pictures("truth_mask", tuple(f"{n}_mask" for n in NAMES), mask)},
        "",
    ),
    "masks by content": ({**pictures("left"), **pictures("other", make=mask)}, "no picture has one"),
    "masks beside": (
        {**pictures("."), **pictures(".", tuple(f"{n}_segmentation" for n in NAMES), mask)},
        "",
    ),
    "masks of two people": (
        {**pictures("scans"), **pictures("anna", make=mask), **pictures("bob", make=mask)},
        "no picture has one",
    ),
    "labels above splits": (
        {
            **pictures("images/train", ("1", "2", "3")),
            **pictures("labels/train", ("1", "2", "3"), mask),
            **pictures("images/val", ("4", "5", "6")),
            **pictures("labels/val", ("4", "5", "6"), mask),
        },
        "",
    ),
    "masks above classes": (
        {
            **pictures("images/a"),
            **pictures("masks/a", make=mask),
            **pictures("images/b", ("x2", "x5", "x9")),
            **pictures("masks/b", ("x2", "x5", "x9"), mask),
        },
        "",
    ),
    "masks within splits": (
        {
            **pictures("train"),
            **pictures("trainannot", make=mask),
            **pictures("val"),
            **pictures("valannot", make=mask),
        },
        "",
    ),
}
CASES = {
    "depth": ({**pictures("rgb"), **pictures("depth")}, "depth"),
    "two readers": (
        {**pictures("reader_1", ("1", "2", "3")), **pictures("reader_2", ("1", "2", "3"))},
        "several readers",
    ),
    "pairs of any kind": ({**pictures("before"), **pictures("after")}, "pairs by their names.*--task classification"),
    "captions in JSON lines": (
        {
            **pictures("."),
            "metadata.jsonl": "".join(
                json.dumps({"file_name": f"{n}.png", "text": f"a dog runs over grass {n}"}) + "\n" for n in NAMES
            ),
        },
        "captions",
    ),
    "captions": (
        {
            **pictures("images"),
            "captions.txt": "image,caption\n" + "".join(f"{n}.png,a dog runs over grass\n" for n in NAMES),
        },
        "captions",
    ),
    "LabelMe": (
        {**pictures("images"), **{f"images/{n}.json": {"shapes": [], "imagePath": "x"} for n in NAMES}},
        "LabelMe",
    ),
    "transcripts": (
        {f"{w}/{i}.{e}": b"RIFF" for w in ("19", "26") for i in range(3) for e in ("flac", "txt")},
        "6 recordings of sound with transcripts",
    ),
    "videos": ({"clips/a.mp4": b"x", **pictures("frames", ("1", "2"))}, "videos"),
}  # fmt: skip
CLASSES = {
    "counted in every class": {**pictures("cat", ("1", "2", "3")), **pictures("dog", ("1", "2", "3"))},
    "counted with a prefix": {**pictures("cat", ("img_001", "img_002")), **pictures("dog", ("img_001", "img_002"))},
    "names of their own": {**pictures("cat"), **pictures("dog", ("x1", "x7", "x9"))},
    "masks as classes": {**pictures("masks", ("a1", "a2", "a3")), **pictures("faces", ("b1", "b2", "b3"))},
    "annotations beside classes": {
        **pictures("pets/cat"), **pictures("pets/dog", ("x1", "x7", "x9")), **{f"boxes/{n}.xml": VOC for n in NAMES}
    },
    "a readme beside": {"README": "text", "LICENSE": "MIT", **pictures("cat"), **pictures("dog", ("x1", "x7"))},
}  # fmt: skip


@pytest.mark.parametrize(("files", "said"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_what_is_no_class_is_named(files: dict[str, object], said: str, form: str, tmp_path: Path) -> None:
    source = build(tmp_path / "set", files)
    if form == "zip":
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as packed:
            for file in sorted(p for p in source.rglob("*") if p.is_file()):
                packed.write(file, file.relative_to(source))
        source = tmp_path / "set.zip"
    with pytest.raises(DataError, match=said):
        derin.load(source)


@pytest.mark.parametrize(("files", "said"), MASKED.values(), ids=MASKED)
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_pictures_with_masks_are_read_for_segmentation(
    files: dict[str, object], said: str, form: str, tmp_path: Path
) -> None:
    source = build(tmp_path / "set", files)
    if form == "zip":
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as packed:
            for file in sorted(p for p in source.rglob("*") if p.is_file()):
                packed.write(file, file.relative_to(source))
        source = tmp_path / "set.zip"
    assert recognized(source) == MASKS
    if said:
        with pytest.raises(DataError, match=said):
            derin.load(source)
    else:
        table = derin.load(source)
        assert table.task == "segmentation"
        assert table.target().classes == ("0", "1", "2")


@pytest.mark.parametrize("files", CLASSES.values(), ids=CLASSES)
def test_classes_are_classes(files: dict[str, object], tmp_path: Path) -> None:
    source = build(tmp_path / "set", files)
    assert recognized(source) == ""
    assert len(derin.load(source).target().classes or ()) == 2
    with tarfile.open(tmp_path / "set.tar", "w") as packed:
        packed.add(source, "set")
    assert len(derin.load(tmp_path / "set.tar").target().classes or ()) == 2


def test_the_command_that_is_named_for_classes_works(tmp_path: Path) -> None:
    source = build(tmp_path / "set", {**pictures("before"), **pictures("after")})
    assert derin.load(source, task="classification").target().classes == ("after", "before")


def test_one_file_of_data_beside_papers_is_meant(tmp_path: Path) -> None:
    table = "x,y\n" + "".join(f"{i},{i % 2}\n" for i in range(30))
    source = build(tmp_path / "set", {"README": "see", "LICENSE.txt": "MIT", "sums.sha256": "00", "data.csv": table})
    assert len(derin.load(source)) == 30


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"labels.txt": "0\n1\n" * 10, "sequences.txt": "".join(f"ACGT{i}\n" for i in range(20))},
            "labels that belong to the other file.*paste",
        ),
        ({"stopwords.txt": "a\nthe\n", "poems.txt": "roses are red\nviolets are blue\n"}, "no name of a class"),
        ({"short.txt": "a\nb\nc\n", "long.txt": ("word " * 40 + "\n") * 3}, "unlike each other .*--task lm"),
    ],
)
def test_unlike_texts_are_no_classes(files: dict[str, object], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        derin.load(build(tmp_path / "set", files))


def test_a_readme_is_no_class_of_texts(tmp_path: Path) -> None:
    lines = {name: "".join(f"{name} text number {i}\n" for i in range(9)) for name in ("good", "bad")}
    source = build(tmp_path / "set", {"README.txt": "hello", **{f"{name}.txt": text for name, text in lines.items()}})
    table = derin.load(source)
    assert table.target().classes == ("bad", "good")
    assert any("--task lm" in str(note) for note in table.report.notes)


@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize("place", ["{}/{}_mask.png", "{}/{}_mask_1.png", "{}/masks/{}.png", "{}/Seg/{}_gt.png"])
def test_masks_within_classes_are_left_out_and_that_is_said(place: str, form: str, tmp_path: Path) -> None:
    """As in public ultrasound sets: ``benign (1).png`` beside ``benign (1)_mask.png``, learned as another example."""
    files: dict[str, object] = {}
    for kind in ("benign", "malign"):
        for n in range(5):
            name = f"{kind} ({n})"
            files[f"{kind}/{name}.png" if "/{}_mask" in place else f"{kind}/images/{name}.png"] = photo
            files[place.format(kind, name)] = mask
    root = build(tmp_path / "set", files)
    if form == "zip":
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as packed:
            for name in files:
                packed.write(root / name, name)
        root = tmp_path / "set.zip"
    found = derin.load(root)
    assert found.target().classes == ("benign", "malign")
    assert len(found) == 10
    assert not [name for name in found.row_names or () if "mask" in name.lower() or "gt" in name]
    assert any(note.startswith("10 masks and maps of other pictures were left out") for note in found.report.notes)
    assert sum(f.count for f in found.report.findings if f.reason == "belongs to another picture") == 10


def test_counted_pictures_of_the_same_scenes_are_pairs_and_those_of_others_are_classes(tmp_path: Path) -> None:
    coarse = {f"{n:03}": photo(n).resize((10, 12)) for n in range(8)}
    for name, folder in (("low", "pairs"), ("high", "pairs"), ("low", "classes"), ("high", "classes")):
        (tmp_path / folder / name).mkdir(parents=True)
    for n, (stem, small) in enumerate(coarse.items()):
        small.save(tmp_path / "pairs" / "low" / f"{stem}.png")
        photo(n).save(tmp_path / "pairs" / "high" / f"{stem}.png")
        small.save(tmp_path / "classes" / "low" / f"{stem}.png")
        photo(100 + n).save(tmp_path / "classes" / "high" / f"{stem}.png")
    assert "pairs by their names" in recognized(tmp_path / "pairs")
    assert not recognized(tmp_path / "classes")
