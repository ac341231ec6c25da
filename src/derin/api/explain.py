"""Seeing inside a saved network: every way of looking by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from derin.api.explain_heat import explain_by_grad_cam, explain_by_integrated_gradients, explain_by_occlusion
from derin.api.explain_importance import explain_importance
from derin.api.explain_layers import explain_activations, explain_by_deconvnet, explain_filters
from derin.api.explanation import Explanation
from derin.core.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from derin.api.model import Model

METHODS: dict[str, Callable[..., Explanation]] = {
    "grad_cam": explain_by_grad_cam,
    "integrated_gradients": explain_by_integrated_gradients,
    "occlusion": explain_by_occlusion,
    "activations": explain_activations,
    "filters": explain_filters,
    "deconvnet": explain_by_deconvnet,
    "importance": explain_importance,
}


def explain(model: Model, inputs: Any = None, method: str = "grad_cam", **options: Any) -> Explanation:
    """Looks into a network in one of the ways of `METHODS`.

    Raises:
        UnknownNameError: there is no such way.
    """
    if method not in METHODS:
        raise UnknownNameError("way to explain", method, METHODS)
    if method != "importance" and (inputs is None) != (method == "filters"):
        raise UsageError(f"{method} is asked {'without' if method == 'filters' else 'with'} pictures.")
    return METHODS[method](model, **options) if inputs is None else METHODS[method](model, inputs, **options)
