"""Rows that are nearly the same: a picture that was saved again, a text with a word changed, numbers that were rounded.

Exact copies are `derin.data.duplicates`' work; here each of these counts once, by its first row. What is alike enough
depends on the data, since two handwritten ones are more alike than two photographs of one sight: beside a bound of its
own, a picture must be far more like its copy than like what is otherwise nearest to it.

================ ==================================================================================================
inputs           two rows are nearly the same where
================ ==================================================================================================
one picture      the cosine of their gray values on 16 × 16 pixels, less the mean, is at least 0.95 for the best of 81
                 crops of each by up to 6 % a side, and 1 − cosine at most 12 % of that to the fifth nearest picture
one text         of the runs of 5 letters (capitals, signs and spaces aside) that occur in either, 80 % occur in both
numbers, classes all classes are equal and all numbers within a thousandth of their column's deviation, or of the range
                 of its middle half where that is less; four columns of many values are needed, since rows of fewer are
                 alike by nature
================ ==================================================================================================

Source: D. G. Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60, 2004, section 7.1 (the ratio);
A. Z. Broder, "On the resemblance and containment of documents", SEQUENCES 1997 (shingles and their least hashes).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.seeds import generator
from derin.data.duplicates import row_name
from derin.data.schema import Kind
from derin.data.table import SPLITS, Dense, Pictures, Ragged, Rows, Table

Floats = npt.NDArray[np.float32]
Pairs = npt.NDArray[np.int64]

_BLOCK = 256  # rows whose cosines to all others are computed at once
_GROUP = 64  # columns of which only the nearest is looked at
_COARSE, _FINE, _SIDE = 12, 16, 32  # pixels a side: to find candidates, to compare them, and what they are cropped from
_CROPS = (0, 1, 2)  # pixels of 32 at each side
_CANDIDATE_COSINE, _CANDIDATE_RATIO = 0.7, 0.6
_COSINE, _RATIO = 0.95, 0.12
_NEAREST = 5  # the nearest but four is no copy, or a picture has more than four copies
_LETTERS = 5
_HASHES, _BANDS = 64, 16  # of 4 hashes each: of texts that share 80 %, one in 4,700 is not looked at
_SHARED = 0.8
_DEVIATIONS = 1e-3
_FEWEST_NUMBERS = 4  # columns of more than a few values: rows of fewer are alike by nature
_FEW_VALUES = 20
# Of a processor of 2020, roughly: `expected_seconds` says whether one wants to wait.
_PER_PAIR_OF_PICTURES, _PER_PICTURE, _PER_TEXT, _PER_LETTER, _PER_ROW = 1.3e-8, 4e-4, 1e-4, 5e-7, 2e-5


@dataclass(frozen=True, kw_only=True)
class NearCopy:
    """Two examples whose inputs are nearly, and not exactly, the same.

    Args:
        rows: their numbers in the table.
        names: their files or lines; else their numbers.
        splits: of which they are, in the order of the splits.
    """

    rows: tuple[int, int]
    names: tuple[str, str]
    splits: tuple[str, str]

    def to_json(self) -> dict[str, Any]:
        return {"rows": list(self.rows), "names": list(self.names), "splits": list(self.splits)}


def near_copies(table: Table, first: Rows) -> list[NearCopy]:
    """The pairs of `near_duplicates` that lie in splits, those of two splits first: they make figures look better.

    Args:
        table: whose rows are compared.
        first: what `derin.data.duplicates.first_equal_rows` gave.
    """
    order = [split for split in SPLITS if split in table.splits]
    split_of = {row: place for place, split in enumerate(order) for row in table.splits[split].tolist()}
    found = []
    for pair in near_duplicates(table, first).tolist():
        if all(row in split_of for row in pair):
            one, other = sorted(pair, key=lambda row: (split_of[row], row))
            names = (row_name(table.row_names, one), row_name(table.row_names, other))
            found.append(
                NearCopy(rows=(one, other), names=names, splits=(order[split_of[one]], order[split_of[other]]))
            )
    return sorted(found, key=lambda pair: (pair.splits[0] == pair.splits[1], [order.index(s) for s in pair.splits]))


def expected_seconds(table: Table) -> float | None:
    """About how long a processor looks for near copies; None where rows of such inputs are not compared."""
    num = len(table)
    match _form(table):
        case Kind.PICTURE:
            return _PER_PAIR_OF_PICTURES * num**2 + _PER_PICTURE * num
        case Kind.TEXT:
            data = table.columns[table.inputs[0].name]
            return _PER_TEXT * num + _PER_LETTER * (data.flat.nbytes if isinstance(data, Ragged) else 0)
        case Kind.NUMBER:
            return _PER_ROW * num
    return None


def _form(table: Table) -> Kind | None:
    """Picture, text or number: as what rows are compared; None where they are not."""
    columns = table.inputs
    data = [table.columns[column.name] for column in columns]
    if len(columns) == 1 and columns[0].kind is Kind.PICTURE and isinstance(data[0], Dense | Pictures):
        return Kind.PICTURE
    if len(columns) == 1 and columns[0].kind is Kind.TEXT and isinstance(data[0], Ragged):
        return Kind.TEXT
    is_flat = all(isinstance(part, Dense) and part.values.ndim == 1 for part in data)
    return Kind.NUMBER if data and is_flat else None


def near_duplicates(table: Table, first: Rows) -> Pairs:
    """Pairs of rows whose inputs are nearly, and not exactly, the same; of one kind of inputs alone.

    Args:
        table: whose rows are compared.
        first: what `derin.data.duplicates.first_equal_rows` gave.

    Returns:
        (row, other row) with row < other row, both the first of their exact copies.

    Shapes:
        → ``(P, 2)``.

    Example:
        >>> from derin.data.schema import Column, Role, Schema
        >>> texts = ["The ship left at noon on Monday.", "A storm came up.", "the ship left at noon, on Monday"]
        >>> schema = Schema((Column(name="t", kind=Kind.TEXT, role=Role.INPUT),))
        >>> table = Table(name="t", schema=schema, columns={"t": Ragged.from_texts(texts)}, splits={})
        >>> near_duplicates(table, np.arange(3)).tolist()
        [[0, 2]]
    """
    rows = np.flatnonzero(first == np.arange(len(first)))
    data = [table.columns[column.name] for column in table.inputs]
    form = _form(table)
    if len(rows) < 2 or form is None:
        return np.zeros((0, 2), dtype=np.int64)
    if form is Kind.PICTURE:
        assert isinstance(data[0], Dense | Pictures)
        found = _alike_pictures(small_pictures(data[0], rows))
    elif form is Kind.TEXT:
        assert isinstance(data[0], Ragged)
        found = _alike_texts(data[0].texts(rows))
    else:
        is_class = [column.kind is Kind.CATEGORY for column in table.inputs]
        values = np.stack([part.take(rows).astype(np.float64) for part in data], axis=1)
        found = _alike_numbers(values, np.array(is_class))
    pairs = np.unique(np.sort(rows[np.array(found, dtype=np.int64).reshape(-1, 2)], axis=1), axis=0)
    return pairs[pairs[:, 0] < pairs[:, 1]]


def small_pictures(data: Dense | Pictures, rows: Rows) -> npt.NDArray[np.uint8]:
    """Rows of a column as small gray pictures, ``(len(rows), 32, 32)``."""
    from PIL import Image

    small = np.empty((len(rows), _SIDE, _SIDE), dtype=np.uint8)
    for start in range(0, len(rows), 1024):
        for place, pixels in enumerate(data.take(rows[start : start + 1024]), start=start):
            image = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels[..., :3]))
            gray = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
            small[place] = np.asarray(gray)
    return small


@dataclass(frozen=True)
class _Neighbors:
    """Of each row the nearest few and what is otherwise near.

    Args:
        nearest: rows, the nearest first: ``(N, 3)``.
        cosines: to these.
        ordinary: the row that is no copy: ``(N,)``.
        ordinary_cosines: to that.
    """

    nearest: Rows
    cosines: Floats
    ordinary: Rows
    ordinary_cosines: Floats


def _alike_pictures(small: npt.NDArray[np.uint8]) -> list[tuple[int, int]]:
    if len(small) <= _NEAREST:
        return []
    near = _neighbors(_normalized(_resized(small, _window(_COARSE, 0, 0))))
    distances = 1 - near.cosines
    candidates = near.cosines >= _CANDIDATE_COSINE
    candidates &= distances <= _CANDIDATE_RATIO * (1 - near.ordinary_cosines)[:, None]
    found = []
    for row in np.flatnonzero(candidates.any(axis=1)).tolist():
        others = near.nearest[row][candidates[row]]
        *cosines, ordinary = _aligned(small, row, np.append(others, near.ordinary[row]))
        found += [
            (row, int(other))
            for other, cosine in zip(others, cosines)
            if cosine >= _COSINE and 1 - cosine <= _RATIO * (1 - ordinary)
        ]
    return found


def _neighbors(vectors: Floats) -> _Neighbors:
    """The nearest rows of each by cosine, by blocks of matrix products."""
    num, width = len(vectors), min(_GROUP, max(1, len(vectors) // (4 * _NEAREST)))
    padded = np.zeros((-(-num // width) * width, vectors.shape[1]), dtype=np.float32)
    padded[:num] = vectors
    nearest, cosines = np.empty((num, _NEAREST), dtype=np.int64), np.empty((num, _NEAREST), dtype=np.float32)
    for start in range(0, num, _BLOCK):
        block = vectors[start : start + _BLOCK] @ padded.T
        lines = np.arange(len(block))
        block[lines, start + lines] = -1
        block[:, num:] = -1
        # Neighbors in the table, as pictures of one person are, fall into different groups.
        grouped = block.reshape(len(block), width, -1)
        best = grouped.max(axis=1)
        groups = np.argpartition(-best, min(_NEAREST, best.shape[1] - 1), axis=1)[:, :_NEAREST]
        groups = np.take_along_axis(groups, np.argsort(-np.take_along_axis(best, groups, 1), axis=1), 1)
        inside = np.take_along_axis(grouped, groups[:, None, :], 2).argmax(axis=1)
        nearest[start : start + len(block)] = inside * best.shape[1] + groups
        cosines[start : start + len(block)] = np.take_along_axis(best, groups, 1)
    return _Neighbors(nearest[:, :3], cosines[:, :3], nearest[:, -1], cosines[:, -1])


def _aligned(small: npt.NDArray[np.uint8], row: int, others: Rows) -> Floats:
    """The cosines of one picture and others, each the best over crops of either: ``(len(others),)``."""
    whole = _window(_FINE, 0, 0)
    windows = [_window(_FINE, before, after) for before in _CROPS for after in _CROPS]
    pictures = np.concatenate([small[row : row + 1], small[others]]).astype(np.float32)
    by_line = np.einsum("wij,njk->wnik", np.stack(windows), pictures, optimize=True)
    crops = np.einsum("wnik,vlk->nwvil", by_line, np.stack(windows), optimize=True)
    crops = _normalized(crops.reshape(len(pictures), len(windows) ** 2, -1))
    plain = _normalized(_resized(small[np.append(row, others)], whole))
    of_row = np.einsum("cd,nd->nc", crops[0], plain[1:]).max(axis=1)
    of_others = np.einsum("ncd,d->nc", crops[1:], plain[0]).max(axis=1)
    return np.maximum(of_row, of_others)


def _window(size: int, before: int, after: int) -> Floats:
    """What makes `size` pixels of a line of 32, less some at both ends: means of what each covers, ``(size, 32)``."""
    edges = np.linspace(before, _SIDE - after, size + 1)
    starts, ends, places = edges[:-1, None], edges[1:, None], np.arange(_SIDE)
    covered = np.clip(np.minimum(ends, places + 1) - np.maximum(starts, places), 0, None)
    return (covered / covered.sum(axis=1, keepdims=True)).astype(np.float32)


def _resized(small: npt.NDArray[np.uint8], window: Floats) -> Floats:
    parts = [
        np.einsum("ij,njk,lk->nil", window, small[start : start + 4096].astype(np.float32), window, optimize=True)
        for start in range(0, len(small), 4096)
    ]
    return np.concatenate(parts).reshape(len(small), -1)


def _normalized(vectors: Floats) -> Floats:
    """Less their mean and of length 1; what is of one color is like nothing."""
    vectors = vectors - vectors.mean(axis=-1, keepdims=True)
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    normalized: Floats = np.where(lengths > 1.0, vectors / np.maximum(lengths, 1.0), 0).astype(np.float32)
    return normalized


def _alike_texts(texts: list[str]) -> list[tuple[int, int]]:
    shingles = [_shingles(text) for text in texts]
    drawn = generator(0, "least hashes")
    factors = drawn.integers(0, 2**63, size=_HASHES, dtype=np.uint64) | np.uint64(1)
    offsets = drawn.integers(0, 2**63, size=_HASHES, dtype=np.uint64)
    usable = np.array([row for row, part in enumerate(shingles) if len(part)], dtype=np.int64)
    if not len(usable):
        return []
    least = np.empty((len(usable), _HASHES), dtype=np.uint64)
    for place, row in enumerate(usable.tolist()):
        mixed = shingles[row][:, None] * factors + offsets
        least[place] = (mixed ^ (mixed >> np.uint64(31))).min(axis=0)
    found: set[tuple[int, int]] = set()
    for band in np.split(least, _BANDS, axis=1):
        _, groups = np.unique(band, axis=0, return_inverse=True)
        for one, other in _neighbors_in(groups.reshape(-1)):
            found.add((int(usable[one]), int(usable[other])))
    return [pair for pair in sorted(found) if _resemblance(shingles[pair[0]], shingles[pair[1]]) >= _SHARED]


def _neighbors_in(groups: Rows) -> Iterator[tuple[int, int]]:
    """Pairs of members of one group: each with the next and with the first, so that large groups stay cheap."""
    order = np.argsort(groups, kind="stable")
    heads = np.flatnonzero(np.diff(groups[order], prepend=-1))
    for members in np.split(order, heads[1:]):
        for place in range(1, len(members)):
            yield int(members[place - 1]), int(members[place])
            if place > 1:
                yield int(members[0]), int(members[place])


def _shingles(text: str) -> npt.NDArray[np.uint64]:
    """The runs of letters of a text as hashes, each once."""
    letters = "".join(letter for letter in text.casefold() if letter.isalnum())
    if len(letters) < _LETTERS:
        return np.zeros(0, dtype=np.uint64)
    codes = np.frombuffer(letters.encode("utf-32-le"), dtype="<u4").astype(np.uint64)
    runs = np.lib.stride_tricks.sliding_window_view(codes, _LETTERS)
    powers = np.uint64(0x9E3779B97F4A7C15) ** np.arange(1, _LETTERS + 1, dtype=np.uint64)
    hashed = (runs * powers).sum(axis=1, dtype=np.uint64)
    return np.unique(hashed ^ (hashed >> np.uint64(29)))


def _resemblance(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float:
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / (len(first) + len(second) - shared)


def _alike_numbers(values: npt.NDArray[np.float64], is_class: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Rows whose distance along a line of columns' sum allows it are compared; missing values equal each other."""
    numbers = values[:, ~is_class]
    if sum(len(np.unique(column)) > _FEW_VALUES for column in numbers.T) < _FEWEST_NUMBERS:
        return []
    missing = np.isnan(numbers)
    known = np.where(missing.all(axis=0), 0.0, numbers)
    spread = np.nanstd(known, axis=0)
    # A few huge values widen the deviation until all others lie within a thousandth of it.
    middle = np.subtract(*np.nanquantile(known, (0.75, 0.25), axis=0))
    spread = np.where(middle > 0, np.minimum(spread, middle), spread)
    scaled = np.where(missing, 0.0, numbers) / np.where(spread > 0, spread, 1.0)
    exact = np.concatenate([values[:, is_class], missing], axis=1)
    direction = generator(0, "line of rows").normal(size=scaled.shape[1])
    places = scaled @ direction
    order = np.argsort(places, kind="stable")
    reach = _DEVIATIONS * float(np.abs(direction).sum())
    ends = np.searchsorted(places[order], places[order] + reach, side="right")
    found = []
    for start, end in enumerate(ends.tolist()):
        one, others = order[start], order[start + 1 : end]
        if len(others):
            alike = (np.abs(scaled[others] - scaled[one]) <= _DEVIATIONS).all(axis=1)
            alike &= (exact[others] == exact[one]).all(axis=1)
            found += [(int(one), int(other)) for other in others[alike]]
    return found
