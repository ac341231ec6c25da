"""Folders, zips and tars give the same files; names that lead out are told and never followed."""

from __future__ import annotations

import io
import os
import random
import tarfile
import zipfile
from pathlib import Path

import pytest

from derin.core.errors import DataError, StorageError
from derin.readers.archives import UnreadableFileError, is_hidden, open_files
from derin.readers.unpacking import unpack

CONTENT = {"a/1.txt": b"one", "a/deep/2.txt": b"two" * 1000, "ğ/3.txt": b"", "top.txt": b"top"}


def write_folder(root: Path) -> Path:
    for name, data in CONTENT.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    (root / "empty").mkdir()
    return root


def write_zip(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(folder.rglob("*")):
            packed.write(file, file.relative_to(folder).as_posix())
    return path


def write_tar(path: Path, folder: Path, mode: str) -> Path:
    with tarfile.open(path, mode) as tar:
        for file in sorted(folder.iterdir()):
            tar.add(file, file.name)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "source")


def sources(folder: Path, tmp_path: Path) -> dict[str, Path]:
    return {
        "folder": folder,
        "zip": write_zip(tmp_path / "s.zip", folder),
        "tar": write_tar(tmp_path / "s.tar", folder, "w"),
        "tar.gz": write_tar(tmp_path / "s.tar.gz", folder, "w:gz"),
        "tar.xz": write_tar(tmp_path / "s.tar.xz", folder, "w:xz"),
    }


@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "tar.gz", "tar.xz"])
def test_every_kind_of_source_gives_the_same_files(kind: str, folder: Path, tmp_path: Path) -> None:
    files = open_files(sources(folder, tmp_path)[kind])
    contents = files.contents()
    assert {m.path: m.size for m in contents.members} == {name: len(data) for name, data in CONTENT.items()}
    assert set(contents.folders) == {"a", "a/deep", "ğ", "empty"}
    assert contents.refused == []
    assert dict(files.read_all(list(CONTENT))) == CONTENT
    assert files.read("a/deep/2.txt") == CONTENT["a/deep/2.txt"]
    files.close()


def test_archive_is_recognized_by_its_content_not_by_its_name(folder: Path, tmp_path: Path) -> None:
    packed = write_zip(tmp_path / "pictures.tar.gz", folder)
    assert len(open_files(packed).contents().members) == len(CONTENT)


@pytest.mark.parametrize("name", ["../out.txt", "a/../../out.txt", "/etc/passwd", "C:/out.txt", "..\\out.txt"])
def test_names_that_lead_out_of_a_zip_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(name, "x")
        packed.writestr("good.txt", "y")
    contents = open_files(path).contents()
    assert [m.path for m in contents.members] == ["good.txt"]
    assert len(contents.refused) == 1


def test_names_links_and_devices_of_a_hostile_tar_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "hostile.tar"
    with tarfile.open(path, "w") as tar:
        for name, kind in (
            ("../out.txt", tarfile.REGTYPE),
            ("/absolute.txt", tarfile.REGTYPE),
            ("soft", tarfile.SYMTYPE),
            ("hard", tarfile.LNKTYPE),
            ("pipe", tarfile.FIFOTYPE),
            ("good.txt", tarfile.REGTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    contents = open_files(path).contents()
    assert [m.path for m in contents.members] == ["good.txt"]
    assert dict(contents.refused) == {
        "../out.txt": "its name leaves the archive",
        "/absolute.txt": "its name is absolute",
        "soft": "a link",
        "hard": "a link",
        "pipe": "no plain file",
    }


def test_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "link.zip"
    info = zipfile.ZipInfo("link.txt")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(info, "/etc/passwd")
    contents = open_files(path).contents()
    assert (contents.members, contents.refused) == ([], [("link.txt", "a link")])


def test_later_member_of_the_same_name_wins(tmp_path: Path) -> None:
    path = tmp_path / "twice.tar"
    with tarfile.open(path, "w") as tar:
        for data in (b"old", b"newer"):
            info = tarfile.TarInfo("a.txt")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    files = open_files(path)
    assert [(m.path, m.size) for m in files.contents().members] == [("a.txt", 5)]
    assert list(files.read_all(["a.txt"])) == [("a.txt", b"newer")]


def test_member_with_a_wrong_checksum_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "wrong.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.txt", "seven seven seven")
    path.write_bytes(path.read_bytes().replace(b"seven seven", b"seven eight"))
    files = open_files(path)
    with pytest.raises(UnreadableFileError, match="damaged in the archive"):
        files.read("a.txt")


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_archive_that_was_cut_is_refused_in_a_sentence(cut: float, folder: Path, tmp_path: Path) -> None:
    path = write_tar(tmp_path / "s.tar.gz", folder, "w:gz")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * cut)])
    with pytest.raises(DataError, match="damaged"):
        open_files(path).contents()


