"""What a run needs to go on as if it had never stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from derin.core.errors import RefusedFileError
from derin.core.fields import MapOf, Required, checked_form, refusing_misfits
from derin.core.weights import named_now
from derin.train.optimizers import load_optimizer_tensors, optimizer_scalars, optimizer_tensors

if TYPE_CHECKING:
    from torch import Tensor

    from derin.train.loop import TrainingState

_COUNTERS = ("step", "batch", "examples_seen", "epoch", "loss_sum", "loss_weight", "seconds", "learning_rate")
# Counters that older states lack, where they begin as in a loop that is new.
_LATER_COUNTERS = ("progress", "measure_seconds")

_DOCUMENT_FORM = {
    **dict.fromkeys(("step", "batch", "examples_seen", "epoch"), Required(int)),
    **dict.fromkeys(("loss_sum", "seconds", "learning_rate"), Required(float)),
    "optimizers": Required(MapOf({})),
    "tracker": Required({}),
    "measured_examples": MapOf(int),
    "running_sums": MapOf(float),
    "used_seconds": float,
}


def save_state(loop: TrainingState) -> None:
    """Writes weights, buffers, optimizers, averages, the task's state and all counters to the run, atomically."""
    assert loop.run is not None
    tensors = {f"model/{name}": value for name, value in loop.model.state_dict().items()}
    for name, optimizer in loop.optimizers.items():
        tensors |= {f"optimizer/{name}/{slot}": value for slot, value in optimizer_tensors(optimizer).items()}
    if loop.average is not None:
        tensors |= {f"average/{name}": value for name, value in loop.average.tensors().items()}
    tensors |= {f"task/{name}": value for name, value in loop.task.state.items()}
    document: dict[str, Any] = {name: getattr(loop, name) for name in (*_COUNTERS, *_LATER_COUNTERS)}
    document["used_seconds"] = loop.budget.used
    document["measured_examples"] = dict(loop.measured_examples)
    document["limits"] = _limits(loop)
    document["running_sums"] = dict(loop.running_sums)
    document["tracker"] = loop.tracker.to_json()
    if hasattr(loop.source, "position"):  # of data without end, whose rows before it are not read again
        document["stream"] = loop.source.position(loop.epoch, loop.batch)
    document["optimizers"] = {name: optimizer_scalars(optimizer) for name, optimizer in loop.optimizers.items()}
    loop.run.save_state(tensors, document)


def restore_state(loop: TrainingState) -> bool:
    """Brings the loop to where its saved state stands and drops later log lines; False where nothing is saved."""
    assert loop.run is not None
    saved = loop.run.load_state()
    if saved is None:
        loop.run.drop_log_after(0)
        return False
    tensors, document = named_now(loop.model, saved)
    where = f"The state of run {loop.run.path}"
    checked_form(document, _DOCUMENT_FORM, where)
    with refusing_misfits(where):
        _restore(loop, tensors, document, where)
    loop.run.drop_log_after(loop.epoch)
    loop.history = loop.run.log_lines()
    return True


def _restore(loop: TrainingState, tensors: dict[str, Tensor], document: dict[str, Any], where: str) -> None:
    _copy(loop.model.state_dict(), _part(tensors, "model/"), where)
    for name, optimizer in loop.optimizers.items():
        scalars = document.get("optimizers", {}).get(name)
        if scalars is None:
            raise RefusedFileError(f"{where} holds nothing for the optimizer {name!r}; start a new run.")
        load_optimizer_tensors(optimizer, _part(tensors, f"optimizer/{name}/"), scalars)
    if loop.average is not None:
        loop.average.load_tensors(_part(tensors, "average/"))
    loop.task.state.clear()
    loop.task.state.update({name: value.to(loop.device) for name, value in _part(tensors, "task/").items()})
    if "loss_count" in document:  # older states counted examples and not their weights
        document = {**document, "loss_weight": document["loss_count"]}
    try:
        for name in (*_COUNTERS, *(name for name in _LATER_COUNTERS if name in document)):
            setattr(loop, name, type(getattr(loop, name))(document[name]))
        loop.budget.spent = float(document.get("used_seconds", loop.seconds))
        if document.get("limits", _limits(loop)) != _limits(loop):
            # The run was given more time or epochs: what is done is a smaller share of it, and more can be measured.
            loop.progress, document = 0.0, {**document, "measured_examples": {}}
        loop.measured_examples = {str(k): int(v) for k, v in document.get("measured_examples", {}).items()}
        loop.running_sums = {str(k): float(v) for k, v in document.get("running_sums", {}).items()}
        loop.tracker.load_json(document["tracker"])
        if hasattr(loop.source, "seek") and "stream" in document:
            loop.source.seek(document["stream"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RefusedFileError(f"{where} is damaged: {error!r}; start a new run.") from error
    negative = next((name for name in _COUNTERS if getattr(loop, name) < 0 and name != "loss_sum"), None)
    if negative is not None:
        raise RefusedFileError(f"{where} is damaged: {negative} is below 0; start a new run.")


def _limits(loop: TrainingState) -> list[float]:
    """What the progress of a run is a share of."""
    return [loop.config.epochs, loop.config.max_seconds]


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


@torch.no_grad()
def _copy(into: dict[str, Tensor], values: dict[str, Tensor], where: str) -> None:
    """Copies values in place, so that addresses and memory layout, on which bits may depend, stay as they were."""
    if set(into) != set(values):
        differing = sorted(set(into) ^ set(values))
        raise RefusedFileError(f"{where} does not fit the network: {', '.join(differing[:3])} differ; start a new run.")
    for name, target in into.items():
        if target.shape != values[name].shape or target.dtype != values[name].dtype:
            raise RefusedFileError(
                f"{where} does not fit the network: {name} must be {tuple(target.shape)} {target.dtype}; "
                f"got {tuple(values[name].shape)} {values[name].dtype}."
            )
        target.copy_(values[name])
