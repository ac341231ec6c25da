"""Makes a network fast that answers again and again on a CPU, without changing the network itself."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from derin.core.quiet import quiet
from derin.core.threads import FEW_VALUES
from derin.models.frozen_copy import FrozenCopy

_WARM_CALLS = 3  # the first call profiles, the second compiles, the third is the first fast one
_TOLERANCE = 1e-4  # of the largest output
_TIMED_CALLS = 3  # of the network and of each program, at least
_TIMED_SECONDS = 0.02  # short calls are repeated for as long as this
_LAST_PYTHON_WITH_JIT = (3, 13)  # from 3.14 on torch refuses to record

_switch = threading.Lock()


class TracedInference(nn.Module):
    """Calls a network, for batches of prepared shapes by a recorded program with fewer and larger steps.

    A program folds batch norms into their convolutions, joins convolution, addition and activation into one step,
    keeps pictures channels-last and packs weights once for this machine. All of it computes the same function: outputs
    differ by rounding alone, and a program that differs by more than 1e-4 of the largest output is never used, nor one
    that is slower than the network.

    Programs are recorded from a copy of the network that nobody else holds. Before each call of one, the network is
    compared with that copy bit by bit, whatever way its weights may have been changed. Where they differ, the network
    itself is called, until `prepare` is called again and takes a new copy. The network is called as well on another
    device than the CPU, in training mode, while anyone watches a module by a hook, and for networks that are not of the
    registry or of layers, whose code may branch on its data.

    Args:
        network: the network; it is used, never changed.

    Shapes:
        those of the network.

    Example:
        >>> from derin.models import build
        >>> network = build("lenet5", input_shape=(1, 28, 28), num_outputs=10, seed=0).eval()
        >>> warm, x = TracedInference(network), torch.ones(2, 1, 28, 28)
        >>> with torch.inference_mode():
        ...     sorted(warm.prepare(x)), bool(torch.allclose(warm(x), network(x), atol=1e-5))
        (['onednn', 'torch'], True)
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self._recordable = hasattr(network, "spec") and sys.version_info[:2] <= _LAST_PYTHON_WITH_JIT
        self._copy: FrozenCopy | None = None
        self._programs: dict[tuple[int, ...], Callable[[Tensor], Tensor]] = {}

    @property
    def num_programs(self) -> int:
        """How many shapes have a program."""
        return len(self._programs)

    @property
    def is_current(self) -> bool:
        """Whether the network is still what its programs were recorded from, bit by bit."""
        return self._copy is not None and self._copy.is_of(self.network)

    def frozen(self) -> nn.Module:
        """The copy that programs are recorded from; a new one, and no programs, where the network has changed."""
        if self._copy is None or not self.is_current:
            self._programs.clear()
            self._copy = FrozenCopy(self.network)
        return self._copy.network

    def prepare(self, x: Tensor, others: Mapping[str, Callable[[Tensor], Tensor]] | None = None) -> dict[str, float]:
        """Records a program for inputs of this shape, and keeps the fastest of it, the network and others.

        Args:
            x: inputs of the shape to come, ``(batch, ...)``, on the CPU.
            others: more programs that compute the same function as `frozen`, by name. One that differs by more than
                1e-4 of the largest output is left out.

        Returns:
            seconds of a call: ``"torch"`` for the network as it is, ``"onednn"`` for the recorded program, and those
            of the others; of the network alone where no program may stand in for it.
        """
        ways: dict[str, Callable[[Tensor], Tensor]] = {"torch": self.network}
        if self._may_record(x):
            frozen = self.frozen()
            program = _Program(frozen, x)
            if program.agrees(frozen, x):
                ways["onednn"] = program
            expected = frozen(x)
            ways |= {name: run for name, run in (others or {}).items() if _close(run(x), expected)}
        seconds = {name: _seconds(run, x) for name, run in ways.items()}
        fastest = ways[min(seconds, key=lambda name: seconds[name])]
        self._programs.pop(tuple(x.shape), None)
        if fastest is not self.network:
            self._programs[tuple(x.shape)] = fastest
        return seconds

    def forward(self, x: Tensor) -> Tensor:
        program = self._programs.get(tuple(x.shape))
        if program is None or not self._may_record(x) or not self.is_current:
            output: Tensor = self.network(x)
            return output
        return program(x)

    def _may_record(self, x: Tensor) -> bool:
        return (
            self._recordable
            and not self.network.training
            and x.device.type == "cpu"
            and x.dtype == torch.float32
            and not torch.is_grad_enabled()
            and not any(m._forward_hooks or m._forward_pre_hooks for m in self.network.modules())
        )


def _seconds(call: Callable[[Tensor], Tensor], x: Tensor) -> float:
    """The quickest of a few calls: whatever disturbs a call makes it longer.

    Before each one the input is written, as it is in use. Torch shares out the writing of many values among threads
    that go on spinning for some ms, which a program with threads of its own must bear.
    """
    took: list[float] = []
    while len(took) < _TIMED_CALLS or sum(took) < _TIMED_SECONDS:
        written = x.clone() if x.numel() > FEW_VALUES else torch.from_numpy(x.numpy().copy(order="K"))
        began = time.perf_counter()
        call(written)
        took.append(time.perf_counter() - began)
    return min(took)


def _close(found: Tensor, expected: Tensor) -> bool:
    return bool((found - expected).abs().max() <= _TOLERANCE * expected.abs().max())


class _Program:
    """One network recorded for one shape, with steps joined by oneDNN."""

    def __init__(self, network: nn.Module, x: Tensor) -> None:
        self._joins = True
        self._record(network, x)

    def _record(self, network: nn.Module, x: Tensor) -> None:
        # The recorder warns where a shape becomes a constant, which is right in a program for this shape alone, and
        # that newer code should compile, which takes minutes where this takes a second.
        with torch.no_grad(), quiet():
            self._run = torch.jit.freeze(torch.jit.trace(network, _picture_layout(x), check_trace=False))
        self._calls = 0

    def __call__(self, x: Tensor) -> Tensor:
        x = _picture_layout(x)
        if self._calls >= _WARM_CALLS:
            output: Tensor = self._run(x)
            return output
        self._calls += 1
        with _joining_steps(self._joins):
            output = self._run(x)
        return output

    def agrees(self, network: nn.Module, x: Tensor) -> bool:
        """Whether the joined steps give what the network gives."""
        expected = network(x)
        try:
            output = self._warmed(x)
        except RuntimeError:  # oneDNN cannot join the steps of some networks; their program runs step by step
            self._joins = False
            self._record(network, x)
            output = self._warmed(x)
        return _close(output, expected)

    def _warmed(self, x: Tensor) -> Tensor:
        for _ in range(_WARM_CALLS):
            output = self(x)
        return output


def _picture_layout(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x


@contextmanager
def _joining_steps(wanted: bool) -> Iterator[None]:
    """Programs that are compiled within have their steps joined; those of the user's own code are left as they are."""
    # The switch is the whole process's: who sets it holds it until it stands again where it stood.
    with _switch:
        before = torch.jit.onednn_fusion_enabled()
        torch.jit.enable_onednn_fusion(wanted)
        try:
            yield
        finally:
            torch.jit.enable_onednn_fusion(before)
