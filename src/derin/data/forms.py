"""Which form of data a file or folder is, found from the names in it, and the reader of that form."""

from __future__ import annotations

import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from derin.core.errors import DataError
from derin.data.readers.arrays import is_array_file, is_array_folder, read_arrays
from derin.data.readers.cifar import is_cifar_folder, read_cifar
from derin.data.readers.idx import is_idx_file, is_idx_folder, read_idx
from derin.data.table import Table

Progress = Callable[[int, int], None]

FORMS = (
    "class folders of pictures (also in a zip or tar, also below train, val and test)",
    "IDX files (train-images-idx3-ubyte.gz)",
    "the binary files of CIFAR-10",
    ".npz and .npy arrays",
    ".csv and .tsv tables",
    "labelled texts (.tsv, .csv, .jsonl, class folders of .txt, or one file for each class)",
)

_PICTURE_ENDINGS = frozenset(
    f".{ending}"
    for ending in (
        *("png", "jpg", "jpeg", "jpe", "jfif", "bmp", "gif", "webp", "tif", "tiff"),
        *("ppm", "pgm", "pbm", "pnm", "ico", "tga", "avif"),
    )
)
_TEXT_ENDINGS = frozenset((".txt", ".text"))
_JSON_LINES = frozenset((".jsonl", ".jsonlines", ".ndjson"))
_TABLE_ENDINGS = frozenset((".csv", ".tsv", ".tab"))
_ARCHIVE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
# So many names tell what a folder holds; a million pictures are not walked to find that out.
_MOST_NAMES = 2000
_HIDDEN = ("__MACOSX",)


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What the user may say about reading; `derin.load` explains each."""

    target: str | None = None
    size: int | None = None
    channels: int | None = None
    progress: Progress | None = None


def read_form(path: Path, *, name: str, options: ReadOptions) -> Table:
    """The table in a file or folder of any form that Derin reads.

    Raises:
        DataError: nothing is there, or no form fits.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist; a file, a folder or the name of a data set is required.")
    if path.is_file():
        return _read_file(path, name, options)
    return _read_folder(path, name, options)


def is_archive(path: Path) -> bool:
    """Whether the name is that of a zip or tar file."""
    return path.name.lower().endswith(_ARCHIVE_ENDINGS)


def _read_file(path: Path, name: str, options: ReadOptions) -> Table:
    suffix = _ending(path.name)
    if is_idx_file(path):
        return read_idx(path, name=name)
    if is_array_file(path):
        return read_arrays(path, name=name, target=options.target)
    if suffix in _JSON_LINES:
        return _read_text(path, name, options)
    if suffix in _TABLE_ENDINGS:
        return _read_text(path, name, options) if _holds_texts(path) else _read_csv(path, name, options)
    if is_archive(path):
        return _read_archive(path, name, options)
    raise DataError(f"{path}: a file of this form is not read as data. Derin reads {_forms()}.")


def _read_folder(path: Path, name: str, options: ReadOptions) -> Table:
    visible = sorted(p for p in path.iterdir() if not p.name.startswith(".") and p.name not in _HIDDEN)
    files = [p for p in visible if p.is_file()]
    endings = Counter(_ending(p.name) for p in files)
    if is_idx_folder(path):
        return read_idx(path, name=name)
    if is_cifar_folder(path):
        return read_cifar(path, name=name)
    tables = [p for p in files if _ending(p.name) in _TABLE_ENDINGS]
    if any(endings[ending] for ending in _JSON_LINES):
        return _read_text(path, name, options)
    if tables:
        return _read_text(path, name, options) if all(map(_holds_texts, tables)) else _read_csv(path, name, options)
    below = _names_below(path)
    num_pictures, num_texts = _count(below, _PICTURE_ENDINGS), _count(below, _TEXT_ENDINGS)
    folders = [p for p in visible if p.is_dir()]
    if num_pictures > num_texts:
        return _read_pictures(path, name, options)
    if _is_file_per_class(files) or (folders and num_texts):
        return _read_text(path, name, options)
    if is_array_folder(path):
        return read_arrays(path, name=name, target=options.target)
    inner = [p for p in visible if is_archive(p) or p.is_dir()]
    if len(inner) == 1:
        return read_form(inner[0], name=name, options=options)
    seen = ", ".join(f"{n} {ending or 'files without ending'}" for ending, n in endings.most_common(6)) or "no files"
    shown = f" and {len(folders)} folders ({', '.join(p.name for p in folders[:4])}{', …' if len(folders) > 4 else ''})"
    raise DataError(
        f"{path}: no data that Derin reads is there; it holds {seen}{shown if folders else ''}. Derin reads {_forms()}."
    )


