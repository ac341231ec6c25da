"""Labelled text by place: class folders of text files (also in an archive), and files that hold one class each.

Source of the forms: A. L. Maas et al., "Learning word vectors for sentiment analysis", ACL 2011 (aclImdb); B. Pang and L. Lee,
"Seeing stars", ACL 2005 (rt-polarity).
"""

from __future__ import annotations

import os
import re
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from derin.core.errors import DataError
from derin.data.readers.decoding import decode, read_text
from derin.data.readers.line_findings import line_findings
from derin.data.readers.split_names import split_of
from derin.data.readers.texts import Texts
from derin.data.reading import Outcome, Reading

_TEXT_ENDINGS = (".txt", ".text")
_ARCHIVE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
# A text beyond this is none that a network reads; an archive beyond this would fill the memory.
_MOST_BYTES, _MOST_BYTES_IN_ALL = 64 << 20, 8 << 30
# Folders whose texts have no label by their authors' word.
_UNLABELLED = frozenset({"unsup", "unlabeled", "unlabelled"})
_MOST_NAMES = 400


def read_text_folders(path: Path, reading: Reading) -> tuple[Texts, str]:
    """The texts in class folders; folders above named train, val or test tell the split.

    Args:
        path: a folder, a zip, or a tar file, compressed or not.
        reading: the report.
    """
    found = Texts(reading)
    encodings: Counter[str] = Counter()
    for parts, data in _files(path, reading):
        name = "/".join(parts)
        if why := _no_text(parts):
            reading.add(name, Outcome.SKIPPED, why)
            continue
        *above, label, _ = parts
        try:
            decoded = decode(data, name)
        except DataError:
            reading.add(name, Outcome.SKIPPED, "the file is no text")
            continue
        encodings[decoded.encoding] += 1
        if decoded.broken_lines:
            reading.add(name, Outcome.CONVERTED, "holds bytes that are no text; they stand as U+FFFD")
        split = next((s for s in map(split_of, reversed(above)) if s is not None), "")
        found.add(decoded.text.strip(), label, name, split)
    rare = [f"{num:,} as {encoding}" for encoding, num in encodings.most_common() if encoding not in ("utf-8", "utf-8-sig")]
    if rare:
        reading.notes.append(f"Files that are not UTF-8 were read: {', '.join(rare)}.")
    num_classes = len(set(found.labels))
    if num_classes < 2:
        raise DataError(
            f"{path}: a folder of .txt files for each of two classes or more is required; got {num_classes}. "
            "Put the texts of each class into a folder named after it."
        )
    return found, "from the names of the folders"


def read_file_per_class(files: Sequence[Path], reading: Reading) -> tuple[Texts, str]:
    """The lines of files that hold one class each: ``rt-polarity.pos`` and ``.neg``, or ``pos.txt`` and ``neg.txt``."""
    labels = labels_of(files)
    found = Texts(reading)
    for path, (split, label) in labels.items():
        decoded = read_text(path)
        if decoded.note:
            reading.notes.append(decoded.note)
        replaced = "holds bytes that are no text; they stand as U+FFFD"
        reading.extend(line_findings(path.name, decoded.broken_lines, Outcome.CONVERTED, replaced))
        # Not splitlines: it would also cut at signs that stand inside a sentence, such as U+0085 and U+2028.
        lines = decoded.text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
        texts = [line.strip() for line in lines]
        found.add_lines(path.name, range(1, len(texts) + 1), texts, [label] * len(texts), split, named=True)
    return found, "from the names of the files, one for each class"


def labels_of(files: Sequence[Path]) -> dict[Path, tuple[str, str]]:
    """File → split and class, where each file holds one class; empty where they do not.

    The class is what sets the names apart: the ending where the stems are equal, else the stem; words that name a
    split tell that.

    Example:
        >>> {p.name: c for p, c in labels_of([Path("rt.pos"), Path("rt.neg")]).items()}
        {'rt.pos': ('', 'pos'), 'rt.neg': ('', 'neg')}
        >>> labels_of([Path("eng.train"), Path("eng.testa")])
        {}
    """
    by_ending = {path: (_split(path.stem), path.suffix.removeprefix(".")) for path in files}
    by_stem = {path: (_split(path.stem), _without_split(path.stem)) for path in files}
    all_texts = all(path.suffix.lower() in _TEXT_ENDINGS for path in files)
    found = by_stem if all_texts else by_ending
    stems = {_without_split(path.stem) for path in files}
    if not all_texts and len(stems) > 1:
        return {}
    classes = {label for _, label in found.values()}
    proper = all(label and split_of(label) is None for label in classes)
    return found if proper and len(classes) > 1 and len(set(found.values())) == len(found) else {}


