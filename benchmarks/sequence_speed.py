"""Training of language models: Derin beside Keras 3 (TensorFlow and JAX) and a plain PyTorch loop.

The same two models (an LSTM of two layers of 512 units, a Transformer of four blocks of 256 numbers), the same text,
batches of 64 streams of 128 characters. Every peer trains in a process of its own; the processes take turns, round by
round, so that a busy moment of the machine meets all alike. Two columns: everyone in fp32, and everyone's best
documented setting. The ratio is Derin's median over the median of the fastest peer of the column. Derin's time is that
of its steps: what it does after an epoch and the peers do not, measuring a part of the text and saving its state, takes
one to three seconds here, a fifth of such a short epoch; the JSON file has the figures with it too.

    python benchmarks/sequence_speed.py                     # in the environment that speed.py makes
    python benchmarks/sequence_speed.py --rounds 3 --models lstm --out found.json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from speed import environment, told

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MODELS = ("lstm", "transformer")
PEERS = {
    "Derin": ("sequence_derin", {}),
    "plain PyTorch": ("sequence_torch", {}),
    "Keras/tensorflow": ("sequence_keras", {"KERAS_BACKEND": "tensorflow"}),
    "Keras/jax": ("sequence_keras", {"KERAS_BACKEND": "jax"}),
}
ASKED = {"fp32": 1.0, "best": 1.4}


def measure(python: Path, peer: str, model: str, precision: str, epochs: int, seconds: float) -> dict | None:
    """One process of one peer; None where it fails or takes too long, which is told."""
    module, variables = PEERS[peer]
    command = [
        str(python),
        "-m",
        f"peers.{module}",
        "--model",
        model,
        "--precision",
        precision,
        "--epochs",
        str(epochs),
    ]
    try:
        result = subprocess.run(
            command,
            cwd=HERE,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        print(f"{peer}, {model}, {precision}: more than {seconds:.0f} s, left out", file=sys.stderr)
        return None
    if result.returncode:
        print(f"{peer}, {model}, {precision} failed: {result.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return json.loads(result.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=2, help="timed epochs of 98,304 tokens per process")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--precisions", nargs="+", choices=tuple(ASKED), default=tuple(ASKED))
    parser.add_argument("--peers", nargs="+", choices=tuple(PEERS), default=tuple(PEERS))
    parser.add_argument("--seconds", type=float, default=100, help="that a process may take")
    parser.add_argument("--environment", type=Path, default=ROOT / ".venv-bench")
    parser.add_argument("--out", type=Path, help="JSON file for all numbers")
    args = parser.parse_args()
    os.environ.setdefault("DERIN_DATA", str(ROOT.parent / "shared" / "data"))
    python = environment(args.environment)
    found: dict[tuple[str, str, str], list[dict]] = {}
    for _ in range(args.rounds):
        for model in args.models:
            for precision in args.precisions:
                for peer in args.peers:
                    result = measure(python, peer, model, precision, args.epochs, args.seconds)
                    if result is not None:
                        found.setdefault((model, precision, peer), []).append(result)
                        rate = statistics.median(result["per_second"])
                        print(f"{peer}, {model}, {precision}: {rate:,.0f} tokens/s", file=sys.stderr, flush=True)
    print("| model | precision | peer | tokens/s, median (spread) | first epoch s | last loss |")
    print("| --- | --- | --- | --- | --- | --- |")
    ratios = []
    for model in args.models:
        best_of_all: dict[str, float] = {}
        for precision in args.precisions:
            medians = {}
            for peer in args.peers:
                results = found.get((model, precision, peer), [])
                rates = [rate for result in results for rate in result["per_second"]]
                if not rates:
                    continue
                medians[peer] = statistics.median(rates)
                best_of_all[peer] = max(best_of_all.get(peer, 0.0), medians[peer])
                first = statistics.median(result["first_epoch_seconds"] for result in results)
                loss = statistics.median(result["losses"][-1] for result in results)
                print(
                    f"| {model} | {precision} | {peer} | {medians[peer]:,.0f} ({min(rates):,.0f}–{max(rates):,.0f}) "
                    f"| {first:.1f} | {loss:.4f} |"
                )
            ratios += told(f"{model}, {precision}", medians, ASKED[precision])
        ratios += told(f"{model}, best of both columns", best_of_all, ASKED["best"])
    print("\n" + "\n".join(ratios))
    if args.out:
        rows = [{"model": m, "precision": p, "peer": peer, "results": r} for (m, p, peer), r in found.items()]
        args.out.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
