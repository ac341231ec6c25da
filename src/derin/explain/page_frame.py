"""A page that a browser opens from one file: nothing is loaded from anywhere, and no script runs but the page's own."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from derin.core.messages import language
from derin.core.strict_json import dump_json


def page_part(name: str) -> str:
    """A script that several kinds of pages share."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def whole_page(title: str, body: Iterable[str], *, style: str, script: str = "", data: Any = None) -> str:
    """The page as text.

    Args:
        title: of the window; plain text.
        body: lines of HTML.
        style: CSS.
        script: JavaScript; whatever a name in the data holds, the browser runs this one alone.
        data: JSON that the script reads in the element with the id ``data``.

    Example:
        >>> print(whole_page("1 < 2", ["<p>…</p>"], style="p{margin:0}").splitlines()[6])
        <title>1 &lt; 2</title>
    """
    policy, scripts = "default-src 'none'; style-src 'unsafe-inline'; img-src data:", []
    if script:
        policy += f"; script-src 'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        # "</script>" within a string would end the block.
        told = dump_json(data).decode().replace("<", "\\u003c")
        scripts = [f'<script id="data" type="application/json">{told}</script>', f"<script>{script}</script>"]
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="{language()}">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{style}</style>",
            "</head>",
            "<body>",
            *body,
            *scripts,
            "</body>",
            "</html>",
            "",
        ]
    )
