"""Counts of parameters and multiply-adds against torch's own counter and formulas written by hand."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from derin.models import build
from derin.models.summary import summarize


class Call(nn.Module):
    """Calls a module on several copies of the input."""

    def __init__(self, module: nn.Module, copies: int) -> None:
        super().__init__()
        self.module, self.copies = module, copies

    def forward(self, x: Tensor) -> Tensor:
        return self.module(*[x] * self.copies)


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (nn.Conv1d(4, 6, 3, stride=2, groups=2), (4, 11)),
        (nn.Conv2d(4, 6, (3, 2), padding=1, dilation=2), (4, 9, 7)),
        (nn.Conv3d(2, 3, 2, bias=False), (2, 4, 5, 6)),
        (nn.ConvTranspose2d(4, 6, 3, stride=2, output_padding=1), (4, 5, 7)),
        (nn.Linear(12, 5), (3, 12)),
        (nn.Linear(12, 5, bias=False), (12,)),
        (Call(nn.MultiheadAttention(12, 3, batch_first=True), 3), (5, 12)),
        (nn.TransformerEncoderLayer(12, 3, 20, batch_first=True), (5, 12)),
        (
            nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 7 * 3, 5)),
            (3, 9, 5),
        ),
    ],
)
def test_multiply_adds_are_half_of_torchs_operations(net: nn.Module, shape: tuple[int, ...]) -> None:
    net.train()  # keeps attention on its open path, which torch's counter can see
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    with FlopCounterMode(display=False) as counter, torch.enable_grad():
        net(torch.zeros(2, *shape))
    # Two operations to a multiply-add, two examples in the batch.
    assert summarize(net, shape).multiply_adds == counter.get_total_flops() / 4


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (nn.Conv1d(4, 6, 3, stride=2, groups=2), (4, 11)),
        (nn.Conv2d(4, 6, (3, 2), padding=(1, 3), dilation=(2, 1), stride=(1, 2)), (4, 9, 7)),
        (nn.Conv2d(4, 6, 3, padding="same"), (4, 9, 7)),
        (nn.Conv3d(2, 3, 2, bias=False), (2, 4, 5, 6)),
        (nn.ConvTranspose1d(4, 6, 3, stride=3, padding=2, dilation=2), (4, 5)),
        (nn.ConvTranspose2d(4, 6, (3, 4), stride=2, output_padding=(1, 0), groups=2), (4, 5, 7)),
        (nn.Tanh(), (3, 5)),
        (nn.Sigmoid(), (3, 5)),
    ],
)
def test_without_memory_a_layer_has_the_outputs_that_it_gives(net: nn.Module, shape: tuple[int, ...]) -> None:
    (row,) = summarize(copy.deepcopy(net).to("meta"), shape).layers
    assert row.output_shape == net(torch.zeros(1, *shape)).shape[1:]
    assert row.multiply_adds == summarize(net, shape).multiply_adds


@pytest.mark.parametrize("shape", [(5, 9, 9), (4, 2, 9)], ids=["channels", "size"])
def test_without_memory_a_convolution_that_cannot_be_is_refused_by_torch(shape: tuple[int, ...]) -> None:
    with pytest.raises(RuntimeError):
        summarize(nn.Conv2d(4, 6, 3).to("meta"), shape)


@pytest.mark.parametrize(
    ("net", "multiply_adds"),
    [
        (nn.RNN(5, 7, batch_first=True), 3 * 7 * (5 + 7)),
        (nn.GRU(5, 7, batch_first=True), 3 * 3 * 7 * (5 + 7)),
        (nn.LSTM(5, 7, 2, batch_first=True, bidirectional=True), 3 * 2 * 4 * 7 * ((5 + 7) + (14 + 7))),
        (nn.LSTM(5, 7, batch_first=True, proj_size=2), 3 * (4 * 7 * (5 + 2) + 7 * 2)),
    ],
)
@pytest.mark.filterwarnings("ignore:LSTM with projections")  # torch says that it runs without oneDNN
def test_recurrent_layers_count_every_gate_and_step(net: nn.Module, multiply_adds: int) -> None:
    counts = summarize(net, (3, 5))
    assert counts.multiply_adds == multiply_adds
    assert counts.parameters == sum(p.numel() for p in net.parameters())


def test_bilinear_layer_counts_every_pair_of_inputs() -> None:
    assert summarize(Call(nn.Bilinear(4, 4, 5), 2), (4,)).multiply_adds == 4 * 4 * 5


def test_recurrent_cells_count_their_products() -> None:
    assert summarize(nn.LSTMCell(5, 7), (5,)).multiply_adds == 4 * 7 * (5 + 7)


def test_operations_outside_any_layer_are_counted_where_they_stand() -> None:
    class Free(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(12, 5))
            self.tail = nn.Linear(5, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.tail(x @ self.weight)

    counts = summarize(Free(), (12,))
    assert [(row.name, row.parameters, row.multiply_adds) for row in counts.layers] == [
        ("Free", 60, 60),
        ("tail", 12, 10),
    ]


def test_shared_layers_are_counted_once_in_parameters_and_twice_in_work() -> None:
    shared = nn.Linear(5, 5)
    counts = summarize(nn.Sequential(shared, nn.ReLU(), shared), (5,))
    assert counts.parameters == 30
    assert [row.parameters for row in counts.layers] == [30, 0, 0]
    assert counts.multiply_adds == 50


def test_tied_weights_are_counted_once() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.out = nn.Embedding(9, 4), nn.Linear(4, 9, bias=False)
            self.out.weight = self.table.weight

        def forward(self, x: Tensor) -> Tensor:
            return self.out(self.table(x).mean(1))

    counts = summarize(Tied(), (5,), dtype=torch.int64)
    assert counts.parameters == 36
    assert sum(row.parameters for row in counts.layers) == 36


def test_parameters_of_layers_that_do_not_run_are_listed() -> None:
    class Idle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.idle = nn.Linear(5, 2), nn.Linear(5, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x)

    counts = summarize(Idle(), (5,))
    assert [(row.name, row.output_shape, row.parameters) for row in counts.layers] == [
        ("used", (2,), 12),
        ("idle", (), 18),
    ]
    assert counts.parameters == 30


def test_nothing_is_changed_by_counting() -> None:
    class Restless(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.frozen = nn.BatchNorm1d(5), nn.BatchNorm1d(5).eval()
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            return self.frozen(self.norm(x + torch.rand(5)))

    net = Restless()
    net.train()
    net.frozen.eval()
    before, state = torch.get_rng_state(), {key: value.clone() for key, value in net.state_dict().items()}
    fastpath = torch.backends.mha.get_fastpath_enabled()
    summarize(net, (5,))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(value, state[key]) for key, value in net.state_dict().items())
    assert (net.training, net.norm.training, net.frozen.training) == (True, True, False)
    assert torch.backends.mha.get_fastpath_enabled() == fastpath
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())


def test_everything_is_put_back_when_the_network_fails() -> None:
    net = nn.Sequential(nn.Linear(5, 3), nn.Linear(4, 2)).train()
    with pytest.raises(RuntimeError):
        summarize(net, (5,))
    assert net.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())


def test_rows_and_totals_agree_and_go_to_json() -> None:
    counts = summarize(build("resnet20", input_shape=(3, 9, 11), num_outputs=7, seed=0), (3, 9, 11))
    document = counts.to_json()
    assert document["parameters"] == sum(row["parameters"] for row in document["layers"])
    assert document["multiply_adds"] == sum(row["multiply_adds"] for row in document["layers"])
    assert document["layers"][-1] == {
        "name": "output",
        "kind": "Linear",
        "output_shape": [7],
        "parameters": 64 * 7 + 7,
        "multiply_adds": 64 * 7,
    }


class Packed(nn.Module):
    """Gives what a module gives within a dictionary or a list, behind what is no tensor."""

    def __init__(self, module: nn.Module, form: type) -> None:
        super().__init__()
        self.module, self.form = module, form

    def forward(self, x: Tensor) -> object:
        y = self.module(x)
        return {"name": "scores", "scores": [y]} if self.form is dict else self.form([None, y])


class Unpacked(nn.Module):
    def __init__(self, form: type) -> None:
        super().__init__()
        self.packed, self.last = Packed(nn.Linear(5, 7), form), nn.Linear(7, 3)

    def forward(self, x: Tensor) -> Tensor:
        found = self.packed(x)
        return self.last(found["scores"][0] if isinstance(found, dict) else found[1])


@pytest.mark.parametrize("form", [dict, list, tuple])
def test_a_part_that_gives_several_things_has_the_shape_of_the_first_tensor(form: type) -> None:
    summary = summarize(Unpacked(form), (5,))
    assert [row.output_shape for row in summary.layers][-1] == (3,)
    assert all(row.output_shape in ((7,), (3,)) for row in summary.layers)
    assert summary.multiply_adds == 5 * 7 + 7 * 3


def test_a_layer_with_several_outputs_stands_with_the_shape_of_its_first() -> None:
    attention = summarize(Call(nn.MultiheadAttention(12, 3, batch_first=True), 3), (5, 12))
    assert (5, 12) in {row.output_shape for row in attention.layers}
    (row,) = summarize(nn.LSTM(5, 7, batch_first=True), (3, 5)).layers
    assert row.output_shape == (3, 7)
