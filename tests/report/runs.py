"""Run folders made by hand, as training writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

HOSTILE = '<script>alert("1")</script>'
CLASSES = ["cat", HOSTILE, "İstanbul’un köpeği & co", "bird"]
CONFUSION = [[40, 3, 1, 0], [5, 30, 0, 2], [0, 0, 19, 1], [0, 12, 0, 7]]


def classification_run(folder: Path, *, pictures: bool = True, **changes: Any) -> Path:
    """An over-fitted network on four classes of photos, one with a hostile name."""
    support = [sum(row) for row in CONFUSION]
    right = sum(row[i] for i, row in enumerate(CONFUSION))
    accuracy = right / sum(support)
    per_class = {
        name: {
            "precision": 0.8,
            "recall": CONFUSION[i][i] / support[i],
            "f1": 0.6 + i / 10,
            "auc": None,
            "support": support[i],
        }
        for i, name in enumerate(CLASSES)
    }
    history = [epoch_record(e, 1.4 * 0.7**e, 0.9 - 0.1 * e if e < 5 else 0.5 + 0.06 * (e - 5), e) for e in range(1, 13)]
    record = common_record(
        "photos", {"name": "classification", "classes": CLASSES, "headline": "accuracy", "maximize": True}
    )
    record |= {
        "metrics": {
            "train": {"loss": 0.02, "accuracy": 0.998},
            "val": {"loss": 0.92, "accuracy": 0.81},
            "test": {"loss": 0.95, "accuracy": accuracy, "f1_macro": 0.75, "auc_macro": None},
        },
        "intervals": {"val": {"accuracy": [0.76, 0.86]}, "test": {"accuracy": [0.723, 0.857]}},
        "details": {"test": {"confusion": CONFUSION, "per_class": per_class}},
        "num_examples": {"train": 600, "val": 120, "test": sum(support)},
        "best_epoch": 5,
        "examples_split": "test",
    }
    record["data"]["reading"] = {
        "source": "photos.zip",
        "counts": {
            split: dict(zip(CLASSES, counts)) for split, counts in [("train", [200, 150, 150, 100]), ("test", support)]
        },
        "findings": [
            {"where": "cat/12.jpg", "outcome": "skipped", "reason": "the file is truncated"},
            {"where": f"{HOSTILE}/7.png", "outcome": "converted", "reason": "CMYK to RGB"},
            {"where": "bird/3.gif", "outcome": "noted", "reason": "animated: the first frame is read"},
        ],
        "duplicates": [
            {"names": ["train/cat/1.jpg", "test/cat/9.jpg"], "splits": ["train", "test"]},
            {"names": ["train/cat/4.jpg", "train/cat/5.jpg"], "splits": ["train", "train"]},
        ],
        "leaks": 1,
        "notes": ["The validation split was cut from train, seeded and stratified."],
    }
    write_run(folder, record | changes, history)
    write_examples(folder, pictures=pictures)
    return folder


def regression_run(folder: Path, num_points: int = 300) -> Path:
    """A network for one number, whose errors grow with the number."""
    random = np.random.default_rng(1)
    true = random.gamma(4, 30, num_points)
    predicted = true * (1 + 0.12 * random.standard_normal(num_points))
    history = [epoch_record(e, 1 / e, 1.1 / e, e, metric="rmse", train=90 / e, val=95 / e) for e in range(1, 21)]
    task = {"name": "regression", "columns": ["price"], "unit": "k€", "headline": "rmse", "maximize": False}
    record = common_record("houses", task)
    record |= {
        "metrics": {split: {"loss": 0.05, "mae": 9.1, "rmse": 13.2, "r2": 0.93} for split in ("train", "val", "test")},
        "intervals": {"test": {"rmse": [11.9, 14.6], "r2": [0.91, 0.945]}},
        "num_examples": {"train": 1200, "val": 400, "test": num_points},
        "best_epoch": 20,
        "examples_split": "test",
    }
    write_run(folder, record, history)
    worst = np.argsort(-np.abs(predicted - true))[:8]
    np.savez_compressed(
        folder / "examples.npz",
        rows=worst,
        names=np.array([f"line {row}" for row in worst]),
        reason=np.array(["loss"] * len(worst)),
        true=np.array([f"{true[row]:.4g}" for row in worst]),
        predicted=np.array([f"{predicted[row]:.4g}" for row in worst]),
        probability=np.full(len(worst), np.nan),
        loss=np.abs(predicted - true)[worst],
        scatter_true=true,
        scatter_predicted=predicted,
    )
    return folder


def common_record(data: str, task: dict[str, Any]) -> dict[str, Any]:
    return {
        "format": 1,
        "name": f"{data}-1",
        "started": "2026-03-01T10:20:30+0100",
        "finished": True,
        "stopped": "finished",
        "command": f"derin train ./{data} --epochs 12 --seed 7",
        "request": {"data": f"./{data}", "options": {"epochs": 12, "seed": 7}},
        "model": {
            "name": "convnet",
            "spec": {"name": "convnet"},
            "parameters": 66_154,
            "multiply_adds": 1_234_567,
            "layers": [
                {
                    "name": "0",
                    "kind": "Conv2d",
                    "output_shape": [16, 28, 28],
                    "parameters": 160,
                    "multiply_adds": 112_896,
                },
                {"name": "head", "kind": "Linear", "output_shape": [4], "parameters": 65_994, "multiply_adds": 65_000},
            ],
        },
        "task": task,
        "data": {
            "name": data,
            "source": f"./{data}",
            "fingerprint": "ab" * 32,
            "schema": [
                {
                    "name": "input",
                    "kind": "picture",
                    "role": "input",
                    "shape": [-1, -1, 3],
                    "classes": None,
                    "note": "decoded",
                }
            ],
            "splits": {"train": 600, "val": 120, "test": 120},
            "reading": {"counts": {}, "findings": [], "duplicates": [], "notes": []},
        },
        "config": {"epochs": 12, "batch_size": 64, "seed": 7, "threads": 2, "patience": 0, "optimizer": "adamw"},
        "preparation": {"kind": "picture", "shape": [28, 28, 3]},
        "augmentation": "flip,crop_padding=4",
        "plan": {
            "chosen": {"precision": "bf16", "channels_last": True, "fused": True, "compiled": False},
            "table": [
                {"plan": "fp32", "seconds": 0.0351, "loss": 2.301, "dropped": ""},
                {"plan": "bf16,channels-last,fused", "seconds": 0.0115, "loss": 2.304, "dropped": ""},
                {"plan": "bf16,fused", "seconds": None, "loss": None, "dropped": "out of memory"},
            ],
        },
        "environment": {
            "derin": "0.1.0",
            "python": "3.11.9",
            "torch": "2.13.0",
            "threads": 2,
            "device": "cpu",
            "cuda": [],
        },
        "epochs": 12,
        "seconds": 83.4,
    }


def epoch_record(
    epoch: int,
    train_loss: float,
    val_loss: float,
    step: int,
    *,
    metric: str = "accuracy",
    train: float | None = None,
    val: float | None = None,
) -> dict[str, Any]:
    return {
        "epoch": epoch,
        "step": step * 10,
        "examples": step * 600,
        "seconds": epoch * 7.0,
        "learning_rate": 0.001 * (13 - epoch) if epoch < 13 else 0.0005,
        "running": {"loss": train_loss * 1.3},
        "train": {"loss": train_loss, metric: min(0.998, 0.5 + 0.06 * epoch) if train is None else train},
        "val": {"loss": val_loss, metric: min(0.81, 0.5 + 0.06 * epoch) if val is None else val},
        "best": epoch <= 5,
    }


def write_run(folder: Path, record: dict[str, Any], history: list[dict[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in history), encoding="utf-8")


def write_examples(folder: Path, *, pictures: bool) -> None:
    reasons = ["loss"] * 3 + ["confident"] * 2 + ["unsure"] * 2
    random = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        "rows": np.arange(7),
        "names": np.array([f"test/{HOSTILE}/{i}.jpg" for i in range(7)]),
        "reason": np.array(reasons),
        "true": np.array([CLASSES[i % 4] for i in range(7)]),
        "predicted": np.array([CLASSES[(i * 2) % 4] for i in range(7)]),
        "probability": np.linspace(0.97, 0.51, 7),
        "loss": np.linspace(5, 0.7, 7),
    }
    if pictures:
        arrays["pictures"] = random.integers(0, 256, (7, 28, 28, 3), dtype=np.uint8)
    np.savez_compressed(folder / "examples.npz", **arrays)
