"""Pictures from descriptions that no training picture had, judged by a reader that never saw a made one.

python benchmarks/scenes.py
python benchmarks/scenes.py --flow runs/scenes --reader runs/reader

The flow learns 24,000 scenes of two objects with their sentences. The reader, a small network with five outputs, learns
from the same true pictures which shapes and colors the first and the second object have and how they lie; its accuracy
on true pictures of unseen sentences is stated first, and below 0.99 it judges nothing. Then each of the 500 sentences
that are in no training picture is drawn once. A picture is right where the reader finds all five as the sentence says.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import derin
from derin.data.schema import Role, Schema
from derin.data.table import Table
from derin.datasets.generated.scenes import PARTS, parts_of, scenes, unseen_sentences

ASKED, ASKED_OF_READER = 0.80, 0.99


def for_the_reader(table: Table) -> Table:
    """The same pictures, with what they show in place of the sentence."""
    roles = {"picture": Role.INPUT, "caption": Role.IGNORED}
    columns = (replace(column, role=roles.get(column.name, Role.TARGET)) for column in table.schema)
    return replace(table, schema=Schema(tuple(columns)))


def read(reader: Any, table: Table, pictures: np.ndarray) -> np.ndarray:
    """The places in their classes of what the reader finds, ``(N, 5)``."""
    answers = reader.predict(pictures)
    classes = {name: table.schema[name].classes or () for name in PARTS}
    return np.array([[classes[name].index(answer[name].label) for name in PARTS] for answer in answers])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flow", type=Path, help="a run or bundle of --task flow on scenes; else one is trained")
    parser.add_argument("--reader", type=Path, help="a run or bundle of the reader; else one is trained")
    parser.add_argument("--epochs", type=int, help="of the flow; else those of its recipe")
    parser.add_argument("--steps", type=int, help="from noise to picture")
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--num", type=int, default=500, help="sentences")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="a folder for the runs; else they are not kept")
    args = parser.parse_args()
    table = scenes()
    with tempfile.TemporaryDirectory() as folder:
        out = args.out or Path(folder)
        if args.reader is None:
            derin.fit(for_the_reader(table), out=out / "reader", epochs=4, threads=args.threads, report=False)
        if args.flow is None:
            given = {} if args.epochs is None else {"epochs": args.epochs}
            derin.fit("scenes", out=out / "flow", threads=args.threads, **given)
        reader, flow = derin.open(args.reader or out / "reader"), derin.open(args.flow or out / "flow")
        rows = table.splits["test"]
        true = np.stack([table.columns[name].values[rows] for name in PARTS], 1)  # type: ignore[union-attr]
        found = read(reader, table, table.columns["picture"].values[rows])  # type: ignore[union-attr]
        of_reader = float((found == true).all(1).mean())
        print(f"reader: all five right of {of_reader:.4f} of {len(rows)} true pictures (asked {ASKED_OF_READER})")
        if of_reader < ASKED_OF_READER:
            raise SystemExit("The reader is not good enough to judge; train it longer.")
        sentences = unseen_sentences()[: args.num]
        began = time.process_time()
        wishes = {"steps": args.steps, "guidance": args.guidance}
        made = [flow.make_pictures(1, seed=n, text=text, **wishes).pixels[0] for n, text in enumerate(sentences)]
        seconds = time.process_time() - began
        right = read(reader, table, np.stack(made)) == np.array([parts_of(text) for text in sentences])
    share = right.all(1).mean()
    error = float(np.sqrt(share * (1 - share) / len(sentences)))
    print(
        json.dumps(
            {
                "right": float(share),
                "standard_error": error,
                "asked": ASKED,
                **dict(zip(PARTS, right.mean(0).tolist(), strict=True)),
                "reader": of_reader,
                "num": len(sentences),
                "cpu_seconds_per_picture": seconds / len(sentences),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
