"""Which layers of a network learn, from which epoch on and how fast: fine-tuning as a schedule that is written down.

Sources: gradual unfreezing and discriminative rates, J. Howard, S. Ruder, "Universal language model fine-tuning for
text classification", ACL 2018, arXiv:1801.06146, sections 3.2 and 3.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from derin.core.errors import RefusedFileError, UsageError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class GroupSchedule:
    """When and how fast a group of layers learns.

    Args:
        parts: dotted names of modules or parameters.
        from_epoch: the first epoch, counted from 0, in which they learn; None for never.
        lr_multiplier: by which the schedule's learning rate is multiplied.
    """

    parts: tuple[str, ...]
    from_epoch: int | None
    lr_multiplier: float = 1.0

    def learns(self, epoch: int) -> bool:
        """Whether the group learns in an epoch."""
        return self.from_epoch is not None and epoch >= self.from_epoch

    def to_json(self) -> dict[str, Any]:
        return {"parts": list(self.parts), "from_epoch": self.from_epoch, "rate": self.lr_multiplier}


@dataclass(frozen=True)
class Unfreezing:
    """The schedule of a whole network. A function of the epoch alone, so that a resumed run has the same.

    What does not learn is in eval mode as well: batch norm there keeps its means and variances, dropout is idle.

    Args:
        groups: from the input to the output; a parameter that none of them names learns from the start.

    Example:
        >>> from torch import nn
        >>> network = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 3), nn.Linear(3, 4))
        >>> schedule = Unfreezing((GroupSchedule(parts=("0", "1"), from_epoch=2, lr_multiplier=0.1),))
        >>> schedule.set_epoch(network.train(), 1)
        >>> network[0].training, network[1].weight.requires_grad, network[2].weight.requires_grad
        (False, False, True)
        >>> schedule.rates(network)["1.bias"], schedule.rates(network)["2.bias"]
        (0.1, 1.0)
    """

    groups: tuple[GroupSchedule, ...]

    def set_epoch(self, network: nn.Module, epoch: int) -> None:
        """Freezes and unfreezes for an epoch; called on a network in training mode."""
        parameters, modules = dict(network.named_parameters()), dict(network.named_modules())
        for group in self.groups:
            learns = group.learns(epoch)
            for part in group.parts:
                if part in parameters:
                    parameters[part].requires_grad_(learns)
                else:
                    modules[part].train(learns).requires_grad_(learns)

    def rates(self, network: nn.Module) -> dict[str, float]:
        """The factor of each parameter that learns at some time, by its name."""
        found = {}
        for name, _ in network.named_parameters():
            group = next((g for g in self.groups if any(name == p or name.startswith(p + ".") for p in g.parts)), None)
            if group is None:
                found[name] = 1.0
            elif group.from_epoch is not None:
                found[name] = group.lr_multiplier
        return found

    def to_json(self) -> list[dict[str, Any]]:
        return [group.to_json() for group in self.groups]

    @classmethod
    def from_json(cls, data: Sequence[Mapping[str, Any]]) -> Unfreezing:
        """The schedule that `to_json` described.

        Raises:
            RefusedFileError: the description is damaged.
        """
        try:
            return cls(
                tuple(
                    GroupSchedule(parts=tuple(g["parts"]), from_epoch=g["from_epoch"], lr_multiplier=float(g["rate"]))
                    for g in data
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise RefusedFileError(f"The run's schedule of unfreezing is damaged: {error!r}.") from error


def frozen(groups: Sequence[Sequence[str]], num_frozen: int) -> Unfreezing:
    """The first groups never learn, the others from the start.

    Args:
        groups: the parts of each group, from the input to the output.
        num_frozen: from 0 to one below the number of groups.

    Example:
        >>> [group.from_epoch for group in frozen([["stem"], ["stage1"], ["output"]], 2).groups]
        [None, None, 0]
    """
    if not 0 <= num_frozen < len(groups):
        raise UsageError(
            f"finetune=freeze:N must leave at least one of the network's {len(groups)} layer groups to learn; "
            f"got N={num_frozen}. Use 0 to {len(groups) - 1}."
        )
    return Unfreezing(
        tuple(
            GroupSchedule(parts=tuple(parts), from_epoch=None if place < num_frozen else 0)
            for place, parts in enumerate(groups)
        )
    )


def gradual(
    groups: Sequence[Sequence[str]], num_epochs: int, *, share: float = 0.5, span: float = 2.6**4
) -> Unfreezing:
    """From the output down to the input, group by group, each deeper one learning more slowly.

    Group d of D below the output (d = 0) starts in epoch ⌈d · share · E / (D − 1)⌉ and learns at the rate
    span^(−d / (D − 1)) of the schedule's. The first epoch trains the last group alone.

    Args:
        groups: the parts of each group, from the input to the output.
        num_epochs: E.
        share: of the epochs, after which all groups learn.
        span: how much faster the last group learns than the first. The paper divides by 2.6 from one of five groups to
            the next; networks for pictures have up to fifty, over which the same span is spread.

    Example:
        >>> schedule = gradual([["stem"], ["stage1"], ["stage2"], ["stage3"], ["output"]], 8)
        >>> [(group.from_epoch, round(group.lr_multiplier, 3)) for group in schedule.groups]
        [(4, 0.022), (3, 0.057), (2, 0.148), (1, 0.385), (0, 1.0)]
    """
    last = max(len(groups) - 1, 1)
    depths = [len(groups) - 1 - place for place in range(len(groups))]
    return Unfreezing(
        tuple(
            GroupSchedule(
                parts=tuple(parts),
                from_epoch=min(-int(-depth * share * num_epochs // last), num_epochs - 1),
                lr_multiplier=float(span ** (-depth / last)),
            )
            for parts, depth in zip(groups, depths, strict=True)
        )
    )
