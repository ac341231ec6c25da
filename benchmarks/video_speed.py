"""A detector on a video: what each stage of a frame costs, and how many frames a second come out at the end.

python benchmarks/video_speed.py [--threads 2] [--frames 200] [--model yolo] [--size 320] [--batch 4] [--out video.json]

The video is generated: 640 × 480 pixels, shapes that move over noise. The network has random weights, whose biases are
set so that some ten boxes of each frame are answers, as many as a street shows. Stages are run one after the other over
the same frames; of each the milliseconds of a frame are given by the clock and by the processor (of all threads
together), the smallest of three passes: on a machine that others use the second is what can be compared. Then the whole
of `derin predict RUN VIDEO --out OUT.mp4` is run as it is, with its stages beside one another.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import derin
from derin.api.bundles import save_model
from derin.api.model import Model
from derin.data.codecs.boxes import BoxesCodec
from derin.data.columns import ColumnsPreparation
from derin.data.pictures.codec import PictureCodec
from derin.data.video.reading import VideoReader
from derin.data.video.writing import open_video_writer
from derin.models import build
from derin.tasks.box_selection import select_boxes
from derin.tasks.detection import Detection

HEIGHT, WIDTH = 480, 640
THINGS, ANSWERS, CLASSES = 12, 10, 3
PASSES = 3


def write_scene(path: Path, num_frames: int) -> None:
    random = np.random.default_rng(0)
    ground = random.integers(60, 120, (HEIGHT // 8, WIDTH // 8, 3)).repeat(8, axis=0).repeat(8, axis=1).astype(np.uint8)
    places, ways = random.uniform(0, 400, (THINGS, 2)), random.uniform(-3, 3, (THINGS, 2))
    colors = random.integers(0, 256, (THINGS, 3), dtype=np.uint8)
    with open_video_writer(path, (HEIGHT, WIDTH), rate=Fraction(25), time_base=Fraction(1, 25)) as writer:
        for number in range(num_frames):
            pixels = ground.copy()
            for place, way, color in zip(places, ways, colors):
                top, left = ((place + number * way) % 400).astype(int)
                pixels[top : top + 50, left : left + 40] = color
            writer.write(pixels, number)


def untrained(name: str, size: int, video: Path, folder: Path) -> Model:
    """A detector of random weights of which some boxes in each frame are answers."""
    network = build(name, input_shape=(3, size, size), num_outputs=CLASSES, seed=0).eval()
    codec = PictureCodec(column="picture", size=(size, size), channels=3, mean=(0.4,) * 3, std=(0.2,) * 3, rule="pad")
    preparation = ColumnsPreparation({"input": codec}, {"target": BoxesCodec(column="boxes", frame=codec.frame)})
    frames = [frame.pixels for frame, _ in zip(VideoReader(video), range(8))]
    with torch.inference_mode():
        output = network(codec.to_model_input(torch.from_numpy(codec.read(frames))))
    scores = select_boxes(output, CLASSES, 0.0)[1]
    # So many boxes are left in a frame on average.
    threshold = float(scores.flatten().sort(descending=True).values[ANSWERS * len(frames)])
    task = Detection(
        columns=["boxes"], classes=[f"thing {n}" for n in range(CLASSES)], thresholds=[threshold] * CLASSES
    )
    save_model(folder / "model", network, task, preparation, {})
    return derin.open(folder / "model")


def measured(work: Callable[[], int]) -> dict[str, float]:
    """Milliseconds of a frame, of the quickest of some passes; the work says how many frames it did."""
    clock, processor = [], []
    for _ in range(PASSES):
        began, began_processor = time.perf_counter(), time.process_time()
        num = work()
        clock.append(1000 * (time.perf_counter() - began) / num)
        processor.append(1000 * (time.process_time() - began_processor) / num)
    return {"clock": round(min(clock), 2), "processor": round(min(processor), 2)}


def count(results: Iterable[Any]) -> int:
    return sum(1 for _ in results)


def parts(items: list[Any], size: int) -> Iterator[list[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def stages(model: Model, video: Path, batch: int, folder: Path) -> dict[str, Any]:
    codec = model.preparation.input  # type: ignore[attr-defined]
    frames = list(VideoReader(video))
    frames = frames[: len(frames) // batch * batch]
    pixels = [frame.pixels for frame in frames]
    num = len(frames)
    found: dict[str, Any] = {"reading": measured(lambda: count(VideoReader(video)))}
    inputs: list[Tensor] = []

    def letterbox() -> int:
        inputs[:] = [codec.to_model_input(torch.from_numpy(codec.read(some))) for some in parts(pixels, batch)]
        return num

    found["letterbox"] = measured(letterbox)
    ways = model.warm_up(batch)[batch]
    found["ways"] = {name: round(1000 * seconds / batch, 2) for name, seconds in ways.items()}
    outputs: list[Tensor] = []
    network = model.warm_network()

    def compute() -> int:
        with torch.inference_mode():
            outputs[:] = [network(x) for x in inputs]
        return num

    found["network"] = measured(compute)
    found["suppression"] = measured(lambda: batch * count(select_boxes(o, CLASSES) for o in outputs))
    answers = [answer for some in parts(pixels, batch) for answer in model.predictions(some)]
    found["boxes in a frame"] = round(sum(len(answer.boxes) for answer in answers) / num, 1)
    found["predictions (letterbox, network, suppression, words)"] = measured(
        lambda: sum(len(model.predictions(some)) for some in parts(pixels, batch))
    )
    drawn: list[Any] = []

    def draw() -> int:
        drawn[:] = [answer.drawn() for answer in answers]
        return num

    found["drawing"] = measured(draw)

    def write() -> int:
        opened = open_video_writer(folder / "w.mp4", (HEIGHT, WIDTH), rate=Fraction(25), time_base=Fraction(1, 25))
        with opened as writer:
            for number, picture in enumerate(drawn):
                writer.write(picture, number)
        return num

    found["writing"] = measured(write)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--model", default="yolo")
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)  # of every thread: the network computes in one of its own
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        video = folder / "scene.mp4"
        write_scene(video, asked.frames)
        model = untrained(asked.model, asked.size, video, folder)
        found = stages(model, video, asked.batch, folder)
        found["whole"] = measured(lambda: count(model.predict_video(video, out=folder / "out.mp4", track=True)))
    print("whole", found["whole"])
    found["frames per second"] = round(1000 / found["whole"]["clock"], 1)
    print(json.dumps(found, indent=1))
    if asked.out is not None:
        asked.out.write_text(json.dumps({**vars(asked), "out": None, "found": found}, indent=1))


if __name__ == "__main__":
    main()
