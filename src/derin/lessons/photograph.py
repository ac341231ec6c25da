"""The picture that a lesson works on: the user's own, a painting where the data sets are at hand, or a drawn scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.core.library_settings import data_folder
from derin.data.pictures.decode import UnreadablePictureError, open_picture

Gray = npt.NDArray[np.float64]
_PAINTING = Path("photos_and_paintings") / "wave.jpg"


def gray_picture(path: str | None, side: int) -> tuple[Gray, str]:
    """A picture in gray, 0 (black) to 1, and its name.

    Args:
        path: of the user's own; None takes Hokusai's wave from `DERIN_DATA`, and where there is none the drawn scene.
        side: its shorter side in pixels; a smaller picture stays as it is.

    Shapes:
        ``(H, W)``.

    Raises:
        DataError: the file is missing or no picture.
    """
    if path is None:
        root = data_folder()
        if root is None or not (root / _PAINTING).is_file():
            return scene(side), "scene"
    place = root / _PAINTING if path is None and root is not None else Path(path or "")
    try:
        image = open_picture(place.read_bytes()).image.convert("L")
    except OSError as error:
        raise DataError(
            f"--image must be a picture that can be read; {str(place)!r}: {error.strerror or error}. Name another file."
        ) from None
    except UnreadablePictureError as error:
        raise DataError(f"--image must be a picture; {str(place)!r} is {error}. Name another file.") from None
    factor = side / min(image.size)
    if factor < 1:
        image = image.resize((max(1, round(image.width * factor)), max(1, round(image.height * factor))))
    return np.asarray(image, dtype=np.float64) / 255, place.name


def scene(side: int) -> Gray:
    """A drawn landscape: sky that grows lighter towards the horizon, a sun, a house with a dark door, and a fence.

    Example:
        >>> scene(60).shape, float(scene(60).min()) >= 0, float(scene(60).max()) <= 1
        ((60, 80), True, True)
    """
    down, right = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 4 / 3, round(side * 4 / 3)), indexing="ij")
    picture = np.where(down < 0.6, 0.45 + 0.4 * down, 0.35)
    picture = np.where((down - 0.2) ** 2 + (right - 1.05) ** 2 < 0.1**2, 1.0, picture)
    wall = (abs(right - 0.4) < 0.25) & (abs(down - 0.6) < 0.2)
    roof = (down > 0.15) & (down <= 0.4) & (abs(right - 0.4) < 1.2 * (down - 0.15))
    door = (abs(right - 0.45) < 0.05) & (down > 0.55) & (down < 0.8)
    fence = (right > 0.75) & (down > 0.68) & (down < 0.82) & (right * 12 % 1 < 0.35)
    for part, brightness in ((wall, 0.85), (roof, 0.2), (door, 0.1), (fence, 0.95)):
        picture = np.where(part, brightness, picture)
    return picture
