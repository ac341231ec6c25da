"""Ctrl-C and SIGTERM: the work at hand ends whole; a second one ends the process at once; what is kept is said."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

import derin

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals that one process sends another"),
]

# A step that takes a while, as one of a large network does, and a saving that does.
DERIN = """
import sys, time
import torch
from derin.cli.main import main
from derin.core.faults import faults
import derin.train.loop as loop

def slow_step(update):
    def slowly(self, step, batch):
        end = time.monotonic() + float(step_seconds)
        while time.monotonic() < end:
            torch.ones(64, 64) @ torch.ones(64, 64)  # within torch most of the time, as training is
        return update(self, step, batch)
    return slowly

step_seconds, saving_seconds = sys.argv[1:3]
sys.argv = ["derin", *sys.argv[3:]]
from derin.tasks.base import BaseTask
BaseTask.update = slow_step(BaseTask.update)

def slow_saving(point):
    if point == "state.tensors" and float(saving_seconds):
        print("saving", file=sys.stderr, flush=True)
        time.sleep(float(saving_seconds))

import derin.train.finder as finder
def searched(*args, search=finder.find_learning_rate, **options):
    print("searching", file=sys.stderr, flush=True)
    return search(*args, **options)
finder.find_learning_rate = searched

with faults(slow_saving):
    main()
"""


def start(arguments: Sequence[object], *, step: float = 0.0, saving: float = 0.0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", DERIN, str(step), str(saving), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while not path.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    assert path.exists()


TRAIN = ("train", "iris", "--model", "mlp", "--epochs", 3, "--plan", "plain", "--threads", 1, "--no-report")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_saves_and_the_run_goes_on_to_the_same_bits(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    process = start((*TRAIN, "--out", tmp_path / "run"), step=0.5)
    wait_for(tmp_path / "run" / "log.jsonl", process)
    process.send_signal(number)
    _, told = process.communicate(timeout=120)
    assert process.returncode == code, told
    assert "Stopping" in told
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["stopped"] == "interrupted"
    resumed = derin.fit(out=tmp_path / "run", resume=True, report=False)
    options = {"model": "mlp", "epochs": 3, "plan": "plain", "threads": 1, "report": False}
    whole = derin.fit("iris", out=tmp_path / "whole", **options)
    weights = [run.path / "model" / "model.safetensors" for run in (resumed, whole)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


@pytest.mark.parametrize(
    ("numbers", "code"), [((signal.SIGINT, signal.SIGINT), 130), ((signal.SIGTERM, signal.SIGTERM), 143)]
)
def test_the_second_signal_ends_at_once_and_says_how_to_go_on(
    numbers: tuple[signal.Signals, signal.Signals], code: int, tmp_path: Path
) -> None:
    process = start((*TRAIN, "--out", tmp_path / "run"), step=30)
    wait_for(tmp_path / "run" / "run.json", process)
    time.sleep(0.5)
    process.send_signal(numbers[0])
    time.sleep(0.3)
    begun = time.monotonic()
    process.send_signal(numbers[1])
    _, told = process.communicate(timeout=120)
    assert process.returncode == code, told
    assert time.monotonic() - begun < 10
    assert "terminate called" not in told
    assert f"derin train --resume --out {tmp_path / 'run'}" in told.splitlines()[-1]


def test_a_second_signal_while_a_state_is_saved_damages_nothing(tmp_path: Path) -> None:
    process = start((*TRAIN, "--out", tmp_path / "run"), step=0.05, saving=1.0)
    assert process.stderr is not None
    for _ in range(2):  # the first saving is that of the weights before the first step
        while "saving" not in process.stderr.readline():
            assert process.poll() is None
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130
    assert derin.fit(out=tmp_path / "run", resume=True, report=False).finished


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_other_commands_end_with_the_code_of_the_signal(number: signal.Signals, code: int) -> None:
    process = start(("find-lr", "digits", "--model", "resnet18", "--steps", 100_000))
    assert process.stderr is not None
    while process.stderr.readline() != "searching\n":
        assert process.poll() is None
    process.send_signal(number)
    out, told = process.communicate(timeout=120)
    assert (process.returncode, out) == (code, ""), told
    assert "Interrupted." in told
    assert "Traceback" not in told


def test_an_interrupt_that_is_swallowed_is_raised_again_and_one_that_is_handled_is_not() -> None:
    program = """
import os, signal, sys, time
from derin.cli.stopping import exit_code, listen_to_signals
listen_to_signals()
try:
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
    except BaseException:
        pass  # as some library does
    try:
        while True:
            time.sleep(0.01)
    finally:
        time.sleep(1.5)
        print("whole", flush=True)
except KeyboardInterrupt:
    sys.exit(exit_code())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (143, "whole\n", "")


def test_a_signal_that_comes_when_all_is_kept_changes_nothing() -> None:
    program = """
import os, signal, sys
from derin.cli.stopping import exit_code, listen_to_signals
class Late:
    def __del__(self, kill=os.kill, pid=os.getpid(), number=signal.SIGINT):
        kill(pid, number)  # while the interpreter ends
late = Late()
listen_to_signals()
try:
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()
except KeyboardInterrupt:
    sys.exit(exit_code())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (143, "")
