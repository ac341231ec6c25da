"""Deconvnet: which structure of the input made a unit answer, projected back through the layers below it.

Source: M. D. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, arXiv:1311.2901,
section 2.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from derin.core.errors import ShapeError, UsageError
from derin.explain.heat_map import Floats, to_numpy
from derin.explain.layer_names import find_layer, last_convolution
from derin.explain.watching import Reached, as_input, unchanged, watch

_FAINT = 0.01  # of a projection's largest value; what is fainter does not widen its box


@dataclass(frozen=True)
class Projection:
    """One answer of one unit, projected back.

    Args:
        unit: of the layer.
        example: number of the picture within the batch.
        place: row and column of the answer within the unit's map.
        activation: the answer.
        box: top, left, bottom and right (beyond the last) of the part of the input that the projection reaches.
        values: the projection, in the scale of the network's input.

    Shapes:
        values ``(C, H, W)``.
    """

    unit: int
    example: int
    place: tuple[int, int]
    activation: float
    box: tuple[int, int, int, int]
    values: Floats


def deconvnet(
    network: nn.Module,
    x: Tensor,
    layer: str | None = None,
    units: Sequence[int] | None = None,
    *,
    num_units: int = 9,
    num_examples: int = 1,
) -> tuple[str, list[Projection]]:
    """Projects the strongest answers of units back onto the input.

    All answers of the layer but one are set to zero, and this one is passed down: through a convolution by its
    transposed filters, through max pooling to the place that was the largest (the switches of the paper), through an
    activation by keeping what is positive. That is the backward pass of the network with another rule for
    activations: the gradient is rectified, whatever the input was. A norm in evaluation mode only scales; sums of
    branches hand the projection to each of them.

    Args:
        network: any network with a convolution.
        x: a batch of its inputs.
        layer: whose units are asked; None takes the last convolution.
        units: which; None takes those with the largest answers on these pictures.
        num_units: how many, where `units` is None.
        num_examples: for each unit so many pictures, those on which it answers most.

    Returns:
        the name of the layer, and the projections: unit by unit, for each the largest answer first. A unit that
        answers nowhere above zero has none.

    Shapes:
        x ``(B, C, H, W)`` → values ``(C, H, W)`` for each projection.

    Raises:
        UsageError: there is no such layer or unit, or no convolution.
        ShapeError: the layer's output is not ``(B, channels, h, w)``.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.ReLU(), nn.MaxPool2d(2))
        >>> _ = nn.init.constant_(net[0].weight, 2.0)
        >>> x = torch.tensor([[[[1.0, 3.0], [0.0, -1.0]]]])
        >>> _, (found,) = deconvnet(net, x, "2")
        >>> found.activation, found.box, found.values.tolist()
        (6.0, (0, 1, 1, 2), [[[0.0, 12.0], [0.0, 0.0]]])
    """
    name = last_convolution(network, x) if layer is None else layer
    module = find_layer(network, x, name)
    with unchanged(network), _Rectifying(), watch(module, stop=True) as watched:
        x = as_input(network, x).requires_grad_()
        try:
            network(x.clone())
        except Reached:
            pass
        if watched.output is None or watched.value.ndim != 4:
            came = "no tensor" if watched.output is None else f"shape {tuple(watched.value.shape)}"
            raise ShapeError(f"A layer that gives (batch, channels, height, width) is required; {name!r} gave {came}.")
        answers = watched.value.detach()
        peaks = answers.flatten(2).max(dim=2)  # (B, units)
        chosen = _strongest(peaks.values, num_units) if units is None else list(units)
        outside = next((unit for unit in chosen if not 0 <= unit < answers.shape[1]), None)
        if outside is not None:
            raise UsageError(f"A unit of {name!r} must be from 0 to {answers.shape[1] - 1}; got {outside}.")
        found = []
        for unit in chosen:
            order = peaks.values[:, unit].argsort(descending=True, stable=True)[:num_examples]
            for example in order.tolist():
                row, column = divmod(int(peaks.indices[example, unit]), answers.shape[3])
                activation = answers[example, unit, row, column]
                if activation <= 0:
                    continue
                alone = torch.zeros_like(answers)
                alone[example, unit, row, column] = activation
                (back,) = torch.autograd.grad(watched.value, x, alone, retain_graph=True)
                values = back[example]
                found.append(
                    Projection(unit, example, (row, column), activation.item(), _box(values), to_numpy(values))
                )
    return name, found


def _strongest(peaks: Tensor, num: int) -> list[int]:
    """The units with the largest answers, ``(B, units)`` → their numbers."""
    order: list[int] = peaks.amax(dim=0).argsort(descending=True, stable=True)[:num].tolist()
    return order


def _box(values: Tensor) -> tuple[int, int, int, int]:
    """The smallest rectangle around all that is not faint."""
    strength = values.abs().amax(dim=0)
    strong = strength > _FAINT * strength.max()
    if not strong.any():
        return 0, 0, *strength.shape
    rows, columns = (strong.any(dim=axis).nonzero().squeeze(1).tolist() for axis in (1, 0))
    return rows[0], columns[0], rows[-1] + 1, columns[-1] + 1


class _Rectified(torch.autograd.Function):
    """An activation as it is forward, with the deconvnet's rule backward: what is positive passes."""

    @staticmethod
    def forward(context: Any, x: Tensor, activate: Callable[[Tensor], Tensor]) -> Tensor:
        return activate(x)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0].clamp(min=0), None


class _Rectifying(TorchFunctionMode):
    """Gives every activation that torch computes the deconvnet's backward pass, wherever in the network it stands."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func not in _ACTIVATIONS or not args:
            return func(*args, **kwargs)
        x, *rest = args
        in_place = func in _IN_PLACE or kwargs.get("inplace", False)

        def activate(given: Tensor) -> Tensor:
            # On a copy, because some write where they read, and below this the mode does not look.
            result: Tensor = func(given.clone(), *rest, **kwargs)
            return result

        result = _Rectified.apply(x, activate)
        return x.copy_(result) if in_place else result


_IN_PLACE = frozenset({torch.relu_, Tensor.relu_, F.relu_})
_ACTIVATIONS = _IN_PLACE | {
    torch.relu,
    Tensor.relu,
    F.relu,
    F.relu6,
    F.leaky_relu,
    F.elu,
    F.selu,
    F.celu,
    F.gelu,
    F.silu,
    F.mish,
    F.hardswish,
    F.hardtanh,
    F.softplus,
    F.rrelu,
}
