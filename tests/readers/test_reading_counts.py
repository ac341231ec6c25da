"""Counts are true where what was noticed is too much to be listed: in Python, on the command line and in the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

import derin
from derin.cli.main import app
from derin.core.messages import translate
from derin.data.report import DataReport, Duplicate, Finding, Outcome
from derin.report.data import data
from derin.strategy.assumptions import assumptions
from derin.strategy.record import RunRecord

NUM_BROKEN = 731


@pytest.fixture
def broken_table(tmp_path: Path) -> Path:
    lines = ["size,price", *(f"{i}.5,{i % 89}" for i in range(400)), *(f"{i}.5," for i in range(NUM_BROKEN))]
    (tmp_path / "houses.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path / "houses.csv"


def test_rows_left_out_are_counted_all(broken_table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")
    report = derin.load(broken_table, target="price").report
    assert len(report.findings) < NUM_BROKEN
    assert report.summary()["skipped"].total() == NUM_BROKEN
    found = json.loads(json.dumps(report.to_json()))["findings"]
    assert sum(finding.get("count", 1) for finding in found if finding["outcome"] == "skipped") == NUM_BROKEN
    arguments = ["data", str(broken_table), "--target", "price"]
    printed = CliRunner().invoke(app, arguments, terminal_width=200, env={"COLUMNS": "200"}).output
    assert f"{NUM_BROKEN} skipped: " in printed
    assert f"{NUM_BROKEN - 3} more" in printed
    page: Any = data(RunRecord(broken_table.parent, {"data": {"reading": {"findings": found}}}, [], {}), names=True)
    assert f">{NUM_BROKEN}<" in page
    assert f"{NUM_BROKEN - 200} more" in page


def test_files_beside_the_pictures_are_counted_all(tmp_path: Path) -> None:
    for name in ("ant", "bee"):
        (tmp_path / name).mkdir()
        for place in range(4):
            Image.new("RGB", (8, 8), (place * 9, 3, 50)).save(tmp_path / name / f"{place}.png")
    for place in range(230):
        (tmp_path / "ant" / f"{place}.dat").write_bytes(b"\0")
    summary = derin.load(tmp_path).report.summary()
    assert 230 in summary["skipped"].values()


@pytest.mark.parametrize(("widths", "said"), [((300,) * 8, "all 147 x 220"), ((300, 340) * 4, "of different sizes")])
def test_sizes_are_called_different_only_where_they_are(widths: tuple[int, ...], said: str, tmp_path: Path) -> None:
    for place, width in enumerate(widths):
        folder = tmp_path / ("ant", "bee")[place % 2]
        folder.mkdir(exist_ok=True)
        Image.effect_noise((width, 200), 50 + place).convert("RGB").save(folder / f"{place}.png")
    assert said in derin.load(tmp_path).inputs[0].note


def test_the_record_lists_some_and_counts_all() -> None:
    report = DataReport(
        findings=[Finding(f"line {n}", Outcome.SKIPPED, f"reason {n % 9}") for n in range(900)]
        + [Finding("several", Outcome.CONVERTED, "other", count=41)],
        duplicates=[Duplicate((f"a{n}", f"b{n}"), ("train", "test" if n == 800 else "train")) for n in range(900)]
        + [Duplicate(tuple(map(str, range(500))), ("train",) * 499 + ("val",))],
    )
    found: Any = json.loads(json.dumps(report.to_json(5)))
    assert len(found["findings"]) == 5 * 5 + 5 + 2
    for outcome, number in (("skipped", 900), ("converted", 41)):
        assert sum(each["count"] for each in found["findings"] if each["outcome"] == outcome) == number
    assert {"4 other reasons", "1 other reason"} <= {each["reason"] for each in found["findings"]}
    assert (found["num_duplicates"], found["leaks"]) == (901, 2)
    assert [group["splits"][-1] for group in found["duplicates"]] == ["test", "val", "train", "train", "train"]
    assert (len(found["duplicates"][1]["names"]), found["duplicates"][1]["num_rows"]) == (5, 500)
    record = {"data": {"reading": found}}
    page: Any = data(RunRecord(Path(), record, [], {}), names=True)
    said = "\n".join(assumptions(record))
    for text in (page, said):
        assert translate("data.duplicates", count=901) in text
        assert translate("data.leaks", count=2) in text
    whole = report.to_json()
    assert (len(whole["findings"]), len(whole["duplicates"])) == (901, 901)
