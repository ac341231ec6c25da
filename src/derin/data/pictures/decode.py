"""From the bytes of a file to a picture in gray or RGB, as a person would expect to see it.

Everything unusual on the way is told: a picture that cannot be read with the reason, one that is read in another form
than it has on disk with what was done.
"""

from __future__ import annotations

import struct
import threading
import zlib
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.core.messages import Sentence
from derin.core.quiet import quiet
from derin.data.pictures.fitting import is_small

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = npt.NDArray[np.uint8]

# Twice the limit at which Pillow warns: 179 million pixels, half a gigabyte in RGB.
MAX_PIXELS = 178_956_970
_TOO_LARGE = Sentence("reading.too_many_pixels", most=MAX_PIXELS)
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
        height: on disk (upright); a large JPEG is decoded at a fraction of it.
        width: on disk.
        remarks: what was done to it.
    """

    image: Image
    height: int
    width: int
    remarks: tuple[str, ...]


@quiet()  # Pillow warns of odd files; what matters about a file is in its remarks
def open_picture(data: bytes, *, side: int | None = None) -> Opened:
    """Decodes a picture.

    Args:
        data: the file's bytes.
        side: the shorter side that is needed: a large JPEG is decoded at no less than twice that, which is faster.

    Raises:
        UnreadablePictureError: it is no picture, damaged, truncated, or too large.

    Example:
        >>> open_picture(b"seven")
        Traceback (most recent call last):
        derin.data.pictures.decode.UnreadablePictureError: no picture that can be read
    """
    import PIL.Image

    if not data:
        raise UnreadablePictureError(Sentence("reading.empty_file"))
    try:
        image = _identified(data)
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise UnreadablePictureError(_TOO_LARGE)
        remarks: list[str] = []
        if getattr(image, "is_animated", False):
            pages = image.format in ("TIFF", "MPO")
            remarks.append(Sentence("reading.several_pictures") if pages else Sentence("reading.animated"))
        if side is not None and not is_small(height, width):
            scale = 2 * side / min(width, height)
            image.draft(None, (max(1, int(width * scale)), max(1, int(height * scale))))
        with _ONE_LARGE_PICTURE if image.width * image.height > _LARGE_PIXELS else nullcontext():
            image.load()
            upright, is_on_side = _upright(image, remarks)
            plain = gray_or_rgb(upright, remarks)
        if is_on_side:
            height, width = width, height
        return Opened(plain, height, width, tuple(remarks))
    except UnreadablePictureError:
        raise
    except PIL.Image.DecompressionBombError:
        raise UnreadablePictureError(_TOO_LARGE) from None
    except PIL.UnidentifiedImageError:
        raise UnreadablePictureError(Sentence("reading.no_picture")) from None
    except _DAMAGE as error:
        if "truncated" in str(error).lower():
            raise UnreadablePictureError(Sentence("reading.truncated")) from None
        told = " ".join(str(error).split()) or type(error).__name__
        raise UnreadablePictureError(Sentence("reading.damaged", error=told[:120])) from None


def gray_or_rgb(image: Image, remarks: list[str]) -> Image:
    """The picture in mode ``L`` or ``RGB``; what had to be done is added to the remarks."""
    import PIL.Image

    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image
    if image.mode == "1":
        remarks.append(Sentence("reading.one_bit"))
        return image.convert("L")
    if image.mode.startswith("I") or image.mode == "F":
        return PIL.Image.fromarray(_eight_bits(np.asarray(image), image.mode, remarks))
    if image.mode == "P":
        remarks.append(Sentence("reading.palette"))
        if "transparency" not in image.info:
            return image.convert("L" if _has_gray_palette(image) else "RGB")
    if "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode in ("La", "RGBa", "PA"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    if image.mode in ("LA", "RGBA"):
        return _on_white(image, remarks)
    if image.mode == "CMYK":
        remarks.append(Sentence("reading.cmyk"))
    elif image.mode != "RGBX":
        remarks.append(Sentence("reading.other_mode", mode=image.mode))
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


def _upright(image: Image, remarks: list[str]) -> tuple[Image, bool]:
    """The picture as the camera was held, and whether height and width have changed places."""
    from PIL.Image import Transpose

    if image.format in ("JPEG", "MPO") and "exif" not in image.info and "xmp" not in image.info:
        return image, False
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except _DAMAGE:
        return image, False  # a damaged EXIF block costs nothing but the orientation
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
        return image, False
    remarks.append(Sentence("reading.upright"))
    return image.transpose(turns[orientation]), orientation >= 5


def _has_gray_palette(image: Image) -> bool:
    palette = np.array(image.getpalette("RGB") or [], dtype=np.int64).reshape(-1, 3)
    used = np.flatnonzero(image.histogram()[: len(palette)])
    return bool((palette[used] == palette[used, :1]).all())


def _on_white(image: Image, remarks: list[str]) -> Image:
    """A picture with an alpha channel, laid on white."""
    import PIL.Image

    alpha, mode = image.getchannel("A"), "L" if image.mode == "LA" else "RGB"
    opaque = image.convert(mode)
    lowest, _ = alpha.getextrema()
    if lowest == 255:
        return opaque
    remarks.append(Sentence("reading.on_white"))
    ground = PIL.Image.new(mode, image.size, "white")
    ground.paste(opaque, mask=alpha)
    return ground


def _eight_bits(values: npt.NDArray[np.generic], mode: str, remarks: list[str]) -> Pixels:
    """Gray values of 16 or 32 bits, or floats, scaled to 0..255: none is cut off."""
    numbers = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    lowest, highest = float(numbers.min()), float(numbers.max())
    if mode == "F" and lowest >= 0.0 and highest <= 255.0:
        remarks.append(Sentence("reading.float_picture"))
        return np.rint(numbers * (255.0 if highest <= 1.0 else 1.0)).astype(np.uint8)
    if mode != "F" and lowest >= 0.0 and highest <= 65535.0:
        remarks.append(Sentence("reading.sixteen_bits"))
        return np.rint(numbers * 255.0 / 65535.0).astype(np.uint8)
    remarks.append(Sentence("reading.many_bits"))
    return np.rint((numbers - lowest) * 255.0 / max(highest - lowest, 1e-300)).astype(np.uint8)
