"""Batches of a table: one vectorised gather per column, then moved and finished on the device.

Small examples are gathered several batches at a time, which costs a call for all of them instead of a call for each.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.core.seeds import uniforms
from derin.data.batch import Batch
from derin.data.codecs.base import Codec, EncodedColumn
from derin.data.prefetch import ahead
from derin.data.preparation import Batching
from derin.data.samplers.sampler import Sampler
from derin.data.samplers.token_budget import TokenBudgetSampler
from derin.data.samplers.uniform import UniformSampler
from derin.data.table import Rows

if TYPE_CHECKING:
    from derin.data.augment.geometry import Geometry

# Enough examples that a call's fixed cost is small beside its work, few enough that they are still in the cache when
# used.
_CHUNK_BYTES = 4 << 20
# Windows into larger pictures take two numbers per example: down and along.
_WINDOW_UNIFORMS = 2
# A row that takes longer to gather is costly: decoding a photograph takes some milliseconds, copying it 20 µs.
_COSTLY_SECONDS = 1e-4
_TRIED_ROWS, _TRIALS = 8, 3


class _Chunk(NamedTuple):
    """Several batches as they come from the host's memory."""

    steps: range
    rows: Rows
    draws: Rows
    columns: dict[str, Any]


class TableSource:
    """The batches of some rows of a table.

    The order is a function of (seed, epoch), windows and augmentation of (seed, epoch, row); neither depends on the
    batch size. Everything that lies in a picture moves with it: the geometry of a row is drawn once, for all columns.
    Where rows are of unequal length, rows of like length make a batch, as many as a budget allows: see
    `TokenBudgetSampler`. All padded columns together stay within it, and `Batch.rows` says which rows these are.

    Args:
        columns: by name in the batch, how a column is finished and its rows in host memory: inputs, targets, weights.
        rows: the rows of the table that this source gives.
        batching: how rows become batches.

    Raises:
        DataError: there are no rows, columns that move together have different sizes, or examples are to be mixed that
            cannot be.
    """

    def __init__(self, columns: Mapping[str, tuple[Codec, EncodedColumn]], rows: Rows, batching: Batching) -> None:
        import torch

        rows = batching.limited(rows)
        padded: list[Any] = [column for codec, column in columns.values() if codec.pads]
        sampler = batching.sampler or _sampler(rows, padded, batching)
        self._sampler, self.batch_size = sampler, batching.batch_size
        self.num_examples, self.num_batches = sampler.num_examples, sampler.num_batches
        self.rows, self._columns, self._seed = rows, dict(columns), batching.seed
        augmentation = batching.augmentation
        self._augmentation = None if augmentation is None or augmentation.is_identity else augmentation
        self._device = torch.device(batching.device)
        self._draws_windows = batching.shuffle and not batching.center_only
        moved = {name: codec.extent for name, (codec, _) in self._columns.items() if codec.extent is not None}
        if len(set(moved.values())) > 1:
            raise DataError(f"Columns that move together must have one height and width; got {moved}.")
        self._frame = next(iter(moved.values()), None)
        # What is clipped to the picture is moved also where nothing moves.
        self._is_clipped = any(codec.moves_on_host for codec, _ in self._columns.values())
        if self._is_clipped and self._augmentation is not None and self._augmentation.fill == "auto":
            # A mirror image at the edge would show things that no box and no point tells of.
            self._augmentation = replace(self._augmentation, fill="zero")
        self._mixed_target = batching.mixed_target
        self._mixed_input: str | None = None
        self._num_partners = 0 if self._augmentation is None else self._augmentation.num_partners
        if self._augmentation is not None and self._augmentation.mixes:
            self._mixed_input = self._input_to_mix(moved)
        largest = max(abs(int(np.prod(codec.shape))) for codec, _ in self._columns.values())
        # Rows are padded to the longest of their own batch, which is therefore gathered alone.
        alone = bool(padded) or any(codec.gathers_singly for codec, _ in columns.values())
        self._batches_per_chunk = 1 if alone else max(1, _CHUNK_BYTES // (batching.batch_size * 4 * largest))

    def batches(self, epoch: int, from_step: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from its step `from_step` on."""
        order = self._sampler.order(epoch)
        draws = order.draws() if self._sampler.repeats else order.rows
        bounds = order.bounds.tolist()
        size = self._batches_per_chunk

        def gathered(first: int) -> _Chunk:
            last = min(first + size, self.num_batches)
            places: Any = slice(bounds[first], bounds[last])
            if self._num_partners:
                # An example is joined with the next ones of the epoch, whichever batch they are in.
                following = np.arange(bounds[first], bounds[last] + self._num_partners)
                places = following % self.num_examples
            rows, some_draws = order.rows[places], draws[places]
            columns = self._gathered(rows, self._window_uniforms(epoch, some_draws))
            if self.prefetches and self._device.type == "cuda":
                columns = {name: values.pin_memory() for name, values in columns.items()}
            return _Chunk(range(first, last), rows, some_draws, columns)

        # Chunks always start at the same steps, so that a resumed epoch computes the same bits from the same memory.
        firsts = range(from_step - from_step % size, self.num_batches, size)
        with closing(ahead(gathered, firsts) if self.prefetches else (gathered(first) for first in firsts)) as chunks:
            for chunk in chunks:
                whole = self._finished(chunk, epoch)
                start = bounds[chunk.steps.start]
                for step in chunk.steps:
                    if step >= from_step:
                        part = slice(bounds[step] - start, bounds[step + 1] - start)
                        columns = {name: values[part] for name, values in whole.columns.items()}
                        yield Batch(columns, whole.rows[part])

    @cached_property
    def prefetches(self) -> bool:
        """Whether rows are gathered ahead, by a thread beside the step: where a row costs so much that handing it over
        is nothing beside it, as where pictures are decoded. It changes no batch.
        """
        few = np.asarray(self.rows[:_TRIED_ROWS])
        numbers = self._window_uniforms(0, few)
        seconds = []
        for _ in range(_TRIALS):  # the first one may start threads, and any may be disturbed
            started = time.perf_counter()
            self._gathered(few, numbers)
            seconds.append(time.perf_counter() - started)
        return min(seconds) > _COSTLY_SECONDS * len(few)

    def _gathered(self, rows: Rows, places: npt.NDArray[np.float32] | None) -> dict[str, Any]:
        """The rows of every column as the host's memory gives them."""
        return {name: encoded.gather(rows, places) for name, (_, encoded) in self._columns.items()}

    def _finished(self, chunk: _Chunk, epoch: int) -> Batch:
        """Several batches at once; where examples are joined, the last rows are but the partners of others."""
        import torch

        augmentation, rows = self._augmentation, chunk.rows
        numbers: Any = None
        if augmentation is not None:
            # They stay on the CPU: an augmentation decides by them what to do, and must not wait for the device.
            numbers = torch.from_numpy(uniforms(self._seed, "augment", epoch, chunk.draws, augmentation.num_uniforms))
        gathered = chunk.columns
        if augmentation is not None and augmentation.mosaic:
            assert self._frame is not None
            rows, numbers = rows[: -self._num_partners], numbers[: -self._num_partners]
            mosaic = augmentation.mosaics(numbers, self._frame)
            gathered = {name: codec.joined(gathered[name], mosaic) for name, (codec, _) in self._columns.items()}
        geometry: Any = self._geometry(numbers, len(rows))
        columns: dict[str, Any] = {}
        for name, (codec, _) in self._columns.items():
            values = gathered[name]
            if codec.moves_on_host:
                values = codec.transform(values, geometry)
            values = values.to(self._device, non_blocking=True)
            if augmentation is None or codec.moves_on_host or not (codec.augments or codec.extent is not None):
                columns[name] = codec.to_model_input(values)
            else:
                values = codec.to_model_input(codec.augment(values, augmentation, numbers, geometry))
                columns[name] = codec.augment_input(values, augmentation, numbers)
        row_numbers = torch.from_numpy(rows)
        if self._mixed_input is not None:
            assert augmentation is not None
            assert self._mixed_target is not None
            target, num_classes = self._mixed_target
            mixed = augmentation.mix(columns[self._mixed_input], columns[target], numbers, num_classes)
            row_numbers = row_numbers[:-1]
            columns = {name: values[: len(row_numbers)] for name, values in columns.items()}
            columns[self._mixed_input], columns[target] = mixed
        return Batch(columns, row_numbers)

    def _geometry(self, numbers: Any, num: int) -> Geometry | None:
        """How the rows move; None where nothing does."""
        if self._frame is None:
            return None
        if self._augmentation is not None:
            return self._augmentation.geometry(numbers, self._frame)
        if self._is_clipped:
            from derin.data.augment.geometry import Geometry

            return Geometry.identity(num, self._frame)
        return None

    def _input_to_mix(self, moved: Mapping[str, tuple[int, ...]]) -> str:
        """The name of the column of pictures that is mixed."""
        if self._mixed_target is None:
            raise DataError(
                "mixup and cutmix mix the classes of two pictures, and need a task of classes, one or several for each "
                "picture; the target here is none. Leave them out."
            )
        mixed = [name for name, (codec, _) in self._columns.items() if codec.mixes]
        if len(mixed) != 1 or len(moved) > 1:
            raise DataError(
                "mixup and cutmix mix one column of pictures and one of classes; masks, boxes, points and further "
                f"pictures have no mixture. The columns here are {', '.join(self._columns)}. Leave them out."
            )
        return mixed[0]

    def _window_uniforms(self, epoch: int, draws: Rows) -> npt.NDArray[np.float32] | None:
        """Where the windows of larger pictures lie: anywhere in training, in the middle otherwise."""
        drawn = self._draws_windows and any(encoded.is_random for _, encoded in self._columns.values())
        return uniforms(self._seed, "window", epoch, draws, _WINDOW_UNIFORMS) if drawn else None


def _sampler(rows: Rows, padded: Sequence[Any], batching: Batching) -> Sampler:
    """The order where none is asked for: each row once; with rows of like length where they are padded."""
    how: Any = {"batch_size": batching.batch_size, "seed": batching.seed, "shuffle": batching.shuffle}
    if not padded:
        return UniformSampler(rows, **how, joins_lone=batching.shuffle)
    # The padded size of every column is at most that of the longest one, which sorts the rows.
    longest = np.max([column.lengths[rows] for column in padded], axis=0)
    return TokenBudgetSampler(rows, np.maximum(longest, 1) * len(padded), **how)
