"""What the frozen part of a network makes of every picture, in memory: computed once, read at each epoch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from derin.core.errors import ShapeError
from derin.data.codecs.base import Codec
from derin.data.table import Rows

if TYPE_CHECKING:
    import torch

Features = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ExtractedFeatures(Codec):
    """Features of a table's rows, and of augmented views of its training rows. Codec and encoded column in one.

    Args:
        plain: of every row, not augmented. Shapes: ``(N, F)``.
        views: of augmented pictures. Shapes: ``(V, T, F)``; V is 0 where nothing was augmented.
        rows: the rows of which there are views. Shapes: ``(T,)``.

    Example:
        >>> plain = np.array([[0.0], [1.0], [2.0]], dtype=np.float32)
        >>> views = np.array([[[10.0], [12.0]]], dtype=np.float32)
        >>> features = ExtractedFeatures(plain, views, np.array([0, 2]))
        >>> features.gather(np.array([2, 1])).tolist()
        [[2.0], [1.0]]
        >>> features.gather(np.array([2, 0]), np.array([[0.7, 0.0], [0.2, 0.0]])).tolist()
        [[2.0], [10.0]]
    """

    plain: Features
    views: Features
    rows: Rows
    kind: ClassVar[str] = "extracted"

    def __post_init__(self) -> None:
        fits = self.plain.ndim == 2 and self.views.shape[1:] == (len(self.rows), self.plain.shape[1])
        if not fits:
            raise ShapeError(
                "ExtractedFeatures: plain (N, F) and views (V, T, F) for T rows are required; "
                f"got {self.plain.shape}, {self.views.shape} and {len(self.rows)} rows."
            )

    def __len__(self) -> int:
        return len(self.plain)

    @property
    def is_random(self) -> bool:
        """Whether there are views to draw from."""
        return len(self.views) > 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Features are made of pictures, and read no column themselves."""
        return ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Features of one example."""
        return self.plain.shape[1:]

    def gather(self, rows: Rows, uniforms: np.ndarray | None = None) -> torch.Tensor:
        """The features of rows; in training one of the picture and its views, which the first uniform number draws.

        Shapes:
            rows ``(B,)``, uniforms ``(B, 2)`` → ``(B, F)`` float32.
        """
        import torch

        if uniforms is None or not len(self.views):
            return torch.from_numpy(self.plain[rows])
        drawn = (uniforms[:, 0] * (len(self.views) + 1)).astype(np.int64)
        is_plain = (drawn == len(self.views))[:, None]
        return torch.from_numpy(
            np.where(is_plain, self.plain[rows], self.views[np.minimum(drawn, len(self.views) - 1), self._place[rows]])
        )

    def encode(self, table: Any) -> ExtractedFeatures:
        """These features: they were made of that table."""
        return self

    def read(self, inputs: Any) -> np.ndarray:
        """Features that a person hands over."""
        return np.asarray(inputs, dtype=np.float32)

    def is_single(self, inputs: Any) -> bool:
        """Whether it is one row."""
        return np.ndim(inputs) == 1

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "features": int(self.plain.shape[1]), "views": len(self.views)}

    @cached_property
    def _place(self) -> Rows:
        """Where the views of each row stand; 0 for a row that has none and is never asked for."""
        place = np.zeros(len(self.plain), dtype=np.int64)
        place[self.rows] = np.arange(len(self.rows))
        return place
