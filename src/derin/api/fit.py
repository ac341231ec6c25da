"""From data to a trained, saved, measured network in one call."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.api.announcement import listeners
from derin.api.arguments import REQUESTED, TRAINING, named_arguments
from derin.api.bundles import load_model, model_entry, save_model
from derin.api.evaluation import WITHOUT_EXAMPLES
from derin.api.prepare import prepare
from derin.api.prepared import Prepared
from derin.api.results import measure, num_measured
from derin.api.resuming import NOT_RECORDED, continued, plain, require_same_content, require_same_data, source_name
from derin.api.run import Run
from derin.core.environment import differences, environment
from derin.core.errors import DerinWarning, UsageError
from derin.core.fields import misfits_told
from derin.core.files import usable_path
from derin.core.former_names import takes_former_names
from derin.core.messages import translate
from derin.core.run import RunFolder
from derin.core.thread_modes import training_modes
from derin.core.threads import using_threads
from derin.data.known_rows import KNOWN_ROWS, pack, row_hashes
from derin.data.report import MAX_RECORDED, sentences
from derin.data.table import Table
from derin.readers.shards import is_pattern
from derin.tasks.adversarial_training import attack_of
from derin.tasks.own_functions import with_own_functions
from derin.train.budget import TimeBudget
from derin.train.callback import Callback
from derin.train.config import TrainConfig, spelled_out
from derin.train.freezing import Unfreezing
from derin.train.plan import Plan

if TYPE_CHECKING:
    import torch

    from derin.data.augment import Augmentation
    from derin.readers.targets import TargetKind
    from derin.train.loop import TrainingState
    from derin.train.optimizers.configs import OptimizerConfig
    from derin.train.schedules import Curve

__all__ = ["fit", "prepare"]

_FORMAT = 1
# Of a limited time that is left, the most that a head takes which is trained before the layers beneath it.
_SHARE_OF_THE_HEAD = 0.25


@takes_former_names
@named_arguments
def fit(
    data: Any = None,
    *,
    model: Any = None,
    task: str | None = None,
    loss: Callable[..., Any] | Mapping[str, Callable[..., Any]] | None = None,
    metrics: Mapping[str, Any] | None = None,
    optimizer: str | OptimizerConfig | Callable[..., torch.optim.Optimizer] | None = None,
    schedule: str | Curve | Callable[[float], float] | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    weight_decay: float | None = None,
    momentum: float | None = None,
    warmup: float | None = None,
    l1: float | None = None,
    clip_norm: float | None = None,
    accumulate: int | None = None,
    ema_decay: float | None = None,
    patience: int | None = None,
    sampler: str | None = None,
    steps_per_epoch: int | None = None,
    seed: int | None = None,
    plan: str | Path | Plan | None = None,
    device: str | None = None,
    threads: int | None = None,
    max_seconds: float | None = None,
    save_every_seconds: float | None = None,
    networks: str | None = None,
    histograms: bool | None = None,
    target: str | None = None,
    weight_column: str | None = None,
    group_column: str | None = None,
    ignore: Sequence[str] | None = None,
    target_kind: TargetKind | None = None,
    kinds: Mapping[str, str] | None = None,
    date_order: str | None = None,
    missing: Sequence[str] | None = None,
    size: int | None = None,
    augment: str | Augmentation | None = None,
    reader_options: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    model_options: Mapping[str, Any] | None = None,
    weights: str | Path | None = None,
    finetune: str | None = None,
    preprocess: str | None = None,
    class_weights: str | Sequence[float] | None = None,
    loss_weights: Mapping[str, float] | None = None,
    label_smoothing: float | None = None,
    task_options: Mapping[str, Any] | None = None,
    adversarial: str | float | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    extend: bool = False,
    callbacks: Sequence[Callback] = (),
    calibrate: bool = False,
    download: bool = False,
    report: bool = True,
    report_pictures: bool = True,
    command: str | None = None,
    progress: Any = None,
    quiet: bool = False,
    compare: bool = True,
) -> Run:
    """Trains a network on data, keeps the best state, measures it once on the test split and writes a report.

    Whatever is None is found out: the task from the target, the network from the inputs, the settings from both.

    Args:
        data: whatever `derin.load` takes; None goes on with the data of the run that is resumed.
        model: a registered name, a network, an unbound `Sequential`; None chooses by the data.
        task: a registered task; None infers it from the target.
        loss: ``(outputs, targets) -> mean``, or ``(outputs, targets, weights)`` where examples are weighted, in place
            of the task's own loss; or ``{output: function}`` for a network that gives outputs by name, whose losses
            are added. It is kept by its name, and given again to resume.
        metrics: ``{name: (outputs, targets) -> number}``, means over a batch that are averaged over the examples; or
            classes whose objects have ``update(outputs, targets)`` and ``compute()``; ``{output: {name: …}}`` for
            outputs by name.
        optimizer: a name (``"adam:eps=1e-7"``), a config of `derin.optimizers`, or a function that makes a torch
            optimizer of a list of parameters, whose own rate then counts, by default without a schedule.
        schedule: a name (``"step:every=10"``), a config of `derin.schedules`, or a function from the share of training
            that is done, 0 to 1, to a factor on the rate.
        epochs, batch_size, learning_rate, weight_decay, momentum, warmup, l1, clip_norm, accumulate, ema_decay,
            patience, sampler, steps_per_epoch, seed, plan, device,
            threads, max_seconds, save_every_seconds, networks,
                histograms: see
            `derin.TrainConfig`.
        target: the column to predict, or several with commas between them.
        weight_column: the column that says how much each example counts.
        group_column: the column whose equal values stay in one split.
        ignore: columns that are no inputs.
        target_kind: ``"category"`` or ``"number"``, where that is found out wrongly.
        kinds, date_order, missing: how columns of a table are read; see `derin.load`.
        size: height and width to which pictures are brought.
        augment: such as ``"flip,rotate=10"``, or a `derin.Augmentation`; ``"none"`` for none.
        reader_options: settings of the reader of a task, such as ``{"encoding": "cp1254"}``; see `derin.load`.
        inputs: settings of the way from data to network: ``{"tokenizer": "bpe"}`` for text, ``{"horizon": 24}`` for a
            series; each preparation names its own.
        model_options: settings of a registered model, such as ``{"hidden": [512]}``.
        weights: weights to go on from: a file, a known name, ``"hub:REPO"``, a run or a bundle, or one network of a
            system in such, ``"RUN:generator"``. Size and normalization of pictures follow them, except where a system
            begins with them.
        finetune: ``"head"``, ``"full"``, ``"freeze:N"`` or ``"gradual"``; None chooses by the number of examples.
        preprocess: how pictures were prepared for `weights` that are not known.
        class_weights: ``"balanced"`` or one number per class.
        loss_weights: of each target column or output, for several: ``{"kind": 2.0}``.
        label_smoothing: share of the target that is spread over all classes.
        task_options: other settings of the task, such as ``{"label_noise": 0.05}``; each task names its own.
        adversarial: ε of adversarial training, such as ``"4/255"``; see `derin.tasks.adversarial_training`.
        out: the run's folder; None takes the next free one under ``runs/``.
        resume: go on with the run at `out` from its saved state, or start it if nothing is saved yet.
        extend: with `resume`: whether epochs, max_seconds and patience may be larger than those of the run, also of a
            finished one, which is then trained on from its last state; the schedule is that of the larger budget.
        callbacks: are told of starts, steps, epochs and the end; see `derin.Callback`.
        calibrate: fit a temperature on the validation split, so that probabilities mean what they say.
        download: whether a named set, or known weights, may be fetched.
        report: whether to write report.html.
        report_pictures: whether the report embeds pictures (texts, rows) of the data and the run's folder keeps them.
        command: the command line, for the report.
        progress: called with (done, total) while pictures are read or files fetched; None or False tells nobody.
        quiet: whether nothing is told in a terminal or notebook; elsewhere nothing is in any case.
        compare: whether simpler methods are measured beside the network, and whatever else a task finds out at the end.

    Returns:
        the run, with ``metrics``, ``history``, ``diagnosis`` and ``model()``.

    Raises:
        UsageError: an argument that does not exist, or does not fit.
        DataError: data that cannot be trained on.

    Example:
        >>> import derin, tempfile
        >>> folder = tempfile.mkdtemp()
        >>> run = derin.fit("iris", epochs=40, out=folder + "/iris")
        >>> run.metrics["test"]["accuracy"] > 0.8
        True
        >>> derin.open(run.path).predict([5.1, 3.5, 1.4, 0.2]).label
        'setosa'
    """
    asked = {each.name for each in (*REQUESTED, *TRAINING)} | set(NOT_RECORDED)
    options = {name: value for name, value in locals().items() if name in asked and value is not None}
    options = spelled_out({name: value for name, value in options.items() if value is not False}, overrides=False)
    _refuse_several_processes()
    started = time.perf_counter()
    callbacks = [*([] if quiet else listeners()), *callbacks]
    folder = _open_or_create(data, out, resume)
    if data is None and not options and folder.has_record() and folder.record().get("finished"):
        return Run(folder.path)  # without the lock: nothing is written, perhaps nothing can be

    with folder.lock(), training_modes():
        record = _found(folder, resume)
        if record:
            with misfits_told(f"The record of run {folder.path}"):
                data_of_run, options = continued(data, options, record, folder.path, extend=extend)
            calibrate = _calibrates(record, calibrate, folder.path)
        else:
            data_of_run = data
        if not record.get("finished"):
            prepared = prepare(data_of_run, **options)
            if calibrate and not hasattr(prepared.task, "temperature"):
                raise UsageError(f"calibrate fits probabilities; the task {prepared.task.name!r} has none to fit.")
            begun = _begin(folder, record, prepared, data_of_run, options, command)
            begun["request"]["calibrate"] = calibrate
            with misfits_told(f"The record of run {folder.path}"):
                config = TrainConfig.from_json(begun["config"])
            budget = TimeBudget(config.max_seconds, started=started)
            with using_threads(config.threads):
                _train_and_measure(
                    folder,
                    begun,
                    config,
                    prepared,
                    callbacks,
                    resume=resume,
                    calibrate=calibrate,
                    compare=compare,
                    keeps_pictures=report_pictures,
                    budget=budget,
                )
        elif data is not None:
            require_same_content(folder.path, record, data_of_run)
    if report and folder.record().get("finished"):
        from derin.report.page import write_report

        write_report(folder.path, pictures=report_pictures)
    return Run(folder.path)


def _refuse_several_processes() -> None:
    """That this process is none of several that torchrun started, each of which would train alone."""
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise UsageError(
            f"torchrun started {os.environ['WORLD_SIZE']} processes; Derin trains in one. Start it without torchrun."
        )


def _open_or_create(data: Any, out: str | Path | None, resume: bool) -> RunFolder:
    """The run's folder; what lies in it is found out under its lock."""
    if resume:
        if out is None:
            raise UsageError("To resume, name the run: --out RUN (out=... in Python).")
        if (usable_path(out, "The run") / "run.json").exists():
            return RunFolder.open(Path(out))
    if data is None:
        raise UsageError(f"There is no run at {out} to take the data from; name the data to train on.")
    name = source_name(data) or getattr(data, "name", None) or "run"
    place = Path(name).parent if is_pattern(name) else Path(name)
    return RunFolder.create(None if out is None else Path(out), name=place.stem or "run")


