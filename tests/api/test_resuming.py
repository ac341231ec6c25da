"""Going on with a run: what is compared before anything is said, and budgets that may grow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import derin
from derin.core.errors import DerinWarning, UsageError
from derin.core.files import read_json, write_json

QUICK: dict[str, Any] = {"plan": "plain", "report": False, "threads": 1}


def write(path: Path, shift: int = 0) -> Path:
    lines = [f"{i % 7},{(i * i + shift) % 11},{'ab'[i % 2]}" for i in range(60)]
    path.write_text("\n".join(["x,z,label", *lines]) + "\n")
    return path


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"epochs": 3}, "epochs=2; got epochs=3. Add --extend"),
        ({"epochs": 1, "extend": True}, "epochs=2; got epochs=1. Leave it out"),
        ({"learning_rate": 0.3, "extend": True}, "learning_rate"),
        ({"seed": 5}, "seed"),
        ({"target": "x"}, "target"),
        ({"batch_size": 7}, "batch_size"),
        ({"calibrate": True}, "calibrate"),
    ],
)
def test_a_finished_run_is_not_deaf_to_other_settings(tmp_path: Path, other: dict[str, Any], named: str) -> None:
    data = write(tmp_path / "t.csv")
    derin.fit(data, out=tmp_path / "run", epochs=2, **QUICK)
    before = (tmp_path / "run" / "run.json").read_bytes()
    with pytest.raises(UsageError, match=named):
        derin.fit(data, out=tmp_path / "run", resume=True, report=False, **other)
    assert (tmp_path / "run" / "run.json").read_bytes() == before
    assert derin.fit(data, out=tmp_path / "run", resume=True, epochs=2, report=False).record["epochs"] == 2


def test_a_finished_run_is_not_deaf_to_other_data(tmp_path: Path) -> None:
    data = write(tmp_path / "t.csv")
    derin.fit(data, out=tmp_path / "run", epochs=1, **QUICK)
    with pytest.raises(UsageError, match=r"was trained on .*t\.csv'"):
        derin.fit("iris", out=tmp_path / "run", resume=True)
    write(data, shift=1)
    with pytest.raises(UsageError, match="has changed"):
        derin.fit(data, out=tmp_path / "run", resume=True)
    # Its result can still be looked at.
    assert derin.fit(out=tmp_path / "run", resume=True).finished


@pytest.mark.filterwarnings("ignore:Time allows")
@pytest.mark.parametrize(
    ("first", "more", "epochs"),
    [
        ({"epochs": 2}, {"epochs": 5}, 5),
        ({"epochs": 50, "max_seconds": 1e-3}, {"max_seconds": 0.0, "epochs": 51}, 51),
        ({"epochs": 30, "patience": 1, "learning_rate": 0.0}, {"patience": 3}, 4),
    ],
)
def test_budgets_may_grow_and_training_goes_on_from_the_last_state(
    tmp_path: Path, first: dict[str, Any], more: dict[str, Any], epochs: int
) -> None:
    data = write(tmp_path / "t.csv")
    begun = derin.fit(data, out=tmp_path / "run", **first, **QUICK)
    lines = begun.history
    run = derin.fit(data, out=tmp_path / "run", resume=True, extend=True, report=False, **more)
    assert run.finished
    assert run.history[: len(lines)] == lines
    assert [line["epoch"] for line in run.history] == list(range(1, epochs + 1))
    assert {name: run.record["config"][name] for name in more} == more
    # What has grown is what counts from now on.
    again = derin.fit(data, out=tmp_path / "run", resume=True, report=False, **more)
    assert again.record == run.record


def test_a_run_of_before_goes_on_only_where_its_splits_are_those_of_the_data(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    for split in ("train", "val", "test"):
        write(folder / f"{split}.csv", shift=len(split))
    for data, is_cut in ((folder, False), (write(tmp_path / "t.csv"), True)):
        run = derin.fit(data, out=tmp_path / f"run-{is_cut}", epochs=1, **QUICK)
        record = read_json(run.path / "run.json")
        del record["data"]["cut"], record["data"]["recipe"]
        write_json(run.path / "run.json", {**record, "finished": False})
        if is_cut:
            with pytest.raises(UsageError, match="earlier version of Derin, which cut its data"):
                derin.fit(out=run.path, resume=True, report=False)
        else:
            with pytest.warns(DerinWarning, match="earlier version"):
                assert derin.fit(out=run.path, resume=True, report=False).finished


def test_calibration_is_kept_when_a_run_goes_on(tmp_path: Path) -> None:
    data = write(tmp_path / "t.csv")
    derin.fit(data, out=tmp_path / "run", epochs=1, calibrate=True, **QUICK)
    run = derin.fit(data, out=tmp_path / "run", resume=True, extend=True, epochs=2, report=False)
    assert "calibration" in run.record
