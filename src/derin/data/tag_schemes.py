"""The ways in which people mark spans word by word, and all of them brought to one: BIO.

=====  ==============================================================================================
BIO    ``B-X`` begins a span, ``I-X`` goes on with it (IOB2)
IOB1   ``I-X`` everywhere; ``B-X`` only where a span directly follows another of its type
BIOES  as BIO, but ``E-X`` ends a span and ``S-X`` is a span of one word (also as BILOU and BMES)
IO     the type alone; spans of a type that touch cannot be told apart
plain  no spans: each word has a tag of its own, such as a part of speech
=====  ==============================================================================================

How letter and type are written is a matter of its own (`Style`): B-PER, PER-B, b:PER, or B alone where there is but one
type without a name.

Source: L. A. Ramshaw, M. P. Marcus, "Text chunking using transformation-based learning", WVLC 1995 (IOB1);
    L. Ratinov, D. Roth, "Design challenges and misconceptions in named entity recognition", CoNLL 2009 (BILOU).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import RefusedFileError

Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

OUTSIDE = "O"
# The type of spans whose tags are letters alone.
UNNAMED_TYPE = "SPAN"
_USUAL_MARKS = "-_"
_BEFORE = re.compile(r"([BIESLUM])([^\w\s]|_)(.+)", re.IGNORECASE)
_BEHIND = re.compile(r"(.+)([^\w\s]|_)([BIESLUM])", re.IGNORECASE)
_ALONE = re.compile(r"([BIESLUM])[-_]?", re.IGNORECASE)  # some write B- for a type without a name
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


class Place(StrEnum):
    """Where the letter of a tag stands."""

    BEFORE = "before"  # B-PER
    BEHIND = "behind"  # PER-B
    ALONE = "alone"  # B


@dataclass(frozen=True)
class Style:
    """How a tag is made of its letter and its type.

    Args:
        place: of the letter.
        marks: the characters that may stand between the two; empty where the letter stands alone.
        small: whether letters may be small ones.

    Example:
        >>> Style(Place.BEHIND, ":").parts("PER:B"), Style(Place.ALONE).parts("B"), Style(Place.BEFORE, "-").parts("O")
        (('B', 'PER'), ('B', 'SPAN'), None)
    """

    place: Place
    marks: str = ""
    small: bool = False

    @property
    def is_usual(self) -> bool:
        """Whether it is that of B-PER."""
        return self == _USUAL

    def parts(self, tag: str) -> tuple[str, str] | None:
        """The letter, a capital, and the type of a tag; None of a tag that is not written so."""
        if self.place is Place.ALONE:
            letter, mark, kind = (match[1], "", UNNAMED_TYPE) if (match := _ALONE.fullmatch(tag)) else ("", "", "")
        elif self.place is Place.BEFORE:
            letter, mark, kind = match.groups() if (match := _BEFORE.fullmatch(tag)) else ("", "", "")
        else:
            kind, mark, letter = match.groups() if (match := _BEHIND.fullmatch(tag)) else ("", "", "")
        fits = letter and mark in self.marks and (self.small or letter.isupper())
        return (letter.upper(), kind) if fits else None

    def is_outside(self, tag: str) -> bool:
        """Whether a tag says that a word is in no span."""
        return tag == OUTSIDE or (self.small and tag.upper() == OUTSIDE)

    def to_json(self) -> dict[str, Any]:
        return {"place": self.place.value, "marks": self.marks, "small": self.small}

    @classmethod
    def from_json(cls, data: Any) -> Style:
        """What `to_json` gave.

        Raises:
            RefusedFileError: something in it cannot be.
        """
        fits = isinstance(data, Mapping) and set(data) == {"place", "marks", "small"}
        fits = fits and data["place"] in tuple(Place) and isinstance(data["marks"], str)
        if not fits or not isinstance(data["small"], bool):
            raise RefusedFileError("The card's way of writing tags is damaged; use another copy of the file.")
        return cls(Place(data["place"]), data["marks"], data["small"])


_USUAL = Style(Place.BEFORE, _USUAL_MARKS)


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


def style_of(distinct: Sequence[str]) -> Style | None:
    """How tags that mark spans are written; None where they mark none, as parts of speech.

    Letters that stand alone, behind the type, are small or have another mark are taken for letters only where most of
    the tags are written so; one tag such as B-PER is enough, since nothing else looks like it.

    Example:
        >>> style_of(["O", "B-PER"]), style_of(["NOUN", "VERB"])
        (Style(place=<Place.BEFORE: 'before'>, marks='-_', small=False), None)
        >>> style_of(["O", "per:b", "per:i"])
        Style(place=<Place.BEHIND: 'behind'>, marks=':', small=True)
    """
    tags = [tag for tag in distinct if tag.upper() != OUTSIDE]
    if not tags:
        return None
    if all(map(_ALONE.fullmatch, tags)):
        small = any(tag.islower() for tag in tags)
        has_outside = OUTSIDE in distinct or (small and OUTSIDE.lower() in distinct)
        letters = {tag[0].upper() for tag in tags}
        # Sizes S, M and L are no spans: without an O one of the letters must begin them.
        return Style(Place.ALONE, small=small) if has_outside or ("B" in letters and len(letters) > 1) else None
    found: dict[Style, set[str]] = {}
    for tag in tags:
        for place, pattern, letter, mark in ((Place.BEFORE, _BEFORE, 1, 2), (Place.BEHIND, _BEHIND, 3, 2)):
            if match := pattern.fullmatch(tag):
                marks = _USUAL_MARKS if match[mark] in _USUAL_MARKS else match[mark]
                for small in {match[letter].islower(), True}:
                    found.setdefault(Style(place, marks, small), set()).add(match[letter].upper())
    counts = {style: sum(style.parts(tag) is not None for tag in tags) for style in found}
    # Of equal ones that wins in which spans begin or go on, then the usual one.
    best = max(
        found,
        key=lambda s: (counts[s], bool(found[s] & {"B", "I"}), not s.small, s.place is Place.BEFORE),
        default=None,
    )
    if best is None or (_USUAL in found and 2 * counts[best] <= len(tags)):
        return _USUAL if _USUAL in found else None
    return best if best.is_usual or 2 * counts[best] > len(tags) else None


def odd_tags(distinct: Sequence[str], style: Style | None = None) -> list[str]:
    """The tags that do not belong among the others: neither ``O`` nor a letter with a type, where others are.

    Args:
        distinct: the different tags.
        style: in which they are written; None finds it out.
    """
    style = style or style_of(distinct)
    if style is None:
        return []
    return [tag for tag in distinct if not style.is_outside(tag) and style.parts(tag) is None]


def to_bio(
    codes: Codes,
    distinct: Sequence[str],
    starts: Flags,
    *,
    style: Style | None = None,
    scheme: Scheme | None = None,
) -> BioTags:
    """The tags of many sentences as BIO, whichever scheme they are in.

    A span that begins with I-X where B-X is required is read as if it began with B-X, which is also how the scorer of
    CoNLL-2000 reads it. With fewer such places than regular ones they are `mended`; with more the scheme is IOB1.

    Args:
        codes: the tag of every word, an index into ``distinct``.
        distinct: the different tags, without those of `odd_tags`.
        starts: whether a word is the first of its sentence.
        style: in which they are written; None finds it out, also where the scheme has none.
        scheme: of other tags of the same kind; None finds it out.

    Shapes:
        codes, starts ``(N,)``.

    Example:
        >>> tags = ["I-PER", "I-PER", "O", "I-LOC", "B-LOC"]
        >>> names = sorted(set(tags))
        >>> found = to_bio(np.array([names.index(t) for t in tags]), names, np.arange(5) == 0)
        >>> found.scheme.value, [found.classes[t] for t in found.tags]
        ('IOB1', ['B-PER', 'I-PER', 'O', 'B-LOC', 'B-LOC'])
    """
    style = style or (style_of(distinct) if scheme is None else None)
    if scheme is Scheme.PLAIN or (scheme is None and style is None and OUTSIDE not in distinct):
        classes = tuple(sorted(distinct))
        place = np.array([classes.index(tag) for tag in distinct], dtype=np.int64)
        return BioTags(place[codes], classes, Scheme.PLAIN, np.zeros(len(codes), dtype=bool))
    parts = {
        tag: found
        for tag in distinct
        if (found := (style.parts(tag) if style else ("I", tag) if tag != OUTSIDE else None)) is not None
    }
    types = sorted({name for _, name in parts.values()})
    letters = np.array([_NUMBER[_LETTER[parts[t][0]]] if t in parts else 0 for t in distinct], dtype=np.int64)[codes]
    kinds = np.array([types.index(parts[t][1]) if t in parts else -1 for t in distinct], dtype=np.int64)[codes]
    found_scheme, begins, mended = _begins(letters, kinds, starts, scheme) if style else _runs(kinds, starts)
    tags = np.where(kinds < 0, 0, 2 * kinds + np.where(begins, 1, 2))
    return BioTags(tags, bio_classes(types), found_scheme, mended)


def _continues(kinds: Codes, starts: Flags) -> Flags:
    """Whether the word before, in the same sentence, is in a span of the same type."""
    before = np.concatenate([[-1], kinds[:-1]])
    flags: Flags = (kinds >= 0) & (kinds == before) & ~starts
    return flags


def _runs(kinds: Codes, starts: Flags) -> tuple[Scheme, Flags, Flags]:
    return Scheme.IO, (kinds >= 0) & ~_continues(kinds, starts), np.zeros(len(kinds), dtype=bool)


def _begins(letters: Codes, kinds: Codes, starts: Flags, scheme: Scheme | None) -> tuple[Scheme, Flags, Flags]:
    """The scheme, where spans begin, and which words had to be mended for that."""
    continues = _continues(kinds, starts)
    begin, inside = letters == _B, letters == _I
    if scheme is Scheme.BIOES or (scheme is None and np.isin(letters, (_E, _S)).any()):
        closed = np.isin(np.concatenate([[0], letters[:-1]]), (_E, _S))
        goes_on = np.isin(letters, (_I, _E)) & continues & ~closed
        loose = np.isin(letters, (_I, _E)) & ~goes_on
        # A span that was begun must be gone on with until its E.
        unended = np.isin(letters, (_B, _I)) & ~np.concatenate([goes_on[1:], [False]])
        return Scheme.BIOES, begin | (letters == _S) | loose, loose | unended
    loose, idle = inside & ~continues, begin & ~continues
    if scheme is Scheme.IOB1 or (scheme is None and loose.sum() > idle.sum()):
        return Scheme.IOB1, begin | loose, idle
    return Scheme.BIO, begin | loose, loose
