"""From a network and a batch to a graph of the table's operations, each with the module that it came from.

The network is run once on a copy in float64 while `torch.fx.experimental.proxy_tensor.make_fx` writes down every
operator below autograd, with changes in place turned into new values. Real numbers flow, so that control flow that
depends on sizes or on the training mode is read as it happens.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor, fx
from torch.func import functionalize
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.traceback import annotate, preserve_node_meta

from derin.core.errors import UsageError
from derin.explain.trace.decompositions import decompositions
from derin.explain.trace.engine import missing_message
from derin.explain.trace.experiment import Experiment, reproducible
from derin.explain.trace.graph import Graph, Kind, Node, Ref
from derin.explain.trace.naming import FIRST_RESULT, MAKES_CONSTANTS, SAID
from derin.explain.trace.operation import Array
from derin.explain.trace.operations import OPERATIONS

_SPECIAL = frozenset({"native_batch_norm", "_to_copy", "native_dropout", "max", "min", "_assert_async"}) | frozenset(
    ["split", "unsafe_split", "split_with_sizes", "unsafe_split_with_sizes", "unbind"]
)
_ABOUT_MEMORY = ("ScalarType", "Layout", "Device", "MemoryFormat", "Generator")


@dataclass(frozen=True, kw_only=True)
class Captured:
    """A network's computation, and PyTorch's own numbers of it.

    Args:
        graph: from inputs to loss.
        given: values of the nodes that are not computed.
        values: of every node, by PyTorch.
        gradients: of the nodes that the loss depends on, by autograd through the same operators.
        buffers: name of a buffer → name of the node that holds it after the pass (batch norm in training).
        of_loss: names of the nodes that are computed outside the network, by the loss.
    """

    graph: Graph
    given: Mapping[str, Array]
    values: Mapping[str, Array]
    gradients: Mapping[str, Array]
    buffers: Mapping[str, str]
    of_loss: frozenset[str]


def capture(made: Experiment) -> Captured:
    """Reads a network's computation.

    Args:
        made: network, batch and loss.

    Raises:
        UsageError: the network decides by the values of tensors, has a part with a backward pass of its own, or uses
            an operation that the table lacks.

    Example:
        >>> from torch import nn
        >>> from derin.explain.trace.experiment import experiment
        >>> layer = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
        >>> found = capture(experiment(layer, torch.ones(5, 3), torch.ones(5, 2)))
        >>> [(node.operation, node.place) for node in found.graph.of_kind("operation")]
        [('aten.t', '0'), ('aten.addmm', '0'), ('aten.relu', '1'), ('aten.mse_loss', '')]
    """
    names = [*made.parameters, *made.buffers, *made.input_names, "target"]
    kinds: list[Kind] = ["parameter"] * len(made.parameters)
    kinds += ["buffer"] * len(made.buffers)
    kinds += ["input"] * len(made.inputs)
    kinds += ["target"]
    tensors = [*made.parameters.values(), *made.buffers.values(), *made.inputs, made.targets]
    module = _read(made, tensors)
    differentiable = [kind in ("parameter", "input") for kind in kinds]
    recorded = _Recorder(module, [value.clone() for value in tensors], differentiable, made.seed)
    translation = _Translation(recorded)
    return translation.run(module, list(zip(_unique(names), kinds, strict=True)), list(made.buffers))


def _read(made: Experiment, tensors: list[Tensor]) -> fx.GraphModule:
    """The operators in order, each with the place it came from."""
    num_parameters, num_buffers = len(made.parameters), len(made.buffers)

    def computation(*flat: Tensor) -> list[Tensor]:
        parameters = dict(zip(made.parameters, flat, strict=False))
        buffers = dict(zip(made.buffers, flat[num_parameters:], strict=False))
        loss, after = made.run(parameters, buffers, flat[num_parameters + num_buffers : -1], flat[-1])
        return [loss, *after.values()]

    forwards = {module: module.forward for module in made.model.modules()}
    try:
        for name, module in made.model.named_modules():
            module.forward = _in_place(name, module.forward)
        with torch.no_grad(), reproducible(made.seed), preserve_node_meta():
            return make_fx(functionalize(computation, remove="mutations"), decomposition_table=_decompositions())(
                *tensors
            )
    except RuntimeError as error:
        raise UsageError(
            f"{type(made.model).__name__} cannot be traced: its path must not depend on the values of tensors, and no "
            f"part may bring its own backward pass; PyTorch says: {str(error).strip().splitlines()[0]}"
        ) from error
    finally:
        for module, forward in forwards.items():
            module.forward = forward


def _in_place(name: str, forward: Callable[..., Any]) -> Callable[..., Any]:
    """A forward pass whose operators remember the module's name."""

    def noted(*arguments: Any, **options: Any) -> Any:
        with annotate({"place": name, "inside": True}):
            return forward(*arguments, **options)

    return noted


