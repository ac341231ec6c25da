"""Trained weights as something to go on from: published ones, or those of a run or bundle of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.core.errors import UsageError
from derin.core.files import sha256_file, usable_path

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class PretrainedWeights:
    """A trained network, its pictures, and who it is.

    Args:
        source: as the user named it.
        model: its name in the registry.
        options: of the model.
        tensors: weights and buffers by our names.
        sha256: of the file.
        size: height and width of the pictures it was trained on.
        channels: of these pictures.
        mean: of each channel, of values in 0..1.
        std: of each channel.
        rule: ``"resize"`` or ``"crop"``, see `derin.data.pictures.codec.PictureCodec`.
        about: what else is known, for the card: licence, address, authors.
    """

    source: str
    model: str
    options: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    sha256: str
    size: tuple[int, int]
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    rule: str
    about: Mapping[str, Any]

    def network(self, num_outputs: int, *, input_shape: tuple[int, ...], seed: int) -> nn.Module:
        """The network for another number of classes: all weights but those of the output layers, which are fresh.

        Raises:
            UsageError: the weights do not fit a network for this input shape.
        """
        import torch

        from derin.models import MODELS, build

        network = build(self.model, input_shape=input_shape, num_outputs=num_outputs, seed=seed, **self.options)
        new = tuple(f"{layer}." for layer in MODELS[self.model].output_layers)
        with torch.no_grad():
            for name, tensor in network.state_dict().items():
                if name.startswith(new):
                    continue
                given = self.tensors.get(name)
                if given is None and name.endswith("num_batches_tracked"):
                    continue  # a count of batches seen, which published files often lack and no prediction needs
                if given is None or given.shape != tensor.shape:
                    got = "nothing of that name" if given is None else str(tuple(given.shape))
                    raise UsageError(
                        f"The weights {self.source} do not fit {self.model} for inputs of shape {input_shape}: {name} "
                        f"must be {tuple(tensor.shape)}; got {got}. Leave `size` and `model` out, so that both follow "
                        "the weights."
                    )
                tensor.copy_(given)
        return network

    def to_json(self) -> dict[str, Any]:
        """What the run's record and the card say."""
        return {"source": self.source, "model": self.model, "sha256": self.sha256, **self.about}


def load_pretrained(
    weights: str | Path,
    *,
    model: Any = None,
    preprocess: str | None = None,
    download: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> PretrainedWeights:
    """Reads weights to go on from.

    Args:
        weights: a run or bundle of one's own; else what `derin.api.published.read_published` takes: a known name, a
            file, or ``"hub:OWNER/NAME"``.
        model: the registered name, where it does not follow from the weights.
        preprocess: how pictures were prepared, where that is not known of the weights.
        download: whether known weights that are not on this machine may be fetched.
        progress: of that.
    """
    if model is not None and not isinstance(model, str):
        raise UsageError("With `weights`, model must be a registered name, or be left out to follow the weights.")
    path = usable_path(weights, "The weights")
    if (path / "card.json").exists() or (path / "run.json").exists():
        return _from_bundle(path, model, preprocess)
    return _from_published(str(weights), model, preprocess, download, progress)


def _from_published(
    weights: str,
    model: str | None,
    preprocess: str | None,
    download: bool,
    progress: Callable[[int, int], None] | None,
) -> PretrainedWeights:
    from derin.api.published import read_published
    from derin.models import MODELS

    published = read_published(weights, model=model, preprocess=preprocess, download=download, progress=progress)
    known, prepared = published.known, published.preprocess
    return PretrainedWeights(
        source=weights,
        model=published.model,
        options=published.options,
        tensors=published.tensors,
        sha256=published.sha256,
        size=prepared.size,
        channels=MODELS[published.model].native_input[0],
        mean=prepared.mean,
        std=prepared.std,
        rule=prepared.rule,
        about={"license": published.licence} | ({} if known is None else {"name": known.name, "origin": known.origin}),
    )


def _from_bundle(path: Path, model: str | None, preprocess: str | None) -> PretrainedWeights:
    from derin.api.bundles import load_model

    network, _, preparation, bundle = load_model(path)
    spec = bundle.card["model"]
    if model is not None and model != spec["name"]:
        raise UsageError(f"The weights {path} belong to {spec['name']}, not to {model}; leave `model` out.")
    if preparation.input_kind != "picture":
        raise UsageError(
            f"The weights {path} read {preparation.input_kind}; only networks for pictures are fine-tuned."
        )
    if preprocess is not None:
        raise UsageError(f"The bundle {path} says itself how its pictures were prepared; leave `preprocess` out.")
    settings: Any = preparation.input  # type: ignore[attr-defined]
    return PretrainedWeights(
        source=str(path),
        model=spec["name"],
        options=spec["options"],
        tensors=network.state_dict(),
        sha256=sha256_file(bundle.path / "model.safetensors"),
        size=settings.size,
        channels=settings.channels,
        mean=settings.mean,
        std=settings.std,
        rule=settings.rule,
        about={"license": bundle.card.get("license")},
    )
