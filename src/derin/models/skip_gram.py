"""Word vectors by prediction: skip-gram and continuous bag of words, with negative samples or a Huffman tree.

Skip-gram predicts each word around a word, CBOW a word from the mean of those around it.
Papers: T. Mikolov, K. Chen, G. Corrado, J. Dean, "Efficient estimation of word representations in vector space", 2013,
    arXiv:1301.3781; T. Mikolov et al., "Distributed representations of words and phrases and their compositionality",
    NIPS 2013, arXiv:1310.4546; negatives shared by several words as in S. Ji et al., "Parallelizing word2vec in shared
    and distributed memory", 2016, arXiv:1604.04661.
Differs: a step takes a stretch of text and not a pair of words. Windows of text that lie next to one another share
    nearly all of their words, so that all scores of a stretch are two products of small matrices, and each word's
    vectors are fetched and written once. The output vectors begin with small random numbers and not with zeros. A
    sample that is the predicted word itself is left out of that prediction, as in the authors' program.

Training writes the gradients out; autograd takes no part. For a pair (i, j) with s = xᵢ · yⱼ the loss −log σ(s) has the
derivative −σ(−s) by s, so that xᵢ is moved by rate · σ(−s) yⱼ and yⱼ by rate · σ(−s) xᵢ; for a negative sample n the
loss −log σ(−xᵢ · yₙ) moves both by −rate · σ(xᵢ · yₙ) times the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.layers.options import require_range
from derin.models.info import ModelInfo
from derin.models.token_network import TokenNetwork

# A word of the text meets the same negatives as so many of its neighbors at least.
_SHORTEST_BLOCK = 16
# A step adds up what many places of the text do to one vector: gradients of the same old value, which taken together
# would shoot past the minimum. Beyond this many terms times the rate their sum is scaled down.
_LARGEST_STEP = 2.0
# Four probabilities of this size or more multiply to a normal number in single precision.
_LEAST_PROBABILITY = 1e-9


def block_length(window: int) -> int:
    """Words that share their negative samples; a stretch of text holds a multiple of them.

    Args:
        window: the largest distance of words that are predicted from one another.
    """
    return max(_SHORTEST_BLOCK, 2 * window)


@dataclass(frozen=True)
class TextChunk:
    """Consecutive words of a text, and what is drawn for them.

    Args:
        tokens: the words.
        sentences: the number of each word's sentence, which windows do not leave; −1 where there is no word.
        window_radius: how far each word's window reaches to both sides, 0 where there is no word.
        negatives: for each block of `block_length` words, samples from the distribution f^¾.
        nodes: the inner nodes on the way from the root of the Huffman tree to each word.
        signs: 1 where that way goes left, −1 where it goes right, 0 behind its end.

    Shapes:
        tokens, sentences, reach ``(T,)``, T a multiple of the block length; negatives ``(T / length, S)``; nodes and
        signs ``(T, depth)``.
    """

    tokens: Tensor
    sentences: Tensor
    window_radius: Tensor
    negatives: Tensor | None = None
    nodes: Tensor | None = None
    signs: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class WordVectorOptions:
    """Options of `skip_gram` and `cbow`.

    Args:
        vocabulary: number of words.
        dim: numbers per word.
        window: the largest distance of words that are predicted from one another.
        negatives: K, samples that each predicted word is told from.
        hierarchical: predict by the Huffman tree instead.
    """

    vocabulary: int = 1_000
    dim: int = 100
    window: int = 5
    negatives: int = 5
    hierarchical: bool = False

    def __post_init__(self) -> None:
        require_range("word vectors", "vocabulary", self.vocabulary, 2)
        require_range("word vectors", "dim", self.dim, 1, 10_000)
        require_range("word vectors", "window", self.window, 1, 100)
        require_range("word vectors", "negatives", self.negatives, 1, 1_000)


class WordVectorNetwork(TokenNetwork):
    """Two vectors for each word: x where it is given, y where it is predicted.

    Called like other networks it gives the scores of all words of a row for one another; trained it is by `learn`.

    Shapes:
        ``(B, T)`` → ``(B, T, T)``.
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: WordVectorOptions) -> None:
        super().__init__(input_shape, options=options)
        self.input = nn.Embedding(options.vocabulary, options.dim)
        self.output = nn.Embedding(options.vocabulary, options.dim)
        for table in (self.input, self.output):
            nn.init.uniform_(table.weight, -0.5 / options.dim, 0.5 / options.dim)
        length, window = block_length(options.window), options.window
        places = torch.arange(length + 2 * window) - window
        # The distance of each word of a block from each word around it; a word is no neighbor of itself.
        distance = (torch.arange(length)[:, None] - places).abs()
        distance = torch.where(distance == 0, 2**30, distance)
        self.register_buffer("distance", distance.to(torch.int32), persistent=False)
        self.distance: Tensor

    def given(self, tokens: Tensor) -> Tensor:
        """The vector from which each word's neighbors are predicted.

        Shapes:
            ``(B, T)`` → ``(B, T, D)``.
        """
        return self.input(tokens)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = self.require(tokens)
        return self.given(tokens) @ self.output(tokens).transpose(1, 2)

    def word_vectors(self) -> Tensor:
        """What is kept in the end: the vectors of words that are given.

        Shapes:
            ``(vocabulary, D)``.
        """
        return self.input.weight

    @torch.no_grad()
    def learn(self, chunk: TextChunk, lr: float) -> tuple[Tensor, Tensor]:
        """One step of gradient descent on the words of a stretch.

        Args:
            chunk: the words and what was drawn for them.
            lr: the learning rate α.

        Returns:
            the sum of the losses before the step, each that of a word and all of its negative samples, or of all turns
            on the way through the tree; and the number of predictions.
        """
        return self._pass(chunk, lr)

    @torch.no_grad()
    def measure(self, chunk: TextChunk) -> tuple[Tensor, Tensor]:
        """The sum of the losses and the number of predictions, without learning from them."""
        return self._pass(chunk, 0.0)

    def _pass(self, chunk: TextChunk, lr: float) -> tuple[Tensor, Tensor]:
        num, length = len(chunk.tokens), block_length(self.options.window)
        if num % length:
            raise ShapeError(f"{type(self).__name__}: a multiple of {length} words is required; got {num}.")
        if self.options.hierarchical:
            return self._pass_tree(chunk, lr)
        return self._pass_negatives(chunk, lr)

    def _pass_negatives(self, chunk: TextChunk, lr: float) -> tuple[Tensor, Tensor]:
        raise NotImplementedError

    def _pass_tree(self, chunk: TextChunk, lr: float) -> tuple[Tensor, Tensor]:
        raise NotImplementedError

    def _near(self, chunk: TextChunk) -> Tensor:
        """1 for the words around a block that lie in the window of each of its words, else 0.

        Shapes:
            ``(N, length, length + 2 · window)``, N blocks.
        """
        window, length = self.options.window, block_length(self.options.window)
        around = _banded(chunk.sentences, window, length, padding=-1)
        mask = self.distance <= chunk.window_radius.view(-1, length, 1)
        mask.logical_and_(around[:, None, :] == chunk.sentences.view(-1, length, 1))
        return mask.to(self.input.weight.dtype)

    def _near_each(self, chunk: TextChunk) -> Tensor:
        """In the window of which words around it each word lies.

        Shapes:
            ``(T, 2 · window + 1)`` bool.
        """
        window = self.options.window
        distance = (torch.arange(2 * window + 1, device=chunk.tokens.device) - window).abs()
        mask = distance <= _banded(chunk.window_radius, window, 1, padding=0)
        mask &= _banded(chunk.sentences, window, 1, padding=-1) == chunk.sentences[:, None]
        mask[:, window] = False
        return mask


