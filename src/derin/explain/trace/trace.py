"""The glass box: one training step of a network, every number of it, computed without torch and compared with torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from torch import nn

from derin.explain.trace import engine
from derin.explain.trace.capture import Captured, capture
from derin.explain.trace.experiment import Batch, experiment
from derin.explain.trace.graph import Graph, Node
from derin.explain.trace.objective import Loss
from derin.explain.trace.operation import Array
from derin.explain.trace.updates import Update, UpdateSettings, trace_update

Phase = Literal["forward", "loss", "backward", "update"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that happens.

    Args:
        index: counted from 0.
        phase: ``"forward"``, ``"loss"`` (what is computed outside the network), ``"backward"`` or ``"update"``.
        node: name of the node whose value, gradient or new value comes about.
        formula: LaTeX of how.
    """

    index: int
    phase: Phase
    node: str
    formula: str


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One training step, number by number.

    Args:
        graph: from inputs to loss.
        values: of every node, by the engine.
        gradients: of the loss by every node that it depends on, by the engine.
        buffers: name of a buffer → name of the node with its value after the step (running statistics).
        updates: of every parameter, if an optimizer was named; `Update.name` is the name of its node.
        differences: engine against PyTorch, by node: the larger of value and gradient, each the largest |a − b|
            divided by the largest |number| of that tensor (see `relative_difference`).
        loss_name: which loss it is.
        of_loss: names of the nodes that are computed outside the network, by the loss.
    """

    graph: Graph
    values: Mapping[str, Array]
    gradients: Mapping[str, Array]
    buffers: Mapping[str, str]
    updates: tuple[Update, ...]
    differences: Mapping[str, float]
    loss_name: str = ""
    of_loss: frozenset[str] = frozenset()

    @property
    def loss(self) -> float:
        """The number that is minimized."""
        return float(self.values[self.graph.output])

    @cached_property
    def steps(self) -> list[Step]:
        """All that happens, in order: forward, loss, backward, update."""
        computed = self.graph.of_kind("operation")
        ends = {*self.of_loss, self.graph.output}
        found: list[tuple[Phase, str, str]] = [
            ("loss" if node.name in ends else "forward", node.name, engine.operation_of(node).formula)
            for node in computed
        ]
        for node in reversed(self.graph.nodes):
            if node.name in self.gradients:
                found.append(("backward", node.name, self._gradient_formula(node)))
        found += [("update", update.name, update.parts[-1].formula) for update in self.updates]
        return [
            Step(index=index, phase=phase, node=name, formula=formula)
            for index, (phase, name, formula) in enumerate(found)
        ]

    @cached_property
    def _readers(self) -> dict[str, list[Node]]:
        """For each node the nodes that read it and have a gradient."""
        readers: dict[str, list[Node]] = {}
        for node in self.graph.of_kind("operation"):
            if node.name in self.gradients:
                for name in node.reads:
                    readers.setdefault(name, []).append(node)
        return readers

    def _gradient_formula(self, node: Node) -> str:
        """Of all readers; the loss itself has the gradient 1."""
        formulas = dict.fromkeys(
            engine.operation_of(reader).gradient_formula for reader in self._readers.get(node.name, [])
        )
        return r" \quad ".join(formulas) if formulas else r"\bar{y} = 1"


def trace(
    model: nn.Module,
    inputs: Batch,
    targets: Batch,
    *,
    loss: str | Loss | None = None,
    optimizer: str | None = None,
    learning_rate: float | None = None,
    settings: UpdateSettings | None = None,
    training: bool | None = None,
    seed: int = 0,
) -> Trace:
    """Writes out forward pass, loss, backward pass and update of one step.

    The numbers are computed in NumPy float64 by `derin.explain.trace.engine` and compared with PyTorch's, node by node.
    The model stays as it is.

    Args:
        model: any network whose path does not depend on the values of tensors.
        inputs: a batch: a tensor or array, or a tuple of them for several inputs.
        targets: classes, or numbers of the output's shape.
        loss: a name of `derin.explain.trace.objective.LOSS_FUNCTIONS`, a function of (output, targets), or None:
            cross-entropy for classes, the mean squared error for numbers.
        optimizer: whose first step is traced; None traces none.
        learning_rate: of that step; None takes that of the settings.
        settings: its constants.
        training: the mode of dropout and batch norm; None takes the one that the model is in.
        seed: of dropout; the drawn mask is recorded as a constant of the graph.

    Raises:
        UsageError: the network cannot be run on this batch, or cannot be traced; names the place.
        ShapeError: targets that do not fit the output.

    Example:
        >>> import torch
        >>> layer = nn.Linear(2, 1, bias=False)
        >>> _ = nn.init.constant_(layer.weight, 0.5)
        >>> found = trace(layer, torch.tensor([[1.0, 3.0]]), torch.tensor([[1.0]]), optimizer="sgd", learning_rate=0.1)
        >>> found.loss, found.gradients["weight"].tolist(), found.updates[0].new_parameter.round(6).tolist()
        (1.0, [[2.0, 6.0]], [[0.3, -0.1]])
    """
    made = experiment(model, inputs, targets, loss=loss, training=training, seed=seed)
    captured = capture(made)
    values = engine.run(captured.graph, captured.given)
    gradients = engine.backward(captured.graph, values)
    return Trace(
        graph=captured.graph,
        values=values,
        gradients=gradients,
        buffers=captured.buffers,
        updates=_updates(captured.graph, values, gradients, optimizer, _constants(settings, learning_rate)),
        differences=_differences(captured, values, gradients),
        loss_name=made.objective.name,
        of_loss=captured.of_loss,
    )


def relative_difference(ours: Array, theirs: Array, floor: float = 0.0) -> float:
    """The largest |a − b|, divided by the largest |b|; undivided where that is below the floor or 0.

    Example:
        >>> relative_difference(np.array([1.0, 4.2]), np.array([1.0, 4.0]))
        0.05...
    """
    if theirs.size == 0:
        return 0.0
    apart = float(np.abs(np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)).max())
    largest = float(np.abs(theirs).max())
    return apart / largest if largest > floor else apart


def _constants(settings: UpdateSettings | None, learning_rate: float | None) -> UpdateSettings:
    found = settings or UpdateSettings()
    return found if learning_rate is None else replace(found, learning_rate=learning_rate)


def _updates(
    graph: Graph, values: engine.Values, gradients: engine.Values, optimizer: str | None, settings: UpdateSettings
) -> tuple[Update, ...]:
    if optimizer is None:
        return ()
    return tuple(
        trace_update(optimizer, values[node.name], gradients[node.name], settings=settings, name=node.name)
        for node in graph.of_kind("parameter")
        if node.name in gradients
    )


def _differences(captured: Captured, values: engine.Values, gradients: engine.Values) -> dict[str, float]:
    largest = max((float(np.abs(one).max()) for one in captured.gradients.values() if one.size), default=0.0)
    found = {}
    for name, value in captured.values.items():
        finite = np.isfinite(value)  # −∞ stands in masks of attention, and is compared by being equal
        if value.dtype.kind != "f" or not np.array_equal(finite, np.isfinite(values[name])):
            found[name] = 0.0 if np.array_equal(value, values[name]) else float("inf")
            continue
        found[name] = relative_difference(values[name][finite], value[finite])
        if name in captured.gradients:
            ours = gradients.get(name, np.zeros_like(value))
            found[name] = max(found[name], relative_difference(ours, captured.gradients[name], 1e-10 * largest))
    return found
