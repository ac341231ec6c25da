"""Whether two sets of examples are of one distribution, and in what they differ.

A classifier learns to tell examples of the two sets apart on one half of them; where it cannot on the other half, they
are of one distribution as far as it sees. Its probability of error is exact: under equality the held-out examples are
exchangeable, whatever was learned. Beside it each feature is compared by itself, with Holm's correction.

Source: D. Lopez-Paz, M. Oquab, "Revisiting classifier two-sample tests", ICLR 2017; A. Rahimi, B. Recht, "Random
features for large-scale kernel machines", NIPS 2007; S. Holm, "A simple sequentially rejective multiple test
procedure", Scandinavian Journal of Statistics 6, 1979.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import UsageError
from derin.core.messages import Message
from derin.core.seeds import generator, permutation
from derin.data.schema import Kind
from derin.data.table import Dense, Pictures, Ragged, Rows, Table
from derin.data.text.words import split_words
from derin.strategy.error_tags import measured_pictures

Floats = npt.NDArray[np.float64]

# From this probability on a difference is taken for chance.
LEVEL = 0.05
_PERMUTATIONS = 999
_MOST = 2_000  # examples of each set
_FEWEST = 20  # of each set
_RANDOM_FEATURES = 128
_PENALTY = 1.0  # of the ridge, beside the variance of a feature
_GRID = 8  # pixels, of the small gray pictures that are compared
_HASHED_WORDS = 256
_COMMON_CATEGORIES = 20
# The chi-square test needs so many expected examples in each cell.
_EXPECTED = 5


@dataclass(frozen=True, kw_only=True)
class FeatureDrift:
    """How much one feature differs.

    Args:
        name: of the feature.
        test: ``"ks"``, Kolmogorov and Smirnov's of numbers, or ``"chi2"``, of categories.
        statistic: the largest distance of the distributions (0 to 1), or Cramér's V (0 to 1).
        p_value: of equality, by itself.
        adjusted: the same with Holm's correction for all features.
    """

    name: str
    test: str
    statistic: float
    p_value: float
    adjusted: float

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "test": self.test,
            "statistic": self.statistic,
            "p_value": self.p_value,
            "adjusted": self.adjusted,
        }


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How two sets of examples differ.

    Args:
        auc: how well the classifier tells held-out examples apart: 0.5 not at all, 1 always.
        p_value: of so large an area or a larger one, if both were of one distribution.
        num: examples of each set.
        features: by their p, the smallest first.
    """

    auc: float
    p_value: float
    num: int
    features: Sequence[FeatureDrift]

    @property
    def is_found(self) -> bool:
        """Whether the classifier says that they differ."""
        return self.p_value <= LEVEL

    def to_json(self) -> dict[str, Any]:
        return {
            "found": self.is_found,
            "auc": self.auc,
            "p_value": self.p_value,
            "num": self.num,
            "features": [feature.to_json() for feature in self.features],
        }


def drift_between(table: Table, first: Rows, second: Rows, *, seed: int = 0) -> Drift | None:
    """How rows of a table differ from others in what goes in, and in their classes; None where there are too few.

    The classifier sees small gray pictures and their measures, counts of hashed words, and columns by rank or category,
    nothing that a network has learned: what it was trained on would look different to it for that reason alone.

    Args:
        table: the data.
        first: some rows.
        second: others.
        seed: of the sample, the halves and the permutations.
    """
    first, second = (_sample(rows, seed, name) for rows, name in ((first, "first"), (second, "second")))
    num = min(len(first), len(second))
    if num < _FEWEST:
        return None
    rows = np.concatenate([first[:num], second[:num]])
    seen, named = _features(table, rows)
    if not seen:
        return None
    values = np.concatenate(seen, axis=1)
    auc, p_value = two_sample_test(values[:num], values[num:], seed=seed)
    features = compare_features({n: v[:num] for n, v in named.items()}, {n: v[num:] for n, v in named.items()})
    return Drift(auc=auc, p_value=p_value, num=num, features=features)


