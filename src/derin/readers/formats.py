"""Which form of data a file or folder is, found from the names in it, and the reader of that form."""

from __future__ import annotations

import inspect
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from derin.core.errors import DataError, UnknownNameError, UsageError
from derin.core.messages import Message
from derin.core.printable import shown_reason
from derin.core.registry import Registry
from derin.data.recipe import ReadingRecipe, ReadOptions
from derin.data.table import Dense, Table
from derin.readers.archives import ARCHIVE_ERRORS, is_document, is_hidden, members_of, open_tar
from derin.readers.arrays import is_array_file, is_array_folder, read_arrays
from derin.readers.cifar import is_cifar_folder, read_cifar
from derin.readers.conll import looks_like_conll
from derin.readers.content import EXCEL, PARQUET, content_of
from derin.readers.csv_table import SETTINGS, csv_files, holds_table, looks_like_csv, read_csv
from derin.readers.fasta import FASTA, looks_like_fasta, read_fasta
from derin.readers.file_kinds import PICTURE_FILES, SOUND_FILES
from derin.readers.file_names import file_ending, is_archive
from derin.readers.file_table_search import find_file_table
from derin.readers.file_tables import read_file_table
from derin.readers.idx import is_idx_file, is_idx_folder, read_idx
from derin.readers.labelled_text import TEXTS, looks_like_labelled_text, read_labelled_text
from derin.readers.listing import FOLDER_SETTINGS, FOLDERS
from derin.readers.pairs import looks_like_pairs
from derin.readers.recognition import TASK_OF, recognized, recognized_table
from derin.readers.sounds import SOUNDS, rate_of, read_sound_folder, stored_sounds
from derin.readers.table_recipe import SUBJECT
from derin.readers.unpacking import unpack

FORMS = (
    "class folders of pictures or sounds (also in a zip or tar, also below train, val and test)",
    "IDX files (train-images-idx3-ubyte.gz)",
    "the binary files of CIFAR-10",
    ".npz and .npy arrays",
    "tables in .csv, .tsv, .json, .jsonl, Excel (.xlsx) and Parquet files, and of numbers apart by spaces",
    "labelled texts (.tsv, .csv, .json, .jsonl, class folders of .txt, or one file for each class)",
    "FASTA files with classes in the headers, or one file for each class",
    "tagged words in columns (CoNLL: a word and its tag on each line)",
    "sentence pairs (two parallel files such as train.en and train.de, or a file with a tab between)",
    "pictures beside their masks (folders images and masks, or 7.png and 7_mask.png)",
    "pictures with boxes (Pascal VOC, COCO, YOLO, VGG Image Annotator, tables) or points (tables, .pts)",
    "with --task: plain text (lm, word-vectors), CoNLL columns (tagging), sentence pairs (translation), "
    "measurements over time (forecasting)",
)

_TEXT_ENDINGS = frozenset((".txt", ".text"))
# So many names tell what a folder holds; a million pictures are not walked to find that out.
_MOST_NAMES = 2000
_FEW_NAMES = 6
_HIDDEN = ("__MACOSX",)


# What a task reads where a file's form does not tell it from another task's. Each is
# ``reader(path, *, name, **settings) -> Table``; its further arguments are what `derin.load` takes as ``report``.
READERS_BY_TASK: Registry[Callable[..., Table]] = Registry(
    "task that reads data in a form of its own",
    {
        "lm": "derin.readers.plain_text:read_plain_text",
        "word-vectors": "derin.readers.plain_text:read_plain_text",
        "glove": "derin.readers.plain_text:read_plain_text",
        "tagging": "derin.readers.conll:read_conll",
        "translation": "derin.readers.pairs:read_pairs",
        "forecasting": "derin.readers.series:read_series",
        "segmentation": "derin.readers.masks:read_masks",
        "detection": "derin.readers.annotations.boxes:read_boxes",
        "localization": "derin.readers.annotations.boxes:read_boxes",
        "landmarks": "derin.readers.annotations.points:read_points",
        "restore": "derin.readers.whole_pictures:read_whole_pictures",
    },
)


