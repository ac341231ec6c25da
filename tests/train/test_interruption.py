"""Ctrl-C in a program that calls `derin.fit`: the first saves and returns, the second ends at once, handlers stay."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import derin

SETTINGS: dict[str, Any] = {"model": "mlp", "epochs": 3, "plan": "plain", "report": False, "compare": False}


class On(derin.Callback):
    """Does something at some step, or at the end of an epoch."""

    def __init__(self, do: Callable[[Any], None], *, step: int = 0, epoch: int = 0) -> None:
        self.do, self.step, self.epoch = do, step, epoch

    def on_step(self, loop: Any) -> None:
        if loop.step == self.step:
            self.do(loop)

    def on_epoch_end(self, loop: Any, record: dict[str, Any]) -> None:
        if loop.epoch == self.epoch:
            self.do(loop)


def ctrl_c(loop: Any) -> None:
    signal.raise_signal(signal.SIGINT)


@pytest.fixture(autouse=True)
def _pythons_own_handler() -> Iterator[None]:
    """Before and after."""
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def same_weights(one: derin.Run, other: derin.Run) -> bool:
    files = [run.path / "model" / "model.safetensors" for run in (one, other)]
    return files[0].read_bytes() == files[1].read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> derin.Run:
    return derin.fit("iris", out=tmp_path_factory.mktemp("runs") / "whole", **SETTINGS)


@pytest.mark.parametrize("when", [{"step": 4}, {"epoch": 2}, {"epoch": 3}])
@pytest.mark.parametrize("ask", [ctrl_c, lambda loop: loop.interrupt()])
def test_the_first_lets_the_step_end_and_the_run_goes_on_to_the_same_bits(
    ask: Callable[[Any], None], when: dict[str, int], whole: derin.Run, tmp_path: Path
) -> None:
    part = derin.fit("iris", out=tmp_path / "part", callbacks=[On(ask, **when)], **SETTINGS)
    assert part.record["stopped"] == "interrupted"
    assert part.record["steps"] == when.get("step", when.get("epoch", 0) * whole.record["steps"] // 3)
    assert same_weights(derin.fit(out=tmp_path / "part", resume=True, report=False), whole)


def test_the_second_ends_at_once_and_the_run_goes_on_from_its_last_state(whole: derin.Run, tmp_path: Path) -> None:
    def twice(loop: Any) -> None:
        ctrl_c(loop)
        ctrl_c(loop)
        raise AssertionError("went on")

    with pytest.raises(KeyboardInterrupt):
        derin.fit("iris", out=tmp_path / "part", callbacks=[On(twice, step=4)], **SETTINGS)
    assert same_weights(derin.fit(out=tmp_path / "part", resume=True, report=False), whole)


@pytest.mark.parametrize(("place", "kept"), [("fit.prepare", False), ("training.measure", True)])
def test_before_the_first_step_and_after_the_last_it_ends_at_once(
    place: str, kept: bool, whole: derin.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"derin.api.{place}", lambda *args, **options: ctrl_c(None))
    with pytest.raises(KeyboardInterrupt):
        derin.fit("iris", out=tmp_path / "part", **SETTINGS)
    monkeypatch.undo()
    assert (tmp_path / "part" / "run.json").exists() == kept
    assert same_weights(derin.fit("iris", out=tmp_path / "part", resume=True, **SETTINGS), whole)


def test_a_programs_own_handler_is_called_and_stays(tmp_path: Path) -> None:
    came: list[int] = []
    own = lambda number, frame: came.append(number)  # noqa: E731 - compared by identity
    before = signal.signal(signal.SIGINT, own)
    try:
        run = derin.fit("iris", out=tmp_path / "run", callbacks=[On(ctrl_c, step=2)], **SETTINGS)
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, before)
    assert run.finished
    assert came == [signal.SIGINT]


def test_in_another_thread_no_handler_is_installed_and_the_loop_runs_there(tmp_path: Path) -> None:
    seen: list[Any] = []

    def look(loop: Any) -> None:
        seen.extend([signal.getsignal(signal.SIGINT), threading.current_thread().name])
        loop.interrupt()

    def fit() -> None:
        seen.append(derin.fit("iris", out=tmp_path / "run", callbacks=[On(look, step=2)], **SETTINGS))

    thread = threading.Thread(target=fit, name="mine")
    thread.start()
    thread.join()
    handler, name, run = seen
    assert handler is signal.default_int_handler
    assert (name, run.record["stopped"]) == ("mine", "interrupted")
