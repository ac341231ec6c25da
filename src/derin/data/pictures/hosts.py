"""The pictures of a table as host memory from which batches are gathered."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from derin.core.errors import DataError
from derin.core.quiet import quiet
from derin.data.codecs.frame import window_places
from derin.data.pictures.decode import Pixels, gray_or_rgb, pixels_of
from derin.data.pictures.encoded import num_decoders
from derin.data.pictures.fitting import ResizePolicy, Rule
from derin.data.pictures.values import PixelValues
from derin.data.table import Dense, Pictures, Rows

if TYPE_CHECKING:
    import torch

# Pictures that take more when they are resized are resized batch by batch.
_MOST_RESIZED_BYTES = 1 << 30


def picture_host(
    data: Dense | Pictures,
    *,
    fitting: ResizePolicy,
    size: tuple[int, int],
    channels: int,
    values: PixelValues | None = None,
    where: str,
    as_they_are: bool = False,
) -> DenseHost | WindowHost | ResizingHost | KeptHost:
    """The host for pictures of any size, each as its file would be read for the network.

    Pictures of the cache that were stored in another form are read again from their files. Arrays are resized once, or
    for each batch where they are many.

    Args:
        data: the pictures.
        fitting: how a picture is brought to where windows are taken from.
        size: height and width of the windows.
        channels: of the network's input.
        values: by which values beyond 8 bits are read; None decided nothing.
        where: the table, for messages.
        as_they_are: whether nothing is resized; see `KeptHost`.

    Raises:
        DataError: pictures that were stored smaller than is needed, or with other channels.
    """
    origin = getattr(data, "origin", None)
    if origin is not None and not origin.holds(fitting, channels, values):
        data = origin.read_again(fitting, channels, values)
    if isinstance(data, Dense):
        data = Dense(with_channels(data.values, channels))
        # What windows are taken from is larger than they are, also where the pictures have their size already.
        if data.values.shape[1:3] == size and fitting.rule is not Rule.SHORTEST_SIDE and not as_they_are:
            return DenseHost(data.values)
    elif data.channels != channels:
        raise DataError(
            f"{where}: pictures with {channels} channels are required; they were read with {data.channels}. "
            f"Load the data with channels={channels}."
        )
    if as_they_are:
        return KeptHost(data, size)
    shapes = picture_shapes(data)
    if isinstance(data, Pictures):
        if all(fitting.shape(*shape) == shape for shape in shapes):
            return WindowHost(data, size)
        if min(min(shape) for shape in shapes) < min(fitting.height, fitting.width):
            raise DataError(
                f"{where}: pictures with a shorter side of {fitting.height} pixels are required; they were stored with "
                f"less. Load the data with size={max(size)}."
            )
    largest = max(height * width for height, width in (fitting.shape(*shape) for shape in shapes))
    host = ResizingHost(data, fitting, size)
    return host if len(data) * largest * channels > _MOST_RESIZED_BYTES else host.resized()


def picture_shapes(data: Dense | Pictures) -> set[tuple[int, int]]:
    """The distinct heights and widths."""
    if isinstance(data, Dense):
        return {(int(data.values.shape[1]), int(data.values.shape[2]))}
    pairs = np.unique(np.stack([data.heights, data.widths], axis=1), axis=0)
    return {(int(height), int(width)) for height, width in pairs}


def with_channels(values: Pixels, channels: int) -> Pixels:
    """Gray pictures for a network that reads colour, and the other way round.

    Shapes:
        ``(N, H, W, C)`` → ``(N, H, W, channels)``.
    """
    import PIL.Image

    if values.dtype != np.uint8:
        raise DataError(f"Pictures must be uint8; got {values.dtype}. Scale them to 0..255.")
    if values.shape[-1] == channels:
        return values
    if channels == 3 and values.shape[-1] == 1:
        return np.repeat(values, 3, axis=-1)
    images = (gray_or_rgb(PIL.Image.fromarray(np.ascontiguousarray(v)), []) for v in values)
    return np.stack([pixels_of(image.convert("L" if channels == 1 else "RGB")) for image in images])


class DenseHost:
    """Pictures of the network's own size: one copy of bytes for each row.

    Args:
        values: the pictures. Shapes: ``(N, height, width, channels)`` uint8.
    """

    is_random = False

    def __init__(self, values: Pixels) -> None:
        import torch

        with quiet():  # of someone's read-only array: rows are copied out of it, and nothing is written into it
            self._values = torch.from_numpy(np.ascontiguousarray(values))

    def __len__(self) -> int:
        return len(self._values)

    def gather(self, rows: Rows, uniforms: np.ndarray | None = None) -> torch.Tensor:
        """The rows, whole: there is nothing to choose a window from."""
        import torch

        return self._values.index_select(0, torch.from_numpy(rows))


class WindowHost:
    """Larger pictures, of which a window is read.

    Args:
        pictures: each at least as large as the window.
        size: height and width of the window.
    """

    is_random = True

    def __init__(self, pictures: Pictures, size: tuple[int, int]) -> None:
        self._pictures, self._size = pictures, size

    def __len__(self) -> int:
        return len(self._pictures)

    def gather(self, rows: Rows, uniforms: np.ndarray | None = None) -> torch.Tensor:
        """A window of each row: where the uniforms say, or in the middle."""
        import torch

        stored = self._pictures
        tops, lefts = window_places(stored.heights[rows], stored.widths[rows], self._size, uniforms)
        return torch.from_numpy(stored.windows(rows, tops, lefts, self._size))


class KeptHost:
    """Pictures of any size whose pixels stay as they are: windows of several, and one that comes alone whole.

    Args:
        data: the pictures; one that is smaller than the window goes on in its mirror image.
        size: height and width of the window.
    """

    is_random = True

    def __init__(self, data: Dense | Pictures, size: tuple[int, int]) -> None:
        self._data, self._size = data, size

    def __len__(self) -> int:
        return len(self._data)

    def gather(self, rows: Rows, uniforms: np.ndarray | None = None) -> torch.Tensor:
        """A window of each row: where the uniforms say, or in the middle; without uniforms a single row is whole."""
        import torch

        pictures = [np.asarray(picture) for picture in self._data.take(rows)]
        if uniforms is None and len(pictures) == 1:
            return torch.from_numpy(pictures[0][None].copy())
        height, width = self._size
        pictures = [at_least(picture, height, width) for picture in pictures]
        heights, widths = (np.array([p.shape[axis] for p in pictures], dtype=np.int64) for axis in (0, 1))
        tops, lefts = window_places(heights, widths, self._size, uniforms)
        windows = [
            picture[top : top + height, left : left + width]
            for picture, top, left in zip(pictures, tops.tolist(), lefts.tolist(), strict=True)
        ]
        return torch.from_numpy(np.stack(windows))


def at_least(picture: Pixels, height: int, width: int) -> Pixels:
    """A picture that is too small goes on in its mirror image, below and to the right."""
    down, along = max(0, height - picture.shape[0]), max(0, width - picture.shape[1])
    return np.pad(picture, ((0, down), (0, along), (0, 0)), mode="symmetric") if down or along else picture


class ResizingHost:
    """Pictures that are resized, in parallel, for each batch.

    Args:
        data: the pictures.
        fitting: how they are resized.
        size: height and width of the windows that are then read.
    """

    is_random = True

    def __init__(self, data: Dense | Pictures, fitting: ResizePolicy, size: tuple[int, int]) -> None:
        self._data, self._fitting, self._size = data, fitting, size

    def __len__(self) -> int:
        return len(self._data)

    def gather(self, rows: Rows, uniforms: np.ndarray | None = None) -> torch.Tensor:
        """A window of each row: where the uniforms say, or in the middle."""
        import torch

        pictures = self._resized(rows)
        heights, widths = (np.array([p.shape[axis] for p in pictures], dtype=np.int64) for axis in (0, 1))
        tops, lefts = window_places(heights, widths, self._size, uniforms)
        height, width = self._size
        windows = [
            picture[top : top + height, left : left + width]
            for picture, top, left in zip(pictures, tops.tolist(), lefts.tolist(), strict=True)
        ]
        return torch.from_numpy(np.stack(windows))

    def resized(self) -> DenseHost | WindowHost:
        """The same pictures, resized once for all."""
        pictures = self._resized(np.arange(len(self), dtype=np.int64))
        if self._fitting.is_exact:
            return DenseHost(np.stack(pictures))
        offsets = np.concatenate([[0], np.cumsum([p.size for p in pictures])]).astype(np.int64)
        heights, widths = (np.array([p.shape[axis] for p in pictures], dtype=np.int64) for axis in (0, 1))
        flat = np.concatenate([p.reshape(-1) for p in pictures])
        return WindowHost(Pictures(flat, offsets, heights, widths, pictures[0].shape[2]), self._size)

    def _resized(self, rows: Rows) -> list[Pixels]:
        parts: Iterable[Rows] = np.array_split(rows, max(1, min(len(rows), 4 * num_decoders())))
        return [picture for found in self._pool.map(self._resize, parts) for picture in found]

    def _resize(self, rows: Rows) -> list[Pixels]:
        """By the code that reads files."""
        import PIL.Image

        pictures = self._data.take(rows)
        images = (PIL.Image.fromarray(p[..., 0] if p.shape[2] == 1 else p) for p in pictures)
        return [pixels_of(self._fitting.apply(image)) for image in images]

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(num_decoders(), thread_name_prefix="derin-resize")
