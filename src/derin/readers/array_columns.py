"""What the values of an array mean: pictures, numbers, texts; classes, several labels, quantities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.core.messages import Message
from derin.data.pictures.hosts import with_channels
from derin.data.pictures.values import BYTES, Extent, PixelValues
from derin.data.report import Finding, Outcome
from derin.data.schema import Column, Kind, Role
from derin.data.table import ColumnData, Dense, Ragged

Array = npt.NDArray[Any]

_PICTURE_CHANNELS = (1, 3)
# Whole numbers are classes while each occurs about so often; otherwise they are quantities, such as ages or prices.
_EXAMPLES_PER_CLASS = 5
_MOST_CLASSES = 1000
_LARGEST_EXACT_FLOAT32 = 2**24


@dataclass(frozen=True)
class ArrayColumn:
    """A column made from an array, what people should know about how, and what a recipe keeps of pictures."""

    column: Column
    data: ColumnData
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    pictures: Mapping[str, Any] | None = None


def input_column(values: Array, name: str, decided: PixelValues | None = None) -> ArrayColumn:
    """An array that goes into a network: pictures, numbers, or texts.

    Args:
        values: the array; its first axis is the example.
        name: of the column.
        decided: by which values of more than 8 bits pictures are read; None decides by these.

    Raises:
        DataError: the values are neither.

    Example:
        >>> made = input_column(np.zeros((2, 3, 8, 8), dtype=np.uint8), "x")
        >>> made.column.shape, made.notes[0]
        ((8, 8, 3), "'x': channels moved from the first axis of a picture to the last.")
    """
    if values.dtype.kind in "US":
        return _texts(values, name)
    if values.dtype.kind not in "biuf":
        raise DataError(f"{name!r}: numbers, pictures or texts are required; got values of type {values.dtype}.")
    if values.ndim >= 3:
        picture = _picture(values, name, decided)
        if picture is not None:
            return picture
    return _numbers(values, name, Role.INPUT)


def further_input(values: Array, column: Column, decided: PixelValues) -> ColumnData:
    """Further values of a column that `input_column` made of others, read as those were.

    Args:
        values: the array; its first axis is the example.
        column: of the first values.
        decided: by which values of more than 8 bits their pictures are read.
    """
    if column.kind is Kind.NUMBER:
        return _numbers(values, column.name, Role.INPUT).data
    return input_column(values, column.name, decided).data


def target_column(
    values: Array, name: str, class_names: Sequence[str] | None = None, *, as_numbers: bool = False
) -> ArrayColumn:
    """An array that is to come out of a network: classes, several labels for each example, or quantities.

    ============================================== ===========================
    values                                         read as
    ============================================== ===========================
    strings, booleans                              classes
    whole numbers that each occur often            classes
    rows of one 1 among 0s                         classes
    rows of any number of 1s among 0s              several labels
    other numbers                                  quantities
    ============================================== ===========================

    Args:
        values: the array; its first axis is the example.
        name: of the column.
        class_names: of the classes 0, 1, …, where they are known.
        as_numbers: whether all numbers are quantities, also those that look like classes.
    """
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.dtype.kind in "US" and values.ndim == 1:
        return _classes(np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values, name, None, "strings")
    if values.dtype.kind not in "biuf" or values.ndim > 2:
        raise DataError(
            f"{name!r}: a target must be numbers or strings with 1 axis, or numbers with 2; got {values.dtype} "
            f"with shape {values.shape}."
        )
    if as_numbers:
        return _numbers(values, name, Role.TARGET)
    if values.ndim == 2:
        return _label_rows(values, name, class_names)
    if values.dtype.kind == "b":
        return _classes(values, name, class_names, "booleans")
    present = values if values.dtype.kind != "f" else values[~np.isnan(values)]
    if len(present) == 0:
        raise DataError(f"{name!r}: a target with values is required; all are missing.")
    whole = values.dtype.kind != "f" or bool((present == np.rint(present)).all() and np.isfinite(present).all())
    num_distinct = len(np.unique(present))
    if class_names is not None or (whole and _are_classes(present, num_distinct)):
        if not whole:
            raise DataError(f"{name!r}: class names are given, but the target holds numbers with fractions.")
        return _classes(values, name, class_names, f"whole numbers with {num_distinct} distinct values")
    made = _numbers(values, name, Role.TARGET)
    if not whole:
        return made
    note = (
        f"{name!r} holds whole numbers with {num_distinct:,} distinct values and is read as a quantity, not as classes."
    )
    return replace(made, notes=(*made.notes, note))


def further_target(values: Array, column: Column) -> Array:
    """Further values of a target that `target_column` made of others, read as those were: places among the classes of
    the column (of what is none of them -1), rows of labels, or numbers.

    Args:
        values: the array; its first axis is the example.
        column: of the first values.

    Raises:
        DataError: the values are of another form.

    Example:
        >>> column = Column(name="y", kind=Kind.CATEGORY, role=Role.TARGET, classes=("2", "7"))
        >>> further_target(np.array([7.0, 2.0, 3.0]), column).tolist()
        [1, 0, -1]
    """
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if column.classes is None:
        fits = values.dtype.kind in "biuf" and values.shape[1:] == column.shape
    else:
        fits = values.ndim == 1 or (values.ndim == 2 and values.shape[1] == len(column.classes))
    if not fits:
        raise DataError(
            f"{column.name!r}: targets must be as the first ones, {column.kind.value} of the shape {column.shape}; got "
            f"{values.dtype} of the shape {values.shape[1:]}."
        )
    if column.classes is None:
        numbers = _numbers(values, column.name, Role.TARGET).data
        assert isinstance(numbers, Dense)
        return numbers.values
    if values.ndim == 2:
        return values.argmax(axis=1) if column.shape == () else values.astype(np.float32)
    return class_codes(values, column.classes)


def class_codes(values: Array, classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """The places of values among the names of classes; -1 of what is missing or none of them.

    Shapes:
        ``(N,)`` → ``(N,)``.
    """
    is_there = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(len(values), dtype=bool)
    distinct, places = np.unique(values[is_there], return_inverse=True)
    place_of = {name: place for place, name in enumerate(classes)}
    codes = np.full(len(values), -1, dtype=np.int64)
    codes[is_there] = np.array([place_of.get(name, -1) for name in _class_names(distinct)], dtype=np.int64)[places]
    return codes


def _class_names(distinct: Array) -> tuple[str, ...]:
    """The names of classes that an array holds: of whole numbers without a point."""
    is_whole = distinct.dtype.kind == "f" and bool((distinct == np.rint(distinct)).all())
    return tuple(str(value) for value in (distinct.astype(np.int64) if is_whole else distinct).tolist())


def _are_classes(present: Array, num_distinct: int) -> bool:
    if num_distinct <= 2:
        return True
    # Numbers that run from 0 without a gap were most likely given out as class numbers.
    counted = int(present.min()) == 0 and int(present.max()) == num_distinct - 1
    return num_distinct <= min(_MOST_CLASSES, len(present) // (2 if counted else _EXAMPLES_PER_CLASS))


def _classes(values: Array, name: str, class_names: Sequence[str] | None, found: str) -> ArrayColumn:
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=bool)
    present = values[~missing]
    codes = np.full(len(values), -1, dtype=np.int64)
    if class_names is None:
        distinct, codes[~missing] = np.unique(present, return_inverse=True)
        names = _class_names(distinct)
    else:
        codes[~missing] = present.astype(np.int64)
        names = tuple(class_names)
        if present.min() < 0 or present.max() >= len(names):
            raise DataError(
                f"{name!r}: labels must be 0 to {len(names) - 1}, one for each of the {len(names)} class names; "
                f"got {present.min()} to {present.max()}."
            )
    return ArrayColumn(Column(name=name, kind=Kind.CATEGORY, role=Role.TARGET, classes=names, note=found), Dense(codes))


def _label_rows(values: Array, name: str, class_names: Sequence[str] | None) -> ArrayColumn:
    if not ((values == 0) | (values == 1)).all():
        return _numbers(values, name, Role.TARGET)
    num = values.shape[1]
    names = tuple(class_names) if class_names is not None else tuple(str(i) for i in range(num))
    if len(names) != num:
        raise DataError(f"{name!r}: {num} class names are required, one for each column; got {len(names)}.")
    if (values.sum(axis=1) == 1).all():
        column = Column(
            name=name, kind=Kind.CATEGORY, role=Role.TARGET, classes=names, note=Message("reading.single_one")
        )
        note = Message("reading.single_one_turned", name=name, num=num)
        return ArrayColumn(column, Dense(values.argmax(axis=1).astype(np.int64)), (note,))
    column = Column(
        name=name,
        kind=Kind.CATEGORY,
        role=Role.TARGET,
        shape=(num,),
        classes=names,
        note=Message("reading.zeros_and_ones"),
    )
    return ArrayColumn(column, Dense(values.astype(np.float32)))


def _texts(values: Array, name: str) -> ArrayColumn:
    if values.ndim != 1:
        raise DataError(f"{name!r}: texts must have 1 axis; got shape {values.shape}.")
    texts = (np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values).tolist()
    return ArrayColumn(Column(name=name, kind=Kind.TEXT, role=Role.INPUT, shape=(-1,)), Ragged.from_texts(texts))


def _numbers(values: Array, name: str, role: Role) -> ArrayColumn:
    note = f"{values.dtype}"
    if values.dtype.kind in "biu":
        exact = values.dtype.itemsize < 4 or abs(values).max(initial=0) <= _LARGEST_EXACT_FLOAT32
        values = values.astype(np.float32 if exact else np.float64)
    elif values.dtype.itemsize == 2:
        values = values.astype(np.float32)
    findings: list[Finding] = []
    flat = values.reshape(len(values), -1)
    if not np.isfinite(flat).all():
        missing = int(np.isnan(flat).any(axis=1).sum())
        if missing:
            findings.append(Finding(name, Outcome.NOTED, Message("reading.nan_in", missing=missing, num=len(values))))
        infinite = int(np.isinf(flat).any(axis=1).sum())
        if infinite:
            findings.append(Finding(name, Outcome.CONVERTED, Message("reading.infinite_in", infinite=infinite)))
            values = np.where(np.isinf(values), np.asarray(np.nan, dtype=values.dtype), values)
    column = Column(name=name, kind=Kind.NUMBER, role=role, shape=values.shape[1:], note=note)
    return ArrayColumn(column, Dense(values), (), tuple(findings))


def _picture(values: Array, name: str, decided: PixelValues | None) -> ArrayColumn | None:
    """The array as pictures, or None where it holds other numbers."""
    if values.ndim > 4 or (values.ndim == 4 and not {values.shape[1], values.shape[3]} & {1, 3, 4}):
        if values.dtype == np.uint8:
            raise DataError(
                f"{name!r}: pictures of shape (N, height, width) or (N, height, width, 1 or 3) are required; "
                f"got {values.shape}."
            )
        return None
    if 0 in values.shape:
        raise DataError(f"{name!r}: pictures must have at least one pixel; got shape {values.shape}.")
    pixels, how, chosen = _as_bytes(values, decided)
    if pixels is None:
        return None
    notes: list[str] = [Message("reading.array_how", name=name, how=how)] if how else []
    if pixels.ndim == 3:
        pixels = pixels[..., None]
    elif pixels.shape[3] not in (*_PICTURE_CHANNELS, 4):
        pixels = np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))
        notes.append(Message("reading.channels_moved", name=name))
    if pixels.shape[3] == 4:
        pixels = with_channels(pixels, 3)
        notes.append(Message("reading.array_on_white", name=name))
    column = Column(
        name=name, kind=Kind.PICTURE, role=Role.INPUT, shape=pixels.shape[1:], note=how or str(values.dtype)
    )
    part = {"channels": pixels.shape[3], "values": chosen.to_json(), "background": "white"}
    return ArrayColumn(column, Dense(pixels), tuple(notes), pictures=part)


def _as_bytes(values: Array, decided: PixelValues | None) -> tuple[npt.NDArray[np.uint8] | None, str, PixelValues]:
    """Pixel values as 0 to 255, how, and by which range; None where they are no pixel values."""
    nothing = decided or PixelValues()
    if values.dtype == np.uint8:
        return values, "", nothing
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255), Message("reading.booleans"), nothing
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)) or low < 0 or high > (65535 if values.dtype.kind in "iu" else 255):
        return None, "", nothing
    # Three axes with fractions, or with amounts beyond a byte, are measurements over time as likely as pictures.
    is_sure = values.ndim == 4 or values.dtype == np.uint16
    if not is_sure and (high > 255 if values.dtype.kind != "f" else high > 1 and not (values == np.rint(values)).all()):
        return None, "", nothing
    extent = Extent(values.dtype.kind == "f", float(low), float(high))
    chosen = PixelValues.decided([extent]) if decided is None else decided
    by = chosen.range_for(extent)
    if by is None:
        return None, "", nothing
    if by == BYTES:
        return by.to_bytes(values), Message("reading.pixels_of_type", type=str(values.dtype)), chosen
    how = Message("reading.pixels_range", low=f"{by.low:g}", high=f"{by.high:g}")
    return by.to_bytes(values), how, chosen
