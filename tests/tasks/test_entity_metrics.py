"""Entity scores against seqeval, an independent scorer, on tags of every kind, illegal ones included."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import seqeval.metrics
import torch

from derin.data.batch import Batch
from derin.data.tag_schemes import bio_classes
from derin.tasks.metrics.entities import EntityMetrics, spans_of
from derin.tasks.tagged_sentence import spans_in

CLASSES = bio_classes(["LOC", "MISC", "PER"])


def random_batch(seed: int, num_sentences: int = 17, longest: int = 9) -> tuple[torch.Tensor, ...]:
    """Predictions, truth and mask; tags are drawn blindly, so that many are illegal."""
    generator = torch.Generator().manual_seed(seed)
    shape = (num_sentences, longest)
    truth = torch.randint(0, len(CLASSES), shape, generator=generator)
    noise = torch.randint(0, len(CLASSES), shape, generator=generator)
    predicted = torch.where(torch.rand(shape, generator=generator) < 0.3, noise, truth)
    lengths = torch.randint(1, longest + 1, (num_sentences, 1), generator=generator)
    return predicted, truth, torch.arange(longest) < lengths


def measure(batches: list[tuple[torch.Tensor, ...]], classes: tuple[str, ...] = CLASSES) -> EntityMetrics:
    metrics = EntityMetrics(classes)
    for predicted, truth, mask in batches:
        losses = mask.sum(dim=1).double()
        metrics.update(
            {"tags": predicted, "mask": mask, "loss": losses}, Batch({"target": truth}, torch.arange(len(truth)))
        )
    return metrics


def in_words(tags: torch.Tensor, mask: torch.Tensor) -> list[list[str]]:
    return [[CLASSES[tag] for tag in row[kept].tolist()] for row, kept in zip(tags, mask, strict=True)]


@pytest.mark.parametrize("seed", range(5))
def test_scores_equal_seqeval(seed: int) -> None:
    batches = [random_batch(10 * seed + part) for part in range(3)]
    found = measure(batches).compute()
    truth = [words for _, tags, mask in batches for words in in_words(tags, mask)]
    predicted = [words for tags, _, mask in batches for words in in_words(tags, mask)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert found["precision"] == seqeval.metrics.precision_score(truth, predicted)
        assert found["recall"] == seqeval.metrics.recall_score(truth, predicted)
        assert found["f1"] == pytest.approx(seqeval.metrics.f1_score(truth, predicted), abs=1e-15)
        assert found["accuracy"] == seqeval.metrics.accuracy_score(truth, predicted)
        report = seqeval.metrics.classification_report(truth, predicted, output_dict=True)
    for name in ("LOC", "MISC", "PER"):
        own = found["per_class"][name]
        assert own["support"] == report[name]["support"]
        for ours, theirs in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
            assert own[ours] == pytest.approx(report[name][theirs], abs=1e-15)


def test_the_batch_size_changes_nothing() -> None:
    predicted, truth, mask = random_batch(7)
    whole = measure([(predicted, truth, mask)])
    parts = measure([tuple(part[i : i + 4] for part in (predicted, truth, mask)) for i in range(0, 17, 4)])
    assert whole.compute() == parts.compute()
    assert whole.intervals() == parts.intervals()


def test_what_stands_at_padding_changes_nothing() -> None:
    predicted, truth, mask = random_batch(8)
    cleared = [tags.masked_fill(~mask, 0) for tags in (predicted, truth)]
    assert measure([(predicted, truth, mask)]).compute() == measure([(*cleared, mask)]).compute()


def test_spans_equal_those_read_one_by_one() -> None:
    predicted, _, mask = random_batch(9)
    kinds, ends = spans_of(predicted.masked_fill(~mask, 0))
    for row in range(len(predicted)):
        length = int(mask[row].sum())
        found = [(int(kinds[row, t]) - 1, t, int(ends[row, t]) + 1) for t in range(length) if kinds[row, t]]
        assert found == spans_in(predicted[row, :length].tolist())


def test_the_interval_holds_the_score_and_narrows_with_more_sentences() -> None:
    few = measure([random_batch(1)])
    many = measure([random_batch(seed) for seed in range(40)])
    for metrics in (few, many):
        low, high = metrics.intervals()["f1"]
        assert low < metrics.compute()["f1"] < high
    assert np.subtract(*many.intervals()["f1"][::-1]) < np.subtract(*few.intervals()["f1"][::-1])


def test_plain_tags_are_counted_word_by_word() -> None:
    predicted, truth, mask = (torch.tensor(v) for v in ([[0, 1, 1, 2]], [[0, 1, 2, 2]], [[True, True, True, False]]))
    found = measure([(predicted, truth, mask)], ("ADJ", "NOUN", "VERB")).compute()
    assert found["accuracy"] == found["f1"] == pytest.approx(2 / 3)
    assert found["per_class"]["NOUN"] == {"precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1}


def test_nothing_measured_and_no_spans_at_all() -> None:
    empty = EntityMetrics(CLASSES)
    assert math.isnan(empty.compute()["loss"])
    assert empty.intervals() == {}
    zeros = torch.zeros(2, 3, dtype=torch.int64)
    found = measure([(zeros, zeros, torch.ones(2, 3, dtype=torch.bool))]).compute()
    assert [found[name] for name in ("precision", "recall", "f1", "accuracy")] == [0.0, 0.0, 0.0, 1.0]
    assert math.isnan(found["per_class"]["PER"]["recall"])
