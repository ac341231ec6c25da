"""Joins data, task, network and settings: everything that stands before the first training step."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.api.arguments import check_arguments
from derin.api.extraction import extract, head_to_train
from derin.api.finetuning import FineTuning, choose_mode, read_mode, schedule_for
from derin.api.load import load
from derin.api.prepared import Prepared
from derin.api.pretrained import PretrainedWeights, load_pretrained
from derin.api.vectors import open_word_vectors
from derin.core.errors import DataError, DerinWarning, UnknownNameError, UsageError
from derin.core.messages import Message, translate
from derin.data.preparation import PREPARATIONS, Batching, Preparation
from derin.data.recipe import ReadingRecipe
from derin.data.schema import Kind
from derin.data.table import Rows, Table
from derin.models.registry import MODELS
from derin.tasks.adversarial_training import adversarially
from derin.tasks.base import BaseTask
from derin.tasks.inference import infer_task, inferred_name
from derin.tasks.multitask import with_targets
from derin.tasks.precision import check_network
from derin.tasks.recipes import Recipe, finetuning_recipe, recipe
from derin.tasks.recipes.mirroring import mirroring_of
from derin.tasks.registry import TASKS
from derin.train.config import TrainConfig

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    from derin.data.augment import Augmentation
    from derin.readers.targets import TargetKind


_LONGEST_PLAN = 255  # bytes of a name; no plan in words is as long


def prepare(
    data: Any,
    *,
    model: Any = None,
    task: str | None = None,
    target: str | None = None,
    weight_column: str | None = None,
    group_column: str | None = None,
    ignore: Sequence[str] = (),
    target_kind: TargetKind | None = None,
    kinds: Mapping[str, str] | None = None,
    date_order: str | None = None,
    missing: Sequence[str] | None = None,
    size: int | None = None,
    augment: str | Augmentation | None = None,
    config: TrainConfig | None = None,
    class_weights: str | Sequence[float] | None = None,
    label_smoothing: float | None = None,
    loss_weights: Mapping[str, float] | None = None,
    adversarial: str | float | None = None,
    model_options: Mapping[str, Any] | None = None,
    weights: str | Path | None = None,
    preprocess: str | None = None,
    finetune: str | None = None,
    reader_options: Mapping[str, Any] | None = None,
    reading_recipe: ReadingRecipe | None = None,
    inputs: Mapping[str, Any] | None = None,
    download: bool = False,
    progress: Any = None,
    **settings: Any,
) -> Prepared:
    """Infers what is not given, checks what is, and builds the network.

    Args:
        data: a named set, a path, a `Table`, or arrays ``(X, y)``; see `derin.load`.
        model: a registered name, a network, an unbound `Sequential`; None chooses by the data.
        task: a registered task; None infers it from the target.
        target: the column to predict, or several with commas between them.
        loss_weights: of each target column, for several: ``{"kind": 2.0}``.
        weight_column: the column that says how much each example counts.
        group_column: the column whose equal values stay in one split.
        ignore: columns that are no inputs.
        target_kind: ``"category"`` or ``"number"``, where that is found out wrongly.
        kinds, date_order, missing: how columns of a table are read; see `derin.load`.
        size: height and width to which pictures are brought.
        augment: such as ``"flip,rotate=10"``; ``"none"`` for none; None follows the recipe.
        config: every setting at once; excludes `settings`.
        class_weights: ``"balanced"`` or one number per class.
        label_smoothing: share of the target that is spread over all classes.
        adversarial: ε of adversarial training, such as ``"4/255"``; see `derin.tasks.adversarial_training`.
        model_options: settings of a registered model, such as ``{"hidden": [512]}``.
        weights: published weights to go on from: a file, a known name or ``"hub:REPO"``. Size and normalization of
            pictures follow them.
        preprocess: how pictures were prepared for `weights` that are not known.
        finetune: ``"head"``, ``"full"``, ``"freeze:N"`` or ``"gradual"``; None chooses by the number of examples.
        reader_options: settings of the reader of a task, such as ``{"encoding": "cp1254"}``; see `derin.load`.
        reading_recipe: how the data was read before, to read it so again; see `derin.load`.
        inputs: settings of the way from data to network: ``{"tokenizer": "bpe"}`` for text, ``{"horizon": 24}`` for a
            series; each preparation names its own.
        download: whether a named set, or known weights, may be fetched.
        progress: called with (done, total) while pictures are read; None or False tells nobody.
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
    check_arguments(
        {
            "task": task,
            "target": target,
            "weight_column": weight_column,
            "group_column": group_column,
            "ignore": ignore,
            "target_kind": target_kind,
            "kinds": kinds,
            "date_order": date_order,
            "missing": missing,
            "size": size,
            "class_weights": class_weights,
            "label_smoothing": label_smoothing,
            "loss_weights": loss_weights,
            "adversarial": adversarial,
            "model_options": model_options,
            "weights": weights,
            "preprocess": preprocess,
            "finetune": finetune,
            "reader_options": reader_options,
            "inputs": inputs,
            "download": download,
            **settings,
        }
    )
    if augment is not None and not isinstance(augment, str | Augmentation):
        raise UsageError(f'The argument augment must be text, such as "flip,rotate=10"; got {str(augment)[:40]!r}.')
    tuning = read_mode(finetune, has_weights=weights is not None)
    if weights is not None and model_options:
        raise UsageError("model_options come with the weights; leave one of the two out.")
    progress = progress or None
    published = (
        None
        if weights is None
        else load_pretrained(weights, model=model, preprocess=preprocess, download=download, progress=progress)
    )
    seed = config.seed if config is not None else int(settings.get("seed", TrainConfig.seed))
    options: dict[str, Any] = {"weight_column": weight_column, "ignore": tuple(ignore), "target_kind": target_kind}
    options |= {"group_column": group_column, "kinds": kinds, "date_order": date_order, "missing": missing}
    options |= {
        "seed": seed,
        "download": download,
        "progress": progress,
        "task": task,
        "reader_options": reader_options,
    }
    options["recipe"] = reading_recipe
    if published is not None:
        options |= {"size": size or max(published.size), "channels": published.channels}
    table = _table(data, target, task, {"size": size, **options})
    rows = table.splits["train"]
    tuning = tuning or choose_mode(len(rows))
    name = task if task is not None else inferred_name(table)
    model_name = _model_name(model, TASKS[name], table) if published is None else published.model
    suggested = recipe(model_name, table) if published is None else finetuning_recipe(tuning.mode, table)
    smoothing = suggested.label_smoothing if label_smoothing is None else label_smoothing
    the_task: Any = infer_task(
        table, name=name, class_weights=class_weights, label_smoothing=smoothing, loss_weights=loss_weights
    )
    if published is None:
        inputs = _with_vectors_of_a_run(inputs or {})
        preparation = _preparation(table, rows, the_task, size, model_name, suggested.inputs, inputs)
    else:
        preparation = _as_published(published, table, size, inputs or {})
    the_task.bind(preparation)
    if adversarial is not None:
        the_task = adversarially(the_task, preparation, adversarial)
    device = device_named(str(settings.get("device", TrainConfig.device)) if config is None else config.device)
    if published is None:
        chosen = {**_fitting_options(model, suggested, preparation), **(model_options or {})}
        network = _network(model, model_name, preparation.input_shape, the_task, seed, chosen)
        _load_embedding(network, preparation.embedding(seed))
    else:
        network = published.network(the_task.num_outputs, input_shape=preparation.input_shape, seed=seed)
    encoded = preparation.encode_table(table)
    network = network.to(device)
    targets = the_task.batch_columns(table)
    # A few examples tell whether the network's outputs are what the loss wants, before anything is trained.
    few = Batching(batch_size=2, limit=2, device=device)
    probe = next(preparation.source(encoded, targets, rows, input_name=the_task.input, batching=few).batches(0))
    check_network(the_task, network, probe)
    head = None
    if published is not None and adversarial is None:
        head = head_to_train(network.eval(), MODELS[model_name].output_layers, probe[the_task.input])
        if head is None and tuning.mode == "head":
            suggested = finetuning_recipe("freeze", table)
    elif tuning.mode == "head":
        raise UsageError("finetune=head sees features and no pictures to attack; use finetune=full or gradual.")
    if config is None:
        if "plan" in settings:
            settings["plan"] = _plan_text(settings["plan"])
        usual = {"momentum": 0.95} if settings.get("optimizer") == "muon" else {}
        config = TrainConfig.from_json({**suggested.settings, **usual, **settings})
    if the_task.updates_itself and (config.clip_norm or config.l1):
        raise UsageError(f"The task {the_task.name!r} makes its updates itself; leave clip_norm and l1 out.")
    center_only = augment == "none"
    if augment is None or isinstance(augment, str):
        if augment is None:
            table.report.notes.extend(note for note in suggested.notes if note not in table.report.notes)
        words = suggested.augmentation if augment is None else augment
        augment = None if words in ("", "none") else Augmentation.parse(words)
    if augment is not None and preparation.kind != "picture":
        raise UsageError(f"Augmentation needs pictures; the data {table.name!r} has none. Leave `augment` out.")
    if augment is not None and augment.flip_horizontal:
        pair = mirroring_of(table, next(column for column in table.inputs if column.kind is Kind.PICTURE)).pair
        if pair is not None:
            table.report.notes.append(Message("reading.flips_asked", one=pair[0], other=pair[1]))
    prepared = Prepared(
        table=table,
        task=the_task,
        model=network,
        model_name=model_name,
        preparation=preparation,
        augmentation=augment,
        config=config,
        given=settings,
        encoded=encoded,
        targets=targets,
        device=device,
        center_only=center_only,
    )
    prepared.sampler()  # refuses what cannot be sampled so, before anything is trained
    return prepared if published is None else _tuned(prepared, tuning, published, head, progress)


