"""What every kind of column promises, and the closed list of kinds."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, RefusedFileError, UsageError
from derin.core.registry import Registry
from derin.data.table import Rows, Table

if TYPE_CHECKING:
    import torch

    from derin.data.augment import Augmentation
    from derin.data.augment.geometry import Geometry
    from derin.data.augment.mosaic import Mosaic


class EncodedColumn(Protocol):
    """A column of a table as host memory that is read by rows."""

    @property
    def is_random(self) -> bool:
        """Whether the uniforms decide what `gather` gives; where not, none need be drawn."""
        ...

    def __len__(self) -> int: ...

    def gather(self, rows: Rows, uniforms: np.ndarray | None = None) -> Any:
        """The rows in one vectorised gather: a tensor, or `Packed` where rows are of unequal length.

        Args:
            rows: which, in which order.
            uniforms: two numbers in [0, 1) per row that place the training window of a larger picture, and of whatever
                belongs to it; None takes the centre.
        """
        ...


@dataclass(frozen=True, eq=False)
class Packed:
    """Rows of unequal length in a batch: flat tensors, of which row i is ``[offsets[i]:offsets[i + 1]]``.

    Args:
        flat: tensors by name, all of the same length, on the device.
        offsets: where rows begin, and where the last one ends; they stay on the CPU, so that splitting waits for no
            device.

    Shapes:
        each of flat ``(total, ...)``, offsets ``(B + 1,)`` int64.

    Example:
        >>> import torch
        >>> packed = Packed({"classes": torch.tensor([4, 7, 7])}, torch.tensor([0, 1, 1, 3]))
        >>> [row["classes"].tolist() for row in packed], packed.owners.tolist()
        ([[4], [], [7, 7]], [0, 2, 2])
        >>> packed[1:3]["classes"].tolist()
        [7, 7]
    """

    flat: Mapping[str, torch.Tensor]
    offsets: torch.Tensor

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, which: Any) -> Any:
        """A flat tensor by its name, or the rows of a slice."""
        if isinstance(which, str):
            return self.flat[which]
        first, behind, step = which.indices(len(self))
        if step != 1:
            raise UsageError(f"Packed rows are taken in order, by slices of step 1; got a step of {step}.")
        offsets = self.offsets[first : max(first, behind) + 1]
        start, stop = int(offsets[0]), int(offsets[-1])
        return Packed({name: values[start:stop] for name, values in self.flat.items()}, offsets - start)

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        """The rows, one after the other."""
        bounds = self.offsets.tolist()
        for start, stop in itertools.pairwise(bounds):
            yield {name: values[start:stop] for name, values in self.flat.items()}

    @property
    def owners(self) -> torch.Tensor:
        """The row that each of the flat values belongs to: ``(total,)`` int64, on the CPU."""
        import torch

        return torch.repeat_interleave(torch.arange(len(self)), self.offsets.diff())

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Packed:
        """The same on a device."""
        flat = {name: values.to(device, non_blocking=non_blocking) for name, values in self.flat.items()}
        return Packed(flat, self.offsets)


class Codec(ABC):
    """The way of one kind of column from a table, or from a person, into a batch.

    Attributes:
        kind: its name in `CODECS`, saved in the card.
        moves_on_host: whether `transform` works on the CPU, before the batch goes to the device.
        mixes: whether it is what mixup and cutmix mix.
        augments: whether augmentation changes it though it lies in no picture.
        reads_in_parts: whether a long list of inputs is read part by part.
        medium: as `Preparation.medium`.
        has_files: whether something of it (a vocabulary) lies in files of the bundle; then ``from_json`` takes them as
            its second argument.

    Its classmethod ``fit(table, rows, **options)`` fits it on training rows, and names its options as arguments;
    ``from_json(data)`` gives the codec that `to_json` described, and refuses a field that does not fit.
    """

    kind: ClassVar[str]
    moves_on_host: ClassVar[bool] = False
    mixes: ClassVar[bool] = False
    augments: ClassVar[bool] = False
    reads_in_parts: ClassVar[bool] = True
    medium: ClassVar[str] = "arrays"
    has_files: ClassVar[bool] = False

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Names of the raw columns it reads."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Of one example in a batch; -1 where it varies."""

    @property
    def typical_shape(self) -> tuple[int, ...]:
        """The same with a usual number where it varies, for which networks are built and summarized."""
        return self.shape

    @property
    def batch_dtype(self) -> str:
        """The type of what a batch holds, as torch names it."""
        return "float32"

    @property
    def pads(self) -> bool:
        """Whether rows are of unequal length and padded to the longest of their batch; what it encodes is then a
        `PaddedColumn`, and rows of like length make a batch.
        """
        return False

    @property
    def gathers_singly(self) -> bool:
        """Whether what is gathered depends on how many rows come together, so that every batch is gathered alone."""
        return False

    @property
    def extent(self) -> tuple[int, int] | None:
        """Height and width of the picture that it is or lies in, as the network reads it: it moves with that picture.
        None where geometry does not touch it.
        """
        return None

    @abstractmethod
    def encode(self, table: Table) -> EncodedColumn:
        """The column of a whole table, ready to be gathered by rows; anything costly is done here, once."""

    @abstractmethod
    def read(self, inputs: Any) -> Any:
        """What a person hands over, one example or a list of them, as host rows that `gather` might have given."""

    def read_noting(self, inputs: Any) -> tuple[Any, list[str]]:
        """As `read`, with sentences about what a network cannot know: values that did not occur in training."""
        return self.read(inputs), []

    def is_single(self, inputs: Any) -> bool:
        """Whether a person who hands this over means one example, and not a list of them."""
        return not isinstance(inputs, list | tuple)

    def transform(self, gathered: Any, geometry: Geometry) -> Any:
        """The gathered rows, moved: each by its own map."""
        return gathered

    def augment(self, gathered: Any, augmentation: Augmentation, uniforms: torch.Tensor, geometry: Geometry) -> Any:
        """Everything that augmentation does to the gathered rows; what has no colors is only moved.

        Args:
            gathered: as `EncodedColumn.gather` gave it.
            augmentation: what is asked for.
            uniforms: its numbers, on the CPU.
            geometry: what it made of them.
        """
        return self.transform(gathered, geometry)

    def joined(self, gathered: Any, mosaic: Mosaic) -> Any:
        """Rows that each show some of the gathered ones: row i the rows i to i + 3.

        Args:
            gathered: three rows more than come out.
            mosaic: which lies where.

        Raises:
            DataError: what the column holds cannot be joined.
        """
        raise DataError(
            "mosaic joins pictures, masks and boxes; labels, numbers and points belong to one picture each. Leave it "
            "out."
        )

    def to_model_input(self, gathered: Any) -> Any:
        """Casts and normalises gathered rows on their device."""
        return gathered

    def augment_input(self, finished: Any, augmentation: Augmentation, uniforms: torch.Tensor) -> Any:
        """What augmentation does to a finished input, with the numbers that `augment` had."""
        return finished

    def pictures(self, gathered: Any) -> npt.NDArray[np.uint8] | None:
        """What a person is shown of gathered rows, ``(B, height, width, 1 or 3)``; None where that is no picture."""
        return None

    def count_unknown(self, inputs: Any) -> tuple[int, int]:
        """How many words of some inputs did not occur in training, and how many there are; 0 where it reads none."""
        return 0, 0

    def network_options(self) -> dict[str, Any]:
        """Options of a registered network that follow from it, such as the size of a vocabulary."""
        return {}

    def embedding(self, seed: int) -> np.ndarray | None:
        """As `Preparation.embedding`."""
        return None

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """What the card keeps, so that `codec_from_json` builds the same codec again."""

    def files(self) -> dict[str, bytes]:
        """What the bundle keeps beside the card, by file name."""
        return {}