@cache
def _decompositions() -> dict[Any, Callable[..., Any]]:
    """How PyTorch says the operators for which the table has no word in those for which it has one."""
    return {one: rule for one, rule in decompositions().items() if not _known(_base(one))}


def is_readable(overload: Any) -> bool:
    """Whether the table has a word for an operator of PyTorch that reads tensors.

    Example:
        >>> is_readable(torch.ops.aten.relu_.default), is_readable(torch.ops.aten.fft_fft.default)
        (True, False)
    """
    return _known(_base(overload))


def _known(name: str) -> bool:
    return f"aten.{name}" in OPERATIONS or name in SAID or name in _SPECIAL or name in MAKES_CONSTANTS


def _base(overload: Any) -> str:
    """``aten::relu_`` → ``relu``: changes in place are new values here."""
    name = str(overload.overloadpacket.__name__)
    return name[:-1] if name.endswith("_") and not name.endswith("__") else name


def _unique(names: list[str]) -> list[str]:
    """Each name once; a parameter that is called like an input keeps its name."""
    taken: set[str] = set()
    found = []
    for name in names:
        while name in taken:
            name += "_"
        taken.add(name)
        found.append(name)
    return found


class _Recorder(fx.Interpreter):
    """Runs the operators in PyTorch, keeps every value, and asks autograd for every gradient."""

    def __init__(self, module: fx.GraphModule, tensors: list[Tensor], differentiable: list[bool], seed: int) -> None:
        super().__init__(module, garbage_collect_values=False)
        self.numbers: dict[fx.Node, Any] = {}
        self._tensors: dict[fx.Node, Tensor] = {}
        for tensor, wanted in zip(tensors, differentiable, strict=True):
            tensor.requires_grad_(wanted and tensor.is_floating_point())
        with torch.inference_mode(False), torch.enable_grad(), reproducible(seed):
            loss = self.run(*tensors)[0]
        followed = [node for node, value in self._tensors.items() if value.requires_grad]
        found = (
            torch.autograd.grad(loss, [self._tensors[node] for node in followed], allow_unused=True)
            if loss.requires_grad
            else [None] * len(followed)
        )
        self.gradients = {
            node: _array(gradient) for node, gradient in zip(followed, found, strict=True) if gradient is not None
        }

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        self.numbers[n] = _as_arrays(value)
        if isinstance(value, Tensor) and value.is_floating_point():
            self._tensors[n] = value
        return value

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        if target is not operator.getitem and target.overloadpacket.__name__.endswith("_"):
            # Autograd would otherwise give the gradient of the changed value in place of the first one's.
            args = (args[0].clone(), *args[1:])
        if target is torch.ops.aten.copy.default:  # has no derivative of its own
            return args[1].to(args[0].dtype).expand(args[0].shape).clone()
        return super().call_function(target, args, kwargs)


def _array(tensor: Tensor) -> Array:
    return tensor.detach().clone().numpy()


def _as_arrays(value: Any) -> Any:
    """A result, its tensors as arrays."""
    if isinstance(value, list | tuple):
        return tuple(_as_arrays(one) for one in value)
    return _array(value) if isinstance(value, Tensor) else value


