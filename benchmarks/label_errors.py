"""Labels that were flipped on purpose, and how many are found: python benchmarks/label_errors.py [SET[:SEED] …].

Of some thousand examples of each set 5 % of the labels are exchanged for another class, drawn by the seed. A run is
trained on them, `find_wrong_labels` ranks all labels, and the ranking is held against what was flipped: its precision
where 80 % of the flips are found, and recall and precision of the default cut. Labels that were wrong before count as
false alarms. Needs DERIN_DATA.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

import derin
from derin.api.label_errors import find_wrong_labels
from derin.core.seeds import generator, permutation
from derin.data.table import Dense, Table

SETS = {"mnist": (3_000, 5), "fashion_mnist": (3_000, 5), "turkish_news_topics": (3_000, 8)}
SHARE, FOUND, FOLDS, SEEDS = 0.05, 0.8, 3, (0, 1, 2)


def flipped(name: str, num: int, seed: int) -> tuple[Table, np.ndarray]:
    """Some of the data with wrong labels among them, and which rows these are."""
    table = derin.load(name)
    rows = np.sort(np.concatenate(list(table.splits.values())))
    rows = np.sort(rows[permutation(seed, "sample", 0, len(rows))[:num]])
    target = table.target()
    labels = np.array(table.columns[target.name].values)
    drawn = generator(seed, "flips")
    wrong = drawn.choice(rows, round(SHARE * len(rows)), replace=False)
    labels[wrong] = (labels[wrong] + drawn.integers(1, len(target.classes), len(wrong))) % len(target.classes)
    order = rows[permutation(seed, "splits of sample", 0, len(rows))]
    splits = dict(zip(("train", "val", "test"), np.split(order, [len(rows) * 6 // 10, len(rows) * 8 // 10])))
    changed = {**table.columns, target.name: Dense(labels)}
    splits = {split: np.sort(part) for split, part in splits.items()}
    return Table(
        name=name, schema=table.schema, columns=changed, splits=splits, row_names=table.row_names, recipe=table.recipe
    ), wrong


def measure(name: str, seed: int) -> dict[str, float]:
    """The figures of one set and seed."""
    num, epochs = SETS[name]
    table, wrong = flipped(name, num, seed)
    with tempfile.TemporaryDirectory() as folder:
        run = derin.fit(
            table,
            epochs=epochs,
            seed=seed,
            plan="plain",
            report=False,
            compare=False,
            quiet=True,
            out=Path(folder) / "r",
        )
        found = find_wrong_labels(run, table, folds=FOLDS, max_seconds=0, seed=seed)
    is_wrong = np.isin(found.rows, wrong)
    hits = np.cumsum(is_wrong[found.found.order])
    place = int(np.searchsorted(hits, FOUND * len(wrong))) + 1
    cut = found.found.cut
    return {
        "set": name,
        "seed": seed,
        "examples": len(found.rows),
        "accuracy": found.accuracy,
        "precision_at_80": hits[place - 1] / place,
        "cut_recall": float(is_wrong[cut].sum() / len(wrong)),
        "cut_precision": float(is_wrong[cut].mean()),
        "estimated": found.found.estimated,
        "seconds": found.seconds,
    }


if __name__ == "__main__":
    for asked in sys.argv[1:] or SETS:
        name, _, only = asked.partition(":")
        for seed in [int(only)] if only else SEEDS:
            print(
                json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in measure(name, seed).items()}),
                flush=True,
            )
