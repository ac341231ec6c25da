"""Sequences of DNA, RNA or proteins in FASTA files, each with a class.

Source: D. J. Lipman and W. R. Pearson, "Rapid and sensitive protein similarity searches", Science 227, 1985; IUPAC-IUB
Commission on Biochemical Nomenclature, 1985 (codes of nucleotides) and 1984 (of amino acids).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from derin.core.errors import DataError
from derin.core.messages import Message
from derin.data.line_findings import line_findings
from derin.data.recipe import ReadingRecipe, ReadOptions
from derin.data.report import DataReport, Outcome
from derin.data.table import Table
from derin.readers.decoding import lines_of, read_text
from derin.readers.file_names import visible_files
from derin.readers.input_tables import table_of_inputs
from derin.readers.split_names import split_of
from derin.readers.texts import Texts

FASTA_ENDINGS = (".fasta", ".fa", ".fna", ".ffn", ".faa", ".frn", ".fas")
CLASS_KEYS = ("class", "label", "target", "type")

# A nucleotide or a set of them, and a gap; the same for amino acids, with the stop.
_NUCLEOTIDES = frozenset("ACGTURYSWKMBDHVN-.")
_AMINO_ACIDS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ*-.")
# Nearly all letters of DNA and RNA are these; of a protein hardly half are.
_PLAIN, _PLAIN_SHARE = frozenset("ACGTUN-."), 0.9
_LISTED = 4
# The subject of sequences in a recipe, and what they may be.
FASTA = "fasta"
_KINDS: dict[str, tuple[frozenset[str], str]] = {
    "nucleotides": (_NUCLEOTIDES, "DNA"),
    "amino acids": (_AMINO_ACIDS, Message("reading.amino_acids")),
}


def read_fasta(
    path: str | Path | Sequence[str | Path],
    *,
    name: str,
    target: str | None = None,
    options: ReadOptions | None = None,
) -> Table:
    """Labelled sequences in capital letters, wrapped lines joined.

    The class of a sequence stands in its header, ``>id class=promoter`` (also label, target, type) or
    ``>id|promoter``; or each file holds one class and is named after it, ``promoter.fa`` and ``other.fa``. Files named
    train, val or test are splits.

    Args:
        path: of a file (also .gz), of a folder with such files, or of several files.
        name: of the data, for people.
        target: the key in the headers that names the class, where it is none of the above.
        options: how other data was read, whose part ``"fasta"`` is followed: ``kind`` (DNA, RNA or amino acids),
            ``place`` of the classes (``key``, ``bar`` or ``file``) and ``key``; and whether sequences are read to be
            predicted: then they need no class, and each has its place.

    Shapes:
        column ``text`` ragged UTF-8, column ``label`` ``(N,)`` int64.

    Raises:
        DataError: no sequences with classes are there.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.fa"
        >>> _ = file.write_text(">s1 class=yes\\nACG\\nTTa\\n>s2 class=no\\nGGGN\\n", encoding="utf-8")
        >>> table = read_fasta(file, name="sites")
        >>> table["text"].texts(), table.target().classes
        (['ACGTTA', 'GGGN'], ('no', 'yes'))
    """
    files = _files(path)
    options = options or ReadOptions()
    known = options.part(FASTA)
    report = DataReport(source=", ".join(map(str, files)))
    records = {file: _records(file, report, keeps_empty=options.inputs_only) for file in files}
    every = [record for of_file in records.values() for record in of_file]
    if not every:
        raise DataError(f"{name}: at least one sequence is required; none is there.")
    alphabet, kind = _alphabet(every) if known.get("kind") not in _KINDS else _KINDS[known["kind"]]
    if options.inputs_only:
        return _inputs(records, alphabet, kind, name, report)
    target = target or known.get("key")
    classes, note, place = _classes(records, target, name)
    found = Texts(report)
    for file, of_file in records.items():
        for record in of_file:
            where = (
                f"{file.name} line {record.line} ({record.header.split(maxsplit=1)[0]})" if record.header else file.name
            )
            strange = sorted(set(record.sequence) - alphabet)
            if strange:
                report.add(
                    where,
                    Outcome.SKIPPED,
                    Message("reading.strange_codes", letters=" ".join(strange[:_LISTED]), kind=kind),
                )
            else:
                found.add(record.sequence, classes[file, record.line], where, split_of(file.stem) or "")
    num_lower = sum(record.had_small_letters for record in every)
    if num_lower:
        report.notes.append(Message("reading.small_letters", count=num_lower))
    if len(set(found.labels)) < 2 and not known:
        got = next(iter(found.labels), "none")
        raise DataError(f"{name}: sequences of two classes or more are required; got {got}.")
    report.notes.append(Message("reading.sequences_of", count=len(found.texts), kind=kind, where=note))
    part = {"kind": next(n for n, (letters, _) in _KINDS.items() if letters == alphabet), "place": place, "key": target}
    return replace(found.table(name, note), recipe=ReadingRecipe(found={FASTA: part}))


def _inputs(
    records: dict[Path, list[_Record]], alphabet: frozenset[str], kind: str, name: str, report: DataReport
) -> Table:
    """The sequences alone, in their order; one with strange letters is read as it stands, and told."""
    texts: list[str] = []
    names: list[str] = []
    for file, of_file in records.items():
        for record in of_file:
            label = record.header.split(maxsplit=1)[0] if record.header else ""
            where = f"{file.name} line {record.line}" + (f" ({label})" if label else "")
            if strange := sorted(set(record.sequence) - alphabet):
                letters = " ".join(strange[:_LISTED])
                report.add(where, Outcome.CONVERTED, Message("reading.strange_codes", letters=letters, kind=kind))
            texts.append(record.sequence)
            names.append(where)
    reason = Message("reading.header_alone")
    unanswered: dict[int, str] = {row: reason for row, text in enumerate(texts) if not text}
    return table_of_inputs(name, "text", texts, row_names=names, unanswered=unanswered, report=report)


def looks_like_fasta(path: Path) -> bool:
    """Whether a file, or every visible file of a folder, is FASTA by its name."""
    if path.is_dir():
        visible = visible_files(path)
        return any(map(_is_fasta, visible)) and 2 * sum(map(_is_fasta, visible)) > len(visible)
    return _is_fasta(path)


class _Record(NamedTuple):
    """A sequence, its header without ``>``, the number of the header's line, and how its letters were."""

    header: str
    sequence: str
    line: int
    had_small_letters: bool


