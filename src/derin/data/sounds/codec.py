"""The way from stored sounds, or from one that a person hands over, to the spectrogram that a network reads."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, DerinError, RefusedFileError, ShapeError
from derin.core.fields import Exactly, Required, checked_form
from derin.core.seeds import permutation
from derin.data.codecs.base import Codec
from derin.data.schema import Kind
from derin.data.sounds.decode import Samples, Sound, UnreadableSoundError, decode_sound, resampled, sound_of
from derin.data.sounds.spectrogram import Spectrogram
from derin.data.table import Rows, Sounds, Table

if TYPE_CHECKING:
    import torch

    from derin.data.augment import Augmentation

# So many sounds tell the mean and the deviation of a spectrogram's rows.
_MOST_MEASURED, _MEASURED_AT_ONCE = 1_000, 32
# What nearly all training sounds fit into, and no more than a network of pictures reads in reasonable time.
_SHARE_THAT_FITS, _MOST_SECONDS = 0.95, 10.0
_LEAST_DEVIATION = 1e-3
_MOST_SAMPLES = 1 << 24


@dataclass(frozen=True, kw_only=True)
class SoundCodec(Codec):
    """Brings sounds to one rate and length, and makes their spectrogram: y = (x − mean) / std for each of its rows.

    A longer sound is cut to a window: anywhere in training, its middle otherwise. A shorter one lies in the middle of
    silence.

    Args:
        column: of the sounds.
        length: samples that the network sees.
        spectrogram: what is made of them.
        mean, std: of each row of the spectrogram, over the training sounds.

    Example:
        >>> codec = SoundCodec(
        ...     column="sound", length=4000, spectrogram=Spectrogram.usual(8000), mean=(0.0,) * 40, std=(1.0,) * 40
        ... )
        >>> codec.shape, codec.read((np.zeros(32000), 16000)).shape
        ((1, 40, 32), (1, 4000))
    """

    column: str
    length: int
    spectrogram: Spectrogram
    mean: tuple[float, ...]
    std: tuple[float, ...]
    kind: ClassVar[str] = "sound"
    medium: ClassVar[str] = "sounds"
    mixes: ClassVar[bool] = True
    augments: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 1 <= self.length <= _MOST_SAMPLES:
            raise ShapeError(
                f"SoundCodec: a length from 1 to {_MOST_SAMPLES:,} samples is required; got {self.length}."
            )
        rows = self.spectrogram.num_rows
        finite = np.isfinite((*self.mean, *self.std)).all() and all(value > 0 for value in self.std)
        if not (len(self.mean) == len(self.std) == rows and finite):
            raise ShapeError(
                f"SoundCodec: one finite mean and one positive std for each of {rows} rows are required; got "
                f"{len(self.mean)} and {len(self.std)}."
            )

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def rate(self) -> int:
        """Samples per second."""
        return self.spectrogram.rate

    @property
    def shape(self) -> tuple[int, int, int]:
        """One channel, the rows of the spectrogram from low to high, and its frames."""
        return (1, self.spectrogram.num_rows, self.spectrogram.num_frames(self.length))

    @classmethod
    def fit(
        cls,
        table: Table,
        rows: Rows,
        *,
        features: str = "log_mel",
        seconds: float | None = None,
        num_mels: int | None = None,
        num_coefficients: int = 20,
        scale: str = "slaney",
        seed: int = 0,
    ) -> SoundCodec:
        """Chooses the length and measures mean and standard deviation on training sounds.

        Args:
            table: with one input column of sounds.
            rows: the training rows; of many, at most 1,000 are measured, drawn by the seed.
            features: ``"log_mel"``, or ``"mfcc"`` for mel-frequency cepstral coefficients.
            seconds: that the network sees; None is what 95 % of the training sounds fit into, and 10 at most.
            num_mels: rows of the log-mel spectrogram; None is 40, and fewer below 4 kHz.
            num_coefficients: rows of the MFCC.
            scale: of mels: ``"slaney"`` or ``"htk"``.
            seed: of the draw.

        Raises:
            DataError: the table has no column of sounds, or no rows were given.
        """
        column, sounds = sound_column(table), sounds_of(table)
        if not len(rows):
            raise DataError(f"Table {table.name!r}: at least one training sound is required; got none.")
        rows_asked = {} if num_mels is None else {"num_mels": num_mels}
        spectrogram = Spectrogram.usual(
            sounds.rate, features=features, num_coefficients=num_coefficients, scale=scale, **rows_asked
        )
        if seconds is None:
            seconds = min(float(np.quantile(sounds.lengths[rows], _SHARE_THAT_FITS)) / sounds.rate, _MOST_SECONDS)
        elif not 0 < seconds <= _MOST_SAMPLES / sounds.rate:
            raise DataError(f"seconds of the sounds that a network sees must be above 0; got {seconds}.")
        # Whole hops, and enough of them for a network of pictures.
        length = max(16, round(seconds * sounds.rate / spectrogram.hop)) * spectrogram.hop
        plain = cls(
            column=column,
            length=length,
            spectrogram=spectrogram,
            mean=(0.0,) * spectrogram.num_rows,
            std=(1.0,) * spectrogram.num_rows,
        )
        mean, std = plain.measured(sounds, rows[np.sort(permutation(seed, "sounds", 0, len(rows))[:_MOST_MEASURED])])
        return replace(plain, mean=tuple(mean.tolist()), std=tuple(std.tolist()))

    def measured(self, sounds: Sounds, rows: Rows) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Mean and standard deviation of each row of the spectrogram, as the network would see these sounds.

        Shapes:
            → ``(num_rows,)``, ``(num_rows,)``.
        """
        column, total, squares, count = SoundsInMemory(sounds, self.length), 0.0, 0.0, 0  # type: Any, Any, Any, int
        for start in range(0, len(rows), _MEASURED_AT_ONCE):
            values = self.spectrogram(column.gather(rows[start : start + _MEASURED_AT_ONCE])).double()
            total = total + values.sum(dim=(0, 2)).numpy()
            squares = squares + values.square().sum(dim=(0, 2)).numpy()
            count += values.shape[0] * values.shape[2]
        mean = total / count
        return mean, np.sqrt(np.maximum(squares / count - mean**2, _LEAST_DEVIATION**2))

    def encode(self, table: Table) -> SoundsInMemory:
        sounds = sounds_of(table)
        if sounds.rate != self.rate:
            sounds = Sounds.of([resampled(Sound(each, sounds.rate), self.rate) for each in sounds.each()], self.rate)
        return SoundsInMemory(sounds, self.length)

    def is_single(self, inputs: Any) -> bool:
        """Whether it is one sound: a path, the bytes of a file, or samples with their rate."""
        return not isinstance(inputs, list) and not (isinstance(inputs, tuple) and not _is_pair(inputs))

    def read(self, inputs: Any) -> Samples:
        """What a person hands over, as the rows that training would have read.

        Args:
            inputs: a path, the bytes of a file, samples with their rate ``(array, 16000)``, or a list of these.

        Shapes:
            → ``(B, length)`` float32.

        Raises:
            DataError: a file that cannot be read, or a thing that is no sound.
            ShapeError: an array that holds no samples, or a rate that none has.
        """
        given = [inputs] if self.is_single(inputs) else list(inputs)
        if not given:
            raise DataError("Reading sounds: at least one is required; got an empty list.")
        column = SoundsInMemory(
            Sounds.of([resampled(_sound(each), self.rate) for each in given], self.rate), self.length
        )
        found: Samples = column.gather(np.arange(len(given))).numpy()
        return found

    def augment(
        self, gathered: torch.Tensor, augmentation: Augmentation, uniforms: torch.Tensor, geometry: Any
    ) -> torch.Tensor:
        """Moved in time, with noise beside."""
        return augmentation.apply_to_sounds(gathered, uniforms)

    def augment_input(self, finished: torch.Tensor, augmentation: Augmentation, uniforms: torch.Tensor) -> torch.Tensor:
        """Bands of time and of frequency replaced by the mean."""
        return augmentation.mask_spectrograms(finished, uniforms)

    def to_model_input(self, gathered: torch.Tensor) -> torch.Tensor:
        """The standardized spectrogram, on the device.

        Shapes:
            ``(B, length)`` float32 → ``(B, 1, num_rows, frames)`` float32.
        """
        mean, scale = _constants(self.mean, self.std, gathered.device)
        return ((self.spectrogram(gathered) - mean) * scale)[:, None]

    def pictures(self, gathered: torch.Tensor) -> npt.NDArray[np.uint8]:
        """Gathered sounds as spectrograms for people."""
        from derin.data.sounds.drawing import draw_spectrograms

        return draw_spectrograms(gathered, self.rate)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "column": self.column,
            "length": self.length,
            "spectrogram": asdict(self.spectrogram),
            "mean": list(self.mean),
            "std": list(self.std),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SoundCodec:
        """The codec that `to_json` described.

        Raises:
            RefusedFileError: a field is missing, unknown, or no sensible value.
        """
        checked_form(data, _FORM, "The card's column of sounds")
        try:
            return cls(
                column=data["column"],
                length=data["length"],
                spectrogram=Spectrogram(**data["spectrogram"]),
                mean=tuple(map(float, data["mean"])),
                std=tuple(map(float, data["std"])),
            )
        except DerinError as error:
            raise RefusedFileError(f"The card's column of sounds is refused: {error}") from None


