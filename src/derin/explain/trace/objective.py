"""What is differentiated: a loss of output and targets, given by name or function, or read off the targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from derin.core.errors import ShapeError, UnknownNameError, UsageError
from derin.models.auxiliary import WithAuxiliary

# From what a network gives and the targets to one number.
Loss = Callable[[Any, Tensor], Tensor]

LOSS_FUNCTIONS: dict[str, Loss] = {
    "cross_entropy": F.cross_entropy,
    "mse": F.mse_loss,
    "mae": F.l1_loss,
    "huber": F.huber_loss,
    "smooth_l1": F.smooth_l1_loss,
    "binary_cross_entropy": F.binary_cross_entropy_with_logits,
    "binary_cross_entropy_of_probabilities": F.binary_cross_entropy,
    "negative_log_likelihood": F.nll_loss,
    "kl_divergence": lambda output, target: F.kl_div(output, target, reduction="batchmean"),
    "hinge": lambda output, target: (1 - output * target).clamp(min=0).mean(),
}


@dataclass(frozen=True)
class Objective:
    """A loss and how people call it.

    Args:
        name: of `LOSS_FUNCTIONS`, or of the function that was given.
        function: (output, targets) → one number.
    """

    name: str
    function: Loss

    def __call__(self, output: Any, targets: Tensor) -> Tensor:
        """The loss; that of auxiliary classifiers is added with its weight."""
        if isinstance(output, WithAuxiliary):
            auxiliary = [self.function(one, targets) for one in output.auxiliary]
            return self.function(output.output, targets) + output.weight * sum(auxiliary[1:], auxiliary[0])
        return self.function(output, targets)

    def check(self, output: Any, targets: Tensor) -> None:
        """Refuses targets that do not fit the output, in words that name both.

        Raises:
            ShapeError: another number of rows, or for a loss of differences another shape.
            UsageError: a class that the output does not have, or an output that a named loss cannot read.
        """
        if self.function not in LOSS_FUNCTIONS.values():
            return
        main = output.output if isinstance(output, WithAuxiliary) else output
        if not isinstance(main, Tensor):
            raise UsageError(
                f"The loss {self.name} reads one tensor; the network gave {type(main).__name__}. "
                "Give a function of (output, targets) as loss."
            )
        classes = self.name in ("cross_entropy", "negative_log_likelihood") and not targets.is_floating_point()
        if not classes:
            if main.shape != targets.shape:
                raise ShapeError(
                    f"The loss {self.name} needs targets of the output's shape {tuple(main.shape)}; "
                    f"got {tuple(targets.shape)}."
                )
            return
        wanted = (*main.shape[:1], *main.shape[2:]) if main.ndim > 1 else ()
        if tuple(targets.shape) != wanted:
            raise ShapeError(
                f"The loss {self.name} of an output {tuple(main.shape)} needs classes of shape {wanted}; "
                f"got {tuple(targets.shape)}."
            )
        num_classes = main.shape[1] if main.ndim > 1 else main.shape[0]
        outside = [int(one) for one in targets.flatten() if not (0 <= one < num_classes or one == -100)]
        if outside:
            raise UsageError(f"A target must be a class from 0 to {num_classes - 1}; got {outside[0]}.")


def objective_of(loss: str | Loss | None, targets: Tensor) -> Objective:
    """The loss that is meant.

    Args:
        loss: a name of `LOSS_FUNCTIONS`, a function of (output, targets), or None: cross-entropy for targets that
            are whole numbers, the mean squared error for real ones.
        targets: read only where the loss is None.

    Raises:
        UnknownNameError: no such loss; lists near matches.

    Example:
        >>> import torch
        >>> objective_of(None, torch.tensor([1, 0])).name, objective_of(None, torch.tensor([0.5])).name
        ('cross_entropy', 'mse')
    """
    if loss is None:
        loss = "mse" if targets.is_floating_point() else "cross_entropy"
    if not isinstance(loss, str):
        return Objective(getattr(loss, "__name__", type(loss).__name__), loss)
    if loss not in LOSS_FUNCTIONS:
        raise UnknownNameError("loss", loss, LOSS_FUNCTIONS)
    return Objective(loss, LOSS_FUNCTIONS[loss])
