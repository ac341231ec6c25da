"""Precision, recall and F1 from counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ClassCounts:
    """How often each class was right, predicted and true.

    Shapes:
        each ``(*S, classes)``; leading axes are resamples.

    Example:
        >>> counts = ClassCounts.of_confusion(np.array([[3, 1], [0, 2]]))
        >>> counts.precision().round(3).tolist(), counts.recall().tolist()
        ([1.0, 0.667], [0.75, 1.0])
    """

    right: Floats
    predicted: Floats
    true: Floats

    @classmethod
    def of_confusion(cls, confusion: npt.NDArray[np.generic]) -> ClassCounts:
        """From confusion matrices whose rows are the truth and whose columns are the predictions."""
        table = np.asarray(confusion, dtype=np.float64)
        return cls(np.diagonal(table, axis1=-2, axis2=-1), table.sum(axis=-2), table.sum(axis=-1))

    def precision(self) -> Floats:
        """Right / predicted; NaN where a class was never predicted."""
        return _divide(self.right, self.predicted)

    def recall(self) -> Floats:
        """Right / true; NaN where a class never occurs."""
        return _divide(self.right, self.true)

    def f1(self) -> Floats:
        """2 · right / (predicted + true); NaN where a class neither occurs nor is predicted."""
        return self.f_beta(1.0)

    def f_beta(self, beta: float) -> Floats:
        """(1 + β²) · right / (predicted + β² · true); NaN where a class neither occurs nor is predicted."""
        return _divide((1 + beta**2) * self.right, self.predicted + beta**2 * self.true)

    def macro(self, values: Floats) -> Floats:
        """The mean over the classes that occur or were predicted, an undefined one of them counting as 0.

        This is scikit-learn's ``average="macro"`` with ``zero_division=0``.
        """
        present = (self.predicted + self.true) > 0
        return _divide(np.where(present, np.nan_to_num(values), 0.0).sum(axis=-1), present.sum(axis=-1))


def _divide(part: Floats, whole: npt.NDArray[np.generic]) -> Floats:
    wholes = np.asarray(whole, dtype=np.float64)
    return np.divide(part, wholes, out=np.full(np.shape(wholes), np.nan), where=wholes > 0)
