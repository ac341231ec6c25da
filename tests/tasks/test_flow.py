"""Flow matching against the formula in float64 NumPy, and its steps against fields whose way is known exactly."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from derin.core.errors import DerinError, RefusedFileError, UsageError
from derin.data.batch import Batch
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Ragged, Table
from derin.models.building import build
from derin.tasks.flow import Flow
from derin.tasks.flow_sampling import follow, guided
from derin.tasks.registry import task_from_json

CLASSES = ("owl", "dog", "cat")


class Linear(nn.Module):
    """v = a x + t + c: a velocity that NumPy can follow too."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(0.3))
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor, t: Tensor, condition: Tensor | None = None) -> Tensor:
        told = torch.zeros(len(x)) if condition is None else condition.float()
        self.seen.append(told)
        return self.a * x + (t + told)[:, None, None, None]


def batch(condition: Tensor | None = None, num: int = 5) -> Batch:
    x = torch.rand(num, 2, 3, 4, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return Batch({"input": x} | ({} if condition is None else {"condition": condition}), torch.arange(num))


@pytest.mark.parametrize("times", ["middle", "uniform"])
def test_the_loss_is_the_error_of_the_velocity_on_straight_ways(times: str) -> None:
    task, model, given = Flow("picture", times=times), Linear(), batch()
    torch.manual_seed(7)
    loss = task.loss(model, given)["loss"]
    torch.manual_seed(7)
    drawn = torch.randn(5) if times == "middle" else torch.rand(5)
    noise = torch.randn(5, 2, 3, 4).double().numpy()
    t = drawn.double().numpy()
    t = (1 / (1 + np.exp(-t)) if times == "middle" else t)[:, None, None, None]
    x = given["input"].double().numpy()
    expected = np.mean((0.3 * ((1 - t) * noise + t * x) + t - (x - noise)) ** 2)
    assert loss.item() == pytest.approx(expected, rel=1e-5)  # float32 sums of 120 squares
    assert task.loss(model, given)["loss"].item() != loss.item()


def test_the_best_velocity_between_gaussians_has_the_least_loss_and_leads_from_one_to_the_other() -> None:
    # x₀ of N(0, 1), x₁ of N(m, s²): E[x₁ − x₀ | x_t = x] = m + (t s² − (1 − t)) (x − t m) / ((1 − t)² + t² s²).
    m, s = 0.7, 0.4

    def velocity(x: Tensor, t: float) -> Tensor:
        return m + (t * s * s - (1 - t)) * (x - t * m) / ((1 - t) ** 2 + t * t * s * s)

    x = torch.linspace(-2, 2, 9, dtype=torch.float64)
    errors = {}
    for method in ("euler", "heun"):
        for steps in (8, 16, 32):
            *_, end = follow(velocity, x, steps, method)
            errors[method, steps] = (end - (m + s * x)).abs().max().item()  # the exact map of the flow
    for method, order in (("euler", 1), ("heun", 2)):
        for steps in (8, 16):
            measured = math.log2(errors[method, steps] / errors[method, 2 * steps])
            assert measured == pytest.approx(order, abs=0.35)  # orders hold as h falls to 0
    assert errors["heun", 32] < 1e-3


def test_guidance_goes_beyond_the_condition_by_the_formula() -> None:
    task, model = Flow("picture", "kind", condition="class", classes=CLASSES), Linear()
    task._shape = (2, 3, 4)
    told = torch.tensor([2, 3])
    ends = {}
    for guidance in (0.0, 1.0, 2.5):
        *_, ends[guidance] = task.way(model, np.arange(2), told, steps=3, guidance=guidance)
    beyond = ends[0.0] + 2.5 * (ends[1.0] - ends[0.0])  # the field is linear, and so is what guidance does
    assert torch.allclose(ends[2.5], beyond, atol=1e-5)
    a, b = torch.rand(2, 3), torch.rand(2, 3)
    assert torch.allclose(guided(a, b, 2.5), 2.5 * b - 1.5 * a)


def test_a_share_of_the_conditions_is_left_out_and_the_rest_reaches_the_network() -> None:
    task, model = Flow("picture", "kind", condition="class", classes=CLASSES, drop_condition=0.25), Linear()
    torch.manual_seed(0)
    task.loss(model, batch(torch.full((2_000,), 3), 2_000))
    (seen,) = model.seen
    assert set(seen.tolist()) == {0.0, 3.0}
    assert (seen == 0).float().mean().item() == pytest.approx(0.25, abs=0.04)  # four standard errors
    words = Flow("picture", "caption", condition="text", words=("a", "cat", "red"))
    tokens = torch.from_numpy(words.tokens(["A red cat", "cat"]))
    assert tokens.tolist() == [[2, 4, 6, 5], [2, 5, 0, 0]]
    assert words._nothing(tokens).tolist() == [[2, 0, 0, 0]] * 2


def test_pictures_are_a_function_of_seed_and_row_and_not_of_the_batch() -> None:
    task = Flow("picture", "kind", condition="class", classes=CLASSES)
    task._shape = (1, 8, 8)
    network = build(
        "flow_unet", input_shape=(1, 8, 8), num_outputs=1, seed=0, width=8, patch=1, condition="class", num_conditions=4
    ).train()
    made = task.make_pictures(network, 7, seed=3, steps=2)
    again = task.make_pictures(network, 7, seed=3, steps=2, batch_size=3)
    assert made.shape == (7, 8, 8, 1)
    assert made.dtype == np.uint8
    assert np.abs(made.astype(int) - again).max() <= 1  # a batch of another size may round another way
    assert np.abs(made.astype(int) - task.make_pictures(network, 7, seed=4, steps=2)).mean() > 1
    assert network.training
    frames = task.frames(network, 2, steps=2, seed=3)
    assert len(frames) == 3
    assert np.abs(frames[-1].astype(int) - made[:2]).max() <= 1


def table(kind: Kind = Kind.TEXT) -> Table:
    values: dict[Kind, Any] = {
        Kind.TEXT: Ragged.from_texts(["a red cat", "a dog", "A red dog", "a cat"]),
        Kind.CATEGORY: Dense(np.array([0, 1, 2, 1])),
    }
    told = Column(name="told", kind=kind, role=Role.TARGET, classes=CLASSES if kind is Kind.CATEGORY else None)
    picture = Column(name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=(8, 8, 1))
    return Table(
        name="pets",
        schema=Schema((picture, told)),
        columns={"picture": Dense(np.zeros((4, 8, 8, 1), dtype=np.uint8)), "told": values[kind]},
        splits={"train": np.array([0, 1]), "val": np.array([2, 3])},
    )


def test_the_table_says_what_pictures_are_told_and_the_card_keeps_it() -> None:
    rows = np.array([0, 1])
    text = Flow.from_table(table(), rows, {})
    assert (text.condition, text.words, text.shown) == ("text", ("a", "cat", "dog", "red"), ("A red dog", "a cat"))
    assert text.batch_columns(table())["condition"].tolist() == [[2, 4, 7, 5], [2, 4, 6, 0], [2, 4, 7, 6], [2, 4, 5, 0]]
    classes = Flow.from_table(table(Kind.CATEGORY), rows, {"times": "uniform"})
    assert classes.batch_columns(table(Kind.CATEGORY))["condition"].tolist() == [1, 2, 3, 2]
    assert Flow.from_table(table(), rows, {"condition": "none"}).told is None
    for task in (text, classes, Flow("picture")):
        assert task_from_json(json.loads(json.dumps(task.to_json()))) == task
    with pytest.raises(DerinError, match="needs a target column of classes"):
        Flow.from_table(table(), rows, {"condition": "class"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"condition": "tune"}, "condition"),
        ({"classes": ["a"]}, "does not go with"),
        ({"words": ["a", "a"]}, "words that are refused"),
        ({"drop_condition": 2.0}, "drop_condition"),
        ({"columns": ["a", "b", "c"]}, "one or two columns"),
        ({"times": 3}, "times"),
    ],
)
def test_a_card_that_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    card = Flow("picture", "told", condition="text", words=("a", "cat")).to_json()
    with pytest.raises(RefusedFileError, match=message):
        task_from_json({**card, **change})


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"label": "cow"}, "cow"),
        ({"text": "a cat"}, "told classes"),
        ({"steps": 0}, "takes 1 to 1,000 steps; got 0"),
        ({"method": "rk4"}, "euler, heun"),
        ({"guidance": -1.0}, "guidance"),
    ],
)
def test_wishes_that_cannot_be_are_refused_in_a_sentence(wishes: dict[str, Any], message: str) -> None:
    task = Flow("picture", "kind", condition="class", classes=CLASSES)
    task._shape = (2, 3, 4)
    with pytest.raises(UsageError, match=message):
        task.make_pictures(Linear(), 2, **wishes)


@pytest.mark.parametrize(
    ("text", "got"), [("a green cat", "'green'"), ("", "0 words"), (" ".join(["cat"] * 64), "64 words")]
)
def test_a_description_with_words_that_were_never_seen_is_refused(text: str, got: str) -> None:
    task = Flow("picture", "told", condition="text", words=("a", "cat", "red"), shown=("a red cat",))
    with pytest.raises(UsageError, match=f"got {got}. Use such as 'a red cat'; known words: a, cat, red"):
        task.conditions(2, text=text)


def test_a_network_that_gives_no_velocity_is_refused() -> None:
    network = build("convnet", input_shape=(2, 8, 8), num_outputs=2, seed=0)

    class Told(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network

        def forward(self, x: Tensor, t: Tensor) -> Tensor:
            found: Tensor = self.inner(x)
            return found

    with pytest.raises(UsageError, match="a velocity for every pixel"):
        Flow("picture").check_batch(Told(), Batch({"input": torch.zeros(3, 2, 8, 8)}, torch.arange(3)))
