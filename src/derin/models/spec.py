"""Reads what people and files say of a network's sizes, and refuses what no network has."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from derin.core.errors import RefusedFileError, ShapeError, UnknownNameError
from derin.layers.options import LARGEST_SIZE
from derin.models.info import ModelInfo

_KIND_OF_AXES = {"picture": ("channels", "height", "width"), "features": ("features",)}
_SPEC_KEYS = {"name", "input_shape", "num_outputs", "options"}


def read_shape(info: ModelInfo, input_shape: Any) -> tuple[int, ...]:
    """The input shape as a tuple, refused where the model cannot read it."""
    shape = tuple(input_shape)
    for size in shape:
        require_size("input_shape", size)
    axes = _KIND_OF_AXES.get(info.input_kind)
    if not shape or (axes is not None and len(axes) != len(shape)):
        wanted = "an input shape such as (features,)" if axes is None else "input_shape=(" + ", ".join(axes) + ")"
        raise ShapeError(f"{info.name} needs {wanted}; got {shape}.")
    if info.smallest_input is not None and any(s < least for s, least in zip(shape, info.smallest_input)):
        least_text = "×".join(map(str, info.smallest_input))
        raise ShapeError(
            f"{info.name} needs an input of at least {least_text}; got {'×'.join(map(str, shape))}. "
            "Resize the pictures or choose a smaller model."
        )
    if math.prod(shape) > LARGEST_SIZE**2:
        raise ShapeError(f"{info.name} cannot read inputs of {math.prod(shape)} numbers; got input_shape={shape}.")
    return shape


def require_size(name: str, size: Any) -> None:
    """Refuses what is no whole number from 1 to `LARGEST_SIZE`."""
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= LARGEST_SIZE:
        raise ShapeError(f"Sizes in {name} must be whole numbers from 1 to {LARGEST_SIZE}; got {size!r}.")


def read_spec(
    spec: Mapping[str, Any], *, known: Collection[str]
) -> tuple[str, tuple[int, ...], int, Mapping[str, Any]]:
    """The four parts of a description from a file that may hold anything."""
    if not isinstance(spec, Mapping) or set(spec) != _SPEC_KEYS:
        found = ", ".join(map(str, spec)) if isinstance(spec, Mapping) else type(spec).__name__
        raise RefusedFileError(f"A model description has the keys {', '.join(sorted(_SPEC_KEYS))}; got {found}.")
    name, shape, num_outputs, options = (spec[key] for key in ("name", "input_shape", "num_outputs", "options"))
    if not isinstance(name, str) or not isinstance(shape, list | tuple) or not isinstance(options, Mapping):
        raise RefusedFileError("A model description needs a name, a list input_shape and a table of options.")
    if name not in known:
        raise RefusedFileError(f"The model description cannot be built: {UnknownNameError('model', name, known)}")
    if not 1 <= len(shape) <= 8:
        raise RefusedFileError(f"An input shape has 1 to 8 axes; got {len(shape)}.")
    try:
        for size in (*shape, num_outputs):
            require_size(f"the description of {name!r}", size)
    except ShapeError as error:
        raise RefusedFileError(str(error)) from error
    return name, tuple(shape), num_outputs, options
