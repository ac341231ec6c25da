"""A network's tensors as a bundle holds them: tied ones once, with their memory layout; and back into a network."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from derin.core.errors import RefusedFileError, UsageError
from derin.core.strict_json import dump_json

if TYPE_CHECKING:
    from torch import Tensor, nn

    from derin.core.bundle import Bundle

T = TypeVar("T")


def state_tensors(model: nn.Module) -> tuple[dict[str, Tensor], dict[str, str], dict[str, str]]:
    """Parameters and buffers of a network, as `save_bundle` takes them.

    Args:
        model: any network.

    Returns:
        the tensors by name, without copies; ties: further names of a tensor → its first name; layout: memory layout by
        name, of those that are not contiguous.

    Raises:
        UsageError: the network keeps something in its state that is no tensor.

    Example:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
        >>> model[1].weight = model[0].weight
        >>> tensors, ties, layout = state_tensors(model)
        >>> sorted(tensors), ties, layout
        (['0.bias', '0.weight', '1.bias'], {'1.weight': '0.weight'}, {})
    """
    import torch

    tensors: dict[str, Tensor] = {}
    ties: dict[str, str] = {}
    layout: dict[str, str] = {}
    first: dict[object, str] = {}
    for name, value in model.state_dict().items():
        if not isinstance(value, torch.Tensor):
            raise UsageError(
                f"{type(model).__name__} keeps {name!r} of type {type(value).__name__} in its state, where only "
                "tensors can be saved; make it a buffer or leave it out of the state."
            )
        place = (_place(value), value.dtype, value.shape, value.stride())
        if value.numel() and place in first:
            ties[name] = first[place]
            continue
        first[place] = name
        tensors[name] = value.detach()
        if (kind := _layout(value)) is not None:
            layout[name] = kind
    return tensors, ties, layout


def load_state(model: nn.Module, bundle: Bundle) -> None:
    """Copies a bundle's weights into a network, in place, and restores ties and memory layout.

    Args:
        model: with exactly the names, shapes and types of the bundle.
        bundle: verified by `load_bundle`.

    Raises:
        RefusedFileError: names, shapes or types differ; the network is then unchanged.
    """
    import torch

    stored, ties, layout = named_now(model, (bundle.tensors(), bundle.ties, bundle.layout))
    values = stored | {alias: stored[name] for alias, name in ties.items()}
    state = model.state_dict()
    _refuse_differences(state, values, f"The bundle {bundle.path} does not fit {type(model).__name__}")
    require_finite({name: values[name] for name, _ in model.named_parameters()}, f"The bundle {bundle.path}")
    with torch.no_grad():
        for name, kind in layout.items():
            if stored[name].dim() == (5 if kind == "channels_last_3d" else 4):
                tensor = state[name]
                if _layout(tensor) != kind:
                    _owner(model, name)[name.rpartition(".")[2]].data = tensor.to(memory_format=getattr(torch, kind))
        for alias, name in ties.items():
            if _place(state[alias]) != _place(state[name]):
                _owner(model, alias)[alias.rpartition(".")[2]] = _owner(model, name)[name.rpartition(".")[2]]
        for name, target in model.state_dict().items():
            target.copy_(values[name])


def named_now(model: nn.Module, saved: T) -> T:
    """What was saved of a network, with the names that its tensors have today.

    Args:
        model: its modules say in an attribute `former_names` what tensors within them were called in earlier versions:
            pairs of a regular expression and what takes the place of each match.
        saved: tensors by name, or a document that tells such names.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(3, 2)
        >>> layer.former_names = ((r"^kernel$", "weight"),)
        >>> named_now(layer, {"kernel": 3, "groups": ["bias", "kernel"]})
        {'weight': 3, 'groups': ['bias', 'weight']}
    """
    rules = [(re.compile(a), b) for module in model.modules() for a, b in getattr(module, "former_names", ())]

    def renamed(part: Any) -> Any:
        if isinstance(part, str):
            for pattern, today in rules:
                part = pattern.sub(today, part)
        elif isinstance(part, Mapping):
            return {renamed(name): renamed(value) for name, value in part.items()}
        elif isinstance(part, list | tuple):
            return type(part)(map(renamed, part))
        return part

    named: T = renamed(saved) if rules else saved
    return named


def require_finite(tensors: Mapping[str, Tensor], where: str) -> None:
    """Refuses weights that are no numbers: every answer that they give would be none.

    Args:
        tensors: by name.
        where: what is read, as the beginning of a sentence.

    Raises:
        RefusedFileError: naming the first tensor with a NaN or an infinity.
    """
    for name, tensor in tensors.items():
        # The sum is not finite where a value is not; it may overflow too, and then each value is looked at.
        if tensor.is_floating_point() and not bool(tensor.sum().isfinite()) and not bool(tensor.isfinite().all()):
            raise RefusedFileError(
                f"{where} is refused: the weights {name} hold a NaN or an infinity, so that no answer would be one. "
                "Train again, or get the file again."
            )


def structure_fingerprint(model: nn.Module) -> str:
    """SHA-256 over the classes of a network's modules and the names, shapes and types of its tensors.

    Two networks with equal fingerprints can hold each other's weights; equal values are not asked.
    """
    modules = [[name, type(module).__name__] for name, module in model.named_modules()]
    tensors = [[name, list(value.shape), str(value.dtype)] for name, value in model.state_dict().items()]
    return hashlib.sha256(dump_json([modules[1:], tensors])).hexdigest()


def _refuse_differences(state: dict[str, Tensor], values: dict[str, Tensor], where: str) -> None:
    missing = [name for name in state if name not in values]
    extra = [name for name in values if name not in state]
    if missing or extra:
        clauses = [f"it lacks {_some(missing)}"] * bool(missing) + [f"it has {_some(extra)} besides"] * bool(extra)
        raise RefusedFileError(f"{where}: {' and '.join(clauses)}; build the network as it was when it was saved.")
    # The names of one tensor in the network can only take one value.
    first: dict[object, str] = {}
    for name, target in state.items():
        value = values[name]
        if target.shape != value.shape or target.dtype != value.dtype:
            raise RefusedFileError(
                f"{where}: {name} must be {target.dtype} of shape {tuple(target.shape)}; got {value.dtype} of shape "
                f"{tuple(value.shape)}."
            )
        place = (_place(target), target.shape, target.stride())
        other = first.setdefault(place, name)
        if target.numel() and other != name and values[other] is not value and not values[other].equal(value):
            raise RefusedFileError(
                f"{where}: {other} and {name} are one tensor in the network but differ in the bundle."
            )


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _place(tensor: Tensor) -> object:
    """Where a tensor's values lie."""
    return tensor.device, tensor.untyped_storage().data_ptr(), tensor.storage_offset()


def _layout(tensor: Tensor) -> str | None:
    """The name of a memory layout other than contiguous, told by strides, which also tell sizes of 1 apart."""
    import torch

    kind = {4: "channels_last", 5: "channels_last_3d"}.get(tensor.dim())
    if kind is None or tensor.stride() == torch.empty(tensor.shape, device="meta").stride():
        return None
    wanted = torch.empty(tensor.shape, device="meta", memory_format=getattr(torch, kind))
    return kind if tensor.stride() == wanted.stride() else None


def _owner(model: nn.Module, name: str) -> dict[str, Any]:
    """The table of the module that holds a parameter or buffer."""
    prefix, _, last = name.rpartition(".")
    module = model.get_submodule(prefix)
    tables: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
    return next(table for table in tables if last in table)
