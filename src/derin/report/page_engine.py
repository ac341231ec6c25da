"""What pages share on which a person says something of examples: small copies of pictures, script and style."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.messages import translate
from derin.explain.page_frame import whole_page

Pixels = npt.NDArray[np.uint8]
Picture = dict[str, Any]  # its address, and whether it is kept to the pixel

_SMALL = 64  # pixels: up to here a picture is kept to the pixel, and enlarged with hard edges
_QUALITY = 80  # of larger ones, as WebP
# Of all pictures together, as they stand in the page.
MOST_BYTES = 24 << 20


def page_of(title: str, body: Iterable[str], *, kind: str, data: Any) -> str:
    """The page as text, with the script and style of its kind behind those that all share."""
    script = "\n".join(_beside(name) for name in ("page_engine.js", f"{kind}.js"))
    style = "".join(_beside(name) for name in ("style.css", "page_engine.css", f"{kind}.css"))
    return whole_page(title, body, style=style, script=script, data=data)


def pictures_of(
    picture: Callable[[int], Pixels], num: int, *, largest_side: int, most_bytes: int = MOST_BYTES
) -> list[Picture]:
    """The first pictures as addresses of themselves, as many as the bytes suffice for.

    Args:
        picture: gives the pixels of one by its number, ``(height, width, channels)``.
        num: of pictures.
        largest_side: in pixels; larger ones are made smaller.
        most_bytes: of all together.
    """
    found: list[Picture] = []
    left = most_bytes
    for place in range(num):
        address, crisp = _address(picture(place), largest_side)
        left -= len(address)
        if left < 0:
            break
        found.append({"picture": address, "crisp": crisp})
    return found


def with_keys(key: str) -> str:
    """A message about keys as HTML; ``[w]`` is the key w."""
    return escape(translate(key)).replace("[", "<kbd>").replace("]", "</kbd>")


def _address(pixels: Pixels, largest_side: int) -> tuple[str, bool]:
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels[..., :3]))
    crisp, file = max(image.size) <= _SMALL, io.BytesIO()
    if crisp:
        image.save(file, "PNG", optimize=True)
    else:
        image.thumbnail((largest_side, largest_side), Image.Resampling.LANCZOS)
        image.save(file, "WEBP", quality=_QUALITY)
    kind = "png" if crisp else "webp"
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode('ascii')}", crisp


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
