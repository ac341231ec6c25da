"""How a training step is executed, and how the fastest way is found before the first step."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from derin.core.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn

PRECISIONS = ("fp32", "bf16")
_PARTS = ("fp32", "bf16", "channels-last", "fused", "onednn", "compiled")

# Shorter runs would spend more on choosing than they could gain, and stay alike on every machine: trials take some
# twenty steps, and two to three seconds of short ones, in which two cores do the forward passes of 4e11 operations.
MIN_STEPS_FOR_TRIALS = 250
MIN_OPERATIONS_FOR_TRIALS = 4e11
_WARM_UP_STEPS = 3
_TRIAL_SECONDS = 0.4
_MAX_TRIAL_STEPS = 60
# A plan is given up where a step takes so many times as long as the best plan's: its first one, for which memory has
# to be found, and one after it.
_FAR_SLOWER = (5.0, 2.5)
# bf16 keeps 8 bits of a number, so that losses after a few steps differ by some 2^-8 and what training makes of it.
_LOSS_TOLERANCE = {"fp32": 0.01, "bf16": 0.10}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a training step is executed.

    Args:
        precision: ``"fp32"``, or ``"bf16"`` for bfloat16 autocast over fp32 weights.
        channels_last: whether pictures and convolution weights lie in memory with their channels last.
        fused: whether the optimizer updates all weights in one kernel.
        onednn: whether dense layers in fp32 multiply through oneDNN and not through torch's BLAS (CPU only).
        compiled: whether the network goes through ``torch.compile``.

    Example:
        >>> Plan.parse("bf16,channels-last,fused")
        Plan(precision='bf16', channels_last=True, fused=True, onednn=False, compiled=False)
        >>> str(Plan())
        'fp32'
    """

    precision: str = "fp32"
    channels_last: bool = False
    fused: bool = False
    onednn: bool = False
    compiled: bool = False

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise UnknownNameError("precision", self.precision, PRECISIONS)

    @classmethod
    def parse(cls, text: str) -> Plan:
        """The plan that ``str`` of it gives; ``"plain"`` is what a loop without any trick would do."""
        parts = [] if text == "plain" else [part.strip() for part in text.split(",")]
        for part in parts:
            if part not in _PARTS:
                raise UnknownNameError("part of a plan", part, (*_PARTS, "auto", "auto:fp32", "plain"))
        return cls(
            precision="bf16" if "bf16" in parts else "fp32",
            channels_last="channels-last" in parts,
            fused="fused" in parts,
            onednn="onednn" in parts,
            compiled="compiled" in parts,
        )

    def __str__(self) -> str:
        named = {
            "channels-last": self.channels_last,
            "fused": self.fused,
            "onednn": self.onednn,
            "compiled": self.compiled,
        }
        return ",".join([self.precision, *(name for name, on in named.items() if on)])

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Plan:
        unknown = set(data) - {f.name for f in fields(cls)}
        if unknown:
            raise UsageError(
                f"A plan has no part {sorted(unknown)[0]!r}; it has: {', '.join(f.name for f in fields(cls))}."
            )
        for name, value in data.items():
            wanted = type(getattr(cls, name))
            if type(value) is not wanted:
                raise UsageError(f"A plan's part {name!r} must be of type {wanted.__name__}; got {str(value)[:40]!r}.")
        return cls(**data)

    def autocast(self, device_type: str) -> AbstractContextManager[Any]:
        """The context of forward passes and losses."""
        import torch

        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(device_type, dtype=torch.bfloat16)

    def place(self, model: nn.Module) -> nn.Module:
        """Lays the weights out in memory and picks the kernels as planned, in place; values are untouched.

        `train.linear_kernel.use_blas` takes the kernels back.
        """
        import torch

        from derin.core.onednn import has_onednn
        from derin.train.linear_kernel import use_onednn

        if self.onednn:
            if not has_onednn(torch.float32):
                raise UsageError("The plan's part 'onednn' needs a torch with oneDNN; leave it out here.")
            use_onednn(model)

        memory_format = torch.channels_last if self.channels_last else torch.contiguous_format
        return model.to(memory_format=memory_format)  # type: ignore[call-overload]


