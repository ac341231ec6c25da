"""Joins data, task, network and settings: everything that stands before the first training step."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.api.arguments import REQUESTED, Request, request_of
from derin.api.extraction import extract, head_to_train
from derin.api.finetuning import FineTuning, choose_mode, read_mode, schedule_for
from derin.api.load import load
from derin.api.prepared import Prepared
from derin.api.pretrained import PretrainedWeights, begin_system, load_pretrained
from derin.api.vectors import open_word_vectors
from derin.core.errors import DataError, DerinWarning, UnknownNameError, UsageError
from derin.core.messages import Message, translate
from derin.data.batch import Batch
from derin.data.own import Form, OwnData, OwnPreparation, has_places, input_names, own_data
from derin.data.preparation import PREPARATIONS, Batching, Preparation
from derin.data.recipe import ReadingRecipe
from derin.data.schema import Kind
from derin.data.table import Rows, Table
from derin.models.registry import MODELS
from derin.models.signature import bind_inputs
from derin.readers.shards import is_pattern
from derin.readers.stream import Stream
from derin.tasks.adversarial_training import adversarially
from derin.tasks.base import BaseTask
from derin.tasks.inference import infer_task, inferred_name
from derin.tasks.multitask import with_targets
from derin.tasks.own import OwnTask
from derin.tasks.own_functions import with_own_functions
from derin.tasks.precision import check_network
from derin.tasks.recipes import Recipe, finetuning_recipe, recipe
from derin.tasks.recipes.mirroring import mirroring_of
from derin.tasks.registry import TASKS
from derin.tasks.supervised import SupervisedTask
from derin.tasks.system import SystemTask
from derin.train.config import TrainConfig

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    from derin.data.augment import Augmentation


_LONGEST_PLAN = 255  # bytes of a name; no plan in words is as long


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
    asked, settings = request_of(options)
    own = own_data(data, asked.target, keeps_arrays=asked.loss is not None and _is_ones_own(asked.model))
    if own is not None:
        return _prepare_own(own, asked, config, settings)
    reading = {"recipe": reading_recipe, "download": download, "progress": progress or None}
    tuning = FineTuning() if _trains_system(asked) else read_mode(asked.finetune, has_weights=asked.weights is not None)
    published = _published(asked, download, progress or None)
    start = TrainConfig.from_json(settings) if config is None else config
    stream = _stream(data, asked)
    if stream is not None:
        data = stream.head(start.seed)
    table = _read_table(data, asked, published, {**reading, "seed": start.seed})
    tuning = tuning or choose_mode(len(table.splits["train"]))
    name = asked.task if asked.task is not None else inferred_name(table)
    model_name = _model_name(asked.model, TASKS[name], table) if published is None else published.model
    suggested = recipe(model_name, table) if published is None else finetuning_recipe(tuning.mode, table)
    task, preparation = _task_and_preparation(asked, table, name, model_name, suggested, published)
    device = device_named(start.device)
    network = _built(asked, model_name, task, preparation, suggested, published, start.seed)
    if asked.weights is not None and published is None:
        tuning = FineTuning(mode="full", weights=begin_system(network, str(asked.weights)))
    network = network.to(device)
    encoded, targets = preparation.encode_table(table), task.batch_columns(table)
    # A few examples tell whether the network's outputs are what the loss wants, before anything is trained.
    few = Batching(batch_size=2, limit=2, device=device)
    rows = table.splits["train"]
    probe = next(preparation.source(encoded, targets, rows, input_name=task.input, batching=few).batches(0))
    check_network(task, network, probe)
    head = None
    if published is not None and asked.adversarial is None:
        head = head_to_train(network.eval(), MODELS[model_name].output_layers, probe[task.input])
        if head is None and tuning.mode == "head":
            suggested = finetuning_recipe("freeze", table)
    elif tuning.mode == "head":
        raise UsageError("finetune=head sees features and no pictures to attack; use finetune=full or gradual.")
    prepared = Prepared(
        table=table,
        task=task,
        model=network,
        model_name=model_name,
        preparation=preparation,
        augmentation=_augmentation(asked.augment, suggested, table, preparation),
        config=_config(config, settings, suggested, task, network),
        given=settings,
        encoded=encoded,
        targets=targets,
        device=device,
        functions={"loss": asked.loss, "metrics": asked.metrics},
        center_only=asked.augment == "none",
        stream=stream,
        tuning=tuning if published is None else FineTuning(),
    )
    _check_epochs(prepared)
    prepared.sampler()  # refuses what cannot be sampled so, before anything is trained
    return prepared if published is None else _tuned(prepared, tuning, published, head, reading["progress"])


def _stream(data: Any, asked: Request) -> Stream | None:
    """The data as a stream where it is one, or a pattern of shards; refuses what needs all of the data at once."""
    if isinstance(data, str) and is_pattern(data):
        data = Stream(data, target=asked.target, size=asked.size or 64)
    if not isinstance(data, Stream):
        return None
    if asked.weights is not None:
        raise UsageError("weights to go on from are not taken with a stream; leave `weights` out, or give a table.")
    if asked.task is not None and not issubclass(TASKS[asked.task], SupervisedTask):
        raise UsageError(f"The task {asked.task!r} reads its data whole; give files that are no stream ({data.name}).")
    return data


def _check_epochs(prepared: Prepared) -> None:
    """Refuses an epoch that has no length, or two."""
    config = prepared.config
    if (prepared.stream is None) != (config.steps_per_epoch == 0):
        raise UsageError(
            "steps_per_epoch says how many batches of a stream are called an epoch; a stream needs it, and other data "
            f"has an end and takes none; got steps_per_epoch={config.steps_per_epoch}."
        )
    if prepared.stream is not None and config.sampler != "uniform":
        raise UsageError(f"A stream has an order of its own; leave sampler={config.sampler} out.")


# What can be asked for beside data of one's own form, whose owner decides the rest.
_FOR_OWN_DATA = ("target", "model", "loss", "metrics", "loss_weights")


def _is_ones_own(model: Any) -> bool:
    """Whether a network is neither registered nor made of Derin's parts."""
    from torch import nn

    return isinstance(model, nn.Module) and getattr(model, "spec", None) is None


