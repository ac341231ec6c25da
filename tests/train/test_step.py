"""One step against the same step written out in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from derin.train.config import TrainConfig
from derin.train.optimizers import build_optimizer
from derin.train.plan import Plan
from derin.train.step import PlannedStep

RATE = 0.1


def one_step(model: nn.Module, batches: list[tuple[Tensor, Tensor, Tensor | None]], **settings: float) -> None:
    """Mean squared errors through `minimize`, with plain gradient descent."""
    config = TrainConfig(optimizer="sgd", learning_rate=RATE, accumulate=len(batches), **settings)  # type: ignore[arg-type]
    optimizer = build_optimizer("sgd", model, learning_rate=RATE)
    step = PlannedStep(model, {"model": optimizer}, plan=Plan(), config=config, device_type="cpu", average=None)
    step.set_lr(RATE)
    for place, (x, y, weights) in enumerate(batches, start=1):
        step.is_update_step = place == len(batches)
        errors = (model(x) - y).square().sum(dim=1)
        if weights is None:
            step.minimize("model", errors.mean(), len(x))
        else:
            step.minimize("model", (errors * weights).sum() / weights.sum(), weights.sum())


def problem(num: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(num, 5, generator=generator).double(), torch.randn(num, 3, generator=generator).double()


def gradient(weight: Tensor, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    """d/dW of Σ wᵢ ‖W xᵢ − yᵢ‖² / Σ wᵢ."""
    return 2 * ((x @ weight.T - y) * weights[:, None]).T @ x / weights.sum()


@pytest.mark.parametrize("weighted", [False, True])
def test_unequal_batches_accumulate_to_the_mean_over_all_their_examples(weighted: bool) -> None:
    model = nn.Linear(5, 3, bias=False).double()
    before = model.weight.detach().clone()
    parts = [problem(7, 0), problem(4, 1), problem(2, 2)]
    weights = [torch.rand(len(x), dtype=torch.float64) + 0.1 for x, _ in parts]
    one_step(model, [(x, y, w if weighted else None) for (x, y), w in zip(parts, weights, strict=True)])
    x, y = torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])
    w = torch.cat(weights) if weighted else torch.ones(13, dtype=torch.float64)
    # float64 throughout; the group's weight passes through a Python float.
    torch.testing.assert_close(model.weight.detach(), before - RATE * gradient(before, x, y, w), rtol=1e-12, atol=1e-14)


def test_the_gradient_is_clipped_to_its_norm() -> None:
    model = nn.Linear(5, 3, bias=False).double()
    before = model.weight.detach().clone()
    x, y = problem(6, 3)
    one_step(model, [(x, y, None)], clip_norm=0.5)
    full = gradient(before, x, y, torch.ones(6, dtype=torch.float64))
    clipped = full * (0.5 / full.norm())
    # torch adds 1e-6 to the norm before it divides.
    torch.testing.assert_close(model.weight.detach(), before - RATE * clipped, rtol=1e-6, atol=1e-7)


def test_l1_pulls_weights_towards_zero_and_spares_biases() -> None:
    model = nn.Linear(5, 3).double()
    weight, bias = model.weight.detach().clone(), model.bias.detach().clone()
    x, _ = problem(6, 4)
    y = model(x).detach()  # no error, so that only L1 moves anything
    one_step(model, [(x, y, None)], l1=0.01)
    torch.testing.assert_close(model.weight.detach(), weight - RATE * 0.01 * weight.sign(), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(model.bias.detach(), bias, rtol=0, atol=1e-14)


def test_a_loss_without_a_weight_counts_as_one() -> None:
    """Losses 2w and 4w with weights 1 (not said) and 3: the mean of their slopes is (2 + 3·4) / 4."""
    model = nn.Linear(1, 1, bias=False)
    before = model.weight.item()
    config = TrainConfig(optimizer="sgd", learning_rate=RATE, accumulate=2)
    optimizer = build_optimizer("sgd", model, learning_rate=RATE)
    step = PlannedStep(model, {"model": optimizer}, plan=Plan(), config=config, device_type="cpu", average=None)
    step.set_lr(RATE)
    step.is_update_step = False
    step.minimize("model", 2 * model.weight.sum())
    step.is_update_step = True
    step.minimize("model", 4 * model.weight.sum(), 3.0)
    assert before - model.weight.item() == pytest.approx(RATE * 14 / 4, rel=1e-5)
