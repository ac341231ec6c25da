"""Weights from the Hugging Face Hub: fetched only when asked for, described by the repository's own config.json."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derin.core.errors import DataError, MissingExtraError, RefusedFileError, UsageError
from derin.core.strict_json import parse_json

PREFIX = "hub:"
_SOURCE = re.compile(r"hub:(?P<repo>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")
_MAX_CONFIG_BYTES = 16 << 20
# timm's names of the networks that are the same as ours.
_TIMM_MODELS = {
    **{f"resnet{depth}": f"resnet{depth}" for depth in (18, 34, 50, 101, 152)},
    **{f"vgg{depth}{form}": f"vgg{depth}{form}" for depth in (11, 13, 16, 19) for form in ("", "_bn")},
    "convnext_tiny": "convnext_tiny",
    "densenet121": "densenet121",
    "efficientnet_b0": "efficientnet_b0",
    "mobilenetv1_100": "mobilenet_v1",
    "mobilenetv2_100": "mobilenet_v2",
    "vit_small_patch16_224": "vit_s_16",
}


@dataclass(frozen=True, kw_only=True)
class HubFiles:
    """What a repository holds: the file of weights, and its config.json as parsed JSON."""

    weights: Path
    config: Any


@dataclass(frozen=True, kw_only=True)
class HubConfig:
    """What a config.json in timm's form says, as `load_published` takes it; None and empty where it says nothing."""

    model: str | None
    preprocess: str | None
    classes: tuple[str, ...]
    licence: str | None


def fetch_from_hub(source: str) -> HubFiles:
    """Fetches model.safetensors and config.json, or finds them in the Hub's own cache.

    Args:
        source: ``"hub:OWNER/NAME"`` or ``"hub:OWNER/NAME@REVISION"``.

    Raises:
        UsageError: the source is of another form.
        MissingExtraError: huggingface_hub is not installed.
        DataError: the repository cannot be reached or does not hold the files.
    """
    asked = _SOURCE.fullmatch(source)
    if asked is None:
        raise UsageError(f"Weights on the Hub are named hub:OWNER/NAME or hub:OWNER/NAME@REVISION; got {source!r}.")
    try:
        from huggingface_hub import hf_hub_download
    except ImportError:
        raise MissingExtraError("huggingface_hub", "hub", f"Fetching {source}") from None
    paths = []
    for name in ("config.json", "model.safetensors"):
        try:
            paths.append(Path(hf_hub_download(asked["repo"], name, revision=asked["revision"])))
        except (OSError, ValueError) as error:  # every error of the Hub's client is one of these
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise DataError(
                f"{source}: {name} cannot be fetched ({reason}); check the name and the network connection."
            ) from None
    config, weights = paths
    if config.stat().st_size > _MAX_CONFIG_BYTES:
        raise RefusedFileError(f"{source} is refused: its config.json has {config.stat().st_size:,} bytes.")
    return HubFiles(weights=weights, config=parse_json(config.read_bytes(), f"The config.json of {source}"))


def read_config(config: Any, where: str) -> HubConfig:
    """What a config.json says of model, preprocessing and classes. Older files have all of it at the top.

    Args:
        config: parsed JSON.
        where: the repository, for messages.

    Raises:
        RefusedFileError: a field is of the wrong form.

    Example:
        >>> said = read_config(
        ...     {
        ...         "architecture": "resnet18",
        ...         "pretrained_cfg": {"input_size": [3, 160, 160], "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]},
        ...     },
        ...     "hub:a/b",
        ... )
        >>> said.model, said.preprocess
        ('resnet18', 'size=160x160,mean=0.5/0.5/0.5,std=0.25/0.25/0.25,rule=crop')
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("pretrained_cfg", {}), Mapping):
        raise RefusedFileError(f"{where} is refused: its config.json must hold one object of settings.")
    settings = {**config, **config.get("pretrained_cfg", {})}
    size, mean, std = (settings.get(name) for name in ("input_size", "mean", "std"))
    preprocess = None
    if size is not None and mean is not None and std is not None:
        if not all(_are_numbers(values) for values in (size, mean, std)) or len(size) != 3:
            raise RefusedFileError(f"{where} is refused: input_size, mean and std of its config.json must be numbers.")
        mean_text, std_text = ("/".join(map(str, values)) for values in (mean, std))
        rule = "resize" if settings.get("crop_mode") == "squash" else "crop"
        preprocess = f"size={size[1]}x{size[2]},mean={mean_text},std={std_text},rule={rule}"
    names = settings.get("label_names") or ()
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise RefusedFileError(f"{where} is refused: label_names of its config.json must be a list of names.")
    licence = settings.get("license")
    return HubConfig(
        model=_TIMM_MODELS.get(str(settings.get("architecture"))),
        preprocess=preprocess,
        classes=tuple(names),
        licence=licence if isinstance(licence, str) else None,
    )


def _are_numbers(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) in (int, float) for value in values) and bool(values)
