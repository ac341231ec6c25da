"""Where a token stands, for attention, which by itself does not know: sinusoidal, learned and rotary positions.

Every one takes the number of the first place, so that tokens that come one by one stand where they would in the whole
sequence.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from derin.core.errors import ShapeError, UsageError

_LONGEST_WAVE = 10_000.0  # the wavelengths go from 2π to 2π times this many places


def _angles(first: int, num_places: int, dim: int, device: torch.device | None) -> Tensor:
    """p / 10000^(2i/dim) for places p from `first` on, ``(num_places, dim / 2)``, in float64: fp32 would blur angles of
    places in the ten thousands."""
    places = torch.arange(first, first + num_places, device=device, dtype=torch.float64)
    frequencies = _LONGEST_WAVE ** (-torch.arange(0, dim, 2, device=device, dtype=torch.float64) / dim)
    return places[:, None] * frequencies


class SinusoidalPositions(nn.Module):
    """y = x + P with P[p, 2i] = sin(p / 10000^(2i/dim)) and P[p, 2i + 1] = cos(p / 10000^(2i/dim)).

    Args:
        dim: numbers of a token, an even number.

    Shapes:
        ``(B, T, dim)`` → the same.

    Raises:
        UsageError: `dim` is odd.

    Example:
        >>> SinusoidalPositions(4)(torch.zeros(1, 2, 4))[0, 1].tolist()  # sin 1, cos 1, sin 0.01, cos 0.01
        [0.8414709568023682, 0.5403022766113281, 0.009999833069741726, 0.9999499917030334]

    Source: A. Vaswani et al., "Attention is all you need", NeurIPS 2017, arXiv:1706.03762, section 3.5.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = _even("SinusoidalPositions.dim", dim)

    def forward(self, x: Tensor, first: int = 0) -> Tensor:
        angles = _angles(first, x.shape[1], self.dim, x.device)
        waves = torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)  # (T, dim)
        return x + waves.to(x.dtype)


class LearnedPositions(nn.Module):
    """y = x + P with a learned row of P for every place.

    Args:
        num_places: how long a sequence may be.
        dim: numbers of a token.

    Shapes:
        ``(B, T, dim)`` → the same.

    Raises:
        ShapeError: a place beyond the last row.

    Example:
        >>> LearnedPositions(9, 12)(torch.zeros(2, 5, 12), first=4).shape
        torch.Size([2, 5, 12])

    Source: J. Gehring et al., "Convolutional sequence to sequence learning", ICML 2017, arXiv:1705.03122, section 3.1.
    """

    parameter_roles: ClassVar[dict[str, str]] = {"table": "position"}

    def __init__(self, num_places: int, dim: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(num_places, dim).normal_(std=0.02))

    def forward(self, x: Tensor, first: int = 0) -> Tensor:
        end = first + x.shape[1]
        if end > len(self.table):
            raise ShapeError(
                f"LearnedPositions has {len(self.table)} places; got a sequence of {end}. "
                "Cut it, or take sinusoidal or rotary positions, which have no end."
            )
        return x + self.table[first:end]


class RotaryPositions(nn.Module):
    """Turns pairs of numbers of queries and keys by angles that grow with the place, so that their product depends on
    the distance of the two places alone.

    (x_i, x_{i + d/2}) is turned by the angle p / 10000^(2i/d).

    Args:
        head_dim: numbers of a query or a key, d, an even number.

    Raises:
        UsageError: `head_dim` is odd.

    Example:
        >>> rotary = RotaryPositions(4)
        >>> x = torch.tensor([1.0, 2.0, 3.0, 4.0])
        >>> def product(p: int, q: int) -> float:
        ...     a, b = (apply_rotary(x.view(1, 1, 1, 4), *rotary(place, 1)) for place in (p, q))
        ...     return round((a * b).sum().item(), 4)
        >>> product(7, 2) == product(105, 100)
        True

    Source: J. Su et al., "RoFormer: enhanced transformer with rotary position embedding", 2021, arXiv:2104.09864,
    equation 15. Differs: a number is paired with that half a head further, not with its neighbor; an order of the
    numbers that training does not see.
    """

    def __init__(self, head_dim: int) -> None:
        super().__init__()
        self.head_dim = _even("RotaryPositions.head_dim", head_dim)

    def forward(
        self, first: int, num_places: int, *, device: torch.device | None = None, dtype: torch.dtype | None = None
    ) -> tuple[Tensor, Tensor]:
        """Cosines and sines of the angles, each ``(num_places, head_dim)``, those of the first half negated in the
        sines: what `apply_rotary` takes."""
        angles = _angles(first, num_places, self.head_dim, device)
        cosines, sines = angles.cos(), angles.sin()
        kind = dtype or torch.get_default_dtype()
        return torch.cat([cosines, cosines], dim=1).to(kind), torch.cat([-sines, sines], dim=1).to(kind)


def apply_rotary(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """x turned by the angles of `RotaryPositions`.

    Args:
        x: queries or keys, or both side by side in an axis of their own.
        cosines: broadcast against x.
        sines: the same, with signs.

    Shapes:
        ``(..., head_dim)`` → the same.
    """
    cosines, sines = cosines.to(x.dtype), sines.to(x.dtype)
    if not (torch.is_grad_enabled() and x.requires_grad):
        return _turned(x, cosines, sines, 1)  # operators that whoever records a network can look into
    turned: Tensor = _Turn.apply(x, cosines, sines)
    return turned


class _Turn(torch.autograd.Function):
    """y = x cos + swapped(x) sin; its gradient turns back: ẋ = ẏ cos − swapped(ẏ) sin. Written out because autograd
    would go over the large tensors twice as often."""

    @staticmethod
    def forward(ctx: object, x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        ctx.save_for_backward(cosines, sines)  # type: ignore[attr-defined]
        return _turned(x, cosines, sines, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: object, gradient: Tensor) -> tuple[Tensor, None, None]:
        cosines, sines = ctx.saved_tensors  # type: ignore[attr-defined]
        return _turned(gradient, cosines, sines, -1), None, None


def _turned(x: Tensor, cosines: Tensor, sines: Tensor, sign: int) -> Tensor:
    half = x.shape[-1] // 2
    y = x * cosines
    y[..., :half].addcmul_(x[..., half:], sines[..., :half], value=sign)
    y[..., half:].addcmul_(x[..., :half], sines[..., half:], value=sign)
    return y


def _even(where: str, size: int) -> int:
    if size < 2 or size % 2:
        raise UsageError(f"{where} must be an even number, 2 at least; got {size}.")
    return size
