"""Long texts as parallel streams: each row of a batch goes on where that row of the batch before it ended."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.data.batch import Batch
from derin.data.samplers.contiguous import ContiguousSampler
from derin.data.text.vocabulary import PAD, Ids

if TYPE_CHECKING:
    import torch

Places = npt.NDArray[np.int64]

# Each stream of a measurement begins without a past, which costs something: few begin.
_MOST_MEASURED_STREAMS = 16


class StreamSource:
    """Training batches of a long text, whose next token is to be told at every place.

    The text is read as streams side by side, in the order of a `ContiguousSampler`.

    Args:
        tokens: the text.
        batch_size: number of streams; fewer where the text is too short for so many windows.
        window: tokens per stream and batch; fewer where the text is shorter.
        seed: of the cuts.
        device: where batches go.

    Shapes:
        ``input`` and ``target`` ``(B, window)`` int64, ``fresh`` ``(B,)`` bool: true in the first batch of an epoch,
        where no past is to be carried on.

    Raises:
        DataError: the text has fewer than two tokens.

    Example:
        >>> source = StreamSource(np.arange(4, 17, dtype=np.int32), batch_size=2, window=3, seed=1)
        >>> first, second = source.batches(0)
        >>> first["input"].tolist(), second["input"].tolist(), first["target"].tolist()
        ([[16, 4, 5], [9, 10, 11]], [[6, 7, 8], [12, 13, 14]], [[4, 5, 6], [10, 11, 12]])
    """

    def __init__(
        self,
        tokens: Ids,
        *,
        batch_size: int,
        window: int,
        seed: int = 0,
        device: str | torch.device = "cpu",
    ) -> None:
        import torch

        _check(tokens, batch_size, window)
        if len(tokens) < 2:
            raise DataError(f"A stream needs a text of at least two tokens to train on; got {len(tokens)}.")
        self.window = min(window, len(tokens) - 1)
        self._sampler = ContiguousSampler(len(tokens), batch_size=batch_size, window=self.window, seed=seed)
        self.batch_size, self.num_batches = self._sampler.batch_size, self._sampler.num_batches
        self.num_examples = self._sampler.num_examples
        self._tokens, self._device = tokens, torch.device(device)

    def batches(self, epoch: int, from_step: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from its step `from_step` on."""
        import torch

        reach = np.arange(self.window + 1)
        rows = torch.arange(self.batch_size)
        for step, starts in enumerate(self._sampler.order(epoch).batches(from_step), from_step):
            places = (starts[:, None] + reach) % len(self._tokens)
            tokens = torch.from_numpy(self._tokens[places].astype(np.int64)).to(self._device, non_blocking=True)
            columns = {"input": tokens[:, :-1].contiguous(), "target": tokens[:, 1:].contiguous()}
            columns["fresh"] = torch.full((self.batch_size,), step == 0, device=self._device)
            yield Batch(columns, rows)


