"""What Derin's loop costs over the same training step written by hand, on the network whose steps are shortest.

Both train 784-512-10 on MNIST with the same plan, optimizer and batches; they take turns in one process.

    python benchmarks/loop_overhead.py
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

import numpy as np
import torch

import derin
from derin.api.prepare import prepare
from derin.train.loop import train
from derin.train.plan import Plan

os.environ.setdefault("DERIN_DATA", str(Path(__file__).resolve().parents[2] / "shared" / "data"))
BATCH, RATE = 128, 1e-3


def by_hand(prepared: object, plan: Plan) -> float:
    """Seconds of one epoch of the loop that an expert would write for this plan: gather, cast, step, nothing else."""
    table = prepared.table
    rows = table.splits["train"]
    pictures = torch.from_numpy(table.columns["picture"].values[rows])
    labels = torch.from_numpy(prepared.targets["target"][rows])
    model = prepared.model
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=plan.fused)
    preparation = prepared.preparation
    start = time.perf_counter()
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(rows)))
    total = torch.zeros(())
    for first in range(0, len(rows), BATCH):
        chosen = order[first : first + BATCH]
        x, y = preparation.to_model_input(pictures.index_select(0, chosen)), labels.index_select(0, chosen)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=plan.precision == "bf16"):
            loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        total += loss.detach() * len(chosen)
    total.item()
    return time.perf_counter() - start


def by_derin(prepared: object, plan: Plan) -> float:
    """Seconds of one epoch of Derin's loop."""
    loop = train(prepared.model, prepared.task, prepared.train_source, prepared.config, plan=plan)
    return loop.history[-1]["train_seconds"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    table = derin.load("mnist")

    def fresh() -> object:
        return prepare(
            table,
            model="mlp",
            model_options={"hidden": [512]},
            augment="none",
            epochs=1,
            batch_size=BATCH,
            optimizer="adam",
            learning_rate=RATE,
            weight_decay=0.0,
            schedule="constant",
            label_smoothing=0.0,
        )

    for text in ("fp32,fused", "bf16,fused"):
        plan = Plan.parse(text)
        times: dict[str, list[float]] = {"by hand": [], "Derin": []}
        for turn in range(args.rounds + 1):
            for name, run in (("by hand", by_hand), ("Derin", by_derin)):
                seconds = run(fresh(), plan)
                if turn:
                    times[name].append(seconds)
        medians = {name: statistics.median(values) for name, values in times.items()}
        spread = {name: f"{min(values):.3f}–{max(values):.3f}" for name, values in times.items()}
        overhead = medians["Derin"] / medians["by hand"] - 1
        seconds = ", ".join(f"{name} {medians[name]:.3f} s ({spread[name]})" for name in times)
        print(f"{text}: {seconds}: {overhead:+.1%} (asked ≤ +3 %)", flush=True)


if __name__ == "__main__":
    main()
