"""The rule of the promoters, looked for in the sequences by regular expressions."""

from __future__ import annotations

import re

import numpy as np

from derin.datasets.generated.dna import dna_promoters


def distance(text: str) -> int | None:
    """Bases from the −35 box to the −10 box where both stand there without noise, else None."""
    first, second = text.find("TTGACA"), text.find("TATAAT")
    return second - first - 6 if first >= 0 and second >= 0 else None


def test_sequences_are_dna_of_eighty_bases_in_two_equal_classes() -> None:
    table = dna_promoters(name="dna", num=400)
    texts = table.columns["text"].texts()
    assert all(re.fullmatch("[ACGT]{80}", text) for text in texts)
    # One label in fifty is turned, as many one way as the other.
    assert abs(np.bincount(table.columns["label"].values)[1] - 200) < 15


def test_promoters_have_both_boxes_in_order_and_at_the_right_distance() -> None:
    table = dna_promoters(name="dna", num=3_000)
    labels = table.columns["label"].values
    distances = [distance(text) for text in table.columns["text"].texts()]
    clean = np.array([d is not None for d in distances])
    # Twelve bases stay with 0.9 + 0.1 / 4 each.
    expected = 0.925**12
    assert abs(clean[labels == 1].mean() - expected) < 0.05
    assert abs(clean[labels == 0].mean() - expected / 2) < 0.05
    found = np.array([d for d in distances if d is not None])
    kept = labels[clean]
    right = (found >= 16) & (found <= 18)
    assert (right == (kept == 1)).mean() > 0.95  # all but the wrong labels, and boxes that chance wrote
    assert (found[kept == 0] < 0).sum() > 0.3 * (kept == 0).sum()


def test_a_base_is_drawn_with_its_share() -> None:
    texts = "".join(dna_promoters(name="dna", num=2_000).columns["text"].texts())
    assert 0.50 < (texts.count("A") + texts.count("T")) / len(texts) < 0.58


def test_the_same_seed_gives_the_same_sequences() -> None:
    first, again, other = (dna_promoters(name="dna", num=50, seed=seed) for seed in (1, 1, 2))
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()
