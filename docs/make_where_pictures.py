"""Makes the pictures of docs/where.md again, by way of the commands that a user types.

They show blood cells of BCCD (Shenggan Cheng, MIT licence) alone, read from ``DERIN_DATA`` or ``../shared/data``; where
the set is missing, the pictures stay as they were and a sentence says so.
"""

from __future__ import annotations

from pathlib import Path

from make_explain_pictures import at_hand, save
from make_pictures import derin, make_all
from PIL import Image

WIDTH = 1000


def main() -> None:
    """Makes the pictures that can be made here."""
    make_all({"where-sheet.png": sheet, "where-mosaic.png": mosaic}, save)


def sheet(work: Path) -> Image.Image:
    """Pictures with their boxes."""
    derin(work, "data", str(at_hand("bccd", "BCCD.zip")), "--sheet", "sheet.png")
    whole = Image.open(work / "sheet.png").convert("RGB")
    return whole.resize((WIDTH, round(whole.height * WIDTH / whole.width)), Image.Resampling.LANCZOS)


def mosaic(work: Path) -> Image.Image:
    """The first lines of the preview of a mosaic."""
    arguments = ("--preview", "mosaic.png", "--augment", "mosaic=0.7,flip,jitter=0.5")
    derin(work, "data", str(at_hand("bccd", "BCCD.zip")), *arguments)
    whole = Image.open(work / "mosaic.png").convert("RGB")
    some = whole.crop((0, 0, whole.width, whole.height // 2))
    return some.resize((WIDTH, round(some.height * WIDTH / some.width)), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
