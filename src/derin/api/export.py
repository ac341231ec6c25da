"""A saved network in a form that other programs run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.core.errors import UnknownNameError, UsageError
from derin.core.files import usable_path

if TYPE_CHECKING:
    from derin.api.model import Model
    from derin.export.onnx import Exported, GraphInput, GraphOutput

# Kinds of input whose examples have one shape.
_WRITTEN_KINDS = ("picture", "sound", "features", "series")
FORMATS = ("onnx", "safetensors")
FORMAT_VERSION = "1"  # of the names of inputs, outputs and metadata in an ONNX file
# What each output means; outputs of one of several columns end in these names.
_MEANINGS = {
    "output": "what the network itself gives, before temperature, mean and std",
    "probabilities": "of each class, in the order of class_names, calibrated",
    "label": "the place in class_names of the class decided for",
    "labels": "whether each label is set, in the order of class_names",
    "value": "in the unit of the target",
    "boxes": "left, top, right and bottom in pixels of the network's input, best first, after non-maximum suppression",
    "scores": "the probability of each box; 0 behind the last one",
    "points": "x and y of each point in pixels of the network's input",
    "probability": "that the thing whose points they are is there",
    "embedding": "of length 1; like examples are near",
    "low": "the lower bound of the interval, in the unit of the target",
    "high": "the upper bound of the interval, in the unit of the target",
}


def export(model: Model, path: str | Path, *, format: str | None = None, with_preparation: bool = False) -> Any:
    """Writes a model's network; see `Model.export`."""
    path = usable_path(path, "The file")
    chosen = format or path.suffix.removeprefix(".")
    if chosen not in FORMATS:
        if format is None:
            raise UsageError(
                f"The file {path.name!r} does not tell its format; end it in .onnx or .safetensors, or name the format."
            )
        raise UnknownNameError("export format", chosen, FORMATS)
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name the file to write, such as {path / f'model.{chosen}'}.")
    return (_onnx if chosen == "onnx" else _safetensors)(model, path, with_preparation)


def _onnx(model: Model, path: Path, with_preparation: bool) -> dict[str, Any]:
    import copy

    import torch

    from derin.export.answers import AnsweringNetwork
    from derin.export.onnx import export_onnx
    from derin.export.prepared import PreparedNetwork

    if model.preparation.medium == "arrays":
        return _arrays_onnx(model, path, with_preparation)
    if model.preparation.input_kind not in _WRITTEN_KINDS:
        raise UsageError(
            f"ONNX files are written of networks that read {', '.join(_WRITTEN_KINDS)}; {model.path} reads "
            f"{model.preparation.input_kind}. Export its weights as safetensors."
        )
    network = copy.deepcopy(model.network).cpu().eval()  # the user's own stays on its device and in its mode
    answering = AnsweringNetwork(network, model.task, answers_first=with_preparation)
    prepared = PreparedNetwork(model.preparation, answering) if with_preparation else None
    written = export_onnx(
        prepared or answering,
        path,
        prepared.inputs if prepared else torch.zeros(model.preparation.input_shape),
        output_names=answering.output_names,
        metadata=lambda inputs, outputs: metadata(model, inputs, outputs, with_preparation=with_preparation),
        samples=prepared.samples if prepared else lambda *drawn: [model.preparation.random_inputs(*drawn)],
        name=type(network).__name__,
    )
    return _document(written)


def _arrays_onnx(model: Model, path: Path, with_preparation: bool) -> dict[str, Any]:
    """A network that reads arrays by name, with its inputs and outputs under their names."""
    import copy

    import torch

    from derin.export.answers import AnsweringNetwork, NamedOutputs
    from derin.export.onnx import GraphInput, export_onnx

    preparation: Any = model.preparation
    if with_preparation:
        raise UsageError(f"{model.path} reads arrays by name, which nothing prepares; leave preparation out.")
    specs = model.task.input_specs(preparation)
    plain = copy.deepcopy(model.network).cpu().eval()
    network: Any = NamedOutputs(plain, model.task, specs) if model.task.is_own else AnsweringNetwork(plain, model.task)
    inputs = [GraphInput(name=s.name, shape=s.shape, dtype=getattr(torch, s.dtype)) for s in specs]

    def samples(batch: int, generator: torch.Generator) -> list[torch.Tensor]:
        drawn = preparation.random_arrays(batch, generator)
        return [drawn[s.name] if len(specs) > 1 else next(iter(drawn.values())) for s in specs]

    written = export_onnx(
        network,
        path,
        inputs,
        output_names=network.output_names,
        metadata=lambda inputs, outputs: metadata(model, inputs, outputs, with_preparation=False),
        samples=samples,
        name=type(model.network).__name__,
    )
    return _document(written)


