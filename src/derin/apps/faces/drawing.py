"""Faces drawn into their picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from derin.apps.faces.finding import Face
from derin.core.errors import StorageError

_COLOR = (0, 200, 80)
_LINES = 300  # a line is as thick as one of so many parts of the picture's longer side


def draw_faces(pixels: npt.NDArray[np.uint8], faces: Sequence[Face], path: Path) -> None:
    """Writes a picture with a box around each face, and its five points.

    Args:
        pixels: of the picture.
        faces: in it.
        path: of the file; its ending says in which form.

    Shapes:
        pixels ``(height, width, 3)``.

    Raises:
        StorageError: it cannot be written.
    """
    from PIL import Image, ImageDraw

    image = Image.fromarray(pixels)
    drawing = ImageDraw.Draw(image)
    width = max(1, max(image.size) // _LINES)
    for face in faces:
        drawing.rectangle(face.box, outline=_COLOR, width=width)
        for x, y in face.points:
            drawing.ellipse((x - width, y - width, x + width, y + width), fill=_COLOR)
    try:
        image.save(path)
    except (OSError, ValueError) as error:
        raise StorageError(f"The picture {path} cannot be written ({error}); name another place.") from error
