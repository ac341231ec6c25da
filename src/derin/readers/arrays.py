"""NumPy files (.npz, .npy) and arrays in memory, with the names and shapes in which people have them.

Files are read by `derin.core.arrays`: reading never runs code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.arrays import read_npy, read_npz
from derin.core.errors import DataError, RefusedFileError
from derin.core.messages import Message
from derin.data.pictures.values import PixelValues
from derin.data.recipe import ReadingRecipe
from derin.data.report import DataReport, Outcome
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import SPLITS, ColumnData, Dense, Table
from derin.readers.array_columns import ArrayColumn, input_column, target_column
from derin.readers.split_names import split_of

Array = npt.NDArray[Any]

_INPUT_WORDS = ("x", "images", "image", "data", "features", "inputs", "input", "pictures")
_TARGET_WORDS = ("y", "labels", "label", "targets", "target")
_CLASS_NAME_KEYS = ("class_names", "classes", "label_names", "target_names")
_UNSPLIT = ""
_MAX_BYTES = 64 << 30  # of all arrays of a file, unpacked


@dataclass(frozen=True)
class ArrayPart:
    """The examples of one split: what goes in, what is to come out, and what people call the two arrays."""

    inputs: Array
    targets: Array
    inputs_name: str
    targets_name: str


def is_array_file(path: Path) -> bool:
    """Whether the name is that of a NumPy file."""
    return path.suffix.lower() in (".npz", ".npy")


def is_array_folder(folder: Path) -> bool:
    """Whether the folder holds arrays as .npy files or a single .npz file."""
    suffixes = [p.suffix.lower() for p in folder.iterdir() if p.is_file()]
    return ".npy" in suffixes or suffixes.count(".npz") == 1


def read_arrays(
    path: str | Path, *, name: str, target: str | None = None, found: Mapping[str, Any] | None = None
) -> Table:
    """The table in a .npz file, a .npy file with its labels beside it, or a folder of .npy files.

    Which array is what is found from its name: ``x``, ``images``, ``data`` or ``features`` go in; ``y``, ``labels`` or
    ``target`` are to come out; ``train``, ``val`` and ``test`` in a name are splits (``x_train``, ``test_labels``).

    Args:
        path: of the file or folder.
        name: of the data, for people.
        target: name of the array that is to come out, where its own name does not tell.
        found: what other pictures decided (`ReadingRecipe.part("pictures")`), which these follow.

    Raises:
        DataError: the file is damaged or holds Python objects, or the names do not tell what is what.
    """
    path = Path(path)
    report = DataReport(source=str(path))
    if path.is_dir():
        packed = sorted(p for p in path.iterdir() if p.suffix.lower() == ".npz")
        single = sorted(p for p in path.iterdir() if p.suffix.lower() == ".npy")
        if len(packed) == 1 and not single:
            arrays = _read_npz(packed[0])
        else:
            arrays = {p.stem: _read_npy(p) for p in single}
            for other in packed:
                report.add(other.name, Outcome.SKIPPED, "a packed file beside single arrays: name it to read it")
    elif path.suffix.lower() == ".npz":
        arrays = _read_npz(path)
    else:
        labels = _labels_beside(path)
        report.notes.append(Message("reading.labels_beside", labels=labels.name, file=path.name))
        part = ArrayPart(_read_npy(path), _read_npy(labels), path.stem, labels.stem)
        return table_from_arrays({_UNSPLIT: part}, name=name, report=report, found=found)
    class_names = _take_class_names(arrays)
    parts = _parts(arrays, path, target, report)
    return table_from_arrays(parts, name=name, report=report, class_names=class_names, found=found)


def table_from_arrays(
    parts: Mapping[str, ArrayPart],
    *,
    name: str,
    report: DataReport | None = None,
    class_names: Sequence[str] | None = None,
    found: Mapping[str, Any] | None = None,
) -> Table:
    """The table of some arrays, by split; an empty name is data without splits.

    Args:
        parts: the examples of each split.
        name: of the data, for people.
        report: the report that is gone on with.
        class_names: of the labels 0, 1, …
        found: what other pictures decided (`ReadingRecipe.part("pictures")`), which these follow.

    Raises:
        DataError: lengths or shapes do not fit together, or the values cannot be trained on.

    Example:
        >>> part = ArrayPart(np.zeros((4, 3)), np.array([0, 1, 1, 0]), "x", "y")
        >>> table = table_from_arrays({"": part}, name="little")
        >>> [(c.name, c.kind.value, c.shape) for c in table.schema]
        [('x', 'number', (3,)), ('y', 'category', ())]
    """
    report = DataReport(source=name) if report is None else report
    splits, start = {}, 0
    for split, part in parts.items():
        _check_lengths(part, name)
        if split:
            splits[split] = np.arange(start, start + len(part.inputs))
        start += len(part.inputs)
    several = list(parts.values())
    decided = PixelValues.from_json(found.get("values", {})) if found else None
    inputs = input_column(
        _joined([p.inputs for p in several], several[0].inputs_name), _name(several[0].inputs_name), decided
    )
    targets = target_column(
        _joined([p.targets for p in several], several[0].targets_name), _name(several[0].targets_name), class_names
    )
    if inputs.column.name == targets.column.name:
        raise DataError(f"{name}: inputs and target are both named {inputs.column.name!r}; give them different names.")
    for each in (inputs, targets):
        report.notes.extend(each.notes)
        report.extend(each.findings)
    schema = Schema((inputs.column, targets.column))
    columns = {each.column.name: each.data for each in (inputs, targets)}
    recipe = None if inputs.pictures is None else ReadingRecipe(found={"pictures": dict(inputs.pictures)})
    return Table(name=name, schema=schema, columns=columns, splits=splits, report=report, recipe=recipe)


def table_of_named_arrays(parts: Mapping[str, Mapping[str, Array]], *, name: str) -> Table:
    """The table of arrays by name, by split, as networks with several inputs read them: what goes in stays as it is.

    Args:
        parts: of each split the inputs by name, beside ``"target"`` and perhaps ``"weight"``; an empty name is data
            without splits.
        name: of the data, for people.

    Raises:
        DataError: examples of two splits are not of one shape or kind, or there is no target that can be learned.

    Example:
        >>> arrays = {"left": np.zeros((4, 2, 3)), "right": np.zeros(4, np.uint8), "target": np.array([0, 1, 1, 0])}
        >>> [(c.name, c.kind.value, c.shape) for c in table_of_named_arrays({"": arrays}, name="little").schema]
        [('left', 'array', (2, 3)), ('right', 'array', ()), ('target', 'category', ())]
    """
    report, several = DataReport(source=name), list(parts.values())
    if any(set(part) != set(several[0]) for part in several):
        shown = " and ".join(", ".join(part) for part in several)
        raise DataError(f"{name}: all splits must have the same arrays; got {shown}.")
    schema: list[Column] = []
    columns: dict[str, ColumnData] = {}
    for key in several[0]:
        values = _joined([part[key] for part in several], key)
        if key == Role.TARGET:
            found = target_column(values, key)
            report.notes.extend(found.notes)
            report.extend(found.findings)
            column, data = found.column, found.data
        else:
            if values.dtype.kind not in "biuf":
                raise DataError(f"{name}: {key} must be an array of numbers; got values of the type {values.dtype}.")
            kind, role = (Kind.NUMBER, Role.WEIGHT) if key == Role.WEIGHT else (Kind.ARRAY, Role.INPUT)
            column, data = Column(name=key, kind=kind, role=role, shape=values.shape[1:]), Dense(values)
        schema.append(column)
        columns[key] = data
    bounds = np.cumsum([0, *(len(next(iter(part.values()))) for part in several)])
    splits = {split: np.arange(a, b) for split, a, b in zip(parts, bounds[:-1], bounds[1:]) if split}
    return Table(name=name, schema=Schema(tuple(schema)), columns=columns, splits=splits, report=report)


def _check_lengths(part: ArrayPart, name: str) -> None:
    for array, array_name in ((part.inputs, part.inputs_name), (part.targets, part.targets_name)):
        if array.ndim == 0:
            raise DataError(
                f"{name}: {array_name} must have one axis or more, the first of them the example; it is a single value."
            )
    if len(part.inputs) != len(part.targets):
        raise DataError(
            f"{name}: {part.inputs_name} has {len(part.inputs):,} examples, but {part.targets_name} has "
            f"{len(part.targets):,}; the numbers must be equal."
        )
    if len(part.inputs) == 0:
        raise DataError(f"{name}: {part.inputs_name} holds no examples; at least three are required.")


def _joined(arrays: list[Array], name: str) -> Array:
    if len(arrays) == 1:
        return arrays[0]
    shapes = {a.shape[1:] for a in arrays}
    if len(shapes) > 1:
        raise DataError(
            f"{name}: examples of all splits must have the same shape; got {' and '.join(map(str, sorted(shapes)))}."
        )
    kinds = {a.dtype.kind if a.dtype.kind not in "iu" else "i" for a in arrays}
    if len(kinds) > 1:
        raise DataError(
            f"{name}: values of all splits must be of the same kind; got {' and '.join(str(a.dtype) for a in arrays)}."
        )
    return np.concatenate(arrays)


def _words(name: str) -> list[str]:
    """``"x_train"`` and ``"XTrain"`` → ``["x", "train"]``."""
    return [w.lower() for w in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def _name(array_name: str) -> str:
    """The array's name without its split."""
    words = _words(array_name)
    kept = [w for w in words if split_of(w) is None]
    return "_".join(kept) if 0 < len(kept) < len(words) else array_name


