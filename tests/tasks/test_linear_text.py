"""The linear model of n-grams against scikit-learn's own pipelines, and beside a network in training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from torch import nn

from derin.core.errors import DataError
from derin.data.batch import Batch
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Ragged, Table
from derin.tasks.baselines import linear_text
from derin.tasks.baselines.linear_text import linear_text_baseline
from derin.tasks.baselines.text_comparison import compare_with_linear_text
from derin.tasks.binary import Binary
from derin.tasks.classification import Classification

SUBJECTS = ["the boat", "this soup", "our train", "that song", "a long film", "the old dog"]
GOOD = ["is lovely", "works well", "was a joy", "pleases us", "is not bad"]
BAD = ["is dreadful", "breaks down", "was a bore", "annoys us", "is not good"]


def sentences(seed: int, num: int) -> tuple[list[str], np.ndarray]:
    """Sentences of praise (1) and blame (0)."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(num) % 2)
    words = [f"{random.choice(SUBJECTS)} {random.choice(GOOD if label else BAD)}" for label in labels]
    return words, labels


def test_it_finds_what_decides() -> None:
    train, val = sentences(0, 160), sentences(1, 40)
    model = linear_text_baseline(*train, *val)
    assert model.chosen.val_accuracy == 1.0
    assert model.predict(["the soup is not bad", "the soup is not good"]).tolist() == [1, 0]
    assert len(model.candidates) == 14
    costs = {"linear SVM": (0.1, 0.3, 1), "logistic regression": (3, 30)}
    costs |= {"logistic regression with naive Bayes weights": (1, 10)}
    assert [(c.classifier, c.cost) for c in model.candidates] == [(n, c) for n in costs for c in costs[n]] * 2
    assert {c.features for c in model.candidates} == {"words 1–2", "words 1–2 and characters 2–5"}


def test_a_candidate_is_as_good_as_the_same_model_of_scikit_learn() -> None:
    (train, train_labels), (val, val_labels) = sentences(0, 30), sentences(1, 60)
    # Labels are blurred so that accuracies are not all 1.
    train_labels = np.where(np.arange(30) % 5 == 0, 1 - train_labels, train_labels)
    model = linear_text_baseline(train, train_labels, val, val_labels)
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), binary=True, token_pattern=r"\w+(?:['’]\w+)*|[^\w\s]")
    classifier = LogisticRegression(C=3.0, max_iter=200).fit(vectorizer.fit_transform(train), train_labels)
    expected = classifier.score(vectorizer.transform(val), val_labels)
    (ours,) = [c for c in model.candidates if c.setting == "logistic regression on words 1–2, C=3"]
    assert ours.val_accuracy == pytest.approx(expected)


def test_more_classes_than_two_are_each_weighed_against_the_others() -> None:
    texts = [f"{word} {place}" for word in ("cat", "owl", "fish") for place in ("here", "there", "far", "near")]
    labels = np.repeat([0, 1, 2], 4)
    model = linear_text_baseline(texts, labels, texts, labels)
    weighted = [c for c in model.candidates if "naive Bayes" in c.classifier]
    assert [c.val_accuracy for c in weighted] == [1.0] * 4
    assert model.predict(["an owl"]).tolist() == [1]


def test_the_same_texts_give_the_same_choice() -> None:
    train, val = sentences(0, 60), sentences(1, 40)
    first, again = linear_text_baseline(*train, *val), linear_text_baseline(*train, *val)
    assert first.to_json() == again.to_json()
    assert first.candidates == again.candidates


def test_long_collections_are_cut_to_what_seconds_bear(monkeypatch: pytest.MonkeyPatch) -> None:
    train, val = sentences(0, 200), sentences(1, 20)
    monkeypatch.setattr(linear_text, "_MOST_CHARACTERS", 1_000)
    model = linear_text_baseline(*train, *val)
    assert 20 < model.num_train < 80


def test_eight_million_characters_are_fitted_on_and_not_one_more() -> None:
    half = "a" * 4_000_000
    assert linear_text._within_limit([half, half], 0).tolist() == [0, 1]
    assert 1 <= len(linear_text._within_limit([half, half, "b"], 0)) <= 2


