"""Texts where they come from: the column of a table, or what a person hands over for prediction."""

from __future__ import annotations

from typing import Any

import numpy as np

from derin.core.errors import DataError
from derin.data.schema import Kind
from derin.data.table import Ragged, Rows, Table
from derin.data.text.vocabulary import PAD, Ids


def text_column(table: Table) -> str:
    """The name of the one input column of texts.

    Raises:
        DataError: there is none, or there are several.
    """
    found = [column.name for column in table.inputs if column.kind is Kind.TEXT]
    if len(found) != 1:
        raise DataError(
            f"Table {table.name!r}: exactly one input column of texts is required; got {', '.join(found) or 'none'}."
        )
    return found[0]


def column_texts(table: Table, column: str, rows: Rows | None = None) -> list[str]:
    """The texts of a column; of all rows where none are named.

    Raises:
        DataError: the column holds no texts.
    """
    data = table[column]
    if not isinstance(data, Ragged) or data.flat.dtype != np.uint8:
        raise DataError(f"Table {table.name!r}: column {column!r} must hold texts; got {table.schema[column].kind}.")
    return data.texts(rows)


def is_single_text(inputs: Any, column: str) -> bool:
    """Whether it is one text: a string, or a row with one.

    Example:
        >>> [is_single_text(inputs, "text") for inputs in ("so good", ["so good"], {"text": "so good"})]
        [True, False, True]
    """
    if isinstance(inputs, dict):
        return isinstance(inputs.get(column), str)
    return isinstance(inputs, str)


def texts_of(inputs: Any, column: str) -> list[str]:
    """The texts in what a person hands over.

    Args:
        inputs: a text, a list or an array of them, a row ``{column: text}``, a list of rows, or columns
            ``{column: texts}`` (as in a data frame).
        column: the name of the texts.

    Raises:
        DataError: it holds something else, or nothing.

    Example:
        >>> texts_of("so good", "text"), texts_of([{"text": "so"}, "good"], "text")
        (['so good'], ['so', 'good'])
    """
    if isinstance(inputs, str):
        return [inputs]
    if hasattr(inputs, "columns") or isinstance(inputs, dict):
        if column not in inputs:
            raise DataError(f"Reading texts: the column {column!r} is required; got {', '.join(map(str, inputs))}.")
        return texts_of(inputs[column], column)
    try:
        found = list(inputs)
    except TypeError:
        raise DataError(f"Reading texts: a text or a list of texts is required; got {type(inputs).__name__}.") from None
    texts = [row.get(column) if isinstance(row, dict) else row for row in found]
    for text in texts:
        if not isinstance(text, str):
            raise DataError(f"Reading texts: each must be a string; got {str(text)[:40]!r} ({type(text).__name__}).")
    if not texts:
        raise DataError("Reading texts: at least one is required; got an empty list.")
    return [str(text) for text in texts]


def padded(rows: Ragged, max_length: int | None = None) -> Ids:
    """Rows of tokens as one rectangle, filled up with ``<PAD>``.

    Args:
        rows: of unequal length.
        max_length: of longer rows, the first so many tokens are taken.

    Shapes:
        → ``(B, T)`` int32, T at least 1.

    Example:
        >>> padded(Ragged(np.array([4, 5, 6]), np.array([0, 2, 3]))).tolist()
        [[4, 5], [6, 0]]
    """
    lengths = np.diff(rows.offsets)
    if max_length is not None:
        lengths = np.minimum(lengths, max_length)
    places = np.arange(max(1, int(lengths.max(initial=0))))
    inside = places < lengths[:, None]
    found = np.full(inside.shape, PAD, dtype=np.int32)
    found[inside] = rows.flat[(rows.offsets[:-1, None] + places)[inside]]
    return found