def _document(written: Exported) -> dict[str, Any]:
    inputs, outputs = ([one.to_json() for one in side] for side in (written.inputs, written.outputs))
    return {
        "path": str(written.path),
        "format": "onnx",
        "bytes": written.num_bytes,
        "input": inputs[0],
        "output": outputs[0],
        "inputs": inputs,
        "outputs": outputs,
        "largest_difference": written.largest_difference,
    }


def _safetensors(model: Model, path: Path, with_preparation: bool) -> dict[str, Any]:
    from derin.core.tensors import save_tensors

    if with_preparation:
        raise UsageError("A file of weights holds no preparation; leave it out, or export as onnx.")
    sha256 = save_tensors(path, model.network.state_dict())
    return {"path": str(path), "format": "safetensors", "bytes": path.stat().st_size, "sha256": sha256}


def metadata(
    model: Model, inputs: Sequence[GraphInput], outputs: Sequence[GraphOutput], *, with_preparation: bool
) -> dict[str, str]:
    """What the file says of itself: each value is text; lists and objects are JSON."""
    card, preparation, task = model.card, model.preparation.to_json(), model.task.to_json()
    scale = model.task.target_scale()
    found: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "derin": card.get("derin"),
        "model": card["model"].get("name") or card["model"].get("class"),
        "task": model.task.name,
        "class_names": list(model.task.classes) or None,
        "licence": card.get("license") or card.get("licence"),
        "prepared": "yes" if with_preparation else "no",
        "inputs": [_described_input(model, one, with_preparation) for one in inputs],
        "outputs": [one.to_json() | {"meaning": _meaning(model, one.name)} for one in outputs],
        "preparation": preparation,
        # All of the task; what most programs ask for stands beside it under a name of its own.
        "task_settings": task,
        "target_columns": None if model.task.is_own else list(model.task.columns),
        "target_mean": None if scale is None else list(scale[0]),
        "target_std": None if scale is None else list(scale[1]),
    }
    if model.preparation.reads_pictures:
        picture = model.preparation.input.to_json()  # type: ignore[attr-defined]
        found |= {name: picture[name] for name in ("height", "width", "channels", "mean", "std")}
        found["resize"] = picture["rule"]
    found |= {name: task.get(name) for name in ("temperature", "threshold", "thresholds", "unit")}
    return {
        k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in found.items() if v is not None
    }


def _meaning(model: Model, name: str) -> str:
    # The outputs of one's own may be called as an answer is.
    return _MEANINGS["output" if model.task.is_own else name.rpartition("/")[2]]


def _described_input(model: Model, one: GraphInput, with_preparation: bool) -> dict[str, Any]:
    """An input of the file: what the network's features mean, or which raw column is read and how."""
    found = one.to_json()
    preparation: Any = model.preparation
    if preparation.medium == "arrays":
        return found
    if preparation.reads_pictures:
        return found | {"column": preparation.input.column}
    if preparation.medium == "sounds":
        codec = preparation.input
        what = f"mono samples from -1 to 1 at {codec.rate} Hz" if with_preparation else "the standardized spectrogram"
        return found | {"column": codec.column, "how": what}
    if not preparation.reads_table_cells:
        return found | {"columns": list(preparation.columns), "standardized": not with_preparation}
    if not with_preparation:
        return found | {"features": list(preparation.input.feature_names)}
    encoder = next(e for e in preparation.input.encoders if one.name in (e.name, f"input/{e.name}"))
    how = {
        "number": "in its own unit; NaN where missing",
        "category": "spelled as in training; empty where missing",
        "date": "seconds since 1970-01-01 UTC; NaN where missing",
    }
    return found | {"column": encoder.name, "kind": encoder.kind, "how": how[encoder.kind]}
