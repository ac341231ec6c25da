"""Test accuracies of documented defaults on whole data sets, over seeds, through the command line.

python benchmarks/accuracy.py digits mnist fashion_mnist
python benchmarks/accuracy.py resnet20 --seeds 0
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """A command, how many seeds, and what its test accuracy must reach.

    Args:
        every: whether each seed must reach `asked`, or their mean.
        lowest: below which no single seed may fall.
    """

    arguments: tuple[str, ...]
    seeds: int
    asked: float
    every: bool = False
    lowest: float = 0.0


CLAIMS = {
    "digits": Claim(("digits",), 5, 0.985, lowest=0.97),
    "mnist": Claim(("mnist", "--epochs", "3"), 5, 0.990, every=True),
    "fashion_mnist": Claim(("fashion_mnist", "--epochs", "6"), 5, 0.915, every=True),
    "resnet20": Claim(("cifar10", "--model", "resnet20", "--epochs", "10"), 3, 0.83),
    "resnet20-20": Claim(("cifar10", "--model", "resnet20", "--epochs", "20"), 3, 0.86),
}


def train(arguments: tuple[str, ...], seed: int) -> dict:
    """One run's JSON document."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "derin", "train", *arguments, "--seed", str(seed), "--json", "--no-report"]
        result = subprocess.run([*command, "--out", f"{folder}/run"], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(result.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("claims", nargs="*", choices=[*CLAIMS, []], default=list(CLAIMS))
    parser.add_argument("--seeds", nargs="+", type=int, help="instead of the claim's 0, 1, 2, …")
    args = parser.parse_args()
    for name in args.claims:
        claim = CLAIMS[name]
        runs = [train(claim.arguments, seed) for seed in args.seeds or range(claim.seeds)]
        accuracies = [run["metrics"]["test"]["accuracy"] for run in runs]
        seconds = statistics.median(run["seconds"] for run in runs)
        value = min(accuracies) if claim.every else statistics.mean(accuracies)
        reached = value >= claim.asked and min(accuracies) >= claim.lowest
        print(
            f"derin train {' '.join(claim.arguments)}: {'every seed' if claim.every else 'mean'} {value:.4f} "
            f"(asked {claim.asked}), lowest {min(accuracies):.4f}, all {[round(a, 4) for a in accuracies]}, "
            f"{seconds:.0f} s, plan {runs[0]['plan']}: {'reached' if reached else 'NOT reached'}",
            flush=True,
        )


if __name__ == "__main__":
    main()
