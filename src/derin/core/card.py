"""What a bundle's card must say before any other file of the bundle is touched."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from derin.core.errors import RefusedFileError
from derin.core.formats import checked_format

BUNDLE_FORMAT = 1
CARD_NAME = "card.json"
WEIGHTS_NAME = "model.safetensors"
_LAYOUTS = ("channels_last", "channels_last_3d")
# No separators, no drive letters, no hidden files, no control characters, on any system.
_FILE_NAME = re.compile(r"\w[\w.\- ]{0,199}")


def checked_card(card: Any, path: Path) -> dict[str, dict[str, Any]]:
    """The card's list of files, after all that is needed to read them has been checked.

    Args:
        card: as it was read.
        path: the bundle, for messages.

    Raises:
        RefusedFileError: it is no card, hostile, or of a newer Derin.
    """
    where = f"The card of {path}"
    card = checked_format(card, BUNDLE_FORMAT, where)
    for name in ("ties", "layout"):
        said = card.get(name)
        if not isinstance(said, dict) or not all(isinstance(value, str) for value in said.values()):
            raise RefusedFileError(f"{where} is refused: its {name} must be names by name; get the bundle again.")
    if not set(card["layout"].values()) <= set(_LAYOUTS):
        raise RefusedFileError(f"{where} is refused: a layout must be one of {', '.join(_LAYOUTS)}.")
    listed = card.get("files")
    if not isinstance(listed, dict) or WEIGHTS_NAME not in listed:
        raise RefusedFileError(f"{where} is refused: it does not list {WEIGHTS_NAME}; get the bundle again.")
    for name, said in listed.items():
        if not is_file_name(name):
            raise RefusedFileError(f"{where} is refused: it lists {name[:40]!r}, which is no plain file name.")
        plain = isinstance(said, dict) and type(said.get("size")) is int and isinstance(said.get("sha256"), str)
        if not plain:
            raise RefusedFileError(f"{where} is refused: it does not give size and sha256 of {name!r}.")
    return listed


def is_file_name(name: str) -> bool:
    """Whether a file of a bundle may have this name: plain, without folders, and not the card's."""
    return bool(_FILE_NAME.fullmatch(name)) and name.casefold() != CARD_NAME
