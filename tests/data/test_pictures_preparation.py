"""Training and prediction see the same pixels, and the network gets them normalized."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.readers.troubled_pictures import make_troubled_folder, picture
from torch.utils._python_dispatch import TorchDispatchMode

from derin.core.errors import DataError, RefusedFileError, ShapeError
from derin.core.seeds import uniforms
from derin.data.codecs.base import codec_from_json
from derin.data.columns import ColumnsPreparation
from derin.data.pictures import hosts
from derin.data.pictures.codec import PictureCodec
from derin.data.pictures.hosts import DenseHost, ResizingHost, WindowHost
from derin.data.preparation import preparation_from_json
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Pictures, Table
from derin.readers.picture_folder import read_picture_folder
from derin.readers.pictures import spool


def table_of(values: np.ndarray) -> Table:
    schema = Schema(
        (
            Column(name="photo", kind=Kind.PICTURE, role=Role.INPUT, shape=values.shape[1:]),
            Column(name="y", kind=Kind.CATEGORY, role=Role.TARGET, classes=("a", "b")),
        )
    )
    columns = {"photo": Dense(values), "y": Dense(np.zeros(len(values), dtype=np.int64))}
    return Table(name="t", schema=schema, columns=columns, splits={})


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def preparation(size: tuple[int, int] = (8, 8), channels: int = 1, rule: str = "resize") -> PictureCodec:
    return PictureCodec(
        column="photo", size=size, channels=channels, mean=(0.3,) * channels, std=(0.4,) * channels, rule=rule
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_troubled_folder(tmp_path_factory.mktemp("troubled") / "pets")


def test_mean_and_std_are_those_of_the_training_rows() -> None:
    values = draw(11, 5, 7, 3)
    rows = np.array([0, 3, 4, 9])
    fitted = PictureCodec.fit(table_of(values), rows)
    exact = values[rows].astype(np.float64) / 255
    np.testing.assert_allclose(fitted.mean, exact.mean((0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(fitted.std, exact.std((0, 1, 2)), rtol=1e-12)


def test_mean_and_std_of_pictures_of_different_sizes(folder: Path) -> None:
    table = read_picture_folder(folder, name="pets")
    rows = table.splits["train"]
    fitted = PictureCodec.fit(table, rows)
    pixels = np.concatenate([p.reshape(-1, 3) for p in table.columns["picture"].take(rows)]).astype(np.float64) / 255
    np.testing.assert_allclose(fitted.mean, pixels.mean(0), rtol=1e-12)
    np.testing.assert_allclose(fitted.std, pixels.std(0), rtol=1e-12)


def test_of_many_rows_a_seeded_part_is_measured() -> None:
    values = draw(6000, 2, 3, 1)
    table, rows = table_of(values), np.arange(6000)
    fitted = PictureCodec.fit(table, rows)
    assert fitted == PictureCodec.fit(table, rows)
    exact = values.astype(np.float64) / 255
    assert 0 < abs(fitted.mean[0] - exact.mean()) < 0.01
    assert fitted.mean != PictureCodec.fit(table, rows, seed=1).mean


def test_channel_that_never_changes_stays_finite() -> None:
    fitted = PictureCodec.fit(table_of(np.full((3, 4, 4, 1), 51, dtype=np.uint8)), np.arange(3))
    assert (fitted.mean, fitted.std) == ((0.2,), (1.0,))
    # float32 holds 0.2 to 24 bits.
    assert fitted.to_model_input(torch.full((2, 4, 4, 1), 51, dtype=torch.uint8)).abs().max() < 1e-7


@pytest.mark.parametrize("shape", [(3, 5, 7, 1), (3, 5, 7, 3), (2, 130, 129, 3)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_finish_normalizes_and_is_channels_last(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    values, channels = draw(*shape), shape[-1]
    mean, std = np.array([0.3, 0.5, 0.7][:channels]), np.array([0.2, 0.25, 0.5][:channels])
    fitted = PictureCodec(
        column="photo", size=shape[1:3], channels=channels, mean=tuple(mean), std=tuple(std), rule="resize"
    )
    gathered = torch.from_numpy(values).to(dtype)
    finished = fitted.to_model_input(gathered)
    expected = ((values / 255.0 - mean) / std).transpose(0, 3, 1, 2)
    assert finished.dtype == torch.float32
    assert finished.is_contiguous(memory_format=torch.channels_last)
    # float32 holds 24 bits; values reach 3.5 and are the difference of two products.
    np.testing.assert_allclose(finished.numpy(), expected, atol=2e-6)
    assert torch.equal(gathered, torch.from_numpy(values).to(dtype))


def test_finish_gives_one_large_picture_the_bits_that_it_has_in_a_batch() -> None:
    preparation = PictureCodec(
        column="picture", size=(224, 224), channels=3, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.25), rule="resize"
    )
    pictures = torch.randint(0, 256, (4, 224, 224, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    alone = preparation.to_model_input(pictures[2:3])
    assert torch.equal(alone, preparation.to_model_input(pictures)[2:3])
    assert alone.is_contiguous(memory_format=torch.channels_last)


class Operations(TorchDispatchMode):
    """The most numbers that an operation wrote."""

    largest = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if func in (torch.ops.aten.copy_.default, torch.ops.aten.addcmul.out, torch.ops.aten._to_copy.default):
            self.largest = max(self.largest, found.numel())
        return found


def test_one_picture_is_finished_in_pieces_that_torch_does_not_share_out() -> None:
    preparation = PictureCodec(
        column="picture", size=(224, 224), channels=3, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.25), rule="resize"
    )
    pictures = torch.zeros((2, 224, 224, 3), dtype=torch.uint8)
    preparation.to_model_input(pictures)  # the constants are made once
    with Operations() as alone:
        preparation.to_model_input(pictures[:1])
    assert 0 < alone.largest < 1 << 15
    with Operations() as together:
        preparation.to_model_input(pictures)
    assert together.largest == pictures.numel()


def test_finish_takes_memory_in_another_order() -> None:
    values = torch.from_numpy(draw(2, 3, 5, 7)).to(torch.float32).permute(0, 2, 3, 1)
    fitted = preparation((5, 7), 3)
    assert torch.equal(fitted.to_model_input(values), fitted.to_model_input(values.contiguous()))


def test_finish_lets_a_gradient_through_after_prediction() -> None:
    fitted = preparation()
    pixels = torch.rand(2, 8, 8, 1)
    with torch.inference_mode():
        fitted.to_model_input(pixels)
    pixels.requires_grad_()
    fitted.to_model_input(pixels).sum().backward()
    assert pixels.grad is not None
    np.testing.assert_allclose(pixels.grad.numpy(), 1 / (255 * 0.4), rtol=1e-6)


def test_a_read_only_array_is_read_without_a_warning_and_stays_as_it_was() -> None:
    values = np.arange(4 * 3 * 5, dtype=np.uint8).reshape(4, 3, 5, 1)
    values.setflags(write=False)
    host = DenseHost(values)
    rows = host.gather(np.array([2, 0]))
    rows.zero_()
    assert host.gather(np.array([3])).numpy().tolist() == values[[3]].tolist()


def test_pictures_of_the_input_size_are_copied_whole() -> None:
    values = draw(9, 8, 8, 1)
    table = table_of(values)
    host = PictureCodec.fit(table, np.arange(9)).encode(table)
    assert isinstance(host, DenseHost)
    rows = np.array([7, 0, 7])
    assert np.array_equal(host.gather(rows, uniforms(0, "window", 0, rows, 2)).numpy(), values[rows])
    assert len(host) == 9


def test_training_windows_are_placed_by_the_uniforms_and_evaluation_takes_the_centre() -> None:
    values = draw(2, 12, 15, 3)
    flat = np.concatenate([values[0].reshape(-1), values[1, :, :11].reshape(-1)])
    pictures = Pictures(flat, np.array([0, 540, 936]), np.array([12, 12]), np.array([15, 11]), 3)
    host = WindowHost(pictures, (10, 10))
    rows = np.array([1, 0, 0])
    numbers = np.array([[0.0, 0.0], [0.999, 0.999], [0.34, 0.5]], dtype=np.float32)
    found = host.gather(rows, numbers).numpy()
    assert np.array_equal(found[0], values[1, :10, :10])
    assert np.array_equal(found[1], values[0, 2:, 5:])
    assert np.array_equal(found[2], values[0, 1:11, 3:13])
    centre = host.gather(rows).numpy()
    assert np.array_equal(centre[0], values[1, 1:11, :10])
    assert np.array_equal(centre[1], values[0, 1:11, 2:12])


def test_every_window_position_is_drawn_equally_often() -> None:
    pictures = Pictures(np.arange(6, dtype=np.uint8), np.array([0, 6]), np.array([1]), np.array([6]), 1)
    rows = np.zeros(6000, dtype=np.int64)
    numbers = np.random.default_rng(0).random((6000, 2), dtype=np.float32)
    first = WindowHost(pictures, (1, 3)).gather(rows, numbers)[:, 0, 0, 0].numpy()
    counts = np.bincount(first, minlength=4)
    assert len(counts) == 4
    assert abs(counts - 1500).max() < 5 * np.sqrt(6000 * 0.25 * 0.75)


@pytest.mark.parametrize("size", [None, 64, 20])
def test_file_gives_the_pixels_that_the_cache_holds(folder: Path, size: int | None) -> None:
    table = read_picture_folder(folder, name="pets", size=size)
    fitted = PictureCodec.fit(table, table.splits["train"], size)
    assert fitted.size == (size or 128, size or 128)
    cached = fitted.encode(table).gather(np.arange(len(table))).numpy()
    files = [folder / name for name in table.row_names or ()]
    assert np.array_equal(fitted.read(files), cached)
    assert np.array_equal(fitted.read([f.read_bytes() for f in files]), cached)


@pytest.mark.parametrize(
    ("shape", "size", "mode"), [((20, 20), 32, "RGB"), ((20, 30), None, "L"), ((150, 150), 150, "RGB")]
)
def test_file_of_a_set_of_one_size_gives_the_pixels_of_the_cache(
    shape: tuple[int, int], size: int | None, mode: str, tmp_path: Path
) -> None:
    for seed, name in enumerate(("a/1.png", "a/2.png", "b/1.jpg")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        picture(*shape, seed).convert(mode).save(tmp_path / name)
    table = read_picture_folder(tmp_path, name="s", size=size)
    fitted = PictureCodec.fit(table, np.arange(3), size)
    assert fitted.rule == "resize"
    cached = fitted.encode(table).gather(np.arange(3)).numpy()
    assert np.array_equal(fitted.read([tmp_path / name for name in table.row_names or ()]), cached)


def test_large_jpeg_gives_the_pixels_of_the_cache(tmp_path: Path) -> None:
    for seed, name in enumerate(("a/1.jpg", "b/1.jpg")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        picture(700, 900 + seed, seed).save(tmp_path / name)
    table = read_picture_folder(tmp_path, name="s", size=32)
    fitted = PictureCodec.fit(table, np.arange(2), 32)
    cached = fitted.encode(table).gather(np.arange(2)).numpy()
    assert np.array_equal(fitted.read([tmp_path / "a/1.jpg", tmp_path / "b/1.jpg"]), cached)


def test_encoded_pictures_are_read_like_decoded_ones(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    rows = np.array([3, 0, 5])
    numbers = uniforms(0, "window", 1, rows, 2)
    roomy = read_picture_folder(folder, name="pets")
    fitted = PictureCodec.fit(roomy, roomy.splits["train"])
    expected = fitted.encode(roomy).gather(rows, numbers)
    monkeypatch.setenv("DERIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(spool.shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    narrow = read_picture_folder(folder, name="pets")
    assert PictureCodec.fit(narrow, narrow.splits["train"]) == fitted
    assert torch.equal(fitted.encode(narrow).gather(rows, numbers), expected)


def test_arrays_of_another_size_are_resized_by_the_code_that_reads_files() -> None:
    values = draw(5, 28, 28, 1)
    table = table_of(values)
    fitted = PictureCodec.fit(table, np.arange(5), 32)
    host = fitted.encode(table).gather(np.arange(5)).numpy()
    expected = [np.asarray(Image.fromarray(v[..., 0]).resize((32, 32), Image.Resampling.BICUBIC)) for v in values]
    assert np.array_equal(host[..., 0], np.stack(expected))
    assert np.array_equal(fitted.read(values), host)


def test_large_arrays_are_cropped_after_resizing() -> None:
    values = draw(2, 150, 190, 3)
    table = table_of(values)
    fitted = PictureCodec.fit(table, np.arange(2))
    assert (fitted.size, fitted.rule) == ((128, 128), "crop")
    assert np.array_equal(fitted.read(values), fitted.encode(table).gather(np.arange(2)).numpy())


@pytest.mark.parametrize("size", [None, 32])
def test_pictures_that_would_fill_the_memory_are_resized_for_each_batch(
    size: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = table_of(draw(5, 150, 190, 3) if size is None else draw(5, 28, 28, 3))
    fitted = PictureCodec.fit(table, np.arange(5), size)
    once = fitted.encode(table)
    monkeypatch.setattr(hosts, "_MOST_RESIZED_BYTES", 100)
    anew = fitted.encode(table)
    assert isinstance(anew, ResizingHost)
    assert not isinstance(once, ResizingHost)
    rows = np.array([4, 0, 4, 2])
    for numbers in (None, uniforms(0, "window", 1, rows, 2)):
        assert torch.equal(anew.gather(rows, numbers), once.gather(rows, numbers))
    assert len(anew) == len(once) == 5


def test_size_for_which_pictures_were_stored_is_found_again(folder: Path) -> None:
    table = read_picture_folder(folder, name="pets", size=50)
    assert PictureCodec.fit(table, table.splits["train"]).size == (50, 50)


@pytest.mark.parametrize(("stored", "size"), [(50, 64), (64, 50)])
def test_pictures_that_were_stored_for_another_size_are_read_again_from_their_files(
    stored: int, size: int, folder: Path
) -> None:
    table = read_picture_folder(folder, name="pets", size=stored)
    fitted = PictureCodec.fit(table, table.splits["train"], size)
    files = [folder / name for name in table.row_names or ()]
    assert np.array_equal(fitted.encode(table).gather(np.arange(len(table))).numpy(), fitted.read(files))


def test_files_that_changed_after_they_were_loaded_are_refused(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/1.png"):
        (tmp_path / name).parent.mkdir()
        picture(150, 170, 1).save(tmp_path / name)
    table = read_picture_folder(tmp_path, name="pets", size=50)
    picture(150, 170, 2).save(tmp_path / "a/1.png")
    with pytest.raises(DataError, match="has changed since it was loaded"):
        PictureCodec.fit(table, np.arange(2), 64).encode(table)


def test_pictures_that_were_stored_larger_are_resized_once(folder: Path) -> None:
    table = read_picture_folder(folder, name="pets")
    host = PictureCodec.fit(table, table.splits["train"], 64).encode(table)
    assert host.gather(np.arange(len(table))).shape == (len(table), 64, 64, 3)
    squeezed = preparation((30, 20), 3)
    squeezed = PictureCodec(**{**vars(squeezed), "column": "picture"})
    assert squeezed.encode(table).gather(np.array([1])).shape == (1, 30, 20, 3)


def test_digit_of_the_networks_size_stays_untouched() -> None:
    digit = draw(8, 8)
    fitted = preparation()
    for form in (
        digit,
        digit[..., None],
        digit[None],
        digit[None, ..., None],
        torch.from_numpy(digit),
        digit.astype(np.int64),
    ):
        assert np.array_equal(fitted.read(form), digit[None, ..., None])
    np.testing.assert_array_equal(fitted.read(digit / 255.0), digit[None, ..., None])
    assert np.array_equal(fitted.read(digit > 99)[0, ..., 0], (digit > 99) * 255)


def test_colour_arrays_come_with_channels_first_or_last() -> None:
    image = draw(9, 11, 3)
    fitted = preparation((9, 11), 3)
    for form in (image, image.transpose(2, 0, 1), image[None], image.transpose(2, 0, 1)[None]):
        assert np.array_equal(fitted.read(form), image[None])
    batch = draw(4, 9, 11, 3)
    assert np.array_equal(fitted.read(batch), batch)
    assert np.array_equal(fitted.read(torch.from_numpy(batch).permute(0, 3, 1, 2)), batch)


def test_batch_of_gray_pictures_needs_no_channel_axis() -> None:
    batch = draw(5, 8, 8)
    assert np.array_equal(preparation().read(batch), batch[..., None])
    three = draw(3, 8, 8)
    assert np.array_equal(preparation().read(three), three[..., None])


def test_channels_are_converted_where_it_is_obvious() -> None:
    gray, colour = draw(8, 8), draw(8, 8, 3)
    assert np.array_equal(preparation(channels=3).read(gray)[0], np.repeat(gray[..., None], 3, axis=-1))
    luma = np.asarray(Image.fromarray(colour).convert("L"))
    assert np.array_equal(preparation().read(colour)[0, ..., 0], luma)
    glass = np.concatenate([colour, np.zeros((8, 8, 1), dtype=np.uint8)], axis=-1)
    assert (preparation(channels=3).read(glass) == 255).all()


def test_list_may_mix_everything(tmp_path: Path) -> None:
    image = picture(8, 8, 3)
    image.save(tmp_path / "a.png")
    pixels = np.asarray(image)
    forms: list[Any] = [
        tmp_path / "a.png",
        str(tmp_path / "a.png"),
        (tmp_path / "a.png").read_bytes(),
        image,
        pixels,
        torch.from_numpy(pixels.copy()).permute(2, 0, 1),
        pixels[None],
    ]
    assert np.array_equal(preparation(channels=3).read(forms), np.stack([pixels] * len(forms)))


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((8, 8), 256.0), r"values in 0\.\.1 or 0\.\.255; got 256 to 256\. Scale them"),
        (np.full((8, 8), -0.1), r"values in 0\.\.1"),
        (np.full((8, 8), np.nan), r"values in 0\.\.1"),
        (np.full((8, 8), 65536), r"values in 0\.\.255 or 0\.\.65535"),
        (np.zeros(64, dtype=np.uint8), r"must have the shape .* got \(64,\)"),
        (np.zeros((8, 8, 2), dtype=np.uint8), r"got \(8, 8, 2\)"),
        (np.zeros((3, 5, 3), dtype=np.uint8), r"\(3, 5, 3\) can be read in two ways"),
        (np.zeros((0, 8, 8), dtype=np.uint8), "must hold pixels"),
        (np.array([["a"]]), "must be uint8 or floats"),
    ],
)
def test_arrays_that_are_no_pictures_are_refused_in_a_sentence(array: np.ndarray, said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        preparation().read(array)


def test_things_that_are_no_pictures_are_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("no picture")
    for thing, said in (
        (tmp_path / "a.txt", "a.txt: a picture is required; got no picture that can be read"),
        (tmp_path / "gone.png", "gone.png: a picture file is required"),
        (tmp_path, "cannot be read"),
        (b"", "empty file"),
        (7, "got int"),
        ([], "empty list"),
    ):
        with pytest.raises(DataError, match=said):
            preparation().read(thing)


def test_table_without_pictures_is_refused() -> None:
    schema = Schema((Column(name="x", kind=Kind.NUMBER, role=Role.INPUT),))
    table = Table(name="t", schema=schema, columns={"x": Dense(np.zeros(3))}, splits={})
    with pytest.raises(DataError, match="exactly one input column of pictures is required; got none"):
        PictureCodec.fit(table, np.arange(3))
    with pytest.raises(DataError, match="at least one training picture"):
        PictureCodec.fit(table_of(draw(3, 4, 4, 1)), np.arange(0))


def test_gray_tables_serve_a_network_that_reads_colour() -> None:
    values = draw(3, 8, 8, 1)
    host = preparation(channels=3).encode(table_of(values))
    assert np.array_equal(host.gather(np.arange(3)).numpy(), np.repeat(values, 3, axis=-1))


def test_json_describes_the_preparation_exactly() -> None:
    fitted = PictureCodec.fit(table_of(draw(7, 5, 6, 3)), np.arange(7))
    document = json.loads(json.dumps(fitted.to_json()))
    assert codec_from_json(document) == fitted
    # Cards of before had the codec of the one input alone.
    assert preparation_from_json(document) == ColumnsPreparation({"input": fitted})
    assert fitted.columns == ("photo",)
    assert fitted.shape == (3, 5, 6)


@pytest.mark.parametrize(
    "change",
    [
        {"height": 0},
        {"height": "8"},
        {"height": True},
        {"width": 10**9},
        {"channels": 2},
        {"mean": [0.1, 0.2]},
        {"mean": [float("nan")]},
        {"mean": "0.1"},
        {"std": [0.0]},
        {"std": [None]},
        {"rule": "stretch"},
        {"column": 3},
        {"more": 1},
    ],
)
def test_altered_json_is_refused_in_a_sentence(change: dict[str, Any]) -> None:
    with pytest.raises(RefusedFileError, match="column of pictures"):
        PictureCodec.from_json({**preparation().to_json(), **change})
    with pytest.raises(RefusedFileError, match="must have the fields"):
        PictureCodec.from_json({"kind": "picture"})
