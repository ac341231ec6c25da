"""Whether a picture and its mirror image mean the same: asked before pictures are flipped in training.

A mirrored cat is a cat; a mirrored arrow to the left is one to the right. Names tell (``left`` and ``right``, ``b`` and
``d``), and so do the pictures: a small linear classifier is fitted on half of them, and asked about the mirror images
of the other half.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt

from derin.core.messages import Message
from derin.core.seeds import permutation
from derin.data.schema import Column, Kind
from derin.data.table import ColumnData, Dense, Pictures, Points, Rows, Table

Floats = npt.NDArray[np.float64]

# Words that change places in a mirror, one pair for each language and kind of sign.
_PAIRS = (
    *(("left", "right"), ("l", "r"), ("lh", "rh"), ("lefty", "righty"), ("leftward", "rightward")),
    *(("leftwards", "rightwards"), ("east", "west"), ("clockwise", "counterclockwise"), ("cw", "ccw")),
    *(("clockwise", "anticlockwise"), ("links", "rechts"), ("ost", "west"), ("sol", "sağ"), ("sol", "sag")),
    *(("sola", "sağa"), ("solda", "sağda"), ("soldan", "sağdan"), ("sola", "saga")),
    *(("doğu", "batı"), ("dogu", "bati"), ("izquierda", "derecha"), ("izquierdo", "derecho"), ("este", "oeste")),
    *(("gauche", "droite"), ("gauche", "droit"), ("est", "ouest"), ("sinistra", "destra"), ("esquerda", "direita")),
    *(("esquerdo", "direito"), ("лево", "право"), ("левый", "правый"), ("влево", "вправо"), ("左", "右")),
    *(("vänster", "höger"), ("venstre", "højre"), ("venstre", "høyre"), ("lewo", "prawo"), ("vasen", "oikea")),
    *(("forward slash", "backslash"), ("slash", "backslash"), ("less", "greater"), ("lt", "gt"), ("port", "starboard")),
)
# Alone, these are signs whose mirror image is another sign.
_SIGNS = ("bd", "pq", "<>", "()", "[]", "{}", "/\\", "←→", "⇐⇒", "↖↗", "↙↘", "«»", "‹›")
_SWAPPED = [(word, other) for pair in _PAIRS for word, other in (pair, pair[::-1])]

_SIDE = 16  # pixels to which pictures are brought to look at them
_MOST_PICTURES = 1_000
_MOST_CLASSES = 100
_FEWEST_OF_A_CLASS = 10
_LEAST_DIFFERENCE = 0.3
_STANDARD_ERRORS = 4.0
_DAMPING = 0.1


@dataclass(frozen=True)
class Mirroring:
    """Whether mirror images mean the same, and how that was found out.

    Args:
        same: whether they do.
        note: a sentence where they do not and the pictures have colours; else empty.
        pair: two classes whose pictures are each other's mirror images.
    """

    same: bool
    note: str = ""
    pair: tuple[str, str] | None = None


def mirroring_of(table: Table, column: Column) -> Mirroring:
    """Whether the mirror images of a table's pictures mean the same.

    Pictures in gray are mostly signs and scans, whose mirror images mean nothing; that includes pictures that hold one
    channel three times.

    Args:
        table: the data; the training rows are looked at.
        column: of the pictures.
    """
    marks = table.columns[table.targets[0].name] if len(table.targets) == 1 else None
    if isinstance(marks, Points):
        # Left and right points change places, where it is known which they are.
        return Mirroring(bool(marks.pairs) or marks.places.shape[1] == 1)
    if column.shape[-1] == 1:
        return Mirroring(False)
    rows = table.splits["train"] if "train" in table.splits else np.arange(len(table), dtype=np.int64)
    data = table.columns[column.name]
    if _all_gray(data, rows):
        return Mirroring(False, Message("reading.no_flips_gray"))
    target = table.targets[0] if len(table.targets) == 1 else None
    if target is None or target.kind is not Kind.CATEGORY or target.classes is None or target.shape:
        return Mirroring(True)
    pair = mirrored_names(target.classes)
    if pair is not None:
        return Mirroring(False, Message("reading.no_flips_names", one=pair[0], other=pair[1]), pair)
    labels = table.columns[target.name]
    found = _mirrored_pictures(data, labels.values, rows, target.classes) if isinstance(labels, Dense) else None
    if found is not None:
        one, other, share = found
        note = Message("reading.no_flips_looks", one=one, other=other, share=round(share, 3))
        return Mirroring(False, note, (one, other))
    return Mirroring(True)


def mirrored_names(classes: Sequence[str]) -> tuple[str, str] | None:
    """Two classes whose names say that they are each other's mirror images.

    Example:
        >>> mirrored_names(["turn-left", "turn-right", "stop"]), mirrored_names(["LeftHand", "RightHand"])
        (('turn-left', 'turn-right'), ('LeftHand', 'RightHand'))
        >>> mirrored_names(["a", "b", "c", "d"]), mirrored_names(["cat", "dog"])
        (('b', 'd'), None)
    """
    by_words = {_words(name): name for name in classes}
    sides: dict[str, list[str]] = {}
    for word, mirrored in _SWAPPED:
        sides.setdefault(word, []).append(mirrored)
    for words, name in by_words.items():
        for place, word in enumerate(words):
            for mirrored in sides.get(word, ()):
                other = by_words.get((*words[:place], mirrored, *words[place + 1 :]))
                # Among the letters of an alphabet l and r are no sides.
                if other is not None and other != name and (len(word) > 1 or len(words) > 1 or len(classes) == 2):
                    return name, other
    names = set(classes)
    for pair in _SIGNS:
        if names.issuperset(pair):
            return pair[0], pair[1]
    return None


def _words(name: str) -> tuple[str, ...]:
    """A name as words in small letters: at marks, digits, and before capitals within a word."""
    apart = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])", " ", name)
    return tuple(re.findall(r"\w+", apart.replace("_", " ").lower()))


def _all_gray(data: ColumnData, rows: Rows) -> bool:
    """Whether red, green and blue are equal everywhere; of many pictures some are looked at."""
    for pixels in _some(data, rows[:: max(1, len(rows) // _MOST_PICTURES)]):
        if not ((pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all()):
            return False
    return True


def _some(data: ColumnData, rows: Rows) -> Iterator[npt.NDArray[np.uint8]]:
    if isinstance(data, Dense | Pictures):
        for start in range(0, len(rows), 64):
            yield from data.take(rows[start : start + 64])


def _mirrored_pictures(
    data: ColumnData, labels: npt.NDArray[np.int64], rows: Rows, classes: Sequence[str]
) -> tuple[str, str, float] | None:
    """The two classes of which mirrored pictures are most often taken for each other, and how often; None where chance
    or the classifier's own mistakes explain that.
    """
    rows = rows[labels[rows] >= 0]
    rows = rows[permutation(0, "mirroring", 0, len(rows))][:_MOST_PICTURES]
    counts = np.bincount(labels[rows], minlength=len(classes))
    many = np.flatnonzero(counts >= _FEWEST_OF_A_CLASS)
    if not 2 <= len(many) <= _MOST_CLASSES:
        return None
    rows = rows[np.isin(labels[rows], many)]
    small = np.stack([_small(pixels) for pixels in _some(data, rows)])
    numbers = np.searchsorted(many, labels[rows])
    plain, mirrored = (_answers(small, turned, numbers, len(many)) for turned in (small, small[:, :, ::-1]))
    num = counts[many][:, None].astype(np.float64)
    shares = [np.stack([np.bincount(a[numbers == c], minlength=len(many)) for c in range(len(many))]) / num
              for a in (plain, mirrored)]  # fmt: skip
    difference = shares[1] - shares[0]
    error = np.sqrt((shares[0] * (1 - shares[0]) + shares[1] * (1 - shares[1]) + 1 / num) / num)
    sure = (difference > _LEAST_DIFFERENCE) & (difference > _STANDARD_ERRORS * error)
    both = [(a, b) for a, b in permutations(range(len(many)), 2) if a < b and sure[a, b] and sure[b, a]]
    if not both:
        return None
    a, b = max(both, key=lambda pair: float(difference[pair] + difference[pair[::-1]]))
    return classes[many[a]], classes[many[b]], float((shares[1][a, b] + shares[1][b, a]) / 2)


def _answers(small: Floats, asked: Floats, numbers: npt.NDArray[np.int64], num_classes: int) -> npt.NDArray[np.int64]:
    """What a ridge classifier, fitted on one half of the pictures, says of what stands for the other half."""
    flat, questions = small.reshape(len(small), -1), asked.reshape(len(asked), -1)
    wanted = np.eye(num_classes)[numbers]
    found = np.zeros(len(small), dtype=np.int64)
    halves = np.arange(len(small)) % 2
    for half in (0, 1):
        fit, test = halves == half, halves != half
        mean, bias = flat[fit].mean(0), wanted[fit].mean(0)
        inputs = flat[fit] - mean
        kernel = inputs @ inputs.T
        damping = _DAMPING * max(float(np.trace(kernel)) / len(kernel), 1e-12)
        weights = np.linalg.solve(kernel + damping * np.eye(len(kernel)), wanted[fit] - bias)
        found[test] = ((questions[test] - mean) @ inputs.T @ weights + bias).argmax(1)
    return found


def _small(pixels: npt.NDArray[np.uint8]) -> Floats:
    """A picture in ``(16, 16, channels)``, by the means of its parts; a smaller one is repeated."""
    found = pixels.astype(np.float64) / 255
    for axis in (0, 1):
        num = found.shape[axis]
        bounds = np.arange(_SIDE) * num // _SIDE
        if num < _SIDE:
            found = np.take(found, bounds, axis=axis)
            continue
        widths = np.diff(np.append(bounds, num)).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        found = np.add.reduceat(found, bounds, axis=axis) / widths
    return found
