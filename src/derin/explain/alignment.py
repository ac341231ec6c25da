"""Where a translation looked: the attention weights α(t, t') of each target token over the source, as a picture.

Source: D. Bahdanau, K. Cho, Y. Bengio, ICLR 2015, figure 3.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import ShapeError
from derin.core.quiet import quiet

_CELL = 0.32  # inches
_MARGIN = 1.6  # inches, for the words
_COLORS = ("#ffffff", "#1f6feb")  # of 0 and of 1
_DOTS = 110  # per inch
_TURNED_FROM = 2  # letters from which on the words above stand upright


@dataclass(frozen=True)
class Alignment:
    """The weights with which each piece of a translation looked at each piece of its source.

    Args:
        source: pieces of the source, in order; the last one is its end.
        target: pieces of the translation.
        weights: one row for each target piece; its numbers sum to 1.

    Shapes:
        weights ``(len(target), len(source))``.

    Raises:
        ShapeError: weights of another shape.

    Example:
        >>> found = Alignment(("a", "cat"), ("une", "chatte"), np.array([[0.9, 0.1], [0.2, 0.8]]))
        >>> found.strongest()
        [('une', 'a', 0.9), ('chatte', 'cat', 0.8)]
    """

    source: Sequence[str]
    target: Sequence[str]
    weights: npt.NDArray[np.floating[Any]]

    def __post_init__(self) -> None:
        if self.weights.shape != (len(self.target), len(self.source)):
            raise ShapeError(
                "An alignment needs a weight for each pair of a target and a source piece, shape "
                f"{(len(self.target), len(self.source))}; got {self.weights.shape}."
            )

    def strongest(self) -> list[tuple[str, str, float]]:
        """For each target piece the source piece that it looked at most, and how much."""
        places = self.weights.argmax(1)
        return [
            (said, self.source[place], round(float(row[place]), 4))
            for said, place, row in zip(self.target, places.tolist(), self.weights)
        ]

    def to_json(self) -> dict[str, Any]:
        return {
            "source": list(self.source),
            "target": list(self.target),
            "weights": [[round(float(value), 4) for value in row] for row in self.weights],
        }

    def png(self) -> bytes:
        """The weights as a picture: target pieces from above down, source pieces from left to right."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.colors import LinearSegmentedColormap
        from matplotlib.figure import Figure

        rows, columns = self.weights.shape
        figure = Figure(figsize=(_MARGIN + _CELL * columns, _MARGIN + _CELL * rows), dpi=_DOTS, facecolor="white")
        figure.set_layout_engine("constrained")
        axes = figure.add_subplot()
        colors = LinearSegmentedColormap.from_list("weights", _COLORS)
        axes.imshow(self.weights, cmap=colors, vmin=0.0, vmax=1.0, aspect="equal")
        upright = any(len(piece.strip()) >= _TURNED_FROM for piece in self.source)
        axes.set_xticks(range(columns), _labels(self.source), rotation=90 if upright else 0, fontsize=9)
        axes.set_yticks(range(rows), _labels(self.target), fontsize=9)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_color("#d5d9e0")
        file = io.BytesIO()
        with quiet():  # a letter that the font lacks is drawn as an empty box, which says as much
            FigureCanvasAgg(figure).print_png(file)
        return file.getvalue()


def _labels(pieces: Sequence[str]) -> list[str]:
    """Pieces as text on an axis: a space alone would not be seen, and a dollar sign begins a formula."""
    return [piece.strip().replace("$", r"\$") or "␣" for piece in pieces]
