"""Bengio's language model beside its formula in NumPy, and what it looks back on."""

import numpy as np
import pytest
import torch

from derin.core.errors import ShapeError, UsageError
from derin.models.neural_lm import NeuralLM, NeuralLMOptions

SIZES = {"vocabulary": 23, "dim": 5, "hidden": 12}


def build(**options):
    torch.manual_seed(0)
    return NeuralLM((9,), 23, NeuralLMOptions(**SIZES, **options)).eval().double()


@pytest.mark.parametrize("direct", [False, True])
def test_logits_are_those_of_the_formula(direct):
    net = build(direct=direct)
    tokens = torch.randint(1, 23, (2, 7), generator=torch.Generator().manual_seed(1))
    weights = {name: value.detach().numpy() for name, value in net.named_parameters()}
    padded = np.pad(tokens.numpy(), ((0, 0), (3, 0)))
    for t in range(7):
        x = weights["embedding.weight"][padded[:, t : t + 4]].reshape(2, -1)
        hidden = np.tanh(x @ weights["hidden.weight"].T + weights["hidden.bias"])
        wanted = hidden @ weights["output.weight"].T + weights["output.bias"]
        if direct:
            wanted = wanted + x @ weights["direct.weight"].T
        np.testing.assert_allclose(net(tokens)[0][:, t].detach().numpy(), wanted, rtol=1e-9, atol=1e-12)


def test_it_looks_back_on_its_window_and_no_further():
    net = build(window=3)
    tokens = torch.randint(1, 23, (1, 9))
    changed = tokens.clone()
    changed[0, 4] = tokens[0, 4] % 22 + 1
    differs = (net(tokens)[0] != net(changed)[0]).any(-1)[0].tolist()
    assert differs == [False] * 4 + [True] * 3 + [False] * 2


def test_a_text_in_parts_gives_the_same_logits_as_the_whole():
    net = build()
    tokens = torch.randint(1, 23, (2, 11))
    whole, _ = net(tokens)
    parts, state = [], net.init_state(2)
    for start, end in ((0, 2), (2, 3), (3, 11)):
        logits, state = net.step(tokens[:, start:end], state)
        parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, 1), whole)


def test_a_window_of_one_remembers_nothing():
    net = build(window=1)
    tokens = torch.tensor([[5, 7, 5]])
    logits, state = net(tokens)
    assert state[0].shape == (1, 1, 0)
    torch.testing.assert_close(logits[0, 0], logits[0, 2])


def test_selected_rows_go_on_as_before():
    net = build()
    _, state = net(torch.tensor([[5, 6, 7], [8, 9, 10]]))
    chosen = net.select(state, torch.tensor([1, 0, 1]))
    logits, _ = net.step(torch.tensor([[3], [3], [3]]), chosen)
    torch.testing.assert_close(logits[0, -1], net(torch.tensor([[8, 9, 10, 3]]))[0][0, -1])
    torch.testing.assert_close(logits[1, -1], net(torch.tensor([[5, 6, 7, 3]]))[0][0, -1])


def test_wrong_inputs_and_options_are_refused():
    with pytest.raises(ShapeError, match="whole numbers"):
        build()(torch.zeros(2, 3))
    with pytest.raises(UsageError, match="window"):
        NeuralLMOptions(window=0)
