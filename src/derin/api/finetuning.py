"""Learning from published weights: which part of the network learns, from when on and how fast."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from derin.core.errors import UnknownNameError, UsageError
from derin.core.messages import translate
from derin.train.freezing import Unfreezing, frozen, gradual

if TYPE_CHECKING:
    from torch import nn

MODES = ("none", "head", "full", "freeze:N", "gradual")

# Up to so many training examples the head alone is learned by default. On 2 000 pictures of cats and dogs and on 244 of
# ants and bees it is as good as training everything, at a hundredth of the cost of an epoch.
_FEW_EXAMPLES = 5_000


@dataclass(frozen=True, kw_only=True)
class FineTuning:
    """How a network goes on from published weights.

    Args:
        mode: ``"none"``, ``"head"``, ``"full"``, ``"freeze"`` or ``"gradual"``.
        num_frozen: layer groups that never learn, for ``"freeze"``.
        trunk_lr: of the learning rate, at which a published trunk learns below a network of another kind.
        reason: why the mode was chosen, for people; empty where the user chose it.
        weights: what the record says of the weights.
        unfreezing: the schedule; None where all learn alike, or only a head that sees features.
        head_first: whether the head is trained on features before the layers that the schedule names.
        extracts: whether features are computed once and the head alone is trained on them.
    """

    mode: str = "none"
    num_frozen: int = 0
    trunk_lr: float = 1.0
    reason: str = ""
    weights: dict[str, Any] = field(default_factory=dict)
    unfreezing: Unfreezing | None = None
    head_first: bool = False
    extracts: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "mode": f"freeze:{self.num_frozen}" if self.mode == "freeze" else self.mode,
            "reason": self.reason,
            "weights": self.weights,
            "head_first": self.head_first,
            "features_computed_once": self.extracts,
            "groups": None if self.unfreezing is None else self.unfreezing.to_json(),
        }


def read_mode(finetune: str | None, *, has_weights: bool) -> FineTuning | None:
    """What was asked for; None where it is left to `choose_mode`.

    Raises:
        UnknownNameError: there is no such mode.
        UsageError: weights without fine-tuning, or fine-tuning without weights.

    Example:
        >>> read_mode("freeze:3", has_weights=True).num_frozen
        3
    """
    if finetune is None:
        return None if has_weights else FineTuning()
    name, colon, number = finetune.partition(":")
    if name == "freeze":
        if not colon or not number.isascii() or not number.isdigit():
            raise UsageError(f"finetune=freeze:N needs the number of layer groups to freeze; got {finetune!r}.")
        asked = FineTuning(mode="freeze", num_frozen=int(number))
    elif finetune in MODES:
        asked = FineTuning(mode=finetune)
    else:
        raise UnknownNameError("way of fine-tuning", finetune, MODES)
    if has_weights and asked.mode == "none":
        raise UsageError(
            "finetune=none trains from scratch and would throw the given weights away; leave one of the two out."
        )
    if not has_weights and asked.mode != "none":
        raise UsageError(
            f"finetune={finetune} goes on from published weights, and none are given; name them: --weights FILE "
            "(derin weights lists what is known)."
        )
    return asked


def choose_mode(num_train: int) -> FineTuning:
    """The way that suits the number of training examples, with the reason in words.

    Example:
        >>> choose_mode(2_000).mode, choose_mode(20_000).mode
        ('head', 'gradual')
    """
    mode = "head" if num_train <= _FEW_EXAMPLES else "gradual"
    return FineTuning(
        mode=mode, reason=translate(f"finetune.chose_{mode}", examples=translate("examples.count", count=num_train))
    )


def schedule_for(
    mode: FineTuning, network: nn.Module, output_layers: tuple[str, ...], epochs: int
) -> Unfreezing | None:
    """Which layers learn from which epoch on; None where all learn alike.

    Raises:
        UsageError: more groups are to be frozen than leave something to learn.
    """
    from derin.models.layer_groups import layer_groups

    if mode.mode in ("none", "full"):
        return None
    groups = [group.parts for group in layer_groups(network, output_layers)]
    if mode.mode == "gradual":
        return gradual(groups, epochs)
    return frozen(groups, mode.num_frozen if mode.mode == "freeze" else len(groups) - 1)
