"""Going on with a run: what is compared before anything is said, and budgets that may grow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from torch import Tensor, nn

import derin
from derin.core.errors import DerinWarning, UsageError
from derin.core.files import read_json, write_json
from derin.layers import Dense

QUICK: dict[str, Any] = {"plan": "plain", "report": False, "threads": 1}


def write(path: Path, shift: int = 0) -> Path:
    lines = [f"{i % 7},{(i * i + shift) % 11},{'ab'[i % 2]}" for i in range(60)]
    path.write_text("\n".join(["x,z,label", *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a table and of a run that was trained on it for two epochs and is asked to go on."""
    folder = tmp_path_factory.mktemp("finished")
    derin.fit(write(folder / "t.csv"), out=folder / "run", epochs=2, **QUICK)
    return folder


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
def test_a_finished_run_is_not_deaf_to_other_settings(finished: Path, other: dict[str, Any], named: str) -> None:
    data, out = finished / "t.csv", finished / "run"
    before = (out / "run.json").read_bytes()
    with pytest.raises(UsageError, match=named):
        derin.fit(data, out=out, resume=True, report=False, **other)
    assert (out / "run.json").read_bytes() == before


def test_a_finished_run_is_told_its_own_settings_again(finished: Path) -> None:
    again = derin.fit(finished / "t.csv", out=finished / "run", resume=True, epochs=2, report=False)
    assert again.record["epochs"] == 2


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


@pytest.mark.filterwarnings("ignore:Time allows", "ignore:The 0.001 s given are over")
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
        run = derin.fit(data, out=tmp_path / f"run-{is_cut}", epochs=1, training_dev=0, **QUICK)
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


def test_a_file_is_known_by_any_spelling_and_data_in_memory_by_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write(tmp_path / "t.csv")
    write(tmp_path / "other.csv")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    run = derin.fit("t.csv", out="run", epochs=1, **QUICK)
    for same in ("./t.csv", str(data), data, derin.load("t.csv")):
        assert derin.fit(same, out="run", resume=True, report=False).record == run.record
    monkeypatch.chdir(tmp_path / "sub")
    assert derin.fit("../t.csv", out="../run", resume=True, report=False).record == run.record
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"not on 'other\.csv'"):
        derin.fit("other.csv", out="run", resume=True)
    write(data, shift=1)
    with pytest.raises(UsageError, match="has changed"):
        derin.fit(derin.load("t.csv"), out="run", resume=True)


class Own(nn.Module):
    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(2, hidden), nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x).relu())


@pytest.mark.parametrize("network", [Own, lambda hidden: derin.Sequential([Dense(hidden, "relu"), Dense(1)])])
def test_a_run_goes_on_with_a_network_of_the_same_build_and_refuses_another(tmp_path: Path, network: Any) -> None:
    data = write(tmp_path / "t.csv")
    run = derin.fit(data, model=network(4), out=tmp_path / "run", epochs=1, **QUICK)
    again = derin.fit(data, model=network(4), out=tmp_path / "run", epochs=1, resume=True, report=False)
    assert again.record == run.record
    for more in ({}, {"epochs": 2, "extend": True}):
        with pytest.raises(UsageError, match="another network"):
            derin.fit(data, model=network(5), out=tmp_path / "run", resume=True, report=False, **more)
    longer = derin.fit(data, model=network(4), out=tmp_path / "run", epochs=2, resume=True, extend=True, report=False)
    assert longer.record["epochs"] == 2
