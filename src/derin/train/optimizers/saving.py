"""The state of an optimizer as named tensors and JSON, so that it is saved without pickle and restored to the bit.

A tensor is keyed by ``"<parameter>/<slot>"`` (``"conv1.weight/exp_avg"``), not by position. What is kept per parameter
takes the parameter's strides when restored: fused kernels walk both in memory order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from derin.core.errors import RefusedFileError
from derin.core.fields import Exactly, MapOf, Maybe, checked_form, is_number

_FORM = Exactly(
    {
        "kind": str,
        "groups": [Exactly({"parameters": [str], "settings": {}})],
        "tensors": [str],
        "values": MapOf(MapOf(Maybe(float))),
    }
)
# How a step is executed belongs to the plan and not to the state.
_EXECUTION = frozenset({"params", "param_names", "fused", "foreach", "capturable", "differentiable"})
# Slots that hold one number per parameter; all others have the parameter's shape.
_COUNTERS = frozenset({"step", "mu_product"})


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Every tensor of an optimizer's state, step counters included, by parameter and slot.

    Args:
        optimizer: built over named parameters, as `build_optimizer` does.

    Example:
        >>> from torch import nn
        >>> from derin.train.optimizers import build_optimizer
        >>> model = nn.Linear(3, 2, bias=False)
        >>> optimizer = build_optimizer("lion", model, learning_rate=0.1)
        >>> model(torch.ones(1, 3)).sum().backward()
        >>> optimizer.step()
        >>> list(optimizer_tensors(optimizer))
        ['weight/exp_avg']
    """
    return {
        f"{name}/{slot}": value
        for name, parameter, _ in _named(optimizer)
        for slot, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def optimizer_scalars(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """What of an optimizer's state is no tensor: a JSON document.

    Returns:
        ``kind`` (the class), ``groups`` (their parameters' names and settings), ``tensors`` (the keys of
        `optimizer_tensors`) and ``values`` (per parameter, slots that hold no tensor: a momentum that is None as yet).
    """
    groups = []
    for group in optimizer.param_groups:
        settings = {k: list(v) if isinstance(v, tuple) else v for k, v in group.items() if k not in _EXECUTION}
        groups.append({"parameters": list(group["param_names"]), "settings": settings})
    values: dict[str, dict[str, Any]] = {}
    for name, parameter, _ in _named(optimizer):
        plain = {k: v for k, v in optimizer.state.get(parameter, {}).items() if not isinstance(v, Tensor)}
        if plain:
            values[name] = plain
    return {
        "kind": _kind(optimizer),
        "groups": groups,
        "tensors": sorted(optimizer_tensors(optimizer)),
        "values": values,
    }


def load_optimizer_tensors(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], scalars: Mapping[str, Any]
) -> None:
    """Restores what `optimizer_tensors` and `optimizer_scalars` gave, into an optimizer built alike over an equal
    model.

    Nothing is changed unless all of it fits.

    Raises:
        RefusedFileError: when parameters, slots, shapes, types or settings are not those of this optimizer.
    """
    _check_document(optimizer, scalars)
    settings = _checked_settings(optimizer, scalars["groups"])
    if sorted(tensors) != sorted(scalars["tensors"]):
        odd = sorted(set(tensors) ^ set(scalars["tensors"]))
        raise _refused(f"the saved tensors and their list must agree; they differ in {', '.join(odd[:3])}")
    states: dict[Tensor, dict[str, Any]] = {}
    known: set[str] = set()
    for name, parameter, group in _named(optimizer):
        saved = {k.rpartition("/")[2]: tensors[k] for k in tensors if k.rpartition("/")[0] == name}
        known.update(f"{name}/{slot}" for slot in saved)
        plain = scalars["values"].get(name, {})
        if not saved and not plain:
            continue
        _check_slots(optimizer, group, name, set(saved) | set(plain))
        states[parameter] = {slot: _restored(name, slot, value, parameter, group) for slot, value in saved.items()}
        states[parameter].update(plain)
    strangers = sorted(set(tensors) - known) + sorted(
        set(scalars["values"]) - {name for name, _, _ in _named(optimizer)}
    )
    if strangers:
        raise _refused(f"the model has no parameter for {', '.join(strangers[:3])}")
    optimizer.state.clear()
    optimizer.state.update(states)
    for group, values in zip(optimizer.param_groups, settings, strict=True):
        group.update(values)


def _named(optimizer: torch.optim.Optimizer) -> list[tuple[str, Tensor, dict[str, Any]]]:
    """Name, parameter and group of everything optimized."""
    return [
        (name, parameter, group)
        for group in optimizer.param_groups
        for name, parameter in zip(group["param_names"], group["params"], strict=True)
    ]


def _kind(optimizer: torch.optim.Optimizer) -> str:
    """The optimizer's class; how its step is executed is no part of it."""
    return type(optimizer).__name__.removeprefix("Fused")


def _slots(optimizer: torch.optim.Optimizer, group: dict[str, Any]) -> set[str] | None:
    """The slots of a parameter that has been updated; None for an optimizer that is not among ours."""
    match _kind(optimizer):
        case "SGD":
            return {"momentum_buffer"} if group["momentum"] else set()
        case "Adagrad":
            return {"step", "sum"}
        case "RMSprop":
            more = {"grad_avg"} if group["centered"] else set()
            return {"step", "square_avg"} | more | ({"momentum_buffer"} if group["momentum"] else set())
        case "Adam" | "AdamW":
            return {"step", "exp_avg", "exp_avg_sq"} | ({"max_exp_avg_sq"} if group["amsgrad"] else set())
        case "NAdam":
            return {"step", "mu_product", "exp_avg", "exp_avg_sq"}
        case "Lion":
            return {"exp_avg"}
        case "Muon":
            return {"momentum_buffer"} if group["method"] == "muon" else {"step", "exp_avg", "exp_avg_sq"}
        case _:
            return None


def _check_document(optimizer: torch.optim.Optimizer, scalars: Mapping[str, Any]) -> None:
    """That the JSON has the form that `optimizer_scalars` gives."""
    checked_form(scalars, _FORM, "The saved optimizer state")
    if scalars["kind"] != _kind(optimizer):
        raise _refused(f"it must be of {_kind(optimizer)}; got {scalars['kind']!r}")


def _checked_settings(optimizer: torch.optim.Optimizer, saved: list[Any]) -> list[dict[str, Any]]:
    """The settings of each group as they are to be restored."""
    if len(saved) != len(optimizer.param_groups):
        raise _refused(f"it must have {len(optimizer.param_groups)} parameter groups; got {len(saved)}")
    restored = []
    for number, (group, document) in enumerate(zip(optimizer.param_groups, saved, strict=True)):
        if document["parameters"] != list(group["param_names"]):
            raise _refused(f"group {number} must hold the parameters of this model in their order, and does not")
        settings = document["settings"]
        expected = {key for key in group if key not in _EXECUTION}
        if set(settings) != expected:
            raise _refused(f"group {number} must have the settings {', '.join(sorted(expected))}")
        restored.append({k: _setting(number, k, group[k], value) for k, value in settings.items()})
    return restored


_LARGEST_SETTING = 1e10  # of a learning rate and the like; beyond, sums of float32 have no end


def _setting(number: int, name: str, current: Any, value: Any) -> Any:
    """A saved setting in the type of the present one."""
    if isinstance(current, tuple):
        # Rates of forgetting: from 1 on a step divides by what is not above 0.
        low, high = (0.0, 1.0) if name == "betas" else (-_LARGEST_SETTING, _LARGEST_SETTING)
        fits = isinstance(value, list) and len(value) == len(current)
        fits = fits and all(is_number(v) and low <= v < high for v in value)
        value = tuple(value) if fits else value
    elif is_number(current):
        fits = is_number(value) and abs(value) <= _LARGEST_SETTING
    else:
        fits = type(value) is type(current)
    if not fits:
        raise _refused(f"the setting {name!r} of group {number} must be like {current!r}; got {value!r}")
    return value


def _check_slots(optimizer: torch.optim.Optimizer, group: dict[str, Any], name: str, found: set[str]) -> None:
    wanted = _slots(optimizer, group)
    if wanted is not None and found != wanted:
        slots, got = (", ".join(sorted(names)) or "none" for names in (wanted, found))
        raise _refused(f"{name} must have the slots {slots}; got {got}")


def _restored(name: str, slot: str, value: Tensor, parameter: Tensor, group: dict[str, Any]) -> Tensor:
    """A copy on the right device, in the parameter's strides."""
    if slot in _COUNTERS:
        if value.shape != () or not value.is_floating_point() or not bool(torch.isfinite(value)):
            raise _refused(f"{name}/{slot} must be one finite number; got shape {tuple(value.shape)}, {value.dtype}")
        on_device = group.get("fused") or group.get("capturable")
        return value.detach().clone().to(parameter.device if on_device else "cpu")
    if value.shape != parameter.shape or value.dtype != parameter.dtype:
        raise _refused(
            f"{name}/{slot} must be {tuple(parameter.shape)} {parameter.dtype}; got {tuple(value.shape)} {value.dtype}"
        )
    return torch.empty_like(parameter, requires_grad=False).copy_(value)


def _refused(what: str) -> RefusedFileError:
    return RefusedFileError(
        f"The saved optimizer state cannot be restored: {what}. Resume with the settings of that run."
    )
