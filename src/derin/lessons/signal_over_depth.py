"""What becomes of a signal on its way through many layers, forward and back, for each initializer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from derin.core.errors import UsageError
from derin.core.messages import format_number
from derin.layers.activations import activation
from derin.layers.initializers import INITIALIZERS, initialize, require_initializer
from derin.layers.options import require_range
from derin.lessons.drawing import BLUE, COLORS, ORANGE, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Floats


@dataclass(frozen=True, kw_only=True)
class SignalOverDepthOptions:
    """Options of the lesson.

    Args:
        depth: number of layers.
        width: units of each.
        activation: g, a name of the registry of activations.
        initializers: which to compare.
        factors: gains of the layers in the arithmetic example, factor^L.
        seed: of input and weights.
    """

    depth: int = 30
    width: int = 200
    activation: str = "relu"
    initializers: tuple[str, ...] = tuple(INITIALIZERS)
    factors: tuple[float, float] = (1.5, 0.5)
    seed: int = 0

    def __post_init__(self) -> None:
        require_range("signal-over-depth", "depth", self.depth, 1, 200)
        require_range("signal-over-depth", "width", self.width, 1, 1_000)
        require_range("signal-over-depth", "len(initializers)", len(self.initializers), 1, len(INITIALIZERS))
        activation(self.activation)
        for name in self.initializers:
            require_initializer(name)
        if "auto" in self.initializers or not all(0 < factor < 100 for factor in self.factors):
            raise UsageError(
                "signal-over-depth needs initializers by their names and factors between 0 and 100; "
                f"got {self.initializers} and {self.factors}."
            )


def run(options: SignalOverDepthOptions) -> Outcome:
    """Sends 64 random examples through the layers, and a random gradient back."""
    figure = new_figure(9.6, 3.5)
    powers, forward, backward = figure.subplots(1, 3)
    layers = np.arange(options.depth + 1)
    lines, found = [], {}
    grown = {f"{factor:g}": gain(factor, options.depth) for factor in options.factors}
    for (name, values), color in zip(grown.items(), (ORANGE, BLUE)):
        powers.plot(layers, values, color=color, linewidth=2, label=f"${name}^L$")
        lines.append(f"{name}^{options.depth} = {format_number(float(values[-1]), '.3g')}")
    # Glorot's equals Xavier's where layers are square, and orthogonal ones come close: all three must be seen.
    for name, color, dashes in zip(options.initializers, COLORS, ("-", "-", "-", "--", "-", ":")):
        sizes, gradients = signal(name, options)
        found[name] = {"forward": sizes.tolist(), "backward": gradients.tolist()}
        for axes, values in ((forward, sizes), (backward, gradients)):
            # What has become zero has no place on a logarithmic scale.
            shown = np.where(values > 1e-30, values, np.nan)
            axes.plot(layers, shown, color=color, linewidth=1.8, linestyle=dashes, label=name)
        lines.append(
            Text(
                "{name:<11} after {depth} layers the signal is {a:.2e} of the input, the gradient {b:.2e}",
                "{name:<11} {depth} katman sonra sinyal girdinin {a:.2e} katı, gradyan {b:.2e} katı",
            ).fill(name=name, depth=options.depth, a=sizes[-1] / sizes[0], b=gradients[0] / gradients[-1])
        )
    titles = (
        Text("A gain per layer", "Katman başına kazanç"),
        Text("Signal, {g}", "Sinyal, {g}"),
        Text("Gradient, {g}", "Gradyan, {g}"),
    )
    for axes, title in zip((powers, forward, backward), titles):
        axes.set_yscale("log")
        style(axes, title=title.fill(g=options.activation), x_label=str(Text("layer L", "katman L")))
    legend(powers)
    legend(forward, loc="lower left", ncols=2)
    return Outcome(
        numbers={"powers": {name: values[-1] for name, values in grown.items()}, "initializers": found},
        lines=tuple(lines),
        pictures={"signal.png": png(figure)},
    )


def gain(factor: float, depth: int) -> Floats:
    """How large a vector of ones is after each of L linear layers W = factor · I."""
    layer = nn.Linear(2, 2, bias=False).double()
    sizes = [1.0]
    with torch.no_grad():
        layer.weight.copy_(factor * torch.eye(2))
        x = torch.ones(1, 2, dtype=torch.float64)
        for _ in range(depth):
            x = layer(x)
            sizes.append(x[0, 0].item())
    return np.array(sizes)


def signal(initializer: str, options: SignalOverDepthOptions) -> tuple[Floats, Floats]:
    """Root mean square of the values at every depth, and of the gradient there when that of the end is random.

    Shapes:
        twice ``(depth + 1,)``.
    """
    generator = torch.Generator().manual_seed(options.seed)
    x = torch.randn(64, options.width, generator=generator, requires_grad=True)
    values = [x]
    for _ in range(options.depth):
        layer = nn.Linear(options.width, options.width)
        initialize(layer, initializer, generator=generator)
        values.append(activation(options.activation)(layer(values[-1])))
    last = torch.randn(values[-1].shape, generator=generator)
    gradients = torch.autograd.grad(values[-1], values, last)
    sizes, slopes = ([t.detach().double().square().mean().sqrt().item() for t in ts] for ts in (values, gradients))
    return np.array(sizes), np.array(slopes)


LESSON = Lesson(
    name="signal-over-depth",
    rows=("A6",),
    title=Text("Vanishing and exploding signals", "Sönen ve patlayan sinyaller"),
    about=Text(
        "Each layer multiplies the signal by some gain, so that over L layers a gain of 1.5 becomes 1.5^L and one of "
        "0.5 becomes 0.5^L. An initializer is chosen so that the gain is about 1: √(1/n) where the activation is "
        "linear near zero, √(2/n) where it cuts one half away.",
        "Her katman sinyali bir kazançla çarpar; L katmanda 1,5 kazancı 1,5^L, 0,5 kazancı 0,5^L olur. Başlatma "
        "yöntemi kazanç 1 dolayında olsun diye seçilir: aktivasyon sıfır yakınında doğrusalsa √(1/n), yarısını "
        "kesiyorsa √(2/n).",
    ),
    formula=r"\mathrm{Var}(z) = n\,\mathrm{Var}(w)\,\mathrm{E}(a^2), \qquad "
    r"\mathrm{Var}(w) = \tfrac1n\ \text{(Xavier)}, \quad \tfrac2n\ \text{(He)}, "
    r"\qquad 1.5^L \to \infty, \quad 0.5^L \to 0",
    run=run,
    options=SignalOverDepthOptions,
)
