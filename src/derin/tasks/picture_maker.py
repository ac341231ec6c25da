"""What tasks have in common whose network makes pictures: samples over the epochs, and what is found of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from derin.core import seeds
from derin.core.errors import DataError, UsageError
from derin.core.files import open_atomically
from derin.data.batch import Source
from derin.data.columns import INPUT
from derin.data.pictures.codec import PictureCodec
from derin.data.preparation import Preparation
from derin.data.schema import Kind
from derin.data.table import Rows, Table
from derin.tasks.base import BaseTask
from derin.tasks.made_pictures import FILM, NEAREST, SAMPLES, film, nearest_sheet, overview, save_strip
from derin.tasks.metrics.made_pictures import nearest_rows
from derin.train.evaluation import evaluating

Pixels = npt.NDArray[np.uint8]

NUM_SAMPLES = 12  # pictures that are made after every epoch, always from the same noise
_NUM_COMPARED = 256  # pictures whose variety is compared with that of real ones
_MOST_SEARCHED = 20_000  # pictures of the training among which the nearest is looked for


class PictureMaker(BaseTask):
    """A task whose network makes pictures of −1 to 1 from numbers that are drawn.

    A subclass says in `draw_pictures` how rows of noise become pictures.
    """

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        return cls(picture_column(table, rows), **options)

    def bind(self, preparation: Preparation) -> None:
        codec = getattr(preparation, "input", None)
        if not isinstance(codec, PictureCodec) or {*codec.mean, *codec.std} != {0.5}:
            raise UsageError(
                "A network that makes pictures makes them of −1 to 1, so that those of the data must be brought there "
                'too; add inputs={"normalize": "symmetric"} (--input normalize=symmetric).'
            )

    @abstractmethod
    def draw_pictures(self, model: nn.Module, rows: npt.NDArray[np.int64], seed: int) -> Tensor:
        """Pictures as a function of seed and row alone.

        Shapes:
            rows ``(B,)`` → ``(B, channels, height, width)`` in −1..1.
        """

    def latent_of(self, rows: npt.ArrayLike, latent: int, *, seed: int = 0) -> Tensor:
        """Standard normal numbers as a function of seed and row alone.

        Shapes:
            rows ``(B,)`` → ``(B, latent)``.
        """
        return torch.special.ndtri(uniform_rows(rows, latent, seed))

    def make_pictures(self, model: nn.Module, num: int, *, seed: int = 0, batch_size: int = 256) -> Pixels:
        """New pictures, in evaluation mode; the same seed makes the same ones.

        Shapes:
            ``(num, height, width, channels)`` uint8.
        """
        with evaluating(model), torch.inference_mode():
            made = [
                to_pixels(self.draw_pictures(model, np.arange(start, min(start + batch_size, num)), seed))
                for start in range(0, num, batch_size)
            ]
        return np.concatenate(made)

    def answers(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise UsageError(
            "A network that makes pictures predicts nothing of them: derin generate RUN --num 16 --out samples.png "
            "makes new ones (model.make_pictures(16) in Python)."
        )

    row_answers = answers

    def make_samples(self, model: nn.Module, epoch: int, folder: Path) -> None:
        """Pictures from the noise of every other epoch, as a file of the run."""
        save_strip(folder, epoch, self.make_pictures(model, NUM_SAMPLES))

    def final_analysis(
        self,
        network: nn.Module,
        preparation: Preparation,
        table: Table,
        source: Callable[[str], Source],
        folder: Path,
    ) -> dict[str, Any]:
        """Samples over time on one sheet and as a film, how various they are, and whether they copy the training."""
        sheet, epochs = overview(folder, NUM_SAMPLES)
        with open_atomically(folder / SAMPLES) as file:
            sheet.save(file, format="PNG")
        found: dict[str, Any] = {
            "kind": self.name,
            "samples": {"file": SAMPLES, "epochs": epochs, "num": NUM_SAMPLES},
        }
        if film(folder, NUM_SAMPLES):
            found["film"] = {"file": FILM}
        true = true_pixels(preparation, table, "train", _MOST_SEARCHED)
        made = self.make_pictures(network, min(len(true), _NUM_COMPARED), seed=1)
        found["variety"] = variety(made) / max(variety(true[: len(made)]), 1e-9)
        nearest = nearest_rows(_flat(made), _flat(true))
        copies: dict[str, Any] = {
            "searched": len(true),
            "num": len(made),
            "distance": float(np.median(nearest.distances)),
        }
        held_out = next((split for split in ("test", "val") if split in table.splits), None)
        if held_out is not None:
            unseen = true_pixels(preparation, table, held_out, _NUM_COMPARED)
            copies["distance_of_unseen"] = float(np.median(nearest_rows(_flat(unseen), _flat(true)).distances))
        if self.keeps_pictures:
            with open_atomically(folder / NEAREST) as file:
                nearest_sheet(made[:NUM_SAMPLES], true[nearest.rows[:NUM_SAMPLES]]).save(file, format="PNG")
            copies["file"] = NEAREST
        return {**found, "nearest": copies}


def picture_column(table: Table, rows: Rows) -> str:
    """The column of pictures that are learned.

    Raises:
        DataError: there is none, or a single picture in training.
    """
    column = next((column for column in table.inputs if column.kind is Kind.PICTURE), None)
    if column is None:
        raise DataError(f"Table {table.name!r}: a generator learns from a column of pictures; there is none.")
    if len(rows) < 2:
        raise DataError(
            f"Table {table.name!r}: a generator learns what pictures have in common, for which at least 2 are "
            f"required; got {len(rows)} for training. Add pictures."
        )
    return column.name


def uniform_rows(rows: npt.ArrayLike, num: int, seed: int) -> Tensor:
    """Numbers within 0 and 1, without the bounds, as a function of seed and row alone, ``(B, num)``."""
    # Half a step of the numbers' grid keeps them off 0.
    return torch.from_numpy(seeds.uniforms(seed, "latent", 0, rows, num)) + 2.0**-25


def to_pixels(pictures: Tensor) -> Pixels:
    """Pictures of −1 to 1 as bytes, channels last."""
    scaled = ((pictures.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return scaled.permute(0, 2, 3, 1).contiguous().cpu().numpy()


def true_pixels(preparation: Preparation, table: Table, split: str, most: int) -> Pixels:
    """Pictures of a split as the network meets them, the first `most` of an order that a seed draws."""
    rows = np.asarray(table.splits[split])
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(0).permutation(rows)[:most])
    return np.asarray(preparation.encode_table(table)[INPUT].gather(rows), dtype=np.uint8)


def variety(pictures: Pixels) -> float:
    """The mean distance of a picture to the next one, of values in 0..1."""
    flat = _flat(pictures)
    return float(np.linalg.norm(flat - np.roll(flat, 1, axis=0), axis=1).mean())


def _flat(pictures: Pixels) -> npt.NDArray[np.float32]:
    return pictures.reshape(len(pictures), -1).astype(np.float32) / np.float32(255)
