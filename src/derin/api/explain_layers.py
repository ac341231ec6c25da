"""What the layers of a saved network do: activations, filter patterns and deconvnet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from derin.api.explanation import Explanation, caption_for, predict_for_explanation, require_pictures, title_of
from derin.core.errors import UsageError
from derin.core.messages import translate
from derin.explain.activations import activations
from derin.explain.deconvnet import deconvnet
from derin.explain.filters import filter_patterns
from derin.explain.layer_names import find_layer, last_convolution
from derin.explain.pictures import activation_sheet, pattern_sheet, projection_sheet
from derin.explain.watching import device_of, unchanged, watch

if TYPE_CHECKING:
    from derin.api.model import Model

_MOST_AT_ONCE = 512  # for deconvnet, which looks for the strongest answers among many
_FEWEST_PIXELS = 128  # a filter pattern is painted at least so large, where the network reads any size


def explain_activations(
    model: Model, inputs: Any, *, layers: Sequence[str] | None = None, num_units: int = 32
) -> Explanation:
    """The maps that layers make of one picture.

    Args:
        inputs: one picture, as `Model.predict` takes it.
        layers: their names; None takes a few from first to last.
        num_units: maps drawn of each layer, those that vary most.
    """
    if num_units < 1:
        raise UsageError(f"At least one map of each layer is drawn; got num_units={num_units}.")
    given = predict_for_explanation(model, inputs, None, most=1)
    found = activations(model.network, given.x, layers)
    document = [
        {
            "layer": layer.layer,
            "shape": list(layer.maps.shape[1:]),
            "silent": layer.silent,
            "strongest": layer.strongest(num_units),
            "least": float(layer.maps.min()),
            "largest": float(layer.maps.max()),
        }
        for layer in found
    ]
    title = title_of(model, translate("explain.activations"))
    return Explanation(
        method="activations",
        found=found,
        document={"input": given.names[0], "layers": document},
        draw=lambda: activation_sheet(caption_for(given, 0), found, example=0, num_units=num_units, title=title),
    )


def explain_filters(
    model: Model,
    *,
    layer: str | None = None,
    units: Sequence[int] | None = None,
    num_units: int = 12,
    steps: int = 256,
    size: int | None = None,
    seed: int = 0,
    on_step: Callable[[int, int], None] | None = None,
) -> Explanation:
    """The pictures that excite units most; see `derin.explain.filters.filter_patterns`.

    Args:
        layer: any layer; None takes the last convolution.
        units: which; None takes the first ones.
        num_units: how many, where `units` is None.
        steps: of gradient ascent.
        size: side of the pictures in pixels; None takes the network's own size, but at most 128 where it reads
            smaller pictures too.
        seed: of the beginning.
        on_step: told how many steps of how many are done.
    """
    channels, height, width = require_pictures(model)
    smallest = getattr(model.network, "smallest", None)
    side = size
    if size is not None and size < 1:
        raise UsageError(f"A painted picture must be at least 1 pixel wide; got size={size}.")
    if size is None and smallest is not None:
        side = max(min(_FEWEST_PIXELS, height, width), *smallest)
    shape = (channels, height, width) if side is None else (channels, side, side)
    blank = torch.zeros((1, *shape), device=device_of(model.network))
    name = last_convolution(model.network, blank) if layer is None else layer
    num_all = _num_units(model, blank, name)
    if units is None:
        if num_units < 1:
            raise UsageError(f"At least one unit is painted; got num_units={num_units}.")
        units = range(min(num_units, num_all))
    found = filter_patterns(
        model.network,
        name,
        list(units),
        input_shape=shape,
        normalize=lambda pixels: model.preparation.to_model_input(pixels.permute(0, 2, 3, 1) * 255),
        steps=steps,
        seed=seed,
        on_step=on_step,
    )
    document = [
        {"unit": unit, "before": float(before), "after": float(after)}
        for unit, before, after in zip(found.units, found.before, found.after)
    ]
    title = title_of(model, translate("explain.filters", layer=name))
    # The units of the last layer are the classes.
    names = model.classes if _is_output(model, name) and num_all == len(model.classes or ()) else None
    return Explanation(
        method="filters",
        found=found,
        document={"layer": name, "units": document},
        draw=lambda: pattern_sheet(found, title, names),
    )


def explain_by_deconvnet(
    model: Model,
    inputs: Any,
    *,
    layer: str | None = None,
    units: Sequence[int] | None = None,
    num_units: int = 9,
    num_examples: int = 1,
) -> Explanation:
    """What the strongest answers of a layer are about; see `derin.explain.deconvnet.deconvnet`.

    Args:
        inputs: pictures, as `Model.predict` takes them.
        layer: whose units; None takes the last convolution.
        units: which; None takes those with the largest answers.
        num_units: how many, where `units` is None.
        num_examples: for each unit so many pictures, those on which it answers most.
    """
    if num_units < 1 or num_examples < 1:
        raise UsageError(
            f"At least one unit and one picture are shown; got num_units={num_units}, num_examples={num_examples}."
        )
    given = predict_for_explanation(model, inputs, None, most=_MOST_AT_ONCE)
    name, found = deconvnet(model.network, given.x, layer, units, num_units=num_units, num_examples=num_examples)
    if not found:
        raise UsageError(f"None of the units asked of {name!r} answers above zero on these pictures; ask for others.")
    shown = [caption_for(given, place) for place in range(len(given.names))]
    title = title_of(model, translate("explain.deconvnet", layer=name))
    document = [
        {
            "unit": one.unit,
            "input": given.names[one.example],
            "activation": one.activation,
            "place": list(one.place),
            "box": list(one.box),
        }
        for one in found
    ]
    return Explanation(
        method="deconvnet",
        found=found,
        document={"layer": name, "projections": document},
        draw=lambda: projection_sheet(shown, found, title),
    )


def _num_units(model: Model, blank: Tensor, layer: str) -> int:
    """How many units a layer has."""
    with unchanged(model.network), torch.no_grad(), watch(find_layer(model.network, blank, layer)) as watched:
        model.network(blank)
    if watched.output is None or watched.value.ndim < 2:
        raise UsageError(f"A layer that gives (batch, units, …) is required; {layer!r} gives something else.")
    return int(watched.value.shape[1])


def _is_output(model: Model, layer: str) -> bool:
    """Whether a layer is the one that gives the network's answer."""
    return layer == list(dict(model.network.named_modules()))[-1]
