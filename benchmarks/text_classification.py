"""Text classification from scratch by the defaults, beside the best linear model of n-grams chosen on validation texts.

python benchmarks/text_classification.py
python benchmarks/text_classification.py rt_polarity sst2 --seeds 0 1 --model text_cnn

The seed decides about the splits too, where the set does not bring them. The linear model is fitted on the same
training texts and measured on the same test texts as the network; the interval is McNemar's, of each run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Claim:
    """What the mean over seeds must reach.

    Args:
        allowed: how far it may lie below the linear model.
        asked: the least test accuracy.
        seconds: that one run may take, reading and reporting included.
    """

    allowed: float = 0.01
    asked: float = 0.0
    seconds: float = 180.0


CLAIMS = {
    "rt_polarity": Claim(asked=0.76),
    "imdb_reviews": Claim(asked=0.85),
    "sst2": Claim(),
    "turkish_movie_sentiment": Claim(),
    "turkish_news_topics": Claim(allowed=0.02),
}


def train(name: str, seed: int, options: list[str]) -> dict[str, Any]:
    """What run.json says of a run through the command line, and its seconds from start to end."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [sys.executable, "-m", "derin", "train", name, "--seed", str(seed), "--out", str(run), *options]
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        seconds = time.perf_counter() - start
        return json.loads((run / "run.json").read_text(encoding="utf-8")) | {"whole_seconds": seconds}


def row(name: str, seed: int, record: dict[str, Any]) -> str:
    """One run as a line of the table."""
    found = record["findings"]["linear_text"]
    low, high = found["comparison"]["interval"]
    return (
        f"| {name} | {seed} | {found['network_accuracy']:.4f} | {found['accuracy']:.4f} | "
        f"{low:+.3f} to {high:+.3f} | {found['comparison']['p_value']:.3f} | {found['setting']} | "
        f"{record['whole_seconds']:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", help=f"of {', '.join(CLAIMS)}; all where none is named")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--model", help="instead of the default")
    parser.add_argument("--threads", type=int, help="of the CPU; all where none is named")
    args = parser.parse_args()
    if unknown := set(args.sets) - set(CLAIMS):
        parser.error(f"there is no set {', '.join(sorted(unknown))}; known: {', '.join(CLAIMS)}")
    options = ["--model", args.model] if args.model else []
    options += ["--threads", str(args.threads)] if args.threads else []
    print("| set | seed | network | linear | difference, 95 % | p | linear model | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    verdicts = []
    for name in args.sets or CLAIMS:
        claim, records = CLAIMS[name], []
        for seed in args.seeds:
            records.append(train(name, seed, options))
            print(row(name, seed, records[-1]), flush=True)
        found = [record["findings"]["linear_text"] for record in records]
        network = statistics.mean(f["network_accuracy"] for f in found)
        linear = statistics.mean(f["accuracy"] for f in found)
        longest = max(record["whole_seconds"] for record in records)
        reached = network >= max(claim.asked, linear - claim.allowed) and longest <= claim.seconds
        verdicts.append(
            f"{name}: mean of {len(found)} seeds {network:.4f}, linear {linear:.4f}, {network - linear:+.4f} (asked "
            f"−{claim.allowed:g}{f', and {claim.asked:g}' if claim.asked else ''}), longest run {longest:.0f} s: "
            f"{'reached' if reached else 'NOT reached'}"
        )
    print("", *verdicts, sep="\n")


if __name__ == "__main__":
    main()
