"""What little data comes to: from scratch, with augmentation and dropout, and from published weights.

The marks are those of the course for 2 000 pictures of cats and dogs: 72, 82 and 96 percent.

Run: DERIN_DATA=... python benchmarks/little_data.py --weights mobilenet_v2 [--seeds 3] [--only head]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import derin


@dataclass(frozen=True)
class Case:
    """One way of learning.

    Args:
        name: in the table.
        data: the named set.
        mark: the validation accuracy to be reached.
        options: of `derin.fit`.
        needs_weights: whether it goes on from published weights.
    """

    name: str
    data: str
    mark: float
    options: dict[str, Any] = field(default_factory=dict)
    needs_weights: bool = False


CASES = {
    "scratch": Case(
        "from scratch, no augmentation", "cats_vs_dogs", 0.72, {"augment": "none", "model_options": {"dropout": 0.0}}
    ),
    "augmented": Case("from scratch, the defaults", "cats_vs_dogs", 0.82),
    "head": Case("output layer on features", "cats_vs_dogs", 0.96, {"finetune": "head"}, True),
    "gradual": Case("gradual unfreezing", "cats_vs_dogs", 0.96, {"finetune": "gradual"}, True),
    "ants": Case("ants and bees, the defaults", "hymenoptera", 0.92, {}, True),
    "ants_gradual": Case("ants and bees, gradual unfreezing", "hymenoptera", 0.92, {"finetune": "gradual"}, True),
}


def measure(case: Case, weights: str, seed: int, threads: int) -> tuple[float, float]:
    """Validation accuracy and seconds, reading and feature extraction included."""
    options = {**case.options, **({"weights": weights} if case.needs_weights else {})}
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run = derin.fit(case.data, out=Path(folder) / "run", seed=seed, threads=threads, report=False, **options)
        return float(run.metrics["val"]["accuracy"]), time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True, help="of MobileNet v2: a known name or file, or a bundle")
    parser.add_argument("--only", choices=CASES, nargs="*", default=list(CASES))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a JSON file for the numbers")
    asked = parser.parse_args()
    found: dict[str, Any] = {}
    for key in asked.only:
        case = CASES[key]
        runs = [measure(case, asked.weights, seed, asked.threads) for seed in range(asked.seeds)]
        accuracies, seconds = ([run[i] for run in runs] for i in (0, 1))
        found[key] = {"accuracies": accuracies, "seconds": seconds, "mark": case.mark}
        print(
            f"{case.name:40} {statistics.median(accuracies):.4f} (mark {case.mark}, "
            f"{min(accuracies):.4f} to {max(accuracies):.4f})  {statistics.median(seconds):.0f} s",
            flush=True,
        )
    if asked.out is not None:
        asked.out.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
