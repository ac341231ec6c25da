"""Backpropagation through time written out with NumPy, for every way that inputs and outputs may stand along a
sequence, and set against autograd."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from derin.layers.options import require_range
from derin.layers.recurrent_cells import RNNCell
from derin.lessons.drawing import INK, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Floats

Kind = Literal["one-to-one", "one-to-many", "many-to-one", "many-to-many", "encoder-decoder"]
KINDS: tuple[Kind, ...] = ("one-to-one", "one-to-many", "many-to-one", "many-to-many", "encoder-decoder")


@dataclass(frozen=True, kw_only=True)
class ThroughTimeOptions:
    """Options of the lesson.

    Args:
        kind: which of the ways is printed step by step.
        steps: of the sequence; the one that is read before another is written has as many again.
        inputs: numbers of x at one step.
        hidden: numbers of a.
        seed: of sequence and weights.
    """

    kind: Kind = "many-to-many"
    steps: int = 5
    inputs: int = 3
    hidden: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        require_range("backpropagation-through-time", "steps", self.steps, 1, 100)
        require_range("backpropagation-through-time", "inputs", self.inputs, 1, 1_000)
        require_range("backpropagation-through-time", "hidden", self.hidden, 1, 1_000)


@dataclass(frozen=True)
class Weights:
    """W_a ``(H, H + D)`` on [a, x], b_a ``(H,)``, W_y ``(1, H)``, b_y ``(1,)``."""

    memory: Floats
    memory_bias: Floats
    output: Floats
    output_bias: Floats


@dataclass(frozen=True)
class Walk:
    """The forward pass: a⟨0⟩ … a⟨T⟩ ``(T + 1, H)``, ŷ ``(T,)``, and the loss of every step, 0 where none counts."""

    activations: Floats
    probabilities: Floats
    losses: Floats


@dataclass(frozen=True)
class Gradients:
    """The gradients of all weights, and ∂L/∂a⟨t⟩ of every step ``(T, H)``."""

    weights: Weights
    activations: Floats


def wiring(kind: Kind, steps: int) -> tuple[list[bool], list[bool]]:
    """At which steps x comes in, and at which ŷ is asked for.

    Example:
        >>> wiring("many-to-one", 3)
        ([True, True, True], [False, False, True])
    """
    all_steps, none = [True] * steps, [False] * steps
    first, last = [True, *none[1:]], [*none[1:], True]
    return {
        "one-to-one": ([True], [True]),
        "one-to-many": (first, all_steps),
        "many-to-one": (all_steps, last),
        "many-to-many": (all_steps, all_steps),
        "encoder-decoder": (all_steps + none, none + all_steps),
    }[kind]


def forward(x: Floats, y: Floats, counts: Floats, weights: Weights) -> Walk:
    """a⟨t⟩ = tanh(W_a [a⟨t−1⟩, x⟨t⟩] + b_a), ŷ⟨t⟩ = σ(W_y a⟨t⟩ + b_y), L⟨t⟩ = −y ln ŷ − (1 − y) ln(1 − ŷ).

    Shapes:
        x ``(T, D)``, y and counts ``(T,)``.
    """
    activations = [np.zeros(len(weights.memory))]
    for inputs in x:
        both = np.concatenate([activations[-1], inputs])
        activations.append(np.tanh(weights.memory @ both + weights.memory_bias))
    scores = np.array(activations[1:]) @ weights.output[0] + weights.output_bias[0]
    found = 1 / (1 + np.exp(-scores))
    losses = -(y * np.log(found) + (1 - y) * np.log(1 - found)) * counts
    return Walk(np.array(activations), found, losses)


def backward(x: Floats, y: Floats, counts: Floats, weights: Weights, walk: Walk) -> Gradients:
    """From the last step to the first, each of which adds its part to the same weights.

    da⟨t⟩ = W_yᵀ (ŷ⟨t⟩ − y⟨t⟩) + W_aaᵀ dz⟨t+1⟩, dz⟨t⟩ = da⟨t⟩ ∗ (1 − a⟨t⟩²);
    dW_a += dz⟨t⟩ [a⟨t−1⟩, x⟨t⟩]ᵀ, db_a += dz⟨t⟩.
    """
    hidden = len(weights.memory)
    memory, memory_bias = np.zeros_like(weights.memory), np.zeros(hidden)
    output, output_bias = np.zeros_like(weights.output), np.zeros(1)
    activations = np.zeros((len(x), hidden))
    later = np.zeros(hidden)  # what comes back from the step behind
    for t in reversed(range(len(x))):
        a, before = walk.activations[t + 1], walk.activations[t]
        of_score = (walk.probabilities[t] - y[t]) * counts[t]
        output += of_score * a
        output_bias += of_score
        activations[t] = weights.output[0] * of_score + later
        of_z = activations[t] * (1 - a**2)
        memory += np.outer(of_z, np.concatenate([before, x[t]]))
        memory_bias += of_z
        later = weights.memory[:, :hidden].T @ of_z
    return Gradients(Weights(memory, memory_bias, output, output_bias), activations)


def by_autograd(x: Floats, y: Floats, counts: Floats, cell: RNNCell, output: nn.Linear) -> list[Floats]:
    """The same gradients from the product's cell."""
    state = (torch.zeros(1, cell.hidden_size, dtype=torch.float64),)
    scores = []
    for inputs in torch.from_numpy(x):
        state = cell(inputs[None], state)
        scores.append(output(state[0])[0, 0])
    loss = F.binary_cross_entropy_with_logits(
        torch.stack(scores), torch.from_numpy(y), torch.from_numpy(counts), reduction="sum"
    )
    gradients = torch.autograd.grad(loss, [*cell.parameters(), *output.parameters()])
    return [gradient.numpy() for gradient in gradients]


