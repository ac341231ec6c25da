r"""Words and punctuation as tokens, by the rules of Unicode rather than of one language.

What stands between two spaces is cut, longest rule first:

===================================  ===================================================
``https://a.org/x?y=1``              an address stays whole, as does ``name@example.org``
``1.234,5``, ``12:30``               a number with the signs inside it
``don't``                            an English negation stays whole
``Ankara'nın`` → ``Ankara`` ``'nın``  elsewhere an apostrophe begins a token: endings of names, ``'s``, ``'re``
``#konu``, ``@name``                 a mark with its word
``:-)``                              a face
``...``, ``!!!``                     up to three equal signs
anything else                        one sign
===================================  ===================================================

Letters, their combining marks, digits and underscores make a word; each Chinese character is one. Curly apostrophes
are made straight, and line breaks of HTML (``<br />``) are spaces.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from derin.data.table import Ragged
from derin.data.text.tokenizers import VOCABULARY_FILE, Tokenizer, needed_file
from derin.data.text.vocabulary import Vocabulary

_LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# Signs without a space before them, and those without one behind them; a hyphen is both.
_CLOSING = re.compile(r"[.,;!?%)\]}…»”]+|:|'\w+|[-/]")
_OPENING = frozenset("([{«“¿¡$£-/")
# Planes in which combining marks are defined.
_MARKS_WITHIN = range(0x0300, 0x1F000)


def split_words(text: str) -> list[str]:
    """The words and signs of a text.

    Example:
        >>> split_words("Ankara’nın nüfusu 5.864.049, değil mi? (Don't know...)")
        ['Ankara', "'nın", 'nüfusu', '5.864.049', ',', 'değil', 'mi', '?', '(', "Don't", 'know', '...', ')']
    """
    find = _pattern().findall
    return [token for chunk in _chunks(text) for token in find(chunk)]


def join_words(words: Iterable[str]) -> str:
    """A text from words and signs, with spaces where a reader expects them.

    Example:
        >>> join_words(["Ankara", "'nın", "nüfusu", "(", "2023", ")", "arttı", ",", "değil", "mi", "?"])
        "Ankara'nın nüfusu (2023) arttı, değil mi?"
    """
    parts: list[str] = []
    joined, quoted = True, False
    for word in words:
        if word == '"':
            quoted = not quoted
        if not (joined or _CLOSING.fullmatch(word) or (word == '"' and not quoted)):
            parts.append(" ")
        parts.append(word)
        joined = word in _OPENING or (word == '"' and quoted)
    return "".join(parts)


class WordTokenizer(Tokenizer):
    """Cuts by `split_words`. Decoding puts spaces where `join_words` expects them.

    Args:
        vocabulary: the words.

    Example:
        >>> tokenizer = WordTokenizer.fit(["so good, so good", "not good"], min_count=2)
        >>> tokenizer.vocabulary.tokens[4:]
        ('good', 'so')
        >>> tokenizer.decode(tokenizer.encode(["so bad"]).flat)
        'so <UNK>'
    """

    name: ClassVar[str] = "words"
    lowercases: ClassVar[bool] = True

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    @classmethod
    def fit(cls, texts: Sequence[str], *, max_size: int | None = None, min_count: int = 1) -> Self:
        find = _pattern().findall
        counts: Counter[str] = Counter()
        for chunk, num in Counter(chain.from_iterable(map(_chunks, texts))).items():
            for token in find(chunk):
                counts[token] += num
        return cls(Vocabulary.from_counts(counts, max_size=max_size, min_count=min_count))

    def encode(self, texts: Sequence[str]) -> Ragged:
        # Texts repeat what stands between spaces: each different piece is cut once, and put in place by its number.
        places: defaultdict[str, int] = defaultdict()
        places.default_factory = places.__len__
        pieces = [_chunks(text) for text in texts]
        bounds = np.cumsum([0, *map(len, pieces)])
        numbers = np.fromiter(map(places.__getitem__, chain.from_iterable(pieces)), dtype=np.int64, count=bounds[-1])
        find = _pattern().findall
        words = [find(piece) for piece in places]
        ends = np.cumsum([0, *map(len, words)])
        cut = Ragged(self.vocabulary.encode(list(chain.from_iterable(words))), ends).take(numbers)
        return Ragged(cut.flat, cut.offsets[bounds])

    def decode(self, ids: npt.NDArray[np.int64]) -> str:
        return join_words(self.vocabulary.decode(ids))

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], where: str) -> Self:
        return cls(Vocabulary.from_bytes(needed_file(files, VOCABULARY_FILE, where), f"{where}: {VOCABULARY_FILE}"))


def _chunks(text: str) -> list[str]:
    """What stands between spaces, composed."""
    text = unicodedata.normalize("NFC", text).replace("’", "'").replace("ʼ", "'")
    if "<" in text:
        text = _LINE_BREAK.sub(" ", text)
    return text.split()


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    # Python's \w knows letters and digits of all scripts, but not the marks that stand on them (vowels of Hindi).
    marks = "".join(chr(code) for code in _MARKS_WITHIN if unicodedata.category(chr(code))[0] == "M")
    # Two invisible signs join letters (Persian, Hindi).
    letter = rf"(?:[^\W{_HAN}]|[{re.escape(marks)}\u200c\u200d])"
    word = rf"{letter}++"
    return re.compile(
        rf"""(?:https?://|www\.)[^\s<>"]*[^\s<>"'.,;:!?()\[\]{{}}]
        | [\w.+-]{{1,64}}+@[\w-]+(?:\.[\w-]+)+
        | \d++(?:[.,:/]\d++)*+(?!\w)
        | [{_HAN}]
        | (?:[@\#](?=\w))?{word}(?:'[tT](?!\w))?
        | (?<=\w)'{word}
        | [:;=]-?[()DP](?!\w)
        | \.{{2,3}} | !{{2,3}} | \?{{2,3}} | [!?]{{2,3}} | -{{2,3}} | \*{{2,3}} | ={{2,3}} | ~{{2,3}}
        | \S[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]*(?:\u200d\S[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]*)*""",
        re.VERBOSE,
    )
