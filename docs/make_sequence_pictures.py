"""Makes the pictures of docs/sequences.md again, by way of the commands that a user types.

Both show data made by a rule: dates in the forms in which people write them, and the load of an invented town, hour by
hour.
"""

from __future__ import annotations

import csv
import math
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from make_pictures import derin, make_all, save
from PIL import Image

DATE = "the 3rd of May 1979"
HOURS = 24 * 7 * 12


def main() -> None:
    """Makes both pictures."""
    make_all({"alignment.png": alignment, "forecast.png": forecast}, save)


def alignment(work: Path) -> Image.Image:
    """Where the network looks while it writes a date."""
    derin(work, "train", "dates_en", "--out", "dates")
    derin(work, "translate", "dates", DATE, "--attention", "alignment.png")
    return Image.open(work / "alignment.png").convert("RGB")


def forecast(work: Path) -> Image.Image:
    """Two days of load with their interval."""
    write_load(work / "load.csv")
    settings = ("--task", "forecasting", "--horizon", "48", "--context-length", "168", "--out", "load")
    derin(work, "train", "load.csv", *settings)
    derin(work, "forecast", "load", "--out", "forecast.png")
    return Image.open(work / "forecast.png").convert("RGB")


def write_load(path: Path) -> None:
    """Twelve weeks: two humps a day, quiet weekends, weather that drifts, and noise."""
    generator, weather, start = np.random.default_rng(7), 0.0, datetime(2024, 1, 1)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time", "load"])
        for hour in range(HOURS):
            now = start + timedelta(hours=hour)
            day = math.sin((now.hour - 7) / 24 * 2 * math.pi) + 0.5 * math.sin((now.hour - 4) / 12 * 2 * math.pi)
            weather = 0.98 * weather + 0.1 * generator.normal()
            load = 60 + 14 * day * (0.55 if now.weekday() > 4 else 1.0) + 4 * weather + generator.normal()
            writer.writerow([f"{now:%Y-%m-%d %H:%M}", f"{load:.2f}"])


if __name__ == "__main__":
    main()
