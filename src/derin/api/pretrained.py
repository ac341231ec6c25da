"""Trained weights as something to go on from: published ones, or those of a run or bundle of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.core.errors import UnknownNameError, UsageError
from derin.core.files import sha256_file, usable_path
from derin.data.schema import Kind
from derin.data.table import Table

if TYPE_CHECKING:
    from torch import Tensor, nn

    from derin.core.bundle import Bundle
    from derin.data.columns import ColumnsPreparation


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
        embeds: whether its outputs are an embedding, which is of use for other classes too.
        part: the part of the network that the weights are of; empty where they are of all of it.
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
    embeds: bool = False
    part: str = ""

    def under(self, model: str) -> PretrainedWeights:
        """The same weights as the trunk of a network that stands on a classifier.

        Args:
            model: of the registry, such as ``"yolo"``.

        Raises:
            UsageError: the weights are of no classifier that it can stand on.
        """
        from derin.models.trunk import TRUNKS

        if self.model not in TRUNKS:
            raise UsageError(
                f"{model} stands on one of {', '.join(TRUNKS)}; the weights {self.source} are of {self.model}."
            )
        options = {"trunk": self.model, "trunk_options": tuple(self.options.items())}
        tensors = {f"trunk.{name}": tensor for name, tensor in self.tensors.items()}
        return replace(self, model=model, options=options, tensors=tensors, rule="pad", part="trunk")

    def network(
        self, num_outputs: int, *, input_shape: tuple[int, ...], seed: int, keep_outputs: bool = False
    ) -> nn.Module:
        """The network for another number of outputs: all weights but those of the output layers, which are fresh.

        Args:
            num_outputs: of the network.
            input_shape: without the batch.
            seed: of the fresh weights.
            keep_outputs: whether output layers of the same size keep their weights too.

        Raises:
            UsageError: the weights do not fit a network for this input shape.
        """
        import torch

        from derin.models import MODELS, build

        network = build(self.model, input_shape=input_shape, num_outputs=num_outputs, seed=seed, **self.options)
        new = tuple(f"{layer}." for layer in MODELS[self.model].output_layers)
        with torch.no_grad():
            for name, tensor in network.state_dict().items():
                given = self.tensors.get(name)
                kept = keep_outputs and given is not None and given.shape == tensor.shape
                if not name.startswith(self.part) or (name.startswith(new) and not kept):
                    continue
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

    def preparation(
        self, table: Table, size: int | tuple[int, int] | None, inputs: Mapping[str, Any]
    ) -> ColumnsPreparation:
        """The preparation that the weights were trained with, of the pictures of a table.

        Args:
            table: with one input column of pictures.
            size: height and width; None takes those of the weights.
            inputs: settings of the input: ``fit`` alone.

        Raises:
            UsageError: the table has no pictures, or several columns of them.
        """
        from derin.data.columns import ColumnsPreparation
        from derin.data.pictures.codec import PictureCodec, pixel_values, rule_of

        for name in inputs:
            if name != "fit":
                raise UnknownNameError("setting of inputs of pictures with weights", name, ["fit"])
        found = [column for column in table.inputs if column.kind is Kind.PICTURE]
        if len(found) != 1:
            raise UsageError(
                f"The weights {self.source} read pictures; the data {table.name!r} has "
                f"{'none' if not found else f'{len(found)} columns of them'}. Leave `weights` out, or give such data."
            )
        codec = PictureCodec(
            column=found[0].name,
            size=self.size if size is None else (size, size) if isinstance(size, int) else size,
            channels=self.channels,
            mean=self.mean,
            std=self.std,
            rule=rule_of(inputs["fit"]) if "fit" in inputs else self.rule,
            values=pixel_values(table),
        )
        return ColumnsPreparation.of_input(codec, table, table.splits["train"])

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
        weights: a run or bundle of one's own, ``"RUN:NETWORK"`` for one network of a system; else what
            `derin.api.published.read_published` takes: a known name, a file, or ``"hub:OWNER/NAME"``.
        model: the registered name, where it does not follow from the weights.
        preprocess: how pictures were prepared, where that is not known of the weights.
        download: whether known weights that are not on this machine may be fetched.
        progress: of that.
    """
    if model is not None and not isinstance(model, str):
        raise UsageError("With `weights`, model must be a registered name, or be left out to follow the weights.")
    path, network = split_network(weights)
    if _is_model(path):
        return _from_bundle(path, network, model, preprocess)
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
        embeds=MODELS[published.model].output_kind == "embedding",
    )


def split_network(weights: str | Path) -> tuple[Path, str | None]:
    """A run or bundle, and the network of its system that is meant: what stands after the last colon of its name."""
    path = usable_path(weights, "The weights")
    before, colon, name = str(weights).rpartition(":")
    if colon and not path.exists() and before and _is_model(Path(before)):
        return Path(before), name
    return path, None


