"""Samples of a generator on disk: a strip of pictures for every epoch, and a sheet that shows how they came about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from derin.core.errors import RefusedFileError
from derin.core.files import open_atomically
from derin.core.messages import translate
from derin.data.sheet import contact_sheet

if TYPE_CHECKING:
    from PIL import Image

Pixels = npt.NDArray[np.uint8]

SAMPLES = "samples.png"
_FOLDER = "samples"
_MOST_LINES = 8
_SHEET_CELL = 56  # px


def save_strip(folder: Path, epoch: int, pictures: Pixels) -> None:
    """Writes pictures side by side, pixel for pixel, as ``samples/epoch-0001.png`` of a run.

    Shapes:
        pictures ``(N, height, width, 1 or 3)``.
    """
    strip = np.concatenate(list(pictures), axis=1)
    (folder / _FOLDER).mkdir(exist_ok=True)
    with open_atomically(_path(folder, epoch)) as file:
        _image(strip).save(file, format="PNG")


def overview(folder: Path, num: int) -> tuple[Image.Image, list[int]]:
    """A sheet of the strips of a run, the earliest above, some of many; and the epochs that it shows."""
    from PIL import Image

    epochs = sorted(int(path.stem.partition("-")[2]) for path in (folder / _FOLDER).glob("epoch-*.png"))
    # Much happens early: the lines stand closer together there.
    places = np.unique(np.geomspace(1, len(epochs), min(_MOST_LINES, len(epochs))).round().astype(int)) - 1
    shown = [epochs[place] for place in places]
    pictures, captions = [], []
    for epoch in shown:
        with Image.open(_path(folder, epoch)) as image:
            strip = np.asarray(image.convert("RGB"))
        if strip.shape[1] % num:
            raise RefusedFileError(f"The samples {_path(folder, epoch)} are not {num} pictures side by side.")
        pictures += np.split(strip, num, axis=1)
        captions += [str(epoch), *[""] * (num - 1)]
    return contact_sheet(pictures, captions, num, title=translate("gan.sheet"), cell=_SHEET_CELL), shown


def grid(pictures: Pixels, columns: int) -> Image.Image:
    """Pictures on a sheet."""
    return contact_sheet(list(pictures), [""] * len(pictures), columns)


def _path(folder: Path, epoch: int) -> Path:
    return folder / _FOLDER / f"epoch-{epoch:04}.png"


def _image(pixels: Pixels) -> Image.Image:
    from PIL import Image

    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
