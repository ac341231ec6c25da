"""The training loop. It knows batches, losses and metrics, and no model, picture or class."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from derin.core.errors import DivergenceError
from derin.core.global_generator import generator_of_steps
from derin.core.run import RunFolder
from derin.core.seeds import step_seeds
from derin.core.thread_modes import training_modes
from derin.data.batch import Batch, open_batches
from derin.train.averages import WeightAverage
from derin.train.budget import TimeBudget
from derin.train.callback import Callback
from derin.train.config import TrainConfig
from derin.train.evaluation import affordable, evaluate
from derin.train.freezing import Unfreezing
from derin.train.interruption import on_first_interrupt
from derin.train.linear_kernel import use_blas
from derin.train.lone_examples import bearing_lone_examples
from derin.train.nonfinite import NonFiniteLossError, locate_nonfinite
from derin.train.plan import Plan, Trial
from derin.train.planning import build_average, build_optimizers, find_plan
from derin.train.protocol import Source, Task
from derin.train.schedules import Schedule, build_schedule
from derin.train.state import restore_state, save_state
from derin.train.step import PlannedStep, loss_of
from derin.train.stopping import BestTracker

if TYPE_CHECKING:
    from torch import Tensor, nn

# Losses stay on the device and are read this many at a time; a NaN is met at most so many steps late.
_STEPS_PER_READING = 64
_SEEDS_AT_ONCE = 4096
# Of a limited time: the most that is kept for what comes after training, and the most that one epoch's measuring takes,
# which is no longer than the epoch's training except where that is very short.
_LARGEST_SHARE_AFTER, _LARGEST_SHARE_BETWEEN, _SHORTEST_SHARE_BETWEEN = 0.2, 0.1, 0.01
# What comes after training is measured in full precision and written down, which takes longer than between epochs.
_SLOWER_AFTER = 1.5


@dataclass
class TrainingState:
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
        loss_sum: of this epoch's batches that were read so far, each mean loss times its weight.
        loss_weight: the sum of these weights: of the examples, or of what the task divides by.
        running_sums: as `loss_sum`, of what else the task gives to the log, by name.
        progress: the share of training that is done, by examples or, where it is limited, by time.
        budget: the time of the whole command.
        num_after: examples that will be measured after training.
        measure_seconds: what the measuring after the last epoch took; 0 before the first.
        measured_examples: by split, on how many examples it is measured after an epoch, where time allows no more.
        sources: the splits that are measured after every epoch.
        sample: gives a split's source with so many of its examples; None where that cannot be had.
        history: one record per epoch done.
        interrupted: whether training was asked to end.
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
    loss_weight: float = 0.0
    running_sums: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    progress: float = 0.0
    budget: TimeBudget = field(default_factory=lambda: TimeBudget(0))
    num_after: int = 0
    measure_seconds: float = 0.0
    measured_examples: dict[str, int] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    sample: Callable[[str, int], Source] | None = None
    learning_rate: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    interrupted: bool = False
    stopped: str = ""

    def interrupt(self) -> None:
        """Asks training to end after the update at hand, with all saved that resuming needs, as Ctrl-C does."""
        self.interrupted = True

    def measure(self, split: str, seconds: float = math.inf) -> dict[str, Any]:
        """A split's metrics that are plain numbers, the evaluated weights in place.

        Where time is limited and the whole split would take longer, some of its examples are measured, from then on
        always the same ones.

        Args:
            split: a key of `sources`.
            seconds: that it may take.
        """
        source = self.sources[split]

        def autocast() -> Any:
            return self.plan.autocast(self.device.type)

        if self.sample is not None and self.budget.is_limited and split not in self.measured_examples:
            most = affordable(self.model, self.task, source, seconds, autocast=autocast())
            self.measured_examples[split] = source.num_examples if most is None else most
        most = self.measured_examples.get(split, source.num_examples)
        if self.sample is not None and most < source.num_examples:
            source = self.sources[split] = self.sample(split, most)
        measured = evaluate(self.model, self.task, source, autocast=autocast())
        # A line of the log holds plain numbers; matrices belong to the final measurement.
        return {k: v for k, v in measured.items() if v is None or isinstance(v, int | float)}

    @property
    def reserve(self) -> float:
        """Seconds that are kept for measuring after this epoch and after training."""
        if not self.budget.is_limited:
            return 0.0
        whole = self.budget.seconds
        if not self.measure_seconds:
            between = _LARGEST_SHARE_BETWEEN * whole if self.sources else 0.0
            return between + (_LARGEST_SHARE_AFTER * whole if self.num_after else 0.0)
        num = sum(min(self.measured_examples.get(k, s.num_examples), s.num_examples) for k, s in self.sources.items())
        after = _SLOWER_AFTER * self.measure_seconds * self.num_after / max(num, 1)
        return self.measure_seconds + min(after, _LARGEST_SHARE_AFTER * whole)

    def measuring_seconds(self, train_seconds: float) -> float:
        """How long the measuring after an epoch may take whose training took so long."""
        whole = self.budget.seconds
        longest = max(train_seconds, _SHORTEST_SHARE_BETWEEN * whole)
        return min(longest, _LARGEST_SHARE_BETWEEN * whole, max(self.budget.left / 2, 0.0))

    def time_share(self, seconds: float) -> float:
        """The share of training's own time that is used when training has taken so many seconds."""
        if not self.budget.is_limited:
            return 0.0
        used = self.budget.used
        whole = self.budget.seconds - (used - seconds) - self.reserve  # what comes before training is no part of it
        return min(seconds / whole, 1.0) if whole > 0 else 1.0


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
    on_trials: Callable[[], None] | None = None,
    on_plan: Callable[[TrainingState], None] | None = None,
    on_best: Callable[[TrainingState, dict[str, Any]], None] | None = None,
    resume: bool = False,
    budget: TimeBudget | None = None,
    sample: Callable[[str, int], Source] | None = None,
    num_after: int = 0,
) -> TrainingState:
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
        on_trials: called before plans are timed.
        on_plan: called once the plan is chosen, before the first update.
        on_best: called with the epoch's record whenever the headline is the best so far, the evaluated weights in
            place.
        resume: continue from the run's saved state, if there is one.
        budget: the time of the whole command; None is ``config.max_seconds`` from now on.
        sample: gives the source of a split, ``"train"`` or ``"val"``, with so many of its examples, for measuring
            where time is limited; None always measures all.
        num_after: examples that will be measured after training, for which time is kept.

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
        examples_per_step=min(config.batch_size * config.accumulate, source.num_examples),
    )
    budget = TimeBudget(config.max_seconds) if budget is None else budget

    with training_modes(config.threads), generator_of_steps(device) as drawing:
        if plan is None and on_trials is not None:
            build_optimizers(
                model, task, config, Plan(), unfreezing
            )  # what cannot be is refused before anything is told
            on_trials()
        loop = _begin(model, task, source, config, plan, unfreezing, validation, run, device)
        loop.budget, loop.sample, loop.num_after = budget, sample, num_after
        splits = {"train": train_sample, "val": validation}
        if task.monitor is not None:
            loop.sources = {name: split for name, split in splits.items() if split is not None}
        restored = run is not None and resume and restore_state(loop)
        if on_plan is not None:
            on_plan(loop)
        if run is not None and not restored:
            # The very first weights are part of what a resumed run must find again.
            save_state(loop)
        for callback in callbacks:
            callback.on_start(loop)
        try:
            with on_first_interrupt(loop.interrupt):
                _epochs(loop, schedule, drawing, callbacks, on_best)
        finally:
            use_blas(model)
            for callback in callbacks:
                callback.on_stop(loop)
    return loop


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
) -> TrainingState:
    """The loop before its first step, the plan chosen and the weights laid out by it."""
    tracker = BestTracker(task.monitor, maximize=task.maximize, patience=config.patience)
    trials: list[Trial] = []
    if plan is None:
        plan, trials = find_plan(model, task, source, config, device, unfreezing)
    plan.place(model)
    return TrainingState(
        model=model,
        task=task,
        config=config,
        plan=plan,
        run=run,
        source=source,
        validation=validation,
        device=device,
        num_steps=-(-source.num_batches // config.accumulate) * config.epochs,
        tracker=tracker,
        trials=trials,
        optimizers=build_optimizers(model, task, config, plan, unfreezing),
        unfreezing=unfreezing,
        average=build_average(model, task, config),
    )


def _epochs(
    loop: TrainingState,
    schedule: Schedule,
    drawing: AbstractContextManager[Any],
    callbacks: Sequence[Callback],
    on_best: Callable[[TrainingState, dict[str, Any]], None] | None,
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
    step.index = loop.step  # of a resumed run, which networks are due at the next update
    per_step = [c.on_step for c in callbacks if type(c).on_step is not Callback.on_step]
    started = time.perf_counter() - loop.seconds
    if loop.tracker.exhausted:
        loop.stopped = "patience"
    while loop.epoch < config.epochs and not loop.stopped:
        with open_batches(loop.source, loop.epoch, loop.batch) as batches:
            train_seconds = _one_epoch(loop, batches, step, schedule, per_step, drawing, started)
        loop.seconds = time.perf_counter() - started
        if loop.batch < loop.source.num_batches and loop.stopped == "interrupted":
            break
        record = _close_epoch(loop, train_seconds, on_best)
        loop.seconds = record["seconds"] = time.perf_counter() - started
        loop.history.append(record)
        if run is not None:
            run.log(record)
        for callback in callbacks:
            callback.on_epoch_end(loop, record)
        if loop.interrupted:  # also while the epoch was measured
            loop.stopped = "interrupted"
        elif loop.tracker.exhausted and not loop.stopped:
            loop.stopped = "patience"
        if run is not None:
            save_state(loop)
    if loop.stopped == "interrupted" and run is not None:
        save_state(loop)
    loop.stopped = loop.stopped or "finished"


def _one_epoch(
    loop: TrainingState,
    batches: Iterator[Batch],
    step: PlannedStep,
    schedule: Schedule,
    per_step: Sequence[Callable[[TrainingState], None]],
    drawing: AbstractContextManager[Any],
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
    weights: list[Tensor | float] = []
    running: tuple[str, ...] = getattr(task, "running", ())
    further: list[Tensor] = []
    epoch_started = last_saved = time.perf_counter()
    is_limited = loop.budget.is_limited
    num_batches, accumulate = loop.source.num_batches, config.accumulate
    total = loop.source.num_examples * config.epochs
    batch = None
    for batch in batches:
        seed = next(seeds, None)
        if seed is None:
            seeds = iter(step_seeds(config.seed, "dropout", loop.epoch * num_batches + loop.batch, _SEEDS_AT_ONCE))
            seed = next(seeds)
        if loop.batch % accumulate == 0:
            share = loop.time_share(time.perf_counter() - started) if is_limited else 0.0
            # What was recorded stands: a resumed run goes on from there, and the rate never goes back.
            loop.progress = max(loop.progress, share, loop.examples_seen / total)
            loop.learning_rate = schedule(loop.examples_seen, loop.progress if is_limited else 0.0)
            step.set_lr(loop.learning_rate)
        loop.batch += 1
        step.is_update_step = loop.batch % accumulate == 0 or loop.batch == num_batches
        try:
            lone = bearing_lone_examples(model, len(batch), loop.source) if len(batch) == 1 else nullcontext()
            with drawing, lone:
                reseed(seed)
                losses = task.update(step, batch)
        except NonFiniteLossError:
            raise _diverged(loop, batch) from None
        if step.is_update_step:
            step.finish_update()
            loop.step = step.index = loop.step + 1
        loop.examples_seen += len(batch)
        pending.append(losses["loss"].detach())
        weights.append(losses.get("weight_sum", len(batch)))
        if running:
            further.append(torch.stack([losses[name].detach() for name in running]))
        if len(pending) == _STEPS_PER_READING:
            _read_losses(loop, pending, weights, further, batch)
        for tell in per_step:
            tell(loop)
        if step.is_update_step:
            now = time.perf_counter()
            if loop.interrupted or (is_limited and loop.budget.left <= loop.reserve):
                loop.stopped = "interrupted" if loop.interrupted else "time"
                break
            if loop.run is not None and now - last_saved > config.save_every_seconds:
                _read_losses(loop, pending, weights, further, batch)
                loop.seconds = now - started
                save_state(loop)
                last_saved = time.perf_counter()
    if batch is not None:
        _read_losses(loop, pending, weights, further, batch)
    return time.perf_counter() - epoch_started


def _close_epoch(
    loop: TrainingState,
    train_seconds: float,
    on_best: Callable[[TrainingState, dict[str, Any]], None] | None,
) -> dict[str, Any]:
    """Measures, tracks the best state and returns the epoch's record."""
    loop.epoch += 1
    record: dict[str, Any] = {
        "epoch": loop.epoch,
        "step": loop.step,
        "examples": loop.examples_seen,
        "whole": loop.batch >= loop.source.num_batches,  # not where time was over before all examples were seen
        "learning_rate": loop.learning_rate,
        "train_seconds": train_seconds,
        # Weights that are all 0 leave nothing to take the mean of, and nothing was learned from them.
        "running": {
            name: total / loop.loss_weight if loop.loss_weight else 0.0
            for name, total in {"loss": loop.loss_sum, **loop.running_sums}.items()
        },
    }
    if loop.budget.is_limited:
        record["progress"] = loop.progress
    loop.batch, loop.loss_sum, loop.loss_weight, loop.running_sums = 0, 0.0, 0.0, {}
    began = time.perf_counter()
    with loop.average.applied(loop.model) if loop.average is not None else nullcontext():
        for name in loop.sources:
            record[name] = loop.measure(name, loop.measuring_seconds(train_seconds) / len(loop.sources))
        loop.measure_seconds = time.perf_counter() - began
        if loop.run is not None and hasattr(loop.task, "make_samples"):
            loop.task.make_samples(loop.model, loop.epoch, loop.run.path)
        monitor = record["val"][loop.task.monitor] if "val" in record and loop.task.monitor is not None else None
        # Without a validation split, or anything to compare, the last state is the best that is known.
        improved = monitor is None or loop.tracker.update(monitor, loop.epoch, record["val"].get("loss"))
        if loop.task.monitor is not None:
            record["best"] = improved
        if improved and on_best is not None:
            on_best(loop, record)
    return record


def _read_losses(
    loop: TrainingState,
    pending: list[Tensor],
    weights: list[Tensor | float],
    further: list[Tensor],
    batch: Any,
) -> None:
    """Fetches the waiting losses in one transfer, adds them up in order, and stops where one is not finite.

    Each counts by the denominator of its mean, so that the mean over the epoch is that over all of its examples.
    """
    if not pending:
        return
    on_device = [weight for weight in weights if isinstance(weight, torch.Tensor)]
    fetched = iter(torch.stack(on_device).tolist() if on_device else ())
    values = [next(fetched) if isinstance(weight, torch.Tensor) else weight for weight in weights]
    for loss, value in zip(torch.stack(pending).tolist(), values, strict=True):
        loop.loss_sum += loss * value
        loop.loss_weight += value
    for numbers, value in zip(torch.stack(further).tolist() if further else (), values):
        for name, number in zip(loop.task.running, numbers, strict=True):  # type: ignore[attr-defined]
            loop.running_sums[name] = loop.running_sums.get(name, 0.0) + number * value
    pending.clear()
    weights.clear()
    further.clear()
    if not math.isfinite(loop.loss_sum):
        raise _diverged(loop, batch)


def _diverged(loop: TrainingState, batch: Batch) -> DivergenceError:
    """The error that names the layer where the first NaN or infinity arose."""
    return locate_nonfinite(loop.model, lambda: loss_of(loop.task, loop.model, batch), step=loop.step, batch=batch)


def _reseeder(device: torch.device) -> Callable[[int], Any]:
    """Sets the generator that dropout draws from on this device."""
    if device.type == "cuda":
        return torch.cuda.default_generators[device.index or 0].manual_seed
    if device.type == "mps":
        return torch.mps.manual_seed
    return torch.default_generator.manual_seed
