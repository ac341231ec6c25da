"""Mistakes as one page that is opened in a browser: to look at, filter and tag. Nothing is loaded from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from derin.core.files import write_bytes
from derin.core.messages import format_number, language, localize, translate
from derin.report.page_engine import MOST_BYTES, page_of, pictures_of, with_keys

_ROW_HEIGHT = 92  # pixels, as .row of the style sheet has it
_LARGEST_SIDE = 160  # pixels of a picture
_WORDS = ("count", "loss", "label_wrong", "interval", "filter_by", "corrected", "uncorrected", "clear_question")


@dataclass(frozen=True, kw_only=True)
class PageRow:
    """One mistake on the page.

    Args:
        row, name, true, predicted, probability, loss, shown, own_tags, label_wrong: as in the table of mistakes.
        tags: places in the page's tags.
    """

    row: int
    name: str
    true: str
    predicted: str
    probability: float
    loss: float
    shown: str
    tags: Sequence[int]
    own_tags: Sequence[str]
    label_wrong: bool


@dataclass(frozen=True, kw_only=True)
class PageTag:
    """One tag that was found by itself.

    Args:
        name: a `Message` where it can be said in the reader's language.
        carrying: how many examples carry it; None where only mistakes were looked at.
        is_pair: whether it is a pair of classes, which stands in each row already.
    """

    name: str
    carrying: int | None
    is_pair: bool


@dataclass(frozen=True, kw_only=True)
class ErrorsPage:
    """Everything that the page shows.

    Args:
        title: of the page.
        lines: what was measured, in sentences.
        key: under which the browser keeps the tags.
        columns: of the table of mistakes, for the file that is exported.
        rows: the mistakes, in their order.
        tags: found by themselves.
        num_examples: among which these are all mistakes.
        pictures: gives the picture of a mistake by its place, ``(height, width, channels)``; None where there is none.
        most_bytes: of all pictures together; those of the last mistakes are left out.
    """

    title: str
    lines: Sequence[str]
    key: str
    columns: Sequence[str]
    rows: Sequence[PageRow]
    tags: Sequence[PageTag]
    num_examples: int
    pictures: Any = None
    most_bytes: int = MOST_BYTES

    def save(self, path: Path) -> None:
        """Writes the page.

        Raises:
            StorageError: the file cannot be written.
        """
        write_bytes(path, self.render().encode("utf-8"))

    def render(self) -> str:
        """The page as text."""
        pictures = (
            []
            if self.pictures is None
            else pictures_of(self.pictures, len(self.rows), largest_side=_LARGEST_SIDE, most_bytes=self.most_bytes)
        )
        lines = list(self.lines)
        if self.pictures is not None and len(pictures) < len(self.rows):
            megabytes = format_number(self.most_bytes / 2**20, ".3g")
            left_out = len(self.rows) - len(pictures)
            lines.append(translate("errors.pictures_cut", count=left_out, megabytes=megabytes))
        payload = {
            "language": language(),
            "key": self.key,
            "words": {
                **{word: _template(word) for word in _WORDS},
                "row": translate("examples.row", number="{number}"),
            },
            "columns": list(self.columns),
            "row_height": _ROW_HEIGHT,
            "num_examples": self.num_examples,
            "has_pictures": self.pictures is not None,
            "own_names": [],
            "tags": [
                {"key": str(tag.name), "name": localize(tag.name), "carrying": tag.carrying, "is_pair": tag.is_pair}
                for tag in self.tags
            ],
            "mistakes": [
                {
                    "row": row.row,
                    "name": row.name,
                    "true": row.true,
                    "predicted": row.predicted,
                    "probability": None if np.isnan(row.probability) else row.probability,
                    "loss": row.loss,
                    "shown": row.shown,
                    "tags": list(row.tags),
                    "own": list(row.own_tags),
                    "wrong": row.label_wrong,
                    **(pictures[place] if place < len(pictures) else {}),
                }
                for place, row in enumerate(self.rows)
            ],
        }
        return page_of(self.title, _body(self.title, lines), kind="errors_page", data=payload)


def _body(title: str, lines: Sequence[str]) -> list[str]:
    def said(key: str) -> str:
        return escape(translate(f"errors.{key}"))

    def choice(name: str, first: str, options: Sequence[tuple[str, str]] = ()) -> str:
        rest = "".join(f'<option value="{value}">{text}</option>' for value, text in options)
        return f'<select id="{name}" aria-label="{said(first)}"><option value="">{said(first)}</option>{rest}</select>'

    heads = "".join(
        f"<th{'' if key == 'tag' else ' class=number'}>{said(f'column_{key}')}</th>"
        for key in ("tag", "mistakes", "share", "gain", "after", "within")
    )
    return [
        f"<header><h1>{escape(title)}</h1>",
        *(f"<p>{escape(line)}</p>" for line in lines),
        f'<p id="storage" class="notice" hidden>{said("no_storage")}</p></header>',
        '<main><div class="bar">',
        f'<input id="search" type="search" placeholder="{said("search")}" aria-label="{said("search")}">',
        choice("true", "any_true"),
        choice("predicted", "any_predicted"),
        choice("state", "any_state", [("new", said("state_new")), ("wrong", said("label_wrong"))]),
        '<p id="count" aria-live="polite"></p></div>',
        f'<div id="list" tabindex="0" role="listbox" aria-label="{said("list")}"><div id="spacer"></div></div></main>',
        '<aside><div id="card"><img id="picture" alt=""><p id="whole"></p><p id="facts"></p><div id="own"></div></div>',
        f'<form id="add"><input id="new" maxlength="60" placeholder="{said("new_tag")}" aria-label="{said("new_tag")}">'
        f"<button>{said('add')}</button></form>",
        f'<p class="keys">{with_keys("errors.keys")}</p>',
        f"<h2>{said('ceilings')}</h2>",
        f'<table><thead><tr>{heads}</tr></thead><tbody id="tags"></tbody></table>',
        f'<p class="quiet">{said("ceiling_note")}</p><p id="corrected"></p>',
        f'<div class="buttons"><button id="export" type="button">{said("export")}</button>',
        f'<button id="clear" type="button">{said("clear")}</button></div></aside>',
    ]


def _template(word: str) -> str:
    """A message whose braces the script fills."""
    values = {"count": ("shown", "total"), "corrected": ("wrong", "error", "corrected"), "uncorrected": ("error",)}
    return translate(f"errors.page_{word}", **{name: f"{{{name}}}" for name in values.get(word, ())})
