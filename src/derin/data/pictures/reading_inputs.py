"""What a person hands over as a picture: files, bytes, Pillow pictures, arrays, tensors, or a list of these."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, ShapeError
from derin.core.quiet import quiet
from derin.data.pictures.decode import (
    Pixels,
    UnreadablePictureError,
    gray_or_rgb,
    open_picture,
    upright,
)
from derin.data.pictures.values import Extent, PixelValues

if TYPE_CHECKING:
    from PIL.Image import Image

_CHANNELS = (1, 3, 4)
_ACCEPTED = "a path, bytes, a Pillow picture, a NumPy array, a torch tensor, or a list of these is required"


def images_of(inputs: Any, *, channels: int, values: PixelValues) -> list[Image | Pixels]:
    """Every picture that was handed over: files decoded, arrays as ``(height, width, channels)`` uint8.

    Args:
        inputs: see above.
        channels: of the network's input, which tell gray pictures from one in colour.
        values: by which values beyond 8 bits are read.

    Raises:
        DataError: a file that cannot be read, or a thing that is no picture.
        ShapeError: an array of a form or with values that no picture has.
    """
    if isinstance(inputs, list | tuple):
        return [image for item in inputs for image in images_of(item, channels=channels, values=values)]
    if isinstance(inputs, str | os.PathLike):
        return [_from_file(Path(inputs), values)]
    if isinstance(inputs, bytes | bytearray | memoryview):
        return [_decoded(bytes(inputs), values, "The picture")]
    if hasattr(inputs, "detach"):
        inputs = inputs.detach().cpu().numpy()
    if isinstance(inputs, np.ndarray):
        return list(_pictures_in(inputs, channels, values))
    if hasattr(inputs, "getbands"):
        return [_from_pillow(inputs, values)]
    raise DataError(f"Reading a picture: {_ACCEPTED}; got {type(inputs).__name__}.")


def _from_file(path: Path, values: PixelValues) -> Image:
    try:
        data = path.expanduser().read_bytes()
    except OSError as error:
        raise DataError(f"{path}: a picture file is required; it cannot be read ({error.strerror or error}).") from None
    return _decoded(data, values, str(path))


def _decoded(data: bytes, values: PixelValues, where: str) -> Image:
    try:
        return open_picture(data, values=values).image
    except UnreadablePictureError as error:
        raise DataError(f"{where}: a picture is required; got {error}.") from None


def _from_pillow(image: Image, values: PixelValues) -> Image:
    """A Pillow picture as a file of it would be read."""
    try:
        with quiet():
            return gray_or_rgb(upright(image, []), [], values)
    except UnreadablePictureError as error:
        raise DataError(f"The picture is refused: {error}.") from None


def _pictures_in(array: npt.NDArray[Any], channels: int, values: PixelValues) -> Pixels:
    """One picture or a batch of them in an array.

    Shapes:
        ``(H, W)``, ``(H, W, C)``, ``(C, H, W)``, ``(B, H, W)``, ``(B, H, W, C)`` or ``(B, C, H, W)``
        → ``(B, H, W, C)``. Three axes are a batch where the network reads gray, unless the last is of channels.
    """
    pixels = _eight_bits(array, values)
    shape = pixels.shape
    first, last = (shape[-3] in _CHANNELS, shape[-1] in _CHANNELS) if pixels.ndim >= 3 else (False, False)
    if pixels.ndim == 2:
        return pixels[None, ..., None]
    if pixels.ndim == 3 and not (first and last):
        if last:
            return pixels[None]
        # A network in colour that gets (4, H, W) could be meant either way; of (3, H, W) only channels are likely.
        if (not first or channels == 1) and shape[-1] > _CHANNELS[-1]:
            return pixels[..., None]
        if first and channels != 1 and shape[0] != _CHANNELS[-1]:
            return pixels.transpose(1, 2, 0)[None]
    if pixels.ndim == 4 and first != last:
        return pixels if last else pixels.transpose(0, 2, 3, 1)
    if first and (last or shape[-1] > _CHANNELS[-1]):
        raise ShapeError(
            f"An array of pictures of the shape {shape} can be read in two ways: its channels may come first or last, "
            "or it may be a batch without channels. Give (batch, height, width, channels)."
        )
    raise ShapeError(
        "An array of pictures must have the shape (height, width), (height, width, channels) or (batch, height, width, "
        f"channels) with 1, 3 or 4 channels; got {shape}. Move its axes, or add one."
    )


def _eight_bits(array: npt.NDArray[Any], values: PixelValues) -> Pixels:
    """uint8 as it is; other numbers as the set of training reads them, or as nothing else can be meant."""
    if array.size == 0:
        raise ShapeError(f"An array of pictures must hold pixels; got the shape {array.shape}.")
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind not in "iuf":
        raise ShapeError(f"An array of pictures must be uint8 or floats in 0..1; got the type {array.dtype}.")
    low, high = array.min(), array.max()
    chosen = values.range_for(Extent(array.dtype.kind == "f", float(low), float(high)))
    if chosen is None or not np.isfinite(high):
        most = "0..1 or 0..255" if array.dtype.kind == "f" else "0..255 or 0..65535"
        raise ShapeError(
            f"An array of pictures of type {array.dtype} must have values in {most}; got {low:g} to {high:g}. "
            "Scale them, or give uint8."
        )
    return chosen.to_bytes(array)
