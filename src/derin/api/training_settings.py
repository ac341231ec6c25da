"""Every setting of training: what the caller says before what has proved good, and what fits neither is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.api.prepared import Prepared
from derin.core.errors import UsageError
from derin.core.messages import Message
from derin.data.preparation import Preparation
from derin.data.schema import Kind
from derin.data.table import Table
from derin.tasks.recipes import Recipe
from derin.tasks.recipes.mirroring import mirroring_of
from derin.train.config import TrainConfig

if TYPE_CHECKING:
    from torch import nn

    from derin.data.augment import Augmentation

_LONGEST_PLAN = 255  # bytes of a name; no plan in words is as long


def training_config(
    config: TrainConfig | None, settings: dict[str, Any], suggested: Recipe, task: Any, network: nn.Module
) -> TrainConfig:
    """Every setting: the caller's word before the recipe's, and what fits neither is refused."""
    if config is None:
        if "plan" in settings:
            settings["plan"] = _plan_text(settings["plan"])
        optimizer = settings.get("optimizer")
        usual: dict[str, Any] = {"momentum": 0.95} if str(optimizer).partition(":")[0] == "muon" else {}
        if optimizer is not None and not isinstance(optimizer, str):
            usual = _rates_of_its_own(optimizer, settings, network)
        config = TrainConfig.from_json({**suggested.settings, **usual, **settings})
    if task.updates_itself and (config.clip_norm or config.l1):
        raise UsageError(f"The task {task.name!r} makes its updates itself; leave clip_norm and l1 out.")
    return config


def training_augmentation(
    asked: str | Augmentation | None, suggested: Recipe, table: Table, preparation: Preparation
) -> Augmentation | None:
    """What happens to training pictures; the report is told why, where the recipe decides."""
    from derin.data.augment import Augmentation

    if asked is None:
        table.report.notes.extend(note for note in suggested.notes if note not in table.report.notes)
    said = suggested.augmentation if asked is None else asked
    if said in ("", "none"):
        return None
    augmentation = Augmentation.parse(said) if isinstance(said, str) else said
    if unfit := augmentation.unfit_for(preparation.medium):
        raise UsageError(
            f"Augmentation changes pictures or sounds, each in ways of its own; {', '.join(unfit)} is nothing for the "
            f"data {table.name!r}, of which the network reads {preparation.medium}. Leave it out of `augment`."
        )
    if augmentation.flip_horizontal:
        pair = mirroring_of(table, next(column for column in table.inputs if column.kind is Kind.PICTURE)).pair
        if pair is not None:
            table.report.notes.append(Message("reading.flips_asked", one=pair[0], other=pair[1]))
    return augmentation


def check_sampling(prepared: Prepared) -> None:
    """Refuses an epoch that has no length, or two, and what cannot be sampled as is asked for."""
    config = prepared.config
    if (prepared.stream is None) != (config.steps_per_epoch == 0):
        raise UsageError(
            "steps_per_epoch says how many batches of a stream are called an epoch; a stream needs it, and other data "
            f"has an end and takes none; got steps_per_epoch={config.steps_per_epoch}."
        )
    if prepared.stream is not None and config.sampler != "uniform":
        raise UsageError(f"A stream has an order of its own; leave sampler={config.sampler} out.")
    prepared.sampler()


def _rates_of_its_own(optimizer: Any, settings: Mapping[str, Any], network: nn.Module) -> dict[str, Any]:
    """What an optimizer of the caller's own decides: its rate, and that it stays where no schedule is asked for."""
    from derin.train.optimizers import build_optimizer

    for name in ("learning_rate", "weight_decay", "momentum"):
        if name in settings:
            raise UsageError(f"An optimizer of your own has its {name} in it; leave {name} out.")
    rate = max(group["lr"] for group in build_optimizer(optimizer, network, learning_rate=0.0).param_groups)
    return {"learning_rate": rate, "schedule": "constant", "warmup": 0.0, "weight_decay": 0.0, "momentum": 0.0}


def _plan_text(plan: str | Path) -> str:
    """A plan in words; the plan of another run where its folder is named."""
    from derin.core.run import RunFolder
    from derin.train.plan import Plan

    if "\0" in str(plan) or len(str(plan)) > _LONGEST_PLAN or not (Path(plan) / "run.json").exists():
        return str(plan)
    chosen = RunFolder.open(Path(plan)).record().get("plan", {}).get("chosen")
    if chosen is None:
        raise UsageError(f"The run {plan} has no plan yet; name another run, or the parts of a plan.")
    return str(Plan.from_json(chosen))
