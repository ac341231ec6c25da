"""End to end against staged: both against the number of training examples, and what a perfect stage would bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.messages import format_number, translate
from derin.strategy.intervals import mcnemar, paired_difference_interval, share_interval
from derin.tasks.metrics.intervals import Interval

_CHANCE = 0.05
Wrong = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Gain:
    """How much more one system gets right than another on the same examples.

    Args:
        value: the difference of the two shares.
        interval: 95 % of it, Bonett and Price's.
        p_value: McNemar's, mid-p.
    """

    value: float
    interval: Interval
    p_value: float

    @classmethod
    def of(cls, wrong: Wrong, other_wrong: Wrong) -> Gain:
        """Of what the first gets right above the second.

        Args:
            wrong, other_wrong: the mistakes of each on the same examples, in the same order.
        """
        fewer, more = int((~wrong & other_wrong).sum()), int((wrong & ~other_wrong).sum())
        low, high = paired_difference_interval(fewer, more, len(wrong))
        return cls(value=(fewer - more) / len(wrong), interval=(low, high), p_value=mcnemar(fewer, more))

    @property
    def is_chance(self) -> bool:
        """Whether it may be."""
        return self.p_value >= _CHANCE or self.interval[0] <= 0 <= self.interval[1]

    def to_json(self) -> dict[str, float]:
        return {"value": self.value, "low": self.interval[0], "high": self.interval[1], "p_value": self.p_value}


@dataclass(frozen=True, kw_only=True)
class Point:
    """Both systems, trained on so many examples.

    Args:
        size: training examples.
        end_to_end, staged, oracle: the mistakes on the same test examples of the network on whole inputs, of the
            pipeline, and of the pipeline whose first stage is replaced by the truth.
        classifier: the last stage and its setting, as validation chose it.
    """

    size: int
    end_to_end: Wrong
    staged: Wrong
    oracle: Wrong
    classifier: str

    @property
    def difference(self) -> Gain:
        """End to end above staged."""
        return Gain.of(self.end_to_end, self.staged)

    def shares(self) -> dict[str, tuple[float, Interval]]:
        """Of each system the share of right answers and its interval, Wilson's."""
        found = {}
        for name in ("end_to_end", "staged", "oracle"):
            wrong = getattr(self, name)
            low, high = share_interval(int(wrong.sum()), len(wrong))
            found[name] = (1 - float(wrong.mean()), (1 - high, 1 - low))
        return found

    def to_json(self) -> dict[str, Any]:
        shares = {name: {"value": v, "low": low, "high": high} for name, (v, (low, high)) in self.shares().items()}
        return {"size": self.size, **shares, "difference": self.difference.to_json(), "classifier": self.classifier}


@dataclass(frozen=True, kw_only=True)
class PipelineComparison:
    """What came of both ways.

    Args:
        data: the name of the data.
        num_test: test examples.
        points: by size, ascending.
        overlap: mean share of what the first stage found and the truth that both have in common.
        seconds, snr_db: of the stretches of noise, and how much louder than it the sounds are.
    """

    data: str
    num_test: int
    points: Sequence[Point]
    overlap: float
    seconds: float
    snr_db: float

    def ceilings(self) -> dict[str, Gain]:
        """What each stage brings at most once it is perfect, those before it being so, with all training examples."""
        last = self.points[-1]
        return {
            "voice": Gain.of(last.oracle, last.staged),
            "recognition": Gain.of(np.zeros_like(last.oracle), last.oracle),
        }

    def sentences(self) -> list[str]:
        """What it says, most important first."""
        found = []
        for first, points in ((True, self.points), (False, self.points)):
            sizes = [p.size for p in points if not p.difference.is_chance and (p.difference.value > 0) is first]
            if sizes:
                key = "pipelines.end_to_end_wins" if first else "pipelines.staged_wins"
                found.append(translate(key, sizes=", ".join(format_number(size, ",") for size in sizes)))
        even = [p.size for p in self.points if p.difference.is_chance]
        if even:
            found.append(translate("pipelines.chance", sizes=", ".join(format_number(size, ",") for size in even)))
        ceilings = self.ceilings()
        for stage, gain in ceilings.items():
            low, high = gain.interval
            key = f"pipelines.ceiling_{stage}"
            found.append(translate(key, value=gain.value, low=low, high=high, overlap=self.overlap))
        best = max(ceilings, key=lambda stage: ceilings[stage].value)
        if not ceilings[best].is_chance:
            found.append(translate("pipelines.work_on", stage=translate(f"pipelines.stage_{best}")))
        return found

    def to_json(self) -> dict[str, Any]:
        return {
            "data": self.data,
            "num_test": self.num_test,
            "seconds": self.seconds,
            "snr_db": self.snr_db,
            "points": [point.to_json() for point in self.points],
            "overlap": self.overlap,
            "ceilings": {stage: gain.to_json() for stage, gain in self.ceilings().items()},
        }
