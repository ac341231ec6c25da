"""Which files of a folder or archive are examples, of which class and in which split: found from their paths alone."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from derin.core.errors import DataError
from derin.core.messages import Message
from derin.data.report import Finding, Outcome
from derin.readers.archives import Contents, Member, is_hidden, open_files
from derin.readers.file_kinds import PICTURE_FILES, SOUND_FILES, FileKind, name_ending
from derin.readers.pictures.companions import companions
from derin.readers.split_names import split_of

_MOST_DOCUMENTS = 10  # files without ending beside the folders of an archive
_SPLIT_ORDER = {"train": 0, "val": 1, "test": 2, None: 3}
# Beyond this many files of one kind in one folder the rest is told in one line.
_MOST_LISTED = 200


class Entry(NamedTuple):
    """A file that is an example by its name.

    Args:
        member: the file.
        class_name: of its class folder.
        split: that a folder above names, or None.
    """

    member: Member
    class_name: str
    split: str | None


@dataclass
class Listing:
    """The examples of a source by their paths.

    Args:
        entries: in no order; see `in_order`.
        class_names: every class folder, also an empty one, sorted as people count.
        findings: what is no example of a class, with the reason.
        notes: sentences about the whole.
    """

    entries: list[Entry] = field(default_factory=list)
    class_names: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def in_order(self) -> list[Entry]:
        """Train before val before test, then by class, then by path, as people count."""
        place = {name: number for number, name in enumerate(self.class_names)}
        return sorted(
            self.entries, key=lambda e: (_SPLIT_ORDER[e.split], place[e.class_name], natural_key(e.member.path))
        )


def natural_key(text: str) -> tuple[object, ...]:
    """A key that sorts numbers within names by their value.

    Example:
        >>> sorted(["s10", "s2", "S1", "9", "10"], key=natural_key)
        ['9', '10', 'S1', 's2', 's10']
    """
    parts = re.split(r"([0-9]+)", text.casefold())
    # Even places hold words, odd ones digits, so that a number never meets a word.
    return tuple(int(part) if place % 2 else part for place, part in enumerate(parts)), text


def list_files(path: Path, kind: FileKind = PICTURE_FILES) -> list[Path]:
    """The files of a kind in a folder and below it, as people count; hidden files and folders are left out.

    Raises:
        DataError: the path is no folder.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("b10.png", "b9.png", "notes.txt", ".hidden.png"):
        ...     _ = (folder / name).write_bytes(b"")
        >>> [p.name for p in list_files(folder)]
        ['b9.png', 'b10.png']
    """
    path = Path(path)
    if not path.is_dir():
        raise DataError(f"{path}: a folder with {kind.plural} is required.")
    names = [member.path for member in open_files(path).contents().members]
    wanted = [n for n in names if kind.may_be(n) and not any(map(is_hidden, n.split("/")))]
    return [path / name for name in sorted(wanted, key=natural_key)]


def list_classes(
    contents: Contents, source: str, *, innermost: bool = False, kind: FileKind = PICTURE_FILES
) -> Listing:
    """The files of class folders, with or without train, val and test above, or one folder around all.

    Everything below a class folder belongs to its class, unless the innermost folders are the classes.

    Args:
        contents: what the source holds.
        source: its name, for messages.
        innermost: whether each folder of files is a class, called by its path (``Greek/alpha``).
        kind: of the files.

    Raises:
        DataError: there are no such files, or no class folders.

    Example:
        >>> paths = ("train/cat/1", "train/dog/1", "valid/cat/2", "valid/dog/2")
        >>> members = [Member(f"pets/{path}.png", 1, 1) for path in paths]
        >>> listing = list_classes(Contents(members), "pets")
        >>> [(e.class_name, e.split) for e in listing.in_order()]
        [('cat', 'train'), ('dog', 'train'), ('cat', 'val'), ('dog', 'val')]
    """
    listing = Listing()
    listing.findings += [Finding(shown(path), Outcome.SKIPPED, reason) for path, reason in contents.refused]
    files = _visible_files(contents, listing, kind)
    if not files:
        raise DataError(
            f"{source}: no {kind.plural} are there; {_required(kind)}{_counted(listing.findings)}. Check the path."
        )
    folders = {m.path.rpartition("/")[0] for m in files}
    base = _base(folders)
    splits = _splits(folders, base, source, kind)
    inside = not splits and _splits_inside(folders, base, source, kind)
    below = _wrapping(folders, base, splits)
    names: set[str] = set()
    homes: dict[str, tuple[str | None, str] | None] = {}  # folder → split and class
    nested: set[str] = set()
    stray: list[str] = []
    beside: list[str] = []
    for member in files:
        folder = member.path.rpartition("/")[0]
        if folder not in homes:
            homes[folder] = _home(folder, base, splits, nested, below=below, inside=inside, innermost=innermost)
        home = homes[folder]
        if home is None:
            outside = splits and _part(folder, len(base)) not in splits
            (beside if outside and folder else stray).append(member.path)
        else:
            listing.entries.append(Entry(member, home[1], home[0]))
            names.add(home[1])
    if not listing.entries:
        raise DataError(f"{source}: its {len(files):,} {kind.plural} lie in no class folders; {_required(kind)}.")
    listing.findings += _listed(stray, Message("reading.in_no_class"))
    listing.findings += _listed(beside, Message("reading.beside_splits"))
    around = {above for folder in contents.folders for above in _around(folder)} if innermost else set()
    for folder in contents.folders:
        if folder not in around and not any(is_hidden(part) for part in folder.split("/")):
            home = _home(folder, base, splits, set(), below=below, inside=inside, innermost=innermost)
            if home is not None:
                names.add(home[1])
    listing.class_names = tuple(sorted(names, key=natural_key))
    if nested:
        some = ", ".join(sorted(map(shown, nested), key=natural_key)[:3]) + (", …" if len(nested) > 3 else "")
        listing.notes.append(Message("reading.nested_folders", some=some))
    merged = [name for name, number in Counter(splits.values()).items() if number > 1]
    listing.notes += [
        Message(
            "reading.folders_as_split", split=name, folders=", ".join(sorted(f for f, s in splits.items() if s == name))
        )
        for name in merged
    ]
    return listing


def list_innermost_classes(contents: Contents, source: str, *, kind: FileKind = PICTURE_FILES) -> Listing:
    """The files of folders each of which is a class, however deep it lies."""
    return list_classes(contents, source, innermost=True, kind=kind)


@dataclass(frozen=True)
class ChosenFiles:
    """Picks files by their paths, as pictures that have a mask or boxes, or what a table lists.

    Args:
        splits: the split of each by its path.
    """

    splits: Mapping[str, str | None]

    @property
    def __name__(self) -> str:
        told = "\0".join(f"{path}\1{split}" for path, split in sorted(self.splits.items()))
        return f"chosen {hashlib.blake2b(told.encode('utf-8', 'surrogateescape'), digest_size=8).hexdigest()}"

    def __call__(self, contents: Contents, source: str) -> Listing:
        listing = Listing(class_names=("",))
        listing.entries = [
            Entry(member, "", self.splits[member.path]) for member in contents.members if member.path in self.splits
        ]
        return listing


FOLDERS = "folders"  # under which a recipe keeps how they were read
FOLDER_SETTINGS = ("classes",)
CLASS_FOLDERS = {"outermost": list_classes, "innermost": list_innermost_classes}


def shown(path: str) -> str:
    """A path as valid Unicode: bytes of a name that are none become U+FFFD."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _required(kind: FileKind) -> str:
    """What a source must hold, as the beginning of a clause."""
    return (
        f"a folder of {kind.plural} for each class is required, such as cats/1.{kind.example} and "
        f"dogs/1.{kind.example}, or train/cats/1.{kind.example}"
    )


