"""The page of a network that runs in the browser: nothing is loaded from anywhere, the weights are in the file."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.files import write_bytes
from derin.core.messages import language, translate
from derin.explain.live.network import LiveNetwork
from derin.explain.page_frame import page_part, whole_page
from derin.explain.trace.page_data import (
    CELL_SCRIPTS,
    SHARED_SCRIPTS,
    Formulas,
    graph_entries,
    packed,
    trace_part,
    words_of,
)

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class PictureInput:
    """A picture to draw, or from a file.

    Args:
        shape: height, width and channels.
        rule: how pictures of other sizes come to it: ``"resize"``, ``"pad"`` or ``"crop"``.
        is_dark: whether training's pictures are more dark than light, so that one draws with a light pen.
        examples: ``(N, height, width, channels)``.
        names: of the examples, with their true answers.
    """

    shape: tuple[int, int, int]
    rule: str
    is_dark: bool
    examples: Pixels
    names: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "picture",
            "shape": list(self.shape),
            "rule": self.rule,
            "is_dark": self.is_dark,
            "examples": base64.b64encode(np.ascontiguousarray(self.examples).tobytes()).decode(),
            "names": list(self.names),
        }


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column of a table.

    Args:
        name: of the column.
        low: the least that its slider gives; None for a choice.
        high: the largest.
        codes: what may be chosen, with the number that the network reads; None for a number.
    """

    name: str
    low: float = 0.0
    high: float = 1.0
    codes: Mapping[str, int] | None = None


@dataclass(frozen=True, kw_only=True)
class TableInput:
    """A row of a table.

    Args:
        fields: one for each input of the network.
    """

    fields: Sequence[Field]

    def to_json(self) -> dict[str, Any]:
        fields = [
            {
                "name": one.name,
                "low": one.low,
                "high": one.high,
                "codes": None if one.codes is None else dict(one.codes),
            }
            for one in self.fields
        ]
        return {"kind": "table", "fields": fields}


@dataclass(frozen=True, kw_only=True)
class TextInput:
    """A text, cut into tokens by the page.

    Args:
        tokenizer: ``"words"``, ``"characters"`` or ``"bytes"``.
        tokens: the vocabulary, the special ones first.
        length: tokens that the page computes; shorter texts are padded, of longer ones the beginning is read.
        start: the token that stands before every text, or None.
        lowercase: whether small and capital letters are one.
        dotless: whether I becomes ı, as in Turkish.
        examples: texts to begin with.
    """

    tokenizer: str
    tokens: Sequence[str]
    length: int
    start: int | None
    lowercase: bool
    dotless: bool
    examples: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        return {"kind": "text", **asdict(self)}


@dataclass(frozen=True, kw_only=True)
class LivePage:
    """Everything that the page shows.

    Args:
        name: of the network.
        network: what is computed.
        input: what a person hands over.
        classes: names of the answer's probabilities; None where the answer is a number.
        follows: whether the answer is what comes next behind each token.
        unit: of that number.
    """

    name: str
    network: LiveNetwork
    input: PictureInput | TableInput | TextInput
    classes: Sequence[str] | None
    follows: bool = False
    unit: str | None = None

    def save(self, path: str | Path) -> None:
        """Writes the page.

        Raises:
            StorageError: the file cannot be written.
        """
        write_bytes(Path(path), self.render().encode("utf-8"))

    def render(self) -> str:
        """The page as text."""
        script = "\n".join(
            [*map(page_part, SHARED_SCRIPTS), *map(trace_part, CELL_SCRIPTS), *map(_beside, ("input.js", "page.js"))]
        )
        body = [
            f'<header><h1><span data-say="heading"></span> · {escape(self.name)}</h1>',
            '<span class="tools"><button id="language" type="button"></button>'
            '<button id="theme" type="button" data-label="theme">◐</button></span></header>',
            '<section id="given"><h2 data-say="input"></h2><div id="input"></div>'
            '<h2 data-say="answer"></h2><div id="answer" aria-live="polite"></div></section>',
            '<main id="layers"></main>',
            '<aside><div id="node"></div><div id="axes"></div><div id="numbers"></div><div id="cell"></div></aside>',
        ]
        style = trace_part("page.css") + _beside("page.css")
        title = translate("live.title", model=self.name)
        return whole_page(title, body, style=style, script=script, data=self.payload())

    def payload(self) -> dict[str, Any]:
        """What the page's script reads: arrays as base64, formulas as MathML, the rest as JSON."""
        formulas, network = Formulas(), self.network
        return {
            "language": language(),
            "words": words_of("trace.page.", "live.page."),
            **graph_entries(network.nodes, formulas),
            "values": {
                name: packed(array) for name, array in self.network.given.items() if name not in self.network.inputs
            },
            "inputs": list(network.inputs),
            "prepared": network.prepared,
            "output": network.output,
            "input": self.input.to_json(),
            "classes": None if self.classes is None else list(self.classes),
            "follows": self.follows,
            "unit": self.unit,
            "formulas": formulas.to_json(),
        }


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
