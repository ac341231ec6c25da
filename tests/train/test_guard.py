"""The guard names the layer at which we broke a network ourselves."""

import pytest
import torch
from torch import nn

from derin.core.errors import DivergenceError
from derin.data.batch import Batch
from derin.train.nonfinite import NonFiniteLossError, check_loss, find_bad_inputs, locate_nonfinite

NAN = float("nan")


class Logarithm(nn.Module):
    def forward(self, x):
        return torch.log(x)


class BadDerivative(nn.Module):
    """Finite forward; the derivative of √|x·0| is infinite times nothing: NaN."""

    def forward(self, x):
        return x + (x * 0).abs().sqrt()


def network(*middle):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.ReLU(inplace=True), *middle, nn.BatchNorm1d(7), nn.Linear(7, 3))


def explain(model, inputs=None, loss=lambda y: y.square().mean(), **options):
    inputs = torch.ones(4, 5) * torch.arange(1, 5).unsqueeze(1) if inputs is None else inputs
    error = locate_nonfinite(model, lambda: loss(model(inputs)), **options)
    assert isinstance(error, DivergenceError)
    return str(error)


def test_a_layer_that_makes_nan_of_finite_inputs_is_named():
    text = explain(network(Logarithm()), loss=lambda y: y.square().mean(), step=12)
    assert text.startswith("Training diverged at step 12: the output of layer '2' (Logarithm) is not finite although")
    assert "learning rate" in text
    assert text.endswith(".")


def test_a_layer_whose_derivative_is_nan_is_named():
    text = explain(network(BadDerivative()))
    assert "the gradient becomes not finite in layer '2' (BadDerivative)" in text


def test_a_nan_weight_is_named_with_its_layer():
    model = network()
    model[3].weight.data[1, 2] = NAN
    assert "the weight of layer '3' (Linear) is not finite;" in explain(model)


def test_weights_spoilt_by_a_gradient_are_traced_to_where_it_broke():
    model = network(BadDerivative())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.randn(6, 5)).square().mean().backward()
    optimizer.step()
    text = explain(model)
    assert "layer '0' (Linear) is not finite" in text
    assert "'3'" not in text  # after the break all is well


def test_weights_that_are_bad_everywhere_are_told_so():
    model = network()
    for parameter in model.parameters():
        parameter.data.fill_(NAN)
    assert "the weight of layer '0' (Linear) is not finite, nor are those of any other layer" in explain(model)


def test_bad_inputs_are_named_by_column_and_row():
    x = torch.zeros(9, 2, 3)
    x[2, 1, 1], x[7, 0, 0] = NAN, torch.inf
    batch = Batch({"kind": torch.zeros(9, dtype=torch.int64), "x": x}, rows=torch.arange(100, 109))
    assert find_bad_inputs(batch) == "column 'x' is not finite in rows 102, 107 of the table"
    text = explain(network(), batch=batch)
    assert "column 'x' is not finite in rows 102, 107 of the table" in text


def test_many_bad_rows_are_counted():
    batch = Batch({"x": torch.full((8, 2), NAN)}, rows=torch.arange(8))
    assert "rows 0, 1, 2, 3, 4 and 3 more" in find_bad_inputs(batch)


def test_good_inputs_are_left_unnamed():
    assert find_bad_inputs(Batch({"x": torch.zeros(3)}, rows=torch.arange(3))) is None


def test_inputs_that_are_bad_without_a_batch_to_look_at_are_named_by_the_layer_they_reach():
    assert "the input of layer '0' (Linear) is not finite" in explain(network(), inputs=torch.full((4, 5), NAN))


def test_a_loss_that_is_not_finite_of_itself_is_told_so():
    assert "the outputs of all layers are finite, but the loss is nan" in explain(
        network(), loss=lambda y: (y * 0 - 1).log().mean()
    )


def test_a_gradient_that_breaks_in_the_loss_is_told_so():
    text = explain(network(), loss=lambda y: (y * 0).abs().sqrt().sum())
    assert "the gradient that reaches layer '3' (Linear) is not finite" in text


def test_a_pass_that_goes_well_when_repeated_is_told_so():
    assert "though the pass is when repeated" in explain(network())


def test_searching_leaves_buffers_gradients_and_hooks_as_they_were():
    model = network(BadDerivative())
    model[0].weight.grad = torch.ones_like(model[0].weight)
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    explain(model)
    assert all(torch.equal(buffer, buffers[name]) for name, buffer in model.named_buffers())
    assert torch.equal(model[0].weight.grad, torch.ones_like(model[0].weight))
    assert model[3].weight.grad is None
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_a_layer_that_runs_twice_is_named_whichever_run_breaks():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.log = Logarithm()

        def forward(self, x):
            return self.log(self.log(x) - 10)

    assert "the output of layer 'log' (Logarithm) is not finite although its input is" in explain(Twice())


@pytest.mark.parametrize("value", [NAN, torch.inf, -torch.inf])
def test_a_bad_loss_on_the_cpu_is_met_at_once(value):
    check_loss(torch.tensor(1e30))
    with pytest.raises(NonFiniteLossError):
        check_loss(torch.tensor(value))


def test_a_loss_elsewhere_is_not_waited_for():
    check_loss(torch.empty((), device="meta"))  # reading it would raise
