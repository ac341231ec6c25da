"""Folders, zips and tars give the same files; names that lead out are told and never followed."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from derin.core.errors import DataError
from derin.data.archives import UnreadableFileError, is_hidden, open_files

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