class SkipGram(WordVectorNetwork):
    """Predicts the words around each word: the mean of −log σ(x · y) − Σₖ log σ(−x · yₖ) over all pairs of neighbors.

    Shapes:
        ``(B, T)`` → ``(B, T, T)``: x of each word times y of each.

    Example:
        >>> net = SkipGram((5,), 1, WordVectorOptions(vocabulary=20, dim=8, window=2))
        >>> text, one = torch.arange(16) % 4 + 4, torch.zeros(16, dtype=torch.int64)
        >>> chunk = TextChunk(text, one, one + 2, negatives=torch.arange(8, 20).view(1, 12))
        >>> losses = [float(total / num) for total, num in (net.learn(chunk, lr=0.05) for _ in range(100))]
        >>> round(losses[0], 1), losses[-1] < 2.5
        (4.2, True)
    """

    def _pass_negatives(self, chunk: TextChunk, lr: float) -> tuple[Tensor, Tensor]:
        assert chunk.negatives is not None, "the network predicts by negative samples"
        inputs, outputs = self.input.weight, self.output.weight
        window, length = self.options.window, block_length(self.options.window)
        dim, tokens, sampled = inputs.shape[1], chunk.tokens, chunk.negatives.flatten()
        num_blocks = len(tokens) // length
        x = inputs.index_select(0, tokens).view(num_blocks, length, dim)
        y = _banded(outputs.index_select(0, tokens), window, length).contiguous()
        noise = outputs.index_select(0, sampled).view(num_blocks, -1, dim)
        mask = self._near(chunk)
        num_near = mask.sum(dim=2)
        # All predictions of a word share its block's S samples, each of which stands for K / S in those predictions
        # whose word it is not: (N, length, S).
        differs = _banded(tokens, window, length, padding=-1)[:, :, None] != chunk.negatives[:, None, :]
        share = torch.bmm(mask, differs.to(mask.dtype)).mul_(self.options.negatives / noise.shape[1])
        near = torch.bmm(x, y.transpose(1, 2)).neg_().sigmoid_().mul_(mask)  # σ(−s), (N, length, length + 2 window)
        far = torch.bmm(x, noise.transpose(1, 2)).sigmoid_()  # σ(s), (N, length, S)
        loss = _minus_log(near).sum() + _weighted_minus_log(far, share)
        if lr:
            far.mul_(share).neg_()
            to_x = torch.bmm(near, y).baddbmm_(far, noise)
            to_y = _unbanded(torch.bmm(near.transpose(1, 2), x), window, length)
            to_noise = torch.bmm(far.transpose(1, 2), x).view(-1, dim)
            predicted = _unbanded(mask.sum(dim=1).unsqueeze(2), window, length)[:, 0]
            terms = (num_near + share.sum(dim=2)).view(-1)
            _add(inputs, lr, (tokens, to_x.view(-1, dim), terms))
            noised = share.sum(dim=1).view(-1)
            _add(outputs, lr, (tokens, to_y, predicted), (sampled, to_noise, noised))
        return loss, num_near.sum()

    def _pass_tree(self, chunk: TextChunk, lr: float) -> tuple[Tensor, Tensor]:
        assert chunk.nodes is not None, "the network predicts by a tree"
        assert chunk.signs is not None, "the network predicts by a tree"
        inputs, outputs = self.input.weight, self.output.weight
        window, tokens, nodes = self.options.window, chunk.tokens, chunk.nodes.flatten()
        # (T, 2 window + 1, D): of the words that predict word t
        x = _banded(inputs.index_select(0, tokens), window, 1)
        y = outputs.index_select(0, nodes).view(*chunk.nodes.shape, -1)  # (T, depth, D): on the way to word t
        mask, signs = self._near_each(chunk), chunk.signs.to(x.dtype).unsqueeze(1)
        wrong = (torch.bmm(x, y.transpose(1, 2)) * -signs).sigmoid_()  # (T, 2 window + 1, depth)
        turns = (mask.unsqueeze(2) & (signs != 0)).to(x.dtype)
        wrong *= turns
        loss = _minus_log(wrong).sum()
        if lr:
            push = wrong * signs
            to_x = _unbanded(torch.bmm(push, y), window, 1)
            to_y = torch.bmm(push.transpose(1, 2), x).view(len(nodes), -1)
            terms = _unbanded(turns.sum(dim=2).unsqueeze(2), window, 1)[:, 0]
            _add(inputs, lr, (tokens, to_x, terms))
            _add(outputs, lr, (nodes, to_y, turns.sum(dim=1).flatten()))
        return loss, mask.sum().to(loss.dtype)


