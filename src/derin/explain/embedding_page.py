"""An embedding as one page that is opened in a browser: nothing is loaded from anywhere, all data are in the file."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import UsageError
from derin.core.files import write_bytes
from derin.core.messages import language, translate
from derin.explain.page_frame import whole_page

Pixels = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.float32]

_NO_GROUP = 65_535  # in place of a group's number
_SHEET_SIDE = 1_024  # pixels, of a picture that holds many small ones
_LARGE_TILE, _SMALL_TILE, _MANY = 64, 32, 3_000  # pixels; from so many examples on the small one is taken
_QUALITY = 82  # of the sheets, as WebP
_WORDS = ("count", "truth", "predicted", "unknown", "toggle")


@dataclass(frozen=True, kw_only=True)
class EmbeddingPage:
    """Everything that the page shows. What is known of each example is a sequence with one entry for each.

    Args:
        title: what is shown.
        subtitle: how it came about.
        points: ``(N, 2)`` or ``(N, 3)``.
        axes: a name for each axis.
        names: of the examples.
        groups: names of the classes; None where the answers are numbers.
        truth: the number of the true class (−1 where it is not known), or the true number; None where no answers
            are known.
        predicted: what the network answers, in the same form.
        wrong: whether an answer is among the mistakes.
        confidence: the probability of what is answered, or None.
        pictures: ``(N, H, W, C)`` uint8, or None.
        columns: names of the values in `rows`.
        rows: the values that the network saw, in words, where it did not see pictures.
    """

    title: str
    subtitle: str
    points: Numbers
    axes: Sequence[str]
    names: Sequence[str]
    groups: Sequence[str] | None
    truth: npt.NDArray[Any] | None
    predicted: npt.NDArray[Any]
    wrong: npt.NDArray[np.bool_]
    confidence: Numbers | None = None
    pictures: Pixels | None = None
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] | None = None

    def __post_init__(self) -> None:
        lengths = {
            name: len(values)
            for name in ("points", "names", "truth", "predicted", "wrong", "confidence", "pictures", "rows")
            if (values := getattr(self, name)) is not None
        }
        if len(set(lengths.values())) != 1:
            raise UsageError(f"EmbeddingPage: each example needs one entry everywhere; got {lengths}.")

    def save(self, path: str | Path) -> None:
        """Writes the page.

        Raises:
            StorageError: the file cannot be written.
        """
        write_bytes(Path(path), self.render().encode("utf-8"))

    def render(self) -> str:
        """The page as text."""
        mistakes = translate("embedding.mistakes" if self.groups is not None else "embedding.largest_errors")
        gestures = translate(f"embedding.gestures_{self.points.shape[1]}d")
        body = [
            f"<header><h1>{escape(self.title)}</h1><p>{escape(self.subtitle)}</p></header>",
            f'<main><canvas id="canvas" tabindex="0" aria-label="{escape(self.title)}"></canvas>',
            '<div id="card" hidden><canvas id="picture"></canvas><p id="name"></p><dl id="facts"></dl></div>',
            f"<p>{escape(gestures)}</p></main>",
            "<aside>",
            f'<input id="search" type="search" placeholder="{escape(translate("embedding.search"))}"'
            f' aria-label="{escape(translate("embedding.search"))}">',
            f'<label><input id="mistakes" type="checkbox"> {escape(mistakes)}</label>',
            f'<label>{escape(translate("embedding.color"))} <select id="color">'
            f'<option value="truth">{escape(translate("embedding.truth"))}</option>'
            f'<option value="predicted">{escape(translate("embedding.predicted"))}</option></select></label>',
            '<p id="count" aria-live="polite"></p>',
            '<div id="legend"></div>',
            f'<button id="reset" type="button">{escape(translate("embedding.reset"))}</button>',
            "</aside>",
        ]
        style, script = _beside("embedding_page.css"), _beside("embedding_page.js")
        return whole_page(self.title, body, style=style, script=script, data=self.payload())

    def payload(self) -> dict[str, Any]:
        """What the page's script reads: arrays of numbers as base64, the rest as JSON."""
        found: dict[str, Any] = {
            "language": language(),
            "words": {word: _template(f"embedding.{word}") for word in _WORDS},
            "dim": self.points.shape[1],
            "points": _packed(_steps(self.points)),
            "axes": list(self.axes),
            "names": list(self.names),
            "groups": None if self.groups is None else list(self.groups),
            "truth": None if self.truth is None else self._answers(self.truth),
            "predicted": self._answers(self.predicted),
            "wrong": _packed(self.wrong.astype(np.uint8)),
            "confidence": None,
            "columns": list(self.columns),
            "rows": None if self.rows is None else [list(row) for row in self.rows],
        }
        if self.confidence is not None:
            found["confidence"] = _packed(np.round(np.clip(self.confidence, 0, 1) * 255).astype(np.uint8))
        if self.pictures is not None:
            found |= _sheets(self.pictures)
        return found

    def _answers(self, values: npt.NDArray[Any]) -> str:
        if self.groups is None:
            return _packed(np.asarray(values, dtype="<f4"))
        return _packed(np.where(values < 0, _NO_GROUP, values).astype("<u2"))


def _steps(points: Numbers) -> npt.NDArray[np.uint16]:
    """Coordinates in −1..1 as 16 bits, centered and on one scale for all axes, lest distances be distorted.

    A step is finer than a pixel at every zoom that shows more than a hundredth of the points' extent.

    Example:
        >>> _steps(np.array([[0.0, 0.0], [4.0, 2.0]], np.float32)).tolist()
        [[0, 16384], [65535, 49151]]
    """
    low, high = points.min(axis=0), points.max(axis=0)
    half = float((high - low).max()) / 2 or 1.0
    shares = (points - (low + high) / 2) / half
    return np.round((shares + 1) * 32767.5).astype("<u2")


def _sheets(pictures: Pixels) -> dict[str, Any]:
    """Small pictures, many on a sheet, which compresses and decodes far better than one by one."""
    from PIL import Image

    num, height, width, channels = pictures.shape
    side = _SMALL_TILE if num >= _MANY else _LARGE_TILE
    factor = min(1.0, side / max(height, width))
    tile = (max(1, round(width * factor)), max(1, round(height * factor)))
    per_line = _SHEET_SIDE // tile[0]
    per_sheet = per_line * (_SHEET_SIDE // tile[1])
    sheets = []
    for first in range(0, num, per_sheet):
        part = pictures[first : first + per_sheet]
        lines = math.ceil(len(part) / per_line)
        sheet = Image.new("RGB", (min(per_line, len(part)) * tile[0], lines * tile[1]))
        for place, pixels in enumerate(part):
            picture = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
            if picture.size != tile:
                picture = picture.resize(tile, Image.Resampling.LANCZOS)
            line, column = divmod(place, per_line)
            sheet.paste(picture, (column * tile[0], line * tile[1]))
        buffer = io.BytesIO()
        sheet.save(buffer, "WEBP", quality=_QUALITY)
        sheets.append("data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode())
    return {"sheets": sheets, "tile": list(tile), "per_line": per_line, "per_sheet": per_sheet}


def _packed(values: npt.NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def _template(key: str) -> str:
    """A message whose braces the script fills."""
    if key == "embedding.count":
        return translate(key, shown="{shown}", total="{total}")
    return translate(key)


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