def _table(data: Any, target: str | None, task: str | None, options: Mapping[str, Any]) -> Table:
    """The data with the targets that were asked for and a training split."""
    if task == "multitask" and target is not None:
        # Readers make one column of several targets; here each stays what it is.
        names = [name.strip() for name in target.split(",")]
        table = with_targets(data if isinstance(data, Table) else load(data, target=names[0], **options), names)
    else:
        table = data if isinstance(data, Table) else load(data, target=target, **options)
    if "train" not in table.splits:
        raise DataError(f"Table {table.name!r} has no training split; it has: {', '.join(table.splits) or 'none'}.")
    return table


def _tuned(
    prepared: Prepared, tuning: FineTuning, published: PretrainedWeights, head: str | None, progress: Any
) -> Prepared:
    """What goes on from weights: the head on features that are computed now, or more layers after such a head."""
    only_head = tuning.mode == "head" and head is not None
    schedule = None
    if not only_head:
        output_layers = MODELS[prepared.model_name].output_layers
        schedule = schedule_for(tuning, prepared.model, output_layers, prepared.config.epochs)
    tuning = replace(
        tuning,
        weights=published.to_json(),
        unfreezing=schedule,
        extracts=only_head,
        head_first=not only_head and bool(head),
    )
    prepared = replace(prepared, tuning=tuning)
    if head is None:
        return prepared
    features = extract(
        prepared.model,
        head,
        prepared.table,
        prepared.encoded,
        prepared.preparation,
        augmentation=prepared.augmentation if only_head else None,
        seed=prepared.config.seed,
        threads=prepared.config.threads,
        weights_sha256=published.sha256,
        progress=progress,
    )
    on_features = replace(prepared, head=head, features=features, center_only=False)
    if only_head:
        return on_features
    keep = {name: getattr(prepared.config, name) for name in ("seed", "device", "threads", "max_seconds")}
    settings = finetuning_recipe("head", prepared.table).settings
    return replace(prepared, warm_up=replace(on_features, config=TrainConfig.from_json({**settings, **keep})))


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


