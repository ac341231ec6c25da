"""Text of the course as HTML in both languages at once; the page shows one of them."""

from __future__ import annotations

import re
from html import escape

from derin.explain.trace.mathml import to_mathml
from derin.lessons.lesson import Text

# Between digits; Turkish writes a comma there.
_DECIMAL_POINT = re.compile(r"(?<=\d)\.(?=\d)")
_PIECES = re.compile(r"(`[^`]+`|\$[^$]+\$|\*\*[^*]+\*\*)")


def inline(text: str, spoken: str = "en") -> str:
    r"""A text with its `code`, $formulas$ and **strong words** as HTML; numbers as its language writes them.

    Example:
        >>> inline("`a < b`, **so** $x$")
        '<code>a &lt; b</code>, <strong>so</strong> <math><mi>x</mi></math>'
        >>> inline("`lr=0.1`, so 0.9", "tr")
        '<code>lr=0.1</code>, so 0,9'
    """
    return "".join(_piece(piece, spoken) for piece in _PIECES.split(text) if piece)


def with_decimals(text: str, spoken: str) -> str:
    """A text whose numbers have a decimal point, as its language writes them; lessons write points in both.

    Example:
        >>> with_decimals("0.9, 3", "tr")
        '0,9, 3'
    """
    return _DECIMAL_POINT.sub(",", text) if spoken == "tr" else text


def _piece(piece: str, spoken: str) -> str:
    if len(piece) > 2 and piece[0] == piece[-1] == "`":
        return f"<code>{escape(piece[1:-1])}</code>"
    if len(piece) > 2 and piece[0] == piece[-1] == "$":
        return with_decimals(to_mathml(piece[1:-1], block=False), spoken)
    piece = with_decimals(piece, spoken)
    if len(piece) > 4 and piece.startswith("**") and piece.endswith("**"):
        return f"<strong>{escape(piece[2:-2])}</strong>"
    return escape(piece, quote=False)


def both(text: Text, name: str = "span", attributes: str = "") -> str:
    """An element for each language; one where they are alike.

    Example:
        >>> both(Text("loss", "kayıp"), "p")
        '<p lang="en">loss</p><p lang="tr">kayıp</p>'
    """
    space = f" {attributes}" if attributes else ""
    english, turkish = inline(text.en), inline(text.tr, "tr")
    if english == turkish:
        return f"<{name}{space}>{english}</{name}>"
    return "".join(
        f'<{name} lang="{spoken}"{space}>{shown}</{name}>' for spoken, shown in (("en", english), ("tr", turkish))
    )
