"""Derin beside Keras 3 (TensorFlow and JAX), Lightning and a plain PyTorch loop: same network, batch and data.

Every peer trains in a process of its own; the processes take turns, round by round, so that a busy moment of the
machine meets all alike. Two columns: everyone in fp32, and everyone's best documented setting. The ratio is Derin's
median over the median of the fastest peer. Derin's time is that of its steps; what it measures and saves after an
epoch, which the peers do not do, is counted in a column beside it.

    python benchmarks/speed.py                  # makes .venv-bench with the pinned peers, then measures
    python benchmarks/speed.py --rounds 5 --networks mlp cnn
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
NETWORKS = ("mlp", "cnn", "resnet18")
PEERS = {
    "Derin": ("derin_peer", {}),
    "plain PyTorch": ("plain_torch", {}),
    "Lightning": ("lightning_peer", {}),
    "Keras/tensorflow": ("keras_peer", {"KERAS_BACKEND": "tensorflow"}),
    "Keras/jax": ("keras_peer", {"KERAS_BACKEND": "jax"}),
}
ASKED = {"mlp": 1.3, "cnn": 1.5, "resnet18": 1.8}


def environment(folder: Path) -> Path:
    """The Python of an environment that holds Derin and the pinned peers; made where it does not exist."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "torch==2.13.0"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--editable", ROOT], check=True)
    return python


def measure(python: Path, peer: str, network: str, precision: str, epochs: int) -> dict | None:
    """One process of one peer; None where it fails, which is told."""
    module, variables = PEERS[peer]
    command = [
        str(python),
        "-m",
        f"peers.{module}",
        "--network",
        network,
        "--precision",
        precision,
        "--epochs",
        str(epochs),
    ]
    result = subprocess.run(
        command, cwd=HERE, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    if result.returncode:
        print(f"{peer}, {network}, {precision} failed: {result.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return json.loads(result.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2, help="timed epochs per process")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--precisions", nargs="+", choices=("fp32", "best"), default=("fp32", "best"))
    parser.add_argument("--environment", type=Path, default=ROOT / ".venv-bench")
    parser.add_argument("--out", type=Path, help="JSON file for all numbers")
    args = parser.parse_args()
    os.environ.setdefault("DERIN_DATA", str(ROOT.parent / "shared" / "data"))
    python = environment(args.environment)
    found: dict[tuple[str, str, str], list[dict]] = {}
    for _ in range(args.rounds):
        for network in args.networks:
            for precision in args.precisions:
                for peer in PEERS:
                    result = measure(python, peer, network, precision, args.epochs)
                    if result is not None:
                        found.setdefault((network, precision, peer), []).append(result)
    print("| network | precision | peer | examples/s, median (spread) | saving included | first epoch s | last loss |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    ratios = []
    for network in args.networks:
        best_of_all: dict[str, float] = {}
        for precision in args.precisions:
            medians = {}
            for peer in PEERS:
                results = found.get((network, precision, peer), [])
                rates = [rate for result in results for rate in result["per_second"]]
                if not rates:
                    continue
                medians[peer] = statistics.median(rates)
                best_of_all[peer] = max(best_of_all.get(peer, 0.0), medians[peer])
                whole = statistics.median(rate for result in results for rate in result["per_second_with_all"])
                first = statistics.median(r["first_epoch_seconds"] for r in results)
                loss = statistics.median(r["losses"][-1] for r in results)
                print(
                    f"| {network} | {precision} | {peer} | {medians[peer]:,.0f} ({min(rates):,.0f}–{max(rates):,.0f}) "
                    f"| {whole:,.0f} | {first:.1f} | {loss:.4f} |"
                )
            ratios += localize(f"{network}, {precision}", medians, ASKED[network] if precision == "best" else 1.0)
        ratios += localize(f"{network}, best of both columns", best_of_all, ASKED[network])
    print("\n" + "\n".join(ratios))
    if args.out:
        rows = [{"network": n, "precision": p, "peer": peer, "results": r} for (n, p, peer), r in found.items()]
        args.out.write_text(json.dumps(rows, indent=1))


def localize(name: str, medians: dict[str, float], asked: float) -> list[str]:
    """Derin beside the fastest of the others, in a line; nothing where one of the two is missing."""
    others = {peer: rate for peer, rate in medians.items() if peer != "Derin"}
    if "Derin" not in medians or not others:
        return []
    fastest = max(others, key=lambda peer: others[peer])
    return [f"{name}: {medians['Derin'] / others[fastest]:.2f} × {fastest} (asked ≥ {asked})"]


if __name__ == "__main__":
    main()
