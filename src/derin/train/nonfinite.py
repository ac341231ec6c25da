"""What to say when the loss is no longer a number: which layer did it, and what to do.

The search repeats the forward and backward pass with hooks on every layer. It costs nothing while training goes well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from derin.core.errors import DivergenceError
from derin.data.batch import Batch
from derin.train.network_graph import tensors_in

_REMEDY = "lower the learning rate, warm it up (warmup=0.1), or clip the gradient (clip_norm=1)"
_MAX_ROWS_NAMED = 5


class NonFiniteLossError(DivergenceError):
    """A loss that is NaN or infinite, met before the update that would have spoilt the weights."""


def check_loss(loss: Tensor) -> None:
    """Raises `NonFiniteLossError` for a loss on the CPU that is not finite; a loss on another device passes unread.

    On the CPU the number is there already, and reading it takes about a microsecond; elsewhere it would stop the
    queue, so that losses are better read many at a time.

    Example:
        >>> check_loss(torch.tensor(0.5))
    """
    if loss.device.type == "cpu" and not math.isfinite(loss.item()):
        raise NonFiniteLossError("The loss is not finite.")


def locate_nonfinite(
    model: nn.Module, compute_loss: Callable[[], Tensor], *, step: int | None = None, batch: Batch | None = None
) -> DivergenceError:
    """Finds where the first NaN or infinity comes from; the error is returned, to be raised by the caller.

    Looked at, in this order, are the batch, the weights, the output of each layer in the order in which they run, the
    loss, and the gradient of each layer in the opposite order. Buffers and gradients are left as they were.

    Args:
        model: whose layers are named.
        compute_loss: the forward pass that went wrong; called once.
        step: updates done, for the message.
        batch: what the forward pass gets, to look for bad inputs in.

    Example:
        >>> class Logarithm(nn.Module):
        ...     def forward(self, x):
        ...         return torch.log(x)
        >>> model = nn.Sequential(nn.Linear(2, 1, bias=False), Logarithm())
        >>> _ = model[0].weight.data.fill_(-1.0)
        >>> str(locate_nonfinite(model, lambda: model(torch.ones(3, 2)).sum(), step=7)).split(";")[0]
        "Training diverged at step 7: the output of layer '1' (Logarithm) is not finite although its input is"
    """
    when = "Training diverged" if step is None else f"Training diverged at step {step}"
    return DivergenceError(f"{when}: {_explanation(model, compute_loss, batch)}.")


def find_bad_inputs(batch: Batch) -> str | None:
    """Names the first column of a batch that holds NaN or infinity, with the rows of the table where it does.

    Example:
        >>> columns = {"x": torch.tensor([[0.0], [float("nan")]])}
        >>> find_bad_inputs(Batch(columns, rows=torch.tensor([4, 9])))
        "column 'x' is not finite in row 9 of the table"
    """
    for name, column in batch.columns.items():
        if not column.is_floating_point() or _is_finite(column):
            continue
        bad = ~torch.isfinite(column).reshape(len(column), -1).all(dim=1)
        rows = batch.rows[bad.cpu()].tolist()
        more = f" and {len(rows) - _MAX_ROWS_NAMED} more" if len(rows) > _MAX_ROWS_NAMED else ""
        label = "row" if len(rows) == 1 else "rows"
        return (
            f"column {name!r} is not finite in {label} {', '.join(map(str, rows[:_MAX_ROWS_NAMED]))}{more} of the table"
        )
    return None


def _explanation(model: nn.Module, compute_loss: Callable[[], Tensor], batch: Batch | None) -> str:
    bad_inputs = find_bad_inputs(batch) if batch is not None else None
    if bad_inputs is not None:
        return f"{bad_inputs}; mend or leave out those examples"
    record = _Record(model)
    with _left_alone(model), record.listening(), torch.enable_grad():
        loss = compute_loss()
        weights = _bad_weights(model, record)
        if weights is not None:
            return weights
        for call in record.calls:
            if call.input_finite and not call.output_finite:
                return f"the output of {call.label} is not finite although its input is; {_REMEDY}, or check that layer"
            if not call.input_finite:
                return (
                    f"the input of {call.label} is not finite, nothing before it being so; check what comes before it"
                )
        if not _is_finite(loss):
            value = loss.item()
            return f"the outputs of all layers are finite, but the loss is {value}; check the targets, and {_REMEDY}"
        if loss.requires_grad:
            loss.backward()
        gradient = _bad_gradient(record)
    if gradient is not None:
        return gradient
    return f"the loss was not finite, though the pass is when repeated; {_REMEDY}"


class _Call:
    """One run of a layer, and what was finite in it."""

    def __init__(self, label: str, module: nn.Module) -> None:
        self.label, self.module = label, module
        self.input_finite = self.output_finite = True
        self.input_gradient_finite = self.output_gradient_finite = True


class _Record:
    """Listens to the layers of a model that have no layers inside."""

    def __init__(self, model: nn.Module) -> None:
        self.calls: list[_Call] = []
        self._open: dict[nn.Module, list[_Call]] = {}
        self._leaves = {
            m: f"layer {n!r} ({type(m).__name__})" for n, m in model.named_modules() if not any(m.children())
        }

    @contextmanager
    def listening(self) -> Iterator[None]:
        with ExitStack() as hooks:
            for leaf in self._leaves:
                before = leaf.register_forward_pre_hook(self._before, with_kwargs=True)
                after = leaf.register_forward_hook(self._after)
                hooks.callback(before.remove)
                hooks.callback(after.remove)
            yield

    def _before(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        call = _Call(self._leaves[module], module)
        self.calls.append(call)
        self._open.setdefault(module, []).append(call)
        for tensor in tensors_in((args, kwargs)):
            call.input_finite &= _is_finite(tensor)
            if tensor.requires_grad:
                tensor.register_hook(lambda g, c=call: _note(c, "input_gradient_finite", g))

    def _after(self, module: nn.Module, args: Any, output: Any) -> None:
        call = self._open[module].pop()
        for tensor in tensors_in(output):
            call.output_finite &= _is_finite(tensor)
            if tensor.requires_grad:
                tensor.register_hook(lambda g, c=call: _note(c, "output_gradient_finite", g))


def _note(call: _Call, name: str, gradient: Tensor) -> None:
    setattr(call, name, getattr(call, name) and _is_finite(gradient))


def _bad_weights(model: nn.Module, record: _Record) -> str | None:
    """Layers whose weights are not finite, seen from the last one that ran.

    A gradient that breaks in a layer spoils that layer and all before it: the last bad one with good ones after it is
    where it began. Statistics of batch norms tell nothing: the bad pass itself has spoilt them.
    """
    ran = dict.fromkeys(call.module for call in record.calls)
    order = [*ran, *(module for module in model.modules() if module not in ran)]
    names = {module: name for name, module in model.named_modules()}
    holding = [m for m in order if any(True for _ in m.parameters(recurse=False))]
    bad = [m for m in holding if not all(map(_is_finite, m.parameters(recurse=False)))]
    if not bad:
        return None
    everywhere = len(bad) == len(holding)
    origin = bad[0] if everywhere else bad[-1]
    weight = next(n for n, p in origin.named_parameters(recurse=False) if not _is_finite(p))
    label = f"layer {names[origin]!r} ({type(origin).__name__})"
    others = len(bad) - 1
    where = "of any other layer" if everywhere else f"of {others} other{'s' if others > 1 else ''} before it"
    also = f", nor are those {where}" if others else ""
    return f"the {weight} of {label} is not finite{also}; an update was too large or its gradient broken; {_REMEDY}"


def _bad_gradient(record: _Record) -> str | None:
    """The first layer, seen from the loss, that gets a finite gradient and passes on another."""
    for call in reversed(record.calls):
        own = all(p.grad is None or _is_finite(p.grad) for p in call.module.parameters(recurse=False))
        if call.output_gradient_finite and not (call.input_gradient_finite and own):
            return f"the gradient becomes not finite in {call.label}; {_REMEDY}, or check the derivative of that layer"
        if not call.output_gradient_finite:
            return f"the gradient that reaches {call.label} is not finite; check the derivative of what comes after it"
    return None


@contextmanager
def _left_alone(model: nn.Module) -> Iterator[None]:
    """Gives buffers and gradients back as they were."""
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    gradients = [(p, p.grad) for p in model.parameters()]
    for p, _ in gradients:
        p.grad = None
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in buffers:
                buffer.copy_(value)
        for p, gradient in gradients:
            p.grad = gradient


def _is_finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())
