"""The exponential moving average of a network's weights.

Sources: Polyak and Juditsky 1992 (averaging); the growing decay is that of Tarvainen and Valpola 2017 and of
TensorFlow's ExponentialMovingAverage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from derin.core.errors import RefusedFileError, UsageError
from derin.train.foreach import foreach

# Buffers that are estimated from the data batch by batch, as weights are; every other buffer is shared with the model.
_AVERAGED_BUFFERS = ("running_mean", "running_var")
_PREFIX, _COUNT = "weights/", "num_updates"


class WeightAverage:
    """After each step, a ← dₜa + (1−dₜ)θ with dₜ = min(decay, (1+t)/(10+t)), t being the number of updates before.

    Averaged are all parameters and the running mean and variance of batch norms. Other buffers (counters, masks,
    tables) are
    not: under `applied` the network uses its own. Averages of half-precision weights are kept in float32, where a
    change of one part in ten thousand is not lost.

    Args:
        model: in its final memory layout, device and precision.
        decay: from 0 to below 1; 0.999 remembers about the last 1 000 steps.
        parts: modules of the model with a decay of their own; where there are any, what has a decay of 0 is left out.

    Example:
        >>> model = nn.Linear(1, 1, bias=False)
        >>> _ = model.weight.data.fill_(1.0)
        >>> average = WeightAverage(model, decay=0.9)
        >>> _ = model.weight.data.fill_(2.0)
        >>> average.update()  # the first decay is 1/10
        >>> with average.applied(model):
        ...     round(model.weight.item(), 6)
        1.9
        >>> model.weight.item()
        2.0
    """

    def __init__(self, model: nn.Module, decay: float, *, parts: Sequence[tuple[nn.Module, float]] = ()) -> None:
        for given in (decay, *(own for _, own in parts)):
            if not 0 <= given < 1:
                raise UsageError(f"WeightAverage.decay must be from 0 to below 1; got decay={given}.")
        self.decay = decay
        self.num_updates = 0
        self._is_applied = False
        own = {id(tensor): value for part, value in parts for tensor in _averaged(part).values()}
        decays = {name: own.get(id(source), decay) for name, source in _averaged(model).items()}
        self._known = set(decays)
        self._sources = {name: source for name, source in _averaged(model).items() if decays[name] or not parts}
        self._averages = {
            name: torch.empty_like(source, dtype=_kept_in(source.dtype), requires_grad=False).copy_(source.detach())
            for name, source in self._sources.items()
        }
        self._groups = [
            (value, *_by_precision({n: s for n, s in self._sources.items() if decays[n] == value}))
            for value in dict.fromkeys(decays[name] for name in self._sources)
        ]

    @torch.no_grad()
    def update(self) -> None:
        """Takes in the present weights; a few calls over all tensors, and no waiting for the device."""
        if self._is_applied:
            raise UsageError(
                "WeightAverage.update must not be called while the averages are applied; leave `applied` first."
            )
        for decay, plain, half in self._groups:
            weight = 1 - self.decay_at(self.num_updates, decay)
            if plain:
                sources = [self._sources[name].detach() for name in plain]
                foreach("lerp_", [self._averages[name] for name in plain], sources, weight)
            if half:
                raised = [self._sources[name].detach().float() for name in half]
                foreach("lerp_", [self._averages[name] for name in half], raised, weight)
        self.num_updates += 1

    def decay_at(self, num_updates: int, decay: float | None = None) -> float:
        """dₜ, which grows to the decay so that early weights are forgotten soon."""
        return min(self.decay if decay is None else decay, (1 + num_updates) / (10 + num_updates))

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[nn.Module]:
        """Puts the averages into a model and afterwards, come what may, its own weights back, equal to the bit.

        Values are copied in and out, so that the tensors stay where optimizers and compiled code expect them.

        Args:
            model: the one averaged, or a copy of it.
        """
        if self._is_applied:
            raise UsageError("WeightAverage.applied must not be nested; the averages are in the model already.")
        targets = _averaged(model)
        if set(targets) != self._known:
            odd = ", ".join(sorted(set(targets) ^ self._known)[:3])
            raise UsageError(f"WeightAverage.applied needs the model it was made for, or a copy; they differ in {odd}.")
        names = list(self._averages)
        own = [targets[name].detach() for name in names]
        kept = [tensor.clone() for tensor in own]
        self._is_applied = True
        try:
            with torch.no_grad():
                foreach("copy_", own, [self._averages[name] for name in names])
            yield model
        finally:
            with torch.no_grad():
                foreach("copy_", own, kept)
            self._is_applied = False

    def tensors(self) -> dict[str, Tensor]:
        """Everything to be saved: ``weights/<name>`` and the count ``num_updates``."""
        saved = {_PREFIX + name: tensor for name, tensor in self._averages.items()}
        saved[_COUNT] = torch.tensor(self.num_updates, dtype=torch.int64)
        return saved

    def load_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Restores what `tensors` gave; nothing is changed unless all of it fits.

        Raises:
            RefusedFileError: when names, shapes or types are not those of this model.
        """
        expected = self.tensors()
        if set(tensors) != set(expected):
            odd = ", ".join(sorted(set(tensors) ^ set(expected))[:3])
            raise _refused(f"it must hold the weights of this model; they differ in {odd}")
        for name, tensor in tensors.items():
            wanted = expected[name]
            if tensor.shape != wanted.shape or tensor.dtype != wanted.dtype:
                raise _refused(
                    f"{name} must be {tuple(wanted.shape)} {wanted.dtype}; got {tuple(tensor.shape)} {tensor.dtype}"
                )
        num_updates = int(tensors[_COUNT])
        if num_updates < 0:
            raise _refused(f"{_COUNT} must be at least 0; got {num_updates}")
        self.num_updates = num_updates
        for name, average in self._averages.items():
            average.copy_(tensors[_PREFIX + name])  # into the strides that stand


def _averaged(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and running statistics by name, each once."""
    found: dict[str, Tensor] = dict(model.named_parameters())
    found.update((n, b) for n, b in model.named_buffers() if n.rpartition(".")[2] in _AVERAGED_BUFFERS)
    return found


def _kept_in(dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if dtype in (torch.bfloat16, torch.float16) else dtype


def _by_precision(sources: Mapping[str, Tensor]) -> tuple[list[str], list[str]]:
    """Names of tensors that are averaged as they are, and of those that are raised to float32 first."""
    half = [name for name, source in sources.items() if _kept_in(source.dtype) != source.dtype]
    return [name for name in sources if name not in set(half)], half


def _refused(what: str) -> RefusedFileError:
    return RefusedFileError(f"The saved weight average cannot be restored: {what}. Resume with the model of that run.")
