"""A picture gives one row of pixels, however it comes: from the cache, as a file, as a Pillow picture, as an array."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.readers.troubled_pictures import picture

import derin
from derin.core.errors import ShapeError, UnknownNameError
from derin.data.pictures.codec import PictureCodec
from derin.data.pictures.values import PixelValues
from derin.data.recipe import ReadingRecipe
from derin.data.table import Table

Mode = str


def write(folder: Path, shapes: dict[str, tuple[int, int]], change: Callable[[Image.Image], Image.Image]) -> Path:
    for seed, (name, shape) in enumerate(shapes.items()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        change(picture(*shape, seed)).save(folder / name)
    return folder


def cached(fitted: PictureCodec, table: Table) -> np.ndarray:
    return fitted.encode(table).gather(np.arange(len(table))).numpy()


def tripled_gray(image: Image.Image) -> Image.Image:
    return image.convert("L").convert("RGB")


SETS = {
    "one size": {f"{c}/{i}.png": (28, 28) for c in "ab" for i in range(2)},
    "the network's own size": {f"{c}/{i}.png": (128, 128) for c in "ab" for i in range(2)},
    "unequal": {"a/0.png": (60, 70), "a/1.png": (50, 90), "b/0.png": (200, 300), "b/1.jpg": (900, 700)},
    "strips": {"a/0.png": (40, 400), "b/0.png": (600, 50), "b/1.png": (30, 31)},
}


FITS = (None, "crop", "pad", "squeeze")
CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "colour": lambda image: image,
    "gray": lambda image: image.convert("L"),
    "tripled": tripled_gray,
}
# Every two of them meet: shapes and fits once, and each change both of them.
MEETING = [
    (name, fit, list(CHANGES)[(a + b) % len(CHANGES)]) for a, name in enumerate(SETS) for b, fit in enumerate(FITS)
]


@pytest.mark.parametrize(("name", "fit", "color"), MEETING)
def test_the_ways_of_a_picture_give_the_same_pixels(name: str, fit: str | None, color: str, tmp_path: Path) -> None:
    change = CHANGES[color]
    table = derin.load(write(tmp_path / "set", SETS[name], change))
    fitted = PictureCodec.fit(table, np.arange(len(table)), fit=fit)
    assert fitted.channels == (3 if color == "colour" else 1)
    stored = cached(fitted, table)
    files = [tmp_path / "set" / name for name in table.row_names or ()]
    arrays = [np.asarray(Image.open(file)) for file in files]
    ways = {
        "file": files,
        "bytes": [file.read_bytes() for file in files],
        "Pillow": [Image.open(file) for file in files],
        "array": arrays,
        "uint16 of bytes": [a.astype(np.uint16) for a in arrays],
        "int64": [a.astype(np.int64) for a in arrays],
        "float to one": [a / 255.0 for a in arrays],
        "float32 to one": [(a / 255.0).astype(np.float32) for a in arrays],
        "float of bytes": [a.astype(np.float32) for a in arrays],
    }
    for way, inputs in ways.items():
        np.testing.assert_array_equal(fitted.read(inputs), stored, err_msg=way)
        for place, one in enumerate(inputs):
            np.testing.assert_array_equal(fitted.read(one), stored[place : place + 1], err_msg=f"{way} alone")


@pytest.mark.parametrize("other", ["gray", "large", "small"])
@pytest.mark.parametrize("trained", ["colour", "gray", "small"])
def test_other_pictures_are_measured_as_they_are_predicted(trained: str, other: str, tmp_path: Path) -> None:
    sizes = {"colour": (200, 260), "gray": (200, 260), "large": (500, 400), "small": (60, 70)}
    for name in {trained, other}:
        shapes = {f"{c}/{i}.png": (sizes[name][0], sizes[name][1] + i) for c in "ab" for i in range(2)}
        write(tmp_path / name, shapes, lambda image, name=name: image.convert("L" if name == "gray" else "RGB"))
    table = derin.load(tmp_path / trained)
    fitted = PictureCodec.fit(table, np.arange(4))
    files = [tmp_path / other / f"{c}/{i}.png" for c in "ab" for i in range(2)]
    for recipe in (None, table.recipe):
        np.testing.assert_array_equal(cached(fitted, derin.load(tmp_path / other, recipe=recipe)), fitted.read(files))


@pytest.mark.parametrize(
    ("mode", "highest", "white"),
    [
        ("I;16", 1000, 1023),
        ("I;16", 4000, 4095),
        ("I;16", 200, 255),
        ("I;16", 60_000, 65_535),
        ("F", 1, 1),
        ("F", 200, 255),
    ],
)
def test_values_beyond_a_byte_are_read_by_one_range_of_the_set(
    mode: str, highest: int, white: int, tmp_path: Path
) -> None:
    draw = np.random.default_rng(0)
    kind, ending = (np.float32, "tif") if mode == "F" else (np.uint16, "png")
    arrays = [(draw.random((12, 12)) * top).astype(kind) for top in (highest, highest / 20, highest / 3, highest)]
    arrays[0][0, 0] = highest
    files = [tmp_path / "set" / f"{'ab'[i % 2]}/{i}.{ending}" for i in range(4)]
    for file, array in zip(files, arrays, strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(file)
    table = derin.load(tmp_path / "set")
    rows = [str(Path(name)) for name in table.row_names or ()]
    place = [rows.index(str(file.relative_to(tmp_path / "set"))) for file in files]
    expected = np.rint(np.stack(arrays).astype(np.float64) * 255 / white).astype(np.uint8)[..., None]
    fitted = PictureCodec.fit(table, np.arange(4))
    np.testing.assert_array_equal(cached(fitted, table)[place], expected)
    assert derin.load(tmp_path / "set").fingerprint() == table.fingerprint()
    np.testing.assert_array_equal(fitted.read(files), expected)
    # As an npz, whose targets are numbers: the same pixels and the same decision.
    np.savez(tmp_path / "set.npz", x=np.stack(arrays)[..., None], y=np.arange(4) % 2)
    packed = derin.load(tmp_path / "set.npz")
    np.testing.assert_array_equal(packed.columns["x"].values, expected)  # type: ignore[attr-defined]
    # Alone, a dark picture stays as dark as among the others.
    again = PictureCodec.from_json(fitted.to_json())
    assert again == fitted
    if mode != "F":
        for one, pixels in zip(arrays, expected, strict=True):
            np.testing.assert_array_equal(again.read(one)[0], pixels)
    assert table.recipe is not None
    assert packed.recipe is not None
    assert (
        ReadingRecipe.from_json(table.recipe.to_json()).part("pictures")["values"]
        == packed.recipe.part("pictures")["values"]
    )


def test_a_set_follows_the_range_of_another(tmp_path: Path) -> None:
    for name, highest in (("bright", 4000), ("dark", 1000)):
        for i in range(4):
            file = tmp_path / name / f"{'ab'[i % 2]}/{i}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((9, 9), highest - i, dtype=np.uint16)).save(file)
    bright = derin.load(tmp_path / "bright")
    dark = derin.load(tmp_path / "dark", recipe=bright.recipe)
    expected = np.rint(np.array([1000, 998, 999, 997]) * 255 / 4095)
    np.testing.assert_array_equal(dark.columns["picture"].values[:, 0, 0, 0], expected)  # type: ignore[attr-defined]
    fitted = PictureCodec.fit(bright, np.arange(4))
    # Loaded on its own it decided otherwise; the network's decision holds, and its files are read again.
    np.testing.assert_array_equal(cached(fitted, derin.load(tmp_path / "dark"))[:, 0, 0, 0], expected)


def test_three_axes_are_a_batch_for_a_network_in_gray() -> None:
    gray, colour = (
        PictureCodec(column="x", size=(20, 20), channels=c, mean=(0.5,) * c, std=(0.5,) * c, rule="resize")
        for c in (1, 3)
    )
    for num in (1, 2, 3, 4, 5):
        batch = np.random.default_rng(num).integers(0, 256, (num, 20, 20), dtype=np.uint8)
        np.testing.assert_array_equal(gray.read(batch), batch[..., None])
        if num == 4:
            with pytest.raises(ShapeError, match=r"\(4, 20, 20\) can be read in two ways"):
                colour.read(batch)
        else:
            assert len(colour.read(batch)) == (1 if num in (1, 3) else num)
    with pytest.raises(ShapeError, match="can be read in two ways"):
        gray.read(np.zeros((3, 20, 3), dtype=np.uint8))


def test_opacity_of_arrays_and_files_is_laid_on_white(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 9, 9, 4), dtype=np.uint8)
    np.savez(tmp_path / "x.npz", x=pixels, y=np.arange(4) % 2)
    for i, one in enumerate(pixels):
        (tmp_path / "set" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(one).save(tmp_path / "set" / "ab"[i % 2] / f"{i}.png")
    packed, folder = derin.load(tmp_path / "x.npz"), derin.load(tmp_path / "set")
    assert packed.columns["x"].values[[0, 2, 1, 3]].tolist() == folder.columns["picture"].values.tolist()  # type: ignore[attr-defined]
    white = (255 - (255.0 - pixels[..., :3]) * pixels[..., 3:] / 255).round()
    assert np.abs(packed.columns["x"].values - white).max() <= 1  # type: ignore[attr-defined]


def test_padding_keeps_proportions_and_everything() -> None:
    fitted = PictureCodec(column="x", size=(10, 20), channels=1, mean=(0.5,), std=(0.5,), rule="pad")
    read = fitted.read(np.full((30, 90), 200, dtype=np.uint8))[0, ..., 0]
    assert np.flatnonzero((read == 200).all(axis=1)).tolist() == [1, 2, 3, 4, 5, 6, 7]  # 20 / 90 · 30 = 6.67
    assert (read[[0, 8, 9]] == 0).all()


def test_what_a_square_window_leaves_out_is_said_with_its_share(tmp_path: Path) -> None:
    wide = write(
        tmp_path / "wide", {"a/0.png": (150, 450), "b/0.png": (160, 480), "b/1.png": (150, 450)}, lambda image: image
    )
    notes = [str(note) for note in derin.load(wide, size=32).report.notes]
    assert any("middle" in note and "86% of the shorter side and 29% of the longer" in note for note in notes), notes
    mixed = write(
        tmp_path / "mixed", {"a/0.png": (150, 450), "b/0.png": (160, 200), "b/1.png": (160, 200)}, lambda image: image
    )
    assert any("29% to 69% of the longer" in str(note) for note in derin.load(mixed, size=32).report.notes)
    with pytest.raises(UnknownNameError, match="way to fit pictures"):
        PictureCodec.fit(derin.load(mixed), np.arange(2), fit="stretch")


def test_a_card_from_before_values_were_kept_still_opens() -> None:
    fitted = PictureCodec(column="x", size=(8, 8), channels=1, mean=(0.5,), std=(0.5,), rule="crop")
    assert "values" not in fitted.to_json()
    assert PictureCodec.from_json(fitted.to_json()).values == PixelValues()


def test_a_mode_that_pillow_reads_from_bytes_is_the_same_from_memory() -> None:
    fitted = PictureCodec(column="x", size=(8, 8), channels=3, mean=(0.5,) * 3, std=(0.5,) * 3, rule="crop")
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"):
        image = picture(40, 60, 1).convert("L" if mode == "I;16" else mode)
        if mode == "I;16":
            image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
        data = io.BytesIO()
        image.save(data, "TIFF" if mode == "CMYK" else "PNG")
        np.testing.assert_array_equal(fitted.read(data.getvalue()), fitted.read(image), err_msg=mode)
