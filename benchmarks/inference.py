"""Predictions in a warm process beside the same network in ONNX Runtime, for every picture model of the registry.

python benchmarks/inference.py [--models resnet20 resnet18] [--threads 1] [--out inference.json]

Both get the same normalized input in memory, so that decoding and names of classes are left out of both. Derin comes
twice, both after `Model.warm_up`: by the program that it records where ONNX Runtime is not installed, and by what it
takes where that may be ONNX Runtime. What `Model.predictions` adds to that is the last column, measured on pictures
that are arrays of the right size already.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

import derin
from derin.data.pictures.codec import PictureCodec
from derin.export.onnx import export_onnx
from derin.export.session import OnnxSession
from derin.models import MODELS, build
from derin.models.inference import TracedInference
from derin.tasks.ranking import predictions

BATCHES = (1, 32)
SECONDS = 4.0  # for each model and batch, shared by all ways
CALLS_OF_A_TURN, SECONDS_OF_A_TURN = 4, 0.4
REST, UNTIMED = 0.1, 0.03  # seconds
FEWEST_ROUNDS = 2
MOST_ROUNDS = 20


def measure(ways: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Median seconds of each way, one after the other in every round, so that a disturbed moment meets all alike.

    Each has its turn of calls after a rest, and the first ones are not timed: the threads of ONNX Runtime go on
    spinning for 60 ms after a call, and whoever comes next would pay for it.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    began = time.perf_counter()
    for turn in range(MOST_ROUNDS):
        if turn >= FEWEST_ROUNDS and time.perf_counter() - began > SECONDS:
            break
        for name, run in ways.items():
            time.sleep(REST)
            turn_began = time.perf_counter()
            run()
            while time.perf_counter() - turn_began < UNTIMED:
                run()
            timed: list[float] = []
            while not timed or (len(timed) < CALLS_OF_A_TURN and sum(timed) < SECONDS_OF_A_TURN):
                start = time.perf_counter()
                run()
                timed.append(time.perf_counter() - start)
            times[name] += timed
    return {name: statistics.median(values) for name, values in times.items()}


def rows_of(name: str, batches: Sequence[int], threads: int, folder: Path) -> list[dict[str, Any]]:
    import onnxruntime

    info = MODELS[name]
    channels, height, width = info.native_input
    network = build(name, input_shape=info.native_input, num_outputs=info.native_outputs, seed=0).eval()
    file = folder / f"{name}.onnx"
    export_onnx(network, file, torch.zeros(info.native_input))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    preparation = PictureCodec(
        column="picture",
        size=(height, width),
        channels=channels,
        mean=(0.5,) * channels,
        std=(0.25,) * channels,
        rule="resize",
    )
    classes = [f"class {i}" for i in range(info.native_outputs)]
    warm, chosen = TracedInference(network), TracedInference(network)
    others = {"onnxruntime": OnnxSession(network, torch.zeros(info.native_input))}
    rows = []
    for batch in batches:
        pixels = torch.randint(0, 256, (batch, height, width, channels), dtype=torch.uint8)
        prepared = preparation.to_model_input(pixels)
        plain = prepared.contiguous().numpy()
        pictures = list(pixels.numpy())

        def whole(pictures: list[Any] = pictures) -> Any:
            inputs = preparation.to_model_input(torch.from_numpy(preparation.read(pictures)))
            found = chosen(inputs)
            return predictions(found.softmax(dim=1), classes) if info.output_kind == "vector" else found

        with torch.inference_mode():
            warm.prepare(prepared)
            seconds = chosen.prepare(prepared, others)
            expected = network(prepared)
            largest = max(float((run(prepared) - expected).abs().max()) for run in (warm, chosen))
            difference = largest / float(expected.abs().max())
            if not difference <= 1e-4:
                raise SystemExit(f"{name}: the fast form differs by {difference:.1e} of the largest output.")
            session.run(None, {"input": plain})
            found = measure(
                {
                    "onnxruntime": lambda plain=plain: session.run(None, {"input": plain}),
                    "warm": lambda prepared=prepared: warm(prepared),
                    "chosen": lambda prepared=prepared: chosen(prepared),
                    "plain": lambda prepared=prepared: network(prepared),
                    "predictions": whole,
                }
            )
        way = min(seconds, key=lambda name: seconds[name])
        rows.append({"model": name, "batch": batch, "threads": threads, "difference": difference, "way": way, **found})
    file.unlink()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    pictures = [name for name in MODELS if MODELS[name].input_kind == "picture"]
    parser.add_argument("--models", nargs="+", default=pictures)
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path)
    derin.tune_process()
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print("times in ms; ratios are ONNX Runtime's time over ours, so that above 1 we are ahead\n")
    print("| model | batch | ONNX Runtime | PyTorch | by itself | ratio | warmed up | ratio | chosen | with names |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in args.models:
            for row in rows_of(name, args.batches, args.threads, Path(folder)):
                rows.append(row)
                theirs = row["onnxruntime"]
                cells = [f"{row[key] * 1e3:.2f} | {theirs / row[key]:.2f}" for key in ("warm", "chosen")]
                print(
                    f"| {name} | {row['batch']} | {theirs * 1e3:.2f} | {row['plain'] * 1e3:.2f} | "
                    f"{' | '.join(cells)} | {row['way']} | {row['predictions'] * 1e3:.2f} |",
                    flush=True,
                )
    if args.out:
        args.out.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
