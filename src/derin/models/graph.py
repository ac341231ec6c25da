"""Networks with branches: layers called on the outputs of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from derin.core.errors import RefusedFileError, ShapeError, UsageError
from derin.layers.layer import Node, Shape
from derin.layers.options import LARGEST_SIZE
from derin.models.seeding import seeded
from derin.models.signature import Signature, TensorSpec
from derin.models.structure import MOST_LAYERS, NAME, build_layer, choose_names, count_outputs, read_layer, read_layers

Output = Tensor | tuple[Tensor, ...] | dict[str, Tensor]
Nodes = Node | Sequence[Node] | Mapping[str, Node]


def Input(shape: tuple[int, ...]) -> Node:
    """Where a graph begins.

    Args:
        shape: of one example, without the batch.

    Raises:
        ShapeError: a size is no whole number above zero.

    Example:
        >>> Input((1, 28, 28)).shape
        (1, 28, 28)
    """
    sizes = tuple(shape)
    if not sizes or any(not isinstance(size, int) or not 1 <= size <= LARGEST_SIZE for size in sizes):
        raise ShapeError(f"derin.Input needs whole numbers from 1 to {LARGEST_SIZE}; got {shape}.")
    return Node(None, (), sizes)


class Graph(nn.Module):
    """A network from its input nodes to its output nodes. Every call of a layer has weights of its own.

    Args:
        inputs: node of `Input`; or several, by name or one after the other.
        outputs: node; or several, by name or one after the other.
        seed: the weights are a function of it alone; None draws from torch's generator.

    Shapes:
        ``(B, *shape)`` for each input, in their order → the same for each output: a tensor for one node, a tuple for a
        list of them, a dict for nodes by name.

    Raises:
        UsageError: an output does not come from the inputs, or an input leads nowhere.

    Example:
        >>> from derin.layers import Conv, Dense, GlobalAvgPool
        >>> x = Input((3, 8, 8))
        >>> h = Conv(4, 3, activation="relu")(x)
        >>> y = Dense(2)(GlobalAvgPool()(h + Conv(4, 3)(h)))
        >>> net = Graph(x, y)
        >>> import torch
        >>> net(torch.zeros(5, 3, 8, 8)).shape
        torch.Size([5, 2])
        >>> list(Graph.from_json(net.to_json()).state_dict()) == list(net.state_dict())
        True
        >>> from derin.layers import Concat, Flatten
        >>> sides = {"image": Input((1, 4, 4)), "age": Input((1,))}
        >>> joined = Concat()(Flatten()(sides["image"]), sides["age"])
        >>> two = Graph(sides, {"kind": Dense(3)(joined), "size": Dense(1)(joined)})
        >>> {name: tuple(y.shape) for name, y in two(torch.zeros(5, 1, 4, 4), torch.zeros(5, 1)).items()}
        {'kind': (5, 3), 'size': (5, 1)}
    """

    spec: dict[str, Any]

    def __init__(self, inputs: Nodes, outputs: Nodes, *, seed: int | None = None) -> None:
        super().__init__()
        input_names, starts = _listed("input", inputs)
        output_names, ends = _listed("output", outputs)
        nodes = _ordered(starts, ends)
        self.signature = Signature(_specs(input_names, starts), _specs(output_names, ends))
        self.input_shape: Shape = starts[0].shape
        self.output_shape: Shape = ends[0].shape
        names = choose_names(self, [node.layer for node in nodes if node.layer is not None])
        slots = {id(node): slot for slot, node in enumerate((*starts, *nodes))}
        # One entry per layer: its name, that of the activation it brings along, and where its inputs stand.
        self._steps: list[tuple[str, str | None, tuple[int, ...]]] = []
        self._ends = [slots[id(node)] for node in ends]
        self._gives: type = Tensor if isinstance(outputs, Node) else dict if isinstance(outputs, Mapping) else tuple
        with seeded(seed):
            for (name, function_name), node in zip(names, nodes):
                assert node.layer is not None
                module, function = build_layer(node.layer, *(source.shape for source in node.inputs))
                self.add_module(name, module)
                if function is not None and function_name is not None:
                    self.add_module(function_name, function)
                self._steps.append((name, function_name, tuple(slots[id(source)] for source in node.inputs)))
        self.spec = {
            "name": "graph",
            "input_shape": list(self.input_shape),
            "num_outputs": count_outputs(self.output_shape),
            "options": {
                "inputs": [
                    {"name": name, "shape": list(node.shape)} if isinstance(inputs, Mapping) else list(node.shape)
                    for name, node in zip(input_names, starts)
                ],
                # A node reads the inputs and the nodes before it, numbered from 0 in this order.
                "nodes": [
                    {"layer": {**node.layer.to_json(), "name": name}, "reads": list(reads)}
                    for node, (name, _, reads) in zip(nodes, self._steps)
                    if node.layer is not None
                ],
                "outputs": self._saved_ends(output_names),
            },
        }

    def forward(self, *inputs: Tensor) -> Output:
        if [x.shape[1:] for x in inputs] != [spec.shape for spec in self.signature.inputs]:
            wanted = ", ".join(map(str, self.signature.inputs))
            raise ShapeError(f"Graph reads {wanted}; got {', '.join(str(tuple(x.shape)) for x in inputs)}.")
        values = list(inputs)
        for name, function_name, reads in self._steps:
            value = getattr(self, name)(*(values[slot] for slot in reads))
            values.append(value if function_name is None else getattr(self, function_name)(value))
        ends = tuple(values[slot] for slot in self._ends)
        if self._gives is dict:
            return {spec.name: end for spec, end in zip(self.signature.outputs, ends)}
        return ends if self._gives is tuple else ends[0]

    def _saved_ends(self, names: Sequence[str]) -> Any:
        if self._gives is dict:
            return [{"name": name, "node": slot} for name, slot in zip(names, self._ends)]
        return list(self._ends) if self._gives is tuple else self._ends[0]

    def to_json(self) -> dict[str, Any]:
        """The description that is saved beside the weights."""
        return self.spec

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Graph:
        """The same network again, with fresh weights.

        Raises:
            RefusedFileError: the description is damaged, hostile, or of another structure.
        """
        from derin.models.building import from_spec

        network = from_spec(data)
        if not isinstance(network, cls):
            raise RefusedFileError(f"This description is of {data['name']!r}; Graph needs 'graph'.")
        return network

    @classmethod
    def from_options(cls, input_shape: Shape, num_outputs: int, options: Mapping[str, Any]) -> Graph:
        """The network of a saved description's parts; `from_spec` is the way in that checks them."""
        if set(options) != {"inputs", "nodes", "outputs"}:
            raise RefusedFileError(
                f"A saved graph has inputs, nodes and outputs; got {', '.join(sorted(map(str, options)))}."
            )
        names, shapes = _named(read_layers(options, "inputs"), "shape")
        if not all(isinstance(shape, list | tuple) for shape in shapes):
            raise RefusedFileError("The inputs of a saved graph are lists of sizes.")
        starts = [Input(tuple(shape)) for shape in shapes]
        nodes = list(starts)
        for data in read_layers(options, "nodes"):
            if not isinstance(data, Mapping) or set(data) != {"layer", "reads"} or not isinstance(data["reads"], list):
                raise RefusedFileError(
                    f"A node of a saved graph has a layer and what it reads; got {str(data)[:80]!r}."
                )
            nodes.append(read_layer(data["layer"])(*(_at(nodes, slot) for slot in data["reads"])))
        ends: Nodes
        if isinstance(options["outputs"], int):
            ends = _at(nodes, options["outputs"])
        else:
            end_names, slots = _named(read_layers(options, "outputs"), "node")
            ends = _with_names(end_names, [_at(nodes, slot) for slot in slots])
        network = cls(_with_names(names, starts) if names or len(starts) > 1 else starts[0], ends)
        if network.input_shape != tuple(input_shape) or network.spec["num_outputs"] != num_outputs:
            raise RefusedFileError(
                f"The saved graph says {tuple(input_shape)} → {num_outputs}; its nodes give "
                f"{network.input_shape} → {network.spec['num_outputs']}."
            )
        return network


