"""HTML and SVG as text in which everything that comes from outside is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

from derin.core.printable import printable_lines


class Html(str):
    """Markup that is safe to stand in a page as it is."""

    __slots__ = ()


def tag(name: str, /, *children: Any, **attributes: Any) -> Html:
    """An element; children that are no `Html` are escaped, None is left out, and so are attributes that are None.

    Underscores in names of attributes stand for hyphens, and one at the end for nothing (``class_``).

    Example:
        >>> tag("p", "1 < 2", tag("br"), class_="note")
        '<p class="note">1 &lt; 2<br></p>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(printable_lines(_plain(value)), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in ("br", "img", "meta", "hr"):
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def join(parts: Iterable[Any]) -> Html:
    """Parts one after the other, escaped where they are not markup yet."""
    return Html(
        "".join(
            part if isinstance(part, Html) else html.escape(printable_lines(str(part)))
            for part in parts
            if part is not None
        )
    )


def table(
    head: Iterable[Any],
    rows: Iterable[Iterable[Any]],
    *,
    numeric: Iterable[int] = (),
    foot: Iterable[Any] | None = None,
) -> Html:
    """A table that scrolls sideways by itself where the page is narrow; `numeric` columns stand to the right."""
    right = set(numeric)

    def cells(name: str, values: Iterable[Any]) -> Html:
        return tag("tr", *(tag(name, v, class_="number" if i in right else None) for i, v in enumerate(values)))

    footer = None if foot is None else tag("tfoot", cells("td", foot))
    body = tag("tbody", *(cells("td", row) for row in rows))
    return tag("div", tag("table", tag("thead", cells("th", head)), body, footer), class_="scroll")


def folded(summary: Any, *children: Any) -> Html:
    """Something that opens on a click."""
    return tag("details", tag("summary", summary), *children)


def _plain(value: Any) -> str:
    """Numbers of drawings without needless digits."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
