"""Max and average pooling, forward and backward, as tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from derin.layers import AvgPool, MaxPool
from derin.layers.options import require_range
from derin.lessons.drawing import COLORS, png
from derin.lessons.filtering import as_image, require_matrix
from derin.lessons.grids import Grid, draw_grids, write_grids
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Rows

COURSE: Rows = ((1, 3, 2, 1), (2, 9, 1, 1), (1, 3, 2, 3), (5, 6, 1, 2))


@dataclass(frozen=True, kw_only=True)
class PoolingOptions:
    """Options of the lesson.

    Args:
        values: the matrix that is pooled.
        size: f, the side of the window.
        stride: s, by how much it moves; none takes the window's side.
    """

    values: Rows = COURSE
    size: int = 2
    stride: int | None = None

    def __post_init__(self) -> None:
        require_matrix("pooling.values", self.values, most=12)
        require_range("pooling", "size", self.size, 1)


def run(options: PoolingOptions) -> Outcome:
    """Both kinds of pooling; backward with the gradients 1, 2, 3, … from above."""
    found = {
        "max": pool(MaxPool(options.size, options.stride), options.values),
        "average": pool(AvgPool(options.size, options.stride), options.values),
    }
    above = found["max"][1]
    names = [str(Text("max", "en büyük")), str(Text("average", "ortalama"))]
    forward: dict[str, Grid] = {"X": np.array(options.values, dtype=float)}
    forward |= {name: output for name, (output, _, _) in zip(names, found.values())}
    backward = {"∂E/∂O": above, **{f"∂E/∂X, {name}": grad for name, (_, _, grad) in zip(names, found.values())}}
    stride = options.stride or options.size
    marks = {}
    if stride == options.size:  # where windows overlap no cell has a color of its own
        for name, table in (forward | backward).items():
            marks[name] = window_colors(table.shape, 1 if table.shape == above.shape else stride, above.shape)
    numbers = {
        kind: {"output": output.tolist(), "output_gradient": above.tolist(), "input_gradient": gradient.tolist()}
        for kind, (output, above, gradient) in found.items()
    }
    return Outcome(
        numbers=numbers,
        lines=(*write_grids(forward), "", *write_grids(backward)),
        pictures={"tables.png": png(draw_grids(forward | backward, marks, columns=3))},
    )


def pool(layer: MaxPool | AvgPool, values: Rows) -> tuple[Grid, Grid, Grid]:
    """What a pooling layer gives, the gradient 1, 2, 3, … of its outputs, and the gradient of its inputs."""
    x = as_image(values).requires_grad_()
    layer.output_shape(tuple(x.shape[1:]))  # refuses a window that does not fit
    output = layer.build(tuple(x.shape[1:]))(x)
    above = torch.arange(1, output.numel() + 1, dtype=torch.float64).reshape(output.shape)
    output.backward(above)
    gradient = x.grad
    assert gradient is not None
    return output.detach()[0, 0].numpy(), above[0, 0].numpy(), gradient[0, 0].numpy()


def window_colors(shape: tuple[int, ...], stride: int, windows: tuple[int, ...]) -> list[list[str]]:
    """A color for each window, on its cells or on its output; "" for what no window reaches."""
    marks = [[""] * shape[1] for _ in range(shape[0])]
    for row, column in np.ndindex(shape):
        down, right = row // stride, column // stride
        if down < windows[0] and right < windows[1]:
            marks[row][column] = COLORS[(down * windows[1] + right) % len(COLORS)]
    return marks


LESSON = Lesson(
    name="pooling",
    rows=("D3",),
    title=Text("Pooling, forward and backward", "Havuzlama, ileri ve geri"),
    about=Text(
        "Pooling keeps one number of each window: the largest, or the mean. It has no weights, and nothing to learn. "
        "Backward, the gradient of a maximum goes to the one input that won, and all others get nothing; that of a "
        "mean is shared equally, 1/f² for each. Where windows overlap the parts are added.",
        "Havuzlama her pencereden tek bir sayı bırakır: en büyüğü ya da ortalamayı. Ağırlığı ve öğreneceği bir şey "
        "yoktur. Geriye doğru, en büyüğün gradyanı yalnızca kazanan girdiye gider, ötekiler bir şey almaz; "
        "ortalamanınki eşit bölüşülür, her birine 1/f². Pencereler örtüşürse payları toplanır.",
    ),
    formula=r"\frac{\partial E}{\partial x_k} = \sum_{w \ni k} \frac{\partial E}{\partial o_w}\cdot"
    r"\begin{cases}[k = \arg\max_w x] & \text{max} \\ 1/f^2 & \text{mean}\end{cases}",
    run=run,
    options=PoolingOptions,
)
