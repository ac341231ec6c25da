"""Which parts of a picture decide: Grad-CAM, integrated gradients and occlusion for a saved network."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from derin.api.explain_arrays import explain_arrays_by_integrated_gradients, explain_arrays_by_occlusion
from derin.api.explanation import Explanation, PredictedInputs, caption_for, predict_for_explanation, title_of
from derin.core.errors import UnknownNameError, UsageError
from derin.core.messages import format_number, translate
from derin.explain.grad_cam import LayerHeatMap, grad_cam
from derin.explain.heat_map import HeatMap
from derin.explain.integrated_gradients import Attributions, integrated_gradients
from derin.explain.layer_names import level_layer
from derin.explain.occlusion import OcclusionMap, occlusion
from derin.explain.pictures import heat_sheet
from derin.explain.watching import device_of

if TYPE_CHECKING:
    from derin.api.model import Model

BASELINES = ("mean", "black", "white", "blur")


def explain_by_grad_cam(
    model: Model,
    inputs: Any,
    *,
    target: str | int | None = None,
    box: int | None = None,
    layer: str | None = None,
    plus_plus: bool = False,
) -> Explanation:
    """Where the maps of a layer speak for a class; see `derin.explain.grad_cam.grad_cam`.

    Args:
        inputs: pictures, as `Model.predict` takes them.
        target: a class by name or number; None takes what the network answers. Of masks it is asked for at the pixels
            that the network gives it; None takes the class with most of them.
        box: of a detection, which of its boxes, 1 the most probable; None takes the first.
        layer: whose maps; None takes the last ones, of a box those of the level that it was read from.
        plus_plus: Grad-CAM++.
    """
    given = predict_for_explanation(model, inputs, target, box=box)
    looked_at = layer or level_layer(model.network, given.asked.strides)
    found = grad_cam(model.network, given.x, given.asked.score, layer=looked_at, plus_plus=plus_plus)
    return _heat(model, given, found, "grad_cam_plus_plus" if plus_plus else "grad_cam")


def explain_by_integrated_gradients(
    model: Model,
    inputs: Any,
    *,
    target: str | int | None = None,
    baseline: str = "mean",
    num_steps: int = 64,
) -> Explanation:
    """What each pixel adds; see `derin.explain.integrated_gradients.integrated_gradients`.

    Args:
        inputs: pictures, or arrays by name, as `Model.predict` takes them.
        target: a class by name or number; None takes what the network answers.
        baseline: the picture that says nothing: ``"mean"`` (the mean color of the training pictures), ``"black"``,
            ``"white"``, or ``"blur"`` (the picture itself, out of focus). Arrays begin at zeros.
        num_steps: to begin with.
    """
    if baseline not in BASELINES:
        raise UnknownNameError("baseline", baseline, BASELINES)
    if model.preparation.medium == "arrays":
        if baseline != "mean":
            raise UsageError(
                f"A baseline is a picture; arrays by name begin at zeros. Leave baseline={baseline!r} out."
            )
        return explain_arrays_by_integrated_gradients(model, inputs, target=target, num_steps=num_steps)
    given = predict_for_explanation(model, inputs, target)
    blank = _baseline(model, given.pixels, baseline)
    found = integrated_gradients(model.network, given.x, given.asked.score, baseline=blank, num_steps=num_steps)
    return _heat(model, given, found, "integrated_gradients")


def explain_by_occlusion(
    model: Model,
    inputs: Any,
    *,
    target: str | int | None = None,
    patch: int | None = None,
    stride: int | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> Explanation:
    """How much the probability of a class falls, or a number, where a patch is gray; see `derin.explain.occlusion`.

    Args:
        inputs: pictures, as `Model.predict` takes them; of arrays by name one whole input after the other is hidden.
        target: a class by name or number; None takes what the network answers.
        patch: side of the patch in pixels.
        stride: from one place of the patch to the next.
        on_step: told how many places of how many are done.
    """
    if model.preparation.medium == "arrays":
        if patch is not None or stride is not None:
            raise UsageError(
                "patch and stride are of pictures; of arrays by name a whole input is hidden. Leave them out."
            )
        return explain_arrays_by_occlusion(model, inputs, target=target)
    given = predict_for_explanation(model, inputs, target)
    found = occlusion(model.network, given.x, given.asked.measure, patch=patch, stride=stride, on_step=on_step)
    return _heat(model, given, found, "occlusion")


def _heat(model: Model, given: PredictedInputs, found: HeatMap, method: str) -> Explanation:
    shown = []
    document = []
    for place, name in enumerate(given.names):
        asked, measured = given.asked.names[place], given.measures[place]
        words = format_number(measured, ".1%") if given.asked.is_class else format_number(measured, ".4g")
        shown.append(caption_for(given, place, translate("explain.speaks_for", name=asked, value=words)))
        row: dict[str, Any] = {
            "input": name,
            "target": asked,
            "probability" if given.asked.is_class else "value": measured,
            "score": float(found.scores[place]),
            "peak": list(found.peak(place)),
        }
        if given.asked.boxes:
            row["box"] = given.asked.boxes[place].to_json()
        if isinstance(found, LayerHeatMap):
            row |= {"layer": found.layer, "map": found.maps[place].tolist()}
        if isinstance(found, OcclusionMap):
            row |= {"tops": list(found.tops), "lefts": list(found.lefts), "falls": found.falls[place].tolist()}
        if isinstance(found, Attributions):
            row |= {
                "sum": float(found.attributions[place].sum(dtype=np.float64)),
                "difference": float(found.differences[place]),
                "gap": float(found.gaps[place]),
                "steps": found.num_steps,
            }
        document.append(row)
    title = title_of(model, translate(f"explain.{method}"))
    return Explanation(method=method, found=found, document=document, draw=lambda: heat_sheet(shown, found, title))


def _baseline(model: Model, pixels: np.ndarray, name: str) -> Tensor | None:
    """The picture that says nothing, as the network's input; None is the mean color, which is zero there."""
    if name == "mean":
        return None
    if name == "blur":
        from PIL import Image, ImageFilter

        radius = min(pixels.shape[1:3]) / 8
        soft = [
            np.stack(
                [np.asarray(Image.fromarray(channel).filter(ImageFilter.GaussianBlur(radius))) for channel in planes],
                axis=-1,
            )
            for planes in np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
        ]
        plain = np.stack(soft)
    else:
        plain = np.full_like(pixels[:1], 0 if name == "black" else 255)
    finished: Tensor = model.preparation.to_model_input(torch.from_numpy(plain).to(device_of(model.network)))
    return finished
