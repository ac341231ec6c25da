"""What a search has found, as its page and its caller read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from derin.strategy.choosing import Choice, Goal, choose
from derin.strategy.search_space import Dimension

# How a trial can end.
FINISHED, HALVED, DIVERGED, FAILED, RUNNING = "finished", "halved", "diverged", "failed", "running"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One setting that was tried.

    Args:
        number: the first is 0: the settings that are taken without a search.
        outcome: ``"finished"``; ``"halved"``: given up after some epochs, as others were better by then;
            ``"diverged"``, ``"failed"`` or ``"running"``.
        settings: what was changed, by name.
        metrics: on validation, and costs; empty where it was not measured.
        curve: (epoch, value of the optimized metric on validation).
        run: the name of its folder.
        seconds: that it took.
        reason: why it failed; empty elsewhere.
    """

    number: int
    outcome: str
    settings: Mapping[str, Any]
    metrics: Mapping[str, float]
    curve: tuple[tuple[int, float], ...]
    run: str
    seconds: float
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "outcome": self.outcome,
            "settings": dict(self.settings),
            "metrics": dict(self.metrics),
            "run": self.run,
            "seconds": self.seconds,
            "reason": self.reason,
        }


@dataclass(frozen=True, kw_only=True)
class SearchStory:
    """A search and its trials.

    Args:
        name: of its folder.
        data: the name of the data.
        goal: what is optimized, and what has to be good enough.
        space: what may change.
        trials: in the order of their numbers.
        baselines: by name, the metric on validation of methods that were measured first.
        importance: of each setting, together 1; empty where too little is known.
        importance_epoch: after which the trials are compared for it, as too few came to their end; else 0.
        num_val: validation examples.
        num_planned: trials that were asked for.
        command: that goes on with it.
        test: metrics of the best run on the test split, once it is measured.
        importance_epoch: after which trials are compared for the importance, where too few came to their end; else 0.
    """

    name: str
    data: str
    goal: Goal
    space: Sequence[Dimension]
    trials: Sequence[Trial]
    baselines: Mapping[str, float]
    importance: Mapping[str, float]
    num_val: int
    num_planned: int
    command: str
    test: Mapping[str, Any]
    importance_epoch: int = 0

    @property
    def finished(self) -> list[Trial]:
        """The trials that came to their end."""
        return [trial for trial in self.trials if trial.outcome == FINISHED]

    def choice(self) -> Choice:
        """The best finished trial, by the name of its run; of equal ones that with the lower loss.

        Raises:
            UsageError: nothing meets the constraints.
        """
        ordered = sorted(self.finished, key=lambda trial: (trial.metrics.get("loss", float("inf")), trial.number))
        return choose({trial.run: trial.metrics for trial in ordered}, self.goal)

    def best_so_far(self) -> list[tuple[int, float]]:
        """(number, the best value of all finished trials up to it)."""
        found: list[tuple[int, float]] = []
        for trial in self.finished:
            value = trial.metrics[self.goal.metric]
            if not found or self.goal.better(value, found[-1][1]):
                found.append((trial.number, value))
            else:
                found.append((trial.number, found[-1][1]))
        return found
