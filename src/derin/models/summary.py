"""What a network is made of: output shape, parameters and multiply-adds of every layer, measured by one dry run.

One multiply-add is one product that is added to a sum. Matrix products, convolutions, attention and recurrent cells
count; norms, activations and pooling count nothing, as the papers do it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from derin.core.global_generator import global_generator
from derin.layers.operators import passing_through
from derin.layers.unfused import Unfused
from derin.models.signature import example_inputs


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One call of one layer.

    Args:
        name: of the module within the network.
        kind: its class.
        output_shape: of one example; empty where the layer was not called.
        parameters: numbers that are trained or frozen, shared ones counted where they are met first.
        multiply_adds: for one example.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "output_shape": list(self.output_shape),
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """The layers of a network in the order of their calls, and the totals."""

    layers: tuple[LayerRow, ...]
    parameters: int
    multiply_adds: int

    def to_json(self) -> dict[str, Any]:
        return {
            "layers": [row.to_json() for row in self.layers],
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
        }


def summarize(
    model: nn.Module,
    input_shape: tuple[int, ...] | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    call: Callable[[nn.Module], Any] | None = None,
) -> Summary:
    """Runs a network once on zeros, in evaluation mode, and counts. Layers that do nothing (`Identity`) are left out.

    Mode, buffers and torch's random state are as before afterwards. A network on the meta device needs no memory.

    Args:
        model: any network.
        input_shape: of one example, without the batch; None for a network that says itself what it reads.
        dtype: of the input; whole numbers for a network that begins with an embedding.
        call: calls the network with one example, for a network of one's own with several inputs.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.Flatten(), nn.Linear(3456, 10))
        >>> counts = summarize(net, (1, 28, 28))
        >>> [(row.name, row.output_shape, row.parameters, row.multiply_adds) for row in counts.layers][:2]
        [('0', (6, 24, 24), 156, 86400), ('1', (6, 24, 24), 0, 0)]
        >>> counts.parameters, counts.multiply_adds
        (34726, 120960)
    """
    first = next(model.parameters(), None)
    device = torch.device("cpu") if first is None else first.device
    counter = _Counter(model)
    with _undisturbed(model, device), counter.watching():
        if call is not None:
            call(model)
        elif input_shape is None:
            model(*example_inputs(model))
        else:
            model(torch.zeros((1, *input_shape), dtype=dtype, device=device))
    return counter.summary()


class _Counter:
    """Counts the operations of torch that pass, on account of the module whose forward pass is running."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.names = {module: name or type(module).__name__ for name, module in model.named_modules()}
        self.calls: list[_Call] = []
        self.running: list[_Call] = []

    def see(self, operator: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        name = operator.overloadpacket.__name__
        shape_of = _SHAPES.get(name) if isinstance(args[0], Tensor) and args[0].is_meta else None
        out = None if shape_of is None else shape_of(args)
        if out is None:
            out = operator(*args, **options)
        self._count(name, args, out)
        return out

    def _count(self, name: str, args: tuple[Any, ...], out: Any) -> None:
        # A recurrent layer runs as one operation here and as many there: its call is counted by formula instead.
        if name in _COUNTS and self.running and not isinstance(self.running[-1].module, nn.RNNBase):
            self.running[-1].multiply_adds += _COUNTS[name](args, out)

    def _looking_on(self) -> AbstractContextManager[Any]:
        """The mode that hands operators to `see`, or torch's own counter, which takes seconds to begin."""
        mode = passing_through(self.see)
        if mode is not None:
            return mode
        from torch.utils.flop_counter import FlopCounterMode

        known = [name for name in _COUNTS if hasattr(torch.ops.aten, name)]
        by_operator = {getattr(torch.ops.aten, name): partial(self._count_by_shapes, name) for name in known}
        return FlopCounterMode(display=False, custom_mapping=by_operator)

    def _count_by_shapes(self, name: str, *shapes: Any, out_shape: Any, **options: Any) -> int:
        *args, out = (torch.empty(s, device="meta") if isinstance(s, torch.Size) else s for s in (*shapes, out_shape))
        self._count(name, tuple(args), out)
        return 0  # of torch's own account, which nobody reads

    @contextmanager
    def watching(self) -> Iterator[None]:
        hooks = []
        for module in self.names:
            hooks.append(module.register_forward_pre_hook(self._enter))
            hooks.append(module.register_forward_hook(self._leave))
        try:
            with self._looking_on():
                yield
        finally:
            for hook in hooks:
                hook.remove()

    def _enter(self, module: nn.Module, inputs: Any) -> None:
        call = _Call(module)
        self.calls.append(call)
        self.running.append(call)

    def _leave(self, module: nn.Module, inputs: Any, output: Any) -> None:
        call = self.running.pop()
        found = _first_tensor(output)
        call.output_shape = () if found is None else tuple(found.shape[1:])
        if isinstance(module, nn.RNNBase):
            call.multiply_adds = _count_recurrent(module, inputs[0])

    def summary(self) -> Summary:
        seen: set[Tensor] = set()
        rows = []
        called = {call.module for call in self.calls}
        for call in [*self.calls, *(_Call(module) for module in self.names if module not in called)]:
            own = {p for p in call.module.parameters(recurse=False) if p not in seen}
            seen |= own
            parameters = sum(p.numel() for p in own)
            is_layer = call.module in called and not isinstance(call.module, nn.Identity)
            is_leaf = is_layer and next(call.module.children(), None) is None
            if is_leaf or parameters or call.multiply_adds:
                name, kind = self.names[call.module], type(call.module).__name__
                rows.append(LayerRow(name, kind, call.output_shape, parameters, call.multiply_adds))
        total = sum(p.numel() for p in self.model.parameters())
        return Summary(tuple(rows), total, sum(row.multiply_adds for row in rows))


@dataclass(slots=True, eq=False)
class _Call:
    module: nn.Module
    output_shape: tuple[int, ...] = ()
    multiply_adds: int = 0


@contextmanager
def _undisturbed(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Evaluation mode without gradients; mode, buffers and random state are put back afterwards."""
    modes = {module: module.training for module in model.modules()}
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        model.eval()
        with global_generator(device), Unfused(), torch.no_grad():
            yield
    finally:
        for module, training in modes.items():
            module.training = training
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)


def _first_tensor(output: Any) -> Tensor | None:
    if isinstance(output, Tensor):
        return output
    parts = output.values() if isinstance(output, Mapping) else output if isinstance(output, list | tuple) else ()
    return next((found for part in parts if (found := _first_tensor(part)) is not None), None)


def _count_product(args: tuple[Any, ...], out: Tensor) -> int:
    """(…, n, k) × (…, k, m): k products for each output; a matrix that is added stands before the factors."""
    return out.numel() * args[-2 if len(args) == 2 else 1].shape[-1]


def _count_convolution(args: tuple[Any, ...], out: Tensor) -> int:
    x, weight, transposed, groups = args[0], args[1], args[6], args[8]
    if transposed:
        return x.numel() * weight[0].numel()  # every input paints the kernel onto its group of output channels
    assert weight.shape[1] * groups == x.shape[1]
    return out.numel() * weight[0].numel()


def _count_attention(args: tuple[Any, ...], out: Any) -> int:
    query, key, value = args[:3]
    return math.prod(query.shape[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1])


def _count_bilinear(args: tuple[Any, ...], out: Tensor) -> int:
    weight = args[1]  # (outputs, first, second)
    return math.prod(out.shape[:-1]) * weight.numel()


def _count_recurrent(module: nn.RNNBase, x: Any) -> int:
    """Per step and direction: gates · hidden · (input + fed back), and the projection of an LSTM that has one."""
    steps = math.prod(x.data.shape[:-1])
    gates = {"LSTM": 4, "GRU": 3}.get(module.mode, 1)
    directions = 2 if module.bidirectional else 1
    fed_back = module.proj_size or module.hidden_size
    count, width = 0, module.input_size
    for _ in range(module.num_layers):
        per_step = gates * module.hidden_size * (width + fed_back) + module.hidden_size * module.proj_size
        count += steps * directions * per_step
        width = directions * fed_back
    return count


def _alike(args: tuple[Any, ...]) -> Tensor:
    return torch.empty_like(args[0])


def _norm(args: tuple[Any, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """A norm's answer and two statistics, which nobody looks at in evaluation mode."""
    return _alike(args), args[0].new_empty(0), args[0].new_empty(0)


def _convolve(args: tuple[Any, ...]) -> Tensor | None:
    """What a convolution gives; None where torch has to say that it cannot be."""
    x, weight, _, strides, paddings, dilations, transposed, added, groups = args
    windows = [(side - 1) * dilation + 1 for side, dilation in zip(weight.shape[2:], dilations)]
    if transposed:
        takes, gives = weight.shape[0], weight.shape[1] * groups
        parts = zip(x.shape[2:], strides, paddings, windows, added)
        sides = [(side - 1) * stride - 2 * padding + window + more for side, stride, padding, window, more in parts]
    else:
        takes, gives = weight.shape[1] * groups, weight.shape[0]
        around = zip(x.shape[2:], strides, paddings, windows)
        sides = [(side + 2 * padding - window) // stride + 1 for side, stride, padding, window in around]
    fits = x.ndim == weight.ndim == len(sides) + 2 and x.shape[1] == takes and min(sides) > 0
    return x.new_empty((x.shape[0], gives, *sides)) if fits else None


# What operations give on the meta device where torch would go by its decompositions, a millisecond for each call, and
# the first of them loads its compiler and SymPy, which takes seconds.
_SHAPES: dict[str, Callable[[tuple[Any, ...]], Any]] = {
    "native_batch_norm": _norm,
    "native_layer_norm": _norm,
    "addmm": lambda args: torch.mm(args[1], args[2]),
    "convolution": _convolve,
    "tanh": _alike,
    "tanh_": lambda args: args[0],
    "sigmoid": _alike,
    "sigmoid_": lambda args: args[0],
    "hardtanh": _alike,
    "hardtanh_": lambda args: args[0],
    "_prelu_kernel": _alike,
}
_COUNTS: dict[str, Callable[[tuple[Any, ...], Any], int]] = {
    "mm": _count_product,
    "bmm": _count_product,
    "mv": _count_product,
    "dot": lambda args, out: args[0].numel(),
    "addmm": _count_product,
    "baddbmm": _count_product,
    "addmv": _count_product,
    "convolution": _count_convolution,
    "_trilinear": _count_bilinear,
    "_scaled_dot_product_flash_attention": _count_attention,
    "_scaled_dot_product_flash_attention_for_cpu": _count_attention,
    "_scaled_dot_product_efficient_attention": _count_attention,
    "_scaled_dot_product_cudnn_attention": _count_attention,
    "_scaled_dot_product_fused_attention_overrideable": _count_attention,
}
