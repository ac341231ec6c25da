"""Data as its owner gives it: arrays of any shape, a torch Dataset or DataLoader, batches of any iterable.

Nothing is judged, scaled or flattened. A batch holds its inputs by name (``"input"`` of one; the keys of a dict; of a
tuple the names that the network has for them) beside ``"target"`` and perhaps ``"weight"``. A network takes them by
these names.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from derin.core.arrays import read_npy, read_npz
from derin.core.errors import DataError, RefusedFileError
from derin.core.fields import Required, checked_form
from derin.core.global_generator import global_generator
from derin.core.seeds import step_seeds
from derin.data.batch import Batch
from derin.data.preparation import Batching, Preparation
from derin.data.samplers.uniform import UniformSampler
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.splits import complete_splits
from derin.data.table import SPLITS, Dense, Rows, Table

INPUT, TARGET, WEIGHT = "input", "target", "weight"
_TARGET_WORDS = ("target", "targets", "label", "labels", "y")
_FORM = {"names": Required([str]), "shapes": Required([[int]]), "dtypes": Required([str])}
_DTYPES = frozenset(
    f"{kind}{bits}"
    for kind, sizes in (("float", (16, 32, 64)), ("int", (8, 16, 32, 64)), ("uint", (8, 16, 32, 64)))
    for bits in sizes
) | {"bool", "bfloat16", "complex64", "complex128"}
_MOST_AXES = 64
_MOST_BYTES = 64 << 30  # of all arrays of a file, unpacked
_MOST_SEEDS = 1 << 40  # steps of an epoch, at most


@dataclass(frozen=True)
class Form:
    """How a batch of one's own is taken apart.

    Args:
        target: the key of the target in a dict; None finds it by its usual names.
        names: of the inputs of a tuple, in their order; none calls them ``"input_0"``, ``"input_1"``.
        read: what becomes of the columns of a batch, where something does.
    """

    target: str | None = None
    names: tuple[str, ...] = ()
    read: Callable[[dict[str, Any]], dict[str, Any]] | None = None

    def columns(self, batch: Any) -> dict[str, Any]:
        """A batch, or arrays, by column: inputs, then target and weight."""
        return self.finished(columns_of(batch, self.target))

    def finished(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Columns as the network and the task take them."""
        return self.named(columns) if self.read is None else self.read(self.named(columns))

    def named(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Columns whose inputs came one after the other, or alone, under the names of these inputs."""
        inputs = input_names(columns)
        if len(inputs) != len(self.names) or not (len(inputs) == 1 or has_places(inputs)):
            return dict(columns)
        name_of = dict(zip(inputs, self.names))
        return {name_of.get(name, name): value for name, value in columns.items()}


class Part(ABC):
    """The examples of one split, or of all.

    Attributes:
        num_examples: how many it has.
        has_batches: whether it comes in batches already.
    """

    num_examples: int
    has_batches: ClassVar[bool] = False

    @abstractmethod
    def source(self, rows: Rows, form: Form, batching: Batching) -> Any:
        """The batches of some rows."""


class Arrays(Part):
    """Arrays or tensors in memory: ``(x, y)``, ``(x, y, weights)`` or a dict, where x may be several by name.

    Raises:
        DataError: lengths differ, or an array holds no numbers.
    """

    def __init__(self, given: Any, target: str | None) -> None:
        self.given = flat(columns_of(given, target))
        for name, value in self.given.items():
            if not hasattr(value, "__len__") or getattr(value, "shape", None) == ():
                raise DataError(f"{name} must be an array with an example in each row; got {type(value).__name__}.")
        lengths = {name: len(value) for name, value in self.given.items()}
        if len(set(lengths.values())) != 1:
            raise DataError(f"All arrays must have as many examples as each other; got {lengths}.")
        self.num_examples = next(iter(lengths.values()))

    @cached_property
    def columns(self) -> dict[str, Any]:
        """Tensors by name."""
        return {name: _tensor(name, value) for name, value in self.given.items()}

    def source(self, rows: Rows, form: Form, batching: Batching) -> Any:
        import torch

        def fetch(chosen: Rows) -> dict[str, Any]:
            return form.finished(nested({n: v[torch.from_numpy(chosen)] for n, v in self.columns.items()}))

        return RowSource(rows, fetch, batching)


class Items(Part):
    """A map-style Dataset: ``len(dataset)`` examples, ``dataset[i]`` each, collated as a DataLoader does."""

    def __init__(self, dataset: Any) -> None:
        self.dataset, self.num_examples = dataset, len(dataset)

    def source(self, rows: Rows, form: Form, batching: Batching) -> Any:
        from torch.utils.data import default_collate

        def fetch(chosen: Rows) -> dict[str, Any]:
            return form.columns(default_collate([self.dataset[int(row)] for row in chosen]))

        return RowSource(rows, fetch, batching)


class Batches(Part):
    """A DataLoader, or anything that can be iterated again and again, whose batches and order are kept as they are."""

    has_batches: ClassVar[bool] = True

    def __init__(self, iterable: Any) -> None:
        if iter(iterable) is iterable:
            raise DataError(
                "Batches must come from something that can be iterated once for every epoch; an iterator is used up by "
                "the first. Give a list, a DataLoader, or an object with __iter__."
            )
        self.iterable = iterable
        self.sizes = [_length(batch) for batch in iterable] if _sizes(iterable) is None else _sizes(iterable) or []
        self.num_examples = sum(self.sizes)
        if not self.num_examples:
            raise DataError("The batches of a split hold no examples.")

    def source(self, rows: Rows, form: Form, batching: Batching) -> Any:
        return BatchSource(self, form, batching)


class RowSource:
    """Batches of rows that are fetched as they come, in the order of a sampler."""

    def __init__(self, rows: Rows, fetch: Any, batching: Batching) -> None:
        how: dict[str, Any] = {"batch_size": batching.batch_size, "seed": batching.seed}
        how |= {"shuffle": batching.shuffle, "joins_lone": batching.shuffle}
        self._sampler = batching.sampler or UniformSampler(batching.limited(rows), **how)
        self._fetch, self._batching, self.batch_size = fetch, batching, batching.batch_size
        self.num_examples, self.num_batches = self._sampler.num_examples, self._sampler.num_batches

    def batches(self, epoch: int, from_step: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from its step `from_step` on."""
        import torch

        how = self._batching
        for step, chosen in enumerate(self._sampler.order(epoch).batches(from_step), start=from_step):
            with _drawing(how.seed, epoch, step):
                columns = self._fetch(chosen)
            yield Batch(moved(columns, how.device), torch.from_numpy(np.ascontiguousarray(chosen)))


class BatchSource:
    """Batches as an iterable gives them. What it draws from torch's global generator is a function of (seed, epoch,
    step); an epoch is entered at a step by passing over those before it.
    """

    def __init__(self, part: Batches, form: Form, batching: Batching) -> None:
        self._part, self._form, self._batching = part, form, batching
        sizes, limit = part.sizes, batching.limit
        if limit is not None and limit < part.num_examples:
            sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), limit, side="right")) or 1]
        self.batch_size, self.num_examples, self.num_batches = max(sizes), sum(sizes), len(sizes)

    def batches(self, epoch: int, from_step: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from its step `from_step` on."""
        import torch

        seed = self._batching.seed
        sampler: Any = getattr(self._part.iterable, "sampler", None)
        if hasattr(sampler, "set_epoch"):
            sampler.set_epoch(epoch)
        first = 0
        with _drawing(seed, epoch, _MOST_SEEDS):
            given = iter(self._part.iterable)
        for step in range(self.num_batches):
            try:
                with _drawing(seed, epoch, step):
                    batch = next(given)
            except StopIteration:
                raise DataError(
                    f"Epoch {epoch + 1} of the batches ended after {step}; the first one had {self.num_batches}. Every "
                    "epoch must have as many."
                ) from None
            length = _length(batch)
            if step >= from_step:
                columns = moved(self._form.columns(batch), self._batching.device)
                yield Batch(columns, torch.arange(first, first + length))
            first += length


@dataclass(frozen=True)
class OwnPreparation(Preparation):
    """No preparation at all: what a network reads is what its owner gave.

    Args:
        names: of the inputs, in the order in which the network takes them.
        shapes: of each, without the batch axis.
        dtypes: of each, as torch names them.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    kind: ClassVar[str] = "own"

    @classmethod
    def fit(cls, table: Table, rows: Rows) -> OwnPreparation:
        raise DataError(f"The data {table.name!r} is a table; this preparation is of data of one's own form.")

    @classmethod
    def of(cls, batch: Batch, names: Sequence[str]) -> OwnPreparation:
        """That of the inputs of a batch, in the order of these names."""
        values = [batch[name] for name in names]
        shapes = tuple(tuple(value.shape[1:]) for value in values)
        dtypes = tuple(str(value.dtype).removeprefix("torch.") for value in values)
        return cls(tuple(names), shapes, dtypes)

    @property
    def input_names(self) -> tuple[str, ...]:
        return self.names

    @property
    def columns(self) -> tuple[str, ...]:
        return self.names

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.shapes[0]

    def encode_table(self, table: Table) -> Any:
        raise DataError(f"The data {table.name!r} is a table; the network was trained on data of your own form.")

    @property
    def input_forms(self) -> dict[str, tuple[tuple[int, ...], str]]:
        return dict(zip(self.names, zip(self.shapes, self.dtypes)))

    def read(self, inputs: Any) -> dict[str, Any]:
        """Tensors by name, with a batch axis, of the types that were trained with.

        Raises:
            DataError: there are other inputs, or other types of them.
        """
        import torch

        given = arrays_by_name(inputs, self.names)
        found = {}
        for name, shape, dtype in zip(self.names, self.shapes, self.dtypes):
            value = _tensor(name, given[name]).to(getattr(torch, dtype))
            found[name] = value[None] if value.ndim == len(shape) else value
        return of_one_length(found)

    def is_single(self, inputs: Any) -> bool:
        """Whether the first input has no batch axis."""
        return np.ndim(arrays_by_name(inputs, self.names)[self.names[0]]) == len(self.shapes[0])

    def source(
        self, encoded: Any, targets: Mapping[str, Any], rows: Rows, *, input_name: str, batching: Batching
    ) -> Any:
        return encoded.source(rows, self.names, batching)

    def to_json(self) -> dict[str, Any]:
        shapes = [list(shape) for shape in self.shapes]
        return {"kind": self.kind, "names": list(self.names), "shapes": shapes, "dtypes": list(self.dtypes)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> OwnPreparation:
        checked_form(data, _FORM, "The card's preparation")
        num_axes = max((len(shape) for shape in data["shapes"]), default=0)
        sizes = [size for shape in data["shapes"] for size in shape]
        lengths = {len(data[name]) for name in ("names", "shapes", "dtypes")}
        if len(lengths) != 1 or 0 in lengths or num_axes > _MOST_AXES or any(size < 0 for size in sizes):
            raise RefusedFileError("The card's preparation must say name, shape and type of each input. Restore it.")
        if unknown := set(data["dtypes"]) - _DTYPES:
            raise RefusedFileError(f"The card's preparation has an unknown type: {min(unknown)[:40]!r}. Restore it.")
        return cls(tuple(data["names"]), tuple(map(tuple, data["shapes"])), tuple(data["dtypes"]))


class OwnData:
    """Parts by split, as one table of rows.

    Args:
        parts: by the name of a split; ``"all"`` is cut where it can be.
        target: the key of the target in a dict.
        read: what becomes of the columns of a batch before they are the network's and the task's.
    """

    def __init__(self, parts: Mapping[str, Part], target: str | None, read: Any = None) -> None:
        self.parts, self.target, self.read = dict(parts), target, read

    @property
    def has_values(self) -> bool:
        """Whether all of it is arrays, whose values tell whether it is the same data."""
        return all(isinstance(part, Arrays) for part in self.parts.values())

    @property
    def num_examples(self) -> int:
        """Of all parts."""
        return sum(part.num_examples for part in self.parts.values())

    def source(self, rows: Rows, names: Sequence[str], batching: Batching) -> Any:
        """The batches of some rows of one part, whose inputs have these names.

        Raises:
            DataError: the rows are of several parts, each of which has batches of its own.
        """
        first = 0
        for part in self.parts.values():
            if rows[0] < first + part.num_examples:
                break
            first += part.num_examples
        if rows.min() < first or rows.max() >= first + part.num_examples:
            raise DataError(f"The data has the parts {', '.join(self.parts)}, each of its own; name one of them.")
        return part.source(rows - first, Form(self.target, tuple(names), self.read), batching)

    def table(self, seed: int, described: tuple[Schema, dict[str, Any]] | None = None, *, cut: bool = True) -> Table:
        """The rows of all parts with their splits; a part in rows that stands alone, to be trained on, is cut.

        Args:
            seed: of the cut.
            described: the columns that are known of data for a standard task; None takes those of arrays, by whose
                values they are known again, for a loss of the owner's.
            cut: whether anything is cut; where not, what stands alone is of no split.
        """
        bounds = np.cumsum([0, *(part.num_examples for part in self.parts.values())])
        splits = {name: np.arange(a, b) for name, a, b in zip(self.parts, bounds[:-1], bounds[1:])}
        schema, columns = described or _described(self.parts, int(bounds[-1]))
        task = "own" if described is None else None
        table = Table(name="own data", schema=schema, columns=columns, splits=splits, task=task)
        if not cut:
            return table.with_splits({name: rows for name, rows in splits.items() if name != "all"})
        (only,) = self.parts.values() if len(self.parts) == 1 else (None,)
        if only is None or only.has_batches or not {"all", "train"} & set(self.parts):
            return table.with_splits({"train" if name == "all" else name: rows for name, rows in splits.items()})
        # Rows that come in batches cannot be compared: each counts as its own.
        return complete_splits(
            table.with_splits({}), seed=seed, first=None if described is None else np.arange(len(table))
        )


def _described(parts: Mapping[str, Part], num_rows: int) -> tuple[Schema, dict[str, Any]]:
    """The columns of arrays, by whose values data is known again; of all else the numbers of its rows."""
    arrays = [part.columns for part in parts.values() if isinstance(part, Arrays)]
    if len(arrays) < len(parts) or any(set(a) != set(arrays[0]) for a in arrays):
        column = Column(name="row", kind=Kind.NUMBER, role=Role.INPUT)
        return Schema((column,)), {"row": Dense(np.arange(num_rows))}
    columns = {name: np.concatenate([a[name].cpu().numpy() for a in arrays]) for name in arrays[0]}
    schema = Schema(
        tuple(
            Column(
                name=n, kind=Kind.NUMBER, role=Role.TARGET if n.startswith(TARGET) else Role.INPUT, shape=v.shape[1:]
            )
            for n, v in columns.items()
        )
    )
    return schema, {name: Dense(values) for name, values in columns.items()}


def own_data(data: Any, target: str | None, *, keeps_arrays: bool) -> OwnData | None:
    """Data of the owner's form; None where it is what `derin.load` reads.

    Args:
        data: as the caller gave it.
        target: the key of the target in dicts.
        keeps_arrays: whether one array of inputs with one of targets stays as it is too.
    """
    if isinstance(data, OwnData):
        return data
    if isinstance(data, Mapping) and ("train" in data or (data and set(data) <= set(SPLITS))):
        for name in data:
            if name not in SPLITS:
                raise DataError(f"Splits are named train, val and test; got {name!r}.")
        return OwnData({name: _part(data[name], target) for name in SPLITS if name in data}, target)
    if (
        isinstance(data, str | Table)
        or hasattr(data, "to_csv")
        or hasattr(data, "write_csv")
        or hasattr(data, "__fspath__")
    ):
        return None
    plain_pair = isinstance(data, tuple) and len(data) == 2 and _is_array(data[0]) and not isinstance(data[1], Mapping)
    if data is None or (plain_pair and not keeps_arrays):
        return None
    is_known = isinstance(data, Mapping | tuple) or hasattr(data, "__getitem__") or hasattr(data, "__iter__")
    return OwnData({"all": _part(data, target)}, target) if is_known and not _is_array(data) else None


def _part(given: Any, target: str | None) -> Part:
    if isinstance(given, Part):
        return given
    # A tuple whose parts are all batches is one of batches; with other targets, several inputs stand in its first part.
    is_pair = isinstance(given, tuple) and len(given) in (2, 3) and not all(map(_is_batch, given))
    if isinstance(given, Mapping) or is_pair:
        return Arrays(given, target)
    has_rows = hasattr(given, "__getitem__") and hasattr(given, "__len__")
    if has_rows and len(given) and _is_batch(given[0]) and not hasattr(given, "__add__"):
        return Items(given)
    if has_rows and not isinstance(given, list | tuple):
        return Items(given)
    if hasattr(given, "__iter__"):
        return Batches(given)
    raise DataError(
        f"A split must be arrays (x, y), a Dataset, a DataLoader or an iterable of batches; got {type(given).__name__}."
    )


def arrays_by_name(inputs: Any, names: Sequence[str]) -> dict[str, Any]:
    """What a person hands over for a network with inputs of some names: a dict, a tuple in their order, a file, or the
    one input.

    Raises:
        DataError: there are other inputs.

    Example:
        >>> arrays_by_name((1, 2), ["left", "right"])
        {'left': 1, 'right': 2}
    """
    if isinstance(inputs, str | Path):
        inputs = arrays_in(Path(inputs))
    given = Form(names=tuple(names)).named(inputs_of(inputs))
    if set(given) != set(names):
        raise DataError(f"The network reads {', '.join(names)}; got {', '.join(given)}.")
    return given


def of_one_length(inputs: dict[str, Any]) -> dict[str, Any]:
    """Inputs that have as many examples as each other.

    Raises:
        DataError: they have not.
    """
    lengths = {name: len(value) for name, value in inputs.items()}
    if len(set(lengths.values())) != 1:
        raise DataError(f"All inputs must have as many examples as each other; got {lengths}.")
    return inputs


def with_input_names(table: Table, names: Sequence[str]) -> Table:
    """A table whose arrays stand in the order of some names; those of a tuple, which have places alone, get them.

    Where there are other names or another number, or no arrays, it stays as it is.
    """
    given = [column.name for column in table.inputs]
    if not table.holds_arrays:
        return table
    new = dict(zip(_places(len(given)), names)) if has_places(given) and len(given) == len(names) else {}
    inputs = {new.get(name, name): name for name in given}
    if set(inputs) != set(names):
        return table
    others = [column for column in table.schema if column.role is not Role.INPUT]
    schema = (*(replace(table.schema[inputs[name]], name=name) for name in names), *others)
    columns = {column.name: table.columns[inputs.get(column.name, column.name)] for column in schema}
    return replace(table, schema=Schema(schema), columns=columns)


def arrays_in(path: Path) -> Any:
    """The arrays in a NumPy file."""
    if path.suffix.lower() == ".npz":
        return read_npz(path, max_bytes=_MOST_BYTES)
    if path.suffix.lower() == ".npy":
        return read_npy(path)
    raise DataError(
        "The inputs in a file must be arrays: one for each input of the network in a .npz, or one in a .npy; got "
        f"{path}."
    )


def columns_of(batch: Any, target: str | None) -> dict[str, Any]:
    """A batch, or arrays, by column: inputs, then target and weight.

    Example:
        >>> list(columns_of(((1, 2), 3), None)), list(columns_of({"a": 1, "b": 2, "y": 3}, None))
        (['input_0', 'input_1', 'target'], ['a', 'b', 'target'])
    """
    if isinstance(batch, Mapping):
        key = target if target is not None else next((word for word in _TARGET_WORDS if word in batch), None)
        if key is None or key not in batch:
            raise DataError(
                "A dict needs its target: name it (target=…), or call it target or y; it has "
                f"{', '.join(map(str, batch))}."
            )
        inputs = {str(name): value for name, value in batch.items() if name not in (key, WEIGHT)}
        answers = {TARGET: batch[key], **({WEIGHT: batch[WEIGHT]} if WEIGHT in batch else {})}
    elif isinstance(batch, list | tuple) and len(batch) in (2, 3):
        inputs, answers = inputs_of(batch[0]), dict(zip((TARGET, WEIGHT), batch[1:]))
    else:
        raise DataError(
            f"A batch must be (x, y), (x, y, weights) or a dict with its target; got {type(batch).__name__}"
            + (f" of {len(batch)}." if isinstance(batch, list | tuple) else ".")
        )
    if taken := {TARGET, WEIGHT} & set(inputs):
        raise DataError(f"No input may be called {min(taken)!r}, as something else in a batch is; rename it.")
    return {**inputs, **answers}


def inputs_of(given: Any) -> dict[str, Any]:
    """Inputs by name: one, several of a dict, or several of a tuple."""
    if isinstance(given, Mapping):
        return {str(name): value for name, value in given.items()}
    if isinstance(given, tuple) or (isinstance(given, list) and given and _is_array(given[0])):
        return dict(zip(_places(len(given)), given))
    return {INPUT: given}


def input_names(columns: Iterable[str]) -> list[str]:
    """The names of the inputs among the columns of a batch; such as are places, in the order of these."""
    names = [name for name in columns if name not in (TARGET, WEIGHT)]
    return _places(len(names)) if has_places(names) else names


def has_places(names: Sequence[str]) -> bool:
    """Whether inputs have no names but places, as `inputs_of` gives them to one input and to a tuple.

    Example:
        >>> has_places(["input_1", "input_0"]), has_places(["input_1", "image"])
        (True, False)
    """
    return set(names) == set(_places(len(names)))


def _places(num: int) -> list[str]:
    return [INPUT] if num == 1 else [f"{INPUT}_{place}" for place in range(num)]


def flat(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Targets of several parts side by side under ``"target/name"``."""
    found: dict[str, Any] = {}
    for name, value in columns.items():
        if isinstance(value, Mapping):
            found |= {f"{name}/{key}": part for key, part in value.items()}
        else:
            found[name] = value
    return found


def nested(columns: Mapping[str, Any]) -> dict[str, Any]:
    """What `flat` laid side by side, as a dict again."""
    found: dict[str, Any] = {}
    for name, value in columns.items():
        outer, slash, inner = name.partition("/")
        if slash and outer == TARGET:
            found.setdefault(outer, {})[inner] = value
        else:
            found[name] = value
    return found


def moved(value: Any, device: Any) -> Any:
    """Tensors of a dict, tuple or list on a device."""
    import torch

    if isinstance(value, Mapping):
        return {key: moved(part, device) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return tuple(moved(part, device) for part in value)
    if isinstance(value, str):
        raise DataError(
            f"A batch must hold numbers; got the text {value[:40]!r}. Give class numbers in place of names."
        )
    return (value if isinstance(value, torch.Tensor) else torch.as_tensor(value)).to(device)


@contextmanager
def _drawing(seed: int, epoch: int, step: int) -> Iterator[None]:
    """Torch's global generator in a state of its own, put back afterwards."""
    import torch

    with global_generator():
        torch.default_generator.manual_seed(step_seeds(seed, "own data", epoch * (_MOST_SEEDS + 1) + step, 1)[0])
        yield


def _sizes(iterable: Any) -> list[int] | None:
    """The sizes of the batches of a DataLoader of rows; None where only counting tells."""
    size, sampler = getattr(iterable, "batch_size", None), getattr(iterable, "sampler", None)  # type: Any, Any
    if not isinstance(size, int) or not hasattr(sampler, "__len__") or not hasattr(iterable, "drop_last"):
        return None
    whole, rest = divmod(len(sampler), size)
    return [size] * whole + ([rest] if rest and not iterable.drop_last else [])


def _length(batch: Any) -> int:
    while isinstance(batch, Mapping | list | tuple):
        batch = next(iter(batch.values())) if isinstance(batch, Mapping) else batch[0]
    if not hasattr(batch, "__len__"):
        raise DataError(
            f"A batch must be (x, y), (x, y, weights) or a dict of arrays; got {type(batch).__name__} in it."
        )
    return len(batch)


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _is_batch(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) in (2, 3) and not isinstance(value[0], int | float)


def _tensor(name: str, value: Any) -> Any:
    import torch

    try:
        return value.detach() if isinstance(value, torch.Tensor) else torch.as_tensor(np.asarray(value))
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be an array of numbers; got {type(value).__name__} ({error}).") from error
