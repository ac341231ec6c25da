from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from derin.core import bundle, files, folders
from derin.core.bundle import load_bundle, save_bundle
from derin.core.errors import RefusedFileError, StorageError
from derin.core.faults import faults
from derin.core.files import (
    open_plain,
    read_json,
    recover_folder,
    replace_folder,
    sha256_file,
    storage_errors,
    temporary_folder,
    write_bytes,
    write_json,
)
from derin.core.run import RunFolder


def put_folder(final: Path, text: str) -> None:
    with temporary_folder(final.parent) as new:
        (new / "text").write_text(text)
        replace_folder(new, final)


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"old")
    write_bytes(tmp_path / "a", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"new")]


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_a_file_gets_the_mode_that_the_umask_asks_for(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_an_error_within_a_write_keeps_the_old_file(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"old")
    with pytest.raises(TypeError), files.open_atomically(tmp_path / "a") as file:
        file.writelines([b"half", 1])  # type: ignore[list-item]
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old")]


def test_json_comes_back_with_null_for_what_is_not_finite_and_names_in_order(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"z": float("nan"), "a": [float("inf"), 0.1, 2**63], "ağ": "evrişim"})
    found = read_json(tmp_path / "a.json")
    assert list(found.items()) == [("z", None), ("a", [None, 0.1, 2**63]), ("ağ", "evrişim")]


