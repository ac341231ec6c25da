"""Format numbers: what an older Derin wrote opens for ever, what a newer one wrote is refused with a sentence."""

from __future__ import annotations

from typing import Any

from derin.core.errors import RefusedFileError


def checked_format(document: Any, newest: int, where: str) -> dict[str, Any]:
    """The document, if it is an object of a format that this Derin reads.

    Args:
        document: as it was read.
        newest: the newest format that is known here.
        where: what is read, as the beginning of a sentence.

    Raises:
        RefusedFileError: it has no format number, or a newer one.

    Example:
        >>> checked_format({"format": 2}, newest=1, where="The card")
        Traceback (most recent call last):
        derin.core.errors.RefusedFileError: The card is of format 2, written by a newer Derin; this one reads up to 1: \
run pip install --upgrade derin.
    """
    if not isinstance(document, dict) or type(document.get("format")) is not int or document["format"] < 1:
        raise RefusedFileError(f"{where} is refused: it has no format number; restore it.")
    if document["format"] > newest:
        raise RefusedFileError(
            f"{where} is of format {document['format']}, written by a newer Derin; this one reads up to {newest}: "
            "run pip install --upgrade derin."
        )
    return document
