"""Recurrent layers against torch's own over packed sequences, and against one sequence at a time."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from derin.core.errors import ShapeError
from derin.layers.lstm_kernel import lstm_layer
from derin.layers.recurrent import Recurrent, VariationalDropout

BATCH, STEPS, INPUT, HIDDEN = 4, 7, 5, 12
LENGTHS = torch.tensor([3, 7, 1, 5])
THEIRS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
KINDS = pytest.mark.parametrize("kind", list(THEIRS))
DIRECTIONS = pytest.mark.parametrize("bidirectional", [False, True])


def pair(kind: str, bidirectional: bool, num_layers: int = 2) -> tuple[Recurrent, nn.RNNBase]:
    """Ours and torch's with the same weights, in float64."""
    torch.manual_seed(3)
    ours = Recurrent(kind, INPUT, HIDDEN, num_layers=num_layers, bidirectional=bidirectional).double()  # type: ignore[arg-type]
    theirs = THEIRS[kind](INPUT, HIDDEN, num_layers, batch_first=True, bidirectional=bidirectional).double()
    with torch.no_grad():
        for source, target in zip(ours.parameters(), theirs.parameters(), strict=True):
            target.copy_(source.normal_(0, 0.4))
    return ours, theirs


def sequences() -> Tensor:
    return torch.randn(BATCH, STEPS, INPUT, dtype=torch.float64, generator=torch.Generator().manual_seed(4))


def first_state(ours: Recurrent) -> tuple[Tensor, ...]:
    return tuple(torch.randn_like(part) for part in ours.zeros(BATCH))


def for_torch(state: tuple[Tensor, ...]) -> Any:
    return state if len(state) == 2 else state[0]


def as_tuple(state: Any) -> tuple[Tensor, ...]:
    return state if isinstance(state, tuple) else (state,)


@KINDS
@DIRECTIONS
def test_full_batches_equal_torch(kind: str, bidirectional: bool) -> None:
    ours, theirs = pair(kind, bidirectional)
    state = first_state(ours)
    outputs, after = ours(sequences(), state=state)
    expected, expected_after = theirs(sequences(), for_torch(state))
    torch.testing.assert_close(outputs, expected)
    torch.testing.assert_close(after, as_tuple(expected_after))


@KINDS
@DIRECTIONS
def test_padded_batches_equal_packed_ones_with_their_gradients(kind: str, bidirectional: bool) -> None:
    ours, theirs = pair(kind, bidirectional)
    state = first_state(ours)
    x = sequences().requires_grad_()
    outputs, after = ours(x, LENGTHS, state)
    packed = pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
    expected, expected_after = theirs(packed, for_torch(state))
    expected = pad_packed_sequence(expected, batch_first=True, total_length=STEPS)[0]
    torch.testing.assert_close(outputs, expected)
    torch.testing.assert_close(after, as_tuple(expected_after))
    weights = torch.randn_like(outputs)
    loss = (outputs * weights).sum() + sum(part.sum() for part in after)
    expected_loss = (expected * weights).sum() + sum(part.sum() for part in as_tuple(expected_after))
    found = torch.autograd.grad(loss, [x, *ours.parameters()])
    wanted = torch.autograd.grad(expected_loss, [x, *theirs.parameters()])
    torch.testing.assert_close(found, wanted)


@KINDS
def test_a_padded_sequence_gives_what_it_gives_alone_whatever_the_padding_holds(kind: str) -> None:
    ours, _ = pair(kind, bidirectional=True)
    x = sequences()
    x[0, 3:] = 1e3
    outputs, after = ours(x, LENGTHS)
    alone, alone_after = ours(x[:1, :3])
    torch.testing.assert_close(outputs[:1, :3], alone)
    assert not outputs[0, 3:].any()
    for part, expected in zip(after, alone_after, strict=True):
        torch.testing.assert_close(part[:, :1], expected)


@KINDS
def test_a_sequence_without_tokens_gives_its_state_back(kind: str) -> None:
    ours, _ = pair(kind, bidirectional=True)
    state = first_state(ours)
    outputs, after = ours(sequences(), torch.tensor([3, 0, 1, 5]), state)
    assert not outputs[1].any()
    for part, before in zip(after, state, strict=True):
        torch.testing.assert_close(part[:, 1], before[:, 1])


