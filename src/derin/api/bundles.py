"""Networks with their task and preparation to bundles and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.core.bundle import Bundle, load_bundle, load_state, save_bundle, state_tensors, structure_fingerprint
from derin.core.errors import DerinError, RefusedFileError, UsageError
from derin.core.fields import MapOf, Maybe, Required, checked_form, refusing_misfits
from derin.core.files import recover_folder
from derin.core.global_generator import global_generator
from derin.data.preparation import Preparation, preparation_from_json
from derin.models.signature import TensorSpec
from derin.tasks.registry import task_from_json
from derin.version import __version__

if TYPE_CHECKING:
    from torch import nn

# What is read from a card beside model, task and preparation, whose own parts check themselves.
_CARD_FORM = {
    "model": Required({"name": Maybe(str), "class": str, "structure": str}),
    "task": Required({"name": Required(str)}),
    "preparation": Required({"kind": Required(str)}),
    "derin": str,
    "data": {"name": Maybe(str), "source": Maybe(str), "fingerprint": str, "size": Maybe(int), "read_with": Maybe({})},
    "training": {"seed": int},
    "metrics": MapOf(MapOf(Maybe(float))),
    "license": Maybe(str),
}


def model_entry(model: nn.Module) -> dict[str, Any]:
    """What a card says of the network: its registered spec, or name and structure of a network of one's own."""
    spec = getattr(model, "spec", None)
    if spec is not None:
        return dict(spec)
    return {"name": None, "class": type(model).__name__, "structure": structure_fingerprint(model)}


def save_model(
    path: Path,
    model: nn.Module,
    task: Any,
    preparation: Preparation,
    facts: dict[str, Any],
    files: Mapping[str, bytes] | None = None,
) -> None:
    """Writes a bundle.

    Args:
        facts: what else the card holds: data, metrics, settings, licence.
        files: what else the bundle holds, by file name.
    """
    tensors, ties, layout = state_tensors(model)
    card = {
        "derin": __version__,
        "model": model_entry(model),
        "task": task.to_json(),
        "preparation": preparation.to_json(),
        **facts,
    }
    save_bundle(
        path, tensors=tensors, card=card, files={**preparation.files(), **(files or {})}, ties=ties, layout=layout
    )


def load_model(path: Path, model: nn.Module | None = None) -> tuple[nn.Module, Any, Preparation, Bundle]:
    """The network, task, preparation and bundle at a path.

    Args:
        path: a bundle, or a run that holds one.
        model: the network, where the bundle holds one that is not registered.

    Raises:
        RefusedFileError: the bundle is damaged, hostile or of a newer Derin, or its parts are not of one model.
        UsageError: there is no bundle, or it needs `model`.
    """
    from derin.models.building import from_spec

    inner = path / "model"
    recover_folder(inner)
    bundle = load_bundle(inner if (inner / "card.json").exists() else path)
    where = f"The card of {path}"
    checked_form(bundle.card, _CARD_FORM, where)
    entry = bundle.card["model"]
    registered = entry.get("name") is not None
    if registered and model is not None:
        raise UsageError(f"The bundle {path} names its own network ({entry['name']}); leave `model` out.")
    if not registered and model is None:
        raise UsageError(
            f"The bundle {path} holds weights of your own class {entry.get('class')!r}, not its code; "
            f"open it in Python with derin.open(path, model={entry.get('class')}())."
        )
    if model is not None and structure_fingerprint(model) != entry.get("structure"):
        raise RefusedFileError(
            f"The bundle {path} holds another structure than the given {type(model).__name__}; "
            "build it with the same sizes as for training."
        )
    try:
        with refusing_misfits(where):
            if model is None:
                with global_generator():  # fresh weights draw numbers, which are not the caller's
                    model = from_spec(entry)
            load_state(model, bundle)
            model.eval()
            task = task_from_json(bundle.card["task"])
            preparation = preparation_from_json(bundle.card["preparation"], bundle.files())
            task.bind(preparation)
            task.arrange(model, preparation.input_names)
            if registered:
                _require_fit(model, entry, task, preparation)
    except RefusedFileError:
        raise
    except DerinError as error:
        raise RefusedFileError(f"{where} is refused: {error}") from error
    return model, task, preparation, bundle


def _require_fit(model: nn.Module, entry: Mapping[str, Any], task: Any, preparation: Preparation) -> None:
    """That the network takes what the preparation gives, and answers as the task reads it.

    Raises:
        RefusedFileError: the parts of the card are not of one model.
    """
    from derin.models.building import STRUCTURES

    options = entry["options"]
    for name, value in preparation.network_options().items():
        if name in options and options[name] != value:
            raise RefusedFileError(
                f"The card is refused: its network is built for {name}={options[name]!r}, its preparation gives "
                f"{value!r}. Get the bundle again."
            )
    if entry["name"] not in STRUCTURES and task.num_outputs not in (0, entry["num_outputs"]):
        raise RefusedFileError(
            f"The card is refused: its network has {entry['num_outputs']} outputs, its task reads {task.num_outputs}. "
            "Get the bundle again."
        )
    if preparation.medium == "arrays" or (
        preparation.has_fixed_shape and list(preparation.input_shape) != entry["input_shape"]
    ):
        _try(model, task, task.input_specs(preparation))


def _try(model: nn.Module, task: Any, inputs: Sequence[TensorSpec]) -> None:
    """One example on the way through the network, where nothing is computed but shapes."""
    import copy

    import torch

    from derin.data.batch import Batch

    batch = Batch({spec.name: spec.example(device="meta") for spec in inputs}, torch.zeros(1, dtype=torch.int64))
    try:
        with torch.no_grad():
            task.call(copy.deepcopy(model).to("meta"), batch)
    except (RuntimeError, ValueError, DerinError) as error:
        reason = str(error).splitlines()[0]
        raise RefusedFileError(
            "The card is refused: its network does not take inputs of "
            f"{', '.join(str(spec.shape) for spec in inputs)}, which its preparation gives ({reason}). Get the bundle "
            "again."
        ) from error
