"""Which files hold sentence pairs (parallel files of two languages, tables with tabs) and which way they translate."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from derin.core.errors import DataError, UnknownNameError, UsageError
from derin.core.messages import Message
from derin.data.report import DataReport, Outcome
from derin.data.table import SPLITS
from derin.readers.file_names import file_ending, visible_files
from derin.readers.split_names import split_of

TABLE_ENDINGS = (".txt", ".tsv", ".tab")
# ISO 639-1, with a country or script behind it (``pt_BR``, ``zh-Hans``); no endings of programs and their papers.
_LANGUAGE = re.compile(r"(?!(?:md|py|js|sh|db|gz)$)[a-z]{2}([-_][A-Za-z]{2,4})?")


def parallel_files(files: Sequence[Path]) -> dict[str, dict[str, Path]]:
    """Stem → language → file, of the stems that have the same two languages or more; empty where there are none."""
    by_stem: dict[str, dict[str, Path]] = {}
    for file in files:
        plain = file.name.removesuffix(".gz")
        stem, _, language = plain.rpartition(".")
        if stem and _LANGUAGE.fullmatch(language):
            by_stem.setdefault(stem, {})[language] = file
    return {stem: by for stem, by in by_stem.items() if len(by) >= 2}


def partners(file: Path) -> list[Path]:
    """The parallel files of one that was named."""
    if file_ending(file) in TABLE_ENDINGS:
        return []
    stem = file.name.removesuffix(".gz").rpartition(".")[0]
    return [p for p in visible_files(file.parent) if p.name.removesuffix(".gz").rpartition(".")[0] == stem]


def usual_order(languages: list[str], path: Path, name: str) -> tuple[tuple[str, ...], str]:
    """The languages in the order that is taken where nobody chooses, and why."""
    folder = path if path.is_dir() else path.resolve().parent
    for told in (name, folder.name):
        order = tuple(part for part in re.split(r"[^A-Za-z]+", told) if part in languages)
        if len(order) == 2 and len(set(order)) == 2:
            others = [other for other in languages if other not in order]
            return (*order, *others), Message("reading.named_order", name=told)
    if "en" in languages:
        others = [language for language in languages if language != "en"]
        return ("en", *others), Message("reading.english_first")
    return tuple(languages), Message("reading.alphabetical")


def choose_direction(usual: Sequence[str], source: str | None, target: str | None) -> tuple[tuple[str, str], bool]:
    """Source and target, and whether they were asked for; the side that was not named is the first other language."""
    for asked in (source, target):
        if asked is not None and asked not in usual:
            raise UnknownNameError("language of these pairs", asked, usual)
    if source is not None and source == target:
        raise UsageError(f"Two languages are required to translate; got source={source!r} and target={target!r}.")
    chosen_source = source or next(language for language in usual if language != target)
    chosen_target = target or next(language for language in usual if language != chosen_source)
    return (chosen_source, chosen_target), source is not None or target is not None


def choose_splits(
    found: dict[str, dict[str, Path]], direction: tuple[str, str], report: DataReport
) -> dict[str, dict[str, Path]]:
    """Split → language → file. Of several files for a split the first by name is read, the others are noted.

    Files that are alone belong to no split, whatever their name.
    """
    usable = {stem: by for stem, by in sorted(found.items()) if set(direction) <= set(by)}
    if not usable:
        raise DataError(
            f"Parallel files in {direction[0]!r} and {direction[1]!r} are required; no name has both as its ending."
        )
    if len(usable) == 1:
        return {"": next(iter(usable.values()))}
    chosen: dict[str, dict[str, Path]] = {}
    for stem, by in usable.items():
        split = split_of(stem)
        if split is None or split in chosen:
            why = Message("reading.name_no_split")
            if split is not None:
                why = Message("reading.split_has_files", split=split)
            for language in direction:
                report.add(by[language].name, Outcome.SKIPPED, why)
        else:
            chosen[split] = by
    if "train" not in chosen:
        names = ", ".join(usable)
        raise DataError(f"Of several parallel files one must be named train; got {names}. Give the path of one file.")
    return {split: chosen[split] for split in SPLITS if split in chosen}


def choose_tables(files: Sequence[Path], path: Path, report: DataReport) -> dict[str, Path]:
    """Split → tab-separated file."""
    tables = [file for file in files if file_ending(file) in TABLE_ENDINGS] if len(files) > 1 else list(files)
    if len(tables) == 1:
        return {"": tables[0]}
    by_split: dict[str, Path] = {}
    for file in tables:
        split = split_of(file.name)
        if split is None or split in by_split:
            report.add(file.name, Outcome.SKIPPED, Message("reading.name_no_free_split"))
        else:
            by_split[split] = file
    if "train" not in by_split:
        raise DataError(
            f"{path}: a tab-separated file of sentence pairs, two parallel files (train.en, train.de), or such files "
            "for each split are required; none is there."
        )
    return {split: by_split[split] for split in SPLITS if split in by_split}