def _read_archive(path: Path, name: str, options: ReadOptions) -> Table:
    names = _names_in_archive(path)
    num_pictures, num_texts = _count(names, _PICTURE_ENDINGS), _count(names, _TEXT_ENDINGS)
    if num_pictures and num_pictures >= num_texts:
        return _read_pictures(path, name, options)
    if num_texts:
        return _read_text(path, name, options)
    return _read_unpacked(path, names, name, options)


def _read_unpacked(path: Path, names: list[str], name: str, options: ReadOptions) -> Table:
    """Reads an archive of tables or arrays by way of a temporary folder; their values end up in memory."""
    import tempfile

    from derin.data.download import unpack

    readable = _TABLE_ENDINGS | _JSON_LINES | {".npz", ".npy", ".bin"}
    if not _count(names, readable) and not any(is_idx_file(Path(PurePosixPath(n).name)) for n in names):
        seen = Counter(_ending(n) or "no ending" for n in names)
        held = ", ".join(f"{n} {ending}" for ending, n in seen.most_common(6)) or "nothing"
        raise DataError(f"{path}: no data that Derin reads is in it; it holds {held}. Derin reads {_forms()}.")
    with tempfile.TemporaryDirectory(prefix="derin-") as temporary:
        folder = unpack(path, Path(temporary) / "unpacked")
        table = _in_memory(read_form(folder, name=name, options=options))
    table.reading.source = str(path)
    return table


def _in_memory(table: Table) -> Table:
    """The table without files that are mapped: they are about to vanish."""
    import dataclasses

    import numpy as np

    from derin.data.table import Dense

    columns = {
        name: Dense(np.array(data.values)) if isinstance(data, Dense) and isinstance(data.values, np.memmap) else data
        for name, data in table.columns.items()
    }
    return dataclasses.replace(table, columns=columns)


def _read_pictures(path: Path, name: str, options: ReadOptions) -> Table:
    from derin.data.readers.picture_folder import read_picture_folder

    return read_picture_folder(path, name=name, size=options.size, channels=options.channels, progress=options.progress)


def _read_csv(path: Path, name: str, options: ReadOptions) -> Table:
    from derin.data.readers.csv_table import read_csv

    return read_csv(path, name=name, target=options.target)


def _read_text(path: Path, name: str, options: ReadOptions) -> Table:
    from derin.data.readers.labelled_text import read_labelled_text

    return read_labelled_text(path, name=name, target=options.target)


def _holds_texts(path: Path) -> bool:
    """Whether a table has two columns, one of sentences and one of labels: labelled text rather than measurements."""
    from derin.data.readers.delimited import read_records

    records = read_records(path)
    if len(records.columns) != 2:
        return False
    words = [sum(len(cell.split()) for cell in column[:500]) / max(1, len(column[:500])) for column in records.columns]
    return max(words) >= 3 and min(words) < 2


def _is_file_per_class(files: list[Path]) -> bool:
    """The form of rt-polarity: one stem, the class as ending; or a .txt file for each class."""
    if len(files) < 2:
        return False
    return (len({p.stem for p in files}) == 1 and len({p.suffix for p in files}) == len(files)) or all(
        _ending(p.name) in _TEXT_ENDINGS for p in files
    )


def _names_below(folder: Path) -> list[str]:
    """Names of files in a folder and below it, the first of each folder, up to a limit."""
    names: list[str] = []
    waiting = [folder]
    while waiting and len(names) < _MOST_NAMES:
        here = waiting.pop(0)
        own = 0
        for path in here.iterdir():
            if path.name.startswith(".") or path.name in _HIDDEN:
                continue
            if path.is_dir():
                waiting.append(path)
            elif own < _MOST_NAMES // 10:
                own += 1
                names.append(path.name)
    return names


def _names_in_archive(path: Path) -> list[str]:
    names: list[str] = []
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                names = [info.filename for info in packed.infolist() if not info.is_dir()]
        else:
            with tarfile.open(path, "r:*") as tar:
                for member in tar:
                    if member.isreg():
                        names.append(member.name)
                    if len(names) >= _MOST_NAMES:
                        break
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{path} is damaged or no archive ({error}). Fetch it again.") from None
    return [n for n in names if not PurePosixPath(n).name.startswith(".") and not n.startswith(_HIDDEN)]


def _count(names: Iterable[str], endings: Iterable[str]) -> int:
    wanted = frozenset(endings)
    return sum(_ending(name) in wanted for name in names)


def _ending(name: str) -> str:
    """The ending of a name in small letters; a packed file has that of what is in it."""
    return PurePosixPath(name.lower().removesuffix(".gz")).suffix


def _forms() -> str:
    return "; ".join(FORMS)
