"""What a folder or archive holds, told by its content before anything is read as classes.

Pictures beside their masks, two readers' drawings of the same pictures, boxes, captions, transcripts: taken for
classes, such data trains to a confident report that means nothing. What is recognized is named, also where Derin cannot
learn it yet.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path, PurePosixPath
from typing import Any

from derin.readers.annotations.tables import TABLE_ENDINGS, named_pictures, table_form
from derin.readers.annotations.via import is_via
from derin.readers.archives import UnreadableFileError, is_document, is_hidden, open_files
from derin.readers.file_kinds import PICTURE_FILES, SOUND_FILES
from derin.readers.file_names import is_archive
from derin.readers.json_records import JSON_ENDINGS
from derin.readers.pictures.companions import MASK_FOLDERS, companions
from derin.readers.split_names import split_of
from derin.readers.tagged_lines import is_number

_UNREAD_SOUNDS = frozenset((".m4a", ".aac", ".wma", ".amr", ".mka"))
_TRANSCRIPTS = frozenset((".txt", ".lab", ".textgrid"))
VIDEOS = frozenset((".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv"))
SCORES = frozenset((".mid", ".midi", ".abc", ".musicxml", ".mxl"))
_MAYBE_MASKS = ("label", "labels", "annotation", "annotations", "target", "targets")
_DEPTHS = ("depth", "depths", "disparity", "disp", "normals", "normal")
_READERS = ("reader", "rater", "annotator", "expert", "observer", "grader", "doctor", "radiologist", "manual")
_IMAGES = ("image", "images", "img", "imgs", "jpegimages", "pngimages", "jpeg", "jpg", "png", "photos", "pictures",
           "rgb", "color", "colour", "input", "inputs", "data", "frames", "raw")  # fmt: skip
_SUFFIX = re.compile(
    r"[-_. ]?(masks?|segmentation|seg|gt|labels?|labelids|annotations?|annot|groundtruth|matte|depth|disp|l)$", re.I
)
_PREFIX = re.compile(r"^(masks?|seg|gt|labels?|depth|rgb|image|img|color)[-_. ]+", re.I)

MASKS, BOXES, POINTS = "masks", "boxes", "points"
# The task that each is read for.
TASK_OF = {MASKS: "segmentation", BOXES: "detection", POINTS: "landmarks"}

_MOST_NAMES = 20_000
_MOST_SEQUENTIAL_NAMES = 2_000
_HEAD_BYTES = 1 << 16
_FEW = 3
_SHARED = 0.9
_MOST_FOLDERS = 60
_MOST_LAYERS = 6
_FEWEST_PAIRS = 3
_MASK_VALUES = 32
_COMPARED = 6
_ALIKE = 0.8


@dataclass(frozen=True)
class FileTree:
    """The visible files of a folder or archive, without those that only speak about it.

    Args:
        where: it lies.
        names: relative paths, parts joined by ``/``; of very many the first.
        head: the beginning of a file; empty where it cannot be read quickly.
    """

    where: Path
    names: tuple[str, ...]
    head: Callable[[str], bytes]

    @cached_property
    def pictures(self) -> list[str]:
        return [name for name in self.names if PICTURE_FILES.may_be(name) and PurePosixPath(name).suffix]

    def with_ending(self, *endings: str) -> list[str]:
        """The files whose names end so, in small letters."""
        return [name for name in self.names if PurePosixPath(name.lower()).suffix in endings]


def recognized(path: Path) -> str:
    """What a folder or archive holds that Derin does not train on, as a sentence; empty where nothing of that is found,
    and a key of `TASK_OF` where pictures have masks or boxes.

    Args:
        path: of a folder, a zip or a tar.
    """
    with closing(open_files(path)) as files:
        names = files.names(_MOST_SEQUENTIAL_NAMES if files.is_sequential else _MOST_NAMES)
        # What can be read only from its beginning on is read once.
        heads = {n: data[:_HEAD_BYTES] for n, data in files.read_all(_telling(names))} if files.is_sequential else {}

        def head(name: str) -> bytes:
            try:
                return heads.get(name, b"") if files.is_sequential else files.read(name)[:_HEAD_BYTES]
            except (UnreadableFileError, KeyError):
                return b""

        parts = ((name, name.split("/")) for name in names)
        seen = (name for name, each in parts if not any(map(is_hidden, each)) and not is_document(each[-1]))
        tree = FileTree(path, tuple(seen), head)
        found = next((said for look in _LOOKS if (said := look(tree))), "")
    return f"{path} holds {found}" if found and found not in TASK_OF else found


def _telling(names: Sequence[str]) -> list[str]:
    """Some files of each ending that may tell what the others are."""
    texts = [name for name in names if not is_document(name.rpartition("/")[2])]
    return [
        name
        for ending in (".xml", ".json", ".txt", ".csv", *JSON_ENDINGS)
        for name in [each for each in texts if each.lower().endswith(ending)][: 4 * _FEW]
    ]


def _sounds(tree: FileTree) -> str:
    unread = tree.with_ending(*_UNREAD_SOUNDS)
    if unread and 2 * len(unread) >= len(tree.names):
        endings = ", ".join(sorted({PurePosixPath(name.lower()).suffix[1:] for name in unread}))
        return (
            f"{len(unread):,} recordings in a form that Derin does not read ({endings}). Convert them to FLAC or WAV, "
            "and keep their folders."
        )
    sounds = [name for name in tree.names if SOUND_FILES.is_named(name)]
    texts = tree.with_ending(*_TRANSCRIPTS)
    shared = {_whole_stem(name) for name in sounds} & {_whole_stem(name) for name in texts}
    in_chapters = any(name.endswith(".trans.txt") for name in texts)
    if not sounds or not (in_chapters or 2 * len(shared) > len(sounds)):
        return ""
    return f"{len(sounds):,} recordings of sound with transcripts: {_no_task('transcripts of speech')}"


def _whole_stem(name: str) -> str:
    return name.rpartition(".")[0]


def _scores(tree: FileTree) -> str:
    scores = tree.with_ending(*SCORES)
    if not scores or 2 * len(scores) < len(tree.names):
        return ""
    return f"{len(scores):,} files of written music (MIDI, ABC): {_no_task('music')}"


def _videos(tree: FileTree) -> str:
    videos = tree.with_ending(*VIDEOS)
    if not videos:
        return ""
    frames = f" and {len(tree.pictures):,} pictures, which may be frames of them" if tree.pictures else ""
    return f"{len(videos):,} videos{frames}: {_no_task('videos')}"


def _voc(tree: FileTree) -> str:
    found = tree.with_ending(".xml")
    return BOXES if _no_classes(tree) and found and b"<annotation" in tree.head(found[0]) else ""


def _json_annotations(tree: FileTree) -> str:
    if not _no_classes(tree):
        return ""
    for name in tree.with_ending(".json")[: 2 * _FEW]:
        head = tree.head(name)
        keys = set(re.findall(rb'"([A-Za-z_]+)"\s*:', head))
        if b"imagePath" in keys and b"shapes" in keys:
            return _annotated(tree, "outlines in LabelMe form (a JSON file for each picture)", "segmentation")
        if is_via(head):
            return BOXES
        if b"caption" in keys:
            return _annotated(tree, f"captions in COCO form ({name})", "image captioning")
        if b"question" in keys or b"questions" in keys or PurePosixPath(name).stem.lower().endswith("questions"):
            return _annotated(tree, f"questions and answers about them ({name})", "visual question answering")
        if b"bbox" in keys or ({b"images", b"annotations"} & keys and b"file_name" in keys):
            return BOXES
    return ""


def _yolo(tree: FileTree) -> str:
    texts = {_stem(name): name for name in tree.with_ending(".txt")}
    shared = [texts[stem] for stem in map(_stem, tree.pictures) if stem in texts]
    if not _no_classes(tree) or 2 * len({*shared}) < len(tree.pictures) or not shared:
        return ""
    lines = [
        line.split() for name in shared[: 2 * _FEW] for line in _text(tree.head(name)).splitlines()[:5] if line.strip()
    ]
    if lines and all(len(cells) >= 5 and all(map(is_number, cells)) for cells in lines):
        return BOXES
    return _annotated(tree, "a text file for each picture", "captions or boxes")


def _pts(tree: FileTree) -> str:
    stems = {_stem(name) for name in tree.with_ending(".pts")}
    return POINTS if stems and 2 * len(stems & {*map(_stem, tree.pictures)}) >= len(stems) else ""


def recognized_table(path: Path) -> str:
    """`BOXES` or `POINTS` where a table in a folder or archive, or the table itself, holds these of pictures; else
    empty. What the rows are called must be pictures by its ending, or be there as pictures: parts of a machine have
    width and height too."""
    is_table = path.is_file() and path.suffix.lower() in TABLE_ENDINGS
    if path.is_file() and not is_table and not is_archive(path):
        return ""
    with closing(open_files(path.parent if is_table else path)) as files:
        names = files.names(_MOST_SEQUENTIAL_NAMES if files.is_sequential else _MOST_NAMES)
        pictures = {_stem(name) for name in names if PICTURE_FILES.is_named(name)}
        if is_table:
            with path.open("rb") as file:
                return _table_form(file.read(_HEAD_BYTES), pictures)
        tables = [n for n in names if n.lower().endswith(TABLE_ENDINGS) and n.count("/") < _FEW][: 2 * _FEW]
        if not tables or not pictures:
            return ""
        forms = {_table_form(data[:_HEAD_BYTES], pictures) for _, data in files.read_all(tables)}
    return next((form for form in (BOXES, POINTS) if form in forms), "")


def _table_form(data: bytes, pictures: Collection[str]) -> str:
    if is_via(data):
        return BOXES
    form = table_form(data)
    if form is None:
        return ""
    called = named_pictures(data)
    return form if any(PICTURE_FILES.is_named(name) or PurePosixPath(name).name in pictures for name in called) else ""


def _captions(tree: FileTree) -> str:
    if not _no_classes(tree):
        return ""
    known = {PurePosixPath(name).name for name in tree.pictures}
    for name in tree.with_ending(*JSON_ENDINGS)[: 4 * _FEW]:
        objects = [value for line in _text(tree.head(name)).splitlines() if isinstance(value := _parsed(line), dict)]
        cells = [[each for each in value.values() if isinstance(each, str)] for value in objects]
        told = sum(
            any(PurePosixPath(cell).name in known for cell in row) and any(len(cell.split()) >= _FEW for cell in row)
            for row in cells
        )
        if len(cells) >= _FEW and 2 * told > len(cells):
            return _annotated(tree, f"captions ({name})", "image captioning")
    for name in [n for n in tree.with_ending(".txt", ".csv", ".tsv", ".token") if n.count("/") < _FEW][: 4 * _FEW]:
        lines = [line for line in _text(tree.head(name)).splitlines()[1:200] if line.strip()]
        told = 0
        for line in lines:
            match = re.match(r"([^\t,|#]+\.[A-Za-z]{2,4})(?:#\d+)?[\t,| ]+(.*)", line)
            told += match is not None and match[1].strip() in known and len(match[2].split()) >= _FEW
        if len(lines) >= _FEW and 2 * told > len(lines) and not re.search(r",\s*-?\d+(\.\d+)?\s*,", lines[0]):
            return _annotated(tree, f"captions ({name})", "image captioning")
    return ""


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _pairs(tree: FileTree) -> str:
    """Folders whose pictures have the same names: a picture and what belongs to it."""
    # Masks within folders of classes are left out where these are read.
    belonging = companions(tree.pictures)
    if belonging and _no_classes(tree):
        return MASKS
    stems: dict[str, set[str]] = {}
    for name in tree.pictures:
        if name in belonging:
            continue
        stems.setdefault(name.rpartition("/")[0], set()).add(_bare(_stem(name)))
    if not 2 <= len(stems) <= _MOST_FOLDERS:
        return ""
    for one, other in combinations(sorted(stems), 2):
        shared = stems[one] & stems[other]
        if len(shared) < min(_FEWEST_PAIRS, len(stems[one])) or len(shared) < _SHARED * min(
            len(stems[one]), len(stems[other])
        ):
            continue
        apart = _where_apart(one, other)
        kinds = _kind_of_folder(apart[0]), _kind_of_folder(apart[1])
        if kinds.count("maybe mask") == 1 and {each.lower() for each in apart} & set(_IMAGES):
            return MASKS
        for kind, what in (("mask", MASKS), ("depth", _DEEP), ("reader", _TWICE)):
            if (kind == "reader" and kinds == (kind, kind)) or (kind != "reader" and kinds.count(kind) == 1):
                return what.format(one=_folder(one), other=_folder(other), count=len(shared))
        # Many classes may share names, such as those of fonts; few that do, some of them in few colours, are masks.
        are_many = len(stems) > 2 and (len(stems) > _MOST_LAYERS or _are_counted(shared))
        if are_many or one.rpartition("/")[0] != other.rpartition("/")[0]:
            continue
        if kinds.count("maybe mask") == 1 or _are_masks(tree, one, other):
            return MASKS
        if len(stems) != 2 or not len(stems[one]) == len(stems[other]) == len(shared):
            continue
        if not _are_counted(shared) or _look_alike(tree, one, other):
            return (
                f"{len(shared):,} pictures under the same names in {_folder(one)} and {_folder(other)}: pairs by their "
                "names, which Derin does not learn from. If the folders are classes all the same, say so with "
                "--task classification."
            )
    return ""


_LOOKS: tuple[Callable[[FileTree], str], ...] = (
    _sounds, _scores, _videos, _pairs, _pts, _voc, _json_annotations, _yolo, _captions)  # fmt: skip

_ANYWAY = "If its folders are classes all the same, say so with --task classification."
_DEEP = (
    "pictures with maps of depth ({count:,} names stand in both {one} and {other}): a task for depth estimation, which "
    f"Derin does not have yet. {_ANYWAY}"
)
_TWICE = (
    "drawings of the same pictures by several readers ({count:,} names stand in both {one} and {other}): no classes, "
    f"but answers to be compared, for which Derin has no task yet. {_ANYWAY}"
)


def _annotated(tree: FileTree, what: str, task: str) -> str:
    return (
        f"{len(tree.pictures):,} pictures with {what}: a task for {task}, which Derin does not have yet. Derin learns "
        "from folders of pictures by class, and from a table that lists pictures with their labels."
    )


def _no_task(what: str) -> str:
    return f"Derin has no task for {what} yet. It learns from pictures, sounds, tables, texts and series."


def _no_classes(tree: FileTree) -> bool:
    """Whether the pictures lie in no folders that could be classes."""
    folders = {name.rpartition("/")[0] for name in tree.pictures}
    words = [[part for part in folder.split("/") if part] for folder in folders]
    while words and all(words) and len({each[0] for each in words}) == 1:
        words = [each[1:] for each in words]
    kept = {
        tuple(part for part in each if split_of(part) is None and part.lower() not in _IMAGES) for each in words
    } - {()}
    return bool(tree.pictures) and len(kept) < 2


def _where_apart(one: str, other: str) -> tuple[str, str]:
    """The names by which two folders differ: ``images`` and ``labels`` of ``images/train`` and ``labels/train``."""
    parts = one.split("/"), other.split("/")
    apart = [pair for pair in zip(*parts) if pair[0] != pair[1]]
    return apart[0] if len(parts[0]) == len(parts[1]) and len(apart) == 1 else (parts[0][-1], parts[1][-1])


def _kind_of_folder(folder: str) -> str:
    name = PurePosixPath(folder).name
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    for kind, known in (("mask", MASK_FOLDERS), ("depth", _DEPTHS), ("reader", _READERS), ("maybe mask", _MAYBE_MASKS)):
        if any(word in known or word.removesuffix("s") in known for word in words):
            return kind
    glued = name.lower()
    return "mask" if any(glued.endswith(word) for word in ("mask", "masks", "annot")) else ""


def _are_masks(tree: FileTree, one: str, other: str) -> bool:
    """Whether one folder's pictures have a few values and those of the other many."""
    few = []
    for folder in (one, other):
        inside = [name for name in tree.pictures if name.rpartition("/")[0] == folder][:_FEW]
        few.append([_num_values(tree.where, name) <= _MASK_VALUES for name in inside])
    return (all(few[0]) and not any(few[1])) or (all(few[1]) and not any(few[0]))