def two_sample_test(first: Floats, second: Floats, *, seed: int = 0) -> tuple[float, float]:
    """The area under the ROC of a classifier that tells two sets apart, and its p-value by permutation.

    The classifier is a ridge regression on ±1 of the features and of random Fourier features of them, fitted on half
    of each set. p = (1 + number of permutations of the held-out sets with at least this area) / (1 + permutations).

    Args:
        first: examples.
        second: others.
        seed: of the halves, the random features and the permutations.

    Shapes:
        ``(N, D)``, ``(M, D)``.

    Raises:
        UsageError: fewer than 20 examples of a set, or features that do not fit.

    Example:
        >>> drawn = np.random.default_rng(0)
        >>> same, other = drawn.normal(size=(200, 3)), drawn.normal(size=(200, 3)) + [1, 0, 0]
        >>> two_sample_test(same, other)[1] <= 0.01
        True
    """
    fits = first.ndim == second.ndim == 2 and first.shape[1:] == second.shape[1:] and first.shape[1] > 0
    if not fits or min(len(first), len(second)) < _FEWEST:
        raise UsageError(
            f"two_sample_test: (N, D) and (M, D) with N, M ≥ {_FEWEST} are required; got {first.shape}, {second.shape}."
        )
    halves = [
        np.array_split(part[permutation(seed, f"halves {i}", 0, len(part))], 2)
        for i, part in enumerate((first, second))
    ]
    (learned_first, held_first), (learned_second, held_second) = halves
    learned, held = np.concatenate([learned_first, learned_second]), np.concatenate([held_first, held_second])
    mean, spread = learned.mean(axis=0), learned.std(axis=0)
    varies = spread > 1e-12 * np.maximum(np.abs(mean), 1)
    learned, held = ((part[:, varies] - mean[varies]) / spread[varies] for part in (learned, held))
    drawn = generator(seed, "random features")
    # Distances of standardized features grow with the root of their number.
    directions = drawn.normal(size=(learned.shape[1], _RANDOM_FEATURES)) / np.sqrt(max(learned.shape[1], 1))
    phases = drawn.uniform(0, 2 * np.pi, _RANDOM_FEATURES)
    learned, held = (np.hstack([part, np.sqrt(2) * np.cos(part @ directions + phases)]) for part in (learned, held))
    signs = np.repeat([-1.0, 1.0], [len(learned_first), len(learned_second)])
    middle = learned.mean(axis=0)
    centered = learned - middle
    penalty = _PENALTY * len(learned) * np.eye(centered.shape[1])
    weights = np.linalg.solve(centered.T @ centered + penalty, centered.T @ (signs - signs.mean()))
    scores = (held - middle) @ weights
    # The area is the rank sum of the second set, scaled; ties share their ranks.
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    num = len(held_second)
    smallest, largest = num * (num + 1) / 2, num * len(held_first)
    shuffled = generator(seed, "permutations").permuted(np.tile(ranks, (_PERMUTATIONS, 1)), axis=1)
    areas = (shuffled[:, :num].sum(axis=1) - smallest) / largest
    area = float((ranks[len(held_first) :].sum() - smallest) / largest)
    # Sums of equal ranks may differ in their last bit.
    return area, float((1 + (areas >= area - 1e-12).sum()) / (1 + _PERMUTATIONS))


def compare_features(
    first: Mapping[str, npt.NDArray[Any]], second: Mapping[str, npt.NDArray[Any]]
) -> list[FeatureDrift]:
    """Each feature by itself: numbers by Kolmogorov and Smirnov's test, whole numbers as categories by chi-square.

    Args:
        first: values by name; NaN is missing and left out. Integers are numbers of categories.
        second: the same of the other set.

    Returns:
        the features, the smallest p first.

    Example:
        >>> drawn = np.random.default_rng(0)
        >>> (found,) = compare_features({"x": drawn.normal(size=300)}, {"x": drawn.normal(size=300) + 1})
        >>> found.test, found.adjusted < 0.001
        ('ks', True)
    """
    from scipy.stats import chi2_contingency, ks_2samp

    found = []
    for name, one in first.items():
        other = second[name]
        if one.dtype.kind in "iu":
            low, high = min(one.min(), other.min()), max(one.max(), other.max())
            pair = np.stack([np.bincount(part - low, minlength=high - low + 1) for part in (one, other)])
            pair = _pooled(pair)
            if pair.shape[1] < 2:
                continue
            result = chi2_contingency(pair, correction=False)
            strength = float(np.sqrt(result.statistic / pair.sum()))
            found.append((name, "chi2", strength, float(result.pvalue)))
            continue
        one, other = one[np.isfinite(one)], other[np.isfinite(other)]
        together = np.concatenate([one, other])
        if min(len(one), len(other)) >= _FEWEST and together.min() < together.max():
            result = ks_2samp(one, other, method="asymp")
            found.append((name, "ks", float(result.statistic), float(result.pvalue)))
    adjusted = holm([p for *_, p in found])
    features = [
        FeatureDrift(name=name, test=test, statistic=value, p_value=p, adjusted=corrected)
        for (name, test, value, p), corrected in zip(found, adjusted)
    ]
    return sorted(features, key=lambda feature: feature.p_value)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected so that at most 5 % of the times one of all those below 0.05 is a false alarm.

    With p₍₁₎ ≤ … ≤ p₍ₘ₎: p̃₍ᵢ₎ = min(1, max over j ≤ i of (m − j + 1) p₍ⱼ₎).

    Example:
        >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    scaled = np.asarray(p_values, dtype=np.float64)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0) if len(order) else scaled
    return [float(p) for p in adjusted]


