"""A map of words: their vectors laid out in the plane, alike words close together, each place with its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
import numpy.typing as npt

from derin.core.errors import UsageError
from derin.core.files import write_bytes
from derin.core.messages import translate
from derin.core.printable import printable
from derin.data.text.vectors import WordVectors
from derin.explain.embeddings import project
from derin.explain.page_frame import whole_page
from derin.tasks.word_vectors import telling_words

Floats = npt.NDArray[np.float32]

_WIDTH, _HEIGHT, _MARGIN = 1_100, 760, 40  # units of the drawing
_FONT, _LETTER = 11, 6.2  # height of the letters and the width of a usual one
_NAME = 60  # width that is kept free for names, which reach to the right
_FEWEST = 5  # words
_INK, _DOT = "#1f2937", "#1f6feb"


@dataclass(frozen=True)
class WordMap:
    """Words and their places.

    Args:
        words: the names.
        points: where they lie.
        method: by which they were laid out.

    Shapes:
        points ``(N, 2)``.
    """

    words: tuple[str, ...]
    points: Floats
    method: str

    @property
    def title(self) -> str:
        return translate("word-map.title", count=len(self.words), method=translate(f"embedding.{self.method}"))

    def svg(self) -> str:
        """The drawing as SVG; a word whose name would lie on another's is a dot that says its name when touched."""
        places = _placed(self.points)
        named = _without_overlaps(places, self.words)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
            f'font-family="system-ui, sans-serif" font-size="{_FONT}" fill="{_INK}">',
            f"<title>{escape(self.title)}</title>",
        ]
        for word, (x, y), has_name in zip(self.words, places.tolist(), named, strict=True):
            title = f"<title>{escape(word)}</title>"
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{_DOT}">{title}</circle>')
            if has_name:
                parts.append(f'<text x="{x + 4:.1f}" y="{y + 4:.1f}">{escape(word)}</text>')
        return "".join([*parts, "</svg>"])

    def save(self, path: str | Path) -> None:
        """Writes the map: ``.html`` and ``.svg`` (which can be enlarged without end), or a form of picture.

        Raises:
            UsageError: the ending is no form of picture.
            StorageError: the file cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() == ".svg":
            write_bytes(path, self.svg().encode("utf-8"))
        elif path.suffix.lower() in (".html", ".htm"):
            write_bytes(path, self._page().encode("utf-8"))
        else:
            self._save_picture(path)

    def _page(self) -> str:
        style = "body{margin:1rem;font-family:system-ui,sans-serif}svg{width:100%;height:auto}"
        return whole_page(self.title, [f"<h1>{escape(self.title)}</h1>{self.svg()}"], style=style)

    def _save_picture(self, path: Path) -> None:
        from matplotlib.figure import Figure

        from derin.explain.pictures import require_place, save

        require_place(path)
        figure = Figure(figsize=(_WIDTH / 100, _HEIGHT / 100))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, _WIDTH), ylim=(_HEIGHT, 0))
        axes.axis("off")
        places = _placed(self.points)
        axes.scatter(places[:, 0], places[:, 1], s=6, color=_DOT)
        for word, (x, y), has_name in zip(
            self.words, places.tolist(), _without_overlaps(places, self.words), strict=True
        ):
            if has_name:
                # Matplotlib would read a dollar sign as the beginning of a formula.
                axes.text(x + 4, y + 4, printable(word), fontsize=7, color=_INK, parse_math=False)
        save(figure, path)


def word_map(
    vectors: WordVectors,
    words: Sequence[str] | None = None,
    *,
    num: int = 300,
    method: str = "tsne",
    seed: int = 0,
) -> WordMap:
    """Lays words out by their directions.

    Args:
        vectors: of all words.
        words: those that are shown; None takes frequent ones that are likely to mean something.
        num: how many of these.
        method: ``"tsne"``, ``"pca"`` or ``"umap"``.
        seed: of what is random in t-SNE and UMAP.

    Raises:
        UsageError: fewer than five words, or one of them has no vector.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> vectors = WordVectors(tuple("abcdefg"), rng.standard_normal((7, 3)).astype(np.float32))
        >>> word_map(vectors, method="pca").points.shape
        (7, 2)
    """
    shown = telling_words(vectors.words, num) if words is None else list(dict.fromkeys(words))
    if len(shown) < _FEWEST:
        raise UsageError(f"A map needs at least {_FEWEST} words; got {len(shown)}.")
    rows = [vectors.row(word) for word in shown]
    return WordMap(tuple(shown), project(vectors.unit[rows], method=method, dim=2, seed=seed).points, method)


def _placed(points: Floats) -> npt.NDArray[np.float64]:
    """Places in the drawing, both axes on one scale, the longer side of the map along the longer one of the drawing."""
    sides = np.ptp(points, axis=0)
    turned = points if sides[0] >= sides[1] else points[:, ::-1]
    low, high = turned.min(axis=0), turned.max(axis=0)
    room = np.array([_WIDTH - _NAME, _HEIGHT]) - 2 * _MARGIN
    scale = float((room / np.maximum(high - low, 1e-9)).min())
    placed: npt.NDArray[np.float64] = (turned - (low + high) / 2) * scale + room / 2 + _MARGIN
    return placed


def _without_overlaps(places: npt.NDArray[np.float64], words: Sequence[str]) -> list[bool]:
    """Which words get their names written: each in turn, if its box is free."""
    boxes = np.empty((0, 4))
    named: list[bool] = []
    for word, (x, y) in zip(words, places.tolist(), strict=True):
        box = np.array([x, y - _FONT / 2, x + 6 + _LETTER * len(word), y + _FONT / 2])
        hits = (boxes[:, 0] < box[2]) & (box[0] < boxes[:, 2]) & (boxes[:, 1] < box[3]) & (box[1] < boxes[:, 3])
        named.append(not hits.any())
        if named[-1]:
            boxes = np.vstack([boxes, box])
    return named
