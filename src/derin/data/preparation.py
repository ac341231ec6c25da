"""How raw columns become what a network reads: chosen once, saved in the card, alike in training and prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from derin.core.registry import Registry
from derin.data.table import Rows, Table

if TYPE_CHECKING:
    import torch


class Preparation(Protocol):
    """The way from raw columns to the network's input.

    Attributes:
        kind: its name in `PREPARATIONS`, saved in the card.
        columns: names of the raw columns it reads.
        input_shape: what the network receives, without the batch axis: ``(channels, height, width)`` or
            ``(features,)``.
    """

    kind: str
    columns: tuple[str, ...]
    input_shape: tuple[int, ...]

    def host(self, table: Table) -> HostInput:
        """The inputs of a whole table, ready to be gathered by rows; anything costly is done here, once, vectorised."""
        ...

    def read(self, inputs: Any) -> np.ndarray:
        """What a person hands over for prediction (a path, a picture, an array, a row, or a list of them), as host
        rows.

        Shapes:
            ``(B, ...)``, the form in which `HostInput.gather` gives its rows.
        """
        ...

    def finish(self, gathered: torch.Tensor) -> torch.Tensor:
        """Casts and normalises a gathered batch on its device.

        Shapes:
            ``(B, height, width, channels)`` uint8 or float32 in 0..255 → ``(B, channels, height, width)`` float32,
            channels last in memory; features ``(B, F)`` float32 → the same.
        """
        ...

    def to_json(self) -> dict[str, Any]: ...


class HostInput(Protocol):
    """The inputs of a table as host memory that is read by rows."""

    def __len__(self) -> int: ...

    def gather(self, rows: Rows, uniforms: np.ndarray | None = None) -> torch.Tensor:
        """The rows in one vectorised gather.

        Args:
            rows: which, in which order.
            uniforms: two numbers in [0, 1) per row that place the training window of a larger picture; None takes
                the centre.
        """
        ...


PREPARATIONS: Registry[Any] = Registry(
    "preparation",
    {
        "picture": "derin.data.pictures.preparation:PicturePreparation",
        "features": "derin.data.features:FeaturePreparation",
    },
)


def preparation_from_json(data: dict[str, Any]) -> Preparation:
    """The preparation that `to_json` described; each class checks its own fields."""
    preparation: Preparation = PREPARATIONS[data["kind"]].from_json(data)
    return preparation
