"""Which examples are kept to be looked at, against a sort of all of them at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from derin.core.errors import UsageError
from derin.data.batch import Batch
from derin.tasks.binary import Binary
from derin.tasks.classification import Classification
from derin.tasks.informative import InformativeExamples
from derin.tasks.multilabel import MultiLabel
from derin.tasks.precision import check_network
from derin.tasks.regression import Regression

NUM, SHOWN = 41, 4


def found_by(task: Any, inputs: np.ndarray, targets: torch.Tensor, num: int = SHOWN) -> dict[str, Any]:
    """What is found where the examples come in batches of odd sizes."""
    telling = InformativeExamples(task, num)
    for start, stop in ((0, 3), (3, 20), (20, 21), (21, NUM)):
        batch = Batch({"input": torch.tensor(inputs[start:stop], dtype=torch.float32)}, torch.arange(start, stop))
        telling.add(task.predict(nn.Identity(), batch), targets[start:stop])
    return telling.compute()


def strongest(scores: np.ndarray, allowed: np.ndarray, num: int = SHOWN) -> list[int]:
    """The places of the largest scores, of equal ones the earlier."""
    places = np.flatnonzero(allowed)
    return places[np.argsort(-scores[places], kind="stable")][:num].tolist()


def require(found: dict[str, Any], **expected: list[int]) -> None:
    for reason in ("loss", "confident", "unsure"):
        assert found["place"][found["reason"] == reason].tolist() == expected.get(reason, [])
    assert {len(values) for values in found.values()} == {sum(map(len, expected.values()))}


@pytest.mark.parametrize("grain", [0.0, 0.5])  # with a grain many are equal
def test_of_several_classes(grain: float) -> None:
    random = np.random.default_rng(0)
    logits, targets = random.normal(size=(NUM, 3)), random.integers(0, 3, NUM)
    logits = np.round(logits / grain) * grain if grain else logits
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    losses, answers = -np.log(p[np.arange(NUM), targets]), p.argmax(axis=1)
    lead = np.diff(np.sort(p, axis=1)[:, -2:])[:, 0]
    found = found_by(Classification(columns=["y"], classes=["a", "b", "c"]), logits, torch.from_numpy(targets))
    if not grain:
        require(
            found,
            loss=strongest(losses, np.full(NUM, True)),
            confident=strongest(p.max(axis=1), answers != targets),
            unsure=strongest(-lead, lead < 0.5),
        )
    np.testing.assert_allclose(found["loss"], losses[found["place"]], rtol=1e-5)
    np.testing.assert_allclose(found["probability"], p.max(axis=1)[found["place"]], rtol=1e-5)
    assert found["true"].tolist() == ["abc"[k] for k in targets[found["place"]]]
    assert found["predicted"].tolist() == ["abc"[k] for k in answers[found["place"]]]
    whole = InformativeExamples(Classification(columns=["y"], classes=["a", "b", "c"]), SHOWN)
    outputs = Batch({"input": torch.tensor(logits, dtype=torch.float32)}, torch.arange(NUM))
    whole.add(Classification(columns=["y"], classes=["a", "b", "c"]).predict(nn.Identity(), outputs),
              torch.from_numpy(targets))  # fmt: skip
    assert whole.compute()["place"].tolist() == found["place"].tolist()


def test_of_yes_and_no_by_the_threshold() -> None:
    random = np.random.default_rng(1)
    logits, targets = 2 * random.normal(size=NUM), random.integers(0, 2, NUM)
    yes = 1 / (1 + np.exp(-logits))
    answers = yes >= 0.3
    sure, lead = np.where(answers, yes, 1 - yes), np.abs(2 * yes - 1)
    task = Binary(columns=["y"], classes=["no", "yes"], threshold=0.3)
    require(
        found_by(task, logits[:, None], torch.tensor(targets, dtype=torch.float32)),
        loss=strongest(np.logaddexp(0, np.where(targets, -logits, logits)), np.full(NUM, True)),
        confident=strongest(sure, answers != targets),
        unsure=strongest(-lead, lead < 0.5),
    )


def test_of_several_labels_the_surest_wrong_and_the_least_sure_one_count() -> None:
    random = np.random.default_rng(2)
    logits, targets = 3 * random.normal(size=(NUM, 3)), random.integers(0, 2, (NUM, 3))
    targets[::2] = logits[::2] >= 0
    thresholds = np.array([0.5, 0.2, 0.7])
    yes = 1 / (1 + np.exp(-logits))
    answers = yes >= thresholds
    sure = np.where(answers, yes, 1 - yes)
    lead = (2 * sure - 1).min(axis=1)
    losses = np.logaddexp(0, np.where(targets, -logits, logits)).mean(axis=1)
    found = found_by(
        MultiLabel(columns=["y"], classes=["a", "b", "c"], thresholds=thresholds.tolist()),
        logits,
        torch.tensor(targets, dtype=torch.float32),
    )
    require(
        found,
        loss=strongest(losses, np.full(NUM, True)),
        confident=strongest(np.where(answers != targets, sure, 0).max(axis=1), (answers != targets).any(axis=1)),
        unsure=strongest(-lead, lead < 0.5),
    )
    assert found["predicted"].tolist() == [", ".join(np.array(list("abc"))[row]) for row in answers[found["place"]]]
    assert np.isnan(found["probability"]).all()


def test_numbers_are_kept_for_their_loss_alone() -> None:
    random = np.random.default_rng(3)
    outputs, targets = random.normal(size=(NUM, 2)), random.normal(size=(NUM, 2)).astype(np.float32)
    found = found_by(Regression(columns=["a", "b"], mean=[1.0, 2.0], std=[3.0, 0.5]), outputs, torch.tensor(targets))
    losses = np.square(outputs - targets).mean(axis=1)
    require(found, loss=strongest(losses, np.full(NUM, True)))
    units = outputs[found["place"]] * [3.0, 0.5] + [1.0, 2.0]
    assert found["predicted"].tolist() == [f"{a:.4g}, {b:.4g}" for a, b in units]
    assert np.isnan(found["probability"]).all()


class Halved(nn.Module):
    """Reads float32 with a table of another precision."""

    def __init__(self, buffer: bool) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.register_buffer("steps", torch.ones(3, dtype=torch.int64))
        self.register_buffer("table", torch.ones(3, 2, dtype=torch.float16 if buffer else torch.float32))
        if not buffer:
            self.layer.half()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) + x @ self.table


@pytest.mark.parametrize(
    ("buffer", "named"), [(True, "buffer 'table' is float16"), (False, "'layer.weight' is float1")]
)
def test_the_first_part_in_another_precision_is_named(buffer: bool, named: str) -> None:
    task = Classification(columns=["y"], classes=["a", "b"])
    batch = Batch({"input": torch.ones(2, 3), "target": torch.zeros(2, dtype=torch.int64)}, torch.arange(2))
    with pytest.raises(UsageError, match=named):
        check_network(task, Halved(buffer), batch)
    with pytest.raises(RuntimeError, match="shapes"):  # what fails for another reason says its own
        check_network(task, nn.Sequential(nn.Linear(4, 2)), batch)
