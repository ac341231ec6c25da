"""A page on which the paths of optimizers are played, stepped through and compared; nothing is loaded from anywhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
import numpy.typing as npt

from derin.core.messages import language
from derin.lessons.drawing import COLORS
from derin.lessons.lesson import Text
from derin.lessons.surfaces import Surface

Floats = npt.NDArray[np.float64]
# The name of an optimizer, where it was ``(steps + 1, 2)``, and the costs there ``(steps + 1,)``.
NamedPath = tuple[str, Floats, Floats]

_DIGITS = 5  # of places and costs: more than the page shows


def optimizer_page(drawn: Sequence[tuple[Surface, bytes, Sequence[NamedPath]]]) -> bytes:
    """The page, in the spoken language.

    Args:
        drawn: each surface with a PNG of its contours from edge to edge and the paths over it.
    """
    surfaces = [
        {
            "title": str(surface.title),
            "across": surface.across,
            "up": surface.up,
            "ground": "data:image/png;base64," + base64.b64encode(ground).decode(),
            "paths": [
                {"name": name, "places": places.round(_DIGITS).tolist(), "costs": costs.round(_DIGITS).tolist()}
                for name, places, costs in paths
            ],
        }
        for surface, ground, paths in drawn
    ]
    words = {
        "LANG": language(),
        "TITLE": str(Text("Optimizers on their way", "Eniyileyiciler yolda")),
        "STEP": str(Text("step", "adım")),
        "HELP": str(
            Text(
                "Space plays, ← and → step, Home and End go to the ends; a check mark shows or hides an optimizer.",
                "Boşluk oynatır, ← ve → adım adım gider, Home ve End uçlara gider; onay kutusu bir eniyileyiciyi "
                "gösterir ya da gizler.",
            )
        ),
    }
    text = Path(__file__).with_name("optimizer_page.html").read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(f"@{word}@", escape(value))
    # "<" in a name could end the script element.
    data = json.dumps({"colors": COLORS, "surfaces": surfaces}, ensure_ascii=False).replace("<", "\\u003c")
    return text.replace("@DATA@", data).encode()
