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


def test_every_class_keeps_its_probability_and_as_many_are_listed_as_are_asked_for() -> None:
    classes = [f"c{k}" for k in range(9)]
    rows = torch.rand(2, 9).softmax(dim=1)
    answer = predictions(rows, classes)[1]
    assert dict(answer.probabilities) == dict(zip(classes, rows[1].tolist()))
    for num in (1, 9, None):
        best = sorted(zip(classes, rows[1].tolist()), key=lambda pair: -pair[1])
        assert list(answer.with_top(num)) == best[:num]
    assert (answer.with_top(1) == answer, answer.with_top(5) == answer) == (False, True)
