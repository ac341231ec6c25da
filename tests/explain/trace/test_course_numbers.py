"""The numbers of the course come out of the trace engine: rows A2, A10, A12, D2 (A8 and A9 have files of their own)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from derin.core.errors import ShapeError
from derin.explain.trace.trace import Trace, trace


def outputs(found: Trace, operation: str) -> list[np.ndarray]:
    """What each node of an operation gave."""
    return [found.values[node.name] for node in found.graph.of_kind("operation") if node.operation == operation]


def line(m: float, b: float, *, bias: bool = True) -> nn.Module:
    layer = nn.Linear(1, 1, bias=bias, dtype=torch.float64)
    nn.init.constant_(layer.weight, m)
    if bias:
        nn.init.constant_(layer.bias, b)
    return layer


def on_the_points(model: nn.Module) -> Trace:
    return trace(model, torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [5.0]]), optimizer="sgd", learning_rate=0.1)


def test_a2_the_line_of_the_course() -> None:
    found = on_the_points(line(-1.0, 5.0))
    predictions = next(value for value in found.values.values() if np.array_equal(value, [[4.0], [3.0]]))
    assert predictions.shape == (2, 1)
    assert found.loss == 2.5
    assert np.sqrt(found.loss) == pytest.approx(1.58, abs=5e-3)
    # d/dm = 2/n Σ x (ŷ − y) = 1·1 + 2·(−2), d/db = 2/n Σ (ŷ − y) = 1 − 2
    assert found.gradients["weight"].item() == -3
    assert found.gradients["bias"].item() == -1
    assert [update.new_parameter.item() for update in found.updates] == pytest.approx([-0.7, 5.1])


def test_a2_another_line_and_one_through_the_origin() -> None:
    assert on_the_points(line(-1.0, 4.0)).loss == 4.5
    # Without a bias the best slope is Σxy/Σx² = 13/5; there the derivative vanishes.
    assert on_the_points(line(2.6, 0.0, bias=False)).gradients["weight"].item() == pytest.approx(0, abs=1e-12)


def test_a10_softmax_regression() -> None:
    z = torch.tensor([[5.0, 2.0, -1.0, 3.0]])
    found = trace(nn.Softmax(dim=1), z, torch.tensor([[1.0, 0.0, 0.0, 0.0]]))
    assert any(
        value.shape == (1, 4) and value.round(3).tolist() == [[0.842, 0.042, 0.002, 0.114]]
        for value in found.values.values()
    )
    probabilities = torch.tensor([[0.3, 0.2, 0.1, 0.4]])
    # Class 2 of the course is number 1 here; the logits are the logarithms of ŷ.
    found = trace(nn.Identity(), probabilities.log(), torch.tensor([1]))
    assert found.loss == pytest.approx(1.609, abs=5e-4)
    # dz = ŷ − y
    np.testing.assert_allclose(found.gradients["x"], [[0.3, 0.2 - 1, 0.1, 0.4]], atol=1e-7)


class Shares(nn.Module):
    """Each column of a table in percent of its sum."""

    def forward(self, table: torch.Tensor) -> torch.Tensor:
        return 100 * table / table.sum(dim=0).reshape(1, 4)


def test_a12_the_calories() -> None:
    table = torch.tensor(
        [[56.0, 0.0, 4.4, 68.0], [1.2, 104.0, 52.0, 8.0], [1.8, 135.0, 99.0, 0.9]], dtype=torch.float64
    )
    found = trace(Shares(), table, torch.zeros(3, 4, dtype=torch.float64))
    shares = outputs(found, "aten.div")[0]
    # As the course prints them.
    wanted = [
        [94.91525424, 0.0, 2.83140283, 88.42652796],
        [2.03389831, 43.51464435, 33.46203346, 10.40312096],
        [3.05084746, 56.48535565, 63.70656371, 1.17035111],
    ]
    np.testing.assert_allclose(shares, wanted, atol=5e-9)
    assert [59.0, 239.0, 155.4, 76.9] in [value.round(9).ravel().tolist() for value in found.values.values()]


class Product(nn.Module):
    """A tensor times another one, which is a parameter."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(5)
        self.other = nn.Parameter(torch.randn(shape, generator=draw, dtype=torch.float64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.matmul(x, self.other)


@pytest.mark.parametrize(("other", "letters"), [((5,), "abcd,d->abc"), ((5, 6), "abcd,de->abce")])
def test_a12_products_of_tensors(other: tuple[int, ...], letters: str) -> None:
    model, x = Product(*other), torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    wanted = np.einsum(letters, x.numpy(), model.other.detach().numpy())
    found = trace(model, x, torch.zeros(wanted.shape, dtype=torch.float64))
    assert found.loss == pytest.approx(np.mean(wanted**2), rel=1e-12)
    assert found.gradients["other"].shape == other
    assert max(found.differences.values()) < 1e-9


def test_a12_a_broadcast_that_would_make_a_wrong_loss_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(5,\)"):
        trace(nn.Linear(3, 1), torch.zeros(5, 3), torch.zeros(5))


# Document 000: a picture and what mirror padding makes of it, the edge repeated.
PICTURE = [
    [1, 0, 1, 1, 0, 1],
    [0, 1, 0, 0, 1, 0],
    [0, 1, 1, 1, 1, 0],
    [0, 1, 1, 1, 1, 0],
    [1, 0, 1, 1, 0, 1],
    [1, 1, 0, 0, 1, 1],
]
MIRRORED = [
    [1, 1, 0, 1, 1, 0, 1, 1],
    [1, 1, 0, 1, 1, 0, 1, 1],
    [0, 0, 1, 0, 0, 1, 0, 0],
    [0, 0, 1, 1, 1, 1, 0, 0],
    [0, 0, 1, 1, 1, 1, 0, 0],
    [1, 1, 0, 1, 1, 0, 1, 1],
    [1, 1, 1, 0, 0, 1, 1, 1],
    [1, 1, 1, 0, 0, 1, 1, 1],
]


class Padding(nn.Module):
    """One place more on each side."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.mode = mode

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.pad(x, (1, 1, 1, 1), mode=self.mode)


@pytest.mark.parametrize(
    ("mode", "first_row"),
    [
        ("constant", [0, 0, 0, 0, 0, 0, 0, 0]),
        ("replicate", [1, 1, 0, 1, 1, 0, 1, 1]),
        ("reflect", [1, 0, 1, 0, 0, 1, 0, 1]),
    ],
)
def test_d2_three_ways_to_pad(mode: str, first_row: list[int]) -> None:
    x = torch.tensor(PICTURE, dtype=torch.float64)[None, None]
    found = trace(Padding(mode), x, torch.zeros(1, 1, 8, 8, dtype=torch.float64))
    padded = next(value[0, 0] for value in found.values.values() if value.shape == (1, 1, 8, 8) and value.any())
    assert padded[0].tolist() == first_row
    assert padded[1:-1, 1:-1].tolist() == PICTURE
    if mode == "replicate":
        assert padded.tolist() == MIRRORED
    # Of the loss (Σ padded²)/64 every place of the picture gets 2/64 of its value, for each copy of it.
    copies = np.zeros((6, 6))
    for row, column in np.ndindex(8, 8):
        sources = [_source(place, mode) for place in (row, column)]
        if None not in sources:
            copies[tuple(sources)] += 1
    np.testing.assert_allclose(found.gradients["x"][0, 0], 2 / 64 * copies * PICTURE, atol=1e-12)


def _source(place: int, mode: str) -> int | None:
    """Which of six places stands at a place of the padded eight."""
    inner = place - 1
    if 0 <= inner < 6:
        return inner
    return {"constant": None, "replicate": min(max(inner, 0), 5), "reflect": 1 if inner < 0 else 4}[mode]


@pytest.mark.parametrize(
    ("side", "kernel", "padding", "stride"), [(6, 3, 0, 1), (6, 3, 1, 1), (7, 3, 0, 2), (9, 5, 2, 1), (8, 3, 1, 3)]
)
def test_d2_the_size_of_a_convolution(side: int, kernel: int, padding: int, stride: int) -> None:
    size = (side + 2 * padding - kernel) // stride + 1
    layer = nn.Conv2d(1, 1, kernel, stride=stride, padding=padding, dtype=torch.float64)
    found = trace(layer, torch.ones(1, 1, side, side, dtype=torch.float64), torch.zeros(1, 1, size, size))
    assert outputs(found, "aten.convolution")[0].shape == (1, 1, size, size)
    if stride == 1 and padding == (kernel - 1) / 2:
        assert size == side  # "same"
