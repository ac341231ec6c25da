"""Gradients at every word against the product of the Jacobians; the plain network guesses where a gated one knows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from derin.datasets.generated.agreement import agreement
from derin.layers.recurrent_cells import RNNCell
from derin.lessons.long_range_agreement import AgreementOptions, Reader, draw, gradient_norms, learn

DISTANCE = 20


def test_the_gradient_at_a_word_is_the_product_of_slopes_and_matrices_behind_it() -> None:
    torch.manual_seed(1)
    reader = Reader("rnn", 7, 3.0).double()
    found = agreement(1, 6)
    words, plural = torch.from_numpy(found.words), torch.from_numpy(found.plural)
    scores, memories = reader(words)
    assert isinstance(reader.cell, RNNCell)
    between = reader.cell.memory.weight[:, :7].detach()
    gradient = (scores.softmax(1) - F.one_hot(plural, 2)) @ reader.verb.weight  # at the last word
    expected = [gradient.norm().item()]
    for memory in reversed(memories[1:]):
        gradient = (gradient * (1 - memory**2)) @ between
        expected.insert(0, gradient.norm().item())
    np.testing.assert_allclose(gradient_norms(reader, words, plural), expected, rtol=1e-10)


def test_the_plain_network_guesses_and_a_gated_one_knows() -> None:
    options = AgreementOptions(steps=70, learning_rate=0.01)
    plain, gated = learn("rnn", DISTANCE, options), learn("gru_simplified", DISTANCE, options)
    assert plain.accuracy < 0.65
    assert gated.accuracy > 0.95
    assert plain.norms[1] < 1e-2 * plain.norms[-1]
    assert gated.norms[1] > 0.1 * gated.norms[-1]
    assert draw({"rnn": {DISTANCE: plain}}, DISTANCE)[:4] == b"\x89PNG"


def test_the_forget_gate_of_an_lstm_begins_open() -> None:
    reader = Reader("lstm", 7, 3.0)
    assert reader.cell.forget.bias.tolist() == pytest.approx([3.0] * 7)  # type: ignore[union-attr]
