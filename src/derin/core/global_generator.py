"""Torch's global random numbers, which a process has once: whoever draws from them holds them meanwhile.

Dropout and fresh weights draw from torch's own generators, which know no threads: what one thread draws, another one
misses. So whatever in Derin draws from them seeds them first and holds them until it has drawn, a training for one step
at a time. Two trainings in two threads of a process thereby draw what each would draw alone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, device

_lock = threading.RLock()
# Where the generators stood before the first of the trainings that go on now; by device, "cpu" among them.
_before: dict[str, Tensor] = {}
_num_trainings = 0


@contextmanager
def global_generator(on: device | None = None) -> Iterator[None]:
    """Within it, nothing else in Derin draws from torch's generators; afterwards they stand where they stood.

    Args:
        on: a CUDA device whose generator is meant beside that of the CPU.

    Example:
        >>> import torch
        >>> before = torch.get_rng_state()
        >>> with global_generator():
        ...     _ = torch.default_generator.manual_seed(7)
        ...     _ = torch.rand(3)
        >>> torch.equal(torch.get_rng_state(), before)
        True
    """
    import torch

    others = [on] if on is not None and on.type == "cuda" else []
    with _lock, torch.random.fork_rng(devices=others):
        yield


@contextmanager
def generator_of_steps(on: device) -> Iterator[AbstractContextManager[Any]]:
    """For work in many steps, each of which seeds torch's generators: a lock, to be held from there to its last draw.

    After the last of such works that go on at the same time, the generators stand where they stood before the first.

    Args:
        on: the device that is computed on.

    Example:
        >>> import torch
        >>> with generator_of_steps(torch.device("cpu")) as drawing:
        ...     for step in range(2):
        ...         with drawing:
        ...             _ = torch.default_generator.manual_seed(step)
        ...             _ = torch.rand(3)
    """
    global _num_trainings
    import torch

    with _lock:
        _num_trainings += 1
        _before.setdefault("cpu", torch.get_rng_state())
        if on.type == "cuda":
            _before.setdefault(str(on), torch.cuda.get_rng_state(on))
        elif on.type == "mps":
            _before.setdefault("mps", torch.mps.get_rng_state())
    try:
        yield _lock
    finally:
        with _lock:
            _num_trainings -= 1
            if not _num_trainings:
                torch.set_rng_state(_before.pop("cpu"))
                if "mps" in _before:
                    torch.mps.set_rng_state(_before.pop("mps"))
                while _before:
                    name, state = _before.popitem()
                    torch.cuda.set_rng_state(state, name)
