"""The convolution over characters against NumPy, window by window."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from derin.core.errors import UsageError
from derin.layers.character_convolution import CharacterConvolution


@pytest.mark.parametrize("width", [1, 3, 5])
def test_equals_the_formula(width: int) -> None:
    torch.manual_seed(0)
    layer = CharacterConvolution(11, 4, 7, width=width).double()
    torch.nn.init.normal_(layer.filters.bias)
    words = torch.tensor([[[3, 4, 5, 6, 0, 0], [10, 0, 0, 0, 0, 0], [9, 8, 7, 6, 5, 4]]])
    embedding, weight, bias = (p.detach().numpy() for p in layer.parameters())
    found = layer(words).detach().numpy()[0]
    for row, word in enumerate(words[0].tolist()):
        characters = [c for c in word if c]
        vectors = [np.zeros(4)] * (width // 2) + [embedding[c] for c in characters] + [np.zeros(4)] * (width // 2)
        windows = [np.concatenate(vectors[t : t + width]) for t in range(len(characters))]
        expected = np.max([weight @ window + bias for window in windows], axis=0)
        np.testing.assert_allclose(found[row], expected, atol=1e-12)


def test_padding_to_any_length_changes_nothing() -> None:
    layer = CharacterConvolution(11, 4, 7)
    short = torch.tensor([[3, 4, 5]])
    longer = torch.nn.functional.pad(short, (0, 4))
    torch.testing.assert_close(layer(short), layer(longer))


def test_a_word_without_characters_is_zero_and_has_no_gradient() -> None:
    layer = CharacterConvolution(11, 4, 7)
    torch.nn.init.ones_(layer.filters.bias)
    found = layer(torch.zeros(2, 3, 5, dtype=torch.int64))
    assert found.shape == (2, 3, 7)
    assert not found.any()
    found.sum().backward()
    assert layer.filters.weight.grad is not None
    assert not layer.filters.weight.grad.any()


def test_an_even_width_is_refused() -> None:
    with pytest.raises(UsageError, match="width must be odd"):
        CharacterConvolution(11, 4, 7, width=2)
