"""The way from a table to a network: fitted on the training rows, or as weights to go on from had it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from derin.api.arguments import Request
from derin.api.pretrained import PretrainedWeights
from derin.api.vectors import with_vectors_of_a_run
from derin.core.errors import DataError, DerinWarning, UnknownNameError, UsageError
from derin.core.messages import translate
from derin.data.columns import ColumnsPreparation
from derin.data.own import has_places, with_input_names
from derin.data.preparation import PREPARATIONS, Preparation
from derin.data.schema import Kind
from derin.data.table import Table
from derin.models.info import ModelInfo
from derin.models.registry import MODELS
from derin.models.signature import bind_inputs
from derin.tasks.base import BaseTask
from derin.tasks.recipes import Recipe


def named_for(table: Table, network: Any) -> Table:
    """The table; where it holds arrays by name, in the order and by the names of the network.

    Raises:
        UsageError: arrays by name are to go into a registered network, or names do not fit.
    """
    if not table.holds_arrays:
        return table
    if network is None or isinstance(network, str):
        raise UsageError(
            "Arrays by name stay as they are, for a network of your own (model=…) that reads "
            f"{', '.join(column.name for column in table.inputs)}."
        )
    given = [column.name for column in table.inputs]
    return with_input_names(table, bind_inputs(network, given, named=not has_places(given)).names)


def fit_preparation(
    request: Request,
    table: Table,
    task: BaseTask,
    model_name: str,
    suggested: Recipe,
    published: PretrainedWeights | None,
) -> Preparation:
    """The preparation of a table for a task; that of published weights is theirs."""
    usual_size = suggested.inputs.get("size")
    if published is not None:
        return published.preparation(table, request.size or usual_size, request.inputs or {})
    inputs = with_vectors_of_a_run(request.inputs or {})
    rows, form = table.splits["train"], PREPARATIONS[task.preparation_kind]
    known = form.settings(table)
    for name in inputs:
        if name not in known:
            raise UnknownNameError(f"setting of inputs of kind {form.kind_for(table)!r}", name, known)
    usual = {name: value for name, value in suggested.inputs.items() if name in known}
    wanted = request.size or usual_size
    size = {"size": wanted} if wanted is not None and form.takes_size(table) else {}
    info = MODELS[model_name] if model_name in MODELS else None  # noqa: SIM401 - the registry is no dict
    if info is not None and info.beside:
        return _with_rows_beside(info, table, {**size, **usual, **inputs})
    preparation: Preparation = form.fit(table, rows, **{**size, **usual, **inputs})
    if size or not preparation.reads_pictures:
        return preparation
    return _enlarged(preparation, table, model_name)


def _with_rows_beside(info: ModelInfo, table: Table, settings: dict[str, Any]) -> Preparation:
    """Pictures, and all other columns that are read side by side, for a network that takes both."""
    picture, features = info.inputs
    pictures = [column.name for column in table.inputs if column.kind is Kind.PICTURE]
    others = [column.name for column in table.inputs if column.kind is not Kind.PICTURE]
    if len(pictures) != 1 or not others:
        raise DataError(
            f"Table {table.name!r}: the network {info.name!r} reads pictures and numbers beside each; got "
            f"{len(pictures)} columns of pictures and {len(others)} others. Of a table that names pictures, say which "
            'columns a second sensor measured: --reader-option "sensor=range_*".'
        )
    return ColumnsPreparation.fit_inputs(
        table, table.splits["train"], {picture: pictures, features: others}, **settings
    )


def _enlarged(preparation: Preparation, table: Table, model_name: str) -> Preparation:
    """Pictures below what a registered network takes become its paper's."""
    info = MODELS[model_name] if model_name in MODELS else None  # noqa: SIM401 - the registry is no dict
    if info is None or info.smallest_input is None:
        return preparation
    own, smallest, native = preparation.input_shape[1:], info.smallest_input[1:], info.native_input[1:]
    if all(side >= least for side, least in zip(own, smallest)):
        return preparation
    enlarged = type(preparation).fit(table, table.splits["train"], size=native)  # type: ignore[call-arg]
    sentence = translate("prepare.enlarged", model=model_name, own=_by(own), smallest=_by(smallest), native=_by(native))
    warnings.warn(sentence, DerinWarning, stacklevel=4)
    return enlarged


def _by(sides: Sequence[int]) -> str:
    return " × ".join(map(str, sides))
