"""Which layers a network runs, in which order, and which of them can be looked at by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from derin.core.errors import UsageError, near_matches
from derin.explain.watching import as_input, unchanged

# How the names of torch's functions begin that convolve: conv1d, conv2d, …, conv_transpose2d; convolution.
_CONVOLUTIONS = ("conv1d", "conv2d", "conv3d", "conv_t", "convolution")
_MOST_LISTED = 40  # names that a sentence can bear


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one module.

    Args:
        name: of the module within the network; "" is the network itself.
        shape: of the output, with the batch.
        convolves: whether a convolution ran in the module itself, not in a part of it.
        is_leaf: whether the module has no parts.
        follows: place in the list of calls of the module whose output this one read, or None.
    """

    name: str
    shape: tuple[int, ...]
    convolves: bool
    is_leaf: bool
    follows: int | None

    @property
    def gives_maps(self) -> bool:
        """Whether the output is ``(B, C, H, W)``."""
        return len(self.shape) == 4


def trace(network: nn.Module, x: Tensor) -> list[Call]:
    """Runs a network once and lists the calls of its modules in the order in which they ended.

    Convolutions are found by what torch computes, so that a layer of one's own counts as well as `nn.Conv2d`.

    Args:
        network: any network with one input.
        x: a batch that it reads; one example is enough.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(108, 2))
        >>> [(call.name, call.convolves, call.follows) for call in trace(net, torch.zeros(1, 1, 8, 8))]
        [('0', True, None), ('1', False, 0), ('2', False, 1), ('3', False, 2), ('', False, None)]
    """
    tracer = _Tracer(network)
    with unchanged(network), torch.no_grad(), tracer:
        handles = [
            handle
            for module in tracer.names
            for handle in (
                module.register_forward_pre_hook(tracer.enter),
                module.register_forward_hook(tracer.leave),
            )
        ]
        try:
            network(as_input(network, x[:1]))
        finally:
            for handle in handles:
                handle.remove()
    return tracer.calls


def find_layer(network: nn.Module, x: Tensor, name: str) -> nn.Module:
    """The module of that name.

    Args:
        network: any network with one input.
        x: a batch that it reads; the layers whose outputs are maps are found with it.
        name: as `derin summary` prints it.

    Raises:
        UsageError: there is none; near matches and the layers that give maps are listed.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU())
        >>> find_layer(net, torch.zeros(1, 1, 8, 8), "0")
        Conv2d(1, 3, kernel_size=(3, 3), stride=(1, 1))
    """
    modules = dict(network.named_modules())
    if name and name in modules:
        return modules[name]
    maps = _with_maps(trace(network, x))
    clause = near_matches(name, [known for known in modules if known])
    near = f"{clause}? " if clause.startswith("did") else ""
    listed = maps
    if len(maps) > _MOST_LISTED:
        listed = [found for found in maps if found.count(".") == 0]
        listed.append(f"and {len(maps) - len(listed)} within them, which derin summary lists")
    raise UsageError(f"There is no layer named {name!r}; {near}Layers that give maps: {', '.join(listed) or 'none'}.")


def last_convolution(network: nn.Module, x: Tensor) -> str:
    """The name of the layer whose convolution over maps runs last in the forward pass.

    Raises:
        UsageError: no convolution runs.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Conv2d(3, 2, 1), nn.ReLU())
        >>> last_convolution(net, torch.zeros(1, 1, 8, 8))
        '2'
    """
    calls = trace(network, x)
    return calls[_last_convolution(network, calls)].name


def last_maps(network: nn.Module, x: Tensor) -> str:
    """The layer at which Grad-CAM looks: what the norm and activation behind the last convolution make of it.

    A norm moves and scales every map. Before it the share of a map in the answer is not yet to be seen. The layer
    that the registry names for a network of the zoo goes before; of a network that finds boxes on a trunk it is the
    last of the trunk, on which the boxes of all sizes depend.

    Raises:
        UsageError: no convolution runs.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2))
        >>> last_maps(net, torch.zeros(1, 1, 8, 8))
        '2'
    """
    named = _registered_layer(network)
    if named is not None:
        return named
    calls = trace(network, x)
    place = _last_convolution(network, calls)
    for later in range(place + 1, len(calls)):
        call = calls[later]
        if call.is_leaf and call.follows == place and call.shape == calls[place].shape:
            place = later
    return calls[place].name