def _visible_files(contents: Contents, listing: Listing, kind: FileKind) -> list[Member]:
    """The files of a kind by name; hidden and other files go to the findings."""
    hidden_folders: Counter[str] = Counter()
    hidden_above: dict[str, str | None] = {}
    others: list[str] = []
    found: list[Member] = []
    for folder in contents.folders:
        inner = _hidden_folder(folder)
        if inner is not None:
            hidden_folders[inner] += 0
    for member in contents.members:
        folder, _, name = member.path.rpartition("/")
        if folder not in hidden_above:
            hidden_above[folder] = _hidden_folder(folder)
        above = hidden_above[folder]
        if above is not None:
            hidden_folders[above] += 1
        elif is_hidden(name):
            listing.findings.append(Finding(shown(member.path), Outcome.SKIPPED, Message("reading.hidden_file")))
        elif kind.may_be(name):
            found.append(member)
        else:
            others.append(member.path)
    beside = _documents(found)
    if beside:
        found = [member for member in found if member.path not in beside]
        others += sorted(beside)
    if kind is PICTURE_FILES and (belonging := companions(member.path for member in found)):
        found = [member for member in found if member.path not in belonging]
        listing.findings += _listed(list(belonging), Message("reading.belongs_to_another"))
        one, other = min(belonging.items())
        listing.notes.append(Message("reading.companions", count=len(belonging), one=shown(one), other=shown(other)))
    listing.findings += [
        Finding(
            shown(folder) + (f" ({number:,} files)" if number else ""),
            Outcome.SKIPPED,
            Message("reading.hidden_folder"),
        )
        for folder, number in sorted(hidden_folders.items())
    ]
    listing.findings += _listed(
        others, Message("reading.no_sound_name" if kind is SOUND_FILES else "reading.no_picture_name")
    )
    return found


