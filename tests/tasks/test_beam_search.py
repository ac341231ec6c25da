"""Beam search; the oracles are all sentences there are, each scored alone, and a greedy loop."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from derin.core.errors import UsageError
from derin.models.seq2seq import Seq2SeqGRU, Seq2SeqOptions
from derin.models.translator import Translator
from derin.tasks.beam_search import beam_search, length_normalized, log_probabilities, longest_targets

BEGIN, END = 2, 3
WORDS = (1, 4, 5)  # what a target may hold beside its end


def network(seed: int = 0, num_outputs: int = 6) -> Translator:
    """A network with random weights, sharp enough that sentences differ."""
    torch.manual_seed(seed)
    model = Seq2SeqGRU((5,), num_outputs, Seq2SeqOptions(vocabulary=9, units=12, dim=10)).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2.5)
    return model


def sources() -> Tensor:
    return torch.tensor([[4, 5, 6, 3, 0], [7, 3, 0, 0, 0], [8, 8, 4, 5, 3]])


@torch.inference_mode()
def every_target(model: Translator, source: Tensor, longest: int, length_power: float) -> list[tuple[float, list[int]]]:
    """All sentences up to a length with their scores, the best first; each token's chance comes from the decoder run
    alone."""
    found = []
    for length in range(1, longest + 1):
        for words in itertools.product(WORDS, repeat=length - 1):
            state = model.start(model.encode(source[None]))
            total, last = 0.0, BEGIN
            for token in (*words, END):
                logits, state = model.step(torch.tensor([last]), state)
                # At the last place nothing but the end may stand, at its own probability.
                total += float(logits.log_softmax(-1)[0, token])
                last = token
            found.append((total / length**length_power, [*words, END]))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("length_power", [0.0, 0.7, 1.0])
def test_a_beam_that_holds_everything_finds_what_exhaustive_search_finds(length_power: float) -> None:
    model, longest = network(), 4
    beam_size = 2 * sum(len(WORDS) ** n for n in range(longest))
    limits = torch.full((3,), longest)
    found = beam_search(
        model, sources(), begin=BEGIN, end=END, beam_size=beam_size, length_power=length_power, longest=limits
    )
    for row, source in enumerate(sources()):
        expected = every_target(model, source, longest, length_power)
        kept = found.scores[row].isfinite()
        assert int(kept.sum()) == len(expected)
        assert [t[t != 0].tolist() for t in found.tokens[row][kept]] == [tokens for _, tokens in expected]
        torch.testing.assert_close(found.scores[row][kept], torch.tensor([score for score, _ in expected]))


def greedy(model: Translator, source: Tensor, longest: int) -> list[int]:
    state = model.start(model.encode(source[None]))
    tokens = [BEGIN]
    while len(tokens) <= longest and tokens[-1] != END:
        logits, state = model.step(torch.tensor(tokens[-1:]), state)
        logits[:, [0, BEGIN]] = -torch.inf
        tokens.append(END if len(tokens) == longest else int(logits.argmax()))
    return tokens[1:]


@pytest.mark.parametrize("seed", range(4))
def test_beam_size_1_is_greedy_search(seed: int) -> None:
    model = network(seed)
    with torch.inference_mode():
        found = beam_search(model, sources(), begin=BEGIN, end=END, beam_size=1)
        limits = longest_targets(sources()).tolist()
        expected = [greedy(model, source, limit) for source, limit in zip(sources(), limits)]
    assert [tokens[0][tokens[0] != 0].tolist() for tokens in found.tokens] == expected


@pytest.mark.parametrize("beam_size", [1, 2, 5])
def test_a_sentence_gets_the_same_alone_and_in_a_batch(beam_size: int) -> None:
    model = network(1)
    together = beam_search(model, sources(), begin=BEGIN, end=END, beam_size=beam_size)
    for row, source in enumerate(sources()):
        alone = beam_search(model, source[source != 0][None], begin=BEGIN, end=END, beam_size=beam_size)
        num = alone.tokens.shape[2]
        assert torch.equal(together.tokens[row, :, :num], alone.tokens[0])
        assert not together.tokens[row, :, num:].any()
        torch.testing.assert_close(together.scores[row], alone.scores[0])


@torch.inference_mode()
def searched_slowly(
    model: Translator, source: Tensor, beam_size: int, longest: int, length_power: float
) -> list[list[int]]:
    """One sentence at a time, with lists: it ends when as many hypotheses as the beam holds have ended."""
    growing, ended, num_ended = [(0.0, list[int]())], list[tuple[float, list[int]]](), 0
    for length in range(1, longest + 1):
        longer = []
        for total, tokens in growing:
            state = model.start(model.encode(source[None]))
            for token in (BEGIN, *tokens):
                logits, state = model.step(torch.tensor([token]), state)
            for token in (END,) if length == longest else (*WORDS, END):
                longer.append((total + float(logits.float().log_softmax(-1)[0, token]), [*tokens, token]))
        best = sorted(longer, reverse=True)[: 2 * beam_size]
        new = [(total / length**length_power, tokens) for total, tokens in best[:beam_size] if tokens[-1] == END]
        ended, num_ended = sorted(ended + new, reverse=True)[:beam_size], num_ended + len(new)
        growing = [(total, tokens) for total, tokens in best if tokens[-1] != END][:beam_size]
        if num_ended >= beam_size or not growing:
            break
    return [tokens for _, tokens in ended]


@pytest.mark.parametrize("beam_size", [2, 3])
@pytest.mark.parametrize("length_power", [0.0, 2.0])  # the latter prefers long ones, which a search must not wait for
def test_a_narrow_beam_keeps_and_ends_what_a_slow_search_does(beam_size: int, length_power: float) -> None:
    options = {"begin": BEGIN, "end": END, "beam_size": beam_size, "length_power": length_power}
    for seed in range(4):
        model, limits = network(seed), torch.tensor([7, 3, 5])
        found = beam_search(model, sources(), longest=limits, **options)
        for row, source in enumerate(sources()):
            expected = searched_slowly(model, source, beam_size, int(limits[row]), length_power)
            kept = found.scores[row].isfinite()
            assert [t[t != 0].tolist() for t in found.tokens[row][kept]] == expected


def test_a_wider_beam_never_ends_with_a_worse_best_when_it_holds_everything() -> None:
    model = network(2)
    limits = torch.full((3,), 4)
    best = [
        beam_search(model, sources(), begin=BEGIN, end=END, beam_size=k, length_power=0.0, longest=limits).scores[:, 0]
        for k in (1, 200)
    ]
    assert (best[1] >= best[0] - 1e-6).all()


def test_log_probabilities_of_what_was_found_are_those_of_the_search() -> None:
    model = network(3)
    found = beam_search(model, sources(), begin=BEGIN, end=END, beam_size=2)
    with torch.inference_mode():
        alone = log_probabilities(model, sources(), found.tokens[:, 0], begin=BEGIN)
    torch.testing.assert_close(found.log_probs[:, 0], alone)
    lengths = (found.tokens[:, 0] != 0).sum(1)
    torch.testing.assert_close(found.scores[:, 0], length_normalized(found.log_probs[:, 0], lengths))


def test_forbidden_tokens_are_not_said() -> None:
    found = beam_search(network(), sources(), begin=BEGIN, end=END, beam_size=3, forbidden=(1, 4))
    assert set(found.tokens.flatten().tolist()) <= {0, 3, 5}


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(UsageError, match="beam_size must be at least 1"):
        beam_search(network(), sources(), begin=BEGIN, end=END, beam_size=0)
    with pytest.raises(UsageError, match="length_power=-1"):
        beam_search(network(), sources(), begin=BEGIN, end=END, length_power=-1.0)
