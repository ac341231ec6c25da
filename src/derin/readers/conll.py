"""Sentences whose words have tags, in columns: one word on a line, an empty line between sentences (CoNLL)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from derin.core.errors import DataError, RefusedFileError, UsageError
from derin.core.messages import Message
from derin.data.line_findings import line_findings
from derin.data.recipe import ReadingRecipe, ReadOptions
from derin.data.report import DataReport, Outcome
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import SPLITS, ColumnData, Ragged, Table
from derin.data.tag_schemes import BioTags, Place, Scheme, Style, odd_tags, span_types, style_of, to_bio
from derin.readers.decoding import lines_of, read_text
from derin.readers.file_names import visible_files
from derin.readers.input_tables import table_of_inputs
from derin.readers.split_names import split_of
from derin.readers.tagged_lines import (
    UNIVERSAL_COLUMNS,
    TaggedLines,
    are_numbered,
    first_is_tags,
    has_tagged_head,
    is_plain_text,
    read_tagged_lines,
    span_column,
)

_UNIVERSAL_TAG = 3  # the part of speech of CoNLL-U, from 0


@dataclass(frozen=True)
class _Places:
    """Which columns hold the words and the tags, from 0; no tags where they are to be predicted and not there."""

    word: int
    tag: int | None
    width: int
    note: str


def read_conll(
    path: str | Path | Sequence[str | Path],
    *,
    name: str,
    target: str | None = None,
    words: str | int | None = None,
    encoding: str | None = None,
    options: ReadOptions | None = None,
) -> Table:
    """Tagged sentences: in columns with tabs, spaces or another mark between, or a sentence on each line with its tags
    behind a tab or behind each word (``word/TAG``).

    Files named train, val (valid, dev, testa) or test (testb) are splits. Lines that begin a document (-DOCSTART-) and
    comments are left out. Tags that mark spans (BIO, IOB1, BIOES, IO) become BIO; see `derin.data.tag_schemes`.

    Args:
        path: of a file (also gzipped), of a folder, or of several files.
        name: of the data, for people.
        target: the column with the tags, a number from 1 (``"4"`` or ``"column_4"``); None finds it out: the last one
            that marks spans, wherever it stands, else the last one.
        words: the column with the words, likewise; None is the first one that is neither a number nor the tags.
        encoding: of all files, a name that Python knows; None finds it out for each.
        options: how other data was read, whose part ``"tags"`` is followed: ``encoding``, ``separator``, ``width``,
            ``word`` and ``tag`` (columns from 0), ``scheme`` and ``style`` of the tags; and whether sentences are read
            to be predicted: then the tags may be missing, and a broken sentence is a row without words.

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
    options = options or ReadOptions()
    known = options.part("tags")
    report = DataReport(source=", ".join(map(str, paths)))
    likely = encoding or known.get("encoding")
    # What was said of the training files need not hold for others.
    encoding = None if options.inputs_only else encoding
    if options.inputs_only and len(paths) == 1 and is_plain_text(paths[0], known):
        return _plain_inputs(paths[0], name, report, likely)
    files = [
        read_tagged_lines(file, split, report, encoding, known.get("separator"), likely)
        for file, split in _files(paths, name, report)
    ]
    places = _places(files, target, None if words is None else str(words), known, inputs_only=options.inputs_only)
    if not options.inputs_only:
        for lines in files:
            _leave_out_broken(lines, places, report)
    report.notes.append(places.note)
    if options.inputs_only:
        return _inputs(files, places, name, report)
    return _table(files, places, name, report, known)


def looks_like_conll(path: Path) -> bool:
    """Whether a file, or every file of a folder that names a split, holds tagged words in columns; reads their heads.

    Example:
        >>> looks_like_conll(Path("missing"))
        False
    """
    if path.is_dir():
        return bool(_tagged_files(path))
    return path.is_file() and has_tagged_head(path)


def _files(paths: Sequence[Path], name: str, report: DataReport) -> list[tuple[Path, str]]:
    """Files and the split of each; one file alone has none."""
    if len(paths) == 1 and paths[0].is_dir():
        found = _tagged_files(paths[0])
        if not found:
            raise DataError(
                f"{paths[0]}: files with a word and its tag on each line are required; none is there. Name the file."
            )
        others = sorted(p.name for p in visible_files(paths[0]) if p not in found)
        if others:
            report.notes.append(Message("reading.others_no_tags", files=", ".join(others)))
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