class ContinuousBagOfWords(WordVectorNetwork):
    """Predicts each word from the mean of those around it: −log σ(x̄ · y) − Σₖ log σ(−x̄ · yₖ), x̄ = Σ x / number.

    Shapes:
        ``(B, T)`` → ``(B, T, T)``: the mean x of the other words of a row times y of each.
    """

    def given(self, tokens: Tensor) -> Tensor:
        x = self.input(tokens)
        return (x.sum(dim=1, keepdim=True) - x) / max(tokens.shape[1] - 1, 1)

    def _pass_negatives(self, chunk: TextChunk, lr: float) -> tuple[Tensor, Tensor]:
        assert chunk.negatives is not None, "the network predicts by negative samples"
        outputs, tokens, sampled = self.output.weight, chunk.tokens, chunk.negatives.flatten()
        mean, shares = self._mean_around(chunk)
        y = outputs.index_select(0, tokens).view_as(mean)
        noise = outputs.index_select(0, sampled).view(len(mean), -1, mean.shape[2])
        predicts = shares.any(dim=2, keepdim=True).to(mean.dtype)
        # Each of a block's S samples stands for K / S in the predictions of other words than itself: (N, length, S).
        differs = tokens.view(len(mean), -1, 1) != chunk.negatives[:, None, :]
        share = differs * (predicts * (self.options.negatives / noise.shape[1]))
        near = (mean * y).sum(dim=2, keepdim=True).neg_().sigmoid_().mul_(predicts)  # σ(−s), (N, length, 1)
        far = torch.bmm(mean, noise.transpose(1, 2)).sigmoid_()  # σ(s), (N, length, S)
        loss = _minus_log(near).sum() + _weighted_minus_log(far, share)
        if lr:
            far.mul_(share).neg_()
            to_mean = (near * y).baddbmm_(far, noise)
            to_y = (near * mean).view(len(tokens), -1)
            to_noise = torch.bmm(far.transpose(1, 2), mean).view(len(sampled), -1)
            noised = share.sum(dim=1).view(-1)
            self._add_to_inputs(chunk, to_mean, shares, 1 + self.options.negatives, lr)
            _add(outputs, lr, (tokens, to_y, predicts.flatten()), (sampled, to_noise, noised))
        return loss, predicts.sum()

    def _pass_tree(self, chunk: TextChunk, lr: float) -> tuple[Tensor, Tensor]:
        assert chunk.nodes is not None, "the network predicts by a tree"
        assert chunk.signs is not None, "the network predicts by a tree"
        outputs, nodes = self.output.weight, chunk.nodes.flatten()
        mean, shares = self._mean_around(chunk)
        x = mean.view(len(chunk.tokens), 1, -1)
        y = outputs.index_select(0, nodes).view(*chunk.nodes.shape, -1)  # (T, depth, D): on the way to word t
        predicts, signs = shares.any(dim=2).view(-1, 1, 1), chunk.signs.to(x.dtype).unsqueeze(1)
        turns = (predicts & (signs != 0)).to(x.dtype)
        wrong = (torch.bmm(x, y.transpose(1, 2)) * -signs).sigmoid_().mul_(turns)  # (T, 1, depth)
        loss = _minus_log(wrong).sum()
        if lr:
            push = wrong * signs
            to_y = torch.bmm(push.transpose(1, 2), x).view(len(nodes), -1)
            self._add_to_inputs(chunk, torch.bmm(push, y).view_as(mean), shares, signs.shape[2], lr)
            _add(outputs, lr, (nodes, to_y, turns.flatten()))
        return loss, predicts.sum().to(loss.dtype)

    def _mean_around(self, chunk: TextChunk) -> tuple[Tensor, Tensor]:
        """The mean vector around each word, and how much each word around a block counts in it.

        Shapes:
            ``(N, length, D)``, ``(N, length, length + 2 · window)``.
        """
        window, length = self.options.window, block_length(self.options.window)
        x = _banded(self.input.weight.index_select(0, chunk.tokens), window, length)
        shares = self._near(chunk)
        shares /= shares.sum(dim=2, keepdim=True).clamp_min(1)
        return torch.bmm(shares, x), shares

    def _add_to_inputs(self, chunk: TextChunk, to_mean: Tensor, shares: Tensor, num_terms: int, lr: float) -> None:
        """Hands the step of each mean on to the words that it was taken of."""
        window, length = self.options.window, block_length(self.options.window)
        to_x = _unbanded(torch.bmm(shares.transpose(1, 2), to_mean), window, length)
        terms = _unbanded(shares.sum(dim=1).unsqueeze(2) * num_terms, window, length)[:, 0]
        _add(self.input.weight, lr, (chunk.tokens, to_x, terms))


