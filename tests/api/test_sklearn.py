"""The estimators for scikit-learn: its own checks of estimators are the oracle, and its tools use them."""

from __future__ import annotations

import json
import pickle
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import derin
from derin.core.errors import RefusedFileError, UsageError
from derin.core.quiet import quiet
from derin.sklearn import DerinClassifier, DerinRegressor

EXPECTED_TO_FAIL = {
    "check_sample_weight_equivalence_on_dense_data": "mini-batches are drawn from rows: a weight of 2 is not two rows",
    "check_methods_subset_invariance": "float32: sums over other numbers of rows differ by some 1e-7",
}


@pytest.fixture(scope="module")
def iris() -> tuple[Any, Any]:
    numbers, classes = load_iris(return_X_y=True)
    return numbers, np.array(["setosa", "versicolor", "virginica"])[classes]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("estimator", [DerinClassifier, DerinRegressor])
def test_scikit_learns_own_checks_pass(estimator: Any) -> None:
    checks = check_estimator(
        estimator(epochs=15), expected_failed_checks=EXPECTED_TO_FAIL, on_skip=None, on_fail="raise"
    )
    assert len(checks) > 50


def test_tools_of_scikit_learn_use_it(
    iris: tuple[Any, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with quiet():  # its filter of warnings stays, and is no hindrance
        pipeline = make_pipeline(StandardScaler(), DerinClassifier(epochs=3, batch_size=16, learning_rate=0.03))
    assert cross_val_score(pipeline, *iris, cv=2).mean() > 0.8
    rates = {"derinclassifier__learning_rate": [1e-7, 0.03]}
    search = GridSearchCV(pipeline, rates, cv=2, refit=False).fit(*iris)
    assert search.best_params_ == {"derinclassifier__learning_rate": 0.03}
    assert not list(tmp_path.iterdir())  # neither runs nor what was kept meanwhile
    assert capsys.readouterr() == ("", "")


def test_answers_are_those_of_the_network_and_equal_for_equal_seeds(iris: tuple[Any, Any]) -> None:
    first = DerinClassifier(epochs=3).fit(*iris)
    again = clone(first).fit(*iris)
    other = DerinClassifier(epochs=3, seed=1).fit(*iris)
    found = first.predict_proba(iris[0])
    assert (found == again.predict_proba(iris[0])).all()
    assert not (found == other.predict_proba(iris[0])).all()
    assert first.score(*iris) == accuracy_score(iris[1], first.classes_[found.argmax(axis=1)])
    answers = first.model_.predict([{"x": row} for row in iris[0][::30]])
    assert [answer.label for answer in answers] == first.predict(iris[0][::30]).tolist()
    sent = pickle.loads(pickle.dumps(first))  # as GridSearchCV(n_jobs=2) sends it to other processes
    assert (sent.predict_proba(iris[0]) == found).all()


@pytest.mark.parametrize("labels", [["a", "ç", "b"], [3, 1, 2], [1.0, 0.0, 2.0]])
def test_what_is_saved_answers_alike(iris: tuple[Any, Any], tmp_path: Path, labels: list[Any]) -> None:
    numbers = iris[0]
    classes = np.array(labels)[np.arange(150) % 3]
    fitted = DerinClassifier(epochs=1, model_options={"hidden": [8]}).fit(numbers, classes)
    fitted.save(tmp_path / "saved")
    opened = DerinClassifier.load(tmp_path / "saved")
    assert opened.get_params() == fitted.get_params()
    assert opened.classes_.dtype == fitted.classes_.dtype
    assert (opened.predict(numbers) == fitted.predict(numbers)).all()
    assert (opened.predict_proba(numbers) == fitted.predict_proba(numbers)).all()
    assert derin.open(tmp_path / "saved").classes == tuple(map(str, sorted(labels)))
    with pytest.raises(RefusedFileError, match="DerinClassifier, not of a DerinRegressor"):
        DerinRegressor.load(tmp_path / "saved")
    card = tmp_path / "saved" / "card.json"
    written = json.loads(card.read_text())
    for part, value in {"labels": None, "parameters": {"code": "x"}, "num_features": "4"}.items():
        card.write_text(json.dumps(written | {"estimator": written["estimator"] | {part: value}}))
        with pytest.raises(RefusedFileError, match="refused"):
            DerinClassifier.load(tmp_path / "saved")


def test_data_frames_keep_their_columns() -> None:
    pandas = pytest.importorskip("pandas")
    num = 90
    frame = pandas.DataFrame(
        {
            "age": np.where(np.arange(num) % 7 == 0, np.nan, np.arange(num) * 37 % num + 0.5),
            "city": np.array(["Ankara", "İzmir", None], dtype=object)[np.arange(num) % 3],
            "since": pandas.date_range("2020-01-31", periods=num, freq="MS"),
            "kind": pandas.Categorical(np.array(["x", "y"])[np.arange(num) % 2]),
        }
    )
    answer = np.where(frame["city"] == "İzmir", 10.0, 0.0)
    fitted = DerinRegressor(epochs=15, validation_fraction=0).fit(frame, answer)
    assert fitted.score(frame, answer) > 0.9
    assert fitted.feature_names_in_.tolist() == list(frame.columns)
    assert set(fitted.model_.preparation.columns) == set(frame.columns)
    assert np.allclose(fitted.predict(frame.iloc[[4]]), fitted.predict(frame)[[4]])
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame[["age"]])
    with pytest.raises(UsageError, match="Give a data frame"), pytest.warns(UserWarning, match="feature names"):
        fitted.predict(np.zeros((2, 4)))


def test_a_weight_counts() -> None:
    numbers = np.zeros((40, 1))
    answer = np.arange(40) % 2 * 1.0
    heavy = np.where(answer == 1, 9.0, 1.0)
    fitted = DerinRegressor(epochs=15, batch_size=8, learning_rate=0.03, validation_fraction=0).fit(
        numbers, answer, heavy
    )
    assert fitted.predict(numbers[:1])[0] == pytest.approx(0.9, abs=0.05)  # the weighted mean


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"epochs": "ten"}, "epochs"), ({"model": "nope"}, "no model named"), ({"validation_fraction": 2}, "a share")],
)
def test_nonsense_ends_in_a_sentence(iris: tuple[Any, Any], parameters: dict[str, Any], words: str) -> None:
    estimator = DerinClassifier(**parameters)
    with pytest.raises(UsageError, match=words):
        estimator.fit(*iris)
