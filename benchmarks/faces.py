"""Faces: how long finding and embedding take, and how well people are told apart from raw pictures.

    python benchmarks/faces.py [--threads 2] [--runs 5]

Needs DERIN_DATA with the weights of MTCNN and MobileFaceNet, faces_lfw10, faces_orl and photos_and_paintings. Time is
by the clock and by the processor, of one picture of 640×480 at a time: with six faces, with one, and without any.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from derin.apps.faces.evaluation import evaluate_faces
from derin.apps.faces.recognizer import FaceRecognizer
from derin.datasets.named import data_folder

SIZE = (640, 480)
WARM_UP = 3


def pictures(folder: Path) -> dict[str, np.ndarray]:
    """One of each kind, 480×640."""
    crowd = Image.open(folder / "photos_and_paintings" / "multiface.jpg").convert("RGB").resize(SIZE)
    with zipfile.ZipFile(folder / "faces_lfw10" / "lfw10.zip") as archive:
        one = Image.open(io.BytesIO(archive.read("lfw10/Ariel_Sharon/Ariel_Sharon_0001.jpg"))).convert("RGB")
    around = Image.new("RGB", SIZE)
    around.paste(one.resize((480, 480)), (80, 0))
    nothing = Image.open(folder / "photos_and_paintings" / "starry_night.jpg").convert("RGB").resize(SIZE)
    return {"six faces": np.array(crowd), "one face": np.array(around), "a painting without any": np.array(nothing)}


def measure(name: str, call: Callable[[], Any], runs: int) -> None:
    for _ in range(WARM_UP):
        call()
    clock, processor = [], []
    for _ in range(runs):
        before = time.perf_counter(), time.process_time()
        call()
        clock.append(1e3 * (time.perf_counter() - before[0]))
        processor.append(1e3 * (time.process_time() - before[1]))
    print(
        f"{name:32} {statistics.median(clock):7.1f} ms ({min(clock):.1f} to {max(clock):.1f}), "
        f"processor {statistics.median(processor):7.1f} ms, {1e3 / statistics.median(clock):5.1f} pictures/s"
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--runs", type=int, default=9)
    asked = arguments.parse_args()
    torch.set_num_threads(asked.threads)
    folder = data_folder()
    if folder is None:
        raise SystemExit("Set DERIN_DATA to the folder with weights and pictures.")
    recognizer = FaceRecognizer()
    for name, picture in pictures(folder).items():
        measure(f"find, {name}", lambda picture=picture: recognizer.find(picture), asked.runs)
    one = pictures(folder)["one face"]
    measure("find and embed, one face", lambda: recognizer.embed(one, largest=True), asked.runs)
    measure("embed, cropped", lambda: recognizer.embed(one[:, 80:560], cropped=True), asked.runs)
    for name, pairs in {"LFW, 10 people": "faces_lfw10/pairs.csv", "ORL, 40 people": "faces_orl/orl_faces.zip"}.items():
        begun = time.process_time()
        found = evaluate_faces(recognizer, folder / pairs)
        rates = found.identification
        assert rates is not None
        spent = 1e3 * (time.process_time() - begun) / found.num_pictures
        print(f"{name}, {found.num_pairs} pairs: accuracy {found.accuracy:.4f} ± {found.standard_error:.4f}, ", end="")
        print(f"EER {found.eer:.4f}, AUC {found.auc:.5f}, threshold {found.threshold:.4f}; ", end="")
        print(f"nearest {rates.nearest:.4f}, one picture enrolled {rates.one_picture:.4f}; ", end="")
        print(f"{found.num_whole} pictures without a face; processor {spent:.1f} ms a picture")


if __name__ == "__main__":
    main()
