"""Streams and prefetching: rows out of tar shards beside the same rows in memory, and photographs decoded on the fly.

    python benchmarks/streams.py                         # rows: speed, by turns in one process, and memory
    python benchmarks/streams.py --rows 1000000 --rounds 1
    python benchmarks/streams.py photographs             # an epoch beside decoding alone and computing alone
    python benchmarks/streams.py photographs --folder cats_vs_dogs/train --size 64 --threads 1

A row is 1 KB: 256 numbers of 32 bits as ``.npy``, and its class as ``.cls``; a small network (256-128-10) learns it in
batches of 128 with the plain plan. Speed is that of training steps alone, in examples per second. Peak memory is that
of a process that trains on the stream alone.

Photographs are those of a folder with one for each class, or JPEG files of 500x375 pixels, made by a rule: two shapes
on a noisy ground. They stay encoded in the cache, as those of a set that the disk cannot hold decoded; a small
convolutional network learns all of them at 128x128. Decoding alone goes through the batches of an epoch and does
nothing with them; computing alone trains on the pixels that decoding gave, held in memory. Where other processes use
the machine, processor seconds tell more than the time that passed: those of an epoch, and of the thread of its steps.
Everything is made in a temporary folder.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import derin
from derin.api.prepare import prepare
from derin.readers.pictures import spool
from derin.readers.stream import Stream
from derin.train.loop import train
from derin.train.plan import Plan

NUM_VALUES, NUM_CLASSES, BATCH, ROWS_PER_SHARD = 256, 10, 128, 10_000
NETWORK: dict[str, Any] = {"model": "mlp", "model_options": {"hidden": [128]}, "batch_size": BATCH}
NETWORK |= {"schedule": "constant", "epochs": 1}
SHAPES = ("round", "square")
PHOTOGRAPHS: dict[str, Any] = {"model": "convnet", "size": 128, "batch_size": 32, "schedule": "constant", "epochs": 1}


def row_values(first: int, num: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows from a number on: noise around a center for each class."""
    centers = np.random.default_rng(0).normal(size=(NUM_CLASSES, NUM_VALUES)).astype(np.float32)
    draw = np.random.default_rng(first)
    labels = draw.integers(NUM_CLASSES, size=num)
    return draw.standard_normal((num, NUM_VALUES), dtype=np.float32) + centers[labels], labels


