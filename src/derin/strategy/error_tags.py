"""What mistakes have in common: tags by themselves, and of each tag what mending it could bring at most.

A tag is a property of an example: blurry, long, a class pair. Tags overlap, so that their shares need not add up. They
rank by their ceiling, the error that would go away if every mistake with the tag were mended: no work on a tag brings
more than that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import UsageError
from derin.core.messages import Message
from derin.core.seeds import permutation
from derin.data.schema import Column, Kind, Role
from derin.data.table import Dense, Pictures, Ragged, Rows, Table
from derin.data.text.words import split_words
from derin.tasks.metrics.intervals import Interval, wilson

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# An example is out of the ordinary where so large a share of the reference lies on its other side.
_TAIL = 0.1
# Of single columns, of which a table may have many, the tail is thinner.
_COLUMN_TAIL = 0.005
# A word of a text is rare where fewer other texts of the reference than this hold it.
_RARE_WORD = 3
# A category of a column is rare below this share of the reference.
_RARE_CATEGORY = 0.01
_REFERENCE = 2_000  # examples that say what is ordinary
_MOST_SOURCES = 20
# ITU-R BT.601.
_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True, kw_only=True)
class TagCeiling:
    """A tag among the mistakes.

    Args:
        tag: its name; a `Message` where it was found by itself.
        count: mistakes that carry it.
        share: of all mistakes.
        interval: of the share, 95 %.
        gain: share of all examples that become right if every mistake with the tag is mended: its ceiling.
        gain_interval: of the gain, 95 %.
        error_after: the error that is then left.
        error_within: the error among the examples with the tag; None where only mistakes were looked at.
    """

    tag: str
    count: int
    share: float
    interval: Interval
    gain: float
    gain_interval: Interval
    error_after: float
    error_within: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "tag": self.tag,
            "mistakes": self.count,
            "share": self.share,
            "low": self.interval[0],
            "high": self.interval[1],
            "gain": self.gain,
            "gain_low": self.gain_interval[0],
            "gain_high": self.gain_interval[1],
            "error_after": self.error_after,
            "error_within": self.error_within,
        }


def rank_tags(counts: Mapping[str, int | tuple[int, int]], *, num_mistakes: int, num_examples: int) -> list[TagCeiling]:
    """The tags by what mending each could bring at most, the largest first; equal ones stay in their order.

    gain = mistakes with the tag / examples; error_after = error − gain. Both intervals are Wilson's.

    Args:
        counts: mistakes that carry each tag, and where it is known also how many examples do.
        num_mistakes: mistakes that were tagged.
        num_examples: examples among which these are all mistakes.

    Raises:
        UsageError: counts that contradict each other.

    Example:
        >>> tags = rank_tags({"dog": 8, "great cat": 43, "blurry": 61}, num_mistakes=100, num_examples=1_000)
        >>> [(tag.tag, round(tag.error_after, 4)) for tag in tags]
        [('blurry', 0.039), ('great cat', 0.057), ('dog', 0.092)]
    """
    if not 0 <= num_mistakes <= num_examples:
        raise UsageError(
            f"rank_tags: 0 ≤ num_mistakes ≤ num_examples is required; got {num_mistakes} and {num_examples}."
        )
    found = []
    for tag, given in counts.items():
        count, carrying = given if isinstance(given, tuple) else (given, None)
        if not 0 <= count <= num_mistakes or (carrying is not None and not count <= carrying <= num_examples):
            raise UsageError(
                f"rank_tags: the tag {str(tag)!r} is on {count} of {num_mistakes} mistakes"
                + ("." if carrying is None else f" and {carrying} of {num_examples} examples.")
                + " A tag is on no more mistakes than there are, and on no fewer examples."
            )
        if count == 0:
            continue
        found.append(
            TagCeiling(
                tag=tag,
                count=count,
                share=count / num_mistakes,
                interval=wilson(count, num_mistakes),
                gain=count / num_examples,
                gain_interval=wilson(count, num_examples),
                error_after=(num_mistakes - count) / num_examples,
                error_within=None if carrying is None else count / carrying,
            )
        )
    return sorted(found, key=lambda tag: -tag.count)


def corrected_error(num_mistakes: int, wrong_labels: int, num_examples: int) -> float:
    """The error without the mistakes whose label was found wrong, where the network may have been right.

    Only mistakes were looked at: wrong labels among the examples that count as right are not seen, so that this is a
    lower bound.

    Example:
        >>> round(corrected_error(100, 6, 1_000), 4)
        0.094
    """
    return (num_mistakes - wrong_labels) / num_examples


def eyeball_rows(rows: Rows, num_mistakes: int, wanted: int, *, seed: int) -> Mask:
    """Which examples are looked at, so that about `wanted` mistakes are among them: drawn by the seed.

    The others, the blackbox set, are measured and never looked at. The examples are drawn and not the mistakes, so
    that the errors of both parts are comparable.

    Args:
        rows: of the examples.
        num_mistakes: among them.
        wanted: mistakes to look at.
        seed: of the draw.

    Raises:
        UsageError: fewer than one mistake is to be looked at.

    Example:
        >>> int(eyeball_rows(np.arange(1_000), 200, 50, seed=0).sum())
        250
    """
    if wanted < 1:
        raise UsageError(f"eyeball: at least 1 mistake to look at is required; got {wanted}. Leave it out to see all.")
    shown = np.ones(len(rows), dtype=bool)
    if num_mistakes > wanted:
        num = max(1, round(len(rows) * wanted / num_mistakes))
        shown[permutation(seed, "eyeball", 0, len(rows))[num:]] = False
    return shown


def input_tags(table: Table, rows: Rows, reference: Rows, *, seed: int = 0) -> dict[str, Mask]:
    """Tags that the inputs of examples carry by themselves, beside what is ordinary in a reference.

    Pictures are blurry (the variance of their Laplacian), dark, bright, of low contrast, small, wide or tall where nine
    tenths of the reference lie on the other side; texts short, long, or of rare words. A column of a table has missing,
    unusual (beyond 99 % of the reference) or rare values. Where a column groups the rows, its values are sources.

    Args:
        table: with the examples and the reference.
        rows: of the examples.
        reference: rows that say what is ordinary, those of training; a sample of them is used.
        seed: of that sample.

    Returns:
        which examples carry each tag that one carries at all.

    Shapes:
        each mask ``(len(rows),)``.

    Source: J. L. Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000 (the Laplacian).
    """
    some = reference[np.sort(permutation(seed, "reference of tags", 0, len(reference))[:_REFERENCE])]
    found: dict[str, Mask] = {}
    for column in table.inputs:
        data = table.columns[column.name]
        if column.kind is Kind.PICTURE:
            found |= _picture_tags(measured_pictures(data, some), measured_pictures(data, rows))
        elif column.kind in (Kind.TEXT, Kind.WORDS) and isinstance(data, Ragged):
            found |= _text_tags(data.texts(some), data.texts(rows))
        elif isinstance(data, Dense) and data.values.ndim == 1:
            # Columns are cheap: all of the reference says which values there are.
            found |= _column_tags(column, data.take(reference), data.take(rows))
    for column in table.schema.with_role(Role.GROUP):
        found |= _source_tags(column, table.columns[column.name], rows)
    return {tag: mask for tag, mask in found.items() if mask.any()}


def picture_measures(picture: npt.NDArray[np.uint8]) -> Floats:
    """Sharpness, brightness, contrast, area and aspect of a picture.

    Sharpness is the variance of ∇²g, with g the gray picture and ∇²g its four neighbors less four times itself.

    Shapes:
        ``(height, width, channels)`` → ``(5,)``: gray², gray, gray, pixels, width / height.

    Example:
        >>> picture_measures(np.full((4, 8, 1), 100, np.uint8)).tolist()
        [0.0, 100.0, 0.0, 32.0, 2.0]
    """
    height, width = picture.shape[:2]
    gray = picture[..., :3] @ _LUMA if picture.shape[2] >= 3 else picture[..., 0].astype(np.float64)
    inner = gray[1:-1, 1:-1]
    laplacian = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:] - 4 * inner
    sharpness = float(laplacian.var()) if inner.size else 0.0
    return np.array([sharpness, gray.mean(), gray.std(), height * width, width / height])


def measured_pictures(data: Any, rows: Rows) -> Floats:
    """`picture_measures` of rows of a column, ``(len(rows), 5)``."""
    if not isinstance(data, Dense | Pictures):
        raise TypeError(f"Pictures are stored as Dense or Pictures; got {type(data).__name__}.")
    return np.stack([picture_measures(picture) for picture in data.take(rows)])


def _picture_tags(reference: Floats, found: Floats) -> dict[str, Mask]:
    low, high = np.quantile(reference, [_TAIL, 1 - _TAIL], axis=0)
    # What is alike in all pictures but for rounding has no tail.
    below, above = found < low - 1e-9 * np.abs(low), found > high + 1e-9 * np.abs(high)
    return {
        Message("errors.tag_blurry"): below[:, 0],
        Message("errors.tag_dark"): below[:, 1],
        Message("errors.tag_bright"): above[:, 1],
        Message("errors.tag_low_contrast"): below[:, 2],
        Message("errors.tag_small"): below[:, 3],
        Message("errors.tag_wide"): above[:, 4],
        Message("errors.tag_tall"): below[:, 4],
    }


def _text_tags(reference: Sequence[str], texts: Sequence[str]) -> dict[str, Mask]:
    known = [[word.casefold() for word in split_words(text)] for text in reference]
    counts = Counter(word for words in known for word in set(words))

    def measured(words: Sequence[str], own: int) -> tuple[float, float]:
        # A text of the reference does not count for its own words.
        rare = sum(counts[word] - own < _RARE_WORD for word in words)
        return float(len(words)), rare / max(len(words), 1)

    ordinary = np.array([measured(words, 1) for words in known])
    found = np.array([measured([word.casefold() for word in split_words(text)], 0) for text in texts])
    low, high = np.quantile(ordinary, [_TAIL, 1 - _TAIL], axis=0)
    return {
        Message("errors.tag_short"): found[:, 0] < low[0],
        Message("errors.tag_long"): found[:, 0] > high[0],
        Message("errors.tag_rare_words"): found[:, 1] > high[1],
    }


def _column_tags(column: Column, reference: npt.NDArray[Any], values: npt.NDArray[Any]) -> dict[str, Mask]:
    name = column.name
    if column.kind is Kind.CATEGORY:
        counts = np.bincount(reference[reference >= 0], minlength=len(column.classes or ()) or 1)
        rare = (values >= 0) & (counts[np.maximum(values, 0)] < _RARE_CATEGORY * len(reference))
        return {
            Message("errors.tag_rare", column=name): rare,
            Message("errors.tag_missing", column=name): values < 0,
        }
    if column.kind not in (Kind.NUMBER, Kind.DATE):
        return {}
    finite = reference[np.isfinite(reference)]
    if not len(finite):
        return {}
    low, high = np.quantile(finite, [_COLUMN_TAIL, 1 - _COLUMN_TAIL])
    return {
        Message("errors.tag_unusual", column=name): (values < low) | (values > high),
        Message("errors.tag_missing", column=name): ~np.isfinite(values),
    }


def _source_tags(column: Column, data: Any, rows: Rows) -> dict[str, Mask]:
    if isinstance(data, Ragged):
        values = np.array(data.texts(rows), dtype=np.str_)
    elif isinstance(data, Dense) and data.values.ndim == 1:
        names = np.array([*(column.classes or ()), ""])
        taken = data.take(rows)
        values = names[taken] if column.classes is not None else taken.astype(np.str_)
    else:
        return {}
    different = np.unique(values)
    if len(different) > _MOST_SOURCES:
        return {}
    return {Message("errors.tag_source", column=column.name, value=str(value)): values == value for value in different}
