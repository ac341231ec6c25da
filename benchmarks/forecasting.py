"""Test errors of forecasts with the defaults, beside the baselines on the same windows, through the command line.

python benchmarks/forecasting.py airline_passengers sunspots etth1
python benchmarks/forecasting.py etth1 --model dlinear --seeds 0

Errors are mean squared errors of values standardized by the training steps, over all windows of the test split; each
window forecasts the whole horizon. For ETTh1 these are the data, the cut (12, 4 and 4 months) and the horizon of 96
hours of the papers; the look-back is the default, 336 hours.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Claim:
    """What is forecast, and what must be reached.

    Args:
        arguments: of `derin train`, the name of the data first.
        asked: the largest test error, or None.
    """

    arguments: tuple[str, ...]
    asked: float | None = None


CLAIMS = {
    "airline_passengers": Claim(("airline_passengers", "--horizon", "12", "--context-length", "36")),
    "sunspots": Claim(("sunspots",)),
    "etth1": Claim(("etth1", "--horizon", "96"), asked=0.39),
    "pollution": Claim(("pollution",)),
}
# A network may be this much worse than the best linear baseline, and no worse than the others.
NEAR = 1.03


def train(arguments: tuple[str, ...], seed: int, model: str | None) -> dict:
    """What run.json says of one run."""
    extra = ["--model", model] if model else []
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "derin", "train", *arguments, "--task", "forecasting", *extra]
        command += ["--seed", str(seed), "--json", "--no-report", "--out", f"{folder}/run"]
        result = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if result.returncode:
            sys.exit(result.stderr)
        return json.loads(Path(folder, "run", "run.json").read_text(encoding="utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("claims", nargs="*", choices=[*CLAIMS, []], default=["airline_passengers", "sunspots", "etth1"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--model", help="another network than the default")
    args = parser.parse_args()
    for name in args.claims:
        claim = CLAIMS[name]
        runs = [train(claim.arguments, seed, args.model) for seed in args.seeds]
        found = [run["findings"] for run in runs]
        errors = [f["measured"]["network"]["mse"] for f in found]
        held = statistics.mean(f["measured"]["network"]["coverage"] for f in found)
        baselines = {b: m["mse"] for b, m in found[0]["measured"].items() if b != "network"}
        mean = statistics.mean(errors)
        reached = all(mean <= error * (NEAR if b == "linear" else 1) for b, error in baselines.items())
        reached &= claim.asked is None or mean <= claim.asked
        seconds = statistics.median(run["seconds"] for run in runs)
        beside = ", ".join(f"{b} {error:.4f}" for b, error in baselines.items())
        print(
            f"{name}: look-back {found[0]['look_back']}, horizon {found[0]['horizon']}, {found[0]['num_windows']} "
            f"windows: {runs[0]['model']['name']} mean {mean:.4f} of {[round(e, 4) for e in errors]}"
            f"{'' if claim.asked is None else f' (asked {claim.asked})'}; {beside}; "
            f"{found[0]['level']:.0%} intervals hold {held:.1%}; {seconds:.0f} s: "
            f"{'reached' if reached else 'NOT reached'}",
            flush=True,
        )


if __name__ == "__main__":
    main()
