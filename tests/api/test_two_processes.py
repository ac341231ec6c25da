"""Two processes that want the same run: one trains, the other is told, and nothing of the first is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import derin
from derin.core.errors import BusyError

TRAIN = """
import sys, derin, derin.api.fit as fitting
real = fitting.prepare
def prepare(*args, **options):
    print("holds", flush=True)
    sys.stdin.readline()
    return real(*args, **options)
fitting.prepare = prepare
derin.fit("iris", epochs=2, out=sys.argv[1], threads=1, plan="plain", report=False)
print("finished", flush=True)
"""


def start(out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", TRAIN, str(out)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_of_processes_that_want_one_run_one_trains_and_the_others_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with start(out) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "holds\n"
        for _ in range(2):
            with pytest.raises(BusyError):
                derin.fit("iris", epochs=2, out=out, threads=1, plan="plain", report=False)
            assert (out / ".lock").exists()
        assert first.communicate("go on\n")[0] == "finished\n"
    assert [json.loads(line)["epoch"] for line in (out / "log.jsonl").read_text().splitlines()] == [1, 2]
    assert json.loads((out / "run.json").read_text())["finished"]
