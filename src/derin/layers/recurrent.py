"""Recurrent layers over batches of sequences, in one or both directions, one above the other, on fast kernels.

The equations are those of `torch.nn.RNN`, `GRU` and `LSTM` and of the cells in `layers.recurrent_cells`; for the GRU
see there how torch's differs. Sequences of unequal length are padded at the right, and what stands at padded places
reaches no other place: outputs there are zero, a backward direction begins at the last token of each sequence, and the
state that is given back is that of the last token. So a batch gives what each sequence gives alone.

Padded batches run as they are, not packed: packing needs the lengths on the CPU, and takes up to twice as long there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from derin.core.errors import ShapeError
from derin.layers.lstm_kernel import lstm_layer
from derin.layers.masks import mask_of_lengths
from derin.layers.options import require_range

RecurrentKind = Literal["rnn", "gru", "lstm"]
_KINDS: dict[str, Callable[[int, int], nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}

# On one thread, and above this many units, oneDNN's backward pass in bf16 loses to the kernel of `lstm_kernel`.
_OWN_KERNEL_UNITS = 320


class VariationalDropout(nn.Module):
    """Dropout whose mask is drawn once per sequence and is the same at every step; the identity in evaluation.

    Args:
        rate: share of the numbers of a step set to zero; the others are divided by 1 − rate.

    Shapes:
        ``(B, T, D)`` → the same.

    Example:
        >>> y = VariationalDropout(0.5)(torch.ones(2, 7, 12))
        >>> bool((y == y[:, :1]).all())
        True

    Source: Y. Gal and Z. Ghahramani, "A theoretically grounded application of dropout in recurrent neural networks",
    NeurIPS 2016, arXiv:1512.05287. Differs: it stands between layers and not within the recurrence, which stays one
    fast kernel.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        require_range("dropout", "rate", rate, 0.0, 0.999)
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.rate:
            return x
        kept = torch.empty(x.shape[0], 1, x.shape[2], device=x.device, dtype=x.dtype).bernoulli_(1 - self.rate)
        return x * kept.div_(1 - self.rate)

    def extra_repr(self) -> str:
        return f"rate={self.rate}"


