"""A vector for each word from its characters: a convolution over their embeddings, the largest value of each filter.

What a word looks like (capitals, digits, endings) tells its tag also where the word itself was never seen.
Source: C. dos Santos, B. Zadrozny, "Learning character-level representations for part-of-speech tagging", ICML 2014;
    X. Ma, E. Hovy, "End-to-end sequence labeling via bi-directional LSTM-CNNs-CRF", ACL 2016.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from derin.core.errors import UsageError
from derin.layers.masks import PADDING, padding_mask


class CharacterConvolution(nn.Module):
    """vⱼ = maxₜ (bⱼ + Σ_d Wⱼ[d] · E[c[t + d]]) over the characters t of a word; 0 for a word without characters.

    Beyond the ends of a word stands a vector of zeros.

    Args:
        vocabulary: number of different characters, padding included.
        dim: length of a character's vector.
        num_filters: length of a word's vector.
        width: characters that a filter sees at once, odd.

    Shapes:
        ``(..., C)`` int64, padded at the right with 0 → ``(..., num_filters)``.

    Example:
        >>> layer = CharacterConvolution(30, 12, 5)
        >>> layer(torch.tensor([[[3, 4, 0, 0], [0, 0, 0, 0]]])).shape
        torch.Size([1, 2, 5])
    """

    def __init__(self, vocabulary: int, dim: int, num_filters: int, *, width: int = 3) -> None:
        super().__init__()
        if width < 1 or width % 2 == 0:
            raise UsageError(f"CharacterConvolution.width must be odd and at least 1; got width={width}.")
        self.width = width
        self.embedding = nn.Embedding(vocabulary, dim, padding_idx=PADDING)
        self.filters = nn.Linear(width * dim, num_filters)
        bound = (3.0 / dim) ** 0.5  # of Ma and Hovy: the entries have the variance 1 / dim
        nn.init.uniform_(self.embedding.weight, -bound, bound)
        nn.init.xavier_uniform_(self.filters.weight)
        nn.init.zeros_(self.filters.bias)
        with torch.no_grad():
            self.embedding.weight[PADDING].zero_()

    def forward(self, characters: Tensor) -> Tensor:
        words = characters.flatten(0, -2)
        side, length = self.width // 2, words.shape[1]
        # There are few different characters: each W[d] · E[c] is computed once and then looked up at every place.
        vectors = functional.pad(self.embedding.weight[PADDING + 1 :], (0, 0, 1, 0))
        weights = self.filters.weight.unflatten(1, (self.width, -1))
        padded = functional.pad(words, (side, side), value=PADDING)
        found: Tensor = self.filters.bias
        for place in range(self.width):
            products = vectors @ weights[:, place].T
            found = found + functional.embedding(padded[:, place : place + length], products)
        present = padding_mask(words)[..., None]
        # The lowest finite number keeps the gradient of a word without characters at zero instead of NaN.
        best = found.masked_fill(~present, torch.finfo(found.dtype).min).amax(dim=1)
        best = best.masked_fill(~present[:, 0], 0.0)
        return best.unflatten(0, characters.shape[:-1])
