"""The best linear model of n-grams: what a network that classifies text has to be measured against.

A bag of words and of pieces of words with a linear classifier on top takes seconds and is hard to beat on small data.
Several are fitted on the training texts, and validation texts choose among them.

Source: S. Wang, C. Manning, "Baselines and bigrams: simple, good sentiment and topic classification", ACL 2012 (weights
    by naive Bayes, here with logistic regression as in Mesnil et al., ICLR 2015).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.core.quiet import quiet
from derin.core.seeds import permutation

Labels = npt.NDArray[np.int64]

# A word with what an apostrophe ties to it, or one punctuation mark.
_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_SVM_COSTS = (0.1, 0.3, 1.0)
_LOGISTIC_COSTS = (3.0, 30.0)
_WEIGHTED_COSTS = (1.0, 10.0)
_ITERATIONS = 200
# More text is not needed for a fair comparison and would take minutes: 8 MB are some 6 000 film reviews.
_MOST_CHARACTERS = 8_000_000


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One setting that was tried.

    Args:
        features: the n-grams that are counted.
        classifier: the linear model on them.
        cost: its C: the larger, the less the weights are held back.
        val_accuracy: share of the validation texts that it answers rightly.
    """

    features: str
    classifier: str
    cost: float
    val_accuracy: float

    @property
    def setting(self) -> str:
        """In words."""
        return f"{self.classifier} on {self.features}, C={self.cost:g}"


@dataclass(frozen=True, kw_only=True)
class LinearTextBaseline:
    """The chosen model.

    Args:
        chosen: its setting.
        candidates: all settings, in the order in which they were tried.
        num_train: texts that they were fitted on.
        predict: from texts to class numbers.
    """

    chosen: Candidate
    candidates: tuple[Candidate, ...]
    num_train: int
    predict: Callable[[Sequence[str]], Labels]

    def to_json(self) -> dict[str, Any]:
        """What the report says of it."""
        return {
            "name": "linear n-grams",
            "setting": self.chosen.setting,
            "val_accuracy": self.chosen.val_accuracy,
            "num_candidates": len(self.candidates),
            "num_train": self.num_train,
        }


def linear_text_baseline(
    train_texts: Sequence[str], train_labels: Labels, val_texts: Sequence[str], val_labels: Labels, *, seed: int = 0
) -> LinearTextBaseline:
    """The linear model of n-grams that answers most validation texts rightly; of equal ones the first that was tried.

    Tried are words with pairs of words, alone and with pieces of 2 to 5 characters within words, present or not,
    weighted by inverse document frequency and brought to length 1; on each a linear support vector machine, logistic
    regression, and logistic regression on features times their naive Bayes ratio,
    log((1 + n_yes) / Σ(1 + n_yes)) − log((1 + n_no) / Σ(1 + n_no)), each class against the others.

    Args:
        train_texts: on which all are fitted; of more than 8 MB, as many as that holds, drawn by `seed`.
        train_labels: their class numbers.
        val_texts: on which one is chosen.
        val_labels: their class numbers.
        seed: of what is drawn and of the support vector machine.

    Shapes:
        labels ``(N,)`` int64.

    Raises:
        DataError: the training texts are all of one class, or hold no word.

    Example:
        >>> texts = ["so good", "very good", "so bad", "very bad"]
        >>> model = linear_text_baseline(texts, np.array([1, 1, 0, 0]), ["good one"], np.array([1]))
        >>> model.predict(["not bad", "quite good"]).tolist(), model.chosen.setting
        ([0, 1], 'linear SVM on words 1–2, C=0.1')
    """
    labels = np.asarray(train_labels)
    if len(np.unique(labels)) < 2:
        raise DataError("linear_text_baseline: training texts of at least two classes are required; got one.")
    kept = _within_limit(train_texts, seed)
    texts, labels = [train_texts[row] for row in kept], labels[kept]
    candidates: list[Candidate] = []
    best: _Answering | None = None
    for features, counts in _feature_sets(texts):
        train, val = _side_by_side(c.train for c in counts), _side_by_side(c.of(val_texts) for c in counts)
        for name, cost, model in _fitted_models(train, labels, seed):
            accuracy = float((model(val) == val_labels).mean()) if len(val_texts) else 0.0
            if best is None or accuracy > max(candidate.val_accuracy for candidate in candidates):
                best = _Answering(counts, model)
            candidates.append(Candidate(features=features, classifier=name, cost=cost, val_accuracy=accuracy))
    assert best is not None
    # `max` keeps the first of equal ones, as the loop does.
    chosen = max(candidates, key=lambda candidate: candidate.val_accuracy)
    return LinearTextBaseline(chosen=chosen, candidates=tuple(candidates), num_train=len(kept), predict=best)


