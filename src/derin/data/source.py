"""Batches of a table: one vectorised gather per column, then cast, normalised and augmented on the device.

Small examples are gathered several batches at a time, which costs a call for all of them instead of a call for each.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.core.seeds import uniforms
from derin.data.batch import Batch
from derin.data.prefetch import ahead
from derin.data.preparation import EncodedInputs, Preparation
from derin.data.samplers.sampler import Sampler
from derin.data.samplers.uniform import UniformSampler
from derin.data.table import Rows

if TYPE_CHECKING:
    import torch

    from derin.data.augment import Augmentation

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
    inputs: torch.Tensor


class TableSource:
    """The batches of some rows of a table.

    The order is a function of (seed, epoch), augmentation of (seed, epoch, row); neither depends on the batch size.

    Args:
        encoded: the inputs of the whole table.
        preparation: finishes a gathered batch on the device.
        targets: further columns by name, one value per row of the table (labels, weights).
        rows: the rows of the table that this source gives.
        input_name: the input's name in the batch.
        batch_size: examples per batch; the last one may be smaller.
        seed: of order and augmentation.
        shuffle: whether each epoch has an order of its own.
        augmentation: what happens to pictures, or None.
        mixed_target: the target that mixing turns into probabilities, and its number of classes.
        device: where batches go.
        sampler: says which of the rows come in which order; None gives each once.
    """

    def __init__(
        self,
        encoded: EncodedInputs,
        preparation: Preparation,
        targets: Mapping[str, npt.NDArray[np.generic]],
        rows: Rows,
        *,
        input_name: str,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = False,
        augmentation: Augmentation | None = None,
        mixed_target: tuple[str, int] | None = None,
        device: str | torch.device = "cpu",
        sampler: Sampler | None = None,
    ) -> None:
        import torch

        if sampler is None:
            sampler = UniformSampler(rows, batch_size=batch_size, seed=seed, shuffle=shuffle, joins_lone=shuffle)
        self._sampler, self.batch_size = sampler, batch_size
        self.num_examples, self.num_batches = sampler.num_examples, sampler.num_batches
        self.rows, self.input_name = rows, input_name
        self._host, self._preparation, self._seed, self._shuffle = encoded, preparation, seed, shuffle
        self._augmentation = None if augmentation is None or augmentation.is_identity else augmentation
        self._mixes = self._augmentation is not None and self._augmentation.mixes
        if self._mixes and mixed_target is None:
            raise DataError(
                "mixup and cutmix mix the classes of two pictures, and need a task of classes, one or several for each "
                "picture; the target here is none. Leave them out."
            )
        self._mixed_target = mixed_target
        self._device = torch.device(device)
        # Labels are small: they move to the device once.
        self._targets = {
            name: torch.from_numpy(np.ascontiguousarray(v)).to(self._device) for name, v in targets.items()
        }
        bytes_per_batch = batch_size * 4 * int(np.prod(preparation.input_shape))
        self._batches_per_chunk = max(1, _CHUNK_BYTES // bytes_per_batch)

    def batches(self, epoch: int, from_step: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from its step `from_step` on."""
        order = self._sampler.order(epoch)
        draws = order.draws() if self._sampler.repeats else order.rows
        bounds = order.bounds.tolist()
        size = self._batches_per_chunk

        def gathered(first: int) -> _Chunk:
            last = min(first + size, self.num_batches)
            places: Any = slice(bounds[first], bounds[last])
            if self._mixes:
                # An example is mixed with the next one of the epoch, whichever batch that is in.
                places = np.append(np.arange(bounds[first], bounds[last]), bounds[last] % self.num_examples)
            rows, some_draws = order.rows[places], draws[places]
            inputs = self._host.gather(rows, self._window_uniforms(epoch, some_draws))
            if self.prefetches and self._device.type == "cuda":
                inputs = inputs.pin_memory()
            return _Chunk(range(first, last), rows, some_draws, inputs)

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
            self._host.gather(few, numbers)
            seconds.append(time.perf_counter() - started)
        return min(seconds) > _COSTLY_SECONDS * len(few)

    def _finished(self, chunk: _Chunk, epoch: int) -> Batch:
        """Several batches at once; where examples are mixed, the last row is but the partner of another."""
        import torch

        augmentation, rows, draws = self._augmentation, chunk.rows, chunk.draws
        inputs = chunk.inputs.to(self._device, non_blocking=True)
        if augmentation is not None:
            # They stay on the CPU: an augmentation decides by them what to do, and must not wait for the device.
            numbers = torch.from_numpy(uniforms(self._seed, "augment", epoch, draws, augmentation.num_uniforms))
            inputs = augmentation.apply(inputs.permute(0, 3, 1, 2), numbers).permute(0, 2, 3, 1)
        inputs = self._preparation.to_model_input(inputs)
        row_numbers = torch.from_numpy(rows)
        on_device = row_numbers.to(self._device, non_blocking=True)
        columns = {name: values.index_select(0, on_device) for name, values in self._targets.items()}
        if augmentation is not None and self._mixes and self._mixed_target is not None:
            name, num_classes = self._mixed_target
            inputs, columns[name] = augmentation.mix(inputs, columns[name], numbers, num_classes)
            row_numbers = row_numbers[:-1]
            columns = {key: values[: len(row_numbers)] for key, values in columns.items()}
        return Batch({self.input_name: inputs, **columns}, row_numbers)

    def _window_uniforms(self, epoch: int, draws: Rows) -> npt.NDArray[np.float32] | None:
        """Where the windows of larger pictures lie: anywhere in training, in the middle otherwise."""
        drawn = self._shuffle and self._host.is_random
        return uniforms(self._seed, "window", epoch, draws, _WINDOW_UNIFORMS) if drawn else None
