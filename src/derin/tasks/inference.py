"""Which task a table asks for, found from its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from derin.core.errors import DataError, UnknownNameError
from derin.data.schema import Kind, Role
from derin.data.table import Rows, Table
from derin.tasks.registry import TASK_OF_KIND, TASKS
from derin.tasks.supervised import SupervisedTask
from derin.tasks.targets import training_rows

if TYPE_CHECKING:
    from derin.tasks.base import BaseTask


def infer_task(table: Table, *, name: str | None = None, rows: Rows | None = None, **options: Any) -> BaseTask:
    """The task that a table asks for: its targets' kinds decide, unless a name is given.

    A category of two classes is ``binary``, of more ``classification``; a category with one place for each label is
    ``multilabel``; numbers are ``regression``. Several columns that are not all numbers are ``multitask``. A tag for
    each word is ``tagging``, a text ``translation``, a mask ``segmentation``. Data that was read for a task keeps that.

    Args:
        table: with its target columns marked in the schema.
        name: of `TASKS`, where the user wants another task than the inferred one.
        rows: on which means and class weights are fitted; by default the training split.
        options: settings of the task, such as ``label_smoothing=0.1`` or ``class_weights="balanced"``. None and 0 ask
            for nothing, so that any task bears them.

    Raises:
        UsageError: the named task does not fit the target, or does not have an option.
        DataError: the table has no target that can be learned.

    Example:
        >>> import numpy as np
        >>> from derin.data.schema import Column, Schema
        >>> from derin.data.table import Dense
        >>> column = Column(name="price", kind=Kind.NUMBER, role=Role.TARGET, unit="€")
        >>> prices = Dense(np.array([1.0, 3.0]))
        >>> table = Table(name="houses", schema=Schema((column,)), columns={"price": prices}, splits={})
        >>> task = infer_task(table)
        >>> task.name, task.mean, task.unit
        ('regression', (2.0,), '€')
    """
    chosen = TASKS[name if name is not None else inferred_name(table)]
    known = chosen.options
    settings = {option: value for option, value in options.items() if option in known and value is not None}
    for option, value in options.items():
        if option not in known and value is not None and value != 0:
            raise UnknownNameError(f"option of the task {chosen.name!r}", option, known)
    weights = table.schema.with_role(Role.WEIGHT)
    if len(weights) > 1:
        names = ", ".join(column.name for column in weights)
        raise DataError(f"Table {table.name!r}: at most one column may hold example weights; got {names}.")
    if issubclass(chosen, SupervisedTask):
        settings["weight_column"] = weights[0].name if weights else None
    return chosen.from_table(table, training_rows(table, rows), settings)


def inferred_name(table: Table) -> str:
    """The name of the task that the data was read for, or else that the target columns ask for."""
    if table.task is not None:
        return table.task
    targets = table.targets
    if len(targets) > 1:
        return "regression" if all(column.kind is Kind.NUMBER for column in targets) else "multitask"
    column = table.target()
    if column.kind in TASK_OF_KIND:
        return TASK_OF_KIND[column.kind]
    if column.kind is Kind.CATEGORY and column.classes is not None:
        if column.shape != ():
            return "multilabel"
        if len(column.classes) < 2:
            raise DataError(
                f"Table {table.name!r}: a target needs at least two classes to tell apart; {column.name!r} has "
                f"{', '.join(column.classes) or 'none'}. Choose another target."
            )
        return "binary" if len(column.classes) == 2 else "classification"
    raise DataError(
        f"Table {table.name!r}: a target must hold classes or numbers; {column.name!r} is of kind {column.kind.value}. "
        "Choose another target."
    )
