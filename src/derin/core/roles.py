"""What each parameter of a network is for: its role. Weight decay, L1, Muon and layer groups go by it, never by shape.

A role comes from the module that owns the parameter:

1. A module states it: ``parameter_roles = {"table": "position"}``, by the parameter's name within the module.
2. Norms, embeddings, convolutions and PReLU are known by their class, and so are classes derived from them.
3. In every other module what is called ``bias…`` is a bias, and what is called ``…weight…`` is a weight: a matrix from
   two axes on, a scale below.
4. Any other bare parameter is free: nothing is known of its use, so that nothing pulls at it.

Of the weights of the output layer the last is the head. A parameter that several modules share has the role that spares
it, such as that of an embedding whose transpose is the output.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from derin.core.errors import UnknownNameError

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class Role:
    """What follows from a role.

    Args:
        decays: whether weight decay and L1 pull at it.
        is_hidden: whether it maps one hidden vector to another, which is what Muon is for.
        only_scales: whether it does no more than scale and shift what came before, and so belongs to that layer.
    """

    decays: bool
    is_hidden: bool = False
    only_scales: bool = False


ROLES: dict[str, Role] = {
    "matrix": Role(decays=True, is_hidden=True),  # of dense, recurrent and attention layers
    "filter": Role(decays=True, is_hidden=True),  # of convolutions
    "head": Role(decays=True),  # the weight of the output layer: its rows are classes and no directions
    "embedding": Role(decays=False),  # the vectors of words
    "position": Role(decays=False),  # the vectors of places, and of tokens that stand for no word
    "norm": Role(decays=False, only_scales=True),  # gain and shift of a norm
    "scale": Role(decays=False, only_scales=True),  # other gains, such as layer scale and the slope of PReLU
    "bias": Role(decays=False),
    "score": Role(decays=False),  # of pairs of tags in a CRF
    "free": Role(decays=False),  # not known
}
_WEIGHTS = ("matrix", "filter")


def parameter_roles(network: nn.Module) -> dict[str, str]:
    """The role of each parameter, by the name that `named_parameters` gives it; a key of `ROLES`.

    Args:
        network: its attribute ``output_layers`` names the modules that are its output; without it that is the last
            layer that has weights.

    Raises:
        UnknownNameError: a module states a role that there is not.

    Example:
        >>> from torch import nn
        >>> network = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2, bias=False))
        >>> list(parameter_roles(network).values())
        ['embedding', 'matrix', 'bias', 'norm', 'norm', 'head']
    """
    by_parameter: dict[Tensor, str] = {}
    for module in network.modules():
        for parameter, role in own_roles(module):
            known = by_parameter.get(parameter)
            if known is None or (ROLES[known].decays and not ROLES[role].decays):
                by_parameter[parameter] = role
    for layer in _output_layers(network):
        weights = [p for p in layer.parameters() if by_parameter[p] in _WEIGHTS]
        if weights:
            by_parameter[weights[-1]] = "head"
    return {name: by_parameter[parameter] for name, parameter in network.named_parameters()}


def own_roles(module: nn.Module) -> Iterator[tuple[Tensor, str]]:
    """The parameters that a module owns itself, each with the role that the module gives it."""
    from torch.nn.utils.parametrize import ParametrizationList, is_parametrized

    stated = getattr(module, "parameter_roles", {})
    spared = getattr(module, "no_weight_decay", ())
    for name, parameter in module.named_parameters(recurse=False):
        if isinstance(module, ParametrizationList):
            break  # told by the module whose parameter it stands for
        role = stated.get(name, "free" if name in spared else None) or _role(module, name, parameter)
        yield parameter, _checked(module, name, role)
    if is_parametrized(module):
        for name, parts in module.parametrizations.items():  # type: ignore[union-attr, operator]
            for parameter in parts.parameters(recurse=False):
                role = stated.get(name) or _role(module, name, getattr(module, name))
                # Of a weight in two parts, length and direction, the lengths are a scale.
                is_part = parameter.numel() < getattr(module, name).numel()
                yield parameter, "scale" if is_part and role in _WEIGHTS else _checked(module, name, role)


def only_scales(module: nn.Module) -> bool:
    """Whether all that a module learns is to scale and shift, as norms do; true of one that learns nothing."""
    return all(ROLES[role].only_scales for part in module.modules() for _, role in own_roles(part))


def _role(module: nn.Module, name: str, parameter: Tensor) -> str:
    from torch import nn

    batch_norms = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
    instance_norms = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
    if isinstance(module, (nn.LayerNorm, nn.RMSNorm, nn.GroupNorm, *batch_norms, *instance_norms)):
        return "norm"
    if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
        return "embedding"
    if isinstance(module, nn.PReLU):
        return "scale"
    if name.startswith("bias") or name.endswith("bias"):
        return "bias"
    if "weight" not in name:
        return "free"
    if parameter.ndim < 2:
        return "scale"
    convolutions = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
    return "filter" if isinstance(module, convolutions) else "matrix"


def _checked(module: nn.Module, name: str, role: str) -> str:
    if role not in ROLES:
        raise UnknownNameError(f"role of {type(module).__name__}.{name}", role, ROLES)
    return role


def _output_layers(network: nn.Module) -> Sequence[nn.Module]:
    names = getattr(network, "output_layers", None)
    if isinstance(names, tuple) and all(isinstance(name, str) for name in names):
        return [network.get_submodule(name) for name in names if _has(network, name)]
    owners = [m for m in network.modules() if any(role in _WEIGHTS for _, role in own_roles(m))]
    return owners[-1:]


def _has(network: nn.Module, name: str) -> bool:
    """Whether there is such a part: an auxiliary classifier may be left out."""
    module: nn.Module | None = network
    for part in name.split("."):
        module = dict(module.named_children()).get(part) if module is not None else None
    return module is not None