def test_one_class_and_no_words_are_refused() -> None:
    with pytest.raises(DataError, match="two classes"):
        linear_text_baseline(["a b", "c d"], np.array([1, 1]), ["a"], np.array([1]))
    with pytest.raises(DataError, match="words"):
        linear_text_baseline(["  ", ""], np.array([0, 1]), ["a"], np.array([1]))


class Fixed:
    """A source of rows in an order of its own, with what a network answers as input."""

    def __init__(self, rows: np.ndarray, logits: np.ndarray) -> None:
        self.rows, self.logits = rows, logits
        self.batch_size = self.num_examples = len(rows)
        self.num_batches = 1

    def batches(self, epoch: int, from_step: int = 0) -> Any:
        columns = {"input": torch.tensor(self.logits[self.rows], dtype=torch.float32)}
        yield Batch(columns, torch.tensor(self.rows))


def table_of(texts: list[str], labels: np.ndarray, classes: tuple[str, ...]) -> Table:
    schema = Schema(
        (
            Column(name="text", kind=Kind.TEXT, role=Role.INPUT),
            Column(name="label", kind=Kind.CATEGORY, role=Role.TARGET, classes=classes),
        )
    )
    splits = {"train": np.arange(100), "val": np.arange(100, 120), "test": np.arange(120, len(texts))}
    return Table(
        name="t", schema=schema, columns={"text": Ragged.from_texts(texts), "label": Dense(labels)}, splits=splits
    )


def test_a_network_is_compared_on_the_same_test_texts_in_whatever_order_they_come() -> None:
    texts, labels = sentences(0, 160)
    table = table_of(texts, labels, ("blame", "praise"))
    task = Binary(columns=["label"], classes=["blame", "praise"])
    # A network that errs on every fourth text.
    right = np.arange(160) % 4 != 0
    logits = np.where(right == (labels == 1), 2.0, -2.0)[:, None]
    source = lambda split: Fixed(table.splits[split][::-1].copy(), logits)  # noqa: E731
    found = compare_with_linear_text(task, nn.Identity(), table, source)["linear_text"]
    assert found["network_accuracy"] == pytest.approx(right[120:].mean())
    assert found["split"] == "test"
    comparison = found["comparison"]
    assert comparison["difference"] == pytest.approx(found["network_accuracy"] - found["accuracy"])
    assert comparison["num_examples"] == 40


def test_the_threshold_of_a_binary_task_counts() -> None:
    texts, labels = sentences(0, 160)
    table = table_of(texts, labels, ("blame", "praise"))
    logits = np.full((160, 1), -1.0)
    source = lambda split: Fixed(table.splits[split], logits)  # noqa: E731
    shares = []
    for threshold in (0.5, 0.2):
        task = Binary(columns=["label"], classes=["blame", "praise"], threshold=threshold)
        found = compare_with_linear_text(task, nn.Identity(), table, source)["linear_text"]
        shares.append(found["network_accuracy"])
    assert shares == pytest.approx([(labels[120:] == 0).mean(), (labels[120:] == 1).mean()])


def test_inputs_that_are_no_texts_have_no_such_baseline() -> None:
    schema = Schema(
        (
            Column(name="x", kind=Kind.NUMBER, role=Role.INPUT),
            Column(name="label", kind=Kind.CATEGORY, role=Role.TARGET, classes=("a", "b", "c")),
        )
    )
    columns = {"x": Dense(np.zeros(9)), "label": Dense(np.arange(9) % 3)}
    splits = {"train": np.arange(5), "val": np.arange(5, 9)}
    table = Table(name="t", schema=schema, columns=columns, splits=splits)
    task = Classification(columns=["label"], classes=["a", "b", "c"])

    def never(split: str) -> Any:
        raise AssertionError(split)

    assert compare_with_linear_text(task, nn.Identity(), table, never) == {}


def test_shares_of_features_are_their_counts_plus_one_over_all() -> None:
    found = linear_text._log_share(np.array([[1, 0, 1], [1, 0, 0]]))
    np.testing.assert_allclose(np.exp(found), [3 / 6, 1 / 6, 2 / 6], rtol=1e-6)
