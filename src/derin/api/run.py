"""A training run as a person handles it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.core.fields import refusing_misfits
from derin.core.printable import printable
from derin.core.run import RunFolder

if TYPE_CHECKING:
    from derin.api.model import Model


class Run:
    """A finished or unfinished training run on disk.

    Args:
        path: the run's folder.

    Raises:
        UsageError: the folder is no run.

    Attributes:
        path: the folder.
        record: the contents of ``run.json``.
    """

    def __init__(self, path: str | Path) -> None:
        self._folder = RunFolder.open(path)
        self.path = self._folder.path
        self.record: dict[str, Any] = self._folder.record()

    @property
    def metrics(self) -> Mapping[str, Mapping[str, float]]:
        """Plain numbers by split and name; test was measured once, at the end."""
        metrics: Mapping[str, Mapping[str, float]] = self.record.get("metrics", {})
        return metrics

    @property
    def history(self) -> list[dict[str, Any]]:
        """One record per epoch."""
        return self._folder.log_lines()

    @property
    def diagnosis(self) -> list[str]:
        """What the curves and metrics say, in sentences."""
        from derin.strategy.run_diagnosis import run_sentences

        with refusing_misfits(f"The record of run {self.path}"):
            return run_sentences(self.record, self.history, self.path)

    @property
    def report(self) -> Path:
        """The report's address."""
        return self._folder.report_path

    @property
    def finished(self) -> bool:
        return bool(self.record.get("finished"))

    def model(self) -> Model:
        """The best network of the run, ready to use."""
        from derin.api.model import open

        return open(self.path)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, model={self.record.get('model', {}).get('name')!r}, {self._headline()})"

    def _repr_html_(self) -> str:
        from html import escape

        rows = ""
        for split, values in self.metrics.items():
            numbers = printable(", ".join(f"{name} {value:.4g}" for name, value in values.items() if value is not None))
            rows += f"<tr><th>{escape(split)}</th><td>{escape(numbers)}</td></tr>"
        return f"<table><caption>{escape(repr(self))}</caption>{rows}</table>"

    def _headline(self) -> str:
        for split in ("test", "val", "train"):
            if split in self.metrics:
                name = self.record.get("task", {}).get("headline", "loss")
                value = self.metrics[split].get(name)
                return f"{split} {printable(name)}={'–' if value is None else f'{value:.4g}'}"
        return "unfinished"
