"""Recurrent networks from one sequence to another: a GRU reads the source, a GRU says the target.

`seq2seq_gru` remembers the whole source as one vector c, which is given to every step of the decoder.
Paper: K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine translation",
    EMNLP 2014; I. Sutskever, O. Vinyals, Q. V. Le, "Sequence to sequence learning with neural networks", NeurIPS 2014.

`seq2seq_attention` looks at all places of the source at every step: c(t) = Σ_t' α(t, t') a(t').
Paper: D. Bahdanau, K. Cho, Y. Bengio, "Neural machine translation by jointly learning to align and translate", ICLR
    2015; M.-T. Luong, H. Pham, C. D. Manning, "Effective approaches to attention-based neural machine translation",
    EMNLP 2015.
Differs: attention asks with the decoder's state after the step (Luong) and not before it (Bahdanau), so that in
    training all Tx · Ty weights of a batch are a few matrix products and not a loop; the encoder reads in both
    directions; the output layer's weights are those of the target's embedding (Press and Wolf 2017).
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from derin.layers.attention import LuongAttention
from derin.layers.masks import lengths_of, padding_mask
from derin.layers.options import require_range
from derin.layers.recurrent import Recurrent, VariationalDropout
from derin.models.info import ModelInfo
from derin.models.translator import DecoderState, Translator, shared_embeddings, tied_output


@dataclass(frozen=True, kw_only=True)
class Seq2SeqOptions:
    """Options of `seq2seq_gru` and `seq2seq_attention`.

    Args:
        vocabulary: number of source tokens.
        shared: whether sources and targets have one vocabulary and one embedding.
        dim: numbers of a token's vector.
        units: of the decoder, and of the encoder's two directions together.
        num_layers: of encoder and decoder.
        dropout: share of numbers set to zero in training, between layers, after embeddings and before the output.
    """

    vocabulary: int = 1000
    shared: bool = False
    dim: int = 128
    units: int = 256
    num_layers: int = 1
    dropout: float = 0.1

    def __post_init__(self) -> None:
        require_range("seq2seq", "vocabulary", self.vocabulary, 4, 10_000_000)
        require_range("seq2seq", "dim", self.dim, 1)
        require_range("seq2seq", "units / 2", self.units // 2, 1)
        require_range("seq2seq", "num_layers", self.num_layers, 1, 100)
        require_range("seq2seq", "dropout", self.dropout, 0.0, 0.99)


class RecurrentTranslator(Translator):
    """What both networks share: embeddings, an encoder in both directions, a decoder, a tied output.

    Shapes:
        ``(B, S)``, ``(B, T)`` → ``(B, T, num_outputs)``.
    """

    reads_context: bool  # whether each step of the decoder also reads what the source says

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: Seq2SeqOptions) -> None:
        super().__init__(input_shape, options.vocabulary, num_outputs, options)
        units, layers = options.units // 2 * 2, options.num_layers
        self.source_embedding, self.target_embedding = shared_embeddings(
            type(self).__name__, options.vocabulary, num_outputs, options.dim, shared=options.shared
        )
        self.encoder = Recurrent(
            "gru", options.dim, units // 2, num_layers=layers, bidirectional=True, dropout=options.dropout
        )
        self.bridge = nn.Linear(units, layers * units)
        width = options.dim + (units if self.reads_context else 0)
        self.decoder = Recurrent("gru", width, units, num_layers=layers, dropout=options.dropout)
        self.combine = nn.Linear(2 * units, options.dim)
        self.output = tied_output(self.target_embedding)
        self.dropout = VariationalDropout(options.dropout)
        self.units = units

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        source, target = self.require_pair(source, target)
        memory = self.encode(source)
        hidden, _ = self._decode(target, memory, self._first(memory), final_state=False)
        return self._score(hidden, self._look(hidden, memory))

    def _read(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """The encoder's output at each place, and one vector of the whole source.

        Shapes:
            ``(B, S)`` → ``(B, S, units)``, ``(B, units)``.
        """
        embedded = self.dropout(self.source_embedding(self.require(source)))
        places, state = self.encoder(embedded, lengths_of(source))
        assert state is not None
        # The last states of the two directions of the highest layer: each has read everything.
        return places, torch.cat([state[0][-2], state[0][-1]], 1)

    def start(self, memory: tuple[Tensor, ...]) -> DecoderState:
        return DecoderState(memory, (self._first(memory)[0].transpose(0, 1),))

    def step(self, tokens: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        (hidden_before,) = state.steps
        assert isinstance(hidden_before, Tensor)
        before = (hidden_before.transpose(0, 1).contiguous(),)
        hidden, after = self._decode(tokens[:, None], state.memory, before)
        assert after is not None
        logits = self._score(hidden, self._look(hidden, state.memory))
        return logits[:, 0], replace(state, steps=(after[0].transpose(0, 1),))

    @abstractmethod
    def _look(self, hidden: Tensor, memory: tuple[Tensor, ...]) -> Tensor:
        """What the source says to each step of the decoder.

        Shapes:
            ``(B, T, units)`` → ``(B, T, units)``.
        """

    def _first(self, memory: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The decoder's state before the first token, ``(layers, B, units)``."""
        first = self.bridge(memory[0]).tanh().unflatten(1, (-1, self.units))
        return (first.transpose(0, 1).contiguous(),)

    def _decode(
        self, target: Tensor, memory: tuple[Tensor, ...], state: tuple[Tensor, ...], *, final_state: bool = True
    ) -> tuple[Tensor, tuple[Tensor, ...] | None]:
        embedded = self.dropout(self.target_embedding(target))
        if self.reads_context:
            embedded = torch.cat([embedded, memory[0][:, None].expand(-1, target.shape[1], -1).to(embedded.dtype)], 2)
        return self.decoder(embedded, state=state, final_state=final_state)

    def _score(self, hidden: Tensor, context: Tensor) -> Tensor:
        combined = self.combine(torch.cat([hidden, context.to(hidden.dtype)], 2)).tanh()
        logits: Tensor = self.output(self.dropout(combined))
        return logits