class MeasuredStream:
    """Batches of a text in which every token is to be told exactly once, and which are alike in every epoch.

    Without ``context`` the text is cut into at most 16 streams of nearly equal length that are read side by side, for
    networks that carry what they have read from batch to batch. With it every row stands alone: it shows the network
    up to ``context`` tokens that are measured elsewhere and measures the others, for networks that carry nothing.

    Args:
        tokens: the text.
        start: the token that stands before the first one.
        batch_size: rows per batch where every row stands alone.
        window: tokens per row and batch.
        context: so many of them are seen and not measured.
        device: where batches go.

    Shapes:
        ``input`` and ``target`` ``(B, T)`` int64, T at most ``window``; targets that are not measured are ``<PAD>``, as
        are inputs behind the end; ``fresh`` ``(B,)`` bool: true where no past is to be carried on.

    Raises:
        DataError: the text is empty, or ``context`` is not smaller than ``window``.

    Example:
        >>> source = MeasuredStream(np.arange(4, 11, dtype=np.int32), start=3, batch_size=2, window=4, context=2)
        >>> [(b["input"].tolist(), b["target"].tolist()) for b in source.batches(0)]
        [([[3, 4, 5, 6], [5, 6, 7, 8]], [[4, 5, 6, 7], [0, 0, 8, 9]]), ([[6, 7, 8, 9]], [[0, 0, 0, 10]])]
    """

    def __init__(
        self,
        tokens: Ids,
        *,
        start: int,
        batch_size: int,
        window: int,
        context: int = 0,
        device: str | torch.device = "cpu",
    ) -> None:
        import torch

        _check(tokens, batch_size, window)
        if not 0 <= context < window:
            raise DataError(f"A stream's context must lie in 0..{window - 1}, below its window; got {context}.")
        if not len(tokens):
            raise DataError("A stream needs a text of at least one token to measure; got none.")
        self._device, self.window = torch.device(device), min(window, len(tokens))
        # The token to be told at place p stands at p + 1, what the network sees there at p.
        self._tokens = np.concatenate([[start], tokens, np.full(self.window, PAD)])
        if context:
            pieces = _alone(len(tokens), self.window, min(context, self.window - 1), batch_size)
            self.batch_size = min(batch_size, sum(len(piece.begins) for piece in pieces))
        else:
            self.batch_size = min(_MOST_MEASURED_STREAMS, -(-len(tokens) // self.window))
            pieces = _side_by_side(len(tokens), self.window, self.batch_size)
        self._pieces = pieces
        self.num_batches = len(pieces)
        self.num_examples = sum(len(piece.begins) for piece in pieces)

    def batches(self, epoch: int, from_step: int = 0) -> Iterator[Batch]:
        """The batches of any epoch, from their step `from_step` on."""
        import torch

        for piece in self._pieces[from_step:]:
            places = piece.begins[:, None] + np.arange((piece.ends - piece.begins).max())
            inside = places < piece.ends[:, None]
            inputs = np.where(inside, self._tokens[places], PAD)
            targets = np.where(inside & (places >= piece.measured[:, None]), self._tokens[places + 1], PAD)
            columns = {"input": inputs, "target": targets, "fresh": np.full(len(places), piece.is_fresh)}
            on_device = {name: torch.from_numpy(c).to(self._device, non_blocking=True) for name, c in columns.items()}
            yield Batch(on_device, torch.arange(len(places)))


class _Piece(NamedTuple):
    """The rows of one batch: where they begin and end, from where on they are measured, and whether they begin anew."""

    begins: Places
    measured: Places
    ends: Places
    is_fresh: bool


def _side_by_side(num: int, window: int, num_streams: int) -> list[_Piece]:
    """Streams that each measure their own part from its first token on."""
    bounds = np.arange(num_streams + 1) * num // num_streams
    pieces = []
    for passed in range(0, int(np.diff(bounds).max()), window):
        begins = np.minimum(bounds[:-1] + passed, bounds[1:])
        pieces.append(_Piece(begins, begins, np.minimum(begins + window, bounds[1:]), passed == 0))
    return pieces


def _alone(num: int, window: int, context: int, batch_size: int) -> list[_Piece]:
    """Rows of a whole window each, of which all but the first measure what no row before them did."""
    measured = np.concatenate([[0], np.arange(window, num, window - context)])
    ends = np.append(measured[1:], num)
    begins = np.maximum(ends - window, 0)
    cuts = np.arange(batch_size, len(ends), batch_size)
    return [_Piece(begins[a:b], measured[a:b], ends[a:b], True) for a, b in pairwise([0, *cuts.tolist(), len(ends)])]


def _check(tokens: Ids, batch_size: int, window: int) -> None:
    if batch_size < 1 or window < 1:
        raise DataError(
            f"A stream's batch_size and window must be at least 1; got batch_size={batch_size}, window={window}."
        )
    if tokens.ndim != 1:
        raise DataError(f"A stream needs one row of tokens; got an array of shape {tokens.shape}.")