def _model_name(model: Any, task: type[BaseTask], table: Table) -> str:
    if isinstance(model, str):
        return model
    if model is not None:
        structures = {"Sequential": "sequential", "Graph": "graph"}
        return structures.get(type(model).__name__, type(model).__name__)
    return task.default_model(table)


def _preparation(
    table: Table,
    rows: Rows,
    task: BaseTask,
    size: int | None,
    model_name: str,
    suggested: Mapping[str, Any],
    inputs: Mapping[str, Any],
) -> Preparation:
    """The way from this table to the network; pictures below what a registered network takes become its paper's."""
    kind = task.preparation_kind or _input_kind(table)
    fit = PREPARATIONS[kind].fit
    known = [name for name in inspect.signature(fit).parameters if name not in ("table", "rows", "size", "seed")]
    for name in inputs:
        if name not in known:
            raise UnknownNameError(f"setting of inputs of kind {kind!r}", name, known)
    options = {"size": size} if kind == "picture" and size is not None else {}
    usual = {name: value for name, value in suggested.items() if name in known}
    preparation: Preparation = fit(table, rows, **{**options, **usual, **inputs})
    info = MODELS[model_name] if model_name in MODELS else None  # noqa: SIM401 - the registry is no dict
    if kind != "picture" or size is not None or info is None or info.smallest_input is None:
        return preparation
    own, smallest, native = preparation.input_shape[1:], info.smallest_input[1:], info.native_input[1:]
    if all(side >= least for side, least in zip(own, smallest)):
        return preparation
    enlarged: Preparation = PREPARATIONS[kind].fit(table, rows, size=native)
    sentence = translate("prepare.enlarged", model=model_name, own=_by(own), smallest=_by(smallest), native=_by(native))
    warnings.warn(sentence, DerinWarning, stacklevel=3)
    return enlarged


