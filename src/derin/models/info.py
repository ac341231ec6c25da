"""What is known of a model before it is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from derin.models.key_map import KeyMap

if TYPE_CHECKING:
    from torch import nn

    from derin.models.signature import Signature


@dataclass(frozen=True, kw_only=True)
class NoOptions:
    """For models that leave nothing to choose."""


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """What is known of a model before it is built.

    Args:
        name: in the registry.
        build: ``build(input_shape, num_outputs, options)`` gives the network; the last is an instance of `options`.
            What the network chose by itself stands in its attribute ``options``, of the same class, and is saved.
        options: frozen, keyword-only dataclass of the model's options, each with a default.
        input_kind: ``"picture"`` is ``(channels, height, width)``, ``"features"`` is ``(features,)``, ``"tokens"`` is
            ``(length,)`` whole numbers of any length, ``"series"`` is ``(steps, variables)``.
        native_input: the paper's input shape, without the batch.
        native_outputs: the paper's number of classes or values.
        smallest_input: the smallest shape it takes, axis by axis; None where any will do.
        paper: authors, title, place, year.
        year: of the paper.
        note: what differs from the paper, in one line.
        gradient_layer: the module whose activations Grad-CAM looks at, by its name within the model; None leaves it to
            be found, as the last convolution.
        output_layers: the modules whose sizes follow `num_outputs`: all that is new where a trained network learns
            other classes.
        output_kind: ``"vector"`` is ``(num_outputs,)``, ``"embedding"`` a vector of length 1, ``"map"``
            ``(num_outputs, height, width)``, ``"boxes"`` as `derin.models.box_output` has it, ``"points"`` as
            `derin.models.point_output`, ``"sequence"`` is of the network's own form, step by step.
        key_maps: the names that published weights give to this model's tensors.
        has_trunk: whether its option ``trunk`` names a classifier that it stands on, whose weights it may begin with.
        inputs: the names of what it reads, in the order of its forward; all have the form of `input_kind`.
        beside: of these the rows of numbers beside the first input, each with the option that says how many they are.
        older_options: what saved descriptions that lack an option mean by it, where that is not its default.
    """

    name: str
    build: Callable[[tuple[int, ...], int, Any], nn.Module]
    options: type = NoOptions
    input_kind: Literal["picture", "features", "tokens", "series", "any"]
    native_input: tuple[int, ...]
    native_outputs: int
    smallest_input: tuple[int, ...] | None = None
    paper: str
    year: int
    note: str = ""
    gradient_layer: str | None = None
    output_layers: tuple[str, ...] = ("output",)
    output_kind: Literal["vector", "embedding", "map", "boxes", "points", "sequence"] = "vector"
    key_maps: tuple[KeyMap, ...] = ()
    has_trunk: bool = False
    inputs: tuple[str, ...] = ("input",)
    beside: Mapping[str, str] = field(default_factory=dict)
    older_options: Mapping[str, Any] = field(default_factory=dict)

    def signature(self, input_shape: tuple[int, ...], num_outputs: int, options: Any) -> Signature:
        """What a network of this model with these options reads and gives."""
        from derin.models.signature import Signature, TensorSpec

        dtype, free = "float32", ()  # type: str, tuple[int, ...]
        if self.input_kind == "tokens":
            dtype, free = "int64", (0,)
        elif self.input_kind == "picture" and self.smallest_input is not None:
            free = (1, 2)
        inputs = tuple(
            TensorSpec(name=name, shape=(getattr(options, self.beside[name]),))
            if name in self.beside
            else TensorSpec(name=name, shape=input_shape, dtype=dtype, free=free)
            for name in self.inputs
        )
        vector = TensorSpec(name="output", shape=(num_outputs,))
        # What else a network gives, only a run of it tells.
        return Signature(inputs, (vector,) if self.output_kind in ("vector", "embedding") else ())
