"""A network on a table beside other methods: scikit-learn by hand is the oracle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

import derin
from derin.core.errors import DerinWarning
from derin.tasks.baselines.paired import compare_errors


def found_of(run: Any) -> Any:
    return run.record["findings"]["other_methods"]


def features(data: Any) -> tuple[Any, Any, Any]:
    """The standardized columns by hand, the targets and the splits."""
    table = derin.load(data)
    columns = [np.asarray(table.columns[column.name].values).reshape(len(table), -1) for column in table.inputs]
    values = np.concatenate(columns, axis=1).astype(np.float64)
    train = values[table.splits["train"]]
    targets = np.asarray(table.columns[table.target().name].values)
    return (values - train.mean(axis=0)) / train.std(axis=0), targets, table.splits


def test_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = derin.fit("wine", epochs=1, out=tmp_path / "run", plan="plain")
    found = found_of(run)
    inputs, targets, splits = features("wine")
    by_name = {method["name"]: method for method in found["methods"]}
    cost = float(by_name["linear"]["setting"].removeprefix("C="))
    model = LogisticRegression(C=cost, max_iter=300).fit(inputs[splits["train"]], targets[splits["train"]])
    for split in ("val", "test"):
        assert by_name["linear"]["values"][split] == pytest.approx(
            model.score(inputs[splits[split]], targets[splits[split]]), abs=1e-9
        )
        assert found["network"][split] == pytest.approx(run.metrics[split]["accuracy"])
    test = by_name["linear"]["comparison"]
    assert test["difference"] == pytest.approx(found["network"]["test"] - by_name["linear"]["values"]["test"])
    on_val = [method["values"]["val"] for method in found["methods"]]
    assert on_val == sorted(on_val, reverse=True)
    assert (set(by_name), found["skipped"]) == ({"linear", "neighbors", "boosting"}, [])
    page = run.report.read_text(encoding="utf-8")
    assert "Beside other methods" in page
    assert "gradient boosting" in page
    monkeypatch.setenv("DERIN_LANG", "tr")
    from derin.report.page import write_report

    assert "Başka yöntemlerin yanında" in write_report(run.path).read_text(encoding="utf-8")


def test_numbers(tmp_path: Path) -> None:
    run = derin.fit("diabetes", epochs=1, out=tmp_path / "run", plan="plain", report=False)
    found = found_of(run)
    linear = next(method for method in found["methods"] if method["name"] == "linear")
    assert found["network"]["test"] == pytest.approx(run.metrics["test"]["rmse"], rel=1e-5)
    # An epoch from scratch learns little, which the line of ridge regression shows.
    assert linear["comparison"]["interval"][0] > 0
    inputs, targets, splits = features("diabetes")
    alpha = float(linear["setting"].removeprefix("alpha="))
    model = Ridge(alpha=alpha).fit(inputs[splits["train"]], targets[splits["train"]])
    errors = model.predict(inputs[splits["test"]]) - targets[splits["test"]]
    assert linear["values"]["test"] == pytest.approx(np.sqrt(np.square(errors).mean()), rel=0.02)


@pytest.mark.filterwarnings("ignore:Time allows")
def test_nothing_is_tried_where_it_is_not_wanted_or_no_time_is_left(tmp_path: Path) -> None:
    run = derin.fit("iris", epochs=1, out=tmp_path / "run", plan="plain", report=False, compare=False)
    assert run.record["findings"] == {}
    with pytest.warns(DerinWarning, match="was not compared with simpler methods"):
        run = derin.fit("iris", epochs=1, max_seconds=1e-3, out=tmp_path / "brief", plan="plain", report=False)
    assert run.record["findings"] == {}


def test_with_very_many_classes_methods_are_left_out_and_named(tmp_path: Path) -> None:
    rows = [f"{i % 7},{i % 60 % 11},name{i % 60}" for i in range(300)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,label", *rows]))

    def tried(name: str) -> tuple[list[str], list[str], str]:
        run = derin.fit(tmp_path / "t.csv", epochs=1, out=tmp_path / name, plan="plain")
        found = found_of(run)
        return [m["name"] for m in found["methods"]], found["skipped"], run.report.read_text(encoding="utf-8")

    # 60 trees in each round are too many.
    assert sorted(tried("some")[0]) == ["linear", "neighbors"]
    with pytest.MonkeyPatch.context() as patch:
        # About 240 training rows times 60 classes are more scores than this.
        patch.setattr("derin.tasks.baselines.table_methods._MOST_SCORES", 10_000)
        methods, skipped, page = tried("none")
    assert (methods, skipped) == ([], ["linear", "neighbors", "boosting"])
    assert "Not tried, since the time was over or there are too many classes: linear" in page


def test_the_interval_of_a_paired_difference_holds_what_resampling_by_hand_gives() -> None:
    random = np.random.default_rng(3)
    first = random.normal(size=300)
    second = first * 0.8 + random.normal(size=300) * 0.1
    found = compare_errors(first, second)
    drawn = []
    for _ in range(2_000):
        rows = random.integers(0, 300, 300)
        drawn.append(np.sqrt((first[rows] ** 2).mean()) - np.sqrt((second[rows] ** 2).mean()))
    assert np.allclose(found["interval"], np.percentile(drawn, [2.5, 97.5]), atol=0.01)