@KINDS
def test_a_carried_state_goes_on_where_the_window_before_ended(kind: str) -> None:
    ours, _ = pair(kind, bidirectional=False)
    whole, last = ours(sequences())
    first, state = ours(sequences()[:, :4])
    second, after = ours(sequences()[:, 4:], state=state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    torch.testing.assert_close(after, last)


@KINDS
def test_without_a_final_state_the_outputs_are_the_same(kind: str) -> None:
    ours, _ = pair(kind, bidirectional=True)
    outputs, state = ours(sequences(), LENGTHS, final_state=False)
    assert state is None
    torch.testing.assert_close(outputs, ours(sequences(), LENGTHS)[0])


@KINDS
def test_bfloat16_autocast_keeps_outputs_close_and_the_state_in_single_precision(kind: str) -> None:
    ours, _ = pair(kind, bidirectional=True)
    ours = ours.float()
    x = sequences().float()
    expected, _ = ours(x, LENGTHS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, state = ours(x, LENGTHS)
    torch.testing.assert_close(outputs.float(), expected, atol=0.05, rtol=0.05)
    assert all(part.dtype == torch.float32 for part in state)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_written_out_lstm_equals_torch_forward_and_backward(dtype: torch.dtype) -> None:
    torch.manual_seed(5)
    theirs = nn.LSTM(INPUT, HIDDEN).to(dtype)
    x = torch.randn(STEPS, BATCH, INPUT, dtype=dtype, requires_grad=True)
    state = tuple(torch.randn(BATCH, HIDDEN, dtype=dtype, requires_grad=True) for _ in range(2))
    expected, (last, memory) = theirs(x, tuple(part[None] for part in state))
    weight_ih, weight_hh, bias_ih, bias_hh = theirs.parameters()
    activations, memories = lstm_layer(x, (weight_ih, weight_hh, bias_ih, bias_hh), (state[0], state[1]))
    torch.testing.assert_close(activations, expected)
    torch.testing.assert_close((activations[-1], memories[-1]), (last[0], memory[0]))
    weights = torch.randn_like(expected)
    inputs = [x, *state, *theirs.parameters()]
    found = torch.autograd.grad((activations * weights).sum() + (memories[-1] ** 2).sum(), inputs)
    wanted = torch.autograd.grad((expected * weights).sum() + (memory**2).sum(), inputs)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5 if dtype == torch.float32 else 1e-10)


def test_in_bfloat16_the_written_out_lstm_is_as_near_to_double_precision_as_torchs() -> None:
    torch.manual_seed(6)
    exact = nn.LSTM(INPUT, 33).double()
    theirs = nn.LSTM(INPUT, 33)
    theirs.load_state_dict(exact.state_dict())
    cell = nn.LSTMCell(INPUT, 33)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in exact.state_dict().items()})
    x = torch.randn(19, 6, INPUT)
    zero = torch.zeros(6, 33)
    expected, _ = exact(x.double())
    expected.square().sum().backward()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        # Step by step, since oneDNN has no whole LSTM of bfloat16 for some processors.
        states = [(zero, zero)]
        for step in x:
            states.append(cell(step, states[-1]))
        known = torch.stack([hidden for hidden, _ in states[1:]])
        weight_ih, weight_hh, bias_ih, bias_hh = theirs.parameters()
        found, _ = lstm_layer(x, (weight_ih, weight_hh, bias_ih, bias_hh), (zero, zero))
    limit = 2 * (known.double() - expected).abs().max() + 1e-3
    assert (found.double() - expected).abs().max() < limit
    found.float().square().sum().backward()
    for ours, wanted in zip(theirs.parameters(), exact.parameters(), strict=True):
        assert (ours.grad.double() - wanted.grad).norm() < 0.03 * wanted.grad.norm()


def test_variational_dropout_draws_one_mask_per_sequence_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    dropout = VariationalDropout(0.25)
    y = dropout(torch.ones(3, 5, 4000))
    assert torch.equal(y, y[:, :1].expand_as(y))
    assert not torch.equal(y[0], y[1])
    assert y[0, 0].mean().item() == pytest.approx(1.0, abs=0.05)
    assert torch.equal(dropout.eval()(y), y)


def test_dropout_stands_between_the_layers_and_not_behind_the_last() -> None:
    torch.manual_seed(0)
    single = Recurrent("gru", INPUT, HIDDEN, dropout=0.9)
    x = sequences().float()
    assert torch.equal(single(x)[0], single(x)[0])
    double = Recurrent("gru", INPUT, HIDDEN, num_layers=2, dropout=0.9)
    assert not torch.equal(double(x)[0], double(x)[0])


def test_sequences_of_another_shape_are_refused() -> None:
    layer = Recurrent("rnn", INPUT, HIDDEN)
    for wrong in ((BATCH, STEPS, INPUT + 1), (BATCH, INPUT), (BATCH, 0, INPUT)):
        with pytest.raises(ShapeError, match=r"\(batch, steps, 5\)"):
            layer(torch.zeros(wrong))


def test_where_a_processor_has_no_lstm_of_bfloat16_it_is_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("derin.layers.recurrent._runs_in_bfloat16", lambda: False)
    monkeypatch.setattr(nn.LSTM, "forward", lambda *args: pytest.fail("torch's LSTM was called"))
    torch.manual_seed(2)
    layer, x = Recurrent("lstm", INPUT, HIDDEN), sequences().float()
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
        found, _ = layer(x)
    monkeypatch.undo()
    torch.testing.assert_close(found.float(), layer(x)[0], rtol=0, atol=0.02)  # 8 bits of a number below 1
