"""Joins data, task, network and settings: everything that stands before the first training step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from derin.core.errors import DataError, UnknownNameError, UsageError
from derin.core.seeds import permutation
from derin.data.load import load
from derin.data.preparation import PREPARATIONS, HostInput, Preparation
from derin.data.schema import Kind
from derin.data.source import TableSource
from derin.data.table import Rows, Table
from derin.tasks.inference import infer_task
from derin.tasks.recipes import recipe
from derin.train.config import TrainConfig

if TYPE_CHECKING:
    import torch
    from torch import nn

    from derin.data.augment import Augmentation

# So many training examples are measured beside the validation split: enough for a curve, few enough to cost nothing.
_TRAIN_SAMPLE = 2_000
_EVALUATION_BATCH_FACTOR = 4


@dataclass(frozen=True)
class Prepared:
    """A network, its task, its data and the settings, ready for the loop.

    Attributes:
        table: the data.
        task: what is learnt.
        model: the network, on its device.
        model_name: its registered name, ``"sequential"``, ``"graph"``, or the class name of a network of one's own.
        preparation: the way from raw columns to the network's input.
        augmentation: of the training pictures.
        config: every setting.
        given: the settings that the caller chose; all others came from the recipe or are defaults.
        host: the inputs of the whole table.
        targets: labels and weights by column name, one per row of the table.
    """

    table: Table
    task: Any
    model: nn.Module
    model_name: str
    preparation: Preparation
    augmentation: Augmentation | None
    config: TrainConfig
    given: Mapping[str, Any]
    host: HostInput
    targets: Mapping[str, np.ndarray]
    device: torch.device

    @property
    def train_source(self) -> TableSource:
        """The training batches: shuffled and augmented."""
        mixed = (self.task.target, self.task.num_outputs) if self.task.name == "classification" else None
        return self._source(
            self.table.splits["train"],
            self.config.batch_size,
            shuffle=True,
            augmentation=self.augmentation,
            mixed_target=mixed,
        )

    @property
    def val_source(self) -> TableSource | None:
        """The validation batches, or None where there is no such split."""
        return self.split_source("val") if "val" in self.table.splits else None

    @property
    def train_sample(self) -> TableSource:
        """Some training examples, neither shuffled nor augmented, to be measured as the validation split is."""
        rows = self.table.splits["train"]
        chosen = permutation(self.config.seed, "train-sample", 0, len(rows))[:_TRAIN_SAMPLE]
        return self._source(np.sort(rows[chosen]), self._evaluation_batch_size)

    def split_source(self, split: str, limit: int | None = None) -> TableSource:
        """The examples of a split in their order, for measuring; at most `limit` of them, drawn by the seed."""
        rows = self.table.splits[split]
        if limit is not None and len(rows) > limit:
            rows = np.sort(rows[permutation(self.config.seed, "limit", 0, len(rows))[:limit]])
        return self._source(rows, self._evaluation_batch_size)

    @property
    def _evaluation_batch_size(self) -> int:
        return self.config.batch_size * _EVALUATION_BATCH_FACTOR

    def _source(self, rows: Rows, batch_size: int, **options: Any) -> TableSource:
        return TableSource(
            self.host,
            self.preparation,
            self.targets,
            rows,
            input_name=self.task.input,
            batch_size=batch_size,
            seed=self.config.seed,
            device=self.device,
            **options,
        )


def prepare(
    data: Any,
    *,
    model: Any = None,
    task: str | None = None,
    target: str | None = None,
    size: int | None = None,
    augment: str | Augmentation | None = None,
    config: TrainConfig | None = None,
    class_weights: str | Sequence[float] | None = None,
    label_smoothing: float | None = None,
    model_options: Mapping[str, Any] | None = None,
    download: bool = False,
    progress: Any = None,
    **settings: Any,
) -> Prepared:
    """Infers what is not given, checks what is, and builds the network.

    Args:
        data: a named set, a path, a `Table`, or arrays ``(X, y)``; see `derin.load`.
        model: a registered name, a network, an unbound `Sequential`; None chooses by the data.
        task: a registered task; None infers it from the target.
        target: the column to predict.
        size: height and width to which pictures are brought.
        augment: such as ``"flip,rotate=10"``; ``"none"`` for none; None follows the recipe.
        config: every setting at once; excludes `settings`.
        class_weights: ``"balanced"`` or one number per class.
        label_smoothing: share of the target that is spread over all classes.
        model_options: settings of a registered model, such as ``{"hidden": [512]}``.
        download: whether a named set may be fetched.
        progress: called with (done, total) while pictures are read.
        settings: of `TrainConfig`, such as ``epochs=5``.

    Raises:
        UsageError: a setting that does not exist or does not fit.
        DataError: data that cannot be trained on.
    """

    from derin.data.augment import Augmentation

    known = {f.name for f in fields(TrainConfig)}
    for name in settings:
        if name not in known:
            raise UnknownNameError("training setting", name, known)
    seed = config.seed if config is not None else int(settings.get("seed", TrainConfig.seed))
    table = (
        data
        if isinstance(data, Table)
        else load(data, target=target, size=size, seed=seed, download=download, progress=progress)
    )
    if "train" not in table.splits:
        raise DataError(f"Table {table.name!r} has no training split; it has: {', '.join(table.splits) or 'none'}.")
    rows = table.splits["train"]
    model_name = _model_name(model, table)
    suggested = recipe(model_name, table)
    smoothing = suggested.label_smoothing if label_smoothing is None else label_smoothing
    the_task = infer_task(table, name=task, class_weights=class_weights, label_smoothing=smoothing)
    if config is None:
        if "plan" in settings:
            settings["plan"] = _plan_text(settings["plan"])
        usual = {"momentum": 0.95} if settings.get("optimizer") == "muon" else {}
        config = TrainConfig.from_json({**suggested.settings, **usual, **settings})
    if isinstance(augment, str):
        augment = None if augment == "none" else Augmentation.parse(augment)
    elif augment is None:
        augment = Augmentation.parse(suggested.augmentation) if suggested.augmentation else None
    preparation = _preparation(table, rows, size)
    if augment is not None and preparation.kind != "picture":
        raise UsageError(f"Augmentation needs pictures; the data {table.name!r} has none. Leave `augment` out.")
    device = _device(config.device)
    network = _network(model, model_name, preparation.input_shape, the_task, config.seed, model_options)
    host = preparation.host(table)
    # Two rows tell whether the network's outputs are what the loss wants, before anything is trained.
    network = network.to(device)
    the_task.check(network, preparation.finish(host.gather(rows[:2]).to(device)))
    targets = {the_task.target: the_task.targets(table)}
    weights = the_task.weights(table)
    if weights is not None:
        targets[the_task.weight] = weights
    return Prepared(
        table=table,
        task=the_task,
        model=network,
        model_name=model_name,
        preparation=preparation,
        augmentation=augment,
        config=config,
        given=settings,
        host=host,
        targets=targets,
        device=device,
    )


def _plan_text(plan: str) -> str:
    """A plan in words; the plan of another run where its folder is named."""
    from derin.core.run import RunFolder
    from derin.train.plan import Plan

    if not (Path(plan) / "run.json").exists():
        return plan
    return str(Plan.from_json(RunFolder.open(Path(plan)).record()["plan"]["chosen"]))


def _model_name(model: Any, table: Table) -> str:
    if isinstance(model, str):
        return model
    if model is not None:
        structures = {"Sequential": "sequential", "Graph": "graph"}
        return structures.get(type(model).__name__, type(model).__name__)
    return "convnet" if any(c.kind is Kind.PICTURE for c in table.inputs) else "mlp"


def _preparation(table: Table, rows: Rows, size: int | None) -> Preparation:
    kind = "picture" if any(c.kind is Kind.PICTURE for c in table.inputs) else "features"
    options = {"size": size} if kind == "picture" and size is not None else {}
    preparation: Preparation = PREPARATIONS[kind].fit(table, rows, **options)
    return preparation


def _network(
    model: Any,
    model_name: str,
    input_shape: tuple[int, ...],
    task: Any,
    seed: int,
    options: Mapping[str, Any] | None,
) -> nn.Module:
    from torch import nn

    from derin.models.building import build
    from derin.models.sequential import Sequential

    if model is None or isinstance(model, str):
        return build(model_name, input_shape=input_shape, num_outputs=task.num_outputs, seed=seed, **(options or {}))
    if options:
        raise UsageError("model_options belong to a registered model's name; a network of your own has them already.")
    if not isinstance(model, nn.Module):
        raise UsageError(f"model must be a registered name or a torch.nn.Module; got {type(model).__name__}.")
    if isinstance(model, Sequential):
        model.bind(input_shape, seed=seed)
    return model


def _device(name: str) -> torch.device:
    """The device that was asked for, checked; ``auto`` takes an accelerator where there is one."""
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"The device {name!r} cannot be used here: {reason} Use --device cpu or auto.") from error
    return device


def source_name(data: Any) -> str | None:
    """What `data` was called by the user, or None for data that lives in memory only."""
    return str(data) if isinstance(data, str | Path) else None
