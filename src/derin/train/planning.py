"""Which plan a run gets: the one that its settings name, or the fastest of those timed on a copy of the network."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from derin.core.errors import UsageError
from derin.core.global_generator import global_generator
from derin.train.averages import WeightAverage
from derin.train.config import TrainConfig
from derin.train.freezing import Unfreezing
from derin.train.lone_examples import bearing_lone_examples
from derin.train.networks import settings_of_networks
from derin.train.optimizers import build_optimizer, supports_fused
from derin.train.plan import (
    MIN_OPERATIONS_FOR_TRIALS,
    MIN_STEPS_FOR_TRIALS,
    Plan,
    Trial,
    candidates,
    choose_plan,
)
from derin.train.protocol import Source, Task
from derin.train.step import PlannedStep, loss_of

if TYPE_CHECKING:
    from torch import Tensor, nn

Shape = tuple[int, ...]


def find_plan(
    model: nn.Module,
    task: Task,
    source: Source,
    config: TrainConfig,
    device: torch.device,
    unfreezing: Unfreezing | None = None,
) -> tuple[Plan, list[Trial]]:
    """The plan that the settings ask for; ``auto`` times candidates unless the run is short.

    Where layers are unfrozen by and by, the steps of the last epoch are timed, which cost most.
    """
    if not config.plan.startswith("auto"):
        plan = Plan.parse(config.plan)
        if plan.compiled and hasattr(task, "networks"):
            raise UsageError("The plan's part 'compiled' compiles one network; the task has several. Leave it out.")
        return plan, []
    settings = [own for _, own in settings_of_networks(task, model, config).values()]
    optimizers = {own.optimizer or config.optimizer for own in settings}
    # Plain SGD is one addition, which the kernel for all its relatives only slows down.
    fused = all(isinstance(o, str) and o != "sgd" and supports_fused(o, device.type) for o in optimizers)
    plans = candidates(model, device_type=device.type, fused=fused, forbids=task.forbids, text=config.plan)
    num_batches = source.num_batches * config.epochs
    if num_batches < MIN_STEPS_FOR_TRIALS:
        return plans[0], []
    batches = _first_batches(source)
    if num_batches * _operations(model, task, batches[0]) < MIN_OPERATIONS_FOR_TRIALS:
        return plans[0], []
    # An update may change what the task carries; trials give it back as it was.
    kept = {name: value.clone() for name, value in task.state.items()}

    def make_step(network: nn.Module, plan: Plan) -> Callable[[int], Tensor]:
        optimizers = build_optimizers(network, task, config, plan, unfreezing)
        step = PlannedStep(
            network,
            optimizers,
            plan=plan,
            config=replace(config, accumulate=1),
            device_type=device.type,
            average=None,
        )
        step.set_lr(config.learning_rate / 10)
        network.train()
        if unfreezing is not None:
            unfreezing.set_epoch(network, config.epochs - 1)

        def run_step(index: int) -> Tensor:
            batch = batches[index % len(batches)]
            with global_generator(device), bearing_lone_examples(network, len(batch), source):
                torch.manual_seed(index)
                return task.update(step, batch)["loss"].detach()

        return run_step

    chosen, trials = choose_plan(plans, model, make_step, synchronize=_synchronizer(device))
    task.state.clear()
    task.state.update(kept)
    return chosen, trials


def build_optimizers(
    model: nn.Module, task: Task, config: TrainConfig, plan: Plan, unfreezing: Unfreezing | None = None
) -> dict[str, torch.optim.Optimizer]:
    """One optimizer for each network that the task names."""
    found = {}
    for name, (network, own) in settings_of_networks(task, model, config).items():
        found[name] = optimizer = build_optimizer(
            own.optimizer or config.optimizer,
            network,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            momentum=config.momentum,
            fused=plan.fused,
            rates=None if unfreezing is None else unfreezing.rates(network),
        )
        for group in optimizer.param_groups:
            group["lr_scale"] *= own.rate_factor
    return found


def build_average(model: nn.Module, task: Task, config: TrainConfig) -> WeightAverage | None:
    """The average of the weights that the settings ask for; a network of a system may have a decay of its own."""
    networks = settings_of_networks(task, model, config).values()
    parts = [(network, own.ema_decay) for network, own in networks if own.ema_decay is not None]
    if not config.ema_decay and not any(decay for _, decay in parts):
        return None
    return WeightAverage(model, config.ema_decay, parts=parts)


def _operations(model: nn.Module, task: Task, batch: Any) -> int:
    """Additions and multiplications of a batch's forward pass, in products and convolutions; on a copy."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False, custom_mapping=_recurrent_products())
    with global_generator(next(model.parameters()).device), counter, torch.no_grad():
        loss_of(task, copy.deepcopy(model), batch)
    return int(counter.get_total_flops())


def _recurrent_products() -> dict[Any, Callable[..., int]]:
    """How to count the layers of `nn.LSTM` and its kind, which torch's counter passes over."""

    def of_onednn(x: Shape, weight_ih: Shape, weight_hh: Shape, *args: Any, **_: Any) -> int:
        return 2 * math.prod(x[:-1]) * (math.prod(weight_ih) + math.prod(weight_hh))

    def of_cudnn(x: Shape, weights: list[Shape], *args: Any, **_: Any) -> int:
        return 2 * math.prod(x[:-1]) * sum(math.prod(weight) for weight in weights if len(weight) == 2)

    counted: dict[str, Callable[..., int]] = {"mkldnn_rnn_layer": of_onednn, "_cudnn_rnn": of_cudnn}
    return {getattr(torch.ops.aten, name): count for name, count in counted.items() if hasattr(torch.ops.aten, name)}


def _first_batches(source: Source, num: int = 4) -> list[Any]:
    """The first few batches of the first epoch."""
    found = []
    for batch in source.batches(0):
        found.append(batch)
        if len(found) == num:
            break
    return found


def _synchronizer(device: torch.device) -> Callable[[], None]:
    if device.type == "cuda":
        return torch.cuda.synchronize
    if device.type == "mps":
        return torch.mps.synchronize
    return lambda: None
