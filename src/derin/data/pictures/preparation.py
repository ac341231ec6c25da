"""The way from stored pictures, or from one that a person hands over, to the network's input."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, RefusedFileError, ShapeError
from derin.core.seeds import permutation
from derin.data.pictures.decode import Pixels, gray_or_rgb, pixels_of
from derin.data.pictures.encoded import EncodedPictures, num_decoders
from derin.data.pictures.fitting import DEFAULT_SIZE, Fitting, Rule, input_size, is_small, stored_side
from derin.data.pictures.reading_inputs import images_of
from derin.data.schema import Column, Kind
from derin.data.table import Dense, Pictures, Rows, Table

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

# Mean and standard deviation are measured on so many pictures, or fewer of many pixels: they change in the third digit.
_MOST_MEASURED = 5_000
_MOST_MEASURED_BYTES = 64 << 20
_MAX_SIDE = 1 << 14
_LARGEST = 1e6
_MOST_LINE = 1 << 14  # values whose scales still stay in the fastest cache
_FIELDS = {"kind", "column", "height", "width", "channels", "mean", "std", "rule"}


@dataclass(frozen=True, kw_only=True)
class PicturePreparation:
    """Brings pictures to one size and normalizes them: y = (x / 255 − mean) / std for each channel.

    Args:
        column: of the pictures.
        size: height and width of the network's input.
        channels: 1 (gray) or 3 (RGB).
        mean: of each channel, of values in 0..1.
        std: standard deviation of each channel, of values in 0..1.
        rule: ``"resize"`` brings a picture to exactly the size; ``"crop"`` brings its shorter side to 1.15 times the
            size and takes a window: anywhere in training, the middle otherwise.

    Example:
        >>> preparation = PicturePreparation(
        ...     column="picture", size=(8, 8), channels=1, mean=(0.3,), std=(0.4,), rule="resize"
        ... )
        >>> preparation.input_shape
        (1, 8, 8)
        >>> preparation.read([np.zeros((8, 8)), np.ones((20, 30, 3))]).shape
        (2, 8, 8, 1)
    """

    column: str
    size: tuple[int, int]
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    rule: str
    kind: ClassVar[str] = "picture"

    def __post_init__(self) -> None:
        if self.rule not in ("resize", "crop"):
            raise ShapeError(f"PicturePreparation: rule must be 'resize' or 'crop'; got {self.rule!r}.")
        if self.channels not in (1, 3):
            raise ShapeError(f"PicturePreparation: channels must be 1 or 3; got {self.channels}.")
        if len(self.size) != 2 or not all(1 <= side <= _MAX_SIDE for side in self.size):
            raise ShapeError(f"PicturePreparation: size must be two numbers in 1..{_MAX_SIDE}; got {self.size}.")
        finite = all(abs(m) < _LARGEST for m in self.mean) and all(0 < s < _LARGEST for s in self.std)
        if not (len(self.mean) == len(self.std) == self.channels and finite):
            raise ShapeError(
                f"PicturePreparation: one finite mean and one positive std for each of {self.channels} channels are required; "
                f"got mean={self.mean}, std={self.std}."
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw column that is read."""
        return (self.column,)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of what the network receives."""
        return (self.channels, *self.size)

    @classmethod
    def fit(
        cls, table: Table, rows: Rows, size: int | tuple[int, int] | None = None, *, seed: int = 0
    ) -> PicturePreparation:
        """Chooses the size and measures mean and standard deviation on training pictures.

        Args:
            table: with one input column of pictures.
            rows: the training rows; of many, at most 5,000 are measured, drawn by the seed.
            size: of the network's input; None is the pictures' own where all have one of at most 128 pixels, else what
                they were stored for.
            seed: of the draw.

        Raises:
            DataError: the table has no picture column, or no rows were given.
        """
        column = _picture_column(table)
        data = table.columns[column.name]
        if not len(rows):
            raise DataError(
                f"Table {table.name!r}: at least one training picture is required to measure brightness; got none."
            )
        wanted = (size, size) if isinstance(size, int) else size
        chosen, rule = _size_and_rule(data, wanted)
        channels = int(column.shape[-1])
        mean, std = _statistics(data, rows, channels, seed)
        return cls(column=column.name, size=chosen, channels=channels, mean=mean, std=std, rule=rule)

    def host(self, table: Table) -> DenseHost | WindowHost:
        """The table's pictures as host memory. Pictures of another size than is needed are resized here, once.

        Raises:
            DataError: the pictures were stored smaller than is needed, or have other channels.
        """
        data = table[self.column]
        if isinstance(data, Dense):
            values = _with_channels(data.values, self.channels)
            height, width = values.shape[1:3]
            if (height, width) != self.size:
                resized = _resized((values[row] for row in range(len(values))), len(values), self._fitting)
                values = np.stack(resized) if resized else values
            if values.shape[1:3] == self.size:
                return DenseHost(values)
            return WindowHost(_as_pictures(values), self.size)
        if not isinstance(data, Pictures):
            raise DataError(f"Table {table.name!r}: column {self.column!r} holds no pictures ({type(data).__name__}).")
        if data.channels != self.channels:
            raise DataError(
                f"Table {table.name!r}: pictures with {self.channels} channels are required; they were read with "
                f"{data.channels}. Load the data with channels={self.channels}."
            )
        fitting = self._fitting
        if all(fitting.shape(h, w) == (h, w) for h, w in _shapes(data)):
            return WindowHost(data, self.size)
        if min(min(shape) for shape in _shapes(data)) < min(fitting.height, fitting.width):
            raise DataError(
                f"Table {table.name!r}: pictures with a shorter side of {fitting.height} pixels are required; they "
                f"were stored with less. Load the data with size={max(self.size)}."
            )
        resized = _resized((data.picture(row) for row in range(len(data))), len(data), fitting)
        if self.rule == "resize":
            return DenseHost(np.stack(resized))
        return WindowHost(_joined(resized, self.channels), self.size)

    def read(self, inputs: Any) -> Pixels:
        """What a person hands over, as the rows that training would have read.

        A file gives the same pixels as it has in the cache. An array of the network's own size stays as it is.

        Args:
            inputs: a path, bytes, a Pillow picture, an array (height × width, with or without channels first or last,
                or a batch of these; uint8, or floats in 0..1), a tensor, or a list of these.

        Shapes:
            → ``(B, height, width, channels)`` uint8.

        Raises:
            DataError: a file that cannot be read, or a thing that is no picture.
            ShapeError: an array of a form or with values that no picture has.
        """
        fitting = self._fitting
        side = fitting.height if fitting.rule is Rule.SHORTER else None
        found = images_of(inputs, side=side, size=self.size, channels=self.channels)
        if not found:
            raise DataError("Reading pictures: at least one is required; got an empty list.")
        return np.stack([self._row(image, fitting) for image in found])

    def finish(self, gathered: torch.Tensor) -> torch.Tensor:
        """Casts and normalizes on the device.

        Shapes:
            ``(B, height, width, channels)`` uint8 or float32 in 0..255 → ``(B, channels, height, width)`` float32,
            channels last in memory.
        """
        import torch

        # As lines that are long enough to be computed many values at a time: an axis of 3 channels is not.
        num, height, width, channels = gathered.shape
        length = width * channels * (height if height * width * channels <= _MOST_LINE else 1)
        scale, bias = _constants(self.mean, self.std, length // channels, gathered.device)
        lines = gathered.reshape(-1, length)
        values = lines.to(torch.float32)
        if values is lines:
            values = torch.addcmul(bias, values, scale)
        else:
            torch.addcmul(bias, values, scale, out=values)
        return values.view(num, height, width, channels).permute(0, 3, 1, 2)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "column": self.column,
            "height": self.size[0],
            "width": self.size[1],
            "channels": self.channels,
            "mean": list(self.mean),
            "std": list(self.std),
            "rule": self.rule,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> PicturePreparation:
        """The preparation that `to_json` described.

        Raises:
            RefusedFileError: a field is missing, unknown, or no sensible value.
        """
        if not isinstance(data, dict) or set(data) != _FIELDS or data["kind"] != cls.kind:
            raise RefusedFileError(
                f"The preparation of pictures must have the fields {', '.join(sorted(_FIELDS))}; got {str(data)[:120]}. "
                "The file was altered or comes from another version."
            )
        whole = all(type(data[name]) is int for name in ("height", "width", "channels"))
        numbers = all(
            isinstance(data[name], list) and all(type(v) in (int, float) for v in data[name])
            for name in ("mean", "std")
        )
        if not (whole and numbers and isinstance(data["column"], str) and isinstance(data["rule"], str)):
            raise RefusedFileError("The preparation of pictures has a field of the wrong type; the file was altered.")
        try:
            return cls(
                column=data["column"],
                size=(data["height"], data["width"]),
                channels=data["channels"],
                mean=tuple(map(float, data["mean"])),
                std=tuple(map(float, data["std"])),
                rule=data["rule"],
            )
        except ShapeError as error:
            raise RefusedFileError(f"The preparation of pictures is refused: {error}") from None

    @property
    def _fitting(self) -> Fitting:
        if self.rule == "resize":
            return Fitting(Rule.RESIZE, *self.size)
        return Fitting.shorter(stored_side(max(self.size)))

    def _row(self, picture: Image | Pixels, fitting: Fitting) -> Pixels:
        import PIL.Image

        if isinstance(picture, np.ndarray):
            if picture.shape == (*self.size, self.channels):
                return picture
            has_one = picture.shape[2] == 1
            picture = gray_or_rgb(
                PIL.Image.fromarray(np.ascontiguousarray(picture[..., 0] if has_one else picture)), []
            )
            if (picture.height, picture.width) == self.size:
                fitting = Fitting(Rule.KEEP, *self.size)
        if self.channels == 1 and picture.mode != "L":
            picture = picture.convert("L")
        return _centre(pixels_of(fitting.apply(picture), self.channels), self.size)


class DenseHost:
    """Pictures of the network's own size: one copy of bytes for each row.

    Args:
        values: the pictures. Shapes: ``(N, height, width, channels)`` uint8.
    """

    def __init__(self, values: Pixels) -> None:
        import torch

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

    def __init__(self, pictures: Pictures, size: tuple[int, int]) -> None:
        self._pictures, self._size = pictures, size

    def __len__(self) -> int:
        return len(self._pictures)

    def gather(self, rows: Rows, uniforms: np.ndarray | None = None) -> torch.Tensor:
        """A window of each row: where the uniforms say, down and along, or in the middle."""
        import torch

        rooms = [
            lengths[rows] - side + 1
            for lengths, side in zip((self._pictures.heights, self._pictures.widths), self._size, strict=True)
        ]
        if uniforms is None:
            tops, lefts = ((room - 1) // 2 for room in rooms)
        else:
            # In float32 the product may round up to the room itself.
            tops, lefts = (
                np.minimum((uniforms[:, place] * room).astype(np.int64), room - 1) for place, room in enumerate(rooms)
            )
        return torch.from_numpy(self._pictures.windows(rows, tops, lefts, self._size))


def _picture_column(table: Table) -> Column:
    found = [column for column in table.inputs if column.kind is Kind.PICTURE]
    if len(found) != 1:
        names = ", ".join(column.name for column in found) or "none"
        raise DataError(f"Table {table.name!r}: exactly one input column of pictures is required; got {names}.")
    return found[0]


def _size_and_rule(data: Any, size: tuple[int, int] | None) -> tuple[tuple[int, int], str]:
    """The input's size, and how pictures come to it: the counterpart of `choose_fitting` for a table."""
    shapes = set(_shapes(data))
    if len(shapes) == 1:
        (shape,) = shapes
        whole = isinstance(data, Dense) or (isinstance(data, EncodedPictures) and data.fitting.rule is not Rule.SHORTER)
        if whole and (size == shape or (is_small(*shape) and (size is None or shape[0] == shape[1]))):
            return size or shape, "resize"
    if size is None:
        shorter = {min(shape) for shape in shapes}
        # Stored pictures all have the shorter side that belongs to the size they were read for.
        stored_for = input_size(shorter.pop()) if len(shorter) == 1 and not isinstance(data, Dense) else DEFAULT_SIZE
        size = (stored_for, stored_for)
    return size, "crop"


