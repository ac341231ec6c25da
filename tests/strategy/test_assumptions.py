"""What a run takes for granted: said in the terminal and in the report, as it is and no more."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import derin
from derin.cli.main import app
from derin.strategy.assumptions import assumptions
from derin.train.config import TrainConfig

CONFIG = {**TrainConfig().to_json(), "schedule": "constant", "weight_decay": 0.0, "momentum": 0.9}
RECORD: dict[str, Any] = {
    "request": {"options": {}},
    "model": {"name": "mlp", "parameters": 1234, "spec": {"options": {"dropout": 0.0, "hidden": [8]}}},
    "task": {"name": "binary", "label_smoothing": 0.0},
    "data": {
        "name": "t.csv",
        "splits": {"train": 6, "val": 2, "test": 2},
        "schema": [
            {"name": "id", "role": "id", "note": "left out: it numbers the rows"},
            {"name": "x", "role": "input", "note": ""},
            {"name": "y", "role": "target", "note": "", "classes": ["a", "b"]},
        ],
        "reading": {
            "findings": [
                {"where": "line 3", "outcome": "skipped", "reason": "empty"},
                {"where": "2,194 more lines", "outcome": "skipped", "reason": "empty", "count": 2194},
                {"where": "line 5", "outcome": "converted", "reason": "odd"},
            ],
            "duplicates": [{"names": ["line 1", "line 2"], "splits": ["train", "test"]}],
            "leaks": 1,
            "notes": ["The target is 'y'."],
        },
        "sentences": {},
    },
    "config": CONFIG,
    "preparation": {"kind": "features"},
    "augmentation": None,
    "finetune": {},
    "environment": {"device": "cpu"},
    "plan": {"chosen": {"precision": "bf16", "channels_last": False, "fused": True}},
}


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")


def settings(**changes: Any) -> str:
    """The line of settings of a record with some of its parts changed."""
    record = copy.deepcopy(RECORD)
    for name, value in changes.items():
        record[name] = {**record[name], **value} if isinstance(value, dict) and record[name] else value
    return next((line for line in assumptions(record) if "--" in line), "")


def test_data_and_what_was_left_out_are_said_with_true_counts() -> None:
    lines = assumptions(RECORD)
    assert lines[:8] == [
        "t.csv: 10 examples (training 6, validation 2, test 2).",
        "To predict: y – binary classification, 2 classes.",
        "Input: x.",
        "No input: id – left out: it numbers the rows.",
        "2,195 skipped: empty.",
        "1 converted: odd.",
        "1 group of examples has equal content.",
        lines[7],
    ]
    assert "more than one split" in lines[7] or "leak" in lines[7]
    assert "The target is 'y'." in lines
    assert "Network: mlp, 1,234 parameters, on cpu." in lines
    assert "Plan: bf16,fused." in lines


NEUTRAL = "--epochs 10  --batch-size 64  --optimizer adamw  --lr 0.001"


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({}, NEUTRAL),
        ({"config": {"weight_decay": 0.1, "ema_decay": 0.99}}, f"{NEUTRAL}  --weight-decay 0.1  --ema-decay 0.99"),
        ({"config": {"optimizer": "momentum"}}, NEUTRAL.replace("adamw", "momentum") + "  --momentum 0.9"),
        ({"config": {"schedule": "one-cycle", "warmup": 0.1}}, f"{NEUTRAL}  --schedule one-cycle  --warmup 0.1"),
        ({"task": {"label_smoothing": 0.1}}, f"{NEUTRAL}  --label-smoothing 0.1"),
        ({"augmentation": "flip"}, f"{NEUTRAL}  --augment flip"),
        (
            {
                "preparation": {"kind": "series", "look_back": 72, "horizon": 24},
                "request": {"options": {"inputs": {"horizon": 24}}},
            },
            f"{NEUTRAL}  --context-length 72",
        ),
        ({"augmentation": "flip", "request": {"options": {"augment": "flip"}}}, NEUTRAL),
        ({"request": {"options": {"epochs": 10, "learning_rate": 0.001}}}, "--batch-size 64  --optimizer adamw"),
        ({"model": {"spec": {"options": {"dropout": 0.5}}}}, f"{NEUTRAL}  --option dropout=0.5"),
        ({"task": {"class_weights": [0.8333, 2.5]}}, f"{NEUTRAL}  --class-weights 0.833,2.5"),
        ({"task": {"class_weights": [1.0, 1.0]}}, NEUTRAL),
    ],
)
def test_every_default_that_does_something_is_told_as_its_flag(changes: dict[str, Any], flags: str) -> None:
    assert settings(**changes) == f"Set by default, each can be given: {flags}"


def test_what_is_told_by_default_can_be_given_and_is_then_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke(app, ["train", "iris", "--epochs", "1", "--no-report", "--out", "first"])
    (line,) = (line for line in run.output.splitlines() if line.startswith("Set by default"))
    flags = line.split(": ", 1)[1].split()
    again = CliRunner().invoke(app, ["train", "iris", "--epochs", "1", "--no-report", "--out", "second", *flags])
    assert again.exit_code == 0, again.output
    assert "Set by default" not in again.output
    first, second = (json.loads((tmp_path / name / "run.json").read_text())["config"] for name in ("first", "second"))
    assert first == second


def test_train_says_what_data_says_and_so_does_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [f"{i % 5},{i % 3},{'ab'[i % 2]}" for i in range(60)] + ["7,8,"] * 3
    Path("t.csv").write_text("\n".join(["x,z,label", *lines]) + "\n")
    said = CliRunner().invoke(app, ["train", "t.csv", "--epochs", "1", "--out", "run"]).output
    page = Path("run/report.html").read_text(encoding="utf-8")
    table = derin.load("t.csv")
    for sentence in (*table.report.notes, "3 skipped: the target is missing", "Network: mlp"):
        assert sentence in said
        assert sentence.replace("'", "&#x27;") in page or sentence in page
