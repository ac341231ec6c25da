"""The ways in which people mark spans word by word, and all of them brought to one: BIO.

=====  ==============================================================================================
BIO    ``B-X`` begins a span, ``I-X`` goes on with it (IOB2)
IOB1   ``I-X`` everywhere; ``B-X`` only where a span directly follows another of its type
BIOES  as BIO, but ``E-X`` ends a span and ``S-X`` is a span of one word (also as BILOU and BMES)
IO     the type alone; spans of a type that touch cannot be told apart
plain  no spans: each word has a tag of its own, such as a part of speech
=====  ==============================================================================================

Source: L. A. Ramshaw, M. P. Marcus, "Text chunking using transformation-based learning", WVLC 1995 (IOB1);
    L. Ratinov, D. Roth, "Design challenges and misconceptions in named entity recognition", CoNLL 2009 (BILOU).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

OUTSIDE = "O"
_MARKED = re.compile(r"([BIESLUM])[-_](.+)")
# BILOU writes L and U, BMES writes M, for the same three things.
_LETTER = {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S"}
_B, _I, _E, _S = 1, 2, 3, 4
_NUMBER = {"B": _B, "I": _I, "E": _E, "S": _S}


class Scheme(StrEnum):
    """How spans are marked."""

    BIO = "BIO"
    IOB1 = "IOB1"
    BIOES = "BIOES"
    IO = "IO"
    PLAIN = "plain"


@dataclass(frozen=True)
class BioTags:
    """Tags as BIO, or as they were where the scheme is plain.

    Args:
        tags: of every word, an index into ``classes``.
        classes: ``O, B-X, I-X, B-Y, I-Y, …``: begin is 2k + 1 and inside 2k + 2 for the type number k.
        scheme: that was found.
        mended: words whose tag breaks the scheme and was read as the nearest legal one.
    """

    tags: Codes
    classes: tuple[str, ...]
    scheme: Scheme
    mended: Flags


def bio_classes(types: Sequence[str]) -> tuple[str, ...]:
    """The tags for some types of spans, in the order that the whole house relies on.

    Example:
        >>> bio_classes(["LOC", "PER"])
        ('O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER')
    """
    return (OUTSIDE, *(f"{letter}-{name}" for name in types for letter in "BI"))


def span_types(classes: Sequence[str]) -> tuple[str, ...] | None:
    """The types of spans that `bio_classes` made these tags of; None for plain tags.

    Example:
        >>> span_types(("O", "B-LOC", "I-LOC")), span_types(("NOUN", "VERB"))
        (('LOC',), None)
    """
    types = tuple(name[2:] for name in classes[1::2])
    return types if types and tuple(classes) == bio_classes(types) else None


def odd_tags(distinct: Sequence[str]) -> list[str]:
    """The tags that do not belong among the others: neither ``O`` nor a letter with a type, where others are."""
    odd = [tag for tag in distinct if tag != OUTSIDE and not _MARKED.fullmatch(tag)]
    num_marked = len(distinct) - len(odd) - (OUTSIDE in distinct)
    return odd if num_marked else []


def to_bio(codes: Codes, distinct: Sequence[str], starts: Flags) -> BioTags:
    """The tags of many sentences as BIO, whichever scheme they are in.

    A span that begins with I-X where B-X is required is read as if it began with B-X, which is also how the scorer of
    CoNLL-2000 reads it. With fewer such places than regular ones they are `mended`; with more the scheme is IOB1.

    Args:
        codes: the tag of every word, an index into ``distinct``.
        distinct: the different tags, without those of `odd_tags`.
        starts: whether a word is the first of its sentence.

    Shapes:
        codes, starts ``(N,)``.

    Example:
        >>> tags = ["I-PER", "I-PER", "O", "I-LOC", "B-LOC"]
        >>> names = sorted(set(tags))
        >>> found = to_bio(np.array([names.index(t) for t in tags]), names, np.arange(5) == 0)
        >>> found.scheme.value, [found.classes[t] for t in found.tags]
        ('IOB1', ['B-PER', 'I-PER', 'O', 'B-LOC', 'B-LOC'])
    """
    matches = {tag: match for tag in distinct if (match := _MARKED.fullmatch(tag))}
    if not matches and OUTSIDE not in distinct:
        classes = tuple(sorted(distinct))
        place = np.array([classes.index(tag) for tag in distinct], dtype=np.int64)
        return BioTags(place[codes], classes, Scheme.PLAIN, np.zeros(len(codes), dtype=bool))
    parts = {tag: (_LETTER[matches[tag][1]], matches[tag][2]) for tag in matches} or {
        tag: ("I", tag) for tag in distinct if tag != OUTSIDE
    }
    types = sorted({name for _, name in parts.values()})
    letters = np.array([_NUMBER[parts[t][0]] if t in parts else 0 for t in distinct], dtype=np.int64)[codes]
    kinds = np.array([types.index(parts[t][1]) if t in parts else -1 for t in distinct], dtype=np.int64)[codes]
    scheme, begins, mended = _begins(letters, kinds, starts) if matches else _runs(kinds, starts)
    tags = np.where(kinds < 0, 0, 2 * kinds + np.where(begins, 1, 2))
    return BioTags(tags, bio_classes(types), scheme, mended)


def _continues(kinds: Codes, starts: Flags) -> Flags:
    """Whether the word before, in the same sentence, is in a span of the same type."""
    before = np.concatenate([[-1], kinds[:-1]])
    flags: Flags = (kinds >= 0) & (kinds == before) & ~starts
    return flags


def _runs(kinds: Codes, starts: Flags) -> tuple[Scheme, Flags, Flags]:
    return Scheme.IO, (kinds >= 0) & ~_continues(kinds, starts), np.zeros(len(kinds), dtype=bool)


def _begins(letters: Codes, kinds: Codes, starts: Flags) -> tuple[Scheme, Flags, Flags]:
    """The scheme, where spans begin, and which words had to be mended for that."""
    continues = _continues(kinds, starts)
    begin, inside = letters == _B, letters == _I
    if np.isin(letters, (_E, _S)).any():
        closed = np.isin(np.concatenate([[0], letters[:-1]]), (_E, _S))
        goes_on = np.isin(letters, (_I, _E)) & continues & ~closed
        loose = np.isin(letters, (_I, _E)) & ~goes_on
        # A span that was begun must be gone on with until its E.
        unended = np.isin(letters, (_B, _I)) & ~np.concatenate([goes_on[1:], [False]])
        return Scheme.BIOES, begin | (letters == _S) | loose, loose | unended
    loose, idle = inside & ~continues, begin & ~continues
    if loose.sum() > idle.sum():
        return Scheme.IOB1, begin | loose, idle
    return Scheme.BIO, begin | loose, loose
