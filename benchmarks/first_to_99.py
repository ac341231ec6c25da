"""Who first reaches 99 % on MNIST's test split: Derin beside Keras 3, Lightning and a plain PyTorch loop.

python benchmarks/first_to_99.py            # the environment of benchmarks/speed.py
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from speed import HERE, ROOT, environment

RACERS = (
    ("derin", "torch"),
    ("derin-same", "torch"),
    ("torch", "torch"),
    ("lightning", "torch"),
    ("keras", "tensorflow"),
    ("keras-bf16", "tensorflow"),
    ("keras", "jax"),
    ("keras-bf16", "jax"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--racers", nargs="+", choices=sorted({racer for racer, _ in RACERS}), help="not all of them")
    parser.add_argument("--environment", type=Path, default=ROOT / ".venv-bench")
    args = parser.parse_args()
    os.environ.setdefault("DERIN_DATA", str(ROOT.parent / "shared" / "data"))
    python = environment(args.environment)
    found: dict[str, list[dict]] = {}
    for number in range(args.rounds):
        for racer, backend in RACERS:
            if args.racers and racer not in args.racers:
                continue
            variables = {**os.environ, "KERAS_BACKEND": backend}
            command = [str(python), "-m", "peers.race", racer, "--seed", str(number)]
            result = subprocess.run(command, cwd=HERE, env=variables, capture_output=True, text=True, check=False)
            if result.returncode:
                print(f"{racer} failed: {result.stderr.strip().splitlines()[-1]}", file=sys.stderr)
                continue
            document = json.loads(result.stdout.strip().splitlines()[-1])
            found.setdefault(document["peer"], []).append(document)
            print(document, file=sys.stderr, flush=True)
    print("| peer | seconds to 99 %, median (all) | epochs | start-up s |\n| --- | --- | --- | --- |")
    for peer, results in found.items():
        times = [r["seconds"] for r in results]
        shown = ", ".join("not reached" if t is None else f"{t:.1f}" for t in times)
        median = statistics.median(float("inf") if t is None else t for t in times)
        epochs = statistics.median(r["epochs"] for r in results)
        start_up = statistics.median(r["start_up"] for r in results)
        print(f"| {peer} | {median:.1f} ({shown}) | {epochs:.2f} | {start_up:.1f} |")


if __name__ == "__main__":
    main()
