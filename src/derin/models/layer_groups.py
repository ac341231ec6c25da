"""A network cut into layer groups from the input to the output: what fine-tuning freezes and unfreezes piece by piece.

One rule for every network whose children stand in the order of its forward pass: each child is a group, a long list
of layers is cut at its own children, what has no weights or only scales what came before (activations, norms) stays
with what came before, and all that is new for other classes is the last group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from derin.core.roles import only_scales

# A list of at most so many pieces is one group: a stage of two convolutions is rarely wanted in parts.
_LONGEST = 3


@dataclass(frozen=True)
class LayerGroup:
    """Layers that are frozen and trained together.

    Args:
        name: the first part that has weights.
        parts: dotted names of modules, or of parameters that belong to the network itself.
    """

    name: str
    parts: tuple[str, ...]

    def owns(self, name: str) -> bool:
        """Whether a parameter, buffer or module of this dotted name belongs to the group."""
        return any(name == part or name.startswith(part + ".") for part in self.parts)


def layer_groups(network: nn.Module, output_layers: Sequence[str] = ("output",)) -> list[LayerGroup]:
    """The groups from the input to the output. Together they hold every parameter once.

    Args:
        network: its children in the order of the forward pass.
        output_layers: what is new where the network learns other classes, as `ModelInfo.output_layers` has it. The
            children that hold them, auxiliary classifiers too, are the last group.

    Example:
        >>> from derin.models import build
        >>> groups = layer_groups(build("convnet", input_shape=(3, 32, 32), num_outputs=4))
        >>> [group.name for group in groups]
        ['stages.0', 'stages.1', 'stages.2', 'stages.3', 'output']
    """
    heads = {name.split(".")[0] for name in output_layers}
    trunk: list[list[str]] = []
    last: list[str] = []
    for name, child in network.named_children():
        if name in heads:
            last.append(name)
        else:
            _append(trunk, name, child)
    own = [name for name, _ in network.named_parameters(recurse=False)]
    if own or not trunk:
        # Bare parameters of a network, such as position embeddings, act on its input.
        trunk = [[*own, *(trunk[0] if trunk else [])], *trunk[1:]]
    named = [name for name, _ in network.named_parameters()]
    groups: list[LayerGroup] = []
    waiting: list[str] = []  # parts before the first weights
    for parts in [*trunk, last]:
        weighted = [part for part in parts if any(name == part or name.startswith(part + ".") for name in named)]
        if weighted:
            groups.append(LayerGroup(weighted[0], (*waiting, *parts)))
            waiting = []
        elif groups:
            groups[-1] = LayerGroup(groups[-1].name, (*groups[-1].parts, *parts))
        else:
            waiting += parts
    return groups


def _append(pieces: list[list[str]], name: str, module: nn.Module) -> None:
    """Adds a module's pieces to those before it."""
    own = _pieces(name, module) if isinstance(module, nn.Sequential | nn.ModuleList) else []
    if len(own) > _LONGEST:
        pieces += own
    elif pieces and only_scales(module):
        pieces[-1].append(name)
    else:
        pieces.append([name])


def _pieces(name: str, layers: nn.Sequential | nn.ModuleList) -> list[list[str]]:
    """The pieces of a list of layers."""
    found: list[list[str]] = []
    for place, layer in layers.named_children():
        _append(found, f"{name}.{place}", layer)
    return found
