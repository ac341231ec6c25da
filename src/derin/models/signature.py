"""What a network reads and gives, by name, and how it is called with inputs that have names."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from derin.core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """One input or output of a network.

    Args:
        name: by which data and other programs know it.
        shape: of one example, without the batch; of free axes a typical size.
        dtype: as torch names it.
        free: the axes of `shape` that may have any size.

    Example:
        >>> print(TensorSpec(name="tokens", shape=(20, 3), dtype="int64", free=(0,)))
        tokens (batch, any, 3)
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    free: tuple[int, ...] = ()

    def __str__(self) -> str:
        sizes = ("any" if axis in self.free else str(size) for axis, size in enumerate(self.shape))
        return f"{self.name} ({', '.join(('batch', *sizes))})"

    def example(self, batch_size: int = 1, device: torch.device | str = "cpu") -> Tensor:
        """Examples of the typical size: zeros, or ones where whole numbers are read, of which 0 is often a filling."""
        dtype: torch.dtype = getattr(torch, self.dtype)
        make = torch.zeros if dtype.is_floating_point or dtype.is_complex else torch.ones
        return make((batch_size, *self.shape), dtype=dtype, device=device)


@dataclass(frozen=True)
class Signature:
    """The inputs and outputs of a network, which it has in its attribute ``signature``.

    Networks of the registry, `Sequential` and `Graph` have one. A module of one's own needs none: its inputs are the
    parameters of its ``forward``. Where that takes any number, a signature gives them names.

    Args:
        inputs: in the order in which the network takes them.
        outputs: in the order in which it gives them.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...] = ()


def signature_of(network: nn.Module) -> Signature | None:
    """What a network says of its inputs and outputs; None where it says nothing."""
    found = getattr(network, "signature", None)
    return found if isinstance(found, Signature) else None


@dataclass(frozen=True)
class Arguments:
    """How a network is called: which inputs it takes by place, and which by keyword.

    Args:
        positional: names of inputs, in the order of the network.
        keywords: names of further inputs.
        by_name: whether these are the network's own names; where not, their order is all that tells them apart.

    Example:
        >>> Arguments(("left",), ("right",)).of({"right": 2, "left": 1, "other": 3})
        ((1,), {'right': 2})
    """

    positional: tuple[str, ...]
    keywords: tuple[str, ...] = ()
    by_name: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All inputs, in the order of the network."""
        return (*self.positional, *self.keywords)

    def of(self, columns: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call, of columns by name."""
        return tuple(columns[name] for name in self.positional), {name: columns[name] for name in self.keywords}


def bind_inputs(network: nn.Module, given: Sequence[str], *, named: bool = True) -> Arguments:
    """How a network takes inputs of some names.

    Names are those of its signature, or of the parameters of its ``forward``. One input needs no name: whatever it is
    called, it goes to a network that needs one.

    Args:
        network: which is called.
        given: the names of the inputs, in any order.
        named: whether these are names that somebody chose; where not, as of a tuple, their order counts, and they get
            the names that the network has for them.

    Raises:
        UsageError: the network needs an input that is not there, or has no place for one that is.

    Example:
        >>> class Two(nn.Module):
        ...     def forward(self, left, right):
        ...         return left - right
        >>> bind_inputs(Two(), ["right", "left"]).names
        ('left', 'right')
    """
    reads = _reads_of(network)
    known = (*reads.by_place, *reads.by_keyword)
    missing = [name for name in known if name not in reads.optional]
    if len(given) == 1 and given[0] not in known and len(missing) <= 1 and (reads.by_place or reads.any_number):
        named = False
    if named:
        if not (known or reads.any_name):
            raise UsageError(
                f"The network {type(network).__name__} takes any number of inputs and names none of them, so that "
                f"those called {', '.join(given)} cannot be told apart; give a tuple, whose order counts."
            )
        missing = [name for name in missing if name not in given]
        others = [name for name in given if name not in known]
        if missing or (others and not reads.any_name):
            raise _misfit(network, reads, given)
        num = next((place for place, name in enumerate(reads.by_place) if name not in given), len(reads.by_place))
        rest = [name for name in known[num:] if name in given]
        return Arguments(reads.by_place[:num], (*rest, *others), by_name=True)
    least = len([name for name in reads.by_place if name not in reads.optional])
    fits = reads.any_number or len(given) <= len(reads.by_place)
    if not fits or len(given) < least or any(name in missing for name in reads.by_keyword):
        raise _misfit(network, reads, given)
    if len(given) > 1 and len(given) <= len(reads.by_place):
        return Arguments(reads.by_place[: len(given)], by_name=True)
    return Arguments(tuple(given))


def example_inputs(network: nn.Module, batch_size: int = 1) -> tuple[Tensor, ...]:
    """Inputs of the typical size, for a network that says what it reads.

    Example:
        >>> from derin.models.building import build
        >>> net = build("transformer", input_shape=(7,), num_outputs=9, dim=8, num_heads=2, vocabulary=5)
        >>> [tuple(x.shape) for x in example_inputs(net, 2)]
        [(2, 7), (2, 7)]
    """
    signature = signature_of(network)
    if signature is None:
        raise UsageError(
            f"The network {type(network).__name__} does not say what it reads; give it an attribute signature, a "
            "derin.models.signature.Signature."
        )
    first = next(network.parameters(), None)
    device = torch.device("cpu") if first is None else first.device
    return tuple(spec.example(batch_size, device) for spec in signature.inputs)


@dataclass(frozen=True)
class _Reads:
    """The inputs of a network."""

    by_place: tuple[str, ...] = ()
    by_keyword: tuple[str, ...] = ()
    optional: frozenset[str] = field(default_factory=frozenset)
    any_number: bool = False
    any_name: bool = False

    def __str__(self) -> str:
        known = (*self.by_place, *self.by_keyword)
        needed = ", ".join(name for name in known if name not in self.optional) or "any number of inputs"
        further = ", ".join(name for name in known if name in self.optional)
        return f"{needed} and perhaps {further}" if further else needed


def _reads_of(network: nn.Module) -> _Reads:
    signature = signature_of(network)
    if signature is not None:
        return _Reads(tuple(spec.name for spec in signature.inputs))
    try:
        parameters = inspect.signature(network.forward).parameters.values()
    except (TypeError, ValueError):  # what is written in another language says nothing of its arguments
        return _Reads(any_number=True)
    kinds = inspect.Parameter
    return _Reads(
        by_place=tuple(p.name for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)),
        by_keyword=tuple(p.name for p in parameters if p.kind is kinds.KEYWORD_ONLY),
        optional=frozenset(p.name for p in parameters if p.default is not kinds.empty),
        any_number=any(p.kind is kinds.VAR_POSITIONAL for p in parameters),
        any_name=any(p.kind is kinds.VAR_KEYWORD for p in parameters),
    )


def _misfit(network: nn.Module, reads: _Reads, given: Sequence[str]) -> UsageError:
    return UsageError(
        f"The network {type(network).__name__} reads {reads}; the data has {', '.join(given)}. Call the inputs as the "
        "network does (a dict, in any order), or give a tuple of as many, whose order counts."
    )
