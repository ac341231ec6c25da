"""A saved network in a form that other programs run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.core.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from derin.api.model import Model

# Kinds of input whose examples have one shape.
_WRITTEN_KINDS = ("picture", "features", "series")
FORMATS = ("onnx", "safetensors")


def export(model: Model, path: str | Path, *, format: str | None = None, with_preparation: bool = False) -> Any:
    """Writes a model's network; see `Model.export`."""
    path = Path(path)
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

    from derin.export.onnx import export_onnx
    from derin.export.prepared import PixelsToAnswers

    if model.preparation.kind not in _WRITTEN_KINDS:
        raise UsageError(
            f"ONNX files are written of networks that read {', '.join(_WRITTEN_KINDS)}; {model.path} reads "
            f"{model.preparation.kind}. Export its weights as safetensors."
        )
    network = copy.deepcopy(model.network).cpu().eval()  # the user's own stays on its device and in its mode
    shape = model.preparation.input_shape
    example, output_name = torch.zeros(shape), "output"
    if with_preparation:
        network = PixelsToAnswers(network, model.task, model.preparation)
        output_name = network.output_name
        example = torch.zeros((*shape[1:], shape[0]), dtype=torch.uint8)
    written = export_onnx(
        network, path, example, output_name=output_name, metadata=metadata(model, with_preparation=with_preparation)
    )
    return {
        "path": str(written.path),
        "format": "onnx",
        "bytes": written.num_bytes,
        "input": {
            "name": "input",
            "type": "uint8" if with_preparation else "float32",
            "shape": ["batch", *example.shape],
        },
        "output": {"name": output_name, "type": "float32", "shape": ["batch", *written.output_shape]},
        "largest_difference": written.largest_difference,
    }


def _safetensors(model: Model, path: Path, with_preparation: bool) -> dict[str, Any]:
    from derin.core.tensors import save_tensors

    if with_preparation:
        raise UsageError("A file of weights holds no preparation; leave it out, or export as onnx.")
    sha256 = save_tensors(path, model.network.state_dict())
    return {"path": str(path), "format": "safetensors", "bytes": path.stat().st_size, "sha256": sha256}


def metadata(model: Model, *, with_preparation: bool) -> dict[str, str]:
    """What the file says of itself: each value is text; lists are JSON."""
    card, preparation = model.card, model.preparation.to_json()
    found: dict[str, Any] = {
        "derin": card.get("derin"),
        "model": card["model"].get("name") or card["model"].get("class"),
        "task": model.task.name,
        "class_names": list(model.task.classes) or None,
        "licence": card.get("license") or card.get("licence"),
        "prepared": "yes" if with_preparation else "no",
        "preparation": preparation,
    }
    found |= {name: preparation.get(name) for name in ("height", "width", "channels", "mean", "std")}
    return {
        k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in found.items() if v is not None
    }
