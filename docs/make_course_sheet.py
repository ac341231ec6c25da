"""Makes the sheet of the course's pages again: each in small, by turns English on light and Turkish on dark ground.

Photographed by a headless Chromium; where there is none, the sheet stays as it was and a sentence says so.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from make_pictures import PICTURES, Missing, save
from make_trace_pictures import photograph
from PIL import Image

from derin.lessons.course.registry import COURSE
from derin.lessons.course.site import build_course

SHEET = "course-pages.png"
PAGES = ("index", *COURSE, "playground", "glossary")
SIZE = (1100, 2300)  # of a window
SMALL = (150, 314)
COLUMNS, GAP = 7, 6


def main() -> None:
    """Photographs every page and puts all on one sheet."""
    with tempfile.TemporaryDirectory(prefix="derin-docs-") as temporary:
        work = Path(temporary)
        build_course(work)
        fragments = ("lang=en&theme=light&open=1", "lang=tr&theme=dark&open=1")
        try:
            pictures = [
                photograph(work, f"{page}.html", fragments[place % 2], SIZE) for place, page in enumerate(PAGES)
            ]
        except Missing as reason:
            print(f"{SHEET} was left as it was: {reason}.")
            return
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (SMALL[0] + GAP) + GAP, rows * (SMALL[1] + GAP) + GAP), (200, 204, 212))
    for place, picture in enumerate(pictures):
        row, column = divmod(place, COLUMNS)
        small = picture.resize(SMALL, Image.Resampling.LANCZOS)
        sheet.paste(small, (GAP + column * (SMALL[0] + GAP), GAP + row * (SMALL[1] + GAP)))
    print(f"{SHEET}: {save(sheet, PICTURES / SHEET):,} bytes")


if __name__ == "__main__":
    main()
