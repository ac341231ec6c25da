"""From the bytes of a file to a picture in gray or RGB, as a person would expect to see it.

Everything unusual on the way is told: a picture that cannot be read with the reason, one that is read in another form
than it has on disk with what was done.
"""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.core.messages import Message
from derin.core.quiet import quiet
from derin.data.pictures.values import Extent, PixelValues, ValueRange

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = npt.NDArray[np.uint8]

# Twice the limit at which Pillow warns: 179 million pixels, half a gigabyte in RGB.
MAX_PIXELS = 178_956_970
_TOO_LARGE = Message("reading.too_many_pixels", most=MAX_PIXELS)
# A small file may hold a picture of any size: what it takes is known before it is decoded.
MAX_BYTES = 512 << 20
_TOO_MANY_BYTES = Message("reading.too_many_bytes", most=MAX_BYTES >> 20)
_BYTES_PER_PIXEL = {"1": 1, "L": 1, "P": 1, "LA": 2, "La": 2, "PA": 2, "RGB": 3, "YCbCr": 3, "LAB": 3, "HSV": 3}
_DEEP_BYTES = {"I": 4, "F": 4}  # any other mode of whole numbers has 16 bits
_STRIP_PIXELS = 1 << 22
# Pictures beyond this are decoded one at a time, so that memory stays bounded with many threads.
_LARGE_PIXELS = 24_000_000
_ONE_LARGE_PICTURE = threading.Lock()
_ORIENTATION = 0x0112
# What is met most; further forms are looked at when none of these fits. Forms that start programs (EPS) are never
# opened.
_USUAL_FORMS = ("JPEG", "PNG", "GIF", "BMP", "PPM")
_FURTHER_FORMS = ("WEBP", "TIFF", "MPO", "DIB", "ICO", "TGA", "JPEG2000", "AVIF", "QOI", "PCX", "SGI")
# What decoders raise on damaged data, found by cutting and altering files of each form.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    EOFError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)


class UnreadablePictureError(DataError):
    """Bytes that are no picture or a damaged one; the message is the reason alone."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A decoded picture.

    Args:
        image: in mode ``L`` or ``RGB``, upright.
        height: upright.
        width: upright.
        remarks: what was done to it.
        extent: the lowest and highest value of a picture of more than 8 bits; None for one of bytes.
    """

    image: Image
    height: int
    width: int
    remarks: tuple[str, ...]
    extent: Extent | None = None


@quiet()  # Pillow warns of odd files; what matters about a file is in its remarks
def open_picture(data: bytes, *, values: PixelValues | None = None) -> Opened:
    """Decodes a picture, always whole: an array of it, which has no smaller form, gives the same pixels.

    Args:
        data: the file's bytes.
        values: what the set of pictures decided about values beyond 8 bits; None where nothing was decided.

    Raises:
        UnreadablePictureError: it is no picture, damaged, truncated, or too large.

    Example:
        >>> open_picture(b"seven")
        Traceback (most recent call last):
        derin.data.pictures.decode.UnreadablePictureError: no picture that can be read
    """
    import PIL.Image

    if not data:
        raise UnreadablePictureError(Message("reading.empty_file"))
    try:
        image = _identified(data)
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise UnreadablePictureError(_TOO_LARGE)
        if width * height * _bytes_per_pixel(image) > MAX_BYTES:
            raise UnreadablePictureError(_TOO_MANY_BYTES)
        remarks: list[str] = []
        if getattr(image, "is_animated", False):
            pages = image.format in ("TIFF", "MPO")
            remarks.append(Message("reading.several_pictures") if pages else Message("reading.animated"))
        with _ONE_LARGE_PICTURE if image.width * image.height > _LARGE_PIXELS else nullcontext():
            image.load()
            upright_image = upright(image, remarks)
            extent = extent_of(upright_image)
            plain = gray_or_rgb(upright_image, remarks, values, extent)
        return Opened(plain, plain.height, plain.width, tuple(remarks), extent)
    except UnreadablePictureError:
        raise
    except PIL.Image.DecompressionBombError:
        raise UnreadablePictureError(_TOO_LARGE) from None
    except PIL.UnidentifiedImageError:
        raise UnreadablePictureError(Message("reading.no_picture")) from None
    except _DAMAGE as error:
        if "truncated" in str(error).lower():
            raise UnreadablePictureError(Message("reading.truncated")) from None
        told = " ".join(str(error).split()) or type(error).__name__
        raise UnreadablePictureError(Message("reading.damaged", error=told[:120])) from None


def extent_of(image: Image) -> Extent | None:
    """The lowest and highest value of a picture of more than 8 bits; None for one of bytes."""
    return Extent.of(np.asarray(image)) if image.mode.startswith("I") or image.mode == "F" else None


