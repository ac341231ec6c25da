"""Melodies in ABC notation, made by a rule that can be checked: from one thing, a key with a meter, to many notes.

Each tune has three lines and is followed by an empty one::

    M:3/4
    K:G
    G2B2d2|c2A4|G2B2d2|c2A4|B2d2B2|A2d4|G2B2d2|c2A4|

The rule:

1. Meter (3/4, 4/4 or 6/8) and key (C, G, D or F major) are drawn; a note's number is its length in eighths.
2. There are four phrases of two bars, A A B A: the first, second and fourth are the same.
3. Each bar is full: six eighths in 3/4 and 6/8, eight in 4/4.
4. From note to note within a phrase the tune moves by at most two steps of the scale, within the octave above the
   key's own note.
5. A ends on the key's own note, B on its fifth.

`broken_rules` names which of them a tune breaks, so that what a network writes can be counted.
Notation: C. Walshaw, "The abc music standard 2.1", 2011, https://abcnotation.com/wiki/abc:standard:v2.1.
"""

from __future__ import annotations

import itertools
import re

import numpy as np

from derin.core.errors import UsageError
from derin.core.messages import Message
from derin.core.seeds import generator
from derin.data.table import Table
from derin.datasets.generated.food_grammar import lines_as_text

# Letters from the C below to the b above; a key's scale is eight of them in a row, the signs come from the key.
_LETTERS = "CDEFGABcdefgab"
_KEYS = {"C": 0, "D": 1, "F": 3, "G": 4}
_METERS = {"3/4": 6, "4/4": 8, "6/8": 6}
# Lengths in eighths that fill a bar.
_RHYTHMS = {
    "3/4": ((2, 2, 2), (2, 4), (4, 2), (2, 1, 1, 2), (6,)),
    "4/4": ((2, 2, 2, 2), (4, 2, 2), (2, 2, 4), (4, 4), (2, 1, 1, 4), (3, 1, 4)),
    "6/8": ((3, 3), (2, 1, 2, 1), (1, 1, 1, 3), (3, 2, 1), (6,)),
}
_FURTHEST_STEP, _HIGHEST = 2, 7
# The parts of a tune, and the step of the scale on which each ends.
_FORM, _ENDS = "AABA", {"A": 0, "B": 4}
_TUNE = re.compile(r"M:(\d/\d)\nK:([A-G])\n((?:[A-Ga-g]\d?)+(?:\|(?:[A-Ga-g]\d?)+)*)\|")
_NOTE = re.compile(r"([A-Ga-g])(\d?)")

Note = tuple[int, int]  # step of the scale from the key's own note, length in eighths


def melodies(num: int, seed: int = 0) -> list[str]:
    """Tunes of the rule, each in three lines.

    Args:
        num: how many.
        seed: tune i is a function of (seed, i).

    Raises:
        UsageError: fewer than one.

    Example:
        >>> tune = melodies(1)[0]
        >>> print(tune)
        M:6/8
        K:D
        A3c2B|A2FE2D|A3c2B|A2FE2D|B2dB2B|ddBA3|A3c2B|A2FE2D|
        >>> broken_rules(tune)
        []
    """
    if num < 1:
        raise UsageError(f"melodies: num must be at least 1; got {num}.")
    return [_melody(generator(seed, "music", row)) for row in range(num)]


def music(*, name: str, num: int = 4000, seed: int = 0) -> Table:
    """Tunes of the rule as a text, with an empty line after each; the last tenth is kept apart to measure on.

    Args:
        name: of the data, for people.
        num: tunes.
        seed: of their drawing.

    Shapes:
        column ``text`` of two rows, train and val.
    """
    return lines_as_text(name, melodies(num, seed), Message("reading.melodies"), between="\n\n")


def broken_rules(tune: str) -> list[str]:
    """Which of the rules a tune breaks, in words of one or two; empty where it keeps all.

    Example:
        >>> broken_rules("M:3/4\\nK:C\\nC2D2E2|C6|C2D2E2|C6|E2F2G2|G6|C2D2E2|D4C2|")
        ['form']
        >>> broken_rules("la la la")
        ['notation']
    """
    found = _TUNE.fullmatch(tune.strip())
    if found is None or found[1] not in _METERS or found[2] not in _KEYS:
        return ["notation"]
    bars = [_notes(bar, found[2]) for bar in found[3].split("|")]
    phrases = [bars[place : place + 2] for place in range(0, len(bars), 2)]
    broken = []
    if len(bars) != 2 * len(_FORM) or any(phrase != phrases[0] for phrase, part in zip(phrases, _FORM) if part == "A"):
        broken.append("form")
    if any(sum(length for _, length in bar) != _METERS[found[1]] for bar in bars):
        broken.append("meter")
    runs = [[step for bar in phrase for step, _ in bar] for phrase in phrases]
    if any(abs(b - a) > _FURTHEST_STEP for run in runs for a, b in itertools.pairwise(run)):
        broken.append("steps")
    if any(not 0 <= step <= _HIGHEST for run in runs for step in run):
        broken.append("range")
    if any(run[-1] != _ENDS[part] for run, part in zip(runs, _FORM)):
        broken.append("ending")
    return broken


def _melody(draw: np.random.Generator) -> str:
    meter, key = (list(names)[int(draw.integers(len(names)))] for names in (_METERS, _KEYS))
    phrases = {part: _phrase(draw, meter, end) for part, end in _ENDS.items()}
    bars = "|".join(_spelled(bar, key) for part in _FORM for bar in phrases[part])
    return f"M:{meter}\nK:{key}\n{bars}|"


def _phrase(draw: np.random.Generator, meter: str, end: int) -> list[list[Note]]:
    """Two bars whose steps are walked backwards from the last note, so that they come out where they have to."""
    rhythms = [_RHYTHMS[meter][int(draw.integers(len(_RHYTHMS[meter])))] for _ in range(2)]
    steps = [end]
    for _ in range(sum(map(len, rhythms)) - 1):
        low, high = max(steps[-1] - _FURTHEST_STEP, 0), min(steps[-1] + _FURTHEST_STEP, _HIGHEST)
        steps.append(int(draw.integers(low, high + 1)))
    walk = iter(reversed(steps))
    return [[(next(walk), length) for length in rhythm] for rhythm in rhythms]


def _spelled(bar: list[Note], key: str) -> str:
    return "".join(_LETTERS[_KEYS[key] + step] + (str(length) if length > 1 else "") for step, length in bar)


def _notes(bar: str, key: str) -> list[Note]:
    """The notes of a bar; a step outside the scale's octave is below 0 or above 7."""
    return [(_LETTERS.index(letter) - _KEYS[key], int(length or 1)) for letter, length in _NOTE.findall(bar)]