def influence(x: Floats, y: Floats, counts: Floats, weights: Weights, walk: Walk) -> Floats:
    """‖∂L⟨t⟩/∂a⟨s⟩‖: how far the loss of step t (row) reaches back to step s (column).

    Shapes:
        ``(T, T)``, zero to the right of the diagonal.
    """
    found = np.zeros((len(x), len(x)))
    for t in np.flatnonzero(counts):
        alone = np.zeros_like(counts)
        alone[t] = 1
        found[t] = np.linalg.norm(backward(x, y, alone, weights, walk).activations, axis=1)
    return found


def run(options: ThroughTimeOptions) -> Outcome:
    """Computes the gradients of every way by hand and by autograd."""
    generator = torch.Generator().manual_seed(options.seed)
    cell = RNNCell(options.inputs, options.hidden).double()
    output = nn.Linear(options.hidden, 1).double()
    for parameter in (*cell.parameters(), *output.parameters()):
        nn.init.normal_(parameter, std=0.7, generator=generator)
    weights = Weights(*(parameter.detach().numpy() for parameter in (*cell.parameters(), *output.parameters())))
    draws = np.random.default_rng(options.seed)
    lines: list[str] = []
    steps: list[str] = []
    numbers: dict[str, Any] = {}
    shown = np.zeros((0, 0))
    for kind in KINDS:
        reads, says = (np.array(part, dtype=np.float64) for part in wiring(kind, options.steps))
        x = draws.normal(size=(len(reads), options.inputs)) * reads[:, None]
        y = (draws.random(len(says)) > 0.5).astype(np.float64)
        walk = forward(x, y, says, weights)
        gradients = backward(x, y, says, weights, walk)
        by_hand = vars(gradients.weights).values()
        automatic = by_autograd(x, y, says, cell, output)
        difference = max(float(np.abs(a - b).max()) for a, b in zip(by_hand, automatic, strict=True))
        numbers[kind] = {"loss": float(walk.losses.sum()), "difference": difference, "steps": len(reads)}
        lines.append(
            Text(
                "{kind:<16} x {reads}  ŷ {says}  loss {loss:.4f}, by hand against autograd {difference:.1e}",
                "{kind:<16} x {reads}  ŷ {says}  kayıp {loss:.4f}, elle ve autograd ile fark {difference:.1e}",
            ).fill(kind=kind, reads=dots(reads), says=dots(says), loss=walk.losses.sum(), difference=difference)
        )
        if kind == options.kind:
            shown = influence(x, y, says, weights, walk)
            steps = step_lines(walk, gradients)
    numbers["shown"] = {"kind": options.kind, "influence": shown.tolist()}
    return Outcome(numbers=numbers, lines=(*lines, *steps), pictures={"influence.png": draw(shown, options.kind)})


