"""Bytes become the picture that a person sees; what cannot be read is told with a reason."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
import warnings
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.readers.troubled_pictures import bomb, picture

from derin.data.pictures.decode import UnreadablePictureError, open_picture, pixels_of
from derin.data.pictures.values import PixelValues, ValueRange

RED, WHITE = (255, 0, 0), (255, 255, 255)


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def decoded(data: bytes) -> tuple[np.ndarray, tuple[str, ...]]:
    opened = open_picture(data)
    return pixels_of(opened.image), opened.remarks


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM", "WEBP", "TGA", "JPEG2000"])
def test_lossless_forms_give_their_pixels(form: str) -> None:
    image = picture(17, 23, 3)
    options = {"WEBP": {"lossless": True}, "JPEG2000": {"irreversible": False}}.get(form, {})
    pixels, remarks = decoded(encoded(image, form, **options))
    assert np.array_equal(pixels, np.asarray(image))
    assert remarks == ()


def test_gray_stays_gray() -> None:
    image = picture(17, 23, 3).convert("L")
    for form in ("PNG", "JPEG", "PPM"):
        pixels, remarks = decoded(encoded(image, form))
        assert pixels.shape == (17, 23, 1)
        assert remarks == ()


def test_sixteen_bits_are_scaled_not_cut_off() -> None:
    values = np.array([[0, 128, 256, 257, 32768, 65534, 65535]], dtype=np.uint16)
    expected = np.floor(values / 257.0 + 0.5).astype(np.uint8)
    for form in ("PNG", "TIFF"):
        pixels, remarks = decoded(encoded(Image.fromarray(values), form))
        assert np.array_equal(pixels[..., 0], expected)
        assert remarks == ("values from 0 to 65535 became 0 to 255, as in the whole set",)


def test_sixteen_bit_pgm_is_scaled() -> None:
    values = np.array([[0, 1000, 30000, 65535]], dtype=">u2")
    pixels, _ = decoded(b"P5\n4 1\n65535\n" + values.tobytes())
    assert pixels[0, :, 0].tolist() == [0, 4, 117, 255]


def test_floats_and_wide_integers_are_scaled_by_the_range_of_their_set() -> None:
    pixels, _ = decoded(encoded(Image.fromarray(np.array([[0.0, 0.5, 1.0]], dtype=np.float32)), "TIFF"))
    assert pixels[0, :, 0].tolist() == [0, 128, 255]
    data = encoded(Image.fromarray(np.array([[-100, 0, 100]], dtype=np.int32)), "TIFF")
    with pytest.raises(UnreadablePictureError, match="values from -100 to 100: no pixels"):
        open_picture(data)
    opened = open_picture(data, values=PixelValues(whole=ValueRange(-200, 300)))
    assert np.asarray(opened.image).tolist() == [[51, 102, 153]]


def test_one_bit_becomes_black_and_white() -> None:
    image = Image.fromarray(np.array([[True, False, True]]))
    pixels, remarks = decoded(encoded(image, "PNG"))
    assert pixels[0, :, 0].tolist() == [255, 0, 255]
    assert remarks == ("1-bit picture: black and white became 0 and 255",)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_parts_are_laid_on_white(mode: str) -> None:
    values = np.array([[[100, 50, 0, 255], [100, 50, 0, 0], [100, 50, 0, 51]]], dtype=np.uint8)
    image = Image.fromarray(values if mode == "RGBA" else np.ascontiguousarray(values[..., [0, 3]]), mode=None)
    pixels, remarks = decoded(encoded(image, "PNG"))
    alpha = values[..., 3:] / 255.0
    colour = values[..., :3] if mode == "RGBA" else values[..., :1]
    expected = np.rint(colour * alpha + 255.0 * (1 - alpha))
    assert np.abs(pixels - expected).max() <= 1  # Pillow rounds its product in integers
    assert remarks == ("transparent parts were laid on white",)


def test_opaque_alpha_is_dropped_without_a_remark() -> None:
    image = picture(9, 7, 1)
    pixels, remarks = decoded(encoded(image.convert("RGBA"), "PNG"))
    assert np.array_equal(pixels, np.asarray(image))
    assert remarks == ()


def test_palette_is_written_out_and_its_transparent_entry_is_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, 0, 0, 255])
    image.putpixel((1, 0), 1)
    assert decoded(encoded(image, "PNG"))[0].tolist() == [[[255, 0, 0], [0, 0, 255]]]
    pixels, remarks = decoded(encoded(image, "PNG", transparency=1))
    assert pixels.tolist() == [[[255, 0, 0], [255, 255, 255]]]
    assert len(remarks) == 2


def test_gray_palette_gives_gray() -> None:
    image = picture(9, 7, 1).convert("L")
    pixels, remarks = decoded(encoded(image.convert("P"), "GIF"))
    assert np.array_equal(pixels[..., 0], np.asarray(image))
    assert len(remarks) == 1


def test_cmyk_becomes_rgb() -> None:
    pixels, remarks = decoded(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=100))
    assert np.abs(pixels.astype(int) - RED).max() < 8  # JPEG loses a little
    assert remarks == ("CMYK picture: converted to RGB",)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    image = picture(16, 32, 5)
    upright = np.asarray(image)
    # What each orientation must undo, by its definition in the EXIF standard (0th row and 0th column on the screen).
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    for form in ("PNG", "TIFF"):
        data = encoded(Image.fromarray(np.ascontiguousarray(stored)), form, exif=exif)
        opened = open_picture(data)
        assert np.array_equal(np.asarray(opened.image), upright), form
        if form == "PNG":
            assert (opened.height, opened.width) == (16, 32)


def test_damaged_exif_costs_only_the_orientation() -> None:
    image = picture(16, 32, 5)
    data = encoded(image, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12")
    assert decoded(data)[0].shape == (16, 32, 3)


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_frames_the_first_is_taken(form: str) -> None:
    frames = [Image.new("RGB", (8, 6), colour) for colour in (RED, WHITE)]
    pixels, remarks = decoded(encoded(frames[0], form, save_all=True, append_images=frames[1:]))
    assert np.abs(pixels.astype(int) - RED).max() < 8
    assert any("first" in remark for remark in remarks)


def test_large_jpeg_is_decoded_whole_so_that_its_array_is_the_same_picture() -> None:
    data = encoded(picture(900, 1200, 5), "JPEG", quality=95)
    opened = open_picture(data)
    assert np.array_equal(np.asarray(opened.image), np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"no picture at all", "no picture that can be read"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "no picture|damaged|truncated"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture that can be read"),
        (bomb(), "too large"),
    ],
)
def test_what_is_no_picture_is_told(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadablePictureError, match=reason):
        open_picture(data)


def test_picture_between_the_warning_of_pillow_and_our_limit_is_read_without_a_warning() -> None:
    data = encoded(Image.new("1", (10_000, 10_000)), "PNG")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decoded(data)[0].shape == (10_000, 10_000, 1)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "TGA", "ICO", "PCX"])
def test_damage_of_any_kind_gives_a_picture_or_a_reason(form: str) -> None:
    whole = encoded(picture(40, 40, 9), form)
    draw = random.Random(7)
    for trial in range(60):
        data = bytearray(whole)
        if trial % 2:
            del data[draw.randrange(len(data)) :]
        for _ in range(draw.randrange(1, 12)):
            if data:
                data[draw.randrange(min(len(data), 200 if trial % 3 else len(data)))] = draw.randrange(256)
        # Any other exception fails the test.
        with suppress(UnreadablePictureError):
            pixels, _ = decoded(bytes(data))
            assert pixels.dtype == np.uint8
            assert pixels.ndim == 3


def _plain_png(side: int, depth: int, kind: int, *, rows: int | None = None) -> bytes:
    """A square PNG of zeros, packed small: a few hundred kilobytes stand for hundreds of megabytes."""
    row = b"\0" + bytes(side * {0: 1, 6: 4}[kind] * depth // 8)
    pack = zlib.compressobj(9)
    data = b"".join(pack.compress(row) for _ in range(side if rows is None else rows)) + pack.flush()

    def chunk(name: bytes, content: bytes) -> bytes:
        checked = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + checked

    head = struct.pack(">IIBBBBB", side, side, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_pictures_beyond_their_bytes_are_refused_before_they_take_memory() -> None:
    with pytest.raises(UnreadablePictureError, match="MiB"):
        open_picture(_plain_png(13_300, 8, 6, rows=1))  # nothing but the head is looked at


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of memory is read from /proc")
def test_a_large_picture_takes_a_few_times_its_pixels(tmp_path: Path) -> None:
    side = 13_300
    (tmp_path / "large.png").write_bytes(_plain_png(side, 16, 0))
    program = """
import sys
from pathlib import Path
from derin.data.pictures.decode import open_picture
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
import PIL.Image, numpy
before = peak()
assert open_picture(Path(sys.argv[1]).read_bytes()).image.size == (13300, 13300)
print(peak() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "large.png")], capture_output=True, text=True, check=True
    )
    # Two bytes of a pixel as they are decoded, and as much again on the way to one.
    assert int(done.stdout) * 1024 < 7 * side * side
