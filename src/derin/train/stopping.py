"""Which epoch was best, and when it is no use to go on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from derin.core.errors import UsageError


class BestTracker:
    """Follows the headline metric from epoch to epoch.

    A value is better when it is strictly greater (or less, for what is to be minimized) than the best so far; one that
    is not finite is never best. Of equal values that with the lower loss is best, which does not count for patience:
    on a small validation split many epochs share their accuracy.

    Args:
        monitor: the metric's name, kept with the state; None where nothing is compared.
        maximize: whether more is better.
        patience: epochs without a better value after which `exhausted` is true; 0 never.

    Attributes:
        best: the best value, or None while there is none.
        best_epoch: its epoch, or None.
        best_loss: the loss of that epoch, or None where it is not told.
        waited: epochs since then.

    Example:
        >>> tracker = BestTracker("accuracy", maximize=True, patience=2)
        >>> [tracker.update(value, epoch) for epoch, value in enumerate([0.5, 0.7, float("nan"), 0.7], start=1)]
        [True, True, False, False]
        >>> tracker.best_epoch, tracker.exhausted
        (2, True)
    """

    def __init__(self, monitor: str | None, *, maximize: bool, patience: int = 0) -> None:
        if monitor is None and patience:
            raise UsageError(
                "The task has no measurement that tells a better epoch from a worse one, so that nothing stops early; "
                f"got patience={patience}. Leave it out."
            )
        self.monitor, self.maximize, self.patience = monitor, maximize, patience
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.best_loss: float | None = None
        self.waited = 0

    @property
    def exhausted(self) -> bool:
        """Whether training should stop."""
        return self.patience > 0 and self.waited >= self.patience

    def update(self, value: float, epoch: int, loss: float | None = None) -> bool:
        """Takes in an epoch's value and says whether it is the best so far."""
        improved = math.isfinite(value) and (
            self.best is None or (value > self.best if self.maximize else value < self.best)
        )
        tied = value == self.best and loss is not None and self.best_loss is not None and loss < self.best_loss
        self.waited = 0 if improved else self.waited + 1
        if improved or tied:
            self.best, self.best_epoch = float(value), epoch
            self.best_loss = loss if loss is not None and math.isfinite(loss) else None
        return improved or tied

    def to_json(self) -> dict[str, Any]:
        """What changes from epoch to epoch, with the headline that it is about."""
        return {
            "headline": self.monitor,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "best_loss": self.best_loss,
            "waited": self.waited,
        }

    def load_json(self, data: Mapping[str, Any]) -> None:
        """Restores what `to_json` gave; nothing is changed unless all of it fits.

        Raises:
            KeyError: a part is missing.
            TypeError: a part is of the wrong type.
            ValueError: a part cannot be, or it is about another headline.
        """
        names = ("headline", "best", "best_epoch", "best_loss", "waited")
        monitor, best, best_epoch, best_loss, waited = (data[key] for key in names)
        if monitor != self.monitor:
            raise ValueError(f"the best value is of {monitor!r}, not of {self.monitor!r}")
        for name, value, kinds in (
            ("best", best, (int, float)),
            ("best_epoch", best_epoch, int),
            ("best_loss", best_loss, (int, float)),
            ("waited", waited, int),
        ):
            missing = value is None and name != "waited"
            if not missing and (isinstance(value, bool) or not isinstance(value, kinds)):
                raise TypeError(f"{name} must be a number; got {value!r}")
        if (best is None) != (best_epoch is None) or waited < 0 or (best is not None and not math.isfinite(best)):
            raise ValueError(f"best={best!r}, best_epoch={best_epoch!r} and waited={waited!r} do not fit together")
        self.best = None if best is None else float(best)
        self.best_epoch, self.waited = best_epoch, waited
        self.best_loss = None if best_loss is None else float(best_loss)

    @classmethod
    def from_json(cls, data: Mapping[str, Any], *, maximize: bool, patience: int = 0) -> BestTracker:
        """A tracker that goes on from what `to_json` gave."""
        tracker = cls(str(data["headline"]), maximize=maximize, patience=patience)
        tracker.load_json(data)
        return tracker