def _tagged_files(folder: Path) -> list[Path]:
    return [path for path in visible_files(folder) if has_tagged_head(path)]


def _places(
    files: Sequence[TaggedLines],
    target: str | None,
    words: str | None,
    known: Mapping[str, Any],
    *,
    inputs_only: bool,
) -> _Places:
    """Where words and tags stand, the same in all files."""
    widths = {lines.file: lines.num_columns for lines in files}
    if len(set(widths.values())) > 1:
        told = ", ".join(f"{file} {width}" for file, width in widths.items())
        raise DataError(f"All files of tagged sentences must have as many columns as each other; got {told}.")
    width = files[0].num_columns
    if known and target is None and words is None:
        return _known_places(files[0].file, width, known, inputs_only=inputs_only)
    if width < 2 and not inputs_only:
        raise DataError(
            f"{files[0].file}: a word and a tag are required on each line, with a tab or a space between; "
            "most lines have 1 column."
        )
    rows = [cells for lines in files for cells in lines.cells if len(cells) == width]
    numbered = are_numbered(rows)
    tag: int | None = None
    if target is not None:
        tag, how = _asked(target, width, "target"), Message("reading.as_asked")
    elif width < 2:
        how = Message("reading.no_tags")
    elif width == UNIVERSAL_COLUMNS and numbered:
        tag, how = _UNIVERSAL_TAG, Message("reading.part_of_speech")
    elif (spans := span_column(rows)) is not None:
        tag = spans
        key = (
            "reading.last_of_spans"
            if 0 < tag < width - 1
            else "reading.first_of_spans"
            if not tag
            else "reading.the_last"
        )
        how = Message(key)
    elif first_is_tags(rows):
        tag, how = 0, Message("reading.first_repeats")
    else:
        tag, how = width - 1, Message("reading.the_last")
    word = int(numbered) if words is None else _asked(words, width, "words")
    if word == tag and words is None and target is None:
        word += 1
    if word == tag or word >= width:
        raise UsageError(
            f"The columns of tagged words have no names: target must be a number from 1 to {width} and other than "
            f"{word + 1}, where the words are; got {target!r}. The setting words names the column of the words."
        )
    return _Places(word, tag, width, _note_of_places(word, tag, width, how))


def _known_places(file: str, width: int, known: Mapping[str, Any], *, inputs_only: bool) -> _Places:
    """The columns of other data of the same kind; what is to be predicted may lack that of the tags."""
    word, tag, usual = (known.get(part) for part in ("word", "tag", "width"))
    if not (isinstance(word, int) and isinstance(tag, int) and isinstance(usual, int)):
        raise RefusedFileError("The card's places of words and tags are damaged; use another copy of the file.")
    how = Message("reading.as_in_training")
    if width == usual or (inputs_only and width > usual):
        return _Places(word, tag, width, _note_of_places(word, tag, width, how))
    if inputs_only and width == usual - 1:
        word -= word > tag
        return _Places(word, None, width, _note_of_places(word, None, width, how))
    if inputs_only and width == 1:
        return _Places(0, None, width, _note_of_places(0, None, width, how))
    raise DataError(f"{file}: {usual} columns are required on each line, as in training; most lines have {width}.")


def _note_of_places(word: int, tag: int | None, width: int, how: str) -> str:
    if tag is None:
        return Message("reading.words_alone", word=word + 1, width=width, how=how)
    return Message("reading.words_and_tags", word=word + 1, width=width, tag=tag + 1, how=how)


def _asked(asked: str, width: int, setting: str) -> int:
    """The column that the user names, from 0."""
    number = asked.removeprefix("column_")
    if not number.isdecimal() or not 1 <= int(number) <= width:
        other = " and other than 1, where the words are" if setting == "target" else ""
        raise UsageError(
            f"The columns of tagged words have no names: {setting} must be a number from 1 to {width}{other}; "
            f"got {asked!r}."
        )
    return int(number) - 1