def holds_text_folders(path: Path) -> bool:
    """Whether class folders of text files lie here; looks at no more than a few hundred names."""
    labels: set[str] = set()
    num_texts = num_others = 0
    for count, parts in enumerate(_names(path)):
        if count == _MOST_NAMES:
            break
        if _no_text(parts):
            num_others += not _is_hidden(parts)
        else:
            num_texts += 1
            labels.add(parts[-2])
    return num_texts > num_others and (len(labels) > 1 or num_texts >= _MOST_NAMES // 2)


def is_archive(path: Path) -> bool:
    """Whether the name is that of a zip or tar file."""
    return path.name.lower().endswith(_ARCHIVE_ENDINGS)


def _split(stem: str) -> str:
    return split_of(stem) or ""


def _without_split(stem: str) -> str:
    words = re.split(r"([-_. ]+)", stem)
    kept = [word for word in words if split_of(word) is None]
    return "".join(kept).strip("-_. ")


def _no_text(parts: Sequence[str]) -> str:
    """Why a file is no text of a class; empty where it is one."""
    if _is_hidden(parts):
        return "hidden file or folder"
    ending = PurePosixPath(parts[-1]).suffix.lower()
    # Files without ending, or with a number as ending, are texts too (20 newsgroups).
    if ending not in _TEXT_ENDINGS and ending != "" and not ending[1:].isdigit():
        return "the file is no text by its name"
    if len(parts) < 2 or split_of(parts[-2]) is not None:
        return "the file lies in no class folder"
    if parts[-2].lower() in _UNLABELLED:
        return "the text has no label"
    return ""


def _is_hidden(parts: Sequence[str]) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)


def _files(path: Path, reading: Reading) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """Parts of the name and content of each file, in the order of the names; the content of no text is not read."""
    if path.is_dir():
        for file in _walk(path):
            parts = file.relative_to(path).parts
            try:
                yield parts, b"" if _no_text(parts) else file.read_bytes()
            except OSError as error:
                reading.add("/".join(parts), Outcome.SKIPPED, f"the file cannot be read: {error.strerror or error}")
        return
    held = [(parts, data) for parts, data in _members(path, reading)]
    yield from sorted(held, key=lambda member: member[0])


def _names(path: Path) -> Iterator[tuple[str, ...]]:
    if path.is_dir():
        yield from (file.relative_to(path).parts for file in _walk(path))
        return
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                yield from (_parts(info.filename) for info in packed.infolist() if not info.is_dir())
        else:
            with tarfile.open(path, "r:*") as tar:
                yield from (_parts(member.name) for member in tar if member.isreg())
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise _damaged(path, error) from None


def _members(path: Path, reading: Reading) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """Name and content of each file in an archive; nothing is written, so that no name can lead anywhere."""
    left = _MOST_BYTES_IN_ALL
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                for info in packed.infolist():
                    parts = _parts(info.filename)
                    if info.is_dir() or not _fits(parts, info.file_size, reading):
                        continue
                    data = b""
                    if not _no_text(parts):
                        with packed.open(info) as source:
                            data = source.read(_MOST_BYTES)
                    left = _counted(path, left, len(data))
                    yield parts, data
            return
        with tarfile.open(path, "r:*") as tar:
            for member in tar:
                parts = _parts(member.name)
                if not member.isreg():
                    if not member.isdir():
                        reading.add("/".join(parts), Outcome.SKIPPED, "a link or device in an archive")
                    continue
                if not _fits(parts, member.size, reading):
                    continue
                content = None if _no_text(parts) else tar.extractfile(member)
                data = b"" if content is None else content.read()
                left = _counted(path, left, len(data))
                yield parts, data
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, NotImplementedError, RuntimeError, OSError) as error:
        raise _damaged(path, error) from None


def _fits(parts: tuple[str, ...], size: int, reading: Reading) -> bool:
    if size > _MOST_BYTES:
        reading.add("/".join(parts), Outcome.SKIPPED, f"the file is larger than {_MOST_BYTES >> 20} MiB")
    return size <= _MOST_BYTES


def _counted(path: Path, left: int, size: int) -> int:
    if size > left:
        raise DataError(f"{path} unpacks to more than {_MOST_BYTES_IN_ALL >> 30} GiB of text, which is refused.")
    return left - size


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[\\/]+", name) if part not in ("", "."))


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders.sort()
        yield from (Path(root) / name for name in sorted(files))


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"{path} is damaged or no archive ({error}). Fetch it again.")
