"""From a name and a model to an optimizer with its parameter groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from derin.core.errors import UnknownNameError, UsageError
from derin.core.own import is_own, name_of
from derin.core.registry import Registry
from derin.core.roles import ROLES, parameter_roles

if TYPE_CHECKING:
    from derin.train.optimizers.configs import OptimizerConfig
from derin.train.optimizers import eager
from derin.train.optimizers.muon import Groups

_CONFIGS = "derin.train.optimizers.configs:"
OPTIMIZERS: Registry[type[OptimizerConfig]] = Registry(
    "optimizer",
    {
        "sgd": _CONFIGS + "SGD",
        "momentum": _CONFIGS + "Momentum",
        "nesterov": _CONFIGS + "Nesterov",
        "adagrad": _CONFIGS + "Adagrad",
        "rmsprop": _CONFIGS + "RMSprop",
        "adam": _CONFIGS + "Adam",
        "nadam": _CONFIGS + "NAdam",
        "adamw": _CONFIGS + "AdamW",
        "lion": _CONFIGS + "Lion",
        "muon": _CONFIGS + "Muon",
    },
)

# The torch optimizer behind each that may have a fused kernel; muon's is that of its AdamW part.
_FUSED: dict[str, Any] = {
    "sgd": eager.SGD,
    "momentum": eager.SGD,
    "nesterov": eager.SGD,
    "adagrad": eager.Adagrad,
    "adam": eager.Adam,
    "adamw": eager.AdamW,
    "muon": eager.AdamW,
}


def optimizer_config(text: str) -> OptimizerConfig:
    """The config that a text stands for: a name of `OPTIMIZERS`, with options after a colon.

    Example:
        >>> str(optimizer_config("adam: eps=1e-7, amsgrad=true"))
        'adam:eps=1e-07,amsgrad=true'
    """
    if is_own(text):
        raise UsageError(f"The optimizer {text.removeprefix('own:')} is a function of your own; give that function.")
    name, _, options = text.partition(":")
    return OPTIMIZERS[name].parse(options)


def build_optimizer(
    optimizer: str | Callable[..., torch.optim.Optimizer],
    model: nn.Module,
    *,
    learning_rate: float,
    weight_decay: float = 0.0,
    momentum: float = 0.9,
    fused: bool | None = None,
    rates: Mapping[str, float] | None = None,
    **options: Any,
) -> torch.optim.Optimizer:
    """An optimizer over the trainable parameters of a model.

    Weight decay is applied to weights only: biases, norms, embeddings and positions are exempt, by their roles. Every
    parameter group has ``lr``, a plain float, and ``lr_scale``, by which `set_lr` multiplies the schedule's rate.

    Args:
        optimizer: a name of `OPTIMIZERS`, perhaps with options after a colon; or a function of the caller's own that
            makes an optimizer of parameters, which then decides all but which of them it gets.
        model: its parameters with ``requires_grad`` are optimized, in their current memory layout.
        learning_rate: η.
        weight_decay: λ; in ``adamw``, ``lion`` and ``muon`` decoupled (θ ← θ − ηλθ), elsewhere the L2 penalty
            ``λ‖θ‖²/2``.
        momentum: of ``momentum``, ``nesterov`` and ``muon``; the others have none or their own β, given in `options`.
        fused: whether to use torch's fused kernels: True demands them, False forbids them, None takes them where
            `supports_fused` says so.
        rates: the factor on the learning rate of each parameter to be optimized, by its name, whether or not it learns
            at the moment; None takes what has ``requires_grad``, all at one rate.
        options: of this optimizer alone, such as ``betas`` or ``eps``.

    Raises:
        UnknownNameError: for a name or an option that does not exist.
        UsageError: when nothing is trainable, or when ``fused=True`` cannot be had.

    Example:
        >>> optimizer = build_optimizer("adamw", nn.Linear(3, 2), learning_rate=0.01, weight_decay=0.1)
        >>> [(group["param_names"], group["weight_decay"]) for group in optimizer.param_groups]
        [(['weight'], 0.1), (['bias'], 0.0)]
    """
    if not isinstance(optimizer, str):
        return _own_optimizer(optimizer, model, rates)
    config = optimizer_config(optimizer)
    config = type(config).checked({**{option: getattr(config, option) for option in config.own_options()}, **options})
    groups = parameter_groups(model, weight_decay, rates)
    device_types = {parameter.device.type for group in groups for _, parameter in group["params"]}
    can_fuse = all(supports_fused(config.name, device_type) for device_type in device_types)
    if fused and not can_fuse:
        raise UsageError(
            f"The optimizer {config.name!r} has no fused kernel on {' and '.join(sorted(device_types))}; "
            "use fused=False, or one of " + ", ".join(n for n in _FUSED if n != "muon") + "."
        )
    use_fused = can_fuse if fused is None else fused
    try:
        built = config.build(model, groups, learning_rate=learning_rate, momentum=momentum, fused=use_fused)
    except ValueError as error:  # torch refuses values out of range in words of its own
        raise UsageError(f"The optimizer {config.name!r} cannot be built: {error}") from error
    for group in built.param_groups:
        group.setdefault("lr_scale", 1.0)
    return built


def _own_optimizer(
    make: Callable[..., torch.optim.Optimizer], model: nn.Module, rates: Mapping[str, float] | None
) -> torch.optim.Optimizer:
    """An optimizer of the caller's own: each group keeps its rate, as a share of the largest."""
    if rates is not None:
        raise UsageError("Layers that are unfrozen by and by need an optimizer by its name; yours is a function.")
    names = {id(p): name for name, p in model.named_parameters() if p.requires_grad}
    made = make([p for p in model.parameters() if p.requires_grad])
    if not isinstance(made, torch.optim.Optimizer):
        raise UsageError(
            f"The optimizer {name_of(make).removeprefix('own:')} must make a torch.optim.Optimizer of the parameters; "
            f"it made {type(made).__name__}."
        )
    largest = max(float(group["lr"]) for group in made.param_groups)
    for group in made.param_groups:
        if any(id(parameter) not in names for parameter in group["params"]):
            raise UsageError("An optimizer of your own must move the parameters that it is given, and no others.")
        group["param_names"] = [names[id(parameter)] for parameter in group["params"]]
        group["lr_scale"] = float(group["lr"]) / largest if largest else 1.0
        group["lr"] = float(group["lr"])
    return made


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Sets the learning rate of every group to ``lr · lr_scale``.

    Example:
        >>> optimizer = build_optimizer("sgd", nn.Linear(3, 2), learning_rate=0.1, weight_decay=0.01)
        >>> optimizer.param_groups[0]["lr_scale"] = 0.5
        >>> set_lr(optimizer, 0.02)
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.01, 0.02]
    """
    for group in optimizer.param_groups:
        group["lr"] = lr * group["lr_scale"]


def supports_fused(name: str, device_type: str) -> bool:
    """Whether torch, as installed, has a fused kernel for an optimizer on a kind of device.

    Args:
        name: a name of `OPTIMIZERS`, perhaps with options after a colon.
        device_type: ``"cpu"``, ``"cuda"``, ``"mps"``, …

    Example:
        >>> supports_fused("adamw", "cpu"), supports_fused("lion", "cpu")
        (True, False)
    """
    name = name.partition(":")[0]
    if name not in OPTIMIZERS:
        raise UnknownNameError("optimizer", name, OPTIMIZERS)
    return name in _FUSED and _runs_fused(_FUSED[name], device_type)


@cache
def _runs_fused(kind: Any, device_type: str) -> bool:
    """Whether torch takes such a step, tried on a weight of its own."""
    try:
        weight = nn.Parameter(torch.zeros(1, device=device_type))
        weight.grad = torch.zeros_like(weight)
        kind([weight], fused=True).step()
    except (RuntimeError, AssertionError):  # no such kernel, or no such device in this torch
        return False
    return True


def exempt_from_decay(model: nn.Module) -> set[int]:
    """The ``id`` of each parameter that neither weight decay nor L1 touches, by its role; see `derin.core.roles`.

    Example:
        >>> layer = nn.Linear(3, 2)
        >>> exempt_from_decay(layer) == {id(layer.bias)}
        True
    """
    roles = parameter_roles(model)
    return {id(parameter) for name, parameter in model.named_parameters() if not ROLES[roles[name]].decays}


def parameter_groups(model: nn.Module, weight_decay: float, rates: Mapping[str, float] | None = None) -> Groups:
    """The trainable parameters in two groups: with weight decay, and without.

    Which decay is a matter of their roles, see `derin.core.roles`: weights do, and biases, norms, embeddings,
    positions and what is not known do not. An empty group is left out, and where nothing decays there is one group: a
    second one costs a second kernel call. With `rates`, each rate has groups of its own.

    Returns:
        groups with ``decays`` True or False, whose ``params`` are pairs of name and parameter.
    """
    trainable = [(n, p) for n, p in model.named_parameters() if (p.requires_grad if rates is None else n in rates)]
    if not trainable:
        raise UsageError(
            f"The model {type(model).__name__} has no trainable parameter; "
            "set requires_grad=True on what is to be trained."
        )
    if rates is None:
        return _by_decay(model, trainable, weight_decay)
    groups: Groups = []
    for lr in dict.fromkeys(rates[name] for name, _ in trainable):
        alike = [(name, parameter) for name, parameter in trainable if rates[name] == lr]
        groups += [{**group, "lr_scale": lr} for group in _by_decay(model, alike, weight_decay)]
    return groups


def _by_decay(model: nn.Module, trainable: list[tuple[str, nn.Parameter]], weight_decay: float) -> Groups:
    """Parameters with weight decay, and parameters without."""
    if not weight_decay:
        return [{"params": trainable, "decays": False, "weight_decay": 0.0}]
    exempt = exempt_from_decay(model)
    decayed = [(n, p) for n, p in trainable if id(p) not in exempt]
    others = [(n, p) for n, p in trainable if id(p) in exempt]
    groups: Groups = [
        {"params": decayed, "decays": True, "weight_decay": weight_decay},
        {"params": others, "decays": False, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]
