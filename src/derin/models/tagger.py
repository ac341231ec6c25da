"""BiLSTM-CRF tagger: a tag for each word of a sentence, from the word, its characters, and the words around it.

A word's vector is its embedding beside what a convolution finds in its characters; an LSTM reads the sentence in both
directions; a linear layer scores the tags of each word; a conditional random field scores whole sequences of tags.
Paper: X. Ma, E. Hovy, "End-to-end sequence labeling via bi-directional LSTM-CNNs-CRF", ACL 2016; after Z. Huang,
    W. Xu, K. Yu, "Bidirectional LSTM-CRF models for sequence tagging", arXiv:1508.01991.
Differs: words are dropped to the unknown word now and then, so that its vector is learned and characters must do; one
    dropout mask for all words of a sentence (Gal and Ghahramani 2016).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.layers.character_convolution import CharacterConvolution
from derin.layers.crf import CRF, bio_steps
from derin.layers.masks import PADDING, lengths_of, padding_mask
from derin.layers.options import require_range
from derin.layers.recurrent import Recurrent, VariationalDropout
from derin.models.info import ModelInfo
from derin.models.network import Network

# The number of the unknown word in every vocabulary.
_UNKNOWN = 1
# Root mean square of the imported values.
_IMPORTED_SIZE = 0.3


@dataclass(frozen=True, kw_only=True)
class TaggerOptions:
    """Options of `bilstm_crf`.

    Args:
        vocabulary: number of different words, padding and the unknown word included.
        learned: so many of them have a vector that is learned, the others that of the unknown word; None for all.
        imported_dim: length of a second vector of each word, which `load_embedding` gives and training leaves alone;
            0 for none.
        characters: number of different characters, padding included.
        bio: whether the tags are ``O, B-X, I-X, …``, of which I-X follows B-X and I-X only.
        word_dim: length of a word's vector.
        character_dim: length of a character's vector.
        filters: of the convolution over characters; 0 leaves characters out.
        hidden: units of the LSTM in each direction.
        layers: LSTMs on top of each other.
        dropout: share of values set to zero in training, before and after the LSTM.
        word_dropout: share of words that are read as the unknown word in training.
    """

    vocabulary: int = 1000
    learned: int | None = None
    imported_dim: int = 0
    characters: int = 100
    bio: bool = False
    word_dim: int = 100
    character_dim: int = 30
    filters: int = 100
    hidden: int = 200
    layers: int = 1
    dropout: float = 0.5
    word_dropout: float = 0.1

    def __post_init__(self) -> None:
        require_range("bilstm_crf", "vocabulary", self.vocabulary, 2, 100_000_000)
        if self.learned is not None:
            require_range("bilstm_crf", "learned", self.learned, 2, self.vocabulary)
        require_range("bilstm_crf", "imported_dim", self.imported_dim, 0)
        require_range("bilstm_crf", "characters", self.characters, 2)
        for name in ("word_dim", "character_dim", "hidden"):
            require_range("bilstm_crf", name, getattr(self, name), 1)
        require_range("bilstm_crf", "filters", self.filters, 0)
        require_range("bilstm_crf", "layers", self.layers, 1, 100)
        for name in ("dropout", "word_dropout"):
            require_range("bilstm_crf", name, getattr(self, name), 0.0, 0.99)


class Tagger(Network):
    """Scores of tags for each word; `crf` makes probabilities and the best sequence of them.

    Shapes:
        ``(B, T, 1 + C)`` int64, the number of a word and of its characters, each padded at the right with 0 →
        ``(B, T, num_outputs)``.

    Example:
        >>> network = Tagger((7, 5), 3, TaggerOptions(vocabulary=20, characters=9))
        >>> network(torch.ones(2, 7, 5, dtype=torch.int64)).shape
        torch.Size([2, 7, 3])
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: TaggerOptions) -> None:
        super().__init__(input_shape, options=options)
        if len(input_shape) != 2 or input_shape[1] < 1 + (options.filters > 0):
            raise ShapeError(
                "bilstm_crf reads the number of each word and those of its characters, a shape of (words, 1 + "
                f"characters); got input_shape={input_shape}."
            )
        self.learned = options.learned or options.vocabulary
        self.words = nn.Embedding(self.learned, options.word_dim, padding_idx=PADDING)
        width = options.word_dim + options.imported_dim + options.filters
        if options.imported_dim:
            self.imported = nn.Embedding(options.vocabulary, options.imported_dim, padding_idx=PADDING)
            self.imported.weight.requires_grad_(False)
        if options.filters:
            self.characters = CharacterConvolution(options.characters, options.character_dim, options.filters)
        self.dropout = VariationalDropout(options.dropout)
        self.recurrent = Recurrent(
            "lstm",
            width,
            options.hidden,
            num_layers=options.layers,
            bidirectional=True,
            dropout=options.dropout,
        )
        self.output = nn.Linear(self.recurrent.output_size, num_outputs)
        allowed, first = bio_steps(num_outputs) if options.bio else (None, None)
        self.crf = CRF(num_outputs, allowed=allowed, allowed_first=first)
        self._initialize(options)

    def load_embedding(self, vectors: Tensor) -> None:
        """Takes vectors of words that were learned elsewhere, and keeps them as they are but for their size.

        Shapes:
            ``(vocabulary, imported_dim)``; a row of zeros for a word that has none.
        """
        wanted = (self.options.vocabulary, self.options.imported_dim)
        if tuple(vectors.shape) != wanted or not wanted[1]:
            raise ShapeError(
                f"bilstm_crf takes imported vectors of the shape {wanted}; got {tuple(vectors.shape)}. "
                f"Build it with imported_dim={vectors.shape[-1]}."
            )
        known = vectors.any(dim=1)
        size = vectors[known].square().mean().sqrt() if known.any() else vectors.new_ones(())
        with torch.no_grad():
            self.imported.weight.copy_(vectors * (_IMPORTED_SIZE / size))

    def _initialize(self, options: TaggerOptions) -> None:
        bound = (3.0 / options.word_dim) ** 0.5
        nn.init.uniform_(self.words.weight, -bound, bound)
        with torch.no_grad():
            self.words.weight[PADDING].zero_()
        if options.imported_dim:
            nn.init.zeros_(self.imported.weight)
        nn.init.xavier_uniform_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 3 or x.is_floating_point() or x.shape[2] < 1 + (self.options.filters > 0):
            raise ShapeError(
                "bilstm_crf reads whole numbers of the shape (batch, words, 1 + characters); "
                f"got {x.dtype} of the shape {tuple(x.shape)}."
            )
        words = x[..., 0]
        if self.training and self.options.word_dropout:
            dropped = torch.rand(words.shape, device=words.device) < self.options.word_dropout
            words = words.masked_fill(dropped & padding_mask(words), _UNKNOWN)
        parts = [self.words(words.masked_fill(words >= self.learned, _UNKNOWN))]
        if self.options.imported_dim:
            # Also of a dropped word: as a word that only the imported vectors know, it is unknown and has a vector.
            parts.append(self.imported(x[..., 0]))
        if self.options.filters:
            parts.append(self.characters(x[..., 1:]))
        features = self.dropout(torch.cat(parts, dim=2))
        read, _ = self.recurrent(features, lengths_of(x[..., 0]), final_state=False)
        scores: Tensor = self.output(self.dropout(read))
        return scores


BILSTM_CRF = ModelInfo(
    name="bilstm_crf",
    build=Tagger,
    options=TaggerOptions,
    input_kind="tokens",
    native_input=(20, 21),
    native_outputs=9,
    paper="Ma, Hovy: End-to-end Sequence Labeling via Bi-directional LSTM-CNNs-CRF. ACL 2016",
    year=2016,
    note="Words are dropped to the unknown word now and then; one dropout mask for all words of a sentence.",
    output_layers=("output", "crf"),
    output_kind="sequence",
)
