"""Skip-gram and CBOW, whose gradients are written out, beside autograd over the sums of the papers, pair by pair."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from derin.core.errors import ShapeError, UsageError
from derin.models.skip_gram import (
    ContinuousBagOfWords,
    SkipGram,
    TextChunk,
    WordVectorNetwork,
    WordVectorOptions,
    block_length,
)

VOCABULARY, DIM, SAMPLES, DEPTH = 13, 6, 4, 3
NETWORKS = [SkipGram, ContinuousBagOfWords]


def network(kind: type[WordVectorNetwork], **options: object) -> WordVectorNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = kind((5,), 1, WordVectorOptions(vocabulary=VOCABULARY, dim=DIM, **options)).double()  # type: ignore[arg-type]
        for table in (made.input, made.output):
            torch.nn.init.normal_(table.weight, std=0.7)
    return made


def stretch_of(window: int, *, tree: bool, blocks: int = 2, real: int | None = None, seed: int = 5) -> TextChunk:
    generator = torch.Generator().manual_seed(seed)
    num = blocks * block_length(window)
    real = num - 3 if real is None else real
    draw = lambda low, high, *shape: torch.randint(low, high, shape, generator=generator)  # noqa: E731
    tokens, reach = draw(4, VOCABULARY, num), draw(1, window + 1, num)
    sentences = (draw(0, 6, num) == 0).cumsum(0)
    tokens[real:], reach[real:], sentences[real:] = 0, 0, -1
    if not tree:
        return TextChunk(tokens, sentences, reach, negatives=draw(4, VOCABULARY, blocks, SAMPLES))
    nodes, signs = draw(0, VOCABULARY - 1, num, DEPTH), draw(0, 2, num, DEPTH) * 2 - 1
    signs[draw(0, 3, num) == 0, -1] = 0
    return TextChunk(tokens, sentences, reach, nodes=nodes, signs=signs)


def neighbors(chunk: TextChunk, place: int) -> list[int]:
    reach = int(chunk.window_radius[place])
    return [
        other
        for other in range(max(0, place - reach), min(len(chunk.tokens), place + reach + 1))
        if other != place and chunk.sentences[other] == chunk.sentences[place]
    ]


def written_out(net: WordVectorNetwork, chunk: TextChunk) -> tuple[Tensor, int]:
    """The losses of the papers, summed one prediction at a time."""
    x, y = net.input.weight, net.output.weight
    length, num_negatives = block_length(net.options.window), net.options.negatives

    def of_one(given: Tensor, place: int, block: int) -> Tensor:
        if chunk.nodes is not None and chunk.signs is not None:
            scores = y[chunk.nodes[place]] @ given * chunk.signs[place]
            return -F.logsigmoid(scores[chunk.signs[place] != 0]).sum()
        assert chunk.negatives is not None
        # A sample that is the predicted word itself is none; the others stand for K / S each.
        others = chunk.negatives[block][chunk.negatives[block] != chunk.tokens[place]]
        noise = F.logsigmoid(-(y[others] @ given)).sum() * num_negatives / SAMPLES
        return -F.logsigmoid(y[chunk.tokens[place]] @ given) - noise

    total, num = torch.zeros((), dtype=torch.float64), 0
    for place in range(len(chunk.tokens)):
        around = neighbors(chunk, place)
        if isinstance(net, ContinuousBagOfWords) and around:
            total = total + of_one(x[chunk.tokens[around]].mean(dim=0), place, place // length)
            num += 1
        elif isinstance(net, SkipGram):
            for other in around:
                total = total + of_one(x[chunk.tokens[place]], other, place // length)
            num += len(around)
    return total, num


@pytest.mark.parametrize("tree", [False, True])
@pytest.mark.parametrize("window", [1, 3, 9])
@pytest.mark.parametrize("kind", NETWORKS)
def test_a_step_is_the_gradient_that_autograd_finds(
    kind: type[WordVectorNetwork], window: int, tree: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("derin.models.skip_gram._LARGEST_STEP", 1e9)
    net, chunk = network(kind, window=window, negatives=5, hierarchical=tree), stretch_of(window, tree=tree)
    before = copy.deepcopy(net)
    loss, num = written_out(before, chunk)
    loss.backward()
    measured, counted = net.measure(chunk)
    torch.testing.assert_close(measured, loss.detach(), rtol=1e-12, atol=1e-12)
    assert int(counted) == num > 20
    total, learned = net.learn(chunk, lr=0.01)
    torch.testing.assert_close(total, loss.detach(), rtol=1e-12, atol=1e-12)
    assert int(learned) == num
    for now, old in ((net.input, before.input), (net.output, before.output)):
        assert old.weight.grad is not None
        torch.testing.assert_close(now.weight.data, old.weight.data - 0.01 * old.weight.grad, rtol=1e-10, atol=1e-12)


def terms_of(net: WordVectorNetwork, chunk: TextChunk) -> dict[str, Tensor]:
    """How many terms of the sum speak of each vector, the mean of several words counting as a share of each."""
    found = {name: torch.zeros(VOCABULARY, dtype=torch.float64) for name in ("input", "output")}
    length, negatives = block_length(net.options.window), net.options.negatives
    is_bag = isinstance(net, ContinuousBagOfWords)
    for place in range(len(chunk.tokens)):
        around = neighbors(chunk, place)
        for predicted in ([place] if around else []) if is_bag else around:
            if chunk.nodes is not None and chunk.signs is not None:
                turned = chunk.nodes[predicted][chunk.signs[predicted] != 0]
                of_given = DEPTH if is_bag else len(turned)
                found["output"].index_add_(0, turned, torch.ones(len(turned), dtype=torch.float64))
            else:
                assert chunk.negatives is not None
                others = chunk.negatives[place // length]
                others = others[others != chunk.tokens[predicted]]
                of_given = 1 + (negatives if is_bag else negatives / SAMPLES * len(others))
                found["output"][chunk.tokens[predicted]] += 1
                share = torch.full((len(others),), negatives / SAMPLES, dtype=torch.float64)
                found["output"].index_add_(0, others, share)
            for given in around if is_bag else [place]:
                found["input"][chunk.tokens[given]] += of_given / (len(around) if is_bag else 1)
    return found


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("tree", [False, True])
def test_a_vector_that_a_stretch_speaks_of_too_often_is_moved_by_a_part_of_the_sum(
    kind: type[WordVectorNetwork], tree: bool
) -> None:
    chunk = stretch_of(3, tree=tree, blocks=90)
    net = network(kind, window=3, hierarchical=tree)
    whole, before = copy.deepcopy(net), copy.deepcopy(net)
    net.learn(chunk, lr=0.01)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("derin.models.skip_gram._LARGEST_STEP", 1e9)
        whole.learn(chunk, lr=0.01)
    for table, terms in terms_of(before, chunk).items():
        old = getattr(before, table).weight
        moved, freely = getattr(net, table).weight - old, getattr(whole, table).weight - old
        assert (terms > 200).any()
        # More than two steps' worth of terms count as two: 200 at this rate.
        torch.testing.assert_close(moved, freely * (200 / terms.clamp(min=200))[:, None], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", NETWORKS)
def test_words_that_are_not_there_teach_nothing(kind: type[WordVectorNetwork]) -> None:
    net, chunk = network(kind, window=3), stretch_of(3, tree=False, real=1)
    before = copy.deepcopy(net.state_dict())
    assert [float(part) for part in net.learn(chunk, lr=0.5)] == [0, 0]
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize("kind", NETWORKS)
def test_extreme_scores_keep_the_loss_finite(kind: type[WordVectorNetwork]) -> None:
    net, chunk = network(kind, window=3), stretch_of(3, tree=False)
    with torch.no_grad():
        net.input.weight.mul_(100)
        net.output.weight.mul_(100)
    assert net.learn(chunk, lr=0.01)[0].isfinite()


def test_a_stretch_of_another_length_is_refused() -> None:
    chunk = stretch_of(3, tree=False)
    cut = TextChunk(chunk.tokens[:5], chunk.sentences[:5], chunk.window_radius[:5], chunk.negatives)
    with pytest.raises(ShapeError, match="a multiple of 16 words is required; got 5"):
        network(SkipGram, window=3).learn(cut, 0.1)


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="window"):
        WordVectorOptions(window=0)


def test_a_block_holds_at_least_sixteen_words_and_the_window_of_its_middle() -> None:
    assert [block_length(window) for window in (1, 5, 8, 9, 20)] == [16, 16, 16, 18, 40]


def test_called_as_a_network_words_are_given_alone_or_by_the_mean_of_the_others() -> None:
    tokens = torch.tensor([[5, 7, 7, 12], [4, 4, 6, 11]])
    for kind in NETWORKS:
        net = network(kind)
        x, y = net.input.weight[tokens], net.output.weight[tokens]
        others = [[0, 1, 2, 3][:place] + [0, 1, 2, 3][place + 1 :] for place in range(4)]
        given = x if kind is SkipGram else torch.stack([x[:, rest].mean(dim=1) for rest in others], dim=1)
        torch.testing.assert_close(net(tokens), torch.einsum("btd,bsd->bts", given, y))
        alone = net(tokens[:, :1])  # nothing is around a single word
        torch.testing.assert_close(alone, (x[:, :1] * y[:, :1]).sum(2)[:, :, None] * (kind is SkipGram))
        assert torch.equal(net.word_vectors(), net.input.weight)


@pytest.mark.parametrize("kind", NETWORKS)
def test_two_tables_are_all_that_is_saved(kind: type[WordVectorNetwork]) -> None:
    assert set(network(kind).state_dict()) == {"input.weight", "output.weight"}
