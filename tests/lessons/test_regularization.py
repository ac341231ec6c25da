"""L1, L2, dropout, early stopping, augmentation and label smoothing: what each does to weights and answers."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from derin.core.errors import DataError, UnknownNameError
from derin.lessons import augmentation, dropout, l1_l2, label_smoothing
from derin.lessons.augmentation import AugmentationOptions
from derin.lessons.dropout import DropoutOptions
from derin.lessons.l1_l2 import PenaltyOptions
from derin.lessons.label_smoothing import SmoothingOptions


def test_l2_makes_weights_small_and_l1_makes_them_zero() -> None:
    found = l1_l2.run(PenaltyOptions(epochs=25)).numbers
    assert found["step"]["l2"] == pytest.approx((1 - 0.1 * 0.05) * 2.0, rel=1e-12)
    assert found["step"]["l1"] == pytest.approx(2.0 - 0.1 * 0.003, rel=1e-12)
    none, l2, l1 = found["trainings"]
    assert l2["norm"] < 0.7 * none["norm"]
    assert l2["largest"] < none["largest"]
    assert l1["zero"] > 0.4 > 3 * none["zero"]
    assert min(row["val"] for row in found["trainings"]) > 0.9


def test_dropout_keeps_the_mean_and_spreads_the_weights() -> None:
    found = dropout.run(DropoutOptions(rate=0.3, copies=7)).numbers
    ones, weights = found["ones"], found["weights"]
    # Binomial: four standard deviations of the share of zeros among 100 000.
    assert ones["zero"] == pytest.approx(0.3, abs=4 * math.sqrt(0.3 * 0.7 / 100_000))
    assert ones["kept_value"] == pytest.approx(1 / 0.7)
    assert ones["mean"] == pytest.approx(1.0, abs=0.01)
    assert ones["test_mean"] == 1.0
    # The least of (Σw − 1)² + p/(1 − p) Σw², by its normal equations.
    penalty = 0.3 / 0.7
    best = np.linalg.solve(np.ones((7, 7)) + penalty * np.eye(7), np.ones(7))
    assert weights["with"] == pytest.approx(best, abs=0.02)
    assert sum(weights["without"]) == pytest.approx(1.0, abs=1e-3)
    assert weights["spread_without"] > 10 * weights["spread_with"]


def test_augmentation_is_a_function_of_seed_epoch_and_example() -> None:
    found = augmentation.run(AugmentationOptions(pictures=2, variants=3))
    assert found.numbers["same_epoch_alike"] is True
    assert found.numbers["next_epoch_alike"] is False
    assert found.numbers["flipped_share"] == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(2_000))
    assert Image.open(io.BytesIO(found.pictures["sheet.png"])).width > 4 * 100
    with pytest.raises(UnknownNameError, match="rotate"):
        AugmentationOptions(augment="rotat=10")


def test_a_picture_of_ones_own_is_augmented(tmp_path: Path) -> None:
    file = tmp_path / "own.png"
    Image.new("RGB", (300, 240), "teal").save(file)
    found = augmentation.run(AugmentationOptions(image=str(file), augment="flip", variants=2))
    sheet = np.asarray(Image.open(io.BytesIO(found.pictures["sheet.png"])).convert("RGB"))
    # 150 × 120 pixels thrice, less what the palette rounds.
    assert (np.abs(sheet.astype(int) - [0, 128, 128]).sum(axis=2) < 12).sum() == 3 * 150 * 120
    with pytest.raises(DataError, match="No such file"):
        augmentation.run(AugmentationOptions(image=str(tmp_path / "none.png")))


def test_smoothing_bounds_the_logits_and_the_confidence() -> None:
    found = label_smoothing.run(SmoothingOptions(epochs=8)).numbers
    assert found["target"] == pytest.approx([0.025, 0.925, 0.025, 0.025], rel=1e-12)
    assert found["gap"]["limit"] == pytest.approx(math.log(37), rel=1e-12)
    assert found["gap"]["soft"] == pytest.approx(math.log(37), abs=1e-3)
    assert found["gap"]["hard"] > found["gap"]["soft"] + 1
    hard, soft = found["trainings"]
    assert soft["confidence"] < hard["confidence"] - 0.05
    assert min(hard["accuracy"], soft["accuracy"]) > 0.9
