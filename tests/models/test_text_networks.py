"""The networks that classify texts: what padding, order and length do to them, against sums written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import ShapeError, UsageError
from derin.models.glove import Glove, GloveOptions
from derin.models.text_average import TextAverage, TextAverageOptions
from derin.models.text_bag import TextBag, TextBagOptions
from derin.models.text_cnn import TextCNN, TextCNNOptions
from derin.models.text_rnn import TextGRU, TextLSTM, TextRNNOptions

VOCABULARY = 23
TEXTS = torch.tensor([[5, 7, 22, 7, 9], [8, 4, 0, 0, 0]])


def networks() -> list[nn.Module]:
    torch.manual_seed(3)
    small: dict[str, Any] = {"vocabulary": VOCABULARY}
    built: list[nn.Module] = [
        TextBag((5,), 3, TextBagOptions(**small, groups=2)),
        TextBag((5,), 3, TextBagOptions(**small, dim=12)),
        TextAverage((5,), 3, TextAverageOptions(**small, dim=12, hidden=(7,))),
        TextCNN((5,), 3, TextCNNOptions(**small, dim=12, filters=5)),
        *(
            TextLSTM((5,), 3, TextRNNOptions(**small, dim=12, hidden=7, pooling=p))
            for p in ("attention", "max", "mean")
        ),
        TextGRU((5,), 3, TextRNNOptions(**small, dim=12, hidden=7, pooling="last", layers=2)),
        TextGRU((5,), 3, TextRNNOptions(**small, dim=12, hidden=7, pooling="last", bidirectional=False)),
    ]
    for network in built:
        for parameter in network.parameters():  # tables that begin at zero would hide what padding does
            nn.init.normal_(parameter, std=0.5)
        for module in network.modules():
            if isinstance(module, nn.Embedding) and module.padding_idx is not None:
                nn.init.zeros_(module.weight[module.padding_idx])
    return [network.double().eval() for network in built]


@pytest.mark.parametrize("network", networks(), ids=lambda n: f"{type(n).__name__}")
def test_a_text_gives_the_same_alone_as_padded_in_a_batch(network: nn.Module) -> None:
    together = network(TEXTS)
    torch.testing.assert_close(network(TEXTS[1:, :2]), together[1:], rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(network(F.pad(TEXTS, (0, 9))), together, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("network", networks(), ids=lambda n: f"{type(n).__name__}")
def test_a_text_without_tokens_gives_finite_outputs_and_gradients(network: nn.Module) -> None:
    outputs = network(torch.tensor([[0, 0, 0], [5, 0, 0]]))
    outputs.sum().backward()
    assert outputs.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


def test_a_bag_is_the_sum_of_scores_times_importance_over_the_root_of_each_groups_size() -> None:
    network = networks()[0]
    table, importance = network.table.weight.detach().numpy(), network.importance.weight.detach().numpy()
    # Tokens 4 to 13 are the first group, 14 to 22 the second.
    expected = network.output.bias.detach().numpy().copy()
    expected = expected + sum(table[t] * importance[t] for t in (5, 7, 7, 9)) / np.sqrt(4)
    expected = expected + table[22] * importance[22]
    np.testing.assert_allclose(network(TEXTS)[0].detach().numpy(), expected, rtol=1e-12)


def test_many_classes_have_vectors_between() -> None:
    assert TextBag((5,), 17, TextBagOptions(vocabulary=VOCABULARY)).table.weight.shape == (VOCABULARY, 16)
    assert TextBag((5,), 16, TextBagOptions(vocabulary=VOCABULARY)).table.weight.shape == (VOCABULARY, 16)
    assert TextBag((5,), 2, TextBagOptions(vocabulary=VOCABULARY)).table.weight.shape == (VOCABULARY, 2)


def test_an_average_is_the_mean_of_the_words() -> None:
    torch.manual_seed(0)
    network = TextAverage((5,), 3, TextAverageOptions(vocabulary=VOCABULARY, dim=12)).eval()
    mean = network.embedding.weight[[8, 4]].mean(0)
    torch.testing.assert_close(network(TEXTS)[1], network.output(mean), rtol=1e-5, atol=1e-6)


def test_convolutions_are_those_of_every_window_that_touches_a_word() -> None:
    torch.manual_seed(0)
    options = TextCNNOptions(vocabulary=VOCABULARY, dim=12, filters=5, widths=(3, 4))
    network = TextCNN((5,), 3, options).double().eval()
    words = network.embedding(TEXTS[1, :2])  # (2, 12)
    largest = []
    for convolution in network.convolutions:
        width = convolution.kernel_size[0]
        padded = F.pad(words, (0, 0, width - 1, width - 1))
        windows = torch.stack([padded[i : i + width] for i in range(2 + width - 1)])  # (windows, width, 12)
        answers = torch.einsum("nwd,fdw->nf", windows, convolution.weight) + convolution.bias
        largest.append(answers.relu().amax(0))
    torch.testing.assert_close(network(TEXTS)[1], network.output(torch.cat(largest)), rtol=1e-10, atol=1e-10)


def test_attention_weighs_the_words_alone() -> None:
    torch.manual_seed(0)
    network = TextLSTM((5,), 3, TextRNNOptions(vocabulary=VOCABULARY, dim=12, hidden=7)).double().eval()
    outputs, _ = network.recurrent(network.embedding(TEXTS[1:, :2]), final_state=False)
    scores = (torch.tanh(outputs[0] @ network.attention.weight.T + network.attention.bias)) @ network.query.weight[0]
    pooled = (torch.softmax(scores, 0)[:, None] * outputs[0]).sum(0)
    torch.testing.assert_close(network(TEXTS)[1], network.output(pooled), rtol=1e-10, atol=1e-10)


def test_the_last_states_are_those_of_torchs_packed_lstm() -> None:
    torch.manual_seed(0)
    options = TextRNNOptions(vocabulary=VOCABULARY, dim=12, hidden=7, pooling="last")
    network = TextLSTM((5,), 3, options).double().eval()
    reference = nn.LSTM(12, 7, batch_first=True, bidirectional=True).double()
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    with torch.no_grad():
        for suffix, layer in zip(("", "_reverse"), network.recurrent.layers):
            for name in names:
                getattr(reference, name + suffix).copy_(getattr(layer, name))
    packed = nn.utils.rnn.pack_padded_sequence(network.embedding(TEXTS), torch.tensor([5, 2]), batch_first=True)
    _, (h, _) = reference(packed)
    expected = network.output(torch.cat([h[0], h[1]], 1))
    torch.testing.assert_close(network(TEXTS), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("build", [TextBag, TextAverage, TextCNN, TextLSTM])
def test_imported_vectors_are_taken_and_others_refused(build: type[Any]) -> None:
    options = {
        TextBag: TextBagOptions(vocabulary=VOCABULARY, dim=6),
        TextAverage: TextAverageOptions(vocabulary=VOCABULARY, dim=6),
        TextCNN: TextCNNOptions(vocabulary=VOCABULARY, dim=6),
        TextLSTM: TextRNNOptions(vocabulary=VOCABULARY, dim=6),
    }[build]
    network = build((5,), 3, options)
    network.load_embedding(torch.full((VOCABULARY, 6), 0.5))
    embedding: Tensor = (network.table if build is TextBag else network.embedding).weight
    assert embedding[5].tolist() == [0.5] * 6
    assert embedding[0].tolist() == [0.0] * 6
    with pytest.raises(ShapeError, match="dim=7"):
        network.load_embedding(torch.zeros(VOCABULARY, 7))


def test_inputs_and_options_that_do_not_fit_are_refused() -> None:
    network = TextAverage((5,), 3, TextAverageOptions(vocabulary=VOCABULARY))
    with pytest.raises(ShapeError, match="reads tokens"):
        network(torch.zeros(2, 5))
    with pytest.raises(UsageError, match="pooling"):
        TextRNNOptions(pooling="median")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="widths"):
        TextCNNOptions(widths=(0,))
    with pytest.raises(UsageError, match="groups"):
        TextBagOptions(groups=0)


@pytest.mark.parametrize("network", networks(), ids=lambda n: f"{type(n).__name__}")
def test_a_text_without_tokens_is_answered_by_the_last_biases_alone(network: nn.Module) -> None:
    if isinstance(network, TextLSTM | TextGRU) and network.pooling == "max":
        return  # what is largest of nothing is the lower end of the outputs, −1
    nothing = torch.zeros(1, 3, dtype=torch.int64)
    last = network.output.bias
    if isinstance(network, TextAverage):  # a hidden layer has biases too
        with torch.no_grad():
            last = network.output(network.hidden(torch.zeros(1, 12, dtype=torch.float64)))[0]
    torch.testing.assert_close(network(nothing)[0], last, rtol=0, atol=1e-12)


def test_the_average_of_a_single_token_is_its_vector() -> None:
    torch.manual_seed(0)
    model = TextAverage((3,), 2, TextAverageOptions(vocabulary=VOCABULARY, dim=4, hidden=())).eval()
    wanted = model.embedding.weight[7] @ model.output.weight.T + model.output.bias
    torch.testing.assert_close(model(torch.tensor([[7, 0, 0]]))[0], wanted)


@pytest.mark.parametrize(("vocabulary", "groups", "size"), [(100, 1, 96), (103, 3, 33), (104, 3, 34), (8, 3, 2)])
def test_the_groups_of_a_bag_share_the_tokens_evenly(vocabulary: int, groups: int, size: int) -> None:
    """The first four numbers are no tokens of a text: padding and the like."""
    net = TextBag((20,), 3, TextBagOptions(vocabulary=vocabulary, groups=groups))
    assert net.group_size == size
    assert (groups - 1) * size <= vocabulary - 4 <= groups * size


def test_the_vectors_of_glove_are_the_sums_of_both_tables() -> None:
    net = Glove((4,), 4, GloveOptions(vocabulary=7, dim=3))
    torch.testing.assert_close(net.word_vectors(), net.input.weight + net.output.weight, rtol=0, atol=0)
