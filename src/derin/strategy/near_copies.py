"""What is said of examples that are nearly the same."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from derin.core.messages import translate
from derin.core.printable import printable
from derin.data.near_duplicates import NearCopy


def near_copy_sentences(pairs: Sequence[NearCopy]) -> list[str]:
    """One for each two splits, with the first pair by name.

    Args:
        pairs: what `derin.data.near_duplicates.near_copies` gave.
    """
    said = []
    for splits, near in itertools.groupby(pairs, key=lambda pair: pair.splits):
        several = list(near)
        first, second = (translate(f"split.{split}") for split in splits)
        key = "errors.near_within" if first == second else "errors.near_between"
        names = " ≈ ".join(map(printable, several[0].names))
        said.append(translate(key, count=len(several), first=first, second=second, names=names))
    return said
