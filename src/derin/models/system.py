"""Systems: several named networks in one module, one bundle and one saved state."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from derin.core.errors import RefusedFileError, ShapeError, UsageError
from derin.models.building import from_spec
from derin.models.signature import Signature, TensorSpec

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_MOST_NETWORKS = 16


class System(nn.Module):
    """Several networks, each under its name. The first one reads the data; who trains the others says what they read.

    A network that has a description (a registered one, a `Sequential`, a `Graph`) is built again from it, so that a
    system of such networks is saved without code.

    Args:
        networks: by name, which is letters, digits and underscores.

    Shapes:
        called as a whole, as a summary does, each network gets an input of its own: one for each → a tuple of outputs.

    Raises:
        UsageError: there is no network, or a name cannot be that of a module.

    Example:
        >>> import torch
        >>> from derin.models.building import build
        >>> system = System({
        ...     "judge": build("mlp", input_shape=(4,), num_outputs=1, hidden=(3,), seed=0),
        ...     "maker": build("mlp", input_shape=(2,), num_outputs=4, hidden=(3,), seed=0),
        ... })
        >>> system.judge(system.maker(torch.zeros(5, 2))).shape
        torch.Size([5, 1])
        >>> list(from_spec(system.spec).networks)
        ['judge', 'maker']
    """

    def __init__(self, networks: Mapping[str, nn.Module]) -> None:
        super().__init__()
        if not 1 <= len(networks) <= _MOST_NETWORKS:
            raise UsageError(f"A system has 1 to {_MOST_NETWORKS} networks; got {len(networks)}.")
        for name, network in networks.items():
            if not isinstance(name, str) or not _NAME.fullmatch(name) or hasattr(self, name):
                raise UsageError(
                    f"The name of a network must be letters, digits and underscores, and free; got {str(name)[:40]!r}."
                )
            self.add_module(name, network)

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The networks by name, in their order."""
        return dict(self.named_children())

    @property
    def spec(self) -> dict[str, Any] | None:
        """The description that is saved beside the weights; None where a network has none."""
        specs = {name: getattr(network, "spec", None) for name, network in self.networks.items()}
        if not all(specs.values()):
            return None
        first: Any = next(iter(specs.values()))
        shared = {key: first[key] for key in ("input_shape", "num_outputs")}
        return {"name": "system", **shared, "options": {"networks": specs}}

    @property
    def signature(self) -> Signature:
        """An input for each network, by its name."""
        return Signature(tuple(TensorSpec(name=n, shape=_input_shape(n, each)) for n, each in self.networks.items()))

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        if len(inputs) != len(self.networks):
            raise ShapeError(
                f"A system of {', '.join(self.networks)} is called by one of these networks, or with an input for "
                f"each; got {len(inputs)} for all."
            )
        return tuple(network(x) for network, x in zip(self.networks.values(), inputs, strict=True))

    @classmethod
    def from_options(cls, input_shape: tuple[int, ...], num_outputs: int, options: Mapping[str, Any]) -> System:
        """The system of a saved description's parts; `from_spec` is the way in that checks them."""
        specs = options.get("networks") if set(options) == {"networks"} else None
        if not isinstance(specs, Mapping) or not 1 <= len(specs) <= _MOST_NETWORKS:
            raise RefusedFileError(f"A saved system has 1 to {_MOST_NETWORKS} networks; got {str(options)[:60]}.")
        for spec in specs.values():
            if not isinstance(spec, Mapping) or spec.get("name") == "system":
                raise RefusedFileError(f"A saved system holds descriptions of networks; got {str(spec)[:60]}.")
        system = cls({name: from_spec(spec) for name, spec in specs.items()})
        found: Any = system.spec
        if tuple(found["input_shape"]) != tuple(input_shape) or found["num_outputs"] != num_outputs:
            raise RefusedFileError(
                f"The saved system says {tuple(input_shape)} → {num_outputs}; its first network reads "
                f"{tuple(found['input_shape'])} → {found['num_outputs']}."
            )
        return system


@dataclass(frozen=True, kw_only=True)
class SystemInfo:
    """What is known of a system before it is built.

    Args:
        name: in `derin.models.building.SYSTEMS`.
        build: ``build(input_shape, options)`` gives the networks by name, the one that reads the data first.
        options: frozen, keyword-only dataclass of the options, each with a default.
        paper: authors, title, place, year.
    """

    name: str
    build: Callable[[tuple[int, ...], Any], dict[str, nn.Module]]
    options: type
    paper: str


def require_networks(model: nn.Module, *names: str) -> dict[str, nn.Module]:
    """The networks of a system that a task asks for, by name.

    Raises:
        UsageError: the model is no system, or lacks one of them.
    """
    found: Any = getattr(model, "_orig_mod", model)
    have = dict(found.named_children()) if isinstance(found, System) else {}
    if not set(names) <= set(have):
        raise UsageError(
            f"The task trains a system of {' and '.join(names)}; got "
            f"{', '.join(have) if have else type(found).__name__}. Give derin.System({{name: network, …}})."
        )
    return {name: have[name] for name in names}


def _input_shape(name: str, network: nn.Module) -> tuple[int, ...]:
    shape = getattr(network, "input_shape", None)
    if shape is None:
        raise UsageError(f"The network {name!r} of a system must know its input_shape; set it as an attribute.")
    return tuple(shape)
