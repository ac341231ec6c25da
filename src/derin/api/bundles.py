"""Networks with their task and preparation to bundles and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.core.bundle import Bundle, load_bundle, load_state, save_bundle, state_tensors, structure_fingerprint
from derin.core.errors import RefusedFileError, UsageError
from derin.core.files import recover_folder
from derin.core.global_generator import global_generator
from derin.data.preparation import Preparation, preparation_from_json
from derin.tasks.registry import task_from_json
from derin.version import __version__

if TYPE_CHECKING:
    from torch import nn


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
    """

    from derin.models.building import from_spec

    inner = path / "model"
    recover_folder(inner)
    bundle = load_bundle(inner if (inner / "card.json").exists() else path)
    try:
        entry, task_entry, preparation_entry = bundle.card["model"], bundle.card["task"], bundle.card["preparation"]
        registered = entry.get("name") is not None
    except (KeyError, AttributeError, TypeError) as error:
        raise RefusedFileError(
            f"The card of {path} lacks model, task or preparation; train or export it again."
        ) from error
    if registered:
        if model is not None:
            raise UsageError(f"The bundle {path} names its own network ({entry['name']}); leave `model` out.")
        with global_generator():  # fresh weights draw numbers, which are not the caller's
            model = from_spec(entry)
    elif model is None:
        raise UsageError(
            f"The bundle {path} holds weights of your own class {entry.get('class')!r}, not its code; "
            f"open it in Python with derin.open(path, model={entry.get('class')}())."
        )
    elif structure_fingerprint(model) != entry.get("structure"):
        raise RefusedFileError(
            f"The bundle {path} holds another structure than the given {type(model).__name__}; "
            "build it with the same sizes as for training."
        )
    load_state(model, bundle)
    model.eval()
    task, preparation = task_from_json(task_entry), preparation_from_json(preparation_entry, bundle.files())
    task.bind(preparation)
    return model, task, preparation, bundle
