"""Scores of sentences beside whole passes of the network."""

import math

import numpy as np
import pytest
import torch

from derin.core.errors import UsageError
from derin.data.text.encoder import TextEncoder
from derin.data.text.stream_preparation import StreamPreparation
from derin.data.text.vocabulary import EOS
from derin.models.language_model import LanguageModel
from derin.models.lstm_lm import LSTMLM, LSTMLMOptions
from derin.models.neural_lm import NeuralLM, NeuralLMOptions
from derin.models.transformer_lm import TransformerLM, TransformerLMOptions
from derin.tasks.scoring import TextScore, log_probabilities, score_texts, shuffled_words, unknown_pieces

TEXTS = ["the dog barks", "a cat", "the cat and the dog sleep", "dog"]


def preparation(tokenizer: str) -> StreamPreparation:
    encoder = TextEncoder.fit(["\n".join(TEXTS)], tokenizer=tokenizer)
    return StreamPreparation(column="text", encoder=encoder)


def network(num_tokens: int, kind: str = "lstm") -> LanguageModel:
    torch.manual_seed(0)
    net: LanguageModel
    if kind == "lstm":
        net = LSTMLM((9,), num_tokens, LSTMLMOptions(vocabulary=num_tokens, dim=5, hidden=12))
    elif kind == "transformer":
        options = TransformerLMOptions(vocabulary=num_tokens, dim=12, num_heads=3, num_layers=2, window=20)
        net = TransformerLM((9,), num_tokens, options)
    else:
        net = NeuralLM((9,), num_tokens, NeuralLMOptions(vocabulary=num_tokens, dim=5, hidden=12))
    return net.double().eval()


@pytest.mark.parametrize("kind", ["lstm", "neural", "transformer"])
@pytest.mark.parametrize("tokenizer", ["characters", "words"])
def test_scores_are_those_of_each_text_alone(kind: str, tokenizer: str) -> None:
    stream = preparation(tokenizer)
    net = network(len(stream.encoder), kind)
    for text, score in zip(TEXTS, score_texts(net, stream, TEXTS, batch_size=3), strict=True):
        ids = stream.encoder.encode([text], eos=tokenizer == "words").flat.astype(np.int64)
        whole = torch.from_numpy(np.concatenate([[stream.start_token], ids]))[None]
        logs = torch.log_softmax(net(whole[:, :-1])[0], 2)[0].gather(1, whole[0, 1:, None])[:, 0]
        np.testing.assert_allclose(score.log_probabilities, logs.detach().numpy(), rtol=1e-5)
        assert score.log_probability == pytest.approx(logs.sum().item(), rel=1e-5)
        assert score.perplexity == pytest.approx(np.exp(-logs.mean().item()), rel=1e-5)


def test_the_end_of_a_sentence_is_scored_where_words_are_tokens() -> None:
    stream = preparation("words")
    assert stream.start_token == EOS
    assert score_texts(network(len(stream.encoder)), stream, ["a cat"])[0].tokens == ("a", "cat", "<EOS>")
    letters = preparation("characters")
    assert score_texts(network(len(letters.encoder)), letters, ["a cat"])[0].tokens == tuple("a cat")


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_a_long_text_is_read_in_parts(kind: str) -> None:
    net = network(23, kind)
    text = np.random.default_rng(0).integers(4, 23, 1500).tolist()
    found = log_probabilities(net, [text], start=4)[0]
    whole = torch.tensor([[4, *text]])
    logs = torch.log_softmax(net(whole[:, :-1])[0], 2)[0].gather(1, whole[0, 1:, None])[:, 0]
    np.testing.assert_allclose(found, logs.detach().numpy(), rtol=1e-5)


def test_shuffled_words_are_the_same_words_in_another_order() -> None:
    texts = [text for text in TEXTS if len(text.split()) > 1]
    for text, other in zip(texts, shuffled_words(texts), strict=True):
        assert sorted(other.split()) == sorted(text.split())
        assert other != text
    assert shuffled_words(texts) == shuffled_words(texts)
    with pytest.raises(UsageError, match="at least two differ"):
        shuffled_words(["dog dog"])


def test_unknown_characters_and_words_are_named() -> None:
    assert unknown_pieces(preparation("characters").encoder, "dög!") == ["ö", "!"]
    assert unknown_pieces(preparation("words").encoder, "the wolf barks!") == ["wolf", "!"]
    assert unknown_pieces(preparation("words").encoder, "") == []


def test_empty_texts_and_other_networks_are_refused() -> None:
    stream = preparation("words")
    with pytest.raises(UsageError, match="text 2 is empty"):
        score_texts(network(len(stream.encoder)), stream, ["a cat", " "])
    with pytest.raises(UsageError, match="language model"):
        score_texts(torch.nn.Linear(2, 3), stream, ["a cat"])


def test_a_score_says_its_parts_to_programs() -> None:
    score = TextScore("ab", ("a", "b"), (-1.0, -3.0))
    assert score.to_json() == {
        "text": "ab",
        "log_probability": -4.0,
        "perplexity": pytest.approx(math.e**2),
        "tokens": [["a", -1.0], ["b", -3.0]],
    }
    assert TextScore("a", ("a",), (-5_000.0,)).perplexity == pytest.approx(math.exp(700))  # and not beyond all numbers
