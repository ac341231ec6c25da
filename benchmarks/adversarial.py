"""What adversarial examples do to a CIFAR-10 ResNet-20, and what adversarial training saves.

python benchmarks/adversarial.py --standard BUNDLE
python benchmarks/adversarial.py

The first network is a ResNet-20 that is there already, such as a bundle of the published weights; without --standard
it is trained for ten epochs. The second goes on from it with three epochs of adversarial training at ε = 4/255. Both
are measured on test pictures under FGSM, the second also under PGD.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import derin
from derin.api.explain_adversarial import explain_adversarial

# (network, attack, ε in steps of 1/255, what is asked): a lower bound where `above`.
ASKED = (
    ("standard", "fgsm", 8, "below", 0.20),
    ("adversarial", "fgsm", 4, "above", 0.45),
    ("adversarial", "fgsm", 0, "above", 0.70),
    ("adversarial", "pgd", 4, None, None),
)
DATA = "cifar10"
RECIPE = ("--augment", "flip,crop_padding=4", "--optimizer", "nesterov", "--lr", "0.05", "--weight-decay", "5e-4")


def train(out: Path, *arguments: str) -> None:
    """One run, through the command line."""
    command = [sys.executable, "-m", "derin", "train", DATA, "--out", str(out), "--no-report", *arguments]
    subprocess.run(command, check=True)


def accuracy(model: Any, method: str, steps: int, num: int) -> float:
    """The test accuracy under an attack."""
    found = explain_adversarial(model, DATA, method=method, epsilon=max(steps, 1) / 255, num=num, num_shown=1)
    wanted = steps / 255
    point = min(found.curve, key=lambda point: abs(point.epsilon - wanted))
    value: float = point.metrics["accuracy"] or 0.0
    return value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--standard", type=Path, help="a run or bundle of the standard network; else one is trained")
    parser.add_argument("--adversarial", type=Path, help="a run of adversarial training that is there already")
    parser.add_argument("--epochs", default="3", help="of adversarial training")
    parser.add_argument("--num", type=int, default=2_000, help="test pictures")
    parser.add_argument("--threads", default="2")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = {
            "standard": args.standard or Path(folder) / "standard",
            "adversarial": args.adversarial or Path(folder) / "adversarial",
        }
        common = ("--threads", args.threads, "--seed", "0")
        if args.standard is None:
            train(runs["standard"], "--model", "resnet20", "--epochs", "10", *common)
        if args.adversarial is None:
            began = time.perf_counter()
            train(
                runs["adversarial"],
                *("--weights", str(runs["standard"]), "--finetune", "full"),
                *("--adversarial", "4/255", "--epochs", args.epochs),
                *RECIPE,
                *common,
            )
            print(f"adversarial training: {time.perf_counter() - began:.0f} s", flush=True)
        models = {name: derin.open(run) for name, run in runs.items()}
        for name, method, steps, side, asked in ASKED:
            value = accuracy(models[name], method, steps, args.num)
            reached = side is None or (value < asked if side == "below" else value > asked)
            document = {"network": name, "attack": method, "epsilon": f"{steps}/255", "accuracy": value}
            if side is not None:
                document |= {"asked": f"{side} {asked}", "reached": reached}
            print(json.dumps(document), flush=True)


if __name__ == "__main__":
    main()
