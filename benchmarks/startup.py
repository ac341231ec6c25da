"""How long one waits before anything happens: import, --help, and a prediction from a cold start.

python benchmarks/startup.py RUN PICTURE
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

ROUNDS = 7


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("picture")
    args = parser.parse_args()
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import derin": [sys.executable, "-c", "import derin"],
        "derin --help": [sys.executable, "-m", "derin", "--help"],
        "import torch": [sys.executable, "-c", "import torch"],
        "derin predict": [sys.executable, "-m", "derin", "predict", args.run, args.picture],
    }
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            found[name].append(seconds(command))
    medians = {name: statistics.median(values) for name, values in found.items()}
    for name, values in found.items():
        print(f"{name:>16}: {medians[name]:.3f} s ({min(values):.3f}–{max(values):.3f})")
    own = medians["import derin"] - medians["python -c pass"]
    print(f"import derin without the interpreter: {own:.3f} s (asked < 0.1)")
    print(f"derin --help: {medians['derin --help']:.3f} s (asked < 0.35)")
    allowed = 1.2 * medians["import torch"] + 0.5
    print(f"derin predict: {medians['derin predict']:.3f} s (asked < {allowed:.3f} = 1.2 × torch + 0.5)")


if __name__ == "__main__":
    main()
