"""Examples without their labels as one page that is opened in a browser; nothing is loaded from anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from derin.core.errors import UsageError
from derin.core.files import write_bytes
from derin.core.messages import language, translate
from derin.report.page_engine import MOST_BYTES, Picture, Pixels, page_of, pictures_of, with_keys

COLUMNS = ("set", "row", "reader", "answer")
# In place of a class, in the file that is handed over and as a key.
UNKNOWN = "?"
_LARGEST_SIDE = 640  # pixels of a picture: people are shown more than a list has room for
_MOST_DIGITS = 9
_WORDS = ("count", "place", "clear_question", "done", "named_first")


@dataclass(frozen=True, kw_only=True)
class LabelPage:
    """Everything that the page shows.

    Args:
        title: of the page.
        lines: what is measured, in sentences.
        key: of the data and split, under which the browser keeps answers and by which they are known again.
        rows: the number of each example in the table, in the order in which they are shown.
        shown: of each example what is shown beside or in place of a picture: (name, value) of its columns; a text alone
            has no name.
        classes: the answers.
        picture: gives the picture of an example by its place; None where there is none.
        most_bytes: of all pictures together.
    """

    title: str
    lines: Sequence[str]
    key: str
    rows: Sequence[int]
    shown: Sequence[Sequence[tuple[str, str]]]
    classes: Sequence[str]
    picture: Callable[[int], Pixels] | None = None
    most_bytes: int = MOST_BYTES

    def save(self, path: Path) -> None:
        """Writes the page.

        Raises:
            UsageError: the pictures are too large for one page.
            StorageError: the file cannot be written.
        """
        write_bytes(path, self.render().encode("utf-8"))

    def render(self) -> str:
        """The page as text."""
        num = len(self.rows)
        pictures: list[Picture] = [{}] * num
        if self.picture is not None:
            pictures = pictures_of(self.picture, num, largest_side=_LARGEST_SIDE, most_bytes=self.most_bytes)
        if len(pictures) < num:
            raise UsageError(
                f"The pictures of {num:,} examples are more than the {self.most_bytes / 2**20:.3g} MB of one page; "
                f"those of {len(pictures):,} fit. Ask for fewer (--num)."
            )
        payload = {
            "language": language(),
            "key": self.key,
            "words": {word: _template(word) for word in _WORDS},
            "columns": list(COLUMNS),
            "unknown": None if UNKNOWN in self.classes else UNKNOWN,
            "classes": [{"name": name, "key": key} for name, key in zip(self.classes, answer_keys(self.classes))],
            "examples": [
                {"row": row, "shown": [list(pair) for pair in shown], **picture}
                for row, shown, picture in zip(self.rows, self.shown, pictures, strict=True)
            ],
        }
        return page_of(self.title, _body(self.title, self.lines), kind="label_page", data=payload)


def answer_keys(classes: Sequence[str]) -> list[str | None]:
    """The key of each class: itself where all are one letter or digit, a digit where they are few, else none.

    Example:
        >>> answer_keys(["0", "7"]), answer_keys(["cat", "dog"]), set(answer_keys([f"kind {i}" for i in range(40)]))
        (['0', '7'], ['1', '2'], {None})
    """
    lower = [name.lower() for name in classes]
    if all(len(name) == 1 and name.isalnum() for name in lower) and len(set(lower)) == len(lower):
        return list(lower)
    return [str(i + 1) if len(classes) <= _MOST_DIGITS else None for i in range(len(classes))]


def _body(title: str, lines: Sequence[str]) -> list[str]:
    def said(key: str) -> str:
        return escape(translate(f"label.{key}"))

    def button(name: str) -> str:
        return f'<button id="{name}" type="button">{said(name)}</button>'

    return [
        f"<header><h1>{escape(title)}</h1>",
        *(f"<p>{escape(line)}</p>" for line in lines),
        f'<p id="storage" class="notice" hidden>{said("no_storage")}</p></header>',
        f'<main><div class="bar"><label>{said("reader")} <input id="reader" maxlength="40" list="readers"',
        ' autocomplete="off"></label><datalist id="readers"></datalist>',
        '<progress id="progress"></progress><p id="count" aria-live="polite"></p></div>',
        '<p id="message" class="notice" role="status" hidden></p>',
        '<article id="example"><p id="place"></p><img id="picture" alt=""><div id="shown"></div></article>',
        f'<input id="search" type="search" placeholder="{said("search")}" aria-label="{said("search")}">',
        f'<div id="answers" role="group" aria-label="{said("question")}"></div>',
        f'<div class="buttons">{button("back")}{button("unknown")}{button("later")}</div>',
        f'<p class="keys">{with_keys("label.keys")}</p>',
        f'<div class="buttons">{button("export")}{button("clear")}</div></main>',
    ]


def _template(word: str) -> str:
    """A message whose braces the script fills."""
    values = {"count": ("answered", "total"), "place": ("place", "total")}
    return translate(f"label.page_{word}", **{name: f"{{{name}}}" for name in values.get(word, ())})