CODECS: Registry[Any] = Registry(
    "codec",
    {
        "picture": "derin.data.pictures.codec:PictureCodec",
        "features": "derin.data.features:FeaturesCodec",
        "sound": "derin.data.sounds.codec:SoundCodec",
        "values": "derin.data.codecs.values:ValuesCodec",
        "mask": "derin.data.codecs.mask:MaskCodec",
        "boxes": "derin.data.codecs.boxes:BoxesCodec",
        "points": "derin.data.codecs.points:PointsCodec",
        "text": "derin.data.text.codec:TextCodec",
        "words": "derin.data.text.words_codec:WordsCodec",
    },
)


def codec_from_json(data: Any, files: Mapping[str, bytes] | None = None) -> Codec:
    """The codec that `to_json` and `files` described; each class checks its own fields.

    Raises:
        RefusedFileError: there is no such kind, or a field does not fit.
    """
    kind = data.get("kind") if isinstance(data, Mapping) else None
    if not isinstance(kind, str) or kind not in CODECS:
        raise RefusedFileError(
            f"The card's columns must be of one of the kinds {', '.join(CODECS)}; got {str(kind)[:40]!r}. "
            "Use the Derin that wrote the file."
        )
    found: Any = CODECS[kind]
    codec: Codec = found.from_json(data, files or {}) if found.has_files else found.from_json(data)
    return codec
