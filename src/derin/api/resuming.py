"""Going on with a run: what must be as it was, and what may grow."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.api.in_batches import table_of_batches
from derin.api.load import load
from derin.core.errors import DerinWarning, ShapeError, UsageError
from derin.core.former_names import named_now
from derin.core.messages import translate
from derin.core.own import is_own, name_of
from derin.data.own import OwnData, own_data, with_input_names
from derin.data.recipe import ReadingRecipe
from derin.data.schema import Role, Schema
from derin.data.table import Table
from derin.tasks.multitask import with_targets
from derin.tasks.registry import TASKS
from derin.train.config import TrainConfig

if TYPE_CHECKING:
    from torch import nn

# What says how to fetch and show data, and nothing about what is trained.
NOT_RECORDED = ("download", "progress")
# What may be a function of the caller's own, of which run.json holds the name.
OF_ONES_OWN = ("loss", "metrics", "optimizer", "schedule")
# How long training may go on; a run may be given more, and 0 has no limit where it is allowed.
BUDGETS = ("epochs", "max_seconds", "patience")


def continued(
    data: Any, options: dict[str, Any], record: dict[str, Any], path: Path, *, extend: bool
) -> tuple[Any, dict[str, Any]]:
    """The recorded data and options, after what the caller gives beside was found to be the same.

    Args:
        data: as the caller named it; None takes what is recorded.
        options: of the caller.
        record: ``run.json``. Where budgets grow it is changed: they are written into it, and the run is not finished.
        path: of the run.
        extend: whether budgets may grow.

    Raises:
        UsageError: the caller names other data or another setting.
    """
    from torch import nn

    from derin.models.building import from_spec

    request = record["request"]
    if data is None:
        data = request["data"]
        if data is None:
            raise UsageError(f"The run {path} was trained on data in memory; give the same data to resume it.")
    elif not _may_be(data, request["data"]):
        raise UsageError(f"The run {path} was trained on {request['data']!r}, not on {source_name(data)!r}.")
    recorded = named_now(request["options"])
    in_force = {**record["config"], **recorded}
    spec = record["model"]["spec"]
    network = options.get("model")
    if isinstance(network, nn.Module):
        _require_same_network(path, network, record)
        in_force["model"] = plain(network)
    for name, value in options.items():
        if value is None or name in NOT_RECORDED or plain(value) == in_force.get(name):
            continue
        if not (name in BUDGETS and _grows(in_force.get(name), value)):
            raise UsageError(
                f"The run {path} was started with {name}={in_force.get(name)!r}; got {name}={value!r}. "
                "Leave it out to resume, or start a new run with another --out."
            )
        if not extend:
            raise UsageError(
                f"The run {path} was started with {name}={in_force.get(name)!r}; got {name}={value!r}. "
                "Add --extend (extend=True) to train on from its last state, or leave it out."
            )
        record["config"] = TrainConfig.from_json({**record["config"], name: value}).to_json()
        request["options"] = recorded = {**recorded, name: value}
        record["finished"] = False
    kept = {name: value for name, value in recorded.items() if name not in record["config"] and name != "config"}
    kept |= {name: options[name] for name in (*NOT_RECORDED, "model", *OF_ONES_OWN) if options.get(name) is not None}
    for name in OF_ONES_OWN:
        _require_given(path, name, in_force.get(name), options.get(name))
    if spec["name"] is None and "model" not in options:
        raise UsageError(f"The run {path} trains a network of your own class {spec['class']!r}; give it as `model`.")
    if isinstance(kept.get("model"), Mapping):
        kept["model"] = from_spec(spec)
    if record["data"].get("recipe") is not None:
        kept["reading_recipe"] = ReadingRecipe.from_json(record["data"]["recipe"])
    config = record["config"] | {name: kept.pop(name) for name in ("optimizer", "schedule") if name in kept}
    return data, {**kept, "config": TrainConfig.from_json(config)}


def _require_given(path: Path, name: str, recorded: Any, given: Any) -> None:
    """Refuses to go on without the functions of the caller's own that a run was started with."""
    own = [value.removeprefix("own:") for value in _leaves(recorded) if is_own(value)]
    if own and given is None:
        raise UsageError(
            f"The run {path} was started with {name}={', '.join(own)}, of your own; give it again in Python: "
            f"derin.fit(out=…, resume=True, {name}=…)."
        )


def _leaves(value: Any) -> list[Any]:
    return [leaf for part in value.values() for leaf in _leaves(part)] if isinstance(value, Mapping) else [value]


