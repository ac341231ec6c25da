"""Data that comes in batches, for a standard task: a table of its targets, which are read once, and of no inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.api.arguments import REQUESTED, Request
from derin.core.errors import DataError, UsageError
from derin.core.global_generator import global_generator
from derin.core.messages import Message
from derin.data.own import TARGET, WEIGHT, Form, OwnData, Part, has_places, input_names
from derin.data.preparation import Batching, Preparation
from derin.data.recipe import ReadingRecipe
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import ColumnData, Dense, Table, Unseen
from derin.models.signature import bind_inputs
from derin.readers.array_columns import further_target, target_column
from derin.tasks.supervised import SupervisedTask

Arrays = Mapping[str, npt.NDArray[Any]]

# So many rows of a Dataset are held at a time while its targets are read.
_ROWS_AT_ONCE = 32
# What can be asked for beside data in batches; what goes in stays as its owner gives it.
FOR_STANDARD_TASK = (
    "target",
    "model",
    "task",
    "metrics",
    "class_weights",
    "label_smoothing",
    "threshold",
    "task_options",
)


@dataclass(frozen=True)
class InBatches:
    """What a table of data in batches refers to: the data, and what its targets were read as."""

    data: OwnData
    target: Column


def check_request(
    own: OwnData, request: Request, settings: dict[str, Any], taken: tuple[str, ...] = FOR_STANDARD_TASK
) -> None:
    """Refuses what cannot be done with data of its owner's form; puts the size of its batches into the settings.

    Raises:
        UsageError: something is asked for that would change the data; there is no network; or batches are there
            already, and others or another order are asked for.
        DataError: there is nothing to train on.
    """
    from torch import nn

    for each in REQUESTED:
        if getattr(request, each.name) is not None and each.name not in taken:
            raise UsageError(f"Data of your own form stays as it is; leave {each.name} out.")
    if not isinstance(request.model, nn.Module):
        raise UsageError("Data of your own form needs a network of your own (model=…), any torch.nn.Module.")
    if not {"all", "train"} & set(own.parts):
        raise DataError(f"There must be examples to train on, under 'train'; got {', '.join(own.parts)}.")
    part = next(iter(own.parts.values()))
    if not part.has_batches:
        return
    for name in ("batch_size", "sampler"):
        if name in settings:
            raise UsageError(f"The data comes in batches already; leave {name} out.")
    batching = Batching(batch_size=1)
    settings["batch_size"] = part.source(np.arange(part.num_examples), Form(own.target), batching).batch_size


def table_of_batches(
    own: OwnData,
    *,
    seed: int,
    count_outputs: Callable[[Arrays], int | None] | None = None,
    as_numbers: bool = False,
    cut: bool = True,
) -> Table:
    """The targets and weights of all examples as columns of a table, with the inputs as they are called.

    The first batch is looked at before all are gone through. Inputs are let go as they come.

    Args:
        own: the data.
        seed: of the splits that are cut, and of what the data draws while it is read.
        count_outputs: how many numbers the network gives for each example, of a few inputs by name: of so many classes
            some may not occur. None knows those that do.
        as_numbers: whether all targets are quantities, also those that look like classes.
        cut: whether a part in rows that stands alone is cut into splits; where not, it has none.

    Raises:
        UsageError: from the targets no standard task can be told.
        DataError: batches differ in their form.

    Example:
        >>> from derin.data.own import own_data
        >>> batches = [(np.ones((2, 3), np.float32), np.array([0, place])) for place in (1, 1, 2, 2)]
        >>> table = table_of_batches(own_data(batches, None, keeps_arrays=False), seed=0)
        >>> [(column.name, column.kind.value, column.shape) for column in table.schema], table.target().classes
        ([('input', 'array', (3,)), ('target', 'category', ())], ('0', '1', '2'))
    """
    first = next(_batches(next(iter(own.parts.values())), own.target, seed))
    _check_first(first)
    answers, names = _answers(own, seed), input_names(first)
    shown = {name: _array(first[name][:2]) for name in names}
    classes = None if count_outputs is None or as_numbers else _counted_classes(answers[TARGET], count_outputs(shown))
    found = target_column(answers[TARGET], TARGET, classes, as_numbers=as_numbers)
    given = InBatches(own, found.column)
    schema, columns = [], dict[str, ColumnData]()
    for name, values in shown.items():
        schema.append(Column(name=name, kind=Kind.ARRAY, role=Role.INPUT, shape=values.shape[1:]))
        columns[name] = Unseen(own.num_examples, values, given)
    schema.append(found.column)
    columns[TARGET] = found.data
    if WEIGHT in answers:
        schema.append(Column(name=WEIGHT, kind=Kind.NUMBER, role=Role.WEIGHT))
        columns[WEIGHT] = Dense(answers[WEIGHT])
    table = own.table(seed, (Schema(tuple(schema)), columns), cut=cut)
    read = Message("reading.targets_read_once", num=own.num_examples)
    counted = [] if classes is None else [Message("reading.classes_of_outputs", num=len(classes))]
    table.report.notes[:0] = [read, *counted, *found.notes]
    table.report.extend(found.findings)
    return replace(table, recipe=ReadingRecipe(target=own.target, seed=seed))


def encode(preparation: Preparation, task: Any, table: Table) -> tuple[Any, dict[str, Any]]:
    """The inputs and the targets of a table in the forms that `Preparation.source` takes.

    Of a table whose inputs come in batches these are read as they come, and so are their targets.

    Raises:
        UsageError: such a table is for a task that reads more than one target for each example.
    """
    given: InBatches | None = table.in_batches
    if given is None:
        return preparation.encode_table(table), task.batch_columns(table)
    if not isinstance(task, SupervisedTask) or task.keeps_targets_apart:
        raise UsageError(
            f"The task {task.name!r} needs all of its data at once; give arrays, files or a table, or a loss (loss=…)."
        )
    codecs: Mapping[str, Any] = preparation.inputs  # type: ignore[attr-defined]
    # One input has the task's name for it.
    names = [task.input] if len(codecs) == 1 else list(codecs)

    def read(columns: dict[str, Any]) -> dict[str, Any]:
        import torch

        found = {new: codec.read(_array(columns[name])) for new, (name, codec) in zip(names, codecs.items())}
        found[task.target] = _targets(columns[TARGET], given.target, task, table)
        if task.weight_column is not None:
            found[task.weight] = _array(columns[WEIGHT]).astype(np.float32)
        return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in found.items()}

    return OwnData(given.data.parts, given.data.target, read), task.batch_columns(table)


def num_outputs(network: Any, inputs: Arrays) -> int | None:
    """How many numbers a network gives for each of a few examples; None where it gives something else, or fails.

    Args:
        network: its mode and buffers stay as they are.
        inputs: in any order, by the network's names for them, or by their places.
    """
    import torch

    parameter = next(network.parameters(), None)
    if parameter is None:
        return None
    arguments = bind_inputs(network, list(inputs), named=not has_places(list(inputs)))
    columns = Form(names=arguments.names).named(inputs)
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        with torch.no_grad(), global_generator():
            by_place, by_name = arguments.of({n: torch.tensor(v, device=parameter.device) for n, v in columns.items()})
            output = network(*by_place, **by_name)
    except RuntimeError:  # what is wrong is told where the network is tried with the task's own batch
        return None
    finally:
        for module, training in modes.items():
            module.training = training
    if not isinstance(output, torch.Tensor) or output.ndim > 2:
        return None
    return 1 if output.ndim < 2 else output.shape[1]


def _counted_classes(targets: npt.NDArray[Any], num: int | None) -> list[str] | None:
    """The names of the classes of a network that gives a number for each, where targets are numbers of such and lack
    some; else None.
    """
    of_one = targets.ndim == 1 or targets.shape[1:] == (1,)
    if num is None or not of_one or targets.dtype.kind not in "iu" or targets.min() < 0 or targets.max() >= num:
        return None
    return [str(place) for place in range(num)] if 1 < num != len(np.unique(targets)) else None


def _targets(values: Any, column: Column, task: SupervisedTask, table: Table) -> npt.NDArray[Any]:
    """Those of one batch, as `SupervisedTask.targets` gives those of a table, where classes may have other names."""
    read = further_target(_array(values), column)
    if column.classes is not None and column.shape == () and (read < 0).any():
        raise DataError(
            f"A batch holds the target {_array(values).ravel()[np.argmax(read < 0)]!s}, which is none of the classes "
            f"{', '.join(column.classes[:8])}{', …' if len(column.classes) > 8 else ''} that were there before."
        )
    target = table.target()
    return task.targets(replace(table, schema=Schema((target,)), columns={target.name: Dense(read)}, splits={}))


def _check_first(first: Mapping[str, Any]) -> None:
    """Refuses targets from which no standard task can be told, before all batches are gone through."""
    target = first[TARGET]
    if isinstance(target, Mapping | tuple):
        raise UsageError("Targets by name or several of them need a loss for each output: loss={'kind': …, 'size': …}.")
    if target.dtype.is_complex or not 1 <= target.ndim <= 2:
        raise UsageError(
            "A standard task learns a class, or one or more numbers, for each example; a batch of targets of the shape "
            f"{tuple(target.shape)} and the type {str(target.dtype).removeprefix('torch.')} is neither. Give a loss "
            "(loss=…)."
        )
    for name in input_names(first):
        if isinstance(first[name], Mapping | tuple):
            raise UsageError(f"Each input must be one tensor; {name} holds several. Give a loss (loss=…).")


def _answers(own: OwnData, seed: int) -> dict[str, npt.NDArray[Any]]:
    """Targets and weights of all parts, in the order of their batches."""
    found: dict[str, list[npt.NDArray[Any]]] = {}
    for part in own.parts.values():
        for columns in _batches(part, own.target, seed):
            for name in (TARGET, WEIGHT):
                if name in columns:
                    found.setdefault(name, []).append(_array(columns[name]))
    if len({values.shape[1:] for values in found[TARGET]}) > 1:
        shapes = sorted({values.shape[1:] for values in found[TARGET]})
        raise DataError(f"All targets must be of one shape; batches have {' and '.join(map(str, shapes))}.")
    joined = {name: np.concatenate(values) for name, values in found.items()}
    if WEIGHT in joined and len(joined[WEIGHT]) != len(joined[TARGET]):
        raise DataError("Either all batches have weights or none; some have none.")
    return joined


def _batches(part: Part, target: str | None, seed: int) -> Any:
    """The columns of each batch of a part, in its first order."""
    batching = Batching(batch_size=_ROWS_AT_ONCE, seed=seed)
    rows = np.arange(part.num_examples)
    return (batch.columns for batch in part.source(rows, Form(target), batching).batches(0))


def _array(values: Any) -> npt.NDArray[Any]:
    """A tensor as an array; of types that NumPy lacks as float32."""
    import torch

    values = torch.as_tensor(values).detach().cpu()
    array: npt.NDArray[Any] = (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    return array