def gray_or_rgb(
    image: Image, remarks: list[str], values: PixelValues | None = None, extent: Extent | None = None
) -> Image:
    """The picture in mode ``L`` or ``RGB``; what had to be done is added to the remarks.

    Args:
        image: upright.
        remarks: get what was done.
        values: see `open_picture`.
        extent: of the picture, where it is known already.

    Raises:
        UnreadablePictureError: its values are no pixels that the set knows.
    """
    import PIL.Image

    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image
    if image.mode == "1":
        remarks.append(Message("reading.one_bit"))
        return image.convert("L")
    if image.mode.startswith("I") or image.mode == "F":
        return PIL.Image.fromarray(
            _eight_bits(np.asarray(image), extent or Extent.of(np.asarray(image)), values, remarks)
        )
    if image.mode == "P":
        remarks.append(Message("reading.palette"))
        if "transparency" not in image.info:
            return image.convert("L" if _has_gray_palette(image) else "RGB")
    if "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode in ("La", "RGBa", "PA"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    if image.mode in ("LA", "RGBA"):
        return _on_white(image, remarks)
    if image.mode == "CMYK":
        remarks.append(Message("reading.cmyk"))
    elif image.mode != "RGBX":
        remarks.append(Message("reading.other_mode", mode=image.mode))
    return image.convert("RGB")


def pixels_of(image: Image, channels: int | None = None) -> Pixels:
    """The pixels of a picture in mode ``L`` or ``RGB``.

    Args:
        image: the picture.
        channels: 3 repeats gray three times; a picture in colour must have been made gray before.

    Shapes:
        → ``(height, width, channels)`` uint8.
    """
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    return np.repeat(pixels, 3, axis=-1) if channels == 3 and pixels.shape[-1] == 1 else pixels


def _identified(data: bytes) -> Image:
    import PIL.Image

    try:
        return PIL.Image.open(BytesIO(data), formats=_USUAL_FORMS)
    except PIL.UnidentifiedImageError:
        PIL.Image.init()
        known = [name for name in _FURTHER_FORMS if name in PIL.Image.OPEN]
        return PIL.Image.open(BytesIO(data), formats=known)


def upright(image: Image, remarks: list[str]) -> Image:
    """The picture as the camera was held."""
    from PIL.Image import Transpose

    orientation = _orientation(image)
    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    if orientation not in turns:
        return image
    remarks.append(Message("reading.upright"))
    return image.transpose(turns[orientation])


def _orientation(image: Image) -> int:
    """What EXIF says of how the camera was held: 1 is upright, 2 to 8 are not."""
    if image.format in ("JPEG", "MPO") and "exif" not in image.info and "xmp" not in image.info:
        return 1
    try:
        told = image.getexif().get(_ORIENTATION, 1)
    except _DAMAGE:
        return 1  # a damaged EXIF block costs nothing but the orientation
    return told if isinstance(told, int) and 1 <= told <= 8 else 1


@quiet()
def orientation_of(data: bytes) -> int:
    """The EXIF orientation of a picture that can be read, from 1 (upright) to 8."""
    import PIL.Image

    try:
        return _orientation(_identified(data))
    except (PIL.Image.DecompressionBombError, *_DAMAGE):
        return 1


def _has_gray_palette(image: Image) -> bool:
    palette = np.array(image.getpalette("RGB") or [], dtype=np.int64).reshape(-1, 3)
    used = np.flatnonzero(image.histogram()[: len(palette)])
    return bool((palette[used] == palette[used, :1]).all())


def _on_white(image: Image, remarks: list[str]) -> Image:
    """A picture with an alpha channel, laid on white."""
    import PIL.Image

    mode = "L" if image.mode == "LA" else "RGB"
    lowest, _ = image.getchannel("A").getextrema()
    if lowest == 255:
        return image.convert(mode)
    remarks.append(Message("reading.on_white"))
    ground = PIL.Image.new(mode, image.size, "white")
    for box in _strips(image):
        part = image.crop(box)
        ground.paste(part.convert(mode), box, mask=part.getchannel("A"))
    return ground


def _strips(image: Image) -> Iterator[tuple[int, int, int, int]]:
    """Boxes of whole rows that cover a picture, so that what is made of each on the way stays small."""
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield 0, top, image.width, min(top + rows, image.height)


def _bytes_per_pixel(image: Image) -> int:
    """What a pixel takes once it is decoded; a palette that knows transparency becomes four bands."""
    if image.mode == "P" and "transparency" in image.info:
        return 4
    deep = 2 if image.mode.startswith("I;") else _DEEP_BYTES.get(image.mode)
    return deep or _BYTES_PER_PIXEL.get(image.mode, 4)


def _eight_bits(
    values: npt.NDArray[np.generic], extent: Extent, decided: PixelValues | None, remarks: list[str]
) -> Pixels:
    """Values beyond 8 bits, and floats, as the whole set reads them."""
    chosen: ValueRange | None = (decided or PixelValues()).range_for(extent, is_set=True)
    if chosen is None:
        raise UnreadablePictureError(Message("reading.unknown_values", low=extent.low, high=extent.high))
    words = {"low": f"{chosen.low:g}", "high": f"{chosen.high:g}"}
    remarks.append(Message("reading.values_to_bytes", **words))
    if extent.high > chosen.high or extent.low < chosen.low:
        remarks.append(Message("reading.values_cut", **words))
    return chosen.to_bytes(values)
