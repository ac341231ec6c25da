from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from derin.core.errors import BusyError
from derin.core.lock import FolderLock

HOLD = """
import sys, time
from pathlib import Path
from derin.core.lock import FolderLock
with FolderLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_by_name_and_enters_once_the_first_is_killed(tmp_path: Path) -> None:
    with holder(tmp_path / "run") as process:
        with (
            pytest.raises(BusyError, match=rf"in use by process {process.pid} on '") as caught,
            FolderLock(tmp_path / "run"),
        ):
            pass
        assert str(caught.value).endswith(".")
        process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        process.wait()
    with FolderLock(tmp_path / "run"):
        pass


def test_two_locks_in_one_process_exclude_each_other(tmp_path: Path) -> None:
    with FolderLock(tmp_path), pytest.raises(BusyError, match=f"process {os.getpid()} on "), FolderLock(tmp_path):
        pass
    with FolderLock(tmp_path):
        pass


def test_who_waits_enters_when_the_holder_leaves(tmp_path: Path) -> None:
    left, entered = threading.Event(), []

    def wait() -> None:
        with FolderLock(tmp_path, wait_seconds=20):
            entered.append(left.is_set())

    with FolderLock(tmp_path):
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.15)
        assert entered == []
        left.set()
    waiting.join()
    assert entered == [True]


def test_a_holder_that_cannot_be_read_is_still_a_holder(tmp_path: Path) -> None:
    with FolderLock(tmp_path):
        (tmp_path / ".lock").write_bytes(b"\xff{" * 9)
        with pytest.raises(BusyError, match="in use by another process"), FolderLock(tmp_path):
            pass


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), FolderLock(tmp_path):
        1 / 0  # noqa: B018
    with FolderLock(tmp_path):
        pass
