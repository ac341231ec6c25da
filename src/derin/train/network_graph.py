"""The graph of a network as TensorBoard draws it: every operation of one forward pass, boxed by layer.

The pass is watched, not compiled: any Python network works, and what is drawn is what ran.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, resolve_name

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef, NodeDef

# Version of the GraphDef format that TensorBoard expects at least.
_PRODUCER = 22


def network_graph(model: nn.Module, run: Callable[[], Any]) -> GraphDef:
    """Watches one forward pass.

    Args:
        model: its modules become nested boxes, its parameters nodes.
        run: does the pass; called once.

    Returns:
        nodes named by the path of their layer and the operation (``layer1/0/conv1/conv2d``), with output shapes.

    Raises:
        ImportError: tensorboard is not installed.

    Example:
        >>> import torch
        >>> model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
        >>> graph = network_graph(model, lambda: model(torch.zeros(1, 3)))
        >>> [node.name for node in graph.node]
        ['input', '0/weight', '0/bias', '0/linear', '1/relu']
    """
    watcher = _Watcher(model)
    with watcher.scopes(), watcher:
        run()
    return watcher.graph


class _Watcher(TorchFunctionMode):
    """Adds a node for every torch function that makes tensors out of tensors."""

    def __init__(self, model: nn.Module) -> None:
        from tensorboard.compat.proto.graph_pb2 import GraphDef
        from tensorboard.compat.proto.versions_pb2 import VersionDef

        super().__init__()
        self.graph = GraphDef(versions=VersionDef(producer=_PRODUCER))
        self._model = model
        self._names = {id(tensor): name.replace(".", "/") for name, tensor in _stored(model)}
        self._producer: dict[int, str] = {}
        self._kept: list[Any] = []  # ids are only unique while their tensors live
        self._scopes: list[str] = []
        self._used: dict[str, int] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        inputs, outputs = list(tensors_in((args, kwargs))), list(tensors_in(result))
        if inputs and outputs:
            sources = list(dict.fromkeys(self._source(tensor) for tensor in inputs))
            operation = _operation(func)
            node = self._add("/".join([*self._scopes[-1:], operation]), operation, outputs[0], sources)
            for tensor in outputs:
                self._producer[id(tensor)] = node
            self._kept += outputs
        return result

    @contextmanager
    def scopes(self) -> Iterator[None]:
        """Keeps the path of the layer that is running."""
        with ExitStack() as hooks:
            for path, module in self._model.named_modules():
                if path:
                    scope = path.replace(".", "/")
                    enter = module.register_forward_pre_hook(lambda m, a, scope=scope: self._scopes.append(scope))
                    leave = module.register_forward_hook(lambda m, a, o: self._leave(), always_call=True)
                    hooks.callback(enter.remove)
                    hooks.callback(leave.remove)
            yield

    def _leave(self) -> None:
        self._scopes.pop()

    def _source(self, tensor: Tensor) -> str:
        """The node that a tensor comes from; a tensor not seen before is stored in the model, or came from outside."""
        if id(tensor) not in self._producer:
            self._kept.append(tensor)
            stored = self._names.get(id(tensor))
            name, operation = (stored, "Parameter") if stored else ("input", "Input")
            self._producer[id(tensor)] = self._add(name, operation, tensor, [])
        return self._producer[id(tensor)]

    def _add(self, name: str, operation: str, output: Tensor, sources: list[str]) -> str:
        count = self._used[name] = self._used.get(name, 0) + 1
        unique = name if count == 1 else f"{name}_{count}"
        node: NodeDef = self.graph.node.add(name=unique, op=operation, input=sources)
        shape = node.attr["_output_shapes"].list.shape.add()
        for size in output.shape:
            shape.dim.add(size=size)
        return unique


def _stored(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def _operation(func: Any) -> str:
    """``"conv2d"`` of ``torch.nn.functional.conv2d``; an attribute such as ``x.T`` is called by its name."""
    name = resolve_name(func) or getattr(func, "__name__", type(func).__name__)
    return str(name).removesuffix(".__get__").rpartition(".")[2].strip("_") or "operation"


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors inside nested arguments or outputs."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from tensors_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from tensors_in(inner)
