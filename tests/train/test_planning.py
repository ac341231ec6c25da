"""When a run is long enough for its steps to be timed first."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from derin.data.batch import Batch
from derin.layers.recurrent import Recurrent
from derin.tasks.classification import Classification
from derin.train import planning
from derin.train.config import TrainConfig
from derin.train.plan import MIN_OPERATIONS_FOR_TRIALS, Plan, Trial

CLASSES = ["a", "b", "c"]
BATCH, FEATURES = 8, 50
OPERATIONS_PER_STEP = 2 * BATCH * FEATURES * len(CLASSES)


class Source:
    """Says how many batches it has and gives the same one again and again."""

    batch_size = BATCH

    def __init__(self, num_batches: int) -> None:
        self.num_batches = num_batches
        self.num_examples = num_batches * BATCH

    def batches(self, epoch: int, from_step: int = 0) -> Iterator[Batch]:
        for _ in range(from_step, self.num_batches):
            target = torch.arange(BATCH) % len(CLASSES)
            yield Batch({"input": torch.ones(BATCH, FEATURES), "target": target}, torch.arange(BATCH))


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Notes that trials would have run, and how many plans they would have had."""
    found: list[int] = []

    def choose(plans: list[Plan], *args: object, **options: object) -> tuple[Plan, list[Trial]]:
        found.append(len(plans))
        return plans[-1], []

    monkeypatch.setattr(planning, "choose_plan", choose)
    return found


def find(num_batches: int, model: nn.Module | None = None, epochs: int = 2) -> Plan:
    task = Classification(columns=["kind"], classes=CLASSES)
    config = TrainConfig(epochs=epochs, device="cpu")
    network = model or nn.Linear(FEATURES, len(CLASSES))
    return planning.find_plan(network, task, Source(num_batches), config, torch.device("cpu"))[0]


def test_few_steps_take_the_plain_plan(timed: list[int]) -> None:
    assert find(124) == Plan(precision="fp32")
    assert timed == []


def test_many_short_steps_take_the_plain_plan_until_they_add_up(timed: list[int]) -> None:
    enough = int(MIN_OPERATIONS_FOR_TRIALS / OPERATIONS_PER_STEP) // 2 + 1
    assert find(enough - 2) == Plan(precision="fp32")
    assert timed == []
    find(enough)
    assert timed == [3]


def test_counting_the_operations_leaves_the_network_as_it_was(timed: list[int]) -> None:
    class Noting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.output = nn.BatchNorm1d(FEATURES), nn.Linear(FEATURES, len(CLASSES))

        def forward(self, x: Tensor) -> Tensor:
            return self.output(self.norm(x))

    model = Noting()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    find(125, model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_the_products_of_recurrent_layers_are_counted(kind: str, timed: list[int]) -> None:
    """They are most of the work; counted as nothing, a long training of an LSTM got the plain plan."""
    steps, hidden, gates = 10, 64, {"rnn": 1, "gru": 3, "lstm": 4}[kind]

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.recurrent, self.output = Recurrent(kind, 5, hidden), nn.Linear(hidden, len(CLASSES))

        def forward(self, x: Tensor) -> Tensor:
            outputs, _ = self.recurrent(x.view(len(x), steps, 5))
            return self.output(outputs[:, -1])

    task = Classification(columns=["kind"], classes=CLASSES)
    (batch,) = Source(1).batches(0)
    of_recurrence = BATCH * steps * gates * hidden * (5 + hidden)
    of_output = BATCH * hidden * len(CLASSES)
    assert planning._operations(Reader(), task, batch) == 2 * (of_recurrence + of_output)


def test_plans_are_tried_at_a_tenth_of_the_rate_on_single_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[Tensor] = []

    def choose(plans: list[Plan], model: nn.Module, make_step: Any, **options: object) -> tuple[Plan, list[Trial]]:
        network = copy.deepcopy(model).eval()
        run = make_step(network, plans[0])
        assert network.training
        for index in range(2):
            run(index)
            moved.append(network.weight.detach().clone())
        return plans[0], []

    monkeypatch.setattr(planning, "choose_plan", choose)
    monkeypatch.setattr(planning, "MIN_OPERATIONS_FOR_TRIALS", 0)
    model = nn.Linear(FEATURES, len(CLASSES))
    task = Classification(columns=["kind"], classes=CLASSES)
    settings: dict[str, Any] = {"optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0, "learning_rate": 0.5}
    config = TrainConfig(epochs=2, device="cpu", accumulate=3, **settings)
    planning.find_plan(model, task, Source(125), config, torch.device("cpu"))
    weight, bias = model.weight.detach().clone().requires_grad_(), model.bias.detach().clone().requires_grad_()
    for found in moved:
        scores = torch.ones(BATCH, FEATURES) @ weight.T + bias
        loss = nn.functional.cross_entropy(scores, torch.arange(BATCH) % len(CLASSES))
        gradients = torch.autograd.grad(loss, (weight, bias))
        weight, bias = (p.detach().sub(g, alpha=0.05).requires_grad_() for p, g in zip((weight, bias), gradients))
        torch.testing.assert_close(found, weight.detach())


def test_fused_updates_are_tried_where_they_exist_and_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def choose(plans: list[Plan], *args: object, **options: object) -> tuple[Plan, list[Trial]]:
        seen.append(any(plan.fused for plan in plans))
        return plans[0], []

    monkeypatch.setattr(planning, "choose_plan", choose)
    monkeypatch.setattr(planning, "MIN_OPERATIONS_FOR_TRIALS", 0)
    model, task = nn.Linear(FEATURES, len(CLASSES)), Classification(columns=["kind"], classes=CLASSES)
    for optimizer in ("adamw", "sgd", "rmsprop"):  # plain SGD is one addition; RMSprop has no fused kernel
        config = TrainConfig(epochs=1, device="cpu", optimizer=optimizer)
        planning.find_plan(model, task, Source(250), config, torch.device("cpu"))
    assert seen == [True, False, False]


def test_only_an_accelerator_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waited.append("cuda"))
    for kind, wanted in (("cpu", []), ("cuda", ["cuda"])):
        planning._synchronizer(torch.device(kind))()
        assert waited == wanted