def level_layer(network: nn.Module, strides: Sequence[int]) -> str | None:
    """The layer from whose maps boxes of these strides were read; None where a network reads all from one map.

    Of several strides it is that of the finest: maps of one size are looked at, and the coarser ones are made of it.

    Example:
        >>> from derin.models import build
        >>> net = build("yolo", input_shape=(3, 64, 64), num_outputs=2, seed=0, width=8, depth=1)
        >>> level_layer(net, [32, 16]), level_layer(net, [8]), level_layer(net, [])
        ('pyramid.up_looks.0', 'pyramid.down_looks.1', None)
    """
    layers: Mapping[int, str] = getattr(network, "level_layers", {})
    return layers.get(min(strides)) if strides else None


def map_layers(network: nn.Module, x: Tensor, *, least: int = 4) -> list[str]:
    """The layers that give maps, from the outermost modules inward until there are a few of them.

    Left out are maps of a single pixel and layers that hand on what they read.

    Args:
        network: any network with one input.
        x: a batch that it reads.
        least: modules with parts are opened, level by level, until so many layers are found.

    Raises:
        UsageError: no layer gives maps.

    Example:
        >>> stage = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU())
        >>> net = nn.Sequential(nn.Conv2d(1, 3, 3), stage)
        >>> map_layers(net, torch.zeros(1, 1, 8, 8), least=2), map_layers(net, torch.zeros(1, 1, 8, 8), least=3)
        (['0', '1'], ['0', '1.0', '1.1'])
    """
    calls = trace(network, x)
    modules = dict(network.named_modules())
    passing = (nn.Identity, nn.Dropout, nn.Dropout2d)  # in evaluation mode these give what they read
    wide = {call.name for call in calls if call.gives_maps and max(call.shape[2:]) > 1}
    names = [name for name in _with_maps(calls) if name in wide and not isinstance(modules[name], passing)]
    if not names:
        raise _without_convolution(network)
    leaves = {call.name for call in calls if call.is_leaf}
    depth = 1
    while True:
        shown = [n for n in names if _level(n) == depth or (_level(n) < depth and n in leaves)]
        if len(shown) >= least or all(name in leaves for name in shown):
            return shown or names
        depth += 1


def _with_maps(calls: list[Call]) -> list[str]:
    """The names of the layers that give maps, in the order of their first call."""
    return list(dict.fromkeys(call.name for call in calls if call.gives_maps and call.name))


def _level(name: str) -> int:
    return name.count(".") + 1


def _last_convolution(network: nn.Module, calls: list[Call]) -> int:
    """Its place in the list of calls."""
    found = [place for place, call in enumerate(calls) if call.convolves and call.gives_maps and call.name]
    if not found:
        raise _without_convolution(network)
    return found[-1]


def _without_convolution(network: nn.Module) -> UsageError:
    return UsageError(
        f"This looks at the maps of a convolution, and {type(network).__name__} has none; "
        "integrated gradients and occlusion need no convolution."
    )


def _registered_layer(network: nn.Module) -> str | None:
    """What the registry says of a network of the zoo."""
    from derin.models.registry import MODELS

    spec = getattr(network, "spec", None)
    name = spec.get("name") if isinstance(spec, Mapping) else None
    info = MODELS[name] if isinstance(name, str) and name in MODELS else None
    if info is not None and info.gradient_layer is None and info.has_trunk:
        return f"trunk.{list(network.get_submodule('trunk')._modules)[-1]}"
    return None if info is None else info.gradient_layer


class _Tracer(TorchFunctionMode):
    """Notes which module runs while torch computes a convolution, and whose output a module reads."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.names = {module: name for name, module in network.named_modules()}
        self.calls: list[Call] = []
        self._running: list[bool] = []  # for each module that runs: whether it convolved
        # Kept alive, because a freed tensor's id is given away again.
        self._outputs: dict[int, tuple[Tensor, int]] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if self._running and getattr(func, "__name__", "").startswith(_CONVOLUTIONS):
            self._running[-1] = True
        return func(*args, **(kwargs or {}))

    def enter(self, module: nn.Module, inputs: Any) -> None:
        self._running.append(False)

    def leave(self, module: nn.Module, inputs: Any, output: Any) -> None:
        convolved = self._running.pop()
        if not isinstance(output, Tensor):
            return
        read = self._outputs.get(id(inputs[0])) if inputs else None
        is_leaf = next(module.children(), None) is None
        place = len(self.calls)
        self.calls.append(
            Call(self.names[module], tuple(output.shape), convolved, is_leaf, None if read is None else read[1])
        )
        if is_leaf or id(output) not in self._outputs:
            self._outputs[id(output)] = (output, place)
