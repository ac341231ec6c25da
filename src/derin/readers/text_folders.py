"""Labelled text by place: class folders of text files (also in an archive), and files that hold one class each.

Source of the forms: A. L. Maas et al., "Learning word vectors for sentiment analysis", ACL 2011 (aclImdb); B. Pang and
L. Lee, "Seeing stars", ACL 2005 (rt-polarity).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path, PurePosixPath

from derin.core.errors import DataError
from derin.core.messages import Message
from derin.data.line_findings import line_findings
from derin.data.report import DataReport, Outcome
from derin.readers.archives import Contents, Files, Member, UnreadableFileError, is_document, is_hidden, open_files
from derin.readers.decoding import decode, lines_of, read_text
from derin.readers.split_names import split_of
from derin.readers.texts import Texts

_TEXT_ENDINGS = (".txt", ".text")
# A text beyond this is none that a network reads; an archive beyond this would fill the memory.
_MOST_BYTES, _MOST_BYTES_IN_ALL = 64 << 20, 8 << 30
# Folders whose texts have no label by their authors' word.
_UNLABELLED = frozenset({"unsup", "unlabeled", "unlabelled"})
# Lines that repeat as labels do and as texts do not; so many make it sure; median lengths that are no longer alike.
_REPEATED, _ENOUGH_LINES, _UNLIKE = 0.5, 10, 10
_NO_CLASSES = frozenset(
    ("labels", "label", "targets", "classes", "class_names", "vocab", "vocabulary", "dictionary", "stopwords", "index",
     "notes", "todo", "info", "about", "sources", "urls", "filelist", "metadata")
)  # fmt: skip


def read_text_folders(path: Path, report: DataReport) -> tuple[Texts, str]:
    """The texts in class folders; folders above named train, val or test tell the split.

    Args:
        path: a folder, a zip, or a tar file, compressed or not.
        report: the report.
    """
    found = Texts(report)
    encodings: Counter[str] = Counter()
    files = open_files(path)
    with closing(files):
        texts = _texts_in(files, files.contents(), report)
        for name, data in _contents_read(files, texts, report):
            _add(found, name, data, encodings)
    usual = ("utf-8", "utf-8-sig")
    rare = ""
    for encoding, num in encodings.most_common():
        if encoding not in usual:
            counted = Message("reading.num_as", count=num, encoding=encoding)
            rare = Message("reading.comma", first=rare, second=counted) if rare else counted
    if rare:
        report.notes.append(Message("reading.files_not_utf8", files=rare))
    num_classes = len(set(found.labels))
    if num_classes < 2:
        raise DataError(
            f"{path}: a folder of .txt files for each of two classes or more is required; got {num_classes}. "
            "Put the texts of each class into a folder named after it."
        )
    return found, Message("reading.from_folders")


def texts_in_folder(path: Path, report: DataReport) -> list[tuple[str, str]]:
    """The path and the text of every file of texts in a folder or an archive, whatever folder it lies in.

    What is no text is empty and told, so that every file has its place.
    """
    found: list[tuple[str, str]] = []
    with closing(open_files(path)) as files:
        contents = files.contents()
        for name, reason in contents.refused:
            report.add(name, Outcome.SKIPPED, reason)
        members = [m for m in contents.members if not _hidden_root(m.path) and _is_text_name(m.path)]
        documents = _documents([m.path for m in members])
        for name in sorted(documents):
            report.add(name, Outcome.SKIPPED, Message("reading.document"))
        members = [m for m in members if m.path not in documents]
        members = [m for m in sorted(members, key=lambda m: m.path) if m.size <= _MOST_BYTES]
        if sum(member.size for member in members) > _MOST_BYTES_IN_ALL:
            raise DataError(f"{path} holds more than {_MOST_BYTES_IN_ALL >> 30} GiB of text, which is refused.")
        for name, data in _contents_read(files, members, report):
            try:
                found.append((name, decode(data, name).text.strip()))
            except DataError:
                report.add(name, Outcome.CONVERTED, Message("reading.no_text"))
                found.append((name, ""))
    return found


def _is_text_name(path: str) -> bool:
    """Whether a file is a text by its name, also without an ending or with a number as one (20 newsgroups)."""
    ending = PurePosixPath(path).suffix.lower()
    return ending in _TEXT_ENDINGS or ending == "" or ending[1:].isdigit()


def _add(found: Texts, name: str, data: bytes, encodings: Counter[str]) -> None:
    """One file, whose class is its folder."""
    split, label = _split_and_label(name)
    try:
        decoded = decode(data, name)
    except DataError:
        found.report.add(name, Outcome.SKIPPED, Message("reading.no_text"))
        return
    encodings[decoded.encoding] += 1
    if decoded.broken_lines:
        found.report.add(name, Outcome.CONVERTED, Message("reading.no_text_bytes"))
    found.add(decoded.text.strip(), label, name, split)


def _split_and_label(path: str) -> tuple[str, str]:
    """What the folders of a text tell: ``train/pos/1.txt`` and ``pos/train/1.txt`` say the same.

    Example:
        >>> _split_and_label("set/test/pos/1.txt"), _split_and_label("pos/train/1.txt"), _split_and_label("pos/1.txt")
        (('test', 'pos'), ('train', 'pos'), ('', 'pos'))
    """
    *above, label, _ = path.split("/")
    if above and (inside := split_of(label)) is not None:
        return inside, above[-1]
    return next((s for s in map(split_of, reversed(above)) if s is not None), ""), label


def _splits_inside(paths: Sequence[str]) -> set[str]:
    """The folders whose texts all lie in folders that name splits: classes, or a set without any."""
    below: dict[str, set[bool]] = {}
    for folder in {path.rpartition("/")[0] for path in paths if _is_text_name(path)}:
        above, _, last = folder.rpartition("/")
        below.setdefault(above, set()).add(split_of(last) is not None)
        below.setdefault(folder, set()).add(False)
    return {folder for folder, are_splits in below.items() if folder and are_splits == {True}}


def _documents(paths: Sequence[str]) -> set[str]:
    """Files that speak about the texts beside them, which are more."""
    by_folder: dict[str, tuple[list[str], list[str]]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        by_folder.setdefault(folder, ([], []))[is_document(name)].append(path)
    return {path for texts, documents in by_folder.values() if len(texts) > len(documents) for path in documents}


def read_file_per_class(files: Sequence[Path], report: DataReport) -> tuple[Texts, str]:
    """The lines of files that hold one class each: ``rt-polarity.pos`` and ``.neg``, or ``pos.txt`` and ``neg.txt``.

    Raises:
        DataError: the files are unlike each other, so that they are hardly classes.
    """
    labels = labels_of(files)
    found = Texts(report)
    held: dict[Path, list[str]] = {}
    for path, (split, label) in labels.items():
        decoded = read_text(path)
        if decoded.note:
            report.notes.append(decoded.note)
        replaced = Message("reading.no_text_bytes")
        report.extend(line_findings(path.name, decoded.broken_lines, Outcome.CONVERTED, replaced))
        texts = [line.strip() for line in lines_of(decoded.text)]
        held[path] = texts
        found.add_lines(path.name, range(1, len(texts) + 1), texts, [label] * len(texts), split, named=True)
    _require_alike(held)
    report.notes.append(Message("reading.a_file_for_a_class"))
    return found, Message("reading.from_class_files")


def _require_alike(held: dict[Path, list[str]]) -> None:
    """Refuses files of which one belongs to another, or of which the lines have nothing in common."""
    folder = next(iter(held)).parent
    names = ", ".join(path.name for path in held)
    lines = {path: [text for text in texts if text] for path, texts in held.items()}
    different = {path: len(set(texts)) / max(1, len(texts)) for path, texts in lines.items()}
    few, many = min(different, key=lambda p: different[p]), max(different, key=lambda p: different[p])
    alike_long = len({len(texts) for texts in lines.values()}) == 1
    if (
        len(held) == 2
        and alike_long
        and different[few] < _REPEATED <= different[many]
        and len(lines[few]) >= _ENOUGH_LINES
    ):
        raise DataError(
            f"{folder}: {few.name} has a line for each line of {many.name} and repeats {len(set(lines[few])):,} of "
            "them: labels that belong to the other file, and no class of their own. Put each beside its text, with a "
            f"tab between: paste {many} {few} > labelled.tsv"
        )
    middle = {path: sorted(map(len, texts))[len(texts) // 2] for path, texts in lines.items() if texts}
    short, long = min(middle, key=lambda p: middle[p]), max(middle, key=lambda p: middle[p])
    odd = [path.name for path in held if path.stem.lower() in _NO_CLASSES]
    if odd or middle[long] > _UNLIKE * max(1, middle[short]):
        why = (
            f"{odd[0]} is no name of a class"
            if odd
            else f"a line of {short.name} has {middle[short]:,} characters, one of {long.name} {middle[long]:,}"
        )
        raise DataError(
            f"{folder}: {names} are unlike each other ({why}), so that they are hardly one file for each class. Name "
            f"the file that is meant, such as {long}, with --task lm for running text; or put the texts of each class "
            "into a folder of its name."
        )


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
    files = [path for path in files if not is_document(path.name)]
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
    """Whether class folders of text files lie here, by the names alone; an archive that is damaged holds none."""
    try:
        with closing(open_files(path)) as files:
            names = [m.path for m in files.contents().members if not _hidden_root(m.path)]
    except DataError:
        return False
    inside = _splits_inside(names)
    texts = [name for name in names if not _no_text(name, inside=inside)]
    return 2 * len(texts) > len(names) and len({_split_and_label(name)[1] for name in texts}) > 1


def _split(stem: str) -> str:
    return split_of(stem) or ""


def _without_split(stem: str) -> str:
    words = re.split(r"([-_. ]+)", stem)
    kept = [word for word in words if split_of(word) is None]
    return "".join(kept).strip("-_. ")


def _texts_in(files: Files, contents: Contents, report: DataReport) -> list[Member]:
    """The files that are texts of a class, in the order of their names; all others are listed with the reason."""
    for name, reason in contents.refused:
        report.add(name, Outcome.SKIPPED, reason)
    hidden = {root for m in contents.members if (root := _hidden_root(m.path))}
    hidden |= {root for folder in contents.folders if (root := _hidden_root(folder))}
    for name in sorted(hidden):
        report.add(name, Outcome.SKIPPED, "hidden file or folder")
    visible = sorted((m for m in contents.members if not _hidden_root(m.path)), key=lambda m: m.path)
    # A folder that holds folders is no class; what lies beside them are descriptions and lists.
    inner = {folder for m in visible for folder in _above(m.path.rpartition("/")[0])}
    paths = [m.path for m in visible]
    inside, documents = _splits_inside(paths), _documents(paths)
    found, left = [], _MOST_BYTES_IN_ALL
    for member in visible:
        why = Message("reading.document") if member.path in documents else _no_text(member.path, inner, inside)
        if not why and member.size > _MOST_BYTES:
            why = f"the file is larger than {_MOST_BYTES >> 20} MiB"
        if why:
            report.add(member.path, Outcome.SKIPPED, why)
            continue
        left -= member.size
        if left < 0:
            raise DataError(f"{files.path} holds more than {_MOST_BYTES_IN_ALL >> 30} GiB of text, which is refused.")
        found.append(member)
    return found


def _contents_read(files: Files, texts: Sequence[Member], report: DataReport) -> Iterator[tuple[str, bytes]]:
    """The content of each text, in the order of the names."""
    if files.is_sequential:
        # A packed stream is read in its own order, once.
        held = dict(files.read_all([m.path for m in texts]))
        yield from ((m.path, held[m.path]) for m in texts)
        return
    for member in texts:
        try:
            yield member.path, files.read(member.path)
        except UnreadableFileError as error:
            report.add(member.path, Outcome.SKIPPED, str(error))


def _no_text(path: str, inner: Collection[str] = (), inside: Collection[str] = ()) -> str:
    """Why a file is no text of a class; empty where it is one.

    Args:
        path: parts joined by ``/``.
        inner: folders that hold folders.
        inside: classes that hold splits.
    """
    folder = path.rpartition("/")[0]
    if not _is_text_name(path):
        return "the file is no text by its name"
    above, _, label = folder.rpartition("/")
    if above in inside:
        label = above.rpartition("/")[2]
    if not label or folder in inner or split_of(label) is not None:
        return "the file lies in no class folder"
    return "the text has no label" if label.lower() in _UNLABELLED else ""


def _hidden_root(path: str) -> str:
    """The topmost hidden file or folder on a path; empty where there is none."""
    parts = path.split("/")
    return next(("/".join(parts[: i + 1]) for i, part in enumerate(parts) if is_hidden(part)), "")


def _above(folder: str) -> Iterator[str]:
    """Every folder above a folder."""
    while folder := folder.rpartition("/")[0]:
        yield folder