class Seq2SeqGRU(RecurrentTranslator):
    """Encoder and decoder with one vector between them, whatever the length of the source.

    Example:
        >>> network = Seq2SeqGRU((7,), 30, Seq2SeqOptions(vocabulary=20, units=16, dim=12))
        >>> network(torch.ones(2, 7, dtype=torch.int64), torch.ones(2, 5, dtype=torch.int64)).shape
        torch.Size([2, 5, 30])
    """

    reads_context = True

    def encode(self, source: Tensor) -> tuple[Tensor, ...]:
        """The vector of the whole source.

        Shapes:
            ``(B, S)`` → ``(B, units)``.
        """
        return (self._read(source)[1],)

    def _look(self, hidden: Tensor, memory: tuple[Tensor, ...]) -> Tensor:
        return memory[0][:, None].expand_as(hidden)


class Seq2SeqAttention(RecurrentTranslator):
    """Encoder and decoder with attention between them; its cost grows with Tx · Ty.

    Example:
        >>> network = Seq2SeqAttention((7,), 30, Seq2SeqOptions(vocabulary=20, units=16, dim=12))
        >>> source, target = torch.ones(2, 7, dtype=torch.int64), torch.ones(2, 5, dtype=torch.int64)
        >>> network(source, target).shape, network.alignment(source, target).shape
        (torch.Size([2, 5, 30]), torch.Size([2, 5, 7]))
    """

    reads_context = False

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: Seq2SeqOptions) -> None:
        super().__init__(input_shape, num_outputs, options)
        self.attention = LuongAttention("general", self.units, self.units)

    def encode(self, source: Tensor) -> tuple[Tensor, ...]:
        """The vector of the whole source, its places, what queries are compared with, and where tokens stand.

        Shapes:
            ``(B, S)`` → ``(B, units)``, ``(B, S, units)``, ``(B, S, units)``, ``(B, S)`` bool.
        """
        places, whole = self._read(source)
        return whole, places, self.attention.keys(places), padding_mask(source)

    def alignment(self, source: Tensor, target: Tensor) -> Tensor:
        source, target = self.require_pair(source, target)
        memory = self.encode(source)
        hidden, _ = self._decode(target, memory, self._first(memory), final_state=False)
        _, places, keys, mask = memory
        weights = self.attention(hidden, places, mask, keys=keys, with_weights=True)[1]
        assert weights is not None
        return weights

    def _look(self, hidden: Tensor, memory: tuple[Tensor, ...]) -> Tensor:
        _, places, keys, mask = memory
        context: Tensor = self.attention(hidden, places, mask, keys=keys)[0]
        return context


def _info(name: str, build: type[RecurrentTranslator], paper: str, year: int) -> ModelInfo:
    return ModelInfo(
        name=name,
        inputs=("source", "target"),
        build=build,
        options=Seq2SeqOptions,
        input_kind="tokens",
        native_input=(16,),
        native_outputs=1000,
        output_kind="sequence",
        output_layers=("target_embedding", "output"),
        paper=paper,
        year=year,
        note="GRUs, an encoder in both directions, output tied to the embedding; shared=true for one vocabulary.",
    )


SEQ2SEQ_GRU = _info(
    "seq2seq_gru",
    Seq2SeqGRU,
    "Cho et al.: Learning phrase representations using RNN encoder-decoder for statistical machine translation. "
    "EMNLP 2014",
    2014,
)
SEQ2SEQ_ATTENTION = _info(
    "seq2seq_attention",
    Seq2SeqAttention,
    "Bahdanau, Cho, Bengio: Neural machine translation by jointly learning to align and translate. ICLR 2015",
    2015,
)
