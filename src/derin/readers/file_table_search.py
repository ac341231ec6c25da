"""Which table lists the pictures or sounds of a source: a csv file beside it or inside it that names the files."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from derin.core.errors import DataError
from derin.data.table import SPLITS
from derin.readers.archives import is_document, is_hidden, open_files
from derin.readers.delimited import Records, head_records
from derin.readers.file_kinds import FILE_KINDS, FileKind
from derin.readers.file_names import is_archive
from derin.readers.json_records import JSON_ENDINGS, head_json_records, is_json_lines
from derin.readers.split_names import split_of

_ENDINGS = (".csv", ".tsv", ".tab", *JSON_ENDINGS)
_MOST_TABLES = 12
_DEEPEST = 3
_SAMPLE = 200
LEAST_SHARE = 0.6
_FEWEST = 3
_CAPTION_WORDS = 3
SHOWN = 6
_FOLDERS = ("images", "image", "img", "imgs", "pictures", "photos", "train", "training", "jpeg", "jpg", "png", "sounds",
            "audio", "wavs", "wav", "clips", "recordings")  # fmt: skip


class FileNames:
    """The files of a source by whatever a table may call them: a path, a part of it, a name with or without ending.

    Example:
        >>> names = FileNames(["train/cat1.png", "train/dog1.png"])
        >>> names.find("C:\\\\photos\\\\cat1.png"), names.find("dog1"), names.find("owl")
        ('train/cat1.png', 'train/dog1.png', None)
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = list(paths)
        self._whole = set(paths)
        self._by_name: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}
        for path in paths:
            name = PurePosixPath(path).name
            self._by_name.setdefault(name, []).append(path)
            self._by_stem.setdefault(name.rpartition(".")[0] or name, []).append(path)

    def find(self, called: str, table: str = "") -> str | None:
        """The one file that is meant, or None.

        Args:
            called: as a cell calls it.
            table: the file in which it is called so: of several files of a name that which lies beside it is meant,
                or that in the folder of the split that the table names.

        Example:
            >>> names = FileNames(["train/1.png", "test/1.png"])
            >>> names.find("1.png"), names.find("1.png", "test/labels.csv"), names.find("1", "train.csv")
            (None, 'test/1.png', 'train/1.png')
        """
        plain = called.strip().replace("\\", "/").removeprefix("./")
        if not plain or plain in self._whole:
            return plain or None
        name = plain.rpartition("/")[2]
        found = self._by_name.get(name) or self._by_stem.get(name, [])
        if len(found) == 1:
            return found[0]
        ends = [path for path in found if path.endswith(f"/{plain}") or plain.endswith(f"/{path}")]
        if len(ends) == 1 or not table:
            return ends[0] if len(ends) == 1 else None
        folder, split = table.rpartition("/")[0], split_of(table)
        beside = [path for path in found if folder and path.startswith(f"{folder}/")]
        if len(beside) != 1 and split is not None:
            beside = [path for path in found if split in map(split_of, path.split("/")[:-1])]
        return beside[0] if len(beside) == 1 else None


@dataclass(frozen=True)
class FileTable:
    """A table that lists the pictures or sounds of a source.

    Args:
        file: the table, in the source where that is an archive that holds it.
        source: the folder or archive with the files.
        is_inside: whether the table lies in the archive.
        names: of the columns.
        file_columns: those that name files.
        kind: of the files.
        further: tables with the same columns, of another split: its name and the table. `file` is that of train then.
    """

    file: str
    source: Path
    is_inside: bool
    names: tuple[str, ...]
    file_columns: tuple[int, ...]
    kind: FileKind
    further: tuple[tuple[str, str], ...] = ()


def find_file_table(path: Path, *, target: str | None = None, fewest: int = _FEWEST) -> FileTable | None:
    """The table that lists pictures or sounds, where there is one.

    Args:
        path: a table, a folder, or an archive.
        target: the column that is to be predicted; a table that has it is preferred to folders of classes.
        fewest: files that it must list, unless there are less; one will do where such a table is expected.
    """
    if path.is_file() and path.name.lower().endswith(_ENDINGS):
        archives = sorted(p for p in path.parent.iterdir() if is_archive(p))
        # A folder may hold anything: it is walked where the table seems to speak of pictures in it.
        speaks_of_files = _may_list_files(path)
        beside = [path.parent, *archives] if speaks_of_files else archives
        listings = [(path.name, path, source) for source in beside]
        # To a table of something else an archive that happens to lie beside it, perhaps damaged, is nothing.
        return _first(listings, target, fewest, passes_over_damage=not speaks_of_files)
    if path.is_dir():
        archives = sorted(p for p in path.iterdir() if is_archive(p))
        candidates = []
        for file in _tables_in(names_in(path)):
            candidates += [(file, path / file, source) for source in (path, *archives)]
        return _first(candidates, target, fewest)
    if not is_archive(path):
        return None
    with closing(open_files(path)) as files:
        if files.is_sequential:
            return None
        names = files.names(1 << 40)
        listed = files_by_kind(names)
        matching = []
        for name in _tables_in(names) if listed else []:
            with unpacked_member(path, name) as unpacked:
                found = _match(name, unpacked, path, listed, target, fewest, is_inside=True)
            if found is not None:
                matching.append(found)
    return _one_of(matching)


def is_table_name(name: str) -> bool:
    """Whether a file of this name may be a table that lists files."""
    return name.lower().endswith(_ENDINGS)