@dataclass(frozen=True)
class Trial:
    """What one candidate took: seconds per step, the loss after its steps, or why it was dropped."""

    plan: Plan
    seconds: float | None
    loss: float | None
    dropped: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"plan": str(self.plan), "seconds": self.seconds, "loss": self.loss, "dropped": self.dropped}


def candidates(model: nn.Module, *, device_type: str, fused: bool, forbids: Iterable[str], text: str) -> list[Plan]:
    """The plans worth timing for this network; the first is the reference for the loss."""
    has_pictures = any(p.dim() == 4 for p in model.parameters())
    precisions = [p for p in PRECISIONS if p not in forbids and (text == "auto" or text == f"auto:{p}")]
    if not precisions:
        raise UsageError(f"The plan {text!r} leaves no precision for this task, which forbids {', '.join(forbids)}.")
    found = [Plan(precision=precisions[0])]
    for precision in precisions:
        for channels_last in (False, True) if has_pictures else (False,):
            found.append(Plan(precision=precision, channels_last=channels_last, fused=fused))
    if precisions == ["fp32"] and device_type == "cpu" and _has_dense_layers(model):
        # Where bf16 is allowed it wins over either way of multiplying in fp32.
        found.append(replace(found[-1], onednn=True))
    return list(dict.fromkeys(found))


def _has_dense_layers(model: nn.Module) -> bool:
    """Whether there is something that oneDNN could multiply in place of the BLAS."""
    import torch
    from torch import nn

    from derin.core.onednn import has_onednn

    return has_onednn(torch.float32) and any(type(module) is nn.Linear for module in model.modules())


def choose_plan(
    plans: Sequence[Plan],
    model: nn.Module,
    make_step: Callable[[nn.Module, Plan], Callable[[int], Tensor]],
    *,
    synchronize: Callable[[], None],
) -> tuple[Plan, list[Trial]]:
    """Times each plan on a copy of the network and takes the fastest whose loss agrees with the first plan's.

    Args:
        plans: what to try; the first one is the reference.
        model: is copied; its weights and buffers stay as they are. The caller keeps the random state.
        make_step: gives, for a network and a plan, the function that does training step i and returns its loss.
        synchronize: waits for the device.
    """
    trials: list[Trial] = []
    reference: float | None = None
    for plan in plans:
        best = min((t.seconds for t in trials if t.seconds is not None and not t.dropped), default=math.inf)
        try:
            seconds, loss = _time(make_step(plan.place(copy.deepcopy(model)), plan), synchronize, best)
        except RuntimeError as error:  # out of memory, or a kernel that the device lacks
            if plan == plans[0]:
                raise
            trials.append(Trial(plan, None, None, dropped=str(error).splitlines()[0]))
            continue
        if loss is None:
            trials.append(Trial(plan, seconds, None, dropped=f"a step takes {seconds / best:.0f} times as long"))
            continue
        reference = loss if reference is None else reference
        tolerance = _LOSS_TOLERANCE[plan.precision] * max(abs(reference), 0.1)
        agrees = abs(loss - reference) <= tolerance or not math.isfinite(reference)
        trials.append(Trial(plan, seconds, loss, dropped="" if agrees else f"its loss differs from {reference:.4g}"))
    kept = [t for t in trials if not t.dropped]
    return min(kept, key=lambda t: t.seconds or math.inf).plan, trials


def _time(step: Callable[[int], Tensor], synchronize: Callable[[], None], best: float) -> tuple[float, float | None]:
    """Median seconds per step after a warm-up, and the loss of the last warm-up step (equal steps for every plan); no
    loss where a step of the warm-up takes far longer than the best plan's."""
    loss = 0.0
    for index in range(_WARM_UP_STEPS):
        start = time.perf_counter()
        loss = float(step(index))
        took = time.perf_counter() - start
        if took > max(_TRIAL_SECONDS, best * _FAR_SLOWER[min(index, 1)]):
            return took, None
    synchronize()
    seconds: list[float] = []
    while len(seconds) < _MAX_TRIAL_STEPS and (sum(seconds) < _TRIAL_SECONDS or len(seconds) < 2):
        start = time.perf_counter()
        step(_WARM_UP_STEPS + len(seconds))
        synchronize()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[len(seconds) // 2], loss
