"""What the name of a file tells, and which files of a folder are meant."""

from __future__ import annotations

from pathlib import Path, PurePath

_ARCHIVE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


def file_ending(name: str | PurePath) -> str:
    """The ending of a name in small letters, that of the file within where it is gzipped.

    Example:
        >>> file_ending("news/A.TXT.gz")
        '.txt'
    """
    return PurePath(str(name).lower().removesuffix(".gz")).suffix


def is_archive(path: Path) -> bool:
    """Whether the name is that of a zip or tar file."""
    return path.name.lower().endswith(_ARCHIVE_ENDINGS)


def visible_files(folder: Path) -> list[Path]:
    """The files of a folder by name, hidden ones left out; none where there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
