"""What several layers of a network make of a picture, in one pass that ends where the last of them has answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from derin.core.errors import ShapeError, UsageError, near_matches


class _Answered(Exception):
    """Thrown where the rest of the forward pass is not needed."""


class LayerFeatures:
    """The outputs of named layers of a network, whose weights stay as they are.

    Args:
        network: in evaluation mode; its parameters get no gradient from now on.
        layers: names, as `derin summary` prints them.

    Raises:
        UsageError: there is no such layer.

    Example:
        >>> import torch
        >>> features = LayerFeatures(nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True)), ["0", "1"])
        >>> found = features(torch.randn(2, 1, 5, 6))
        >>> {name: tuple(maps.shape) for name, maps in found.items()}, bool((found["0"] < 0).any())
        ({'0': (2, 3, 3, 4), '1': (2, 3, 3, 4)}, True)
    """

    def __init__(self, network: nn.Module, layers: Sequence[str]) -> None:
        modules = dict(network.named_modules())
        for name in layers:
            if not name or name not in modules:
                known = [one for one in modules if one]
                raise UsageError(f"There is no layer named {name!r} in the network; {near_matches(name, known)}.")
        self.layers = tuple(dict.fromkeys(layers))
        self._network = network.eval().requires_grad_(False)
        self._modules = {name: modules[name] for name in self.layers}

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        """By the layer's name, in the order of `layers`.

        Raises:
            ShapeError: a layer gives no maps, or does not run.
        """
        found: dict[str, Tensor] = {}

        def keep(name: str) -> Any:
            def hook(module: nn.Module, inputs: Any, output: Any) -> Any:
                if not isinstance(output, Tensor) or output.ndim != 4:
                    raise ShapeError(
                        f"A layer that gives maps (B, C, H, W) is required; {name!r} gives something else."
                    )
                found[name] = output
                if len(found) == len(self.layers):
                    raise _Answered
                return output.clone()  # an activation that works in place would overwrite what was kept

            return hook

        handles = [module.register_forward_hook(keep(name)) for name, module in self._modules.items()]
        try:
            self._network(x)
        except _Answered:
            pass
        finally:
            for handle in handles:
                handle.remove()
        missing = [name for name in self.layers if name not in found]
        if missing:
            raise ShapeError(f"The network ran to its end without its layer {missing[0]!r}.")
        return {name: found[name] for name in self.layers}
