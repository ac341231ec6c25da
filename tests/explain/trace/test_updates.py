"""The traced step of an optimizer is the step that the product's own optimizer makes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from derin.core.errors import ShapeError, UnknownNameError, UsageError
from derin.explain.trace.updates import UPDATES, Update, UpdateSettings, trace_update
from derin.train.optimizers import build_optimizer

# What the product's configs call the constants that are not the same for all optimizers.
OPTIONS = {
    "momentum": {"dampening": 0.25},
    "rmsprop": {"alpha": 0.8, "eps": 1e-3},
    "adam": {"betas": (0.7, 0.95), "eps": 1e-3},
    "adamw": {"betas": (0.7, 0.95), "eps": 1e-3},
}


def five_steps(name: str, weight_decay: float) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """A weight after each of five steps, by the product's optimizer in float64 and by the traced one."""
    draw = np.random.default_rng(3)
    layer = torch.nn.Linear(5, 3, bias=False, dtype=torch.float64)
    gradients = draw.normal(size=(5, 3, 5))
    optimizer = build_optimizer(
        name, layer, learning_rate=0.07, weight_decay=weight_decay, momentum=0.6, fused=False, **OPTIONS.get(name, {})
    )
    settings = UpdateSettings(learning_rate=0.07, weight_decay=weight_decay, momentum=0.6, **OPTIONS.get(name, {}))
    theirs, ours = [], []
    theta, state = layer.weight.detach().numpy().copy(), None
    for gradient in gradients:
        layer.weight.grad = torch.from_numpy(gradient)
        optimizer.step()
        theirs.append(layer.weight.detach().numpy().copy())
        update = trace_update(name, theta, gradient, state, settings)
        theta, state = update.new_parameter, update.state
        ours.append(theta)
    return theirs, ours


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("name", UPDATES)
def test_five_traced_steps_end_where_the_optimizer_ends(name: str, weight_decay: float) -> None:
    theirs, ours = five_steps(name, weight_decay)
    for step, (wanted, got) in enumerate(zip(theirs, ours, strict=True)):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, err_msg=f"{name}, step {step + 1}")


def test_adams_intermediate_arrays_by_hand() -> None:
    # g = 2: m = 0.1·2, s = 0.001·4, divided by 0.1 and 0.001. Then g = −1: m = 0.18 − 0.1, s = 0.003996 + 0.001.
    settings = UpdateSettings(learning_rate=0.5)
    first = trace_update("adam", [1.0], [2.0], settings=settings)
    assert [first[name].item() for name in ("mean", "square", "corrected_mean", "corrected_square")] == pytest.approx(
        [0.2, 0.004, 2.0, 4.0]
    )
    assert first.new_parameter.item() == pytest.approx(0.5)
    second = trace_update("adam", first.new_parameter, [-1.0], first.state, settings)
    assert second["mean"].item() == pytest.approx(0.08)
    assert second["corrected_mean"].item() == pytest.approx(0.08 / 0.19)
    assert second["corrected_square"].item() == pytest.approx(0.004996 / 0.001999)


def test_a_velocity_starts_as_the_gradient_and_then_decays() -> None:
    settings = UpdateSettings(momentum=0.9)
    first = trace_update("momentum", [0.0], [1.0], settings=settings)
    second = trace_update("momentum", first.new_parameter, [1.0], first.state, settings)
    assert (first["velocity"].item(), second["velocity"].item()) == (1.0, 1.9)


@pytest.mark.parametrize("name", UPDATES)
def test_every_computed_array_has_a_formula(name: str) -> None:
    update: Update = trace_update(name, np.ones((2, 3)), np.ones((2, 3)), settings=UpdateSettings(weight_decay=0.1))
    given, computed = update.parts[:2], update.parts[2:]
    assert [part.name for part in given] == ["parameter", "gradient"]
    assert all(part.formula and part.value.shape == (2, 3) for part in computed)
    assert computed[-1].name == "new_parameter"


def test_what_is_given_is_not_changed() -> None:
    theta, gradient = np.array([1.0, 2.0]), np.array([0.5, -0.5])
    update = trace_update("nesterov", theta, gradient)
    trace_update("nesterov", update.new_parameter, gradient, update.state)
    assert theta.tolist() == [1.0, 2.0]
    assert gradient.tolist() == [0.5, -0.5]
    assert update["velocity"].tolist() == [0.5, -0.5]


def test_nonsense_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="'adam'"):
        trace_update("adan", [1.0], [1.0])
    with pytest.raises(ShapeError, match=r"\(3,\)"):
        trace_update("sgd", [1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(UsageError, match="betas"):
        UpdateSettings(betas=(0.9, 1.0))
    with pytest.raises(UsageError, match="learning_rate"):
        UpdateSettings(learning_rate=-0.1)
    with pytest.raises(UnknownNameError, match="velocity"):
        trace_update("momentum", [1.0], [1.0])["velocty"]
