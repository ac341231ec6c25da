"""A run that is killed again and again ends with the very bits of a run that was left alone."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from derin.core.faults import FAULT_POINTS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL does not exist on this system"),
]

# Dropout, augmentation, an average of the weights and one cycle: everything that has a state or draws numbers.
TRAIN = """
import sys, derin
derin.fit(
    "digits", out=sys.argv[1], resume=True, model="convnet", model_options={"dropout": 0.3}, epochs=120, batch_size=64,
    augment="shift=0.1,rotate=5", learning_rate=2e-3, optimizer="adamw", schedule="one-cycle", ema_decay=0.99,
    clip_norm=5.0, plan="fp32,channels-last,fused", threads=1, save_every_seconds=0.1, report=False,
)
"""
NUM_RANDOM_KILLS = 6
# Only file systems without exchange-rename pass here.
UNREACHED = {"replace.aside"}


def start(run: Path, fault: str | None = None) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if k != "DERIN_FAULT"}
    if fault is not None:
        environment["DERIN_FAULT"] = fault
    return subprocess.Popen(
        [sys.executable, "-c", TRAIN, str(run)],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def finished(run: Path) -> bool:
    record = run / "run.json"
    return record.exists() and json.loads(record.read_text())["finished"]


def test_twenty_kills_change_no_bit(tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    process = start(alone)
    _, errors = process.communicate()
    assert process.returncode == 0, errors

    generator = random.Random(0)
    reached = [name for name in FAULT_POINTS if name not in UNREACHED]
    # A bundle is written when an epoch is the best so far, which is sure to happen early in training only.
    early: list[str | None] = [f"{name}:1" for name in reached if name.startswith(("bundle.", "replace."))]
    late: list[str | None] = [f"{name}:{generator.randint(1, 3)}" for name in reached if f"{name}:1" not in early]
    late += [None] * NUM_RANDOM_KILLS
    generator.shuffle(early)
    generator.shuffle(late)
    faults = early + late
    killed = tmp_path / "killed"
    for fault in faults:
        process = start(killed, fault)
        if fault is None:
            state = killed / "state"
            before = state.stat().st_mtime_ns if state.exists() else 0
            # Wait until this process has saved something of its own, so that it is killed in the midst of its work.
            while process.poll() is None and (not state.exists() or state.stat().st_mtime_ns == before):
                time.sleep(0.01)
            time.sleep(generator.uniform(0.0, 0.2))
            assert process.poll() is None, "the process ended before it could be killed"
            process.kill()
        _, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, f"{fault}: {errors}"
        assert not finished(killed)
    assert len(faults) >= 20

    process = start(killed)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    weights = "model/model.safetensors"
    assert (killed / weights).read_bytes() == (alone / weights).read_bytes()
    logs = [[json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()] for run in (alone, killed)]
    for ours, theirs in zip(*logs, strict=True):
        for times in ("seconds", "train_seconds"):
            ours.pop(times), theirs.pop(times)
        assert ours == theirs
