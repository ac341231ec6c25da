"""Downloads from a server on this machine that breaks off, ignores ranges, or sends something else."""

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from derin.core.errors import DataError, StorageError
from derin.datasets import download
from derin.datasets.download import RemoteFile, fetch, fetch_all
from derin.readers.unpacking import unpack

CONTENT = bytes(range(256)) * 4001  # about a megabyte, so that a connection brings several chunks


class Handler(BaseHTTPRequestHandler):
    """Serves `CONTENT` as the server's behaviour says."""

    def do_GET(self) -> None:
        server: Server = self.server  # type: ignore[assignment]
        server.requests.append(self.headers.get("Range", ""))
        content = server.contents.get(self.path.lstrip("/"), server.content)
        if server.status != 200:
            self.send_error(server.status)
            return
        start = 0
        wanted = self.headers.get("Range")
        if wanted and server.knows_ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        stop = len(content)
        if server.breaks_left > 0:
            server.breaks_left -= 1
            stop = start + (len(content) - start) // 3
        self.wfile.write(content[start:stop])

    def log_message(self, format: str, *args: object) -> None:
        """Keeps quiet."""


class Server(ThreadingHTTPServer):
    content = CONTENT
    knows_ranges = True
    breaks_left = 0
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[str] = []
        self.contents: dict[str, bytes] = {}

    def file(self, content: bytes = CONTENT, name: str = "a.bin") -> RemoteFile:
        address = f"http://127.0.0.1:{self.server_address[1]}/{name}"
        return RemoteFile(
            address=address, name=name, num_bytes=len(content), sha256=hashlib.sha256(content).hexdigest()
        )


@contextmanager
def serving(made: Server) -> Iterator[Server]:
    with made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download, "_PAUSE_SECONDS", 0.001)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(Server()) as made:
        yield made


def test_a_file_comes_whole_and_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = fetch(server.file(), tmp_path / "new" / "folder", lambda done, total: told.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)
    assert fetch(server.file(), path.parent) == path
    assert server.requests == [""]
    assert [p.name for p in path.parent.iterdir()] == ["a.bin"]


def test_a_broken_connection_is_continued_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.breaks_left = 3
    assert fetch(server.file(), tmp_path).read_bytes() == CONTENT
    third = len(CONTENT) // 3
    assert server.requests[:2] == ["", f"bytes={third}-"]
    assert len(server.requests) == 4


def test_a_later_call_continues_what_an_earlier_one_left(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:1000])
    assert fetch(server.file(), tmp_path).read_bytes() == CONTENT
    assert server.requests == ["bytes=1000-"]


def test_a_server_without_ranges_sends_all_again(server: Server, tmp_path: Path) -> None:
    server.knows_ranges = False
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:1000])
    assert fetch(server.file(), tmp_path).read_bytes() == CONTENT