def _found(folder: RunFolder, resume: bool) -> dict[str, Any]:
    """What is recorded of the run, which is nothing for a new one; another process may have been here meanwhile."""
    if resume and folder.has_record():
        return folder.record()
    folder.check_is_free()
    return {}


def _calibrates(record: Mapping[str, Any], asked: bool, path: Path) -> bool:
    """Whether a run that goes on calibrates: as it was started; runs of before do not tell, and the caller decides."""
    recorded = record["request"].get("calibrate", asked)
    if asked and not recorded:
        raise UsageError(f"The run {path} was started without calibrate; leave it out to resume, or start a new run.")
    return bool(recorded)


def _begin(
    folder: RunFolder,
    record: dict[str, Any],
    prepared: Prepared,
    data: Any,
    options: Mapping[str, Any],
    command: str | None,
) -> dict[str, Any]:
    """Writes down what is about to be done; for a resumed run checks that nothing else changed."""
    import torch

    if record:
        with misfits_told(f"The record of run {folder.path}"):
            require_same_data(folder.path, record["data"], prepared.table)
            differing = differences(record["environment"], environment(str(prepared.device)))
        if prepared.tuning.weights != record.get("finetune", {}).get("weights", {}):
            raise UsageError(f"The run {folder.path} was started from other weights; give those, or start a new run.")
        for sentence in differing:
            warnings.warn(sentence, DerinWarning, stacklevel=2)
        return record
    summary = prepared.summary()
    config = replace(prepared.config, threads=prepared.config.threads or torch.get_num_threads())
    table = prepared.table
    record = {
        "format": _FORMAT,
        "name": folder.path.name,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "finished": False,
        "command": command,
        "request": {
            "data": source_name(data),
            "options": {k: plain(v) for k, v in options.items() if v is not None and k not in NOT_RECORDED},
        },
        "model": {
            "name": prepared.model_name,
            "spec": model_entry(prepared.model),
            "parameters": summary.parameters,
            "multiply_adds": summary.multiply_adds,
            "layers": [row.to_json() for row in summary.layers],
        },
        "task": {
            **prepared.task.to_json(),
            "headline": prepared.task.monitor,
            "maximize": prepared.task.maximize,
        },
        "data": {
            "name": table.name,
            "source": source_name(data),
            "recipe": None if table.recipe is None else table.recipe.to_json(),
            "fingerprint": table.fingerprint(),
            "cut": table.splits_fingerprint(),
            "schema": table.schema.to_json(),
            "splits": {split: len(rows) for split, rows in table.splits.items()},
            "reading": table.report.to_json(MAX_RECORDED),
            "sentences": sentences(table.report, table.schema, MAX_RECORDED),
        },
        "config": config.to_json(),
        "preparation": prepared.preparation.to_json(),
        "augmentation": None if prepared.augmentation is None else str(prepared.augmentation),
        "finetune": prepared.tuning.to_json(),
        **attack_of(prepared.task),
        "environment": environment(str(prepared.device)),
    }
    return record