@dataclass(frozen=True)
class _Unread:
    """A result that the table does not compute, such as the places of a maximum; an error only where it is used."""

    name: str
    place: str


@dataclass
class _Translation:
    """Writes PyTorch's operators as nodes of the table's operations."""

    recorded: _Recorder
    nodes: dict[str, Node] = field(default_factory=dict)
    given: dict[str, Array] = field(default_factory=dict)
    sources: dict[str, fx.Node] = field(default_factory=dict)
    said: dict[fx.Node, Any] = field(default_factory=dict)
    missing: list[tuple[str, str]] = field(default_factory=list)
    of_loss: set[str] = field(default_factory=set)

    def run(self, module: fx.GraphModule, leaves: list[tuple[str, Kind]], buffers: list[str]) -> Captured:
        remaining = iter(leaves)
        output: list[fx.Node] = []
        for node in module.graph.nodes:
            if node.op == "placeholder":
                name, kind = next(remaining)
                self.said[node] = self._leaf(name, kind, node, title=name)
            elif node.op == "output":
                output = list(node.args[0])
            elif node.op == "get_attr":
                self.said[node] = self._constant(node, self.recorded.numbers[node])
            elif node.target is operator.getitem:
                self.said[node] = self._item(node)
            else:
                self.said[node] = self._operator(node)
        loss, *after = [self.said[node] for node in output]
        if not isinstance(loss, Ref):
            raise UsageError("The loss must be computed from the network's output; it is a constant.")
        changed = {name: ref.name for name, ref in zip(buffers, after, strict=True) if isinstance(ref, Ref)}
        changed = {name: new for name, new in changed.items() if new != name and self.nodes[new].kind == "operation"}
        return self._finish(loss.name, changed)

    def _finish(self, loss: str, changed: dict[str, str]) -> Captured:
        kept = self._needed({loss, *changed.values()})
        missing = [
            (operation, self.nodes[name].place or ("the loss" if name in self.of_loss else "the network's own forward"))
            for operation, name in self.missing
            if name in kept
        ]
        if missing:
            raise UsageError(missing_message(missing))
        nodes = tuple(node for name, node in self.nodes.items() if name in kept)
        sources = {name: source for name, source in self.sources.items() if name in kept}
        return Captured(
            graph=Graph(nodes, loss),
            given={name: value for name, value in self.given.items() if name in kept},
            values={name: self.recorded.numbers[source] for name, source in sources.items()},
            gradients={
                name: self.recorded.gradients[source]
                for name, source in sources.items()
                if source in self.recorded.gradients
            },
            buffers=changed,
            of_loss=frozenset(self.of_loss & kept),
        )

    def _needed(self, ends: set[str]) -> set[str]:
        """Leaves, and what the ends are computed from."""
        kept = {name for name, node in self.nodes.items() if node.kind not in ("operation", "constant")}
        for name in reversed(self.nodes):
            if name in ends:
                kept.add(name)
                ends |= set(self.nodes[name].reads)
        return kept

    def _is_buffer(self, argument: Any) -> bool:
        return isinstance(argument, Ref) and self.nodes[argument.name].kind == "buffer"

    # Nodes.

    def _leaf(self, name: str, kind: Kind, source: fx.Node, *, title: str, place: str = "") -> Ref:
        value = self.recorded.numbers[source]
        self.given[name] = value
        self.sources[name] = source
        self.nodes[name] = Node(name=name, kind=kind, place=place, title=title, shape=value.shape)
        return Ref(name)

    def _constant(self, source: fx.Node, value: Any, suffix: str = "") -> Any:
        if isinstance(value, list | tuple):
            return tuple(self._constant(source, one, f"{suffix}_{number}") for number, one in enumerate(value))
        name, place = self._free(source.name + suffix), _place(source)
        self.given[name] = value
        if not suffix:
            self.sources[name] = source
        title = f"{place} · {source.name}" if place else source.name
        self.nodes[name] = Node(name=name, kind="constant", place=place, title=title, shape=value.shape)
        return Ref(name)

    def _computed(
        self, source: fx.Node, operation: str, arguments: tuple[Any, ...], shape: tuple[int, ...], name: str = ""
    ) -> Ref:
        place = _place(source)
        short = operation.partition(".")[2].strip("_")
        name = self._free(name or source.name)
        self.nodes[name] = Node(
            name=name,
            kind="operation",
            operation=operation,
            arguments=arguments,
            place=place,
            title=f"{place} · {short}" if place else short,
            shape=shape,
        )
        if operation not in OPERATIONS:
            self.missing.append((operation, name))
        if "inside" not in (source.meta.get("custom") or {}):
            self.of_loss.add(name)
        for argument in _leaves(arguments):
            if isinstance(argument, _Unread):
                self.missing.append((argument.name, name))
        return Ref(name)

    def _free(self, name: str) -> str:
        while name in self.nodes:
            name += "_"
        return name

    # Operators.

    def _item(self, node: fx.Node) -> Any:
        source, number = node.args
        assert isinstance(source, fx.Node)
        assert isinstance(number, int)
        item = self.said[source][number]
        if isinstance(item, Ref) and item.name not in self.sources:
            self.sources[item.name] = node
        return item

    def _operator(self, node: fx.Node) -> Any:
        name = _base(node.target)
        arguments = self._arguments(node)
        if name == "clone" and self._is_buffer(arguments[0]):
            result = arguments[0]  # the copy that keeps the buffer itself from being changed
        elif name == "empty" or name in MAKES_CONSTANTS or not self._depends(arguments):
            result = self._constant(node, self.recorded.numbers[node])
        elif name in _SPECIAL:
            result = getattr(self, f"_say_{_SAYS.get(name, name)}")(node, arguments)
        else:
            said = SAID.get(name)
            operation, kept = said(*arguments) if said else (f"aten.{name}", arguments)
            result = self._plain(node, operation, kept, several=name in FIRST_RESULT)
        if node.target.overloadpacket.__name__.endswith("_") and isinstance(node.args[0], fx.Node):  # type: ignore[union-attr]
            self.said[node.args[0]] = result
        return result

    def _plain(self, node: fx.Node, operation: str, arguments: tuple[Any, ...], *, several: bool) -> Any:
        value = self.recorded.numbers[node]
        if not isinstance(value, list | tuple):
            ref = self._computed(node, operation, arguments, value.shape)
            self.sources[ref.name] = node
            return ref
        first = self._computed(node, operation, arguments, value[0].shape)
        if not several:
            self.missing.append((operation, first.name))
        rest = tuple(_Unread(f"{operation} (result {number})", _place(node)) for number in range(1, len(value)))
        return (first, *rest)

    def _depends(self, arguments: Any) -> bool:
        """Whether something that is given from outside enters."""
        refs = [one for one in _leaves(arguments) if isinstance(one, Ref | _Unread)]
        return any(isinstance(one, _Unread) or self.nodes[one.name].kind != "constant" for one in refs)

    def _arguments(self, node: fx.Node) -> tuple[Any, ...]:
        """All arguments in the order of the schema, defaults filled in, without those about memory."""
        found = []
        for number, wanted in enumerate(node.target._schema.arguments):  # type: ignore[union-attr]
            if any(kind in str(wanted.real_type) for kind in _ABOUT_MEMORY):
                continue
            if number < len(node.args) and not wanted.kwarg_only:
                value: Any = node.args[number]
            else:
                value = node.kwargs.get(wanted.name, wanted.default_value)
            if wanted.name in _ABOUT_KINDS:
                continue
            found.append(self._argument(value))
        return tuple(found)

    def _argument(self, value: Any) -> Any:
        if isinstance(value, fx.Node):
            return self.said[value]
        if isinstance(value, list | tuple):
            return tuple(self._argument(one) for one in value)
        return value

    def _say_native_batch_norm(self, node: fx.Node, arguments: tuple[Any, ...]) -> Any:
        x, _, _, mean, variance, training, momentum, _ = arguments
        shape = self.recorded.numbers[node][0].shape
        output = self._computed(node, "aten.batch_norm", arguments, shape)
        if training:
            for number, (running, statistic) in enumerate(((mean, "mean"), (variance, "variance")), start=3):
                source = node.args[number]
                if isinstance(source, fx.Node) and isinstance(running, Ref):
                    self.said[source] = self._computed(
                        node,
                        f"derin.running_{statistic}",
                        (running, x, momentum),
                        self.nodes[running.name].shape,
                        name=f"{node.name}_running_{statistic}",
                    )
        return (output, *(_Unread(f"aten.batch_norm (result {number})", _place(node)) for number in (1, 2)))

    def _say_to_copy(self, node: fx.Node, arguments: tuple[Any, ...]) -> Any:
        kind = node.kwargs.get("dtype")
        named = None
        if isinstance(kind, torch.dtype):
            named = "float64" if kind.is_floating_point else "bool" if kind == torch.bool else "int64"
        return self._plain(node, "aten._to_copy", (arguments[0], named), several=False)

    def _say_native_dropout(self, node: fx.Node, arguments: tuple[Any, ...]) -> Any:
        x, prob, training = arguments
        output, mask = self.recorded.numbers[node]
        if not training:
            return (self._computed(node, "aten.clone", (x,), output.shape), _Unread("the mask", _place(node)))
        scale = self._constant(node, mask / (1 - prob), "_mask")
        return (self._computed(node, "aten.mul", (x, scale), output.shape), scale)

    def _say_parts(self, node: fx.Node, arguments: tuple[Any, ...]) -> Any:
        """split and its kin: each part is a slice."""
        x, sizes, axis = (*arguments, 0) if len(arguments) == 2 else arguments
        total = self.nodes[x.name].shape[axis]
        if isinstance(sizes, int):
            sizes = tuple(min(sizes, total - at) for at in range(0, total, sizes))
        start, parts = 0, []
        for number, (size, value) in enumerate(zip(sizes, self.recorded.numbers[node], strict=True)):
            arguments = (x, axis, start, start + size, 1)
            parts.append(self._computed(node, "aten.slice", arguments, value.shape, f"{node.name}_{number}"))
            start += size
        return tuple(parts)

    def _say_unbind(self, node: fx.Node, arguments: tuple[Any, ...]) -> Any:
        x, axis = (*arguments, 0)[:2]
        return tuple(
            self._computed(node, "aten.select", (x, axis, number), value.shape, f"{node.name}_{number}")
            for number, value in enumerate(self.recorded.numbers[node])
        )

    def _say_extreme(self, node: fx.Node, arguments: tuple[Any, ...]) -> Any:
        """max and min: of everything, of two tensors, or along an axis with their places."""
        name = _base(node.target)
        value = self.recorded.numbers[node]
        if isinstance(value, list | tuple):
            x, axis, keep = arguments
            return tuple(
                self._computed(node, f"derin.{name}_{what}", (x, axis, keep), one.shape, f"{node.name}_{what}")
                for what, one in zip(("values", "indices"), value, strict=True)
            )
        if len(arguments) == 2:
            return self._plain(node, f"aten.{name}imum", arguments, several=False)
        return self._plain(node, f"aten.a{name}", (arguments[0], None, False), several=False)

    def _say_nothing(self, node: fx.Node, arguments: tuple[Any, ...]) -> Any:
        return None


_ABOUT_KINDS = frozenset({"dtype", "layout", "device", "pin_memory", "memory_format", "non_blocking", "generator"})
_SAYS = {
    "_to_copy": "to_copy",
    "_assert_async": "nothing",
    "max": "extreme",
    "min": "extreme",
    **dict.fromkeys(("split", "unsafe_split", "split_with_sizes", "unsafe_split_with_sizes"), "parts"),
}


def _leaves(values: Any) -> Iterator[Any]:
    """What tuples within tuples hold."""
    for value in values:
        if isinstance(value, tuple):
            yield from _leaves(value)
        else:
            yield value


def _place(node: fx.Node) -> str:
    custom = node.meta.get("custom") or {}
    return str(custom.get("place", ""))
