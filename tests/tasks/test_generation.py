"""Sampling beside distributions written down by hand, and text that is a function of its seed."""

import math

import numpy as np
import pytest
import torch

from derin.core.errors import UsageError
from derin.models.neural_lm import NeuralLM, NeuralLMOptions
from derin.tasks.generation import Sampling, generate, next_probabilities

GIVEN = np.array([[0.05, 0.4, 0.1, 0.25, 0.2], [0.5, 0.125, 0.125, 0.125, 0.125]])


def probabilities(**settings):
    banned = settings.pop("banned", ())
    return next_probabilities(torch.from_numpy(np.log(GIVEN)), Sampling(**settings), banned).numpy()


@pytest.fixture
def model():
    torch.manual_seed(3)
    return NeuralLM((9,), 23, NeuralLMOptions(vocabulary=23, dim=5, hidden=12)).eval()


def test_without_bounds_the_probabilities_are_the_models_own():
    np.testing.assert_allclose(probabilities(), GIVEN)


def test_temperature_raises_probabilities_to_its_inverse():
    wanted = GIVEN ** (1 / 0.7)
    np.testing.assert_allclose(probabilities(temperature=0.7), wanted / wanted.sum(1, keepdims=True))


def test_temperature_zero_takes_the_likeliest():
    np.testing.assert_array_equal(probabilities(temperature=0), [[0, 1, 0, 0, 0], [1, 0, 0, 0, 0]])


def test_top_k_keeps_k_tokens_and_the_lower_number_among_equals():
    wanted = np.array([[0, 0.4, 0, 0.25, 0], [0.5, 0.125, 0, 0, 0]])
    np.testing.assert_allclose(probabilities(top_k=2), wanted / wanted.sum(1, keepdims=True))


def test_top_k_above_the_vocabulary_keeps_all():
    np.testing.assert_allclose(probabilities(top_k=99), GIVEN)


@pytest.mark.parametrize(
    ("top_p", "kept"),
    [(0.39, [1]), (0.41, [1, 3]), (0.64, [1, 3]), (0.66, [1, 3, 4]), (0.94, [1, 2, 3, 4]), (0.96, [0, 1, 2, 3, 4])],
)
def test_top_p_keeps_the_fewest_tokens_that_reach_it(top_p, kept):
    wanted = np.zeros(5)
    wanted[kept] = GIVEN[0, kept]
    np.testing.assert_allclose(probabilities(top_p=top_p)[0], wanted / wanted.sum(), atol=1e-12)


def test_top_p_counts_what_top_k_left():
    # Of 0.4, 0.25 and 0.2 the first two make 0.765 of the whole.
    wanted = np.array([0, 0.4, 0, 0.25, 0])
    np.testing.assert_allclose(probabilities(top_k=3, top_p=0.76)[0], wanted / wanted.sum())


def test_banned_tokens_never_come():
    wanted = np.where(np.arange(5) == 1, 0, GIVEN)
    np.testing.assert_allclose(probabilities(banned=[1]), wanted / wanted.sum(1, keepdims=True))
    assert probabilities(banned=[1], temperature=0)[0].tolist() == [0, 0, 0, 1, 0]


def test_drawn_tokens_follow_the_models_probabilities(model):
    prompt = [4, 7, 9, 5]
    drawn = generate(model, prompt, num_texts=4000, num_tokens=1).squeeze(1)
    share = np.bincount(drawn.numpy(), minlength=23) / 4000
    wanted = torch.softmax(model(torch.tensor([prompt]))[0][0, -1].double(), 0).detach().numpy()
    # Four standard errors of each share.
    assert (np.abs(share - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / 4000)).all()


def test_greedy_text_is_what_whole_passes_give(model):
    tokens = [4, 7]
    for _ in range(9):
        tokens.append(int(model(torch.tensor([tokens]))[0][0, -1].argmax()))
    assert generate(model, [4, 7], num_tokens=9, sampling=Sampling(temperature=0))[0].tolist() == tokens[2:]


def test_the_seed_alone_decides_and_more_texts_change_none(model):
    few = generate(model, [4], num_texts=2, num_tokens=7, sampling=Sampling(seed=5))
    many = generate(model, [4], num_texts=5, num_tokens=11, sampling=Sampling(seed=5))
    other = generate(model, [4], num_texts=2, num_tokens=7, sampling=Sampling(seed=6))
    assert torch.equal(few, many[:2, :7])
    assert not torch.equal(few, other)
    assert not torch.equal(many[0], many[1])


def test_a_text_ends_with_its_stop_token(model):
    texts = generate(model, [4], num_texts=40, num_tokens=60, stop=8)
    for text in texts.tolist():
        if 8 in text:
            assert set(text[text.index(8) + 1 :]) <= {0}
    assert any(8 in text for text in texts.tolist())


def test_nothing_is_drawn_once_every_text_has_ended(model):
    first = int(generate(model, [4], num_tokens=1)[0, 0])
    assert generate(model, [4], num_tokens=50, stop=first).shape == (1, 1)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": math.nan}, "temperature"),
        ({"top_k": 0}, "top_k"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.1}, "top_p"),
    ],
)
def test_settings_out_of_range_are_refused(settings, named):
    with pytest.raises(UsageError, match=named):
        Sampling(**settings)


@pytest.mark.parametrize("settings", [{"prompt": []}, {"num_texts": 0}, {"num_tokens": 0}])
def test_nothing_to_do_is_refused(model, settings):
    with pytest.raises(UsageError, match="at least 1"):
        generate(model, **{"prompt": [4], **settings})