def _prepare_own(own: OwnData, asked: Request, config: TrainConfig | None, settings: dict[str, Any]) -> Prepared:
    """A network on data of one's own, which stays as it is."""
    from torch import nn

    from derin.models.sequential import Sequential

    for each in REQUESTED:
        if getattr(asked, each.name) is not None and each.name not in _FOR_OWN_DATA:
            raise UsageError(f"Data of your own form stays as it is; leave {each.name} out.")
    if asked.loss is None or not isinstance(asked.model, nn.Module):
        lacking = "a loss (loss=…)" if asked.loss is None else "a network of your own (model=…)"
        raise UsageError(f"Data of your own form needs {lacking}, such as torch.nn.CrossEntropyLoss() for classes.")
    start = TrainConfig.from_json(settings) if config is None else config
    table, device = own.table(start.seed), device_named(start.device)
    if "train" not in table.splits:
        raise DataError(f"There must be examples to train on, under 'train'; got {', '.join(own.parts)}.")
    sizes, rows = own.parts[next(iter(own.parts))], table.splits["train"]
    if sizes.has_batches:
        if "batch_size" in settings:
            raise UsageError("The data comes in batches already; leave batch_size out.")
        settings["batch_size"] = sizes.source(rows, Form(own.target), Batching(batch_size=1)).batch_size
    few = Batching(batch_size=2, limit=2, device=device)
    first = next(sizes.source(rows, Form(own.target), few).batches(0))
    given = input_names(first.columns)
    network = asked.model
    if isinstance(network, Sequential):
        network.bind(tuple(first[given[0]].shape[1:]), seed=start.seed)
    network = network.to(device)
    arguments = bind_inputs(network, given, named=not has_places(given))
    probe = Batch(Form(own.target, arguments.names).named(first.columns), first.rows)
    preparation = OwnPreparation.of(probe, arguments.names, own.target)
    task = OwnTask(preparation.names, asked.loss, asked.metrics, asked.loss_weights, by_name=arguments.by_name)
    task.arrange(network, task.columns)
    check_network(task, network, probe)
    return Prepared(
        table=table,
        task=task,
        model=network,
        model_name=_model_name(network, OwnTask, table),
        preparation=preparation,
        augmentation=None,
        config=_config(config, settings, Recipe(), task, network),
        given=settings,
        encoded=own,
        targets={},
        device=device,
        functions={"loss": asked.loss, "metrics": asked.metrics},
    )


