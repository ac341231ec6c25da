"""Adam and AdamW by torch's fused kernel, called without what `torch.optim` does anew before every step.

`torch.optim.Adam(fused=True)` sorts parameters by device and type and walks over their states at each step, which on a
small network costs as much as the kernel. Here the lists are made once, as long as every parameter gets a gradient.
The kernel is the same, and so is every bit of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

from derin.train.foreach import foreach
from derin.train.optimizers.eager import Adam, AdamW

# One group's parameters, averages of gradients and of their squares, and step counters.
_Lists = tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]


class _FusedStep:
    """The step that `FusedAdam` and `FusedAdamW` share; comes before torch's class in the order of inheritance."""

    param_groups: list[dict[str, Any]]
    _lists: list[_Lists] | None = None

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        lists = self._lists
        if closure is not None or lists is None or not self._holds(lists):
            result = cast(Any, super()).step(closure)
            self._lists = self._collect()
            return result
        gradients = [[p.grad for p in parameters] for parameters, *_ in lists]
        if any(gradient is None for part in gradients for gradient in part):
            return cast(Any, super()).step()
        with torch.no_grad():
            for group, (parameters, means, squares, steps), grads in zip(self.param_groups, lists, gradients):
                foreach("add_", steps, 1)
                _kernel(group)(
                    parameters,
                    cast(list[Tensor], grads),
                    means,
                    squares,
                    [],
                    steps,
                    lr=group["lr"],
                    beta1=group["betas"][0],
                    beta2=group["betas"][1],
                    weight_decay=group["weight_decay"],
                    eps=group["eps"],
                    amsgrad=False,
                    maximize=group["maximize"],
                    grad_scale=None,
                    found_inf=None,
                )
        return None

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        self._lists = None
        cast(Any, super()).add_param_group(param_group)

    def _holds(self, lists: list[_Lists]) -> bool:
        """Whether the state is the one that the lists were made of, and not one that was restored since."""
        state: Any = self.state  # type: ignore[attr-defined]
        return all(means[0] is state.get(parameters[0], {}).get("exp_avg") for parameters, means, *_ in lists)

    def _collect(self) -> list[_Lists] | None:
        """The lists of every group; None where torch's own step has to sort things out."""
        state: Any = self.state  # type: ignore[attr-defined]
        found: list[_Lists] = []
        for group in self.param_groups:
            if _kernel(group) is None:
                return None
            parameters = group["params"]
            plain = all(p.device.type == "cpu" and p.dtype == torch.float32 and state.get(p) for p in parameters)
            if not (plain and parameters) or group["amsgrad"]:
                return None
            states = [state[p] for p in parameters]
            means, squares, steps = ([s[name] for s in states] for name in ("exp_avg", "exp_avg_sq", "step"))
            found.append((parameters, means, squares, steps))
        return found


def _kernel(group: dict[str, Any]) -> Any:
    """What computes the step; None where torch has it no longer under the name that is known here."""
    return getattr(torch, "_fused_adamw_" if group["decoupled_weight_decay"] else "_fused_adam_", None)


class FusedAdam(_FusedStep, Adam):
    """`torch.optim.Adam(fused=True)`, bit for bit.

    Example:
        >>> layer = torch.nn.Linear(3, 2)
        >>> optimizer = FusedAdam(layer.parameters(), lr=0.1, fused=True)
        >>> layer(torch.ones(4, 3)).sum().backward()
        >>> optimizer.step()
        >>> int(optimizer.state[layer.bias]["step"])
        1

    Source: Kingma and Ba 2015, algorithm 1.
    """


class FusedAdamW(_FusedStep, AdamW):
    """`torch.optim.AdamW(fused=True)`, bit for bit. Source: Loshchilov and Hutter 2019, algorithm 2."""
