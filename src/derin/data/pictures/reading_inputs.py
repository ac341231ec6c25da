"""What a person hands over as a picture: files, bytes, Pillow pictures, arrays, tensors, or a list of these."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, ShapeError
from derin.core.quiet import quiet
from derin.data.pictures.decode import Pixels, UnreadablePictureError, gray_or_rgb, open_picture

if TYPE_CHECKING:
    from PIL.Image import Image

_CHANNELS = (1, 3, 4)
_ACCEPTED = "a path, bytes, a Pillow picture, a NumPy array, a torch tensor, or a list of these is required"


def images_of(inputs: Any, *, side: int | None, size: tuple[int, int], channels: int) -> list[Image | Pixels]:
    """Every picture that was handed over: files decoded, arrays as ``(height, width, channels)`` uint8.

    Args:
        inputs: see above.
        side: the shorter side that is needed; see `open_picture`.
        size: height and width of the network's input, which tell pictures in gray from one in colour.
        channels: of the network's input.

    Raises:
        DataError: a file that cannot be read, or a thing that is no picture.
        ShapeError: an array of a form or with values that no picture has.
    """
    if isinstance(inputs, list | tuple):
        return [image for item in inputs for image in images_of(item, side=side, size=size, channels=channels)]
    if isinstance(inputs, str | os.PathLike):
        return [_from_file(Path(inputs), side)]
    if isinstance(inputs, bytes | bytearray | memoryview):
        return [_decoded(bytes(inputs), side, "The picture")]
    if hasattr(inputs, "detach"):
        inputs = inputs.detach().cpu().numpy()
    if isinstance(inputs, np.ndarray):
        return list(_pictures_in(inputs, size, channels))
    if hasattr(inputs, "getbands"):
        return [_upright(inputs)]
    raise DataError(f"Reading a picture: {_ACCEPTED}; got {type(inputs).__name__}.")


def _from_file(path: Path, side: int | None) -> Image:
    try:
        data = path.expanduser().read_bytes()
    except OSError as error:
        raise DataError(f"{path}: a picture file is required; it cannot be read ({error.strerror or error}).") from None
    return _decoded(data, side, str(path))


def _decoded(data: bytes, side: int | None, where: str) -> Image:
    try:
        return open_picture(data, side=side).image
    except UnreadablePictureError as error:
        raise DataError(f"{where}: a picture is required; got {error}.") from None


def _upright(image: Image) -> Image:
    """A Pillow picture as a file of it would be read."""
    from PIL import ImageOps

    with quiet():
        return gray_or_rgb(ImageOps.exif_transpose(image), [])


def _pictures_in(array: npt.NDArray[Any], size: tuple[int, int], channels: int) -> Pixels:
    """One picture or a batch of them in an array.

    Shapes:
        ``(H, W)``, ``(H, W, C)``, ``(C, H, W)``, ``(B, H, W)``, ``(B, H, W, C)`` or ``(B, C, H, W)``
        → ``(B, H, W, C)``.
    """
    pixels = _eight_bits(array)
    shape = pixels.shape
    if pixels.ndim == 2:
        return pixels[None, ..., None]
    if pixels.ndim == 3:
        if shape[1:] == size and channels == 1 and shape[2] not in _CHANNELS:
            return pixels[..., None]
        if shape[2] in _CHANNELS and (shape[0] not in _CHANNELS or shape[:2] == size):
            return pixels[None]
        if shape[0] in _CHANNELS and shape[2] not in _CHANNELS:
            return pixels.transpose(1, 2, 0)[None]
    if pixels.ndim == 4:
        if shape[3] in _CHANNELS and (shape[1] not in _CHANNELS or shape[1:3] == size):
            return pixels
        if shape[1] in _CHANNELS and shape[3] not in _CHANNELS:
            return pixels.transpose(0, 2, 3, 1)
    raise ShapeError(
        "An array of pictures must have the shape (height, width), (height, width, channels) or (batch, height, width, "
        f"channels) with 1, 3 or 4 channels; got {shape}. Move its axes, or add one."
    )


def _eight_bits(array: npt.NDArray[Any]) -> Pixels:
    """uint8 as it is; floats in 0..1 and whole numbers in 0..255 where nothing else can be meant."""
    if array.size == 0:
        raise ShapeError(f"An array of pictures must hold pixels; got the shape {array.shape}.")
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind not in "iuf":
        raise ShapeError(f"An array of pictures must be uint8 or floats in 0..1; got the type {array.dtype}.")
    low, high = array.min(), array.max()
    most = 1 if array.dtype.kind == "f" else 255
    if not (low >= 0 and high <= most):  # a NaN is neither
        raise ShapeError(
            f"An array of pictures of type {array.dtype} must have values in 0..{most}; got {low:g} to {high:g}. "
            "Scale them, or give uint8."
        )
    return np.rint(array * 255.0).astype(np.uint8) if most == 1 else array.astype(np.uint8)