# What a recipe found out tells what other data is read as.
_TASKS_BY_SUBJECT = {
    "tags": "tagging",
    "pairs": "translation",
    "series": "forecasting",
    "masks": "segmentation",
    "boxes": "detection",
    "points": "landmarks",
    "whole_pictures": "restore",
}


def read_form(path: Path, *, name: str, options: ReadOptions) -> Table:
    """The table in a file or folder of any form that Derin reads.

    Raises:
        DataError: nothing is there, or no form fits.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist; a file, a folder or the name of a data set is required.")
    task = next((t for subject, t in _TASKS_BY_SUBJECT.items() if subject in options.found), options.task)
    if task is not None and task in READERS_BY_TASK:
        return read_for_task(task, path, name=name, options=options)
    if FASTA in options.found and looks_like_fasta(path):
        return read_fasta(path, name=name, target=options.target, options=options)
    if TEXTS in options.found and not is_archive(path):
        return read_labelled_text(path, name=name, target=options.target, options=options)
    table = _read_file(path, name, options) if path.is_file() else _read_folder(path, name, options)
    recipe = table.recipe or ReadingRecipe()
    read_for = table.task in READERS_BY_TASK
    if options.reader_options and not read_for and not any(map(recipe.part, (SUBJECT, FOLDERS, SOUNDS, "listing"))):
        raise UsageError(
            f"load: reader options ({', '.join(options.reader_options)}) are for tables, class folders, sounds and "
            f"data that is read for a task ({', '.join(READERS_BY_TASK)}); leave them out, or name the task."
        )
    return table


def read_for_task(task: str, path: Path | Sequence[Path], *, name: str, options: ReadOptions, **settings: Any) -> Table:
    """The table that a task reads.

    Args:
        task: in `READERS_BY_TASK`.
        path: of a file or folder, or of several files.
        name: of the data.
        options: whose `report` are settings of that reader; a target that was named is one too.
        settings: that a known data set brings; what the user says wins.

    Raises:
        UnknownNameError: the reader has no such setting.
    """
    reader = READERS_BY_TASK[task]
    parameters = inspect.signature(reader).parameters
    known = [n for n, p in parameters.items() if p.kind is p.KEYWORD_ONLY and n not in ("name", "options")]
    given = {**settings, **options.reader_options}
    for said in ("target", "date_order", "missing"):
        if getattr(options, said) is not None and said in known:
            given[said] = getattr(options, said)
    for setting in given:
        if setting not in known:
            raise UnknownNameError(f"setting of reading for {task}", setting, known)
    table = reader(path, name=name, **given, **({"options": options} if "options" in parameters else {}))
    return replace(table, task=task)


def _read_file(path: Path, name: str, options: ReadOptions) -> Table:
    if is_idx_file(path):
        return read_idx(path, name=name)
    if is_array_file(path):
        return read_arrays(path, name=name, target=options.target, found=options.part("pictures"))
    if content_of(path) in (EXCEL, PARQUET):
        return _read_csv(path, name, options)
    if is_archive(path):
        return _read_archive(path, name, options)
    if options.part(SUBJECT):
        # As the data was whose recipe this is; nothing else is looked for in the file.
        return _read_csv(path, name, options)
    if options.task is None and (held := recognized_table(path)):
        return read_for_task(TASK_OF[held], path, name=name, options=options)
    if (table := _file_table(path, name, options)) is not None:
        return table
    if looks_like_fasta(path):
        return read_fasta(path, name=name, target=options.target, options=options)
    if looks_like_conll(path):
        return read_for_task("tagging", path, name=name, options=options)
    if looks_like_labelled_text(path):
        return read_labelled_text(path, name=name, target=options.target, options=options)
    if looks_like_csv(path):
        return _read_csv(path, name, options)
    if looks_like_pairs(path):
        return read_for_task("translation", path, name=name, options=options)
    if holds_table(path):
        table = _read_csv(path, name, options)
        table.report.notes.insert(0, Message("reading.table_by_content", file=path.name))
        return table
    if PICTURE_FILES.may_be(path.name):
        raise DataError(f"{path} is a single picture; name the folder that holds a folder of pictures for each class.")
    if SOUND_FILES.is_named(path.name):
        raise DataError(f"{path} is a single sound; name the folder that holds a folder of sounds for each class.")
    if "-labels" in path.name and "idx1" in path.name:
        raise DataError(f"{path} holds labels alone; name the file of the pictures beside it, or the folder of both.")
    if file_ending(path.name) in _TEXT_ENDINGS:
        raise DataError(
            f"{path} is plain text without labels; say what to learn from it: --task lm (a language model), "
            "word-vectors, glove, tagging or translation."
        )
    raise DataError(f"{path} is of no form that Derin reads as data. Derin reads {_forms()}.")


def _read_folder(path: Path, name: str, options: ReadOptions) -> Table:
    if is_idx_folder(path):
        return read_idx(path, name=name)
    if is_cifar_folder(path):
        return read_cifar(path, name=name)
    visible = sorted(p for p in path.iterdir() if not is_hidden(p.name) and not (p.is_file() and is_document(p.name)))
    if len(visible) == 1 and visible[0].is_file() and not PICTURE_FILES.may_be(visible[0].name):
        # Beside a readme and the like, one file is what is meant.
        return read_form(visible[0], name=name, options=options)
    if options.task is None and (held := recognized_table(path)):
        return read_for_task(TASK_OF[held], path, name=name, options=options)
    if (table := _file_table(path, name, options)) is not None:
        return table
    if (marked := _marked_for(path, options)) is not None:
        return read_for_task(marked, path, name=name, options=options)
    folders = [p for p in visible if p.is_dir()]
    below = [name for folder in folders for name in _names_below(folder)]
    num_pictures = sum(map(PICTURE_FILES.may_be, below))
    num_sounds = sum(map(SOUND_FILES.is_named, below))
    if num_sounds > max(num_pictures, _count(below, _TEXT_ENDINGS)):
        return read_sounds(path, name, options)
    if num_pictures and num_pictures >= _count(below, _TEXT_ENDINGS):
        return _read_pictures(path, name, options)
    if looks_like_fasta(path):
        return read_fasta(path, name=name, target=options.target, options=options)
    if looks_like_conll(path):
        return read_for_task("tagging", path, name=name, options=options)
    if looks_like_pairs(path):
        return read_for_task("translation", path, name=name, options=options)
    if looks_like_labelled_text(path):
        return read_labelled_text(path, name=name, target=options.target, options=options)
    if tables := csv_files(path):
        packed = [p for p in visible if is_archive(p)]
        if packed:
            ways = " or ".join(f"derin data {p}" for p in (packed[0], tables[0]))
            raise DataError(
                f"{path} holds {packed[0].name} and {tables[0].name}, which does not list what is in it: name the one "
                f"that is meant, {ways}."
            )
        table = _read_csv(path, name, options)
        others = [p.name for p in visible if p.is_file() and p not in tables]
        if others:
            table.report.notes.append(Message("reading.not_opened", files=", ".join(others[:_FEW_NAMES])))
        return table
    if is_array_folder(path):
        return read_arrays(path, name=name, target=options.target, found=options.part("pictures"))
    inner = [p for p in visible if is_archive(p) or p.is_dir()]
    if len(inner) == 1:
        return read_form(inner[0], name=name, options=options)
    if any(SOUND_FILES.is_named(p.name) for p in visible if p.is_file()):
        return read_sounds(path, name, options)  # which says that they lie in no class folders
    lone = [p for p in visible if p.is_file() and PICTURE_FILES.may_be(p.name)]
    if lone:
        if pickled := [p.name for p in lone if _is_pickle(p)]:
            raise DataError(
                f"{path}: {', '.join(pickled[:_FEW_NAMES])} {'is a pickle' if len(pickled) == 1 else 'are pickles'} of "
                "Python, which can run code when it is opened and is not read. Save arrays as npz; of CIFAR-10 the "
                "binary version is read (cifar-10-binary.tar.gz)."
            )
        raise DataError(
            f"{path}: its {len(lone):,} pictures lie in no folders of classes and no table lists them; a folder of "
            "pictures for each class is required, such as cats/1.jpg and dogs/1.jpg, or a csv file with their names "
            "and labels."
        )
    endings = Counter(file_ending(p.name) for p in visible if p.is_file())
    seen = [f"{n} {ending or 'without ending'}" for ending, n in endings.most_common(6)]
    if folders:
        shown = ", ".join(p.name for p in folders[:4]) + (", …" if len(folders) > 4 else "")
        seen.append(f"{len(folders)} folder{'s' if len(folders) > 1 else ''} ({shown})")
    held = ", ".join(seen) or "nothing"
    raise DataError(f"{path}: no data that Derin reads is there; it holds {held}. Derin reads {_forms()}.")


def _is_pickle(path: Path) -> bool:
    """Whether a file without ending begins as pickles of Python do, and so do not pictures."""
    with path.open("rb") as file:
        head = file.read(2)
    return not path.suffix and len(head) == 2 and head[0] == 0x80 and 2 <= head[1] <= 5


def _file_table(path: Path, name: str, options: ReadOptions) -> Table | None:
    """The pictures or sounds that a table lists, where there is such a table."""
    listing = options.part("listing")
    target = options.target or ",".join(listing.get("targets", ())) or None
    found = find_file_table(path, target=target, **({"fewest": 1} if listing else {}))
    if found is None:
        return None
    is_sounds = found.kind is SOUND_FILES
    settings = _reader_settings(options, ("rate",) if is_sounds else ("sensor",), f"tables of {found.kind.plural}")
    source, progress = found.source, options.progress
    store: Any
    if is_sounds:
        rate = rate_of(settings.get("rate"), options.part(SOUNDS))
        store = lambda listed: stored_sounds(source, rate=rate, list_files=listed, progress=progress)  # noqa: E731
    else:
        from derin.readers.pictures.store import Decisions, stored_pictures

        size, channels = options.size, options.channels
        decisions = Decisions.from_recipe(options.part("pictures"), size=size, channels=channels)
        store = lambda listed: stored_pictures(  # noqa: E731
            source, size=size, decisions=decisions, list_files=listed, progress=progress
        )
    return read_file_table(
        found,
        name=name,
        store=store,
        target=target,
        target_kind=options.target_kind,
        group=options.group_column,
        task=options.task,
        sensor=settings.get("sensor"),
        listing=listing,
    )


def _reader_settings(options: ReadOptions, known: Sequence[str], what: str) -> dict[str, Any]:
    """The settings of a reader that were asked for.

    Raises:
        UnknownNameError: it has no such setting.
    """
    for setting in options.reader_options:
        if setting not in known:
            raise UnknownNameError(f"setting of reading for {what}", setting, known)
    return dict(options.reader_options)


def _marked_for(path: Path, options: ReadOptions) -> str | None:
    """The task for which pictures there have masks or boxes, unless the user said that they lie in classes.

    Raises:
        DataError: something is there that would be taken for classes and that Derin does not learn.
    """
    said = recognized(path) if options.task is None and not options.inputs_only else ""
    if said and said not in TASK_OF:
        raise DataError(said)
    return TASK_OF.get(said)


def _read_archive(path: Path, name: str, options: ReadOptions) -> Table:
    if options.task is None and (held := recognized_table(path)):
        return read_for_task(TASK_OF[held], path, name=name, options=options)
    if (table := _file_table(path, name, options)) is not None:
        return table
    if (marked := _marked_for(path, options)) is not None:
        return read_for_task(marked, path, name=name, options=options)
    names = _names_in_archive(path)
    num_pictures, num_texts = sum(map(PICTURE_FILES.may_be, names)), _count(names, _TEXT_ENDINGS)
    if sum(map(SOUND_FILES.is_named, names)) > max(num_pictures, num_texts):
        return read_sounds(path, name, options)
    if num_pictures and num_pictures >= num_texts:
        return _read_pictures(path, name, options)
    if num_texts:
        return read_labelled_text(path, name=name, target=options.target, options=options)
    return _read_unpacked(path, names, name, options)


def _read_unpacked(path: Path, names: list[str], name: str, options: ReadOptions) -> Table:
    """Reads an archive of tables or arrays by way of a temporary folder; their values end up in memory."""
    readable = {".csv", ".tsv", ".tab", ".json", ".jsonl", ".jsonlines", ".ndjson", ".npz", ".npy", ".bin"}
    if not _count(names, readable) and not any(is_idx_file(Path(PurePosixPath(n).name)) for n in names):
        seen = Counter(file_ending(n) or "no ending" for n in names)
        held = ", ".join(f"{n} {ending}" for ending, n in seen.most_common(6)) or "nothing"
        raise DataError(f"{path}: no data that Derin reads is in it; it holds {held}. Derin reads {_forms()}.")
    with tempfile.TemporaryDirectory(prefix="derin-") as temporary:
        folder = unpack(path, Path(temporary) / "unpacked")
        table = _in_memory(read_form(folder, name=name, options=options))
    table.report.source = str(path)
    return table


def _in_memory(table: Table) -> Table:
    """The table without files that are mapped: they are about to vanish."""
    columns = {
        name: Dense(np.array(data.values)) if isinstance(data, Dense) and isinstance(data.values, np.memmap) else data
        for name, data in table.columns.items()
    }
    return replace(table, columns=columns)


def _read_csv(path: Path, name: str, options: ReadOptions) -> Table:
    return read_csv(path, name=name, **table_settings(options))


def table_settings(options: ReadOptions) -> dict[str, Any]:
    """What is said of a table, as `read_csv` takes it.

    Raises:
        UnknownNameError: the reader has no such setting.
    """
    for setting in options.reader_options:
        if setting not in SETTINGS:
            raise UnknownNameError("setting of reading for tables", setting, SETTINGS)
    found = options.part(SUBJECT)
    # What was said of the form of the training file is followed where it fits, and said anew where it is another.
    said = {n: str(value) if n == "sheet" else value for n, value in options.reader_options.items()}
    reading = {n: value for n, value in said.items() if n == "decimal" or found.get(n) != value}
    return {
        "target": options.target,
        "weight": options.weight_column,
        "group": options.group_column,
        "ignore": options.ignore,
        "target_kind": options.target_kind,
        "kinds": options.kinds,
        "date_order": options.date_order,
        "missing": options.missing,
        "task": options.task,
        "found": found,
        "inputs_only": options.inputs_only,
        **reading,
    }


def _read_pictures(path: Path, name: str, options: ReadOptions) -> Table:
    from derin.readers.picture_folder import read_picture_folder

    return read_picture_folder(
        path,
        name=name,
        size=options.size,
        channels=options.channels,
        found=options.part("pictures"),
        progress=options.progress,
        **options.part(FOLDERS) | _reader_settings(options, FOLDER_SETTINGS, "class folders"),
    )


def read_sounds(path: Path, name: str, options: ReadOptions, names: Any = None) -> Table:
    """Sounds of class folders, or of a documented set's names.

    Args:
        path: a folder, a zip or a tar.
        name: of the table.
        options: how it is read.
        names: what names say; see `NamePattern`.

    Raises:
        DataError: see `read_sound_folder`.
    """
    return read_sound_folder(
        path,
        name=name,
        names=names,
        group=None if names is None else options.group_column,
        found=options.part(SOUNDS),
        progress=options.progress,
        **options.part(FOLDERS) | _reader_settings(options, (*FOLDER_SETTINGS, "rate"), "class folders of sounds"),
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
                names = [info.filename for info in packed.infolist() if not info.filename.endswith("/")]
        else:
            with open_tar(path) as tar:
                for member in members_of(tar, path):
                    if member.isreg():
                        names.append(member.name)
                    if len(names) >= _MOST_NAMES:
                        break
    except (*ARCHIVE_ERRORS, OSError) as error:
        raise DataError(f"{path} is damaged or no archive ({shown_reason(error)}). Fetch it again.") from None
    return [n for n in names if not PurePosixPath(n).name.startswith(".") and not n.startswith(_HIDDEN)]


def _count(names: Iterable[str], endings: Iterable[str]) -> int:
    wanted = frozenset(endings)
    return sum(file_ending(name) in wanted for name in names)


def _forms() -> str:
    return "; ".join(FORMS)
