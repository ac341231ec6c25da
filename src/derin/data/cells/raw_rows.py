"""Rows as a person hands them over for prediction, taken apart into raw columns.

Data frames are recognised by what they can do; pandas is not imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from derin.core.errors import DataError
from derin.data.cells.raw_column import Cells, RawColumn

Shapes = Mapping[str, tuple[int, ...]]


def raw_columns(inputs: Any, wanted: Shapes) -> dict[str, RawColumn]:
    """The wanted columns of some rows.

    Args:
        inputs: a dict or a pandas Series for one row; a list of dicts, a dict of lists or a
            pandas DataFrame; lists or an array with the values in the order of the wanted columns, for one row or more.
        wanted: shape of one value of each column, ``()`` for a single one.

    Raises:
        DataError: a column is not there, or the inputs are none of the above.

    Example:
        >>> raw_columns([[1, 2], [3, 4]], {"a": (), "b": ()})["b"].values
        [2, 4]
    """
    if hasattr(inputs, "columns") and hasattr(inputs, "to_numpy"):
        names = {str(name): name for name in inputs.columns}
        return _checked(lambda name: Cells(name, inputs[names[name]].tolist()), list(names), wanted, len(inputs))
    if hasattr(inputs, "index") and hasattr(inputs, "to_dict"):
        inputs = {str(name): value for name, value in inputs.to_dict().items()}
    if isinstance(inputs, Mapping):
        return _from_mapping(inputs, wanted)
    if hasattr(inputs, "detach"):
        inputs = inputs.detach().cpu().numpy()
    if isinstance(inputs, np.ndarray):
        return _from_array(inputs, wanted)
    if isinstance(inputs, Sequence) and not isinstance(inputs, str | bytes | bytearray):
        return _from_sequence(inputs, wanted)
    raise DataError(
        f"Rows are given as a dict, a list of dicts, a data frame or an array; got {type(inputs).__name__}."
    )


def _from_mapping(row: Mapping[Any, Any], wanted: Shapes) -> dict[str, RawColumn]:
    several = [
        n for n, shape in wanted.items() if not shape and n in row and isinstance(row[n], list | tuple | np.ndarray)
    ]
    if not several:
        return _checked(lambda name: Cells(name, [row[name]]), list(row), wanted, 1)
    lengths = {name: len(row[name]) if hasattr(row[name], "__len__") else 1 for name in wanted if name in row}
    if len(set(lengths.values())) > 1:
        raise DataError(f"A dict of lists needs lists of one length; got {lengths}.")
    return _checked(lambda name: Cells(name, list(row[name])), list(row), wanted, lengths[several[0]])


def _from_sequence(rows: Sequence[Any], wanted: Shapes) -> dict[str, RawColumn]:
    if not rows:
        raise DataError("At least one row is required; got an empty list.")
    if all(isinstance(row, Mapping) or hasattr(row, "to_dict") for row in rows):
        dicts = [row if isinstance(row, Mapping) else row.to_dict() for row in rows]
        for number, row in enumerate(dicts):
            if lacking := [name for name in wanted if name not in row]:
                raise _lacking(lacking, list(row), wanted, f"Row {number}: ")
        return {name: Cells(name, [row[name] for row in dicts]) for name in wanted}
    if any(shape for shape in wanted.values()):
        return _from_array(_as_numbers(rows), wanted)
    if any(isinstance(row, list | tuple | np.ndarray) for row in rows):
        if not all(isinstance(row, list | tuple | np.ndarray) for row in rows):
            raise DataError("Rows must all be lists, or all be dicts; got a mixture.")
        return _in_order([list(row) for row in rows], wanted)
    return _in_order([list(rows)], wanted) if len(wanted) > 1 else _in_order([[value] for value in rows], wanted)


def _as_numbers(rows: Sequence[Any]) -> np.ndarray[Any, Any]:
    try:
        return np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError("Rows of numbers must have equal lengths and hold numbers only; some do not.") from None


def _from_array(values: np.ndarray[Any, Any], wanted: Shapes) -> dict[str, RawColumn]:
    """One row or several, with the values of all wanted columns side by side."""
    shapes = list(wanted.items())
    if len(shapes) == 1 and shapes[0][1]:
        name, shape = shapes[0]
        values = values[None] if values.shape == shape else values
        if values.shape[1:] != shape:
            raise DataError(
                f"An array of shape {shape} or (rows, {', '.join(map(str, shape))}) is required; got {values.shape}."
            )
        return {name: Cells(name, list(values))}
    if any(shape for _, shape in shapes):
        raise DataError(
            f"Columns of unlike shapes need a dict for each row, with the keys {_listed(wanted)}; got an array."
        )
    if values.ndim == 1 and len(shapes) == 1:
        values = values[:, None]
    if values.ndim == 1:
        values = values[None]
    if values.ndim != 2 or values.shape[1] != len(shapes):
        raise DataError(
            f"An array of shape ({len(shapes)},) or (rows, {len(shapes)}) is required, with {_listed(wanted)} in this "
            f"order; got {values.shape}."
        )
    return {name: Cells(name, values[:, place].tolist()) for place, (name, _) in enumerate(shapes)}


def _in_order(rows: Sequence[Sequence[Any]], wanted: Shapes) -> dict[str, RawColumn]:
    for number, row in enumerate(rows):
        if len(row) != len(wanted):
            raise DataError(
                f"Row {number}: {len(wanted)} values are required, {_listed(wanted)} in this order; got {len(row)}."
            )
    return {name: Cells(name, [row[place] for row in rows]) for place, name in enumerate(wanted)}


def _checked(
    column: Callable[[str], Cells], names: Sequence[Any], wanted: Shapes, num_rows: int
) -> dict[str, RawColumn]:
    if lacking := [name for name in wanted if name not in names]:
        raise _lacking(lacking, names, wanted)
    if not num_rows:
        raise DataError("At least one row is required; got none.")
    return {name: column(name) for name in wanted}


def _lacking(lacking: Sequence[str], names: Sequence[Any], wanted: Shapes, where: str = "") -> DataError:
    came = ", ".join(map(repr, list(names)[:20])) or "no column"
    verb = "is" if len(lacking) == 1 else "are"
    return DataError(
        f"{where}The columns {_listed(wanted)} are required; {_listed(lacking)} {verb} not there (a missing value is "
        f"given as None or an empty field). It has: {came}."
    )


def _listed(names: Sequence[str] | Shapes) -> str:
    every = [repr(name) for name in names]
    return ", ".join(every[:20]) + (f" and {len(every) - 20} more" if len(every) > 20 else "")