@dataclass(frozen=True)
class SoundsInMemory:
    """Sounds of any length, of which windows of one length are read.

    Args:
        sounds: at the rate of the network.
        length: samples of a window.
    """

    sounds: Sounds
    length: int

    def __len__(self) -> int:
        return len(self.sounds)

    @property
    def is_random(self) -> bool:
        """Whether some are longer than the window."""
        return bool((self.sounds.lengths > self.length).any())

    def gather(self, rows: Rows, uniforms: np.ndarray | None = None) -> torch.Tensor:
        """A window of each: of a longer sound where the uniforms say, of a shorter one with silence around it.

        Shapes:
            ``(B,)`` → ``(B, length)`` float32.
        """
        import torch

        found = np.zeros((len(rows), self.length), dtype=np.float32)
        beyond = self.sounds.lengths[rows] - self.length
        places = np.full(len(rows), 0.5) if uniforms is None else uniforms[:, 1].astype(np.float64)
        firsts = np.where(beyond > 0, np.floor(places * (beyond + 1)), np.floor(0.5 * beyond)).astype(np.int64)
        starts, ends = self.sounds.offsets[rows], self.sounds.offsets[rows + 1]
        # Lines are copied whole, which is faster than one gather by the place of every sample.
        for window, first, start, end in zip(found, firsts.tolist(), starts.tolist(), ends.tolist(), strict=True):
            piece = self.sounds.flat[start + max(first, 0) : min(end, start + first + self.length)]
            window[max(-first, 0) : max(-first, 0) + len(piece)] = piece
        return torch.from_numpy(found)


