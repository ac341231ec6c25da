"""Promoters of bacteria made by a rule: DNA with or without the two boxes at which transcription begins.

Every sequence has 80 bases, of which 52 % are A or T. One in two is a promoter: it holds the −35 box TTGACA, 16 to 18
bases, and the −10 box TATAAT, where the first box begins 10 to 22 bases from the start. Each base of a box stays as it
is with chance 0.9 and is drawn anew otherwise. Of the others one half holds no box; one quarter holds both in the other
order, and one quarter at a wrong distance (6 to 11 or 24 to 31 bases), equally noisy. So counting words of bases finds
what has boxes, and only who reads order and distance finds the promoters. One label in fifty is wrong, as labels are.

Source of boxes and distance: C. B. Harley, R. P. Reynolds, "Analysis of E. coli promoter sequences", Nucleic Acids
    Research 15, 1987. Differs: real boxes are noisier, some bases more than others, and have further signals around.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from derin.core.messages import Message
from derin.core.seeds import generator
from derin.data.report import DataReport
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Ragged, Table

CLASSES = ("other", "promoter")
LENGTH = 80
_NUM = 6_000
_SEED = 35
_BASES = np.frombuffer(b"ACGT", dtype=np.uint8)
_SHARES = (0.26, 0.24, 0.24, 0.26)  # of A, C, G, T away from the boxes
_BOX_35, _BOX_10 = b"TTGACA", b"TATAAT"
_KEPT = 0.9
_GAPS = (16, 17, 18)  # bases between the boxes of a promoter; 17 is commonest
_GAP_SHARES = (0.25, 0.5, 0.25)
_WRONG_GAPS = (*range(6, 12), *range(24, 32))
_STARTS = (10, 22)  # where the first box begins, both included
_WRONG_LABELS = 0.02

Bases = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]


def dna_promoters(*, name: str, num: int = _NUM, seed: int = _SEED) -> Table:
    """Sequences and whether each is a promoter, as a table of text and class.

    Args:
        name: of the table.
        num: sequences.
        seed: of all that is drawn.

    Shapes:
        column ``text`` ragged UTF-8, 80 letters A, C, G, T each; column ``label`` ``(num,)`` int64.

    Example:
        >>> table = dna_promoters(name="dna_promoters", num=4)
        >>> [len(text) for text in table.columns["text"].texts()], table.target().classes
        ([80, 80, 80, 80], ('other', 'promoter'))
    """
    random = generator(seed, "dna-promoters")
    bases = random.choice(_BASES, size=(num, LENGTH), p=_SHARES)
    labels = random.permutation(np.arange(num) % 2)
    is_promoter = labels == 1
    # What the others hold: 0 and 1 no box, 2 both in the other order, 3 both at a wrong distance.
    kind = random.integers(0, 4, size=num)
    is_reversed = ~is_promoter & (kind == 2)
    has_boxes = is_promoter | (kind >= 2)
    right = random.choice(_GAPS, size=num, p=_GAP_SHARES)
    gaps = np.where(is_promoter | is_reversed, right, random.choice(_WRONG_GAPS, size=num))
    first = random.integers(_STARTS[0], _STARTS[1] + 1, size=num)
    second = first + len(_BOX_35) + gaps
    _write(bases, np.where(is_reversed, second, first), _BOX_35, has_boxes, random)
    _write(bases, np.where(is_reversed, first, second), _BOX_10, has_boxes, random)
    labels = np.where(random.random(num) < _WRONG_LABELS, 1 - labels, labels)
    schema = Schema(
        (
            Column(name="text", kind=Kind.TEXT, role=Role.INPUT, shape=(-1,), note=Message("reading.dna_direction")),
            Column(name="label", kind=Kind.CATEGORY, role=Role.TARGET, classes=CLASSES),
        )
    )
    texts = Ragged(bases.reshape(-1), np.arange(num + 1, dtype=np.int64) * LENGTH)
    report = DataReport(source="made by the rule of derin.datasets.generated.dna")
    return Table(name=name, schema=schema, columns={"text": texts, "label": Dense(labels)}, splits={}, report=report)


def _write(
    bases: Bases, starts: Places, box: bytes, has_boxes: npt.NDArray[np.bool_], random: np.random.Generator
) -> None:
    """Puts a box into the sequences that have one, in place; a base that is not kept stays what chance drew."""
    places = starts[:, None] + np.arange(len(box))
    rows = np.arange(len(bases))[:, None]
    drawn = bases[rows, places]
    stays = (random.random(drawn.shape) < _KEPT) & has_boxes[:, None]
    bases[rows, places] = np.where(stays, np.frombuffer(box, dtype=np.uint8), drawn)
