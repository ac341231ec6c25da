"""Which split a file, a folder or a value names."""

from __future__ import annotations

import re

_WORDS = {
    "train": ("train", "training", "traindata"),
    "val": ("val", "valid", "validation", "dev", "devel", "development", "testa"),
    "test": ("test", "testing", "testb", "testdata"),
}
_SPLIT_OF = {word: split for split, words in _WORDS.items() for word in words}


def split_of(name: str) -> str | None:
    """The split that a name tells, or None.

    Example:
        >>> split_of("titanic_train.csv"), split_of("eng.testa"), split_of("dev"), split_of("contest.csv")
        ('train', 'val', 'val', None)
    """
    for word in reversed(re.split(r"[^a-z]+", name.lower())):
        if word in _SPLIT_OF:
            return _SPLIT_OF[word]
    return None
