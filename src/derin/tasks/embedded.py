"""Where a network puts an example: the answer of a task that learns to compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Embedded:
    """The embedding of one example; like ones are near.

    Args:
        embedding: of length 1.

    Shapes:
        ``(D,)`` float32.

    Example:
        >>> answer = Embedded(np.array([0.6, 0.8], dtype=np.float32))
        >>> answer, round(answer.distance(Embedded(np.array([0.8, 0.6], dtype=np.float32))), 3)
        (Embedded(2 numbers), 0.283)
        >>> [round(number, 1) for number in answer.to_json()["embedding"]]
        [0.6, 0.8]
    """

    embedding: npt.NDArray[np.float32]

    def distance(self, other: Embedded) -> float:
        """The Euclidean distance to another embedding, 0 to 2."""
        return float(np.linalg.norm(self.embedding - other.embedding))

    def to_json(self) -> dict[str, Any]:
        return {"embedding": self.embedding.tolist()}

    def __str__(self) -> str:
        return " ".join(f"{number:.4g}" for number in self.embedding.tolist())

    def __repr__(self) -> str:
        return f"Embedded({len(self.embedding)} numbers)"
