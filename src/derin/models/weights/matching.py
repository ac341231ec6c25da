"""Published tensors under our names: by the explicit rules of a model, with every name that is left over said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from derin.core.errors import RefusedFileError
from derin.models.building import build, describe, from_spec
from derin.models.registry import MODELS

if TYPE_CHECKING:
    from torch import Tensor

_MOST_NAMED = 3


def match(
    where: str, tensors: Mapping[str, Tensor], model: str, options: Mapping[str, Any], size: tuple[int, int]
) -> dict[str, Tensor]:
    """All of a network's tensors by our names; the number of classes follows the file.

    Args:
        where: what was read, as the beginning of a sentence.
        tensors: by the names in the file.
        model: registered name.
        options: of the model.
        size: height and width of its input.

    Raises:
        RefusedFileError: a name is left over on either side, or a shape differs; says which, and which registered
            model the names belong to, if any.
    """
    info = MODELS[model]
    renamed = _renamed(tensors, model)
    if renamed is None:
        unknown = _least_unknown(tensors, model)
        raise RefusedFileError(
            f"{where} do not fit {model}: {len(unknown)} of their {len(tensors)} names are unknown to it "
            f"({_some(unknown)}); {_belongs_to(tensors)}."
        )
    outputs = [
        tensor.shape[0] for name, tensor in renamed.items() if name.startswith(info.output_layers) and tensor.dim()
    ]
    if not outputs:
        raise RefusedFileError(f"{where} do not fit {model}: they lack its output layer {info.output_layers[0]}.")
    # Built without memory: only names and shapes are asked.
    spec = describe(model, input_shape=(info.native_input[0], *size), num_outputs=outputs[0], **options)
    wanted = from_spec(spec, device="meta").state_dict()
    # Counts of batches seen are nothing that a prediction needs; published files often lack them.
    missing = [name for name in wanted if name not in renamed and not name.endswith("num_batches_tracked")]
    extra = [name for name in renamed if name not in wanted]
    if missing or extra:
        clauses = [f"they lack {len(missing)} tensors ({_some(missing)})"] * bool(missing)
        clauses += [f"they have {len(extra)} besides ({_some(extra)})"] * bool(extra)
        raise RefusedFileError(f"{where} do not fit {model}: {' and '.join(clauses)}; {_belongs_to(tensors)}.")
    renamed = {name: _plain(tensor, wanted[name].shape) for name, tensor in renamed.items()}
    for name, tensor in renamed.items():
        if tensor.shape != wanted[name].shape or not tensor.is_floating_point():
            raise RefusedFileError(
                f"{where} do not fit {model}: {name} must hold real numbers of shape {tuple(wanted[name].shape)}; "
                f"got {tensor.dtype} of shape {tuple(tensor.shape)}."
            )
    return {name: tensor.float() for name, tensor in renamed.items()}


def _renamed(tensors: Mapping[str, Tensor], model: str) -> dict[str, Tensor] | None:
    """By our names, through the first key map that knows all names; None where none does.

    Layers that stand side by side in the file and are one in the network lie in it in the order of their names.
    """
    for key_map in MODELS[model].key_maps:
        if key_map.knows(tensors):
            parts: dict[str, list[Tensor]] = {}
            for name in sorted(tensors):
                parts.setdefault(key_map.translate(name) or "", []).append(tensors[name])
            parts.pop("", None)
            return {own: _joined(found) for own, found in parts.items()}
    return None


def _joined(parts: list[Tensor]) -> Tensor:
    """One below the other; those that do not fit so become a row of numbers, which fits no layer of a network."""
    import torch

    fits = len({part.shape[1:] for part in parts}) == 1 and parts[0].dim()
    return parts[0] if len(parts) == 1 else torch.cat(parts if fits else [part.flatten() for part in parts])


def _least_unknown(tensors: Mapping[str, Tensor], model: str) -> list[str]:
    """The names that the best of the model's key maps does not know."""
    left = [[name for name in tensors if names.translate(name) is None] for names in MODELS[model].key_maps]
    return min(left, key=len, default=list(tensors))


def _belongs_to(tensors: Mapping[str, Tensor]) -> str:
    """Which registered models the file fits by names and shapes, as the end of a sentence."""
    fitting = [name for name in MODELS if _fits(tensors, name)]
    return f"they fit {', '.join(fitting)}" if fitting else "they fit no registered model as it is by default"


def _fits(tensors: Mapping[str, Tensor], model: str) -> bool:
    from derin.models.blueprint import without_memory

    info, renamed = MODELS[model], _renamed(tensors, model)
    outputs = [t.shape[0] for n, t in (renamed or {}).items() if n.startswith(info.output_layers) and t.dim()]
    if renamed is None or not outputs:
        return False
    with without_memory():
        wanted = build(model, input_shape=info.native_input, num_outputs=outputs[0]).state_dict()
    wanted = {name: tensor for name, tensor in wanted.items() if not name.endswith("num_batches_tracked")}
    if renamed.keys() != wanted.keys():
        return False
    return all(_plain(tensor, wanted[name].shape).shape == wanted[name].shape for name, tensor in renamed.items())


def _plain(tensor: Tensor, wanted: Sequence[int]) -> Tensor:
    """A tensor without the axes of length 1 at its end that only its publisher has, as the scale of a channel may."""
    shape = tuple(wanted)
    more = tuple(tensor.shape[len(shape) :])
    is_same = tuple(tensor.shape[: len(shape)]) == shape and bool(shape) and set(more) == {1}
    return tensor.reshape(shape) if is_same else tensor


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - _MOST_NAMED
    return ", ".join(listed[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
