"""Layers one after the other, with sizes inferred from the input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

from torch import Tensor, nn

from derin.core.errors import RefusedFileError, ShapeError, UsageError
from derin.layers.layer import Layer, Shape
from derin.layers.options import LARGEST_SIZE
from derin.models.seeding import seeded
from derin.models.signature import Signature, TensorSpec
from derin.models.structure import build_layer, choose_names, count_outputs, read_layer, read_layers, require_layers


class Sequential(nn.Module):
    """A network written down as a list of layers.

    Without `input_shape` it has no weights yet; `derin.fit` binds it to its data, or `bind` does.

    Args:
        layers: of `derin.layers`.
        input_shape: of one example, without the batch.
        seed: the weights are a function of it alone; None draws from torch's generator.

    Shapes:
        ``(B, *input_shape)`` → ``(B, *output_shape)``.

    Raises:
        UsageError: something in the list is no layer.
        ShapeError: a layer cannot read what the one before it gives.

    Example:
        >>> from derin.layers import Conv, Dense, Flatten, MaxPool
        >>> net = Sequential([Conv(8, 3, activation="relu"), MaxPool(2), Flatten(), Dense(10)], input_shape=(1, 28, 28))
        >>> net.output_shape, [name for name, _ in net.named_children()]
        ((10,), ['conv_1', 'conv_1_relu', 'max_pool_1', 'flatten_1', 'dense_1'])
        >>> again = Sequential.from_json(net.to_json())
        >>> again.dense_1
        Linear(in_features=1568, out_features=10, bias=True)
    """

    spec: dict[str, Any]

    def __init__(
        self, layers: Iterable[Layer], *, input_shape: tuple[int, ...] | None = None, seed: int | None = None
    ) -> None:
        super().__init__()
        self.descriptions: tuple[Layer, ...] = tuple(require_layers(layers))
        self.input_shape: Shape | None = None
        self.output_shape: Shape | None = None
        self._names = choose_names(self, self.descriptions)
        if input_shape is not None:
            self.bind(input_shape, seed=seed)

    def bind(self, input_shape: tuple[int, ...], *, seed: int | None = None) -> Self:
        """Infers every size from the input's and draws the weights. Binding again to the same shape changes nothing.

        Raises:
            ShapeError: a layer cannot read what the one before it gives, or the network is bound to another shape.
        """
        shape = tuple(input_shape)
        if any(not isinstance(size, int) or not 1 <= size <= LARGEST_SIZE for size in shape) or not shape:
            raise ShapeError(f"An input shape is whole numbers from 1 to {LARGEST_SIZE}; got {input_shape}.")
        if self.input_shape is not None:
            if shape != self.input_shape:
                raise ShapeError(
                    f"This Sequential is bound to inputs of shape {self.input_shape} and holds weights for them; "
                    f"got {shape}. Make a new Sequential of the same layers for the other shape."
                )
            return self
        modules: dict[str, nn.Module] = {}
        current = shape
        with seeded(seed):
            for (name, function_name), layer in zip(self._names, self.descriptions):
                after = layer.output_shape(current)
                module, function = build_layer(layer, current)
                modules[name] = module
                if function is not None and function_name is not None:
                    modules[function_name] = function
                current = after
        for name, module in modules.items():
            self.add_module(name, module)
        self.input_shape, self.output_shape = shape, current
        self.signature = Signature(
            (TensorSpec(name="input", shape=shape),), (TensorSpec(name="output", shape=current),)
        )
        self.spec = {
            "name": "sequential",
            "input_shape": list(shape),
            "num_outputs": count_outputs(current),
            "options": {"layers": [layer.to_json() for layer in self.descriptions]},
        }
        return self

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1:] != self.input_shape:
            raise self._refuse(x)
        for module in self._modules.values():
            x = module(x)  # type: ignore[misc]
        return x

    def _refuse(self, x: Tensor) -> ShapeError:
        if self.input_shape is None:
            return ShapeError(
                "This Sequential does not know its input yet and has no weights; give it input_shape=… or call "
                f"bind({tuple(x.shape[1:])})."
            )
        return ShapeError(
            f"Sequential reads batches of shape (batch, {', '.join(map(str, self.input_shape))}); "
            f"got {tuple(x.shape)}. Resize the input, or make a new Sequential for it."
        )

    def to_json(self) -> dict[str, Any]:
        """The description that is saved beside the weights.

        Raises:
            UsageError: the network is not bound yet.
        """
        if self.input_shape is None:
            raise UsageError("A Sequential is saved once it knows its input; call bind(input_shape) first.")
        return self.spec

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Sequential:
        """The same network again, with fresh weights.

        Raises:
            RefusedFileError: the description is damaged, hostile, or of another structure.
        """
        from derin.models.building import from_spec

        network = from_spec(data)
        if not isinstance(network, cls):
            raise RefusedFileError(f"This description is of {data['name']!r}; Sequential needs 'sequential'.")
        return network

    @classmethod
    def from_options(cls, input_shape: Shape, num_outputs: int, options: Mapping[str, Any]) -> Sequential:
        """The network of a saved description's parts; `from_spec` is the way in that checks them."""
        network = cls([read_layer(data) for data in read_layers(options, "layers")], input_shape=input_shape)
        found = network.spec["num_outputs"]
        if found != num_outputs or set(options) != {"layers"}:
            raise RefusedFileError(f"The saved Sequential says it has {num_outputs} outputs; its layers give {found}.")
        return network
