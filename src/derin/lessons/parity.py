"""Parity of n bits: a deep network needs few units, a flat one that knows each odd pattern needs 2^(n−1)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from derin.layers import Dense
from derin.layers.options import require_range
from derin.lessons.drawing import BLUE, GREEN, ORANGE, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Floats
from derin.models.sequential import Sequential


@dataclass(frozen=True, kw_only=True)
class ParityOptions:
    """Options of the lesson.

    Args:
        bits: n; all 2ⁿ inputs are tried.
    """

    bits: int = 8

    def __post_init__(self) -> None:
        require_range("parity", "bits", self.bits, 2, 12)


def run(options: ParityOptions) -> Outcome:
    """Builds the networks for every number of bits up to n, tries all inputs, and counts hidden units."""
    kinds: dict[str, tuple[Text, Callable[[int], Sequential]]] = {
        "deep": (Text("deep: a tree of XORs", "derin: XOR ağacı"), deep),
        "flat": (Text("flat: one unit per odd pattern", "sığ: her tek örüntüye bir birim"), flat),
        "counting": (Text("flat: units that count the ones", "sığ: birleri sayan birimler"), counting),
    }
    numbers = range(2, options.bits + 1)
    units: dict[str, list[int]] = {kind: [] for kind in kinds}
    right: dict[str, bool] = dict.fromkeys(kinds, True)
    depth = 0
    for n in numbers:
        inputs = torch.tensor([*itertools.product((0.0, 1.0), repeat=n)])
        parity = inputs.sum(dim=1) % 2
        for kind, (_, build) in kinds.items():
            network = build(n)
            with torch.no_grad():
                right[kind] &= bool(torch.equal(network(inputs)[:, 0], parity))
            sizes = hidden_units(network)
            units[kind].append(sum(sizes))
            depth = len(sizes) if kind == "deep" else depth

    told = Text(
        "{kind:<34} {units:>5} hidden units for {n} bits, right on all 2^n inputs: {right}",
        "{kind:<34} {n} bit için {units:>5} gizli birim, 2^n girdinin hepsinde doğru: {right}",
    )
    yes, no = Text("yes", "evet"), Text("no", "hayır")
    lines = [
        told.fill(kind=str(title), units=units[kind][-1], n=options.bits, right=str(yes if right[kind] else no))
        for kind, (title, _) in kinds.items()
    ]
    lines.append(
        Text(
            "the tree has {depth} hidden layers, the others one", "ağacın {depth} gizli katmanı var, ötekilerin bir"
        ).fill(depth=depth)
    )
    figure = new_figure(6.2, 3.7)
    axes = figure.subplots()
    for (kind, (title, _)), color in zip(kinds.items(), (BLUE, ORANGE, GREEN)):
        axes.plot(numbers, units[kind], "o-", color=color, linewidth=1.8, markersize=4, label=str(title))
    axes.set_yscale("log", base=2)
    axes.set_xticks(list(numbers))
    title = Text("Hidden units that compute parity exactly", "Pariteyi tam hesaplayan gizli birimler")
    style(axes, title=str(title), x_label="n", y_label=str(Text("hidden units", "gizli birim")))
    legend(axes)
    return Outcome(
        numbers={"bits": [*numbers], "hidden_units": units, "exact": right, "depth_of_the_tree": depth},
        lines=tuple(lines),
        pictures={"units.png": png(figure)},
    )


def deep(n: int) -> Sequential:
    """Pairs of bits become one, layer by layer: a XOR b = relu(a + b) − 2 relu(a + b − 1).

    The difference is taken in the weights of the next layer; a bit without a partner passes through a unit of its own.
    """
    weights, biases = [], []
    decode = np.eye(n)  # from what the layer before gives to the bits
    while len(decode) > 1:
        pairs, alone = divmod(len(decode), 2)
        weight = np.zeros((2 * pairs + alone, len(decode)))
        bias = np.zeros(len(weight))
        after = np.zeros((pairs + alone, len(weight)))
        for pair in range(pairs):
            weight[2 * pair : 2 * pair + 2, 2 * pair : 2 * pair + 2] = 1
            bias[2 * pair + 1] = -1
            after[pair, 2 * pair : 2 * pair + 2] = 1, -2
        if alone:
            weight[-1, -1] = after[-1, -1] = 1
        weights.append(weight @ decode)
        biases.append(bias)
        decode = after
    return network_of([*weights, decode], [*biases, np.zeros(1)])


def flat(n: int) -> Sequential:
    """One unit for each pattern with an odd number of ones, which answers 1 to that pattern and 0 to all others."""
    odd = np.array([p for p in itertools.product((0, 1), repeat=n) if sum(p) % 2])
    # x agrees with the pattern in all bits where Σ ±x reaches the number of its ones.
    return network_of([2 * odd - 1, np.ones((1, len(odd)))], [1 - odd.sum(axis=1), np.zeros(1)])


def counting(n: int) -> Sequential:
    """A zigzag over the number of ones: relu(s) − 2 relu(s − 1) + 2 relu(s − 2) − …"""
    output = np.array([[1, *((-1) ** k * 2 for k in range(1, n))]])
    return network_of([np.ones((n, n)), output], [-np.arange(float(n)), np.zeros(1)])


def network_of(weights: Sequence[Floats], biases: Sequence[Floats]) -> Sequential:
    """Dense layers with these weights, rectified except for the last."""
    layers = [Dense(len(w), activation="relu") for w in weights[:-1]]
    network = Sequential([*layers, Dense(1)], input_shape=(weights[0].shape[1],))
    given: list[Tensor] = [torch.as_tensor(a) for pair in zip(weights, biases) for a in pair]
    with torch.no_grad():
        for parameter, values in zip(network.parameters(), given, strict=True):
            parameter.copy_(values)
    return network


def hidden_units(network: Sequential) -> list[int]:
    """Units of each hidden layer."""
    return [p.shape[0] for p in network.parameters() if p.ndim == 2][:-1]


LESSON = Lesson(
    name="parity",
    rows=("A4",),
    title=Text("Parity: depth against width", "Parite: derinliğe karşı genişlik"),
    about=Text(
        "Is the number of ones odd? A tree of XORs answers with 2(n − 1) units in log₂ n layers. A single hidden layer "
        "whose units each recognize one pattern needs 2^(n−1) of them, for no two odd patterns are neighbors and none "
        "can be merged. To be fair: one hidden layer of n units that count the ones does it as well, but with "
        "weights fitted to this one question. These networks are built, not trained, and tried on all inputs.",
        "Birlerin sayısı tek mi? Bir XOR ağacı log₂ n katmanda 2(n − 1) birimle yanıtlar. Her birimi bir örüntü "
        "tanıyan tek gizli katmana 2^(n−1) birim gerekir; çünkü hiçbir iki tek örüntü komşu değildir, "
        "birleştirilemez. Doğrusu: birleri sayan n birimlik tek gizli katman da yapar, ama ağırlıkları yalnız bu "
        "soruya göredir. Bu ağlar eğitilmedi, kuruldu ve bütün girdilerde denendi.",
    ),
    formula=r"y = x_1 \oplus x_2 \oplus \dots \oplus x_n, \qquad "
    r"a \oplus b = \mathrm{relu}(a + b) - 2\,\mathrm{relu}(a + b - 1), \qquad 2(n-1)\ \text{against}\ 2^{n-1}",
    run=run,
    options=ParityOptions,
)
