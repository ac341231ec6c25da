"""A computation written out as a list of named values, each with the operation that made it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

# "input", "target", "parameter" and "buffer" are given; a "constant" is a number of the program's own (a drawn mask,
# a filled tensor); an "operation" is computed from nodes before it.
Kind = Literal["input", "target", "parameter", "buffer", "constant", "operation"]


@dataclass(frozen=True)
class Ref:
    """The value of another node, as an argument.

    Args:
        name: of that node.
    """

    name: str


Argument = Ref | float | int | bool | str | None | tuple["Argument", ...]


@dataclass(frozen=True, kw_only=True)
class Node:
    """One value: given from outside, or computed by one operation.

    Args:
        name: unique in its graph.
        kind: where the value comes from.
        operation: a name of `derin.explain.trace.operations.OPERATIONS`; None unless the kind is "operation".
        arguments: of the operation, in the order of its `symbols`.
        place: dotted name of the module in which it was computed; empty outside of all modules (the loss).
        title: for people; the dotted name of a parameter, else place and operation.
        shape: of the value.
    """

    name: str
    kind: Kind
    operation: str | None = None
    arguments: tuple[Argument, ...] = ()
    place: str = ""
    title: str = ""
    shape: tuple[int, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the nodes whose values it needs, each once, in the order of the arguments."""
        return tuple(dict.fromkeys(_names(self.arguments)))


@dataclass(frozen=True)
class Graph:
    """A computation that ends in one number.

    Args:
        nodes: in order of execution: what a node reads stands before it.
        output: name of the node to differentiate, the loss, whose value is one number.

    Example:
        >>> a, b = Node(name="a", kind="input"), Node(name="b", kind="input")
        >>> product = Node(name="J", kind="operation", operation="aten.mul", arguments=(Ref("a"), Ref("b")))
        >>> Graph((a, b, product), "J")["J"].reads
        ('a', 'b')
    """

    nodes: tuple[Node, ...]
    output: str

    @cached_property
    def _by_name(self) -> dict[str, Node]:
        return {node.name: node for node in self.nodes}

    def __getitem__(self, name: str) -> Node:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def of_kind(self, *kinds: Kind) -> tuple[Node, ...]:
        """The nodes of these kinds, in order of execution."""
        return tuple(node for node in self.nodes if node.kind in kinds)


def _names(argument: Argument) -> Iterator[str]:
    if isinstance(argument, Ref):
        yield argument.name
    elif isinstance(argument, tuple):
        for part in argument:
            yield from _names(part)
