"""From picture to picture: a network gives back what was taken from good pictures.

Sources: the loss |x̂ − x|: H. Zhao et al., "Loss functions for image restoration with neural networks", IEEE TCI 2017,
    arXiv:1511.08861; noise: K. Zhang et al., "Beyond a Gaussian denoiser", IEEE TIP 2017, arXiv:1608.03981 (known and
    unknown strength); color over lightness: R. Zhang, P. Isola, A. A. Efros, ECCV 2016, arXiv:1603.08511.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import DataError, RefusedFileError, ShapeError, UnknownNameError, UsageError
from derin.data.batch import Batch, Source
from derin.data.columns import ColumnsPreparation
from derin.data.pictures.codec import PictureCodec
from derin.data.pictures.colors import lab_to_rgb, luminance, rgb_to_lab, studio_luminance
from derin.data.pictures.reading_inputs import images_of
from derin.data.preparation import Preparation
from derin.data.samplers.repeating import RepeatingSampler
from derin.data.samplers.sampler import Sampler
from derin.data.schema import Kind
from derin.data.table import Rows, Table
from derin.models.tiling import tiled
from derin.tasks.ab_classes import classes_of, colors_of, num_classes
from derin.tasks.base import BaseTask
from derin.tasks.card import NAMES, checked
from derin.tasks.degradations import FORMS, Degradation, enlarged
from derin.tasks.made_picture import MadePicture
from derin.tasks.metrics.restoration import RestorationMetrics, colorfulness, psnr, ssim
from derin.tasks.restoration_findings import restoration_findings
from derin.tasks.supervised import built_from_card
from derin.train.protocol import Losses, Outputs

COLORS = ("regression", "classes")
_BATCHES = 100  # of an epoch, about: each picture gives as many windows as that takes
_LARGEST_AB = 110.0  # of a* and b* that sRGB has


class Restoration(BaseTask):
    """Reads a degraded picture x = d(y) and gives ŷ; the loss is the mean of |ŷ − y| over pixels and channels.

    Noise and compression: the network gives ŷ. Super-resolution: ŷ, so many times larger. Colors: the network reads the
    luminance and gives a*b* of each pixel, over 110 (``"regression"``, loss |â − a|) or as classes (cross-entropy,
    `derin.tasks.ab_classes`); lightness stays that of x.

    What is random about d is a function of (seed, step) in training and of the row where it is measured. PSNR and SSIM
    are means over whole pictures, rounded to 8 bits; of super-resolution of Y′ (16 to 235), without as many pixels at
    each edge as the picture is enlarged, as published figures have it. ``input_psnr`` is that of x (enlarged
    bicubically), ``colorfulness`` of ŷ beside ``true_colorfulness``.

    Args:
        column: of the pictures.
        degrade: see `derin.tasks.degradations.Degradation`.
        color: how colors are learned, of `COLORS`.

    Shapes:
        a network gives ``(B, C, scale · H, scale · W)`` for ``(B, C, H, W)`` in 0..1; of colors 2 numbers or a logit of
        each class for each pixel.

    Example:
        >>> task = Restoration("picture", degrade="noise=25")
        >>> batch = Batch({"input": torch.full((1, 1, 64, 64), 0.5)}, torch.arange(1))
        >>> measured = task.predict(torch.nn.Identity(), batch)
        >>> round(measured["psnr"].item())  # −10 log₁₀ (25/255)² = 20.2
        20
    """

    name = "restore"
    monitor = "psnr"
    forbids = frozenset({"bf16"})  # what is restored are small differences
    options = frozenset({"degrade", "color"})
    most_at_once = 1  # whole pictures, of any sizes
    answers_in_original = True

    def __init__(self, column: str, *, degrade: str, color: str = "regression") -> None:
        super().__init__([column])
        self.degradation = Degradation.parse(degrade)
        if color not in COLORS:
            raise UnknownNameError("way to learn colors", color, COLORS)
        self.color = color
        self.channels = 3

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        column = next((column for column in table.inputs if column.kind is Kind.PICTURE), None)
        if column is None:
            raise DataError(f"Table {table.name!r}: pictures to restore are required, and it has no column of them.")
        if "degrade" not in options:
            raise UsageError(f"The task restore needs degrade, what is taken from good pictures: {FORMS}.")
        return cls(column.name, **options)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        found = checked(cls.name, data, {"columns": NAMES, "degrade": str, "color": str})
        columns = found.pop("columns")
        if len(columns) != 1:
            raise RefusedFileError(f"The card's restore task must have one column; got {', '.join(columns)}.")
        return built_from_card(lambda **fields: cls(columns[0], **fields), cls.name, found)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "degrade": str(self.degradation),
            "color": self.color,
        }

    @property
    def num_outputs(self) -> int:
        if self.degradation.kind != "gray":
            return self.channels
        return 2 if self.color == "regression" else num_classes()

    @classmethod
    def default_model(cls, table: Table) -> str:
        return "unet"

    @classmethod
    def model_for(cls, table: Table, options: Mapping[str, Any]) -> str:
        degrade = options.get("degrade")
        return "edsr" if isinstance(degrade, str) and degrade.strip().startswith("sr") else cls.default_model(table)

    def network_options(self, model: str) -> dict[str, Any]:
        if model == "edsr":
            return {"scale": self.degradation.scale}
        return {"residual": True} if model == "unet" and self.degradation.kind in ("noise", "jpeg") else {}

    def bind(self, preparation: Preparation) -> None:
        codec = getattr(preparation, "input", None)
        if not isinstance(codec, PictureCodec) or codec.rule != "window" or {*codec.mean} != {0.0}:
            raise UsageError(
                'The task restore reads windows of pictures as they are, in 0..1; add inputs={"fit": "window", '
                '"normalize": "none"} (--input fit=window --input normalize=none).'
            )
        self.channels = codec.channels
        if self.degradation.kind == "gray" and self.channels != 3:
            raise UsageError("degrade=gray learns colors; the pictures of the data are gray. Give pictures in color.")
        if min(codec.size) % self.degradation.scale or max(codec.size) % self.degradation.scale:
            raise UsageError(
                f"degrade={self.degradation} needs windows whose sides are multiples of {self.degradation.scale}; got "
                f"{codec.size[0]} × {codec.size[1]}. Give another size (--size)."
            )

    def sampler(self, targets: Mapping[str, Any], rows: Rows, *, batch_size: int, seed: int) -> Sampler | None:
        times = -(-_BATCHES * batch_size // len(rows))
        return RepeatingSampler(rows, times=times, batch_size=batch_size, seed=seed) if times > 1 else None

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        clean = batch[self.input]
        output = self._output(model, self.degradation.apply(clean), clean.shape)
        return {"loss": self._criterion(output, clean).mean()}

    def _output(self, model: nn.Module, degraded: Tensor, shape: torch.Size) -> Tensor:
        output = self.call(model, Batch({self.input: degraded}, torch.arange(len(degraded))))
        wanted = (shape[0], self.num_outputs, *shape[2:])
        if not isinstance(output, Tensor) or output.shape != wanted:
            came = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ShapeError(
                f"The network must give a picture of shape {wanted} for degrade={self.degradation}; got {came}. Take "
                f"{'edsr' if self.degradation.scale > 1 else 'unet'}, or a network of the same scale."
            )
        return output.float()

    def _criterion(self, output: Tensor, clean: Tensor) -> Tensor:
        """The loss of each picture, ``(B,)``."""
        if self.degradation.kind != "gray":
            return (output - clean).abs().flatten(1).mean(1)
        ab = rgb_to_lab(clean)[:, 1:]
        if self.color == "regression":
            return (output - ab / _LARGEST_AB).abs().flatten(1).mean(1)
        return F.cross_entropy(output, classes_of(ab), reduction="none").flatten(1).mean(1)

    def _picture(self, output: Tensor, degraded: Tensor) -> Tensor:
        """What the network's output means, in 0..1."""
        if self.degradation.kind != "gray":
            return output.clamp(0, 1)
        ab = output * _LARGEST_AB if self.color == "regression" else colors_of(output)
        return lab_to_rgb(torch.cat((rgb_to_lab(degraded)[:, :1], ab), 1))

    def restore(self, model: nn.Module, degraded: Tensor, *, tile: int | None = None) -> Tensor:
        """Whole pictures of any size, in tiles where they are large.

        Args:
            model: the network, in evaluation mode.
            degraded: as the network reads them.
            tile: see `derin.models.tiling.tiled`.

        Shapes:
            ``(B, C, H, W)`` → ``(B, C, scale · H, scale · W)`` in 0..1.
        """

        def call(x: Tensor) -> Tensor:
            output: Tensor = self.call(model, Batch({self.input: x}, torch.arange(len(x))))
            return self._picture(output.float(), x)

        return tiled(model, degraded, call=call, tile=tile)

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """``degraded``, ``restored`` and ``clean`` pictures in 0..1, and what `metrics` averages, ``(B,)`` each."""
        clean = self.degradation.whole(batch[self.input])
        degraded = torch.cat(
            [
                self.degradation.apply(picture[None], torch.Generator().manual_seed(row))
                for picture, row in zip(clean, batch.rows.tolist(), strict=True)
            ]
        )
        restored = (self.restore(model, degraded) * 255).round() / 255
        scale = self.degradation.scale
        shown = enlarged(degraded, scale) if scale > 1 else degraded
        pictures = {"degraded": shown, "restored": restored, "clean": clean}
        measured = {
            "loss": (restored - clean).abs().flatten(1).mean(1),
            "psnr": self.compared_psnr(restored, clean),
            "ssim": ssim(self._compared(restored), self._compared(clean)),
            "input_psnr": self.compared_psnr(shown, clean),
        }
        if self.degradation.kind == "gray":
            measured["colorfulness"] = colorfulness(restored)
            measured["true_colorfulness"] = colorfulness(clean)
        return {**pictures, **measured}

    def compared_psnr(self, pictures: Tensor, clean: Tensor) -> Tensor:
        """PSNR of each picture, of what published figures compare: ``(B, C, H, W)`` twice → ``(B,)``."""
        return psnr(self._compared(pictures), self._compared(clean))

    def _compared(self, pictures: Tensor) -> Tensor:
        scale = self.degradation.scale
        if scale == 1:
            return pictures
        height, width = pictures.shape[2:]
        cut = scale if min(height, width) > 4 * scale else 0
        return studio_luminance(pictures)[:, :, cut : height - cut, cut : width - cut]

    def metrics(self) -> RestorationMetrics:
        names = ("loss", "psnr", "ssim", "input_psnr")
        colors = ("colorfulness", "true_colorfulness")
        return RestorationMetrics((*names, *(colors if self.degradation.kind == "gray" else ())))

    def answers(
        self, network: nn.Module, preparation: Preparation, inputs: Any, *, batch_size: int, device: torch.device
    ) -> list[MadePicture]:
        """Each picture restored, in its own size times the scale."""
        assert isinstance(preparation, ColumnsPreparation)
        codec = preparation.input
        found = []
        for image in images_of(inputs, channels=codec.channels, values=codec.values):
            found += self.row_answers(
                network, preparation, codec.pixels(image)[None], batch_size=batch_size, device=device
            )
        return found

    def row_answers(
        self, network: nn.Module, preparation: Preparation, read: np.ndarray, *, batch_size: int, device: torch.device
    ) -> list[MadePicture]:
        made = []
        for row in np.asarray(read):
            picture = preparation.to_model_input(torch.from_numpy(np.array(row))[None].to(device))
            if self.degradation.kind == "gray":
                picture = luminance(picture).expand_as(picture)
            with torch.inference_mode():
                made.append(MadePicture.of_planes(self.restore(network, picture)[0]))
        return made

    def final_analysis(
        self,
        network: nn.Module,
        preparation: Preparation,
        table: Table,
        source: Callable[[str], Source],
        folder: Path,
    ) -> dict[str, Any]:
        """The classical method beside the network, and the worst pictures: before, by that method, after, true."""
        split = next((name for name in ("test", "val") if name in table.splits), None)
        if split is None:
            return {}
        names = table.row_names
        return restoration_findings(
            self, network, source(split), split, names=names, folder=folder if self.keeps_pictures else None
        )
