"""Descriptions of layers: written by a person, saved as JSON, and made a torch module once sizes are known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import nn

from derin.core.errors import ShapeError, UsageError
from derin.layers.options import options_to_json
from derin.layers.registry import LAYERS

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """Base of the layers in `LAYERS`. A description holds options and no weights, so it may be used several times.

    Called on nodes of a graph it gives the node of its output, with weights of its own for each call.

    Args:
        name: of the module within the network; chosen from kind and number where none is given.
    """

    kind: ClassVar[str]
    num_inputs: ClassVar[tuple[int, int | None]] = (1, 1)  # least and most; None is any number

    name: str | None = field(default=None, kw_only=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """The shape of the output of one example.

        Raises:
            ShapeError: the layer cannot read these inputs.
        """
        raise NotImplementedError

    def build(self, *inputs: Shape) -> nn.Module:
        """The module, with fresh weights, for inputs of these shapes."""
        raise NotImplementedError

    def __call__(self, *nodes: Node) -> Node:
        for node in nodes:
            if not isinstance(node, Node):
                raise UsageError(
                    f"{type(self).__name__} is called on nodes of a graph; got {type(node).__name__}. "
                    "Begin a graph with derin.Input(shape)."
                )
        least, most = self.num_inputs
        if len(nodes) < least or (most is not None and len(nodes) > most):
            wanted = str(least) if least == most else f"at least {least}"
            raise UsageError(f"{self.kind} needs {wanted} inputs; got {len(nodes)}.")
        shape = self.output_shape(*(node.shape for node in nodes))
        if max(shape) > 2**40:  # also keeps a hostile chain of enlarging layers from growing numbers without end
            raise ShapeError(
                f"The layer {self.name or self.kind} gives an output of shape {shape}, which no machine holds."
            )
        return Node(self, nodes, shape)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **options_to_json(self)}

    def refuse(self, shape: Shape, wanted: str) -> ShapeError:
        """The error for an input that this layer cannot read."""
        return ShapeError(f"The layer {self.name or self.kind} needs {wanted}; got an input of shape {shape}.")


@dataclass(frozen=True, eq=False)
class Node:
    """A place in a graph: a layer applied to other nodes, or an input where the layer is None.

    Example:
        >>> from derin.layers import Dense
        >>> x = Node(None, (), (12,))
        >>> (Dense(5)(x) + Dense(5)(x)).shape
        (5,)
    """

    layer: Layer | None
    inputs: tuple[Node, ...]
    shape: Shape

    def __add__(self, other: Node) -> Node:
        return LAYERS["add"]()(self, other)

    def __mul__(self, other: Node) -> Node:
        return LAYERS["multiply"]()(self, other)


def spread(where: str, name: str, value: int | tuple[int, ...], num_axes: int) -> tuple[int, ...]:
    """One number per axis from one number, or from as many as there are axes.

    Example:
        >>> spread("conv", "kernel", 3, 2)
        (3, 3)
    """
    if isinstance(value, int):
        return (value,) * num_axes
    if len(value) != num_axes:
        raise ShapeError(f"{where}.{name} must be one number or {num_axes}, one per axis; got {name}={value}.")
    return value
