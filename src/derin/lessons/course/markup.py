"""Text of the course as HTML in both languages at once; the page shows one of them."""

from __future__ import annotations

import re
from html import escape

from derin.explain.trace.mathml import to_mathml
from derin.lessons.lesson import Text

_PIECES = re.compile(r"(`[^`]+`|\$[^$]+\$|\*\*[^*]+\*\*)")


def inline(text: str) -> str:
    r"""A text with its `code`, $formulas$ and **strong words** as HTML.

    Example:
        >>> inline("`a < b`, **so** $x$")
        '<code>a &lt; b</code>, <strong>so</strong> <math><mi>x</mi></math>'
    """
    return "".join(_piece(piece) for piece in _PIECES.split(text) if piece)


def _piece(piece: str) -> str:
    if len(piece) > 2 and piece[0] == piece[-1] == "`":
        return f"<code>{escape(piece[1:-1])}</code>"
    if len(piece) > 2 and piece[0] == piece[-1] == "$":
        return to_mathml(piece[1:-1], block=False)
    if len(piece) > 4 and piece.startswith("**") and piece.endswith("**"):
        return f"<strong>{escape(piece[2:-2])}</strong>"
    return escape(piece, quote=False)


def both(text: Text, name: str = "span", attributes: str = "") -> str:
    """An element for each language.

    Example:
        >>> both(Text("loss", "kayıp"), "p")
        '<p lang="en">loss</p><p lang="tr">kayıp</p>'
    """
    space = f" {attributes}" if attributes else ""
    if text.en == text.tr:
        return f"<{name}{space}>{inline(text.en)}</{name}>"
    return "".join(
        f'<{name} lang="{spoken}"{space}>{inline(getattr(text, spoken))}</{name}>' for spoken in ("en", "tr")
    )