def step_lines(walk: Walk, gradients: Gradients) -> list[str]:
    """One line per step: what was said, its loss, and how large the gradient is that arrives there."""
    told = Text(
        "t = {t}: ŷ = {found:.4f}, L = {loss:.4f}, ‖∂L/∂a⟨t⟩‖ = {norm:.4f}",
        "t = {t}: ŷ = {found:.4f}, L = {loss:.4f}, ‖∂L/∂a⟨t⟩‖ = {norm:.4f}",
    )
    rows = zip(walk.probabilities, walk.losses, np.linalg.norm(gradients.activations, axis=1))
    return [told.fill(t=t, found=found, loss=loss, norm=norm) for t, (found, loss, norm) in enumerate(rows, start=1)]


def dots(steps: Floats) -> str:
    """The steps at which something is there.

    Example:
        >>> dots(np.array([1.0, 0.0, 1.0]))
        '●○●'
    """
    return "".join("●" if there else "○" for there in steps)


def draw(shown: Floats, kind: Kind) -> bytes:
    """How far each step's loss reaches back, on a logarithmic scale."""
    figure = new_figure(5.2, 4.2)
    axes = figure.subplots()
    sizes = np.log10(np.where(shown > 0, shown, np.nan))
    ticks = np.arange(len(shown)) + 0.5
    mesh = axes.pcolormesh(sizes, cmap="Blues", edgecolors="white", linewidth=0.5)
    axes.set_xticks(ticks, [str(t + 1) for t in range(len(shown))])
    axes.set_yticks(ticks, [str(t + 1) for t in range(len(shown))])
    axes.invert_yaxis()
    bar = figure.colorbar(mesh, ax=axes)
    bar.set_label("log₁₀ ‖∂L⟨t⟩/∂a⟨s⟩‖", fontsize=9, color=INK)
    title = Text("How far each loss reaches back, {kind}", "Her kayıp ne kadar geriye ulaşır, {kind}").fill(kind=kind)
    style(
        axes,
        title=title,
        x_label=str(Text("step s that is reached", "ulaşılan adım s")),
        y_label=str(Text("step t of the loss", "kaybın adımı t")),
        grid=False,
    )
    return png(figure)


LESSON = Lesson(
    name="backpropagation-through-time",
    rows=("K1",),
    title=Text("Backpropagation through time", "Zaman boyunca geri yayılım"),
    about=Text(
        "A recurrent network is one layer used again at every step, so that its backward pass walks the steps from the "
        "last to the first: at each one the gradient of that step's own loss is added to what comes back from the step "
        "behind, and each adds its part to the gradient of the same weights. Where inputs come in and outputs are "
        "asked for is a question of wiring; the equations stay. A way with unequal lengths reads one sequence whole "
        "and then writes the other.",
        "Yinelemeli ağ, her adımda yeniden kullanılan tek bir katmandır; bu yüzden geri yayılım adımları sondan başa "
        "yürür: her adımda o adımın kendi kaybının gradyanı, sonraki adımdan gelene eklenir ve her adım aynı "
        "ağırlıkların gradyanına kendi payını katar. Girdilerin nerede geldiği ve çıktıların nerede istendiği bir "
        "bağlantı işidir; denklemler değişmez. Uzunlukların farklı olduğu düzen bir diziyi sonuna dek okur, sonra "
        "ötekini yazar.",
    ),
    formula=r"a^{<t>} = \tanh(W_a [a^{<t-1>}, x^{<t>}] + b_a), \quad "
    r"\frac{\partial L}{\partial a^{<t>}} = W_y^{\top} (\hat y^{<t>} - y^{<t>}) + "
    r"W_{aa}^{\top}\Big(\frac{\partial L}{\partial a^{<t+1>}} * (1 - (a^{<t+1>})^2)\Big), \quad "
    r"\frac{\partial L}{\partial W_a} = \sum_t \Big(\frac{\partial L}{\partial a^{<t>}} * (1 - (a^{<t>})^2)\Big)"
    r"[a^{<t-1>}, x^{<t>}]^{\top}",
    run=run,
    options=ThroughTimeOptions,
)