def _input_kind(table: Table) -> str:
    """The preparation that the input columns ask for."""
    kinds = {column.kind for column in table.inputs}
    if Kind.PICTURE in kinds:
        return "picture"
    return "text" if kinds == {Kind.TEXT} and len(table.inputs) == 1 else "features"


def _by(sides: Sequence[int]) -> str:
    return " × ".join(map(str, sides))


def _as_published(published: PretrainedWeights, table: Table, size: int | None, inputs: Mapping[str, Any]) -> Any:
    """The preparation that the weights were trained with, of the pictures of a table."""
    from derin.data.pictures.preparation import PicturePreparation, pixel_values, rule_of

    for name in inputs:
        if name != "fit":
            raise UnknownNameError("setting of inputs of pictures with weights", name, ["fit"])

    found = [column for column in table.inputs if column.kind is Kind.PICTURE]
    if len(found) != 1:
        raise UsageError(
            f"The weights {published.source} read pictures; the data {table.name!r} has "
            f"{'none' if not found else f'{len(found)} columns of them'}. Leave `weights` out, or give such data."
        )
    preparation: Any = PicturePreparation(
        column=found[0].name,
        size=published.size if size is None else (size, size),
        channels=published.channels,
        mean=published.mean,
        std=published.std,
        rule=rule_of(inputs["fit"]) if "fit" in inputs else published.rule,
        values=pixel_values(table),
    )
    return preparation


def _fitting_options(model: Any, suggested: Recipe, preparation: Preparation) -> Mapping[str, Any]:
    """The options of the recipe and of the inputs, for a network that is built by its name."""
    return (
        {**suggested.model_options, **preparation.network_options()} if model is None or isinstance(model, str) else {}
    )


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


def _with_vectors_of_a_run(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of inputs with the vectors themselves where a run was named that learnt them."""
    path = inputs.get("vectors")
    if not isinstance(path, str | Path) or not Path(path).is_dir():
        return inputs
    return {**inputs, "vectors": open_word_vectors(path)}


def _load_embedding(network: nn.Module, values: np.ndarray | None) -> None:
    """Begins with word vectors that were trained before."""
    import torch

    if values is None:
        return
    if not hasattr(network, "load_embedding"):
        raise UsageError(f"{type(network).__name__} has no embedding of words to begin with; leave `vectors` out.")
    network.load_embedding(torch.from_numpy(values))  # type: ignore[operator]


def device_named(name: str) -> torch.device:
    """The device that was asked for, checked; ``auto`` takes an accelerator where there is one."""
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
        if device.type == "meta":
            raise RuntimeError("it holds no numbers.")
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"The device {name!r} cannot be used here: {reason} Use --device cpu or auto.") from error
    return device
