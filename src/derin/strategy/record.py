"""What a run's folder tells: its record, its log and the examples that were kept, read without trust."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeGuard

import numpy.typing as npt

from derin.core.arrays import read_npz
from derin.core.errors import RefusedFileError
from derin.core.run import RunFolder
from derin.data.preparation import input_kind
from derin.strategy.human_error import HumanError, read_human_error

SPLITS = ("train", "traindev", "val", "test")
_MAX_EXAMPLE_BYTES = 1 << 28
_TEXTS = ("names", "reason", "inputs", "true", "predicted")
_NUMBERS = ("rows", "probability", "loss")
_BY_ROW = ("picture", "features", "text")  # preparations whose examples are the rows of the table
_POINTS = ("scatter_true", "scatter_predicted")


@dataclass(frozen=True)
class RunRecord:
    """A run as a report tells it.

    Args:
        path: the run's folder.
        record: ``run.json``.
        history: one record per epoch.
        examples: arrays of ``examples.npz`` by name; empty where there is none.
        human: the error of people, where ``derin label`` measured it.
    """

    path: Path
    record: Mapping[str, Any]
    history: list[dict[str, Any]]
    examples: Mapping[str, npt.NDArray[Any]]
    human: HumanError | None = None

    @cached_property
    def finished(self) -> bool:
        return bool(self.record.get("finished", "metrics" in self.record))

    @cached_property
    def input_kind(self) -> str | None:
        """What the network reads: the kind of its one input's codec, or of the whole preparation."""
        return input_kind(self.part("preparation"))

    @cached_property
    def ends_in_part(self) -> bool:
        """Whether the last epoch on record saw a part of the examples only, as time was over or somebody stopped."""
        if self.record.get("stopped") not in ("time", "interrupted"):
            return False
        if self.history and "whole" in self.history[-1]:
            return self.history[-1]["whole"] is False
        # Runs of before do not say it of their epochs.
        seen = [number for line in self.history[-3:] if is_number(number := line.get("examples"))]
        if not seen or len(seen) < min(3, len(self.history)):
            return False
        if len(self.history) == 1:
            by_row = self.input_kind in _BY_ROW
            whole = self.part("data", "splits").get("train") if by_row else None
            return is_number(whole) and seen[0] < whole
        first, before, last = [0, *seen][-3:]
        return last - before < before - first

    @cached_property
    def whole_epochs(self) -> list[dict[str, Any]]:
        """The epochs that saw all examples: what a part of an epoch did is not to be compared with them."""
        return [line for line in (self.history[:-1] if self.ends_in_part else self.history) if line.get("whole", True)]

    @cached_property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """The final measurement by split, or that of the last epoch where there is none yet."""
        final = self.record.get("metrics") or {}
        last = self.history[-1] if self.history else {}
        found = {split: final.get(split, last.get(split)) for split in SPLITS}
        return {split: numbers for split, numbers in found.items() if isinstance(numbers, dict) and numbers}

    @cached_property
    def shown_split(self) -> str | None:
        """The split that says most about new examples."""
        return next((split for split in reversed(SPLITS) if split in self.metrics), None)

    @cached_property
    def monitor(self) -> str:
        """The metric by which states were compared; empty where there was none."""
        return str(self.part("task").get("headline", "loss") or "")

    @cached_property
    def maximize(self) -> bool:
        return bool(self.part("task").get("maximize", False))

    @cached_property
    def is_regression(self) -> bool:
        return self.part("task").get("name") == "regression"

    def part(self, *names: str) -> Mapping[str, Any]:
        """A nested object of the record, empty where it is missing."""
        found: Any = self.record
        for name in names:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    def interval(self, split: str, metric: str) -> tuple[float, float] | None:
        """The 95 % interval of a measurement, where it is known."""
        bounds = self.part("intervals", split).get(metric)
        if not isinstance(bounds, list) or len(bounds) != 2 or not all(is_number(b) for b in bounds):
            return None
        return float(bounds[0]), float(bounds[1])

    def num_measured(self, split: str) -> int:
        """How many examples of a split were measured."""
        return int(self.part("num_examples").get(split) or self.part("data", "splits").get(split) or 0)

    def curve(self, split: str, metric: str, *, whole: bool = False) -> list[tuple[int, float]]:
        """(epoch, value) of all epochs that have this measurement, or of whole ones only."""
        return [
            (int(line["epoch"]), float(line[split][metric]))
            for line in (self.whole_epochs if whole else self.history)
            if isinstance(line.get(split), Mapping)
            and is_number(line[split].get(metric))
            and is_number(line.get("epoch"))
        ]


def read_record(run: Path) -> RunRecord:
    """Reads a run's folder.

    Raises:
        UsageError: there is no run.
        RefusedFileError: one of its files is damaged.
    """
    folder = RunFolder.open(run)
    examples = read_examples(folder.path)
    human = read_human_error(folder.path)
    return RunRecord(folder.path, folder.record(), folder.log_lines(), examples, human)


def is_number(value: Any) -> TypeGuard[float]:
    """Whether this is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def read_examples(run: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of examples.npz, checked: nothing is unpickled, nothing is larger than it may be.

    Raises:
        RefusedFileError: the file is damaged.
    """
    path = run / "examples.npz"
    if not path.exists():
        return {}
    remedy = "delete it, or measure the run again"
    found = read_npz(path, max_bytes=_MAX_EXAMPLE_BYTES, names=(*_TEXTS, *_NUMBERS, *_POINTS, "pictures"))
    kinds = dict.fromkeys(_TEXTS, "U") | dict.fromkeys((*_NUMBERS, *_POINTS), "iuf") | {"pictures": "u"}
    for name, array in found.items():
        shaped = array.ndim == 4 and array.shape[3] in (1, 3) if name == "pictures" else array.ndim in (1, 2)
        aligned = name in _POINTS or len(array) == len(found.get("reason", ()))
        if array.dtype.kind not in kinds[name] or not shaped or not aligned:
            raise RefusedFileError(
                f"The examples {path} are refused: {name!r} has shape {array.shape} and type {array.dtype}; {remedy}."
            )
    return found
