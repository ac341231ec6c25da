"""Fresh weights as a function of a seed alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from derin.core.global_generator import global_generator


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Within it, numbers drawn on the CPU are a function of the seed; torch's generator then stands where it stood.

    Args:
        seed: a whole number; None changes nothing.

    Example:
        >>> with seeded(7):
        ...     a = torch.randn(3)
        >>> with seeded(7):
        ...     b = torch.randn(3)
        >>> torch.equal(a, b)
        True
    """
    if seed is None:
        yield
        return
    # torch.manual_seed would reseed the generators of other devices as well, which fork_rng does not restore here.
    with global_generator(), torch.device("cpu"):
        torch.default_generator.manual_seed(seed)
        yield