def _role(array_name: str, target: str | None) -> Role | None:
    if target is not None and target in (array_name, _name(array_name)):
        return Role.TARGET
    words = [w for w in _words(array_name) if split_of(w) is None]
    if target is None and any(w in _TARGET_WORDS for w in words):
        return Role.TARGET
    return Role.INPUT if any(w in _INPUT_WORDS for w in words) else None


def _parts(arrays: dict[str, Array], path: Path, target: str | None, report: DataReport) -> dict[str, ArrayPart]:
    """Split → its two arrays, found by their names."""
    found: dict[tuple[str, Role], list[str]] = {}
    for key in arrays:
        role = _role(key, target)
        if role is not None:
            found.setdefault((split_of("_".join(_words(key))) or _UNSPLIT, role), []).append(key)
    if not found and set(arrays) == {"arr_0", "arr_1"}:
        found = {(_UNSPLIT, Role.INPUT): ["arr_0"], (_UNSPLIT, Role.TARGET): ["arr_1"]}
        report.notes.append(Message("reading.nameless_arrays"))
    shown = ", ".join(f"{key} {array.shape}" for key, array in arrays.items()) or "nothing"
    for (split, role), keys in found.items():
        if len(keys) > 1:
            what = f"the {role.value} of {split or 'the data'}"
            raise DataError(
                f"{path}: one array for {what} is required; {' and '.join(keys)} could be it. Rename the others."
            )
    parts = {}
    for split in (*SPLITS, _UNSPLIT):
        inputs, targets = found.get((split, Role.INPUT)), found.get((split, Role.TARGET))
        if inputs and targets:
            parts[split] = ArrayPart(arrays[inputs[0]], arrays[targets[0]], inputs[0], targets[0])
        elif inputs or targets:
            lonely = (inputs or targets or [""])[0]
            report.add(lonely, Outcome.SKIPPED, "inputs without a target" if inputs else "a target without inputs")
    if not parts:
        raise DataError(
            f"{path}: arrays named like x and y, images and labels, or x_train, y_train, x_test and y_test are "
            f"required; it holds {shown}. Rename them, or name the target."
        )
    if _UNSPLIT in parts and len(parts) > 1:
        # Many files hold the whole beside its parts: the parts are what their author measured on.
        whole = parts.pop(_UNSPLIT)
        report.add(whole.inputs_name, Outcome.SKIPPED, "an array without a split beside arrays with splits")
    used = {name for part in parts.values() for name in (part.inputs_name, part.targets_name)}
    noted = {finding.where for finding in report.findings}
    for key in arrays:
        if key not in used and key not in noted:
            report.add(key, Outcome.SKIPPED, "the name does not tell what the array is for")
    return parts