def _listed(side: str, nodes: Nodes) -> tuple[list[str], list[Node]]:
    """The nodes of one side with their names, which are numbers where nobody chose any."""
    if isinstance(nodes, Mapping):
        names, listed = list(nodes), list(nodes.values())
    else:
        listed = [nodes] if isinstance(nodes, Node) else list(nodes)
        names = [side] if len(listed) == 1 else [f"{side}_{place}" for place in range(len(listed))]
    for node in listed:
        if not isinstance(node, Node) or (side == "input" and node.layer is not None):
            wanted = "nodes of derin.Input" if side == "input" else "nodes, which layers give when called on nodes"
            raise UsageError(f"Graph.{side}s must be {wanted}; got {type(node).__name__}.")
    if not listed or len({id(node) for node in listed}) < len(listed):
        raise UsageError(f"Graph.{side}s must be at least one node, none of them twice; got {len(listed)}.")
    for name in names:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise UsageError(
                f"The name of an {side} of a graph must be letters, digits and underscores; got {str(name)[:40]!r}."
            )
    return names, listed


def _specs(names: Sequence[str], nodes: Sequence[Node]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(name=name, shape=node.shape) for name, node in zip(names, nodes))


def _named(saved: list[Any], key: str) -> tuple[list[str], list[Any]]:
    """Names and values of one side of a saved graph; no names where none were chosen."""
    if not all(isinstance(one, Mapping) for one in saved):
        return [], saved
    for one in saved:
        if set(one) != {"name", key} or not isinstance(one["name"], str):
            raise RefusedFileError(f"An input or output of a saved graph has name and {key}; got {str(one)[:80]!r}.")
    return [one["name"] for one in saved], [one[key] for one in saved]