def _look_alike(tree: FileTree, one: str, other: str) -> bool:
    """Whether two folders hold the same scenes: pictures of one name are alike, those of different names are not."""
    import numpy as np

    small: list[list[Any]] = []
    by_stem = [
        {_bare(_stem(name)): name for name in tree.pictures if name.rpartition("/")[0] == folder}
        for folder in (one, other)
    ]
    stems = sorted(by_stem[0].keys() & by_stem[1].keys())[:_COMPARED]
    for names in by_stem:
        found = [_thumbnail(tree.where, names[stem]) for stem in stems]
        if any(each is None or not np.std(each) for each in found):
            return False
        small.append(found)
    between = np.corrcoef(np.stack([*small[0], *small[1]]))[: len(stems), len(stems) :]
    apart = between[~np.eye(len(stems), dtype=bool)]
    return len(stems) >= _FEWEST_PAIRS and float(between.diagonal().min()) > _ALIKE > 2 * float(apart.mean())


def _thumbnail(where: Path, name: str) -> Any:
    """A picture in gray, very small, as a row of numbers; None where it cannot be read."""
    import numpy as np

    from derin.data.pictures.decode import UnreadablePictureError, open_picture

    with closing(open_files(where)) as files:
        if files.is_sequential:
            return None
        try:
            image = open_picture(files.read(name)).image
        except (UnreadablePictureError, UnreadableFileError):
            return None
    return np.asarray(image.convert("L").resize((12, 12)), dtype=np.float64).ravel()


def _num_values(where: Path, name: str) -> int:
    """How many different values a picture's first channel has; 0 where it cannot be read."""
    import numpy as np

    from derin.data.pictures.decode import UnreadablePictureError, open_picture

    with closing(open_files(where)) as files:
        if files.is_sequential:
            return 0
        try:
            return len(np.unique(np.asarray(open_picture(files.read(name)).image)))
        except (UnreadablePictureError, UnreadableFileError):
            return 0


def _are_counted(stems: set[str]) -> bool:
    """Whether names are numbers that were given out one after the other, as in every class anew."""
    numbers = [re.findall(r"[0-9]+", stem) for stem in stems]
    if not all(numbers):
        return False
    last = sorted(int(each[-1]) for each in numbers)
    rest = Counter(re.sub(r"[0-9]+(?=[^0-9]*$)", "", stem) for stem in stems)
    return len(rest) == 1 and last[0] <= 1 and last[-1] - last[0] < 2 * len(last)


def _bare(stem: str) -> str:
    return _PREFIX.sub("", _SUFFIX.sub("", stem)) or stem


def _stem(name: str) -> str:
    return PurePosixPath(name).name.rpartition(".")[0]


def _folder(path: str) -> str:
    return f"{path or '.'}/"


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")


def _some(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
