"""Runs a graph forward and backward in NumPy float64, one operation after another; no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from derin.core.errors import UsageError
from derin.explain.trace.graph import Argument, Graph, Node, Ref
from derin.explain.trace.operation import Array, Call, Gradients, Operation
from derin.explain.trace.operations import OPERATIONS

Values = dict[str, Array]


def operation_of(node: Node, operations: Mapping[str, Operation] = OPERATIONS) -> Operation:
    """The table's entry for a node.

    Raises:
        UsageError: the table has none; names the operation and the module it came from.
    """
    assert node.operation is not None
    if node.operation not in operations:
        raise UsageError(missing_message([(node.operation, node.place)]))
    return operations[node.operation]


def missing_message(missing: list[tuple[str, str]]) -> str:
    """One sentence on operations that the table lacks, each with its place."""
    named = ", ".join(f"{name} in {place or 'the loss'}" for name, place in dict.fromkeys(missing))
    return (
        f"The trace engine needs an entry for every operation of the network; it has none for {named}. "
        "Replace that part of the network, or add the operation to derin.explain.trace.operations."
    )


def run(graph: Graph, values: Mapping[str, Array], operations: Mapping[str, Operation] = OPERATIONS) -> Values:
    """The value of every node.

    Args:
        graph: what to compute.
        values: of the nodes that are given: inputs, targets, parameters, buffers and constants.
        operations: the table.

    Returns:
        values by node name, the given ones among them.

    Raises:
        UsageError: a given value is missing, or the table has no entry for an operation.

    Example:
        >>> a, b = Node(name="a", kind="input"), Node(name="b", kind="input")
        >>> product = Node(name="J", kind="operation", operation="aten.mul", arguments=(Ref("a"), Ref("b")))
        >>> graph = Graph((a, b, product), "J")
        >>> values = run(graph, {"a": np.array(5.0), "b": np.array(3.0)})
        >>> float(values["J"]), float(backward(graph, values)["a"])
        (15.0, 3.0)
    """
    done: Values = {}
    for node in graph.nodes:
        if node.kind == "operation":
            done[node.name] = np.asarray(call_of(node, done, operations).output)
        elif node.name in values:
            done[node.name] = values[node.name]
        else:
            raise UsageError(f"A graph needs a value for each node that is given; {node.name!r} has none.")
    return done


def call_of(node: Node, values: Mapping[str, Array], operations: Mapping[str, Operation] = OPERATIONS) -> Call:
    """The call that makes a node's value, computed if the value is not there yet."""
    operation = operation_of(node, operations)
    arguments = tuple(_filled(argument, values) for argument in node.arguments)
    return Call(arguments, values[node.name] if node.name in values else operation.forward(*arguments))


def backward(graph: Graph, values: Mapping[str, Array], operations: Mapping[str, Operation] = OPERATIONS) -> Values:
    """The gradient of the output with respect to every node of real numbers that it depends on.

    Args:
        graph: what was computed.
        values: of all nodes, from `run`.
        operations: the table.

    Returns:
        gradients by node name, each with the shape of the node's value.
    """
    gradients: Values = {graph.output: np.ones_like(values[graph.output])}
    for node in reversed(graph.nodes):
        if node.kind == "operation" and node.name in gradients:
            parts = contributions(node, values, gradients[node.name], operations)
            for argument, part in zip(node.arguments, parts, strict=True):
                _collect(argument, part, values, gradients)
    return gradients


def contributions(
    node: Node, values: Mapping[str, Array], gradient: Array, operations: Mapping[str, Operation] = OPERATIONS
) -> Gradients:
    """What a node with this gradient gives back to each of its arguments: the gradients on its incoming edges."""
    return operation_of(node, operations).backward(call_of(node, values, operations), gradient)


def _filled(argument: Argument, values: Mapping[str, Array]) -> Any:
    if isinstance(argument, Ref):
        return values[argument.name]
    if isinstance(argument, tuple):
        return tuple(_filled(part, values) for part in argument)
    return argument


def _collect(argument: Argument, part: Any, values: Mapping[str, Array], gradients: Values) -> None:
    """Adds a part to the gradient of the node that an argument refers to."""
    if part is None:
        return
    if isinstance(argument, tuple):
        for inner, inner_part in zip(argument, part, strict=True):
            _collect(inner, inner_part, values, gradients)
    elif isinstance(argument, Ref) and values[argument.name].dtype.kind == "f":
        before = gradients.get(argument.name)
        gradients[argument.name] = np.asarray(part if before is None else before + part)