def _shapes(data: Any) -> set[tuple[int, int]]:
    """The distinct heights and widths."""
    if isinstance(data, Dense):
        return {(int(data.values.shape[1]), int(data.values.shape[2]))}
    pairs = np.unique(np.stack([data.heights, data.widths], axis=1), axis=0)
    return {(int(height), int(width)) for height, width in pairs}


def _statistics(data: Any, rows: Rows, channels: int, seed: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, exact for the rows measured: from counts of the 256 values."""
    limit = min(_MOST_MEASURED, max(1, _MOST_MEASURED_BYTES // _bytes_per_picture(data)))
    if len(rows) > limit:
        rows = np.sort(rows[permutation(seed, "statistics", 0, len(rows))[:limit]])
    counts = np.zeros((channels, 256), dtype=np.int64)
    for pixels in _some(data, rows):
        for channel in range(channels):
            counts[channel] += np.bincount(pixels[:, channel], minlength=256)
    levels = np.arange(256, dtype=np.float64) / 255.0
    total = counts.sum(axis=1)
    mean = counts @ levels / total
    variance = (counts * (levels - mean[:, None]) ** 2).sum(axis=1) / total
    # A channel that never changes stays zero after its mean is taken off.
    std = np.where(variance > 0, np.sqrt(variance), 1.0)
    return tuple(mean.tolist()), tuple(std.tolist())


def _bytes_per_picture(data: Any) -> int:
    if isinstance(data, Dense):
        return max(1, int(np.prod(data.values.shape[1:])))
    return max(1, int(np.mean(data.heights * data.widths)) * data.channels)


def _some(data: Any, rows: Rows) -> Iterator[Pixels]:
    """Pixels of some rows in parts. Shapes: ``(pixels, channels)``."""
    step = max(1, (4 << 20) // _bytes_per_picture(data))
    for start in range(0, len(rows), step):
        part = data.take(rows[start : start + step])
        if isinstance(data, Dense):
            yield part.reshape(-1, part.shape[-1])
        else:
            yield from (picture.reshape(-1, picture.shape[-1]) for picture in part)


def _resized(pictures: Iterator[Pixels], num: int, fitting: Fitting) -> list[Pixels]:
    """Every picture, resized in parallel by the code that reads files."""
    import PIL.Image

    def resize(pixels: Pixels) -> Pixels:
        return pixels_of(fitting.apply(PIL.Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)))

    with ThreadPoolExecutor(num_decoders()) as pool:
        return list(pool.map(resize, pictures))


def _with_channels(values: npt.NDArray[Any], channels: int) -> Pixels:
    """Gray pictures for a network that reads colour, and the other way round."""
    import PIL.Image

    if values.dtype != np.uint8:
        raise DataError(f"Pictures must be uint8; got {values.dtype}. Scale them to 0..255.")
    if values.shape[-1] == channels:
        return values
    if channels == 3 and values.shape[-1] == 1:
        return np.repeat(values, 3, axis=-1)
    gray = [pixels_of(gray_or_rgb(PIL.Image.fromarray(np.ascontiguousarray(v)), []).convert("L")) for v in values]
    return np.stack(gray)


def _as_pictures(values: Pixels) -> Pictures:
    num, height, width, channels = values.shape
    offsets = np.arange(num + 1, dtype=np.int64) * (height * width * channels)
    return Pictures(values.reshape(-1), offsets, np.full(num, height), np.full(num, width), channels)


def _joined(pictures: list[Pixels], channels: int) -> Pictures:
    offsets = np.concatenate([[0], np.cumsum([p.size for p in pictures])]).astype(np.int64)
    heights, widths = (np.array([p.shape[axis] for p in pictures], dtype=np.int64) for axis in (0, 1))
    return Pictures(np.concatenate([p.reshape(-1) for p in pictures]), offsets, heights, widths, channels)


def _centre(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    top, left = ((pixels.shape[axis] - size[axis]) // 2 for axis in (0, 1))
    return pixels[top : top + size[0], left : left + size[1]]


@lru_cache(maxsize=32)
def _constants(
    mean: tuple[float, ...], std: tuple[float, ...], repeats: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """x ↦ x·scale + bias is (x / 255 − mean) / std, for so many pixels one after the other."""
    import torch

    with torch.inference_mode(False):  # these tensors outlive the call, which may stand within inference mode
        scale = torch.tensor([1 / (255 * s) for s in std], dtype=torch.float32, device=device)
        bias = torch.tensor([-m / s for m, s in zip(mean, std, strict=True)], dtype=torch.float32, device=device)
        return scale.repeat(repeats), bias.repeat(repeats)
