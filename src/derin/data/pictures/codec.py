"""The way from stored pictures, or from one that a person hands over, to the network's input."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from derin.core.errors import DataError, RefusedFileError, ShapeError, UnknownNameError
from derin.core.threads import FEW_VALUES, MOST_IN_ONE_THREAD
from derin.data.codecs.base import Codec
from derin.data.codecs.frame import Frame
from derin.data.pictures.decode import Pixels, gray_or_rgb, pixels_of
from derin.data.pictures.encoded import EncodedPictures
from derin.data.pictures.fitting import DEFAULT_SIZE, ResizePolicy, Rule, input_size, is_small
from derin.data.pictures.hosts import picture_host, picture_shapes, with_channels
from derin.data.pictures.reading_inputs import images_of
from derin.data.pictures.statistics import measure_channels
from derin.data.pictures.values import PixelValues
from derin.data.schema import Column, Kind
from derin.data.table import Dense, Pictures, Rows, Table

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    from derin.data.augment import Augmentation
    from derin.data.augment.geometry import Geometry
    from derin.data.augment.mosaic import Mosaic
    from derin.data.codecs.base import EncodedColumn

_LARGEST = 1e6
_MOST_LINE = 1 << 14  # values whose scales still stay in the fastest cache
_FIELDS = {"kind", "column", "height", "width", "channels", "mean", "std", "rule"}
_LATER_FIELDS = {"values"}
_NORMALIZATIONS = ("standard", "symmetric", "none")
_RULES = {"crop": "crop", "pad": "pad", "squeeze": "resize", "window": "window"}


@dataclass(frozen=True, kw_only=True)
class PictureCodec(Codec):
    """Brings pictures to one size and normalizes them: y = (x / 255 − mean) / std for each channel.

    Args:
        column: of the pictures.
        size: height and width of the network's input.
        channels: 1 (gray) or 3 (RGB).
        mean: of each channel, of values in 0..1.
        std: standard deviation of each channel, of values in 0..1.
        rule: ``"resize"`` brings a picture to exactly the size; ``"pad"`` keeps its proportions and puts black around
            it; ``"crop"`` brings its shorter side to 1.15 times the size and takes a window: anywhere in training, the
            middle otherwise; ``"window"`` takes windows of pictures as they are, see `Frame`.
        values: by which values of more than 8 bits are read, as the pictures of training decided.

    Example:
        >>> codec = PictureCodec(
        ...     column="picture", size=(8, 8), channels=1, mean=(0.3,), std=(0.4,), rule="resize"
        ... )
        >>> codec.shape
        (1, 8, 8)
        >>> codec.read([np.zeros((8, 8)), np.ones((20, 30, 3))]).shape
        (2, 8, 8, 1)
    """

    column: str
    size: tuple[int, int]
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    rule: str
    values: PixelValues = field(default_factory=PixelValues)
    kind: ClassVar[str] = "picture"
    medium: ClassVar[str] = "pictures"
    mixes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        Frame(self.size, self.rule)  # refuses what cannot be
        if self.channels not in (1, 3):
            raise ShapeError(f"PictureCodec: channels must be 1 or 3; got {self.channels}.")
        finite = all(abs(m) < _LARGEST for m in self.mean) and all(0 < s < _LARGEST for s in self.std)
        if not (len(self.mean) == len(self.std) == self.channels and finite):
            raise ShapeError(
                f"PictureCodec: one finite mean and one positive std for each of {self.channels} channels are "
                f"required; got mean={self.mean}, std={self.std}."
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw column that is read."""
        return (self.column,)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of what the network receives."""
        return (self.channels, *self.size)

    @property
    def extent(self) -> tuple[int, int]:
        """Height and width."""
        return self.size

    @property
    def gathers_singly(self) -> bool:
        return self.rule == "window"

    @property
    def frame(self) -> Frame:
        """How pictures, and what lies in them, come to the network's input."""
        return Frame(self.size, self.rule)

    @classmethod
    def fit(
        cls,
        table: Table,
        rows: Rows,
        size: int | tuple[int, int] | None = None,
        *,
        fit: str | None = None,
        normalize: str = "standard",
        seed: int = 0,
    ) -> PictureCodec:
        """Chooses the size and measures mean and standard deviation on training pictures.

        Args:
            table: with one input column of pictures.
            rows: the training rows; of many, at most 5,000 are measured, drawn by the seed.
            size: of the network's input; None is the pictures' own where all have one of at most 128 pixels, else what
                they were stored for.
            fit: how pictures of other proportions than the input's come to it: ``"crop"`` takes the middle,
                ``"pad"`` puts black around them, ``"squeeze"`` gives up their proportions, ``"window"`` takes
                windows of the pictures as they are; None squeezes small pictures that all have one size, and crops all
                others.
            normalize: ``"standard"`` brings each channel to mean 0 and standard deviation 1 over the training pictures,
                ``"symmetric"`` all values to −1..1, ``"none"`` to 0..1.
            seed: of the draw.

        Raises:
            UnknownNameError: there is no such way to fit or to normalize.
            DataError: the table has no picture column, or no rows were given.
        """
        column = _picture_column(table)
        data = _pictures_of(table, column.name)
        if not len(rows):
            raise DataError(
                f"Table {table.name!r}: at least one training picture is required to measure brightness; got none."
            )
        wanted = (size, size) if isinstance(size, int) else size
        chosen, rule = _size_and_rule(data, wanted)
        if fit is not None:
            rule = rule_of(fit)
        channels = int(column.shape[-1])
        if normalize not in _NORMALIZATIONS:
            raise UnknownNameError("way to normalize pictures", normalize, _NORMALIZATIONS)
        fixed = {"symmetric": (0.5, 0.5), "none": (0.0, 1.0)}.get(normalize)
        mean, std = (
            measure_channels(data, rows, channels, seed=seed)
            if fixed is None
            else tuple((value,) * channels for value in fixed)
        )
        values = pixel_values(table)
        return cls(column=column.name, size=chosen, channels=channels, mean=mean, std=std, rule=rule, values=values)

    def encode(self, table: Table) -> EncodedColumn:
        """The table's pictures as host memory, each as `read` would give it.

        Raises:
            DataError: the files have changed since they were loaded, or pictures cannot be brought to what is needed.
        """
        return picture_host(
            _pictures_of(table, self.column),
            fitting=self.frame.fitting,
            size=self.size,
            channels=self.channels,
            values=self.values,
            where=f"Table {table.name!r}",
            as_they_are=self.rule == "window",
        )

    def is_single(self, inputs: Any) -> bool:
        """Whether it is one picture: a path, an image, or an array of at most three axes."""
        if isinstance(inputs, list | tuple):
            return False
        num_axes = getattr(inputs, "ndim", None)
        return num_axes is None or num_axes <= 3

    def read(self, inputs: Any) -> Pixels:
        """What a person hands over, as the rows that training would have read.

        A picture gives the same pixels whether it comes from the cache, as a file, as a Pillow picture or as an array.

        Args:
            inputs: a path, bytes, a Pillow picture, an array (height × width, with or without channels first or last,
                or a batch of these; uint8, uint16, or floats in 0..1 or 0..255), a tensor, or a list of these. Where
                the network reads gray, an array of three axes is a batch, unless the last axis is of channels.

        Shapes:
            → ``(B, height, width, channels)`` uint8.

        Raises:
            DataError: a file that cannot be read, or a thing that is no picture.
            ShapeError: an array of a form or with values that no picture has.
        """
        fitting = self.frame.fitting
        found = images_of(inputs, channels=self.channels, values=self.values)
        if not found:
            raise DataError("Reading pictures: at least one is required; got an empty list.")
        return np.stack([self._row(image, fitting) for image in found])

    def transform(self, gathered: torch.Tensor, geometry: Geometry) -> torch.Tensor:
        """Each picture moved, without any change of its colors."""
        from derin.data.augment.geometry import move

        fill = "zero" if self.channels == 1 else "reflect"
        return move(gathered.permute(0, 3, 1, 2), geometry, fill).permute(0, 2, 3, 1)

    def augment(
        self, gathered: torch.Tensor, augmentation: Augmentation, uniforms: torch.Tensor, geometry: Geometry
    ) -> torch.Tensor:
        """Moved, cut out and colored."""
        return augmentation.apply(gathered.permute(0, 3, 1, 2), uniforms, geometry).permute(0, 2, 3, 1)

    def joined(self, gathered: torch.Tensor, mosaic: Mosaic) -> torch.Tensor:
        """Float pictures of the parts of others; black where none lies."""
        from derin.data.augment.geometry import move

        num, planes = len(mosaic), gathered.permute(0, 3, 1, 2)
        moved = [move(planes[n : n + num], geometry, "zero") for n, geometry in enumerate(mosaic.geometries)]
        return mosaic.joined(moved, 0).permute(0, 2, 3, 1)

    def pictures(self, gathered: torch.Tensor) -> Pixels:
        """They are pictures already."""
        found: Pixels = gathered.numpy()
        return found

    def to_model_input(self, gathered: torch.Tensor) -> torch.Tensor:
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
        # Few values in pieces that torch does not share out (`core.threads`). Float pictures may want a gradient, which
        # writing in place would cut off.
        if gathered.device.type == "cpu" and gathered.dtype == torch.uint8 and gathered.numel() <= FEW_VALUES:
            values = torch.empty(lines.shape, dtype=torch.float32)
            num_lines = max(1, MOST_IN_ONE_THREAD // length)
            for some, finished in zip(lines.split(num_lines), values.split(num_lines), strict=True):
                torch.addcmul(bias, finished.copy_(some), scale, out=finished)
        else:
            values = lines.to(torch.float32)
            if values is lines:
                values = torch.addcmul(bias, values, scale)
            else:
                torch.addcmul(bias, values, scale, out=values)
        return values.view(num, height, width, channels).permute(0, 3, 1, 2)

    def pixels(self, picture: Image | Pixels) -> Pixels:
        """A picture that was handed over, in its own size and with the channels that the network reads.

        Shapes:
            → ``(height, width, channels)`` uint8.
        """
        if isinstance(picture, np.ndarray):
            return with_channels(picture[None], self.channels)[0]
        return pixels_of(picture.convert("L") if self.channels == 1 else picture, self.channels)

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
            **({} if self.values == PixelValues() else {"values": self.values.to_json()}),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> PictureCodec:
        """The codec that `to_json` described.

        Raises:
            RefusedFileError: a field is missing, unknown, or no sensible value.
        """
        if not isinstance(data, dict) or set(data) - _LATER_FIELDS != _FIELDS or data["kind"] != cls.kind:
            raise RefusedFileError(
                f"The card's column of pictures must have the fields {', '.join(sorted(_FIELDS))}; "
                f"got {str(data)[:120]}. The file was altered or comes from another version."
            )
        whole = all(type(data[name]) is int for name in ("height", "width", "channels"))
        numbers = all(
            isinstance(data[name], list) and all(type(v) in (int, float) for v in data[name])
            for name in ("mean", "std")
        )
        if not (whole and numbers and isinstance(data["column"], str) and isinstance(data["rule"], str)):
            raise RefusedFileError("The card's column of pictures has a field of the wrong type; the file was altered.")
        try:
            return cls(
                column=data["column"],
                size=(data["height"], data["width"]),
                channels=data["channels"],
                mean=tuple(map(float, data["mean"])),
                std=tuple(map(float, data["std"])),
                rule=data["rule"],
                values=PixelValues.from_json(data.get("values", {})),
            )
        except ShapeError as error:
            raise RefusedFileError(f"The card's column of pictures is refused: {error}") from None

    def _row(self, picture: Image | Pixels, fitting: ResizePolicy) -> Pixels:
        import PIL.Image

        if isinstance(picture, np.ndarray):
            if picture.shape == (*self.size, self.channels) and fitting.is_exact:
                return picture
            has_one = picture.shape[2] == 1
            picture = gray_or_rgb(
                PIL.Image.fromarray(np.ascontiguousarray(picture[..., 0] if has_one else picture)), []
            )
        if self.channels == 1 and picture.mode != "L":
            picture = picture.convert("L")
        return _centre(pixels_of(fitting.apply(picture), self.channels), self.size)


def _picture_column(table: Table) -> Column:
    found = [column for column in table.inputs if column.kind is Kind.PICTURE]
    if len(found) != 1:
        names = ", ".join(column.name for column in found) or "none"
        raise DataError(f"Table {table.name!r}: exactly one input column of pictures is required; got {names}.")
    return found[0]


def rule_of(fit: str) -> str:
    """The rule that a way to fit pictures stands for.

    Raises:
        UnknownNameError: there is no such way.
    """
    if fit not in _RULES:
        raise UnknownNameError("way to fit pictures", fit, _RULES)
    return _RULES[fit]


def pixel_values(table: Table) -> PixelValues:
    """What the pictures of a table decided about values of more than 8 bits.

    Raises:
        RefusedFileError: its recipe says what cannot be.
    """
    part = {} if table.recipe is None else table.recipe.part("pictures")
    return PixelValues.from_json(part.get("values", {}))


def _pictures_of(table: Table, name: str) -> Dense | Pictures:
    """The column of this name; in a table that lacks it, its one column of pictures, since sets name it differently."""
    if all(column.name != name for column in table.schema):
        name = _picture_column(table).name
    data = table[name]
    if not isinstance(data, Dense | Pictures):
        raise DataError(f"Table {table.name!r}: column {name!r} must hold pictures; got {type(data).__name__}.")
    return data


def _size_and_rule(data: Dense | Pictures, size: tuple[int, int] | None) -> tuple[tuple[int, int], str]:
    """The input's size, and how pictures come to it: the counterpart of `choose_fitting` for a table."""
    shapes = set(picture_shapes(data))
    if len(shapes) == 1:
        (shape,) = shapes
        whole = isinstance(data, Dense) or (
            isinstance(data, EncodedPictures) and data.fitting.rule is not Rule.SHORTEST_SIDE
        )
        if whole and (size == shape or (is_small(*shape) and (size is None or shape[0] == shape[1]))):
            return size or shape, "resize"
    if size is None:
        shorter = {min(shape) for shape in shapes}
        # Stored pictures all have the shorter side that belongs to the size they were read for.
        stored_for = input_size(shorter.pop()) if len(shorter) == 1 and not isinstance(data, Dense) else DEFAULT_SIZE
        size = (stored_for, stored_for)
    return size, "crop"


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
