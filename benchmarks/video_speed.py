"""A detector on a video: what each part of a frame costs, and how many frames a second come out at the end.

python benchmarks/video_speed.py [--threads 1 2] [--frames 24] [--model yolo] [--size 320] [--with-onnx] [--out FILE]

The video is generated: 640 × 480 pixels, shapes that move over noise. The network has random weights, and the threshold
is set so that some ten boxes of each frame are answers, as many as a street shows. Parts are run one after the other
over the same frames, and every line is printed as soon as it is known: milliseconds of a frame by the clock and by the
processor (of all threads together), the smaller of two passes: on a machine that others use the second is what can be
compared. Then comes what `derin predict RUN VIDEO --out OUT.mp4` does, with its parts beside one another.

The network is computed as torch has it, as a recorded program whose steps oneDNN joins, the same in bf16 where the
processor has that, and with --with-onnx by ONNX Runtime; writing it as ONNX takes longer than all the rest.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterable
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
from derin.export.session import OnnxSession
from derin.models import build
from derin.tasks.box_selection import select_boxes
from derin.tasks.detection import Detection

HEIGHT, WIDTH = 480, 640
THINGS, ANSWERS, CLASSES = 12, 10, 3
PASSES, BATCH = 2, 8  # the batch is that of a video of this size


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
    frames = [frame.pixels for frame, _ in zip(VideoReader(video), range(4))]
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


class Table:
    """Lines of what was measured, printed as they come.

    Args:
        threads: of torch, which stands at each line.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.found: dict[str, Any] = {}

    def add(self, name: str, work: Callable[[], int], passes: int = PASSES) -> None:
        """Milliseconds of a frame, of the quicker pass; the work says how many frames it did."""
        clock, processor = [], []
        for _ in range(passes):
            began, began_processor = time.perf_counter(), time.process_time()
            num = work()
            clock.append(1000 * (time.perf_counter() - began) / num)
            processor.append(1000 * (time.process_time() - began_processor) / num)
        self.found[name] = {"clock": round(min(clock), 2), "processor": round(min(processor), 2)}
        print(f"{self.threads} {name:<28}{min(clock):>9.1f}{min(processor):>11.1f}", flush=True)


def count(results: Iterable[Any]) -> int:
    return sum(1 for _ in results)


def measure(model: Model, video: Path, folder: Path, threads: int, *, with_onnx: bool) -> dict[str, Any]:
    codec = model.preparation.input  # type: ignore[attr-defined]
    frames = list(VideoReader(video))
    batches = [[frame.pixels for frame in frames[start : start + BATCH]] for start in range(0, len(frames), BATCH)]
    num, table = len(frames), Table(threads)
    table.add("reading", lambda: count(VideoReader(video)))
    inputs: list[Tensor] = []

    def letterbox() -> int:
        inputs[:] = [codec.to_model_input(torch.from_numpy(codec.read(some))) for some in batches]
        return num

    table.add("letterbox", letterbox)
    some = inputs[:2]  # of the network a few batches tell as much as all
    with torch.inference_mode():

        def computing(compute: Callable[[Tensor], Tensor]) -> Callable[[], int]:
            return lambda: BATCH * count([compute(x) for x in some])

        table.add("network, torch", computing(model.network))
        began = time.process_time()
        model.warm_up(BATCH, with_onnx=False)
        program = model.warm_network()
        print(f"{threads} {'(recording, once, seconds)':<37}{time.process_time() - began:>11.1f}", flush=True)
        table.add("network, oneDNN", computing(program))
        if torch.ops.mkldnn._is_mkldnn_bf16_supported():
            with torch.autocast("cpu", torch.bfloat16):
                table.add("network, torch in bf16", computing(model.network))
        else:
            print(f"{threads} {'network in bf16':<28} this processor has no bf16", flush=True)
        if with_onnx:
            began = time.process_time()
            session = OnnxSession(model.network, some[0][0], lambda n, g: [torch.rand(n, *some[0].shape[1:])])
            print(f"{threads} {'(writing ONNX, once, seconds)':<37}{time.process_time() - began:>11.1f}", flush=True)
            table.add("network, ONNX Runtime", computing(session))
        outputs = [program(x) for x in inputs]
    least = min(model.task.thresholds)  # as where nothing is measured: what is less probable hides no answer
    table.add("suppression", lambda: BATCH * count(select_boxes(o, CLASSES, least) for o in outputs))
    answers = [answer for each in batches for answer in model.predictions(each)]
    print(f"  boxes in a frame: {sum(len(answer.boxes) for answer in answers) / num:.1f}")
    drawn: list[Any] = []

    def draw() -> int:
        drawn[:] = [answer.drawn() for answer in answers]
        return num

    table.add("drawing", draw)

    def write() -> int:
        opened = open_video_writer(folder / "w.mp4", (HEIGHT, WIDTH), rate=Fraction(25), time_base=Fraction(1, 25))
        with opened as writer:
            for number, picture in enumerate(drawn):
                writer.write(picture, number)
        return num

    table.add("writing", write)
    rates: list[float] = []

    def whole() -> int:
        found = model.predict_video(video, out=folder / "out.mp4", track=True)
        num = count(found)
        rates.append(found.frames_per_second)
        return num

    table.add("derin predict VIDEO --out", whole)
    print(f"  frames per second: {max(rates):.1f}", flush=True)
    return {**table.found, "frames_per_second": round(max(rates), 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--model", default="yolo")
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--with-onnx", action="store_true")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    print(f"threads, part{'':<19} clock, processor in ms a frame", flush=True)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        video = folder / "scene.mp4"
        write_scene(video, asked.frames // BATCH * BATCH)
        model = untrained(asked.model, asked.size, video, folder)
        for threads in asked.threads:
            torch.set_num_threads(threads)  # of every thread: the network computes in one of its own
            found[str(threads)] = measure(model, video, folder, threads, with_onnx=asked.with_onnx)
    if asked.out is not None:
        asked.out.write_text(json.dumps({**vars(asked), "out": None, "found": found}, indent=1))


if __name__ == "__main__":
    main()
