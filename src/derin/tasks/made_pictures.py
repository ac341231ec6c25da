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

SAMPLES, FILM, NEAREST = "samples.png", "samples.gif", "nearest.png"
WAY = "way.gif"  # from noise to pictures
REBUILT, LATENT_GRID = "rebuilt.png", "latent_grid.png"
_FOLDER = "samples"
_MOST_LINES = 8
_SHEET_CELL = 56  # px
_WAY_SIDE = 64  # px to which small pictures are enlarged
_MOST_FRAMES = 60
_FRAME_MS, _LAST_FRAME_MS = 120, 2000


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
    shown = _chosen(folder, _MOST_LINES)
    pictures, captions = [], []
    for epoch in shown:
        pictures += _strip(folder, epoch, num)
        captions += [str(epoch), *[""] * (num - 1)]
    return contact_sheet(pictures, captions, num, title=translate("gan.sheet"), cell=_SHEET_CELL), shown


def film(folder: Path, num: int) -> bool:
    """Writes the strips of a run one after the other as an animated GIF, in four columns; False for a single epoch."""
    epochs = _chosen(folder, _MOST_FRAMES)
    if len(epochs) < 2:
        return False
    frames = [contact_sheet(_strip(folder, n, num), [str(n), *[""] * (num - 1)], 4, cell=_SHEET_CELL) for n in epochs]
    _save_film(folder / FILM, frames)
    return True


def nearest_sheet(made: Pixels, nearest: Pixels) -> Image.Image:
    """Made pictures, and below each the picture of the training that is nearest to it."""
    return contact_sheet([*made, *nearest], [""] * (2 * len(made)), len(made), cell=_SHEET_CELL)


def _chosen(folder: Path, most: int) -> list[int]:
    """Epochs of which strips are there; of many some, which stand closer together early, where much happens."""
    epochs = sorted(int(path.stem.partition("-")[2]) for path in (folder / _FOLDER).glob("epoch-*.png"))
    places = np.unique(np.geomspace(1, len(epochs), min(most, len(epochs))).round().astype(int)) - 1
    return [epochs[place] for place in places]


def _strip(folder: Path, epoch: int, num: int) -> list[Pixels]:
    """The pictures of an epoch, RGB."""
    from PIL import Image

    with Image.open(_path(folder, epoch)) as image:
        strip = np.asarray(image.convert("RGB"))
    if strip.shape[1] % num:
        raise RefusedFileError(f"The samples {_path(folder, epoch)} are not {num} pictures side by side.")
    return np.split(strip, num, axis=1)


def save_way(path: Path, frames: list[Pixels]) -> None:
    """Writes a moving picture in which each picture stands still beside the others and changes from frame to frame.

    Args:
        path: of the GIF.
        frames: of each time all pictures.

    Shapes:
        frames ``(N, height, width, 1 or 3)`` each.
    """
    times = max(_WAY_SIDE // frames[0].shape[1], 1)
    strips = [np.concatenate(list(frame.repeat(times, 1).repeat(times, 2)), axis=1) for frame in frames]
    _save_film(path, [_image(strip) for strip in strips])


def _save_film(path: Path, frames: list[Image.Image]) -> None:
    """Frames one after the other as an animated GIF that rests on the last one."""
    shown = [_FRAME_MS] * (len(frames) - 1) + [_LAST_FRAME_MS]
    with open_atomically(path) as file:
        frames[0].save(file, format="GIF", save_all=True, append_images=frames[1:], duration=shown, loop=0)


def grid(pictures: Pixels, columns: int) -> Image.Image:
    """Pictures on a sheet."""
    return contact_sheet(list(pictures), [""] * len(pictures), columns)


def _path(folder: Path, epoch: int) -> Path:
    return folder / _FOLDER / f"epoch-{epoch:04}.png"


def _image(pixels: Pixels) -> Image.Image:
    from PIL import Image

    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
