"""Degradation: deeper plain networks train worse, deeper residual ones do not (He et al. 2016, figure 6).

python benchmarks/degradation.py
python benchmarks/degradation.py --epochs 20 --examples 50000

Four networks learn the same CIFAR-10 pictures with the same settings and without augmentation, so that the error on
the training pictures shows how well each can be trained. The short default takes a fifth of the pictures.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import derin
from derin.core.seeds import permutation

NETWORKS = ("plain20", "plain56", "resnet20", "resnet56")
COLORS = {"20": "#3b74d6", "56": "#e8762c"}
SETTINGS = {
    "augment": "none",
    "label_smoothing": 0.0,
    "optimizer": "nesterov",
    "learning_rate": 0.05,
    "weight_decay": 1e-4,
    "schedule": "one-cycle",
    "batch_size": 128,
    "report": False,
}


def fewer(table: Any, num: int) -> Any:
    """The table with so many training pictures, drawn by a fixed seed, and a short validation split."""
    train = table.splits["train"]
    kept = train[permutation(0, "degradation", 0, len(train))[:num]]
    return replace(table, splits={"train": kept, "val": table.splits["val"][:1000]})


def errors(run: Any) -> list[float]:
    """The error on training pictures after each epoch."""
    return [1 - record["train"]["accuracy"] for record in run.history]


def draw(curves: dict[str, list[float]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.8), dpi=150, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for ax, family, title in ((left, "plain", "plain"), (right, "resnet", "residual")):
        for depth, color in COLORS.items():
            curve = curves.get(f"{family}{depth}")
            if curve is None:
                continue
            epochs = range(1, len(curve) + 1)
            ax.plot(epochs, [100 * error for error in curve], "o-", color=color, ms=3.5, label=f"{depth} layers")
            ax.annotate(f"{100 * curve[-1]:.1f} %", (len(curve), 100 * curve[-1]), (5, 4), textcoords="offset points",
                        fontsize=8, color=color)  # fmt: skip
        ax.set_title(f"{title} networks", fontsize=10, loc="left")
        ax.set_xlabel("epoch")
        ax.set_xlim(right=max(map(len, curves.values())) * 1.12)
        ax.grid(color="#e4e7ec", linewidth=0.8)
        if ax.lines:
            ax.legend(frameon=False, fontsize=8.5)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
    left.set_ylabel("error on training pictures, %")
    left.set_ylim(bottom=0)
    figure.savefig(path, facecolor="white")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--examples", type=int, default=10_000, help="training pictures")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0 takes every core")
    parser.add_argument("--out", type=Path, default=Path("degradation.png"))
    args = parser.parse_args()
    table = fewer(derin.load("cifar10"), args.examples)
    curves = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in args.networks:
            run = derin.fit(
                table, model=name, epochs=args.epochs, threads=args.threads, out=Path(folder) / name, **SETTINGS
            )
            curves[name] = errors(run)
            document = {"network": name, "training_error": curves[name][-1], "seconds": run.record["seconds"]}
            print(json.dumps(document), flush=True)
            draw(curves, args.out)
    print(f"Drawn in {args.out}.")


if __name__ == "__main__":
    main()
