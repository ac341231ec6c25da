"""Sentences whose words have tags, in columns: one word on a line, an empty line between sentences (CoNLL)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from derin.core.errors import DataError, UsageError
from derin.core.messages import Sentence
from derin.data.readers.line_findings import line_findings
from derin.data.readers.split_names import split_of
from derin.data.readers.tagged_lines import (
    UNIVERSAL_COLUMNS,
    TaggedLines,
    are_numbered,
    has_tagged_head,
    last_span_column,
    read_tagged_lines,
)
from derin.data.reading import Outcome, Reading
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import SPLITS, ColumnData, Ragged, Table
from derin.data.tag_schemes import BioTags, Scheme, odd_tags, span_types, to_bio

_UNIVERSAL_TAG = 3  # the part of speech of CoNLL-U, from 0


@dataclass(frozen=True)
class _Places:
    """Which columns hold the words and the tags, from 0."""

    word: int
    tag: int
    note: str


def read_conll(
    path: str | Path | Sequence[str | Path], *, name: str, target: str | None = None, encoding: str | None = None
) -> Table:
    """Tagged sentences: in columns with tabs or spaces between, or on each line a sentence, a tab and its tags.

    Files named train, val (valid, dev, testa) or test (testb) are splits. Lines that begin a document (-DOCSTART-) and
    comments are left out. Tags that mark spans (BIO, IOB1, BIOES, IO) become BIO; see `derin.data.tag_schemes`.

    Args:
        path: of a file (also gzipped), of a folder, or of several files.
        name: of the data, for people.
        target: the column with the tags, a number from 1 (``"4"`` or ``"column_4"``); None finds it out: the last one
            that marks spans, else the last one.
        encoding: of all files, a name that Python knows; None finds it out for each.

    Shapes:
        column ``words`` ragged UTF-8, a line feed between words; column ``tags`` ragged int64.

    Raises:
        DataError: the files hold no tagged sentences, numbers of words and tags that disagree, or a tag that does not
            belong among the others.
        UsageError: there is no such column or encoding.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "a.conll").write_text("Ada I-PER\\nsleeps O\\n\\nRome I-LOC\\n")
        ...     table = read_conll(Path(folder) / "a.conll", name="a")
        >>> table.columns["words"].texts(), table.target().classes
        (['Ada\\nsleeps', 'Rome'], ('O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER'))
    """
    paths = [Path(path)] if isinstance(path, str | Path) else [Path(p) for p in path]
    for each in paths:
        if not each.exists():
            raise DataError(f"{each} does not exist; a file or folder with tagged sentences is required.")
    reading = Reading(source=", ".join(map(str, paths)))
    files = [read_tagged_lines(file, split, reading, encoding) for file, split in _files(paths, name, reading)]
    places = _places(files, target)
    for lines in files:
        _leave_out_broken(lines, places, reading)
    reading.notes.append(places.note)
    return _table(files, places, name, reading)


def looks_like_conll(path: Path) -> bool:
    """Whether a file, or every file of a folder that names a split, holds tagged words in columns; reads their heads.

    Example:
        >>> looks_like_conll(Path("missing"))
        False
    """
    if path.is_dir():
        return bool(_tagged_files(path))
    return path.is_file() and has_tagged_head(path)


def _files(paths: Sequence[Path], name: str, reading: Reading) -> list[tuple[Path, str]]:
    """Files and the split of each; one file alone has none."""
    if len(paths) == 1 and paths[0].is_dir():
        found = _tagged_files(paths[0])
        if not found:
            raise DataError(
                f"{paths[0]}: files with a word and its tag on each line are required; none is there. Name the file."
            )
        others = sorted(p.name for p in _visible(paths[0]) if p not in found)
        if others:
            reading.notes.append(Sentence("reading.others_no_tags", files=", ".join(others)))
        paths = found
    if len(paths) == 1:
        return [(paths[0], "")]
    splits = {path: split_of(path.name.removesuffix(".gz")) for path in paths}
    unnamed = [path.name for path, split in splits.items() if split is None]
    if unnamed:
        raise DataError(
            f"{name}: of several files each must name its split (train, val or dev, test); {unnamed[0]} does not. "
            "Rename it, or name one file."
        )
    return [(path, split) for path, split in sorted(splits.items(), key=lambda item: SPLITS.index(item[1] or ""))
            if split is not None]  # fmt: skip


def _visible(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))


def _tagged_files(folder: Path) -> list[Path]:
    return [path for path in _visible(folder) if has_tagged_head(path)]


def _places(files: Sequence[TaggedLines], target: str | None) -> _Places:
    """Where words and tags stand, the same in all files."""
    widths = {lines.file: lines.num_columns for lines in files}
    if len(set(widths.values())) > 1:
        told = ", ".join(f"{file} {width}" for file, width in widths.items())
        raise DataError(f"All files of tagged sentences must have as many columns as each other; got {told}.")
    width = files[0].num_columns
    if width < 2:
        raise DataError(
            f"{files[0].file}: a word and a tag are required on each line, with a tab or a space between; "
            "most lines have 1 column."
        )
    rows = [cells for lines in files for cells in lines.cells if len(cells) == width]
    numbered = are_numbered(rows)
    word = 1 if numbered else 0
    if target is not None:
        tag, how = _asked(target, width, word), Sentence("reading.as_asked")
    elif width == UNIVERSAL_COLUMNS and numbered:
        tag, how = _UNIVERSAL_TAG, Sentence("reading.part_of_speech")
    else:
        tag = last_span_column(rows)
        how = Sentence("reading.last_of_spans" if tag < width - 1 else "reading.the_last")
    note = Sentence("reading.words_and_tags", word=word + 1, width=width, tag=tag + 1, how=how)
    return _Places(word, tag, note)


def _asked(target: str, width: int, word: int) -> int:
    """The column that the user names, from 0."""
    number = target.removeprefix("column_")
    if not number.isdecimal() or not 1 <= int(number) <= width or int(number) - 1 == word:
        raise UsageError(
            f"The columns of tagged words have no names: target must be a number from 1 to {width} and other than "
            f"{word + 1}, where the words are; got {target!r}."
        )
    return int(number) - 1


def _leave_out_broken(lines: TaggedLines, places: _Places, reading: Reading) -> None:
    """Takes out sentences with a line that has no word or no tag: the others on it cannot be trusted to be in place."""
    broken = {
        sentence: number
        for cells, number, sentence in zip(reversed(lines.cells), reversed(lines.numbers), reversed(lines.sentence))
        if len(cells) != lines.num_columns or not cells[places.word] or not cells[places.tag]
    }
    if not broken:
        return
    num_sentences = len(set(lines.sentence))
    if 2 * len(broken) > num_sentences:
        first = min(broken.values())
        raise DataError(
            f"{lines.file}, line {first}: {lines.num_columns} columns are required as on most lines; "
            f"{len(broken):,} of {num_sentences:,} sentences have a line with another number of them."
        )
    reason = Sentence("reading.other_columns", num=lines.num_columns)
    reading.extend(line_findings(lines.file, sorted(broken.values()), Outcome.SKIPPED, reason))
    lines.without(set(broken))


def _table(files: Sequence[TaggedLines], places: _Places, name: str, reading: Reading) -> Table:
    words = [cells[places.word] for lines in files for cells in lines.cells]
    if not words:
        raise DataError(f"{name}: at least one sentence with tags is required; none is there.")
    first = np.concatenate([np.diff(np.array(lines.sentence, dtype=np.int64), prepend=-1) > 0 for lines in files])
    found = _tags(files, places, first, reading)
    offsets = np.append(np.flatnonzero(first), len(words)).astype(np.int64)
    bounds = offsets.tolist()
    numbers = [number for lines in files for number in lines.numbers]
    file_of = [lines.file for lines in files for _ in lines.numbers]
    split_of_words = np.array([lines.split for lines in files for _ in lines.numbers])
    given = split_of_words[offsets[:-1]]
    splits = {split: rows for split in SPLITS if len(rows := np.flatnonzero(given == split))}
    _note_unseen_types(found, offsets, splits, reading)
    schema = Schema(
        (
            Column(name="words", kind=Kind.WORDS, role=Role.INPUT, shape=(-1,), note="UTF-8"),
            Column(
                name="tags",
                kind=Kind.TAGS,
                role=Role.TARGET,
                shape=(-1,),
                classes=found.classes,
                note=Sentence("reading.tags_marked", column=places.tag + 1, scheme=found.scheme.value),
            ),
        )
    )
    columns: dict[str, ColumnData] = {
        "words": Ragged.from_texts(["\n".join(words[a:b]) for a, b in pairwise(bounds)]),
        "tags": Ragged(found.tags, offsets),
    }
    row_names = [
        f"{file_of[place]} line {numbers[place]}" if len(files) > 1 else f"line {numbers[place]}"
        for place in bounds[:-1]
    ]
    return Table(name=name, schema=schema, columns=columns, splits=splits, reading=reading, row_names=row_names)


def _tags(files: Sequence[TaggedLines], places: _Places, first: np.ndarray, reading: Reading) -> BioTags:
    """The tags of all files as BIO; one scheme for all of them."""
    tags = [cells[places.tag] for lines in files for cells in lines.cells]
    distinct = list(dict.fromkeys(tags))
    for odd in odd_tags(distinct):
        place = tags.index(odd)
        file, number = [(lines.file, number) for lines in files for number in lines.numbers][place]
        raise DataError(
            f"{file}, line {number}: tags must be O or a letter and a type (B-PER), as the others are; got {odd!r}. "
            "Mend it, or name another column with the tags."
        )
    code_of = {tag: code for code, tag in enumerate(distinct)}
    codes = np.fromiter((code_of[tag] for tag in tags), dtype=np.int64, count=len(tags))
    found = to_bio(codes, distinct, first)
    if len(found.classes) < 2:
        raise DataError(
            f"Column {places.tag + 1} of {files[0].file}: at least two different tags are required; "
            f"every word has {found.classes[0]!r}. Name another column with the tags."
        )
    if found.scheme not in (Scheme.BIO, Scheme.PLAIN):
        reading.notes.append(Sentence(f"reading.{found.scheme.value.lower()}"))
    begin = 0
    for lines in files:
        mended = np.flatnonzero(found.mended[begin : begin + len(lines.numbers)])
        begin += len(lines.numbers)
        reason = Sentence("reading.tag_mended", scheme=found.scheme.value)
        reading.extend(line_findings(lines.file, [lines.numbers[i] for i in mended], Outcome.CONVERTED, reason))
    if num := int(found.mended.sum()):
        reading.notes.append(Sentence("reading.tags_mended", scheme=found.scheme.value, num=num))
    return found


def _note_unseen_types(found: BioTags, offsets: np.ndarray, splits: dict[str, np.ndarray], reading: Reading) -> None:
    """Names what occurs in val or test and never in train: it cannot be learnt."""
    if "train" not in splits or len(splits) < 2:
        return
    in_train = np.isin(np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)), splits["train"])
    seen = set(np.unique(found.tags[in_train]).tolist())
    if span_types(found.classes) is not None:
        seen |= {tag + 1 if tag % 2 else tag - 1 for tag in seen if tag}
    unseen = [name for tag, name in enumerate(found.classes) if tag not in seen]
    if unseen:
        reading.notes.append(Sentence("reading.tags_unseen", tags=", ".join(unseen)))
