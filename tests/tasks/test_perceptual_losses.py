"""Costs of content and style are the published formulas, written out in NumPy; gradients are those of the costs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from derin.core.errors import ShapeError
from derin.tasks.perceptual_losses import content_cost, gram_matrix, style_cost, total_variation


def maps(seed: int, *shape: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def test_costs_are_the_sums_of_the_formulas() -> None:
    one, wanted = maps(0, 2, 3, 4, 5), maps(1, 2, 3, 4, 5)
    a, p = one.numpy(), wanted.numpy()
    gram = np.array(
        [
            [
                [sum(a[b, k, i, j] * a[b, m, i, j] for i in range(4) for j in range(5)) / 20 for m in range(3)]
                for k in range(3)
            ]
            for b in range(2)
        ]
    )
    # Sums of 20 and 60 products in float64 in another order.
    np.testing.assert_allclose(gram_matrix(one).numpy(), gram, rtol=1e-12, atol=1e-14)
    known = [((a[b] - p[b]) ** 2).sum() / (p[b] ** 2).sum() for b in range(2)]
    np.testing.assert_allclose(content_cost(one, wanted).numpy(), known, rtol=1e-12)
    # One style of another size for both pictures.
    style = gram_matrix(maps(2, 1, 3, 6, 7))
    known = [((gram[b] - style[0].numpy()) ** 2).sum() / (style[0].numpy() ** 2).sum() for b in range(2)]
    np.testing.assert_allclose(style_cost(gram_matrix(one), style).numpy(), known, rtol=1e-12)
    rough = [
        np.mean((a[b, :, 1:] - a[b, :, :-1]) ** 2) + np.mean((a[b, :, :, 1:] - a[b, :, :, :-1]) ** 2) for b in range(2)
    ]
    np.testing.assert_allclose(total_variation(one).numpy(), rough, rtol=1e-12)


def test_gradients_are_those_of_the_costs() -> None:
    wanted, style = maps(1, 1, 3, 4, 5), gram_matrix(maps(2, 1, 3, 6, 7))

    def cost(x: Tensor) -> Tensor:
        return content_cost(x, wanted) + style_cost(gram_matrix(x), style) + total_variation(x)

    assert torch.autograd.gradcheck(cost, maps(0, 1, 3, 4, 5).requires_grad_())


def test_a_layer_that_is_silent_costs_nothing_and_not_infinity() -> None:
    silent = torch.zeros(1, 3, 4, 5)
    assert content_cost(silent, silent).item() == 0
    assert style_cost(gram_matrix(silent), gram_matrix(silent)).item() == 0


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="same shape"):
        content_cost(maps(0, 1, 3, 4, 5), maps(0, 1, 3, 5, 4))
    with pytest.raises(ShapeError, match=r"\(B, C, H, W\)"):
        gram_matrix(maps(0, 3, 4))
    with pytest.raises(ShapeError, match="2 pixels"):
        total_variation(maps(0, 1, 3, 1, 4))