def _trains_system(asked: Request) -> bool:
    """Whether several networks are trained, which all learn, whatever weights they begin with."""
    return asked.task is not None and issubclass(TASKS[asked.task], SystemTask)


def _published(asked: Request, download: bool, progress: Any) -> PretrainedWeights | None:
    """The weights to go on from, where any are named; a system is built first and begins with its own."""
    if asked.weights is None:
        return None
    if _trains_system(asked):
        if asked.finetune not in (None, "full"):
            raise UsageError(f"All networks of a system learn; leave finetune={asked.finetune} out.")
        return None
    if asked.model_options:
        raise UsageError("model_options come with the weights; leave one of the two out.")
    return load_pretrained(
        asked.weights, model=asked.model, preprocess=asked.preprocess, download=download, progress=progress
    )


def _read_table(data: Any, asked: Request, published: PretrainedWeights | None, reading: Mapping[str, Any]) -> Table:
    """The data with the targets that were asked for and a training split."""
    names = ("weight_column", "group_column", "target_kind", "kinds", "date_order", "missing", "task", "reader_options")
    options = {name: getattr(asked, name) for name in names}
    options |= {**reading, "ignore": tuple(asked.ignore or ()), "size": asked.size}
    if published is not None:
        options |= {"size": asked.size or max(published.size), "channels": published.channels}
    return _table(data, asked.target, asked.task, options)


def _task_and_preparation(
    asked: Request,
    table: Table,
    name: str,
    model_name: str,
    suggested: Recipe,
    published: PretrainedWeights | None,
) -> tuple[Any, Preparation]:
    """What is learnt, and the way from the table to the network, which know of each other."""
    smoothing = suggested.label_smoothing if asked.label_smoothing is None else asked.label_smoothing
    named = {"class_weights": asked.class_weights, "label_smoothing": smoothing, "loss_weights": asked.loss_weights}
    task: Any = infer_task(table, name=name, **{**named, **(asked.task_options or {})})
    if published is None:
        inputs = _with_vectors_of_a_run(asked.inputs or {})
        rows = table.splits["train"]
        preparation = _preparation(table, rows, task, asked.size, model_name, suggested.inputs, inputs)
    else:
        preparation = _as_published(published, table, asked.size, asked.inputs or {})
    task.bind(preparation)
    task = with_own_functions(task, asked.loss, asked.metrics)
    if asked.adversarial is not None and isinstance(task, SystemTask):
        raise UsageError(f"The task {task.name!r} has no answers to attack; leave adversarial out.")
    return task if asked.adversarial is None else adversarially(task, preparation, asked.adversarial), preparation


def _built(
    asked: Request,
    model_name: str,
    task: Any,
    preparation: Preparation,
    suggested: Recipe,
    published: PretrainedWeights | None,
    seed: int,
) -> nn.Module:
    """The network, with what it begins with."""
    if published is not None:
        return published.network(task.num_outputs, input_shape=preparation.input_shape, seed=seed)
    options = {**_fitting_options(asked.model, suggested, preparation), **(asked.model_options or {})}
    network = _network(asked.model, model_name, preparation.input_shape, task, seed, options)
    _load_embedding(network, preparation.embedding(seed))
    return network


