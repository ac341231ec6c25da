"""What tasks have in common whose answers are places in a picture: boxes, points."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from derin.data.batch import Batch
from derin.data.codecs.frame import Frame
from derin.data.columns import ColumnsPreparation
from derin.data.pictures.reading_inputs import images_of
from derin.data.preparation import Preparation
from derin.data.table import Boxes, Points, Table
from derin.tasks.base import BaseTask
from derin.train.protocol import Outputs


class PlacesInPictures(BaseTask):
    """A task whose `predict` gives places in the pixels of the pictures, where a batch has their sizes.

    Args:
        columns: the column of what lies in the pictures.

    Attributes:
        frame: how pictures come to the network's input; taken from the preparation.
        size_of_picture: the column of a batch with height and width of each picture, ``(B, 2)``.
    """

    target = "target"
    size_of_picture = "picture_size"
    most_at_once = 32
    answers_in_original = True

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__(columns)
        self.frame: Frame | None = None

    def bind(self, preparation: Preparation) -> None:
        assert isinstance(preparation, ColumnsPreparation)
        self.frame = preparation.input.frame

    def batch_columns(self, table: Table) -> dict[str, Any]:
        """Height and width of each picture, so that places come back into its pixels."""
        marks = table[table.target().name]
        assert isinstance(marks, Boxes | Points)
        return {self.size_of_picture: marks.frames.astype(np.float32)}

    def in_picture(self, places: npt.NDArray[Any], sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Places of the network's input in pixels of the pictures that have these sizes.

        Shapes:
            places ``(N, P, 2)``, sizes ``(N, 2)`` → ``(N, P, 2)``.
        """
        assert self.frame is not None
        return self.frame.geometry(sizes).inverse.moved(places)

    @abstractmethod
    def answers_of(self, outputs: Outputs, pictures: Sequence[npt.NDArray[np.uint8]]) -> list[Any]:
        """What `predict` gave of some pictures, one answer for each.

        Args:
            outputs: of `predict`, in pixels of the pictures.
            pictures: their pixels, ``(H, W, C)``.
        """

    def answers(
        self, network: nn.Module, preparation: Preparation, inputs: Any, *, batch_size: int, device: torch.device
    ) -> list[Any]:
        assert isinstance(preparation, ColumnsPreparation)
        codec = preparation.input
        pictures = images_of(inputs, channels=codec.channels, values=codec.values)
        found: list[Any] = []
        size = min(batch_size, self.most_at_once)
        for start in range(0, len(pictures), size):
            some = pictures[start : start + size]
            pixels = [np.asarray(picture) for picture in some]
            found += self._answers(network, codec, codec.read(some), pixels, device)
        return found

    def row_answers(
        self, network: nn.Module, preparation: Preparation, read: npt.NDArray[np.uint8], *, batch_size: int,
        device: torch.device,
    ) -> list[Any]:  # fmt: skip
        assert isinstance(preparation, ColumnsPreparation)
        found: list[Any] = []
        size = min(batch_size, self.most_at_once)
        for start in range(0, len(read), size):
            rows = read[start : start + size]
            found += self._answers(network, preparation.input, rows, list(rows), device)
        return found

    def _answers(
        self, network: nn.Module, codec: Any, read: Any, pictures: Sequence[npt.NDArray[Any]], device: torch.device
    ) -> list[Any]:
        pictures = [picture[..., None] if picture.ndim == 2 else picture for picture in pictures]
        rows = torch.from_numpy(np.ascontiguousarray(read)).to(device)
        sizes = torch.tensor([picture.shape[:2] for picture in pictures], dtype=torch.float32)
        columns = {self.input: codec.to_model_input(rows), self.size_of_picture: sizes}
        with torch.inference_mode():
            outputs = self.predict(network, Batch(columns, torch.arange(len(rows))))
        return self.answers_of(outputs, pictures)
