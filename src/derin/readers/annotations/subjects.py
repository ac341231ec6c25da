"""Of whom or of which clip each picture is, where the names of the files tell: such pictures must not be parted.

A person whose pictures both train and test is known again, and what is measured says too much.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from derin.data.schema import Column, Kind, Role
from derin.data.table import Dense
from derin.readers.listing import natural_key

SUBJECT = "subject"
_NUMBERED = re.compile(r"(?P<subject>.*[^\W\d_].*?)[\s_.-]*[\[(]?\d+[\])]?")
# Names that only count (img_001) have one beginning, or few; those of people and clips have many, and none has most.
_FEWEST_SUBJECTS = 5
_LARGEST_SHARE = 0.2
_NUMBERED_SHARE = 0.9


def subjects_of_names(names: Sequence[str]) -> list[str] | None:
    """The subject of each file, its name without the number at its end; None where names tell none.

    They tell some where nine names in ten end in a number, and without it fall into five beginnings or more, of which
    none has more than a fifth of the files and one at least has several.

    Args:
        names: paths of files.

    Example:
        >>> subjects_of_names(["Ada_01.jpg", "Ada_02.jpg", "Bo_01.jpg", "Cy 1.png", "Dee (3).jpg", "Ed-1.jpg",
        ...                    "Fay_7.jpg", "Gus_1.jpg", "Gus_3.jpg", "Hal_1.jpg"])
        ['Ada', 'Ada', 'Bo', 'Cy', 'Dee', 'Ed', 'Fay', 'Gus', 'Gus', 'Hal']
        >>> subjects_of_names([f"img_{number}.jpg" for number in range(10)]) is None
        True
    """
    matches = [_NUMBERED.fullmatch(PurePosixPath(name).stem) for name in names]
    found = [PurePosixPath(name).stem if match is None else match["subject"] for name, match in zip(names, matches)]
    counts = Counter(found)
    numbered = sum(match is not None for match in matches)
    if numbered < _NUMBERED_SHARE * len(names) or not _FEWEST_SUBJECTS <= len(counts) < len(names):
        return None
    return found if max(counts.values()) <= _LARGEST_SHARE * len(names) else None


def subject_column(subjects: Sequence[str]) -> tuple[Column, Dense]:
    """A column that keeps the pictures of one subject in one split."""
    classes = tuple(sorted(set(subjects), key=natural_key))
    codes = {name: code for code, name in enumerate(classes)}
    values = np.array([codes[name] for name in subjects], dtype=np.int64)
    return Column(name=SUBJECT, kind=Kind.CATEGORY, role=Role.GROUP, classes=classes), Dense(values)
