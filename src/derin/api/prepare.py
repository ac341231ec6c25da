"""Everything that stands before the first training step, in its order."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from derin.api.arguments import Request, request_of
from derin.api.finetuning import FineTuning, choose_mode
from derin.api.in_batches import check_request, encode, num_outputs, table_of_batches
from derin.api.inputs import fit_preparation, named_for
from derin.api.networks import build_network, is_ones_own, model_name_of
from derin.api.own_training import prepare_own
from derin.api.prepared import Prepared
from derin.api.training_data import stream_of, training_table
from derin.api.training_settings import check_sampling, training_augmentation, training_config
from derin.api.warm_start import (
    begin_with_own_weights,
    going_on_from,
    head_of,
    network_going_on,
    weights_for,
    weights_to_begin_with,
)
from derin.core.devices import device_named
from derin.core.errors import UsageError
from derin.data.codecs.values import ValuesCodec
from derin.data.own import own_data
from derin.data.preparation import Batching, Preparation
from derin.data.recipe import ReadingRecipe
from derin.data.table import Table
from derin.models.registry import MODELS
from derin.tasks.adversarial_training import adversarially
from derin.tasks.inference import infer_task, inferred_name
from derin.tasks.own_functions import with_own_functions
from derin.tasks.precision import check_network
from derin.tasks.recipes import Recipe, finetuning_recipe, recipe
from derin.tasks.registry import TASKS
from derin.tasks.system import SystemTask
from derin.tasks.thresholds import decide_by
from derin.train.config import TrainConfig


def prepare(
    data: Any,
    *,
    config: TrainConfig | None = None,
    reading_recipe: ReadingRecipe | None = None,
    download: bool = False,
    progress: Any = None,
    **options: Any,
) -> Prepared:
    """Infers what is not given, checks what is, and builds the network.

    Args:
        data: what `derin.fit` takes.
        config: every setting of training at once; excludes such settings among `options`.
        reading_recipe: how the data was read before, to read it so again; see `derin.load`.
        download: whether a named set, or known weights, may be fetched.
        progress: called with (done, total) while pictures are read; None or False tells nobody.
        options: what is asked for and settings of training, by the names that `derin.fit` has for them.

    Raises:
        UsageError: a setting that does not exist or does not fit.
        DataError: data that cannot be trained on.
    """
    request, settings = request_of(options)
    own = own_data(data, request.target, keeps_arrays=request.loss is not None and is_ones_own(request.model))
    if own is not None and request.loss is not None:
        return prepare_own(own, request, config, settings)
    in_batches = own is not None and not own.has_values
    if own is not None and in_batches:
        check_request(own, request, settings)
    start = TrainConfig.from_json(settings) if config is None else config
    device = device_named(start.device)
    reading = {"recipe": reading_recipe, "download": download, "progress": progress or None, "seed": start.seed}

    published, tuning = weights_to_begin_with(request, download, progress or None)
    stream = stream_of(data, request, start.steps_per_epoch)
    if own is not None and in_batches:
        count, as_numbers = partial(num_outputs, request.model), request.task == "regression"
        table = table_of_batches(own, seed=start.seed, count_outputs=count, as_numbers=as_numbers)
    else:
        table = training_table(data if stream is None else stream.head(start.seed), request, published, reading)
    table = named_for(table, request.model)
    name = request.task if request.task is not None else _inferred_name(table, request.model)
    if published is not None:
        published = weights_for(published, TASKS[name], request.model)
    has_trunk = published is not None and MODELS[published.model].has_trunk
    tuning = tuning or (FineTuning(mode="full") if has_trunk else choose_mode(len(table.splits["train"])))
    model_name = (
        model_name_of(request.model, TASKS[name], table, _options(request)) if published is None else published.model
    )
    from_recipe = published is None or has_trunk
    suggested = recipe(model_name, table) if from_recipe else finetuning_recipe(tuning.mode, table)
    task = _task(request, table, name, suggested)
    preparation = fit_preparation(request, table, task, model_name, suggested, published)
    asked = request.threshold
    threshold = task.threshold_criterion if asked is None else decide_by(task, asked)
    task = _joined(task, preparation, request)

    if published is None:
        network = build_network(request, model_name, task, preparation, suggested, start.seed)
        own_weights = begin_with_own_weights(network, request)
    else:
        network = network_going_on(published, task, preparation.input_shape, start.seed)
        own_weights = FineTuning()
    network = network.to(device)
    task.arrange(network, preparation.input_names)

    (encoded, targets), rows = encode(preparation, task, table), table.splits["train"]
    # A few examples tell whether the network's outputs are what the loss wants, before anything is trained.
    few = Batching(batch_size=2, limit=2, device=device)
    probe = next(preparation.source(encoded, targets, rows, input_name=task.input, batching=few).batches(0))
    check_network(task, network, probe)
    head = head_of(published, network, probe[task.input], tuning, request)
    if head is None and tuning.mode == "head" and not has_trunk:
        suggested = finetuning_recipe("freeze", table)

    prepared = Prepared(
        table=table,
        task=task,
        model=network,
        model_name=model_name,
        preparation=preparation,
        augmentation=training_augmentation(request.augment, suggested, table, preparation),
        config=training_config(config, settings, suggested, task, network),
        given=settings,
        encoded=encoded,
        targets=targets,
        device=device,
        functions={"loss": request.loss, "metrics": request.metrics},
        threshold=threshold,
        center_only=request.augment == "none",
        stream=stream,
        tuning=own_weights,
    )
    check_sampling(prepared)
    if published is None:
        return prepared
    tuning = replace(tuning, trunk_lr=suggested.trunk_lr)
    return going_on_from(published, prepared, tuning, head, reading["progress"])


def _inferred_name(table: Table, network: Any) -> str:
    """The task that the targets ask for; two classes are two of several for a network that gives a number for each."""
    name = inferred_name(table)
    if name != "binary" or not table.holds_arrays:
        return name
    first = {c.name: ValuesCodec.fit(table, np.arange(2), column=c.name).first(table) for c in table.inputs}
    return "classification" if num_outputs(network, first) == 2 else name


def _task(request: Request, table: Table, name: str, suggested: Recipe) -> Any:
    """What is learned, with its settings."""
    smoothing = request.label_smoothing
    if smoothing is None and "label_smoothing" in TASKS[name].options:
        smoothing = suggested.label_smoothing
    settings: dict[str, Any] = {
        "class_weights": request.class_weights,
        "label_smoothing": smoothing,
        "loss_weights": request.loss_weights,
    }
    return infer_task(table, name=name, **{**settings, **_options(request)})


def _options(request: Request) -> dict[str, Any]:
    """Settings of the task alone."""
    return {"degrade": request.degrade, **(request.task_options or {})}


def _joined(task: Any, preparation: Preparation, request: Request) -> Any:
    """The task that knows its preparation, with the caller's own loss and metrics, and attacked where asked for."""
    task.bind(preparation)
    task = with_own_functions(task, request.loss, request.metrics)
    if request.adversarial is None:
        return task
    if isinstance(task, SystemTask):
        raise UsageError(f"The task {task.name!r} has no answers to attack; leave adversarial out.")
    return adversarially(task, preparation, request.adversarial)
