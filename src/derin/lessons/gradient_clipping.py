"""Gradient clipping: a deep chain of weights explodes with plain descent and arrives with a bounded gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from derin.layers.options import require_range
from derin.lessons.drawing import BLUE, INK, ORANGE, RED, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.train.config import TrainConfig
from derin.train.nonfinite import NonFiniteLossError, locate_nonfinite
from derin.train.optimizers.build import build_optimizer
from derin.train.plan import Plan
from derin.train.step import PlannedStep

# The gradient of the course's picture: 3 to the right, 4 up, and so 5 long.
_GRADIENT = (3.0, 4.0)


@dataclass(frozen=True, kw_only=True)
class ClippingOptions:
    """Options of the lesson.

    Args:
        depth: weights in the chain.
        start: what each of them is at first; the wanted answer is 1.
        learning_rate: of gradient descent.
        clip_norm: the largest norm of the whole gradient.
        steps: how many at most.
    """

    depth: int = 20
    start: float = 1.3
    learning_rate: float = 0.02
    clip_norm: float = 1.0
    steps: int = 100

    def __post_init__(self) -> None:
        require_range("gradient-clipping", "depth", self.depth, 1, 200)
        require_range("gradient-clipping", "learning_rate", self.learning_rate, 0.0)
        require_range("gradient-clipping", "clip_norm", self.clip_norm, 1e-9)
        require_range("gradient-clipping", "steps", self.steps, 1, 10_000)


class Chain(nn.Sequential):
    """y = w_L ⋯ w₂ w₁ x: dense layers of one unit each, without bias, in float64.

    Shapes:
        ``(B, 1)`` → the same.
    """

    def __init__(self, depth: int, start: float) -> None:
        super().__init__(*(nn.Linear(1, 1, bias=False, dtype=torch.float64) for _ in range(depth)))
        for parameter in self.parameters():
            nn.init.constant_(parameter, start)

    def cost(self) -> Tensor:
        """J = ½ (y − 1)² at x = 1, with its cliff where the weights are larger than 1."""
        one = torch.ones(1, 1, dtype=torch.float64)
        return (self(one) - one).square().sum() / 2


@dataclass(frozen=True)
class Walk:
    """The first weight, the cost and the norm of the gradient before each step, and how it ended."""

    weights: list[float]
    costs: list[float]
    norms: list[float]
    failure: str | None


def walk(options: ClippingOptions, clip_norm: float) -> Walk:
    """Descends with the product's step; 0 clips nothing."""
    chain = Chain(options.depth, options.start)
    step = planned(chain, options.learning_rate, clip_norm)
    found = Walk([], [], [], None)
    for index in range(options.steps):
        loss = chain.cost()
        found.weights.append(float(chain[0].weight.item()))  # type: ignore[operator]
        found.costs.append(loss.item())
        gradients = torch.autograd.grad(loss, list(chain.parameters()), retain_graph=True)
        found.norms.append(torch.stack(gradients).norm().item())
        try:
            step.minimize("main", loss, 1)
        except NonFiniteLossError:
            return Walk(found.weights, found.costs, found.norms, str(locate_nonfinite(chain, chain.cost, step=index)))
    return found


def planned(model: nn.Module, learning_rate: float, clip_norm: float) -> PlannedStep:
    """A step of plain gradient descent, as the training loop does it."""
    optimizer = build_optimizer("sgd", model, learning_rate=learning_rate, fused=False)
    config = TrainConfig(clip_norm=clip_norm)
    return PlannedStep(model, {"main": optimizer}, plan=Plan(), config=config, device_type="cpu", average=None)


def clipped(gradient: tuple[float, ...], clip_norm: float) -> list[float]:
    """What a gradient becomes: it is read off a step of size 1 from 0, whose cost has this gradient.

    Example:
        >>> [round(g, 4) for g in clipped((3.0, 4.0), 1.0)]
        [0.6, 0.8]
    """
    layer = nn.Linear(len(gradient), 1, bias=False, dtype=torch.float64)
    nn.init.zeros_(layer.weight)
    cost = layer(torch.tensor([gradient], dtype=torch.float64)).sum()
    planned(layer, 1.0, clip_norm).minimize("main", cost, 1)
    moved: list[float] = (-layer.weight.detach()[0]).tolist()
    return moved