def _known_rows(table: Table) -> dict[str, bytes]:
    """The file of a bundle by which the training examples are known again."""
    if table.task in WITHOUT_EXAMPLES:
        return {}
    return {KNOWN_ROWS: pack(row_hashes(table, table.splits["train"]))}


def _train_and_measure(
    folder: RunFolder,
    record: dict[str, Any],
    config: TrainConfig,
    prepared: Prepared,
    callbacks: Sequence[Callback],
    *,
    resume: bool,
    calibrate: bool,
    compare: bool,
    keeps_pictures: bool,
    budget: TimeBudget,
) -> None:
    from derin.train.loop import train

    facts = {"data": record["data"] | {"reading": None}, "training": record["config"]}
    if "adversarial" in record:
        facts["adversarial"] = record["adversarial"]
    tuning = record.get("finetune", {})
    if tuning.get("weights"):
        facts["finetuned_from"] = tuning["weights"]

    def on_plan(loop: TrainingState) -> None:
        record["plan"] = {
            "chosen": loop.plan.to_json(),
            "table": [t.to_json() for t in loop.trials] or _trials(record),
            "prefetch": bool(getattr(loop.source, "prefetches", False)),
        }
        folder.write_record(record)

    files = _known_rows(prepared.table)

    def on_best(loop: TrainingState, epoch: dict[str, Any]) -> None:
        about = facts | {"metrics": {split: epoch[split] for split in ("train", "val") if split in epoch}}
        save_model(folder.model_path, prepared.model, prepared.task, prepared.preparation, about, files)

    if prepared.warm_up is not None:
        _warm_up(prepared.warm_up, budget.part(_SHARE_OF_THE_HEAD))
        callbacks = [_Beginning(on_best), *callbacks]
    with misfits_told(f"The record of run {folder.path}"):
        # Functions of the caller's own are recorded by name.
        given = {name: getattr(prepared.config, name) for name in ("optimizer", "schedule")}
        config = replace(config, **{name: value for name, value in given.items() if callable(value)})
        plan = Plan.from_json(record["plan"]["chosen"]) if "plan" in record else None
        # As the record has it, so that a resumed run unfreezes in the epochs that were settled at its start.
        unfreezing = Unfreezing.from_json(tuning["groups"]) if tuning.get("groups") else None
    loop = train(
        prepared.learner(prepared.model),
        prepared.task,
        prepared.train_source,
        config,
        validation=prepared.val_source,
        train_sample=prepared.train_sample,
        run=folder,
        plan=plan,
        unfreezing=unfreezing,
        callbacks=callbacks,
        on_plan=on_plan,
        on_best=on_best,
        resume=resume,
        budget=budget,
        sample=prepared.split_source,
        num_after=num_measured(prepared) if budget.is_limited else 0,
    )
    record |= {"epochs": loop.epoch, "steps": loop.step, "seconds": loop.seconds, "stopped": loop.stopped}
    if prepared.stream is not None and prepared.stream.damaged:
        damaged = dict(islice(prepared.stream.damaged.items(), MAX_RECORDED))
        record["data"]["damaged"] = {"count": len(prepared.stream.damaged), "rows": damaged}
        name, reason = next(iter(damaged.items()))
        sentence = translate("fit.stream_damaged", count=len(prepared.stream.damaged), name=name, reason=reason)
        warnings.warn(sentence, DerinWarning, stacklevel=2)
    if loop.stopped == "interrupted":
        folder.write_record(record)
        return
    own = prepared.model if record["model"]["spec"].get("name") is None else None
    network, task, preparation, _ = load_model(folder.model_path, own)
    task = with_own_functions(task, **prepared.functions) if prepared.functions else task
    network.to(prepared.device)
    # Epoch 0 is the network before the first one, where something came before the loop.
    best_epoch = loop.epoch if loop.tracker.best_epoch is None else loop.tracker.best_epoch
    best = {} if task.monitor is None else {"best_epoch": best_epoch}
    learner = prepared.learner(network)
    # Interrupted from here on, the run is resumed with its last state, which needs no more training.
    measured = measure(
        learner,
        task,
        prepared,
        folder.path,
        calibrate_on="val" if calibrate else None,
        keeps_pictures=keeps_pictures,
        budget=budget,
    )
    # Before the last bundle: a task may learn here what its answers need, such as the width of an interval.
    learner.eval()
    if compare and budget.is_limited and not preparation.reads_pictures:
        key = "fit.findings_follow" if budget.left > 0 else "fit.no_time_for_findings"
        warnings.warn(translate(key, seconds=budget.seconds), DerinWarning, stacklevel=2)
    task.analysis_seconds, task.keeps_pictures = budget.left, keeps_pictures
    measured["findings"] = (
        task.final_analysis(learner, preparation, prepared.table, prepared.split_source, folder.path)
        if compare and budget.left > 0
        else {}
    )
    save_model(folder.model_path, network, task, preparation, facts | {"metrics": measured["metrics"]}, files)
    folder.write_record(record | measured | best | {"finished": True})


