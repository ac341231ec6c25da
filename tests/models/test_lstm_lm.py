"""The recurrent language model beside the same layers of torch, and in parts beside the whole."""

import pytest
import torch
from torch import nn

from derin.core.errors import ShapeError, UsageError
from derin.models.lstm_lm import LSTMLM, LSTMLMOptions

SIZES = {"vocabulary": 23, "dim": 5, "hidden": 12, "num_layers": 2}


def build(**options):
    torch.manual_seed(0)
    return LSTMLM((9,), 23, LSTMLMOptions(**{**SIZES, **options})).double()


def some_tokens(batch=2, steps=7, seed=1):
    return torch.randint(1, 23, (batch, steps), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("cell", "layer"), [("lstm", nn.LSTM), ("gru", nn.GRU), ("rnn", nn.RNN)])
def test_logits_are_those_of_torchs_layers(cell, layer):
    net = build(cell=cell)
    theirs = layer(5, 12, num_layers=2, batch_first=True).double()
    ours = [parameter for module in net.recurrent.layers for parameter in module.parameters()]
    with torch.no_grad():
        for mine, other in zip(ours, theirs.parameters(), strict=True):
            other.copy_(mine)
    tokens = some_tokens()
    hidden, _ = theirs(net.embedding(tokens))
    torch.testing.assert_close(net(tokens)[0], net.output(hidden))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_text_in_parts_gives_the_same_logits_as_the_whole(cell):
    net = build(cell=cell).eval()
    tokens = some_tokens(steps=11)
    parts, state = [], net.init_state(2)
    for start, end in ((0, 2), (2, 3), (3, 11)):
        logits, state = net.step(tokens[:, start:end], state)
        parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, 1), net(tokens)[0])


def test_no_logit_depends_on_later_tokens():
    net, tokens = build().eval(), some_tokens()
    changed = tokens.clone()
    changed[:, 4] = tokens[:, 4] % 22 + 1
    same = (net(tokens)[0] == net(changed)[0]).all(-1).all(0).tolist()
    assert same == [True] * 4 + [False] * 3


def test_selected_rows_go_on_as_before():
    net = build().eval()
    tokens = some_tokens()
    _, state = net(tokens)
    logits, _ = net.step(torch.full((3, 1), 3), net.select(state, torch.tensor([1, 0, 1])))
    wanted = net(torch.cat([tokens, torch.full((2, 1), 3)], 1))[0][:, -1]
    torch.testing.assert_close(logits[:, 0], wanted[[1, 0, 1]])


def test_a_tied_output_is_the_embeddings_matrix():
    net = build(tied=True).eval()
    tokens = some_tokens()
    hidden, _ = net.recurrent(net.embedding(tokens))
    wanted = net.projection(hidden) @ net.embedding.weight.T + net.output.bias
    torch.testing.assert_close(net(tokens)[0], wanted)
    assert sum(p.numel() for p in net.parameters()) < sum(p.numel() for p in build().parameters())


def test_dropout_acts_in_training_alone():
    net, tokens = build(dropout=0.5, input_dropout=0.2), some_tokens()
    assert not torch.equal(net(tokens)[0], net(tokens)[0])
    net.eval()
    assert torch.equal(net(tokens)[0], net(tokens)[0])


def test_wrong_inputs_and_options_are_refused():
    with pytest.raises(ShapeError, match="whole numbers"):
        build()(torch.zeros(2, 3))
    with pytest.raises(UsageError, match="one output for each token"):
        LSTMLM((9,), 7, LSTMLMOptions(**SIZES, tied=True))
    with pytest.raises(UsageError, match="dropout"):
        LSTMLMOptions(dropout=1.0)


@pytest.mark.parametrize("tied", [False, True])
def test_word_vectors_become_the_embedding_and_a_tied_output_stays_tied(tied: bool) -> None:
    net, vectors = build(tied=tied), torch.randn(23, 5, generator=torch.Generator().manual_seed(2)).double()
    net.load_embedding(vectors)
    assert torch.equal(net.embedding.weight, vectors)
    assert (net.output.weight is net.embedding.weight) == tied