def test_what_is_no_archive_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("no archive")
    with pytest.raises(DataError, match="no archive"):
        open_files(tmp_path / "a.zip")
    with pytest.raises(DataError, match="does not exist"):
        open_files(tmp_path / "b.zip")


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_loops_of_links_end_and_linked_folders_are_read_once(folder: Path, tmp_path: Path) -> None:
    (folder / "a" / "up").symlink_to(folder, target_is_directory=True)
    (folder / "a" / "again").symlink_to(folder / "a" / "deep", target_is_directory=True)
    (folder / "gone").symlink_to(tmp_path / "nowhere")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "4.txt").write_text("four")
    (folder / "linked").symlink_to(outside, target_is_directory=True)
    contents = open_files(folder).contents()
    paths = {m.path for m in contents.members}
    assert "linked/4.txt" in paths
    assert len([p for p in paths if p.endswith("2.txt")]) == 1
    assert ("gone", "a broken link") in contents.refused
    assert len([r for _, r in contents.refused if "already" in r]) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_pipe_in_a_folder_is_never_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe.jpg")
    assert ("pipe.jpg", "no plain file") in open_files(folder).contents().refused


def test_hidden_folders_are_told_and_not_entered(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".git" / "x").write_text("x")
    contents = open_files(folder).contents()
    assert ".git" in contents.folders
    assert not any(m.path.startswith(".git") for m in contents.members)
    assert is_hidden("__MACOSX")
    assert not is_hidden("macos")


def _tar(mode: str = "w", **fields: object) -> bytes:
    """A tar with one member of eight bytes, of which header fields are changed."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
        info = tarfile.TarInfo("a/x.txt")
        info.size = 8
        for name, value in fields.items():
            setattr(info, name, value)
        tar.addfile(info, io.BytesIO(b"12345678"))
    return buffer.getvalue()


@pytest.mark.parametrize("when", ["inf", "-inf", "nan", "1e300", "-5"])
def test_any_time_of_modification_becomes_a_stamp_of_64_bits(when: str, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(_tar(pax_headers={"mtime": when}))
    (member,) = open_files(tmp_path / "x.tar").contents().members
    assert 0 <= member.stamp < 1 << 63


@pytest.mark.parametrize("name", ["/".join(["a"] * 8_000) + "/x.txt", "a/" + "x" * 5_000])
def test_names_that_no_system_takes_are_refused_and_told_in_short(name: str, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(_tar(name=name))
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        packed.writestr(name, b"")
    for file in ("x.tar", "x.zip"):
        contents = open_files(tmp_path / file).contents()
        assert not contents.members
        assert [len(shown) < 100 for shown, _ in contents.refused] == [True]
        assert "too long" in contents.refused[0][1]
        with pytest.raises(DataError, match="too long"):
            unpack(tmp_path / file, tmp_path / "unpacked")


def test_an_archive_of_far_more_than_its_size_is_refused(tmp_path: Path) -> None:
    # Headers alone: a member of 2⁴⁰ bytes that are not there, and a zip that claims as much.
    info = tarfile.TarInfo("a/x.txt")
    info.size = 1 << 40
    (tmp_path / "x.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + b"\0" * 1024)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        packed.writestr("a/x.txt", b"12345678")
    data = bytearray((tmp_path / "x.zip").read_bytes())
    place = data.find(b"PK\1\2")
    data[place + 24 : place + 28] = (0xFFFFFFF0).to_bytes(4, "little")
    (tmp_path / "x.zip").write_bytes(data)
    for file in ("x.tar", "x.zip"):
        with pytest.raises(DataError, match="is refused: it claims"):
            open_files(tmp_path / file).contents()


def test_a_large_member_of_next_to_nothing_is_no_picture(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a/x.png", bytes(17 << 20))
    files = open_files(tmp_path / "x.zip")
    with pytest.raises(UnreadableFileError, match="packed size"):
        files.read("a/x.png")


@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz", "lzma.zip"])
def test_only_documented_errors_leave_altered_archives(form: str, tmp_path: Path) -> None:
    """Bytes of sound archives are altered at random, a fixed number of times; all that is left is listed and read."""
    if form.endswith("zip"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA if form == "lzma.zip" else zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("a/x.txt", b"12345678" * 9)
            packed.writestr("b/y.txt", b"ab" * 9)
        sound = buffer.getvalue()
    else:
        sound = _tar(f"w:{form.partition('.')[2]}" if "." in form else "w", pax_headers={"mtime": "1.5"})
    rng = random.Random(0)
    path = tmp_path / f"x.{form}"
    for number in range(150):
        data = bytearray(sound)
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(min(len(data), 2_000))] = rng.choice((0, 0x30, 0x7F, 0xFF, rng.randrange(256)))
        path.write_bytes(data)
        try:
            files = open_files(path)
            members = [member.path for member in files.contents().members]
            assert all(isinstance(content, bytes) for _, content in files.read_all(members))
            unpack(path, tmp_path / f"unpacked-{number}")
        except (DataError, StorageError):
            pass
