"""What the curves of a run show: a loss that rises, rests, still falls, or jumps."""

from __future__ import annotations

from functools import cached_property

from derin.strategy.record import RunRecord, is_number

Curve = list[tuple[int, float]]

# Thresholds of what is worth a word; a person who looks at the curves would draw the line about here.
_RISE = 0.1  # of validation loss above its lowest value
_FALL = 0.1  # of a loss over the last fifth of the epochs
_JUMP = 0.3  # of training loss above its lowest value
_FLAT = 0.05  # of training loss from its beginning to its lowest value


class Curves:
    """A run's curves, read.

    Args:
        story: the run.
    """

    def __init__(self, story: RunRecord) -> None:
        self._story = story
        self.training: Curve = story.curve("train", "loss", whole=True) or story.curve("running", "loss", whole=True)
        self.validation: Curve = story.curve("val", "loss", whole=True)
        self.monitored: Curve = story.curve("val", story.monitor, whole=True) if story.monitor else []

    @cached_property
    def is_too_short(self) -> bool:
        """Whether fewer than two whole epochs are on record."""
        return len(self.training or self.validation) < 2

    @cached_property
    def best_epoch(self) -> int | None:
        """The first epoch with the best value of the metric by which states were compared."""
        curve = self.monitored or self.validation
        if not curve:
            return None
        maximize = self._story.maximize and bool(self.monitored)
        return (max if maximize else min)(curve, key=lambda point: point[1])[0]

    @cached_property
    def improves(self) -> bool:
        """Whether validation was best after the last epoch, and a loss was still falling."""
        curve = self.monitored or self.validation
        if len(curve) < 2 or self.best_epoch != curve[-1][0]:
            return False
        return (self.fallen or 0.0) >= _FALL or self.learns

    @cached_property
    def fallen(self) -> float | None:
        """By which share validation loss fell over the last fifth of the epochs, where it ended at its lowest."""
        curve = self.validation
        if len(curve) < 2:
            return None
        before, last = curve[-1 - self.span][1], curve[-1][1]
        if last > min(value for _, value in curve) or before <= 0:
            return None
        return (before - last) / before

    @cached_property
    def span(self) -> int:
        """A fifth of the epochs, at least one."""
        return max(1, len(self.validation or self.training) // 5)

    @cached_property
    def learns(self) -> bool:
        """Whether training loss was still falling over the last fifth of the epochs."""
        curve = self.training
        if len(curve) < 2:
            return False
        before, last = curve[-1 - max(1, len(curve) // 5)][1], curve[-1][1]
        return before - last > _FALL * abs(before)

    @cached_property
    def jumps(self) -> bool:
        """Whether training loss ended well above its lowest value: the rate is too high."""
        if len(self.training) < 3:
            return False
        (best, low), (last_epoch, last) = min(self.training, key=lambda point: point[1]), self.training[-1]
        return last_epoch - best >= 2 and low > 0 and last > low * (1 + _JUMP)

    @cached_property
    def is_flat(self) -> bool:
        """Whether training loss hardly moved from the first epoch on: the rate is far off."""
        if len(self.training) < 3:
            return False
        first = self.training[0][1]
        return first - min(value for _, value in self.training) < _FLAT * abs(first)

    @cached_property
    def rise(self) -> dict[str, float] | None:
        """Validation loss that turned upwards while training loss went on falling: when, from what and to what.

        Loss that rises beside a metric that does not fall is growing certainty about the same answers, and no rise.
        """
        training, validation = dict(self.training), self.validation
        if len(validation) < 2:
            return None
        (best, low), (last_epoch, last) = min(validation, key=lambda point: point[1]), validation[-1]
        then, now = training.get(best), training.get(last_epoch)
        if last_epoch - best < 2 or last <= low * (1 + _RISE) or then is None or now is None or now >= then:
            return None
        monitored = dict(self.monitored)
        if best in monitored and last_epoch in monitored and self._story.monitor != "loss":
            gained = monitored[last_epoch] - monitored[best]
            if gained >= 0 if self._story.maximize else gained <= 0:
                return None
        found = {"epoch": best, "low": low, "last_epoch": last_epoch, "last": last, "train_then": then}
        return {**found, "train_last": now} if is_number(now) else None
