from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from derin.core.errors import BusyError, StorageError
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


def test_a_folder_that_is_removed_while_it_is_waited_for_is_made_again_and_its_new_lock_taken(tmp_path: Path) -> None:
    folder, entered = tmp_path / "run", threading.Event()

    def wait() -> None:
        with FolderLock(folder, wait_seconds=20):
            with pytest.raises(BusyError), FolderLock(folder):  # the lock that others find is the one that is held
                pass
            entered.set()

    with FolderLock(folder):
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.15)
        shutil.rmtree(folder)
    waiting.join()
    assert entered.is_set()


def test_a_lock_of_a_process_that_is_gone_is_taken_whatever_stands_in_it(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text(json.dumps({"pid": os.getppid(), "host": "elsewhere"}))
    with FolderLock(tmp_path):
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="the system has no way to refuse links")
def test_a_lock_that_is_a_link_is_refused_and_what_it_names_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").symlink_to(tmp_path / "mine.txt")
    with pytest.raises(StorageError), FolderLock(tmp_path / "run"):
        pass
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_who_holds_the_lock_already_is_refused_after_waiting_and_not_for_ever(tmp_path: Path) -> None:
    with FolderLock(tmp_path), pytest.raises(BusyError), FolderLock(tmp_path, wait_seconds=0.1):
        pass


def test_a_folder_that_is_exchanged_at_the_very_moment_of_locking_is_not_taken_for_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, signed = tmp_path / "run", FolderLock._sign

    def exchange_first(lock: FolderLock, descriptor: int) -> None:
        if not (tmp_path / "old").exists():
            folder.rename(tmp_path / "old")
        signed(lock, descriptor)

    monkeypatch.setattr(FolderLock, "_sign", exchange_first)
    with FolderLock(folder):
        assert json.loads((folder / ".lock").read_text())["pid"] == os.getpid()
    assert (tmp_path / "old" / ".lock").read_bytes() == b""