def _take_class_names(arrays: dict[str, Array]) -> list[str] | None:
    """Takes an array of class names out of the others."""
    for key in _CLASS_NAME_KEYS:
        if key in arrays and arrays[key].ndim == 1 and arrays[key].dtype.kind in "US":
            return [_text(value) for value in arrays.pop(key).tolist()]
    return None


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else value


def _labels_beside(path: Path) -> Path:
    """The file of labels that belongs to one .npy file of inputs."""
    words = [(word, target) for word in _INPUT_WORDS for target in _TARGET_WORDS]
    swapped = [re.sub(rf"(?i)(?<![a-z]){word}(?![a-z])", target, path.stem) for word, target in words]
    names = [f"{path.stem}_labels", *dict.fromkeys(s for s in swapped if s != path.stem)]
    present = {p.stem.lower(): p for p in path.parent.iterdir() if p.suffix.lower() == ".npy"}
    for name in names:
        if name.lower() in present:
            return present[name.lower()]
    raise DataError(
        f"{path}: a file of labels named {path.stem}_labels.npy is required beside it; there is none. "
        "Save the labels there, or save both with np.savez as x and y."
    )


def _read_npy(path: Path) -> Array:
    """One array, mapped: copy on write, because torch wants arrays that may be written."""
    try:
        return read_npy(path, mapped=True)
    except RefusedFileError as error:
        raise DataError(str(error)) from None


def _read_npz(path: Path) -> dict[str, Array]:
    try:
        return read_npz(path, max_bytes=_MAX_BYTES)
    except RefusedFileError as error:
        raise DataError(str(error)) from None


__all__ = [
    "ArrayColumn",
    "ArrayPart",
    "is_array_file",
    "is_array_folder",
    "read_arrays",
    "table_from_arrays",
    "table_of_named_arrays",
]
