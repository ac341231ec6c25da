"""Training on a stream in processes of its own: killed at any step it ends with the same bits, and its memory is
constant.
"""

from __future__ import annotations

import io
import json
import random
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

# Writes a hash of all weights after each step, and kills its process at one of them.
TRAIN = """
import hashlib, os, signal, sys, derin

class Witness(derin.Callback):
    def on_step(self, loop):
        digest = hashlib.sha256()
        for weights in loop.model.parameters():
            digest.update(weights.detach().numpy().tobytes())
        with open(sys.argv[3], "a") as file:
            file.write(f"{loop.step} {digest.hexdigest()}\\n")
        if loop.step == int(sys.argv[4]):
            os.kill(os.getpid(), signal.SIGKILL)

derin.fit(
    derin.Stream(sys.argv[1], buffer=48, num_val=20, num_head=100), out=sys.argv[2], resume=True, model="mlp",
    model_options={"hidden": [16], "dropout": 0.3}, steps_per_epoch=20, epochs=3, batch_size=16, plan="plain",
    save_every_seconds=0.0, threads=1, report=False, quiet=True, callbacks=[Witness()],
)
"""

# Peaks of memory in megabytes: after a quarter of the steps, and after all.
MEASURE = """
import json, re, sys, derin
from derin.api.prepare import prepare

def peak():
    # Of this process alone: what `getrusage` tells begins with the memory of the one that started it.
    return int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]) >> 10

prepared = prepare(derin.Stream(sys.argv[1], buffer=2_000), batch_size=100, steps_per_epoch=int(sys.argv[2]))
source, peaks = prepared.train_source, []
for step, _ in enumerate(source.batches(0)):
    if step in (source.num_batches // 4, source.num_batches - 1):
        peaks.append(peak())
print(json.dumps(peaks))
"""


def write_shard(path: Path, first: int, num: int, width: int, mode: str = "w", folder: str = "") -> None:
    draw = np.random.default_rng(first)
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for number in range(first, first + num):
            file = io.BytesIO()
            np.save(file, draw.normal(size=width).astype(np.float32) + number % 3)
            for ending, data in (("npy", file.getvalue()), ("cls", str(number % 3).encode())):
                info = tarfile.TarInfo(f"{folder}{number:06d}.{ending}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL does not exist on this system")
def test_kills_at_any_step_change_no_batch_and_no_bit(tmp_path: Path) -> None:
    shards = tmp_path / "shards"
    shards.mkdir()
    write_shard(shards / "0.tar", 0, 90, 5)
    write_shard(shards / "1.tar.gz", 90, 90, 5, "w:gz")
    write_shard(shards / "2.tar", 180, 90, 5, folder="long/" * 30)  # names that one header does not hold

    def train(run: str, kill_at: int) -> int:
        command = [sys.executable, "-c", TRAIN, f"{shards}/*", str(tmp_path / run), str(tmp_path / f"{run}.txt")]
        done = subprocess.run([*command, str(kill_at)], check=False, capture_output=True, text=True)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        return done.returncode

    assert train("alone", 0) == 0
    for kill_at in sorted(random.Random(0).sample(range(2, 60), 4)):
        assert train("killed", kill_at) == -signal.SIGKILL
    assert train("killed", 0) == 0
    weights = [(tmp_path / run / "model" / "model.safetensors").read_bytes() for run in ("alone", "killed")]
    assert weights[0] == weights[1]
    alone, killed = ((tmp_path / f"{run}.txt").read_text().splitlines() for run in ("alone", "killed"))
    assert len(alone) == 60
    # Steps that were not saved came again, with the same batches: every line is one of the run that was left alone.
    assert list(dict.fromkeys(killed)) == alone


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system tells no peak of memory")
def test_memory_does_not_grow_with_the_number_of_shards(tmp_path: Path) -> None:
    num_shards, rows = 40, 2_000
    write_shard(tmp_path / "00.tar", 0, rows, 256)
    for number in range(1, num_shards):
        shutil.copy(tmp_path / "00.tar", tmp_path / f"{number:02d}.tar")
    steps = 4 * num_shards * rows // 100
    command = [sys.executable, "-c", MEASURE, f"{tmp_path}/*.tar", str(steps)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    few, all_of_them = json.loads(done.stdout)
    # The rows of three passes came meanwhile, 240 MB. Blocks of 2 MB come and go, of which the heap keeps some.
    assert all_of_them - few < 16
