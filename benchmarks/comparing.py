"""How well networks compare classes that they never saw: faces of ORL, letters of Omniglot, digits with garments.

Everything with the defaults of `derin train DATA --task embedding`. Reads the folder that DERIN_DATA names:
`faces_orl`, `omniglot_small1`, `mnist`, `fashion_mnist`, `faces_lfw10`.

    DERIN_DATA=../shared/data python benchmarks/comparing.py orl
    DERIN_DATA=../shared/data python benchmarks/comparing.py omniglot
    DERIN_DATA=../shared/data python benchmarks/comparing.py digits
    DERIN_DATA=../shared/data python benchmarks/comparing.py nn1
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

import derin

_DATA = Path(os.environ.get("DERIN_DATA", "../shared/data"))


def orl(folder: Path, options: dict[str, Any]) -> None:
    """Four groups of ten people, each never seen by the network that is measured on it; asked: mean EER ≤ 0.10."""
    errors, raw = [], []
    for group in range(4):
        people = [f"s{number}" for number in range(group * 10 + 1, group * 10 + 11)]
        started, used = time.perf_counter(), time.process_time()
        run = derin.fit(
            _DATA / "faces_orl" / "orl_faces.zip",
            task="embedding",
            hold_out=people,
            out=folder / f"orl-{group}",
            quiet=True,
            **options,
        )
        errors.append(run.metrics["test"]["eer"])
        raw.append(run.record["findings"]["baseline"]["eer"])
        seconds, processor = time.perf_counter() - started, time.process_time() - used
        print(
            f"s{group * 10 + 1}-s{group * 10 + 10}: EER {errors[-1]:.3f} (val {run.metrics['val']['eer']:.3f}), raw "
            f"pixels {raw[-1]:.3f}, {seconds:.0f} s, {processor:.0f} s of processor time",
            flush=True,
        )
    print(f"mean EER {fmean(errors):.3f}, raw pixels {fmean(raw):.3f}")


def omniglot(folder: Path, options: dict[str, Any]) -> None:
    """20-way one-shot on the letters of alphabets that were not trained on; asked: ≥ 0.80."""
    data = _DATA / "omniglot_small1" / "images_background_small1.zip"
    run = derin.fit(
        data,
        task="embedding",
        reader_options={"classes": "innermost"},  # a class is a letter, and its folder lies in that of its alphabet
        hold_out=["Greek", "Latin"],
        out=folder / "omniglot",
        quiet=True,
        **options,
    )
    print(run.metrics["test"], derin.open(run.path).evaluate(data, one_shot=20).metrics["one_shot"])


def digits(folder: Path, options: dict[str, Any]) -> None:
    """Trained on 0 to 6; 5-way one-shot on 7, 8, 9, trousers and bags; guessing reaches 0.2."""
    run = derin.fit("mnist", task="embedding", hold_out=["7", "8", "9"], out=folder / "digits", quiet=True, **options)
    pictures, names = [], []
    for data, wanted in (("mnist", ("7", "8", "9")), ("fashion_mnist", ("Trouser", "Bag"))):
        table = derin.load(data)
        target, rows = table.target(), table.splits["test"]
        classes = np.array(target.classes)[table[target.name].take(rows)]  # type: ignore[attr-defined]
        for name in wanted:
            chosen = rows[classes == name][:300]
            pictures.append(table[table.inputs[0].name].take(chosen))  # type: ignore[attr-defined]
            names += [name] * len(chosen)
    found = derin.open(run.path).evaluate((np.concatenate(pictures), np.array(names)), one_shot=5).metrics
    print(run.metrics["test"], found["one_shot"])


def nn1(folder: Path, options: dict[str, Any]) -> None:
    """A few steps of FaceNet NN1 on faces of 220 pixels, its memory, and its file in ONNX."""
    run = derin.fit(
        _DATA / "faces_lfw10" / "lfw10.zip",
        task="embedding",
        model="facenet_nn1",
        size=220,
        batch_size=8,
        epochs=1,
        hold_out=["Tony_Blair", "Hugo_Chavez"],
        out=folder / "nn1",
        plan="plain",
        compare=False,
        report=False,
        quiet=True,
        **options,
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print({name: line["running"]["loss"] for name, line in enumerate(run.history)}, f"{memory:.1f} GB at most")
    print(derin.open(run.path).export(folder / "nn1.onnx")["outputs"])


_MEASURED = {"orl": orl, "omniglot": omniglot, "digits": digits, "nn1": nn1}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=_MEASURED)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="derin-") as folder:
        _MEASURED[asked.what](Path(folder), {"seed": asked.seed, "threads": asked.threads})


if __name__ == "__main__":
    main()
