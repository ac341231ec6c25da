"""Says in words what a training takes for granted, before its first epoch."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from derin.core.messages import translate
from derin.strategy.assumptions import assumptions
from derin.train.callback import Callback, Training

if TYPE_CHECKING:
    from rich.console import Console


class Announcement(Callback):
    """One line for each thing that was found out about the data, left out, or set by default.

    Args:
        console: where to write.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: set[str] = set()

    def on_prepare(self, record: Mapping[str, Any]) -> None:
        # Timing plans takes a while with a large network: what is known by then is told before.
        self._tell(assumptions(record))

    def on_start(self, loop: Training) -> None:
        if loop.step:
            self._tell([translate("run.resumed", epoch=loop.epoch, step=loop.step)])
        else:
            self._tell(assumptions(loop.run.record()))

    def _tell(self, lines: Iterable[str]) -> None:
        for line in lines:
            if line not in self._told:
                self._told.add(line)
                self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def listeners() -> list[Callback]:
    """What `derin.fit` tells somebody who is watching: in a terminal or a notebook; nobody elsewhere."""
    if not (sys.stderr.isatty() or _in_notebook()):
        return []
    from rich.console import Console

    from derin.train.progress import ProgressBar

    console = Console(stderr=True)
    return [Announcement(console), ProgressBar(console)]


def _in_notebook() -> bool:
    interactive = sys.modules.get("IPython")
    return interactive is not None and interactive.get_ipython() is not None