def _is_fasta(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(FASTA_ENDINGS)


def _files(path: str | Path | Sequence[str | Path]) -> list[Path]:
    paths = [Path(path)] if isinstance(path, str | Path) else [Path(p) for p in path]
    found: list[Path] = []
    for each in paths:
        if not each.exists():
            raise DataError(f"{each} does not exist; a FASTA file or a folder of them is required.")
        inside = sorted(p for p in each.iterdir() if _is_fasta(p)) if each.is_dir() else [each]
        if not inside:
            raise DataError(f"{each}: a FASTA file ({', '.join(FASTA_ENDINGS)}) is required; none is there.")
        found += inside
    return found


def _records(path: Path, report: DataReport, *, keeps_empty: bool) -> list[_Record]:
    """The sequences of a file; what is none is listed, and a header without one is left out unless it is kept."""
    decoded = read_text(path)
    if decoded.note:
        report.notes.append(decoded.note)
    headers: list[tuple[int, str]] = []
    lines: list[list[str]] = []
    outside: list[int] = []
    for number, line in enumerate(lines_of(decoded.text), start=1):
        text = line.strip()
        if text.startswith(">"):
            headers.append((number, text[1:].strip()))
            lines.append([])
        elif text and not text.startswith(";"):  # a comment, in old files
            if lines:
                lines[-1].append(text)
            else:
                outside.append(number)
    report.extend(line_findings(path.name, outside, Outcome.SKIPPED, Message("reading.before_header")))
    empty = [n for (n, _), parts in zip(headers, lines, strict=True) if not parts and not keeps_empty]
    report.extend(line_findings(path.name, empty, Outcome.SKIPPED, Message("reading.header_alone")))
    joined = ["".join("".join(parts).split()) for parts in lines]
    return [
        _Record(header, sequence.upper(), number, sequence != sequence.upper())
        for (number, header), sequence in zip(headers, joined, strict=True)
        if sequence or keeps_empty
    ]


def _alphabet(records: Sequence[_Record]) -> tuple[frozenset[str], str]:
    counts: Counter[str] = Counter()
    for record in records:
        counts.update(record.sequence)
    plain = sum(num for letter, num in counts.items() if letter in _PLAIN)
    if plain < _PLAIN_SHARE * counts.total():
        return _AMINO_ACIDS, Message("reading.amino_acids")
    return _NUCLEOTIDES, "RNA" if counts["U"] > counts["T"] else "DNA"


def _classes(
    records: dict[Path, list[_Record]], target: str | None, name: str
) -> tuple[dict[tuple[Path, int], str], str, str]:
    """The class of each record, by file and line, a clause about where it stands, and the same in one word."""
    keys = CLASS_KEYS if target is None else (target,)
    named = re.compile(rf"(?:^|[\s|;,])(?:{'|'.join(map(re.escape, keys))})=([^\s|;,]+)", re.IGNORECASE)
    by_key = {
        (file, r.line): match[1] if (match := named.search(r.header)) else ""
        for file, rs in records.items()
        for r in rs
    }
    if any(by_key.values()):
        return by_key, Message("reading.from_header_keys"), "key"
    if target is not None:
        raise DataError(f"{name}: headers with {target}=… are required; no header has it.")
    by_bar = {
        (file, r.line): r.header.rpartition("|")[2].strip() if "|" in r.header else ""
        for file, rs in records.items()
        for r in rs
    }
    values = Counter(label for label in by_bar.values() if label)
    if len(values) < values.total():  # what hardly repeats is a name and no class
        return by_bar, Message("reading.from_header_bars"), "bar"
    stems = {file: _class_of_name(file) for file in records}
    if len(set(stems.values())) > 1 and all(stems.values()):
        by_file = {(file, r.line): stems[file] for file, rs in records.items() for r in rs}
        return by_file, Message("reading.from_files"), "file"
    raise DataError(
        f"{name}: a class for each sequence is required: '>id class=…' or '>id|…' in the headers, or a file for each "
        f"class, named after it; got {len(records)} file{'s' if len(records) > 1 else ''} without."
    )


def _class_of_name(file: Path) -> str:
    """The name of a file without endings and without words that tell a split."""
    stem = re.sub(r"\.gz$", "", file.name, flags=re.IGNORECASE).rpartition(".")[0]
    words = re.split(r"([-_. ]+)", stem)
    return "".join(word for word in words if split_of(word) is None).strip("-_. ")