def _may_list_files(table: Path) -> bool:
    """Whether cells end as pictures or sounds do, or a folder beside the table is named as their folders are."""
    head = _head(table)
    if head is None:
        return False
    if any(kind.is_named(cell) for kind in FILE_KINDS.values() for cells in head.columns for cell in cells[:_FEWEST]):
        return True
    return any(p.is_dir() and p.name.lower() in _FOLDERS for p in table.parent.iterdir())


def _head(table: Path) -> Records | None:
    """The first records of a table; None where it is none."""
    try:
        return head_json_records(table) if is_json_lines(table) else head_records(table)
    except DataError:
        return None


def _first(candidates: Any, target: str | None, fewest: int, *, passes_over_damage: bool = False) -> FileTable | None:
    listed: dict[Path, FilesByKind] = {}
    matching: list[FileTable] = []
    for name, file, source in candidates:
        if source not in listed:
            try:
                listed[source] = files_by_kind(names_in(source))
            except DataError:
                if not passes_over_damage:
                    raise
                listed[source] = {}
        found = _match(name, file, source, listed[source], target, fewest, is_inside=False) if listed[source] else None
        if found is not None and found.file not in {each.file for each in matching}:
            matching.append(found)
    return _one_of(matching)


def _one_of(found: Sequence[FileTable]) -> FileTable | None:
    """The table that is meant: the only one, or that of train with those of the other splits.

    Raises:
        DataError: several list pictures, and none is that of train.
    """
    if len(found) < 2:
        return found[0] if found else None
    splits = {split: each for each in reversed(found) if (split := split_of(each.file)) is not None}
    if "train" not in splits:
        place = found[0].source if found[0].source.is_dir() else found[0].source.parent
        ways = " or ".join(f"derin data {place / each.file}" for each in found[:2])
        if found[0].is_inside:
            place, ways = found[0].source, "unpacked from it"
        raise DataError(
            f"{place}: {', '.join(each.file for each in found[:SHOWN])} list files; name the table that is meant, "
            f"{ways}."
        )
    train = splits.pop("train")
    alike = {s: each for s, each in splits.items() if (each.source, each.names) == (train.source, train.names)}
    return replace(train, further=tuple((s, alike[s].file) for s in SPLITS if s in alike))


def _match(
    name: str, file: Path, source: Path, files: FilesByKind, target: str | None, fewest: int, *, is_inside: bool
) -> FileTable | None:
    """The table, where one of its columns names files of a kind and it says something of each of them once."""
    head = _head(file)
    if head is None or len(head.names) < 2:
        return None
    naming = ((kind, paths, _naming_columns(head, FileNames(paths), name, fewest)) for kind, paths in files.items())
    kind, paths, columns = next((each for each in naming if each[2]), (None, [], ()))
    if kind is None:
        return None
    is_asked = target is not None and set(head.names).issuperset(part.strip() for part in target.split(","))
    has_captions = any(
        sum(len(cell.split()) >= _CAPTION_WORDS for cell in cells) > len(cells) / 2 and len(set(cells)) > len(cells) / 2
        for place, cells in enumerate(head.columns)
        if place not in columns
    )
    if has_captions and not is_asked:
        return None
    folders = {path.rpartition("/")[0] for path in paths}
    if not is_asked and len({f for f in folders if split_of(f.rpartition("/")[2]) is None}) > 1:
        return None  # folders of classes say it already
    return FileTable(name, source, is_inside, tuple(head.names), columns, kind)


def _naming_columns(head: Records, known: FileNames, table: str, fewest: int) -> tuple[int, ...]:
    """The columns whose cells name the files."""
    columns = []
    for place, cells in enumerate(head.columns):
        some = [cell for cell in cells[:_SAMPLE] if cell]
        matched = {path for cell in some if (path := known.find(cell, table)) is not None}
        if len(matched) >= max(1, min(fewest, len(known.paths))) and len(matched) >= LEAST_SHARE * len(some):
            columns.append(place)
    return tuple(columns)


def _tables_in(names: Sequence[str]) -> list[str]:
    found = [n for n in names if n.lower().endswith(_ENDINGS) and n.count("/") < _DEEPEST]
    return sorted(found, key=lambda n: (n.count("/"), n))[:_MOST_TABLES]


def names_in(source: Path) -> list[str]:
    """The files of a folder or an archive, without hidden ones and without documents such as a README."""
    with closing(open_files(source)) as files:
        names = files.names(1 << 40)
    return [n for n in names if not any(map(is_hidden, n.split("/"))) and not is_document(n.rpartition("/")[2])]


FilesByKind = dict[FileKind, list[str]]


def files_by_kind(names: Sequence[str]) -> FilesByKind:
    """The files of each kind that are not hidden; kinds without files are left out."""
    found = {kind: [name for name in names if kind.is_named(name)] for kind in FILE_KINDS.values()}
    return {kind: paths for kind, paths in found.items() if paths}


class unpacked_member:
    """One file of an archive, for readers that open files."""

    def __init__(self, archive: Path, name: str) -> None:
        self._archive, self._name = archive, name

    def __enter__(self) -> Path:
        self._folder = tempfile.TemporaryDirectory(prefix="derin-")
        place = Path(self._folder.name) / PurePosixPath(self._name).name
        with closing(open_files(self._archive)) as files:
            place.write_bytes(files.read(self._name))
        return place

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()
