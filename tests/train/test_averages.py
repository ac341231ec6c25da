"""The average of the weights against its recursion in NumPy, in float64."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from derin.core.errors import RefusedFileError, UsageError
from derin.train.averages import WeightAverage


def network():
    torch.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(27, 4))
    model.register_buffer("mask", torch.tensor([0.0, -torch.inf]))
    return model


def disturb(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in [*model.parameters(), model[1].running_mean, model[1].running_var]:
            tensor.add_(torch.randn(tensor.shape, generator=generator))
        model[1].num_batches_tracked.add_(1)


def test_average_follows_its_recursion():
    model = network()
    average = WeightAverage(model, decay=0.5)
    wanted = {name: p.detach().numpy().astype(np.float64) for name, p in model.named_parameters()}
    for t in range(12):  # from the ninth on, (1+t)/(10+t) exceeds the decay
        disturb(model, t)
        average.update()
        decay = min(0.5, (1 + t) / (10 + t))
        for name, p in model.named_parameters():
            wanted[name] = decay * wanted[name] + (1 - decay) * p.detach().numpy()
    with average.applied(model):
        for name, p in model.named_parameters():
            # Twelve float32 interpolations of numbers of size about 10.
            np.testing.assert_allclose(p.detach().numpy(), wanted[name], rtol=1e-5, atol=1e-5, err_msg=name)


def test_running_statistics_are_averaged_and_other_buffers_are_the_models_own():
    model = network()
    average = WeightAverage(model, decay=0.9)
    before = model[1].running_mean.clone()
    disturb(model, 0)
    average.update()  # decay 1/10
    with average.applied(model):
        pass
    disturbed = model[1].running_mean.clone()
    with average.applied(model):
        torch.testing.assert_close(model[1].running_mean, 0.1 * before + 0.9 * disturbed)
        assert model[1].num_batches_tracked.item() == 1
        assert model.mask.tolist() == [0.0, -torch.inf]


def test_the_models_own_weights_come_back_to_the_bit_even_after_an_error():
    model = network()
    average = WeightAverage(model, decay=0.9)
    disturb(model, 1)
    average.update()
    disturb(model, 2)
    own = copy.deepcopy(model.state_dict())
    pointers = [p.data_ptr() for p in model.parameters()]

    def interrupted_measurement():
        with average.applied(model):
            assert not torch.equal(model[3].weight, own["3.weight"])
            raise KeyError

    with pytest.raises(KeyError):
        interrupted_measurement()
    assert all(torch.equal(value, own[name]) for name, value in model.state_dict().items())
    assert [p.data_ptr() for p in model.parameters()] == pointers


def test_small_changes_of_half_precision_weights_are_not_lost():
    model = nn.Linear(1, 1, bias=False).to(torch.bfloat16)
    model.weight.data.fill_(1.0)
    average = WeightAverage(model, decay=0.999)
    average.num_updates = 10**6  # the decay is at its height
    model.weight.data.fill_(2.0)
    for _ in range(100):
        average.update()
    kept = average.tensors()["weights/weight"]
    assert kept.dtype == torch.float32
    # In bfloat16 one part in a thousand of the way would round to no change at all.
    assert kept.item() == pytest.approx(2 - 0.999**100, abs=1e-4)


def test_tied_weights_are_averaged_once():
    model = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 5, bias=False))
    model[1].weight = model[0].weight
    average = WeightAverage(model, decay=0.9)
    assert set(average.tensors()) == {"weights/0.weight", "num_updates"}


def test_saved_and_restored_average_goes_on_to_the_bit_in_its_memory_layout():
    model = network().to(memory_format=torch.channels_last)
    whole, first = WeightAverage(model, decay=0.9), WeightAverage(model, decay=0.9)
    for t in range(3):
        disturb(model, t)
        whole.update()
        first.update()
    second = WeightAverage(model, decay=0.9)
    second.load_tensors(
        {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in first.tensors().items()}
    )
    disturb(model, 9)
    whole.update()
    second.update()
    for name, tensor in whole.tensors().items():
        assert torch.equal(second.tensors()[name], tensor)
        assert second.tensors()[name].stride() == tensor.stride()


@pytest.mark.parametrize(
    "damage",
    [
        lambda t: t.pop("num_updates"),
        lambda t: t.update({"weights/stranger": torch.zeros(1)}),
        lambda t: t.update({"weights/3.bias": torch.zeros(5)}),
        lambda t: t.update({"weights/3.bias": torch.zeros(4, dtype=torch.float64)}),
        lambda t: t.update({"num_updates": torch.tensor(-1)}),
    ],
)
def test_a_saved_average_that_does_not_fit_is_refused_and_changes_nothing(damage):
    model = network()
    average = WeightAverage(model, decay=0.9)
    saved = {name: tensor.clone() + 1 for name, tensor in average.tensors().items()}
    before = {name: tensor.clone() for name, tensor in average.tensors().items()}
    damage(saved)
    with pytest.raises(RefusedFileError):
        average.load_tensors(saved)
    assert all(torch.equal(tensor, before[name]) for name, tensor in average.tensors().items())


def test_misuse_is_refused():
    model = network()
    average = WeightAverage(model, decay=0.9)
    with pytest.raises(UsageError, match="decay"):
        WeightAverage(model, decay=1.0)
    with pytest.raises(UsageError, match="differ in"), average.applied(nn.Linear(2, 2)):
        pass
    with average.applied(model):
        with pytest.raises(UsageError, match="nested"), average.applied(model):
            pass
        with pytest.raises(UsageError, match="leave"):
            average.update()