def _documents(pictures: list[Member]) -> set[str]:
    """Files without ending that lie beside folders of pictures, as a licence does: the pictures of a class would have
    an ending, or be many."""
    plain: dict[str, list[str]] = {}
    with_ending: set[str] = set()
    below: Counter[str] = Counter()
    for member in pictures:
        folder, _, name = member.path.rpartition("/")
        if name_ending(name):
            with_ending.add(folder)
        else:
            plain.setdefault(folder, []).append(member.path)
        below.update(_around(folder))
    return {
        path
        for folder, paths in plain.items()
        if folder not in with_ending and len(paths) <= min(_MOST_DOCUMENTS, below[folder] - 1)
        for path in paths
    }


def _around(folder: str) -> Iterator[str]:
    """Every folder around a folder, the source itself as an empty name."""
    while folder:
        folder = folder.rpartition("/")[0]
        yield folder


def _hidden_folder(folder: str) -> str | None:
    """The topmost hidden folder on a path."""
    parts = folder.split("/") if folder else []
    for number, part in enumerate(parts, start=1):
        if is_hidden(part):
            return "/".join(parts[:number])
    return None


def _base(folders: Iterable[str]) -> tuple[str, ...]:
    """The folders around everything: those that hold nothing but one further folder with pictures."""
    parts = [tuple(folder.split("/")) if folder else () for folder in folders]
    base: tuple[str, ...] = ()
    while True:
        below = {p[len(base)] if len(p) > len(base) else None for p in parts}
        if len(below) != 1 or None in below:
            return base
        (name,) = below
        assert name is not None
        # A folder that holds pictures itself is a class; one that names a split is a split.
        if split_of(name) is not None or any(len(p) == len(base) + 1 for p in parts):
            return base
        base = (*base, name)


def _splits(folders: Iterable[str], base: tuple[str, ...], source: str, kind: FileKind) -> dict[str, str]:
    """Folder name → split, where the folders below the base name splits; empty where they are classes.

    A class may be called "train" too: among folders of which one names no split, two different splits must be named, or
    the only one must hold folders of which the others have nothing.

    Raises:
        DataError: the folders name splits and hold no classes, or it cannot be told what they are.
    """
    depth = len(base)
    parts = [folder.split("/") for folder in folders if folder]
    below = {p[depth] for p in parts if len(p) > depth}
    named = {name: split for name in below if (split := split_of(name)) is not None}
    holds = {name: {p[depth + 1] for p in parts if len(p) > depth + 1 and p[depth] == name} for name in below}
    if not any(holds[name] for name in named):
        if named and len(named) == len(below) and (len(set(named.values())) > 1 or set(named.values()) == {"train"}):
            raise DataError(
                f"{source}: its folders {_and(named)} name splits, and the {kind.plural} in them lie in no folders of "
                f"classes; {_required(kind)}."
            )
        return {}
    if len(named) == len(below) or len(set(named.values())) > 1:
        return named
    (only,) = named if len(named) == 1 else (sorted(named)[0],)
    others = sorted(below - set(named))
    if len(holds[only]) < 2:
        return {}
    if any(holds[name] for name in others):
        raise DataError(
            f"{source}: it cannot be told whether {only} is a split, with the classes {_and(holds[only])}, or a class "
            f"beside {_and(others)}. For the first name the folder itself ({source}/{only}); for the second give it "
            "another name."
        )
    return named


