"""What is said of made pictures, against other formulas in float64 and against counting by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from sklearn.neighbors import NearestNeighbors

import derin
from derin.core.errors import DerinError, UsageError
from derin.tasks.metrics.made_pictures import frechet_distance, nearest_rows, precision_recall


def test_the_frechet_distance_is_that_of_the_matrix_square_root() -> None:
    generator = np.random.default_rng(0)
    one = generator.normal(size=(90, 7)) @ generator.normal(size=(7, 7))
    two = generator.normal(size=(60, 7)) @ generator.normal(size=(7, 7)) + 0.5
    root = scipy.linalg.sqrtm(np.cov(one.T) @ np.cov(two.T)).real
    means = one.mean(0) - two.mean(0)
    expected = means @ means + np.trace(np.cov(one.T) + np.cov(two.T) - 2 * root)
    assert frechet_distance(one, two) == pytest.approx(expected, rel=1e-9)
    # Fewer rows than features: covariances without an inverse.
    assert frechet_distance(one[:4], one[:4]) == pytest.approx(0, abs=1e-5 * np.trace(np.cov(one[:4].T)))


def test_precision_and_recall_are_counts_of_balls() -> None:
    generator = np.random.default_rng(1)
    true, made = generator.normal(size=(40, 3)), generator.normal(size=(53, 3)) * 0.7 + 0.3

    def share(queries: np.ndarray, others: np.ndarray) -> float:
        # scikit-learn counts the row itself as its first neighbor.
        radii = NearestNeighbors(n_neighbors=4).fit(others).kneighbors(others)[0][:, -1]
        distances = np.linalg.norm(queries[:, None] - others[None], axis=2)
        return float((distances <= radii).any(axis=1).mean())

    assert precision_recall(true, made) == (share(made, true), share(true, made))
    assert precision_recall(true, true) == (1.0, 1.0)
    found = nearest_rows(made, true)
    distances, rows = NearestNeighbors(n_neighbors=1).fit(true).kneighbors(made)
    assert np.array_equal(found.rows, rows[:, 0])
    assert found.distances == pytest.approx(distances[:, 0], rel=1e-4)  # float32
    with pytest.raises(DerinError, match="more than 3"):
        precision_recall(true[:3], made)
    with pytest.raises(DerinError, match="same features"):
        frechet_distance(true, made[:, :2])


@pytest.mark.slow
def test_a_classifier_judges_made_pictures_beside_true_ones(tmp_path: Path) -> None:
    judge = derin.fit("digits", epochs=3, threads=1, report=False, out=tmp_path / "judge")
    small: dict[str, Any] = {"task": "gan", "epochs": 1, "model_options": {"width": 4, "latent": 6}}
    made = derin.fit("digits", threads=1, report=False, out=tmp_path / "made", **small)
    found = derin.open(made.path).evaluate("digits", judge=judge.path).metrics
    assert sum(found["class_coverage"].values()) == pytest.approx(1)
    assert list(found["class_coverage"]) == [str(number) for number in range(10)]
    # After one epoch nothing looks like a digit, and true digits of the training are like those of the test.
    assert found["frechet"] > 5 * found["frechet_true"]
    assert found["judge"]["num_made"] == 3000
    assert found["judge"]["num_true"] == 359
    assert len(found["judge"]["sha256"]) == 64
    with pytest.raises(UsageError, match="makes none"):
        derin.open(judge.path).evaluate("digits", judge=judge.path)
    with pytest.raises(UsageError, match="A judge tells the classes of pictures"):
        derin.open(made.path).evaluate("digits", judge=made.path)