def begin_system(system: nn.Module, weights: str) -> dict[str, Any]:
    """Lets networks of a system begin with weights of a run or bundle: those of the same name, or of the same model.

    Args:
        system: its networks are changed in place.
        weights: a run or bundle of a system, all of whose networks are taken, or ``"RUN:NETWORK"``; or one of a single
            network, which every network of the same model begins with, but for output layers of another size.

    Returns:
        what the run's record says of the weights.

    Raises:
        UsageError: there is no such network, or names and shapes do not fit.
    """
    from derin.api.bundles import load_model
    from derin.models.system import System

    path, name = split_network(weights)
    if not _is_model(path):
        raise UsageError(f"A system begins with the weights of a run or a bundle; there is none at {weights}.")
    given, _, _, bundle = load_model(path)
    if not isinstance(system, System):
        raise UsageError(f"The weights {weights} are for a system of networks; got {type(system).__name__}.")
    if isinstance(given, System):
        chosen = given.networks if name is None else {name: network_of(path, given, name)}
        pairs = [(into, chosen[own]) for own, into in system.networks.items() if own in chosen]
    else:
        network_of(path, given, name)
        model = _model_of(given)
        pairs = [(into, given) for into in system.networks.values() if _model_of(into) == model]
    if not pairs:
        names = ", ".join(f"{own} ({_model_of(network)})" for own, network in system.networks.items())
        raise UsageError(f"The weights {weights} are of no network of this system, which has {names}.")
    for into, network in pairs:
        _copy_weights(into, network, weights)
    return {"source": weights, "model": bundle.card["model"]["name"], "sha256": _sha256(bundle)}


def network_of(path: Path, model: nn.Module, name: str | None) -> nn.Module:
    """The network that is meant of what a bundle holds.

    Raises:
        UsageError: it has several and none was named, or none of this name.
    """
    from derin.models.system import System

    if not isinstance(model, System):
        if name is not None:
            raise UsageError(f"{path} holds one network; leave {name!r} out.")
        return model
    if name not in model.networks:
        wanted = f"{path}:{next(reversed(model.networks))}"
        raise UsageError(f"{path} holds the networks {', '.join(model.networks)}; name one of them, such as {wanted}.")
    return model.networks[name]


def _copy_weights(into: nn.Module, network: nn.Module, weights: str) -> None:
    import torch

    from derin.models.registry import MODELS

    own, given = into.state_dict(), network.state_dict()
    model = _model_of(into)
    fresh = tuple(f"{layer}." for layer in MODELS[model].output_layers) if model in MODELS else ()
    for name in dict.fromkeys([*own, *given]):
        shapes = [tuple(part[name].shape) if name in part else None for part in (own, given)]
        if shapes[0] == shapes[1]:
            with torch.no_grad():
                own[name].copy_(given[name])
        elif not (None not in shapes and name.startswith(fresh)):
            needs, got = ("nothing of that name" if shape is None else str(shape) for shape in shapes)
            raise UsageError(
                f"The weights {weights} do not fit the network {model}: {name} must be {needs}; got {got}. Give the "
                "same sizes (--option, --size) as in their training."
            )


def _model_of(network: nn.Module) -> str:
    spec: Any = getattr(network, "spec", None)
    return spec["name"] if spec else type(network).__name__


def _is_model(path: Path) -> bool:
    return (path / "card.json").exists() or (path / "run.json").exists()


def _sha256(bundle: Bundle) -> str:
    return sha256_file(bundle.path / "model.safetensors")


def _from_bundle(path: Path, name: str | None, model: str | None, preprocess: str | None) -> PretrainedWeights:
    from derin.api.bundles import load_model
    from derin.tasks.embedding import Embedding

    whole, task, preparation, bundle = load_model(path)
    network = network_of(path, whole, name)
    spec: Any = getattr(network, "spec", None) or bundle.card["model"]
    if model is not None and model != spec["name"]:
        raise UsageError(f"The weights {path} belong to {spec['name']}, not to {model}; leave `model` out.")
    if not preparation.reads_pictures:
        raise UsageError(
            f"The weights {path} read {preparation.input_kind}; only networks for pictures are fine-tuned."
        )
    if preprocess is not None:
        raise UsageError(f"The bundle {path} says itself how its pictures were prepared; leave `preprocess` out.")
    settings: Any = preparation.input  # type: ignore[attr-defined]
    return PretrainedWeights(
        source=str(path) if name is None else f"{path}:{name}",
        model=spec["name"],
        options=spec["options"],
        tensors=network.state_dict(),
        sha256=_sha256(bundle),
        size=settings.size,
        channels=settings.channels,
        mean=settings.mean,
        std=settings.std,
        rule=settings.rule,
        about={"license": bundle.card.get("license")},
        embeds=task.name == Embedding.name,
    )
