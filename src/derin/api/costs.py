"""What a network costs in use, measured here: time for one example, memory while it answers, size on disk."""

from __future__ import annotations

import statistics
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.core.bundle import WEIGHTS_NAME
from derin.layers.operators import passing_through

if TYPE_CHECKING:
    import torch

    from derin.api.model import Model
    from derin.data.batch import Batch

# In the order in which people are told.
COSTS = ("latency_ms", "memory_mb", "size_mb", "parameters")
_UNTIMED, _FEWEST, _MOST = 3, 5, 200
_SECONDS = 0.25  # of each network


def costs(models: Sequence[Model], batches: Sequence[Batch]) -> list[dict[str, float | None]]:
    """What each of several networks costs for one example that is read and prepared already.

    ============== ==================================================================================
    ``latency_ms`` median time from the prepared example to the answer, in milliseconds
    ``memory_mb``  parameters and buffers, and the most that the tensors of a forward pass hold at once
    ``size_mb``    of the file of weights
    ``parameters`` numbers that are trained or frozen
    ============== ==================================================================================

    A megabyte is 10⁶ bytes. Networks take turns, so that a disturbed moment meets all alike; time is that of this
    machine, with the threads that torch has now.

    Args:
        models: in evaluation mode, as `derin.open` gives them.
        batches: of one example for each.

    Returns:
        the numbers by name; ``memory_mb`` is None where torch has no way to look on.
    """
    latencies = _latencies(models, batches)
    return [
        {
            "latency_ms": latency,
            "memory_mb": None if (peak := peak_bytes(model, batch)) is None else peak / 1e6,
            "size_mb": (Path(model.path) / WEIGHTS_NAME).stat().st_size / 1e6,
            "parameters": float(sum(p.numel() for p in model.network.parameters())),
        }
        for model, batch, latency in zip(models, batches, latencies, strict=True)
    ]


def _latencies(models: Sequence[Model], batches: Sequence[Batch]) -> list[float]:
    """The median milliseconds of each, one after the other in every round."""
    import torch

    times: list[list[float]] = [[] for _ in models]
    began = time.perf_counter()
    with torch.inference_mode():
        for turn in range(_UNTIMED + _MOST):
            if turn >= _UNTIMED + _FEWEST and time.perf_counter() - began > _SECONDS * len(models):
                break
            for model, batch, timed in zip(models, batches, times):
                _wait(model)
                start = time.perf_counter()
                model.task.predict(model.network, batch)
                _wait(model)
                if turn >= _UNTIMED:
                    timed.append(time.perf_counter() - start)
    return [statistics.median(timed) * 1e3 for timed in times]


def _wait(model: Model) -> None:
    """Until a device that works on its own has done what it was asked for."""
    import torch

    device = next(model.network.parameters()).device
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def peak_bytes(model: Model, batch: Batch) -> int | None:
    """Bytes of weights and buffers, and the most that the tensors made in one forward pass hold at once.

    Tensors that share memory count once. Memory that a library takes for itself meanwhile, and that of Python, are not
    seen.
    """
    import torch

    fixed = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in _tensors_of(model, batch)}
    held = _Held(frozenset(fixed))
    looking_on = passing_through(held.see)
    if looking_on is None:
        return None
    with torch.no_grad(), looking_on:
        model.task.predict(model.network, batch)
    return sum(fixed.values()) + held.peak


def _tensors_of(model: Model, batch: Batch) -> list[torch.Tensor]:
    import torch

    given = [column for column in batch.columns.values() if isinstance(column, torch.Tensor)]
    return [*model.network.parameters(), *model.network.buffers(), *given]


class _Held:
    """How many bytes the tensors that came from operators hold."""

    def __init__(self, known: frozenset[int]) -> None:
        self._known = known
        self._users: dict[int, int] = {}
        self._now = self.peak = 0

    def see(self, operator: Any, args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        import torch

        out = operator(*args, **options)
        for tensor in out if isinstance(out, list | tuple) else (out,):
            if not isinstance(tensor, torch.Tensor) or tensor.device.type == "meta":
                continue
            storage = tensor.untyped_storage()
            place, size = storage.data_ptr(), storage.nbytes()
            if place in self._known or not size:
                continue
            if place not in self._users:
                self._now += size
                self.peak = max(self.peak, self._now)
            self._users[place] = self._users.get(place, 0) + 1
            weakref.finalize(tensor, self._gone, place, size)
        return out

    def _gone(self, place: int, size: int) -> None:
        self._users[place] -= 1
        if not self._users[place]:
            del self._users[place]
            self._now -= size
