"""Probabilities become names in the right order."""

from __future__ import annotations

import json

import torch

from derin.tasks.ranking import predictions


def test_most_probable_classes_come_first_and_at_most_five() -> None:
    classes = [str(k) for k in range(7)]
    rows = torch.tensor([[0.05, 0.3, 0.1, 0.02, 0.4, 0.08, 0.05], [0.9, 0.0, 0.0, 0.1, 0.0, 0.0, 0.0]])
    first, second = predictions(rows, classes)
    assert [c.name for c in first] == ["4", "1", "2", "5", "0"]
    assert (first.label, second.label, len(second)) == ("4", "0", 5)
    assert first.probability == rows[0, 4].item()


def test_equal_probabilities_keep_the_order_of_the_classes() -> None:
    answer = predictions(torch.full((1, 3), 1 / 3), ["a", "b", "c"])[0]
    assert [c.name for c in answer] == ["a", "b", "c"]


def test_label_by_threshold_has_its_own_probability() -> None:
    answer = predictions(torch.tensor([[0.75, 0.25]]), ["no", "yes"], torch.tensor([1]))[0]
    assert json.loads(json.dumps(answer.to_json())) == {
        "label": "yes",
        "probability": 0.25,
        "top": [["no", 0.75], ["yes", 0.25]],
    }
