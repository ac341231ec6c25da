"""The baseline and the sentences of a language model's report."""

import math

import pytest
import torch

from derin.data.text.encoder import TextEncoder
from derin.data.text.stream_preparation import StreamPreparation
from derin.models.language_model import LanguageModel
from derin.models.lstm_lm import LSTMLM, LSTMLMOptions
from derin.tasks import language_findings
from derin.tasks.baselines.ngram_language_model import NgramLanguageModel
from derin.tasks.language_findings import above_shuffled, ngram_baseline, samples, sentences_of

TEXT = "the cat sleeps in the sun\na dog\nthe dog barks at the cat now\n\nthe  cat sleeps in the sun\n"


class InOrder(LanguageModel):
    """Likes each word to follow the one with the next lower number: it tells order without any training."""

    window = None

    def __init__(self, num_tokens: int) -> None:
        super().__init__((9,), options=None)
        self.vocabulary = num_tokens
        self.scores = torch.nn.Parameter(4 * torch.diag(torch.ones(num_tokens - 1), 1))

    def init_state(self, batch_size, *, device=None, dtype=None):
        return None

    def step(self, tokens, state):
        return self.scores[tokens], None


def test_the_baseline_is_fitted_on_the_last_characters_where_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(language_findings, "_MOST_CHARACTERS", 12)
    found = ngram_baseline(["xyzabcabc", "abdab"], {"val": ["abc"]}, order=3)
    assert found["num_characters"] == 12
    encoder = TextEncoder.fit(["zabcabc", "abdab"], tokenizer="characters")
    model = NgramLanguageModel.fit(encoder.encode(["zabcabc", "abdab"]), num_tokens=len(encoder), order=3)
    assert found["bits_per_character"]["val"] == pytest.approx(model.loss(encoder.encode(["abc"])) / math.log(2))


def test_sentences_are_lines_of_some_words_each_once() -> None:
    assert sentences_of([TEXT]) == ["the cat sleeps in the sun", "the dog barks at the cat now"]
    many = [" ".join(f"w{row}{place}" for place in range(6)) for row in range(500)]
    chosen = sentences_of(["\n".join(many)])
    assert len(chosen) == 300
    assert chosen == sorted(chosen, key=many.index)


def test_the_share_counts_sentences_above_their_shuffled_words() -> None:
    sentences = ["a b c d e f", "c d e f g h", "f e d c b a"]
    encoder = TextEncoder.fit(sentences, tokenizer="words")
    stream = StreamPreparation(column="text", encoder=encoder)
    # Two of three run in the order that the model likes; the third runs against it, and any other order is better.
    assert above_shuffled(InOrder(len(encoder)), stream, sentences) == {"num": 3, "share": pytest.approx(2 / 3)}
    assert above_shuffled(InOrder(len(encoder)), stream, []) == {"num": 0, "share": None}


@pytest.mark.parametrize("tokenizer", ["characters", "words"])
def test_samples_hold_no_special_tokens(tokenizer: str) -> None:
    stream = StreamPreparation(column="text", encoder=TextEncoder.fit([TEXT], tokenizer=tokenizer))
    torch.manual_seed(0)
    num = len(stream.encoder)
    net = LSTMLM((9,), num, LSTMLMOptions(vocabulary=num, dim=5, hidden=12)).eval()
    texts = samples(net, stream)["texts"]
    assert len(texts) == 3
    assert not any("<" in text or "�" in text for text in texts)


def test_an_empty_measured_text_gives_no_number() -> None:
    assert math.isnan(ngram_baseline(["abc"], {"val": [""]})["bits_per_character"]["val"])


def test_where_time_is_short_the_baseline_is_fitted_on_the_end_of_the_text_and_measured_on_a_beginning() -> None:
    train, val = ["abcd" * 500, "xyz" * 400], {"val": ["xyz" * 900, "nothing of this is read"]}
    short = ngram_baseline(train, val, most_characters=1_200)
    assert short["num_characters"] == 1_200
    assert short == ngram_baseline(train[1:], {"val": ["xyz" * 400]})


def test_at_least_a_thousand_characters_of_a_split_are_measured() -> None:
    train, ends = ["abcd" * 300], [("xyz" * 900)[:1_000]]
    for measured in ("xyz" * 900, ends[0]):
        found = ngram_baseline(train, {"val": [measured, "never read"]}, most_characters=200)
        assert found["num_characters"] == 200
        assert found == ngram_baseline(train, {"val": ends}, most_characters=200)
