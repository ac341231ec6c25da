"""What a network must give a task: raw outputs of the right shape, with no activation that the loss applies itself."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from derin.core.errors import ShapeError, UsageError
from derin.data.batch import Batch
from derin.tasks.base import BaseTask

_MODULES: dict[type[nn.Module], str] = {
    nn.Softmax: "softmax",
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "tanh",
    nn.ReLU: "relu",
}
_GRADIENTS = {
    "SoftmaxBackward0": "softmax",
    "SigmoidBackward0": "sigmoid",
    "TanhBackward0": "tanh",
    "ReluBackward0": "relu",
}
# Steps that change the shape or type of an output and not its values.
_TRANSPARENT = ("View", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "ToCopy", "Clone", "Alias", "Contiguous")


def check_output(task: BaseTask, model: nn.Module, inputs: Tensor | Mapping[str, Tensor] | None = None) -> None:
    """Refuses a network that ends in an activation or gives the wrong number of outputs.

    A softmax before a loss that applies one itself still trains, but slowly and to a worse end, and nothing else tells.

    Args:
        task: that the network is to be trained for.
        model: the network; its mode and its buffers stay as they are.
        inputs: a small batch, or those of several inputs by name. With it the last step is found whatever the network's
            form; without it only a plain `torch.nn.Sequential` can be judged.

    Shapes:
        inputs ``(B, ...)``.

    Raises:
        UsageError: the last step is a softmax, sigmoid, tanh or ReLU.
        ShapeError: the output has another shape than ``(B, num_outputs)``.

    Example:
        >>> from derin.tasks.classification import Classification
        >>> task = Classification(columns=["kind"], classes=["cat", "dog", "owl"])
        >>> try:
        ...     check_output(task, nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1)))
        ... except UsageError as error:
        ...     print(str(error).partition("; ")[2])
        it ends in softmax. Remove that last layer.
    """
    last = _last_module(model) if inputs is None else _last_step(task, model, inputs)
    if last is not None:
        raise UsageError(
            f"The network must end without an activation for the task {task.name!r}, {task.output_note}; it ends in "
            f"{last}. Remove that last layer."
        )


def reshape_output(output: Tensor, num_examples: int, num_outputs: int) -> Tensor:
    """A network's output as float32, ``(B,)`` for one, ``(B, num_outputs)`` for several."""
    if num_outputs == 1 and output.shape == (num_examples, 1):
        return output.squeeze(1).float()
    wanted = (num_examples,) if num_outputs == 1 else (num_examples, num_outputs)
    if output.shape != wanted:
        raise ShapeError(
            f"The network must give {num_outputs} output{'' if num_outputs == 1 else 's'} for each example, a tensor "
            f"of shape {(num_examples, num_outputs)}; got {tuple(output.shape)}. Mend its last layer."
        )
    return output.float()


def _last_module(model: nn.Module) -> str | None:
    """The activation at the end of nested `Sequential` networks."""
    while isinstance(model, nn.Sequential) and len(model):
        model = model[-1]
    return _MODULES.get(type(model))


def _last_step(task: BaseTask, model: nn.Module, inputs: Tensor | Mapping[str, Tensor]) -> str | None:
    """The activation whose result is the output, as the automatic derivative recorded it."""
    named = inputs if isinstance(inputs, Mapping) else {task.input: inputs}
    num = len(next(iter(named.values())))
    modes = {module: module.training for module in model.modules()}
    model.eval()  # no running average moves, no random number is drawn
    try:
        with torch.enable_grad():
            probe = {name: values.detach().clone() for name, values in named.items()}
            for values in probe.values():
                values.requires_grad_(values.is_floating_point())
            output = task.call(model, Batch(probe, torch.arange(num)))
            if not isinstance(output, Tensor):
                raise UsageError(
                    f"The network must give one tensor; got {type(output).__name__}. Return its outputs alone."
                )
            reshape_output(output, num, task.num_outputs)
            step = output.grad_fn
    finally:
        for module, training in modes.items():
            module.training = training
    while step is not None and step.name().startswith(_TRANSPARENT):
        step = step.next_functions[0][0]
    return None if step is None else _GRADIENTS.get(step.name())
