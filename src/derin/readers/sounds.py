"""Sounds of class folders, of a table that lists them, or of names that say what they are: decoded into memory.

All are brought to one rate, which the sounds of training decide: the commonest among them, and 16 kHz at most, above
which speech says nothing more. It stands in the recipe, and other sounds follow it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from derin.core.errors import DataError, RefusedFileError, UnknownNameError, UsageError
from derin.core.messages import Message
from derin.data.recipe import Progress
from derin.data.report import Finding, Outcome
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.sounds.decode import (
    HIGHEST_RATE,
    LOWEST_RATE,
    Sound,
    UnreadableSoundError,
    decode_sound,
    resampled,
)
from derin.data.table import Dense, Sounds, Table
from derin.readers.archives import Contents, Files, UnreadableFileError, open_files
from derin.readers.class_folders import LABEL, class_folder_table
from derin.readers.file_kinds import SOUND_FILES
from derin.readers.listing import CLASS_FOLDERS, Entry, Listing, natural_key, shown

SOUNDS = SOUND_FILES.plural  # under which a recipe keeps how they were read
_USUAL_HIGHEST_RATE = 16_000
_MOST_SAMPLES = 1 << 30  # 4 GiB as float32: 18 hours at 16 kHz
_RATES_SHOWN = 4
_NO_SPEAKER = ""


@dataclass(frozen=True)
class StoredSounds:
    """Sounds in memory; see `StoredFiles`."""

    data: Sounds
    entries: Sequence[Entry]
    listing: Listing
    findings: Sequence[Finding]
    notes: Sequence[str]

    @property
    def column(self) -> Column:
        """What the rows are."""
        return Column(
            name=SOUND_FILES.name,
            kind=Kind.SOUND,
            role=Role.INPUT,
            shape=(-1,),
            note=Message("reading.mono_at", rate=self.data.rate),
        )

    @property
    def found(self) -> dict[str, Any]:
        """What other sounds follow."""
        return {SOUNDS: {"rate": self.data.rate}}


ListFiles = Callable[[Contents, str], Listing]


@dataclass(frozen=True)
class NamePattern:
    """What the names of a documented set's files say.

    Args:
        expression: a regular expression for a file's whole name. Its group ``label``, where it has one, is the class;
            every other named group is a column.
        test: a regular expression for the names of the test split; where there is one all others train.
    """

    expression: str
    test: str = ""

    @property
    def says_classes(self) -> bool:
        """Whether the class is in the name, and not in the folder."""
        return "label" in re.compile(self.expression).groupindex

    def __call__(self, contents: Contents, source: str) -> Listing:
        """The files by the classes in their names.

        Raises:
            DataError: none is named so.
        """
        listing, others = Listing(), []
        for member in contents.members:
            name = member.path.rpartition("/")[2]
            if not SOUND_FILES.is_named(member.path):
                continue
            if (match := re.fullmatch(self.expression, name)) is None:
                others.append(Finding(shown(member.path), Outcome.SKIPPED, Message("reading.name_says_nothing")))
                continue
            split = None if not self.test else "test" if re.fullmatch(self.test, name) else "train"
            listing.entries.append(Entry(member, match["label"], split))
        if not listing.entries:
            raise DataError(f"{source}: no sound is named as the set's documentation says ({self.expression}).")
        listing.findings += others
        listing.class_names = tuple(sorted({entry.class_name for entry in listing.entries}, key=natural_key))
        return listing

    def columns(self, names: Sequence[str]) -> dict[str, list[str]]:
        """What the names say beside the class, by the group that says it; empty where a name does not fit."""
        matches = [re.fullmatch(self.expression, name.rpartition("/")[2]) for name in names]
        groups = [group for group in re.compile(self.expression).groupindex if group != "label"]
        return {group: [match[group] if match else _NO_SPEAKER for match in matches] for group in groups}


def read_sound_folder(
    path: Path,
    *,
    name: str,
    classes: str = "outermost",
    rate: int | None = None,
    names: NamePattern | None = None,
    group: str | None = None,
    found: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Table:
    """The sounds of class folders, or of names that say their classes.

    Args:
        path: a folder, a zip or a tar.
        name: of the table.
        classes: as of `read_picture_folder`.
        rate: samples per second of all; None is the commonest, and 16,000 at most.
        names: what names say, where a set is documented so; of classes they say nothing where they have no ``label``.
        group: a column that names say (a speaker), whose equal values stay in one split: the splits that the set was
            published with are left out then.
        found: what other sounds decided (`ReadingRecipe.part("sounds")`), which these follow.
        progress: called with (files done, files in all).

    Raises:
        DataError: no class folders, fewer than two classes, no sound that can be read, or more than memory holds.
        MissingExtraError: soundfile is not installed.
    """
    if classes not in CLASS_FOLDERS:
        raise UnknownNameError("choice of class folders", str(classes), tuple(CLASS_FOLDERS))
    by_name = names is not None and names.says_classes
    list_files: Any = names if by_name else partial(CLASS_FOLDERS[classes], kind=SOUND_FILES)
    stored = stored_sounds(Path(path), rate=rate_of(rate, found), list_files=list_files, progress=progress)
    table = class_folder_table(stored, Path(path), kind=SOUND_FILES, name=name, classes=classes, follows=bool(found))
    return table if names is None else _with_columns(table, names, group)


def rate_of(asked: Any, found: Mapping[str, Any] | None) -> int | None:
    """The rate that is asked for, or that other sounds decided; None decides anew.

    Raises:
        UsageError: there is no such rate.
        RefusedFileError: the recipe says what cannot be.
    """
    for rate, error, where in (
        (asked, UsageError, "The reader option rate of sounds"),
        ((found or {}).get("rate"), RefusedFileError, "The reading recipe of sounds is damaged: its rate"),
    ):
        if rate is None:
            continue
        if type(rate) is not int or not LOWEST_RATE <= rate <= HIGHEST_RATE:
            raise error(
                f"{where} must be a whole number of samples per second from {LOWEST_RATE} to {HIGHEST_RATE}; got "
                f"{str(rate)[:40]!r}."
            )
        return int(rate)
    return None


def stored_sounds(
    source: Path, *, rate: int | None, list_files: ListFiles, progress: Progress | None = None
) -> StoredSounds:
    """The sounds of a source, mono, at one rate.

    Args:
        source: the folder, zip or tar.
        rate: samples per second; None is the commonest, and 16,000 at most.
        list_files: which files are sounds, and of which classes.
        progress: called with (files done, files in all).

    Raises:
        DataError: none can be read, or all together are more than memory holds.
    """
    with closing(open_files(source)) as files:
        listing = list_files(files.contents(), str(source))
        entries = listing.in_order()
        sounds: dict[int, Sound] = {}
        findings: dict[int, Finding] = {}
        total = 0
        for done, (number, content) in enumerate(_contents(files, entries), start=1):
            where = shown(entries[number].member.path)
            try:
                if isinstance(content, UnreadableFileError):
                    raise content
                sound = decode_sound(content)
            except (UnreadableFileError, UnreadableSoundError) as error:
                findings[number] = Finding(where, Outcome.SKIPPED, error.args[0])
                continue
            finally:
                if progress is not None:
                    progress(done, len(entries))
            if sound.is_silent:
                findings[number] = Finding(where, Outcome.NOTED, Message("reading.sound_silent"))
            total += len(sound.samples)
            if total > _MOST_SAMPLES:
                raise DataError(
                    f"{source}: its sounds take more than {_MOST_SAMPLES:,} samples of memory, which are 18 hours at "
                    "16 kHz; name a folder with fewer of them."
                )
            sounds[number] = sound
    if not sounds:
        reasons = "; ".join(f"{each.where}: {each.reason}" for each in list(findings.values())[:3])
        raise DataError(
            f"{source}: none of its {len(entries):,} sounds can be read ({reasons}). Check what these files are."
        )
    chosen = sorted(sounds)
    counts = Counter(sound.rate for sound in sounds.values())
    if rate is None:
        rate = min(max(counts, key=lambda each: (counts[each], -each)), _USUAL_HIGHEST_RATE)
    notes = _notes([sounds[number] for number in chosen], counts, rate)
    data = Sounds.of([resampled(sounds.pop(number), rate) for number in chosen], rate)
    told = [findings[number] for number in sorted(findings)]
    return StoredSounds(data, [entries[number] for number in chosen], listing, told, notes)


def _contents(files: Files, entries: Sequence[Entry]) -> Iterator[tuple[int, bytes | UnreadableFileError]]:
    """Number and bytes of each file, in the order in which they are best read."""
    if files.is_sequential:
        place = {entry.member.path: number for number, entry in enumerate(entries)}
        for path, data in files.read_all(place):
            number = place.pop(path)
            is_lost = not data and entries[number].member.size
            yield number, UnreadableFileError(Message("reading.file_unreadable")) if is_lost else data
        return
    for number, entry in enumerate(entries):
        try:
            yield number, files.read(entry.member.path)
        except UnreadableFileError as error:
            yield number, error


def _notes(sounds: Sequence[Sound], counts: Mapping[int, int], rate: int) -> list[str]:
    """How many, how long, at which rates; and what was changed."""
    seconds = np.array([len(sound.samples) / sound.rate for sound in sounds])
    common = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rates = ", ".join(f"{each:,} Hz ({n:,})" for each, n in common[:_RATES_SHOWN])
    shortest, median, longest = (round(float(np.quantile(seconds, share)), 3) for share in (0, 0.5, 1))
    notes: list[str] = [
        Message(
            "reading.sounds",
            count=len(sounds),
            total=_length(float(seconds.sum())),
            shortest=shortest,
            median=median,
            longest=longest,
            rates=rates + (", …" if len(common) > _RATES_SHOWN else ""),
        )
    ]
    if changed := sum(n for each, n in counts.items() if each != rate):
        notes.append(Message("reading.sounds_resampled", count=changed, rate=rate))
    if several := sum(sound.channels > 1 for sound in sounds):
        notes.append(Message("reading.sounds_averaged", count=several))
    return notes


def _length(seconds: float) -> str:
    """Hours, minutes and seconds."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def _with_columns(table: Table, names: NamePattern, group: str | None) -> Table:
    """The table with what names say beside the class, which is no input; one of it keeps its equal values together."""
    row_names = table.row_names or ()
    said = names.columns(row_names)
    if group is not None and group not in said:
        raise UnknownNameError(f"column of {table.name!r}", group, said)
    note = Message("reading.from_names")
    columns = dict(table.columns)
    schema = [replace(each, note=note) if each.name == LABEL and names.says_classes else each for each in table.schema]
    for name, values in said.items():
        is_group = name == group
        # What has no speaker is one of its own: it binds nothing together.
        kept = [value or row for value, row in zip(values, row_names)] if is_group else values
        classes = tuple(sorted(set(kept) - {_NO_SPEAKER}, key=natural_key))
        codes = {value: code for code, value in enumerate(classes)}
        columns[name] = Dense(np.array([codes.get(value, -1) for value in kept], dtype=np.int64))
        role = Role.GROUP if is_group else Role.IGNORED
        schema.append(Column(name=name, kind=Kind.CATEGORY, role=role, classes=classes, note=note))
        if not is_group:
            table.report.notes.append(Message("reading.not_kept_together", column=name))
    if group is not None and table.splits:
        table.report.notes.append(Message("reading.splits_by_group", column=group))
    splits = {} if group is not None else table.splits
    return replace(table, columns=columns, schema=Schema(tuple(schema)), splits=splits)