_FORM = {
    "kind": Required(str),
    "column": Required(str),
    "length": Required(int),
    "spectrogram": Required(
        Exactly(
            {
                **dict.fromkeys(("rate", "window", "hop", "num_mels", "num_coefficients"), int),
                **dict.fromkeys(("low", "high", "range_db"), float),
                **dict.fromkeys(("scale", "features"), str),
            }
        )
    ),
    "mean": Required([float]),
    "std": Required([float]),
}


def sound_column(table: Table) -> str:
    """The name of the one input column of sounds.

    Raises:
        DataError: there is none, or several.
    """
    found = [column.name for column in table.inputs if column.kind is Kind.SOUND]
    if len(found) != 1:
        names = ", ".join(found) or "none"
        raise DataError(f"Table {table.name!r}: exactly one input column of sounds is required; got {names}.")
    return found[0]


def sounds_of(table: Table) -> Sounds:
    """The sounds of a table, whatever their column is called.

    Raises:
        DataError: it has none.
    """
    data = table[sound_column(table)]
    if not isinstance(data, Sounds):
        raise DataError(f"Table {table.name!r}: sounds are required; got {type(data).__name__}.")
    return data


def _is_pair(given: tuple[Any, ...]) -> bool:
    return len(given) == 2 and np.ndim(given[1]) == 0 and not isinstance(given[1], str | bytes | Path)


def _sound(given: Any) -> Sound:
    """One thing that a person hands over."""
    if isinstance(given, tuple) and _is_pair(given):
        return sound_of(*given)
    if isinstance(given, bytes):
        return decode_sound(given)
    if isinstance(given, str | Path):
        try:
            return decode_sound(Path(given).read_bytes())
        except UnreadableSoundError as error:
            raise DataError(f"{given}: {error}.") from None
        except OSError as error:
            raise DataError(f"{given} cannot be read ({error.strerror or error}).") from None
    raise DataError(
        "A sound must be the path of a file, its bytes, or samples with their rate such as (array, 16000); got "
        f"{type(given).__name__}."
    )


@lru_cache(maxsize=16)
def _constants(mean: tuple[float, ...], std: tuple[float, ...], device: torch.device) -> tuple[Any, Any]:
    import torch

    values = (np.array(mean), 1 / np.array(std))
    return tuple(torch.tensor(each, dtype=torch.float32, device=device)[:, None] for each in values)  # type: ignore[return-value]
