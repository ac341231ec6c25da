"""One batch through a copy of a network, in float64 and with random numbers that can be drawn again."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from derin.core.errors import DerinError, UsageError
from derin.core.global_generator import global_generator
from derin.explain.trace.objective import Loss, Objective, objective_of
from derin.layers.operators import passing_through
from derin.layers.unfused import Unfused
from derin.models.signature import bind_inputs

# A tensor, an array or numbers; several of them for a network with several inputs.
Batch = Any


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A copy of a network in float64, its batch and its loss; the network itself is left as it is.

    Args:
        model: the copy, on the CPU.
        inputs: of the network, real ones in float64.
        targets: real ones in float64.
        objective: the loss.
        seed: of dropout and whatever else the network draws; every run draws the same.
    """

    model: nn.Module
    inputs: tuple[Tensor, ...]
    targets: Tensor
    objective: Objective
    seed: int = 0

    @property
    def parameters(self) -> dict[str, Tensor]:
        """By dotted name; one that is used in several places stands once."""
        return {name: value.detach() for name, value in self.model.named_parameters()}

    @property
    def buffers(self) -> dict[str, Tensor]:
        """By dotted name."""
        return {name: value.detach() for name, value in self.model.named_buffers()}

    @property
    def input_names(self) -> tuple[str, ...]:
        """``x``; of several what the network calls them, or ``x1``, ``x2`` … where such a name is taken."""
        if len(self.inputs) == 1:
            return ("x",)
        places = tuple(f"x{number + 1}" for number in range(len(self.inputs)))
        names = bind_inputs(self.model, places, named=False).names
        return places if set(names) & {*self.parameters, *self.buffers, "target"} else names

    @cached_property
    def named(self) -> dict[str, Tensor]:
        """What may be differentiated: parameters and inputs, by name."""
        return {**self.parameters, **dict(zip(self.input_names, self.inputs, strict=True))}

    def run(
        self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], inputs: Sequence[Tensor], targets: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and the buffers after the pass; those that are given stay as they are."""
        after = {name: value.clone() for name, value in buffers.items()}
        output = functional_call(self.model, {**parameters, **after}, tuple(inputs))
        return self.objective(output, targets), after

    def loss(self, changed: dict[str, Tensor] | None = None) -> Tensor:
        """The loss with some of `named` replaced, drawn with the same random numbers each time."""
        values = {**self.named, **(changed or {})}
        parameters = {name: values[name] for name in self.parameters}
        with reproducible(self.seed), passing_through(_drawn_in_order) or nullcontext():
            return self.run(parameters, self.buffers, [values[name] for name in self.input_names], self.targets)[0]

    def autograd(self) -> tuple[float, dict[str, Tensor | None]]:
        """The loss, and by autograd the gradient of every real number in `named`; None where there is no path."""
        leaves = {
            name: value.clone().requires_grad_() for name, value in self.named.items() if value.is_floating_point()
        }
        with torch.inference_mode(False), torch.enable_grad():
            loss = self.loss(leaves)
            if not loss.requires_grad:
                return float(loss), dict.fromkeys(leaves)
            found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
        return float(loss.detach()), dict(zip(leaves, found, strict=True))


def experiment(
    model: nn.Module,
    inputs: Batch,
    targets: Batch,
    *,
    loss: str | Loss | None = None,
    training: bool | None = None,
    seed: int = 0,
) -> Experiment:
    """Copies a network and its batch, and runs it once so that what does not fit is said at the start.

    Args:
        model: any network; it stays as it is.
        inputs: a tensor or array, or a tuple of them for a network with several inputs.
        targets: what the output should be: classes, or numbers.
        loss: see `derin.explain.trace.objective.objective_of`.
        training: the mode; None takes the one that the network is in.
        seed: of what the network draws.

    Raises:
        UsageError: the network cannot be run on this batch, or its loss is not one number.
        ShapeError: targets of another shape than the output's.
    """
    with torch.inference_mode(False):
        own = copy.deepcopy(model).to(device="cpu", dtype=torch.float64)
    if training is not None:
        own.train(training)
    own.requires_grad_(True)
    given = tuple(_as_tensor(one) for one in (inputs if isinstance(inputs, tuple) else (inputs,)))
    wanted = _as_tensor(targets)
    made = Experiment(model=own, inputs=given, targets=wanted, objective=objective_of(loss, wanted), seed=seed)
    _require_fit(made)
    return made


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """The same random numbers each time, and attention as the products and softmax of which it consists.

    Fused kernels of attention and of Transformer layers give the same numbers and cannot be looked into.
    """
    with global_generator(), Unfused(), sdpa_kernel(SDPBackend.MATH):
        torch.default_generator.manual_seed(seed)
        yield


def _drawn_in_order(operator: Any, arguments: Any, options: Any) -> Any:
    """Draws the mask of a transposed tensor in the order of its indices.

    PyTorch draws in the order of memory, which a captured computation does not keep; numbers drawn in place would
    else come to other cells than there, and the comparison with autograd says so.
    """
    in_place = operator.overloadpacket.__name__.endswith("_") and torch.Tag.nondeterministic_seeded in operator.tags
    if not in_place or arguments[0].is_contiguous():
        return operator(*arguments, **options)
    ordered = torch.empty_like(arguments[0], memory_format=torch.contiguous_format)
    return arguments[0].copy_(operator(ordered, *arguments[1:], **options))


def _require_fit(made: Experiment) -> None:
    try:
        with torch.no_grad(), reproducible(made.seed):
            after = {name: value.clone() for name, value in made.buffers.items()}
            output = functional_call(made.model, {**made.parameters, **after}, made.inputs)
        made.objective.check(output, made.targets)
        with torch.no_grad():
            loss = made.objective(output, made.targets)
    except DerinError:
        raise
    except (RuntimeError, IndexError, TypeError, ValueError) as error:
        raise UsageError(
            f"{type(made.model).__name__} and the loss {made.objective.name} must run on this batch; "
            f"PyTorch says: {str(error).strip().splitlines()[0]}"
        ) from error
    if loss.numel() != 1:
        raise UsageError(
            f"The loss {made.objective.name} must give one number; it gave shape {tuple(loss.shape)}. "
            "Take its mean or sum."
        )


def _as_tensor(values: Any) -> Tensor:
    """A copy on the CPU; real numbers in float64, whole ones in int64."""
    with torch.inference_mode(False):
        tensor = values.detach().cpu().clone() if isinstance(values, Tensor) else torch.from_numpy(np.array(values))
    if tensor.dtype == torch.bool:
        return tensor
    return tensor.to(torch.float64 if tensor.is_floating_point() else torch.int64)