def test_a_file_name_that_is_not_utf8_can_be_written_and_read(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", [os.fsdecode(b"caf\xe9.png")])
    assert read_json(tmp_path / "a.json")[0].startswith("caf")


@pytest.mark.parametrize("content", ["missing", "folder", "pipe", "large"])
def test_what_is_no_plain_small_file_is_refused_at_once(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    if content == "folder":
        path.mkdir()
    elif content == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("no pipes with names on this system")
        os.mkfifo(path)
    elif content == "large":
        path.write_bytes(b"[" + b" " * 100 + b"]")
    with pytest.raises(RefusedFileError, match=r"a\.json"):
        read_json(path, max_bytes=50)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_is_refused_where_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    (tmp_path / "link").symlink_to("secret")
    with open_plain(tmp_path / "link") as file:
        assert file.read() == b"x"
    with pytest.raises(RefusedFileError, match="it is a link"):
        open_plain(tmp_path / "link", follow=False)


def test_the_hash_is_that_of_the_standard(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert sha256_file(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture(params=["exchange", "two renames"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The two ways in which a folder takes another's place."""
    if request.param == "two renames":
        monkeypatch.setattr(folders, "_exchange", lambda one, other: False)
    elif not sys.platform.startswith("linux"):
        pytest.skip("exchange-rename is Linux's")
    return str(request.param)


def test_a_folder_takes_the_place_of_another(tmp_path: Path, way: str) -> None:
    final = tmp_path / "final"
    put_folder(final, "old")
    put_folder(final, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["final"]
    assert (final / "text").read_text() == "new"


def test_a_folder_never_takes_the_place_of_a_file(tmp_path: Path, way: str) -> None:
    (tmp_path / "final").write_text("mine")
    with pytest.raises(StorageError, match="a file of that name"):
        put_folder(tmp_path / "final", "new")
    assert (tmp_path / "final").read_text() == "mine"


def test_an_interrupted_swap_is_rolled_back_and_the_next_one_succeeds(tmp_path: Path) -> None:
    final = tmp_path / "final"
    put_folder(final, "old")
    final.rename(tmp_path / ".final.old")
    recover_folder(final)
    assert (final / "text").read_text() == "old"
    put_folder(final, "new")
    recover_folder(final)
    assert (final / "text").read_text() == "new"


def test_a_swap_goes_on_when_a_reader_recovers_in_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "_exchange", lambda one, other: False)
    final, recovered = tmp_path / "final", []
    put_folder(final, "old")

    def interfere(point: str) -> None:
        if point == "replace.aside" and not recovered:
            recover_folder(final)
            recovered.append((final / "text").read_text())

    with faults(interfere):
        put_folder(final, "new")
    assert recovered == ["old"]
    assert (final / "text").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["final"]


def test_a_reader_beside_a_writer_always_finds_a_whole_bundle(way: str) -> None:
    shared = Path("/dev/shm")  # in memory, a writer is fast enough to get in a reader's way
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None) as folder:
        path, stop, seen = Path(folder) / "model", threading.Event(), set()

        def save(value: int) -> None:
            tensors = {"w": torch.full((9,), value)}
            save_bundle(path, tensors=tensors, card={"value": value}, files={"v.txt": b"%d" % value})

        def write() -> None:
            for value in range(1, 100_000):
                if stop.is_set():
                    break
                save(value)

        save(0)
        writer = threading.Thread(target=write)
        writer.start()
        deadline = time.monotonic() + 20
        try:
            while len(seen) < 30 and time.monotonic() < deadline:
                bundle = load_bundle(path)
                value = bundle.card["value"]
                assert bundle.tensors()["w"].tolist() == [value] * 9
                assert bundle.files()["v.txt"] == b"%d" % value
                seen.add(value)
        finally:
            stop.set()
            writer.join()
        assert len(seen) >= 5


def test_a_bundle_that_stood_aside_before_and_after_a_reading_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_bundle(tmp_path / "model", tensors={"w": torch.ones(3)}, card={"value": 1})
    read, identities, failures = bundle._read_bundle, [None, None], [RefusedFileError("replaced meanwhile")]
    found = bundle._identity

    def reading(path: Path) -> bundle.Bundle:
        if failures:
            raise failures.pop()
        return read(path)

    monkeypatch.setattr(bundle, "_read_bundle", reading)
    monkeypatch.setattr(bundle, "_identity", lambda path: identities.pop() if identities else found(path))
    assert load_bundle(tmp_path / "model").card["value"] == 1


# ---- full disks and folders that cannot be written


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EACCES, "may write"),
        (errno.EPERM, "may write"),
        (errno.EROFS, "can be written"),
        (errno.ENAMETOOLONG, "shorter name"),
        (errno.EIO, "check the disk"),
    ],
)
def test_an_error_of_the_system_becomes_one_sentence_with_a_remedy(code: int, remedy: str) -> None:
    with pytest.raises(StorageError, match=remedy) as caught, storage_errors("The table t.csv"):
        raise OSError(code, os.strerror(code))
    assert str(caught.value).startswith("The table t.csv cannot be written")
    assert caught.value.errno == code


def write_file(folder: Path, value: int) -> None:
    write_bytes(folder / "file", b"%d" % value)


def read_file(folder: Path) -> int:
    return int((folder / "file").read_bytes())


def write_bundle(folder: Path, value: int) -> None:
    save_bundle(folder / "model", tensors={"w": torch.full((3,), value)}, card={"value": value})


def read_bundle(folder: Path) -> int:
    bundle = load_bundle(folder / "model")
    assert bundle.tensors()["w"].tolist() == [bundle.card["value"]] * 3
    return int(bundle.card["value"])


def write_state(folder: Path, value: int) -> None:
    RunFolder(folder).save_state({"w": torch.full((3,), value)}, {"value": value})


def read_state(folder: Path) -> int:
    saved = RunFolder(folder).load_state()
    assert saved is not None
    assert saved[0]["w"].tolist() == [saved[1]["value"]] * 3
    return int(saved[1]["value"])


def write_log(folder: Path, value: int) -> None:
    RunFolder(folder).log({"value": value})


def read_log(folder: Path) -> int:
    return int(RunFolder(folder).log_lines()[-1]["value"])


WRITERS = [
    pytest.param(write, read, id=write.__name__)
    for write, read in (
        (write_file, read_file),
        (write_bundle, read_bundle),
        (write_state, read_state),
        (write_log, read_log),
    )
]
Write, Read = Callable[[Path, int], None], Callable[[Path], int]


@pytest.mark.parametrize(("write", "read"), WRITERS)
def test_an_error_at_any_point_is_a_sentence_and_leaves_the_old_or_the_new(
    tmp_path: Path, write: Write, read: Read, way: str
) -> None:
    points: set[str] = set()
    before = tmp_path / "all"
    before.mkdir()
    write(before, 1)
    with faults(points.add):
        write(before, 2)
    assert len(points) >= 3
    for point in sorted(points):
        folder = tmp_path / point
        folder.mkdir()
        write(folder, 1)

        def fail(passed: str, point: str = point) -> None:
            if passed == point:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        # By the name that the user knows, not that of a temporary file.
        sentence = r"^The (?:(?!\.derin-).)* cannot be written \(No space left on device\); free some space .*\.$"
        with faults(fail), pytest.raises(StorageError, match=sentence):
            write(folder, 2)
        assert read(folder) in (1, 2)
        assert not [path for path in folder.glob("**/.derin-*") if path.is_file()], point
        write(folder, 3)
        assert read(folder) == 3


def test_a_full_disk_is_a_sentence_and_leaves_the_last_good_state(small_disk: Path) -> None:
    run = RunFolder.create(small_disk / "run", name="run")
    good = {"w": torch.arange(50_000, dtype=torch.float32)}
    too_large = {"w": torch.arange(300_000, dtype=torch.float32)}
    run.write_record({"finished": False})
    run.save_state(good, {"step": 1})
    save_bundle(run.model_path, tensors=good, card={"step": 1})
    for _ in range(2):
        with pytest.raises(StorageError, match=r"state cannot be written \(No space left on device\); free some space"):
            run.save_state(too_large, {"step": 2})
        with pytest.raises(StorageError, match=r"model cannot be written \(No space left on device\); free some space"):
            save_bundle(run.model_path, tensors=too_large, card={"step": 2})
    saved = RunFolder.open(run.path).load_state()
    assert saved is not None
    assert saved[1] == {"step": 1}
    assert saved[0]["w"].equal(good["w"])
    assert load_bundle(run.model_path).tensors()["w"].equal(good["w"])
    run.save_state(good, {"step": 2})
    saved = run.load_state()
    assert saved is not None
    assert saved[1] == {"step": 2}


def test_a_read_only_disk_is_a_sentence(small_disk: Path) -> None:
    run = RunFolder.create(small_disk / "run", name="run")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StorageError, match="Read-only file system"):
        run.write_record({})
    with pytest.raises(StorageError, match="Read-only file system"):
        RunFolder.create(small_disk / "other", name="other")
    with pytest.raises(StorageError, match="Read-only file system"), run.lock():
        pass


@pytest.mark.skipif(os.name == "nt", reason="named pipes of POSIX")
def test_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    (tmp_path / "out").symlink_to("/proc/self/fd/1")  # as /dev/stdout is, whatever it leads to
    for name in ("pipe", "link", "out"):
        before = (tmp_path / name).lstat()
        with pytest.raises(StorageError, match="it is a device or a pipe"):
            write_bytes(tmp_path / name, b"x")
        assert (tmp_path / name).lstat().st_ino == before.st_ino
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "out", "pipe"]
