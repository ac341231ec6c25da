"""Grad-CAM and Grad-CAM++: where the maps of a layer speak for a class.

Source: R. R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization",
ICCV 2017, arXiv:1610.02391; A. Chattopadhyay et al., "Grad-CAM++: improved visual explanations for deep convolutional
networks", WACV 2018, arXiv:1710.11063.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.explain.heat_map import Floats, HeatMap, to_numpy
from derin.explain.layer_names import find_layer, last_maps
from derin.explain.targets import Target, as_score, require_output
from derin.explain.watching import as_input, unchanged, watch


@dataclass(frozen=True, kw_only=True)
class LayerHeatMap(HeatMap):
    """A heat map, and the small one of the layer from which it was enlarged.

    Args:
        maps: at the size of the layer's maps.

    Shapes:
        maps ``(B, h, w)``.
    """

    maps: Floats


def grad_cam(
    network: nn.Module, x: Tensor, target: Target = None, *, layer: str | None = None, plus_plus: bool = False
) -> LayerHeatMap:
    """Weighs the maps A_k of a layer by what the score S gains from them, adds them and keeps what is positive.

    L = relu(Σ_k w_k A_k), enlarged bilinearly to the size of the input. With g = ∂S/∂A the weight of a map is

    - Grad-CAM: w_k = mean over all places of g;
    - Grad-CAM++: w_k = Σ_ij α_ij relu(g_ij), α_ij = g_ij² / (2 g_ij² + g_ij³ Σ_ab A_ab), 0 where g_ij is 0.

    The paper of Grad-CAM++ derives α for Y = exp(S), whose derivatives all carry the factor exp(S). It cancels in α;
    in the weights it is the same for all maps of a picture and is left out, as it only scales the heat map.

    Args:
        network: any network with a convolution.
        x: a batch of its inputs.
        target: see `derin.explain.targets.as_score`; None takes the largest output of each picture.
        layer: whose maps are weighed; None takes the last ones, see `derin.explain.layer_names.last_maps`.
        plus_plus: Grad-CAM++, which shows several objects of a class more evenly.

    Shapes:
        x ``(B, C, H, W)`` → values ``(B, H, W)``, maps ``(B, h, w)``.

    Raises:
        UsageError: there is no such layer, or no convolution.
        ShapeError: the layer's output is not ``(B, C, h, w)``, or the score does not depend on it.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 2))
        >>> heat = grad_cam(net, torch.randn(5, 1, 8, 8), target=1)
        >>> heat.layer, heat.values.shape, heat.maps.shape
        ('1', (5, 8, 8), (5, 6, 6))
    """
    name = last_maps(network, x) if layer is None else layer
    module = find_layer(network, x, name)
    with unchanged(network), watch(module, as_leaf=True) as watched:
        output = require_output(network(as_input(network, x)), target=target)
        if watched.output is None or watched.value.ndim != 4:
            came = "no tensor" if watched.output is None else f"shape {tuple(watched.value.shape)}"
            raise ShapeError(
                f"Grad-CAM needs a layer that gives (batch, channels, height, width); {name!r} gave {came}."
            )
        scores = as_score(target, output)(output)
        (gradient,) = torch.autograd.grad(scores.sum(), watched.value, allow_unused=True)
    if gradient is None:
        raise ShapeError(f"Grad-CAM needs a layer on which the score depends; it does not depend on {name!r}.")
    features = watched.value.detach()
    weights = _weights_plus_plus(gradient, features) if plus_plus else gradient.mean(dim=(2, 3))
    maps = torch.einsum("bk,bkhw->bhw", weights, features).relu()
    values = F.interpolate(maps[:, None], size=x.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    return LayerHeatMap(values=to_numpy(values), maps=to_numpy(maps), scores=to_numpy(scores), signed=False, layer=name)


def _weights_plus_plus(gradient: Tensor, features: Tensor) -> Tensor:
    """``(B, K)``. α divided by g² above and below, which keeps small gradients from vanishing in their squares."""
    total = features.sum(dim=(2, 3), keepdim=True)
    below = 2 + gradient * total
    alpha = torch.where((gradient == 0) | (below == 0), 0.0, 1 / below)
    return (alpha * gradient.relu()).sum(dim=(2, 3))