class _Counted:
    """The n-grams of the training texts in one weighting, and those of other texts counted alike."""

    def __init__(self, texts: Sequence[str], **settings: Any) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._vectorizer = TfidfVectorizer(**settings, binary=True, dtype=np.float32)
        self.train = self._vectorizer.fit_transform(texts)

    def of(self, texts: Sequence[str]) -> Any:
        """The matrix of texts, a row for each."""
        return self._vectorizer.transform(texts)


def _feature_sets(texts: Sequence[str]) -> Iterator[tuple[str, tuple[_Counted, ...]]]:
    """What is counted in each set of candidates."""
    try:
        words = _Counted(texts, analyzer="word", ngram_range=(1, 2), tokenizer=_WORD.findall, token_pattern=None)
    except ValueError as error:  # of a vocabulary without entries
        raise DataError("linear_text_baseline: training texts with words in them are required; got none.") from error
    yield "words 1–2", (words,)
    try:
        pieces = _Counted(texts, analyzer="char_wb", ngram_range=(2, 5), min_df=2)
    except ValueError:  # no piece stands in two texts
        return
    yield "words 1–2 and characters 2–5", (words, pieces)


def _fitted_models(train: Any, labels: Labels, seed: int) -> Iterator[tuple[str, float, Callable[[Any], Labels]]]:
    """Name, cost and answers of each classifier, fitted."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    def fitted(model: Any) -> Any:
        with quiet():  # a model that is not quite at its optimum is judged by validation like the others
            return model.fit(train, labels)

    for cost in _SVM_COSTS:
        yield "linear SVM", cost, fitted(LinearSVC(C=cost, random_state=seed)).predict
    for cost in _LOGISTIC_COSTS:
        yield "logistic regression", cost, fitted(LogisticRegression(C=cost, max_iter=_ITERATIONS)).predict
    for cost in _WEIGHTED_COSTS:
        yield "logistic regression with naive Bayes weights", cost, _Weighted(train, labels, cost)


class _Weighted:
    """Logistic regression of each class against the others on features times their naive Bayes ratio."""

    def __init__(self, train: Any, labels: Labels, cost: float) -> None:
        from sklearn.linear_model import LogisticRegression

        self._classes = np.unique(labels)
        two = len(self._classes) == 2
        self._weights, self._offsets = [], []
        present = train.astype(bool).astype(np.float32)
        for number in self._classes[1:] if two else self._classes:
            yes = labels == number
            ratio = _log_share(present[yes]) - _log_share(present[~yes])
            model = LogisticRegression(C=cost, max_iter=_ITERATIONS)
            with quiet():
                model.fit(train.multiply(ratio[None]).tocsr(), yes)
            self._weights.append(model.coef_[0] * ratio)
            self._offsets.append(model.intercept_[0])

    def __call__(self, matrix: Any) -> Labels:
        scores = matrix @ np.stack(self._weights, axis=1) + np.array(self._offsets)
        places = (scores[:, 0] > 0).astype(np.int64) if scores.shape[1] == 1 else scores.argmax(axis=1)
        found: Labels = self._classes[places]
        return found


def _log_share(present: Any) -> npt.NDArray[np.float32]:
    """The logarithm of each feature's share of all that occur, each counted once more."""
    counts = np.asarray(present.sum(axis=0), dtype=np.float64).reshape(-1) + 1
    shares: npt.NDArray[np.float32] = np.log(counts / counts.sum()).astype(np.float32)
    return shares


@dataclass(frozen=True)
class _Answering:
    """From texts to class numbers."""

    counts: tuple[_Counted, ...]
    model: Callable[[Any], Labels]

    def __call__(self, texts: Sequence[str]) -> Labels:
        return np.asarray(self.model(_side_by_side(counted.of(texts) for counted in self.counts)), dtype=np.int64)


def _side_by_side(matrices: Iterable[Any]) -> Any:
    from scipy.sparse import hstack

    return hstack(list(matrices), format="csr")


def _within_limit(texts: Sequence[str], seed: int) -> Labels:
    """The rows that are fitted on: all, or as many as `_MOST_CHARACTERS` hold."""
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    if lengths.sum() <= _MOST_CHARACTERS:
        return np.arange(len(texts))
    order = permutation(seed, "linear-text", 0, len(texts))
    return np.sort(order[np.cumsum(lengths[order]) <= _MOST_CHARACTERS])
