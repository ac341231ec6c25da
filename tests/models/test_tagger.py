"""The BiLSTM-CRF tagger against torch's own packed bidirectional LSTM."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.models.tagger import Tagger, TaggerOptions

LENGTHS = (5, 2, 4)


def build(**options: object) -> Tagger:
    torch.manual_seed(3)
    chosen: dict[str, object] = {"vocabulary": 30, "characters": 9, "word_dim": 12, "hidden": 6, **options}
    return Tagger((7, 5), 5, TaggerOptions(**chosen))  # type: ignore[arg-type]


def sentences() -> Tensor:
    generator = torch.Generator().manual_seed(4)
    words = torch.randint(1, 30, (3, 5, 1), generator=generator)
    characters = torch.randint(1, 9, (3, 5, 4), generator=generator)
    mask = torch.arange(5) < torch.tensor(LENGTHS)[:, None]
    return torch.cat([words, characters], dim=2) * mask[..., None]


@pytest.mark.parametrize("layers", [1, 2])
def test_equals_a_packed_bidirectional_lstm(layers: int) -> None:
    network = build(layers=layers).double().eval()
    inputs = sentences()
    features = torch.cat([network.words(inputs[..., 0]), network.characters(inputs[..., 1:])], dim=2)
    packed = nn.utils.rnn.pack_padded_sequence(features, torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False)
    for ahead, back in zip(network.recurrent.layers[::2], network.recurrent.layers[1::2], strict=True):
        both = nn.LSTM(ahead.input_size, 6, batch_first=True, bidirectional=True).double()
        weights = {**ahead.state_dict(), **{f"{name}_reverse": w for name, w in back.state_dict().items()}}
        both.load_state_dict(weights)
        packed, _ = both(packed)
    read, _ = nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
    expected, found = network.output(read), network(inputs)
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(found[row, :length], expected[row, :length], rtol=0, atol=1e-12)


def test_padding_and_neighbors_change_nothing() -> None:
    network = build().double().eval()
    inputs = sentences()
    whole = network(inputs)
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(network(inputs[row : row + 1, :length])[0], whole[row, :length], rtol=0, atol=1e-12)


def test_every_parameter_learns_through_the_loss() -> None:
    network = build(bio=True).train()
    inputs = sentences()
    loss = -network.crf.log_likelihood(network(inputs), torch.ones(3, 5, dtype=torch.int64), inputs[..., 0] != 0).mean()
    loss.backward()
    without = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


def test_imported_vectors_stay_and_words_beyond_the_learnt_share_the_unknown_ones() -> None:
    network = build(learned=10, imported_dim=3, filters=0)
    vectors = torch.randn(30, 3, generator=torch.Generator().manual_seed(1))
    vectors[0] = 0
    network.load_embedding(vectors)
    kept = network.imported.weight.detach().clone()
    torch.testing.assert_close(kept / kept.norm(), vectors / vectors.norm())
    assert network.words.weight.shape == (10, 12)
    with torch.no_grad():
        network.imported.weight.zero_()
    network.eval()
    rare, unknown = (network(torch.full((1, 2, 1), number)) for number in (20, 1))
    torch.testing.assert_close(rare, unknown)
    assert not network.imported.weight.requires_grad


def test_wrong_inputs_are_told() -> None:
    network = build()
    with pytest.raises(ShapeError, match=r"\(batch, words, 1 \+ characters\); got torch.float32"):
        network(torch.zeros(2, 3, 5))
    with pytest.raises(ShapeError, match="whole numbers"):
        network(torch.zeros(2, 3, dtype=torch.int64))
    with pytest.raises(ShapeError, match="input_shape"):
        Tagger((7,), 5, TaggerOptions())
    with pytest.raises(ShapeError, match="input_shape"):
        Tagger((7, 1), 5, TaggerOptions())  # no column for the characters that it has filters for
    assert Tagger((7, 1), 5, TaggerOptions(filters=0)).output.out_features == 5
    assert Tagger((7, 2), 5, TaggerOptions()).output.out_features == 5
    with pytest.raises(ShapeError, match="imported_dim=3"):
        network.load_embedding(torch.zeros(30, 3))
