"""What torch keeps for each thread, set for a training in the thread that calls for it, and put back afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from derin.core.denormals import flushed_denormals
from derin.core.threads import using_threads


@contextmanager
def training_modes(threads: int = 0) -> Iterator[None]:
    """Denormals are zero, gradients are taken and nothing is cast, wherever in a program training is called.

    Args:
        threads: of the CPU; 0 leaves their number as it is.

    Example:
        >>> import torch
        >>> with torch.no_grad(), training_modes():
        ...     torch.is_grad_enabled()
        True
    """
    import torch

    with ExitStack() as modes:
        modes.enter_context(flushed_denormals())
        modes.enter_context(using_threads(threads))
        modes.enter_context(torch.inference_mode(False))
        modes.enter_context(torch.enable_grad())
        for kind in ("cpu", "cuda", "mps"):
            if torch.is_autocast_enabled(kind):
                modes.enter_context(torch.autocast(kind, enabled=False))
        yield
