"""A network that ends in an activation is found whatever its form, and nothing about it changes."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from tests.tasks.task_tables import TABLES
from torch import Tensor, nn

from derin.core.errors import ShapeError, UsageError
from derin.data.batch import Batch
from derin.tasks.inference import infer_task
from derin.tasks.output import check_output
from derin.tasks.precision import check_network
from derin.tasks.regression import Regression


class Functional(nn.Module):
    """Ends in a function; its last registered module is a softmax that is used in the middle."""

    def __init__(self, num_outputs: int, end: str) -> None:
        super().__init__()
        self.head = nn.Linear(5, num_outputs)
        self.end = end
        self.attention = nn.Softmax(dim=1)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = self.head(self.attention(inputs))
        ends = {"softmax": lambda x: F.softmax(x, dim=1), "sigmoid": torch.sigmoid, "relu": F.relu, "tanh": torch.tanh}
        return ends[self.end](outputs).view(outputs.shape) if self.end in ends else outputs


@pytest.mark.parametrize("name", sorted(TABLES))
@pytest.mark.parametrize("end", ["softmax", "sigmoid", "relu", "tanh"])
def test_function_at_the_end_is_found(name: str, end: str) -> None:
    task = infer_task(TABLES[name])
    with pytest.raises(UsageError, match=rf"task '{name}'.*ends in {end}"):
        check_output(task, Functional(task.num_outputs, end), torch.randn(3, 5))


@pytest.mark.parametrize("name", sorted(TABLES))
def test_raw_outputs_pass_although_a_softmax_was_registered_last(name: str) -> None:
    task = infer_task(TABLES[name])
    check_output(task, Functional(task.num_outputs, "none"), torch.randn(3, 5))
    check_output(task, Functional(task.num_outputs, "none"))


@pytest.mark.parametrize("activation", [nn.Softmax(dim=1), nn.Sigmoid(), nn.Tanh(), nn.ReLU()])
def test_last_layer_of_nested_sequential_networks_is_found_without_a_batch(activation: nn.Module) -> None:
    task = infer_task(TABLES["classification"])
    with pytest.raises(UsageError, match="Remove that last layer"):
        check_output(task, nn.Sequential(nn.Linear(5, 3), nn.Sequential(nn.Dropout(), activation)))
    check_output(task, nn.Sequential(activation, nn.Linear(5, 3)))


def test_log_softmax_is_harmless_and_passes() -> None:
    task = infer_task(TABLES["classification"])
    check_output(task, nn.Sequential(nn.Linear(5, 3), nn.LogSoftmax(dim=1)), torch.randn(3, 5))


def test_wrong_number_of_outputs_is_found() -> None:
    with pytest.raises(ShapeError, match=r"must give 3 outputs.*got \(2, 4\)"):
        check_output(infer_task(TABLES["classification"]), nn.Linear(5, 4), torch.randn(2, 5))


def test_network_with_two_results_is_refused() -> None:
    class Two(nn.Module):
        def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
            return inputs, inputs

    with pytest.raises(UsageError, match="one tensor; got tuple"):
        check_output(infer_task(TABLES["classification"]), Two(), torch.randn(2, 3))


def test_network_stays_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 3))
    model[2].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    check_output(
        infer_task(TABLES["classification"]), model, torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    )
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert [module.training for module in model] == [True, True, False, True]
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_network_without_parameters_is_refused_in_a_sentence() -> None:
    task = Regression(columns=["y"], mean=[0.0], std=[1.0])
    batch = Batch({"input": torch.ones(2, 1), "target": torch.ones(2)}, torch.arange(2))
    with pytest.raises(UsageError, match="The model Identity has no parameter to be trained"):
        check_network(task, nn.Identity(), batch)