def _config(
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


def _rates_of_its_own(optimizer: Any, settings: Mapping[str, Any], network: nn.Module) -> dict[str, Any]:
    """What an optimizer of the caller's own decides: its rate, and that it stays where no schedule is asked for."""
    from derin.train.optimizers import build_optimizer

    for name in ("learning_rate", "weight_decay", "momentum"):
        if name in settings:
            raise UsageError(f"An optimizer of your own has its {name} in it; leave {name} out.")
    rate = max(group["lr"] for group in build_optimizer(optimizer, network, learning_rate=0.0).param_groups)
    return {"learning_rate": rate, "schedule": "constant", "warmup": 0.0, "weight_decay": 0.0, "momentum": 0.0}


def _augmentation(
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
    if not preparation.reads_pictures:
        raise UsageError(f"Augmentation needs pictures; the data {table.name!r} has none. Leave `augment` out.")
    if augmentation.flip_horizontal:
        pair = mirroring_of(table, next(column for column in table.inputs if column.kind is Kind.PICTURE)).pair
        if pair is not None:
            table.report.notes.append(Message("reading.flips_asked", one=pair[0], other=pair[1]))
    return augmentation


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
        structures = {"Sequential": "sequential", "Graph": "graph", "System": "system"}
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
    form = PREPARATIONS[task.preparation_kind]
    kind, known = form.kind_for(table), form.settings(table)
    for name in inputs:
        if name not in known:
            raise UnknownNameError(f"setting of inputs of kind {kind!r}", name, known)
    options = {"size": size} if kind == "picture" and size is not None else {}
    usual = {name: value for name, value in suggested.items() if name in known}
    preparation: Preparation = form.fit(table, rows, **{**options, **usual, **inputs})
    info = MODELS[model_name] if model_name in MODELS else None  # noqa: SIM401 - the registry is no dict
    if kind != "picture" or size is not None or info is None or info.smallest_input is None:
        return preparation
    own, smallest, native = preparation.input_shape[1:], info.smallest_input[1:], info.native_input[1:]
    if all(side >= least for side, least in zip(own, smallest)):
        return preparation
    enlarged: Preparation = form.fit(table, rows, size=native)
    sentence = translate("prepare.enlarged", model=model_name, own=_by(own), smallest=_by(smallest), native=_by(native))
    warnings.warn(sentence, DerinWarning, stacklevel=3)
    return enlarged


def _by(sides: Sequence[int]) -> str:
    return " × ".join(map(str, sides))


def _as_published(
    published: PretrainedWeights, table: Table, size: int | None, inputs: Mapping[str, Any]
) -> Preparation:
    """The preparation that the weights were trained with, of the pictures of a table."""
    from derin.data.columns import INPUT, ColumnsPreparation
    from derin.data.pictures.codec import PictureCodec, pixel_values, rule_of

    for name in inputs:
        if name != "fit":
            raise UnknownNameError("setting of inputs of pictures with weights", name, ["fit"])

    found = [column for column in table.inputs if column.kind is Kind.PICTURE]
    if len(found) != 1:
        raise UsageError(
            f"The weights {published.source} read pictures; the data {table.name!r} has "
            f"{'none' if not found else f'{len(found)} columns of them'}. Leave `weights` out, or give such data."
        )
    codec = PictureCodec(
        column=found[0].name,
        size=published.size if size is None else (size, size),
        channels=published.channels,
        mean=published.mean,
        std=published.std,
        rule=rule_of(inputs["fit"]) if "fit" in inputs else published.rule,
        values=pixel_values(table),
    )
    return ColumnsPreparation({INPUT: codec})


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
