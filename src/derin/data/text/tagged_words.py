"""The words of tagged sentences: what one is looked up as, which characters are read, how a text is cut into them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from derin.data.text.casing import TURKISH, to_lower

# Of a rare word the first letters are looked up, which for Turkish serves as well as a stemmer: F. Can et al.,
# "Information retrieval on Turkish texts", JASIST 59, 2008. No word holds the mark behind them.
_PREFIX, _MARK = 5, "\t"
# A space that breaks no line stands within a word.
_PIECE = re.compile("[\\S\u00a0\u202f]+")
_DIGIT = re.compile(r"\d")
_ENDINGS = re.compile(r"(\w+)['’]\w+")
# Ends of English words that CoNLL and the Penn treebank write as words of their own.
_CUT_OFF = re.compile(r"(.+?)(n['’]t|['’]\w+)", re.IGNORECASE)
_BEGINS_WITH_APOSTROPHE = re.compile(r"['’]\w")
_HOLDS_APOSTROPHE = re.compile(r"\w['’]\w")
_OPENING, _CLOSING = "([{<«“„‘\"'", ")]}>»”’\"'.,;:!?…"


@dataclass(frozen=True)
class Fold:
    """What a word is looked up as: in small letters, every digit as 0, for 1987 and 2004 are alike to a tagger.

    Turkish parts the endings of a name from it by an apostrophe: Ankara'da is looked up as ankara.

    Args:
        language: ``"tr"`` where capital I is the capital of ı, else None.
        cuts_apostrophes: whether the sentences have ``'s`` as a word of its own.

    Example:
        >>> Fold("tr", False)("IĞDIR'da"), Fold(None, True)("F16")
        ('ığdır', 'f00')
    """

    language: str | None
    cuts_apostrophes: bool

    def __call__(self, word: str) -> str:
        folded = _DIGIT.sub("0", to_lower(word, self.language))
        keeps_endings = self.language != TURKISH or self.cuts_apostrophes
        return folded if keeps_endings else _ENDINGS.sub(r"\1", folded)


def beginning(folded: str) -> str:
    """The first letters of a longer word with a mark behind them; nothing of a short one.

    Example:
        >>> beginning("kitaplar"), beginning("kitap")
        ('kitap\\t', '')
    """
    return folded[:_PREFIX] + _MARK if len(folded) > _PREFIX else ""


def both_ends(word: str, most: int) -> str:
    """A word of at most so many characters: capitals stand in front, endings behind."""
    if len(word) <= most:
        return word
    tail = most // 2
    return word[: most - tail] + word[len(word) - tail :]


def cuts_apostrophes(words: Sequence[str]) -> bool:
    """Whether sentences have ``'s`` as a word of its own rather than apostrophes within words."""
    begins = sum(_BEGINS_WITH_APOSTROPHE.match(word) is not None for word in words)
    return begins > sum(_HOLDS_APOSTROPHE.search(word) is not None for word in words)


def cut_text(text: str, knows: Callable[[str], bool], *, cuts_apostrophes: bool) -> list[str]:
    """A text as words: known ones stay whole, others lose their punctuation.

    Args:
        text: of a sentence.
        knows: whether a word is known.
        cuts_apostrophes: whether ``'s`` becomes a word of its own.

    Example:
        >>> cut_text("(Dr. Hall's cat)!", {"Dr."}.__contains__, cuts_apostrophes=True)
        ['(', 'Dr.', 'Hall', "'s", 'cat', ')', '!']
    """
    return [
        word for piece in _PIECE.findall(text) if piece.strip() for word in _cut_piece(piece, knows, cuts_apostrophes)
    ]


def _cut_piece(piece: str, knows: Callable[[str], bool], cuts_apostrophes: bool) -> Iterable[str]:
    before: list[str] = []
    behind: list[str] = []
    while len(piece) > 1 and not knows(piece):
        if piece[0] in _OPENING:
            before.append(piece[0])
            piece = piece[1:]
        elif piece[-1] in _CLOSING:
            behind.append(piece[-1])
            piece = piece[:-1]
        else:
            break
    if cuts_apostrophes and not knows(piece) and (match := _CUT_OFF.fullmatch(piece)):
        return [*before, match[1], match[2], *reversed(behind)]
    return [*before, piece, *reversed(behind)]
