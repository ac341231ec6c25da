"""The cells against the formulas in NumPy, in float64, and against torch's own where those are equal."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from derin.core.errors import ShapeError, UsageError
from derin.layers.recurrent_cells import CELLS, GRUCell, SimplifiedGRUCell, from_torch, unroll

BATCH, STEPS, INPUT, HIDDEN = 2, 7, 5, 12
Floats = npt.NDArray[np.float64]


def sigmoid(z: Floats) -> Floats:
    return 1 / (1 + np.exp(-z))


def sequences() -> torch.Tensor:
    return torch.randn(BATCH, STEPS, INPUT, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def by_formula(kind: str, cell: nn.Module, x: Floats) -> Floats:
    """The course's equations, example by example and step by step."""
    weights = {name: value.detach().numpy() for name, value in cell.named_parameters()}

    def dense(name: str, memory: Floats, inputs: Floats) -> Floats:
        return weights[f"{name}.weight"] @ np.concatenate([memory, inputs]) + weights[f"{name}.bias"]

    outputs = np.zeros((len(x), x.shape[1], HIDDEN))
    for row, sequence in enumerate(x):
        a, c = np.zeros(HIDDEN), np.zeros(HIDDEN)
        for t, inputs in enumerate(sequence):
            if kind == "rnn":
                a = np.tanh(dense("memory", a, inputs))
            elif kind == "lstm":
                candidate = np.tanh(dense("candidate", a, inputs))
                update, forget, output = (sigmoid(dense(name, a, inputs)) for name in ("update", "forget", "output"))
                c = update * candidate + forget * c
                a = output * np.tanh(c)
            else:
                relevance = sigmoid(dense("reset", c, inputs)) if kind == "gru" else np.ones(HIDDEN)
                candidate = np.tanh(dense("candidate", relevance * c, inputs))
                update = sigmoid(dense("update", c, inputs))
                a = c = update * candidate + (1 - update) * c
            outputs[row, t] = a
    return outputs


@pytest.mark.parametrize("kind", list(CELLS))
def test_every_cell_equals_its_written_formula(kind: str) -> None:
    torch.manual_seed(2)
    cell = CELLS[kind](INPUT, HIDDEN).double()
    for parameter in cell.parameters():
        nn.init.normal_(parameter, std=0.5)
    outputs, state = unroll(cell, sequences())
    np.testing.assert_allclose(outputs.detach().numpy(), by_formula(kind, cell, sequences().numpy()), atol=1e-13)
    assert torch.equal(state[0], outputs[:, -1])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("theirs", "whole"), [(nn.RNNCell, nn.RNN), (nn.LSTMCell, nn.LSTM)])
def test_cells_made_from_torchs_equal_torchs_whole_layers(theirs: type, whole: type, bias: bool) -> None:
    torch.manual_seed(3)
    cell = theirs(INPUT, HIDDEN, bias=bias).double()
    layer = whole(INPUT, HIDDEN, batch_first=True, bias=bias).double()
    with torch.no_grad():
        for source, target in zip(cell.parameters(), layer.parameters(), strict=True):
            target.copy_(source)
    torch.testing.assert_close(unroll(from_torch(cell), sequences())[0], layer(sequences())[0])


def test_the_simplified_gru_is_torchs_with_an_open_reset_gate_and_the_sign_of_its_update_changed() -> None:
    torch.manual_seed(4)
    cell = SimplifiedGRUCell(INPUT, HIDDEN).double()
    theirs = nn.GRU(INPUT, HIDDEN, batch_first=True).double()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.zero_()
        theirs.bias_ih_l0[:HIDDEN] = 1e3  # the reset gate: σ is exactly 1
        for rows, (layer, sign) in enumerate(((cell.update, -1), (cell.candidate, 1)), start=1):
            part = slice(rows * HIDDEN, (rows + 1) * HIDDEN)
            theirs.weight_hh_l0[part], theirs.weight_ih_l0[part] = (sign * layer.weight).split([HIDDEN, INPUT], dim=1)
            theirs.bias_ih_l0[part] = sign * layer.bias
    torch.testing.assert_close(unroll(cell, sequences())[0], theirs(sequences())[0])


def test_the_full_gru_equals_torchs_where_the_place_of_the_reset_gate_makes_no_difference() -> None:
    torch.manual_seed(5)
    cell = GRUCell(INPUT, HIDDEN).double()
    theirs = nn.GRU(INPUT, HIDDEN, batch_first=True).double()
    with torch.no_grad():
        # A diagonal matrix may change places with a product number by number.
        cell.candidate.weight[:, :HIDDEN] = torch.diag(torch.randn(HIDDEN, dtype=torch.float64))
        theirs.bias_hh_l0.zero_()
        for rows, (layer, sign) in enumerate(((cell.reset, 1), (cell.update, -1), (cell.candidate, 1))):
            part = slice(rows * HIDDEN, (rows + 1) * HIDDEN)
            theirs.weight_hh_l0[part], theirs.weight_ih_l0[part] = (sign * layer.weight).split([HIDDEN, INPUT], dim=1)
            theirs.bias_ih_l0[part] = sign * layer.bias
    torch.testing.assert_close(unroll(cell, sequences())[0], theirs(sequences())[0])
    with torch.no_grad():
        cell.candidate.weight.normal_()
        theirs.weight_hh_l0[2 * HIDDEN :], theirs.weight_ih_l0[2 * HIDDEN :] = cell.candidate.weight.split(
            [HIDDEN, INPUT], dim=1
        )
    assert not torch.allclose(unroll(cell, sequences())[0], theirs(sequences())[0], atol=1e-3)


@pytest.mark.parametrize("kind", list(CELLS))
def test_a_sequence_cut_in_two_goes_on_from_the_state(kind: str) -> None:
    cell = CELLS[kind](INPUT, HIDDEN).double()
    whole, _ = unroll(cell, sequences())
    first, state = unroll(cell, sequences()[:, :3])
    torch.testing.assert_close(torch.cat([first, unroll(cell, sequences()[:, 3:], state)[0]], dim=1), whole)


def test_torchs_gru_and_relu_cells_are_not_converted() -> None:
    for cell in (nn.GRUCell(INPUT, HIDDEN), nn.RNNCell(INPUT, HIDDEN, nonlinearity="relu")):
        with pytest.raises(UsageError, match="from_torch takes"):
            from_torch(cell)  # type: ignore[arg-type]


def test_sequences_of_another_size_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(batch, steps, 5\)"):
        unroll(CELLS["rnn"](INPUT, HIDDEN), torch.zeros(BATCH, STEPS, INPUT + 1))


@pytest.mark.parametrize("name", CELLS)
def test_cells_begin_with_glorots_weights_and_remember_by_their_forget_gate(name: str) -> None:
    torch.manual_seed(4)
    for place, parameter in CELLS[name](50, 120).named_parameters():
        if place.endswith("bias"):
            assert set(parameter.tolist()) == {1.0 if place == "forget.bias" else 0.0}
        else:  # 120 units read 170 numbers: N(0, 2 / 290), exact to 1/√(2 · 20 400); five of these
            assert parameter.std().item() == pytest.approx((2 / (120 + 170)) ** 0.5, rel=5 / (2 * 20_400) ** 0.5)
