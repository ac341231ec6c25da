"""What a person asks about becomes the right number of the output, for every kind of task."""

from __future__ import annotations

import pytest
import torch
from tests.explain.networks import pictures, residual

from derin.core.errors import UnknownNameError, UsageError
from derin.explain.asked import ask
from derin.explain.grad_cam import grad_cam
from derin.explain.integrated_gradients import integrated_gradients
from derin.tasks.binary import Binary
from derin.tasks.classification import Classification
from derin.tasks.multilabel import MultiLabel
from derin.tasks.multitask import MultiTask
from derin.tasks.regression import Regression

OUTPUT = torch.tensor([[1.0, 5.0, 2.0], [7.0, 0.0, 3.0]])


def test_classes_are_asked_by_name_or_number_and_names_go_before() -> None:
    task = Classification(columns=["digit"], classes=["2", "0", "1"])
    assert ask(task, OUTPUT).names == ("0", "2")
    assert ask(task, OUTPUT, "1").score(OUTPUT).tolist() == [2.0, 3.0]
    other = Classification(columns=["kind"], classes=["cat", "dog", "owl"])
    asked = ask(other, OUTPUT, 1)
    assert asked.names == ("dog", "dog")
    assert torch.allclose(asked.measure(OUTPUT), OUTPUT.softmax(1)[:, 1])
    assert torch.allclose(asked.measure(OUTPUT.repeat(3, 1)), OUTPUT.softmax(1)[:, 1].repeat(3))
    with pytest.raises(UnknownNameError, match="did you mean 'owl'"):
        ask(other, OUTPUT, "owel")
    with pytest.raises(UnknownNameError, match="'3'"):
        ask(other, OUTPUT, "3")


def test_of_very_many_classes_only_two_are_named() -> None:
    task = Classification(columns=["kind"], classes=[f"kind {place}" for place in range(997)])
    with pytest.raises(UsageError, match="997 classes apart, such as 'kind 0' and 'kind 996'") as refused:
        ask(task, torch.zeros(1, 997), "zebra")
    assert len(str(refused.value)) < 200
    with pytest.raises(UnknownNameError, match="did you mean 'kind 12'"):
        ask(task, torch.zeros(1, 997), "kind12")


def test_of_two_classes_the_first_gains_what_the_second_loses() -> None:
    task, output = Binary(columns=["sick"], classes=["no", "yes"], threshold=0.1), torch.tensor([[-2.0], [-4.0]])
    asked = ask(task, output)
    assert asked.names == ("yes", "no")  # 12 % is above the threshold and 2 % below
    assert asked.score(output).tolist() == [-2.0, 4.0]
    assert asked.measure(output).tolist() == pytest.approx([0.1192, 0.9820], abs=1e-4)


def test_of_several_labels_the_most_probable_is_asked() -> None:
    task = MultiLabel(columns=["tags"], classes=["sea", "sun", "sand"])
    assert ask(task, OUTPUT).names == ("sun", "sea")
    assert ask(task, OUTPUT, "sand").measure(OUTPUT).tolist() == pytest.approx(OUTPUT[:, 2].sigmoid().tolist())


def test_numbers_are_asked_by_their_output_and_measured_in_their_unit() -> None:
    task = Regression(columns=["width", "height"], mean=[10.0, 100.0], std=[2.0, 20.0], unit="cm")
    output = OUTPUT[:, :2]
    assert ask(task, output).names == ("width", "width")
    asked = ask(task, output, 1)
    assert asked.names == ("height", "height")
    assert asked.score(output).tolist() == [5.0, 0.0]
    assert asked.measure(output).tolist() == [200.0, 100.0]
    for wrong in ("2", "height", -1):
        with pytest.raises(UsageError, match="0 to 1"):
            ask(task, output, wrong)


def test_a_regression_from_pictures_is_explained() -> None:
    task = Regression(columns=["age"], mean=[30.0], std=[10.0])
    network, x = residual(num_outputs=1), pictures(2)
    asked = ask(task, network(x).detach())
    heat = grad_cam(network, x, asked.score)
    found = integrated_gradients(network, x, asked.score)
    assert heat.scores.tolist() == pytest.approx(network(x)[:, 0].tolist(), rel=1e-4)
    assert found.gaps.max() <= 0.0101


def test_of_several_columns_one_is_asked() -> None:
    kind = Classification(columns=["kind"], classes=["cat", "dog"])
    weight = Regression(columns=["weight"], mean=[4.0], std=[2.0], unit="kg")
    task, output = MultiTask([kind, weight]), torch.tensor([[0.0, 2.0, 0.5], [3.0, 1.0, -1.0]])
    asked = ask(task, output)
    assert asked.names == ("kind=dog", "kind=cat")
    assert asked.score(output.repeat(2, 1)).tolist() == [2.0, 3.0, 2.0, 3.0]
    assert ask(task, output, "kind=cat").score(output).tolist() == [0.0, 3.0]
    asked = ask(task, output, "weight")
    assert (asked.names, asked.is_class) == (("weight", "weight"), False)
    assert asked.measure(output).tolist() == [5.0, 2.0]
    assert asked.answers[0]["weight"].value == 5.0
    with pytest.raises(UnknownNameError, match="did you mean 'kind'"):
        ask(task, output, "kin=cat")
