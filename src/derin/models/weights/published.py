"""Published weights, checked and ready: a registered network, its preprocessing and its class names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from derin.core.errors import UsageError
from derin.core.files import sha256_file, usable_path
from derin.core.weights import require_finite
from derin.models.building import build
from derin.models.registry import MODELS
from derin.models.weights.hub import PREFIX, fetch_from_hub, read_config
from derin.models.weights.known import KnownWeights, Preprocess, class_names, known_by_sha256
from derin.models.weights.matching import match
from derin.models.weights.reading import read_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

# What the weights of a collection went through; the size is the model's native one.
_PREPROCESSING = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "torchvision": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "tensorflow": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}


@dataclass(frozen=True, kw_only=True)
class Published:
    """Weights with all that is needed to use them.

    Args:
        source: the file.
        sha256: of the file.
        model: registered name of the network.
        options: of that model.
        tensors: all weights and buffers by our names.
        preprocess: size, mean, standard deviation and rule of its pictures.
        classes: names in the order of the outputs; empty where they are not known.
        known: the entry of the table; None for a file that is not in it.
        licence: as the publisher states it; None where nobody says.
    """

    source: Path
    sha256: str
    model: str
    options: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    preprocess: Preprocess
    classes: tuple[str, ...]
    known: KnownWeights | None
    licence: str | None = None

    @property
    def num_outputs(self) -> int:
        """Of the network as published."""
        layers = MODELS[self.model].output_layers
        return next(t.shape[0] for name, t in self.tensors.items() if name.startswith(layers) and t.dim())

    def network(self, num_outputs: int | None = None, *, seed: int = 0) -> nn.Module:
        """The network in eval mode.

        Args:
            num_outputs: None is as published; another number leaves the output layers with fresh weights.
            seed: of the fresh weights.
        """
        info = MODELS[self.model]
        shape = (info.native_input[0], *self.preprocess.size)
        wanted = self.num_outputs if num_outputs is None else num_outputs
        network = build(self.model, input_shape=shape, num_outputs=wanted, seed=seed, **self.options)
        new = () if num_outputs is None else tuple(f"{layer}." for layer in info.output_layers)
        kept = {name: tensor for name, tensor in self.tensors.items() if not (new and name.startswith(new))}
        network.load_state_dict(network.state_dict() | kept)
        return network.eval()


def load_published(
    source: str | Path,
    *,
    model: str | None = None,
    options: Mapping[str, Any] | None = None,
    preprocess: str | None = None,
    classes: Sequence[str] | None = None,
) -> Published:
    """Reads published weights; the table answers for a known file, the caller for any other.

    Args:
        source: a file .safetensors, .npz, .pth, .pt, .th or .ckpt; or ``"hub:OWNER/NAME"``, whose config.json may
            answer instead of the caller.
        model: registered name; needed for an unknown file.
        options: of that model, where an unknown file needs other than the defaults.
        preprocess: ``"imagenet"``, ``"torchvision"``, ``"tensorflow"``, or
            ``"size=224,mean=0.5/0.5/0.5,std=0.5/0.5/0.5,rule=crop"``; needed for an unknown file.
        classes: names in the order of the outputs.

    Raises:
        UsageError: the file is unknown and model or preprocess is missing, or what is given contradicts the table.
        RefusedFileError: the file is damaged or hostile, or belongs to another network.
        MissingExtraError: the Hub was asked for and huggingface_hub is not installed.
    """
    if str(source).startswith(PREFIX):
        found = fetch_from_hub(str(source))
        said = read_config(found.config, str(source))
        path, licence = found.weights, said.licence
        model, preprocess = model or said.model, preprocess or said.preprocess
        classes = classes or said.classes or None
    else:
        path, licence = usable_path(source, "The weights"), None
    tensors = read_weights(path)
    chosen_options: Mapping[str, Any]
    sha256 = sha256_file(path)
    known = known_by_sha256(sha256)
    if known is not None:
        if preprocess is not None or options or model not in (None, known.model):
            raise UsageError(
                f"The weights {path} are known ({known.name}): they belong to {known.model} and bring their options "
                "and preprocessing; leave model, options and preprocess out."
            )
        chosen, chosen_options, settings = known.model, known.options, known.preprocess
    else:
        if model is None or preprocess is None:
            raise UsageError(
                f"The weights {path} are not among the known ones and nothing is guessed from a name: say model and "
                "preprocess, such as model=resnet18 and preprocess=imagenet."
            )
        chosen, chosen_options = model, options or {}
        settings = read_preprocess(preprocess, MODELS[model].native_input)
    own = match(f"The weights {path}", tensors, chosen, chosen_options, settings.size)
    require_finite(own, f"The file {path}")
    names = class_names(known.classes) if known else ()
    if classes is not None:
        if names and tuple(classes) != names:
            raise UsageError(f"The class names given for {path} are not those of {known and known.name}.")
        names = tuple(classes)
    published = Published(
        source=path,
        sha256=sha256,
        model=chosen,
        options=chosen_options,
        tensors=own,
        preprocess=settings,
        classes=names,
        known=known,
        licence=licence if known is None else known.licence,
    )
    if names and len(names) != published.num_outputs:
        raise UsageError(
            f"The weights {path} tell {published.num_outputs} classes apart; got {len(names)} class names."
        )
    return published


def read_preprocess(text: str, native_input: tuple[int, ...]) -> Preprocess:
    """What `load_published` takes as preprocess.

    Args:
        text: a name, or ``key=value`` pairs parted by commas, the numbers of a list by slashes.
        native_input: of the model.

    Raises:
        UsageError: the text cannot be read.

    Example:
        >>> read_preprocess("size=65,mean=0.5,std=0.25,rule=crop", (3, 224, 224)).std
        (0.25, 0.25, 0.25)
    """
    if text in _PREPROCESSING:
        usual_mean, usual_std = _PREPROCESSING[text]
        size = (native_input[1], native_input[2])
        return Preprocess(size=size, mean=usual_mean, std=usual_std, rule="crop")
    pairs = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
    try:
        if pairs.keys() != {"size", "mean", "std", "rule"} or pairs["rule"] not in ("resize", "crop"):
            raise ValueError
        sides = [int(side) for side in pairs["size"].split("x")]
        mean, std = (_per_channel(pairs[name], native_input[0]) for name in ("mean", "std"))
        if len(sides) > 2 or min(*sides, *sides) < 1 or min(std) <= 0:
            raise ValueError
    except ValueError:
        raise UsageError(
            f"preprocess must be one of {', '.join(_PREPROCESSING)}, or like size=224,mean=0.5/0.5/0.5,"
            f"std=0.5/0.5/0.5,rule=crop (or rule=resize); got {text!r}."
        ) from None
    rule: Literal["resize", "crop"] = "crop" if pairs["rule"] == "crop" else "resize"
    return Preprocess(size=(sides[0], sides[-1]), mean=mean, std=std, rule=rule)


def _per_channel(text: str, channels: int) -> tuple[float, ...]:
    values = tuple(float(value) for value in text.split("/"))
    if len(values) not in (1, channels):
        raise ValueError
    return values * channels if len(values) == 1 else values
