"""Permutation importance and partial dependence: scikit-learn's own functions on an equivalent model are the oracle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.inspection import partial_dependence, permutation_importance
from typer.testing import CliRunner

import derin
from derin.api.explain_importance import explain_importance
from derin.cli.main import app
from derin.core.errors import UsageError
from derin.sklearn import DerinClassifier


def test_importance_and_curves_are_those_of_scikit_learn(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(400, 3))
    classes = (inputs[:, 0] + 0.4 * inputs[:, 2] > 0).astype(int)
    fitted = DerinClassifier(epochs=8, learning_rate=0.02).fit(inputs, classes)
    found: Any = explain_importance(fitted.model_, (inputs, classes), split="all", repeats=40, curves=1).to_json()
    expected = permutation_importance(fitted, inputs, classes, n_repeats=40, random_state=0)
    by_name = {column["name"]: column for column in found["columns"]}
    for place, value in enumerate(expected.importances_mean):
        assert by_name[f"x[{place}]"]["importance"] == pytest.approx(value, abs=0.01)
    assert [column["name"] for column in found["columns"][:2]] == ["x[0]", "x[2]"]
    low, high = by_name["x[0]"]["interval"]
    assert low < by_name["x[0]"]["importance"] < high
    curve = found["curves"][0]
    grid = np.sort(inputs[:, 0])[np.linspace(0, 399, 20).round().astype(int)]
    oracle = partial_dependence(
        fitted, inputs, [0], custom_values={0: grid}, kind="both", response_method="predict_proba"
    )
    assert curve["column"] == "x[0]"
    # Two ways of a float32 network through batches of other sizes.
    assert np.allclose(np.array(curve["means"])[:, 1], oracle["average"][0], atol=1e-5)
    individual = np.array(curve["individual"])[:, :, 1]
    assert individual.shape == (30, 20)
    apart = np.abs(individual[:, None] - oracle["individual"][0][None]).max(axis=2)
    assert apart.min(axis=1).max() < 1e-5
    assert len(set(apart.argmin(axis=1))) == 30


def test_a_column_with_several_features_is_shuffled_as_one(tmp_path: Path) -> None:
    rows = ["city,day,size,noise,price"]
    cities = {"Ankara": 10, "Van": 30, "": 50}
    for place in range(240):
        city = list(cities)[place * 7 % 3]
        size = "" if place % 11 == 0 else str(place * 37 % 100 / 3)
        rows.append(f"{city},2024-{place % 12 + 1:02}-03,{size},{place * 53 % 97 + 0.5},{cities[city]}")
    (tmp_path / "houses.csv").write_text("\n".join(rows))
    run = derin.fit(
        tmp_path / "houses.csv",
        target="price",
        target_kind="number",
        epochs=30,
        plan="plain",
        out=tmp_path / "run",
        report=False,
        compare=False,
    )
    picture = tmp_path / "importance.png"
    result = CliRunner().invoke(app, ["explain", "importance", str(run.path), "--out", str(picture), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["found"]
    assert {column["name"] for column in found["columns"]} == {"city", "day", "size", "noise"}
    assert found["columns"][0]["name"] == "city"
    assert found["columns"][0]["importance"] > 5
    assert dict(zip(found["curves"][0]["values"], np.ravel(found["curves"][0]["means"])))["Van"] > 20
    assert (found["split"], found["num_examples"]) == ("val", 48)
    assert found["value"] == pytest.approx(run.metrics["val"]["rmse"], rel=1e-4)
    assert np.array(found["curves"][0]["individual"]).shape[0] == 30
    told = CliRunner().invoke(
        app, ["explain", "importance", str(run.path), "--out", str(picture)], env={"DERIN_LANG": "tr"}
    )
    assert "Kullanılan satır: 48 (doğrulama)" in told.output
    assert picture.stat().st_size > 10_000


def test_other_networks_are_refused(tmp_path: Path) -> None:
    run = derin.fit("digits", epochs=1, model="mlp", plan="plain", out=tmp_path / "run", report=False)
    with pytest.raises(UsageError, match="columns of a table"):
        explain_importance(run.model(), "digits")
