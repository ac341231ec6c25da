"""The training loop. It knows batches, losses and metrics, and no model, picture or class."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from derin.core.errors import DivergenceError
from derin.core.run import RunFolder
from derin.core.seeds import step_seeds
from derin.data.batch import Batch
from derin.train.averages import WeightAverage
from derin.train.callback import Callback
from derin.train.config import TrainConfig
from derin.train.evaluation import evaluate
from derin.train.freezing import Unfreezing
from derin.train.guard import NonFiniteLossError, find_culprit
from derin.train.linear_kernel import use_blas
from derin.train.plan import Plan, Trial
from derin.train.planning import build_optimizers, find_plan
from derin.train.protocol import Source, Task
from derin.train.schedules import build_schedule
from derin.train.state import restore_state, save_state
from derin.train.step import PlannedStep
from derin.train.stopping import BestTracker
from derin.train.thread import in_training_thread

if TYPE_CHECKING:
    from torch import Tensor, nn

# Losses stay on the device and are read this many at a time; a NaN is met at most so many steps late.
_STEPS_PER_READING = 64
_SEEDS_AT_ONCE = 4096


@dataclass
class Loop:
    """A training run as callbacks see it.

    Attributes:
        model: the network.
        task: what it is trained to do.
        config: the settings.
        plan: how steps are executed, chosen before the first one.
        unfreezing: which layers learn from which epoch on; None lets all learn.
        run: the run folder, or None.
        validation: measured after every epoch, or None.
        step: updates done.
        batch: batches done in this epoch.
        examples_seen: by training so far.
        epoch: epochs done.
        num_steps: updates in the whole run.
        losses: mean losses of this epoch's batches that were read so far, weighted by batch size.
        history: one record per epoch done.
        stopped: why training ended: ``"finished"``, ``"patience"``, ``"time"`` or ``"interrupted"``; ``""`` while it
            runs.
    """

    model: nn.Module
    task: Task
    config: TrainConfig
    plan: Plan
    run: RunFolder | None
    source: Source
    validation: Source | None
    device: torch.device
    num_steps: int
    tracker: BestTracker
    trials: list[Trial] = field(default_factory=list)
    optimizers: dict[str, torch.optim.Optimizer] = field(default_factory=dict)
    average: WeightAverage | None = None
    unfreezing: Unfreezing | None = None
    step: int = 0
    batch: int = 0
    examples_seen: int = 0
    epoch: int = 0
    loss_sum: float = 0.0
    loss_count: int = 0
    seconds: float = 0.0
    learning_rate: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    stopped: str = ""


def train(
    model: nn.Module,
    task: Task,
    source: Source,
    config: TrainConfig,
    *,
    validation: Source | None = None,
    train_sample: Source | None = None,
    run: RunFolder | None = None,
    plan: Plan | None = None,
    unfreezing: Unfreezing | None = None,
    callbacks: Sequence[Callback] = (),
    on_plan: Callable[[Loop], None] | None = None,
    on_best: Callable[[Loop, dict[str, Any]], None] | None = None,
    resume: bool = False,
) -> Loop:
    """Trains a network.

    Args:
        model: on its device; trained in place.
        task: loss, metrics and state.
        source: the training batches.
        config: every setting.
        validation: measured after each epoch; decides which state is best.
        train_sample: training examples measured in the same way, so that the two curves can be compared.
        run: where the log and the state for resuming go; None keeps neither.
        plan: how to execute steps; None follows ``config.plan``.
        unfreezing: which layers learn from which epoch on, and how fast; None lets all learn alike.
        callbacks: are told of starts, steps, epochs and the end.
        on_plan: called once the plan is chosen, before the first update.
        on_best: called with the epoch's record whenever the headline is the best so far, the evaluated weights in
            place.
        resume: continue from the run's saved state, if there is one.

    Returns:
        The loop after its last step; ``stopped`` tells why it ended.

    Raises:
        DivergenceError: the loss became NaN or infinite; names the layer.
    """
    device = next(model.parameters()).device
    schedule = build_schedule(
        config.schedule,
        learning_rate=config.learning_rate,
        total_examples=source.num_examples * config.epochs,
        examples_per_epoch=source.num_examples,
        warmup=config.warmup,
    )
    forked = [device] if device.type == "cuda" else []

    def run_whole(interrupted: threading.Event) -> Loop:
        if config.threads:
            torch.set_num_threads(config.threads)
        with torch.random.fork_rng(devices=forked):
            loop = _begin(model, task, source, config, plan, unfreezing, validation, run, device)
            restored = run is not None and resume and restore_state(loop)
            if on_plan is not None:
                on_plan(loop)
            if run is not None and not restored:
                # The very first weights are part of what a resumed run must find again.
                save_state(loop)
            for callback in callbacks:
                callback.on_start(loop)
            try:
                _epochs(loop, schedule, interrupted, train_sample, callbacks, on_best)
            finally:
                use_blas(model)
                for callback in callbacks:
                    callback.on_stop(loop)
        return loop

    return in_training_thread(run_whole)


def _begin(
    model: nn.Module,
    task: Task,
    source: Source,
    config: TrainConfig,
    plan: Plan | None,
    unfreezing: Unfreezing | None,
    validation: Source | None,
    run: RunFolder | None,
    device: torch.device,
) -> Loop:
    """The loop before its first step, the plan chosen and the weights laid out by it."""
    trials: list[Trial] = []
    if plan is None:
        plan, trials = find_plan(model, task, source, config, device, unfreezing)
    plan.place(model)
    return Loop(
        model=model,
        task=task,
        config=config,
        plan=plan,
        run=run,
        source=source,
        validation=validation,
        device=device,
        num_steps=-(-source.num_batches // config.accumulate) * config.epochs,
        tracker=BestTracker(task.headline, maximize=task.maximize, patience=config.patience),
        trials=trials,
        optimizers=build_optimizers(model, task, config, plan, unfreezing),
        unfreezing=unfreezing,
        average=WeightAverage(model, config.ema_decay) if config.ema_decay else None,
    )


def _epochs(
    loop: Loop,
    schedule: Callable[[int], float],
    interrupted: threading.Event,
    train_sample: Source | None,
    callbacks: Sequence[Callback],
    on_best: Callable[[Loop, dict[str, Any]], None] | None,
) -> None:
    config, run = loop.config, loop.run
    network = torch.compile(loop.model) if loop.plan.compiled else loop.model
    step = PlannedStep(
        network,  # type: ignore[arg-type]
        loop.optimizers,
        plan=loop.plan,
        config=config,
        device_type=loop.device.type,
        average=loop.average,
    )
    per_step = [c.on_step for c in callbacks if type(c).on_step is not Callback.on_step]
    started = time.perf_counter() - loop.seconds
    if loop.tracker.exhausted:
        loop.stopped = "patience"
    while loop.epoch < config.epochs and not loop.stopped:
        train_seconds = _one_epoch(loop, step, schedule, per_step, interrupted, started)
        loop.seconds = time.perf_counter() - started
        if loop.batch < loop.source.num_batches and loop.stopped == "interrupted":
            break
        record = _close_epoch(loop, train_sample, train_seconds, on_best)
        loop.seconds = record["seconds"] = time.perf_counter() - started
        loop.history.append(record)
        if run is not None:
            run.log(record)
        for callback in callbacks:
            callback.on_epoch_end(loop, record)
        if loop.tracker.exhausted and not loop.stopped:
            loop.stopped = "patience"
        if run is not None:
            save_state(loop)
    if loop.stopped == "interrupted" and run is not None:
        save_state(loop)
    loop.stopped = loop.stopped or "finished"


def _one_epoch(
    loop: Loop,
    step: PlannedStep,
    schedule: Callable[[int], float],
    per_step: Sequence[Callable[[Loop], None]],
    interrupted: threading.Event,
    started: float,
) -> float:
    """The rest of the epoch at hand; returns its seconds of training."""
    config, task, model = loop.config, loop.task, loop.model
    model.train()
    if loop.unfreezing is not None:
        loop.unfreezing.set_epoch(model, loop.epoch)
    reseed = _reseeder(loop.device)
    seeds: Iterator[int] = iter(())
    pending: list[Tensor] = []
    sizes: list[int] = []
    epoch_started = last_saved = time.perf_counter()
    deadline = started + config.max_seconds if config.max_seconds else math.inf
    num_batches, accumulate = loop.source.num_batches, config.accumulate
    batch = None
    for batch in loop.source.batches(loop.epoch, loop.batch):
        seed = next(seeds, None)
        if seed is None:
            seeds = iter(step_seeds(config.seed, "dropout", loop.epoch * num_batches + loop.batch, _SEEDS_AT_ONCE))
            seed = next(seeds)
        reseed(seed)
        if loop.batch % accumulate == 0:
            loop.learning_rate = schedule(loop.examples_seen)
            step.set_rate(loop.learning_rate)
        loop.batch += 1
        step.closes_group = loop.batch % accumulate == 0 or loop.batch == num_batches
        try:
            losses = task.update(step, batch)
        except NonFiniteLossError:
            raise _diverged(loop, batch) from None
        if step.closes_group:
            loop.step = step.index = loop.step + 1
        loop.examples_seen += len(batch)
        pending.append(losses["loss"].detach())
        sizes.append(len(batch))
        if len(pending) == _STEPS_PER_READING:
            _read_losses(loop, pending, sizes, batch)
        for tell in per_step:
            tell(loop)
        if step.closes_group:
            now = time.perf_counter()
            if interrupted.is_set() or now >= deadline:
                loop.stopped = "interrupted" if interrupted.is_set() else "time"
                break
            if loop.run is not None and now - last_saved > config.save_every_seconds:
                _read_losses(loop, pending, sizes, batch)
                loop.seconds = now - started
                save_state(loop)
                last_saved = time.perf_counter()
    if batch is not None:
        _read_losses(loop, pending, sizes, batch)
    return time.perf_counter() - epoch_started


def _close_epoch(
    loop: Loop,
    train_sample: Source | None,
    train_seconds: float,
    on_best: Callable[[Loop, dict[str, Any]], None] | None,
) -> dict[str, Any]:
    """Measures, tracks the best state and returns the epoch's record."""
    loop.epoch += 1
    record: dict[str, Any] = {
        "epoch": loop.epoch,
        "step": loop.step,
        "examples": loop.examples_seen,
        "learning_rate": loop.learning_rate,
        "train_seconds": train_seconds,
        "running": {"loss": loop.loss_sum / max(loop.loss_count, 1)},
    }
    loop.batch, loop.loss_sum, loop.loss_count = 0, 0.0, 0
    with loop.average.applied(loop.model) if loop.average is not None else nullcontext():
        autocast = loop.plan.autocast
        for name, split in (("train", train_sample), ("val", loop.validation)):
            if split is not None:
                measured = evaluate(loop.model, loop.task, split, autocast=autocast(loop.device.type))
                # A line of the log holds plain numbers; matrices belong to the final measurement.
                record[name] = {k: v for k, v in measured.items() if v is None or isinstance(v, int | float)}
        headline = record["val"][loop.task.headline] if "val" in record else None
        # Without a validation split the last state is the best that is known.
        improved = headline is None or loop.tracker.update(headline, loop.epoch, record["val"].get("loss"))
        record["best"] = improved
        if improved and on_best is not None:
            on_best(loop, record)
    return record


def _read_losses(loop: Loop, pending: list[Tensor], sizes: list[int], batch: Any) -> None:
    """Fetches the waiting losses in one transfer, adds them up in order, and stops where one is not finite."""
    if not pending:
        return
    for loss, size in zip(torch.stack(pending).tolist(), sizes, strict=True):
        loop.loss_sum += loss * size
        loop.loss_count += size
    pending.clear()
    sizes.clear()
    if not math.isfinite(loop.loss_sum):
        raise _diverged(loop, batch)


def _diverged(loop: Loop, batch: Batch) -> DivergenceError:
    """The error that names the layer where the first NaN or infinity arose."""
    return find_culprit(loop.model, lambda: loop.task.loss(loop.model, batch)["loss"], step=loop.step, batch=batch)


def _reseeder(device: torch.device) -> Callable[[int], Any]:
    """Sets the generator that dropout draws from on this device."""
    if device.type == "cuda":
        return torch.cuda.default_generators[device.index or 0].manual_seed
    if device.type == "mps":
        return torch.mps.manual_seed
    return torch.default_generator.manual_seed