def _banded(rows: Tensor, window: int, length: int, padding: float = 0.0) -> Tensor:
    """For each block of consecutive rows these and `window` more on both sides, as a view of one padded copy.

    Shapes:
        ``(T, ...)`` → ``(T / length, length + 2 · window, ...)``.
    """
    padded = rows.new_full((len(rows) + 2 * window, *rows.shape[1:]), padding)
    padded[window : window + len(rows)] = rows
    step = padded.stride(0)
    shape = (len(rows) // length, length + 2 * window, *rows.shape[1:])
    return padded.as_strided(shape, (length * step, step, *padded.stride()[1:]))


def _unbanded(blocks: Tensor, window: int, length: int) -> Tensor:
    """What `_banded` makes of gradients backwards: rows that lie in several blocks get the sum.

    Shapes:
        ``(N, length + 2 · window, D)`` → ``(N · length, D)``.
    """
    num, width, dim = blocks.shape
    whole = blocks.new_empty((num + -(-2 * window // length)) * length, dim)
    whole[: num * length].view(num, length, dim).copy_(blocks[:, :length])
    whole[num * length :] = 0
    for first in range(length, width, length):
        part = blocks[:, first : first + length]
        whole[first : first + num * length].view(num, length, dim)[:, : part.shape[1]] += part
    return whole[window : window + num * length]


def _weighted_minus_log(wrong: Tensor, weights: Tensor) -> Tensor:
    """−Σ w · log(1 − p) over everything.

    Shapes:
        both alike → a scalar.
    """
    return (1 - wrong).clamp_min_(_LEAST_PROBABILITY).log_().mul_(weights).sum().neg_()


def _minus_log(wrong: Tensor) -> Tensor:
    """−Σ log(1 − p) over the last axis, of the probabilities that a model gives to what is not the case.

    Four factors go into one logarithm, which costs far more than their product.

    Shapes:
        ``(*S, n)`` → ``(*S,)``.
    """
    right = (1 - wrong).clamp_min_(_LEAST_PROBABILITY)
    quarter, rest = divmod(right.shape[-1], 4)
    found = right[..., 4 * quarter :].log().sum(dim=-1)
    if quarter:
        first, second, third, fourth = right[..., : right.shape[-1] - rest].split(quarter, dim=-1)
        found += (first * second).mul_(third).mul_(fourth).log_().sum(dim=-1)
    return found.neg_()


def _add(table: Tensor, lr: float, *parts: tuple[Tensor, Tensor, Tensor]) -> None:
    """Adds rate · gradient to rows of a table; each part is rows, gradients and the number of terms in each.

    Shapes:
        rows ``(R,)``, gradients ``(R, D)``, terms ``(R,)``.
    """
    total = table.new_zeros(len(table))
    for rows, _, terms in parts:
        total.index_add_(0, rows, terms)
    scale = _LARGEST_STEP / total.clamp_(min=_LARGEST_STEP / lr)
    for rows, gradients, _ in parts:
        table.index_add_(0, rows, gradients.mul_(scale.index_select(0, rows).unsqueeze(1)))


_PAPER = "Mikolov et al.: Distributed representations of words and phrases and their compositionality. NIPS 2013"

SKIP_GRAM = ModelInfo(
    name="skip_gram",
    build=SkipGram,
    options=WordVectorOptions,
    input_kind="tokens",
    native_input=(7,),
    native_outputs=1,
    output_layers=(),
    output_kind="sequence",
    paper=_PAPER,
    year=2013,
    note="Words that lie together share their negative samples (Ji et al. 2016).",
)

CBOW = ModelInfo(
    name="cbow",
    build=ContinuousBagOfWords,
    options=WordVectorOptions,
    input_kind="tokens",
    native_input=(7,),
    native_outputs=1,
    output_layers=(),
    output_kind="sequence",
    paper=_PAPER,
    year=2013,
    note="The mean of the words around; words that lie together share their negative samples (Ji et al. 2016).",
)
