"""Ctrl-C and SIGTERM: the first one lets work end whole, a second one ends the process at once and says what is kept.

Only the console script listens to signals: who calls the library from a program of their own keeps their handlers.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.core.messages import translate

if TYPE_CHECKING:
    from derin.train.callback import Callback, Training

_SHOW_CURSOR = "\x1b[?25h"  # which a progress bar hides
_SECONDS_TO_REMIND = 0.5  # after which an interrupt that nothing handles is raised again
_ALARM = tuple(getattr(signal, name) for name in ("SIGALRM",) if hasattr(signal, name))  # Windows has none
_state: dict[str, Any] = {"first": None, "training": None, "kept": None}


def listen_to_signals() -> None:
    """From now on the first Ctrl-C or SIGTERM ends the work at hand, and a second one the process.

    A training is asked to end after its step; anything else is ended by a `KeyboardInterrupt`, which is raised again
    for as long as something swallows it: a bare ``except`` of a library, a destructor, a callback from C.

    A container or a queue that wants a command to end sends SIGTERM, which without a handler ends it on the spot.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _on_signal)


def keeping(command: str, run: Path | None = None, *, whole: Path | None = None) -> Callback:
    """A listener to a training, of which a second signal says that it is kept, and how to go on with it.

    Args:
        command: that trains, as ``"derin train"``.
        run: that it goes on with, where it may have saved something before; None begins a new one.
        whole: what is gone on with, where that is more than the run, such as a search.
    """
    from derin.train.callback import Callback

    was_saved = run is not None and (run / "run.json").exists() and (run / "state").exists()
    before = translate("run.kept", command=resuming(command, run)) if run is not None and was_saved else None
    _state.update(training=None, kept=before or translate("run.nothing_kept"))

    class Keeping(Callback):
        def on_start(self, loop: Training) -> None:
            again = translate("run.kept", command=resuming(command, whole or loop.run.path))
            _state.update(training=loop, kept=again)

        def on_stop(self, loop: Training) -> None:
            _state.update(training=None)

    return Keeping()


def resuming(command: str, run: Path) -> str:
    """The command line that goes on with a run."""
    return shlex.join([*command.split(), "--resume", "--out", str(run)])


def what_is_kept() -> str | None:
    """A sentence about the training at hand, if there is one."""
    kept: str | None = _state["kept"]
    return kept


def exit_code() -> int:
    """128 and the number of the signal that came, as shells have it: 130 of Ctrl-C, 143 of SIGTERM.

    Asked for where a command has stopped and all is kept: a signal that came now would only change the exit code.
    """
    if _state["first"] is not None:
        # The interpreter puts other handlers back while it ends; what is ignored stays so.
        for number in (signal.SIGINT, signal.SIGTERM, *_ALARM):
            signal.signal(number, signal.SIG_IGN)
    return 128 + (_state["first"] or signal.SIGINT)


def _on_signal(number: int, frame: Any) -> None:
    if _state["first"] is None:
        _state["first"] = number
        if _state["training"] is None:
            for alarm in _ALARM:
                signal.signal(alarm, _remind)
                signal.setitimer(signal.ITIMER_REAL, _SECONDS_TO_REMIND, _SECONDS_TO_REMIND)
            raise KeyboardInterrupt
        _tell(translate("run.stopping"))
        _state["training"].interrupt()
        return
    _tell(" ".join(filter(None, (translate("stop.at_once"), what_is_kept()))))
    # Not by an exception, which would wait for the end of whatever else the process does, such as other threads.
    os._exit(128 + number)


def _remind(number: int, frame: Any) -> None:
    """Raises the interrupt again, unless it is on its way: in a ``finally``, an ``except`` or the end of a ``with``."""
    handled = sys.exception()
    while handled is not None:
        if isinstance(handled, KeyboardInterrupt):
            return
        handled = handled.__context__
    raise KeyboardInterrupt


def _tell(sentence: str) -> None:
    """On stderr, past its buffer, which may be in use at this very moment."""
    before = f"{_SHOW_CURSOR}\n" if sys.stderr is not None and sys.stderr.isatty() else ""
    os.write(2, f"{before}{sentence}\n".encode())