def require_same_content(path: Path, record: Mapping[str, Any], data: Any) -> None:
    """Refuses data that has changed since a finished run was trained on it."""
    recorded, task, seed = record["data"], record["task"], record["config"]["seed"]
    is_own = TASKS[task["name"]].is_own
    own = own_data(data, record["request"]["options"].get("target"), keeps_arrays=is_own)
    if own is not None and (is_own or not own.has_values):
        table = own.table(seed) if is_own else _table_as_recorded(own, task, seed)
        require_same_data(path, recorded, table)
        return
    recipe = None if recorded.get("recipe") is None else ReadingRecipe.from_json(recorded["recipe"])
    table = data if isinstance(data, Table) else load(data, recipe=recipe)
    if TASKS[task["name"]].keeps_targets_apart:
        table = with_targets(table, task["columns"])
    require_same_data(path, recorded, table)


def _table_as_recorded(own: OwnData, task: Mapping[str, Any], seed: int) -> Table:
    """The table of data in batches, with as many classes as a run has."""
    num = len(task.get("classes") or ())
    return table_of_batches(own, seed=seed, count_outputs=lambda _: num, as_numbers=task["name"] == "regression")


def require_same_data(path: Path, recorded: Mapping[str, Any], table: Table) -> None:
    """Refuses to go on with other data or another cut than the run was started with.

    Args:
        path: of the run.
        recorded: ``data`` of its ``run.json``.
        table: the data as it is now.
    """
    if "cut" not in recorded:
        if not set(table.splits) <= set(table.given_splits):
            raise UsageError(
                f"The run {path} was started by an earlier version of Derin, which cut its data into other splits: "
                "what is measured now may have been trained on then. Start a new run."
            )
        warnings.warn(translate("run.data_not_compared", run=str(path)), DerinWarning, stacklevel=2)
        return
    if table.task == "own" or table.holds_arrays:
        table = in_order_of(table, recorded)
    if table.fingerprint() != recorded["fingerprint"]:
        raise UsageError(f"The data of run {path} has changed since it was started; start a new run.")
    if table.splits_fingerprint() != recorded["cut"]:
        raise UsageError(
            f"The data of run {path} is cut into other splits than when it was started, by another version of Derin "
            "or another seed; start a new run."
        )


def in_order_of(table: Table, recorded: Mapping[str, Any]) -> Table:
    """Arrays with their columns in the order of a record, and named as there: that of a dict says nothing."""
    known = recorded.get("schema") or []
    table = with_input_names(table, [column["name"] for column in known if column.get("role") == Role.INPUT])
    place = {column["name"]: number for number, column in enumerate(known)}
    columns = sorted(table.schema, key=lambda column: place.get(column.name, len(place)))
    return replace(table, schema=Schema(tuple(columns)))


def plain(value: Any) -> Any:
    """An option as it stands in run.json."""
    if isinstance(value, bool | int | float | str | None):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "to_json") and not isinstance(value, type):
        return value.to_json()
    if callable(value) and not hasattr(value, "state_dict"):
        return name_of(value)
    return type(value).__name__


def source_name(data: Any) -> str | None:
    """What `data` was called by the user, or None for data that lives in memory only."""
    return str(data) if isinstance(data, str | Path) else None


def _may_be(data: Any, recorded: str | None) -> bool:
    """Whether data may be what a run was started with, as far as names tell; its content is compared in any case."""
    name = source_name(data)
    if name == recorded or name is None or recorded is None:
        return True
    place, before = Path(name), Path(recorded)
    try:
        if before.exists():
            return place.exists() and place.samefile(before)
        # The name that is recorded may have been said in another folder.
        return place.exists() and place.name == before.name
    except (OSError, ValueError):  # what no system takes for a path
        return False


def _require_same_network(path: Path, network: nn.Module, record: Mapping[str, Any]) -> None:
    """Refuses a network of the caller's own that is not built as that of the run; equal values are not asked."""
    from derin.api.bundles import model_entry
    from derin.models.sequential import Sequential

    spec = record["model"]["spec"]
    try:
        if isinstance(network, Sequential) and network.input_shape is None:
            # With the run's seed, as when it was started: nothing may have been saved yet.
            network.bind(tuple(spec.get("input_shape") or ()), seed=record["config"]["seed"])
        is_same = plain(model_entry(network)) == spec
    except ShapeError:
        is_same = False
    if not is_same:
        raise UsageError(
            f"The run {path} was started with another network than the {type(network).__name__} that came: layers or "
            "sizes differ. Give the same one, or start a new run with another --out."
        )


def _grows(before: Any, now: Any) -> bool:
    """Whether a budget becomes larger; 0 seconds and 0 epochs of patience have no limit."""
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (before, now))
    return numbers and (now or float("inf")) > (before or float("inf"))
