"""A preparation in front of a network, as a module: from what files hold to what the network reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.data.columns import ColumnsPreparation
from derin.data.features import FeaturesCodec
from derin.data.pictures.codec import PictureCodec
from derin.data.series.preparation import SeriesPreparation
from derin.data.sounds.codec import SoundCodec
from derin.export.answers import AnsweringNetwork
from derin.export.onnx import GraphInput
from derin.export.table import PreparedTable


class PreparedPictures(nn.Module):
    """y = (x / 255 − mean) / std, for pixels as files hold them. Pictures must come in the network's size.

    Args:
        preparation: the mean and standard deviation of training.

    Attributes:
        inputs: the one input.

    Shapes:
        ``(B, height, width, channels)`` uint8 → ``(B, channels, height, width)`` float32.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, preparation: PictureCodec) -> None:
        super().__init__()
        channels, height, width = preparation.shape
        self.inputs = (GraphInput(name="input", shape=(height, width, channels), dtype=torch.uint8),)
        self.register_buffer("mean", torch.tensor(preparation.mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(preparation.std).view(1, -1, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        return (pixels.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std

    def samples(self, batch: int, generator: torch.Generator) -> Sequence[Tensor]:
        """Random pixels."""
        return [torch.randint(0, 256, (batch, *self.inputs[0].shape), generator=generator, dtype=torch.uint8)]


class PreparedSounds(nn.Module):
    """The standardized spectrogram of samples at the network's rate, as many as it sees.

    Args:
        codec: of the sounds.

    Attributes:
        inputs: the one input.

    Shapes:
        ``(B, length)`` float32 → ``(B, 1, num_rows, frames)`` float32.
    """

    def __init__(self, codec: SoundCodec) -> None:
        super().__init__()
        self.codec = codec
        self.inputs = (GraphInput(name="input", shape=(codec.length,)),)

    def forward(self, samples: Tensor) -> Tensor:
        return self.codec.to_model_input(samples)

    def samples(self, batch: int, generator: torch.Generator) -> Sequence[Tensor]:
        """Random noise."""
        return [0.1 * torch.randn((batch, self.codec.length), generator=generator)]


class PreparedSteps(nn.Module):
    """The last steps of a series in their own units, standardized; what is missing holds the last known value.

    Args:
        preparation: of a network that reads numbers only, none of them known in advance.

    Attributes:
        inputs: the one input.

    Shapes:
        ``(B, context_length, F)`` float64, NaN where missing → the same, float32.

    Raises:
        UsageError: the network reads categories, columns that are known in advance, or several series in scales of
            their own.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, preparation: SeriesPreparation) -> None:
        super().__init__()
        if preparation.series:
            raise UsageError(
                "The preparation of several series, each in its own scale, cannot be exported; export the network "
                "without preparation."
            )
        if any(v.classes is not None or v.is_known for v in preparation.variables):
            raise UsageError(
                "The preparation of a series with categories or columns that are known in advance cannot be exported; "
                "export the network without preparation."
            )
        self.inputs = (GraphInput(name="input", shape=preparation.input_shape, dtype=torch.float64),)
        for name in ("mean", "std"):
            values = [getattr(v, name) for v in preparation.variables]
            self.register_buffer(name, torch.tensor(values, dtype=torch.float64))

    def forward(self, steps: Tensor) -> Tensor:
        values = (steps - self.mean) / self.std
        # Each pass looks twice as far back as the one before.
        reach = 1
        while reach < values.shape[1]:
            earlier = torch.cat([values[:, :reach], values[:, :-reach]], dim=1)
            values = torch.where(values.isnan(), earlier, values)
            reach *= 2
        return torch.where(values.isnan(), torch.zeros_like(values), values).float()

    def samples(self, batch: int, generator: torch.Generator) -> Sequence[Tensor]:
        """Random steps of the spread of training, some of them missing."""
        values = torch.randn((batch, *self.inputs[0].shape), generator=generator, dtype=torch.float64)
        values = values * self.std + self.mean
        return [values.masked_fill(torch.rand(values.shape, generator=generator) < 0.1, torch.nan)]


class PreparedNetwork(nn.Module):
    """A preparation, a network and its answers in one module.

    Args:
        preparation: of pictures, sounds, tables or series.
        answering: the network with its task.

    Attributes:
        inputs: of the module, in order.
        output_names: of what `forward` gives.

    Raises:
        UsageError: the preparation reads something else, or what a graph of tensors cannot prepare.
    """

    def __init__(self, preparation: Any, answering: AnsweringNetwork) -> None:
        super().__init__()
        self.preparation = _prepared(preparation)
        self.answering = answering
        self.inputs: tuple[GraphInput, ...] = self.preparation.inputs
        self.output_names = answering.output_names

    def forward(self, *raw: Tensor) -> tuple[Tensor, ...]:
        answers: tuple[Tensor, ...] = self.answering(self.preparation(*raw))
        return answers

    def settled(self, wanted: Sequence[Tensor], found: Sequence[Tensor]) -> Sequence[Tensor]:
        """As `AnsweringNetwork.settled`."""
        return self.answering.settled(wanted, found)

    def samples(self, batch: int, generator: torch.Generator) -> Sequence[Tensor]:
        """Inputs like those of training, to compare the file with."""
        found: Sequence[Tensor] = self.preparation.samples(batch, generator)
        return found


def _prepared(preparation: Any) -> Any:
    codec = preparation.input if isinstance(preparation, ColumnsPreparation) else None
    if isinstance(codec, PictureCodec):
        return PreparedPictures(codec)
    if isinstance(codec, SoundCodec):
        return PreparedSounds(codec)
    if isinstance(codec, FeaturesCodec):
        return PreparedTable(codec)
    if isinstance(preparation, SeriesPreparation):
        return PreparedSteps(preparation)
    raise UsageError(
        f"The preparation of pictures, sounds, tables and series can be exported with the network; this one reads "
        f"{preparation.input_kind}. Export it without preparation."
    )
