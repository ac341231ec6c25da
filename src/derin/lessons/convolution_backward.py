"""The gradients of a convolution are convolutions themselves, checked against autograd."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from derin.core.errors import UsageError
from derin.layers import Conv
from derin.layers.options import require_range
from derin.lessons.drawing import png
from derin.lessons.filtering import as_image, convolve, require_matrix, with_weights
from derin.lessons.grids import Grid, draw_grids, write_grids
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Rows


@dataclass(frozen=True, kw_only=True)
class ConvolutionBackwardOptions:
    """Options of the lesson.

    Args:
        values: X, the input.
        kernel: F, the filter.
        gradient: ∂E/∂O, from above; none takes 1, 2, 3, …
        stride: s of the convolution.
    """

    values: Rows = ((1, 0, 2, 1), (3, 1, 0, 2), (0, 2, 1, 1), (1, 3, 2, 0))
    kernel: Rows = ((1, 2, 0), (0, 1, -1), (2, 0, 1))
    gradient: Rows | None = None
    stride: int = 1

    def __post_init__(self) -> None:
        require_range("convolution-backward", "stride", self.stride, 1, 12)
        require_matrix("convolution-backward.values", self.values, most=12)
        require_matrix("convolution-backward.kernel", self.kernel, most=12)


def run(options: ConvolutionBackwardOptions) -> Outcome:
    """Forward, both gradients by convolution, and the same by autograd."""
    x, f, s = np.array(options.values, dtype=float), np.array(options.kernel, dtype=float), options.stride
    output = convolve(x, f, stride=s)
    above = np.arange(1.0, output.size + 1).reshape(output.shape)
    if options.gradient is not None:
        above = np.array(options.gradient, dtype=float)
    if above.shape != output.shape:
        raise UsageError(
            f"convolution-backward.gradient must have the shape of the output, {output.shape}; got {above.shape}."
        )
    by_filter, by_input = filter_gradient(x, f, above, s), input_gradient(x, f, above, s)
    expected = autograd(x, f, above, s)
    difference = max(float(abs(by_filter - expected[0]).max()), float(abs(by_input - expected[1]).max()))
    forward = {"X": x, "F": f, "O = X ∗ F": output, "∂E/∂O": above}
    backward = {"∂E/∂F = X ∗ ∂E/∂O": by_filter, "∂E/∂X = full(∂E/∂O, F↻180°)": by_input}
    agrees = Text(
        "Largest difference from autograd: {difference:.1e}", "Otomatik türevden en büyük fark: {difference:.1e}"
    ).fill(difference=difference)
    return Outcome(
        numbers={
            "output": output.tolist(),
            "output_gradient": above.tolist(),
            "filter_gradient": by_filter.tolist(),
            "input_gradient": by_input.tolist(),
            "difference_from_autograd": difference,
        },
        lines=(*write_grids(forward), "", *write_grids(backward), "", agrees),
        pictures={"tables.png": png(draw_grids({**forward, **backward}, columns=4))},
    )


def filter_gradient(x: Grid, f: Grid, above: Grid, stride: int) -> Grid:
    """∂E/∂F: the input convolved with the gradient of the output, whose values stand `stride` apart."""
    rows, columns = (reach(n, size, stride) for n, size in zip(x.shape, f.shape))
    return convolve(x[:rows, :columns], above, dilation=stride)


def input_gradient(x: Grid, f: Grid, above: Grid, stride: int) -> Grid:
    """∂E/∂X: the full convolution of the output's gradient with the filter turned by 180°.

    A stride leaves zeros between the gradients; inputs that no window reached get zero.
    """
    spread = np.zeros([stride * (n - 1) + 1 for n in above.shape])
    spread[::stride, ::stride] = above
    border = [(size - 1, size - 1) for size in f.shape]
    gradient = np.zeros_like(x)
    full = convolve(np.pad(spread, border), f[::-1, ::-1])
    gradient[: full.shape[0], : full.shape[1]] = full
    return gradient


def reach(n: int, f: int, stride: int) -> int:
    """How many of n inputs some window covers."""
    return (n - f) // stride * stride + f


def autograd(x: Grid, f: Grid, above: Grid, stride: int) -> tuple[Grid, Grid]:
    """∂E/∂F and ∂E/∂X as PyTorch finds them."""
    inputs = as_image(x).requires_grad_()
    layer = Conv(1, f.shape, stride=stride, padding="valid", bias=False)
    module = with_weights(layer, tuple(inputs.shape[1:]), f[None, None])
    by_filter, by_input = torch.autograd.grad(module(inputs), [next(module.parameters()), inputs], as_image(above))
    return by_filter[0, 0].numpy(), by_input[0, 0].numpy()


LESSON = Lesson(
    name="convolution-backward",
    rows=("D3",),
    title=Text("Convolution, backward", "Evrişim, geriye doğru"),
    about=Text(
        "Every weight of the filter has met a part of the input as large as the output, so its gradient is that part "
        "times the output's gradients: ∂E/∂F is X convolved with ∂E/∂O. Every input has met the weights in turn as "
        "the filter passed over it, in the order from last to first: ∂E/∂X is ∂E/∂O, with a border of zeros, convolved "
        "with the filter turned by 180°, which is called a full convolution.",
        "Filtrenin her ağırlığı, girdinin çıktı kadar büyük bir parçasıyla karşılaşmıştır; gradyanı o parça çarpı "
        "çıktının gradyanlarıdır: ∂E/∂F, X'in ∂E/∂O ile evrişimidir. Her girdi, filtre üzerinden geçerken ağırlıklarla "
        "sondan başa doğru karşılaşmıştır: ∂E/∂X, sıfırlarla çevrilmiş ∂E/∂O'nun 180° döndürülmüş filtreyle "
        "evrişimidir; buna tam (full) evrişim denir.",
    ),
    formula=r"\frac{\partial E}{\partial F} = X * \frac{\partial E}{\partial O}, \qquad "
    r"\frac{\partial E}{\partial X} = \operatorname{pad}_{f-1}\!\Big(\frac{\partial E}{\partial O}\Big) * "
    r"\operatorname{rot}_{180}(F)",
    run=run,
    options=ConvolutionBackwardOptions,
)