def _splits_inside(folders: Iterable[str], base: tuple[str, ...], source: str, kind: FileKind) -> bool:
    """Whether splits stand below the classes (``cat/train``, ``cat/test``) and not above them.

    Raises:
        DataError: they do in some classes only.
    """
    depth = len(base)
    inner = [folder.split("/")[depth:] for folder in folders if folder]
    classes = {each[0] for each in inner if each}
    in_splits = {each[0] for each in inner if len(each) > 1 and split_of(each[1]) is not None}
    outside = sorted({"/".join(each[:2]) for each in inner if each and (len(each) < 2 or split_of(each[1]) is None)})
    found = {split_of(each[1]) for each in inner if len(each) > 1}
    if len(classes) < 2 or not in_splits or len(found - {None}) < 2:
        return False
    if outside:
        some = sorted(in_splits)[0]
        raise DataError(
            f"{source}: {some} holds folders that name splits, but {_and(outside)} lies in none. Move its "
            f"{kind.plural} into such folders, or take the splits out of {some} where they are none."
        )
    return True


def _wrapping(folders: Iterable[str], base: tuple[str, ...], splits: dict[str, str]) -> int:
    """How many folders stand between the splits and the classes in every split (``train/images/cat``)."""
    if not splits:
        return 0
    depth = len(base) + 1
    inner = [
        parts[depth:]
        for folder in folders
        if len(parts := folder.split("/")) > depth - 1 and parts[len(base)] in splits
    ]
    wrapping = 0
    while inner and all(len(each) > wrapping + 1 for each in inner) and len({each[wrapping] for each in inner}) == 1:
        wrapping += 1
    return wrapping


def _home(
    folder: str,
    base: tuple[str, ...],
    splits: dict[str, str],
    nested: set[str],
    *,
    below: int = 0,
    inside: bool = False,
    innermost: bool = False,
) -> tuple[str | None, str] | None:
    """Split and class of what lies in a folder, or None where no class folder is above it."""
    parts = folder.split("/") if folder else []
    inner = parts[len(base) :]
    if tuple(parts[: len(base)]) != base or not inner:
        return None
    split = None
    if splits:
        if inner[0] not in splits:
            return None
        split, inner = splits[inner[0]], inner[1 + below :]
        if not inner:
            return None
    elif inside:
        split = split_of(inner[1]) if len(inner) > 1 else None
        if split is None:
            return None
        inner = [inner[0], *inner[2:]]
    if innermost:
        name = "/".join(inner)
    else:
        name = inner[0]
        if len(inner) > 1:
            nested.add("/".join(inner[:2]))
    # macOS writes ğ as two characters, others as one.
    return split, unicodedata.normalize("NFC", shown(name))


def _and(names: Iterable[str], most: int = 4) -> str:
    listed = sorted(map(shown, names), key=natural_key)
    return ", ".join(listed[:most]) + (", …" if len(listed) > most else "")


def _part(folder: str, depth: int) -> str:
    parts = folder.split("/")
    return parts[depth] if len(parts) > depth else ""


def _listed(paths: list[str], reason: str) -> list[Finding]:
    """One finding for each path, up to 200 in a folder; the rest of a folder in one."""
    found: list[Finding] = []
    rest: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for path in paths:
        folder = str(PurePosixPath(path).parent)
        told[folder] += 1
        if told[folder] <= _MOST_LISTED:
            found.append(Finding(shown(path), Outcome.SKIPPED, reason))
        else:
            rest[folder] += 1
    found += [
        Finding(f"{shown(folder)}: {n:,} more files", Outcome.SKIPPED, reason, count=n) for folder, n in rest.items()
    ]
    return found


def _counted(findings: list[Finding]) -> str:
    """What was found instead, as a clause."""
    reasons: Counter[str] = Counter()
    for finding in findings:
        reasons[finding.reason] += finding.count
    if not reasons:
        return "; got an empty folder"
    return "; got " + ", ".join(f"{number:,} x {reason}" for reason, number in reasons.most_common(4))
