"""From data to a trained, saved, measured network in one call."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.api.announcement import listeners
from derin.api.arguments import REQUESTED, TRAINING, named_arguments
from derin.api.prepare import prepare
from derin.api.resuming import NOT_RECORDED, continued, require_same_content, source_name
from derin.api.run import Run
from derin.api.run_record import new_record, require_same_run
from derin.api.training import Training
from derin.api.training_data import TRAINING_DEV_SHARE, why_training_dev, with_training_dev
from derin.core.errors import UsageError
from derin.core.fields import refusing_misfits
from derin.core.files import usable_path
from derin.core.former_names import takes_former_names
from derin.core.run import RunFolder
from derin.core.thread_modes import training_modes
from derin.core.threads import using_threads
from derin.readers.shards import is_pattern
from derin.train.budget import TimeBudget
from derin.train.callback import Callback
from derin.train.config import TrainConfig, spelled_out
from derin.train.plan import Plan

if TYPE_CHECKING:
    import torch

    from derin.data.augment import Augmentation
    from derin.readers.targets import TargetKind
    from derin.train.optimizers.configs import OptimizerConfig
    from derin.train.schedules import Curve

__all__ = ["fit", "prepare"]


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
    time_column: str | None = None,
    ignore: Sequence[str] | None = None,
    target_kind: TargetKind | None = None,
    kinds: Mapping[str, str] | None = None,
    date_order: str | None = None,
    missing: Sequence[str] | None = None,
    hold_out: str | Sequence[str] | None = None,
    dev_from: str | None = None,
    training_dev: float | None = None,
    train_on_dev: float | None = None,
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
    threshold: str | float | None = None,
    degrade: str | None = None,
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
        data: whatever `derin.load` takes; for a network of your own also a torch Dataset, a DataLoader, an iterable of
            batches, or ``{"train": …, "val": …}`` of these; None goes on with the data of the run that is resumed.
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
        time_column: the column by which rows are cut: the earliest train, the latest are the test split.
        ignore: columns that are no inputs.
        target_kind: ``"category"`` or ``"number"``, where that is found out wrongly.
        kinds, date_order, missing: how columns of a table are read; see `derin.load`.
        hold_out: classes of the test split, where the task holds out whole classes; see `derin.load`.
        dev_from: the rows from which validation and test are cut, such as ``"source=app"``; all others train. See
            `derin.load`.
        training_dev, train_on_dev: shares of the training and of the validation examples, where these are of another
            kind; see `derin.load`.
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
        threshold: of the tasks binary and multilabel: the probability from which on the answer is yes (0.5 without
            it); or ``"f1"``, ``"accuracy"`` or ``"balanced_accuracy"``, for which the best one is chosen on validation,
            or ``"precision=0.9"`` for the lowest one with that precision. Of boxes a number, ``"f1"`` (what they have
            without it) or a precision.
        degrade: of ``task="restore"``, what is taken from good pictures: ``"noise=25"``, ``"sr=2"``, ``"jpeg=30"``,
            ``"gray"``; see `derin.tasks.degradations`.
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
            with refusing_misfits(f"The record of run {folder.path}"):
                data_of_run, options = continued(data, options, record, folder.path, extend=extend)
            calibrate = _calibrates(record, calibrate, folder.path)
        else:
            data_of_run, options = data, with_training_dev(options)
        if not record.get("finished"):
            prepared = prepare(data_of_run, **options)
            why = None if record or prepared.stream else why_training_dev(data, prepared.table, options)
            if why is not None:
                options["training_dev"] = TRAINING_DEV_SHARE
                prepared = prepare(data_of_run, **options)
                prepared.table.report.notes.append(why)
            if calibrate and not hasattr(prepared.task, "temperature"):
                raise UsageError(f"calibrate fits probabilities; the task {prepared.task.name!r} has none to fit.")
            if record:
                require_same_run(folder, record, prepared)
                record["request"]["calibrate"] = calibrate
            else:
                record = new_record(folder, prepared, data_of_run, options, command=command, calibrate=calibrate)
            with refusing_misfits(f"The record of run {folder.path}"):
                config = TrainConfig.from_json(record["config"])
            training = Training(
                folder=folder,
                record=record,
                prepared=prepared,
                config=config,
                budget=TimeBudget(config.max_seconds, started=started),
                calibrate=calibrate,
                compare=compare,
                keeps_pictures=report_pictures,
            )
            with using_threads(config.threads):
                training.run(callbacks, resume=resume)
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