def test_a_rest_of_another_file_is_thrown_away_once(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(b"x" * 1000)
    assert fetch(server.file(), tmp_path).read_bytes() == CONTENT
    assert server.requests == ["bytes=1000-", ""]


def test_a_file_with_another_hash_is_deleted_and_refused(server: Server, tmp_path: Path) -> None:
    wanted = server.file()
    server.content = CONTENT[:-1] + b"?"
    with pytest.raises(DataError, match=r"not the published one \(SHA-256 .*it was deleted"):
        fetch(wanted, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("difference", [-10, 10])
def test_a_file_of_another_size_is_refused(server: Server, tmp_path: Path, difference: int) -> None:
    wanted = server.file()
    server.content = CONTENT[:difference] if difference < 0 else CONTENT + b"x" * difference
    sentence = r"cannot be fetched|not the published" if difference < 0 else r"has 1,024,256 bytes; more came"
    with pytest.raises(DataError, match=sentence):
        fetch(wanted, tmp_path)
    assert not (tmp_path / "a.bin").exists()


def test_a_damaged_file_that_is_there_is_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"y" * len(CONTENT))
    assert fetch(server.file(), tmp_path).read_bytes() == CONTENT


def test_a_missing_file_ends_at_once_with_the_servers_answer(server: Server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(DataError, match=r"the server answers 404 Not Found"):
        fetch(server.file(), tmp_path)
    assert len(server.requests) == 1


def test_a_server_in_trouble_is_asked_a_few_times(server: Server, tmp_path: Path) -> None:
    server.status = 503
    with pytest.raises(DataError, match=r"cannot be fetched \(the server answers 503.*run the same command again"):
        fetch(server.file(), tmp_path)
    assert len(server.requests) == 4


def test_no_server_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_PAUSE_SECONDS", 0.001)
    remote = RemoteFile(address="http://127.0.0.1:9/a", name="a", num_bytes=3, sha256="0")
    with pytest.raises(DataError, match=r"127\.0\.0\.1:9/a cannot be fetched \(.*; 0 of 3 bytes"):
        fetch(remote, tmp_path)


def test_only_the_web_is_asked(tmp_path: Path) -> None:
    remote = RemoteFile(address="file:///etc/hostname", name="a", num_bytes=3, sha256="0")
    with pytest.raises(DataError, match=r"starts with https:// or http://"):
        fetch(remote, tmp_path)


def test_a_folder_that_cannot_be_written_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"cannot be written .*set DERIN_CACHE to another folder"):
        fetch(server.file(), tmp_path / "file")


def test_several_files_make_a_folder_only_when_all_have_come(server: Server, tmp_path: Path) -> None:
    good, bad = server.file(name="a"), RemoteFile(
        address=server.file(name="b").address, name="b", num_bytes=len(CONTENT), sha256="0" * 64
    )  # fmt: skip
    with pytest.raises(DataError, match=r"not the published one"):
        fetch_all([good, bad], tmp_path / "set")
    assert not (tmp_path / "set").exists()
    told: list[tuple[int, int]] = []
    folder = fetch_all([good, server.file(name="b")], tmp_path / "set", lambda *pair: told.append(pair))
    assert sorted(p.name for p in folder.iterdir()) == ["a", "b"]
    assert told[-1] == (2 * len(CONTENT), 2 * len(CONTENT))


def zip_of(names: list[str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name in names:
            packed.writestr(name, f"content of {name}")
    return file.getvalue()


def test_archives_are_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of(["x/one.txt", "two.txt"]))
    folder = unpack(tmp_path / "a.zip", tmp_path / "out")
    assert (folder / "x" / "one.txt").read_text() == "content of x/one.txt"
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as tar:
        tar.add(folder, arcname="in")
    assert (unpack(tmp_path / "b.tar.gz", tmp_path / "out2") / "in" / "two.txt").read_text() == "content of two.txt"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "b.tar.gz", "out", "out2"]


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/evil.txt", "a/../../evil.txt", "..\\evil.txt", "C:\\evil.txt", "C:evil"]
)
def test_names_that_lead_out_of_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of(["good.txt", name]))
    with pytest.raises(DataError, match=r"would lie outside its folder"):
        unpack(tmp_path / "a.zip", tmp_path / "in" / "out")
    assert list((tmp_path / "in").iterdir()) == []
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        member = tarfile.TarInfo("link")
        member.type, member.linkname = kind, "/etc/passwd"
        tar.addfile(member)
    with pytest.raises(DataError, match=r"a link or device, which is refused"):
        unpack(tmp_path / "a.tar", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_archive_that_would_fill_the_disk_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("zeros", bytes(3_000_000))
    with pytest.raises(DataError, match=r"unpacks to more than 1,000,000 bytes"):
        unpack(tmp_path / "a.zip", tmp_path / "out", largest_bytes=1_000_000)
    assert not (tmp_path / "out").exists()


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    content = zip_of(["a.txt"])
    for name, data in (("a.zip", content[:40] + b"??" + content[42:]), ("b.tar", b"no archive")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match=r"damaged"):
            unpack(tmp_path / name, tmp_path / "out")