def _with_names(names: Sequence[str], nodes: list[Node]) -> Nodes:
    if len(set(names)) < len(names):
        raise RefusedFileError(f"A saved graph has two inputs or outputs of one name; got {', '.join(names)[:80]}.")
    return dict(zip(names, nodes)) if names else nodes


def _ordered(starts: list[Node], ends: list[Node]) -> list[Node]:
    """Every node between inputs and outputs, each behind those that it reads; no recursion, as graphs may be deep."""
    done = {id(node) for node in starts}
    used: set[int] = set()
    order: list[Node] = []
    stack = list(reversed(ends))
    while stack:
        node = stack[-1]
        used.update(id(source) for source in node.inputs)
        waiting = [source for source in node.inputs if id(source) not in done]
        if id(node) in done:
            stack.pop()
        elif node.layer is None:
            raise UsageError(
                f"An output of the graph comes from an input of shape {node.shape} that is not in its inputs."
            )
        elif waiting:
            stack.extend(reversed(waiting))
        else:
            done.add(id(node))
            order.append(node)
            stack.pop()
        if len(order) > MOST_LAYERS:
            raise UsageError(f"A graph has at most {MOST_LAYERS} layers.")
    for start in starts:
        if id(start) not in used:
            raise UsageError(
                f"The input of shape {start.shape} leads to no output of the graph. Leave it out or use it."
            )
    return order


def _at(nodes: list[Node], slot: Any) -> Node:
    if not isinstance(slot, int) or isinstance(slot, bool) or not 0 <= slot < len(nodes):
        raise RefusedFileError(f"A node of a saved graph reads node {slot!r}; there are {len(nodes)} before it.")
    return nodes[slot]
