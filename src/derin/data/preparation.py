"""How raw columns become what a network reads: chosen once, saved in the card, alike in training and prediction."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from derin.core.errors import RefusedFileError
from derin.core.registry import Registry
from derin.core.seeds import permutation
from derin.data.table import Rows, Table

if TYPE_CHECKING:
    import torch

    from derin.data.augment import Augmentation
    from derin.data.batch import Source
    from derin.data.samplers.sampler import Sampler


@dataclass(frozen=True, kw_only=True)
class Batching:
    """How rows become batches.

    Args:
        batch_size: examples per batch; of rows of unequal length, examples of mean length.
        seed: of order and augmentation.
        shuffle: whether each epoch has an order of its own, as in training.
        device: where batches go.
        limit: at most so many examples, drawn by the seed; None takes all.
        augmentation: what happens to pictures, or None.
        mixed_target: the target that mixing turns into probabilities, and its number of classes.
        sampler: says which rows come in which order; None gives each once in an epoch.
        center_only: whether training too takes the middle of larger pictures.
    """

    batch_size: int
    seed: int = 0
    shuffle: bool = False
    device: str | torch.device = "cpu"
    limit: int | None = None
    augmentation: Augmentation | None = None
    mixed_target: tuple[str, int] | None = None
    sampler: Sampler | None = None
    center_only: bool = False

    def limited(self, rows: Rows) -> Rows:
        """The rows, or as many of them as the limit allows, in their order."""
        if self.limit is None or len(rows) <= self.limit:
            return rows
        return np.sort(rows[permutation(self.seed, "limit", 0, len(rows))[: self.limit]])


class Preparation(ABC):
    """The way from raw columns to the network's input.

    Attributes:
        kind: its name in `PREPARATIONS`, saved in the card.
        input_kind: what the network reads: the same, or the kind of the codec that gives its input.
        input_names: names of what the network receives, of several inputs in the order in which they came.
        columns: names of the raw columns it reads.
        input_shape: what the network receives, without the batch axis: ``(channels, height, width)``, ``(features,)``,
            or ``(length,)`` of tokens, where any length is taken and this one is typical.
        medium: what people hand over and files hold: ``"pictures"``, ``"sounds"``, ``"texts"``, ``"rows"`` of a table,
            ``"steps"`` of a series, or ``"arrays"``.
        reads_in_parts: whether a long list of inputs is read part by part, so that little is padded and held.
        has_files: whether something of it (a vocabulary) lies in files of the bundle; then ``from_json`` takes them as
            its second argument.
    """

    kind: ClassVar[str]
    has_files: ClassVar[bool] = False
    medium: ClassVar[str] = "arrays"
    reads_in_parts: ClassVar[bool] = True

    @property
    def input_kind(self) -> str:
        return self.kind

    @property
    def described_inputs(self) -> str:
        """What the network reads, within a sentence: its kind, or the names of several inputs."""
        return self.input_kind if len(self.input_names) == 1 else f"several inputs: {', '.join(self.input_names)}"

    @property
    def input_forms(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Of each input, by its name, the shape of one example and the type, as torch names it."""
        return {self.input_names[0]: (self.input_shape, "float32")}

    @property
    def reads_pictures(self) -> bool:
        """Whether the network sees pictures, which can be shown, augmented and attacked."""
        return False

    @property
    def reads_table_cells(self) -> bool:
        """Whether the network reads the cells of a table's row side by side, each by an encoder of its own."""
        return False

    @property
    def has_fixed_shape(self) -> bool:
        """Whether a single example tells all that the network does: it has numbers of one shape, and no lengths."""
        return False

    @property
    def input_names(self) -> tuple[str, ...]:
        return ("input",)

    @classmethod
    def kind_for(cls, table: Table) -> str:
        """What `input_kind` will be for a table."""
        return cls.kind

    @classmethod
    def settings(cls, table: Table) -> tuple[str, ...]:
        """The settings of inputs that `fit` takes for a table."""
        return tuple(n for n in inspect.signature(cls.fit).parameters if n not in ("table", "rows", "size", "seed"))

    @classmethod
    def takes_size(cls, table: Table) -> bool:
        """Whether `fit` takes a size for a table, as of pictures."""
        return False

    @classmethod
    @abstractmethod
    def fit(cls, table: Table, rows: Rows) -> Self:
        """Fitted on training rows; subclasses take settings as further arguments."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]: ...

    @property
    @abstractmethod
    def input_shape(self) -> tuple[int, ...]: ...

    @abstractmethod
    def encode_table(self, table: Table) -> Any:
        """The inputs of a whole table, ready to be gathered by rows; anything costly is done here, once, vectorised."""

    @abstractmethod
    def read(self, inputs: Any) -> Any:
        """What a person hands over for prediction (a path, a picture, a text, an array, a row, or a list of them), as
        host rows; of several inputs a dict of these by name.

        Shapes:
            ``(B, ...)``, the form in which rows of the encoded table are gathered.
        """

    def read_noting(self, inputs: Any) -> tuple[Any, list[str]]:
        """As `read`, with sentences about what a network cannot know: values that did not occur in training."""
        return self.read(inputs), []

    def count_unknown(self, inputs: Any) -> tuple[int, int]:
        """How many words of some inputs did not occur in training, and how many there are; 0 where it reads none."""
        return 0, 0

    def pictures(self, gathered: Any) -> npt.NDArray[np.uint8] | None:
        """What a person is shown of gathered rows, ``(B, height, width, 1 or 3)``; None where that is no picture."""
        return None

    def to_model_input(self, gathered: torch.Tensor) -> torch.Tensor:
        """Casts and normalises a gathered batch on its device."""
        return gathered

    def finished(self, gathered: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """As `to_model_input`, of the inputs by their names in a batch."""
        return {name: self.to_model_input(values) for name, values in gathered.items()}

    def random_inputs(self, num: int, generator: torch.Generator) -> torch.Tensor:
        """Numbers that the network takes, to time it, record it or show it at work where no example is at hand.

        Shapes:
            → ``(num, *input_shape)`` float32.
        """
        import torch

        return torch.randn(num, *self.input_shape, generator=generator)

    def random_arrays(self, num: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """As `random_inputs`, of inputs that are arrays, by name. Of whole numbers nothing is known but that 0 and 1
        are among them: classes, tokens, flags.
        """
        import torch

        found = {}
        for name, (shape, type_name) in self.input_forms.items():
            dtype: torch.dtype = getattr(torch, type_name)
            found[name] = (
                torch.randn((num, *shape), generator=generator, dtype=dtype)
                if dtype.is_floating_point
                else torch.randint(0, 2, (num, *shape), generator=generator).to(dtype)
            )
        return found

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """What the card keeps, so that `preparation_from_json` builds the same preparation again."""

    def files(self) -> dict[str, bytes]:
        """What the bundle keeps beside the card, by file name."""
        return {}

    @abstractmethod
    def is_single(self, inputs: Any) -> bool:
        """Whether a person who hands this over means one example, and not a list of them."""

    def network_options(self) -> dict[str, Any]:
        """Options of a registered network that follow from the preparation, such as the size of a vocabulary."""
        return {}

    def embedding(self, seed: int) -> np.ndarray | None:
        """Word vectors that the network's embedding begins with, one for each token; None where none were given.

        Args:
            seed: of the vectors of tokens that have none.

        Shapes:
            ``(vocabulary, dimensions)`` float32.
        """
        return None

    @abstractmethod
    def source(
        self, encoded: Any, targets: Mapping[str, Any], rows: Rows, *, input_name: str, batching: Batching
    ) -> Source:
        """The batches of some rows.

        Args:
            encoded: what `encode_table` gave.
            targets: further columns by name, one value per row of the table (labels, weights).
            rows: the rows of the table.
            input_name: the input's name in the batch.
            batching: how rows become batches.
        """


PREPARATIONS: Registry[Any] = Registry(
    "preparation",
    {
        "columns": "derin.data.columns:ColumnsPreparation",
        # As earlier cards have it: the one column of the input alone.
        "picture": "derin.data.columns:ColumnsPreparation",
        "features": "derin.data.columns:ColumnsPreparation",
        "text": "derin.data.columns:ColumnsPreparation",
        "tagged": "derin.data.columns:ColumnsPreparation",
        "stream": "derin.data.text.stream_preparation:StreamPreparation",
        "pairs": "derin.data.text.pair_preparation:PairPreparation",
        "corpus": "derin.data.text.corpus_preparation:CorpusPreparation",
        "cooccurrences": "derin.data.text.cooccurrence_preparation:CooccurrencePreparation",
        "series": "derin.data.series.preparation:SeriesPreparation",
        "own": "derin.data.own:OwnPreparation",
    },
)


def input_kind(data: Mapping[str, Any]) -> str | None:
    """`Preparation.input_kind` as a record or a card has it; None where it does not tell."""
    inputs = data.get("inputs")
    if data.get("kind") != "columns" or not isinstance(inputs, Mapping):
        return data.get("kind")
    kinds = [part.get("kind") for part in inputs.values() if isinstance(part, Mapping)]
    return kinds[0] if len(kinds) == 1 else None


def preparation_from_json(data: dict[str, Any], files: Mapping[str, bytes] | None = None) -> Preparation:
    """The preparation that `to_json` described; each class checks its own fields.

    Args:
        data: the preparation's part of a card.
        files: the other files of the bundle, by name.
    """
    kind = data.get("kind") if isinstance(data, Mapping) else None
    if not isinstance(kind, str) or kind not in PREPARATIONS:
        raise RefusedFileError(
            f"The card's preparation must be of one of the kinds {', '.join(PREPARATIONS)}; got {str(kind)[:40]!r}. "
            "Use the Derin that wrote the file."
        )
    found: Any = PREPARATIONS[kind]
    preparation: Preparation = found.from_json(data, files or {}) if found.has_files else found.from_json(data)
    return preparation
