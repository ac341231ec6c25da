"""A trained network's graph up to its answer, and whether a page can compute it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.explain.trace.capture import capture
from derin.explain.trace.experiment import experiment
from derin.explain.trace.graph import Node, Ref
from derin.explain.trace.operation import Array

MOST_WEIGHTS = 2_000_000  # a page of 11 MB
MOST_NUMBERS = 1_000_000  # that the operations give, each of which the page may be asked for
MOST_PRODUCTS = 100_000_000  # of one answer, about half a second in a browser


@dataclass(frozen=True, kw_only=True)
class LiveNetwork:
    """What a page needs to compute an answer.

    Args:
        nodes: of the graph, in order of execution.
        given: values of parameters, buffers and constants, by node.
        inputs: names of the input nodes, in the order of the network.
        prepared: name of the node that holds what the network itself reads.
        output: name of the node that holds the answer.
    """

    nodes: tuple[Node, ...]
    given: Mapping[str, Array]
    inputs: tuple[str, ...]
    prepared: str
    output: str


class Answering(nn.Module):
    """From what people have to an answer, in 64 bits throughout, as a page computes it.

    Args:
        preparation: raw inputs to what the network reads.
        network: what is prepared to several outputs, of which the first is the answer.
    """

    def __init__(self, preparation: nn.Module, network: nn.Module) -> None:
        super().__init__()
        self.preparation, self.network = preparation, network

    def forward(self, *raw: Tensor) -> tuple[Tensor, ...]:
        prepared = self.preparation(*raw)
        answers: tuple[Tensor, ...] = self.network(prepared.double() if prepared.is_floating_point() else prepared)
        return answers


class NextToken(nn.Module):
    """A language model's probabilities of what comes behind each token.

    Shapes:
        tokens ``(B, T)`` → ``(B, T, tokens)``, alone in a tuple.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor) -> tuple[Tensor, ...]:
        return (self.network(tokens)[0].softmax(dim=2),)


def live_network(network: Answering, inputs: Sequence[Tensor], name: str) -> LiveNetwork:
    """Captures the computation of a network's answer.

    Args:
        network: with its preparation, in evaluation mode.
        inputs: one example of each, as large as all that are to come.
        name: of the network, for messages.

    Raises:
        UsageError: the network is too large for a page, or has a part that is not captured.
    """
    num_weights = sum(one.numel() for one in network.parameters())
    if num_weights > MOST_WEIGHTS:
        raise UsageError(
            f"A page shows a network of at most {MOST_WEIGHTS:,} parameters; {name} has {num_weights:,}. "
            "Train a smaller one, or look at this one with derin explain activations."
        )
    made = experiment(network, tuple(inputs), torch.zeros(()), loss=_sum_of_the_answer, training=False)
    captured = capture(made)
    answer = captured.graph[captured.graph.output].arguments[0]
    assert isinstance(answer, Ref)
    nodes = tuple(
        replace(node, title=_own(node.title), place=_own(node.place))
        for node in captured.graph.nodes
        if node.kind != "target" and node.name not in captured.of_loss
    )
    numbers = sum(prod(node.shape) for node in nodes if node.kind == "operation")
    products = sum(_num_products(node, captured.values) for node in nodes)
    for amount, most, what in (
        (numbers, MOST_NUMBERS, "numbers in its layers"),
        (products, MOST_PRODUCTS, "multiplications"),
    ):
        if amount > most:
            raise UsageError(
                f"A page shows a network with at most {most:,} {what}; {name} has {amount:,}. "
                "Train one on smaller inputs, or look at this one with derin explain activations."
            )
    return LiveNetwork(
        nodes=nodes,
        given={name: value for name, value in captured.given.items() if captured.graph[name].kind != "target"},
        inputs=tuple(node.name for node in nodes if node.kind == "input"),
        prepared=[node.name for node in captured.graph.nodes if node.kind == "input" or _is_preparation(node)][-1],
        output=answer.name,
    )


def _is_preparation(node: Node) -> bool:
    return node.kind == "operation" and node.place.startswith("preparation")


def _sum_of_the_answer(outputs: Sequence[Tensor], target: Tensor) -> Tensor:
    return outputs[0].sum()


def _own(name: str) -> str:
    """A name as the network's own modules have it, without those that stand around it."""
    return re.sub(r"^network(\.network)?(\.| · |$)", "", name)


def _num_products(node: Node, values: Mapping[str, Array]) -> int:
    """Multiplications of a product of matrices or a convolution."""
    operand = {"aten.convolution": 1, "aten.linear": 1, "aten.mm": 0, "aten.bmm": 0, "aten.addmm": 1, "aten.baddbmm": 1}
    place = operand.get(node.operation or "")
    if place is None:
        return 0
    argument = node.arguments[place]
    assert isinstance(argument, Ref)
    shape = values[argument.name].shape
    return prod(node.shape) * (prod(shape[1:]) if node.operation == "aten.convolution" else shape[-1])
