"""Categories of tables one-hot beside vectors that are learned, from several numbers of classes on, over seeds.

Every seed is another split and another start; all arms of a seed share both. Reads the folder that DERIN_DATA names:
`adult_income`, `avazu_sample`, `movielens_small`.

    DERIN_DATA=../shared/data python benchmarks/table_embeddings.py --set movielens --from 0 51 --seeds 3
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from statistics import fmean
from typing import Any

import derin

SETS: dict[str, tuple[str, dict[str, Any]]] = {
    "adult": ("adult_income/adult.data", {"target": "income"}),
    "avazu": ("avazu_sample/avazu/train.csv", {"target": "click"}),
    "movielens": (
        "movielens_small/ml-latest-small/ratings.csv",
        {"target": "rating", "kinds": {"userId": "category", "movieId": "category"}, "ignore": ("timestamp",)},
    ),
}


_OF_ADULT = (
    "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,capital_gain,"
    "capital_loss,hours_per_week,native_country,income"
)


def named(file: Path, folder: Path) -> Path:
    """The file with the names of its columns, which that of the census lacks."""
    if file.suffix == ".csv":
        return file
    copy = folder / f"{file.stem}.csv"
    copy.write_text(f"{_OF_ADULT}\n{file.read_text().replace(', ', ',')}")
    return copy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=SETS, required=True)
    parser.add_argument("--from", dest="arms", type=int, nargs="+", default=[0, 11, 51], help="classes; 0 is one-hot")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    file, reading = SETS[asked.set]
    found: dict[int, list[dict[str, float]]] = {arm: [] for arm in asked.arms}
    for seed in range(asked.seeds):
        with tempfile.TemporaryDirectory() as folder:
            data = derin.load(named(Path(os.environ["DERIN_DATA"]) / file, Path(folder)), seed=seed, **reading)
        for arm in asked.arms:
            with tempfile.TemporaryDirectory() as folder:
                run = derin.fit(
                    data,
                    model="mlp",
                    inputs={"embeddings": arm},
                    seed=seed,
                    plan="plain",
                    threads=1,
                    report=False,
                    compare=False,
                    progress=False,
                    out=Path(folder) / "run",
                )
            val = run.metrics["val"]
            found[arm].append({name: val[name] for name in ("loss", "accuracy", "auc", "rmse") if name in val})
            print(f"seed {seed}, from {arm}: {found[arm][-1]}", flush=True)
    for arm, runs in found.items():
        means = {name: round(fmean(run[name] for run in runs), 4) for name in runs[0]}
        print(f"from {arm}, mean of {len(runs)} seeds on val: {means}")


if __name__ == "__main__":
    main()
