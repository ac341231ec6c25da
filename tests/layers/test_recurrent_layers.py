"""The layers that are written down give what torch's own give."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from derin.core.errors import ShapeError, UsageError
from derin.layers.recurrent_layers import GRU, LSTM, RNN, RecurrentReader

BATCH, STEPS, INPUT, UNITS = 2, 5, 12, 7
PAIRS = pytest.mark.parametrize(("layer", "theirs"), [(RNN, nn.RNN), (GRU, nn.GRU), (LSTM, nn.LSTM)])


@PAIRS
def test_outputs_and_last_memory_equal_torchs(layer: type, theirs: type) -> None:
    torch.manual_seed(1)
    x = torch.randn(BATCH, STEPS, INPUT)
    expected = theirs(INPUT, UNITS, 2, batch_first=True, bidirectional=True)
    outputs, state = expected(x)
    memory = (state[0] if layer is LSTM else state)[-2:]
    for sequences, wanted in ((True, outputs), (False, torch.cat([memory[0], memory[1]], dim=1))):
        description = layer(UNITS, num_layers=2, bidirectional=True, sequences=sequences)
        module = description.build((STEPS, INPUT))
        assert isinstance(module, RecurrentReader)
        for source, target in zip(expected.parameters(), module.parameters(), strict=True):
            target.data = source.data
        torch.testing.assert_close(module(x), wanted)
        assert description.output_shape((STEPS, INPUT)) == wanted.shape[1:]


@PAIRS
def test_inputs_and_options_that_do_not_fit_are_refused(layer: type, theirs: type) -> None:
    with pytest.raises(ShapeError, match=r"\(steps, numbers\)"):
        layer(UNITS).output_shape((INPUT,))
    with pytest.raises(UsageError, match="units"):
        layer(0)
