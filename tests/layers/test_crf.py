"""The conditional random field against the enumeration of every sequence of tags, in float64."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from derin.core.errors import ShapeError, UsageError
from derin.layers.crf import CRF, bio_steps

LENGTHS = (5, 3, 1)
NUM_TAGS = 3


def random_crf(num_tags: int = NUM_TAGS, **options: Tensor) -> CRF:
    crf = CRF(num_tags, **options).double()
    torch.manual_seed(1)
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    return crf


def batch(num_tags: int = NUM_TAGS, lengths: tuple[int, ...] = LENGTHS) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    shape = (len(lengths), max(lengths))
    emissions = torch.randn(*shape, num_tags, generator=generator, dtype=torch.float64, requires_grad=True)
    tags = torch.randint(0, num_tags, shape, generator=generator)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return emissions, tags, mask


def score(crf: CRF, emissions: Tensor, tags: tuple[int, ...]) -> Tensor:
    """The score of one sequence, term by term."""
    transitions, first, last = crf.scores()
    total = first[tags[0]] + last[tags[-1]]
    for place, tag in enumerate(tags):
        total = total + emissions[place, tag]
    for before, after in itertools.pairwise(tags):
        total = total + transitions[before, after]
    return total


def enumerate_all(crf: CRF, emissions: Tensor, length: int) -> dict[tuple[int, ...], Tensor]:
    return {tags: score(crf, emissions, tags) for tags in itertools.product(range(crf.num_tags), repeat=length)}


def test_likelihood_equals_enumeration() -> None:
    crf, (emissions, tags, mask) = random_crf(), batch()
    expected = []
    for row, length in enumerate(LENGTHS):
        scores = enumerate_all(crf, emissions[row], length)
        own = scores[tuple(tags[row, :length].tolist())]
        expected.append(own - torch.stack(list(scores.values())).logsumexp(0))
    torch.testing.assert_close(crf.log_likelihood(emissions, tags, mask), torch.stack(expected), rtol=0, atol=1e-12)


def test_gradients_equal_those_of_enumeration() -> None:
    crf, (emissions, tags, mask) = random_crf(), batch()
    parameters = [emissions, *crf.parameters()]
    weights = torch.tensor([0.3, 1.7, -0.6], dtype=torch.float64)
    found = torch.autograd.grad((crf.log_likelihood(emissions, tags, mask) * weights).sum(), parameters)
    expected = torch.zeros((), dtype=torch.float64)
    for row, length in enumerate(LENGTHS):
        scores = enumerate_all(crf, emissions[row], length)
        own = scores[tuple(tags[row, :length].tolist())]
        expected = expected + weights[row] * (own - torch.stack(list(scores.values())).logsumexp(0))
    for ours, theirs in zip(found, torch.autograd.grad(expected, parameters), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_best_sequence_equals_enumeration() -> None:
    crf, (emissions, _, mask) = random_crf(), batch()
    found = crf.decode(emissions, mask)
    for row, length in enumerate(LENGTHS):
        scores = enumerate_all(crf, emissions[row].detach(), length)
        assert tuple(found[row, :length].tolist()) == max(scores, key=lambda tags: float(scores[tags].detach()))
        assert not found[row, length:].any()


def test_marginals_equal_enumeration() -> None:
    crf, (emissions, _, mask) = random_crf(), batch()
    found = crf.marginals(emissions, mask)
    for row, length in enumerate(LENGTHS):
        scores = enumerate_all(crf, emissions[row], length)
        probabilities = torch.stack(list(scores.values())).softmax(0)
        expected = torch.zeros(length, NUM_TAGS, dtype=torch.float64)
        for tags, probability in zip(scores, probabilities, strict=True):
            expected[torch.arange(length), list(tags)] += probability
        torch.testing.assert_close(found[row, :length], expected, rtol=0, atol=1e-12)
        assert not found[row, length:].any()


def test_probabilities_of_segments_equal_enumeration() -> None:
    crf, (emissions, tags, mask) = random_crf(), batch()
    segments = [
        (row, start, end)
        for row, length in enumerate(LENGTHS)
        for start in range(length)
        for end in range(start + 1, length + 1)
    ]
    continuations = torch.arange(len(segments)) % NUM_TAGS
    found = crf.segment_probabilities(emissions, tags, mask, torch.tensor(segments), continuations)
    scores = [enumerate_all(crf, emissions[row], length) for row, length in enumerate(LENGTHS)]
    for (row, start, end), other, probability in zip(segments, continuations.tolist(), found, strict=True):
        inside = tuple(tags[row, start:end].tolist())
        paths = [path for path in scores[row] if path[start:end] == inside and path[end : end + 1] != (other,)]
        fitting = [scores[row][path] for path in paths]
        expected = torch.stack(fitting).logsumexp(0) - torch.stack(list(scores[row].values())).logsumexp(0)
        assert float(probability.detach()) == pytest.approx(float(expected.detach().exp()), abs=1e-12)


def test_probabilities_of_all_sequences_sum_to_one() -> None:
    crf, (emissions, _, mask) = random_crf(), batch(lengths=(4,))
    each = [crf.log_likelihood(emissions, torch.tensor([tags]), mask) for tags in itertools.product(range(3), repeat=4)]
    assert float(torch.stack(each).exp().sum().detach()) == pytest.approx(1.0, abs=1e-12)


def test_padding_changes_nothing() -> None:
    crf, (emissions, tags, mask) = random_crf(), batch()
    alone = [
        crf.log_likelihood(
            emissions[row : row + 1, :length], tags[row : row + 1, :length], mask[row : row + 1, :length]
        )
        for row, length in enumerate(LENGTHS)
    ]
    torch.testing.assert_close(crf.log_likelihood(emissions, tags, mask), torch.cat(alone), rtol=0, atol=1e-12)


def test_an_empty_sequence_has_probability_one_and_no_gradient() -> None:
    crf, (emissions, tags, mask) = random_crf(), batch()
    mask = mask.clone()
    mask[1] = False
    found = crf.log_likelihood(emissions, tags, mask)
    assert float(found[1].detach()) == 0.0
    found.sum().backward()
    assert emissions.grad is not None
    assert not emissions.grad[1].any()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in crf.parameters())


def test_forbidden_steps_have_no_probability_and_are_never_taken() -> None:
    allowed, first = bio_steps(5)
    crf = random_crf(5, allowed=allowed, allowed_first=first)
    emissions, _, mask = batch(5, (5, 4, 2))
    found = crf.decode(emissions * 20, mask)
    for row, length in enumerate((5, 4, 2)):
        before = 0
        for tag in found[row, :length].tolist():
            assert tag in (0, 1, 3) or before in (tag - 1, tag)
            before = tag
    inside_first = torch.tensor([[2, 0, 0, 0, 0]] * 3)
    assert (crf.log_likelihood(emissions, inside_first, mask).exp() == 0).all()


def test_single_precision_is_near_double_for_long_sentences_and_large_scores() -> None:
    crf, (emissions, tags, mask) = random_crf(), batch(lengths=(80, 67))
    double = crf.log_likelihood(emissions * 30, tags, mask)
    single = crf.float().log_likelihood(emissions.float() * 30, tags, mask)
    torch.testing.assert_close(single.double(), double, rtol=1e-5, atol=1e-3)


def test_half_precision_is_summed_in_single() -> None:
    crf, (emissions, tags, mask) = random_crf().float(), batch()
    assert crf.log_likelihood(emissions.bfloat16(), tags, mask).dtype == torch.float32


def test_wrong_sizes_are_told() -> None:
    crf, (emissions, tags, mask) = random_crf(), batch()
    with pytest.raises(ShapeError, match=r"shape \(batch, length, 3\)"):
        crf.log_likelihood(emissions[..., :2], tags, mask)
    with pytest.raises(ShapeError, match=r"allowed must have the shape \(3, 3\)"):
        CRF(3, allowed=torch.ones(2, 3, dtype=torch.bool))
    with pytest.raises(UsageError, match="at least 1"):
        CRF(0)
    with pytest.raises(UsageError, match="odd"):
        bio_steps(4)


def test_the_steps_that_are_allowed_are_no_weights() -> None:
    """What a file of weights holds; the rest follows from the names of the tags."""
    crf = CRF(3, allowed=torch.ones(3, 3, dtype=torch.bool), allowed_first=torch.ones(3, dtype=torch.bool))
    assert set(crf.state_dict()) == {"transitions", "first", "last"}