class Recurrent(nn.Module):
    """Recurrent layers; in both directions, the outputs of the two stand side by side, forward first.

    Args:
        kind: the cell.
        input_size: numbers of x at one step.
        hidden_size: numbers of the memory of one layer in one direction.
        num_layers: one above the other.
        bidirectional: whether a second cell of each layer reads from the end.
        dropout: `VariationalDropout` between the layers.

    Shapes:
        ``(B, T, input_size)`` → ``(B, T, output_size)`` with output_size = hidden_size, twice that in both
        directions; the state is ``(h,)``, or ``(h, c)`` of an LSTM, each ``(num_layers · directions, B, hidden_size)``
        in torch's order.

    Raises:
        ShapeError: input of another shape, or without a step.

    Example:
        >>> layer = Recurrent("lstm", 5, 12, num_layers=2, bidirectional=True)
        >>> outputs, state = layer(torch.zeros(2, 7, 5), lengths=torch.tensor([7, 3]))
        >>> outputs.shape, [s.shape for s in state]
        (torch.Size([2, 7, 24]), [torch.Size([4, 2, 12]), torch.Size([4, 2, 12])])

    Source: M. Schuster and K. Paliwal, "Bidirectional recurrent neural networks", IEEE Transactions on Signal
    Processing 45, 1997.
    """

    def __init__(
        self,
        kind: RecurrentKind,
        input_size: int,
        hidden_size: int,
        *,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.kind, self.input_size, self.hidden_size, self.num_layers = kind, input_size, hidden_size, num_layers
        self.num_directions = 2 if bidirectional else 1
        self.output_size = hidden_size * self.num_directions
        # One module per layer and direction: between them stands the dropout, and each direction orders its own input.
        self.layers = nn.ModuleList()
        for layer in range(num_layers):
            for _ in range(self.num_directions):
                self.layers.append(_KINDS[kind](self.output_size if layer else input_size, hidden_size))
        self.dropout = VariationalDropout(dropout)
        self._init_weights()

    def forward(
        self,
        x: Tensor,
        lengths: Tensor | None = None,
        state: tuple[Tensor, ...] | None = None,
        *,
        final_state: bool = True,
    ) -> tuple[Tensor, tuple[Tensor, ...] | None]:
        """Outputs of every step, and the state behind the last one.

        Args:
            x: the sequences, padded at the right.
            lengths: of each, ``(B,)``, on the device of x; None where all fill the batch.
            state: to begin with; zeros where none is given.
            final_state: whether the state is wanted. Without it nothing waits for the device, not even for an LSTM
                with lengths, whose last c torch's kernels give for packed sequences only.
        """
        if x.dim() != 3 or x.shape[1] == 0 or x.shape[2] != self.input_size:
            raise ShapeError(
                f"Recurrent reads sequences of shape (batch, steps, {self.input_size}) with one step at least; "
                f"got {tuple(x.shape)}."
            )
        state = self.initial(x) if state is None else state
        reverse = self._reversal(x, lengths)
        mask = None if lengths is None else mask_of_lengths(lengths, x.shape[1])[..., None]  # (B, T, 1)
        last: list[tuple[Tensor, ...]] = []
        for number in range(self.num_layers):
            x = self.dropout(x) if number else x
            directions = []
            for direction in range(self.num_directions):
                index = number * self.num_directions + direction
                before = tuple(part[index] for part in state)
                ordered = _reordered(x, reverse) if direction else x
                outputs, after = self._run(index, ordered, before, lengths, final_state)
                directions.append(_reordered(outputs, reverse) if direction else outputs)
                last.append(after)
            x = directions[0] if len(directions) == 1 else torch.cat(directions, dim=2)
            if mask is not None:
                x = x * mask
        return x, tuple(torch.stack(parts) for parts in zip(*last)) if final_state else None

    def initial(self, x: Tensor) -> tuple[Tensor, ...]:
        """Zeros: the state before the first step, for a batch of the size of x."""
        return self.zeros(x.shape[0], device=x.device)

    def zeros(
        self, batch_size: int, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> tuple[Tensor, ...]:
        """The state before the first step.

        Args:
            batch_size: number of sequences.
            device: that of the weights where none is given.
            dtype: that of the weights where none is given.
        """
        shape = (self.num_layers * self.num_directions, batch_size, self.hidden_size)
        zeros = next(self.parameters()).new_zeros(shape, device=device, dtype=dtype)
        return (zeros, zeros) if self.kind == "lstm" else (zeros,)

    def extra_repr(self) -> str:
        return f"kind={self.kind!r}, num_directions={self.num_directions}"

    def _run(
        self, index: int, x: Tensor, state: tuple[Tensor, ...], lengths: Tensor | None, final_state: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """One layer in one direction, ``(B, T, ...)``; the state is that of the last token of each sequence."""
        layer = self.layers[index]
        assert isinstance(layer, nn.RNNBase)
        wants_memory = lengths is not None and final_state and self.kind == "lstm"
        by_steps = x.is_cpu or x.is_meta
        if self.kind == "lstm" and by_steps and (wants_memory or self._own_kernel_is_better()):
            weight_ih, weight_hh, bias_ih, bias_hh = layer.parameters()
            weights = (weight_ih, weight_hh, bias_ih, bias_hh)
            activations, memories = lstm_layer(x.transpose(0, 1), weights, (state[0], state[1]))
            return activations.transpose(0, 1), (
                _last(activations.transpose(0, 1), state[0], lengths),
                _last(memories.transpose(0, 1), state[1], lengths),
            )
        if wants_memory:
            return _packed(layer, x, state, lengths)
        before = tuple(part[None] for part in state)
        outputs, after = layer(x.transpose(0, 1), before if self.kind == "lstm" else before[0])
        outputs = outputs.transpose(0, 1)
        if lengths is not None:
            return outputs, (_last(outputs, state[0], lengths),)
        parts = after if self.kind == "lstm" else (after,)
        return outputs, tuple(part[0].to(old.dtype) for part, old in zip(parts, state))

    def _own_kernel_is_better(self) -> bool:
        """In bfloat16: faster in training by one thread, and the only one where torch's does not run."""
        if not torch.is_autocast_enabled("cpu"):
            return False
        is_faster = torch.is_grad_enabled() and torch.get_num_threads() == 1 and self.hidden_size > _OWN_KERNEL_UNITS
        return is_faster or not _runs_in_bfloat16()

    def _reversal(self, x: Tensor, lengths: Tensor | None) -> Tensor | None:
        """For every sequence the places of its tokens from the last to the first, then those of its padding."""
        if self.num_directions == 1:
            return None
        steps = torch.arange(x.shape[1], device=x.device).expand(x.shape[0], -1)  # (B, T)
        ends = x.shape[1] if lengths is None else lengths[:, None]
        return torch.where(steps < ends, ends - 1 - steps, steps)

    @torch.no_grad()
    def _init_weights(self) -> None:
        """Glorot's weights, orthogonal ones between steps, biases zero and 1 for forgetting."""
        for layer in self.layers:
            weight_ih, weight_hh, bias_ih, bias_hh = layer.parameters()
            if weight_hh.is_meta:
                continue
            for matrix in weight_ih.split(self.hidden_size):
                nn.init.xavier_uniform_(matrix)
            for matrix in weight_hh.split(self.hidden_size):
                nn.init.orthogonal_(matrix)
            bias_ih.zero_()
            bias_hh.zero_()
            if self.kind == "lstm":
                bias_ih[self.hidden_size : 2 * self.hidden_size] = 1.0


@cache
def _runs_in_bfloat16() -> bool:
    """Whether torch's LSTM does on this processor: it is oneDNN's, which has none for some."""
    zeros = torch.zeros(1, 1, 1)
    weights = [torch.zeros(shape, requires_grad=True) for shape in ((4, 1), (4, 1), (4,), (4,))]
    with torch.enable_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        try:
            torch.lstm(zeros, (zeros, zeros), weights, True, 1, 0.0, True, False, False)
        except RuntimeError:
            return False
    return True


def _reordered(x: Tensor, order: Tensor | None) -> Tensor:
    assert order is not None
    return x.gather(1, order[..., None].expand(-1, -1, x.shape[2]))


def _last(steps: Tensor, before: Tensor, lengths: Tensor | None) -> Tensor:
    """What stands at the last token of each sequence; `before` for a sequence without one."""
    if lengths is None:
        return steps[:, -1].to(before.dtype)
    places = (lengths - 1).clamp_min(0)[:, None, None].expand(-1, 1, steps.shape[2])
    last = steps.gather(1, places)[:, 0].to(before.dtype)
    return torch.where(lengths[:, None] > 0, last, before)


def _packed(
    layer: nn.RNNBase, x: Tensor, state: tuple[Tensor, ...], lengths: Tensor | None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Through torch's packed sequences, which give the last c of each; the lengths have to be on the CPU for it."""
    assert lengths is not None
    # A packed sequence has one step at least; those without any get their state back below.
    packed = pack_padded_sequence(x, lengths.clamp_min(1).cpu(), batch_first=True, enforce_sorted=False)
    outputs, after = layer(packed, tuple(part[None] for part in state))
    padded, _ = pad_packed_sequence(outputs, batch_first=True, total_length=x.shape[1])
    empty = lengths[:, None] == 0
    return padded, tuple(torch.where(empty, old, new[0].to(old.dtype)) for old, new in zip(state, after))