def _leave_out_broken(lines: TaggedLines, places: _Places, report: DataReport) -> None:
    """Takes out sentences with a line that has no word or no tag: the others on it cannot be trusted to be in place."""
    broken = {
        sentence: number
        for cells, number, sentence in zip(reversed(lines.cells), reversed(lines.numbers), reversed(lines.sentence))
        if len(cells) != lines.num_columns or not cells[places.word] or not cells[places.tag or 0]
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
    reason = Message("reading.other_columns", num=lines.num_columns)
    report.extend(line_findings(lines.file, sorted(broken.values()), Outcome.SKIPPED, reason))
    lines.without(set(broken))


def _inputs(files: Sequence[TaggedLines], places: _Places, name: str, report: DataReport) -> Table:
    """The sentences alone, each a row in its order; one with a line that has no word is a row without words."""
    sentences: list[list[str]] = []
    names: list[str] = []
    unanswered: dict[int, str] = {}
    for lines in files:
        reason = Message("reading.other_columns_empty", num=lines.num_columns)
        previous = -1
        for cells, number, sentence in zip(lines.cells, lines.numbers, lines.sentence, strict=True):
            if sentence != previous:
                sentences.append([])
                names.append(_name_of(lines, number, several=len(files) > 1))
                previous = sentence
            # Tags may be missing and are not read; the word must stand where it stands in the other lines.
            is_whole = len(cells) in (lines.num_columns, *_without_tag(places)) and cells[places.word]
            if not is_whole:
                unanswered.setdefault(len(sentences) - 1, reason)
            sentences[-1].append(cells[places.word] if is_whole else "")
    sentences = [[] if row in unanswered else words for row, words in enumerate(sentences)]
    joined = ["\n".join(words) for words in sentences]
    return table_of_inputs(
        name, "words", joined, row_names=names, unanswered=unanswered, report=report, kind=Kind.WORDS, task="tagging"
    )


def _plain_inputs(path: Path, name: str, report: DataReport, likely: str | None) -> Table:
    """The lines of a plain file as texts, which the network's preparation cuts into words."""
    decoded = read_text(path, likely=likely)
    if decoded.note:
        report.notes.append(decoded.note)
    texts = [line.strip() for line in lines_of(decoded.text)]
    if not texts:
        raise DataError(f"{path}: at least one text is required; the file is empty.")
    empty = Message("reading.text_empty")
    schema = Schema((Column(name="text", kind=Kind.TEXT, role=Role.INPUT, shape=(-1,), note="UTF-8"),))
    return Table(
        name=name,
        schema=schema,
        columns={"text": Ragged.from_texts(texts)},
        splits={},
        report=report,
        row_names=[f"line {number}" for number in range(1, len(texts) + 1)],
        unanswered={row: empty for row, text in enumerate(texts) if not text},
    )


def _without_tag(places: _Places) -> tuple[int, ...]:
    """The width of a line that lacks its tag at the end."""
    return (places.width - 1,) if places.tag == places.width - 1 and places.word < places.width - 1 else ()


def _name_of(lines: TaggedLines, number: int, *, several: bool) -> str:
    return f"{lines.file} line {number}" if several else f"line {number}"


def _table(
    files: Sequence[TaggedLines], places: _Places, name: str, report: DataReport, known: Mapping[str, Any]
) -> Table:
    words = [cells[places.word] for lines in files for cells in lines.cells]
    if not words:
        raise DataError(f"{name}: at least one sentence with tags is required; none is there.")
    first = np.concatenate([np.diff(np.array(lines.sentence, dtype=np.int64), prepend=-1) > 0 for lines in files])
    assert places.tag is not None, "where answers are required there is a column of them"
    found, style = _tags(files, places.tag, first, report, known)
    offsets = np.append(np.flatnonzero(first), len(words)).astype(np.int64)
    bounds = offsets.tolist()
    place_of = [(lines, number) for lines in files for number in lines.numbers]
    split_of_words = np.array([lines.split for lines in files for _ in lines.numbers])
    given = split_of_words[offsets[:-1]]
    splits = {split: rows for split in SPLITS if len(rows := np.flatnonzero(given == split))}
    _note_unseen_types(found, offsets, splits, report)
    schema = Schema(
        (
            Column(name="words", kind=Kind.WORDS, role=Role.INPUT, shape=(-1,), note="UTF-8"),
            Column(
                name="tags",
                kind=Kind.TAGS,
                role=Role.TARGET,
                shape=(-1,),
                classes=found.classes,
                note=Message("reading.tags_marked", column=places.tag + 1, scheme=found.scheme.value),
            ),
        )
    )
    columns: dict[str, ColumnData] = {
        "words": Ragged.from_texts(["\n".join(words[a:b]) for a, b in pairwise(bounds)]),
        "tags": Ragged(found.tags, offsets),
    }
    row_names = [_name_of(*place_of[place], several=len(files) > 1) for place in bounds[:-1]]
    part = {
        "encoding": files[0].encoding,
        "separator": files[0].separator,
        "width": places.width,
        "word": places.word,
        "tag": places.tag,
        "scheme": found.scheme.value,
        "style": None if style is None else style.to_json(),
    }
    return Table(
        name=name,
        schema=schema,
        columns=columns,
        splits=splits,
        report=report,
        row_names=row_names,
        recipe=ReadingRecipe(found={"tags": part}),
    )


def _tags(
    files: Sequence[TaggedLines], column: int, first: np.ndarray, report: DataReport, known: Mapping[str, Any]
) -> tuple[BioTags, Style | None]:
    """The tags of all files as BIO, one scheme for all of them, and how they are written."""
    tags = [cells[column] for lines in files for cells in lines.cells]
    distinct = list(dict.fromkeys(tags))
    scheme = _scheme(known)
    style = style_of(distinct) if scheme is None else Style.from_json(known["style"]) if known.get("style") else None
    for odd in [] if style is None else odd_tags(distinct, style):
        place = tags.index(odd)
        file, number = [(lines.file, number) for lines in files for number in lines.numbers][place]
        raise DataError(
            f"{file}, line {number}: tags must be O or a letter and a type (B-PER), as the others are; got {odd!r}. "
            "Mend it, or name another column with the tags."
        )
    code_of = {tag: code for code, tag in enumerate(distinct)}
    codes = np.fromiter((code_of[tag] for tag in tags), dtype=np.int64, count=len(tags))
    found = to_bio(codes, distinct, first, style=style, scheme=scheme)
    if len(found.classes) < 2 and scheme is None:
        raise DataError(
            f"Column {column + 1} of {files[0].file}: at least two different tags are required; "
            f"every word has {found.classes[0]!r}. Name another column with the tags."
        )
    if style is not None and not style.is_usual:
        marked = next(tag for tag in distinct if style.parts(tag))
        read_as = found.classes[1] if style.place is Place.ALONE else "B-" + (style.parts(marked) or ("", ""))[1]
        report.notes.append(Message("reading.tags_written", example=marked, read_as=read_as))
    if found.scheme not in (Scheme.BIO, Scheme.PLAIN):
        report.notes.append(Message(f"reading.{found.scheme.value.lower()}"))
    begin = 0
    for lines in files:
        mended = np.flatnonzero(found.mended[begin : begin + len(lines.numbers)])
        begin += len(lines.numbers)
        reason = Message("reading.tag_mended", scheme=found.scheme.value)
        report.extend(line_findings(lines.file, [lines.numbers[i] for i in mended], Outcome.CONVERTED, reason))
    if num := int(found.mended.sum()):
        report.notes.append(Message("reading.tags_mended", scheme=found.scheme.value, num=num))
    return found, style


def _scheme(known: Mapping[str, Any]) -> Scheme | None:
    """The scheme of other data of the same kind; None where nothing is known."""
    if "scheme" not in known:
        return None
    if known["scheme"] not in tuple(Scheme):
        raise RefusedFileError("The card's scheme of tags is damaged; use another copy of the file.")
    return Scheme(known["scheme"])


def _note_unseen_types(found: BioTags, offsets: np.ndarray, splits: dict[str, np.ndarray], report: DataReport) -> None:
    """Names what occurs in val or test and never in train: it cannot be learned."""
    if "train" not in splits or len(splits) < 2:
        return
    in_train = np.isin(np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)), splits["train"])
    seen = set(np.unique(found.tags[in_train]).tolist())
    if span_types(found.classes) is not None:
        seen |= {tag + 1 if tag % 2 else tag - 1 for tag in seen if tag}
    unseen = [name for tag, name in enumerate(found.classes) if tag not in seen]
    if unseen:
        report.notes.append(Message("reading.tags_unseen", tags=", ".join(unseen)))