def write_rows(folder: Path, num: int) -> list[Path]:
    """Tar shards of rows, each made as one array of blocks."""
    paths = []
    for first in range(0, num, ROWS_PER_SHARD):
        values, labels = row_values(first, min(ROWS_PER_SHARD, num - first))
        file = io.BytesIO()
        np.save(file, values[0])
        size = len(file.getvalue())
        blocks = np.zeros((len(values), 1 + -(-size // 512) + 2, 512), dtype=np.uint8)
        names = np.arange(first, first + len(values)).astype("S8")
        for place, ending, num_bytes in ((0, b"npy", size), (-2, b"cls", 1)):
            head = blocks[:, place]
            text = b"".join(name.rjust(8, b"0") + b"." + ending for name in names.tolist())
            head[:, :12] = np.frombuffer(text, dtype=np.uint8).reshape(-1, 12)
            fields = {100: b"0000644", 108: b"0000000", 116: b"0000000", 124: b"%011o" % num_bytes, 136: b"0" * 11}
            for start, field in (fields | {148: b" " * 8, 156: b"0", 257: b"ustar\0" + b"00"}).items():
                head[:, start : start + len(field)] = np.frombuffer(field, dtype=np.uint8)
            sums = b"".join(b"%06o\0 " % total for total in head.sum(axis=1, dtype=np.int64).tolist())
            head[:, 148:156] = np.frombuffer(sums, dtype=np.uint8).reshape(-1, 8)
        content = blocks[:, 1:-2].reshape(len(values), -1)
        content[:, : size - 4 * NUM_VALUES] = np.frombuffer(file.getvalue()[: size - 4 * NUM_VALUES], dtype=np.uint8)
        content[:, size - 4 * NUM_VALUES : size] = values.view(np.uint8)
        blocks[:, 1:-2] = content.reshape(len(values), -1, 512)
        blocks[:, -1, 0] = labels + ord("0")
        paths.append(folder / f"{first // ROWS_PER_SHARD:05d}.tar")
        paths[-1].write_bytes(blocks.tobytes() + bytes(1024))
    return paths


def examples_per_second(prepared: Any) -> float:
    """Of the training steps of one epoch."""
    loop = train(prepared.model, prepared.task, prepared.train_source, prepared.config, plan=Plan())
    return float(loop.examples_seen / loop.history[-1]["train_seconds"])


def from_stream(paths: list[Path], num: int) -> float:
    return examples_per_second(prepare(Stream(paths), steps_per_epoch=num // BATCH, **NETWORK))


def peak_megabytes(paths: list[Path], num: int) -> int:
    """Of a process that trains once through the shards."""
    command = [sys.executable, __file__, "child", "--rows", str(num), "--folder", str(paths[0].parent)]
    return int(json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["peak"]) >> 20


def report(found: dict[str, list[float]], unit: str) -> None:
    for name, values in found.items():
        print(f"{name}: {statistics.median(values):,.5g} {unit} ({min(values):,.5g} to {max(values):,.5g})")


def measure_rows(folder: Path, num: int, rounds: int) -> None:
    paths = write_rows(folder, num)
    parts = [row_values(first, min(ROWS_PER_SHARD, num - first)) for first in range(0, num, ROWS_PER_SHARD)]
    values, labels = (np.concatenate(column) for column in zip(*parts, strict=True))
    del parts
    in_memory = prepare((values, labels), **NETWORK)
    del values
    speeds: dict[str, list[float]] = {"stream": [], "memory": []}
    for _ in range(rounds):
        speeds["memory"].append(examples_per_second(in_memory))
        speeds["stream"].append(from_stream(paths, num))
    report(speeds, "examples per second")
    ratios = [stream / memory for stream, memory in zip(speeds["stream"], speeds["memory"], strict=True)]
    report({"stream / memory": ratios}, "")
    tenth = paths[: max(1, len(paths) // 10)]
    small = num * len(tenth) // len(paths)
    print(f"peak memory: {peak_megabytes(tenth, small)} MB with {small:,} rows", end=", ")
    print(f"{peak_megabytes(paths, num)} MB with {num:,}")


def write_photographs(folder: Path, num: int) -> None:
    """JPEG files in a folder for each kind."""
    from PIL import Image, ImageDraw

    def write(number: int) -> None:
        draw, (width, height) = np.random.default_rng(number), (500, 375)
        coarse = draw.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
        ground = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
        picture = Image.fromarray(np.clip(ground + draw.integers(-12, 13, ground.shape), 0, 255).astype(np.uint8))
        shape = SHAPES[number % 2]
        x, y, side = int(draw.integers(width // 2)), int(draw.integers(height // 2)), height // 3
        paint = ImageDraw.Draw(picture)
        (paint.ellipse if shape == "round" else paint.rectangle)((x, y, x + side, y + side), fill="red")
        picture.save(folder / shape / f"{number:06d}.jpg", quality=88)

    for shape in SHAPES:
        (folder / shape).mkdir(parents=True)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(num)))


def photographs_epoch(prepared: Any, prefetches: bool | None = None) -> None:
    source = prepared.train_source
    if prefetches is not None:
        source.__dict__["prefetches"] = prefetches
    train(prepared.model, prepared.task, source, prepared.config, plan=Plan())


def all_train(table: Any) -> Any:
    return table.with_splits({"train": np.arange(len(table))})


def measure_photographs(folder: Path, given: Path | None, num: int, rounds: int) -> None:
    if given is None:
        given = folder / "photographs"
        write_photographs(given, num)
    os.environ["DERIN_CACHE"] = str(folder / "cache")
    no_room = namedtuple("no_room", "free")(1 << 20)
    with mock.patch.object(spool.shutil, "disk_usage", return_value=no_room):
        table = all_train(derin.load(given, size=PHOTOGRAPHS["size"]))
    encoded = prepare(table, augment="none", **PHOTOGRAPHS)
    kind = type(next(iter(table.columns.values()))).__name__
    print(f"{len(table):,} photographs, {kind}, prefetched by itself: {encoded.train_source.prefetches}")
    rows = np.arange(len(table))
    pixels = next(iter(encoded.encoded.values())).gather(rows).numpy()
    labels = np.concatenate([b["target"].numpy() for b in encoded._source(rows, 256).batches(0)])
    in_memory = prepare(all_train(derin.load((pixels, labels.astype(str)))), augment="none", **PHOTOGRAPHS)

    def decode() -> None:
        source = encoded.train_source
        source.__dict__["prefetches"] = False
        for _ in source.batches(0):
            pass

    ways: dict[str, Callable[[], None]] = {
        "decoding": decode,
        "computing": partial(photographs_epoch, in_memory),
        "both": partial(photographs_epoch, encoded),
        "both, no prefetch": partial(photographs_epoch, encoded, False),
    }
    clocks = (time.perf_counter, time.process_time, time.thread_time)
    measured: list[dict[str, list[float]]] = [{name: [] for name in ways} for _ in clocks]
    for _ in range(rounds):
        for name, run in ways.items():
            started = [clock() for clock in clocks]
            run()
            for found, clock, before in zip(measured, clocks, started, strict=True):
                found[name].append(clock() - before)
    for found, unit in zip(measured, ("seconds", "processor seconds", "of the main thread"), strict=True):
        report(found, unit)
    seconds = measured[0]
    for name in ("both", "both, no prefetch"):
        larger = map(max, seconds["decoding"], seconds["computing"])
        ratios = [whole / alone for whole, alone in zip(seconds[name], larger, strict=True)]
        report({f"{name} / the larger alone": ratios}, "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="rows", choices=["rows", "photographs", "child"])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--photographs", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="of the training steps; 0 is torch's own number")
    parser.add_argument("--folder", type=Path, help="of photographs; none makes some")
    parser.add_argument("--size", type=int, default=PHOTOGRAPHS["size"], help="of the photographs' sides")
    args = parser.parse_args()
    for network in (NETWORK, PHOTOGRAPHS):
        network["threads"] = args.threads
    PHOTOGRAPHS["size"] = args.size
    if args.what == "child":
        from_stream(sorted(args.folder.glob("*.tar"))[: math.ceil(args.rows / ROWS_PER_SHARD)], args.rows)
        # What `getrusage` tells begins with the memory of the process that started this one.
        status = Path("/proc/self/status").read_text()
        print(json.dumps({"peak": 1024 * int(re.search(r"VmHWM:\s*(\d+)", status)[1])}))
        return
    folder = Path(tempfile.mkdtemp(prefix="derin-streams-"))
    try:
        if args.what == "rows":
            measure_rows(folder, args.rows, args.rounds)
        else:
            measure_photographs(folder, args.folder, args.photographs, args.rounds)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