def run(options: ClippingOptions) -> Outcome:
    """Clips a gradient of two numbers, then walks down the cliff without and with clipping."""
    short = clipped(_GRADIENT, options.clip_norm)
    plain, bounded = walk(options, 0.0), walk(options, options.clip_norm)
    lines = [
        Text(
            "g = (3, 4), norm 5, clipped to {norm:g}: ({x:.2f}, {y:.2f}), the same direction",
            "g = (3, 4), boyu 5, {norm:g} ile sınırlanınca: ({x:.2f}, {y:.2f}), yönü aynı",
        ).fill(norm=options.clip_norm, x=short[0], y=short[1]),
        Text(
            "At the start the gradient of the chain has the norm {norm:,.0f}.",
            "Başlangıçta zincirin gradyanının boyu {norm:,.0f}.",
        ).fill(norm=plain.norms[0]),
        Text("Without clipping: {end}", "Sınırlamadan: {end}").fill(end=ending(plain)),
        Text("With clipping: {end}", "Sınırlayarak: {end}").fill(end=ending(bounded)),
    ]
    numbers = {
        "gradient": list(_GRADIENT),
        "clipped": short,
        "first_norm": plain.norms[0],
        "plain": {"steps": len(plain.costs), "failure": plain.failure},
        "bounded": {
            "steps": len(bounded.costs),
            "failure": bounded.failure,
            "weight": bounded.weights[-1],
            "cost": bounded.costs[-1],
        },
    }
    return Outcome(numbers=numbers, lines=tuple(lines), pictures={"cliff.png": draw(options, plain, bounded)})


def ending(found: Walk) -> str:
    """How a walk ended, in words."""
    if found.failure is not None:
        return found.failure
    arrived = Text(
        "after {steps} steps w = {weight:.4f}, cost {cost:.2g}", "{steps} adım sonra w = {weight:.4f}, kayıp {cost:.2g}"
    )
    return arrived.fill(steps=len(found.costs), weight=found.weights[-1], cost=found.costs[-1])


def draw(options: ClippingOptions, plain: Walk, bounded: Walk) -> bytes:
    """The cost over the weight with both walks, and the norm of the gradient step by step."""
    figure = new_figure(9.0, 3.4)
    left, right = figure.subplots(1, 2)
    low, high = sorted((0.0, 1.15 * max(1.0, options.start)))
    along = np.linspace(low, high, 400)
    left.plot(along, (along**options.depth - 1) ** 2 / 2, color=INK, linewidth=1.2)
    left.plot(bounded.weights, bounded.costs, "o", color=BLUE, markersize=3, label=str(Text("clipped", "sınırlanmış")))
    left.plot(plain.weights[:1], plain.costs[:1], "s", color=RED, label=str(Text("start", "başlangıç")))
    left.set_yscale("symlog", linthresh=0.5)
    style(
        left,
        title=str(Text("A cliff: cost over the weight", "Bir uçurum: ağırlığa göre kayıp")),
        x_label="w",
        y_label="J",
    )
    legend(left, loc="upper left")

    for found, color, name in (
        (plain, ORANGE, Text("without clipping", "sınırlamadan")),
        (bounded, BLUE, Text("with clipping", "sınırlayarak")),
    ):
        norms = [norm for norm in found.norms if np.isfinite(norm)]
        right.plot(range(1, len(norms) + 1), norms, "o-", color=color, markersize=3, linewidth=1, label=str(name))
    right.axhline(options.clip_norm, color=INK, linestyle=":", linewidth=1)
    right.set_yscale("log")
    # The norm before the explosion is off every scale; the line leaves the picture.
    right.set_ylim(1e-6 * options.clip_norm, 1e3 * max(plain.norms[0], options.clip_norm))
    norm_title = Text("Norm of the gradient before clipping", "Sınırlamadan önce gradyanın boyu")
    style(right, title=str(norm_title), x_label=str(Text("step", "adım")))
    legend(right, loc="upper right")
    return png(figure)


LESSON = Lesson(
    name="gradient-clipping",
    rows=("B7",),
    title=Text("Gradient clipping, and explosions that are reported", "Gradyan sınırlama ve bildirilen patlamalar"),
    about=Text(
        "In a deep chain the product of many weights above 1 makes a cliff: the gradient there is huge, one step "
        "throws the weights far away, and a few steps later the loss is no number any more. Training stops then and "
        "names the layer. Clipping shortens the gradient to a largest norm and keeps its direction, so that the step "
        "stays small where the surface is steep.",
        "Derin bir zincirde 1'den büyük birçok ağırlığın çarpımı bir uçurum oluşturur: gradyan orada çok büyüktür, tek "
        "adım ağırlıkları uzağa fırlatır ve birkaç adım sonra kayıp artık sayı değildir. Eğitim o zaman durur ve "
        "katmanın adını söyler. Sınırlama gradyanı en büyük boya kısaltır, yönünü korur; böylece yüzey dikken adım "
        "küçük kalır.",
    ),
    formula=r"g \leftarrow g \cdot \min\Big(1, \frac{c}{\lVert g \rVert_2}\Big)",
    run=run,
    options=ClippingOptions,
)
