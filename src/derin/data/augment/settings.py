"""What augmentation is asked for: one frozen set of settings that goes to text, to JSON and back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import ShapeError, UnknownNameError, UsageError
from derin.data.augment.mosaic import PARTNERS, Mosaic

if TYPE_CHECKING:
    from torch import Tensor

    from derin.data.augment.geometry import Geometry

RandomDraws = Mapping[str, npt.NDArray[np.float64]]

FILLS = ("auto", "zero", "edge", "reflect")


@dataclass(frozen=True)
class _Setting:
    """One setting: its word in the command line, what the bare word stands for, and the values it may have."""

    word: str
    bare: float
    high: float
    meaning: str
    draws: int  # uniform numbers per example


# The order is that of the operations and of the uniform numbers.
_SETTINGS = {
    "mosaic": _Setting("mosaic", 1, 1, "a probability from 0 to 1", 4),
    "flip_horizontal": _Setting("flip", 0.5, 1, "a probability from 0 to 1", 1),
    "flip_vertical": _Setting("flip_vertical", 0.5, 1, "a probability from 0 to 1", 1),
    "rotate": _Setting("rotate", 15, 180, "the largest angle, from 0 to 180 degrees", 1),
    "zoom": _Setting("zoom", 0.1, 0.9, "a share of the size from 0 to 0.9", 1),
    "jitter": _Setting("jitter", 1, 7, "how much larger or smaller, from 0 to 7", 3),
    "shear": _Setting("shear", 0.1, 2, "the largest tangent, from 0 to 2", 1),
    "shift": _Setting("shift", 0.1, 1, "a share of the sides from 0 to 1", 2),
    "crop_padding": _Setting("crop_padding", 4, 1024, "a whole number of pixels from 0 to 1024", 2),
    "cutout": _Setting("cutout", 0.5, 1, "a share of the sides from 0 to 1", 2),
    "brightness": _Setting("brightness", 0.2, 1, "a share from 0 to 1", 1),
    "contrast": _Setting("contrast", 0.2, 1, "a share from 0 to 1", 1),
    "saturation": _Setting("saturation", 0.2, 1, "a share from 0 to 1", 1),
    "mixup": _Setting("mixup", 0.2, 100, "the alpha of Beta(alpha, alpha), from 0 to 100", 0),
    "cutmix": _Setting("cutmix", 1, 100, "the alpha of Beta(alpha, alpha), from 0 to 100", 2),
    "time_shift": _Setting("time_shift", 0.1, 1, "a share of the length from 0 to 1", 1),
    "noise": _Setting("noise", 15, 100, "a signal-to-noise ratio up to 100 dB, or 0 for none", 2),
    "time_mask": _Setting("time_mask", 0.2, 1, "a share of the length from 0 to 1", 2),
    "frequency_mask": _Setting("frequency_mask", 0.2, 1, "a share of the frequencies from 0 to 1", 2),
}
_WORDS = {setting.word: name for name, setting in _SETTINGS.items()}
_RESAMPLED = ("rotate", "zoom", "jitter", "shear")
_MOVED = ("flip_horizontal", "flip_vertical", *_RESAMPLED, "shift", "crop_padding")
_COLORED = ("brightness", "contrast", "saturation")
_MIXED = ("mixup", "cutmix")
_OF_SOUNDS = ("time_shift", "noise", "time_mask", "frequency_mask")
_CACHED_VALUES = 2**20  # per part of a batch: 4 MiB as float32


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    r"""Random changes to training pictures or sounds that leave their meaning alone. All are off by default.

    A picture is flipped, zoomed, sheared, rotated, then moved, all by one affine map and one bilinear resampling;
    flips and moves alone are an exact copy of pixels. Then follow cutout and one affine map of the colors. Mixing
    joins an example with the next one of the epoch's order. A sound is moved in time, gets noise, and its spectrogram
    loses a band of time and one of frequency. What happens to an example depends on its own uniform numbers only.

    Args:
        mosaic: probability that an example is joined with the three that follow it in the epoch's order, for pictures
            with boxes or masks; what else is drawn changes the whole.
        flip_horizontal: probability of a left-right mirror image.
        flip_vertical: probability of an upside-down mirror image.
        rotate: largest angle in degrees, either way.
        zoom: the size is multiplied by a number from 1 - zoom to 1 + zoom.
        jitter: the size is multiplied by a number from 1 / (1 + jitter) to 1 + jitter, larger and smaller alike, and
            the picture lies anywhere within the frame, or shows any part of itself (large scale jitter).
        shear: largest tangent of the horizontal slant, either way.
        shift: largest move as a share of each side, either way, in whole pixels (one at least).
        crop_padding: pixels put around the picture before a window of its size is cut out anywhere.
        cutout: side of a square hole as a share of each side; its middle lies anywhere, so that it may reach over
            the edge. It takes the picture's own mean color.
        brightness: all values are multiplied by a number from 1 - brightness to 1 + brightness.
        contrast: the distance from the picture's mean luma is multiplied by a number from 1 - contrast to 1 + contrast.
        saturation: the distance from gray is multiplied likewise; pictures of one channel have none.
        mixup: alpha of the Beta distribution of the share with which two examples are averaged.
        cutmix: alpha of the Beta distribution of the share of the area that stays; the rest comes from the next
            example. With mixup beside it each example takes one of the two with equal probability.
        time_shift: largest move of a sound as a share of its length, either way.
        noise: least signal-to-noise ratio in dB of white noise beside a sound; that of each lies at most 20 dB above.
        time_mask: largest share of a spectrogram's frames that is replaced by the mean.
        frequency_mask: the same of its frequencies.
        fill: what comes in over the edge: ``"zero"``, ``"edge"`` (the last pixel), ``"reflect"`` (mirrored at the edge:
            d c b a | a b c d | d c b a), or ``"auto"``: zero for one channel (digits keep their black ground) and
            reflect for colors (photos show no frame).

    Raises:
        UsageError: a value lies outside its range.

    Example:
        >>> a = Augmentation.parse("flip,rotate=10,shift=0.1")
        >>> a.rotate, a.num_uniforms, a.only_whole_pixels
        (10.0, 4, False)
        >>> str(a)
        'flip,rotate=10,shift=0.1'

    Source: DeVries and Taylor, "Improved regularization of convolutional neural networks with cutout", 2017 (there
        the hole takes the mean of the data set); Zhang et al., "mixup: beyond empirical risk minimization", 2018;
        Yun et al., "CutMix: regularization strategy to train strong classifiers with localizable features", 2019;
        Ghiasi et al., "Simple copy-paste is a strong data augmentation method for instance segmentation", 2021 (large
        scale jitter).
    """

    mosaic: float = 0.0
    flip_horizontal: float = 0.0
    flip_vertical: float = 0.0
    rotate: float = 0.0
    zoom: float = 0.0
    jitter: float = 0.0
    shear: float = 0.0
    shift: float = 0.0
    crop_padding: int = 0
    cutout: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    time_shift: float = 0.0
    noise: float = 0.0
    time_mask: float = 0.0
    frequency_mask: float = 0.0
    fill: str = "auto"

    def __post_init__(self) -> None:
        for name, setting in _SETTINGS.items():
            value = getattr(self, name)
            if isinstance(value, bool) and name in ("flip_horizontal", "flip_vertical"):
                value = 0.5 if value else 0.0
            whole = name == "crop_padding"
            fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
            if not fits or not 0 <= value <= setting.high:
                raise UsageError(f"Augmentation.{name} must be {setting.meaning}; got {name}={value!r}.")
            object.__setattr__(self, name, value if whole else float(value))
        if self.fill not in FILLS:
            raise UnknownNameError("fill of augmentation", str(self.fill), FILLS)

    @classmethod
    def parse(cls, text: str) -> Augmentation:
        """Reads the command line's form: words with or without a value, between commas; ``"none"`` turns all off.

        A bare word stands for a usual strength: mosaic=1, flip=0.5, rotate=15, zoom=0.1, jitter=1, shear=0.1,
        shift=0.1, crop_padding=4, cutout=0.5, brightness=0.2, contrast=0.2, saturation=0.2, mixup=0.2, cutmix=1;
        of sounds time_shift=0.1, noise=15, time_mask=0.2, frequency_mask=0.2.

        Raises:
            UsageError: a word is unknown (near matches are named), comes twice, or its value is no number.
        """
        values: dict[str, Any] = {}
        if text.strip() in ("", "none"):
            return cls()
        for part in text.split(","):
            word, equals, value = (piece.strip() for piece in part.partition("="))
            if word != "fill" and word not in _WORDS and word not in _SETTINGS:
                raise UnknownNameError("augmentation", word, [*_WORDS, "fill"])
            name = _WORDS.get(word, word)
            if name in values:
                raise UsageError(f"Each augmentation may come once; got {word!r} twice in {text!r}.")
            values[name] = value if name == "fill" else _number(name, value) if equals else _bare(name)
        return cls(**values)

    def __str__(self) -> str:
        parts = [_spell(name, getattr(self, name)) for name in _SETTINGS if getattr(self, name)]
        if self.fill != "auto":
            parts.append(f"fill={self.fill}")
        return ",".join(parts) or "none"

    def to_json(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Augmentation:
        known = [f.name for f in fields(cls)]
        for name in data:
            if name not in known:
                raise UnknownNameError("augmentation", name, known)
        return cls(**data)

    @property
    def num_uniforms(self) -> int:
        """How many uniform numbers each example needs, mixing included."""
        return sum(num for _, num in self._layout())

    @property
    def is_identity(self) -> bool:
        """Whether nothing is asked for."""
        return not self._any(*_SETTINGS)

    @property
    def mixes(self) -> bool:
        """Whether `mix` is to be called, which needs one example more than it returns."""
        return self._any(*_MIXED)

    @property
    def num_partners(self) -> int:
        """How many further examples of the epoch's order the last one of a batch needs, with which it is joined."""
        return PARTNERS if self.mosaic else int(self.mixes)

    @property
    def only_whole_pixels(self) -> bool:
        """Whether pictures move by flips and whole pixels at most, so that nothing is resampled."""
        return not self._any(*_RESAMPLED)

    @property
    def only_moves(self) -> bool:
        """Whether pixels are moved and nothing else is done to them."""
        return not self._any(*_SETTINGS.keys() - set(_MOVED))

    def unfit_for(self, medium: str) -> tuple[str, ...]:
        """The words of what is asked for and is nothing for what a network reads: all, where it reads neither pictures
        nor sounds.
        """
        of_sounds = medium == "sounds"
        fits = (
            set(_OF_SOUNDS + _MIXED) if of_sounds else set(_SETTINGS) - set(_OF_SOUNDS) if medium == "pictures" else ()
        )
        return tuple(each.word for name, each in _SETTINGS.items() if getattr(self, name) and name not in fits)

    def fill_for(self, num_channels: int) -> str:
        """The fill with ``"auto"`` resolved."""
        return self.fill if self.fill != "auto" else "zero" if num_channels == 1 else "reflect"

    def geometry(self, uniforms: Tensor, size: tuple[int, int]) -> Geometry:
        """How each row moves; boxes, masks and points of a picture move by the same maps as its pixels.

        Args:
            uniforms: numbers in [0, 1), on the CPU.
            size: height and width of the pictures.

        Shapes:
            uniforms ``(B, num_uniforms)``.

        Raises:
            ShapeError: a row has another number of uniform numbers.
        """
        from derin.data.augment.geometry import Geometry

        return Geometry.drawn(self, self._draws(uniforms, len(uniforms)), len(uniforms), size)

    def mosaics(self, uniforms: Tensor, size: tuple[int, int]) -> Mosaic:
        """Which examples lie in which part of each row.

        Args:
            uniforms: the numbers of each row, as `geometry` takes them.
            size: height and width of the pictures.
        """
        return Mosaic.drawn(self.mosaic, self._draws(uniforms, len(uniforms))["mosaic"], size)

    def apply(self, pictures: Tensor, uniforms: Tensor, geometry: Geometry | None = None) -> Tensor:
        """Moves, erases and colors a batch of raw pictures.

        Args:
            pictures: uint8, or float32 from 0 to 255.
            uniforms: numbers in [0, 1), on the CPU so that every device gets the same parameters.
            geometry: what `geometry` made of these numbers, where it is known already.

        Returns:
            The pictures, channels last in memory. uint8 stays uint8 where nothing is resampled or colored; otherwise
            float32.

        Shapes:
            pictures ``(B, C, H, W)``, uniforms ``(B, num_uniforms)`` → ``(B, C, H, W)``.

        Raises:
            ShapeError: there is not one row of uniform numbers for each picture.

        Example:
            >>> import torch
            >>> one = torch.arange(6, dtype=torch.uint8).reshape(1, 1, 2, 3)
            >>> Augmentation(flip_horizontal=1).apply(one, torch.zeros(1, 1)).tolist()
            [[[[2, 1, 0], [5, 4, 3]]]]
        """
        import torch

        draws = self._draws(uniforms, len(pictures))
        if geometry is None:
            geometry = self.geometry(uniforms, (pictures.shape[2], pictures.shape[3]))
        # On the CPU a large batch goes in parts that fit the cache; examples do not touch each other, so nothing
        # changes.
        part = max(1, _CACHED_VALUES // pictures[0].numel()) if pictures.device.type == "cpu" else len(pictures)
        if part >= len(pictures):
            return self._change(pictures, geometry, draws)
        parts = (slice(start, start + part) for start in range(0, len(pictures), part))
        changed = [
            self._change(pictures[p], geometry[p], {name: draw[p] for name, draw in draws.items()}) for p in parts
        ]
        # Of a single example nothing tells its layout, so that the memory format is asked for again.
        return torch.cat(changed).contiguous(memory_format=torch.channels_last)

    def mix(self, pictures: Tensor, targets: Tensor, uniforms: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
        """Joins every example with the next one; the last only serves as the partner of the one before it.

        Args:
            pictures: ready for the network.
            targets: class numbers, or a probability or 0/1 for each class.
            uniforms: the same numbers that `apply` got.
            num_classes: the width of the targets that come out.

        Shapes:
            pictures ``(B + 1, C, H, W)``, targets ``(B + 1,)`` int64 or ``(B + 1, K)`` float, uniforms ``(B + 1,
            num_uniforms)`` → ``(B, C, H, W)``, ``(B, K)`` float32.

        Raises:
            ShapeError: there is not one row of uniform numbers for each picture, or targets of another width.
        """
        from derin.data.augment.mix import mix_pairs

        return mix_pairs(pictures, targets, self, self._draws(uniforms, len(pictures)), num_classes)

    def apply_to_sounds(self, sounds: Tensor, uniforms: Tensor) -> Tensor:
        """Moves sounds in time and adds noise.

        Shapes:
            sounds ``(B, T)`` float32, uniforms ``(B, num_uniforms)`` → ``(B, T)``.
        """
        from derin.data.augment import sound

        draws = self._draws(uniforms, len(sounds))
        if self.time_shift:
            sounds = sound.shift(sounds, draws["time_shift"], self.time_shift)
        if self.noise:
            snr = self.noise + sound.SNR_RANGE_DB * draws["noise"][:, 0]
            sounds = sound.add_noise(sounds, snr, draws["noise"][:, 1])
        return sounds

    def mask_spectrograms(self, spectrograms: Tensor, uniforms: Tensor) -> Tensor:
        """Leaves out a band of time and one of frequency.

        Shapes:
            spectrograms ``(B, C, F, T)``, standardized; uniforms ``(B, num_uniforms)`` → ``(B, C, F, T)``.
        """
        from derin.data.augment import sound

        draws = self._draws(uniforms, len(spectrograms))
        for name, axis in (("frequency_mask", 2), ("time_mask", 3)):
            if largest := getattr(self, name):
                spectrograms = sound.mask(spectrograms, draws[name], largest, axis)
        return spectrograms

    def _change(self, pictures: Tensor, geometry: Geometry, draws: RandomDraws) -> Tensor:
        """Moves, erases and colors pictures that lie in memory in any way."""
        import torch

        from derin.data.augment import color, erase
        from derin.data.augment.geometry import move

        after = move(pictures, geometry, self.fill_for(pictures.shape[1])) if self._any(*_MOVED) else pictures
        means = color.channel_means(pictures) if self._any("cutout", "contrast") else None
        if self.cutout and means is not None:
            after = erase.cut_out(after, means, self.cutout, draws["cutout"])
        if self._any(*_COLORED):
            after = color.jitter(after, means, self, draws)
        return after.contiguous(memory_format=torch.channels_last)

    def _any(self, *names: str) -> bool:
        return any(getattr(self, name) for name in names)

    def _layout(self) -> Iterator[tuple[str, int]]:
        """Which uniform numbers an example has, in order."""
        yield from ((name, s.draws) for name, s in _SETTINGS.items() if getattr(self, name) and s.draws)
        if self.mixes:
            yield "share", 1
        if self.mixup and self.cutmix:
            yield "choice", 1

    def _draws(self, uniforms: Tensor, num_pictures: int) -> RandomDraws:
        """The uniform numbers by what they are for: ``(B,)``, or ``(B, 2)`` for a place (down, along)."""
        if tuple(uniforms.shape) != (num_pictures, self.num_uniforms):
            raise ShapeError(
                f"Augmentation {str(self)!r} needs uniforms of shape ({num_pictures}, {self.num_uniforms}), one row "
                f"for each picture; got {tuple(uniforms.shape)}."
            )
        # Parameters are made in float64 on the CPU, so that no device and no batch size changes them.
        columns = uniforms.detach().cpu().numpy().astype(np.float64)
        draws, first = {}, 0
        for name, num in self._layout():
            draws[name] = columns[:, first] if num == 1 else columns[:, first : first + num]
            first += num
        return draws


def _number(name: str, text: str) -> float | int:
    """The value of a setting as the command line spells it."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise UsageError(f"The augmentation {name!r} must be {_SETTINGS[name].meaning}; got {name}={text!r}.")
    return int(number) if name == "crop_padding" and number.is_integer() else number


def _bare(name: str) -> float | int:
    return _number(name, f"{_SETTINGS[name].bare:g}")


def _spell(name: str, value: float) -> str:
    """The word of a setting and its value; an even flip needs none."""
    setting = _SETTINGS[name]
    if name in ("flip_horizontal", "flip_vertical") and value == setting.bare:
        return setting.word
    return f"{setting.word}={repr(value).removesuffix('.0')}"  # repr is the shortest text that reads back the same
