"""The table of the course tells the truth: what it names exists, and the course's own numbers come out."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import derin
from derin.cli.main import COMMANDS, GROUPS
from derin.train.optimizers import OPTIMIZERS, build_optimizer

ROOT = Path(__file__).resolve().parent.parent
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "course.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| [A-M]\d+ \|", line)
]
# How many rows each chapter of the course has.
CHAPTERS = {"A": 13, "B": 7, "C": 8, "D": 7, "E": 22, "F": 5, "G": 6, "H": 4, "I": 4, "J": 8, "K": 13, "L": 8, "M": 7}
QUICK = {"plan": "plain", "threads": 1, "report": False}


def test_every_row_of_the_course_stands_once_and_in_order() -> None:
    wanted = [f"{letter}{number}" for letter, count in CHAPTERS.items() for number in range(1, count + 1)]
    assert [row[0] for row in ROWS] == wanted


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_what_a_row_names_exists(row: list[str]) -> None:
    _, phrase, state, module, command, test = row
    assert phrase
    if state == "planned":
        assert (module, command, test) == ("", "", "")
        return
    assert state == "here" or state.startswith("in part: ")
    importlib.import_module(module.strip("`"))
    if command:
        assert command.strip("`").removeprefix("derin ").replace("-", "_") in {*COMMANDS, *GROUPS}
    path = re.fullmatch(r"\[[^]]+\]\(\.\./(tests/[^)]+)\)", test)
    assert path, test
    assert "def test_" in (ROOT / path[1]).read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "learned"), [("and", True), ("or", True), ("xor", False)])
def test_a1_a_perceptron_learns_and_and_or_but_not_xor(name: str, learned: bool, tmp_path: Path) -> None:
    assert (_accuracy(name, "perceptron", {}, tmp_path) == 1.0) is learned


def test_a1_one_hidden_layer_learns_xor(tmp_path: Path) -> None:
    assert _accuracy("xor", "mlp", {"hidden": [8]}, tmp_path) == 1.0


def test_a10_softmax_regression_of_the_course() -> None:
    from derin.layers.activations import activation
    from derin.tasks.losses import cross_entropy

    z = torch.tensor([[5.0, 2.0, -1.0, 3.0]], requires_grad=True)
    answer = activation("softmax")(z)
    assert answer.detach().numpy().round(3).tolist() == [pytest.approx([0.842, 0.042, 0.002, 0.114])]
    loss, _ = cross_entropy(z, torch.tensor([1]))
    loss.backward()
    # dz = ŷ − y, to the rounding of fp32.
    torch.testing.assert_close(z.grad, (answer - torch.tensor([[0.0, 1.0, 0.0, 0.0]])).detach())


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_a13_the_minimum_of_a_parabola_is_found(optimizer: str) -> None:
    class Parabola(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = torch.nn.Parameter(torch.zeros(1))

    model = Parabola()
    # Adagrad's steps shrink from the start on; those of Lion never do.
    rate = {"adagrad": 1.0, "lion": 0.01}.get(optimizer, 0.05)
    rule = build_optimizer(optimizer, model, learning_rate=rate, weight_decay=0.0)
    for _ in range(1000 if optimizer == "lion" else 400):
        rule.zero_grad()
        (model.w**2 - 10 * model.w + 25).sum().backward()
        rule.step()
    # Rules that divide by the gradient's size end within a step of the minimum, the others on it.
    assert model.w.item() == pytest.approx(5, abs=0.05)


def test_b1_sixty_thousand_examples_in_batches_of_128_are_469_steps(tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(size=(80_000, 1))
    run = derin.fit(
        (features, (features[:, 0] > 0).astype(int)),
        model="logistic",
        epochs=1,
        batch_size=128,
        out=tmp_path / "run",
        **QUICK,
    )
    assert run.record["data"]["splits"]["train"] == 60_000
    assert run.history[-1]["step"] == 469


def test_b7_clipping_bounds_the_norm_of_the_whole_gradient() -> None:
    before, after, gradient = _one_step(clip_norm=0.01)
    moved = np.concatenate([(after[name] - before[name]).ravel() for name in before])
    direction = np.concatenate([gradient[name].ravel() for name in before])
    # A rate of 0.1 and a norm of 0.01, to the rounding of fp32 numbers near 1.
    assert np.linalg.norm(moved) == pytest.approx(0.1 * 0.01, rel=1e-3)
    assert moved @ direction == pytest.approx(-np.linalg.norm(moved) * np.linalg.norm(direction), rel=1e-3)


def test_c1_l1_adds_the_sign_of_each_weight_to_its_gradient_and_spares_biases() -> None:
    before, after, gradient = _one_step(l1=0.3)
    weight = before["weight"] - 0.1 * (gradient["weight"] + 0.3 * np.sign(before["weight"]))
    np.testing.assert_allclose(after["weight"], weight, rtol=0, atol=1e-6)  # one rounding of fp32 near 1
    np.testing.assert_allclose(after["bias"], before["bias"] - 0.1 * gradient["bias"], rtol=0, atol=1e-6)


def test_c3_dropout_is_inverted_and_off_in_evaluation() -> None:
    from derin.layers import Dropout

    network = derin.Sequential([Dropout(0.2)], input_shape=(10_000,))
    ones = torch.ones(3, 10_000)
    torch.manual_seed(0)
    dropped = network.train()(ones)
    # What stays is divided by 1 − p, so that the mean stays: its deviation here is √(p/(1−p)/30 000) ≈ 0.003.
    assert set(dropped.unique().tolist()) == {0.0, 1.25}
    assert dropped.mean().item() == pytest.approx(1, abs=0.012)
    assert torch.equal(network.eval()(ones), ones)


def test_d4_parameters_of_the_courses_table() -> None:
    from derin.models.building import build
    from derin.models.summary import summarize

    network = build("lenet5", input_shape=(3, 32, 32), num_outputs=10, seed=0)
    layers = summarize(network, (3, 32, 32)).layers
    assert [layer.parameters for layer in layers if layer.parameters] == [456, 2_416, 48_120, 10_164, 850]


def _one_step(**settings: float) -> tuple[dict[str, np.ndarray], ...]:
    """Parameters before and after a step of gradient descent at a rate of 0.1, and the gradient itself."""
    from derin.train.config import TrainConfig
    from derin.train.plan import Plan
    from derin.train.step import PlannedStep

    torch.manual_seed(0)
    model, x = torch.nn.Linear(5, 3), torch.randn(7, 5)
    gradient = torch.autograd.grad(model(x).square().mean(), list(model.parameters()))
    before = {name: value.detach().numpy().copy() for name, value in model.named_parameters()}
    step = PlannedStep(
        model,
        {"main": build_optimizer("sgd", model, learning_rate=0.1, weight_decay=0.0)},
        plan=Plan(),
        config=TrainConfig(**settings),
        device_type="cpu",
        average=None,
    )
    step.minimize("main", model(x).square().mean(), 1.0)
    after = {name: value.detach().numpy() for name, value in model.named_parameters()}
    return before, after, {name: value.numpy() for name, value in zip(before, gradient, strict=True)}


def _accuracy(name: str, model: str, options: dict[str, object], folder: Path) -> float:
    """Accuracy on the test split of a truth table whose rows come often."""
    features = np.random.default_rng(0).integers(0, 2, size=(400, 2))
    first, second = features.T
    labels = {"and": first & second, "or": first | second, "xor": first ^ second}[name]
    run = derin.fit(
        (features.astype(float), labels),
        model=model,
        model_options=options,
        epochs=20,
        learning_rate=0.05,
        out=folder / "run",
        **QUICK,
    )
    return run.metrics["test"]["accuracy"]