def _pooled(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Two rows of counts with the rare categories as one, so that each is expected often enough."""
    counts = counts[:, counts.sum(axis=0) > 0]
    smaller = counts.sum(axis=1).min() / counts.sum()
    is_common = counts.sum(axis=0) * smaller >= _EXPECTED
    pooled = np.concatenate([counts[:, is_common], counts[:, ~is_common].sum(axis=1, keepdims=True)], axis=1)
    # Where all the rare ones together are rare, they say nothing.
    return pooled if pooled[:, -1].sum() * smaller >= _EXPECTED else pooled[:, :-1]


def _sample(rows: Rows, seed: int, use: str) -> Rows:
    return rows[permutation(seed, f"drift {use}", 0, len(rows))[:_MOST]]


def _features(table: Table, rows: Rows) -> tuple[list[Floats], dict[str, npt.NDArray[Any]]]:
    """What the classifier sees of rows, ``(len(rows), …)`` each, and features by name."""
    seen: list[Floats] = []
    named: dict[str, npt.NDArray[Any]] = {}
    for column in table.inputs:
        data = table.columns[column.name]
        if isinstance(data, Dense | Pictures) and column.kind is Kind.PICTURE:
            measures = measured_pictures(data, rows)
            seen += [_small_pictures(data, rows), np.log1p(measures)]
            names = ("sharpness", "brightness", "contrast", "area", "aspect")
            named |= {Message(f"errors.feature_{name}"): measures[:, i] for i, name in enumerate(names)}
        elif isinstance(data, Ragged) and column.kind in (Kind.TEXT, Kind.WORDS):
            words = [split_words(text.casefold()) for text in data.texts(rows)]
            lengths = np.array([len(part) for part in words], dtype=np.float64)
            letters = np.array([np.mean([len(word) for word in part]) if part else 0.0 for part in words])
            seen += [_hashed(words), np.log1p(np.stack([lengths, letters], axis=1))]
            named |= {Message("errors.feature_words"): lengths, Message("errors.feature_letters"): letters}
        elif isinstance(data, Dense) and data.values.ndim == 1 and column.kind is Kind.CATEGORY:
            codes = data.take(rows)
            common = np.argsort(-np.bincount(codes + 1), kind="stable")[:_COMMON_CATEGORIES] - 1
            seen.append((codes[:, None] == common).astype(np.float64))
            named[column.name] = codes
        elif isinstance(data, Dense) and data.values.ndim == 1:
            values = data.take(rows).astype(np.float64)
            seen.append(_ranks(values))
            named[column.name] = values
        elif isinstance(data, Dense) and data.values.dtype.kind in "fiu":
            seen.append(data.take(rows).reshape(len(rows), -1).astype(np.float64))
    for column in table.targets:
        data = table.columns[column.name]
        if isinstance(data, Dense) and data.values.ndim == 1:
            values = data.take(rows)
            named[column.name] = values if column.kind is Kind.CATEGORY else values.astype(np.float64)
    return seen, named


def _small_pictures(data: Any, rows: Rows) -> Floats:
    """Gray pictures of 8×8, 0 to 1."""
    from PIL import Image

    small = np.empty((len(rows), _GRID * _GRID))
    for place, pixels in enumerate(data.take(rows)):
        image = Image.fromarray(
            np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] < 3 else pixels[..., :3])
        ).convert("L")
        small[place] = np.asarray(image.resize((_GRID, _GRID), Image.Resampling.BOX), dtype=np.float64).ravel() / 255
    return small


def _hashed(words: Sequence[Sequence[str]]) -> Floats:
    """Shares of words, each counted in the place of its checksum."""
    found = np.zeros((len(words), _HASHED_WORDS))
    for place, part in enumerate(words):
        for word in part:
            found[place, zlib.crc32(word.encode()) % _HASHED_WORDS] += 1
    return np.sqrt(found / np.maximum(found.sum(axis=1, keepdims=True), 1))


def _ranks(values: Floats) -> Floats:
    """Ranks as −1 to 1, and whether a value is missing."""
    from scipy.stats import rankdata

    missing = ~np.isfinite(values)
    ranks = np.zeros(len(values))
    if (~missing).sum() > 1:
        ranks[~missing] = 2 * (rankdata(values[~missing]) - 1) / ((~missing).sum() - 1) - 1
    return np.stack([ranks, missing], axis=1)
