"""Measurements of translation; the oracles are sacrebleu's own command, and sums by hand in float64."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from derin.core.errors import DataError
from derin.data.batch import Batch
from derin.tasks.metrics.translation import TranslationMetrics, sentence_scores, text_scores

SAID = ["the red ball lies under the old table .", "two dogs play", "She's reading; isn't she?", "çok güzel bir gün"]
MEANT = ["a red ball lies under an old table .", "two dogs play", "She is reading, isn't she?", "çok güzel bir gündü"]


def test_bleu_and_chrf_are_those_of_sacrebleus_command(tmp_path: Path) -> None:
    for name, lines in (("said", SAID), ("meant", MEANT)):
        (tmp_path / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    command = [sys.executable, "-m", "sacrebleu", str(tmp_path / "meant"), "-i", str(tmp_path / "said")]
    found = subprocess.run(
        [*command, "-m", "bleu", "chrf", "-w", "6"], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    bleu, chrf = json.loads(found.stdout)
    ours = text_scores(SAID, MEANT)
    assert (round(ours.bleu, 6), round(ours.chrf, 6)) == (bleu["score"], chrf["score"])
    assert ours.bleu_signature == bleu["signature"]
    assert ours.exact_match == 0.25


def test_equal_texts_score_100_and_counts_must_agree() -> None:
    assert text_scores(MEANT, MEANT).bleu == pytest.approx(100.0)
    assert sentence_scores(["same"], ["same"]) == [100.0]
    with pytest.raises(DataError, match="1 sentences and 2 references"):
        text_scores(["a"], ["a", "b"])


def test_sums_over_batches_are_those_over_all_sentences() -> None:
    random = np.random.default_rng(0)
    tokens = random.integers(1, 9, size=11)
    right = np.minimum(tokens, random.integers(0, 9, size=11))
    nll = random.random(11) * tokens
    metrics = TranslationMetrics()
    for part in (slice(0, 4), slice(4, 11)):
        outputs = {
            "nll": torch.tensor(nll[part]),
            "num_tokens": torch.tensor(tokens[part]),
            "num_right": torch.tensor(right[part]),
        }
        metrics.update(outputs, Batch({}, torch.arange(len(nll[part]))))
    found = metrics.compute()
    assert found["loss"] == pytest.approx(nll.sum() / tokens.sum())
    assert found["perplexity"] == pytest.approx(math.exp(nll.sum() / tokens.sum()))
    assert found["token_accuracy"] == pytest.approx(right.sum() / tokens.sum())
    assert found["exact_match"] == pytest.approx((right == tokens).mean())
    low, high = metrics.intervals()["exact_match"]
    assert low <= found["exact_match"] <= high


def test_perplexity_of_a_loss_that_no_number_holds_is_the_largest_that_is_told() -> None:
    """exp(709.8) is the largest number of double precision; a network that has diverged is worse than that."""
    metrics = TranslationMetrics()
    outputs = {"nll": torch.tensor([5_000.0]), "num_tokens": torch.tensor([5]), "num_right": torch.tensor([0])}
    metrics.update(outputs, Batch({}, torch.arange(1)))
    measured = metrics.compute()
    assert measured["loss"] == 1_000.0
    assert measured["perplexity"] == pytest.approx(math.exp(700))


def test_before_anything_was_translated_there_is_no_loss_and_no_share() -> None:
    assert all(math.isnan(value) for name, value in TranslationMetrics().compute().items() if name != "perplexity")