class _Beginning(Callback):
    """Measures and keeps the network as it is before the first epoch, so that more training can only improve on it."""

    def __init__(self, on_best: Callable[[Any, dict[str, Any]], None]) -> None:
        self._on_best = on_best

    def on_start(self, loop: Any) -> None:
        if loop.step or loop.validation is None:
            return
        values = loop.measure("val", loop.measuring_seconds(0.0))
        if loop.tracker.update(values[loop.task.monitor], 0, values["loss"]):
            self._on_best(loop, {"val": values})


def _warm_up(first: Prepared, budget: TimeBudget) -> None:
    """Trains the head on features, so that a fresh one does not pull at what the other layers know.

    It leaves nothing on disk: a resumed run does it again, bit for bit, before its state is restored.

    Source: A. Kumar et al., "Fine-tuning can distort pretrained features and underperform out-of-distribution", ICLR
        2022, arXiv:2202.10054.
    """
    from derin.train.loop import train

    head = first.learner(first.model)
    best: dict[str, Any] = {}

    def keep(loop: TrainingState, record: dict[str, Any]) -> None:
        best.update({name: value.clone() for name, value in head.state_dict().items()})

    config = replace(first.config, plan="plain")
    warmed = train(
        head,
        first.task,
        first.train_source,
        config,
        validation=first.val_source,
        on_best=keep,
        budget=budget,
        sample=first.split_source,
    )
    if warmed.interrupted:
        raise KeyboardInterrupt
    head.load_state_dict(best)


def _trials(record: Mapping[str, Any]) -> list[Any]:
    """The timings of the process that started the run."""
    table: list[Any] = record.get("plan", {}).get("table", [])
    return table
